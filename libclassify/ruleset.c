/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See ruleset.h. Compiling: equal expressions of all rules become one, each
 * gets its literals or its relaxed form, the filter is built over them, and
 * the canonical text of the rules is hashed.
 */

#include "ruleset.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "error.h"
#include "regex_filter.h"
#include "regex_tree.h"

bool clsf__rule_explains(const struct clsf__rule *a, const struct clsf__rule *b)
{
	for (size_t i = 0; i < a->n_explains; i++)
		if (fnmatch(a->explains[i], b->public.id, 0) == 0)
			return true;
	return false;
}

/* ---- the hash ---- */

static void hash_term(struct clsf__digest *context, const struct clsf__term *term)
{
	clsf__digest_add(context, term->pattern, term->length);
	clsf__digest_add(context, term->field, strlen(term->field));
	clsf__digest_add_number(context, term->lines);
	clsf__digest_add_number(context, term->folded);
	clsf__digest_add_number(context, term->or_line);
}

static void hash_unless(struct clsf__digest *context, const struct clsf__unless *u)
{
	const uint64_t numbers[] = {
		u->same_line, u->timed, u->spans, u->anchor, u->lower, u->upper,
		(uint64_t)u->lower_ns, (uint64_t)u->upper_ns, (uint64_t)u->lower_lines, (uint64_t)u->upper_lines,
	};
	hash_term(context, &u->term);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		clsf__digest_add_number(context, numbers[i]);
}

static void hash_node(struct clsf__digest *context, const struct clsf__rule *rule, uint32_t index)
{
	const struct clsf__node *node = &rule->nodes[index];
	clsf__digest_add_number(context, node->kind);
	clsf__digest_add_number(context, node->show);
	clsf__digest_add_number(context, node->same_line);
	clsf__digest_add_number(context, (uint64_t)node->within.ns);
	clsf__digest_add_number(context, node->within.lines);
	clsf__digest_add_number(context, node->count);
	clsf__digest_add_number(context, node->n_children);
	if (node->kind == CLSF__COND_TERM) {
		hash_term(context, &rule->terms[node->term]);
		return;
	}
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = rule->nodes[c].next)
		hash_node(context, rule, c);
}

/* What decides which lines of which logs the rule matches. */
static void hash_condition(struct clsf__digest *context, const struct clsf__rule *rule)
{
	clsf__digest_add_number(context, rule->n_unless);
	for (size_t i = 0; i < rule->n_unless; i++)
		hash_unless(context, &rule->unless[i]);
	hash_node(context, rule, 0);
}

/* What decides matches and verdicts, and what the verdict says; no places, no examples. */
static void hash_rule(struct clsf__digest *context, const struct clsf__rule *rule)
{
	const struct clsf_rule *p = &rule->public;
	const char *texts[] = { p->id, p->pack, p->title, p->category, p->owner, p->retry, p->cause,
		                p->fix, p->prevent, p->url };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		clsf__digest_add(context, texts[i], strlen(texts[i]));
	clsf__digest_add_number(context, p->role);
	clsf__digest_add_number(context, p->severity);
	clsf__digest_add_number(context, rule->show_above | (uint64_t)rule->show_last << 1);
	clsf__digest_add_number(context, rule->verbatim);
	clsf__digest_add_number(context, rule->n_explains);
	for (size_t i = 0; i < rule->n_explains; i++)
		clsf__digest_add(context, rule->explains[i], strlen(rule->explains[i]));
	hash_condition(context, rule);
}

static int by_id(const void *va, const void *vb)
{
	const struct clsf__rule *const *a = va, *const *b = vb;
	return strcmp((*a)->public.id, (*b)->public.id);
}

bool clsf__ruleset_hash(struct clsf_ruleset *ruleset)
{
	const struct clsf_allocator *a = &ruleset->allocator;
	struct clsf__rule **sorted = clsf__calloc(a, ruleset->n_rules, sizeof(*sorted));
	if (!sorted)
		return false;
	if (ruleset->n_rules)
		memcpy(sorted, ruleset->rules, ruleset->n_rules * sizeof(*sorted));
	qsort(sorted, ruleset->n_rules, sizeof(*sorted), by_id);
	struct clsf__digest context;
	clsf__digest_start(&context);
	for (size_t i = 0; i < ruleset->n_rules; i++)
		hash_rule(&context, sorted[i]);
	memcpy(ruleset->hash, "sha256:", 7);
	clsf__digest_end(&context, ruleset->hash + 7);
	clsf__free(a, sorted);
	return true;
}

