/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protobuf forms of Loki's push and of OTLP. This file alone sees what
 * protobuf-c makes of push.proto and otlp.proto. Messages are unpacked into
 * the batch's pool; fields that the .proto files do not name are kept.
 */

#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "otlp.pb-c.h"
#include "push.pb-c.h"

static void *take(void *pool, size_t size)
{
	return pool_alloc(pool, size);
}

static void leave(void *pool, void *pointer)
{
	(void)pool;
	(void)pointer;
}

static ProtobufCAllocator allocator_of(struct batch *b)
{
	return (ProtobufCAllocator){ .alloc = take, .free = leave, .allocator_data = &b->pool };
}

static ProtobufCBinaryData binary(const char *data, size_t length)
{
	return (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)data, .len = length };
}

static ProtobufCBinaryData text(const char *string)
{
	return binary(string, strlen(string));
}

/* How many entries of a mark become names and values beside the line. */
static size_t mark_size(const struct batch_mark *mark, bool with_category)
{
	return 2 + mark->n_fields + with_category;
}

struct pair {
	const char *name;
	ProtobufCBinaryData value;
};

/* The pairs of a mark, in a place for mark_size() of them. False when memory is out. */
static bool mark_pairs(struct pool *pool, const struct batch_mark *mark, bool with_category, struct pair *pairs)
{
	size_t n = 0;
	if (with_category)
		pairs[n++] = (struct pair){ "failure_category", text(mark->category) };
	pairs[n++] = (struct pair){ "failure_rule", text(mark->rule) };
	pairs[n++] = (struct pair){ "failure_severity", text(mark->severity) };
	for (size_t i = 0; i < mark->n_fields; i++, n++) {
		pairs[n].name = batch_field_name(pool, mark->fields[i].name);
		pairs[n].value = binary(mark->fields[i].value, mark->fields[i].length);
		if (!pairs[n].name)
			return false;
	}
	return true;
}

/*
 * Fields with the number 0 are in no message; protobuf-c reads them and writes something else. The
 * descriptors lead to all messages inside; every field that is a message here is optional or repeated.
 */
static bool is_sound(const ProtobufCMessage *m)
{
	for (unsigned i = 0; i < m->n_unknown_fields; i++)
		if (m->unknown_fields[i].tag == 0)
			return false;
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		if (f->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		void *const *value = (void *const *)((const char *)m + f->offset);
		const ProtobufCMessage *const *inner = (const ProtobufCMessage *const *)value;
		size_t n = *inner != NULL;
		if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			n = *(const size_t *)((const char *)m + f->quantifier_offset);
			inner = (const ProtobufCMessage *const *)*value;
		}
		for (size_t j = 0; j < n; j++)
			if (!is_sound(inner[j]))
				return false;
	}
	return true;
}

/* ---- Loki ---- */

enum batch_result loki_protobuf_read(struct batch *b, const void *body, size_t length,
                                     const struct batch_limits *limits, char why[256])
{
	ProtobufCAllocator allocator = allocator_of(b);
	Loki__Push *push = loki__push__unpack(&allocator, length, body);
	if (!push || !is_sound(&push->base)) {
		snprintf(why, 256, "the body is no push of Loki's protobuf form");
		return BATCH_INVALID;
	}
	size_t n = 0;
	for (size_t i = 0; i < push->n_streams; i++)
		n += push->streams[i]->n_entries;
	if (push->n_streams > limits->streams || n > limits->entries) {
		snprintf(why, 256, "%zu streams with %zu entries; the limits are %zu and %zu", push->n_streams, n,
		         limits->streams, limits->entries);
		return BATCH_TOO_LARGE;
	}
	if (!batch_allocate(b, push->n_streams, n))
		return BATCH_NO_MEMORY;
	b->tree = push;
	for (size_t i = 0; i < push->n_streams; i++) {
		const Loki__Stream *stream = push->streams[i];
		b->streams[b->n_streams++] = (struct batch_stream){ (const char *)stream->labels.data, stream->labels.len };
		for (size_t j = 0; j < stream->n_entries; j++) {
			const Loki__Entry *entry = stream->entries[j];
			int64_t time = entry->timestamp
			                       ? (int64_t)((uint64_t)entry->timestamp->seconds * 1000000000u +
			                                   (uint64_t)(int64_t)entry->timestamp->nanos)
			                       : 0;
			b->entries[b->n_entries++] = (struct batch_entry){
				.line = (const char *)entry->line.data, .length = entry->line.len, .time = time, .stream = i };
			b->text_bytes += entry->line.len;
		}
	}
	return BATCH_GOOD;
}

