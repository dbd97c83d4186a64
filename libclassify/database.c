/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled form of a ruleset: what a cache keeps and `classify compile`
 * writes. Layout:
 *
 *     magic, version of the format, length of the rest, checksum of the rest
 *     version of the library
 *     match limit, rules left out, the rules with their examples
 *     platform: engine, its exact version, processor; PCRE2's version; fallback;
 *     the ruleset's hash
 *     the filter's databases, with their own length
 *     the probe: a text of example lines, and a hash of what the filter said of it
 *
 * How others' caches broke decides how it is read. The platform is compared as
 * an exact text, never as numbers; the checksum covers everything; a database
 * that the engine refuses, or that does not find in the probe what it found
 * when it was written, is compiled anew from the rules beside it; scratch space
 * is allocated before the ruleset is given out. Expressions are checked by
 * PCRE2 when they first run, under the same lock as always.
 */

#include <string.h>

#include "category.h"
#include "codec.h"
#include "condition.h"
#include "digest.h"
#include "error.h"
#include "ruleset.h"

#define MAGIC "CLSFRS\r\n"
#define FORMAT 11
#define HEAD (8 + 8 + 8 + 8)
#define MAX_LINES 999999999  /* of a window, as rules write them */
#define MAX_PROBE ((size_t)128 * 1024)

/* ---- writing ---- */

static void put_node(struct clsf__buffer *b, const struct clsf__node *n)
{
	const uint64_t numbers[] = { n->kind, n->show, n->same_line, n->term, n->first_child, n->next,
		                     n->n_children, (uint64_t)n->within.ns, n->within.lines, n->count };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		clsf__put_number(b, numbers[i]);
}

static void put_term(struct clsf__buffer *b, const struct clsf__term *t)
{
	clsf__put_text(b, t->pattern, t->length);
	clsf__put_string(b, t->field);
	clsf__put_number(b, t->lines);
	clsf__put_number(b, t->folded);
	clsf__put_number(b, t->or_line);
	clsf__put_number(b, t->line);
	clsf__put_number(b, t->column);
}

