/* SPDX-License-Identifier: Apache-2.0 */
/* See quoted.h. */

#include "quoted.h"

#include <stdint.h>

#include "scanning.h"
#include "text.h"

static bool read_hex(const char *s, size_t n, size_t digits, uint32_t *value)
{
	*value = 0;
	if (n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		char c = s[i];
		uint32_t d = clsf__is_digit(c)                               ? (uint32_t)(c - '0')
		             : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (uint32_t)((c | 0x20) - 'a' + 10)
		                                                       : 16;
		if (d == 16)
			return false;
		*value = *value << 4 | d;
	}
	return true;
}

void clsf__unquote(struct clsf__buffer *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] != '\\' || i + 1 == n) {
			size_t run = i;
			while (run < n && s[run] != '\\')
				run++;
			if (run == i)
				run = i + 1;
			clsf__buffer_add(b, s + i, run - i);
			i = run - 1;
			continue;
		}
		char c = s[++i];
		uint32_t value, low;
		switch (c) {
		case 'n':
			clsf__buffer_addc(b, '\n');
			break;
		case 't':
			clsf__buffer_addc(b, '\t');
			break;
		case 'r':
			clsf__buffer_addc(b, '\r');
			break;
		case 'b':
			clsf__buffer_addc(b, '\b');
			break;
		case 'f':
			clsf__buffer_addc(b, '\f');
			break;
		case 'x':
			if (read_hex(s + i + 1, n - i - 1, 2, &value)) {
				clsf__buffer_addc(b, (char)value);
				i += 2;
			}
			break;
		case 'u':
			if (!read_hex(s + i + 1, n - i - 1, 4, &value))
				break;
			i += 4;
			if (value >= 0xd800 && value < 0xdc00 && n - i > 6 && s[i + 1] == '\\' &&
			    s[i + 2] == 'u' && read_hex(s + i + 3, n - i - 3, 4, &low) &&
			    low >= 0xdc00 && low < 0xe000) {
				value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
				i += 6;
			}
			clsf__add_utf8(b, value >= 0xd800 && value < 0xe000 ? 0xfffd : value);
			break;
		default:
			clsf__buffer_addc(b, c);
			break;
		}
	}
}
