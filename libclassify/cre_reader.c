/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads rules that follow the schema of Common Reliability Enumerations
 * (https://github.com/prequel-dev/cre), as they are: `cre` tells what is
 * wrong and what to do, `rule` how a log shows it.
 *
 * A set becomes `all`, a sequence `sequence`, a term with a count as many
 * terms, `negate` an `unless` with a range. How we differ from that project's
 * own matcher: order is that of the lines, not of their timestamps; of several
 * lines that could complete a match the newest are taken; and a log without
 * timestamps is measured in lines. As there, lines without a time belong to
 * the entry above, over which an expression may reach; here only one that
 * holds a telling text. Unknown keys are warned of, never refused.
 */

#include "category.h"
#include "error.h"
#include "timestamp.h"
#include "yaml_reader.h"

#define MAX_EXPANDED 16      /* a count up to this becomes as many terms */
#define MAX_DEPTH 8
#define MAX_NAMED 1000       /* entries of a file's `terms`, which are searched one by one */

struct cre {
	struct clsf__reader *r;
	const yaml_node_t *terms;    /* the file's named terms, or NULL */
};

/* ---- what the enumeration says ---- */

/* Words of its categories, and ours; the first word that is found in the category decides. */
static const struct {
	const char *word, *category;
} words[] = {
	{ "authorization", "access_denied" },
	{ "authentication", "auth_failed" },
	{ "rate-limit", "rate_limited" },
	{ "connectivity", "network_unreachable" },
	{ "timeout", "timeout" },
	{ "dns", "dns_failed" },
	{ "tls", "tls_invalid" },
	{ "certificate", "tls_invalid" },
	{ "configuration", "config_invalid" },
	{ "incompatibility", "config_invalid" },
	{ "memory-problem", "out_of_memory" },
	{ "in-memory-database", "database_failed" },
	{ "resource-exhaustion", "capacity_exhausted" },
	{ "provisioning", "capacity_exhausted" },
	{ "storage", "disk_full" },
	{ "message-queue", "queue_stalled" },
	{ "task-management", "queue_stalled" },
	{ "streaming", "queue_stalled" },
	{ "redpanda", "queue_stalled" },
	{ "database", "database_failed" },
	{ "postgres", "database_failed" },
	{ "mongodb", "database_failed" },
	{ "migration", "database_failed" },
	{ "load-balancer", "service_unavailable" },
	{ "upstream", "service_unavailable" },
	{ "proxy", "service_unavailable" },
	{ "networking", "network_unreachable" },
	{ "vpc-cni", "node_failed" },
	{ "node", "node_failed" },
};

static const char *map_category(const yaml_node_t *node)
{
	static const char fallback[] = "application_crash";
	const char *name = node && is_scalar(node) ? scalar(node) : "";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(name, words[i].word))
			return clsf__category_find(words[i].category, strlen(words[i].category));
	return clsf__category_find(fallback, strlen(fallback));
}

/* Theirs counts down: 0 is critical. */
static enum clsf_severity map_severity(struct clsf__reader *r, const yaml_node_t *node)
{
	static const enum clsf_severity severities[] = { CLSF_SEVERITY_CRITICAL, CLSF_SEVERITY_HIGH,
		                                         CLSF_SEVERITY_MEDIUM, CLSF_SEVERITY_LOW,
		                                         CLSF_SEVERITY_INFO };
	uint64_t number = 1;
	if (node && !clsf__yaml_number(node, 0, 4, &number))
		WARN(r, node, "'severity' must be a number from 0 (critical) to 4 (info); high is taken");
	return severities[number];
}

/* Appends "title: text" as a paragraph of its own. */
static void add_paragraph(struct clsf__buffer *b, const char *title, const yaml_node_t *node)
{
	if (!node || !is_scalar(node) || clsf__yaml_is_null(node))
		return;
	const char *text = scalar(node);
	size_t length = node->data.scalar.length;
	while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	if (length == 0 || memchr(text, '\0', length))
		return;
	clsf__buffer_adds(b, b->length ? "\n\n" : "");
	clsf__buffer_adds(b, title);
	clsf__buffer_add(b, text, length);
}

static const char *keep_paragraphs(struct clsf__reader *r, struct clsf__buffer *b)
{
	const char *kept = "";
	if (b->failed)
		r->no_memory = true;
	else if (b->length)
		kept = clsf__reader_keep(r, b->data, b->length);
	b->length = 0;
	return kept;
}

