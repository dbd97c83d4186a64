/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 3: the message of a line inside each wrapper, and stacks of them. */

#include "../../libclassify/unwrap.h"
#include "support.h"

struct unwrapping {
	struct clsf_allocator allocator;
	struct clsf__messages messages;
};

static int setup(void **state)
{
	static struct unwrapping u;
	u.allocator = clsf__allocator(NULL);
	clsf__messages_init(&u.messages, &u.allocator);
	*state = &u;
	return 0;
}

static int teardown(void **state)
{
	struct unwrapping *u = *state;
	clsf__messages_done(&u->messages);
	return 0;
}

static bool has_message(struct unwrapping *u, const char *line, const char *message)
{
	assert_true(clsf__unwrap(&u->messages, line, strlen(line)));
	for (size_t i = 0; i < u->messages.n; i++)
		if (u->messages.item[i].length == strlen(message) &&
		    memcmp(clsf__message_text(&u->messages, line, i), message, strlen(message)) == 0)
			return true;
	return false;
}

/* %s is where the message stands, as its wrapper writes it. */
static const char *const wrappers[] = {
	"%s",
	"2026-11-20T07:25:52.251416760Z %s",
	"2026-11-20T07:25:52.251416760Z stderr F %s",
	"2026-11-20T07:25:52+01:00 stdout P %s",
	"2026-11-20T07:25:52.251416Z 00E %s",
	"2026-11-20T07:25:52.251416Z 01O+%s",
	"{\"log\":\"%s\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-20T07:25:52Z\"}",
	"{\"level\":\"error\",\"msg\":\"%s\",\"time\":\"2026-11-20T07:25:52Z\"}",
	"{\"ts\":1.5,\"nested\":{\"a\":[1,{\"msg\":\"no\"}]},\"message\":\"%s\"}",
	"{\"PRIORITY\":\"3\",\"MESSAGE\":\"%s\"}",
	"{\"level\":\"error\",\"msg\":\"reconcile\",\"error\":\"%s\"}",
	"time=\"2026-11-20T07:25:52Z\" level=error msg=\"%s\"",
	"time=2026-11-20T07:25:52Z level=error msg=\"%s\" component=x",
	"ts=2026-11-20T07:25:52Z caller=main.go:1 level=warn err=\"%s\"",
	"ERRO[0012] %s",
	"INFO[2026-11-20T07:25:52Z] %s",
	"\x1b[31mERRO\x1b[0m[0012] %s",
	"[31mERRO[0m[0012] %s",
	"\xef\xbf\xbd[31mERRO\xef\xbf\xbd[0m[0012] %s",
	"\x1b[31;1m%s\x1b[0;m",
	"\x1b]8;;http://x.example\x1b\\%s\x1b]8;;\x1b\\",
	"E0323 20:23:21.609447      22 aws_credentials.go:100] %s",
	"Nov 20 07:25:52 node1 kubelet[812]: %s",
	"Nov  2 07:25:52 node1 systemd: %s",
	"2026-11-20T07:25:52.1+00:00 node1 kernel: %s",
	"<11>1 2026-11-20T07:25:52Z %s",
	"<3>%s",
	"[build-and-push] %s",
	"[build-image : build-and-push] %s",
	"[pod/build-7f9c4-xk2lq/kaniko] %s",
	"builder-1  | %s",
	"2026-11-20 07:25:52,251 - builder.main - ERROR - %s",
	"2026-11-20 07:25:52,251 platform:x86_64 - builder.main - ERROR - %s",
	"2026-11-20 07:25:52,251 platform:- - builder.main - INFO - %s",
	"2026-11-20 07:25:52,251 ERROR %s",
	"2026-11-20 07:25:52 [ERROR] %s",
	"[2026-11-20T07:25:52.251Z] %s",
	"07:25:52  %s",
	"2026/11/20 07:25:52 %s",
	"#9 0.157 %s",
	"Step #1 - \"build\": %s",
	"##[error]%s",
	"::error file=a.c,line=3::%s",
	"\xe2\x94\x82 %s",
	"section_start:1763620000:build\r\x1b[0K%s",
	"10%%\r50%%\r%s",
	"\xef\xbb\xbf%s",
	"2026-11-20T07:25:52Z {\"log\":\"time=\\\"x\\\" level=error msg=\\\"%s\\\"\\n\",\"stream\":\"stderr\"}",
	"Nov 20 07:25:52 node1 app[1]: 2026-11-20T07:25:52Z stderr F [a : b] ERRO[0001] %s",
	"2026-11-20T07:25:52.2Z 00E \x1b[36m[build-and-push]\x1b[0m E0323 20:23:21.6 2 a.go:1] %s",
	/* What tools print that show the logs of a service: columns, labels, names of pods. */
	"build\tRun make all\t2026-11-20T07:25:52.4023456Z %s",
	"build (ubuntu-22.04, 3.11)\tUNKNOWN STEP\t\357\273\2772026-11-20T07:25:52.4023456Z %s",
	"1763623552000\t2026-11-20T07:25:52.402Z\t%s",
	"2026-11-20T07:25:52Z {app=\"x\", pod=\"y-1\"} %s",
	"{\"labels\":{\"app\":\"x\",\"pod\":\"y-1\"},\"line\":\"%s\",\"timestamp\":\"2026-11-20T07:25:52Z\"}",
	"api-7d9f8c6b5-x2x4z builder %s",
	"prod api-7d9f8c6b5-x2x4z builder %s",
	"api-7d9f8c6b5-x2x4z \xe2\x80\xba builder %s",
	"\x1b[38;5;3mapi-7d9f8c6b5-x2x4z\x1b[0m \x1b[38;5;2mbuilder\x1b[0m %s",
	"postgres-0 postgres %s",
	"prod/api-7d9f8c6b5-x2x4z[builder]: %s",
	"build-x7k2p-step-1234567890: %s",
	"[pod/api-7d9f8c6b5-x2x4z/builder] 2026-11-20T07:25:52.402345678Z %s",
	"api-1  | 2026-11-20T07:25:52.402345678Z %s",
	"EVENTS\t1763623552000\t%s\t1763623552000",
	"2026-11-20T07:25:52.402000+00:00 ecs/builder/0b1c2d3e4f5a6b7c %s",
	"2026-11-20T07:25:52.402000+00:00 2026/11/20/[$LATEST]0b1c2d3e4f5a %s",
	"{\"timestamp\":1763623552000,\"message\":\"%s\",\"ingestionTime\":1763623552001}",
	"            \"message\": \"%s\",",
	"{\"textPayload\":\"%s\",\"severity\":\"ERROR\"}",
	"{\"insertId\":\"a\",\"jsonPayload\":{\"level\":\"error\",\"message\":\"%s\"}}",
	"Nov 20 07:25:52.123456 node-1 builder[123]: %s",
	"<34>1 2026-11-20T07:25:52Z node-1 builder 123 ID47 [a@1 b=\"c ]\"] %s",
	"<34>1 2026-11-20T07:25:52Z node-1 builder - - - %s",
	"[  131.200300] %s",
	"2026-11-20T07:25:52.123456+00:00 app[web.1]: %s",
	/* Continuous integration. */
	"\x1b_bk;t=1763623552000\x07%s",
	"_bk;t=1763623552000\x07%s",
	"2026-11-20T07:25:52.4023456Z ##[error]%s",
	"[{\"message\":\"done\\r\\n%s\\r\\n\",\"type\":\"out\"}]",
	"[{\"pos\":0,\"out\":\"a\\n\"},{\"pos\":1,\"out\":\"%s\\n\"}]",
	"12.345 %s",
	"[Container] 2026/11/20 07:25:52.123456 %s",
	"[07:25:52]W:\t [Step 1/2] %s",
	"[2026-11-20, 07:25:52 UTC] {subprocess.py:93} INFO - %s",
	"2026-11-20 07:25:52.123456 | node-1 | %s",
	"              ./api+build | %s",
	"2:25:52 PM: %s",
	"@acme/api:build: %s",
	"packages/api build: %s",
	"2026-11-20T07:25:52.123Z,\"%s\"",
	/* Tools that print what others say. */
	"DEBUG util.py:459:  %s",
	"upgrade.go:484: 2026-11-20 07:25:52.019401 +0100 CET m=+301.220144 [debug] %s",
	"fatal: [build-02]: FAILED! => {\"changed\": true, \"rc\": 1, \"stderr\": \"%s\", \"stdout\": \"\"}",
	"fatal: [build-02]: UNREACHABLE! => {\"changed\": false, \"msg\": \"%s\", \"unreachable\": true}",
};