static void put_unless(struct clsf__buffer *b, const struct clsf__unless *u)
{
	put_term(b, &u->term);
	const uint64_t numbers[] = {
		u->same_line, u->timed, u->spans, u->anchor, u->lower, u->upper,
		(uint64_t)u->lower_ns, (uint64_t)u->upper_ns, (uint64_t)u->lower_lines, (uint64_t)u->upper_lines,
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		clsf__put_number(b, numbers[i]);
}

static void put_rule(struct clsf__buffer *b, const struct clsf__rule *r)
{
	const struct clsf_rule *p = &r->public;
	const char *const texts[] = { p->id, p->pack, p->title, p->category, p->owner, p->retry, p->cause,
		                      p->fix, p->prevent, p->url, p->file };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		clsf__put_string(b, texts[i]);
	const uint64_t numbers[] = { p->role, p->severity, p->line, r->column,
		                     r->show_above | (uint64_t)r->show_last << 1, r->shows_term, r->verbatim };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		clsf__put_number(b, numbers[i]);
	clsf__put_number(b, r->n_explains);
	for (size_t i = 0; i < r->n_explains; i++)
		clsf__put_string(b, r->explains[i]);
	clsf__put_number(b, r->n_terms);
	for (size_t i = 0; i < r->n_terms; i++)
		put_term(b, &r->terms[i]);
	clsf__put_number(b, r->n_unless);
	for (size_t i = 0; i < r->n_unless; i++)
		put_unless(b, &r->unless[i]);
	clsf__put_number(b, r->n_nodes);
	for (size_t i = 0; i < r->n_nodes; i++)
		put_node(b, &r->nodes[i]);
	clsf__put_number(b, p->n_examples);
	for (size_t i = 0; i < p->n_examples; i++) {
		const struct clsf_example *e = &p->examples[i];
		clsf__put_text(b, e->text, e->length);
		clsf__put_number(b, e->must_match != 0);
		clsf__put_number(b, e->line);
		clsf__put_number(b, e->has_fields != 0);
		clsf__put_number(b, e->n_fields);
		for (size_t k = 0; k < e->n_fields; k++) {
			clsf__put_string(b, e->field_names[k]);
			clsf__put_string(b, e->field_values[k]);
		}
	}
}

/* What the filter says of the probe: every candidate, in whatever order it comes. */
static bool note_candidate(void *context, uint32_t expression, size_t end)
{
	uint64_t *sum = context;
	uint64_t h = ((uint64_t)expression << 32 | (uint64_t)end) * UINT64_C(0x9e3779b97f4a7c15);
	sum[0] += h ^ h >> 29;
	sum[1]++;
	return true;
}

static int run_probe(const struct clsf_ruleset *rs, const char *text, size_t length, uint64_t sum[2])
{
	struct clsf__scratch *scratch;
	sum[0] = sum[1] = 0;
	int result = clsf__scratch_new(rs->filter, &scratch);
	if (result)
		return result;
	result = clsf__filter_scan(rs->filter, scratch, text, length, note_candidate, sum);
	clsf__scratch_free(scratch);
	return result;
}

/* The rules' own examples that must match, as far as they fit. */
static void make_probe(const struct clsf_ruleset *rs, struct clsf__buffer *probe)
{
	for (size_t i = 0; i < rs->n_rules; i++) {
		const struct clsf_rule *rule = &rs->rules[i]->public;
		for (size_t k = 0; k < rule->n_examples && probe->length < MAX_PROBE; k++) {
			if (!rule->examples[k].must_match)
				continue;
			clsf__buffer_add(probe, rule->examples[k].text, rule->examples[k].length);
			clsf__buffer_addc(probe, '\n');
		}
	}
	/* A set without examples has at least its own literals to find. */
	for (size_t i = 0; i < rs->n_expressions && probe->length < MAX_PROBE; i++) {
		clsf__buffer_add(probe, rs->expressions[i].pattern, rs->expressions[i].length);
		clsf__buffer_addc(probe, '\n');
	}
}

int clsf_ruleset_save(const struct clsf_ruleset *rs, clsf_write_fn write, void *user)
{
	CLSF__REQUIRE(rs && write);
	struct clsf__buffer body, filter, probe;
	uint64_t sum[2];
	clsf__buffer_init(&body, &rs->allocator);
	clsf__buffer_init(&filter, &rs->allocator);
	clsf__buffer_init(&probe, &rs->allocator);
	clsf__put_string(&body, clsf_version());
	clsf__put_number(&body, rs->match_limit);
	clsf__put_number(&body, rs->quarantined);
	clsf__put_number(&body, rs->n_rules);
	for (size_t i = 0; i < rs->n_rules; i++)
		put_rule(&body, rs->rules[i]);
	clsf__put_string(&body, clsf__filter_platform());
	clsf__put_string(&body, clsf__expression_engine());
	clsf__put_string(&body, rs->fallback);
	clsf__put_string(&body, rs->hash);
	for (size_t i = 0; i < rs->n_expressions; i++) {
		const struct clsf__compiled *e = &rs->expressions[i];
		clsf__put_number(&body, (uint64_t)e->bits << 7 | (uint64_t)e->folded << 6 | (uint64_t)e->plan << 3 | (uint64_t)e->line_gated << 2 |
		                                (uint64_t)e->context_free << 1 | e->gated);
	}
	int result = clsf__filter_save(rs->filter, &filter);
	clsf__put_text(&body, filter.data, filter.length);
	make_probe(rs, &probe);
	if (result == 0 && probe.failed)
		result = CLSF_E_NOMEM;
	if (result == 0)
		result = run_probe(rs, probe.data, probe.length, sum);
	clsf__put_text(&body, probe.data, probe.length);
	clsf__put_number(&body, sum[0]);
	clsf__put_number(&body, sum[1]);
	struct clsf__buffer head;
	clsf__buffer_init(&head, &rs->allocator);
	if (result == 0) {
		clsf__buffer_add(&head, MAGIC, 8);
		clsf__put_number(&head, FORMAT);
		clsf__put_number(&head, body.length);
		clsf__put_number(&head, clsf__checksum(body.data, body.length));
		if (body.failed || filter.failed || head.failed)
			result = CLSF_E_NOMEM;
	}
	if (result == 0 && (write(head.data, head.length, user) || write(body.data, body.length, user)))
		result = CLSF_STOPPED;
	clsf__buffer_done(&head);
	clsf__buffer_done(&body);
	clsf__buffer_done(&filter);
	clsf__buffer_done(&probe);
	return result;
}

/* ---- reading ---- */

struct restoration {
	struct clsf__source in;
	struct clsf__arena *arena;
	bool no_memory;
};

static void *allocate(struct restoration *x, size_t count, size_t size)
{
	void *p = count > SIZE_MAX / size ? NULL : clsf__arena_alloc(x->arena, count ? count * size : 1);
	if (!p) {
		x->no_memory = true;
		x->in.bad = true;
		return NULL;
	}
	memset(p, 0, count * size);
	return p;
}

static const char *get_copy(struct restoration *x, size_t *ret_length)
{
	size_t length;
	const char *text = clsf__get_text(&x->in, &length);
	char *copy = clsf__arena_strndup(x->arena, text, length);
	if (!copy) {
		x->no_memory = true;
		x->in.bad = true;
	}
	if (ret_length)
		*ret_length = length;
	return copy ? copy : "";
}

/* A text that the library's interfaces promise to end at its NUL. */
static const char *get_string(struct restoration *x)
{
	size_t length;
	const char *text = get_copy(x, &length);
	if (strlen(text) != length)
		x->in.bad = true;
	return text;
}

static void get_term(struct restoration *x, struct clsf__term *t)
{
	t->pattern = get_copy(x, &t->length);
	t->field = get_string(x);
	t->lines = (uint32_t)clsf__get_below(&x->in, CLSF__MAX_SPAN_LINES + 1);
	t->folded = clsf__get_below(&x->in, 2);
	t->or_line = clsf__get_below(&x->in, 2);
	t->line = (uint32_t)clsf__get_below(&x->in, UINT32_MAX);
	t->column = (uint32_t)clsf__get_below(&x->in, UINT32_MAX);
	if (t->length == 0 || t->length > CLSF__MAX_EXPRESSION || t->lines == 0 ||
	    (t->folded && (t->lines != CLSF__MAX_SPAN_LINES || *t->field)))
		x->in.bad = true;
}

/* A distance that cannot overflow where two are added. */
static int64_t get_distance(struct restoration *x, int64_t most)
{
	int64_t distance = (int64_t)clsf__get_number(&x->in);
	if (distance > most || distance < -most)
		x->in.bad = true;
	return distance;
}

static void get_unless(struct restoration *x, struct clsf__unless *u)
{
	get_term(x, &u->term);
	u->same_line = clsf__get_below(&x->in, 2);
	u->timed = clsf__get_below(&x->in, 2);
	u->spans = clsf__get_below(&x->in, 2);
	u->anchor = (uint32_t)clsf__get_below(&x->in, (uint64_t)UINT32_MAX + 1);
	u->lower = (enum clsf__bound)clsf__get_below(&x->in, CLSF__BOUND_AT + 1);
	u->upper = (enum clsf__bound)clsf__get_below(&x->in, CLSF__BOUND_AT + 1);
	u->lower_ns = get_distance(x, 2 * CLSF__MAX_DURATION);
	u->upper_ns = get_distance(x, 2 * CLSF__MAX_DURATION);
	u->lower_lines = get_distance(x, MAX_LINES);
	u->upper_lines = get_distance(x, MAX_LINES);
}

static void get_node(struct restoration *x, const struct clsf__rule *r, size_t index)
{
	struct clsf__node *n = &r->nodes[index];
	n->kind = (enum clsf__condition_kind)clsf__get_below(&x->in, CLSF__COND_COUNT + 1);
	n->show = clsf__get_below(&x->in, 2);
	n->same_line = clsf__get_below(&x->in, 2);
	n->term = (uint32_t)clsf__get_below(&x->in, r->n_terms);
	n->first_child = (uint32_t)clsf__get_below(&x->in, r->n_nodes);
	n->next = (uint32_t)clsf__get_below(&x->in, r->n_nodes);
	n->n_children = (uint32_t)clsf__get_below(&x->in, r->n_nodes);
	n->within.ns = get_distance(x, CLSF__MAX_DURATION);
	n->within.lines = (uint64_t)get_distance(x, MAX_LINES);
	n->count = (uint32_t)clsf__get_below(&x->in, CLSF__MAX_COUNT + 1);
	/* Children and siblings stand behind: no ring. */
	bool inner = n->kind != CLSF__COND_TERM;
	bool wide = n->kind == CLSF__COND_ALL || n->kind == CLSF__COND_SEQUENCE;
	if ((inner && n->first_child <= index) || (n->next && n->next <= index) ||
	    (inner && n->n_children == 0) || (wide && n->n_children > CLSF__MAX_CHILDREN) ||
	    (n->kind == CLSF__COND_COUNT && n->count == 0))
		x->in.bad = true;
}

/* Every list of children is as long as its parent says, and every node but the first is one node's child. */
static void check_nodes(struct restoration *x, const struct clsf__rule *r)
{
	bool is_child[CLSF__MAX_NODES] = { true };
	size_t children = 0;
	for (size_t i = 0; i < r->n_nodes && !x->in.bad; i++) {
		uint32_t c = r->nodes[i].first_child;
		for (uint32_t k = 0; k < r->nodes[i].n_children; k++, c = r->nodes[c].next) {
			if (c == 0 || is_child[c]) {
				x->in.bad = true;
				return;
			}
			is_child[c] = true;
			children++;
		}
	}
	if (children + 1 != r->n_nodes)
		x->in.bad = true;
}

static void get_examples(struct restoration *x, struct clsf_rule *p)
{
	size_t n = clsf__get_count(&x->in, 32);
	struct clsf_example *examples = allocate(x, n, sizeof(*examples));
	for (size_t i = 0; i < n && !x->in.bad; i++) {
		struct clsf_example *e = &examples[i];
		e->text = get_copy(x, &e->length);
		e->must_match = (int)clsf__get_below(&x->in, 2);
		e->line = (uint32_t)clsf__get_below(&x->in, UINT32_MAX);
		e->has_fields = (int)clsf__get_below(&x->in, 2);
		size_t fields = clsf__get_count(&x->in, 16);
		const char **names = allocate(x, fields, sizeof(*names));
		const char **values = allocate(x, fields, sizeof(*values));
		for (size_t k = 0; k < fields && !x->in.bad; k++) {
			names[k] = get_string(x);
			values[k] = get_string(x);
		}
		e->n_fields = fields;
		e->field_names = names;
		e->field_values = values;
	}
	p->examples = examples;
	p->n_examples = n;
}

static struct clsf__rule *get_rule(struct restoration *x)
{
	struct clsf__rule *r = allocate(x, 1, sizeof(*r));
	if (!r)
		return NULL;
	struct clsf_rule *p = &r->public;
	const char **texts[] = { &p->id, &p->pack, &p->title, &p->category, &p->owner, &p->retry, &p->cause,
		                 &p->fix, &p->prevent, &p->url, &p->file };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = get_string(x);
	if (*p->category && !(p->category = clsf__category_find(p->category, strlen(p->category)))) {
		p->category = "";
		x->in.bad = true;
	}
	p->role = (enum clsf_role)clsf__get_below(&x->in, CLSF_ROLE_FAILURE + 1);
	p->severity = (enum clsf_severity)clsf__get_below(&x->in, CLSF_SEVERITY_CRITICAL + 1);
	p->line = (uint32_t)clsf__get_below(&x->in, UINT32_MAX);
	r->column = (uint32_t)clsf__get_below(&x->in, UINT32_MAX);
	const uint64_t show = clsf__get_below(&x->in, 3);
	r->show_above = show == 1;
	r->show_last = show == 2;
	r->shows_term = clsf__get_below(&x->in, 2);
	r->verbatim = clsf__get_below(&x->in, 2);
	r->n_explains = clsf__get_count(&x->in, 8);
	r->explains = allocate(x, r->n_explains, sizeof(*r->explains));
	for (size_t i = 0; i < r->n_explains && !x->in.bad; i++)
		r->explains[i] = get_string(x);
	p->explains = r->explains;
	p->n_explains = r->n_explains;
	r->n_terms = clsf__get_below(&x->in, CLSF__MAX_TERMS + 1);
	r->terms = allocate(x, r->n_terms, sizeof(*r->terms));
	const char **expressions = allocate(x, r->n_terms, sizeof(*expressions));
	for (size_t i = 0; i < r->n_terms && !x->in.bad; i++) {
		get_term(x, &r->terms[i]);
		bool known = false;
		for (size_t k = 0; k < p->n_expressions; k++)
			known = known || strcmp(expressions[k], r->terms[i].pattern) == 0;
		if (!known)
			expressions[p->n_expressions++] = r->terms[i].pattern;
	}
	p->expressions = expressions;
	r->n_unless = clsf__get_below(&x->in, CLSF__MAX_UNLESS + 1);
	r->unless = allocate(x, r->n_unless, sizeof(*r->unless));
	for (size_t i = 0; i < r->n_unless && !x->in.bad; i++)
		get_unless(x, &r->unless[i]);
	r->n_nodes = clsf__get_below(&x->in, CLSF__MAX_NODES + 1);
	r->nodes = allocate(x, r->n_nodes, sizeof(*r->nodes));
	for (size_t i = 0; i < r->n_nodes && !x->in.bad; i++)
		get_node(x, r, i);
	check_nodes(x, r);
	if (!x->in.bad && !clsf__number_moments(r))
		x->in.bad = true;
	get_examples(x, p);
	if (r->n_nodes == 0 || r->n_terms == 0 || !*p->id)
		x->in.bad = true;
	return r;
}

static int damaged(struct clsf_error *err, const char *what)
{
	return clsf__error(err, CLSF_E_SYNTAX, 0, "%s", what);
}

/* Checks the head. Returns 0 and the body. */
static int read_head(const void *data, size_t length, struct clsf__source *body, struct clsf_error *err)
{
	const unsigned char *bytes = data;
	struct clsf__source in = { .at = bytes + 8, .left = length < 8 ? 0 : length - 8 };
	if (length < HEAD || memcmp(bytes, MAGIC, 8) != 0)
		return damaged(err, "not a compiled ruleset");
	if (clsf__get_number(&in) != FORMAT)
		return damaged(err, "a compiled ruleset of another format");
	if (clsf__get_number(&in) != length - HEAD)
		return damaged(err, "a compiled ruleset that was cut short, or has bytes behind it");
	if (clsf__get_number(&in) != clsf__checksum(bytes + HEAD, length - HEAD))
		return damaged(err, "a compiled ruleset that is damaged: its checksum is wrong");
	*body = (struct clsf__source){ .at = bytes + HEAD, .left = length - HEAD };
	return 0;
}

/*
 * The filter as it was written, if it was written for this engine and this
 * processor and finds in the probe what it found then. Returns 0;
 * CLSF_RECOMPILED when it has to be compiled; CLSF_E_NOMEM, for where memory is
 * out compiling would need far more of it.
 */
static int restore_filter(struct restoration *x, struct clsf_ruleset *rs)
{
	size_t length;
	const char *platform = get_string(x);
	const char *judge = get_string(x);
	const char *fallback = get_string(x);
	const char *hash = get_string(x);
	/* Under the same checksum as the rules that it is of: it need not be made again. */
	if (strlen(hash) + 1 == sizeof(rs->hash))
		memcpy(rs->hash, hash, sizeof(rs->hash));
	else
		x->in.bad = true;
	for (size_t i = 0; i < rs->n_expressions; i++) {
		uint64_t flags = clsf__get_below(&x->in, UINT64_C(1) << 32);
		struct clsf__compiled *e = &rs->expressions[i];
		e->gated = flags & 1;
		e->context_free = flags >> 1 & 1;
		e->line_gated = flags >> 2 & 1;
		e->plan = (enum clsf_plan)(flags >> 3 & 7);
		e->bits = (unsigned)(flags >> 7);
		/* Too common for that, as it was found when this was written. */
		if (e->folded && !(flags >> 6 & 1)) {
			e->folded = false;
			e->lines = 1;
		}
		x->in.bad = x->in.bad || e->plan > CLSF_PLAN_ALWAYS;
	}
	const char *text = clsf__get_text(&x->in, &length);
	struct clsf__source filter = { .at = (const unsigned char *)text, .left = length };
	size_t probe_length;
	const char *probe = clsf__get_text(&x->in, &probe_length);
	uint64_t expected[2], found[2];
	expected[0] = clsf__get_number(&x->in);
	expected[1] = clsf__get_number(&x->in);
	if (x->no_memory)
		return CLSF_E_NOMEM;
	/* It was written after the self-test of this very engine on such a processor; the probe follows. */
	if (x->in.bad || strcmp(platform, clsf__filter_platform()) != 0 ||
	    strcmp(judge, clsf__expression_engine()) != 0 || !clsf__filter_runs())
		return CLSF_RECOMPILED;
	/* What the self-test said of this engine on this processor then, it says again. */
	rs->fallback = fallback;
	clsf__ruleset_set_reach(rs);
	int result = clsf__filter_restore(&rs->allocator, &filter, rs->n_expressions, &rs->filter);
	if (result == 0)
		result = run_probe(rs, probe, probe_length, found);
	if (result == 0 && found[0] == expected[0] && found[1] == expected[1])
		return 0;
	clsf__filter_free(rs->filter);
	rs->filter = NULL;
	rs->fallback = "";
	return result == CLSF_E_NOMEM ? result : CLSF_RECOMPILED;
}

int clsf_ruleset_restore(const struct clsf_allocator *allocator, const void *data, size_t length,
                         struct clsf_ruleset **ret_ruleset, struct clsf_error *err)
{
	CLSF__REQUIRE(data && ret_ruleset);
	struct clsf_allocator a = clsf__allocator(allocator);
	struct clsf__arena arena;
	struct restoration x = { .arena = &arena };
	int result = read_head(data, length, &x.in, err);
	if (result)
		return result;
	clsf__arena_init(&arena, &a);
	size_t text_length;
	const char *version = clsf__get_text(&x.in, &text_length);
	if (strlen(clsf_version()) != text_length || memcmp(version, clsf_version(), text_length) != 0)
		return damaged(err, "a compiled ruleset of another version of the library");
	uint32_t match_limit = (uint32_t)clsf__get_below(&x.in, UINT32_MAX);
	size_t quarantined = (size_t)clsf__get_number(&x.in);
	size_t n = clsf__get_count(&x.in, 100);
	struct clsf__rule **rules = clsf__calloc(&a, n ? n : 1, sizeof(*rules));
	if (!rules)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n && !x.in.bad; i++)
		rules[i] = get_rule(&x);
	struct clsf_ruleset *rs = NULL;
	if (x.no_memory)
		result = clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	else if (x.in.bad)
		result = damaged(err, "a compiled ruleset that makes no sense");
	else
		result = clsf__ruleset_start(&a, rules, n, match_limit, &rs);
	if (result == 0)
		result = restore_filter(&x, rs);
	bool recompiled = result == CLSF_RECOMPILED;
	if (recompiled)
		result = clsf__ruleset_build_filter(rs, CLSF_ENGINE_AUTO, err);
	if (result == 0 && !rs->hash[0] && !clsf__ruleset_hash(rs))
		result = CLSF_E_NOMEM;
	if (result == CLSF_E_NOMEM)
		clsf__error(err, result, 0, "out of memory");
	if (result) {
		if (rs)
			rs->rules = NULL, clsf_ruleset_unref(rs);
		clsf__free(&a, rules);
		clsf__arena_done(&arena);
		return result;
	}
	rs->quarantined = quarantined;
	rs->arena = arena;
	*ret_ruleset = rs;
	return recompiled ? CLSF_RECOMPILED : 0;
}