static void read_runbook(struct clsf__reader *r, const yaml_node_t *cre)
{
	struct clsf_rule *rule = &r->rule->public;
	struct clsf__buffer b;
	clsf__buffer_init(&b, r->file->allocator);
	const yaml_node_t *cause = clsf__yaml_get(r, cre, "cause");
	add_paragraph(&b, "", cause ? cause : clsf__yaml_get(r, cre, "description"));
	add_paragraph(&b, "Impact: ", clsf__yaml_get(r, cre, "impact"));
	const yaml_node_t *references = clsf__yaml_get(r, cre, "references");
	size_t n = references && is_list(references) ? list_length(references) : 0;
	/* A runbook has one address; the others stand below the cause. */
	for (size_t i = 1; i < n; i++)
		add_paragraph(&b, "See also: ", list_item(r, references, i));
	rule->cause = keep_paragraphs(r, &b);
	add_paragraph(&b, "", clsf__yaml_get(r, cre, "mitigation"));
	rule->fix = keep_paragraphs(r, &b);
	if (n && is_scalar(list_item(r, references, 0)))
		rule->url = clsf__reader_text(r, list_item(r, references, 0), "references");
	clsf__buffer_done(&b);
}

/* Says which keys of a mapping are not known. */
static void check_keys(struct clsf__reader *r, const yaml_node_t *node, const char *where, const char *const *known)
{
	FOR_EACH_PAIR(node, pair) {
		const yaml_node_t *key = node_at(r, pair->key);
		bool found = false;
		for (size_t i = 0; is_scalar(key) && known[i]; i++)
			found = found || strcmp(known[i], scalar(key)) == 0;
		if (!found)
			WARN(r, key, "unknown key '%.80s' in %s is passed over", is_scalar(key) ? scalar(key) : "(not a text)",
			     where);
	}
}

/* ---- terms ---- */

static const char *const term_keys[] = { "value", "regex", "jq", "field", "count", "set", "sequence", "extract", NULL };

static uint32_t read_node(struct cre *c, const yaml_node_t *rule, unsigned depth);

/* A duration such as 30s, negative ones too where they may be; 0 and a fault when it is none. */
static int64_t read_duration(struct clsf__reader *r, const yaml_node_t *node, const char *key, bool negative)
{
	int64_t ns = 0;
	const char *text = is_scalar(node) ? scalar(node) : "";
	bool minus = negative && *text == '-';
	text += minus || (negative && *text == '+');
	if (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0)
		return 0;
	if (!clsf__duration(text, strlen(text), &ns))
		FAULT(r, node, "'%s' must be a duration, such as 30s or 5m", key);
	return minus ? -ns : ns;
}

/* The mapping or text that a term is: of its own, or of the file's named terms. */
static const yaml_node_t *resolve_term(struct cre *c, const yaml_node_t *term)
{
	if (c->terms && is_mapping(c->terms) &&
	    c->terms->data.mapping.pairs.top - c->terms->data.mapping.pairs.start > MAX_NAMED) {
		if (is_scalar(term))
			FAULT(c->r, term, "'terms' has more than %d entries", MAX_NAMED);
		return term;
	}
	const yaml_node_t *named = is_scalar(term) ? clsf__yaml_get(c->r, c->terms, scalar(term)) : NULL;
	return named ? named : term;
}

/* What a term looks for: one of value, regex and jq; NULL after a fault. */
static const yaml_node_t *term_value(struct cre *c, const yaml_node_t *term, const char **ret_kind)
{
	static const char *const kinds[] = { "value", "regex", "jq" };
	const yaml_node_t *found = NULL;
	size_t n = 0;
	for (size_t i = 0; i < 3; i++) {
		const yaml_node_t *value = clsf__yaml_get(c->r, term, kinds[i]);
		if (!value)
			continue;
		n++;
		found = value;
		*ret_kind = kinds[i];
	}
	if (clsf__yaml_get(c->r, term, "promql")) {
		FAULT(c->r, term, "a term of promql looks at metrics, which a log does not hold");
		return NULL;
	}
	if (n != 1) {
		FAULT(c->r, term, "a term needs exactly one of value, regex, jq, set, sequence");
		return NULL;
	}
	return found;
}

