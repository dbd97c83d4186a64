/* SPDX-License-Identifier: Apache-2.0 */
/* See profile.h. */

#include "profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define MAX_ROWS 40

uint64_t profile_clock(void *context)
{
	(void)context;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_time(const void *va, const void *vb)
{
	const struct clsf_cost *a = va, *b = vb;
	if (a->nanoseconds != b->nanoseconds)
		return a->nanoseconds > b->nanoseconds ? -1 : 1;
	return (a->candidates < b->candidates) - (a->candidates > b->candidates);
}

static void print_stage(FILE *f, const char *name, uint64_t part, uint64_t total)
{
	fprintf(f, "  %-10s %9.1f ms  %5.1f %%\n", name, (double)part / 1e6,
	        total ? 100.0 * (double)part / (double)total : 0.0);
}

/* The expressions of a ruleset are the same, and in the same order, for each worker. */
static void add_worker(const struct clsf_worker *worker, struct clsf_cost *list, size_t n, struct clsf_work *sum)
{
	struct clsf_cost cost;
	struct clsf_work work = { 0 };
	for (size_t i = 0; i < n && clsf_worker_cost(worker, i, &cost, &work) == 0; i++) {
		cost.candidates += list[i].candidates;
		cost.judged += list[i].judged;
		cost.hits += list[i].hits;
		cost.nanoseconds += list[i].nanoseconds;
		list[i] = cost;
	}
	sum->bytes += work.bytes;
	sum->lines += work.lines;
	sum->judged_lines += work.judged_lines;
	sum->filter_nanoseconds += work.filter_nanoseconds;
	sum->judge_nanoseconds += work.judge_nanoseconds;
	sum->other_nanoseconds += work.other_nanoseconds;
}

void profile_print(FILE *f, const struct clsf_worker *const *workers, size_t n_workers, uint64_t total)
{
	struct clsf_cost cost, *list = NULL;
	struct clsf_work one, work = { 0 };
	size_t n = 0;
	while (clsf_worker_cost(workers[0], n, &cost, &one) == 0)
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return;
	for (size_t i = 0; i < n_workers; i++)
		add_worker(workers[i], list, n, &work);
	qsort(list, n, sizeof(*list), by_time);
	double seconds = (double)total / 1e9;
	fprintf(f, "%" PRIu64 " bytes, %" PRIu64 " lines (%" PRIu64 " with a candidate), %.3f GB/s", work.bytes,
	        work.lines, work.judged_lines, seconds > 0 ? (double)work.bytes / 1e9 / seconds : 0.0);
	if (n_workers > 1)
		fprintf(f, ", %zu jobs", n_workers);
	fputc('\n', f);
	total *= n_workers;
	uint64_t known = work.filter_nanoseconds + work.judge_nanoseconds + work.other_nanoseconds;
	print_stage(f, "filter", work.filter_nanoseconds, total);
	print_stage(f, "judge", work.judge_nanoseconds, total);
	print_stage(f, "verdict", work.other_nanoseconds, total);
	print_stage(f, "input", total > known ? total - known : 0, total);
	fprintf(f, "%12s %12s %12s %10s  rule: expression\n", "candidates", "judged", "hits", "ms");
	for (size_t i = 0; i < n && i < MAX_ROWS && list[i].judged; i++)
		fprintf(f, "%12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %10.2f  %s: %.60s%s\n", list[i].candidates,
		        list[i].judged, list[i].hits, (double)list[i].nanoseconds / 1e6, list[i].rule->id,
		        list[i].expression, list[i].plan == CLSF_PLAN_ALWAYS ? "  (always)" : "");
	free(list);
}
