/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that lines tell, in each form; paths; limits; hostile input. */

#include "../../libclassify/fields.h"
#include "support.h"

struct reading {
	struct clsf_allocator allocator;
	struct clsf__fields fields;
};

static int setup(void **state)
{
	static struct reading r;
	r.allocator = clsf__allocator(NULL);
	clsf__fields_init(&r.fields, &r.allocator);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	struct reading *r = *state;
	clsf__fields_done(&r->fields);
	return 0;
}

/* Has one of the values at the path this text? NULL: is there none at all? */
static bool has(const struct clsf__fields *f, const char *path, const char *value)
{
	size_t at = 0, length;
	const char *found;
	while (clsf__fields_find(f, path, &at, &found, &length))
		if (!value || (length == strlen(value) && memcmp(found, value, length) == 0))
			return value != NULL;
	return value == NULL;
}

struct expectation {
	const char *path, *value;    /* no value: there must be no such field */
};

struct telling {
	const char *line;
	struct expectation fields[12]; /* ended by one without a path */
};

static const struct telling json[] = {
	{ "{\"level\":\"error\",\"msg\":\"push failed\",\"code\":503}",
	  { { "level", "error" }, { "msg", "push failed" }, { "code", "503" } } },
	{ " { \"a\" : \"b\" , \"c\" : true , \"d\":null,\"e\":-1.5e+3 } ",
	  { { "a", "b" }, { "c", "true" }, { "d", "null" }, { "e", "-1.5e+3" } } },
	{ "{\"a\":{\"b\":{\"c\":\"deep\"}},\"list\":[{\"name\":\"x\"},{\"name\":\"y\"},7]}",
	  { { "a.b.c", "deep" }, { "list.0.name", "x" }, { "list.1.name", "y" }, { "list.2", "7" },
	    { "list.*.name", "y" }, { "list.*", "7" }, { "list.*", "{\"name\":\"x\"}" },
	    { "a.b", "{\"c\":\"deep\"}" }, { "a.*.c", NULL }, { "list.3", NULL } } },
	{ "{\"a.b\":{\"c.d\":\"dots\"},\"0\":\"zero\",\"*\":\"star\"}",
	  { { "a.b.c.d", "dots" }, { "0", "zero" }, { "*", "star" }, { "*", "zero" } } },
	{ "{\"m\":[[1,2],[3,[]]],\"o\":{},\"empty\":\"\"}",
	  { { "m.0.1", "2" }, { "m.*.*", "3" }, { "m.1.1", "[]" }, { "m", "[[1,2],[3,[]]]" }, { "o", "{}" },
	    { "empty", "" } } },
	/* strings are decoded, names as well */
	{ "{\"s\":\"caf\\u00e9 \\ud83d\\ude00 \\\"q\\\" \\\\ \\/ a\\tb\\nc\",\"k\\u0065y\":\"v\"}",
	  { { "s", "caf\xc3\xa9 \xf0\x9f\x98\x80 \"q\" \\ / a\tb\nc" }, { "key", "v" } } },
	{ "{\"s\":\"half \\ud83d pair\",\"t\":\"\\ude00\"}",
	  { { "s", "half \xef\xbf\xbd pair" }, { "t", "\xef\xbf\xbd" } } },
	{ "{\"s\":\"{\\\"not\\\":1}\"}", { { "s", "{\"not\":1}" }, { "s.not", NULL } } },
	{ "{\"a\":{\"log\":\"x=1 y=2\"}}", { { "a.log", "x=1 y=2" }, { "x", NULL } } },
	{ "{\"a1\":1,\"b\":{\"2\":3}}", { { "a*", NULL }, { "b.*", "3" }, { "b*", NULL } } },
	/* one path, several values */
	{ "{\"a\":1,\"a\":2}", { { "a", "1" }, { "a", "2" } } },
	/* behind something else */
	{ "2025-10-29T10:45:34Z {\"a\":\"b\"}", { { "a", "b" } } },
	{ "[pod/x/y] 2025-10-29T10:45:34Z {\"a\":\"b\"}", { { "a", "b" } } },
	{ "2025-10-29T10:45:34Z\tERROR\tcontroller\tReconciler error\t{\"name\":\"x\"}",
	  { { "name", "x" }, { "level", "ERROR" } } },
	{ "request failed: { \"code\": 7 }", { { "code", "7" } } },
	{ "\x1b[32m{\"a\":\x1b[0m\"b\"}", { { "a", "b" } } },
	{ "\xef\xbb\xbf{\"a\":\"b\"}", { { "a", "b" } } },
	/* as far as it goes */
	{ "{\"a\":\"b\",\"c\":{\"d\":\"e\",\"f\":\"cut",
	  { { "a", "b" }, { "c.d", "e" }, { "c.f", NULL }, { "c", NULL } } },
	{ "{\"a\":\"b\" \"c\":\"d\"}", { { "a", "b" }, { "c", NULL } } },
	/* near misses */
	{ "{a: 1}", { { "a", NULL } } },
	{ "{'a': 'b'}", { { "a", NULL } } },
	{ "plain {\"a\":1} words", { { "a", NULL } } },
};

