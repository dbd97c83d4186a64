/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_TALLY_H
#define TOOL_TALLY_H

/* How many logs of a group have a captured value: counts by group, name and value, bounded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_entry {
	size_t group;
	char *name, *value;
	size_t count;
	size_t log;                  /* that was counted last */
	size_t member;               /* what the first log was of; */
	bool spans;                  /* another log was of another */
};

/* Zero is a good start. */
struct tally {
	struct tally_entry *item;
	size_t n, capacity;
	uint32_t *table;             /* open hash: index + 1 into item */
	size_t table_size;
	bool limited, failed_memory;
};

/* Counts a value once for each log. Values that are empty, long or redacted are not compared. */
void tally_add(struct tally *t, size_t group, size_t log, size_t member, const char *name, const char *value,
               size_t length);

/*
 * Puts entries in order: those of a group together, of a group those of a name
 * together. Nothing can be added after that.
 */
void tally_sort(struct tally *t);

void tally_free(struct tally *t);

/* What the table is made with: of the first bytes `hash`, then these. */
uint64_t tally_hash(uint64_t hash, const void *data, size_t length);
#define TALLY_HASH UINT64_C(14695981039346656037)

#endif
