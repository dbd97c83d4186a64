/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken from an expression for the filter: required literals and the relaxed form. */

#include "../../libclassify/regex_filter.h"
#include "support.h"

static struct clsf__literals literals_of(struct clsf__arena *arena, const char *pattern, bool utf)
{
	struct clsf__re_tree tree;
	struct clsf__literals literals;
	assert_true(clsf__re_parse(arena, pattern, strlen(pattern), utf, &tree));
	assert_true(clsf__re_literals(arena, &tree, false, &literals));
	return literals;
}

/* Literals are joined by '|', those without case end in '~'. */
static void expect_literals(const char *pattern, bool utf, const char *expected)
{
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__arena arena;
	clsf__arena_init(&arena, &a);
	struct clsf__literals literals = literals_of(&arena, pattern, utf);
	char joined[512] = "";
	for (size_t i = 0; i < literals.n; i++) {
		char one[128];
		snprintf(one, sizeof(one), "%s%.*s%s", i ? "|" : "", (int)literals.item[i].length,
		         literals.item[i].text, literals.item[i].nocase ? "~" : "");
		strncat(joined, one, sizeof(joined) - strlen(joined) - 1);
	}
	if (strcmp(joined, expected) != 0)
		fail_msg("/%s/ gives '%s', expected '%s'", pattern, joined, expected);
	clsf__arena_done(&arena);
}

static void test_literals(void **state)
{
	(void)state;
	expect_literals("no space left on device", false, "no space left on device");
	expect_literals("^error building image: .*x$", false, "error building image: ");
	expect_literals("(?i)permission denied", false, "permission denied~");
	expect_literals("dial tcp: (?:lookup|resolve)", false, "dial tcp: lookup|dial tcp: resolve");
	expect_literals("[Ee]rror: unable", false, "Error: unable|error: unable");
	expect_literals("https?://registry", false, "https://registry|http://registry");
	/* Common words tell little, and rows of one sign nothing. */
	expect_literals("Status code: \\d+ for \\S+", false, "Status code: ");
	expect_literals("configuration was \\w+ unmarshalled", false, " unmarshalled");
	expect_literals("===== \\d+ refused", false, " refused");
	/* What is optional, or only looked at, is not required. */
	expect_literals("(?:optional text)?(?=looked at)required text(?!not this)", false, "required text");
	expect_literals("(?:some words){0,3}other words", false, "other words");
	expect_literals("(?:some words){2}x", false, "some words");
	expect_literals("a*b?", false, "");
	expect_literals("(\\w+)\\1 done", false, " done");
	/* An alternative without a literal leaves none for the whole. */
	expect_literals("connection refused|\\d+", false, "");
	expect_literals("\\Qa.b\\E literally", false, "a.b literally");
	/* Case folding of UTF mode reaches beyond ASCII for k and s. */
	expect_literals("(?i)task fails", true, " fail~");
	/* What is not understood is not guessed. */
	expect_literals("(?(1)yes|no)", false, "");
	expect_literals("(*CRLF)abcdef", false, "");
}

static void expect_relaxed(const char *pattern, const char *expected)
{
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__arena arena;
	struct clsf__re_tree tree;
	struct clsf__buffer out;
	clsf__arena_init(&arena, &a);
	clsf__buffer_init(&out, &a);
	assert_true(clsf__re_parse(&arena, pattern, strlen(pattern), false, &tree));
	bool good = clsf__re_relax(&tree, &out);
	clsf__buffer_addc(&out, '\0');
	if (!expected ? good : !good || strcmp(out.data, expected) != 0)
		fail_msg("/%s/ relaxed to '%s'", pattern, good ? out.data : "(nothing)");
	clsf__buffer_done(&out);
	clsf__arena_done(&arena);
}

static void test_relaxed(void **state)
{
	(void)state;
	expect_relaxed("^\\d+$", "(?:[\\x30-\\x39]){1,1}");
	expect_relaxed("\\d+:\\d+", "(?:[\\x30-\\x39]){1,1}\\x3a(?:[\\x30-\\x39]){1,1}");
	expect_relaxed(".*x?a\\d*b.*", "\\x61(?:[\\x30-\\x39]){0,}\\x62");
	expect_relaxed("\\ba(?!b)", "\\x61");
	expect_relaxed("[^x]", "[\\x00-\\x09\\x0b-\\x77\\x79-\\xff]");
	expect_relaxed("(?i)a{2,900}", "(?:[\\x41\\x61]){2,2}");
	/* An expression that the empty line may match has no relaxed form. */
	expect_relaxed("a*", NULL);
	expect_relaxed("^$", NULL);
}

/* The relaxed forms of the alternatives, joined by ' '. */
static void expect_alternatives(const char *pattern, const char *expected)
{
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__arena arena;
	struct clsf__re_tree tree, trees[3];
	struct clsf__buffer out;
	clsf__arena_init(&arena, &a);
	clsf__buffer_init(&out, &a);
	assert_true(clsf__re_parse(&arena, pattern, strlen(pattern), false, &tree));
	size_t n = clsf__re_alternatives(&tree, trees, 3);
	for (size_t i = 0; i < n; i++) {
		clsf__buffer_adds(&out, i ? " " : "");
		clsf__re_relax(&trees[i], &out);
	}
	clsf__buffer_addc(&out, '\0');
	if (strcmp(out.data, expected) != 0)
		fail_msg("/%s/ is split to '%s'", pattern, out.data);
	clsf__buffer_done(&out);
	clsf__arena_done(&arena);
}

