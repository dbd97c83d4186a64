/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant 1, differentially: random expressions over random lines. What the
 * library finds through filter and judge must be what PCRE2 finds when it is
 * called here on every line alone; with unwrapping, on the raw line and on its
 * messages. The oracle shares the unwrapper with the library and nothing else.
 */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "../../libclassify/unwrap.h"
#include "support.h"

#define RULES 40
#define LINES 60
#define ROUNDS 60            /* 60 x 40 x 60 = 144,000 pairs, times two modes */

struct text {
	char data[8192];
	size_t length;
};

static void add(struct text *t, const char *s)
{
	size_t n = strlen(s);
	if (t->length + n < sizeof(t->data)) {
		memcpy(t->data + t->length, s, n + 1);
		t->length += n;
	}
}

/* ---- expressions ---- */

static const char *const atoms[] = {
	"a", "b", "c", "error", "fail", " ", "k", "s", "K", "S", ":", "\\.", "0", "7", "x1", "msg",
	".", "\\d", "\\s", "\\S", "\\w", "\\W", "\\D", "\\h", "\\N", "[abc]", "[^a]", "[^\\d]", "[a-f0-9]",
	"[^\\s]", "[\\n a]", "[]a]", "[\\]b]", "[a-]", "\\t", "\\x61", "\\x{62}", "\\r", "\\n",
	"\\Qa.b\\E", "failed: ", "time=", "\\\"", "\\\\", "caf\xc3\xa9", "\xc3\xa9", "[\xc3\xa9z]", "\\v", "\\R",
	"[[:alpha:]]", "(?#note)a", "a(?#note)", "\\E", "\\Q\\E", "[\\40-\\176]", "[ -\\55]", "\\Qab\\E\\E", "\\060",
	"\\cA", "(?:)", "\\N{U+61}", "[^\\W_]",
	/* Long enough to be cut for the engine: its end is common, the middle is not. */
	"job XQZ-7 of QUUX: failed", "job XQZ-7 of QUUX",
	/* One word that tells something, and another that has to be there. */
	"refusing.*zz9", "zz9.*refusing", "zz9 (?:a|b)?refusing",
};
static const char *const zero_width[] = { "^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "" };
static const char *const repeats[] = { "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "??", "++", "*+",
	                               "{0}", "{0,1}", "{3,7}" };
#define PICK(rng, list) list[random_below(rng, sizeof(list) / sizeof(list[0]))]

static void generate(struct text *t, uint64_t *rng, unsigned depth)
{
	unsigned parts = 1 + random_below(rng, 4);
	for (unsigned i = 0; i < parts; i++) {
		unsigned kind = random_below(rng, depth ? 20 : 9);
		if (kind < 8) {
			add(t, PICK(rng, atoms));
			if (random_below(rng, 4) == 0)
				add(t, PICK(rng, repeats));
		} else if (kind < 11) {
			add(t, PICK(rng, zero_width));
		} else {
			static const char *const openings[] = { "(", "(?:", "(?i:", "(?>", "(?=", "(?!", "(?<=", "(?<!",
				                                "(?<n>", "(?|", "(?s:", "(?-i:", "(?i)(?:" };
			const char *opening = PICK(rng, openings);
			/* A named group may stand only once. */
			if (strcmp(opening, "(?<n>") == 0 && strstr(t->data, "(?<n>"))
				opening = "(";
			add(t, opening);
			generate(t, rng, depth - 1);
			if (random_below(rng, 2)) {
				add(t, "|");
				generate(t, rng, depth - 1);
			}
			add(t, ")");
			if (random_below(rng, 3) == 0 && opening[1] != '?')
				add(t, PICK(rng, repeats));
			if (random_below(rng, 8) == 0)
				add(t, "\\1");
		}
	}
}

static bool is_ascii(const struct text *t)
{
	for (size_t i = 0; i < t->length; i++)
		if ((unsigned char)t->data[i] > 0x7f)
			return false;
	return true;
}

/* Compiles in the dialect of rules, as classify-rules(5) tells it. */
static pcre2_code *compile(const struct text *t)
{
	int number;
	PCRE2_SIZE offset;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	bool utf = !is_ascii(t) || strncmp(t->data, "(*UTF)", 6) == 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)t->data, t->length,
	                                 utf ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0, &number, &offset,
	                                 context);
	pcre2_compile_context_free(context);
	return code;
}

/* ---- lines ---- */

