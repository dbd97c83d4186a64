/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads `match` and `unless`: a tree of conditions becomes nodes and terms,
 * and what excuses a rule becomes ranges around its match.
 */

#include "error.h"
#include "fields.h"
#include "timestamp.h"
#include "condition.h"
#include "yaml_reader.h"

#define MAX_DEPTH 16

/* ---- expressions ---- */

void clsf__add_escaped(struct clsf__buffer *b, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == 0x7f)
			clsf__buffer_addf(b, "\\x%02x", c);
		else if (strchr("\\^$.[]|()?*+{}#", c))
			clsf__buffer_addf(b, "\\%c", c);
		else
			clsf__buffer_addc(b, (char)c);
	}
}

/* A literal as an expression. */
static const char *escape_literal(struct clsf__reader *r, const char *text, size_t length,
                                  size_t *ret_length)
{
	struct clsf__buffer b;
	clsf__buffer_init(&b, r->file->allocator);
	clsf__add_escaped(&b, text, length);
	const char *copy = "";
	if (b.failed)
		r->no_memory = true;
	else
		copy = clsf__reader_keep(r, b.data ? b.data : "", b.length);
	*ret_length = b.length;
	clsf__buffer_done(&b);
	return copy;
}

static bool check_expression(struct clsf__reader *r, const yaml_node_t *node, const char *pattern,
                             size_t length, size_t prefix)
{
	if (length == 0) {
		FAULT(r, node, "an expression must not be empty");
		return false;
	}
	if (length > CLSF__MAX_EXPRESSION) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, node->start_mark,
		                    "the expression has %zu bytes; the limit is %d", length, CLSF__MAX_EXPRESSION);
		return false;
	}
	struct clsf_error error;
	size_t offset;
	int result = clsf__expression_check(r->file->allocator, pattern, length, &offset, &error);
	if (result == 0)
		return true;
	if (result == CLSF_E_NOMEM) {
		r->no_memory = true;
		return false;
	}
	offset -= offset < prefix ? offset : prefix;
	clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_EXPRESSION, clsf__mark_inside(r, node, offset), "%s",
	                    error.message);
	return false;
}

/* The length of the verbs at the front, such as (*UTF), which nothing may stand before. */
static size_t verbs_length(const char *pattern, size_t length)
{
	size_t at = 0;
	while (at + 1 < length && pattern[at] == '(' && pattern[at + 1] == '*') {
		const char *end = memchr(pattern + at, ')', length - at);
		if (!end)
			break;
		at = (size_t)(end - pattern) + 1;
	}
	return at;
}

/* Fills `term` of a pattern and checks it. */
static bool set_pattern(struct clsf__reader *r, const yaml_node_t *at, const char *pattern, size_t length,
                        uint32_t lines, const char *field, struct clsf__term *term)
{
	static const char multiline[] = "(?m)";
	size_t prefix = 0;
	*term = (struct clsf__term){
		.pattern = pattern, .length = length, .field = field ? field : "", .lines = lines > 1 ? lines : 1,
		.line = (uint32_t)at->start_mark.line + 1,
		.column = (uint32_t)at->start_mark.column + 1,
	};
	if (lines > 1 && length) {
		/* Over several lines, ^ and $ are those of each. */
		size_t verbs = verbs_length(pattern, length);
		prefix = sizeof(multiline) - 1;
		char *copy = clsf__reader_allocate(r, length + prefix + 1);
		if (!copy)
			return false;
		memcpy(copy, pattern, verbs);
		memcpy(copy + verbs, multiline, prefix);
		memcpy(copy + verbs + prefix, pattern + verbs, length - verbs);
		term->pattern = copy;
		term->length = length + prefix;
	}
	return !r->no_memory && check_expression(r, at, term->pattern, term->length, prefix);
}