static const struct telling logfmt[] = {
	{ "time=\"2025-10-29T10:45:34Z\" level=error msg=\"open \\\"x\\\": denied\" path=\"s3://b/k\" n=3",
	  { { "level", "error" }, { "msg", "open \"x\": denied" }, { "path", "s3://b/k" }, { "n", "3" },
	    { "time", "2025-10-29T10:45:34Z" } } },
	{ "level=info done a.b=c empty= @x=y", { { "a.b", "c" }, { "empty", "" }, { "@x", "y" } } },
	{ "error=refused", { { "error", "refused" } } },
	{ "2025-10-29T10:45:34.1Z [ERROR] agent: join failed: retry=3 addr=10.0.0.1:8301",
	  { { "level", "ERROR" }, { "retry", "3" }, { "addr", "10.0.0.1:8301" } } },
	{ "2025/10/29 10:45:34 ERROR cannot open file=a.txt err=\"no such file\"",
	  { { "level", "ERROR" }, { "file", "a.txt" }, { "err", "no such file" } } },
	{ "ERRO[0012] push failed                    code=503 image=\"a b\"",
	  { { "level", "error" }, { "msg", "push failed" }, { "code", "503" }, { "image", "a b" } } },
	{ "\x1b[33mWARN\x1b[0m[2025-10-29T10:45:34Z] slow   \x1b[33mtook\x1b[0m=3s",
	  { { "level", "warning" }, { "msg", "slow" }, { "took", "3s" } } },
	{ "[36mINFO[0m[0012] ready   n=1", { { "level", "info" }, { "msg", "ready" }, { "n", "1" } } },
	{ "\xef\xbf\xbd[31mERRO\xef\xbf\xbd[0m[0012] gone", { { "level", "error" }, { "msg", "gone" } } },
	{ "INFO[main] x", { { "msg", NULL } } },
	{ "level=info msg=\"level=fatal code=7\"", { { "level", "fatal" }, { "code", "7" } } },
	/* near misses */
	{ "x=1 is what they said", { { "x", NULL } } },
	{ "run --set=a -DX=y ./p=q https://a.example/?b=c", { { "set", NULL }, { "X", NULL }, { "b", NULL } } },
	{ "say \"a=b\"", { { "a", NULL } } },
	{ "level=info code=7 msg=\"cut", { { "level", "info" }, { "code", "7" }, { "msg", NULL } } },
};