static const char *const words[] = {
	"a", "b", "c", "abc", "error", "fail", "failed: ", "ERROR", " ", " ", "k", "s", "\xe2\x84\xaa", "\xc5\xbf",
	"caf\xc3\xa9", "\xc3\xa9", "\xff", "\xc3", ":", ".", "0", "77", "x1", "\t", "aaaa", "a.b", "bbbbbb",
	"msg", "\\", "\"", "\x1b[31m", "\x1b[0m", "\r", "time=\"2026-11-20T07:25:52Z\" level=error msg=\"a \\\"b\\\" c\"",
	"{\"log\":\"error a\\n\",\"stream\":\"stderr\"}", "2026-11-20T07:25:52.1Z stderr F ", "INFO[0001] ",
	"[build : step] ", "\x0b", "\x0c", "\x85",
	"job XQZ-7 of QUUX: failed", "job XQZ-7 of QUUX: failed", "job XQZ-7 of QUUX: fail", "job XQZ-7 of QUUX",
	"JOB XQZ-7 of QUUX: Failed", "job XQZ-7 of QUUX\\n",
	"refusing", "zz9", "zz9 refusing", "\\nrefusing",
};

static void generate_line(struct text *t, uint64_t *rng)
{
	t->length = 0;
	t->data[0] = '\0';
	unsigned parts = random_below(rng, 9);
	for (unsigned i = 0; i < parts; i++)
		add(t, PICK(rng, words));
	if (random_below(rng, 40) == 0)
		for (int i = 0; i < 100; i++)
			add(t, "abcabcabc error 7");
}

/* ---- the comparison ---- */

struct found {
	unsigned char hit[RULES][LINES];
};

static int on_match(const struct clsf_match *m, void *user)
{
	struct found *found = user;
	unsigned rule = (unsigned)strtoul(m->rule->id + 1, NULL, 10);
	assert_true(rule < RULES && m->line.number >= 1 && m->line.number <= LINES);
	found->hit[rule][m->line.number - 1]++;
	return 0;
}

static bool matches(pcre2_code *code, pcre2_match_data *data, const char *text, size_t length)
{
	return pcre2_match(code, (PCRE2_SPTR)text, length, 0, PCRE2_NO_JIT, data, NULL) >= 0;
}

struct round {
	struct text expression[RULES];
	pcre2_code *code[RULES];
	struct text line[LINES];
	char log[LINES * 2048];
	size_t log_length;
	char yaml[RULES * 2048 + 64];
};

/* A double-quoted YAML scalar; the bytes of a character stay together. */
static void add_yaml(char *out, size_t *n, const struct text *t)
{
	out[(*n)++] = '"';
	for (size_t i = 0; i < t->length; i++) {
		char c = t->data[i];
		if (c == '"' || c == '\\')
			out[(*n)++] = '\\';
		out[(*n)++] = c;
	}
	out[(*n)++] = '"';
}

static void make_round(struct round *r, uint64_t *rng)
{
	size_t n = 0;
	n += (size_t)snprintf(r->yaml, sizeof(r->yaml), "pack: test\nrules:\n");
	for (unsigned i = 0; i < RULES;) {
		struct text *t = &r->expression[i];
		t->length = 0;
		t->data[0] = '\0';
		if (random_below(rng, 30) == 0)
			add(t, "(*UTF)");
		else if (random_below(rng, 10) == 0)
			add(t, "(?i)");
		generate(t, rng, 2);
		if (t->length == 0 || t->length > 600 || !(r->code[i] = compile(t)))
			continue;
		n += (size_t)snprintf(r->yaml + n, sizeof(r->yaml) - n, "  - {id: r%u, title: t, category: unknown, match: ", i);
		add_yaml(r->yaml, &n, t);
		n += (size_t)snprintf(r->yaml + n, sizeof(r->yaml) - n, "}\n");
		i++;
	}
	r->log_length = 0;
	for (unsigned i = 0; i < LINES; i++) {
		generate_line(&r->line[i], rng);
		memcpy(r->log + r->log_length, r->line[i].data, r->line[i].length);
		r->log_length += r->line[i].length;
		bool last = i + 1 == LINES;
		if (random_below(rng, 5) == 0)
			r->log[r->log_length++] = '\r';
		if (last && r->log_length && random_below(rng, 2) == 0)
			break;
		r->log[r->log_length++] = '\n';
	}
}

