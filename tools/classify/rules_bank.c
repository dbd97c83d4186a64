/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules over whole logs: over a bank of logs that passed, of which none may be
 * called failed, and over logs of failures, to find the rules that match no log
 * of their own pack. A log belongs to the pack of the rule that its verdict
 * names, and to every pack after which a folder on its path is named.
 */

#include "rules_test.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "load.h"
#include "paths.h"

#define NAMED 8   /* rules that match no log, named in the summary of a pack */

/* What a walk over logs needs; the rest is of one of the two tests. */
struct bank {
	struct clsf_ruleset *ruleset;
	struct trial trial;
	struct report *report;
	struct outcome *outcome;
	/* passing: in how many logs each rule matched without harm */
	size_t *harmless;
	/* failures: */
	const char **packs;          /* each once */
	size_t n_packs;
	size_t *pack_logs;           /* how many logs belong to each */
	size_t *rule_pack;           /* of each rule */
	bool *met;                   /* a rule that matched a log of its pack */
};

const char *default_passing(void)
{
	static char path[PATH_MAX + 128];
	struct stat st;
	snprintf(path, sizeof(path), "%s/passing", default_rules());
	return stat(path, &st) == 0 ? path : NULL;
}

static void on_unwalkable(const char *path, const char *why, void *user)
{
	struct bank *b = user;
	complain("%s: %s", path, why);
	b->outcome->unread = true;
}

/* Scans a log. False, and told, when there was nothing to scan. */
static bool read_log(struct bank *b, const char *path)
{
	struct input_result result;
	bool good = trial_read(&b->trial, path, &result);
	if (!result.complete || result.binary || !good) {
		complain("%s: %s", path, result.binary ? "binary" : *result.message ? result.message : "not scanned");
		b->outcome->unread = true;
	}
	return good && !result.binary;
}

static void walk(struct bank *b, const struct list *paths, path_visitor visit)
{
	for (size_t i = 0; i < paths->n; i++) {
		bool bundled = strcmp(paths->item[i], "default") == 0;
		const char *path = bundled ? default_passing() : paths->item[i];
		if (path)
			paths_walk(path, visit, on_unwalkable, b);
		else
			on_unwalkable(paths->item[i], "there is no bundled bank", b);
	}
}

/* ---- logs that passed ---- */

/* What a rule did to a log that is called failed, or would have done alone. */
static bool is_culprit(const struct trial *t, const struct trial_match *m)
{
	const struct clsf_verdict *v = t->verdict;
	if (m->rule->severity < CLSF_SEVERITY_MEDIUM)
		return false;
	if (v->rule == m->rule)
		return true;
	if (m->rule->role == CLSF_ROLE_FAILURE) {
		/* A success marker behind it, or on its line, takes it back. */
		for (size_t i = 0; i < t->n_matches; i++)
			if (t->matches[i].rule->role == CLSF_ROLE_SUCCESS && t->matches[i].last_line >= m->last_line)
				return false;
		return true;
	}
	for (size_t i = 0; i < v->n_also; i++)
		if (v->also[i].rule == m->rule)
			return strncmp(v->also[i].why_not, "recovered", 9) != 0;
	return false;
}

static void blame(struct bank *b, struct test_log *log, const struct trial_match *m)
{
	/* The line of the verdict is that of the last episode; of others the first match has to do. */
	const struct clsf_verdict *v = b->trial.verdict;
	bool named = v->rule == m->rule;
	uint64_t line = named ? v->line.number : m->last_line;
	struct text shown = { 0 };
	size_t length = named ? v->line.text_length : m->length;
	text_add_visible(&shown, named ? v->line.text : m->text, length < 200 ? length : 200);
	text_addf(&log->problems, "line %" PRIu64 ": %s calls it failed: %.*s\n", line, m->rule->id,
	          (int)shown.length, shown.data ? shown.data : "");
	report_finding(b->report, FINDING_ERROR, "passing", m->rule, NULL,
	               "calls the passing log %s failed at line %" PRIu64 ": %.*s", log->path, line,
	               (int)shown.length, shown.data ? shown.data : "");
	text_free(&shown);
}

/* Which of the rules this is. */
static size_t index_of(const struct clsf_ruleset *rs, const struct clsf_rule *rule)
{
	size_t i = 0;
	while (i + 1 < clsf_ruleset_count(rs) && clsf_ruleset_rule(rs, i) != rule)
		i++;
	return i;
}

static bool visit_passing(const char *path, void *user)
{
	struct bank *b = user;
	if (!read_log(b, path))
		return true;
	struct test_log *log = report_log(b->report, path);
	if (!log)
		return false;
	log->passed = b->trial.verdict->outcome != CLSF_FAILED;
	for (size_t i = 0; i < b->trial.n_matches; i++) {
		const struct trial_match *m = &b->trial.matches[i];
		if (m->rule->role == CLSF_ROLE_START || m->rule->role == CLSF_ROLE_SUCCESS)
			continue;
		if (!log->passed && is_culprit(&b->trial, m))
			blame(b, log, m);
		else
			b->harmless[index_of(b->ruleset, m->rule)]++;
	}
	if (!log->passed && log->problems.length == 0)
		text_adds(&log->problems, "it is called failed\n");
	return true;
}

