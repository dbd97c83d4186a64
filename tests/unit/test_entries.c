/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many entries in one call: what is told of each must be what is told when it
 * is fed alone, as a log of its own or with its \n to the log of its stream,
 * whatever stands beside it in the call.
 */

#include "support.h"

#define STREAMS 3
#define MOST 400             /* entries of a round */
#define ROUNDS 30

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: word, title: t, category: unknown, match: 'alpha (?<x>\\w+)'}\n"
	"  - {id: text, title: t, category: unknown, role: symptom, match: {text: 'be.ta'}, unless: gamma}\n"
	"  - {id: decoded, title: t, category: unknown, match: '^say \"(?<what>[^\"]*)\"$'}\n"
	"  - {id: free, title: t, category: unknown, match: 'say \"\\w+\" twice'}\n"
	"  - {id: end, title: t, role: failure, match: '^the end$'}\n"
	"  - {id: good, title: t, role: success, match: 'went well'}\n"
	"  - {id: then, title: t, category: unknown, match: {sequence: [{regex: 'one', show: true}, 'two (?<n>\\d+)'], within: 9 lines}}\n"
	"  - {id: both, title: t, category: unknown, match: {all: [alpha, 'be(?<y>t)a'], within: 5s}}\n"
	"  - {id: often, title: t, category: unknown, match: {count: 3, of: 'again', within: 20 lines}}\n"
	"  - {id: waits, title: t, category: unknown, match: perhaps, unless: {regex: never mind, where: after, within: 3 lines}}\n"
	"  - {id: before, title: t, category: unknown, match: boom, unless: {regex: never mind, where: before, within: 4 lines}}\n"
	"  - {id: field, title: t, category: unknown, match: {field: {'a.b': '^al\"pha (?<z>.)', n: 5}}}\n"
	"  - {id: lines, title: t, category: unknown, match: {regex: 'Traceback.*\\n(?:  .*\\n)*(?<error>\\w+Error)', lines: 5}}\n"
	"  - {id: above, title: t, category: unknown, match: exit status, show: above}\n"
	"  - {id: nul, title: t, category: unknown, match: 'x\\x00y'}\n"
	"  - {id: gap, title: t, category: unknown, match: 'zz.*yy$'}\n";

/* An expression that the filter has nothing of: every line is a candidate. */
static const char always[] = "  - {id: always, title: t, category: unknown, match: '^\\W?$'}\n";

/* Ends of lines are added to some of them; the rest is joined as it is. */
static const char *const words[] = {
	"alpha one", "alpha two 2", "be.ta", "beta", "be.ta gamma", "say \"hello\"", "the end", "it went well", "one",
	"two 7", "again", "again and again", "perhaps", "never mind", "boom", "quiet line of no interest",
	"{\"a\":{\"b\":\"al\\\"pha x\"},\"n\":5}", "{\"log\":\"say \\\"x\\\"\\n\"}", "\x1b[31malpha red\x1b[0m", "10%\r20%\ralpha done",
	"Traceback (most recent call last):", "  File x", "  KeyError", "KeyError: 'a'", "exit status 1",
	"2026-03-01T10:00:00Z alpha", "2026-03-01T10:00:03Z beta", "2026-03-01T10:00:30Z beta", "zz", "yy", "zz yy", " ", "",
	"time=\"2026-03-01T10:00:03Z\" level=info msg=\"say \\\"there\\\"\"", "C:\\path\\to\\file",
	"{\"log\":\"say \\\"ho\\\" twice\\n\"}", "caf\xc3\xa9 \xff",
};

struct pool {
	char *data;
	size_t length, capacity;
};

static void put(struct pool *p, const void *data, size_t length)
{
	if (p->length + length + 1 > p->capacity) {
		p->capacity = (p->length + length + 1) * 2;
		p->data = realloc(p->data, p->capacity);
		assert_non_null(p->data);
	}
	if (length)
		memcpy(p->data + p->length, data, length);
	p->length += length;
	p->data[p->length] = '\0';
}