static const struct telling programs[] = {
	/* Docker, CRI */
	{ "{\"log\":\"level=error msg=\\\"no space\\\"\\n\",\"stream\":\"stderr\",\"time\":\"2025-10-29T10:45:34Z\"}",
	  { { "stream", "stderr" }, { "level", "error" }, { "msg", "no space" },
	    { "log", "level=error msg=\"no space\"\n" } } },
	{ "{\"log\":\"{\\\"a\\\":{\\\"b\\\":\\\"say \\\\\\\"no\\\\\\\"\\\"}}\\n\",\"stream\":\"stdout\"}",
	  { { "a.b", "say \"no\"" }, { "stream", "stdout" } } },
	{ "2025-10-29T10:45:34.1Z stdout F {\"a\":\"b\"}",
	  { { "stream", "stdout" }, { "flag", "F" }, { "a", "b" } } },
	{ "2025-10-29T10:45:34.1+00:00 stderr P level=warn msg=part",
	  { { "stream", "stderr" }, { "flag", "P" }, { "level", "warn" } } },
	{ "2025-10-29T10:45:34.1Z stdout F", { { "stream", "stdout" }, { "flag", "F" } } },
	{ "2025-10-29T10:45:34.1Z stdout X no", { { "stream", NULL } } },
	/* klog */
	{ "E1029 10:45:34.123456      22 reflector.go:100] watch failed",
	  { { "level", "error" }, { "thread", "22" }, { "file", "reflector.go" }, { "line", "100" },
	    { "msg", "watch failed" } } },
	{ "I1029 10:45:34.123456       7 a.go:1] \"Pod \\\"x\\\" done\" pod=\"default/p\" n=3",
	  { { "level", "info" }, { "msg", "Pod \"x\" done" }, { "pod", "default/p" }, { "n", "3" } } },
	{ "W1029 10:45:34.123456 7 a.go:1] x", { { "level", "warning" } } },
	{ "F1029 10:45:34.123456 7 a.go:1] x", { { "level", "fatal" } } },
	{ "E1329 10:45:34.123456 7 a.go:1] month", { { "level", NULL } } },
	{ "E1029 10:45:34.123456 7 a.go] no line", { { "thread", NULL } } },
	/* syslog, journald */
	{ "Oct 29 10:45:34 node1 kubelet[812]: E1029 10:45:34.1 7 a.go:9] gone",
	  { { "host", "node1" }, { "ident", "kubelet" }, { "pid", "812" },
	    { "message", "E1029 10:45:34.1 7 a.go:9] gone" }, { "level", "error" }, { "msg", "gone" } } },
	{ "Oct  9 10:45:34 node1 kernel: oom", { { "host", "node1" }, { "ident", "kernel" }, { "pid", NULL },
	                                         { "message", "oom" } } },
	{ "Oct 29 10:45:34.123456 node1 app@1.service[7]: x", { { "ident", "app@1.service" }, { "pid", "7" } } },
	{ "2025-10-29T10:45:34+0000 node1 sshd[7]: bye", { { "host", "node1" }, { "message", "bye" } } },
	{ "2025-10-29T10:45:34.123456+00:00 node1 systemd: bye", { { "ident", "systemd" } } },
	{ "<13>Oct 29 10:45:34 node1 app: x",
	  { { "priority", "5" }, { "facility", "1" }, { "host", "node1" }, { "message", "x" } } },
	{ "<3>kernel says", { { "priority", "3" }, { "facility", "0" } } },
	{ "<165>1 2025-10-29T10:45:34.003Z node1 app 77 ID47 [meta@1 a=\"b \\\"c\\\"\" d=\"e\"][x y=\"z\"] the text",
	  { { "priority", "5" }, { "facility", "20" }, { "host", "node1" }, { "ident", "app" }, { "pid", "77" },
	    { "msgid", "ID47" }, { "meta@1.a", "b \"c\"" }, { "meta@1.d", "e" }, { "x.y", "z" },
	    { "message", "the text" } } },
	{ "<34>1 2025-10-29T10:45:34Z - app - - - a=b c=d",
	  { { "host", NULL }, { "ident", "app" }, { "pid", NULL }, { "message", "a=b c=d" }, { "c", "d" } } },
	{ "<192>x", { { "priority", NULL } } },
	{ "2025-10-29T10:45:34Z fetching packages: done", { { "host", NULL } } },
	{ "2025-10-29 10:45:34 compile error: x", { { "host", NULL } } },
	{ "_SYSTEMD_UNIT=docker.service", { { "_SYSTEMD_UNIT", "docker.service" } } },
	{ "MESSAGE=level=error msg=\"a b\"",
	  { { "MESSAGE", "level=error msg=\"a b\"" }, { "level", "error" }, { "msg", "a b" } } },
	{ "{\"PRIORITY\":\"3\",\"MESSAGE\":\"a=1 b=2\",\"_PID\":\"7\"}",
	  { { "PRIORITY", "3" }, { "_PID", "7" }, { "a", "1" } } },
	/* Python */
	{ "2025-10-29 10:45:34,123 - builder.main - ERROR - no disk",
	  { { "name", "builder.main" }, { "levelname", "ERROR" }, { "level", "ERROR" },
	    { "message", "no disk" } } },
	{ "2025-10-29 10:45:34,123 platform:x86_64 - osbs.inner - INFO - done",
	  { { "platform", "x86_64" }, { "name", "osbs.inner" }, { "levelname", "INFO" },
	    { "message", "done" } } },
	{ "ERROR:root:no disk", { { "name", "root" }, { "levelname", "ERROR" }, { "level", "ERROR" },
	                          { "message", "no disk" } } },
	{ "[2025-10-29 10:45:34,123: WARNING/MainProcess] no broker",
	  { { "levelname", "WARNING" }, { "processName", "MainProcess" }, { "message", "no broker" } } },
	{ "2025-10-29 10:45:34 - builder - Error - no", { { "name", NULL } } },
	{ "NOTE:root:x", { { "levelname", NULL } } },
	/* CI */
	{ "section_start:1761734734:build_step[collapsed=true]\r\x1b[0KBuilding",
	  { { "section", "build_step" }, { "section_event", "start" } } },
	{ "section_end:1761734734:build_step\r\x1b[0K",
	  { { "section", "build_step" }, { "section_event", "end" } } },
	{ "section_start:x:build", { { "section", NULL } } },
	{ "[Pipeline] stage", { { "pipeline", "stage" }, { "stage", NULL } } },
	{ "[2025-10-29T10:45:34.123Z] [Pipeline] { (Build it)",
	  { { "pipeline", "{ (Build it)" }, { "stage", "Build it" } } },
	{ "[2025-10-29T10:45:34.123Z] level=error msg=x", { { "level", "error" } } },
	{ "[   12.345678] mmc0: error=5", { { "error", "5" } } },
	/* levels */
	{ "[ERROR] no disk", { { "level", "ERROR" } } },
	{ "[main] ERROR: no disk", { { "level", "ERROR" } } },
	{ "2025/10/29 10:45:34 [error] 7#7: *1 x", { { "level", "error" } } },
	{ "ERRORS found", { { "level", NULL } } },
	{ "an ERROR here", { { "level", NULL } } },
};

