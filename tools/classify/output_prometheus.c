/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format of Prometheus, for the textfile collector of the node exporter:
 * what the last scan found, as gauges. Their names are others than those of the
 * daemon's counters, so that both can be collected. docs/formats.md is the contract.
 */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

static void head(struct text *t, const char *name, const char *help)
{
	text_addf(t, "# HELP classify_scan_%s %s\n# TYPE classify_scan_%s gauge\n", name, help, name);
}

static void gauge(struct text *t, const char *name, const char *help, uint64_t value)
{
	head(t, name, help);
	text_addf(t, "classify_scan_%s %" PRIu64 "\n", name, value);
}

static void label(struct text *t, const char *before, const char *name, const char *value)
{
	text_addf(t, "%s%s=\"", before, name);
	text_add_label(t, value, strlen(value));
	text_adds(t, "\"");
}

static void rules(struct text *t, const struct counts *c)
{
	head(t, "rule_failures", "Failed logs by the rule that says why; rules without any are left out.");
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct clsf_rule *rule = c->rule[i].rule;
		label(t, "classify_scan_rule_failures{", "rule", rule->id);
		label(t, ",", "category", rule->category);
		label(t, ",", "severity", clsf_severity_name(rule->severity));
		label(t, ",", "owner", rule->owner);
		text_addf(t, "} %zu\n", c->rule[i].count);
	}
}

void format_prometheus_end(struct text *t, const struct counts *c, const struct output_totals *totals,
                           const struct output_run *run)
{
	const char *const *categories = clsf_categories();
	const size_t outcomes[] = {
		[CLSF_UNDETERMINED] = totals->undetermined,
		[CLSF_PASSED] = totals->passed,
		[CLSF_FAILED] = totals->failed,
	};
	head(t, "logs", "Logs of the last scan by outcome.");
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		text_addf(t, "classify_scan_logs{outcome=\"%s\"} %zu\n", clsf_outcome_name((enum clsf_outcome)i),
		          outcomes[i]);
	head(t, "failures", "Failed logs by category.");
	for (size_t i = 0; i < COUNTS_CATEGORIES && categories[i]; i++)
		text_addf(t, "classify_scan_failures{category=\"%s\"} %zu\n", categories[i], c->category[i]);
	rules(t, c);
	head(t, "warnings", "Logs whose verdict carries the warning.");
	for (size_t i = 0; i < COUNTS_WARNINGS; i++)
		text_addf(t, "classify_scan_warnings{code=\"%s\"} %zu\n",
		          clsf_warning_name((enum clsf_warning_code)i), c->warning[i]);
	gauge(t, "lines", "Lines read.", c->lines);
	gauge(t, "bytes", "Bytes read, decompressed.", c->bytes);
	gauge(t, "complete", "1 if every input was read in full and no interrupt came, else 0.", run->complete);
	head(t, "duration_seconds", "Time that the scan took.");
	text_addf(t, "classify_scan_duration_seconds %" PRIu64 ".%03u\n", run->nanoseconds / 1000000000,
	          (unsigned)(run->nanoseconds / 1000000 % 1000));
	head(t, "end_timestamp_seconds", "When the scan ended.");
	text_addf(t, "classify_scan_end_timestamp_seconds %" PRId64 "\n", run->ended);
	gauge(t, "rules_loaded", "Rules in use.", run->ruleset ? clsf_ruleset_count(run->ruleset) : 0);
	gauge(t, "rules_quarantined", "Faulty rules that were left out.",
	      run->ruleset ? clsf_ruleset_quarantined(run->ruleset) : 0);
	if (run->ruleset) {
		head(t, "ruleset_info", "Always 1; the label tells which rules were in use.");
		label(t, "classify_scan_ruleset_info{", "hash", clsf_ruleset_hash(run->ruleset));
		text_adds(t, "} 1\n");
	}
}
