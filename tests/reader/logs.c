/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads files with the reader library and writes what it says to standard
 * output, record by record, for the tests in this folder: a letter, two texts,
 * each before a NUL, and a length in decimal digits before a line's end; then
 * as many bytes. L begins a log, D is data of it, E its end or failure, R a
 * remark, N a failure to find the next, O one to open, P the position, M the
 * memory that was used at most, S that SIGUSR1 interrupted a call, which is
 * then made again.
 *
 * usage: logs [OPTION VALUE]... [--] PATH...      "-" is standard input
 */

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <classify/reader.h>

static bool quiet;               /* data is counted, and not written */

static void put(char letter, const char *first, const char *second, const void *data, size_t length)
{
	putchar(letter);
	fwrite(first, 1, strlen(first) + 1, stdout);
	fwrite(second, 1, strlen(second) + 1, stdout);
	printf("%zu\n", quiet && letter == 'D' ? (size_t)0 : length);
	if (length && !(quiet && letter == 'D'))
		fwrite(data, 1, length, stdout);
}

static void put_code(char letter, int code, const char *message)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", code);
	put(letter, number, message, "", 0);
}

static void put_number(char letter, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	put(letter, text, "", "", 0);
}

static void on_remark(enum clsf_remark what, const char *name, const char *why, void *user)
{
	char number[16];
	(void)user;
	snprintf(number, sizeof(number), "%d", (int)what);
	put('R', number, name, why, strlen(why));
}

static void on_signal(int number)
{
	(void)number;
}

/* Whether the call is to be made again. */
static bool interrupted(int code)
{
	if (code != CLSF_E_BUSY)
		return false;
	put('S', "", "", "", 0);
	fflush(stdout);
	return true;
}

static void read_log(struct clsf_reader *reader)
{
	struct clsf_error err = { 0 };
	const void *data;
	size_t length;
	uint64_t total = 0;
	int code;
	while ((code = clsf_reader_read(reader, &data, &length, &err)) == 0 || interrupted(code)) {
		char size[24];
		if (code)
			continue;
		total += length;
		snprintf(size, sizeof(size), "%zu", length);
		put('D', size, "", data, length);
		/* A record is to be seen while its writer waits. */
		if (!quiet)
			fflush(stdout);
	}
	put_code('E', code, err.message);
	if (quiet)
		put_number('B', total);
	/* What was answered once is answered again. */
	if (clsf_reader_read(reader, &data, &length, NULL) != code)
		abort();
}

static void read_all(struct clsf_reader *reader, bool skip, bool leave)
{
	struct clsf_error err = { 0 };
	const struct clsf_member *member;
	int code;
	uint64_t position = 0;
	while ((code = clsf_reader_next(reader, &member, &err)) == 0 || interrupted(code)) {
		char mtime[24] = "";
		if (code)
			continue;
		if (member->has_mtime)
			snprintf(mtime, sizeof(mtime), "%" PRId64, member->mtime);
		put('L', member->name, mtime, "", 0);
		if (!skip)
			read_log(reader);
		if (leave)
			return;
		if (clsf_reader_position(reader) < position)
			abort();
		position = clsf_reader_position(reader);
	}
	if (code != CLSF_STOPPED)
		put_code('N', code, err.message);
	put_number('P', clsf_reader_position(reader));
	/* Behind the last there is none. */
	if (clsf_reader_next(reader, &member, NULL) != CLSF_STOPPED)
		abort();
}

/* In KiB, since this program began: rusage counts what its parent had, too. */
static uint64_t most_memory(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	uint64_t most = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmHWM:", 6) == 0)
			most = strtoull(line + 6, NULL, 10);
	}
	if (file)
		fclose(file);
	return most;
}

int main(int argc, char **argv)
{
	struct clsf_reader_options options = CLSF_READER_OPTIONS_INIT;
	struct clsf_reader *reader = NULL;
	struct clsf_error err = { 0 };
	bool again = false, skip = false, leave = false;
	int i = 1;
	options.on_remark = on_remark;
	/* Without SA_RESTART. */
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i += 2) {
		const char *name = argv[i] + 2;
		uint64_t value = strtoull(argv[i + 1], NULL, 10);
		if (strcmp(name, "ahead") == 0)
			options.ahead = (int)value;
		else if (strcmp(name, "depth") == 0)
			options.max_depth = (uint32_t)value;
		else if (strcmp(name, "members") == 0)
			options.max_members = (uint32_t)value;
		else if (strcmp(name, "ratio") == 0)
			options.max_ratio = (uint32_t)value;
		else if (strcmp(name, "member-bytes") == 0)
			options.max_member_bytes = value;
		else if (strcmp(name, "total-bytes") == 0)
			options.max_total_bytes = value;
		else if (strcmp(name, "again") == 0)
			again = value;
		else if (strcmp(name, "skip") == 0)
			skip = value;
		else if (strcmp(name, "leave") == 0)
			leave = value;
		else if (strcmp(name, "quiet") == 0)
			quiet = value;
		else
			return 2;
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	for (; i < argc; i++) {
		int code;
		if (strcmp(argv[i], "-") == 0) {
			clsf_reader_free(reader);
			reader = NULL;
			code = clsf_reader_open_fd(STDIN_FILENO, "-", &options, &reader, &err);
		} else if (again && reader) {
			code = clsf_reader_reopen(reader, argv[i], &err);
		} else {
			clsf_reader_free(reader);
			reader = NULL;
			code = clsf_reader_open(argv[i], &options, &reader, &err);
		}
		if (code)
			put_code('O', code, err.message);
		else
			read_all(reader, skip, leave);
	}
	clsf_reader_free(reader);
	put_number('M', most_memory());
	return 0;
}
