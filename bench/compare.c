/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ours and its peers, side by side in one process over the same bytes in
 * memory. The peers take turns, round by round, so that a disturbance of the
 * machine meets all of them, and a ratio is always one of the same round.
 *
 * Time is the processor time of the process, whatever threads it may have:
 * nothing here waits, so on a quiet machine it equals the time on the wall, and
 * on a busy one it leaves out the neighbours' turns. Both are printed.
 *
 * usage: compare [--rules PATH] [--literals FILE] [--rounds N] [--seconds S] [--per-line FILE]
 *                [--check] EXPRESSIONS DATA PEER[=BYTES]...
 *
 * EXPRESSIONS and --literals are files with one expression, or literal, a line;
 * PEER=BYTES limits a slow peer to the first whole lines of that many bytes;
 * --seconds ends the rounds (after the first two) when so much time went by;
 * --per-line writes, for each line, how many hits the last peer had on it;
 * --check fails unless all peers report the very same (expression, line) pairs.
 */

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <classify/classify.h>

#define MAX_PEERS 16
#define MAX_ROUNDS 99

void *peer_must(void *pointer)
{
	if (!pointer) {
		fprintf(stderr, "compare: out of memory\n");
		exit(2);
	}
	return pointer;
}

static double seconds_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- ours ---- */

struct ours {
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	struct clsf_stream *stream;
	struct peer_hits *hits;
};

static int on_match(const struct clsf_match *match, void *user)
{
	struct ours *o = user;
	/* The generated rules are named bench-00042; the shipped ones have no number. */
	const char *digits = strncmp(match->rule->id, "bench-", 6) == 0 ? match->rule->id + 6 : "0";
	peer_hit(o->hits, strtoul(digits, NULL, 10), match->line.number - 1);
	return 0;
}

static void ours_close(void *state)
{
	struct ours *o = state;
	clsf_stream_free(o->stream);
	clsf_worker_free(o->worker);
	clsf_ruleset_unref(o->ruleset);
	free(o);
}

static void *ours_open_with(const struct peer_input *input, int no_unwrap, size_t *ret_taken)
{
	struct ours *o = peer_must(calloc(1, sizeof(*o)));
	struct clsf_error error = { 0 };
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = on_match;
	options.user = o;
	options.no_unwrap = no_unwrap;
	if (!input->rules) {
		fprintf(stderr, "compare: ours needs --rules\n");
	} else if (clsf_ruleset_load(input->rules, &o->ruleset, &error) ||
	           clsf_worker_new(o->ruleset, NULL, &o->worker) ||
	           clsf_stream_new(o->ruleset, &options, &o->stream)) {
		fprintf(stderr, "compare: %s: %s\n", input->rules, error.message);
	} else {
		*ret_taken = clsf_ruleset_count(o->ruleset);
		return o;
	}
	ours_close(o);
	return NULL;
}

static void *ours_open(const struct peer_input *input, size_t *ret_taken)
{
	return ours_open_with(input, 0, ret_taken);
}

static void *ours_raw_open(const struct peer_input *input, size_t *ret_taken)
{
	return ours_open_with(input, 1, ret_taken);
}

static int ours_scan(void *state, const char *data, size_t length, struct peer_hits *hits)
{
	struct ours *o = state;
	const struct clsf_verdict *verdict;
	o->hits = hits;
	clsf_stream_reset(o->stream);
	int result = clsf_stream_feed(o->stream, o->worker, data, length);
	if (result == 0)
		result = clsf_stream_finish(o->stream, o->worker, &verdict);
	if (result) {
		fprintf(stderr, "compare: ours: %s\n", clsf_strerror(result));
		return -1;
	}
	return 0;
}

/* ---- no engine: how fast lines can be found at all ---- */

static void *lines_open(const struct peer_input *input, size_t *ret_taken)
{
	*ret_taken = 0;
	return (void *)(uintptr_t)input;
}

static int lines_scan(void *state, const char *data, size_t length, struct peer_hits *hits)
{
	(void)state;
	for (const char *at = data; (at = memchr(at, '\n', (size_t)(data + length - at))) != NULL; at++)
		hits->n++;
	return 0;
}

