/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams and verdicts through the public interface: invariant 2 (any cut gives
 * the same), the order of evidence, limits, misuse, and many workers at once.
 */

#include <pthread.h>

#include "support.h"

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: dns, title: 'No name ${host}', category: dns_failed, match: 'lookup (?<host>\\S+): no such host', explains: [pull]}\n"
	"  - {id: disk, title: Disk, category: disk_full, match: 'no space left'}\n"
	"  - {id: pull, title: Pull, category: image_pull_failed, role: symptom, match: 'pull failed'}\n"
	"  - {id: run, title: Run, category: build_step_failed, role: symptom, match: 'exit status \\d+', show: above}\n"
	"  - {id: hint, title: Hint, category: permission_denied, severity: low, match: 'not allowed'}\n"
	"  - {id: end, title: End, role: failure, match: '^job failed'}\n"
	"  - {id: good, title: Good, role: success, match: '^pushed image'}\n"
	"  - {id: pair, title: Pair, category: timeout, match: {sequence: ['waiting for (?<what>\\w+)', 'gave up'], within: 3 lines}}\n"
	"  - {id: many, title: Many, category: rate_limited, match: {count: 3, of: 'slow down', within: 5 lines}}\n"
	"  - {id: both, title: Both, category: tls_invalid, match: {all: [{regex: 'left half', show: true}, 'right half'], within: 4 lines}}\n";

struct scanner {
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
};

static void open_scanner(struct scanner *s, const struct clsf_stream_options *options)
{
	s->ruleset = rules_of(rules, CLSF_ENGINE_AUTO);
	assert_int_equal(clsf_worker_new(s->ruleset, NULL, &s->worker), 0);
	assert_int_equal(clsf_stream_new(s->ruleset, options, &s->stream), 0);
}

static void close_scanner(struct scanner *s)
{
	clsf_stream_free(s->stream);
	clsf_worker_free(s->worker);
	clsf_ruleset_unref(s->ruleset);
}

static const struct clsf_verdict *scan(struct scanner *s, const char *log, size_t length, size_t chunk)
{
	const struct clsf_verdict *v;
	clsf_stream_reset(s->stream);
	for (size_t at = 0; at < length; at += chunk)
		assert_int_equal(clsf_stream_feed(s->stream, s->worker, log + at,
		                                  length - at < chunk ? length - at : chunk), 0);
	assert_int_equal(clsf_stream_finish(s->stream, s->worker, &v), 0);
	return v;
}

/* ---- the order of evidence ---- */

struct expectation {
	const char *log;
	enum clsf_outcome outcome;
	const char *category;
	const char *rule;            /* NULL: unknown or not failed */
	uint64_t line;
	const char *why_not;         /* how the first loser's reason begins; NULL: there is none */
};

static const struct expectation expectations[] = {
	{ "", CLSF_UNDETERMINED, "", NULL, 0, NULL },
	{ "all is well\n", CLSF_UNDETERMINED, "", NULL, 0, NULL },
	{ "pushed image x\n", CLSF_PASSED, "", NULL, 0, NULL },
	{ "no space left\n", CLSF_FAILED, "disk_full", "disk", 1, NULL },
	{ "no space left\npushed image x\n", CLSF_PASSED, "", NULL, 0, "recovered" },
	{ "pushed image x\nno space left\n", CLSF_FAILED, "disk_full", "disk", 2, NULL },
	{ "no space left\nlookup a.example: no such host\n", CLSF_FAILED, "dns_failed", "dns", 2, "earlier" },
	{ "lookup a.example: no such host\npull failed\n", CLSF_FAILED, "dns_failed", "dns", 1, "explained by dns" },
	{ "no space left\npull failed\n", CLSF_FAILED, "disk_full", "disk", 1, "symptom" },
	{ "pull failed\n", CLSF_FAILED, "image_pull_failed", "pull", 1, NULL },
	{ "no space left\njob failed\nlookup b: no such host\n", CLSF_FAILED, "disk_full", "disk", 1, "weaker" },
	{ "WARN[0001] no space left\nlookup b: no such host\nINFO[0002] no space left\n", CLSF_FAILED, "dns_failed",
	  "dns", 2, "weaker" },
	{ "x is not allowed\n", CLSF_UNDETERMINED, "", NULL, 0, "weaker" },
	{ "x is not allowed\njob failed\n", CLSF_FAILED, "permission_denied", "hint", 1, NULL },
	{ "x is not allowed\nno space left\n", CLSF_FAILED, "disk_full", "disk", 2, "weaker" },
	{ "step 1\nschema: unexpected key\njob failed\n", CLSF_FAILED, "unknown", NULL, 2, NULL },
	{ "job failed\n", CLSF_FAILED, "unknown", NULL, 1, NULL },
	{ "INFO[0001] Running: make\ncc main.c\nmain.c:3: error: expected ;\nexit status 2\n", CLSF_FAILED,
	  "build_step_failed", "run", 3, NULL },
	{ "INFO[0001] Running: false\nexit status 1\n", CLSF_FAILED, "build_step_failed", "run", 2, NULL },
	{ "waiting for db\n.\ngave up\n", CLSF_FAILED, "timeout", "pair", 3, NULL },
	{ "waiting for db\n.\n.\n.\ngave up\n", CLSF_UNDETERMINED, "", NULL, 0, NULL },
	{ "gave up\nwaiting for db\n", CLSF_UNDETERMINED, "", NULL, 0, NULL },
	{ "slow down\nslow down\n", CLSF_UNDETERMINED, "", NULL, 0, NULL },
	{ "slow down\nx\nslow down\nslow down\n", CLSF_FAILED, "rate_limited", "many", 4, NULL },
	/* A low cause behind the end explains nothing better than a symptom before it. */
	{ "pull failed\njob failed\nx is not allowed\n", CLSF_FAILED, "image_pull_failed", "pull", 1, "weaker" },
	/* Nor does one that lies far behind: the log went on. Up to ten lines before the symptom, it does. */
	{ "x is not allowed\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\npull failed\n", CLSF_FAILED, "image_pull_failed", "pull",
	  12, "weaker" },
	{ "x is not allowed\n1\n2\n3\n4\n5\n6\n7\n8\n9\npull failed\n", CLSF_FAILED, "permission_denied", "hint", 1,
	  "symptom" },
	{ "right half\nx\nleft half\n", CLSF_FAILED, "tls_invalid", "both", 3, NULL },
	{ "left half\nx\nright half\n", CLSF_FAILED, "tls_invalid", "both", 1, NULL },
};

