/* SPDX-License-Identifier: Apache-2.0 */
/* See intake.h. */

#include "intake.h"

#include <stdlib.h>

#include "encoding.h"
#include "loki_labels.h"
#include "push.h"

#define BATCH_SIZE ((size_t)512 * 1024)
#define BATCH_AGE UINT64_C(1000000000)
#define ENTRY_COST 32            /* bytes of an entry beside its line, about */
#define SECOND INT64_C(1000000000)

/* Loki takes labels in UTF-8 only; a path may be anything. */
static void add_label(struct text *to, const char *name, const char *value)
{
	struct text clean = { 0 };
	size_t length = strlen(value);
	for (size_t i = 0; i < length;) {
		uint32_t character;
		i += utf8_next(value + i, length - i, &character);
		text_add_character(&clean, character);
	}
	loki_labels_add(to, name, clean.data ? clean.data : "", clean.length);
	to->failed = to->failed || clean.failed;
	text_free(&clean);
}

bool intake_labels(struct text *to, const struct config_pairs *pairs, const char *name, const char *value)
{
	text_adds(to, "{");
	for (size_t i = 0; i < pairs->n; i++)
		if (!name || strcmp(pairs->name[i], name) != 0)
			add_label(to, pairs->name[i], pairs->value[i]);
	if (name)
		add_label(to, name, value);
	text_adds(to, "}");
	return !to->failed;
}

bool intake_labels_more(struct text *to, const char *name, const char *value)
{
	to->length--;
	add_label(to, name, value);
	text_adds(to, "}");
	return !to->failed;
}

/* Room for one more of `n` things of `size` bytes. */
static bool make_room(void *place, size_t n, size_t *capacity, size_t size)
{
	void *things;
	memcpy(&things, place, sizeof(things));
	if (n < *capacity)
		return true;
	size_t more = *capacity ? *capacity * 2 : 64;
	things = realloc(things, more * size);
	if (!things)
		return false;
	memcpy(place, &things, sizeof(things));
	*capacity = more;
	return true;
}

bool intake_add_stream(struct intake *in, struct intake_stream *s)
{
	if (in->batch == 0)
		in->batch = 1;
	if (s->batch == in->batch)
		return true;
	if (!make_room(&in->streams, in->n_streams, &in->streams_capacity, sizeof(*in->streams)))
		return false;
	s->batch = in->batch;
	s->index = in->n_streams;
	in->streams[in->n_streams++] = (struct batch_stream){ s->labels.data, s->labels.length };
	in->size += s->labels.length;
	return true;
}

bool intake_add(struct intake *in, struct intake_stream *s, int64_t time, const char *line, size_t length)
{
	if (!intake_add_stream(in, s) ||
	    !make_room(&in->entries, in->n_entries, &in->entries_capacity, sizeof(*in->entries)))
		return false;
	char *copy = pool_copy(&in->pool, line, length);
	if (!copy)
		return false;
	if (time <= s->last && s->last - time < SECOND)
		time = s->last + 1;
	s->last = time;
	if (in->n_entries == 0)
		in->since = clock_now();
	in->entries[in->n_entries++] = (struct batch_entry){ .line = copy, .length = length, .time = time,
	                                                     .stream = s->index };
	in->size += length + ENTRY_COST;
	return true;
}

bool intake_is_due(const struct intake *in, uint64_t now)
{
	return in->n_entries && (in->size >= BATCH_SIZE || now - in->since >= BATCH_AGE);
}

/* Brings the entries of each stream together and keeps their order. */
static struct batch_entry *by_stream(const struct intake *in)
{
	size_t *at = calloc(in->n_streams + 1, sizeof(*at));
	struct batch_entry *sorted = malloc((in->n_entries + 1) * sizeof(*sorted));
	if (at && sorted) {
		for (size_t i = 0; i < in->n_entries; i++)
			at[in->entries[i].stream + 1]++;
		for (size_t i = 1; i <= in->n_streams; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < in->n_entries; i++)
			sorted[at[in->entries[i].stream]++] = in->entries[i];
	} else {
		free(sorted);
		sorted = NULL;
	}
	free(at);
	return sorted;
}

bool intake_make(struct intake *in, struct bytes *to)
{
	struct bytes plain = { 0 };
	struct batch_entry *sorted = by_stream(in);
	bool good = sorted && loki_protobuf_make(in->streams, in->n_streams, sorted, in->n_entries, &plain) &&
	            encoding_encode(ENCODING_SNAPPY, plain.data, plain.length, to);
	bytes_free(&plain);
	free(sorted);
	return good;
}

void intake_reset(struct intake *in)
{
	pool_reset(&in->pool);
	in->batch++;
	in->n_streams = in->n_entries = in->size = 0;
}

void intake_free(struct intake *in)
{
	pool_free(&in->pool);
	free(in->streams);
	free(in->entries);
	*in = (struct intake){ 0 };
}
