/* SPDX-License-Identifier: Apache-2.0 */
/* See inputs.h. */

#include "inputs.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "metrics.h"
#include "print.h"
#include "push.h"
#include "sender.h"

static const struct source *const sources[] = {
	&source_stdin,
	&source_files,
#ifdef HAVE_JOURNAL
	&source_journal,
#endif
};
#define N_SOURCES (sizeof(sources) / sizeof(sources[0]))

static struct {
	const struct config *config;
	bool opened;                     /* the queue, be it in vain */
	bool ready, running[N_SOURCES];
	int stopping_fd;
	atomic_bool stopping, at_end, bad, cut_told;
} in = { .stopping_fd = -1 };

bool inputs_are_stopping(void)
{
	return atomic_load(&in.stopping);
}

bool inputs_are_at_end(void)
{
	return atomic_load(&in.at_end);
}

bool inputs_wait(int fd, uint64_t until)
{
	struct pollfd fds[2] = { { .fd = in.stopping_fd, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	uint64_t now = clock_now();
	int timeout = until == 0 ? -1 : until <= now ? 0 : (int)((until - now) / 1000000 + 1);
	return poll(fds, 2, timeout) > 0 && fds[1].revents;
}

void inputs_end(bool good)
{
	if (!good)
		atomic_store(&in.bad, true);
	atomic_store(&in.at_end, true);
	kill(getpid(), SIGTERM);
}

bool inputs_pass_on(struct intake *intake, const struct position *positions, size_t n_positions, bool ends)
{
	struct bytes body = { 0 };
	bool good = intake->n_streams == 0 && n_positions == 0;
	if (!good && intake->n_streams && !intake_make(intake, &body)) {
		log_write(LOG_ERROR, "out of memory: lines that were read are lost", "lines",
		          log_number((long long)intake->n_entries), NULL);
	} else if (!good) {
		const struct queue_batch batch = { .body = body.data, .length = body.length,
		                                   .entries = intake->n_entries, .ends = ends,
		                                   .positions = positions, .n_positions = n_positions };
		good = queue_append(&batch);
	}
	bytes_free(&body);
	intake_reset(intake);
	return good;
}

void inputs_count(const char *source, bool cut)
{
	metric_add(METRIC_READ_LINES, "", 1);
	if (!cut)
		return;
	metric_add(METRIC_READ_CUT, "", 1);
	if (!atomic_exchange(&in.cut_told, true))
		log_write(LOG_WARN, "a line is longer than 256 KiB; the rest of it is left out, here and in other lines",
		          "input", source, NULL);
}

void inputs_count_error(const char *reason)
{
	char labels[METRIC_LABELS];
	metric_add(METRIC_READ_ERRORS, metric_labels(labels, "reason", reason, NULL), 1);
}

static void begin_counters(void)
{
	static const char *const reasons[] = { "open", "read", "limit", "journal" };
	char labels[METRIC_LABELS];
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		metric_begin(METRIC_READ_ERRORS, metric_labels(labels, "reason", reasons[i], NULL));
	metric_begin(METRIC_QUEUE_DROPPED, metric_labels(labels, "reason", "refused", NULL));
}

bool inputs_start(const struct config *config)
{
	bool wanted = false;
	begin_counters();
	in.config = config;
	for (size_t i = 0; i < N_SOURCES; i++)
		wanted = wanted || sources[i]->is_wanted(config);
	if (!wanted && !config->queue)
		return true;
	in.stopping_fd = eventfd(0, EFD_CLOEXEC);
	if (in.stopping_fd < 0)
		return false;
	in.opened = true;
	if (!queue_open(config))
		return false;
	in.ready = true;
	if (!sender_start(config))
		return false;
	for (size_t i = 0; i < N_SOURCES; i++) {
		if (!sources[i]->is_wanted(config))
			continue;
		if (!sources[i]->start(config))
			return false;
		in.running[i] = true;
	}
	return true;
}

bool inputs_stop(unsigned seconds)
{
	const uint64_t one = 1;
	if (in.stopping_fd < 0)
		return true;
	atomic_store(&in.stopping, true);
	queue_hurry();
	if (write(in.stopping_fd, &one, sizeof(one)) != sizeof(one))
		log_write(LOG_ERROR, "the threads that read cannot be woken", NULL);
	for (size_t i = 0; i < N_SOURCES; i++)
		if (in.running[i])
			sources[i]->join();
	if (atomic_load(&in.at_end) || !print_is_good())
		seconds = 0;                     /* it was waited for already, or is in vain */
	size_t left = in.opened && !in.config->queue
	                      ? queue_wait_empty(clock_now() + seconds * UINT64_C(1000000000)) : 0;
	if (left && in.config->from_stdin) {
		log_write(LOG_ERROR, "lines of standard input are lost: Loki did not take them", "lines",
		          log_number((long long)queue_entries()), NULL);
		atomic_store(&in.bad, true);
	}
	if (in.config->from_stdin && sender_has_dropped())
		atomic_store(&in.bad, true);
	sender_stop();
	/* What could not be read is not written over. */
	if (in.ready && in.config->positions)
		positions_write(in.config->positions);
	if (in.opened)
		queue_close();
	positions_free();
	close(in.stopping_fd);
	return !atomic_load(&in.bad);
}