/* The node of an expression or a text on an entry; what repeats nothing stands on one line of it. */
static uint32_t add_text(struct cre *c, const yaml_node_t *value, bool literal)
{
	uint32_t node = clsf__add_term(c->r, value, literal, 1, NULL);
	if (node != UINT32_MAX && !literal && strpbrk(scalar(value), "*+{")) {
		struct clsf__term *term = &c->r->terms[c->r->nodes[node].term];
		term->lines = CLSF__MAX_SPAN_LINES;
		term->folded = true;
	}
	return node;
}

/*
 * The node of a term that is one expression. A term with a field is looked for
 * in the whole text of lines without that field: plain logs have none.
 */
static uint32_t add_expression(struct cre *c, const yaml_node_t *term)
{
	struct clsf__reader *r = c->r;
	if (is_scalar(term))
		return clsf__add_term(r, term, true, 1, NULL);
	const char *kind;
	const yaml_node_t *value = term_value(c, term, &kind);
	const yaml_node_t *field = clsf__yaml_get(r, term, "field");
	if (!value)
		return UINT32_MAX;
	if (!is_scalar(value)) {
		FAULT(r, value, "'%s' must be a text", kind);
		return UINT32_MAX;
	}
	if (*kind == 'j')
		return clsf__read_jq(r, value);
	bool literal = *kind == 'v';
	if (!field)
		return add_text(c, value, literal);
	const char *path = clsf__read_path(r, field);
	uint32_t node = path ? clsf__add_term(r, value, literal, 1, path) : UINT32_MAX;
	if (node != UINT32_MAX)
		r->terms[r->nodes[node].term].or_line = true;
	return node;
}

/* One more node for a term that has one already. */
static uint32_t repeat_term(struct clsf__reader *r, const yaml_node_t *at, uint32_t node)
{
	uint32_t again = clsf__add_node(r, at, CLSF__COND_TERM);
	if (again != UINT32_MAX)
		r->nodes[again].term = r->nodes[node].term;
	return again;
}

/* Adds a term to its set or sequence, as often as its count says. */
static bool add_positive(struct cre *c, uint32_t parent, const yaml_node_t *term, unsigned depth)
{
	struct clsf__reader *r = c->r;
	uint64_t count = 1;
	term = resolve_term(c, term);
	if (!is_scalar(term) && !is_mapping(term)) {
		FAULT(r, term, "a term must be a text or a mapping");
		return false;
	}
	const yaml_node_t *number = clsf__yaml_get(r, term, "count");
	if (number && !clsf__yaml_number(number, 1, CLSF__MAX_COUNT, &count)) {
		FAULT(r, number, "'count' must be a number from 1 to %d", CLSF__MAX_COUNT);
		return false;
	}
	bool nested = is_mapping(term) && (clsf__yaml_get(r, term, "set") || clsf__yaml_get(r, term, "sequence"));
	if (is_mapping(term))
		check_keys(r, term, "a term", term_keys);
	/* Parents stand before their children. */
	uint32_t counted = parent;
	bool ring = count > 1 && (nested || count > MAX_EXPANDED);
	if (ring) {
		counted = clsf__add_node(r, term, CLSF__COND_COUNT);
		if (counted == UINT32_MAX)
			return false;
		r->nodes[counted].count = (uint32_t)count;
		r->nodes[counted].within = r->nodes[parent].within;
		clsf__add_child(r, parent, counted);
	}
	uint32_t node = nested ? read_node(c, term, depth + 1) : add_expression(c, term);
	if (node == UINT32_MAX)
		return false;
	clsf__add_child(r, counted, node);
	bool simple = r->nodes[node].kind == CLSF__COND_TERM;
	for (uint64_t i = 1; !ring && i < count; i++) {
		node = simple ? repeat_term(r, term, node) : add_expression(c, term);
		if (node == UINT32_MAX)
			return false;
		clsf__add_child(r, parent, node);
	}
	return true;
}

/* ---- negation ---- */

/* What must not be there: a text or an expression, of a field or of a line. */
static void read_negative_term(struct cre *c, const yaml_node_t *term, struct clsf__unless *u)
{
	struct clsf__reader *r = c->r;
	const char *kind;
	const yaml_node_t *value = term_value(c, term, &kind), *field = clsf__yaml_get(r, term, "field");
	const char *path = field ? clsf__read_path(r, field) : NULL;
	if (!value || (field && !path))
		return;
	if (*kind == 'j') {
		FAULT(r, value, "a negative term may be a value or a regex");
		return;
	}
	clsf__unless_term(r, value, *kind == 'v', path, &u->term);
	u->term.or_line = path != NULL;
}

