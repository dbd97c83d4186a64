/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_WORDS_H
#define TOOL_REPORT_WORDS_H

/* What all parts of the report's page say: numbers, times, causes, who has to act. */

#include "report.h"

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

/* The title of a cause or, of a template, its line. */
void html_add_title(struct text *t, const struct report_cause *cause);
/* "since ..., last ..." */
void html_add_seen(struct text *t, const struct report_cause *cause);
void html_add_owner(struct text *t, const char *owner);
/* "" where nothing is known. */
const char *html_retry_words(const char *retry);

#endif
