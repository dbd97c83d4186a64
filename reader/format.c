/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signatures of the formats. Each is so long, or holds such bytes, that no
 * text begins with it by accident; where one does nevertheless, the decoder
 * refuses it, and pile.c reads it as a text.
 */

#include "format.h"

#include <stdint.h>
#include <string.h>

#define TAR_BLOCK 512

/* 1: it begins with the signature; 0: it does not; -1: there are too few bytes to say. */
static int begins(const unsigned char *data, size_t length, const char *signature, size_t size)
{
	size_t n = length < size ? length : size;
	if (memcmp(data, signature, n) != 0)
		return 0;
	return n == size ? 1 : -1;
}

/* The header of a member: a version below 100, a method below 256; or the end of an archive of one disk. */
static int is_zip(const unsigned char *data, size_t length)
{
	int member = begins(data, length, "PK\3\4", 4), empty = begins(data, length, "PK\5\6\0\0\0\0", 8);
	if (member != 1)
		return member ? member : empty;
	return length < 10 ? -1 : data[4] < 100 && data[5] < 32 && data[9] == 0;
}

/* A number as tar headers write it; false if it is none. */
static bool octal(const unsigned char *field, size_t size, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t i = 0, digits = 0;
	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++, digits++)
		value = value * 8 + (field[i] - '0');
	if (i < size && field[i] != ' ' && field[i] != '\0')
		return false;
	*ret_value = value;
	return digits > 0;
}

/* The checksum is what tells an old tar, which has no signature; some wrote it over signed characters. */
static bool is_tar_header(const unsigned char *data)
{
	uint64_t told;
	int64_t sum = 0, sum_signed = 0;
	if (!octal(data + 148, 8, &told))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		unsigned char c = i >= 148 && i < 156 ? ' ' : data[i];
		sum += c;
		sum_signed += (signed char)c;
	}
	return (int64_t)told == sum || (int64_t)told == sum_signed;
}

static int is_tar(const unsigned char *data, size_t length, bool waits)
{
	/*
	 * A line's end before the first NUL: a name could have one, but a text that
	 * comes line by line is not to wait until there are 512 bytes of it.
	 */
	const unsigned char *nul = memchr(data, '\0', length < 100 ? length : 100);
	size_t name = nul ? (size_t)(nul - data) : length < 100 ? length : 100;
	if (waits && memchr(data, '\n', name))
		return 0;
	return length >= TAR_BLOCK ? is_tar_header(data) : -1;
}

/* Frames that a decoder skips come before the others; those of zstd and lz4 look alike. */
static enum clsf__format behind_skipped(const unsigned char *data, size_t length, bool ended)
{
	size_t at = 0;
	while (length - at >= 8 && (data[at] & 0xf0) == 0x50 && memcmp(data + at + 1, "\x2a\x4d\x18", 3) == 0) {
		size_t size = data[at + 4] | (size_t)data[at + 5] << 8 | (size_t)data[at + 6] << 16 |
		              (size_t)data[at + 7] << 24;
		/* So large a number is text. */
		if (size >= (size_t)64 * 1024 * 1024)
			return CLSF__PLAIN;
		if (size > length - at - 8)
			return size > 4096 || ended ? CLSF__ZSTD : CLSF__UNDECIDED;
		at += 8 + size;
	}
	if (begins(data + at, length - at, "\x04\x22\x4d\x18", 4) == 1)
		return CLSF__LZ4;
	return length - at >= 4 || ended ? CLSF__ZSTD : CLSF__UNDECIDED;
}

enum clsf__format clsf__format_of(const void *bytes, size_t length, bool ended, bool waits)
{
	static const struct {
		const char *signature;
		size_t size;
		enum clsf__format format;
	} signatures[] = {
		{ "\x1f\x8b", 2, CLSF__GZIP },
		{ "\x28\xb5\x2f\xfd", 4, CLSF__ZSTD },
		{ "\xfd" "7zXZ\0", 6, CLSF__XZ },
		{ "\x04\x22\x4d\x18", 4, CLSF__LZ4 },
		{ "PK00PK\3\4", 8, CLSF__ZIP },
	};
	const unsigned char *data = bytes;
	bool more = false;
	if (length == 0)
		return ended ? CLSF__PLAIN : CLSF__UNDECIDED;
	for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++) {
		int answer = begins(data, length, signatures[i].signature, signatures[i].size);
		if (answer == 1)
			return signatures[i].format;
		more = more || answer < 0;
	}
	/* The level of compression, then the mark of a block, or that of the end. */
	int bzip2 = begins(data, length, "BZh", 3);
	if (bzip2 == 1 && length >= 4)
		bzip2 = data[3] < '1' || data[3] > '9' ? 0 :
		        length < 10 ? -1 :
		        !memcmp(data + 4, "\x31\x41\x59\x26\x53\x59", 6) || !memcmp(data + 4, "\x17\x72\x45\x38\x50\x90", 6);
	else if (bzip2 == 1)
		bzip2 = -1;
	if (bzip2 == 1)
		return CLSF__BZIP2;
	int zip = is_zip(data, length);
	if (zip == 1)
		return CLSF__ZIP;
	int skipped = (data[0] & 0xf0) == 0x50 ? begins(data + 1, length - 1, "\x2a\x4d\x18", 3) : 0;
	if (skipped == 1)
		return behind_skipped(data, length, ended);
	int tar = is_tar(data, length, waits);
	if (tar == 1)
		return CLSF__TAR;
	more = more || bzip2 < 0 || zip < 0 || skipped < 0 || tar < 0;
	return more && !ended ? CLSF__UNDECIDED : CLSF__PLAIN;
}

const char *clsf__format_name(enum clsf__format format)
{
	static const char *const names[] = {
		[CLSF__PLAIN] = "text", [CLSF__GZIP] = "gzip", [CLSF__ZSTD] = "zstd", [CLSF__XZ] = "xz",
		[CLSF__BZIP2] = "bzip2", [CLSF__LZ4] = "lz4", [CLSF__TAR] = "tar", [CLSF__ZIP] = "zip",
	};
	return names[format];
}