static void test_evidence(void **state)
{
	(void)state;
	struct scanner s;
	open_scanner(&s, NULL);
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *e = &expectations[i];
		const struct clsf_verdict *v = scan(&s, e->log, strlen(e->log), SIZE_MAX / 2);
		if (v->outcome != e->outcome || strcmp(v->category, e->category) != 0 ||
		    strcmp(v->rule ? v->rule->id : "", e->rule ? e->rule : "") != 0 || v->line.number != e->line ||
		    (e->why_not ? v->n_also == 0 || strncmp(v->also[0].why_not, e->why_not, strlen(e->why_not)) != 0
		                : v->n_also != 0))
			fail_msg("'%s': %s %s by %s on line %llu, %s", e->log, clsf_outcome_name(v->outcome), v->category,
			         v->rule ? v->rule->id : "-", (unsigned long long)v->line.number,
			         v->n_also ? v->also[0].why_not : "no losers");
	}
	close_scanner(&s);
}

static void test_fields(void **state)
{
	(void)state;
	struct scanner s;
	open_scanner(&s, NULL);
	const char *log = "waiting for db\nlookup r.example: no such host\n";
	const struct clsf_verdict *v = scan(&s, log, strlen(log), 3);
	assert_string_equal(v->title, "No name r.example");
	assert_int_equal(v->n_fields, 1);
	assert_string_equal(v->fields[0].name, "host");
	assert_string_equal(v->fields[0].value, "r.example");
	/* A capture of a sequence's first term is there when the last one completes it. */
	log = "waiting for db\ngave up\n";
	v = scan(&s, log, strlen(log), 3);
	assert_int_equal(v->n_fields, 1);
	assert_string_equal(v->fields[0].value, "db");
	close_scanner(&s);
}

