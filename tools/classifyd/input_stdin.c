/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input as a source: its lines are one stream, which ends when it does, and the daemon
 * with it.
 */

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "cutter.h"
#include "inputs.h"
#include "log.h"
#include "print.h"
#include "push.h"
#include "sender.h"

#define READ_SIZE ((size_t)64 * 1024)
#define SECOND UINT64_C(1000000000)

static struct {
	const struct config *config;
	pthread_t thread;
	struct intake intake;
	struct intake_stream stream;
	struct cutter cutter;
	bool good;
} in;

static bool is_wanted(const struct config *config)
{
	return config->from_stdin;
}

static void lose(const char *why)
{
	log_write(LOG_ERROR, "lines of standard input are lost", "err", why, NULL);
	in.good = false;
}

static void take_line(const char *line, size_t length, bool cut)
{
	inputs_count("stdin", cut);
	if (!intake_add(&in.intake, &in.stream, clock_calendar(), line, length))
		lose("out of memory");
	if (intake_is_due(&in.intake, clock_now()) && !inputs_pass_on(&in.intake, NULL, 0, false))
		lose("the daemon was ended while the queue was full");
}

static void take(const char *data, size_t size)
{
	const char *at = data, *line;
	size_t length;
	for (enum cutter_result r; (r = cutter_next(&in.cutter, &at, data + size, &line, &length)) != CUTTER_MORE;) {
		if (r == CUTTER_NO_MEMORY) {
			lose("out of memory");
			cutter_reset(&in.cutter);
			return;
		}
		take_line(line, length, r == CUTTER_CUT_LINE);
	}
}

/* Until the end of the input: true; or until the daemon is to end. */
static bool read_all(void)
{
	static char buffer[READ_SIZE];
	while (!inputs_are_stopping()) {
		bool ready = inputs_wait(STDIN_FILENO, in.intake.n_entries ? in.intake.since + SECOND : 0);
		if (intake_is_due(&in.intake, clock_now()) && !inputs_pass_on(&in.intake, NULL, 0, false))
			lose("the daemon was ended while the queue was full");
		if (!ready || inputs_are_stopping())
			continue;
		ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
		if (n > 0) {
			take(buffer, (size_t)n);
		} else if (n == 0) {
			return true;
		} else if (errno != EINTR && errno != EAGAIN) {
			log_write(LOG_ERROR, "standard input cannot be read", "err", strerror(errno), NULL);
			inputs_count_error("read");
			in.good = false;
			return true;
		}
	}
	return false;
}

/*
 * Until Loki has taken everything. It is given up when it took nothing for a time that is long for
 * a program that a timer starts: what the queue holds on disk waits for the next start.
 */
static void wait_for_delivery(void)
{
	uint64_t begun = clock_now();
	while (!inputs_are_stopping() && print_is_good()) {
		if (queue_wait_empty(clock_now() + SECOND / 5) == 0)
			return;
		uint64_t success = sender_last_success();
		if (clock_now() - (success > begun ? success : begun) >= in.config->patience) {
			log_write(in.config->queue ? LOG_WARN : LOG_ERROR,
			          in.config->queue ? "Loki does not take what was read; it waits in the queue for the next start"
			                           : "Loki does not take what was read",
			          "entries", log_number((long long)queue_entries()), NULL);
			return;
		}
	}
}

static void *run(void *unused)
{
	const char *line;
	size_t length;
	(void)unused;
	bool at_end = read_all();
	enum cutter_result r = cutter_end(&in.cutter, &line, &length);
	if (r != CUTTER_MORE)
		take_line(line, length, r == CUTTER_CUT_LINE);
	if (!inputs_pass_on(&in.intake, NULL, 0, false))
		lose("the daemon was ended while the queue was full");
	if (at_end) {
		if (intake_add_stream(&in.intake, &in.stream))
			inputs_pass_on(&in.intake, NULL, 0, true);
		wait_for_delivery();
	}
	intake_free(&in.intake);
	text_free(&in.stream.labels);
	cutter_free(&in.cutter);
	if (at_end || !in.good)
		inputs_end(in.good);
	return NULL;
}

static bool start(const struct config *config)
{
	char name[] = "job", value[] = "stdin", *names[] = { name }, *values[] = { value };
	const struct config_pairs job = { names, values, 1 };
	in.config = config;
	in.good = true;
	if (!intake_labels(&in.stream.labels, config->stdin_labels.n ? &config->stdin_labels : &job, NULL, NULL) ||
	    pthread_create(&in.thread, NULL, run, NULL) != 0) {
		log_write(LOG_ERROR, "no thread for standard input", NULL);
		return false;
	}
	return true;
}

static void join(void)
{
	pthread_join(in.thread, NULL);
}

const struct source source_stdin = { "stdin", is_wanted, start, join };
