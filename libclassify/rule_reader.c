/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rule_reader.h. libyaml loads the document as a tree with the place of
 * every node; this file walks it, checks each key and value, and says of each
 * fault where it stands. A fault inside a rule leaves out that rule; a YAML
 * syntax fault, the file.
 */

#include "rule_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "category.h"
#include "error.h"

#define MAX_DEPTH 16
#define MAX_FLOW_DEPTH 64  /* of a document's collections */
#define MAX_ANCHORS 1000

struct reader {
	struct clsf__rule_file *file;
	yaml_document_t *document;
	const char *pack;
	/* Of the rule being read: */
	struct clsf__rule *rule;
	bool faulty;
	bool no_memory;
	struct clsf__node nodes[CLSF__MAX_NODES];
	struct clsf__term terms[CLSF__MAX_TERMS];
	uint32_t states;
};

static void report(struct reader *r, enum clsf_fault_level level, int code, yaml_mark_t mark,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static void report(struct reader *r, enum clsf_fault_level level, int code, yaml_mark_t mark,
                   const char *format, ...)
{
	struct clsf_error fault = {
		.code = code,
		.line = (uint32_t)mark.line + 1,
		.column = (uint32_t)mark.column + 1,
	};
	snprintf(fault.file, sizeof(fault.file), "%s", r->file->name);
	if (r->rule && r->rule->public.id)
		snprintf(fault.rule, sizeof(fault.rule), "%s", r->rule->public.id);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fault.message, sizeof(fault.message), format, arguments);
	va_end(arguments);
	if (level == CLSF_FAULT_ERROR) {
		r->faulty = true;
		r->file->faults++;
	}
	if (r->file->on_fault)
		r->file->on_fault(level, &fault, r->file->user);
}

#define FAULT(r, node, ...) \
	report((r), CLSF_FAULT_ERROR, CLSF_E_RULE, (node)->start_mark, __VA_ARGS__)

static yaml_node_t *node_at(struct reader *r, int index)
{
	return yaml_document_get_node(r->document, index);
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool is_scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE;
}

static bool is_null(const yaml_node_t *node)
{
	return is_scalar(node) && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (node->data.scalar.length == 0 || strcmp(scalar(node), "~") == 0 ||
	        strcmp(scalar(node), "null") == 0);
}

static const char *keep(struct reader *r, const char *text, size_t length)
{
	const char *copy = clsf__arena_strndup(r->file->arena, text, length);
	if (!copy)
		r->no_memory = true;
	return copy ? copy : "";
}

static void *allocate(struct reader *r, size_t size)
{
	void *p = clsf__arena_alloc(r->file->arena, size ? size : 1);
	if (!p)
		r->no_memory = true;
	else
		memset(p, 0, size);
	return p;
}

/* A text value; "" and a fault if it is none. */
static const char *text_value(struct reader *r, const yaml_node_t *node, const char *key)
{
	if (!is_scalar(node)) {
		FAULT(r, node, "'%s' must be a text", key);
		return "";
	}
	if (is_null(node))
		return "";
	if (memchr(scalar(node), '\0', node->data.scalar.length)) {
		FAULT(r, node, "'%s' holds a NUL byte", key);
		return "";
	}
	return keep(r, scalar(node), node->data.scalar.length);
}