static void putf(struct pool *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void putf(struct pool *p, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(p, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* ---- random entries ---- */

struct round {
	struct pool text;
	size_t start[MOST + 1];
	struct clsf_entry entries[MOST];
	size_t n;
};

static void put_line(struct pool *p, uint64_t *rng)
{
	unsigned parts = random_below(rng, 8) ? 1 : random_below(rng, 4);
	for (unsigned i = 0; i < parts; i++) {
		if (i)
			put(p, " ", 1);
		const char *word = words[random_below(rng, sizeof(words) / sizeof(words[0]))];
		put(p, word, strlen(word));
	}
	if (random_below(rng, 30) == 0)
		put(p, "x\0y", 3);
}

static void put_entry(struct pool *p, uint64_t *rng, bool wide)
{
	unsigned kind = random_below(rng, 400);
	if (kind < 20)
		return;
	if (wide && kind < 30) {
		/* "alpha" and more in UTF-16, with a byte order mark or without. */
		static const char text[] = "alpha wide\nbe.ta\n";
		if (kind < 25)
			put(p, "\xff\xfe", 2);
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			put(p, (const char[]){ text[i], 0 }, 2);
		return;
	}
	unsigned lines = kind < 300 ? 1 : 1 + random_below(rng, 6);
	/* Larger than what is copied; larger than a block; a line that is larger than a block. */
	if (kind == 399)
		lines = 4000 + random_below(rng, 30000);
	if (kind == 398)
		for (unsigned i = 0; i < 30000 + random_below(rng, 300000); i++)
			put(p, "long ", 5);
	for (unsigned i = 0; i < lines; i++) {
		put_line(p, rng);
		bool last = i + 1 == lines;
		if (random_below(rng, 10) == 0)
			put(p, "\r", 1);
		if (!last || random_below(rng, 4) == 0)
			put(p, "\n", 1);
	}
}

static void make_round(struct round *r, uint64_t *rng, bool wide)
{
	r->text.length = 0;
	r->n = 1 + random_below(rng, MOST);
	for (size_t i = 0; i < r->n; i++) {
		r->start[i] = r->text.length;
		put_entry(&r->text, rng, wide);
	}
	r->start[r->n] = r->text.length;
	for (size_t i = 0; i < r->n; i++)
		r->entries[i] = (struct clsf_entry){ .data = r->text.data + r->start[i],
			                             .length = r->start[i + 1] - r->start[i] };
}

/* ---- what is told ---- */

struct record {
	struct pool text;
	size_t index;                /* of the entry that is fed alone */
	size_t stop_at, told;        /* the match that stops; 0: none */
};

static int on_entry(size_t index, const struct clsf_match *m, void *user)
{
	struct record *r = user;
	putf(&r->text, "%zu %s %llu@%llu+%llu ", index, m->rule->id, (unsigned long long)m->line.number,
	     (unsigned long long)m->line.offset, (unsigned long long)m->line.length);
	put(&r->text, m->line.text, m->line.text_length);
	for (size_t i = 0; i < m->n_fields; i++) {
		putf(&r->text, " %s=", m->fields[i].name);
		put(&r->text, m->fields[i].value, m->fields[i].length);
	}
	put(&r->text, "\n", 1);
	return ++r->told == r->stop_at;
}

static int on_match(const struct clsf_match *m, void *user)
{
	return on_entry(((struct record *)user)->index, m, user);
}

static void on_warning(size_t index, const struct clsf_warning *w, void *user)
{
	struct record *r = user;
	putf(&r->text, "%zu warning %d %s line %llu\n", index, w->code, w->message, (unsigned long long)w->line);
}

static void compare(const struct record *expected, const struct record *found, unsigned round, const char *what)
{
	size_t at = 0;
	while (at < expected->text.length && at < found->text.length && expected->text.data[at] == found->text.data[at])
		at++;
	if (at == expected->text.length && at == found->text.length)
		return;
	while (at > 0 && expected->text.data[at - 1] != '\n')
		at--;
	fail_msg("round %u, %s: expected '%.200s', found '%.200s'", round, what,
	         expected->text.length > at ? expected->text.data + at : "",
	         found->text.length > at ? found->text.data + at : "");
}

static struct clsf_ruleset *ruleset_of(bool with_always, enum clsf_engine engine)
{
	char text[sizeof(rules) + sizeof(always)];
	snprintf(text, sizeof(text), "%s%s", rules, with_always ? always : "");
	return rules_of(text, engine);
}

/* ---- logs of their own ---- */

static struct clsf_stream *stream_alone(struct clsf_ruleset *rs, bool no_unwrap, struct record *record)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_stream *s;
	options.on_match = on_match;
	options.user = record;
	options.no_unwrap = no_unwrap;
	assert_int_equal(clsf_stream_new(rs, &options, &s), 0);
	return s;
}

static void feed_entry(struct clsf_stream *s, struct clsf_worker *w, const struct clsf_entry *e,
                       struct record *record)
{
	const struct clsf_verdict *v;
	assert_int_equal(clsf_stream_feed(s, w, e->data, e->length), 0);
	assert_int_equal(clsf_stream_finish(s, w, &v), 0);
	/* What the engine can is said of logs, and not of entries. */
	for (size_t i = 0; i < v->n_warnings; i++)
		if (v->warnings[i].code != CLSF_WARN_ENGINE_FALLBACK)
			on_warning(record->index, &v->warnings[i], record);
	clsf_stream_reset(s);
}

static void feed_alone(struct clsf_ruleset *rs, struct clsf_worker *w, const struct round *r, bool no_unwrap,
                       struct record *record)
{
	struct clsf_stream *s = stream_alone(rs, no_unwrap, record);
	for (record->index = 0; record->index < r->n; record->index++)
		feed_entry(s, w, &r->entries[record->index], record);
	clsf_stream_free(s);
}

static void check_alone(bool with_always, enum clsf_engine engine)
{
	struct clsf_ruleset *rs = ruleset_of(with_always, engine);
	struct clsf_worker *one, *many;
	uint64_t rng = 0x9e3779b97f4a7c15u + with_always;
	size_t told = 0;
	struct round *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	assert_int_equal(clsf_worker_new(rs, NULL, &one), 0);
	assert_int_equal(clsf_worker_new(rs, NULL, &many), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct record expected = { 0 }, found = { 0 };
		struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
		make_round(r, &rng, true);
		options.no_unwrap = round % 4 == 3;
		options.on_match = on_entry;
		options.on_warning = on_warning;
		options.user = &found;
		feed_alone(rs, one, r, options.no_unwrap, &expected);
		assert_int_equal(clsf_scan_lines(many, NULL, r->entries, r->n, &options), 0);
		compare(&expected, &found, round, "one call");
		told += found.told;

		/* One at a time, the index begins anew each time. */
		for (size_t i = 0; round % 3 == 0 && i < r->n; i++) {
			struct round single = { .n = 1, .entries = { r->entries[i] } };
			expected.text.length = found.text.length = 0;
			feed_alone(rs, one, &single, options.no_unwrap, &expected);
			assert_int_equal(clsf_scan_lines(many, NULL, &r->entries[i], 1, &options), 0);
			compare(&expected, &found, round, "one entry");
		}
		free(expected.text.data);
		free(found.text.data);
	}
	/* Entries that match nothing would prove nothing. */
	assert_true(told > ROUNDS * 20);
	clsf_worker_free(one);
	clsf_worker_free(many);
	clsf_ruleset_unref(rs);
	free(r->text.data);
	free(r);
}

static void test_alone(void **state)
{
	(void)state;
	check_alone(false, CLSF_ENGINE_AUTO);
	check_alone(true, CLSF_ENGINE_AUTO);
}

static void test_alone_without_engine(void **state)
{
	(void)state;
	check_alone(false, CLSF_ENGINE_PCRE2);
}

/* More candidates than a block may have: it is taken in parts, which cut entries in two. */
static void test_split(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = ruleset_of(false, CLSF_ENGINE_AUTO);
	struct clsf_worker *one, *many;
	assert_int_equal(clsf_worker_new(rs, NULL, &one), 0);
	assert_int_equal(clsf_worker_new(rs, NULL, &many), 0);
	struct round *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->n = 12;
	for (size_t i = 0; i < r->n; i++) {
		r->start[i] = r->text.length;
		for (unsigned k = 0; k < 1500 + 370 * i; k++)
			put(&r->text, k % 7 ? "alpha beta\n" : "perhaps\n", k % 7 ? 11 : 8);
	}
	r->start[r->n] = r->text.length;
	for (size_t i = 0; i < r->n; i++)
		r->entries[i] = (struct clsf_entry){ .data = r->text.data + r->start[i],
			                             .length = r->start[i + 1] - r->start[i] };
	struct record expected = { 0 }, found = { 0 };
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	options.on_match = on_entry;
	options.on_warning = on_warning;
	options.user = &found;
	feed_alone(rs, one, r, false, &expected);
	assert_int_equal(clsf_scan_lines(many, NULL, r->entries, r->n, &options), 0);
	compare(&expected, &found, 0, "many candidates");
	assert_true(found.told > 30000);
	free(expected.text.data);
	free(found.text.data);
	clsf_worker_free(one);
	clsf_worker_free(many);
	clsf_ruleset_unref(rs);
	free(r->text.data);
	free(r);
}

/* ---- entries of open streams ---- */

/* One log and what is told of it: with the entries' indexes, and by the stream itself, also at its end. */
struct log {
	struct clsf_stream *stream;
	struct record entries, stream_told;
	bool finishing;
};

struct call {
	struct log *logs;
	const unsigned *which;       /* log of each entry */
};

static int on_fed(const struct clsf_match *m, void *user)
{
	struct log *log = user;
	if (!log->finishing)
		on_entry(log->entries.index, m, &log->entries);
	return on_entry(0, m, &log->stream_told);
}

static int on_appended(const struct clsf_match *m, void *user)
{
	return on_entry(0, m, &((struct log *)user)->stream_told);
}

static int on_call(size_t index, const struct clsf_match *m, void *user)
{
	struct call *call = user;
	return on_entry(index, m, &call->logs[call->which[index]].entries);
}

static void on_call_warning(size_t index, const struct clsf_warning *w, void *user)
{
	struct call *call = user;
	on_warning(index, w, &call->logs[call->which[index]].entries);
}

static void begin_logs(struct clsf_ruleset *rs, struct clsf_worker *w, struct log *logs, clsf_match_fn told,
                       bool no_unwrap, const char *begun)
{
	for (size_t i = 0; i < STREAMS; i++) {
		struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
		options.on_match = told;
		options.user = &logs[i];
		options.context = 2;
		options.no_unwrap = no_unwrap;
		assert_int_equal(clsf_stream_new(rs, &options, &logs[i].stream), 0);
		assert_int_equal(clsf_stream_feed(logs[i].stream, w, begun, strlen(begun)), 0);
	}
}

static void put_verdict(struct record *record, const struct clsf_verdict *v)
{
	putf(&record->text, "verdict %d %s %s line %llu of %llu, offset %llu, bytes %llu ", v->outcome,
	     v->rule ? v->rule->id : "-", v->title, (unsigned long long)v->line.number, (unsigned long long)v->lines,
	     (unsigned long long)v->line.offset, (unsigned long long)v->bytes);
	put(&record->text, v->before, v->before_length);
	put(&record->text, v->after, v->after_length);
	for (size_t i = 0; i < v->n_also; i++)
		putf(&record->text, "; %s %llu %s", v->also[i].rule->id, (unsigned long long)v->also[i].count,
		     v->also[i].why_not);
	for (size_t i = 0; i < v->n_telling; i++)
		putf(&record->text, "; telling %llu", (unsigned long long)v->telling[i].number);
	for (size_t i = 0; i < v->n_warnings; i++)
		if (v->warnings[i].code != CLSF_WARN_ENGINE_FALLBACK)
			on_warning(0, &v->warnings[i], record);
	put(&record->text, "\n", 1);
}

static void end_logs(struct clsf_worker *w, struct log *logs)
{
	for (size_t i = 0; i < STREAMS; i++) {
		const struct clsf_verdict *v;
		logs[i].finishing = true;
		assert_int_equal(clsf_stream_finish(logs[i].stream, w, &v), 0);
		put_verdict(&logs[i].stream_told, v);
	}
}

static void free_logs(struct log *logs)
{
	for (size_t i = 0; i <= STREAMS; i++) {
		clsf_stream_free(logs[i].stream);
		free(logs[i].entries.text.data);
		free(logs[i].stream_told.text.data);
	}
}

/* Feeds what clsf_scan_lines() is to do: a \n behind each entry that has none. */
static void feed_logs(struct clsf_worker *w, struct log *logs, const struct round *r, const unsigned *which)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct clsf_entry *e = &r->entries[i];
		struct log *log = &logs[which[i]];
		log->entries.index = i;
		if (which[i] == STREAMS) {
			feed_entry(log->stream, w, e, &log->entries);
			continue;
		}
		assert_int_equal(clsf_stream_feed(log->stream, w, e->data, e->length), 0);
		if (e->length == 0 || ((const char *)e->data)[e->length - 1] != '\n')
			assert_int_equal(clsf_stream_feed(log->stream, w, "\n", 1), 0);
	}
}

