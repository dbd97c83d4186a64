/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON forms of Loki's push and of OTLP. The tree is jansson's, which but
 * for batch_legacy.c this file alone sees.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "batch.h"

static int64_t time_of(const json_t *value)
{
	if (json_is_integer(value))
		return (int64_t)json_integer_value(value);
	const char *text = json_string_value(value);
	char *end;
	if (!text || !isdigit((unsigned char)*text))
		return 0;
	long long time = strtoll(text, &end, 10);
	return *end ? 0 : time;
}

/* A copy of what the labels are, {name="value", ...}, sorted by name. */
struct label {
	const char *name, *value;
	size_t length;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static bool write_labels(struct batch *b, struct label *labels, size_t n, struct batch_stream *ret)
{
	size_t room = 3, at = 0;
	qsort(labels, n, sizeof(*labels), by_name);
	for (size_t i = 0; i < n; i++)
		room += strlen(labels[i].name) + 2 * labels[i].length + 6;
	char *text = pool_alloc(&b->pool, room);
	if (!text)
		return false;
	text[at++] = '{';
	for (size_t i = 0; i < n; i++) {
		at += (size_t)snprintf(text + at, room - at, "%s%s=\"", i ? ", " : "", labels[i].name);
		for (size_t j = 0; j < labels[i].length; j++) {
			char c = labels[i].value[j];
			if (c == '"' || c == '\\')
				text[at++] = '\\';
			text[at++] = c;
		}
		text[at++] = '"';
	}
	text[at++] = '}';
	*ret = (struct batch_stream){ text, at };
	return true;
}

/* ---- Loki ---- */

static bool loki_labels(struct batch *b, json_t *stream, struct batch_stream *ret)
{
	json_t *object = json_object_get(stream, "stream"), *value;
	struct label *labels = pool_alloc(&b->pool, (json_object_size(object) + 1) * sizeof(*labels));
	const char *name;
	size_t n = 0;
	if (!labels)
		return false;
	json_object_foreach(object, name, value)
		if (json_is_string(value))
			labels[n++] = (struct label){ name, json_string_value(value), json_string_length(value) };
	return write_labels(b, labels, n, ret);
}

static enum batch_result read_loki(struct batch *b, json_t *root, const struct batch_limits *limits, char why[256])
{
	json_t *streams = json_object_get(root, "streams");
	size_t n_streams = json_array_size(streams), n = 0;
	if (!json_is_array(streams)) {
		snprintf(why, 256, "streams: a list is missing");
		return BATCH_INVALID;
	}
	for (size_t i = 0; i < n_streams; i++) {
		json_t *values = json_object_get(json_array_get(streams, i), "values");
		if (!json_is_array(values)) {
			snprintf(why, 256, "streams[%zu].values: a list is missing", i);
			return BATCH_INVALID;
		}
		for (size_t j = 0; j < json_array_size(values); j++) {
			if (!json_is_string(json_array_get(json_array_get(values, j), 1))) {
				snprintf(why, 256, "streams[%zu].values[%zu]: not [timestamp, line]", i, j);
				return BATCH_INVALID;
			}
		}
		n += json_array_size(values);
	}
	if (n_streams > limits->streams || n > limits->entries) {
		snprintf(why, 256, "%zu streams with %zu entries; the limits are %zu and %zu", n_streams, n,
		         limits->streams, limits->entries);
		return BATCH_TOO_LARGE;
	}
	if (!batch_allocate(b, n_streams, n))
		return BATCH_NO_MEMORY;
	for (size_t i = 0; i < n_streams; i++) {
		json_t *stream = json_array_get(streams, i), *values = json_object_get(stream, "values");
		if (!loki_labels(b, stream, &b->streams[b->n_streams++]))
			return BATCH_NO_MEMORY;
		for (size_t j = 0; j < json_array_size(values); j++) {
			json_t *entry = json_array_get(values, j), *line = json_array_get(entry, 1);
			b->entries[b->n_entries++] = (struct batch_entry){
				.line = json_string_value(line), .length = json_string_length(line),
				.time = time_of(json_array_get(entry, 0)), .stream = i };
			b->text_bytes += json_string_length(line);
		}
	}
	return BATCH_GOOD;
}

static int set_text(json_t *object, const char *name, const char *value, size_t length)
{
	return json_object_set_new(object, name, json_stringn(value, length));
}

static json_t *marked_entry(json_t *entry, const struct batch_mark *mark, bool with_category, struct pool *pool)
{
	json_t *copy = json_copy(entry), *old = json_array_get(entry, 2);
	json_t *metadata = json_is_object(old) ? json_copy(old) : json_object();
	bool good = copy && metadata;
	if (with_category)
		good = good && set_text(metadata, "failure_category", mark->category, strlen(mark->category)) == 0;
	good = good && set_text(metadata, "failure_rule", mark->rule, strlen(mark->rule)) == 0 &&
	       set_text(metadata, "failure_severity", mark->severity, strlen(mark->severity)) == 0;
	for (size_t i = 0; good && i < mark->n_fields; i++) {
		const char *name = batch_field_name(pool, mark->fields[i].name);
		good = name && set_text(metadata, name, mark->fields[i].value, mark->fields[i].length) == 0;
	}
	if (good && json_array_size(copy) > 2)
		good = json_array_set(copy, 2, metadata) == 0;
	else if (good)
		good = json_array_append(copy, metadata) == 0;
	json_decref(metadata);
	if (good)
		return copy;
	json_decref(copy);
	return NULL;
}

/* The stream with other values, and with the category if there is one. */
static json_t *new_stream(json_t *of, const char *category)
{
	json_t *stream = json_copy(of), *labels = json_copy(json_object_get(of, "stream"));
	bool good = stream != NULL;
	if (!labels)
		labels = json_object();
	if (category)
		good = good && set_text(labels, "failure_category", category, strlen(category)) == 0;
	good = good && json_object_set(stream, "stream", labels) == 0 &&
	       json_object_set_new(stream, "values", json_array()) == 0;
	json_decref(labels);
	if (good)
		return stream;
	json_decref(stream);
	return NULL;
}

static json_t *part_for(json_t *parts, size_t first, json_t *of, const char *category)
{
	for (size_t i = first; i < json_array_size(parts); i++) {
		json_t *part = json_array_get(parts, i);
		json_t *label = json_object_get(json_object_get(part, "stream"), "failure_category");
		if (label && strcmp(json_string_value(label), category) == 0)
			return part;
	}
	json_t *part = new_stream(of, category);
	if (!part || json_array_append_new(parts, part) != 0)
		return NULL;
	return part;
}

/* Appends what the stream becomes to `parts`. */
static bool divide(json_t *of, const struct batch_entry *entries, bool as_metadata, json_t *parts, struct pool *pool)
{
	json_t *values = json_object_get(of, "values");
	size_t n = json_array_size(values), unmarked = 0;
	for (size_t i = 0; i < n; i++)
		unmarked += entries[i].mark == NULL;
	if (unmarked == n)
		return json_array_append(parts, of) == 0;
	json_t *rest = NULL;
	if (unmarked || as_metadata) {
		rest = new_stream(of, NULL);
		if (!rest || json_array_append_new(parts, rest) != 0)
			return false;
	}
	size_t first = json_array_size(parts);
	for (size_t i = 0; i < n; i++) {
		json_t *entry = json_array_get(values, i);
		const struct batch_mark *mark = entries[i].mark;
		json_t *to = !mark || as_metadata ? rest : part_for(parts, first, of, mark->category);
		json_t *written = !to    ? NULL
		                  : mark ? marked_entry(entry, mark, as_metadata, pool)
		                         : json_incref(entry);
		if (!written || json_array_append_new(json_object_get(to, "values"), written) != 0)
			return false;
	}
	return true;
}

static int write_chunk(const char *data, size_t length, void *to)
{
	return bytes_add(to, data, length) ? 0 : -1;
}

bool loki_json_write(const struct batch *b, bool as_metadata, struct bytes *to)
{
	json_t *root = b->tree, *streams = json_object_get(root, "streams");
	json_t *copy = json_copy(root), *parts = json_array();
	struct pool pool = { 0 };
	size_t at = 0;
	bool good = copy && parts;
	for (size_t i = 0; good && i < json_array_size(streams); i++) {
		json_t *stream = json_array_get(streams, i);
		good = divide(stream, b->entries + at, as_metadata, parts, &pool);
		at += json_array_size(json_object_get(stream, "values"));
	}
	good = good && json_object_set(copy, "streams", parts) == 0 &&
	       json_dump_callback(copy, write_chunk, to, JSON_COMPACT) == 0;
	json_decref(parts);
	json_decref(copy);
	pool_free(&pool);
	return good;
}

/* ---- OTLP ---- */

static bool resource_labels(struct batch *b, json_t *resource, struct batch_stream *ret)
{
	json_t *attributes = json_object_get(json_object_get(resource, "resource"), "attributes");
	size_t n = 0, most = json_array_size(attributes);
	struct label *labels = pool_alloc(&b->pool, (most + 1) * sizeof(*labels));
	if (!labels)
		return false;
	for (size_t i = 0; i < most; i++) {
		json_t *a = json_array_get(attributes, i);
		json_t *value = json_object_get(json_object_get(a, "value"), "stringValue");
		const char *name = json_string_value(json_object_get(a, "key"));
		if (name && json_is_string(value))
			labels[n++] = (struct label){ name, json_string_value(value), json_string_length(value) };
	}
	return write_labels(b, labels, n, ret);
}

static enum batch_result read_otlp(struct batch *b, json_t *root, const struct batch_limits *limits, char why[256])
{
	json_t *resources = json_object_get(root, "resourceLogs");
	size_t n_resources = json_array_size(resources), n = 0, i, j, k;
	json_t *resource, *scope, *record;
	if (!json_is_array(resources)) {
		snprintf(why, 256, "resourceLogs: a list is missing");
		return BATCH_INVALID;
	}
	json_array_foreach(resources, i, resource)
		json_array_foreach(json_object_get(resource, "scopeLogs"), j, scope)
			n += json_array_size(json_object_get(scope, "logRecords"));
	if (n_resources > limits->streams || n > limits->entries) {
		snprintf(why, 256, "%zu resources with %zu records; the limits are %zu and %zu", n_resources, n,
		         limits->streams, limits->entries);
		return BATCH_TOO_LARGE;
	}
	if (!batch_allocate(b, n_resources, n))
		return BATCH_NO_MEMORY;
	json_array_foreach(resources, i, resource) {
		if (!resource_labels(b, resource, &b->streams[b->n_streams++]))
			return BATCH_NO_MEMORY;
		json_array_foreach(json_object_get(resource, "scopeLogs"), j, scope) {
			json_array_foreach(json_object_get(scope, "logRecords"), k, record) {
				json_t *line = json_object_get(json_object_get(record, "body"), "stringValue");
				int64_t time = time_of(json_object_get(record, "timeUnixNano"));
				if (time == 0)
					time = time_of(json_object_get(record, "observedTimeUnixNano"));
				b->entries[b->n_entries++] = (struct batch_entry){
					.line = json_is_string(line) ? json_string_value(line) : "",
					.length = json_string_length(line), .time = time, .stream = i };
				b->text_bytes += json_string_length(line);
			}
		}
	}
	return BATCH_GOOD;
}

static int add_attribute(json_t *attributes, const char *name, const char *value, size_t length)
{
	return json_array_append_new(attributes, json_pack("{s:s, s:{s:o}}", "key", name, "value", "stringValue",
	                                                   json_stringn(value, length)));
}

/* Gives the record the attributes of the mark, in a list of its own. */
static bool mark_record(json_t *record, const struct batch_mark *mark, struct pool *pool)
{
	json_t *old = json_object_get(record, "attributes");
	json_t *attributes = json_is_array(old) ? json_copy(old) : json_array();
	bool good = attributes &&
	            add_attribute(attributes, "failure_category", mark->category, strlen(mark->category)) == 0 &&
	            add_attribute(attributes, "failure_rule", mark->rule, strlen(mark->rule)) == 0 &&
	            add_attribute(attributes, "failure_severity", mark->severity, strlen(mark->severity)) == 0;
	for (size_t i = 0; good && i < mark->n_fields; i++) {
		const char *name = batch_field_name(pool, mark->fields[i].name);
		good = name && add_attribute(attributes, name, mark->fields[i].value, mark->fields[i].length) == 0;
	}
	good = good && json_object_set(record, "attributes", attributes) == 0;
	json_decref(attributes);
	return good;
}

/* The tree is changed: the body that came in is what is sent if that fails. */
bool otlp_json_write(const struct batch *b, struct bytes *to)
{
	json_t *resource, *scope, *record;
	struct pool pool = { 0 };
	size_t at = 0, i, j, k;
	bool good = true;
	json_array_foreach(json_object_get(b->tree, "resourceLogs"), i, resource)
		json_array_foreach(json_object_get(resource, "scopeLogs"), j, scope)
			json_array_foreach(json_object_get(scope, "logRecords"), k, record) {
				if (b->entries[at].mark)
					good = good && mark_record(record, b->entries[at].mark, &pool);
				at++;
			}
	good = good && json_dump_callback(b->tree, write_chunk, to, JSON_COMPACT) == 0;
	pool_free(&pool);
	return good;
}

/* ---- all forms ---- */

enum batch_result json_read(struct batch *b, const void *body, size_t length,
                            const struct batch_limits *limits, char why[256])
{
	json_error_t error;
	if (!batch_json_is_modest(body, length, limits, why))
		return BATCH_TOO_LARGE;
	json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, &error);
	if (!root) {
		snprintf(why, 256, "offset %d: %s", error.position, error.text);
		return BATCH_INVALID;
	}
	b->tree = root;
	return b->format == BATCH_LOKI_LEGACY_JSON ? legacy_json_read(b, limits, why)
	       : b->format == BATCH_OTLP_JSON      ? read_otlp(b, root, limits, why)
	                                           : read_loki(b, root, limits, why);
}

void json_release(struct batch *b)
{
	json_decref(b->tree);
}
