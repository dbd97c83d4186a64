/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. */

#include "text.h"

void clsf__add_utf8(struct clsf__buffer *b, uint32_t c)
{
	char out[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (n == 1) {
		out[0] = (char)c;
	} else {
		for (size_t i = n; i-- > 1; c >>= 6)
			out[i] = (char)(0x80 | (c & 0x3f));
		out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
	}
	clsf__buffer_add(b, out, n);
}

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