void test_passing(struct clsf_ruleset *rs, const struct list *paths, struct report *r, struct outcome *o)
{
	struct bank b = { .ruleset = rs, .report = r, .outcome = o };
	size_t n = clsf_ruleset_count(rs);
	b.harmless = calloc(n + 1, sizeof(*b.harmless));
	if (b.harmless && trial_start(&b.trial, rs))
		walk(&b, paths, visit_passing);
	else
		r->failed = true;
	for (size_t i = 0; b.harmless && i < n; i++)
		if (b.harmless[i])
			report_finding(r, FINDING_NOTE, "passing", clsf_ruleset_rule(rs, i), NULL,
			               "matches in %zu passing log%s, without calling %s failed", b.harmless[i],
			               b.harmless[i] == 1 ? "" : "s", b.harmless[i] == 1 ? "it" : "them");
	trial_stop(&b.trial);
	free(b.harmless);
}

/* ---- logs of failures ---- */

/* Is a folder on the path named after the pack? The name of the file does not count. */
static bool path_names(const char *path, const char *pack)
{
	size_t length = strlen(pack);
	for (const char *slash; length > 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1)
		if ((size_t)(slash - path) == length && memcmp(path, pack, length) == 0)
			return true;
	return false;
}

static bool visit_failure(const char *path, void *user)
{
	struct bank *b = user;
	if (!read_log(b, path))
		return true;
	const struct clsf_rule *named = b->trial.verdict->rule;
	for (size_t p = 0; p < b->n_packs; p++) {
		bool belongs = path_names(path, b->packs[p]) || (named && strcmp(named->pack, b->packs[p]) == 0);
		if (!belongs)
			continue;
		b->pack_logs[p]++;
		for (size_t i = 0; i < b->trial.n_matches; i++) {
			size_t rule = index_of(b->ruleset, b->trial.matches[i].rule);
			b->met[rule] = b->met[rule] || b->rule_pack[rule] == p;
		}
	}
	return true;
}

static bool list_packs(struct bank *b, size_t n)
{
	b->packs = calloc(n + 1, sizeof(*b->packs));
	b->pack_logs = calloc(n + 1, sizeof(*b->pack_logs));
	b->rule_pack = calloc(n + 1, sizeof(*b->rule_pack));
	b->met = calloc(n + 1, sizeof(*b->met));
	if (!b->packs || !b->pack_logs || !b->rule_pack || !b->met)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *pack = clsf_ruleset_rule(b->ruleset, i)->pack;
		size_t p = 0;
		while (p < b->n_packs && strcmp(b->packs[p], pack) != 0)
			p++;
		if (p == b->n_packs)
			b->packs[b->n_packs++] = pack;
		b->rule_pack[i] = p;
	}
	return true;
}

static void tell_unmatched(struct bank *b, size_t n)
{
	struct text *summary = &b->report->summary;
	for (size_t p = 0; p < b->n_packs; p++) {
		struct text names = { 0 };
		size_t rules = 0, unmatched = 0;
		for (size_t i = 0; i < n; i++) {
			const struct clsf_rule *rule = clsf_ruleset_rule(b->ruleset, i);
			if (b->rule_pack[i] != p || b->pack_logs[p] == 0)
				continue;
			rules++;
			if (b->met[i])
				continue;
			if (unmatched++ < NAMED)
				text_addf(&names, "%s %s", unmatched == 1 ? ":" : ",", rule->id);
			report_finding(b->report, FINDING_NOTE, "unmatched", rule, NULL,
			               "matches none of the %zu log%s of its pack", b->pack_logs[p],
			               b->pack_logs[p] == 1 ? "" : "s");
		}
		if (unmatched > NAMED)
			text_addf(&names, " and %zu more", unmatched - NAMED);
		if (rules)
			text_addf(summary, "pack %s: %zu log%s, %zu of %zu rules match none of them%.*s\n",
			          *b->packs[p] ? b->packs[p] : "-", b->pack_logs[p], b->pack_logs[p] == 1 ? "" : "s",
			          unmatched, rules, (int)names.length, names.data ? names.data : "");
		text_free(&names);
	}
}

void test_logs(struct clsf_ruleset *rs, const struct list *paths, struct report *r, struct outcome *o)
{
	struct bank b = { .ruleset = rs, .report = r, .outcome = o };
	size_t n = clsf_ruleset_count(rs);
	if (list_packs(&b, n) && trial_start(&b.trial, rs)) {
		walk(&b, paths, visit_failure);
		tell_unmatched(&b, n);
	} else {
		r->failed = true;
	}
	trial_stop(&b.trial);
	free(b.packs);
	free(b.pack_logs);
	free(b.rule_pack);
	free(b.met);
}
