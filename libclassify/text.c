/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting texts where a character ends. */

#include "stream.h"

size_t clsf__cut(const char *text, size_t length, size_t limit)
{
	if (length <= limit)
		return length;
	/* Back to the start of the character that the limit falls into; at most three bytes. */
	size_t n = limit;
	for (int i = 0; i < 3 && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; i++)
		n--;
	return ((unsigned char)text[n] & 0xc0) == 0x80 ? limit : n;
}
