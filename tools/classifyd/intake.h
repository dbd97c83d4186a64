/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

/*
 * Lines that the daemon reads itself, gathered to batches of the form in which clients push: at
 * most half a megabyte of them, or what came within a second. So everything behind it is one way.
 *
 * A line has the time at which it was read. Two lines of a stream never have the same one, for
 * Loki takes equal lines of one time for the same line.
 *
 * Threads: an intake belongs to one.
 */

#include "../classify/text.h"
#include "batch.h"
#include "config.h"
#include "memory.h"

#define INTAKE_LINE ((size_t)256 * 1024)     /* of a line; the rest of it is left out, as Loki's default has it */

/* Where lines come from. `labels` is made with the function below, the rest is zero. */
struct intake_stream {
	struct text labels;          /* as Loki writes them */
	uint64_t batch;
	size_t index;
	int64_t last;
};

struct intake {
	struct pool pool;
	uint64_t batch;              /* the number of the batch at hand */
	struct batch_stream *streams;
	size_t n_streams, streams_capacity;
	struct batch_entry *entries;
	size_t n_entries, entries_capacity;
	size_t size;
	uint64_t since;              /* clock_now() when the first of them came */
};

/* {name="value", ...} of pairs, and one more where `name` is set. False when memory is out. */
bool intake_labels(struct text *to, const struct config_pairs *pairs, const char *name, const char *value);

/* Adds a label to those. */
bool intake_labels_more(struct text *to, const char *name, const char *value);

/* Copies a line. `time` is in nanoseconds since 1970. False when memory is out. */
bool intake_add(struct intake *in, struct intake_stream *s, int64_t time, const char *line, size_t length);

/* Adds a stream without entries: for a batch that says that streams are at their ends. */
bool intake_add_stream(struct intake *in, struct intake_stream *s);

/* Whether it is time to pass the batch on: it is large enough, or old enough at the time `now`. */
bool intake_is_due(const struct intake *in, uint64_t now);

/* The batch as protobuf with snappy. False when memory is out. */
bool intake_make(struct intake *in, struct bytes *to);

/* Ready for the next batch. */
void intake_reset(struct intake *in);
void intake_free(struct intake *in);

#endif