static bool set_term(struct clsf__reader *r, const yaml_node_t *value, bool literal, uint32_t lines,
                     const char *field, struct clsf__term *term)
{
	if (!is_scalar(value)) {
		FAULT(r, value, "'%s' must be a text", literal ? "text" : field ? "field" : "regex");
		return false;
	}
	size_t length = value->data.scalar.length;
	const char *pattern = literal ? escape_literal(r, scalar(value), length, &length)
	                              : clsf__reader_keep(r, scalar(value), length);
	return set_pattern(r, value, pattern, length, lines, field, term);
}

uint32_t clsf__add_node(struct clsf__reader *r, const yaml_node_t *at, enum clsf__condition_kind kind)
{
	if (r->rule->n_nodes == CLSF__MAX_NODES) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, at->start_mark,
		                    "the condition has more than %d parts", CLSF__MAX_NODES);
		return UINT32_MAX;
	}
	uint32_t index = (uint32_t)r->rule->n_nodes++;
	r->nodes[index] = (struct clsf__node){ .kind = kind };
	return index;
}

/* A node for the next term, which the caller fills and counts. */
static uint32_t add_term_node(struct clsf__reader *r, const yaml_node_t *at)
{
	uint32_t index = clsf__add_node(r, at, CLSF__COND_TERM);
	if (index != UINT32_MAX && r->rule->n_terms == CLSF__MAX_TERMS) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, at->start_mark,
		                    "the condition has more than %d expressions", CLSF__MAX_TERMS);
		return UINT32_MAX;
	}
	return index;
}

uint32_t clsf__add_term(struct clsf__reader *r, const yaml_node_t *value, bool literal, uint32_t lines,
                        const char *field)
{
	uint32_t index = add_term_node(r, value);
	if (index == UINT32_MAX || !set_term(r, value, literal, lines, field, &r->terms[r->rule->n_terms]))
		return UINT32_MAX;
	r->nodes[index].term = (uint32_t)r->rule->n_terms++;
	return index;
}

uint32_t clsf__add_pattern(struct clsf__reader *r, const yaml_node_t *at, const char *pattern, size_t length,
                           uint32_t lines, const char *field)
{
	uint32_t index = add_term_node(r, at);
	if (index == UINT32_MAX ||
	    !set_pattern(r, at, pattern, length, lines, field, &r->terms[r->rule->n_terms]))
		return UINT32_MAX;
	r->nodes[index].term = (uint32_t)r->rule->n_terms++;
	return index;
}

void clsf__add_child(struct clsf__reader *r, uint32_t parent, uint32_t child)
{
	struct clsf__node *node = &r->nodes[parent];
	if (node->n_children++ == 0) {
		node->first_child = child;
		return;
	}
	uint32_t last = node->first_child;
	while (r->nodes[last].next)
		last = r->nodes[last].next;
	r->nodes[last].next = child;
}

/* ---- fields ---- */

const char *clsf__read_path(struct clsf__reader *r, const yaml_node_t *key)
{
	struct clsf__buffer path;
	clsf__buffer_init(&path, r->file->allocator);
	const char *kept = NULL;
	size_t column = 0;
	if (!is_scalar(key) || memchr(scalar(key), '\0', key->data.scalar.length)) {
		FAULT(r, key, "the path of a field must be a text without NUL bytes");
	} else if (!clsf__field_path(scalar(key), key->data.scalar.length, &path, &column) ||
	           (path.length && memchr(path.data, '\0', path.length))) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_RULE, clsf__mark_inside(r, key, column),
		                    "'%.80s' is no path of a field, such as a.b, a[0].b or a[\"b c\"]", scalar(key));
	} else if (path.failed) {
		r->no_memory = true;
	} else {
		kept = clsf__reader_keep(r, path.data, path.length);
	}
	clsf__buffer_done(&path);
	return kept;
}

