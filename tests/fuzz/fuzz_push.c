/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push bodies: whatever comes is decoded within the limits, and a batch that was read is written so
 * that it can be read again, with as many entries. The first byte chooses the form, the encoding,
 * and which entries are marked.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/classifyd/batch.h"
#include "../../tools/classifyd/encoding.h"

#define LIMIT ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static bool decode(enum encoding encoding, const uint8_t *data, size_t size, struct bytes *to)
{
	enum encoding_result result = encoding_decode(&encoding, data, size, LIMIT, to);
	require(result != ENCODING_GOOD || to->length <= LIMIT, "more came out than the limit");
	return result == ENCODING_GOOD;
}

static void read_again(const struct batch *b, bool as_metadata, const struct batch_limits *limits)
{
	struct bytes written = { 0 };
	struct batch again = { 0 };
	char why[256];
	if (batch_write(b, as_metadata, &written)) {
		require(batch_read(&again, b->format, written.data, written.length, limits, why) == BATCH_GOOD,
		        "what was written cannot be read");
		require(again.n_entries == b->n_entries, "entries were lost");
		require(again.text_bytes == b->text_bytes, "text was lost");
	}
	batch_free(&again);
	bytes_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct batch_field fields[] = { { "host", "h.example", 9 } };
	static const struct batch_mark mark = { "disk_full", "rule", "high", 1, fields };
	static const struct batch_limits limits = { 1000, 10000 };
	static const struct batch_limits wide = { 100000, 100000 };
	struct bytes body = { 0 };
	struct batch b = { 0 };
	char why[256];
	if (size == 0)
		return 0;
	unsigned choice = data[0];
	static const enum encoding encodings[] = { ENCODING_NONE, ENCODING_GZIP, ENCODING_DEFLATE, ENCODING_SNAPPY };
	enum encoding encoding = encodings[choice >> 2 & 3];
	enum batch_format format = (enum batch_format)(choice & 3);
	if (format == BATCH_LOKI_JSON && choice >> 7)
		format = BATCH_LOKI_LEGACY_JSON;
	if (decode(encoding, data + 1, size - 1, &body) &&
	    batch_read(&b, format, body.data, body.length, &limits, why) == BATCH_GOOD) {
		require(b.n_entries <= limits.entries && b.n_streams <= limits.streams, "a limit was passed");
		for (size_t i = 0; i < b.n_entries; i += 1 + (choice >> 5 & 3))
			b.entries[i].mark = &mark;
		read_again(&b, choice >> 4 & 1, &wide);
	}
	batch_free(&b);
	bytes_free(&body);
	return 0;
}