static bool add_metadata(struct pool *pool, Loki__Entry *entry, const struct batch_mark *mark, bool with_category)
{
	size_t more = mark_size(mark, with_category);
	struct pair *pairs = pool_alloc(pool, more * sizeof(*pairs));
	Loki__Pair **all = pool_alloc(pool, (entry->n_metadata + more) * sizeof(*all));
	Loki__Pair *added = pool_alloc(pool, more * sizeof(*added));
	if (!pairs || !all || !added || !mark_pairs(pool, mark, with_category, pairs))
		return false;
	if (entry->n_metadata)
		memcpy(all, entry->metadata, entry->n_metadata * sizeof(*all));
	for (size_t i = 0; i < more; i++) {
		loki__pair__init(&added[i]);
		added[i].has_name = added[i].has_value = 1;
		added[i].name = text(pairs[i].name);
		added[i].value = pairs[i].value;
		all[entry->n_metadata + i] = &added[i];
	}
	entry->metadata = all;
	entry->n_metadata += more;
	return true;
}

/* The streams that one stream becomes: its own entries, and one stream for each category. */
struct parts {
	Loki__Stream **streams;
	size_t n;
};

static Loki__Stream *part_for(struct pool *pool, struct parts *parts, const Loki__Stream *of, const char *category,
                              const char **categories)
{
	for (size_t i = 1; i < parts->n; i++)
		if (strcmp(categories[i], category) == 0)
			return parts->streams[i];
	Loki__Stream *part = pool_alloc(pool, sizeof(*part));
	if (!part)
		return NULL;
	*part = *of;
	part->n_entries = 0;
	part->has_hash = 0;              /* it was of other labels */
	part->entries = pool_alloc(pool, (of->n_entries + 1) * sizeof(*part->entries));
	const char *labels;
	size_t length;
	if (!part->entries || !batch_labels_with(pool, (const char *)of->labels.data, of->labels.len, category, &labels, &length))
		return NULL;
	part->labels = binary(labels, length);
	categories[parts->n] = category;
	parts->streams[parts->n++] = part;
	return part;
}

/* Divides a stream; `entries` are those of the batch. The original tree stays as it is. */
static bool divide(struct pool *pool, const Loki__Stream *of, const struct batch_entry *entries, bool as_metadata,
                   struct parts *ret)
{
	size_t marked = 0;
	for (size_t i = 0; i < of->n_entries; i++)
		marked += entries[i].mark != NULL;
	const char **categories = pool_alloc(pool, (marked + 1) * sizeof(*categories));
	Loki__Stream *rest = pool_alloc(pool, sizeof(*rest));
	ret->streams = pool_alloc(pool, (marked + 1) * sizeof(Loki__Stream *));
	ret->n = 1;
	if (!categories || !rest || !ret->streams)
		return false;
	*rest = *of;
	ret->streams[0] = rest;
	if (marked == 0)
		return true;
	rest->n_entries = 0;
	rest->entries = pool_alloc(pool, of->n_entries * sizeof(*rest->entries));
	if (!rest->entries)
		return false;
	for (size_t i = 0; i < of->n_entries; i++) {
		Loki__Stream *to = rest;
		Loki__Entry *entry = of->entries[i];
		if (entries[i].mark) {
			Loki__Entry *copy = pool_alloc(pool, sizeof(*copy));
			if (!copy)
				return false;
			*copy = *entry;
			entry = copy;
			if (!add_metadata(pool, entry, entries[i].mark, as_metadata))
				return false;
			if (!as_metadata)
				to = part_for(pool, ret, of, entries[i].mark->category, categories);
			if (!to)
				return false;
		}
		to->entries[to->n_entries++] = entry;
	}
	if (rest->n_entries == 0)
		ret->streams++, ret->n--;
	return true;
}

static bool pack(const Loki__Push *push, struct bytes *to)
{
	size_t size = loki__push__get_packed_size(push);
	if (!bytes_reserve(to, size + 1))
		return false;
	to->length = loki__push__pack(push, (uint8_t *)to->data);
	return true;
}