static void add_negative(struct cre *c, const yaml_node_t *given, size_t n_positive)
{
	static const char *const known[] = { "value", "regex", "jq", "field", "window", "slide", "anchor", "absolute", NULL };
	struct clsf__reader *r = c->r;
	const yaml_node_t *term = resolve_term(c, given);
	struct clsf__unless *u = clsf__add_unless(r, given);
	if (!u)
		return;
	*u = (struct clsf__unless){ .timed = true, .spans = true, .lower = CLSF__BOUND_AT, .upper = CLSF__BOUND_AT };
	if (is_scalar(term)) {
		clsf__unless_term(r, term, true, NULL, &u->term);
		return;
	}
	if (!is_mapping(term)) {
		FAULT(r, term, "a term must be a text or a mapping");
		return;
	}
	check_keys(r, term, "a negative term", known);
	const yaml_node_t *window = clsf__yaml_get(r, term, "window"), *slide = clsf__yaml_get(r, term, "slide");
	const yaml_node_t *anchor = clsf__yaml_get(r, term, "anchor"), *absolute = clsf__yaml_get(r, term, "absolute");
	int64_t length = window ? read_duration(r, window, "window", true) : 0;
	uint64_t number = 0;
	if (anchor && !clsf__yaml_number(anchor, 0, n_positive - 1, &number))
		FAULT(r, anchor, "'anchor' must be the number of a term, from 0 to %zu", n_positive - 1);
	u->anchor = (uint32_t)number;
	u->spans = !(absolute && is_scalar(absolute) && strcmp(scalar(absolute), "true") == 0);
	u->lower_ns = slide ? read_duration(r, slide, "slide", true) : 0;
	u->upper_ns = u->lower_ns + length;
	u->lower_lines = u->lower_ns < 0 ? -CLSF__WINDOW_LINES : 0;
	u->upper_lines = u->upper_ns > 0 ? CLSF__WINDOW_LINES : 0;
	read_negative_term(c, term, u);
}

/* ---- sets and sequences ---- */

/* The term of a set that is nothing but that; NULL if there is more to it, or a fault to be told. */
static const yaml_node_t *single_term(struct cre *c, const yaml_node_t *set)
{
	static const char *const more[] = { "count", "set", "sequence", "extract" };
	struct clsf__reader *r = c->r;
	const yaml_node_t *list = clsf__yaml_get(r, set, "match");
	if (!list || !is_list(list) || list_length(list) != 1 || clsf__yaml_get(r, set, "negate") ||
	    clsf__yaml_get(r, set, "correlations"))
		return NULL;
	const yaml_node_t *term = resolve_term(c, list_item(r, list, 0));
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (clsf__yaml_get(r, term, more[i]))
			return NULL;
	return is_scalar(term) || is_mapping(term) ? term : NULL;
}

