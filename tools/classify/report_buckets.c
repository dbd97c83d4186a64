/* SPDX-License-Identifier: Apache-2.0 */
/* See report_buckets.h. */

#include "report_buckets.h"

#include <stdlib.h>

#define MAX_BUCKETS ((size_t)200000)
#define HOUR INT64_C(3600)
#define MONDAY (INT64_C(3) * 24 * HOUR)  /* 1970 began on a Thursday */

static const int64_t units[] = { HOUR, 24 * HOUR, 168 * HOUR, 672 * HOUR };
#define LEVELS (sizeof(units) / sizeof(units[0]))

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static size_t slot_of(const struct bucket *table, size_t size, int64_t number, uint32_t cause)
{
	uint64_t hash = ((uint64_t)number * UINT64_C(0x9e3779b97f4a7c15)) ^ (cause * UINT64_C(0xc2b2ae3d27d4eb4f));
	size_t slot = (size_t)(hash ^ hash >> 29) & (size - 1);
	while (table[slot].count && (table[slot].number != number || table[slot].cause != cause))
		slot = (slot + 1) & (size - 1);
	return slot;
}

/* Another table, whose numbers are `ratio` times as long. */
static bool rebuild(struct buckets *b, size_t size, int64_t ratio)
{
	struct bucket *table = calloc(size, sizeof(*table));
	if (!table)
		return false;
	size_t n = 0;
	for (size_t i = 0; i < b->size; i++) {
		const struct bucket *old = &b->table[i];
		if (old->count == 0)
			continue;
		int64_t number = floor_divide(old->number, ratio);
		struct bucket *new = &table[slot_of(table, size, number, old->cause)];
		n += new->count == 0;
		*new = (struct bucket){ number, old->cause, new->count + old->count };
	}
	free(b->table);
	b->table = table;
	b->size = size;
	b->n = n;
	return true;
}

/* Room for one more. */
static bool grow(struct buckets *b)
{
	while (b->n >= MAX_BUCKETS && b->level + 1 < LEVELS) {
		if (!rebuild(b, b->size, units[b->level + 1] / units[b->level]))
			return false;
		b->level++;
	}
	if (b->n * 2 >= b->size && b->size < 2 * MAX_BUCKETS)
		return rebuild(b, b->size ? b->size * 2 : 256, 1);
	return true;
}

void buckets_add(struct buckets *b, int64_t seconds, uint32_t cause)
{
	if (!grow(b)) {
		b->failed_memory = true;
		return;
	}
	int64_t number = floor_divide(seconds + MONDAY, units[b->level]);
	struct bucket *bucket = &b->table[slot_of(b->table, b->size, number, cause)];
	if (bucket->count == 0) {
		if (b->n >= MAX_BUCKETS) {
			b->limited = true;
			return;
		}
		*bucket = (struct bucket){ .number = number, .cause = cause };
		b->n++;
	}
	bucket->count += bucket->count < UINT32_MAX;
}

void buckets_free(struct buckets *b)
{
	free(b->table);
	*b = (struct buckets){ 0 };
}

/* ---- slots ---- */

struct moment {
	int64_t seconds;             /* when a bucket begins */
	size_t count;
};

static int by_moment(const void *va, const void *vb)
{
	const struct moment *a = va, *b = vb;
	return (a->seconds > b->seconds) - (a->seconds < b->seconds);
}

/*
 * A clock that was never set, or a line of long ago, would press all the rest into
 * one bar: up to a tenth may stay outside where that makes a quarter of the time, or
 * less, out of it.
 */
static size_t trim(const struct moment *m, size_t *first, size_t *last, bool front, size_t *allowed)
{
	int64_t whole = m[*last].seconds - m[*first].seconds;
	size_t cut = 0, from = *first, to = *last;
	while (from < to) {
		cut += front ? m[from++].count : m[to--].count;
		if (cut > *allowed)
			return 0;
		if ((m[to].seconds - m[from].seconds) * 4 <= whole) {
			*first = from;
			*last = to;
			*allowed -= cut;
			return cut;
		}
	}
	return 0;
}

/* From when to when a chart goes. False when memory is out. */
static bool find_range(struct slots *s, const struct buckets *b, int64_t *ret_first, int64_t *ret_last)
{
	struct moment *m = malloc(b->n * sizeof(*m));
	size_t n = 0, all = 0, cut;
	if (!m)
		return false;
	for (size_t i = 0; i < b->size; i++) {
		if (b->table[i].count) {
			m[n++] = (struct moment){ b->table[i].number * units[b->level] - MONDAY, b->table[i].count };
			all += b->table[i].count;
		}
	}
	qsort(m, n, sizeof(*m), by_moment);
	size_t first = 0, last = n - 1, allowed = all / 10;
	do {
		cut = 0;
		if (m[last].seconds - m[first].seconds > BUCKETS_SLOTS * HOUR) {
			size_t front = trim(m, &first, &last, true, &allowed);
			size_t back = front ? 0 : trim(m, &first, &last, false, &allowed);
			s->earlier += front;
			s->later += back;
			cut = front + back;
		}
	} while (cut);
	*ret_first = m[first].seconds;
	*ret_last = m[last].seconds;
	free(m);
	return true;
}

/* The shortest length that is at least as long as the buckets, and makes no more slots than a chart has. */
static int64_t slot_length(int64_t unit, int64_t range)
{
	static const int64_t lengths[] = { 1, 3, 6, 12, 24, 168, 672 };
	int64_t length = HOUR;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		length = lengths[i] * HOUR;
		if (length >= unit && range / length + 1 < BUCKETS_SLOTS)
			return length;
	}
	while (range / length + 1 >= BUCKETS_SLOTS)
		length *= 2;
	return length;
}

bool slots_make(struct slots *s, const struct buckets *b, size_t n_causes)
{
	int64_t first, last;
	*s = (struct slots){ .n_causes = n_causes };
	if (b->n == 0 || n_causes == 0)
		return true;
	if (!find_range(s, b, &first, &last))
		return false;
	s->length = slot_length(units[b->level], last - first);
	s->begin = floor_divide(first + MONDAY, s->length) * s->length - MONDAY;
	s->n = (size_t)((last - s->begin) / s->length) + 1;
	s->count = calloc(s->n * n_causes, sizeof(*s->count));
	if (!s->count)
		return false;
	for (size_t i = 0; i < b->size; i++) {
		const struct bucket *bucket = &b->table[i];
		int64_t seconds = bucket->number * units[b->level] - MONDAY;
		if (bucket->count && seconds >= first && seconds <= last)
			s->count[bucket->cause * s->n + (size_t)((seconds - s->begin) / s->length)] += bucket->count;
	}
	return true;
}

void slots_free(struct slots *s)
{
	free(s->count);
	*s = (struct slots){ 0 };
}