/* The index of a word in a list that ends in NULL; -1 and a fault if it is not there. */
static int word_value(struct reader *r, const yaml_node_t *node, const char *key,
                      const char *const *list)
{
	if (is_scalar(node))
		for (int i = 0; list[i]; i++)
			if (strcmp(list[i], scalar(node)) == 0)
				return i;
	const char *near = is_scalar(node) ? clsf__nearest(scalar(node), list) : NULL;
	FAULT(r, node, "unknown %s '%.80s'%s%s%s", key, is_scalar(node) ? scalar(node) : "(not a word)",
	      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -1;
}

static void unknown_key(struct reader *r, const yaml_node_t *key, const char *where,
                        const char *const *known)
{
	const char *name = is_scalar(key) ? scalar(key) : "(not a text)";
	const char *near = clsf__nearest(name, known);
	FAULT(r, key, "unknown key '%.80s' in %s%s%s%s", name, where, near ? "; did you mean '" : "",
	      near ? near : "", near ? "'?" : "");
}

/*
 * The place of `key` in `known`, -1 and a fault if it is unknown or was there
 * before. `seen` has a bit for each.
 */
static int find_key(struct reader *r, const yaml_node_t *key, const char *where,
                    const char *const *known, unsigned *seen)
{
	for (int i = 0; is_scalar(key) && known[i]; i++) {
		if (strcmp(known[i], scalar(key)) != 0)
			continue;
		if (*seen & 1u << i) {
			FAULT(r, key, "key '%s' is there twice in %s", known[i], where);
			return -1;
		}
		*seen |= 1u << i;
		return i;
	}
	unknown_key(r, key, where, known);
	return -1;
}

/* ---- conditions ---- */

static const char *escape_literal(struct reader *r, const char *text, size_t length,
                                  size_t *ret_length)
{
	/* \xHH for what is special or not printable, so that the expression reads as one line. */
	struct clsf__buffer b;
	clsf__buffer_init(&b, r->file->allocator);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == 0x7f)
			clsf__buffer_addf(&b, "\\x%02x", c);
		else if (strchr("\\^$.[]|()?*+{}#", c))
			clsf__buffer_addf(&b, "\\%c", c);
		else
			clsf__buffer_addc(&b, (char)c);
	}
	const char *copy = "";
	if (b.failed)
		r->no_memory = true;
	else
		copy = keep(r, b.data ? b.data : "", b.length);
	*ret_length = b.length;
	clsf__buffer_done(&b);
	return copy;
}

static bool check_expression(struct reader *r, const yaml_node_t *node, const char *pattern,
                             size_t length)
{
	if (length == 0) {
		FAULT(r, node, "an expression must not be empty");
		return false;
	}
	if (length > CLSF__MAX_EXPRESSION) {
		report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, node->start_mark,
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
	yaml_mark_t mark = node->start_mark;
	/* In a one-line scalar the column can point into the expression. */
	if (node->start_mark.line == node->end_mark.line)
		mark.column += offset + (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
	report(r, CLSF_FAULT_ERROR, CLSF_E_EXPRESSION, mark, "%s", error.message);
	return false;
}

static uint32_t add_node(struct reader *r, const yaml_node_t *at, enum clsf__condition_kind kind)
{
	if (r->rule->n_nodes == CLSF__MAX_NODES) {
		report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, at->start_mark,
		       "the condition has more than %d parts", CLSF__MAX_NODES);
		return UINT32_MAX;
	}
	uint32_t index = (uint32_t)r->rule->n_nodes++;
	r->nodes[index] = (struct clsf__node){ .kind = kind };
	return index;
}

static uint32_t add_term(struct reader *r, const yaml_node_t *at, const yaml_node_t *value,
                         bool literal)
{
	if (!is_scalar(value)) {
		FAULT(r, value, "'%s' must be a text", literal ? "text" : "regex");
		return UINT32_MAX;
	}
	uint32_t index = add_node(r, at, CLSF__COND_TERM);
	if (index == UINT32_MAX)
		return index;
	if (r->rule->n_terms == CLSF__MAX_TERMS) {
		report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, at->start_mark,
		       "the condition has more than %d expressions", CLSF__MAX_TERMS);
		return UINT32_MAX;
	}
	struct clsf__term *term = &r->terms[r->rule->n_terms];
	*term = (struct clsf__term){
		.line = (uint32_t)value->start_mark.line + 1,
		.column = (uint32_t)value->start_mark.column + 1,
	};
	if (literal) {
		term->pattern = escape_literal(r, scalar(value), value->data.scalar.length,
		                               &term->length);
	} else {
		term->length = value->data.scalar.length;
		term->pattern = keep(r, scalar(value), term->length);
	}
	if (r->no_memory || !check_expression(r, value, term->pattern, term->length))
		return UINT32_MAX;
	r->nodes[index].term = (uint32_t)r->rule->n_terms++;
	return index;
}

