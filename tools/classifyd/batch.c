/* SPDX-License-Identifier: Apache-2.0 */
/* See batch.h. */

#include "batch.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum batch_result batch_read(struct batch *b, enum batch_format format, const void *body, size_t length,
                             const struct batch_limits *limits, char why[256])
{
	batch_reset(b);
	b->format = format;
	switch (format) {
	case BATCH_LOKI_PROTOBUF:
		return loki_protobuf_read(b, body, length, limits, why);
	case BATCH_OTLP_PROTOBUF:
		return otlp_protobuf_read(b, body, length, limits, why);
	case BATCH_LOKI_JSON:
	case BATCH_LOKI_LEGACY_JSON:
	case BATCH_OTLP_JSON:
		break;
	}
	return json_read(b, body, length, limits, why);
}

bool batch_write(const struct batch *b, bool as_metadata, struct bytes *to)
{
	to->length = 0;
	switch (b->format) {
	case BATCH_LOKI_PROTOBUF:
		return loki_protobuf_write(b, as_metadata, to);
	case BATCH_OTLP_PROTOBUF:
		return otlp_protobuf_write(b, to);
	case BATCH_LOKI_JSON:
		return loki_json_write(b, as_metadata, to);
	case BATCH_LOKI_LEGACY_JSON:
		return legacy_json_write(b, as_metadata, to);
	case BATCH_OTLP_JSON:
		break;
	}
	return otlp_json_write(b, to);
}

void batch_reset(struct batch *b)
{
	if (b->tree && b->format != BATCH_LOKI_PROTOBUF && b->format != BATCH_OTLP_PROTOBUF)
		json_release(b);
	struct pool pool = b->pool;
	pool_reset(&pool);
	*b = (struct batch){ .pool = pool };
}

void batch_free(struct batch *b)
{
	batch_reset(b);
	pool_free(&b->pool);
}

bool batch_allocate(struct batch *b, size_t n_streams, size_t n_entries)
{
	b->streams = pool_alloc(&b->pool, (n_streams + 1) * sizeof(*b->streams));
	b->entries = pool_alloc(&b->pool, (n_entries + 1) * sizeof(*b->entries));
	return b->streams && b->entries;
}

const char *batch_field_name(struct pool *p, const char *name)
{
	static const char prefix[] = "failure_field_";
	size_t length = strlen(name);
	char *full = pool_alloc(p, sizeof(prefix) + length);
	if (!full)
		return NULL;
	memcpy(full, prefix, sizeof(prefix) - 1);
	for (size_t i = 0; i < length; i++)
		full[sizeof(prefix) - 1 + i] = (char)(isalnum((unsigned char)name[i]) ? name[i] : '_');
	return full;
}

bool batch_labels_with(struct pool *p, const char *labels, size_t length, const char *category,
                       const char **ret, size_t *ret_length)
{
	static const char name[] = "failure_category=\"";
	size_t end = length;
	while (end > 0 && labels[end - 1] != '}')
		end--;
	end = end ? end - 1 : length;
	while (end > 0 && labels[end - 1] == ' ')
		end--;
	bool first = end == 0 || labels[end - 1] == '{';
	size_t room = end + sizeof(name) + strlen(category) + 8;
	char *joined = pool_alloc(p, room);
	if (!joined)
		return false;
	*ret_length = (size_t)snprintf(joined, room, "%.*s%s%s%s\"}", (int)end, end ? labels : "",
	                               end == 0 ? "{" : first ? "" : ", ", name, category);
	*ret = joined;
	return true;
}

/* Behind the string that begins before `p`; its escapes need not be good. */
static const char *skip_string(const char *p, const char *end)
{
	while (p < end && *p != '"')
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	return p < end ? p + 1 : end;
}

bool batch_json_is_modest(const void *body, size_t length, const struct batch_limits *limits, char why[256])
{
	size_t most = limits->entries > SIZE_MAX / 8 ? SIZE_MAX : 4 * limits->entries + 1000, n = 0;
	const char *end = (const char *)body + length;
	for (const char *p = body; p < end;) {
		char c = *p++;
		n += c == ',' || c == '[' || c == '{';
		if (c == '"')
			p = skip_string(p, end);
	}
	if (n > most)
		snprintf(why, 256, "%zu values in JSON; with the limit of entries there may be %zu", n, most);
	return n <= most;
}