/* ---- compiling ---- */

struct reference {
	struct clsf__term *term;
	uint32_t rule, number;
	bool positive;
};

/* The order of what they look for: pattern, field, reach. */
static int compare_terms(const struct clsf__term *a, const struct clsf__term *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->pattern, b->pattern, shorter);
	if (order == 0)
		order = (a->length > b->length) - (a->length < b->length);
	if (order == 0)
		order = strcmp(a->field, b->field);
	if (order == 0)
		order = (a->lines > b->lines) - (a->lines < b->lines);
	if (order == 0)
		order = (int)a->folded - (int)b->folded;
	if (order == 0)
		order = (int)a->or_line - (int)b->or_line;
	return order;
}

static int by_pattern(const void *va, const void *vb)
{
	const struct reference *a = va, *b = vb;
	int order = compare_terms(a->term, b->term);
	if (order == 0)
		order = (int)b->positive - (int)a->positive;
	if (order == 0)
		order = (a->rule > b->rule) - (a->rule < b->rule);
	if (order == 0)
		order = (a->number > b->number) - (a->number < b->number);
	return order;
}

/* Lists the terms of a rule, and what excuses it. */
static size_t add_references(struct reference *refs, size_t n, struct clsf__rule *rule, uint32_t number)
{
	for (size_t t = 0; t < rule->n_terms; t++)
		refs[n++] = (struct reference){ &rule->terms[t], number, (uint32_t)t, true };
	for (size_t i = 0; i < rule->n_unless; i++)
		refs[n++] = (struct reference){ &rule->unless[i].term, number, (uint32_t)(rule->n_terms + i),
			                        !rule->unless[i].same_line };
	return n;
}

/* Is the path one of those names? */
static bool is_one_of(const char *path, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(path, *names) == 0)
			return true;
	return false;
}

/*
 * Values that a prefix tells by a letter or a number, as field_reader.c has
 * them: no part of the line need hold them.
 */
static bool is_derived(const char *path)
{
	static const char *const names[] = { "level", "levelname", "severity", "priority", "facility", "flag",
		                             "section_event", NULL };
	return is_one_of(path, names);
}

/* Values that stand in the line, but not beside their names: prefixes tell them by their place. */
static bool is_unnamed(const char *path)
{
	static const char *const names[] = { "file", "host", "ident", "line", "message", "msg", "msgid", "name",
		                             "pid", "pipeline", "platform", "processName", "section", "stage",
		                             "stream", "thread", NULL };
	return is_one_of(path, names);
}

/*
 * Finds the last name in the path of the field that is no index. JSON may
 * escape some bytes of names by a backslash; any byte as \u.
 */
static void find_field_name(struct clsf__compiled *e)
{
	e->field_anywhere = e->or_line || is_unnamed(e->field) || strpbrk(e->field, "\"\\/\b\f\n\r\t");
	const char *end = e->field + strlen(e->field);
	for (;;) {
		const char *dot = memrchr(e->field, '.', (size_t)(end - e->field));
		const char *name = dot ? dot + 1 : e->field;
		e->field_name = name;
		e->field_name_length = (size_t)(end - name);
		if (!dot || strspn(name, "0123456789*") < e->field_name_length)
			return;
		end = dot;
	}
}

/* Does some window of the rule ask for the time of lines? */
static bool is_timed(const struct clsf__rule *rule)
{
	for (size_t i = 0; i < rule->n_nodes; i++)
		if (rule->nodes[i].within.ns)
			return true;
	for (size_t i = 0; i < rule->n_unless; i++)
		if (rule->unless[i].timed)
			return true;
	return false;
}