/* "20 lines", "1 line". Time windows need timestamps, which this version does not read. */
static bool read_within(struct reader *r, const yaml_node_t *node, uint64_t *ret_lines)
{
	unsigned long long lines = 0;
	int used = 0;
	char unit[8];
	bool digit = is_scalar(node) && scalar(node)[0] >= '0' && scalar(node)[0] <= '9';
	if (digit && sscanf(scalar(node), "%9llu %7[a-z]%n", &lines, unit, &used) == 2 &&
	    !scalar(node)[used] && (strcmp(unit, "lines") == 0 || strcmp(unit, "line") == 0) && lines) {
		*ret_lines = lines;
		return true;
	}
	bool time = digit && sscanf(scalar(node), "%9llu%7[a-z]%n", &lines, unit, &used) == 2;
	if (time && (strcmp(unit, "s") == 0 || strcmp(unit, "m") == 0 || strcmp(unit, "h") == 0 ||
	             strcmp(unit, "ms") == 0))
		FAULT(r, node, "windows in time are not supported by this version; give lines, "
		               "for example '20 lines'");
	else
		FAULT(r, node, "'within' must be a number of lines, for example '20 lines'");
	return false;
}

static uint32_t read_condition(struct reader *r, const yaml_node_t *node, unsigned depth);

static bool read_children(struct reader *r, uint32_t parent, const yaml_node_t *list, const char *key,
                          unsigned depth)
{
	if (list->type != YAML_SEQUENCE_NODE ||
	    list->data.sequence.items.start == list->data.sequence.items.top) {
		FAULT(r, list, "'%s' must be a list of conditions", key);
		return false;
	}
	bool good = true;
	uint32_t last = 0;
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		uint32_t child = read_condition(r, node_at(r, *item), depth + 1);
		if (child == UINT32_MAX) {
			good = false;
			continue;
		}
		if (last)
			r->nodes[last].next = child;
		else
			r->nodes[parent].first_child = child;
		last = child;
		r->nodes[parent].n_children++;
	}
	return good;
}

enum condition_key {
	KEY_REGEX, KEY_TEXT, KEY_ANY, KEY_ALL, KEY_SEQUENCE, KEY_COUNT, KEY_OF, KEY_WITHIN, KEY_SHOW,
	KEY_FIELD,
};
static const char *const condition_keys[] = { "regex", "text", "any", "all", "sequence", "count",
	                                      "of", "within", "show", "field", NULL };