static void check(struct clsf__fields *f, const struct telling *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(clsf__fields_read(f, cases[i].line, strlen(cases[i].line)));
		assert_false(f->cut);
		for (const struct expectation *e = cases[i].fields; e->path; e++)
			if (!has(f, e->path, e->value))
				fail_msg("%s %s in: %s", e->path, e->value ? e->value : "(none)", cases[i].line);
	}
}

#define CHECK(f, table) check(f, table, sizeof(table) / sizeof(table[0]))

static void test_lines(void **state)
{
	struct reading *r = *state;
	CHECK(&r->fields, json);
	CHECK(&r->fields, logfmt);
	CHECK(&r->fields, programs);
}

static void test_order(void **state)
{
	struct reading *r = *state;
	struct clsf__fields *f = &r->fields;
	const char *line = "{\"level\":\"info\",\"log\":\"level=error msg=x\",\"level\":\"warn\"}";
	static const char *const levels[] = { "info", "warn", "error" };
	const char *value;
	size_t at = 0, length, n = 0;
	assert_true(clsf__fields_read(f, line, strlen(line)));
	for (; clsf__fields_find(f, "level", &at, &value, &length); n++) {
		assert_true(n < 3);
		assert_int_equal(length, strlen(levels[n]));
		assert_memory_equal(value, levels[n], length);
	}
	assert_int_equal(n, 3);
	assert_true(clsf__fields_read(f, "", 0));
	assert_int_equal(f->n, 0);
}

/* ---- paths ---- */

