/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread needs to scan: scratch of the engine, match data, and lists that grow and are kept. */

#include <stdio.h>
#include <string.h>

#include "entries.h"
#include "error.h"
#include "stream.h"

#define MIN_CANDIDATES 32768   /* of one block, before it is split */

int clsf_worker_new(struct clsf_ruleset *ruleset, const struct clsf_worker_options *options,
                    struct clsf_worker **ret_worker)
{
	CLSF__REQUIRE(ruleset && ret_worker);
	CLSF__REQUIRE(!options || options->size == sizeof(*options));
	struct clsf_allocator a = clsf__allocator(options ? options->allocator : NULL);
	struct clsf_worker *w = clsf__calloc(&a, 1, sizeof(*w));
	if (!w)
		return CLSF_E_NOMEM;
	w->allocator = a;
	if (options)
		w->options = *options;
	atomic_init(&w->busy, false);
	w->ruleset = clsf_ruleset_ref(ruleset);
	clsf__messages_init(&w->messages, &a);
	clsf__messages_init(&w->other, &a);
	clsf__buffer_init(&w->side, &a);
	for (size_t i = 0; i < sizeof(w->spans) / sizeof(w->spans[0]); i++)
		clsf__buffer_init(&w->spans[i].text, &a);
	clsf__fields_init(&w->line_fields, &a);
	size_t n = ruleset->n_expressions + 1;
	/* One line never has more candidates than this, so that a block of one line always fits. */
	w->max_candidates = 4 * n > MIN_CANDIDATES ? 4 * n : MIN_CANDIDATES;
	w->max_joined = 4 * n;
	w->candidates = clsf__calloc(&a, w->max_candidates, sizeof(*w->candidates));
	w->merged = clsf__calloc(&a, w->max_candidates, sizeof(*w->merged));
	w->joined = clsf__calloc(&a, w->max_joined, sizeof(*w->joined));
	w->stamp = clsf__calloc(&a, n, sizeof(*w->stamp));
	w->judged = clsf__calloc(&a, n, sizeof(*w->judged));
	/* Those of a match, and as many of lines that it may not take. */
	w->bound_capacity = 2 * CLSF__MAX_CAPTURES;
	w->bound = clsf__calloc(&a, w->bound_capacity, sizeof(*w->bound));
	w->bound_term = clsf__calloc(&a, w->bound_capacity, sizeof(*w->bound_term));
	w->bound_line = clsf__calloc(&a, w->bound_capacity, sizeof(*w->bound_line));
	w->luck = clsf__calloc(&a, n, sizeof(*w->luck));
	int result = w->luck && w->bound_line && w->candidates && w->merged && w->joined && w->bound_term && w->stamp && w->judged && w->bound ? 0 : CLSF_E_NOMEM;
	if (result == 0 && w->options.clock) {
		w->costs = clsf__calloc(&a, n, sizeof(*w->costs));
		result = w->costs ? 0 : CLSF_E_NOMEM;
	}
	if (result == 0)
		result = clsf__runner_new(&a, ruleset->match_limit, &w->runner);
	if (result == 0)
		result = clsf__scratch_new(ruleset->filter, &w->scratch);
	if (result) {
		clsf_worker_free(w);
		return result;
	}
	*ret_worker = w;
	return 0;
}

void clsf_worker_free(struct clsf_worker *w)
{
	if (!w)
		return;
	struct clsf_allocator a = w->allocator;
	clsf__entries_free(w->entries);
	clsf__scratch_free(w->scratch);
	clsf__runner_free(w->runner);
	clsf__messages_done(&w->messages);
	clsf__messages_done(&w->other);
	clsf__buffer_done(&w->side);
	for (size_t i = 0; i < sizeof(w->spans) / sizeof(w->spans[0]); i++)
		clsf__buffer_done(&w->spans[i].text);
	clsf__fields_done(&w->line_fields);
	clsf__free(&a, w->pieces);
	clsf__free(&a, w->specials);
	clsf__free(&a, w->candidates);
	clsf__free(&a, w->merged);
	clsf__free(&a, w->joined);
	clsf__free(&a, w->stamp);
	clsf__free(&a, w->judged);
	clsf__free(&a, w->luck);
	clsf__free(&a, w->costs);
	clsf__free(&a, w->hits);
	clsf__free(&a, w->fields);
	clsf__free(&a, w->bound);
	clsf__free(&a, w->bound_term);
	clsf__free(&a, w->bound_line);
	clsf_ruleset_unref(w->ruleset);
	clsf__free(&a, w);
}

int clsf_worker_cost(const struct clsf_worker *w, size_t index, struct clsf_cost *ret_cost,
                     struct clsf_work *ret_work)
{
	CLSF__REQUIRE(w && ret_cost && w->costs);
	const struct clsf_ruleset *rs = w->ruleset;
	if (ret_work)
		*ret_work = w->work;
	if (index >= rs->n_expressions)
		return CLSF_E_LIMIT;
	const struct clsf__compiled *e = &rs->expressions[index];
	*ret_cost = w->costs[index];
	ret_cost->rule = &rs->rules[e->first_rule]->public;
	ret_cost->expression = e->pattern;
	ret_cost->plan = e->plan;
	return 0;
}

const char *clsf_engine_version(void)
{
	/* Both parts are static and never change; the joined text is written once per thread. */
	static _Thread_local char text[128];
	snprintf(text, sizeof(text), "%s, %s", clsf__filter_engine(), clsf__expression_engine());
	return text;
}