/* Equal expressions become one; who uses it is noted. */
static int merge_expressions(struct clsf_ruleset *rs)
{
	const struct clsf_allocator *a = &rs->allocator;
	size_t n = 0;
	for (size_t i = 0; i < rs->n_rules; i++)
		n += rs->rules[i]->n_terms + rs->rules[i]->n_unless;
	struct reference *refs = clsf__calloc(a, n ? n : 1, sizeof(*refs));
	rs->expressions = clsf__calloc(a, n ? n : 1, sizeof(*rs->expressions));
	rs->uses = clsf__calloc(a, n ? n : 1, sizeof(*rs->uses));
	rs->field_expressions = clsf__calloc(a, n ? n : 1, sizeof(*rs->field_expressions));
	int result = CLSF_E_NOMEM;
	if (!refs || !rs->expressions || !rs->uses || !rs->field_expressions)
		goto out;
	size_t k = 0;
	for (size_t i = 0; i < rs->n_rules; i++) {
		k = add_references(refs, k, rs->rules[i], (uint32_t)i);
		rs->rules[i]->timed = is_timed(rs->rules[i]);
	}
	qsort(refs, n, sizeof(*refs), by_pattern);
	uint32_t uses = 0;
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || compare_terms(refs[i].term, refs[i - 1].term) != 0) {
			struct clsf__compiled *e = &rs->expressions[rs->n_expressions];
			e->pattern = refs[i].term->pattern;
			e->length = refs[i].term->length;
			e->field = refs[i].term->field;
			e->lines = refs[i].term->lines;
			e->folded = refs[i].term->folded;
			e->or_line = refs[i].term->or_line;
			find_field_name(e);
			if (*e->field)
				rs->field_expressions[rs->n_field_expressions++] = (uint32_t)rs->n_expressions;
			e->first_use = uses;
			e->first_rule = refs[i].rule;
			/* "(?<" may be a lookbehind: then one call too many is made. */
			e->captures = memmem(e->pattern, e->length, "(?<", 3) || memmem(e->pattern, e->length, "(?P<", 4) ||
			              memmem(e->pattern, e->length, "(?'", 3);
			e->code = clsf__expression_new(a, e->pattern, e->length);
			if (!e->code)
				goto out;
			rs->n_expressions++;
		}
		struct clsf__compiled *e = &rs->expressions[rs->n_expressions - 1];
		refs[i].term->expression = (uint32_t)rs->n_expressions - 1;
		if (refs[i].positive) {
			e->positive = true;
			e->n_uses++;
			rs->uses[uses++] = (struct clsf__use){ refs[i].rule, refs[i].number };
		}
	}
	result = 0;
out:
	clsf__free(a, refs);
	return result;
}

/* ---- gates ---- */

/*
 * A later term of a sequence matters only after the first one hit, for as many
 * lines as the window has. Where such a term is too common to look for in
 * every line ("ready", a row of numbers), it is gated: the filter does not know
 * it, and the scanner judges it on the lines of open windows alone. What it
 * would have hit elsewhere could not have moved the condition.
 */
#define GATED_BITS 20.0      /* of literals, below which a term is worth a gate */
#define MAX_GATE 1000        /* lines; a longer window would cost more than it saves */

/* How often each term of a rule stands anywhere in its condition, and how often where it may be gated. */
struct places {
	unsigned all[CLSF__MAX_TERMS];
	unsigned later[CLSF__MAX_TERMS];
};

static bool may_gate(const struct places *p, size_t term)
{
	return p->later[term] && p->later[term] == p->all[term];
}

/*
 * Notes a term, or the terms of a choice of terms. A condition with a memory of
 * its own counts what it meets before the gate opens, so its terms are not
 * noted.
 */
static void mark_terms(const struct clsf__rule *rule, uint32_t index, struct places *places)
{
	const struct clsf__node *node = &rule->nodes[index];
	bool terms = node->kind == CLSF__COND_ANY;
	for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = rule->nodes[c].next)
		terms = terms && rule->nodes[c].kind == CLSF__COND_TERM;
	if (node->kind == CLSF__COND_TERM)
		places->later[node->term]++;
	for (uint32_t c = node->first_child, i = 0; terms && i < node->n_children; i++, c = rule->nodes[c].next)
		places->later[rule->nodes[c].term]++;
}

/* Finds the later places of sequences that are the condition or one choice of it; returns the widest window. */
static uint64_t find_later_terms(const struct clsf__rule *rule, uint32_t index, struct places *places)
{
	const struct clsf__node *node = &rule->nodes[index];
	uint64_t within = 0;
	if (node->kind == CLSF__COND_ANY) {
		for (uint32_t c = node->first_child, i = 0; i < node->n_children; i++, c = rule->nodes[c].next) {
			uint64_t part = find_later_terms(rule, c, places);
			within = part > within ? part : within;
		}
	} else if (node->kind == CLSF__COND_SEQUENCE && !node->within.ns && node->within.lines &&
	           node->within.lines <= MAX_GATE) {
		uint32_t c = rule->nodes[node->first_child].next;
		for (uint32_t i = 1; i < node->n_children; i++, c = rule->nodes[c].next)
			mark_terms(rule, c, places);
		within = node->within.lines;
	}
	return within;
}