/* A composite rule tells the captures and the line of the lines that its match took, and of no others. */
static void test_composite_fields(void **state)
{
	(void)state;
	static const char yaml[] =
		"rules:\n"
		"  - {id: a, title: 'T ${host}', category: unknown, match: {all: [{any: ['connecting to (?<host>\\S+)', 'reconnecting quietly']}, 'handshake exploded'], within: 5 lines}}\n"
		"  - {id: s, title: 'N ${n}', category: unknown, match: {sequence: ['panic (?<n>\\d+)', 'goroutine'], within: 5 lines}}\n"
		"  - {id: w, title: W, category: unknown, match: {sequence: [{regex: 'shown (?<w>\\d)', show: true}, 'closing'], within: 3 lines}}\n"
		"  - {id: c, title: C, category: unknown, match: {sequence: ['opens', {all: [done, 'quux exhausted']}], within: 9 lines}}\n";
	static const struct {
		const char *log, *rule, *title;
		uint64_t line;
	} cases[] = {
		{ "connecting to old\n\n\n\n\n\n\nreconnecting quietly\nhandshake exploded\n", "a", "T <host>", 9 },
		{ "connecting to new\nhandshake exploded\n", "a", "T new", 2 },
		{ "panic 1\npanic 2\ngoroutine\n", "s", "N 2", 3 },
		{ "shown 1\n\n\n\n\nshown 2\nclosing\n", "w", "W", 6 },
		/* What an inner condition met before its sequence began counts, whatever other rules there are. */
		{ "done\nopens\nquux exhausted\n", "c", "C", 3 },
	};
	struct clsf_ruleset *rs = rules_of(yaml, CLSF_ENGINE_AUTO);
	struct clsf_worker *w;
	struct clsf_stream *st;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, NULL, &st), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct clsf_verdict *v;
		clsf_stream_reset(st);
		assert_int_equal(clsf_stream_feed(st, w, cases[i].log, strlen(cases[i].log)), 0);
		assert_int_equal(clsf_stream_finish(st, w, &v), 0);
		if (!v->rule || strcmp(v->rule->id, cases[i].rule) != 0 || strcmp(v->title, cases[i].title) != 0 ||
		    v->line.number != cases[i].line)
			fail_msg("'%s': %s '%s' on line %llu", cases[i].log, v->rule ? v->rule->id : "-", v->title,
			         (unsigned long long)v->line.number);
	}
	clsf_stream_free(st);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

/* ---- invariant 2 ---- */

/* Everything that a verdict says, as one text. */
static void describe(const struct clsf_verdict *v, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "%s|%s|%s|%s|%llu|%llu|%llu|%.*s|%.*s|%.*s|%s|%llu|%llu|", clsf_outcome_name(v->outcome),
	                            v->category, v->rule ? v->rule->id : "", v->title, (unsigned long long)v->line.number,
	                            (unsigned long long)v->line.offset, (unsigned long long)v->line.length,
	                            (int)v->line.text_length, v->line.text ? v->line.text : "", (int)v->before_length,
	                            v->before, (int)v->after_length, v->after, v->fingerprint, (unsigned long long)v->lines,
	                            (unsigned long long)v->bytes);
	for (size_t i = 0; i < v->n_also; i++)
		n += (size_t)snprintf(out + n, size - n, "%s %llu %llu %s|", v->also[i].rule->id,
		                      (unsigned long long)v->also[i].line.number, (unsigned long long)v->also[i].count,
		                      v->also[i].why_not);
	for (size_t i = 0; i < v->n_telling; i++)
		n += (size_t)snprintf(out + n, size - n, "%llu %.*s|", (unsigned long long)v->telling[i].number,
		                      (int)v->telling[i].text_length, v->telling[i].text);
	for (size_t i = 0; i < v->n_fields; i++)
		n += (size_t)snprintf(out + n, size - n, "%s=%s|", v->fields[i].name, v->fields[i].value);
}

static void test_every_cut(void **state)
{
	(void)state;
	static const char log[] =
		"\xef\xbb\xbfstart of the build\r\n"
		"INFO[0001] Running: make\n"
		"\x1b[31mlookup \x1b[0mr.example: no such host\n"
		"{\"log\":\"pull failed: \\\"x\\\"\\n\"}\n"
		"10%\r20%\rno space left\r\n"
		"waiting for db\n\n"
		"gave up\n"
		"slow down\nslow down\nslow down\n"
		"left half\n"
		"unexpected: caf\xc3\xa9\n"
		"exit status 2\n"
		"x is not allowed\n"
		"job failed\n"
		"right half\n"
		"the last line has no end";
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.context = 3;
	struct scanner s;
	open_scanner(&s, &options);
	static char whole[32768], cut[32768];
	describe(scan(&s, log, sizeof(log) - 1, SIZE_MAX / 2), whole, sizeof(whole));
	for (size_t chunk = 1; chunk < sizeof(log); chunk++) {
		describe(scan(&s, log, sizeof(log) - 1, chunk), cut, sizeof(cut));
		assert_string_equal(cut, whole);
	}
	/* Each split in two. */
	for (size_t at = 0; at < sizeof(log); at++) {
		const struct clsf_verdict *v;
		clsf_stream_reset(s.stream);
		assert_int_equal(clsf_stream_feed(s.stream, s.worker, log, at), 0);
		assert_int_equal(clsf_stream_feed(s.stream, s.worker, log + at, sizeof(log) - 1 - at), 0);
		assert_int_equal(clsf_stream_finish(s.stream, s.worker, &v), 0);
		describe(v, cut, sizeof(cut));
		assert_string_equal(cut, whole);
	}
	close_scanner(&s);
}

