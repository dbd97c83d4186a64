/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: a steady state without allocation (invariant 4), and every
 * allocation failed in turn, from rules to verdicts: an error each time,
 * nothing leaked, and what failed can be done again. The engine's databases and
 * scratch are under the same ledger; what its compiler takes besides is not, for
 * that is C++ (tests/cli/test_memory.py fails it).
 */

#include "support.h"

#include <inttypes.h>
#include <unistd.h>

#include <hs.h>

#include "../../libclassify/digest.h"

struct ledger {
	size_t calls;
	size_t live;
	size_t fail_at;              /* the call that fails; 0: none */
};

static void *counting_reallocate(void *context, void *pointer, size_t size)
{
	struct ledger *ledger = context;
	if (size == 0) {
		ledger->live--;
		free(pointer);
		return NULL;
	}
	ledger->calls++;
	if (ledger->fail_at && ledger->calls == ledger->fail_at)
		return NULL;
	void *p = realloc(pointer, size);
	if (p && !pointer)
		ledger->live++;
	return p;
}

static const char rules[] =
	"pack: test\n"
	"rules:\n"
	"  - {id: a, title: 'T ${x}', category: unknown, match: 'alpha (?<x>\\w+)', runbook: {cause: c, fix: 'run ${x}'}, examples: {match: [{line: 'alpha b', fields: {x: b}}], reject: [z]}}\n"
	"  - {id: b, title: t, category: unknown, role: symptom, match: {any: [beta, {text: 'be.ta'}]}, unless: gamma, show: above}\n"
	"  - {id: c, title: t, role: failure, match: '^the end'}\n"
	"  - {id: d, title: t, category: unknown, match: {sequence: [{regex: 'one', show: true}, '\\d+'], within: 9 lines}, explains: ['b*', nobody]}\n"
	"  - {id: e, title: t, category: unknown, match: {all: [alpha, 'be(?<y>t)a'], within: 5s}, unless: [{regex: never, where: after, within: 3 lines}, {text: delta, within: 9s}]}\n"
	"  - {id: f, title: t, category: unknown, match: {field: {'a.b': '^al\"pha (?<z>.)', n: 5}}}\n"
	"  - {id: g, title: t, category: unknown, match: {count: 2, of: {regex: 'alpha.*\\n(?:.*\\n)?the end', lines: 5}, within: 50 lines}}\n"
	"  - cre: {id: CRE-2026-0001, title: t, severity: 2, references: [x, y]}\n"
	"    rule: {sequence: {window: 9s, order: [{value: alpha, count: 2}, {jq: '.n == 5 and .a.b'}], negate: [{regex: 'never', window: 5s}]}}\n"
	"  - cre: {id: CRE-2026-0002, title: t, severity: 4}\n"
	"    rule: {set: {match: [{regex: 'alpha two.*the end'}]}}\n";

static const char log_text[] =
	"nothing here\n\x1b[31malpha one\x1b[0m\n{\"log\":\"beta \\\"x\\\"\\n\"}\nbeta\n12\n"
	"2026-03-01T10:00:00Z delta\nalpha two\nthe end\n{\"a\":{\"b\":\"al\\\"pha x\"},\"n\":5}\nafter it\n";

/* With someone to tell, the loader looks for the names in `explains`. */
static void on_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	(void)level;
	(void)fault;
	(void)user;
}

/* The lines of a text as entries of `stream`, or as logs of their own. */
static size_t entries_of(const char *text, size_t length, struct clsf_stream *stream, struct clsf_entry *entries,
                         size_t most)
{
	size_t n = 0;
	for (const char *line = text, *end = text + length; line < end && n < most; n++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		entries[n] = (struct clsf_entry){ .data = line, .length = (size_t)(newline - line), .stream = stream };
		line = newline + 1;
	}
	return n;
}

/* The allocator of the test, also for what the engine takes: that is the process's, and the process is ours. */
static struct ledger *current;

static void *engine_allocate(size_t size)
{
	return counting_reallocate(current, NULL, size ? size : 1);
}

static void engine_release(void *pointer)
{
	if (pointer)
		counting_reallocate(current, pointer, 0);
}