/* {path: expression, ...}: all of them on one line. */
static uint32_t read_field(struct clsf__reader *r, const yaml_node_t *node)
{
	size_t n = is_mapping(node) ? (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start) : 0;
	if (n == 0) {
		FAULT(r, node, "'field' must be a mapping of paths to expressions");
		return UINT32_MAX;
	}
	uint32_t parent = 0;
	if (n > 1) {
		parent = clsf__add_node(r, node, CLSF__COND_ALL);
		if (parent == UINT32_MAX)
			return parent;
		r->nodes[parent].same_line = true;
	}
	uint32_t term = UINT32_MAX;
	FOR_EACH_PAIR(node, pair) {
		const char *path = clsf__read_path(r, node_at(r, pair->key));
		term = path ? clsf__add_term(r, node_at(r, pair->value), false, 1, path) : UINT32_MAX;
		if (term == UINT32_MAX)
			return term;
		if (n > 1)
			clsf__add_child(r, parent, term);
	}
	return n > 1 ? parent : term;
}

/* ---- windows ---- */

/* "20 lines" or "1 line". */
static bool read_lines(const char *text, size_t length, uint64_t *ret_lines)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 9 || digits >= length)
		return false;
	uint64_t lines = 0;
	for (size_t i = 0; i < digits; i++)
		lines = lines * 10 + (uint64_t)(text[i] - '0');
	const char *unit = text + digits;
	while (*unit == ' ')
		unit++;
	size_t left = length - (size_t)(unit - text);
	*ret_lines = lines;
	return lines && ((left == 5 && memcmp(unit, "lines", 5) == 0) || (left == 4 && memcmp(unit, "line", 4) == 0));
}

/*
 * The next alternative of a window, without blanks around it; what stands
 * between two is "or", '|' or ','. *text is NULL behind the last.
 */
static const char *next_part(const char **text, size_t *ret_length)
{
	const char *start = *text + strspn(*text, " ");
	const char *end = start + strcspn(start, "|,");
	const char *or = strstr(start, " or ");
	*text = *end ? end + 1 : NULL;
	if (or && or < end) {
		end = or;
		*text = or + 4;
	}
	while (end > start && end[-1] == ' ')
		end--;
	*ret_length = (size_t)(end - start);
	return start;
}

/* '200 lines', '30s', or both: '30s or 200 lines'. */
static bool read_window(struct clsf__reader *r, const yaml_node_t *node, struct clsf__window *ret_window)
{
	struct clsf__window window = { 0 };
	bool good = is_scalar(node) && strlen(scalar(node)) == node->data.scalar.length;
	for (const char *text = good ? scalar(node) : NULL; good && text;) {
		size_t length;
		const char *part = next_part(&text, &length);
		uint64_t lines;
		int64_t ns;
		if (!window.lines && read_lines(part, length, &lines))
			window.lines = lines;
		else if (!window.ns && clsf__duration(part, length, &ns))
			window.ns = ns;
		else
			good = false;
	}
	if (!good) {
		FAULT(r, node, "'within' must be lines, time, or both, for example '20 lines', '30s' or "
		               "'30s or 20 lines'");
		return false;
	}
	if (!window.lines)
		window.lines = CLSF__WINDOW_LINES;
	*ret_window = window;
	return true;
}

/* ---- conditions ---- */

static uint32_t read_condition(struct clsf__reader *r, const yaml_node_t *node, unsigned depth);

static bool read_children(struct clsf__reader *r, uint32_t parent, const yaml_node_t *list, const char *key,
                          unsigned depth)
{
	if (!is_list(list) || list_length(list) == 0) {
		FAULT(r, list, "'%s' must be a list of conditions", key);
		return false;
	}
	size_t most = r->nodes[parent].kind == CLSF__COND_ANY ? CLSF__MAX_NODES : CLSF__MAX_CHILDREN;
	if (list_length(list) > most) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, list->start_mark,
		                    "'%s' has more than %zu conditions", key, most);
		return false;
	}
	bool good = true;
	for (size_t i = 0; i < list_length(list); i++) {
		uint32_t child = read_condition(r, list_item(r, list, i), depth + 1);
		if (child == UINT32_MAX)
			good = false;
		else
			clsf__add_child(r, parent, child);
	}
	return good;
}