/* Larger than blocks, with lines longer than a block, in pieces of many sizes. */
static void test_large_cuts(void **state)
{
	(void)state;
	size_t size = 1500000, n = 0;
	size_t room = size + 4096;
	char *log = malloc(room);
	uint64_t rng = 3;
	while (n < size) {
		unsigned kind = random_below(&rng, 400);
		if (kind == 0) {
			size_t length = 200000 + random_below(&rng, 300000);
			if (n + length > size)
				break;
			memset(log + n, 'y', length);
			n += length;
			n += (size_t)snprintf(log + n, room - n, "lookup far.example: no such host");
		} else if (kind < 4) {
			n += (size_t)snprintf(log + n, room - n, "%s",
			                      kind == 1 ? "no space left" : kind == 2 ? "slow down" : "job failed");
		} else {
			n += (size_t)snprintf(log + n, room - n, "line %u of the build says nothing", kind);
		}
		log[n++] = '\n';
	}
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.context = 5;
	struct scanner s;
	open_scanner(&s, &options);
	static char whole[65536], cut[65536];
	describe(scan(&s, log, n, SIZE_MAX / 2), whole, sizeof(whole));
	static const size_t chunks[] = { 100, 4096, 65536, 262143, 262144, 262145, 1000000 };
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		describe(scan(&s, log, n, chunks[i]), cut, sizeof(cut));
		assert_string_equal(cut, whole);
	}
	free(log);
	close_scanner(&s);
}

static void test_utf16(void **state)
{
	(void)state;
	static const char text[] = "first\nlookup r.example: no such host\n";
	char little[2 * sizeof(text) + 2] = "\xff\xfe", big[2 * sizeof(text) + 2] = "\xfe\xff";
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		little[2 + 2 * i] = text[i];
		little[3 + 2 * i] = 0;
		big[2 + 2 * i] = 0;
		big[3 + 2 * i] = text[i];
	}
	for (size_t mark = 0; mark <= 2; mark += 2) {
		assert_true(clsf_is_utf16(little + mark, 16));
		assert_true(clsf_is_utf16(big + mark, 16));
	}
	assert_true(clsf_is_utf16(little, 2));
	assert_false(clsf_is_utf16(little + 2, 7));
	assert_false(clsf_is_utf16(text, sizeof(text) - 1));
	assert_false(clsf_is_utf16(text, 0));
	struct scanner s;
	open_scanner(&s, NULL);
	for (size_t chunk = 1; chunk < 9; chunk++) {
		const struct clsf_verdict *v = scan(&s, little, 2 * sizeof(text), chunk);
		assert_string_equal(v->rule->id, "dns");
		assert_int_equal(v->line.number, 2);
		assert_string_equal(v->fields[0].value, "r.example");
		v = scan(&s, big, 2 * sizeof(text), chunk);
		assert_string_equal(v->rule->id, "dns");
		/* The same without their marks. */
		v = scan(&s, little + 2, 2 * sizeof(text) - 2, chunk);
		assert_string_equal(v->rule->id, "dns");
		assert_int_equal(v->line.offset, 2 * strlen("first\n"));
		v = scan(&s, big + 2, 2 * sizeof(text) - 2, chunk);
		assert_string_equal(v->rule->id, "dns");
	}
	close_scanner(&s);
}

/* ---- limits ---- */

static bool has_warning(const struct clsf_verdict *v, enum clsf_warning_code code)
{
	for (size_t i = 0; i < v->n_warnings; i++)
		if (v->warnings[i].code == code)
			return true;
	return false;
}

static void test_long_line(void **state)
{
	(void)state;
	size_t n = 3000000;
	char *log = malloc(n + 128);
	memset(log, 'x', n);
	memcpy(log + 100, "no space left", 13);
	memcpy(log + 2000000, "lookup a: no such host", 22);
	memcpy(log + n, "\njob failed\n", sizeof("\njob failed\n"));
	struct scanner s;
	open_scanner(&s, NULL);
	static const size_t chunks[] = { SIZE_MAX / 2, 262144, 4096, 1000003 };
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		const struct clsf_verdict *v = scan(&s, log, strlen(log), chunks[i]);
		assert_string_equal(v->rule->id, "disk");
		assert_int_equal(v->line.length, n);
		assert_true(v->line.text_length <= 8192);
		assert_int_equal(v->lines, 2);
		assert_true(has_warning(v, CLSF_WARN_LINE_TOO_LONG));
	}
	free(log);
	close_scanner(&s);
}

/* What a loader has of its own: rules, and the bytes of a file. */
static void test_loader_limits(void **state)
{
	(void)state;
	static const char yaml[] = "rules:\n  - {id: a, title: t, category: unknown, match: x}\n"
	                           "  - {id: b, title: t, category: unknown, match: y}\n";
	for (int defer = 0; defer < 2; defer++) {
		for (uint32_t most = 1; most <= 2; most++) {
			struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
			struct clsf_loader *l;
			struct clsf_ruleset *rs;
			options.max_rules = most;
			options.defer = defer;
			assert_int_equal(clsf_loader_new(&options, &l), 0);
			assert_int_equal(clsf_loader_add_buffer(l, "x", yaml, sizeof(yaml) - 1, NULL),
			                 most < 2 && !defer ? CLSF_E_LIMIT : 0);
			assert_int_equal(clsf_loader_compile(l, &rs, NULL), 0);
			assert_int_equal(clsf_ruleset_count(rs), most);
			clsf_ruleset_unref(rs);
			clsf_loader_free(l);
		}
	}
}