static void append_round(struct clsf_ruleset *rs, struct clsf_worker *one, struct clsf_worker *many,
                         struct round *r, uint64_t *rng, unsigned round)
{
	struct log fed[STREAMS + 1] = { 0 }, appended[STREAMS + 1] = { 0 };
	unsigned which[MOST];
	const bool no_unwrap = round % 5 == 4;
	/* Either some entries have no log, or those of the first log are given it by the call. */
	const bool given = round % 2;
	make_round(r, rng, false);
	begin_logs(rs, one, fed, on_fed, no_unwrap, "begin alpha one\n");
	fed[STREAMS].stream = stream_alone(rs, no_unwrap, &fed[STREAMS].entries);
	/* A line that has no end yet is ended by the first entry. */
	begin_logs(rs, many, appended, on_appended, no_unwrap, round % 3 ? "begin alpha one\n" : "begin alpha one");
	if (round % 3 == 0)
		for (size_t i = 0; i < STREAMS; i++) {
			const struct clsf_entry none = { .data = "now", .length = 3, .stream = appended[i].stream };
			assert_int_equal(clsf_scan_lines(many, NULL, &none, 1, NULL), 0);
			assert_int_equal(clsf_stream_feed(fed[i].stream, one, "now\n", 4), 0);
		}
	/* What was told before the entries came has no index. */
	for (size_t i = 0; i < STREAMS; i++)
		fed[i].entries.text.length = fed[i].entries.told = 0;
	for (unsigned i = 0, run = 0, log = 0; i < r->n; i++, run--) {
		if (run == 0) {
			log = random_below(rng, STREAMS + !given);
			run = random_below(rng, 2) ? 1 : 1 + random_below(rng, 50);
		}
		which[i] = log;
		r->entries[i].stream = log == STREAMS || (given && log == 0) ? NULL : appended[log].stream;
	}
	feed_logs(one, fed, r, which);
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	options.on_match = on_call;
	options.on_warning = on_call_warning;
	options.no_unwrap = no_unwrap;
	/* In one call, or in several. */
	for (size_t at = 0, n; at < r->n; at += n) {
		struct call call = { appended, which + at };
		n = round % 4 ? r->n : 1 + random_below(rng, 40);
		if (n > r->n - at)
			n = r->n - at;
		options.user = &call;
		assert_int_equal(clsf_scan_lines(many, given ? appended[0].stream : NULL, r->entries + at, n,
		                                 &options), 0);
	}
	end_logs(one, fed);
	end_logs(many, appended);
	for (size_t i = 0; i <= STREAMS; i++) {
		/* Over several calls the indexes begin anew. */
		if (round % 4)
			compare(&fed[i].entries, &appended[i].entries, round, i == STREAMS ? "alone" : "entries of a log");
		assert_int_equal(fed[i].entries.told, appended[i].entries.told);
		compare(&fed[i].stream_told, &appended[i].stream_told, round, "a log");
	}
	free_logs(fed);
	free_logs(appended);
}