static void lines_close(void *state)
{
	(void)state;
}

static const struct peer peer_ours = {
	"ours", "(rule, line)", ours_open, ours_scan, ours_close,
};
static const struct peer peer_ours_raw = {
	"ours-raw", "(rule, line)", ours_raw_open, ours_scan, ours_close,
};
static const struct peer peer_lines = {
	"lines", "lines", lines_open, lines_scan, lines_close,
};

static const struct peer *const peers[] = {
	&peer_ours,
	&peer_ours_raw,
	&peer_hs,
	&peer_hs_single,
	&peer_hs_literals,
	&peer_hs_lines,
	&peer_pcre2,
#ifdef HAVE_RE2
	&peer_re2,
#endif
	&peer_lines,
};

static const struct peer *find_peer(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
		if (strlen(peers[i]->name) == length && memcmp(peers[i]->name, name, length) == 0)
			return peers[i];
	fprintf(stderr, "compare: no peer '%.*s'\n", (int)length, name);
	exit(2);
}

/* ---- the comparison ---- */

struct contest {
	const struct peer *peer;
	void *state;
	size_t taken;
	size_t length;
	size_t rounds;
	double compile_cpu;
	double cpu[MAX_ROUNDS], wall[MAX_ROUNDS];
	struct peer_hits hits;       /* of one round; every round has to have the same */
};