/* The message about an input that is cut is cut itself. */
static void test_truncated(void **state)
{
	(void)state;
	struct scanner s;
	const struct clsf_verdict *v;
	char message[400];
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	open_scanner(&s, NULL);
	assert_int_equal(clsf_stream_truncated(s.stream, message), 0);
	assert_int_equal(clsf_stream_finish(s.stream, s.worker, &v), 0);
	size_t found = 0;
	for (size_t i = 0; i < v->n_warnings; i++) {
		/* Of an engine that failed its self-test every verdict warns. */
		if (v->warnings[i].code == CLSF_WARN_ENGINE_FALLBACK)
			continue;
		assert_int_equal(v->warnings[i].code, CLSF_WARN_TRUNCATED_INPUT);
		assert_int_equal(strlen(v->warnings[i].message), 255);
		found++;
	}
	assert_int_equal(found, 1);
	close_scanner(&s);
}

static void test_match_limit(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = rules_of("rules:\n  - {id: slow, title: t, category: unknown, match: '(?:a+)+b(?<=xab)$'}\n",
	                                   CLSF_ENGINE_AUTO);
	struct clsf_worker *w;
	struct clsf_stream *st;
	const struct clsf_verdict *v;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, NULL, &st), 0);
	char log[64];
	memset(log, 'a', 50);
	memcpy(log + 50, "b\n", sizeof("b\n"));
	assert_int_equal(clsf_stream_feed(st, w, log, strlen(log)), 0);
	assert_int_equal(clsf_stream_finish(st, w, &v), 0);
	assert_true(has_warning(v, CLSF_WARN_MATCH_LIMIT));
	clsf_stream_free(st);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

/* More candidates than a block may hold: it is split, and nothing is lost. */
static int count_match(const struct clsf_match *m, void *user)
{
	(void)m;
	++*(uint64_t *)user;
	return 0;
}

static void test_candidate_flood(void **state)
{
	(void)state;
	enum { N_RULES = 60, N_LINES = 20000 };
	size_t room = N_RULES * 100 + 64;
	char *yaml = malloc(room);
	size_t n = (size_t)snprintf(yaml, room, "rules:\n");
	for (int i = 0; i < N_RULES; i++)
		n += (size_t)snprintf(yaml + n, room - n,
		                      "  - {id: r%d, title: t, category: unknown, match: '(?:common text)[ ]?%d?'}\n", i, i % 10);
	struct clsf_ruleset *rs = rules_of(yaml, CLSF_ENGINE_AUTO);
	uint64_t count = 0;
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = count_match;
	options.user = &count;
	struct clsf_worker *w;
	struct clsf_stream *st;
	const struct clsf_verdict *v;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &st), 0);
	char *log = malloc(N_LINES * 12 + 1);
	for (int i = 0; i < N_LINES; i++)
		memcpy(log + i * 12, "common text\n", 12);
	assert_int_equal(clsf_stream_feed(st, w, log, (size_t)N_LINES * 12), 0);
	assert_int_equal(clsf_stream_finish(st, w, &v), 0);
	assert_int_equal(count, (uint64_t)N_RULES * N_LINES);
	assert_int_equal(v->n_also, 20);
	assert_int_equal(v->lines, N_LINES);
	clsf_stream_free(st);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
	free(log);
	free(yaml);
}

/* An expression that is too large for the engine hurts only itself. */
static void test_too_large(void **state)
{
	(void)state;
	static const char yaml[] =
		"rules:\n"
		"  - {id: big, title: t, category: disk_full, match: '(?:(?:(?:[0-9]\\w|.[a-f0-9]|[^x][a-z]|[a-z]\\S)(?:.\\S|.[a-z]|\\S\\s|[a-z]\\w){3}(?:\\s[a-z]|\\S.|[0-9]\\S)+){4}\\S){4}\\w'}\n"
		"  - {id: fine, title: t, category: unknown, match: 'all fine'}\n";
	struct clsf_ruleset *rs = rules_of(yaml, CLSF_ENGINE_AUTO);
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	uint64_t count = 0;
	options.on_match = count_match;
	options.user = &count;
	struct clsf_worker *w;
	struct clsf_stream *st;
	const struct clsf_verdict *v;
	assert_int_equal(clsf_ruleset_count(rs), 2);
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &st), 0);
	assert_int_equal(clsf_stream_feed(st, w, "all fine\n", 9), 0);
	assert_int_equal(clsf_stream_finish(st, w, &v), 0);
	assert_int_equal(count, 1);
	assert_string_equal(v->rule->id, "fine");
	clsf_stream_free(st);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