/* All that the steps below make of rules and of a log. */
struct world {
	struct clsf_allocator allocator;
	struct clsf_loader *loader;
	struct clsf_ruleset *ruleset, *subset, *restored;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	char folder[64];
	char *saved;                 /* the compiled form, in memory of the test's own */
	size_t saved_length;
	char told[16384];            /* matches and verdicts */
	size_t told_length;
};

static void tell(struct world *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct world *x, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	size_t room = sizeof(x->told) - x->told_length;
	int n = vsnprintf(x->told + x->told_length, room, format, arguments);
	va_end(arguments);
	assert_true(n >= 0 && (size_t)n < room);
	x->told_length += (size_t)n;
}

static void tell_line(struct world *x, const struct clsf_line *line)
{
	tell(x, " %" PRIu64 "@%" PRIu64 "+%" PRIu64 " '%.*s'", line->number, line->offset, line->length,
	     (int)line->text_length, line->text ? line->text : "");
}

static void tell_match(struct world *x, const struct clsf_match *match)
{
	tell(x, "match %s", match->rule->id);
	tell_line(x, &match->line);
	for (size_t i = 0; i < match->n_fields; i++)
		tell(x, " %s=%.*s", match->fields[i].name, (int)match->fields[i].length, match->fields[i].value);
	tell(x, "\n");
}

static int on_match(const struct clsf_match *match, void *user)
{
	tell_match(user, match);
	return 0;
}

static int on_entry_match(size_t index, const struct clsf_match *match, void *user)
{
	tell(user, "entry %zu ", index);
	tell_match(user, match);
	return 0;
}

static void tell_verdict(struct world *x, const struct clsf_verdict *v)
{
	tell(x, "%s %s %s '%s' '%s'", clsf_outcome_name(v->outcome), v->rule ? v->rule->id : "", v->category, v->title,
	     v->fix);
	tell_line(x, &v->line);
	tell(x, " [%.*s|%.*s] %s", (int)v->before_length, v->before, (int)v->after_length, v->after, v->fingerprint);
	for (size_t i = 0; i < v->n_fields; i++)
		tell(x, " %s=%s", v->fields[i].name, v->fields[i].value);
	for (size_t i = 0; i < v->n_telling; i++)
		tell_line(x, &v->telling[i]);
	for (size_t i = 0; i < v->n_also; i++) {
		tell(x, "; also %s %" PRIu64 " %s", v->also[i].rule->id, v->also[i].count, v->also[i].why_not);
		tell_line(x, &v->also[i].line);
	}
	for (size_t i = 0; i < v->n_warnings; i++)
		tell(x, "; %s %s", clsf_warning_name(v->warnings[i].code), v->warnings[i].message);
	tell(x, " %" PRIu64 " lines %" PRIu64 " bytes\n", v->lines, v->bytes);
}

static bool is_truncated(const struct clsf_verdict *v)
{
	for (size_t i = 0; i < v->n_warnings; i++)
		if (v->warnings[i].code == CLSF_WARN_TRUNCATED_INPUT)
			return true;
	return false;
}

/* ---- what is made of rules: a failure leaves nothing behind, and the same call may be made again ---- */

static int load(struct world *x, struct clsf_error *error)
{
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	options.allocator = &x->allocator;
	options.on_fault = on_fault;
	int result = clsf_loader_new(&options, &x->loader);
	error->message[0] = '?';
	if (result == 0)
		result = clsf_loader_add_buffer(x->loader, "test", rules, sizeof(rules) - 1, error);
	if (result == 0)
		result = clsf_loader_compile(x->loader, &x->ruleset, error);
	clsf_loader_free(x->loader);
	x->loader = NULL;
	return result;
}

static int load_folder(struct world *x, struct clsf_error *error)
{
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	char key[65];
	options.allocator = &x->allocator;
	options.on_fault = on_fault;
	options.defer = 1;
	int result = clsf_loader_new(&options, &x->loader);
	error->message[0] = '?';
	if (result == 0)
		result = clsf_loader_add_path(x->loader, x->folder, error);
	if (result == 0)
		result = clsf_loader_key(x->loader, key);
	if (result == 0)
		result = clsf_loader_compile(x->loader, &x->ruleset, error);
	clsf_loader_free(x->loader);
	x->loader = NULL;
	return result;
}

static void drop_ruleset(struct world *x)
{
	clsf_ruleset_unref(x->ruleset);
	x->ruleset = NULL;
}