/* What PCRE2 alone says of each line of the log. */
static void ask_oracle(struct round *r, bool unwrap, struct found *expected)
{
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__messages messages;
	clsf__messages_init(&messages, &a);
	pcre2_match_data *data = pcre2_match_data_create(64, NULL);
	memset(expected, 0, sizeof(*expected));
	size_t at = 0;
	for (unsigned l = 0; at < r->log_length; l++) {
		const char *newline = memchr(r->log + at, '\n', r->log_length - at);
		size_t end = newline ? (size_t)(newline - r->log) : r->log_length;
		size_t length = end > at && r->log[end - 1] == '\r' ? end - 1 - at : end - at;
		const char *line = r->log + at;
		assert_true(clsf__unwrap(&messages, line, length));
		for (unsigned i = 0; i < RULES; i++) {
			bool hit = matches(r->code[i], data, line, length);
			for (size_t m = 0; unwrap && !hit && m < messages.n; m++)
				hit = matches(r->code[i], data, clsf__message_text(&messages, line, m),
				              messages.item[m].length);
			expected->hit[i][l] = hit;
		}
		at = end + 1;
	}
	pcre2_match_data_free(data);
	clsf__messages_done(&messages);
}

static void ask_library(const struct round *r, bool unwrap, enum clsf_engine engine, size_t chunk,
                        struct found *found)
{
	struct clsf_ruleset *rs = rules_of(r->yaml, engine);
	struct clsf_worker *w;
	struct clsf_stream *s;
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	const struct clsf_verdict *v;
	memset(found, 0, sizeof(*found));
	options.on_match = on_match;
	options.user = found;
	options.no_unwrap = !unwrap;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &s), 0);
	for (size_t at = 0; at < r->log_length; at += chunk) {
		size_t n = r->log_length - at < chunk ? r->log_length - at : chunk;
		assert_int_equal(clsf_stream_feed(s, w, r->log + at, n), 0);
	}
	assert_int_equal(clsf_stream_finish(s, w, &v), 0);
	clsf_stream_free(s);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

static void compare(const struct round *r, const struct found *expected, const struct found *found,
                    const char *mode, unsigned round)
{
	for (unsigned i = 0; i < RULES; i++)
		for (unsigned l = 0; l < LINES; l++)
			if (expected->hit[i][l] != found->hit[i][l])
				fail_msg("round %u, %s: expression '%s' on line %u '%s': PCRE2 says %d, the library %d",
				         round, mode, r->expression[i].data, l + 1, r->line[l].data,
				         expected->hit[i][l], found->hit[i][l]);
}

static void run_rounds(bool unwrap)
{
	uint64_t rng = unwrap ? 0x9e3779b97f4a7c15u : 0x2545f4914f6cdd1du;
	struct round *r = malloc(sizeof(*r));
	struct found *expected = malloc(sizeof(*expected)), *found = malloc(sizeof(*found));
	size_t hits = 0;
	const char *more = getenv("CLASSIFY_DIFFERENTIAL_ROUNDS");
	unsigned rounds = more ? (unsigned)strtoul(more, NULL, 10) : ROUNDS;
	assert_non_null(r);
	for (unsigned i = 0; i < rounds; i++) {
		make_round(r, &rng);
		ask_oracle(r, unwrap, expected);
		ask_library(r, unwrap, CLSF_ENGINE_AUTO, SIZE_MAX / 2, found);
		compare(r, expected, found, unwrap ? "messages" : "raw lines", i);
		ask_library(r, unwrap, CLSF_ENGINE_AUTO, 1 + random_below(&rng, 40), found);
		compare(r, expected, found, "in small pieces", i);
		if (i % 8 == 0) {
			ask_library(r, unwrap, CLSF_ENGINE_PCRE2, SIZE_MAX / 2, found);
			compare(r, expected, found, "without the engine", i);
		}
		for (unsigned k = 0; k < RULES; k++) {
			for (unsigned l = 0; l < LINES; l++)
				hits += expected->hit[k][l];
			pcre2_code_free(r->code[k]);
		}
	}
	/* A generator whose expressions never match would prove nothing. */
	assert_true(hits > (size_t)rounds * RULES);
	free(r);
	free(expected);
	free(found);
}

static void test_raw_lines(void **state)
{
	(void)state;
	run_rounds(false);
}

static void test_messages(void **state)
{
	(void)state;
	run_rounds(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw_lines),
		cmocka_unit_test(test_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