static uint64_t find_places(const struct clsf__rule *rule, struct places *places)
{
	memset(places, 0, sizeof(*places));
	for (size_t i = 0; i < rule->n_nodes; i++)
		if (rule->nodes[i].kind == CLSF__COND_TERM)
			places->all[rule->nodes[i].term]++;
	return find_later_terms(rule, 0, places);
}

/* Marks the terms of a condition on one line of which another is rarer. */
static void find_line_gated(const struct clsf__rule *rule, const double *bits, bool *gated)
{
	for (size_t i = 0; i < rule->n_nodes; i++) {
		const struct clsf__node *node = &rule->nodes[i];
		if (!node->same_line)
			continue;
		uint32_t rarest = UINT32_MAX;
		double most = -1;
		for (uint32_t c = node->first_child, k = 0; k < node->n_children; k++, c = rule->nodes[c].next) {
			if (rule->nodes[c].kind != CLSF__COND_TERM)
				continue;
			uint32_t term = rule->nodes[c].term;
			gated[term] = true;
			if (bits[rule->terms[term].expression] > most) {
				most = bits[rule->terms[term].expression];
				rarest = term;
			}
		}
		if (rarest != UINT32_MAX)
			gated[rarest] = false;
	}
}

/*
 * Gates the expressions that are common and only ever later terms, or only
 * ever beside a rarer one on the same line.
 */
static void set_gates(struct clsf_ruleset *rs, const double *bits)
{
	for (size_t i = 0; i < rs->n_expressions; i++) {
		struct clsf__compiled *e = &rs->expressions[i];
		e->gated = e->positive && bits[i] < GATED_BITS && e->lines == 1;
		e->line_gated = e->gated;
	}
	for (size_t i = 0; i < rs->n_rules; i++) {
		struct clsf__rule *rule = rs->rules[i];
		struct places places;
		bool beside[CLSF__MAX_TERMS] = { false };
		find_places(rule, &places);
		find_line_gated(rule, bits, beside);
		for (size_t t = 0; t < rule->n_terms; t++) {
			struct clsf__compiled *e = &rs->expressions[rule->terms[t].expression];
			e->gated = e->gated && may_gate(&places, t);
			e->line_gated = e->line_gated && beside[t] && places.all[t] == 1;
		}
		for (size_t k = 0; k < rule->n_unless; k++) {
			struct clsf__compiled *e = &rs->expressions[rule->unless[k].term.expression];
			e->gated = e->gated && rule->unless[k].same_line;
			e->line_gated = e->line_gated && rule->unless[k].same_line;
		}
	}
	clsf__ruleset_set_reach(rs);
}

void clsf__ruleset_set_reach(struct clsf_ruleset *rs)
{
	rs->max_lines = 1;
	for (size_t i = 0; i < rs->n_expressions; i++)
		if (rs->expressions[i].lines > rs->max_lines)
			rs->max_lines = rs->expressions[i].lines;
	for (size_t i = 0; i < rs->n_rules; i++) {
		struct clsf__rule *rule = rs->rules[i];
		struct places places;
		bool some = false;
		rule->gate_within = find_places(rule, &places);
		rule->line_gated = false;
		for (size_t t = 0; t < rule->n_terms; t++) {
			const struct clsf__compiled *e = &rs->expressions[rule->terms[t].expression];
			some = some || e->gated;
			rule->line_gated = rule->line_gated || e->line_gated;
		}
		if (!some)
			rule->gate_within = 0;
	}
}

/* ---- what the filter looks for ---- */

/*
 * An expression without a telling text is not looked for over the lines of an
 * entry: half of all lines would have to be judged for it. One long word will do.
 */
#define FOLDED_BITS 20.0

/* Is a literal telling enough for that, and on one line wherever it is found in an entry? */
static bool may_fold(const struct clsf__literals *literals)
{
	for (size_t i = 0; i < literals->n; i++)
		if (memchr(literals->item[i].text, CLSF__FOLD, literals->item[i].length))
			return false;
	return literals->n && literals->bits >= FOLDED_BITS;
}

/*
 * Literals, and for a field the relaxed form as well, are looked for in place
 * of an expression that is not run on the text of the line at hand alone.
 */
