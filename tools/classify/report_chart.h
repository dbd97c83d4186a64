/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_CHART_H
#define TOOL_REPORT_CHART_H

/*
 * The drawings of the report, as SVG inside HTML. Their widths are shares of what is
 * there, their heights and letters are not, so that they fit any window undistorted.
 */

#include "report_buckets.h"
#include "text.h"

#define CHART_SERIES 8       /* the last one may be "other" */

struct chart_series {
	const char *name;
	size_t total;
	uint32_t count[BUCKETS_SLOTS];
};

/* Bars over time, one on the other, with a legend and a table of the same numbers. */
void chart_over_time(struct text *t, const struct slots *slots, const struct chart_series *series, size_t n_series);

/* One series, without letters, `most` being the height of the tallest bar. */
void chart_trend(struct text *t, const struct slots *slots, const uint32_t *count);

/* A part of a whole. */
void chart_share(struct text *t, size_t part, size_t whole);

/* What a slot is called: "day", "3 hours". */
const char *chart_unit(const struct slots *slots);

#endif