static void test_paths(void **state)
{
	static const struct {
		const char *path, *normal;
		size_t column;               /* where it is wrong, if there is no normal form */
	} cases[] = {
		{ "a", "a", 0 },
		{ ".a", "a", 0 },
		{ "a.b.c", "a.b.c", 0 },
		{ "a[0].b", "a.0.b", 0 },
		{ "a[10][2]", "a.10.2", 0 },
		{ "[0].a", "0.a", 0 },
		{ "a.0.b", "a.0.b", 0 },
		{ "a[\"b-c\"]", "a.b-c", 0 },
		{ "a[\"b.c d\"].e", "a.b.c d.e", 0 },
		{ ".a.\"b.c\"", "a.b.c", 0 },
		{ "\"a b\"", "a b", 0 },
		{ "a.\"say \\\"x\\\" \\u00e9\"", "a.say \"x\" \xc3\xa9", 0 },
		{ "a[]", "a.*", 0 },
		{ "a[].b[]", "a.*.b.*", 0 },
		{ "[]", "*", 0 },
		{ "a.*.b", "a.*.b", 0 },
		{ "@timestamp", "@timestamp", 0 },
		{ "app.kubernetes.io/name", "app.kubernetes.io/name", 0 },
		{ "caf\xc3\xa9.x", "caf\xc3\xa9.x", 0 },
		{ "", NULL, 0 },
		{ ".", NULL, 1 },
		{ "a.", NULL, 1 },
		{ "a..b", NULL, 2 },
		{ "..a", NULL, 1 },
		{ "a b", NULL, 1 },
		{ "a[", NULL, 1 },
		{ "a[0", NULL, 1 },
		{ "a[x]", NULL, 2 },
		{ "a[-1]", NULL, 2 },
		{ "a[01]", NULL, 2 },
		{ "a[0]b", NULL, 4 },
		{ "a[1234567890]", NULL, 2 },
		{ "a.[0]", NULL, 1 },
		{ "a]", NULL, 1 },
		{ "a\"b\"", NULL, 1 },
		{ "a.\"b", NULL, 2 },
		{ "a.\"\"", NULL, 2 },
		{ "a[\"b\"", NULL, 1 },
		{ "a[\"b]", NULL, 2 },
		{ "a.\"b\"c", NULL, 5 },
		{ "a['b']", NULL, 2 },
	};
	struct reading *r = *state;
	struct clsf__buffer out;
	clsf__buffer_init(&out, &r->allocator);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = cases[i].path, *normal = cases[i].normal;
		size_t column = 99;
		out.length = 0;
		clsf__buffer_addc(&out, '>');
		bool good = clsf__field_path(path, strlen(path), &out, &column);
		if (good != (normal != NULL))
			fail_msg("%s is %s", path, good ? "good" : "wrong");
		if (!good && (column != cases[i].column || out.length != 1))
			fail_msg("%s is wrong at %zu", path, column);
		if (good && (out.length != strlen(normal) + 1 || memcmp(out.data + 1, normal, out.length - 1) != 0))
			fail_msg("%s is %.*s", path, (int)out.length, out.data);
	}
	clsf__buffer_done(&out);
}

/* ---- limits ---- */

static void repeat(struct clsf__buffer *b, const char *piece, size_t times)
{
	for (size_t i = 0; i < times; i++)
		clsf__buffer_adds(b, piece);
}

static void test_limits(void **state)
{
	struct reading *r = *state;
	struct clsf__fields *f = &r->fields;
	struct clsf__buffer b;
	clsf__buffer_init(&b, &r->allocator);

	/* fields */
	repeat(&b, "a=1 ", CLSF__MAX_FIELDS);
	assert_true(clsf__fields_read(f, b.data, b.length));
	assert_int_equal(f->n, CLSF__MAX_FIELDS);
	assert_false(f->cut);
	clsf__buffer_adds(&b, "last=1");
	assert_true(clsf__fields_read(f, b.data, b.length));
	assert_int_equal(f->n, CLSF__MAX_FIELDS);
	assert_true(f->cut);

	b.length = 0;
	repeat(&b, "a=1\r", CLSF__MAX_FIELDS);
	assert_true(clsf__fields_read(f, b.data, b.length));
	assert_false(f->cut);
	clsf__buffer_adds(&b, "last=1");
	assert_true(clsf__fields_read(f, b.data, b.length));
	assert_true(f->cut);

	/* depth: the root is the first level */
	for (size_t depth = CLSF__MAX_FIELD_DEPTH; depth <= CLSF__MAX_FIELD_DEPTH + 1; depth++) {
		b.length = 0;
		repeat(&b, "{\"a\":", depth);
		clsf__buffer_adds(&b, "1");
		repeat(&b, "}", depth - 1);
		clsf__buffer_adds(&b, ",\"z\":\"after\"}");
		assert_true(clsf__fields_read(f, b.data, b.length));
		assert_int_equal(f->cut, depth > CLSF__MAX_FIELD_DEPTH);
		assert_true(has(f, "z", "after"));
	}

	/* a path */
	for (size_t length = CLSF__MAX_FIELD_PATH; length <= CLSF__MAX_FIELD_PATH + 1; length++) {
		b.length = 0;
		clsf__buffer_adds(&b, "{\"");
		repeat(&b, "k", length);
		clsf__buffer_adds(&b, "\":{\"x\":1},\"z\":\"after\"}");
		assert_true(clsf__fields_read(f, b.data, b.length));
		assert_true(f->cut);
		assert_true(has(f, "z", "after"));
		assert_int_equal(f->n, length > CLSF__MAX_FIELD_PATH ? 1 : 2);
	}

	/* a line */
	b.length = 0;
	clsf__buffer_adds(&b, "{\"a\":\"1\",\"b\":\"");
	repeat(&b, "x", CLSF__MAX_FIELD_LINE - b.length - 2);
	clsf__buffer_adds(&b, "\"}");
	assert_int_equal(b.length, CLSF__MAX_FIELD_LINE);
	assert_true(clsf__fields_read(f, b.data, b.length));
	assert_false(f->cut);
	assert_int_equal(f->n, 2);
	clsf__buffer_adds(&b, " ");
	assert_true(clsf__fields_read(f, b.data, b.length));
	assert_true(f->cut);
	clsf__buffer_done(&b);
}

