/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_PAGE_H
#define TOOL_REPORT_PAGE_H

/*
 * The report as one HTML file that needs nothing else: no network, no other file,
 * and no JavaScript but to filter and sort. No byte of a log acts in it.
 */

#include "groups.h"
#include "report.h"
#include "window.h"

/* What the page tells of the run. */
struct report_about {
	struct groups *groups;       /* what logs share; NULL: not known */
	const char *ruleset_hash;    /* "": there are no rules */
	size_t rules, quarantined;
	bool interrupted, unread;    /* it came before all was read; an input could not be read in full */
	bool redacted;
	const struct window *window; /* the only lines that were looked at; NULL: all were */
	int64_t made;                /* seconds since 1970 */
};

/* Appends the page. The rows of the report are put in order. */
void report_page(struct report *report, const struct report_about *about, struct text *ret_page);

#endif