/* What looks like a prefix and belongs to the message: nothing may be taken off these. */
static const char *const bare[] = {
	"utf-8 codec can't decode byte 0xff",
	"pre-commit hook failed: exit 1",
	"file-1 missing in archive",
	"sha-256 digest does not match",
	"error: push: denied",
	"app/models user.py is gone",
	"a/b: x",
	"job 123e4567-e89b-12d3-a456-426614174000 was lost",
	"   12 | int main(void)",
	"      |     ^~~~",
	"  File \"a.py\", line 1, in <module>",
	"1.5 GiB are free",
	"[ 50%] Building C object a.c.o",
	"{a: b}",
	"docker.io/library/alpine:3.19: not found",
};

static void test_bare(void **state)
{
	struct unwrapping *u = *state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		assert_true(clsf__unwrap(&u->messages, bare[i], strlen(bare[i])));
		if (u->messages.n != 1 || u->messages.item[0].length != strlen(bare[i]))
			fail_msg("a part was taken for a prefix: %s", bare[i]);
	}
}

static void test_wrappers(void **state)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		char line[1024];
		const char *message = "failed to push: HEAD /v2/: 503";
		const char *mark = strstr(wrappers[i], "%s");
		snprintf(line, sizeof(line), "%.*s%s%s", (int)(mark - wrappers[i]), wrappers[i], message, mark + 2);
		if (!has_message(*state, line, message))
			fail_msg("no message in: %s", line);
	}
}