/* {set: {...}} or {sequence: {...}}: the node's index, UINT32_MAX after a fault. */
static uint32_t read_node(struct cre *c, const yaml_node_t *rule, unsigned depth)
{
	static const char *const known[] = { "window", "event", "order", "match", "negate", "correlations", "origin", NULL };
	struct clsf__reader *r = c->r;
	const yaml_node_t *sequence = clsf__yaml_get(r, rule, "sequence"), *set = clsf__yaml_get(r, rule, "set");
	const yaml_node_t *body = sequence ? sequence : set;
	const char *key = sequence ? "order" : "match";
	if (!body || !is_mapping(body) || depth > MAX_DEPTH) {
		FAULT(r, body ? body : rule, depth > MAX_DEPTH ? "terms are nested too deep"
		                                               : "a rule needs a 'set' or a 'sequence'");
		return UINT32_MAX;
	}
	if (sequence && set)
		WARN(r, set, "a rule has a sequence or a set, not both: the set is passed over");
	check_keys(r, body, sequence ? "a sequence" : "a set", known);
	const yaml_node_t *alone = single_term(c, set && !sequence ? set : NULL);
	if (alone) {
		if (is_mapping(alone))
			check_keys(r, alone, "a term", term_keys);
		return add_expression(c, alone);
	}
	const yaml_node_t *correlations = clsf__yaml_get(r, body, "correlations");
	if (correlations)
		WARN(r, correlations, "'correlations' are not applied: one log is looked at");
	const yaml_node_t *list = clsf__yaml_get(r, body, key), *window = clsf__yaml_get(r, body, "window");
	if (!list || !is_list(list) || list_length(list) == 0) {
		FAULT(r, list ? list : body, "'%s' must be a list of terms", key);
		return UINT32_MAX;
	}
	uint32_t node = clsf__add_node(r, body, sequence ? CLSF__COND_SEQUENCE : CLSF__COND_ALL);
	if (node == UINT32_MAX)
		return node;
	bool good = true;
	if (window) {
		/* A window of no time is that of one timestamp. */
		int64_t ns = read_duration(r, window, "window", false);
		r->nodes[node].within.ns = ns ? ns : 1;
		r->nodes[node].within.lines = CLSF__WINDOW_LINES;
	} else if (sequence || list_length(list) > 1) {
		FAULT(r, body, "several terms need a 'window', such as 30s");
		good = false;
	}
	if (list_length(list) > CLSF__MAX_CHILDREN) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, list->start_mark, "'%s' has more than %d terms", key,
		                    CLSF__MAX_CHILDREN);
		return UINT32_MAX;
	}
	for (size_t i = 0; i < list_length(list); i++)
		good = add_positive(c, node, list_item(r, list, i), depth) && good;
	if (r->nodes[node].n_children > CLSF__MAX_CHILDREN) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, list->start_mark,
		                    "'%s' has more than %d terms, those of counts included", key, CLSF__MAX_CHILDREN);
		good = false;
	}
	const yaml_node_t *negate = clsf__yaml_get(r, body, "negate");
	if (negate && depth > 0)
		WARN(r, negate, "'negate' of a nested set or sequence holds for the whole rule");
	if (negate && !is_list(negate))
		FAULT(r, negate, "'negate' must be a list of terms");
	for (size_t i = 0; good && negate && is_list(negate) && i < list_length(negate) && i <= CLSF__MAX_UNLESS; i++)
		add_negative(c, list_item(r, negate, i), r->nodes[node].n_children);
	return good ? node : UINT32_MAX;
}

bool clsf__is_cre(struct clsf__reader *r, const yaml_node_t *item)
{
	return clsf__yaml_get(r, item, "cre") != NULL;
}

struct clsf__rule *clsf__read_cre(struct clsf__reader *r, const yaml_node_t *item, const yaml_node_t *terms)
{
	static const char *const item_keys[] = { "cre", "metadata", "rule", NULL };
	static const char *const cre_keys[] = { "id", "severity", "title", "category", "author", "description",
		                                "impact", "impactScore", "cause", "mitigation", "mitigationScore",
		                                "tags", "references", "reports", "applications", "version",
		                                "generation", NULL };
	const yaml_node_t *cre = clsf__yaml_get(r, item, "cre"), *rule = clsf__yaml_get(r, item, "rule");
	struct clsf_rule *public = &r->rule->public;
	const yaml_node_t *id = clsf__yaml_get(r, cre, "id"), *title = clsf__yaml_get(r, cre, "title");
	if (!is_mapping(cre) || !id || !is_scalar(id) || !clsf__valid_id(scalar(id))) {
		FAULT(r, id ? id : cre, "a CRE needs an 'id' of letters, digits, '-', '_' or '.', at most 120");
		return NULL;
	}
	public->id = clsf__reader_text(r, id, "id");
	public->pack = "cre";
	r->rule->verbatim = true;
	check_keys(r, item, "a CRE document", item_keys);
	check_keys(r, cre, "'cre'", cre_keys);
	public->title = title ? clsf__reader_text(r, title, "title") : public->id;
	public->category = map_category(clsf__yaml_get(r, cre, "category"));
	public->severity = map_severity(r, clsf__yaml_get(r, cre, "severity"));
	read_runbook(r, cre);
	struct cre c = { .r = r, .terms = terms };
	if (!rule || !is_mapping(rule))
		FAULT(r, rule ? rule : item, "a rule needs a 'set' or a 'sequence'");
	else
		read_node(&c, rule, 0);
	if (!r->faulty)
		clsf__finish_condition(r, rule);
	return r->faulty || r->no_memory ? NULL : r->rule;
}