/* ---- hostile input ---- */

static void read_exactly(struct clsf__fields *f, const char *text, size_t n)
{
	/* At the end of its own allocation, so that a sanitizer sees one byte too many. */
	char *exact = malloc(n ? n : 1);
	memcpy(exact, text, n);
	assert_true(clsf__fields_read(f, exact, n));
	free(exact);
	assert_true(f->n <= CLSF__MAX_FIELDS);
	for (size_t i = 0; i < f->n; i++) {
		assert_true(f->item[i].path + f->item[i].path_length <= f->text.length);
		assert_true(f->item[i].value + f->item[i].value_length <= f->text.length);
	}
}

static void cut_everywhere(struct clsf__fields *f, const struct telling *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t length = 0; length <= strlen(cases[i].line); length++)
			read_exactly(f, cases[i].line, length);
}

static void test_cut(void **state)
{
	struct reading *r = *state;
	cut_everywhere(&r->fields, json, sizeof(json) / sizeof(json[0]));
	cut_everywhere(&r->fields, logfmt, sizeof(logfmt) / sizeof(logfmt[0]));
	cut_everywhere(&r->fields, programs, sizeof(programs) / sizeof(programs[0]));
}

static void test_random(void **state)
{
	static const char *const pieces[] = {
		"{", "}", "[", "]", "\"", "\\", ":", ",", " ", "=", "\"msg\":", "\"log\":\"", "msg=\"", "a=b ",
		"\"a\":{", "[{", "null", "1", "-", "E1029 10:45:34.1 7 a.go:1] ", "ERRO[0012] ", "<34>1 ", "<3>",
		"2025-10-29T10:45:34Z ", "Oct 29 10:45:34 ", "host app[7]: ", "stdout F ", "- x - ERROR - ",
		"ERROR:root:", "[Pipeline] ", "{ (x)", "section_start:1:a", "\r", "\n", "\x1b[0m", "\\u", "\\ud83d",
		"KEY=", "MESSAGE=", "\xef\xbb\xbf", "\0", "\xff", "[x@1 a=\"b\"]",
	};
	struct reading *r = *state;
	uint64_t rng = 7;
	for (int round = 0; round < 60000; round++) {
		char line[1024];
		size_t n = 0;
		unsigned parts = random_below(&rng, 16);
		for (unsigned i = 0; i < parts; i++) {
			const char *piece = pieces[random_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];
			size_t length = *piece ? strlen(piece) : 1;
			memcpy(line + n, piece, length);
			n += length;
		}
		for (unsigned i = random_below(&rng, 3); n && i > 0; i--)
			line[random_below(&rng, (unsigned)n)] = (char)random_below(&rng, 256);
		read_exactly(&r->fields, line, n);
		struct clsf__buffer out;
		size_t column = 0;
		clsf__buffer_init(&out, &r->allocator);
		if (!clsf__field_path(line, n, &out, &column))
			assert_true(column <= n);
		clsf__buffer_done(&out);
	}
}

