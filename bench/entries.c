/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many separate entries cost: the lines of a log, taken in each of the ways
 * that a program has, by turns. Prints a line for each: its name, seconds of
 * processor time, and matches.
 *
 *     entries RULES LOG ROUNDS
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <classify/classify.h>

static struct clsf_ruleset *ruleset;
static struct clsf_worker *worker;
static struct clsf_entry *entries;
static size_t n_entries;
static char *text;
static size_t length;
static unsigned long long matches;

static void check(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "entries: %s: %s\n", what, clsf_strerror(result));
		exit(2);
	}
}

static int on_entry(size_t index, const struct clsf_match *match, void *user)
{
	(void)index;
	(void)match;
	(void)user;
	matches++;
	return 0;
}

static int on_match(const struct clsf_match *match, void *user)
{
	return on_entry(0, match, user);
}

static struct clsf_stream *new_stream(clsf_match_fn told)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct clsf_stream *stream;
	options.on_match = told;
	check(clsf_stream_new(ruleset, &options, &stream), "stream");
	return stream;
}

/* Each a log of its own, in one call. */
static void run_bulk(void)
{
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	options.on_match = on_entry;
	check(clsf_scan_lines(worker, NULL, entries, n_entries, &options), "bulk");
}

/* Each a log of its own, one call each. */
static void run_single(void)
{
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	options.on_match = on_entry;
	for (size_t i = 0; i < n_entries; i++)
		check(clsf_scan_lines(worker, NULL, &entries[i], 1, &options), "single");
}

/* All of them lines of one log, in one call. */
static void run_appended(void)
{
	struct clsf_lines_options options = CLSF_LINES_OPTIONS_INIT;
	struct clsf_stream *stream = new_stream(NULL);
	options.on_match = on_entry;
	check(clsf_scan_lines(worker, stream, entries, n_entries, &options), "appended");
	clsf_stream_free(stream);
}

/* What there is without such a call: a stream that is used again for each. */
static void run_logs(void)
{
	struct clsf_stream *stream = new_stream(on_match);
	const struct clsf_verdict *verdict;
	for (size_t i = 0; i < n_entries; i++) {
		check(clsf_stream_feed(stream, worker, entries[i].data, entries[i].length), "logs");
		check(clsf_stream_finish(stream, worker, &verdict), "logs");
		clsf_stream_reset(stream);
	}
	clsf_stream_free(stream);
}

/* The bytes as they lie there: nothing could be faster. */
static void run_buffer(void)
{
	struct clsf_stream *stream = new_stream(on_match);
	check(clsf_stream_feed(stream, worker, text, length), "buffer");
	clsf_stream_free(stream);
}

static const struct way {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "bulk", run_bulk }, { "single", run_single }, { "appended", run_appended }, { "logs", run_logs },
	{ "buffer", run_buffer },
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_log(const char *path)
{
	FILE *file = fopen(path, "rb");
	long size = -1;
	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size <= 0 || fseek(file, 0, SEEK_SET) != 0 || !(text = malloc((size_t)size)) ||
	    fread(text, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		exit(2);
	}
	fclose(file);
	length = (size_t)size;
	for (size_t i = 0; i < length; i++)
		n_entries += text[i] == '\n';
	if (!(entries = calloc(n_entries + 1, sizeof(*entries))))
		exit(2);
	char *line = text;
	for (size_t i = 0; i < n_entries; i++) {
		char *end = memchr(line, '\n', length - (size_t)(line - text));
		entries[i] = (struct clsf_entry){ .data = line, .length = (size_t)(end - line) };
		line = end + 1;
	}
	length = (size_t)(line - text);
}

int main(int argc, char **argv)
{
	struct clsf_error error = { 0 };
	if (argc != 4) {
		fprintf(stderr, "usage: entries RULES LOG ROUNDS\n");
		return 2;
	}
	if (clsf_ruleset_load(argv[1], &ruleset, &error) != 0) {
		fprintf(stderr, "entries: %s\n", error.message);
		return 2;
	}
	check(clsf_worker_new(ruleset, NULL, &worker), "worker");
	read_log(argv[2]);
	printf("entries %zu %zu\n", n_entries, length);
	for (unsigned long round = strtoul(argv[3], NULL, 10) + 1; round-- > 0;) {
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			matches = 0;
			double begun = now();
			ways[i].run();
			double took = now() - begun;
			/* The first round only warms up: memory, and code that is compiled when it is first needed. */
			if (round != strtoul(argv[3], NULL, 10))
				printf("%s %.6f %llu\n", ways[i].name, took, matches);
		}
	}
	free(entries);
	free(text);
	clsf_worker_free(worker);
	clsf_ruleset_unref(ruleset);
	return 0;
}