static int keep(const void *data, size_t length, void *user)
{
	struct world *x = user;
	x->saved = realloc(x->saved, x->saved_length + length);
	assert_non_null(x->saved);
	memcpy(x->saved + x->saved_length, data, length);
	x->saved_length += length;
	return 0;
}

static int save(struct world *x, struct clsf_error *error)
{
	x->saved_length = 0;
	int result = clsf_ruleset_save(x->ruleset, keep, x);
	error->message[0] = '?';
	return result;
}

static int restore(struct world *x, struct clsf_error *error)
{
	return clsf_ruleset_restore(&x->allocator, x->saved, x->saved_length, &x->restored, error);
}

static void drop_restored(struct world *x)
{
	clsf_ruleset_unref(x->restored);
	x->restored = NULL;
}

/* As it was written for another processor: the filter is compiled from the rules. */
static int restore_elsewhere(struct world *x, struct clsf_error *error)
{
	char *copy = malloc(x->saved_length);
	assert_non_null(copy);
	memcpy(copy, x->saved, x->saved_length);
	char *place = memmem(copy, x->saved_length, "tune ", 5);
	assert_non_null(place);
	place[5] = '~';
	uint64_t sum = clsf__checksum((unsigned char *)copy + 32, x->saved_length - 32);
	for (size_t i = 0; i < 8; i++)
		copy[24 + i] = (char)(sum >> 8 * i);
	int result = clsf_ruleset_restore(&x->allocator, copy, x->saved_length, &x->restored, error);
	free(copy);
	assert_true(result != 0);
	return result == CLSF_RECOMPILED ? 0 : result;
}

static int take_some(struct world *x, struct clsf_error *error)
{
	return clsf_ruleset_subset(x->ruleset, (const size_t[]){ 4, 0 }, 2, CLSF_ENGINE_LITERALS, &x->subset, error);
}

static void drop_some(struct world *x)
{
	clsf_ruleset_unref(x->subset);
	x->subset = NULL;
}

static int make_worker(struct world *x, struct clsf_error *error)
{
	struct clsf_worker_options options = CLSF_WORKER_OPTIONS_INIT;
	options.allocator = &x->allocator;
	error->message[0] = '?';
	return clsf_worker_new(x->ruleset, &options, &x->worker);
}

static void drop_worker(struct world *x)
{
	clsf_worker_free(x->worker);
	x->worker = NULL;
}

static int make_stream(struct world *x, struct clsf_error *error)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.allocator = &x->allocator;
	options.on_match = on_match;
	options.user = x;
	options.context = 2;
	options.redact = 1;
	error->message[0] = '?';
	return clsf_stream_new(x->ruleset, &options, &x->stream);
}

static void drop_stream(struct world *x)
{
	clsf_stream_free(x->stream);
	x->stream = NULL;
}

/* Fails each allocation of a step in turn, and does it again when it has failed: at last nothing fails. */
static void try_step(struct world *x, const char *name, int (*step)(struct world *x, struct clsf_error *error),
                     void (*drop)(struct world *x))
{
	size_t refused = 0, before = current->live;
	for (size_t n = 1; ; n++) {
		struct clsf_error error = { .message = "" };
		current->calls = 0;
		current->fail_at = n;
		int result = step(x, &error);
		current->fail_at = 0;
		bool reached = current->calls >= n;
		if (result != 0 && (result != CLSF_E_NOMEM || !error.message[0]))
			fail_msg("%s, allocation %zu: result %d, '%s'", name, n, result, error.message);
		refused += result != 0;
		if (result == 0 && drop)
			drop(x);
		if (drop && current->live != before)
			fail_msg("%s, allocation %zu: %zu left", name, n, current->live - before);
		if (!reached)
			break;
	}
	/* Not all need fail: PCRE2 does without its JIT code. */
	assert_true(refused > 0);
	struct clsf_error error;
	assert_int_equal(step(x, &error), 0);
}

static void write_rules(struct world *x)
{
	char path[96];
	snprintf(x->folder, sizeof(x->folder), "/tmp/classify-alloc-XXXXXX");
	assert_non_null(mkdtemp(x->folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%d.yaml", x->folder, i);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		/* As many collections as make the reader look at the events of the file first. */
		if (i)
			fprintf(f, "%s", rules);
		else
			fprintf(f, "# %070d\nrules:\n- {id: z, title: t, category: unknown, match: {any: [%s]}}\n", 0,
			        "{text: a}, {text: b}");
		assert_int_equal(fclose(f), 0);
	}
}

static void remove_rules(struct world *x)
{
	char path[96];
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%d.yaml", x->folder, i);
		unlink(path);
	}
	rmdir(x->folder);
}