static void test_huge(void **state)
{
	static const char *const fills[] = {
		"[", "{", "{\"", "{\"a\":", "{\"a\":[", "\"", "\\", "a=", "a=\"", "a=b ", "{ ", "\r", "a\r", "\x1b[",
		"{\"log\":\"", "msg=\"", "[x] ", "<3>", "ERROR ", "{\"msg\":\"\\", "{\"a\":\"b\"} ", "\\\"",
	};
	enum { SIZE = 1 << 20 };
	struct reading *r = *state;
	char *line = malloc(SIZE);
	for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		for (size_t k = 0; k < SIZE; k++)
			line[k] = fills[i][k % strlen(fills[i])];
		read_exactly(&r->fields, line, SIZE);
		assert_true(r->fields.cut);
	}
	free(line);
}

/* JSON in JSON in JSON: each layer is a text, up to a limit. */
static void test_layers(void **state)
{
	struct reading *r = *state;
	struct clsf__buffer b, wrapped;
	clsf__buffer_init(&b, &r->allocator);
	clsf__buffer_init(&wrapped, &r->allocator);
	clsf__buffer_adds(&b, "level=error msg=x inner=yes");
	for (int layer = 1; layer <= 13; layer++) {
		wrapped.length = 0;
		clsf__buffer_addf(&wrapped, "{\"layer\":%d,\"log\":\"", layer);
		for (size_t i = 0; i < b.length; i++) {
			if (b.data[i] == '"' || b.data[i] == '\\')
				clsf__buffer_addc(&wrapped, '\\');
			clsf__buffer_addc(&wrapped, b.data[i]);
		}
		clsf__buffer_adds(&wrapped, "\"}");
		b.length = 0;
		clsf__buffer_add(&b, wrapped.data, wrapped.length);
		assert_true(clsf__fields_read(&r->fields, b.data, b.length));
		assert_int_equal(has(&r->fields, "inner", "yes"), layer < 12);
		assert_int_equal(r->fields.cut, layer >= 12);
	}
	clsf__buffer_done(&b);
	clsf__buffer_done(&wrapped);
}

/* Of prefixes one behind the other, what is behind the last that is looked at is the message. */
static void test_prefixes(void **state)
{
	struct reading *r = *state;
	struct clsf__buffer b;
	clsf__buffer_init(&b, &r->allocator);
	for (size_t n = 15; n <= 17; n++) {
		b.length = 0;
		repeat(&b, "[ERROR] ", n);
		clsf__buffer_adds(&b, "no disk");
		assert_true(clsf__fields_read(&r->fields, b.data, b.length));
		assert_int_equal(r->fields.n, n < 16 ? n : 16);
		assert_true(has(&r->fields, "level", "ERROR"));
	}
	clsf__buffer_done(&b);
}

/* ---- memory ---- */

struct ledger {
	size_t calls, live, fail_at;
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
	if (ledger->fail_at && ledger->calls >= ledger->fail_at)
		return NULL;
	void *p = realloc(pointer, size);
	if (p && !pointer)
		ledger->live++;
	return p;
}

static bool read_all(struct clsf__fields *f)
{
	bool good = true;
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		good &= clsf__fields_read(f, json[i].line, strlen(json[i].line));
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		good &= clsf__fields_read(f, programs[i].line, strlen(programs[i].line));
	return good;
}

static void test_memory(void **state)
{
	struct ledger ledger = { 0 };
	struct clsf_allocator allocator = { counting_reallocate, &ledger };
	struct clsf__fields f;
	(void)state;
	clsf__fields_init(&f, &allocator);
	assert_true(read_all(&f));
	size_t warm = ledger.calls;
	assert_true(warm > 5);
	assert_true(read_all(&f));
	assert_int_equal(ledger.calls, warm);
	clsf__fields_done(&f);
	assert_int_equal(ledger.live, 0);
	for (size_t n = 1; n <= warm; n++) {
		ledger = (struct ledger){ .fail_at = n };
		clsf__fields_init(&f, &allocator);
		assert_false(read_all(&f));
		/* What failed once works again when there is memory. */
		ledger.fail_at = 0;
		assert_true(read_all(&f));
		clsf__fields_done(&f);
		assert_int_equal(ledger.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_huge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_layers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefixes, setup, teardown),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