/* ---- stopping, misuse ---- */

static int stop_at_once(const struct clsf_match *m, void *user)
{
	(void)m;
	++*(int *)user;
	return 1;
}

static void test_stop(void **state)
{
	(void)state;
	int calls = 0;
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = stop_at_once;
	options.user = &calls;
	struct scanner s;
	open_scanner(&s, &options);
	static const char log[] = "no space left\nno space left\n";
	assert_int_equal(clsf_stream_feed(s.stream, s.worker, log, sizeof(log) - 1), CLSF_STOPPED);
	assert_int_equal(clsf_stream_feed(s.stream, s.worker, log, sizeof(log) - 1), CLSF_STOPPED);
	const struct clsf_verdict *v;
	assert_int_equal(clsf_stream_finish(s.stream, s.worker, &v), CLSF_STOPPED);
	assert_int_equal(calls, 1);
	close_scanner(&s);
}

static void test_misuse(void **state)
{
	(void)state;
	struct scanner s, other;
	open_scanner(&s, NULL);
	open_scanner(&other, NULL);
	const struct clsf_verdict *v;
	struct clsf_worker *w;
	struct clsf_stream *st;
	struct clsf_loader *l;
	struct clsf_ruleset *rs;
	size_t n;
	assert_int_equal(clsf_worker_new(NULL, NULL, &w), CLSF_E_INVALID);
	assert_int_equal(clsf_worker_new(s.ruleset, NULL, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_new(NULL, NULL, &st), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_new(s.ruleset, NULL, NULL), CLSF_E_INVALID);
	struct clsf_stream_options wrong = { .size = 1 };
	assert_int_equal(clsf_stream_new(s.ruleset, &wrong, &st), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_feed(NULL, s.worker, "x", 1), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_feed(s.stream, NULL, "x", 1), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_feed(s.stream, s.worker, NULL, 1), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_feed(s.stream, other.worker, "x", 1), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_finish(s.stream, s.worker, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_finish(s.stream, s.worker, &v), 0);
	assert_int_equal(clsf_stream_feed(s.stream, s.worker, "x", 1), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_finish(s.stream, s.worker, &v), CLSF_E_INVALID);
	assert_int_equal(clsf_stream_truncated(NULL, "x"), CLSF_E_INVALID);
	assert_int_equal(clsf_loader_new(NULL, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_loader_new(NULL, &l), 0);
	assert_int_equal(clsf_loader_add_path(l, NULL, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_loader_add_path(l, "/nowhere/at/all", NULL), CLSF_E_IO);
	assert_int_equal(clsf_loader_add_buffer(l, NULL, "x", 1, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_loader_compile(l, &rs, NULL), CLSF_E_NO_RULES);
	assert_int_equal(clsf_loader_compile(l, &rs, NULL), CLSF_E_INVALID);
	clsf_loader_free(l);
	assert_int_equal(clsf_ruleset_load(NULL, &rs, NULL), CLSF_E_INVALID);
	assert_int_equal(clsf_redact(NULL, 1, NULL, 0, &n), CLSF_E_INVALID);
	assert_null(clsf_ruleset_rule(s.ruleset, 1000));
	assert_null(clsf_ruleset_find(s.ruleset, "nobody"));
	clsf_loader_free(NULL);
	clsf_worker_free(NULL);
	clsf_stream_free(NULL);
	clsf_ruleset_unref(NULL);
	close_scanner(&s);
	close_scanner(&other);
}

static void test_strict(void **state)
{
	(void)state;
	static const char yaml[] = "rules:\n  - {id: a, title: t, category: unknown, match: x}\n"
	                           "  - {id: b, title: t, category: unknown, match: '('}\n";
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_loader *l;
	struct clsf_ruleset *rs;
	struct clsf_error error;
	for (int strict = 0; strict < 2; strict++) {
		options.strict = strict;
		assert_int_equal(clsf_loader_new(&options, &l), 0);
		assert_int_equal(clsf_loader_add_buffer(l, "x", yaml, sizeof(yaml) - 1, NULL), 0);
		assert_int_equal(clsf_loader_quarantined(l), 1);
		assert_int_equal(clsf_loader_compile(l, &rs, &error), strict ? CLSF_E_RULE : 0);
		if (!strict) {
			assert_int_equal(clsf_ruleset_count(rs), 1);
			assert_int_equal(clsf_ruleset_quarantined(rs), 1);
			clsf_ruleset_unref(rs);
		}
		clsf_loader_free(l);
	}
}

/* ---- threads ---- */

struct thread {
	pthread_t id;
	struct clsf_ruleset *ruleset;
	bool good;
};

static void *scan_many(void *user)
{
	struct thread *t = user;
	struct clsf_worker *w;
	struct clsf_stream *st;
	t->good = clsf_worker_new(t->ruleset, NULL, &w) == 0 && clsf_stream_new(t->ruleset, NULL, &st) == 0;
	for (int i = 0; t->good && i < 200; i++) {
		static const char log[] = "waiting for db\ngave up\nlookup r.example: no such host\npull failed\n";
		const struct clsf_verdict *v;
		clsf_stream_reset(st);
		t->good = clsf_stream_feed(st, w, log, sizeof(log) - 1) == 0 && clsf_stream_finish(st, w, &v) == 0 &&
		          v->rule && strcmp(v->rule->id, "dns") == 0;
	}
	clsf_stream_free(st);
	clsf_worker_free(w);
	clsf_ruleset_unref(t->ruleset);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct thread threads[8];
	struct clsf_ruleset *rs = rules_of(rules, CLSF_ENGINE_AUTO);
	for (size_t i = 0; i < 8; i++) {
		threads[i].ruleset = clsf_ruleset_ref(rs);
		assert_int_equal(pthread_create(&threads[i].id, NULL, scan_many, &threads[i]), 0);
	}
	clsf_ruleset_unref(rs);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i].id, NULL), 0);
		assert_true(threads[i].good);
	}
}

static void test_redact(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "clone https://bob:hunter2@git.example/x", "clone https://[redacted]@git.example/x" },
		{ "Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [redacted]" },
		{ "password=hunter22 user=x", "password=[redacted] user=x" },
		{ "AWS_SECRET_ACCESS_KEY=abcd1234abcd", "AWS_SECRET_ACCESS_KEY=[redacted]" },
		{ "mail bob.b@corp.example now", "mail [redacted] now" },
		{ "key AKIAABCDEFGHIJKLMNOP used", "key [redacted] used" },
		{ "token: ghp_abcdefghijklmnopqrstuvwx", "token: [redacted]" },
		{ "pushed r.example/app@sha256:abc", "pushed r.example/app@sha256:abc" },
		{ "nothing to hide here", "nothing to hide here" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[256];
		size_t n;
		assert_int_equal(clsf_redact(cases[i][0], strlen(cases[i][0]), out, sizeof(out) - 1, &n), 0);
		out[n] = '\0';
		assert_string_equal(out, cases[i][1]);
	}
}

