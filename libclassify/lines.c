/* SPDX-License-Identifier: Apache-2.0 */
/* See lines.h. SSE2 is on every x86-64; elsewhere the plain loops vectorize well enough. */

#include "lines.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

uint64_t clsf__count_newlines(const char *text, size_t length)
{
	uint64_t count = 0;
	size_t i = 0;
#ifdef __SSE2__
	const __m128i newline = _mm_set1_epi8('\n');
	while (length - i >= 64) {
		/* A byte lane counts to 255 before it is summed. */
		size_t rounds = (length - i) / 64;
		if (rounds > 63)
			rounds = 63;
		__m128i sum = _mm_setzero_si128();
		for (size_t r = 0; r < rounds; r++, i += 64) {
			const __m128i *p = (const __m128i *)(const void *)(text + i);
			__m128i a = _mm_add_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(p), newline),
			                         _mm_cmpeq_epi8(_mm_loadu_si128(p + 1), newline));
			__m128i b = _mm_add_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(p + 2), newline),
			                         _mm_cmpeq_epi8(_mm_loadu_si128(p + 3), newline));
			sum = _mm_sub_epi8(sum, _mm_add_epi8(a, b));
		}
		__m128i wide = _mm_sad_epu8(sum, _mm_setzero_si128());
		count += (uint64_t)_mm_cvtsi128_si64(wide) +
		         (uint64_t)_mm_cvtsi128_si64(_mm_srli_si128(wide, 8));
	}
#endif
	for (; i < length; i++)
		count += text[i] == '\n';
	return count;
}

static bool is_special(const char *text, size_t length, size_t i)
{
	char c = text[i];
	return c == '\x1b' || c == '\\' || (c == '\r' && (i + 1 == length || text[i + 1] != '\n'));
}

size_t clsf__find_special(const char *text, size_t length, size_t from)
{
	size_t i = from;
#ifdef __SSE2__
	const __m128i escape = _mm_set1_epi8('\x1b'), backslash = _mm_set1_epi8('\\'),
		      cr = _mm_set1_epi8('\r');
	for (; i < length && length - i >= 64; i += 64) {
		const __m128i *p = (const __m128i *)(const void *)(text + i);
		__m128i any = _mm_setzero_si128();
		for (int k = 0; k < 4; k++) {
			__m128i v = _mm_loadu_si128(p + k);
			any = _mm_or_si128(any, _mm_or_si128(_mm_cmpeq_epi8(v, escape),
			                                     _mm_or_si128(_mm_cmpeq_epi8(v, backslash),
			                                                  _mm_cmpeq_epi8(v, cr))));
		}
		if (_mm_movemask_epi8(any) == 0)
			continue;
		for (size_t j = i; j < i + 64; j++)
			if (is_special(text, length, j))
				return j;
	}
#endif
	for (; i < length; i++)
		if (is_special(text, length, i))
			return i;
	return length;
}

bool clsf__is_utf8(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0;
	while (i < length) {
		uint64_t eight;
		if (length - i >= 8) {
			memcpy(&eight, p + i, 8);
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				i += 8;
				continue;
			}
		}
		unsigned char c = p[i], low = 0x80, high = 0xbf;
		size_t more;
		if (c < 0x80) {
			i++;
			continue;
		}
		if (c >= 0xc2 && c <= 0xdf) {
			more = 1;
		} else if (c >= 0xe0 && c <= 0xef) {
			more = 2;
			low = c == 0xe0 ? 0xa0 : 0x80;
			high = c == 0xed ? 0x9f : 0xbf;
		} else if (c >= 0xf0 && c <= 0xf4) {
			more = 3;
			low = c == 0xf0 ? 0x90 : 0x80;
			high = c == 0xf4 ? 0x8f : 0xbf;
		} else {
			return false;
		}
		if (length - i <= more || p[i + 1] < low || p[i + 1] > high)
			return false;
		for (size_t k = 2; k <= more; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
}