/* Returns the node's index, UINT32_MAX after a fault. */
static uint32_t read_condition(struct reader *r, const yaml_node_t *node, unsigned depth)
{
	if (depth > MAX_DEPTH) {
		FAULT(r, node, "the condition is nested more than %d deep", MAX_DEPTH);
		return UINT32_MAX;
	}
	if (is_null(node)) {
		FAULT(r, node, "a condition is empty");
		return UINT32_MAX;
	}
	if (is_scalar(node))
		return add_term(r, node, node, false);
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(r, node, "a condition must be an expression or a mapping");
		return UINT32_MAX;
	}
	const yaml_node_t *value[10] = { NULL };
	unsigned seen = 0;
	bool good = true;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = find_key(r, node_at(r, pair->key), "a condition", condition_keys, &seen);
		if (key < 0)
			good = false;
		else
			value[key] = node_at(r, pair->value);
	}
	if (!good)
		return UINT32_MAX;
	if (value[KEY_FIELD]) {
		FAULT(r, value[KEY_FIELD], "'field' is not supported by this version");
		return UINT32_MAX;
	}
	int kinds = 0;
	int kind = -1;
	static const int kind_keys[] = { KEY_REGEX, KEY_TEXT, KEY_ANY, KEY_ALL, KEY_SEQUENCE, KEY_COUNT };
	for (size_t i = 0; i < sizeof(kind_keys) / sizeof(kind_keys[0]); i++) {
		if (value[kind_keys[i]]) {
			kinds++;
			kind = kind_keys[i];
		}
	}
	if (kinds != 1) {
		FAULT(r, node, "a condition needs exactly one of regex, text, any, all, sequence, count");
		return UINT32_MAX;
	}
	bool windowed = kind == KEY_ALL || kind == KEY_SEQUENCE || kind == KEY_COUNT;
	if (value[KEY_WITHIN] && !windowed) {
		FAULT(r, value[KEY_WITHIN], "'within' goes with all, sequence or count");
		return UINT32_MAX;
	}
	if ((value[KEY_OF] != NULL) != (kind == KEY_COUNT)) {
		FAULT(r, node, "'count' and 'of' go together");
		return UINT32_MAX;
	}
	uint32_t index;
	if (kind == KEY_REGEX || kind == KEY_TEXT) {
		index = add_term(r, node, value[kind], kind == KEY_TEXT);
	} else {
		index = add_node(r, node, kind == KEY_ANY        ? CLSF__COND_ANY
		                          : kind == KEY_ALL      ? CLSF__COND_ALL
		                          : kind == KEY_SEQUENCE ? CLSF__COND_SEQUENCE
		                                                 : CLSF__COND_COUNT);
	}
	if (index == UINT32_MAX)
		return index;
	if (value[KEY_SHOW]) {
		if (!is_scalar(value[KEY_SHOW]) || strcmp(scalar(value[KEY_SHOW]), "true") != 0 ||
		    !(kind == KEY_REGEX || kind == KEY_TEXT)) {
			FAULT(r, value[KEY_SHOW], "'show' may be true, on a regex or text");
			return UINT32_MAX;
		}
		r->nodes[index].show = true;
		r->rule->shows_term = true;
	}
	if (value[KEY_WITHIN] && !read_within(r, value[KEY_WITHIN], &r->nodes[index].within))
		return UINT32_MAX;
	if (kind == KEY_COUNT) {
		unsigned count = 0;
		int used = 0;
		if (!is_scalar(value[KEY_COUNT]) || scalar(value[KEY_COUNT])[0] < '0' ||
		    scalar(value[KEY_COUNT])[0] > '9' ||
		    sscanf(scalar(value[KEY_COUNT]), "%6u%n", &count, &used) != 1 ||
		    scalar(value[KEY_COUNT])[used] || count < 1 || count > CLSF__MAX_COUNT) {
			FAULT(r, value[KEY_COUNT], "'count' must be a number from 1 to %d", CLSF__MAX_COUNT);
			return UINT32_MAX;
		}
		r->nodes[index].count = count;
		r->nodes[index].state = r->states;
		r->states += count + 2;
		uint32_t child = read_condition(r, value[KEY_OF], depth + 1);
		if (child == UINT32_MAX)
			return child;
		r->nodes[index].first_child = child;
		r->nodes[index].n_children = 1;
	} else if (windowed || kind == KEY_ANY) {
		if (!read_children(r, index, value[kind], condition_keys[kind], depth))
			return UINT32_MAX;
		if (windowed) {
			r->nodes[index].state = r->states;
			r->states += r->nodes[index].n_children;
		}
	}
	return index;
}

static void read_unless(struct reader *r, const yaml_node_t *node)
{
	const yaml_node_t *value = node;
	bool literal = false;
	if (node->type == YAML_MAPPING_NODE) {
		static const char *const keys[] = { "regex", "text", "within", "where", NULL };
		unsigned seen = 0;
		value = NULL;
		for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		     pair < node->data.mapping.pairs.top; pair++) {
			const yaml_node_t *key = node_at(r, pair->key);
			int k = find_key(r, key, "'unless'", keys, &seen);
			if (k == 0 || k == 1) {
				value = node_at(r, pair->value);
				literal = k == 1;
			} else if (k > 1) {
				FAULT(r, key, "'%s' of 'unless' is not supported by this version", keys[k]);
			}
		}
		if (!value || (seen & 3) == 3) {
			FAULT(r, node, "'unless' needs one of regex or text");
			return;
		}
	}
	if (!is_scalar(value)) {
		FAULT(r, value, "'unless' must be an expression");
		return;
	}
	struct clsf__term *unless = &r->rule->unless;
	unless->line = (uint32_t)value->start_mark.line + 1;
	unless->column = (uint32_t)value->start_mark.column + 1;
	if (literal) {
		unless->pattern = escape_literal(r, scalar(value), value->data.scalar.length,
		                                 &unless->length);
	} else {
		unless->length = value->data.scalar.length;
		unless->pattern = keep(r, scalar(value), unless->length);
	}
	if (!r->no_memory && check_expression(r, value, unless->pattern, unless->length))
		r->rule->has_unless = true;
}

/* ---- the other parts of a rule ---- */

