/* SPDX-License-Identifier: Apache-2.0 */
/* Counting newlines and finding special bytes: the fast ways against the plain ones. */

#include "../../libclassify/lines.h"
#include "support.h"

static void fill(char *text, size_t n, uint64_t *rng)
{
	static const char bytes[] = "abcdefgh\n\n\r\r\\\x1b \xff";
	for (size_t i = 0; i < n; i++)
		text[i] = random_below(rng, 8) ? 'x' : bytes[random_below(rng, sizeof(bytes) - 1)];
}

static void test_count(void **state)
{
	(void)state;
	static char text[70000];
	uint64_t rng = 7;
	for (int round = 0; round < 300; round++) {
		size_t n = round < 200 ? (size_t)round : random_below(&rng, sizeof(text));
		size_t shift = random_below(&rng, 64);
		if (shift > n)
			shift = n;
		fill(text, n, &rng);
		uint64_t plain = 0;
		for (size_t i = shift; i < n; i++)
			plain += text[i] == '\n';
		assert_int_equal(clsf__count_newlines(text + shift, n - shift), plain);
	}
	memset(text, '\n', sizeof(text));
	assert_int_equal(clsf__count_newlines(text, sizeof(text)), sizeof(text));
}

static void test_contains(void **state)
{
	(void)state;
	char text[200], word[8];
	uint64_t rng = 5;
	int found = 0;
	for (int round = 0; round < 20000; round++) {
		size_t n = random_below(&rng, sizeof(text)), m = random_below(&rng, sizeof(word));
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + random_below(&rng, 4));
		for (size_t i = 0; i < m; i++)
			word[i] = (char)('a' + random_below(&rng, 4));
		bool plain = m == 0 || (n && memmem(text, n, word, m));
		found += plain;
		assert_int_equal(clsf__contains(text, n, word, m), plain);
	}
	assert_true(found > 2000 && found < 18000);
}

static void test_last_newline(void **state)
{
	(void)state;
	static char text[3000];
	uint64_t rng = 11;
	int none = 0;
	for (int round = 0; round < 3000; round++) {
		size_t n = random_below(&rng, sizeof(text));
		memset(text, 'x', n);
		for (size_t i = random_below(&rng, 3); i > 0 && n; i--)
			text[random_below(&rng, (uint32_t)n)] = '\n';
		const char *plain = n ? memrchr(text, '\n', n) : NULL;
		none += !plain;
		assert_ptr_equal(clsf__last_newline(text, n), plain);
	}
	assert_true(none > 100 && none < 2900);
}

static bool special(const char *text, size_t n, size_t i)
{
	return text[i] == '\x1b' || text[i] == '\\' || (text[i] == '\r' && (i + 1 == n || text[i + 1] != '\n'));
}

static void test_special(void **state)
{
	(void)state;
	static char text[2000];
	uint64_t rng = 11;
	for (int round = 0; round < 400; round++) {
		size_t n = random_below(&rng, sizeof(text));
		fill(text, n, &rng);
		if (round % 2)
			for (size_t i = 0; i < n; i++)
				if (special(text, n, i) && random_below(&rng, 20))
					text[i] = 'y';
		size_t from = 0;
		while (from < n) {
			size_t plain = from;
			while (plain < n && !special(text, n, plain))
				plain++;
			assert_int_equal(clsf__find_special(text, n, from), plain);
			from = plain + 1;
		}
		assert_int_equal(clsf__find_special(text, n, n), n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_last_newline),
		cmocka_unit_test(test_special),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
