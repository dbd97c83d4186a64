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
void format_json_groups(struct text *t, const struct groups *groups);

void format_markdown_log(struct text *t, const char *source,
                         const struct clsf_verdict *v, const char *ruleset_hash);
void format_markdown_end(struct text *t,
                         const struct output_totals *totals, const struct groups *groups);

#endif