static void read_explains(struct reader *r, const yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		FAULT(r, node, "'explains' must be a list of rule ids");
		return;
	}
	size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	r->rule->explains = allocate(r, n * sizeof(*r->rule->explains));
	if (!r->rule->explains)
		return;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = node_at(r, node->data.sequence.items.start[i]);
		r->rule->explains[r->rule->n_explains++] = text_value(r, item, "explains");
	}
	r->rule->public.explains = r->rule->explains;
	r->rule->public.n_explains = r->rule->n_explains;
}

/* ${name} must name a capture of the rule. */
static void check_placeholders(struct reader *r, const yaml_node_t *node, const char *text,
                               const char *key)
{
	/* After a fault it is not known what the rule captures. */
	if (r->faulty)
		return;
	for (const char *p = strstr(text, "${"); p; p = strstr(p + 2, "${")) {
		const char *end = strchr(p, '}');
		if (!end)
			return;
		size_t length = (size_t)(end - p - 2);
		bool known = false;
		for (size_t t = 0; !known && t < r->rule->n_terms; t++) {
			char group[160];
			int n = snprintf(group, sizeof(group), "<%.*s>", (int)(length < 128 ? length : 128), p + 2);
			if (n > 2 && memmem(r->terms[t].pattern, r->terms[t].length, group, (size_t)n))
				known = true;
			if (n > 2) {
				group[0] = group[n - 1] = '\'';
				known = known || memmem(r->terms[t].pattern, r->terms[t].length, group,
				                        (size_t)n);
			}
		}
		if (!known)
			report(r, CLSF_FAULT_WARNING, CLSF_E_RULE, node->start_mark,
			       "'%s' uses ${%.*s}, which no expression of the rule captures", key,
			       (int)(length < 64 ? length : 64), p + 2);
	}
}

static void read_runbook(struct reader *r, const yaml_node_t *node)
{
	static const char *const keys[] = { "cause", "fix", "prevent", "url", NULL };
	struct clsf_rule *rule = &r->rule->public;
	const char **slots[] = { &rule->cause, &rule->fix, &rule->prevent, &rule->url };
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(r, node, "'runbook' must be a mapping");
		return;
	}
	unsigned seen = 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = find_key(r, node_at(r, pair->key), "'runbook'", keys, &seen);
		if (key < 0)
			continue;
		const yaml_node_t *value = node_at(r, pair->value);
		*slots[key] = text_value(r, value, keys[key]);
		check_placeholders(r, value, *slots[key], keys[key]);
	}
}

static void read_example(struct reader *r, const yaml_node_t *node, bool must_match,
                         struct clsf_example *example)
{
	const yaml_node_t *line = node;
	const yaml_node_t *fields = NULL;
	if (node->type == YAML_MAPPING_NODE) {
		static const char *const keys[] = { "line", "fields", NULL };
		unsigned seen = 0;
		line = NULL;
		for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		     pair < node->data.mapping.pairs.top; pair++) {
			int key = find_key(r, node_at(r, pair->key), "an example", keys, &seen);
			if (key == 0)
				line = node_at(r, pair->value);
			else if (key == 1)
				fields = node_at(r, pair->value);
		}
	}
	if (!line || !is_scalar(line)) {
		FAULT(r, node, "an example must be a line, or have the key 'line'");
		return;
	}
	example->length = line->data.scalar.length;
	example->text = keep(r, scalar(line), example->length);
	example->must_match = must_match;
	example->line = (uint32_t)line->start_mark.line + 1;
	if (!fields || is_null(fields))
		return;
	if (fields->type != YAML_MAPPING_NODE) {
		FAULT(r, fields, "'fields' must be a mapping of capture names to texts");
		return;
	}
	size_t n = (size_t)(fields->data.mapping.pairs.top - fields->data.mapping.pairs.start);
	const char **names = allocate(r, n * sizeof(*names));
	const char **values = allocate(r, n * sizeof(*values));
	if (r->no_memory)
		return;
	for (size_t i = 0; i < n; i++) {
		names[i] = text_value(r, node_at(r, fields->data.mapping.pairs.start[i].key), "fields");
		const yaml_node_t *value = node_at(r, fields->data.mapping.pairs.start[i].value);
		values[i] = is_scalar(value) ? keep(r, scalar(value), value->data.scalar.length)
		                             : text_value(r, value, "fields");
	}
	example->field_names = names;
	example->field_values = values;
	example->n_fields = n;
}