enum condition_key {
	KEY_REGEX, KEY_TEXT, KEY_FIELD, KEY_ANY, KEY_ALL, KEY_SEQUENCE, KEY_COUNT,
	KEY_KINDS,
	KEY_OF = KEY_KINDS, KEY_WITHIN, KEY_SHOW, KEY_LINES,
	CONDITION_KEYS,
};
static const char *const condition_keys[] = { "regex", "text", "field", "any", "all", "sequence", "count",
	                                      "of", "within", "show", "lines", NULL };

/* Does what `value` says besides its kind go with that kind? All that does not is told. */
static void check_keys(struct clsf__reader *r, const yaml_node_t *node, const yaml_node_t *const *value, int kind)
{
	bool windowed = kind == KEY_ALL || kind == KEY_SEQUENCE || kind == KEY_COUNT;
	bool term = kind == KEY_REGEX || kind == KEY_TEXT || kind == KEY_FIELD;
	if (value[KEY_WITHIN] && !windowed)
		FAULT(r, value[KEY_WITHIN], "'within' goes with all, sequence or count");
	if ((value[KEY_OF] != NULL) != (kind == KEY_COUNT))
		FAULT(r, node, "'count' and 'of' go together");
	if (value[KEY_LINES] && kind != KEY_REGEX)
		FAULT(r, value[KEY_LINES], "'lines' goes with regex");
	if (value[KEY_SHOW] &&
	    (!is_scalar(value[KEY_SHOW]) || strcmp(scalar(value[KEY_SHOW]), "true") != 0 || !term))
		FAULT(r, value[KEY_SHOW], "'show' may be true, on a regex, text or field");
}

/* A node of the kind, with its children and what it keeps. A fault does not keep the rest from being read. */
static uint32_t read_kind(struct clsf__reader *r, const yaml_node_t *node, const yaml_node_t *const *value, int kind,
                          unsigned depth)
{
	uint64_t number = 1;
	if (value[KEY_LINES] && !clsf__yaml_number(value[KEY_LINES], 2, CLSF__MAX_SPAN_LINES, &number))
		FAULT(r, value[KEY_LINES], "'lines' must be a number from 2 to %d", CLSF__MAX_SPAN_LINES);
	if (kind == KEY_REGEX || kind == KEY_TEXT)
		return clsf__add_term(r, value[kind], kind == KEY_TEXT, (uint32_t)number, NULL);
	if (kind == KEY_FIELD)
		return read_field(r, value[kind]);
	static const enum clsf__condition_kind kinds[KEY_KINDS] = {
		[KEY_ANY] = CLSF__COND_ANY, [KEY_ALL] = CLSF__COND_ALL, [KEY_SEQUENCE] = CLSF__COND_SEQUENCE,
		[KEY_COUNT] = CLSF__COND_COUNT,
	};
	uint32_t index = clsf__add_node(r, node, kinds[kind]);
	if (index == UINT32_MAX)
		return index;
	bool good = !value[KEY_WITHIN] || read_window(r, value[KEY_WITHIN], &r->nodes[index].within);
	if (kind != KEY_COUNT)
		return read_children(r, index, value[kind], condition_keys[kind], depth) && good ? index : UINT32_MAX;
	if (!clsf__yaml_number(value[KEY_COUNT], 1, CLSF__MAX_COUNT, &number))
		FAULT(r, value[KEY_COUNT], "'count' must be a number from 1 to %d", CLSF__MAX_COUNT);
	r->nodes[index].count = (uint32_t)number;
	uint32_t child = value[KEY_OF] ? read_condition(r, value[KEY_OF], depth + 1) : UINT32_MAX;
	if (child == UINT32_MAX)
		return child;
	clsf__add_child(r, index, child);
	return good ? index : UINT32_MAX;
}