bool loki_protobuf_write(const struct batch *b, bool as_metadata, struct bytes *to)
{
	const Loki__Push *push = b->tree;
	struct pool pool = { 0 };
	size_t at = 0;
	bool good = true;
	Loki__Push whole = *push;
	whole.streams = pool_alloc(&pool, (push->n_streams + b->n_entries + 1) * sizeof(Loki__Stream *));
	whole.n_streams = 0;
	good = whole.streams != NULL;
	for (size_t i = 0; good && i < push->n_streams; i++) {
		struct parts parts;
		good = divide(&pool, push->streams[i], b->entries + at, as_metadata, &parts);
		for (size_t j = 0; good && j < parts.n; j++)
			whole.streams[whole.n_streams++] = parts.streams[j];
		at += push->streams[i]->n_entries;
	}
	good = good && pack(&whole, to);
	pool_free(&pool);
	return good;
}

bool loki_protobuf_make(const struct batch_stream *streams, size_t n_streams, const struct batch_entry *entries,
                        size_t n_entries, struct bytes *to)
{
	struct pool pool = { 0 };
	Loki__Push push = LOKI__PUSH__INIT;
	Loki__Stream *made = pool_alloc(&pool, (n_streams + 1) * sizeof(*made));
	Loki__Stream **all = pool_alloc(&pool, (n_streams + 1) * sizeof(*all));
	struct { Loki__Entry entry; Loki__Timestamp time; } *whole = pool_alloc(&pool, (n_entries + 1) * sizeof(*whole));
	Loki__Entry **places = pool_alloc(&pool, (n_entries + 1) * sizeof(*places));
	bool good = made && all && whole && places;
	for (size_t i = 0; good && i < n_entries; i++) {
		loki__entry__init(&whole[i].entry);
		loki__timestamp__init(&whole[i].time);
		whole[i].time.has_seconds = whole[i].time.has_nanos = 1;
		whole[i].time.seconds = entries[i].time / 1000000000;
		whole[i].time.nanos = (int32_t)(entries[i].time % 1000000000);
		whole[i].entry.timestamp = &whole[i].time;
		whole[i].entry.has_line = 1;
		whole[i].entry.line = binary(entries[i].line, entries[i].length);
		places[i] = &whole[i].entry;
	}
	for (size_t i = 0, at = 0; good && i < n_streams; i++) {
		loki__stream__init(&made[i]);
		made[i].has_labels = 1;
		made[i].labels = binary(streams[i].labels, streams[i].length);
		made[i].entries = places + at;
		for (; at < n_entries && entries[at].stream == i; at++)
			made[i].n_entries++;
		all[i] = &made[i];
	}
	push.streams = all;
	push.n_streams = n_streams;
	good = good && pack(&push, to);
	pool_free(&pool);
	return good;
}

/* ---- OTLP ---- */

/* {name="value", ...} of the attributes that are texts: the stream for verdicts. */
static bool resource_labels(struct batch *b, const Otlp__Resource *resource, struct batch_stream *ret)
{
	size_t room = 3;
	for (size_t i = 0; resource && i < resource->n_attributes; i++)
		if (resource->attributes[i]->value && resource->attributes[i]->value->has_text)
			room += resource->attributes[i]->key.len + 2 * resource->attributes[i]->value->text.len + 6;
	char *labels = pool_alloc(&b->pool, room);
	if (!labels)
		return false;
	size_t at = 0;
	labels[at++] = '{';
	for (size_t i = 0; resource && i < resource->n_attributes; i++) {
		const Otlp__Attribute *a = resource->attributes[i];
		if (!a->value || !a->value->has_text)
			continue;
		if (at > 1) {
			labels[at++] = ',';
			labels[at++] = ' ';
		}
		for (size_t j = 0; j < a->key.len; j++)
			labels[at++] = (char)a->key.data[j];
		labels[at++] = '=';
		labels[at++] = '"';
		for (size_t j = 0; j < a->value->text.len; j++) {
			if (strchr("\\\"", a->value->text.data[j]) && a->value->text.data[j])
				labels[at++] = '\\';
			labels[at++] = (char)a->value->text.data[j];
		}
		labels[at++] = '"';
	}
	labels[at++] = '}';
	*ret = (struct batch_stream){ labels, at };
	return true;
}

