/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a log is text. */

#include <string.h>

#include <classify/reader.h>
#include <classify/scan.h>

#include "../libclassify/error.h"

#define SAMPLE ((size_t)8192)        /* bytes that are looked at */

/*
 * Runs of NUL count once: a log that was cut short on disk has them. Bytes
 * above 0x7f do not count: old encodings are text, too.
 */
int clsf_is_binary(const void *data, size_t length)
{
	CLSF__REQUIRE(data || length == 0);
	const unsigned char *bytes = data;
	size_t total = 0, odd = 0;
	if (clsf_is_utf16(data, length))
		return 0;
	if (length > SAMPLE)
		length = SAMPLE;
	for (size_t i = 0; i < length; i++, total++) {
		unsigned char c = bytes[i];
		odd += c == 0x7f || (c < 0x20 && !(c && strchr("\t\n\r\f\b\a\x1b", c)));
		while (c == 0 && i + 1 < length && bytes[i + 1] == '\0')
			i++;
	}
	return odd * 20 > total && length >= 16;
}