static void test_escapes(void **state)
{
	assert_true(has_message(*state, "level=error msg=\"open \\\"a b\\\": denied\\tnow\"",
	                        "open \"a b\": denied\tnow"));
	assert_true(has_message(*state, "{\"msg\":\"caf\\u00e9 \\ud83d\\ude00 \\/ \\\\\"}",
	                        "caf\xc3\xa9 \xf0\x9f\x98\x80 / \\"));
	assert_true(has_message(*state, "{\"msg\":\"half \\ud83d pair\"}", "half \xef\xbf\xbd pair"));
	/* Several lines in one value are several messages. */
	assert_true(has_message(*state, "{\"log\":\"first\\r\\nsecond line\\n\"}", "first"));
	assert_true(has_message(*state, "{\"log\":\"first\\r\\nsecond line\\n\"}", "second line"));
	/* JSON in JSON. */
	assert_true(has_message(*state, "{\"log\":\"{\\\"msg\\\":\\\"say \\\\\\\"no\\\\\\\"\\\"}\\n\"}", "say \"no\""));
}

static void test_levels(void **state)
{
	struct unwrapping *u = *state;
	static const struct {
		const char *line;
		enum clsf__level level;
	} cases[] = {
		{ "no level here", CLSF__LEVEL_NONE },
		{ "INFO[0001] x", CLSF__LEVEL_INFO },
		{ "WARN[0001] x", CLSF__LEVEL_WARN },
		{ "time=x level=warning msg=y", CLSF__LEVEL_WARN },
		{ "{\"level\":\"debug\",\"msg\":\"y\"}", CLSF__LEVEL_DEBUG },
		{ "W0323 20:23:21.6 2 a.go:1] x", CLSF__LEVEL_WARN },
		{ "[ERROR] x", CLSF__LEVEL_ERROR },
		{ "WARNING: Retrying", CLSF__LEVEL_WARN },
		{ "error: x", CLSF__LEVEL_ERROR },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(clsf__unwrap(&u->messages, cases[i].line, strlen(cases[i].line)));
		assert_int_equal(u->messages.level, cases[i].level);
	}
}

/* Bytes of any kind neither crash nor run away; under a sanitizer this looks for overruns. */
static void test_random(void **state)
{
	struct unwrapping *u = *state;
	static const char *const pieces[] = {
		"{", "}", "\"", "\\", "\"msg\":", "\"log\":\"", "msg=\"", "time=", "[", "]", "\x1b", "\x1b[", "\x1b]",
		"\r", " ", "E0323 20:23:21.6", "2026-11-20T07:25:52", "INFO[", "#9 ", "::", "##[", "<1", "Step #", "|",
		"\\u", "\\ud83d", "\\x", "Nov 20 07:25:52", "a", ":", "=", "-", "\xef\xbb\xbf", "\0",
		"\t", "EVENTS\t", "1763623552000", "api-7d9f8c6b5-x2x4z", "\xe2\x80\xba ", "ecs/a/0b1c2d3e4f5a",
		"_bk;t=", "\x1b_", "[{\"out\":\"", "@a/b:build: ", "+b | ", "[  1", "{a=\"b\"} ", "12.345 ",
		"{x.py:1} ", ",", "[$LATEST]", "<34>1 2026-11-20T07:25:52Z a b ", "[07:25:52]", "PM",
	};
	uint64_t rng = 5;
	for (int round = 0; round < 30000; round++) {
		char line[512];
		size_t n = 0;
		unsigned parts = random_below(&rng, 14);
		for (unsigned i = 0; i < parts; i++) {
			const char *piece = pieces[random_below(&rng, sizeof(pieces) / sizeof(pieces[0]))];
			size_t length = *piece ? strlen(piece) : 1;
			memcpy(line + n, piece, length);
			n += length;
		}
		/* At the end of its own allocation, so that a sanitizer sees one byte too many. */
		char *exact = malloc(n ? n : 1);
		memcpy(exact, line, n);
		assert_true(clsf__unwrap(&u->messages, exact, n));
		for (size_t i = 0; i < u->messages.n; i++) {
			size_t limit = u->messages.item[i].decoded ? u->messages.decoded.length : n;
			assert_true(u->messages.item[i].at + u->messages.item[i].length <= limit);
		}
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wrappers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bare, setup, teardown),
		cmocka_unit_test_setup_teardown(test_escapes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