static void check_appended(bool with_always)
{
	struct clsf_ruleset *rs = ruleset_of(with_always, CLSF_ENGINE_AUTO);
	struct clsf_worker *one, *many;
	uint64_t rng = 0x2545f4914f6cdd1du + with_always;
	struct round *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	assert_int_equal(clsf_worker_new(rs, NULL, &one), 0);
	assert_int_equal(clsf_worker_new(rs, NULL, &many), 0);
	for (unsigned round = 0; round < ROUNDS; round++)
		append_round(rs, one, many, r, &rng, round);
	clsf_worker_free(one);
	clsf_worker_free(many);
	clsf_ruleset_unref(rs);
	free(r->text.data);
	free(r);
}

static void test_appended(void **state)
{
	(void)state;
	check_appended(false);
	check_appended(true);
}

/* ---- the time that comes with an entry ---- */

/* "both" wants alpha and beta within five seconds of each other. */
static void told_with(struct clsf_ruleset *rs, const struct clsf_entry *entries, size_t n, const char *expected)
{
	struct clsf_worker *w;
	struct clsf_stream *s;
	struct record record = { 0 };
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	options.on_match = on_entry;
	options.user = &record;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	assert_int_equal(clsf_stream_new(rs, NULL, &s), 0);
	assert_int_equal(clsf_scan_lines(w, s, entries, n, &options), 0);
	put(&record.text, "", 0);
	assert_string_equal(record.text.data, expected);
	free(record.text.data);
	clsf_stream_free(s);
	clsf_worker_free(w);
}