enum batch_result otlp_protobuf_read(struct batch *b, const void *body, size_t length,
                                     const struct batch_limits *limits, char why[256])
{
	ProtobufCAllocator allocator = allocator_of(b);
	Otlp__Logs *logs = otlp__logs__unpack(&allocator, length, body);
	if (!logs || !is_sound(&logs->base)) {
		snprintf(why, 256, "the body is no export request for logs of OTLP");
		return BATCH_INVALID;
	}
	size_t n = 0;
	for (size_t i = 0; i < logs->n_resources; i++)
		for (size_t j = 0; j < logs->resources[i]->n_scopes; j++)
			n += logs->resources[i]->scopes[j]->n_records;
	if (logs->n_resources > limits->streams || n > limits->entries) {
		snprintf(why, 256, "%zu resources with %zu records; the limits are %zu and %zu", logs->n_resources, n,
		         limits->streams, limits->entries);
		return BATCH_TOO_LARGE;
	}
	if (!batch_allocate(b, logs->n_resources, n))
		return BATCH_NO_MEMORY;
	b->tree = logs;
	for (size_t i = 0; i < logs->n_resources; i++) {
		const Otlp__ResourceLogs *resource = logs->resources[i];
		if (!resource_labels(b, resource->resource, &b->streams[b->n_streams++]))
			return BATCH_NO_MEMORY;
		for (size_t j = 0; j < resource->n_scopes; j++) {
			for (size_t k = 0; k < resource->scopes[j]->n_records; k++) {
				const Otlp__Record *record = resource->scopes[j]->records[k];
				bool has_text = record->body && record->body->has_text;
				uint64_t time = record->has_time && record->time ? record->time : record->observed_time;
				b->entries[b->n_entries++] = (struct batch_entry){
					.line = has_text ? (const char *)record->body->text.data : "",
					.length = has_text ? record->body->text.len : 0,
					.time = (int64_t)time, .stream = i };
				b->text_bytes += has_text ? record->body->text.len : 0;
			}
		}
	}
	return BATCH_GOOD;
}

static bool add_attributes(struct pool *pool, Otlp__Record *record, const struct batch_mark *mark)
{
	size_t more = mark_size(mark, true);
	struct pair *pairs = pool_alloc(pool, more * sizeof(*pairs));
	Otlp__Attribute **all = pool_alloc(pool, (record->n_attributes + more) * sizeof(*all));
	Otlp__Attribute *added = pool_alloc(pool, more * sizeof(*added));
	Otlp__Value *values = pool_alloc(pool, more * sizeof(*values));
	if (!pairs || !all || !added || !values || !mark_pairs(pool, mark, true, pairs))
		return false;
	if (record->n_attributes)
		memcpy(all, record->attributes, record->n_attributes * sizeof(*all));
	for (size_t i = 0; i < more; i++) {
		otlp__attribute__init(&added[i]);
		otlp__value__init(&values[i]);
		added[i].has_key = values[i].has_text = 1;
		added[i].key = text(pairs[i].name);
		added[i].value = &values[i];
		values[i].text = pairs[i].value;
		all[record->n_attributes + i] = &added[i];
	}
	record->attributes = all;
	record->n_attributes += more;
	return true;
}

/* Adds the marks' attributes, or takes them away again: the tree is the batch's and stays as it came. */
bool otlp_protobuf_write(const struct batch *b, struct bytes *to)
{
	Otlp__Logs *logs = b->tree;
	struct pool pool = { 0 };
	struct { Otlp__Record *record; Otlp__Attribute **attributes; size_t n; } *kept =
		pool_alloc(&pool, (b->n_entries + 1) * sizeof(*kept));
	size_t at = 0, n_kept = 0;
	bool good = kept != NULL;
	for (size_t i = 0; good && i < logs->n_resources; i++) {
		for (size_t j = 0; good && j < logs->resources[i]->n_scopes; j++) {
			Otlp__ScopeLogs *scope = logs->resources[i]->scopes[j];
			for (size_t k = 0; good && k < scope->n_records; k++, at++) {
				Otlp__Record *record = scope->records[k];
				if (!b->entries[at].mark)
					continue;
				kept[n_kept].record = record;
				kept[n_kept].attributes = record->attributes;
				kept[n_kept++].n = record->n_attributes;
				good = add_attributes(&pool, record, b->entries[at].mark);
			}
		}
	}
	if (good) {
		size_t size = otlp__logs__get_packed_size(logs);
		good = bytes_reserve(to, size + 1);
		if (good)
			to->length = otlp__logs__pack(logs, (uint8_t *)to->data);
	}
	while (n_kept-- > 0) {
		kept[n_kept].record->attributes = kept[n_kept].attributes;
		kept[n_kept].record->n_attributes = kept[n_kept].n;
	}
	pool_free(&pool);
	return good;
}