static char *read_all(const char *path, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status)) {
		fprintf(stderr, "compare: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	size_t length = (size_t)status.st_size, at = 0;
	char *data = peer_must(malloc(length + 1));
	while (at < length) {
		ssize_t n = read(fd, data + at, length - at);
		if (n <= 0) {
			fprintf(stderr, "compare: %s: cannot be read\n", path);
			exit(2);
		}
		at += (size_t)n;
	}
	close(fd);
	data[length] = '\0';
	*ret_length = length;
	return data;
}

/* Cuts the text into lines in place. */
static const char **split_lines(char *text, size_t *ret_n)
{
	size_t n = 0, capacity = 0;
	const char **lines = NULL;
	for (char *at = text; *at;) {
		char *end = at + strcspn(at, "\n");
		if (n == capacity) {
			capacity = capacity ? 2 * capacity : 1024;
			lines = peer_must(realloc(lines, capacity * sizeof(*lines)));
		}
		lines[n++] = at;
		at = *end ? end + 1 : end;
		*end = '\0';
	}
	*ret_n = n;
	return lines;
}

static uint64_t count_lines(const char *data, size_t length)
{
	struct peer_hits hits = { 0 };
	lines_scan(NULL, data, length, &hits);
	return hits.n + (length && data[length - 1] != '\n');
}

static void run_round(struct contest *c, const char *data)
{
	struct peer_hits hits = { 0 };
	double wall = seconds_of(CLOCK_MONOTONIC);
	double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	if (c->peer->scan(c->state, data, c->length, &hits))
		exit(1);
	c->cpu[c->rounds] = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	c->wall[c->rounds] = seconds_of(CLOCK_MONOTONIC) - wall;
	if (c->rounds > 0 && (hits.n != c->hits.n || hits.sum != c->hits.sum)) {
		fprintf(stderr, "compare: %s found something else the second time\n", c->peer->name);
		exit(1);
	}
	c->hits = hits;
	c->rounds++;
}

static void print_numbers(const char *name, const double *values, size_t n)
{
	printf(", \"%s\": [", name);
	for (size_t i = 0; i < n; i++)
		printf("%s%.6f", i ? ", " : "", values[i]);
	printf("]");
}

static void write_per_line(const struct contest *c, const char *data, const char *path)
{
	struct peer_hits hits = { .n_lines = count_lines(data, c->length) };
	hits.per_line = peer_must(calloc(hits.n_lines + 1, 1));
	FILE *file = fopen(path, "w");
	if (!file || c->peer->scan(c->state, data, c->length, &hits)) {
		fprintf(stderr, "compare: %s could not be written\n", path);
		exit(1);
	}
	for (size_t i = 0; i < hits.n_lines; i++)
		fprintf(file, "%d\n", hits.per_line[i]);
	if (fclose(file)) {
		fprintf(stderr, "compare: %s could not be written\n", path);
		exit(1);
	}
	free(hits.per_line);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "literals", required_argument, NULL, 'L' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "per-line", required_argument, NULL, 'l' },
		{ "check", no_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct peer_input input = { 0 };
	size_t rounds = 1;
	double limit = 1e9;
	const char *per_line = NULL, *literal_path = NULL;
	bool check = false;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'r')
			input.rules = optarg;
		else if (c == 'L')
			literal_path = optarg;
		else if (c == 'n')
			rounds = strtoul(optarg, NULL, 10);
		else if (c == 's')
			limit = strtod(optarg, NULL);
		else if (c == 'l')
			per_line = optarg;
		else if (c == 'c')
			check = true;
		else
			return 2;
	}
	int n_peers = argc - optind - 2;
	if (n_peers < 1 || n_peers > MAX_PEERS || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: compare [OPTION]... EXPRESSIONS DATA PEER[=BYTES]...\n");
		return 2;
	}
	size_t length;
	char *list = read_all(argv[optind], &length);
	const char **expressions = split_lines(list, &input.n);
	input.expressions = expressions;
	char *literal_list = literal_path ? read_all(literal_path, &length) : NULL;
	const char **literals = literal_list ? split_lines(literal_list, &input.n_literals) : NULL;
	input.literals = literals;
	char *data = read_all(argv[optind + 1], &length);

	static struct contest contests[MAX_PEERS];
	for (int i = 0; i < n_peers; i++) {
		struct contest *c = &contests[i];
		const char *name = argv[optind + 2 + i];
		size_t name_length = strcspn(name, "=");
		c->peer = find_peer(name, name_length);
		c->length = length;
		if (name[name_length] == '=') {
			size_t most = strtoul(name + name_length + 1, NULL, 10);
			const char *newline = most < length ? memrchr(data, '\n', most) : NULL;
			c->length = newline ? (size_t)(newline - data) + 1 : length;
		}
		double begun = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
		c->state = c->peer->open(&input, &c->taken);
		if (!c->state)
			return 1;
		c->compile_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - begun;
	}
	/* One unmeasured round over a part: caches warm, lazily built automata built, memory touched. */
	for (int i = 0; i < n_peers; i++) {
		struct peer_hits hits = { 0 };
		size_t part = contests[i].length < 4 * PEER_BLOCK ? contests[i].length : 4 * PEER_BLOCK;
		if (contests[i].peer->scan(contests[i].state, data, part, &hits))
			return 1;
	}
	double begun = seconds_of(CLOCK_MONOTONIC);
	for (size_t r = 0; r < rounds; r++) {
		if (r >= 2 && seconds_of(CLOCK_MONOTONIC) - begun > limit)
			break;
		for (int i = 0; i < n_peers; i++)
			run_round(&contests[i], data);
	}
	int result = 0;
	for (int i = 0; i < n_peers; i++) {
		const struct contest *c = &contests[i];
		printf("{\"peer\": \"%s\", \"counts\": \"%s\", \"expressions\": %zu, \"bytes\": %zu, "
		       "\"lines\": %llu, \"hits\": %llu, \"compile\": %.4f",
		       c->peer->name, c->peer->counts, c->taken, c->length,
		       (unsigned long long)count_lines(data, c->length), (unsigned long long)c->hits.n,
		       c->compile_cpu);
		print_numbers("cpu", c->cpu, c->rounds);
		print_numbers("wall", c->wall, c->rounds);
		printf("}\n");
		if (check && (c->hits.n != contests[0].hits.n || c->hits.sum != contests[0].hits.sum)) {
			fprintf(stderr, "compare: %s has %llu hits and %s has %llu, or others\n",
			        contests[0].peer->name, (unsigned long long)contests[0].hits.n,
			        c->peer->name, (unsigned long long)c->hits.n);
			result = 1;
		}
	}
	if (per_line)
		write_per_line(&contests[n_peers - 1], data, per_line);
	for (int i = 0; i < n_peers; i++)
		contests[i].peer->close(contests[i].state);
	free(expressions);
	free(list);
	free(literals);
	free(literal_list);
	free(data);
	return result;
}