/* Parts of one log: each with an encoding and a last line of its own, numbers that count on, no context across. */
static void test_parts(void **state)
{
	static const char yaml[] =
		"rules:\n"
		"  - {id: killed, title: t, category: out_of_memory, match: OOMKilled}\n"
		"  - {id: two, title: t, category: unknown, match: {sequence: [alpha, omega], within: 5 lines}}\n"
		"  - {id: joined, title: t, category: unknown, match: {regex: 'alpha.omega', lines: 2}}\n"
		"  - {id: glued, title: t, category: unknown, match: 'alphaomega'}\n";
	static const char wide[] = "\xff\xfe" "O\0O\0M\0K\0i\0l\0l\0e\0d\0x";
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_ruleset *rs = rules_of(yaml, CLSF_ENGINE_AUTO);
	struct clsf_worker *w;
	struct clsf_stream *s;
	const struct clsf_verdict *v;
	uint64_t lines = 7, bytes = 7;
	(void)state;
	options.context = 2;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &s), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(clsf_stream_part(s, w, &lines, &bytes), 0);
		assert_int_equal(lines, 0);
		assert_int_equal(bytes, 0);
		assert_int_equal(clsf_stream_feed(s, w, "one\nalpha", 9), 0);
		assert_int_equal(clsf_stream_part(s, w, &lines, &bytes), 0);
		assert_int_equal(lines, 2);
		assert_int_equal(bytes, 9);
		/* The last byte of the wide part is cut off: half a character ends it. */
		assert_int_equal(clsf_stream_feed(s, w, wide, sizeof(wide) - 1), 0);
		assert_int_equal(clsf_stream_part(s, w, &lines, NULL), 0);
		assert_int_equal(lines, 3);
		assert_int_equal(clsf_stream_part(s, w, NULL, &bytes), 0);
		assert_int_equal(bytes, 9 + sizeof(wide) - 1);
		assert_int_equal(clsf_stream_feed(s, w, "omega\nend\n", 10), 0);
		assert_int_equal(clsf_stream_finish(s, w, &v), 0);
		assert_int_equal(v->lines, 5);
		assert_int_equal(v->bytes, 9 + sizeof(wide) - 1 + 10);
		assert_string_equal(v->rule->id, "two");
		assert_int_equal(v->line.number, 4);
		assert_int_equal(v->line.offset, 9 + sizeof(wide) - 1);
		assert_int_equal(v->before_length, 0);
		assert_int_equal(v->after_length, 4);
		assert_memory_equal(v->after, "end\n", 4);
		assert_int_equal(v->n_also, 1);
		assert_string_equal(v->also[0].rule->id, "killed");
		assert_int_equal(v->also[0].line.number, 3);
		assert_int_equal(v->also[0].line.offset, 11);
		assert_int_equal(clsf_stream_part(s, w, NULL, NULL), CLSF_E_INVALID);
		clsf_stream_reset(s);
	}
	assert_int_equal(clsf_stream_part(NULL, w, NULL, NULL), CLSF_E_INVALID);
	clsf_stream_free(s);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