static void read_examples(struct reader *r, const yaml_node_t *node)
{
	static const char *const keys[] = { "match", "reject", NULL };
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(r, node, "'examples' must be a mapping with 'match' and 'reject'");
		return;
	}
	const yaml_node_t *list[2] = { NULL };
	unsigned seen = 0;
	size_t n = 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = find_key(r, node_at(r, pair->key), "'examples'", keys, &seen);
		const yaml_node_t *value = node_at(r, pair->value);
		if (key < 0 || is_null(value))
			continue;
		if (value->type != YAML_SEQUENCE_NODE) {
			FAULT(r, value, "'%s' must be a list of lines", keys[key]);
			continue;
		}
		list[key] = value;
		n += (size_t)(value->data.sequence.items.top - value->data.sequence.items.start);
	}
	struct clsf_example *examples = allocate(r, n * sizeof(*examples));
	if (!examples)
		return;
	r->rule->public.examples = examples;
	for (int key = 0; key < 2; key++) {
		if (!list[key])
			continue;
		for (yaml_node_item_t *item = list[key]->data.sequence.items.start;
		     item < list[key]->data.sequence.items.top; item++)
			read_example(r, node_at(r, *item), key == 0,
			             &examples[r->rule->public.n_examples++]);
	}
}

static bool valid_id(const char *id)
{
	size_t n = strlen(id);
	if (n == 0 || n > 120)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = id[i];
		bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
		if (!letter && !((c == '-' || c == '_' || c == '.') && i > 0))
			return false;
	}
	return true;
}

