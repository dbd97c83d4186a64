/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_OUTPUT_FORMATS_H
#define TOOL_OUTPUT_FORMATS_H

/* The formats themselves; only output.c and the files of formats include this. */

#include "output.h"

void format_text_log(const struct output_options *o, struct text *t, const char *source,
                     const struct clsf_verdict *v);
void format_text_end(const struct output_options *o, struct text *t,
                     const struct output_totals *totals, const struct groups *groups);

void format_json_log(struct text *t, const char *source,
                     const struct clsf_verdict *v, const char *ruleset_hash);
void format_json_match(struct text *t, const char *source,
                       const struct clsf_match *m);
/* The lists and objects inside a log, which other formats hold as JSON, too. */
void format_json_fields(struct text *t, const struct clsf_field *fields, size_t n);
void format_json_telling(struct text *t, const struct clsf_verdict *v);
void format_json_also(struct text *t, const struct clsf_verdict *v);
void format_json_warnings(struct text *t, const struct clsf_verdict *v);
void format_json_groups(struct text *t, const struct groups *groups);

void format_markdown_log(struct text *t, const char *source,
                         const struct clsf_verdict *v, const char *ruleset_hash);
void format_markdown_end(struct text *t,
                         const struct output_totals *totals, const struct groups *groups);

void format_csv_begin(struct text *t);
void format_csv_log(struct text *t, const char *source, const struct clsf_verdict *v, const char *ruleset_hash);

/* Cases wait in the spool, for the sums come first. */
void format_junit_log(struct text *spooled, const char *source, const struct clsf_verdict *v);
void format_junit_begin_suite(struct text *t, const struct output_totals *totals);
void format_junit_end(struct text *t, const struct output_run *run);

/* Results come at once; artifacts and notifications wait in the spool and the notes. */
void format_sarif_begin(struct text *t);
void format_sarif_log(struct text *t, struct text *spooled, struct text *noted, struct output_state *state,
                      const char *source, const struct clsf_verdict *v, size_t rule_index);
void format_sarif_artifacts(struct text *t);
void format_sarif_notes(struct text *t, const struct output_run *run);
void format_sarif_end(struct text *t, const struct output_state *state, const struct output_totals *totals,
                      const struct output_run *run);

void format_prometheus_end(struct text *t, const struct counts *counts, const struct output_totals *totals,
                           const struct output_run *run);

#endif
