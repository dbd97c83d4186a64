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

/*
 * The special bytes among sixteen, a bit for each, and whether there may be
 * any, which does not look at what follows a \r: most rounds need no more.
 */
static __m128i perhaps_sse2(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	return _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\x1b')),
	                    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')),
	                                 _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))));
}

static unsigned specials_sse2(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
	__m128i ends = _mm_and_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\r')),
	                             _mm_cmpeq_epi8(next, _mm_set1_epi8('\n')));
	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(ends, perhaps_sse2(p)));
}

/*
 * The first special byte from `i` on, as far as whole rounds reach with one
 * byte to spare; else where the rest begins.
 */
static size_t find_sse2(const char *text, size_t length, size_t i, bool *ret_found)
{
	for (; i < length && length - i > 64; i += 64) {
		const char *p = text + i;
		__m128i any = _mm_or_si128(_mm_or_si128(perhaps_sse2(p), perhaps_sse2(p + 16)),
		                           _mm_or_si128(perhaps_sse2(p + 32), perhaps_sse2(p + 48)));
		if (!_mm_movemask_epi8(any))
			continue;
		for (size_t k = 0; k < 64; k += 16) {
			unsigned specials = specials_sse2(p + k);
			if (specials) {
				*ret_found = true;
				return i + k + (size_t)__builtin_ctz(specials);
			}
		}
	}
	return i;
}

__attribute__((target("avx2"))) static __m256i perhaps_avx2(const char *p)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
	return _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\x1b')),
	                       _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')),
	                                       _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r'))));
}

__attribute__((target("avx2"))) static size_t find_avx2(const char *text, size_t length, size_t i,
                                                        bool *ret_found)
{
	for (; i < length && length - i > 128; i += 128) {
		const char *p = text + i;
		__m256i any = _mm256_or_si256(_mm256_or_si256(perhaps_avx2(p), perhaps_avx2(p + 32)),
		                              _mm256_or_si256(perhaps_avx2(p + 64), perhaps_avx2(p + 96)));
		if (!_mm256_movemask_epi8(any))
			continue;
		size_t at = find_sse2(text, i + 129, i, ret_found);
		if (*ret_found)
			return at;
	}
	return i;
}

/*
 * Is the word at one of the places that are looked at, sixteen at a time, up
 * to *ret_done? Only where its first and its last byte stand is it compared.
 */
static bool contains_sse2(const char *text, size_t length, const char *word, size_t word_length,
                          size_t *ret_done)
{
	const __m128i first = _mm_set1_epi8(word[0]), last = _mm_set1_epi8(word[word_length - 1]);
	size_t i = 0;
	for (; length - i >= word_length - 1 + 16; i += 16) {
		__m128i heads = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
		__m128i tails = _mm_loadu_si128((const __m128i *)(const void *)(text + i + word_length - 1));
		unsigned both = (unsigned)_mm_movemask_epi8(
			_mm_and_si128(_mm_cmpeq_epi8(heads, first), _mm_cmpeq_epi8(tails, last)));
		for (; both; both &= both - 1)
			if (memcmp(text + i + __builtin_ctz(both), word, word_length) == 0)
				return true;
	}
	*ret_done = i;
	return false;
}

#endif

bool clsf__contains(const char *text, size_t length, const char *word, size_t word_length)
{
	size_t i = 0;
	if (word_length == 0 || length < word_length)
		return word_length == 0;
#ifdef __SSE2__
	if (contains_sse2(text, length, word, word_length, &i))
		return true;
#endif
	for (; length - i >= word_length; i++)
		if (text[i] == word[0] && memcmp(text + i, word, word_length) == 0)
			return true;
	return false;
}

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
	bool found = false;
	if (__builtin_cpu_supports("avx2"))
		i = find_avx2(text, length, i, &found);
	if (!found)
		i = find_sse2(text, length, i, &found);
	if (found)
		return i;
#endif
	while (i < length && !is_special(text, length, i))
		i++;
	return i;
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

/*
 * In windows from the end: memrchr() stops at the newline by itself, but the thread sanitizer
 * counts its whole range as read, and it is asked at each line of a block.
 */
const char *clsf__last_newline(const char *text, size_t length)
{
	const char *newline = NULL;
	while (length && !newline) {
		size_t window = length < 256 ? length : 256;
		length -= window;
		newline = memrchr(text + length, '\n', window);
	}
	return newline;
}
