/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ENCODING_H
#define DAEMON_ENCODING_H

/*
 * Bodies in and out of their encodings: gzip and deflate (zlib), and the
 * block format of snappy that protobuf pushes come in. encoding.c alone sees
 * zlib.h and snappy-c.h.
 */

#include <stdint.h>

#include "memory.h"

enum encoding {
	ENCODING_NONE,
	ENCODING_GZIP,
	ENCODING_DEFLATE,            /* with zlib's header */
	ENCODING_RAW_DEFLATE,        /* without: what Loki itself means by deflate */
	ENCODING_SNAPPY,
	ENCODING_UNKNOWN,
};

/* What a Content-Encoding header says; NULL is ENCODING_NONE. */
enum encoding encoding_of(const char *header);

enum encoding_result {
	ENCODING_GOOD,
	ENCODING_DAMAGED,
	ENCODING_TOO_LARGE,          /* more than `limit` bytes come out; nothing near it was allocated */
	ENCODING_NO_MEMORY,
};

/*
 * Decodes `length` bytes into `to`, which is emptied first. *encoding becomes what it was in truth:
 * both kinds of deflate have one name.
 */
enum encoding_result encoding_decode(enum encoding *encoding, const void *data, size_t length, size_t limit,
                                     struct bytes *to);

/* Encodes into `to`, which is emptied first. False when memory is out. */
bool encoding_encode(enum encoding encoding, const void *data, size_t length, struct bytes *to);

#endif