/* Lines that are passed over count, and nothing reaches across them. */
static void test_skip(void **state)
{
	static const char yaml[] =
		"rules:\n"
		"  - {id: killed, title: t, category: out_of_memory, match: OOMKilled}\n"
		"  - {id: two, title: t, category: unknown, match: {sequence: [alpha, omega], within: 5 lines}}\n"
		"  - {id: far, title: t, category: unknown, match: {sequence: [alpha, omega], within: 4 lines}}\n"
		"  - {id: joined, title: t, category: unknown, match: {regex: 'alpha.omega', lines: 2}}\n"
		"  - {id: glued, title: t, category: unknown, match: 'alphaomega'}\n";
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_ruleset *rs = rules_of(yaml, CLSF_ENGINE_AUTO);
	struct clsf_worker *w, *other;
	struct clsf_stream *s;
	const struct clsf_verdict *v;
	(void)state;
	options.context = 2;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &options, &s), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(clsf_stream_skip(s, w, 3, 100), 0);
		assert_int_equal(clsf_stream_feed(s, w, "OOMKilled\nalpha", 15), 0);
		assert_int_equal(clsf_stream_skip(s, w, 4, 1000), 0);
		assert_int_equal(clsf_stream_skip(s, w, 0, 0), 0);
		assert_int_equal(clsf_stream_feed(s, w, "omega\nend\n", 10), 0);
		assert_int_equal(clsf_stream_skip(s, w, 2, 20), 0);
		assert_int_equal(clsf_stream_finish(s, w, &v), 0);
		assert_int_equal(v->lines, 3 + 2 + 4 + 2 + 2);
		assert_int_equal(v->bytes, 100 + 15 + 1000 + 10 + 20);
		assert_string_equal(v->rule->id, "two");
		assert_int_equal(v->line.number, 10);
		assert_int_equal(v->line.offset, 1115);
		assert_int_equal(v->before_length, 0);
		assert_int_equal(v->after_length, 4);
		assert_int_equal(v->n_also, 1);
		assert_string_equal(v->also[0].rule->id, "killed");
		assert_int_equal(v->also[0].line.number, 4);
		assert_int_equal(v->also[0].line.offset, 100);
		assert_int_equal(clsf_stream_skip(s, w, 1, 1), CLSF_E_INVALID);
		clsf_stream_reset(s);
	}
	/* What begins like UTF-16 behind lines that were passed over is text. */
	assert_int_equal(clsf_stream_skip(s, w, 1, 3), 0);
	assert_int_equal(clsf_stream_feed(s, w, "\xff\xfe\nOOMKilled\n", 13), 0);
	assert_int_equal(clsf_stream_finish(s, w, &v), 0);
	assert_int_equal(v->line.number, 3);
	assert_int_equal(v->line.offset, 6);
	assert_int_equal(clsf_stream_skip(NULL, w, 1, 1), CLSF_E_INVALID);
	struct clsf_ruleset *others = rules_of(yaml, CLSF_ENGINE_AUTO);
	assert_int_equal(clsf_worker_new(others, NULL, &other), 0);
	clsf_stream_reset(s);
	assert_int_equal(clsf_stream_skip(s, other, 1, 1), CLSF_E_INVALID);
	clsf_worker_free(other);
	clsf_ruleset_unref(others);
	clsf_stream_free(s);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence),        cmocka_unit_test(test_fields),
		cmocka_unit_test(test_composite_fields), cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_every_cut),       cmocka_unit_test(test_large_cuts),
		cmocka_unit_test(test_utf16),           cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_match_limit),     cmocka_unit_test(test_candidate_flood),
		cmocka_unit_test(test_stop),            cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_strict),          cmocka_unit_test(test_threads),
		cmocka_unit_test(test_redact),          cmocka_unit_test(test_parts),
		cmocka_unit_test(test_skip),            cmocka_unit_test(test_loader_limits),
		cmocka_unit_test(test_truncated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