static void test_alternatives(void **state)
{
	(void)state;
	expect_alternatives("ab", "\\x61\\x62");
	expect_alternatives("a|b", "\\x61 \\x62");
	expect_alternatives("^(?:a|(?:b|[0-9]c))$", "\\x61 \\x62 [\\x30-\\x39]\\x63");
	expect_alternatives("a.*b|c", "\\x61(?:[\\x00-\\x09\\x0b-\\xff]){0,}\\x62 \\x63");
	/* What stands beside the choice belongs to each; it is left whole. */
	expect_alternatives("a(?:b|c)", "\\x61(?:\\x62|\\x63)");
	/* An alternative that may be empty has no form; too many of them are none. */
	expect_alternatives("a|b*", "\\x61 ");
	expect_alternatives("a|b|c|d", "(?:\\x61|\\x62|\\x63|\\x64)");
}

static void expect_companion(const char *pattern, const char *expected)
{
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__arena arena;
	clsf__arena_init(&arena, &a);
	struct clsf__literal companion = literals_of(&arena, pattern, false).companion;
	if (companion.length != strlen(expected) ||
	    (companion.length && memcmp(companion.text, expected, companion.length) != 0))
		fail_msg("/%s/: companion '%.*s'", pattern, (int)companion.length, companion.text);
	clsf__arena_done(&arena);
}

static void test_companion(void **state)
{
	(void)state;
	expect_companion("connection.*refused", "refused");
	expect_companion("a.*exhausted\\d+pool of .", "exhausted");
	/* Only what every match has, and not what the literal says already. */
	expect_companion("(?:x connection)?.*refused", "");
	expect_companion("exhausted.*haust", "");
	expect_companion("(?i)connection.*refused", "");
	expect_companion("connection.*(?:refused|rejected)", "");
}

static void expect_cut(const char *text, const char *expected)
{
	struct clsf__literal literal = { .text = text, .length = strlen(text) };
	size_t length = clsf__literal_cut(&literal);
	if (length != strlen(expected) || strncmp(text, expected, length) != 0)
		fail_msg("'%s' is cut to '%.*s'", text, (int)length, text);
}

static void test_cut(void **state)
{
	(void)state;
	expect_cut("code 502 of XQZ: not found", "code 502 of XQZ:");
	/* Enough has to be left, in bytes and in what it tells. */
	expect_cut("OOM failed", "OOM failed");
	expect_cut("not ready", "not ready");
}

/* `expected` is NULL for an expression that is more than text. */
static void expect_plain(const char *pattern, const char *expected)
{
	char text[64] = "";
	size_t length = 0;
	bool plain = clsf__re_plain(pattern, strlen(pattern), text, &length);
	text[plain ? length : 0] = '\0';
	if (plain != (expected != NULL) || strcmp(text, expected ? expected : "") != 0)
		fail_msg("/%s/ is '%s'", pattern, text);
}

static void test_plain(void **state)
{
	(void)state;
	expect_plain("no space left on device", "no space left on device");
	expect_plain("a\\.b\\[c\\\\]-_#}", "a.b[c\\]-_#}");
	expect_plain("\\Qa.*\\b\\E (c", NULL);
	expect_plain("\\Qa.*\\b\\E\\(c", "a.*\\b(c");
	expect_plain("\\Q(x", "(x");
	expect_plain("a.b", NULL);
	expect_plain("^a", NULL);
	expect_plain("a+", NULL);
	expect_plain("a\\d", NULL);
	expect_plain("a\\Kb", NULL);
	expect_plain("a\\E", NULL);
	expect_plain("a{2}", NULL);
	expect_plain("(?<x>ab)", NULL);
	expect_plain("na\xc3\xafve", NULL);
	expect_plain("tab\there", NULL);
	expect_plain("end\\", NULL);
	expect_plain("\\Q\\E", NULL);
}

static void test_context_free(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		bool context_free;
	} cases[] = {
		{ "abc.*def", true }, { "^abc", false }, { "abc$", false }, { "\\babc", false },
		{ "a(?=b)", false }, { "(?>a|ab)c", false }, { "a++b", false }, { "(a)\\1", false },
		{ "[^x]+y", true }, { "(?i)abc", true },
	};
	struct clsf_allocator a = clsf__allocator(NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clsf__arena arena;
		struct clsf__re_tree tree;
		clsf__arena_init(&arena, &a);
		assert_true(clsf__re_parse(&arena, cases[i].pattern, strlen(cases[i].pattern), false, &tree));
		if (tree.context_free != cases[i].context_free)
			fail_msg("/%s/: context_free is %d", cases[i].pattern, tree.context_free);
		clsf__arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_relaxed),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_companion),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_context_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