/* ---- some of the rules ---- */

/* The rules are copied by the way that they are written and read, which holds all there is to a rule. */
int clsf_ruleset_subset(const struct clsf_ruleset *ruleset, const size_t *indexes, size_t n, enum clsf_engine engine,
                        struct clsf_ruleset **ret_ruleset, struct clsf_error *err)
{
	CLSF__REQUIRE(ruleset && (indexes || n == 0) && ret_ruleset);
	for (size_t i = 0; i < n; i++)
		if (indexes[i] >= ruleset->n_rules)
			return clsf__error(err, CLSF_E_LIMIT, 0, "there is no rule number %zu", indexes[i]);
	const struct clsf_allocator *a = &ruleset->allocator;
	struct clsf__arena arena;
	struct clsf__buffer written;
	clsf__arena_init(&arena, a);
	clsf__buffer_init(&written, a);
	for (size_t i = 0; i < n; i++)
		put_rule(&written, ruleset->rules[indexes[i]]);
	struct restoration x = {
		.in = { .at = (const unsigned char *)written.data, .left = written.length }, .arena = &arena,
	};
	struct clsf__rule **rules = clsf__calloc(a, n ? n : 1, sizeof(*rules));
	bool good = rules && !written.failed;
	for (size_t i = 0; good && i < n; i++) {
		rules[i] = get_rule(&x);
		good = !x.in.bad;
	}
	clsf__buffer_done(&written);
	int result = good ? clsf__ruleset_compile(a, &arena, rules, n, ruleset->match_limit, engine, ret_ruleset, err)
	                  : clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (result) {
		clsf__free(a, rules);
		clsf__arena_done(&arena);
	}
	return result;
}
