/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON form of a push to /api/prom/push, as old clients write it:
 *
 *     {"streams": [{"labels": "{job=\"x\"}", "entries": [{"ts": "2024-01-02T03:04:05Z", "line": "..."}]}]}
 *
 * Metadata of an entry is the object "structuredMetadata". Beside batch_json.c this file alone sees
 * jansson.
 */

#include <stdio.h>
#include <string.h>

#include <classify/scan.h>
#include <jansson.h>

#include "batch.h"

static enum batch_result check(json_t *streams, const struct batch_limits *limits, size_t *ret_n, char why[256])
{
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(streams); i++) {
		json_t *stream = json_array_get(streams, i), *entries = json_object_get(stream, "entries");
		if (!json_is_string(json_object_get(stream, "labels")) || !json_is_array(entries)) {
			snprintf(why, 256, "streams[%zu]: labels or entries are missing", i);
			return BATCH_INVALID;
		}
		for (size_t j = 0; j < json_array_size(entries); j++) {
			if (!json_is_string(json_object_get(json_array_get(entries, j), "line"))) {
				snprintf(why, 256, "streams[%zu].entries[%zu]: the line is missing", i, j);
				return BATCH_INVALID;
			}
		}
		n += json_array_size(entries);
	}
	if (json_array_size(streams) > limits->streams || n > limits->entries) {
		snprintf(why, 256, "%zu streams with %zu entries; the limits are %zu and %zu", json_array_size(streams), n,
		         limits->streams, limits->entries);
		return BATCH_TOO_LARGE;
	}
	*ret_n = n;
	return BATCH_GOOD;
}

static struct batch_entry entry_of(json_t *value, size_t stream)
{
	struct clsf_time time = { 0 };
	json_t *line = json_object_get(value, "line"), *stamp = json_object_get(value, "ts");
	if (json_is_string(stamp))
		clsf_line_time(json_string_value(stamp), json_string_length(stamp), &time);
	return (struct batch_entry){ .line = json_string_value(line), .length = json_string_length(line),
		.time = time.clock == CLSF_CLOCK_FULL ? time.nanoseconds : 0, .stream = stream };
}

enum batch_result legacy_json_read(struct batch *b, const struct batch_limits *limits, char why[256])
{
	size_t n = 0, i, j;
	json_t *stream, *value, *streams = json_object_get(b->tree, "streams");
	if (!json_is_array(streams)) {
		snprintf(why, 256, "streams: a list is missing");
		return BATCH_INVALID;
	}
	enum batch_result result = check(streams, limits, &n, why);
	if (result != BATCH_GOOD)
		return result;
	if (!batch_allocate(b, json_array_size(streams), n))
		return BATCH_NO_MEMORY;
	json_array_foreach(streams, i, stream) {
		json_t *labels = json_object_get(stream, "labels");
		b->streams[b->n_streams++] = (struct batch_stream){ json_string_value(labels), json_string_length(labels) };
		json_array_foreach(json_object_get(stream, "entries"), j, value) {
			b->entries[b->n_entries] = entry_of(value, i);
			b->text_bytes += b->entries[b->n_entries++].length;
		}
	}
	return BATCH_GOOD;
}

/* ---- writing ---- */

static int set_text(json_t *object, const char *name, const char *value)
{
	return json_object_set_new(object, name, json_string(value));
}

/* A copy of the entry with what the mark says beside its own metadata. */
static json_t *marked_entry(json_t *entry, const struct batch_mark *mark, bool with_category, struct pool *pool)
{
	json_t *copy = json_copy(entry), *old = json_object_get(entry, "structuredMetadata");
	json_t *metadata = json_is_object(old) ? json_copy(old) : json_object();
	bool good = copy && metadata && (!with_category || set_text(metadata, "failure_category", mark->category) == 0) &&
	            set_text(metadata, "failure_rule", mark->rule) == 0 &&
	            set_text(metadata, "failure_severity", mark->severity) == 0;
	for (size_t i = 0; good && i < mark->n_fields; i++) {
		const char *name = batch_field_name(pool, mark->fields[i].name);
		good = name && json_object_set_new(metadata, name,
		                                   json_stringn(mark->fields[i].value, mark->fields[i].length)) == 0;
	}
	good = good && json_object_set(copy, "structuredMetadata", metadata) == 0;
	json_decref(metadata);
	if (good)
		return copy;
	json_decref(copy);
	return NULL;
}

/* What the stream becomes for one category; NULL: for the entries without one. */
static json_t *new_stream(json_t *of, const char *category, struct pool *pool)
{
	json_t *stream = json_copy(of), *labels = json_object_get(of, "labels");
	bool good = stream && json_object_set_new(stream, "entries", json_array()) == 0;
	if (category) {
		const char *text;
		size_t length;
		good = good && batch_labels_with(pool, json_string_value(labels), json_string_length(labels), category, &text,
		                                 &length) &&
		       json_object_set_new(stream, "labels", json_stringn(text, length)) == 0;
	}
	if (good)
		return stream;
	json_decref(stream);
	return NULL;
}

/* The stream for the category among those that were made of the same one; NULL when memory is out. */
static json_t *part_for(json_t *parts, size_t first, const char *categories[], json_t *of, const char *category,
                        struct pool *pool)
{
	size_t n = json_array_size(parts) - first;
	for (size_t i = 0; i < n; i++)
		if (category ? categories[i] && strcmp(categories[i], category) == 0 : !categories[i])
			return json_array_get(parts, first + i);
	json_t *part = new_stream(of, category, pool);
	categories[n] = category;
	return part && json_array_append_new(parts, part) == 0 ? part : NULL;
}

/* Appends what the stream becomes to `parts`: first what is not marked, as far as there is such. */
static bool divide(json_t *of, const struct batch_entry *entries, bool as_metadata, json_t *parts, struct pool *pool)
{
	json_t *values = json_object_get(of, "entries");
	size_t n = json_array_size(values), first = json_array_size(parts);
	const char **categories = pool_alloc(pool, (n + 1) * sizeof(*categories));
	bool rest = n == 0;
	for (size_t i = 0; i < n; i++)
		rest = rest || !entries[i].mark;
	if (!categories || (rest && !part_for(parts, first, categories, of, NULL, pool)))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct batch_mark *mark = entries[i].mark;
		json_t *part = part_for(parts, first, categories, of, mark && !as_metadata ? mark->category : NULL, pool);
		json_t *value = json_array_get(values, i);
		json_t *written = !part  ? NULL
		                  : mark ? marked_entry(value, mark, as_metadata, pool)
		                         : json_incref(value);
		if (!written || json_array_append_new(json_object_get(part, "entries"), written) != 0)
			return false;
	}
	return true;
}

static int write_chunk(const char *data, size_t length, void *to)
{
	return bytes_add(to, data, length) ? 0 : -1;
}

bool legacy_json_write(const struct batch *b, bool as_metadata, struct bytes *to)
{
	json_t *copy = json_copy(b->tree), *parts = json_array(), *stream;
	struct pool pool = { 0 };
	size_t at = 0, i;
	bool good = copy && parts;
	json_array_foreach(json_object_get(b->tree, "streams"), i, stream) {
		good = good && divide(stream, b->entries + at, as_metadata, parts, &pool);
		at += json_array_size(json_object_get(stream, "entries"));
	}
	good = good && json_object_set(copy, "streams", parts) == 0 &&
	       json_dump_callback(copy, write_chunk, to, JSON_COMPACT) == 0;
	json_decref(parts);
	json_decref(copy);
	pool_free(&pool);
	return good;
}