static void begin(struct world *x, struct ledger *ledger)
{
	*x = (struct world){ .allocator = { counting_reallocate, ledger } };
	*ledger = (struct ledger){ 0 };
	current = ledger;
}

static void end(struct world *x)
{
	drop_stream(x);
	drop_worker(x);
	drop_some(x);
	drop_restored(x);
	drop_ruleset(x);
	free(x->saved);
	assert_int_equal(current->live, 0);
}

static void test_rules(void **state)
{
	(void)state;
	struct world x;
	struct ledger ledger;
	begin(&x, &ledger);
	write_rules(&x);
	try_step(&x, "a folder", load_folder, drop_ruleset);
	drop_ruleset(&x);
	remove_rules(&x);
	try_step(&x, "a buffer", load, drop_ruleset);
	try_step(&x, "save", save, NULL);
	try_step(&x, "restore", restore, drop_restored);
	assert_string_equal(clsf_ruleset_hash(x.restored), clsf_ruleset_hash(x.ruleset));
	drop_restored(&x);
	try_step(&x, "restore elsewhere", restore_elsewhere, drop_restored);
	assert_string_equal(clsf_ruleset_hash(x.restored), clsf_ruleset_hash(x.ruleset));
	try_step(&x, "some rules", take_some, drop_some);
	try_step(&x, "a worker", make_worker, drop_worker);
	try_step(&x, "a stream", make_stream, drop_stream);
	end(&x);
}

/* ---- logs ---- */

static struct clsf_entry pieces[10];
static size_t n_pieces;

/* A log that failed and no rule says why: its most telling lines are kept. In UTF-16, at last. */
static int scan_unknown(struct world *x)
{
	static const char text[] = "first\n\x1b[31mtime=\"12:00:01\" level=error msg=\"cannot open the \\\"door\\\"\"\x1b[0m\n"
	                           "it said: password=hunter22\nthe end\nand more\n";
	int result = 0;
	for (size_t at = 0; result == 0 && at < sizeof(text) - 1; at += 11)
		result = clsf_stream_feed(x->stream, x->worker, text + at,
		                          sizeof(text) - 1 - at < 11 ? sizeof(text) - 1 - at : 11);
	if (result == 0)
		result = clsf_stream_part(x->stream, x->worker, NULL, NULL);
	return result ? result : clsf_stream_feed(x->stream, x->worker, "\xff\xfe" "w\0o\0r\0s\0e\0", 12);
}

/* A log by every way there is: in pieces, in parts, passed over, and as entries. Returns the first failure. */
static int scan_all(struct world *x)
{
	struct clsf_stream *s = x->stream;
	struct clsf_worker *w = x->worker;
	n_pieces = entries_of(log_text, sizeof(log_text) - 1, s, pieces, 10);
	int result = clsf_stream_feed(s, w, log_text, 20);
	if (result == 0)
		result = clsf_stream_feed(s, w, log_text + 20, sizeof(log_text) - 21);
	if (result == 0)
		result = clsf_stream_part(s, w, NULL, NULL);
	/* UTF-16, by its mark. */
	if (result == 0)
		result = clsf_stream_feed(s, w, "\xff\xfe" "a\0l\0p\0h\0a\0 \0p\0\n\0t\0", 20);
	if (result == 0)
		result = clsf_stream_part(s, w, NULL, NULL);
	if (result == 0)
		result = clsf_stream_skip(s, w, 1, 10);
	return result ? result : clsf_scan_lines(w, NULL, pieces, n_pieces, NULL);
}

/* The verdict of what was scanned is told. */
static int finish(struct world *x, bool whole)
{
	const struct clsf_verdict *v;
	int result = clsf_stream_finish(x->stream, x->worker, &v);
	if (result == 0) {
		assert_int_equal(is_truncated(v), !whole);
		tell_verdict(x, v);
	}
	return result;
}