/* Each expression once, in the order of the terms. */
static void list_expressions(struct reader *r)
{
	const char **list = allocate(r, r->rule->n_terms * sizeof(*list));
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

static void finish_condition(struct reader *r)
{
	struct clsf__rule *rule = r->rule;
	list_expressions(r);
	rule->nodes = allocate(r, rule->n_nodes * sizeof(*rule->nodes));
	rule->terms = allocate(r, rule->n_terms * sizeof(*rule->terms));
	if (r->no_memory)
		return;
	memcpy(rule->nodes, r->nodes, rule->n_nodes * sizeof(*rule->nodes));
	memcpy(rule->terms, r->terms, rule->n_terms * sizeof(*rule->terms));
	rule->state_words = r->states;
}

enum rule_key {
	RULE_ID, RULE_TITLE, RULE_CATEGORY, RULE_ROLE, RULE_SEVERITY, RULE_OWNER, RULE_RETRY,
	RULE_MATCH, RULE_EXPLAINS, RULE_UNLESS, RULE_RUNBOOK, RULE_EXAMPLES, RULE_SHOW,
	RULE_KEYS,
};
static const char *const rule_keys[] = { "id", "title", "category", "role", "severity", "owner",
	                                 "retry", "match", "explains", "unless", "runbook",
	                                 "examples", "show", NULL };
static const char *const owners[] = { "user", "platform", "upstream", NULL };
static const char *const retries[] = { "never", "now", "later", NULL };

static struct clsf__rule *read_rule(struct reader *r, const yaml_node_t *node)
{
	r->faulty = false;
	r->states = 0;
	r->rule = NULL;
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(r, node, "a rule must be a mapping");
		return NULL;
	}
	struct clsf__rule *rule = allocate(r, sizeof(*rule));
	if (!rule)
		return NULL;
	r->rule = rule;
	struct clsf_rule *public = &rule->public;
	*public = (struct clsf_rule){
		.title = "", .category = "", .cause = "", .fix = "", .prevent = "", .url = "",
		.pack = r->pack, .owner = "platform", .retry = "never",
		.severity = CLSF_SEVERITY_HIGH,
		.file = r->file->name,
		.line = (uint32_t)node->start_mark.line + 1,
	};
	rule->column = (uint32_t)node->start_mark.column + 1;

	const yaml_node_t *value[RULE_KEYS] = { NULL };
	/* The id first, so that every other fault can name the rule. */
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node_at(r, pair->key);
		if (is_scalar(key) && strcmp(scalar(key), "id") == 0 && is_scalar(node_at(r, pair->value)))
			public->id = text_value(r, node_at(r, pair->value), "id");
	}
	unsigned seen = 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = find_key(r, node_at(r, pair->key), "a rule", rule_keys, &seen);
		if (key >= 0)
			value[key] = node_at(r, pair->value);
	}
	if (!value[RULE_ID])
		FAULT(r, node, "a rule needs an 'id'");
	else if (!public->id || !valid_id(public->id))
		FAULT(r, value[RULE_ID], "the id must be letters, digits, '-', '_' or '.', at most 120");
	if (!public->id)
		public->id = "";
	int word;
	if (value[RULE_ROLE] && (word = word_value(r, value[RULE_ROLE], "role", clsf__role_names)) >= 0)
		public->role = (enum clsf_role)word;
	if (value[RULE_SEVERITY] &&
	    (word = word_value(r, value[RULE_SEVERITY], "severity", clsf__severity_names)) >= 0)
		public->severity = (enum clsf_severity)word;
	if (value[RULE_OWNER] && (word = word_value(r, value[RULE_OWNER], "owner", owners)) >= 0)
		public->owner = owners[word];
	if (value[RULE_RETRY] && (word = word_value(r, value[RULE_RETRY], "retry", retries)) >= 0)
		public->retry = retries[word];
	if (value[RULE_CATEGORY] &&
	    (word = word_value(r, value[RULE_CATEGORY], "category", clsf_categories())) >= 0)
		public->category = clsf_categories()[word];
	bool marker = public->role != CLSF_ROLE_CAUSE && public->role != CLSF_ROLE_SYMPTOM;
	if (!value[RULE_CATEGORY] && !marker)
		FAULT(r, node, "a rule needs a 'category'");
	if (!value[RULE_TITLE])
		FAULT(r, node, "a rule needs a 'title'");
	if (!value[RULE_MATCH])
		FAULT(r, node, "a rule needs a 'match'");
	else if (read_condition(r, value[RULE_MATCH], 0) != UINT32_MAX)
		finish_condition(r);
	if (value[RULE_UNLESS])
		read_unless(r, value[RULE_UNLESS]);
	if (value[RULE_TITLE]) {
		public->title = text_value(r, value[RULE_TITLE], "title");
		if (!*public->title && !r->faulty)
			FAULT(r, value[RULE_TITLE], "the title is empty");
		check_placeholders(r, value[RULE_TITLE], public->title, "title");
	}
	if (value[RULE_EXPLAINS])
		read_explains(r, value[RULE_EXPLAINS]);
	if (value[RULE_RUNBOOK] && !is_null(value[RULE_RUNBOOK]))
		read_runbook(r, value[RULE_RUNBOOK]);
	if (value[RULE_EXAMPLES] && !is_null(value[RULE_EXAMPLES]))
		read_examples(r, value[RULE_EXAMPLES]);
	if (value[RULE_SHOW]) {
		if (is_scalar(value[RULE_SHOW]) && strcmp(scalar(value[RULE_SHOW]), "above") == 0)
			rule->show_above = true;
		else
			FAULT(r, value[RULE_SHOW], "'show' may be 'above'");
	}
	return r->faulty || r->no_memory ? NULL : rule;
}

/* ---- the document ---- */

static int read_document(struct reader *r)
{
	static const char *const keys[] = { "pack", "rules", NULL };
	const yaml_node_t *root = yaml_document_get_root_node(r->document);
	const yaml_node_t *rules = NULL;
	if (!root)
		return 0;
	if (root->type == YAML_MAPPING_NODE) {
		for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
		     pair < root->data.mapping.pairs.top; pair++) {
			const yaml_node_t *key = node_at(r, pair->key);
			if (is_scalar(key) && strcmp(scalar(key), "rules") == 0)
				rules = node_at(r, pair->value);
		}
	}
	if (!rules) {
		report(r, CLSF_FAULT_WARNING, CLSF_OK, root->start_mark,
		       "no top-level 'rules': the file is ignored");
		return 0;
	}
	r->pack = "";
	unsigned seen = 0;
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		int key = find_key(r, node_at(r, pair->key), "the file", keys, &seen);
		size_t faults = r->file->faults;
		if (key == 0)
			r->pack = text_value(r, node_at(r, pair->value), "pack");
		/* A fault beside the rules is counted, but the rules are good. */
		if (key < 0 || r->file->faults > faults)
			r->file->faulty_rules++;
	}
	if (is_null(rules))
		return 0;
	if (rules->type != YAML_SEQUENCE_NODE) {
		FAULT(r, rules, "'rules' must be a list");
		r->file->faulty_rules++;
		return 0;
	}
	for (yaml_node_item_t *item = rules->data.sequence.items.start;
	     item < rules->data.sequence.items.top; item++) {
		struct clsf__rule *rule = read_rule(r, node_at(r, *item));
		if (r->no_memory)
			return CLSF_E_NOMEM;
		if (!rule)
			r->file->faulty_rules++;
		else if (!r->file->on_rule(rule, r->file->context))
			return CLSF_E_LIMIT;
	}
	r->rule = NULL;
	return 0;
}