/* Returns the node's index, UINT32_MAX after a fault. */
static uint32_t read_condition(struct clsf__reader *r, const yaml_node_t *node, unsigned depth)
{
	if (depth > MAX_DEPTH) {
		FAULT(r, node, "the condition is nested more than %d deep", MAX_DEPTH);
		return UINT32_MAX;
	}
	if (clsf__yaml_is_null(node)) {
		FAULT(r, node, "a condition is empty");
		return UINT32_MAX;
	}
	if (is_scalar(node))
		return clsf__add_term(r, node, false, 1, NULL);
	if (!is_mapping(node)) {
		FAULT(r, node, "a condition must be an expression or a mapping");
		return UINT32_MAX;
	}
	const yaml_node_t *value[CONDITION_KEYS] = { NULL };
	unsigned seen = 0;
	size_t faults = r->file->faults;
	FOR_EACH_PAIR(node, pair) {
		int key = clsf__reader_key(r, node_at(r, pair->key), "a condition", condition_keys, &seen);
		if (key >= 0)
			value[key] = node_at(r, pair->value);
	}
	int kinds = 0;
	int kind = 0;
	for (int i = 0; i < KEY_KINDS; i++) {
		if (value[i]) {
			kinds++;
			kind = i;
		}
	}
	/* Where a key is unknown, it may be the kind. */
	if (kinds != 1 && (kinds || r->file->faults == faults))
		FAULT(r, node, "a condition needs exactly one of regex, text, field, any, all, sequence, count");
	if (kinds != 1)
		return UINT32_MAX;
	check_keys(r, node, value, kind);
	uint32_t index = read_kind(r, node, value, kind, depth);
	if (r->file->faults > faults)
		return UINT32_MAX;
	if (index != UINT32_MAX && value[KEY_SHOW]) {
		/* Of several fields any will do: they are of one line. */
		uint32_t shown = r->nodes[index].kind == CLSF__COND_TERM ? index : r->nodes[index].first_child;
		r->nodes[shown].show = true;
		r->rule->shows_term = true;
	}
	return index;
}

bool clsf__read_match(struct clsf__reader *r, const yaml_node_t *node)
{
	return read_condition(r, node, 0) != UINT32_MAX;
}

/* ---- unless ---- */

struct clsf__unless *clsf__add_unless(struct clsf__reader *r, const yaml_node_t *at)
{
	if (r->rule->n_unless == CLSF__MAX_UNLESS) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, at->start_mark,
		                    "'unless' has more than %d items", CLSF__MAX_UNLESS);
		return NULL;
	}
	struct clsf__unless *u = &r->unless[r->rule->n_unless++];
	*u = (struct clsf__unless){ .anchor = UINT32_MAX };
	return u;
}

bool clsf__unless_term(struct clsf__reader *r, const yaml_node_t *value, bool literal, const char *field,
                       struct clsf__term *term)
{
	return set_term(r, value, literal, 1, field, term);
}

enum unless_key { UNLESS_REGEX, UNLESS_TEXT, UNLESS_FIELD, UNLESS_WITHIN, UNLESS_WHERE, UNLESS_KEYS };

/* Where around the match it excuses. */
static void read_range(struct clsf__reader *r, const yaml_node_t *within, const yaml_node_t *where,
                       struct clsf__unless *u)
{
	enum { BEFORE, AFTER, AROUND };
	static const char *const places[] = { "before", "after", "around", NULL };
	int place = AROUND;
	struct clsf__window window;
	if (!within && !where) {
		u->same_line = true;
		return;
	}
	if (where)
		place = clsf__reader_word(r, where, "where", places);
	if (within && read_window(r, within, &window)) {
		u->lower = u->upper = CLSF__BOUND_AT;
		u->timed = window.ns != 0;
		u->lower_ns = -window.ns;
		u->upper_ns = window.ns;
		u->lower_lines = -(int64_t)window.lines;
		u->upper_lines = (int64_t)window.lines;
	}
	if (place == AFTER)
		u->lower = CLSF__BOUND_HERE;
	if (place == BEFORE)
		u->upper = CLSF__BOUND_HERE;
}