/* A ruleset that nobody has used yet, for expressions are compiled when they are first needed. */
static void begin_log(struct world *x)
{
	struct clsf_error error;
	assert_int_equal(restore(x, &error), 0);
	drop_ruleset(x);
	x->ruleset = x->restored;
	x->restored = NULL;
	assert_int_equal(make_worker(x, &error), 0);
	assert_int_equal(make_stream(x, &error), 0);
	x->told_length = 0;
}

static void end_log(struct world *x)
{
	drop_stream(x);
	drop_worker(x);
}

static void try_log(int (*scan)(struct world *x), const char *match, const char *outcome)
{
	struct world x;
	struct ledger ledger;
	struct clsf_error error;
	char *expected;
	begin(&x, &ledger);
	assert_int_equal(load(&x, &error), 0);
	assert_int_equal(save(&x, &error), 0);
	begin_log(&x);
	assert_int_equal(scan(&x), 0);
	assert_int_equal(finish(&x, true), 0);
	expected = strdup(x.told);
	assert_non_null(expected);
	assert_non_null(strstr(expected, outcome));
	assert_non_null(strstr(expected, match));
	end_log(&x);
	size_t refused = 0, survived = 0, answered = 0;
	for (size_t n = 1; ; n++) {
		begin_log(&x);
		ledger.calls = 0;
		ledger.fail_at = n;
		int result = scan(&x);
		int finished = finish(&x, result == 0);
		bool reached = ledger.calls >= n;
		ledger.fail_at = 0;
		if ((result != 0 && result != CLSF_E_NOMEM) || (finished != 0 && finished != CLSF_E_NOMEM))
			fail_msg("allocation %zu: %d, %d", n, result, finished);
		/* Nothing failed: that allocation was not needed for the answer. */
		if (result == 0 && finished == 0) {
			assert_string_equal(x.told, expected);
			survived++;
		} else {
			refused++;
			answered += finished == 0;
			/* The stream and the worker are as good as new. */
			clsf_stream_reset(x.stream);
			x.told_length = 0;
			assert_int_equal(scan(&x), 0);
			assert_int_equal(finish(&x, true), 0);
			assert_string_equal(x.told, expected);
		}
		end_log(&x);
		if (!reached)
			break;
	}
	assert_true(refused > 20 && answered > 5 && survived > 1);
	free(expected);
	end(&x);
}

static void test_log(void **state)
{
	(void)state;
	try_log(scan_all, "match f", "failed g");
}

static void test_unknown_log(void **state)
{
	(void)state;
	try_log(scan_unknown, "match c", "failed  unknown");
}

/* After a failure nothing more is taken, and the same is said of every piece. */
static void test_broken_stays_broken(void **state)
{
	(void)state;
	struct world x;
	struct ledger ledger;
	struct clsf_error error;
	const struct clsf_verdict *v;
	begin(&x, &ledger);
	assert_int_equal(load(&x, &error), 0);
	assert_int_equal(make_worker(&x, &error), 0);
	assert_int_equal(make_stream(&x, &error), 0);
	assert_int_equal(clsf_stream_feed(x.stream, x.worker, "the end\n", 8), 0);
	ledger.calls = 0;
	ledger.fail_at = 1;
	assert_int_equal(clsf_stream_feed(x.stream, x.worker, "unfinished", 10), CLSF_E_NOMEM);
	ledger.fail_at = 0;
	assert_int_equal(clsf_stream_feed(x.stream, x.worker, "\nalpha one\n", 11), CLSF_E_NOMEM);
	assert_int_equal(clsf_stream_skip(x.stream, x.worker, 1, 1), CLSF_E_NOMEM);
	assert_int_equal(clsf_stream_part(x.stream, x.worker, NULL, NULL), CLSF_E_NOMEM);
	assert_int_equal(clsf_stream_finish(x.stream, x.worker, &v), 0);
	assert_true(is_truncated(v));
	assert_int_equal(v->outcome, CLSF_FAILED);
	assert_int_equal(v->line.number, 1);
	clsf_stream_reset(x.stream);
	assert_int_equal(clsf_stream_feed(x.stream, x.worker, "alpha one\n", 10), 0);
	assert_int_equal(clsf_stream_finish(x.stream, x.worker, &v), 0);
	assert_false(is_truncated(v));
	assert_string_equal(v->rule->id, "a");
	end(&x);
}