static void test_times(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = rules_of(
		"pack: test\n"
		"rules:\n"
		"  - {id: both, title: t, category: unknown, match: {sequence: [alpha, beta], within: 5s}}\n",
		CLSF_ENGINE_AUTO);
	const int64_t second = 1000000000, t = 1772359200 * second;   /* 2026-03-01T10:00:00Z */
#define AT(text, when) { .data = text, .length = sizeof(text) - 1, .has_time = 1, .time = (when) }
	const struct clsf_entry near[] = { AT("alpha", t), AT("quiet", t + 2 * second), AT("beta", t + 4 * second) };
	const struct clsf_entry far[] = { AT("alpha", t), AT("quiet", t + 2 * second), AT("beta", t + 6 * second) };
	told_with(rs, near, 3, "2 both 3@12+4 beta\n");
	told_with(rs, far, 3, "");
	/* What the lines tell themselves comes first; so does a line above in the same entry. */
	const struct clsf_entry own[] = { AT("alpha", t), AT("2026-03-01T10:00:09Z beta", t + 1) };
	const struct clsf_entry above[] = { AT("alpha", t), AT("2026-03-01T10:00:09Z quiet\nbeta", t + 1) };
	told_with(rs, own, 2, "");
	told_with(rs, above, 2, "");
	/* A line above in another entry does not, where the entry comes with a time. */
	const struct clsf_entry other[] = { AT("2026-03-01T10:00:00Z alpha", t), AT("beta", t + 9 * second) };
	const struct clsf_entry none[] = { AT("2026-03-01T10:00:00Z alpha", t), { .data = "beta", .length = 4 } };
	told_with(rs, other, 2, "");
	told_with(rs, none, 2, "1 both 2@27+4 beta\n");
	/* With a line that a log began with, and by itself, since it is large. */
	char large[64 * 1024];
	memset(large, 'x', sizeof(large));
	memcpy(large, "beta", 4);
	const struct clsf_entry direct[] = { AT("alpha", t),
		                             { .data = large, .length = sizeof(large), .has_time = 1, .time = t + 9 * second } };
	told_with(rs, direct, 2, "");
	clsf_ruleset_unref(rs);
}

