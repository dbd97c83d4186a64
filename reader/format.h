/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_READER_FORMAT_H
#define CLSF_READER_FORMAT_H

/* What a file is, told by its first bytes. */

#include <stdbool.h>
#include <stddef.h>

enum clsf__format {
	CLSF__PLAIN,
	CLSF__GZIP,
	CLSF__ZSTD, CLSF__XZ, CLSF__BZIP2, CLSF__LZ4,
	CLSF__TAR, CLSF__ZIP,
	CLSF__UNDECIDED,             /* more bytes are needed */
};

/*
 * `ended`: there are no more bytes than these. `waits`: more bytes may be long in
 * coming, so that a text is recognized by its first line.
 */
enum clsf__format clsf__format_of(const void *data, size_t length, bool ended, bool waits);

/* As a word of a message: "gzip". */
const char *clsf__format_name(enum clsf__format format);

#endif