/* Entries that are logs of their own: the call may be made again. */
static void test_entries(void **state)
{
	(void)state;
	struct world x;
	struct ledger ledger;
	struct clsf_error error;
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	char *expected = NULL;
	options.on_match = on_entry_match;
	options.user = &x;
	options.redact = 1;
	begin(&x, &ledger);
	assert_int_equal(load(&x, &error), 0);
	assert_int_equal(save(&x, &error), 0);
	size_t refused = 0;
	for (size_t n = 0; ; n++) {
		begin_log(&x);
		n_pieces = entries_of(log_text, sizeof(log_text) - 1, NULL, pieces, 10);
		ledger.calls = 0;
		ledger.fail_at = n;
		int result = clsf_scan_lines(x.worker, NULL, pieces, n_pieces, &options);
		bool reached = n == 0 || ledger.calls >= n;
		ledger.fail_at = 0;
		if (result) {
			assert_int_equal(result, CLSF_E_NOMEM);
			refused++;
			x.told_length = 0;
			assert_int_equal(clsf_scan_lines(x.worker, NULL, pieces, n_pieces, &options), 0);
		}
		if (!expected)
			expected = strdup(x.told);
		assert_non_null(expected);
		assert_string_equal(x.told, expected);
		end_log(&x);
		if (!reached)
			break;
	}
	assert_true(refused > 10);
	assert_non_null(strstr(expected, "entry 1 match a"));
	free(expected);
	end(&x);
}

static void test_steady_state(void **state)
{
	(void)state;
	struct ledger ledger = { 0 };
	current = &ledger;
	struct clsf_allocator allocator = { counting_reallocate, &ledger };
	struct clsf_loader_options lo = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_worker_options wo = CLSF_WORKER_OPTIONS_INIT;
	struct clsf_stream_options so = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_loader *l;
	struct clsf_ruleset *rs;
	struct clsf_worker *w;
	struct clsf_stream *s;
	lo.allocator = wo.allocator = so.allocator = &allocator;
	assert_int_equal(clsf_loader_new(&lo, &l), 0);
	assert_int_equal(clsf_loader_add_buffer(l, "test", rules, sizeof(rules) - 1, NULL), 0);
	assert_int_equal(clsf_loader_compile(l, &rs, NULL), 0);
	clsf_loader_free(l);
	assert_int_equal(clsf_worker_new(rs, &wo, &w), 0);
	assert_int_equal(clsf_stream_new(rs, &so, &s), 0);
	char *log = malloc(sizeof(log_text) * 2000);
	size_t n = 0;
	for (int i = 0; i < 2000; i++, n += sizeof(log_text) - 1)
		memcpy(log + n, log_text, sizeof(log_text) - 1);
	size_t before = 0;
	/* Pieces that cut lines, so that the way of unfinished lines is steady too. */
	for (int round = 0; round < 6; round++) {
		if (round == 2)
			before = ledger.calls;
		for (size_t at = 0; at < n; at += 70001)
			assert_int_equal(clsf_stream_feed(s, w, log + at, n - at < 70001 ? n - at : 70001), 0);
	}
	assert_int_equal(ledger.calls, before);
	/* So are entries: alone, one by one, and as lines of a log. */
	enum { MOST = 5000 };
	struct clsf_entry *entries = calloc(2 * MOST, sizeof(*entries));
	assert_non_null(entries);
	size_t count = entries_of(log, n, NULL, entries, MOST);
	count += entries_of(log, n, s, entries + count, MOST);
	for (int round = 0; round < 6; round++) {
		if (round == 2)
			before = ledger.calls;
		assert_int_equal(clsf_scan_lines(w, NULL, entries, count, NULL), 0);
		for (size_t i = 0; i < 100; i++)
			assert_int_equal(clsf_scan_lines(w, NULL, &entries[i], 1, NULL), 0);
	}
	assert_int_equal(ledger.calls, before);
	free(entries);
	free(log);
	clsf_stream_free(s);
	clsf_worker_free(w);
	clsf_ruleset_unref(rs);
	assert_int_equal(ledger.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_unknown_log),
		cmocka_unit_test(test_broken_stays_broken),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_steady_state),
	};
	if (hs_set_database_allocator(engine_allocate, engine_release) != HS_SUCCESS ||
	    hs_set_scratch_allocator(engine_allocate, engine_release) != HS_SUCCESS)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