/* ---- stopping and misuse ---- */

static void test_stop(void **state)
{
	(void)state;
	struct clsf_ruleset *rs = ruleset_of(false, CLSF_ENGINE_AUTO);
	struct clsf_worker *w;
	struct clsf_stream *s[2];
	const struct clsf_verdict *v;
	assert_int_equal(clsf_worker_new(rs, NULL, &w), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(clsf_stream_new(rs, NULL, &s[i]), 0);
	struct record record = { .stop_at = 2 };
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	options.on_match = on_entry;
	options.user = &record;
	struct clsf_entry entries[] = {
		{ .data = "alpha 1", .length = 7 }, { .data = "quiet", .length = 5 },
		{ .data = "alpha 2", .length = 7 }, { .data = "alpha 3", .length = 7 },
	};
	/* Alone: the next call begins anew. */
	assert_int_equal(clsf_scan_lines(w, NULL, entries, 4, &options), CLSF_STOPPED);
	assert_string_equal(record.text.data, "0 word 1@0+7 alpha 1 x=1\n2 word 1@0+7 alpha 2 x=2\n");
	record.text.length = record.told = record.stop_at = 0;
	assert_int_equal(clsf_scan_lines(w, NULL, entries + 1, 2, &options), 0);
	assert_string_equal(record.text.data, "1 word 1@0+7 alpha 2 x=2\n");
	/* Of streams: what comes after the match is appended to none of them. */
	for (size_t i = 0; i < 4; i++)
		entries[i].stream = s[i == 1];
	record.text.length = record.told = 0;
	record.stop_at = 2;
	assert_int_equal(clsf_scan_lines(w, NULL, entries, 4, &options), CLSF_STOPPED);
	assert_string_equal(record.text.data, "0 word 1@0+7 alpha 1 x=1\n2 word 2@8+7 alpha 2 x=2\n");
	assert_int_equal(clsf_scan_lines(w, NULL, entries + 1, 2, &options), CLSF_STOPPED);
	assert_int_equal(clsf_scan_lines(w, NULL, entries + 1, 1, &options), 0);
	assert_int_equal(clsf_stream_finish(s[0], w, &v), CLSF_STOPPED);
	assert_int_equal(clsf_stream_finish(s[1], w, &v), 0);
	assert_int_equal(v->lines, 2);
	/* Such a stream is finished. */
	assert_int_equal(clsf_scan_lines(w, s[1], NULL, 0, &options), 0);
#ifndef CLSF_ABORT_ON_MISUSE
	assert_int_equal(clsf_scan_lines(w, NULL, entries + 1, 1, &options), CLSF_E_INVALID);
	assert_int_equal(clsf_scan_lines(NULL, NULL, entries, 1, &options), CLSF_E_INVALID);
	assert_int_equal(clsf_scan_lines(w, NULL, NULL, 1, &options), CLSF_E_INVALID);
	struct clsf_lines_options wrong = { 0 };
	assert_int_equal(clsf_scan_lines(w, NULL, entries, 0, &wrong), CLSF_E_INVALID);
	const struct clsf_entry missing = { .data = NULL, .length = 1 };
	assert_int_equal(clsf_scan_lines(w, NULL, &missing, 1, &options), CLSF_E_INVALID);
	/* A log of another ruleset, and one whose text is UTF-16. */
	struct clsf_ruleset *others = ruleset_of(true, CLSF_ENGINE_AUTO);
	struct clsf_stream *foreign;
	assert_int_equal(clsf_stream_new(others, NULL, &foreign), 0);
	assert_int_equal(clsf_scan_lines(w, foreign, entries, 4, &options), CLSF_E_INVALID);
	clsf_stream_free(foreign);
	clsf_ruleset_unref(others);
	clsf_stream_reset(s[0]);
	assert_int_equal(clsf_stream_feed(s[0], w, "\xff\xfe" "a", 3), 0);
	assert_int_equal(clsf_scan_lines(w, NULL, entries, 1, &options), CLSF_E_INVALID);
#endif
	free(record.text.data);
	for (size_t i = 0; i < 2; i++)
		clsf_stream_free(s[i]);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_alone_without_engine),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_appended),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
