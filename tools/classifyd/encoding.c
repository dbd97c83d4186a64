/* SPDX-License-Identifier: Apache-2.0 */
/* See encoding.h. */

#include "encoding.h"

#include <limits.h>
#include <strings.h>

#include <snappy-c.h>
#include <zlib.h>

#define STEP ((size_t)256 * 1024)

enum encoding encoding_of(const char *header)
{
	if (!header || !*header || strcasecmp(header, "identity") == 0)
		return ENCODING_NONE;
	if (strcasecmp(header, "gzip") == 0 || strcasecmp(header, "x-gzip") == 0)
		return ENCODING_GZIP;
	if (strcasecmp(header, "deflate") == 0)
		return ENCODING_DEFLATE;
	if (strcasecmp(header, "snappy") == 0)
		return ENCODING_SNAPPY;
	return ENCODING_UNKNOWN;
}

/*
 * zlib tells gzip and zlib headers apart by itself; what calls itself deflate
 * and has no header is tried as raw deflate, which some clients send.
 */
static enum encoding_result inflate_body(const void *data, size_t length, int window, size_t limit,
                                         struct bytes *to)
{
	z_stream z = { 0 };
	if (length > UINT_MAX)
		return ENCODING_TOO_LARGE;
	if (inflateInit2(&z, window) != Z_OK)
		return ENCODING_NO_MEMORY;
	z.next_in = (unsigned char *)(uintptr_t)data;
	z.avail_in = (unsigned)length;
	enum encoding_result result = ENCODING_DAMAGED;
	to->length = 0;
	for (;;) {
		if (!bytes_reserve(to, STEP)) {
			result = ENCODING_NO_MEMORY;
			break;
		}
		z.next_out = (unsigned char *)to->data + to->length;
		z.avail_out = STEP;
		int code = inflate(&z, Z_NO_FLUSH);
		to->length += STEP - z.avail_out;
		if (to->length > limit) {
			result = ENCODING_TOO_LARGE;
			break;
		}
		if (code == Z_STREAM_END && z.avail_in == 0) {
			result = ENCODING_GOOD;
			break;
		}
		if (code == Z_STREAM_END && window > 0 && inflateReset(&z) == Z_OK)
			continue;                /* one member after the other */
		if (code != Z_OK || (z.avail_in == 0 && z.avail_out > 0))
			break;
	}
	inflateEnd(&z);
	return result;
}

enum encoding_result encoding_decode(enum encoding *encoding, const void *data, size_t length, size_t limit,
                                     struct bytes *to)
{
	size_t size;
	enum encoding_result result;
	to->length = 0;
	switch (*encoding) {
	case ENCODING_NONE:
		if (length > limit)
			return ENCODING_TOO_LARGE;
		return bytes_add(to, data, length) ? ENCODING_GOOD : ENCODING_NO_MEMORY;
	case ENCODING_GZIP:
		return inflate_body(data, length, 15 + 32, limit, to);
	case ENCODING_DEFLATE:
		result = inflate_body(data, length, 15 + 32, limit, to);
		if (result != ENCODING_DAMAGED)
			return result;
		*encoding = ENCODING_RAW_DEFLATE;
		return inflate_body(data, length, -15, limit, to);
	case ENCODING_RAW_DEFLATE:
		return inflate_body(data, length, -15, limit, to);
	case ENCODING_SNAPPY:
		/* The length stands in front, and is not believed: 64 bytes cannot come out of one. */
		if (snappy_uncompressed_length(data, length, &size) != SNAPPY_OK || size / 64 > length + 1)
			return ENCODING_DAMAGED;
		if (size > limit)
			return ENCODING_TOO_LARGE;
		if (!bytes_reserve(to, size + 1))
			return ENCODING_NO_MEMORY;
		if (snappy_uncompress(data, length, to->data, &size) != SNAPPY_OK)
			return ENCODING_DAMAGED;
		to->length = size;
		return ENCODING_GOOD;
	case ENCODING_UNKNOWN:
		break;
	}
	return ENCODING_DAMAGED;
}

static bool deflate_body(int window, const void *data, size_t length, struct bytes *to)
{
	z_stream z = { 0 };
	if (length > UINT_MAX || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	size_t bound = deflateBound(&z, length);
	bool good = bound <= UINT_MAX && bytes_reserve(to, bound);
	if (good) {
		z.next_in = (unsigned char *)(uintptr_t)data;
		z.avail_in = (unsigned)length;
		z.next_out = (unsigned char *)to->data;
		z.avail_out = (unsigned)bound;
		good = deflate(&z, Z_FINISH) == Z_STREAM_END;
		to->length = bound - z.avail_out;
	}
	deflateEnd(&z);
	return good;
}

bool encoding_encode(enum encoding encoding, const void *data, size_t length, struct bytes *to)
{
	size_t size;
	to->length = 0;
	switch (encoding) {
	case ENCODING_NONE:
		return bytes_add(to, data, length);
	case ENCODING_GZIP:
		return deflate_body(15 + 16, data, length, to);
	case ENCODING_DEFLATE:
		return deflate_body(15, data, length, to);
	case ENCODING_RAW_DEFLATE:
		return deflate_body(-15, data, length, to);
	case ENCODING_SNAPPY:
		size = snappy_max_compressed_length(length);
		if (!bytes_reserve(to, size) || snappy_compress(data, length, to->data, &size) != SNAPPY_OK)
			return false;
		to->length = size;
		return true;
	case ENCODING_UNKNOWN:
		break;
	}
	return false;
}
