/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_EVIDENCE_H
#define TOOL_REPORT_EVIDENCE_H

/* One failed log of the report, as HTML: its line among its neighbours, what was captured, the runbook. */

#include "report.h"

void evidence_add(struct text *t, const struct report_log *log);
void evidence_add_runbook(struct text *t, const struct report_log *log);

/* ---- words that all parts of the page share ---- */

/* A text inside HTML; cut with an ellipsis where it is longer. */
void html_add(struct text *t, const char *s);
void html_add_cut(struct text *t, const char *data, size_t length, size_t most);
/* "1,204" */
void html_add_count(struct text *t, size_t n);
/* "1,204 logs" */
void html_add_counted(struct text *t, size_t n, const char *one, const char *many);
/* A moment in UTC, for people and programs. */
void html_add_time(struct text *t, int64_t seconds);
void html_add_log_time(struct text *t, const struct report_time *time);

#endif
