/* SPDX-License-Identifier: Apache-2.0 */
/* See lines.h. SSE2 is on every x86-64, AVX2 on most; elsewhere the plain loops serve. */

#include "lines.h"

#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

static bool is_special(const char *text, size_t length, size_t i)
{
	char c = text[i];
	return c == '\x1b' || c == '\\' || (c == '\r' && (i + 1 == length || text[i + 1] != '\n'));
}

#ifdef __SSE2__

/* A byte lane counts to 255 before it is summed: four compares a round, 63 rounds. */
#define ROUNDS 63

static uint64_t count_sse2(const char *text, size_t length, size_t *ret_done)
{
	const __m128i newline = _mm_set1_epi8('\n');
	uint64_t count = 0;
	size_t i = 0;
	while (length - i >= 64) {
		size_t rounds = (length - i) / 64 < ROUNDS ? (length - i) / 64 : ROUNDS;
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
	*ret_done = i;
	return count;
}

__attribute__((target("avx2"))) static uint64_t count_avx2(const char *text, size_t length, size_t *ret_done)
{
	const __m256i newline = _mm256_set1_epi8('\n');
	uint64_t count = 0;
	size_t i = 0;
	while (length - i >= 128) {
		size_t rounds = (length - i) / 128 < ROUNDS ? (length - i) / 128 : ROUNDS;
		__m256i sum = _mm256_setzero_si256();
		for (size_t r = 0; r < rounds; r++, i += 128) {
			const __m256i *p = (const __m256i *)(const void *)(text + i);
			__m256i a = _mm256_add_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(p), newline),
			                            _mm256_cmpeq_epi8(_mm256_loadu_si256(p + 1), newline));
			__m256i b = _mm256_add_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(p + 2), newline),
			                            _mm256_cmpeq_epi8(_mm256_loadu_si256(p + 3), newline));
			sum = _mm256_sub_epi8(sum, _mm256_add_epi8(a, b));
		}
		__m256i wide = _mm256_sad_epu8(sum, _mm256_setzero_si256());
		count += (uint64_t)_mm256_extract_epi64(wide, 0) + (uint64_t)_mm256_extract_epi64(wide, 1) +
		         (uint64_t)_mm256_extract_epi64(wide, 2) + (uint64_t)_mm256_extract_epi64(wide, 3);
	}
	*ret_done = i;
	return count;
}

/* The start of the first 64 or 128 bytes from `i` on in which one of the three bytes stands, or of the rest. */
static size_t skip_sse2(const char *text, size_t length, size_t i)
{
	const __m128i escape = _mm_set1_epi8('\x1b'), backslash = _mm_set1_epi8('\\'), cr = _mm_set1_epi8('\r');
	for (; i < length && length - i >= 64; i += 64) {
		const __m128i *p = (const __m128i *)(const void *)(text + i);
		__m128i any = _mm_setzero_si128();
		for (int k = 0; k < 4; k++) {
			__m128i v = _mm_loadu_si128(p + k);
			any = _mm_or_si128(any, _mm_or_si128(_mm_cmpeq_epi8(v, escape),
			                                     _mm_or_si128(_mm_cmpeq_epi8(v, backslash),
			                                                  _mm_cmpeq_epi8(v, cr))));
		}
		if (_mm_movemask_epi8(any))
			break;
	}
	return i;
}

__attribute__((target("avx2"))) static size_t skip_avx2(const char *text, size_t length, size_t i)
{
	const __m256i escape = _mm256_set1_epi8('\x1b'), backslash = _mm256_set1_epi8('\\'),
		      cr = _mm256_set1_epi8('\r');
	for (; i < length && length - i >= 128; i += 128) {
		const __m256i *p = (const __m256i *)(const void *)(text + i);
		__m256i any = _mm256_setzero_si256();
		for (int k = 0; k < 4; k++) {
			__m256i v = _mm256_loadu_si256(p + k);
			any = _mm256_or_si256(any, _mm256_or_si256(_mm256_cmpeq_epi8(v, escape),
			                                           _mm256_or_si256(_mm256_cmpeq_epi8(v, backslash),
			                                                           _mm256_cmpeq_epi8(v, cr))));
		}
		if (_mm256_movemask_epi8(any))
			break;
	}
	return i;
}

#endif

uint64_t clsf__count_newlines(const char *text, size_t length)
{
	size_t i = 0;
	uint64_t count = 0;
#ifdef __SSE2__
	count = __builtin_cpu_supports("avx2") && length >= 128 ? count_avx2(text, length, &i)
	                                                        : count_sse2(text, length, &i);
#endif
	for (; i < length; i++)
		count += text[i] == '\n';
	return count;
}

size_t clsf__find_special(const char *text, size_t length, size_t from)
{
	size_t i = from;
#ifdef __SSE2__
	bool avx2 = __builtin_cpu_supports("avx2");
#endif
	while (i < length) {
#ifdef __SSE2__
		i = avx2 ? skip_avx2(text, length, i) : i;
		i = skip_sse2(text, length, i);
#endif
		/* A \r before \n is none: the search goes on behind these bytes. */
		size_t end = length - i < 64 ? length : i + 64;
		for (; i < end; i++)
			if (is_special(text, length, i))
				return i;
	}
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