static int make_only_part(struct clsf__arena *scratch, const struct clsf__compiled *e,
                          const struct clsf__re_tree *tree, const struct clsf__literals *literals,
                          struct clsf__filter_input *input)
{
	struct clsf__filter_part *part = clsf__arena_alloc(scratch, sizeof(*part));
	if (!part)
		return CLSF_E_NOMEM;
	*part = (struct clsf__filter_part){ .literals = *literals };
	input->parts = part;
	input->n_parts = 1;
	if (e->lines > 1)
		return 0;
	struct clsf__buffer relaxed;
	clsf__buffer_init(&relaxed, &scratch->allocator);
	if (clsf__re_relax(tree, &relaxed))
		part->relaxed = clsf__arena_strndup(scratch, relaxed.data, relaxed.length);
	bool good = !relaxed.failed && (!relaxed.length || part->relaxed);
	clsf__buffer_done(&relaxed);
	return good ? 0 : CLSF_E_NOMEM;
}

/* What the filter may look for in place of the expression, and how rare that is. */
static int make_input(struct clsf__arena *scratch, struct clsf__compiled *e, struct clsf__filter_input *input,
                      double *ret_bits)
{
	static struct clsf__filter_part nothing = { .relaxed = NULL };
	struct clsf__re_tree tree;
	struct clsf__literals literals;
	if (!clsf__re_parse(scratch, e->pattern, e->length,
	                                 clsf__pattern_is_utf(e->pattern, e->length), &tree))
		return CLSF_E_NOMEM;
	e->context_free = tree.context_free;
	input->skip = !e->positive;
	input->parts = &nothing;
	input->n_parts = 1;
	if (input->skip || (*e->field && is_derived(e->field)))
		return 0;
	if (!clsf__re_literals(scratch, &tree, e->lines > 1, &literals))
		return CLSF_E_NOMEM;
	/* The field's name is looked for where it is rarer than the literals of what is looked for in it. */
	if (!e->field_anywhere && !clsf__re_prefer_literal(scratch, e->field_name, e->field_name_length, &literals))
		return CLSF_E_NOMEM;
	if (e->folded && !may_fold(&literals)) {
		e->folded = false;
		e->lines = 1;
	}
	*ret_bits = literals.n ? literals.bits : 0;
	if (e->lines > 1 || *e->field)
		return make_only_part(scratch, e, &tree, &literals, input);
	return clsf__filter_split(scratch, e->pattern, e->length, &tree, input) ? 0 : CLSF_E_NOMEM;
}

int clsf__ruleset_build_filter(struct clsf_ruleset *rs, enum clsf_engine engine, struct clsf_error *err)
{
	const struct clsf_allocator *a = &rs->allocator;
	struct clsf__arena scratch;
	clsf__arena_init(&scratch, a);
	struct clsf__filter_input *inputs = clsf__calloc(a, rs->n_expressions + 1, sizeof(*inputs));
	double *bits = clsf__calloc(a, rs->n_expressions + 1, sizeof(*bits));
	int result = CLSF_E_NOMEM;
	if (!inputs || !bits)
		goto out;
	for (size_t i = 0; i < rs->n_expressions; i++) {
		if (make_input(&scratch, &rs->expressions[i], &inputs[i], &bits[i]) != 0)
			goto out;
	}
	set_gates(rs, bits);
	for (size_t i = 0; i < rs->n_expressions; i++)
		inputs[i].skip = inputs[i].skip || rs->expressions[i].gated || rs->expressions[i].line_gated;
	result = clsf__filter_new(a, inputs, rs->n_expressions, engine, &rs->filter, &rs->fallback, err);
	for (size_t i = 0; i < rs->n_expressions; i++) {
		bool gated = rs->expressions[i].gated || rs->expressions[i].line_gated;
		rs->expressions[i].plan = gated ? CLSF_PLAN_GATED : inputs[i].plan;
		rs->expressions[i].bits = (unsigned)bits[i];
	}
out:
	if (result == CLSF_E_NOMEM)
		clsf__error(err, result, 0, "out of memory");
	clsf__free(a, bits);
	clsf__free(a, inputs);
	clsf__arena_done(&scratch);
	return result;
}

static void ruleset_free(struct clsf_ruleset *rs)
{
	struct clsf_allocator a = rs->allocator;
	for (size_t i = 0; i < rs->n_expressions; i++)
		clsf__expression_free(&a, rs->expressions[i].code);
	clsf__filter_free(rs->filter);
	clsf__free(&a, rs->expressions);
	clsf__free(&a, rs->uses);
	clsf__free(&a, rs->field_expressions);
	clsf__free(&a, rs->rules);
	clsf__arena_done(&rs->arena);
	clsf__free(&a, rs);
}

