/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_BUCKETS_H
#define TOOL_REPORT_BUCKETS_H

/*
 * How often each of many causes came in each hour. Where that is more than is kept,
 * hours become days, days weeks, and weeks four weeks, so that it is bounded however
 * long the time and however many the logs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUCKETS_SLOTS 96     /* that a chart has at most */

struct bucket {
	int64_t number;              /* in units of the level since the Monday before 1970 */
	uint32_t cause, count;       /* count 0: free */
};

/* Zero is a good start. */
struct buckets {
	struct bucket *table;        /* open hash by number and cause */
	size_t n, size;
	unsigned level;
	bool limited, failed_memory;
};

/* What a chart shows: slots of equal length that begin where hours, days or weeks do. */
struct slots {
	int64_t begin;               /* seconds since 1970 */
	int64_t length;              /* of a slot, in seconds */
	size_t n;
	size_t n_causes;
	uint32_t *count;             /* n for each cause */
	size_t earlier, later;       /* that are left out, for they are few and far from the rest */
};

void buckets_add(struct buckets *buckets, int64_t seconds, uint32_t cause);
void buckets_free(struct buckets *buckets);

/* The slots for what was added; none where nothing was. False when memory is out. */
bool slots_make(struct slots *slots, const struct buckets *buckets, size_t n_causes);
void slots_free(struct slots *slots);

#endif