/*
 * libyaml takes quadratic time over deep flow collections and many anchors
 * while it loads. Where a text could have them, its events are looked at first,
 * which can be ended early. Returns what is wrong, or NULL.
 */
static const char *find_excess(const char *text, size_t length, yaml_mark_t *ret_mark)
{
	size_t open = 0, anchors = 0;
	for (size_t i = 0; i < length; i++) {
		open += text[i] == '[' || text[i] == '{';
		anchors += text[i] == '&';
	}
	if (open <= MAX_FLOW_DEPTH && anchors <= MAX_ANCHORS)
		return NULL;
	const char *excess = NULL;
	size_t depth = 0, seen = 0;
	yaml_parser_t parser;
	yaml_event_t event;
	if (!yaml_parser_initialize(&parser))
		return NULL;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	for (bool end = false; !end && !excess && yaml_parser_parse(&parser, &event);) {
		const yaml_char_t *anchor = NULL;
		switch (event.type) {
		case YAML_SEQUENCE_START_EVENT:
			anchor = event.data.sequence_start.anchor;
			depth++;
			break;
		case YAML_MAPPING_START_EVENT:
			anchor = event.data.mapping_start.anchor;
			depth++;
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		case YAML_SCALAR_EVENT:
			anchor = event.data.scalar.anchor;
			break;
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		default:
			break;
		}
		seen += anchor != NULL;
		*ret_mark = event.start_mark;
		if (depth > MAX_FLOW_DEPTH)
			excess = "is nested too deep";
		else if (seen > MAX_ANCHORS)
			excess = "has too many anchors";
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return excess;
}

static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
	yaml_mark_t mark = { .index = offset };
	for (size_t i = 0; i < offset && i < length; i++) {
		mark.column++;
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

int clsf__read_rules(struct clsf__rule_file *file, const char *text, size_t length)
{
	struct reader *r = clsf__calloc(file->allocator, 1, sizeof(*r));
	if (!r)
		return CLSF_E_NOMEM;
	r->file = file;
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_mark_t excess_mark = { 0 };
	int result = 0;
	const char *excess = find_excess(text, length, &excess_mark);
	if (excess) {
		report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, excess_mark, "the file %s", excess);
		file->faulty_rules++;
		clsf__free(file->allocator, r);
		return 0;
	}
	if (!yaml_parser_initialize(&parser)) {
		clsf__free(file->allocator, r);
		return CLSF_E_NOMEM;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (result == 0) {
		if (!yaml_parser_load(&parser, &document)) {
			if (parser.error == YAML_MEMORY_ERROR) {
				result = CLSF_E_NOMEM;
				break;
			}
			/* A reader error has no mark, only a byte offset. */
			yaml_mark_t mark = parser.problem_mark;
			if (parser.error == YAML_READER_ERROR)
				mark = mark_of_offset(text, length, parser.problem_offset);
			report(r, CLSF_FAULT_ERROR, CLSF_E_SYNTAX, mark, "not valid YAML: %s%s%s",
			       parser.context ? parser.context : "", parser.context ? ", " : "",
			       parser.problem ? parser.problem : "unknown fault");
			file->faulty_rules++;
			break;
		}
		r->document = &document;
		bool end = !yaml_document_get_root_node(&document);
		if (!end)
			result = read_document(r);
		yaml_document_delete(&document);
		if (end)
			break;
	}
	yaml_parser_delete(&parser);
	clsf__free(file->allocator, r);
	return result;
}