int clsf__ruleset_start(const struct clsf_allocator *a, struct clsf__rule **rules, size_t n,
                        uint32_t match_limit, struct clsf_ruleset **ret_ruleset)
{
	struct clsf_ruleset *rs = clsf__calloc(a, 1, sizeof(*rs));
	if (!rs)
		return CLSF_E_NOMEM;
	atomic_init(&rs->references, 1);
	rs->allocator = *a;
	rs->fallback = "";
	rs->match_limit = match_limit;
	rs->rules = rules;
	rs->n_rules = n;
	clsf__arena_init(&rs->arena, a);
	int result = merge_expressions(rs);
	if (result) {
		rs->rules = NULL;
		ruleset_free(rs);
		return result;
	}
	*ret_ruleset = rs;
	return 0;
}

int clsf__ruleset_compile(const struct clsf_allocator *a, struct clsf__arena *arena,
                          struct clsf__rule **rules, size_t n, uint32_t match_limit,
                          enum clsf_engine engine, struct clsf_ruleset **ret_ruleset,
                          struct clsf_error *err)
{
	struct clsf_ruleset *rs;
	int result = clsf__ruleset_start(a, rules, n, match_limit, &rs);
	if (result)
		return clsf__error(err, result, 0, "out of memory");
	result = clsf__ruleset_build_filter(rs, engine, err);
	if (result == 0 && !clsf__ruleset_hash(rs))
		result = clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (result) {
		rs->rules = NULL;
		ruleset_free(rs);
		return result;
	}
	rs->arena = *arena;
	*arena = (struct clsf__arena){ .allocator = *a };
	*ret_ruleset = rs;
	return 0;
}

struct clsf_ruleset *clsf_ruleset_ref(struct clsf_ruleset *ruleset)
{
	if (ruleset)
		atomic_fetch_add_explicit(&ruleset->references, 1, memory_order_relaxed);
	return ruleset;
}

void clsf_ruleset_unref(struct clsf_ruleset *ruleset)
{
	if (ruleset && atomic_fetch_sub_explicit(&ruleset->references, 1, memory_order_acq_rel) == 1)
		ruleset_free(ruleset);
}

size_t clsf_ruleset_count(const struct clsf_ruleset *ruleset)
{
	return ruleset ? ruleset->n_rules : 0;
}

size_t clsf_ruleset_quarantined(const struct clsf_ruleset *ruleset)
{
	return ruleset ? ruleset->quarantined : 0;
}

const struct clsf_rule *clsf_ruleset_rule(const struct clsf_ruleset *ruleset, size_t index)
{
	return ruleset && index < ruleset->n_rules ? &ruleset->rules[index]->public : NULL;
}

const struct clsf_rule *clsf_ruleset_find(const struct clsf_ruleset *ruleset, const char *id)
{
	for (size_t i = 0; ruleset && id && i < ruleset->n_rules; i++)
		if (strcmp(ruleset->rules[i]->public.id, id) == 0)
			return &ruleset->rules[i]->public;
	return NULL;
}

int clsf_ruleset_expression(const struct clsf_ruleset *ruleset, size_t index,
                            struct clsf_expression *ret_expression)
{
	CLSF__REQUIRE(ruleset && ret_expression);
	if (index >= ruleset->n_expressions)
		return CLSF_E_LIMIT;
	const struct clsf__compiled *e = &ruleset->expressions[index];
	*ret_expression = (struct clsf_expression){
		.rule = &ruleset->rules[e->first_rule]->public,
		.expression = e->pattern,
		.plan = e->plan,
		.bits = e->bits,
	};
	return 0;
}

const char *clsf_ruleset_hash(const struct clsf_ruleset *ruleset)
{
	return ruleset ? ruleset->hash : "";
}

int clsf_ruleset_rule_hash(const struct clsf_ruleset *ruleset, size_t index, char ret_condition[65],
                           char ret_whole[65])
{
	CLSF__REQUIRE(ruleset && ret_condition && ret_whole);
	if (index >= ruleset->n_rules)
		return CLSF_E_LIMIT;
	struct clsf__digest context;
	clsf__digest_start(&context);
	hash_condition(&context, ruleset->rules[index]);
	clsf__digest_end(&context, ret_condition);
	clsf__digest_start(&context);
	hash_rule(&context, ruleset->rules[index]);
	clsf__digest_end(&context, ret_whole);
	return 0;
}