static void read_unless_item(struct clsf__reader *r, const yaml_node_t *node)
{
	static const char *const keys[] = { "regex", "text", "field", "within", "where", NULL };
	const yaml_node_t *value[UNLESS_KEYS] = { NULL };
	struct clsf__unless *u = clsf__add_unless(r, node);
	if (!u)
		return;
	if (!is_mapping(node)) {
		u->same_line = true;
		if (is_scalar(node))
			set_term(r, node, false, 1, NULL, &u->term);
		else
			FAULT(r, node, "'unless' must be an expression");
		return;
	}
	unsigned seen = 0;
	FOR_EACH_PAIR(node, pair) {
		int key = clsf__reader_key(r, node_at(r, pair->key), "'unless'", keys, &seen);
		if (key >= 0)
			value[key] = node_at(r, pair->value);
	}
	const yaml_node_t *field = value[UNLESS_FIELD];
	if (!!value[UNLESS_REGEX] + !!value[UNLESS_TEXT] + !!field != 1) {
		FAULT(r, node, "'unless' needs one of regex, text and field");
	} else if (field && (!is_mapping(field) ||
	                     field->data.mapping.pairs.top - field->data.mapping.pairs.start != 1)) {
		FAULT(r, field, "'field' of 'unless' must be a mapping of one path to an expression");
	} else {
		read_range(r, value[UNLESS_WITHIN], value[UNLESS_WHERE], u);
		if (field) {
			const yaml_node_pair_t *pair = field->data.mapping.pairs.start;
			const char *path = clsf__read_path(r, node_at(r, pair->key));
			if (path)
				set_term(r, node_at(r, pair->value), false, 1, path, &u->term);
		} else {
			bool literal = value[UNLESS_TEXT] != NULL;
			set_term(r, value[literal ? UNLESS_TEXT : UNLESS_REGEX], literal, 1, NULL, &u->term);
		}
	}
}

void clsf__read_unless(struct clsf__reader *r, const yaml_node_t *node)
{
	if (!is_list(node))
		read_unless_item(r, node);
	else if (list_length(node) == 0)
		FAULT(r, node, "'unless' is an empty list");
	/* What is too much is told once. */
	for (size_t i = 0; is_list(node) && i < list_length(node) && i <= CLSF__MAX_UNLESS; i++)
		read_unless_item(r, list_item(r, node, i));
	enum clsf_role role = r->rule->public.role;
	for (size_t i = 0; i < r->rule->n_unless; i++) {
		const struct clsf__unless *u = &r->unless[i];
		if (!u->same_line && u->upper != CLSF__BOUND_HERE && role != CLSF_ROLE_CAUSE && role != CLSF_ROLE_SYMPTOM) {
			FAULT(r, node, "a marker counts at once: its 'unless' may look at the same line and before");
			return;
		}
	}
}

/* ---- the end ---- */

/* Each expression once, in the order of the terms. */
static void list_expressions(struct clsf__reader *r)
{
	const char **list = clsf__reader_allocate(r, r->rule->n_terms * sizeof(*list));
	size_t n = 0;
	for (size_t t = 0; list && t < r->rule->n_terms; t++) {
		bool known = false;
		for (size_t i = 0; i < n; i++)
			known = known || strcmp(list[i], r->terms[t].pattern) == 0;
		if (!known)
			list[n++] = r->terms[t].pattern;
	}
	r->rule->public.expressions = list;
	r->rule->public.n_expressions = n;
}

void clsf__finish_condition(struct clsf__reader *r, const yaml_node_t *at)
{
	struct clsf__rule *rule = r->rule;
	list_expressions(r);
	rule->nodes = clsf__reader_allocate(r, rule->n_nodes * sizeof(*rule->nodes));
	rule->terms = clsf__reader_allocate(r, rule->n_terms * sizeof(*rule->terms));
	rule->unless = clsf__reader_allocate(r, rule->n_unless * sizeof(*rule->unless));
	if (r->no_memory)
		return;
	memcpy(rule->nodes, r->nodes, rule->n_nodes * sizeof(*rule->nodes));
	memcpy(rule->terms, r->terms, rule->n_terms * sizeof(*rule->terms));
	memcpy(rule->unless, r->unless, rule->n_unless * sizeof(*rule->unless));
	if (!clsf__number_moments(rule))
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, at->start_mark,
		                    "the condition keeps %u lines in mind; the limit is %d", rule->n_moments,
		                    CLSF__MAX_MOMENTS);
}
