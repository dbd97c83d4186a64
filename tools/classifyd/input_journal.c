/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of systemd as a source: its entries from a cursor on, or from some time ago. This file
 * alone sees sd-journal.h.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-journal.h>

/* syslog.h, which comes with it, gives numbers of its own to these names. */
#undef LOG_DEBUG
#undef LOG_INFO

#include "inputs.h"
#include "log.h"
#include "push.h"

#define SECOND UINT64_C(1000000000)
#define KEY "cursor-journal"         /* promtail's name for it */
#define MAX_STREAMS 1000             /* sets of labels that are remembered */
#define BUCKETS 256
#define VALUE_SIZE ((size_t)256)     /* of a label */

struct known {
	struct known *next;
	struct intake_stream stream;
};

static struct {
	const struct config *config;
	pthread_t thread;
	sd_journal *journal;
	struct intake intake;
	struct known *buckets[BUCKETS];
	size_t n;
	char *cursor;                    /* of the last entry that was gathered */
	char *committed;
	bool told;
} in;

static bool is_wanted(const struct config *config)
{
	return config->journal;
}

static bool failed(const char *what, int code)
{
	log_write(LOG_ERROR, what, "err", strerror(-code), NULL);
	return false;
}

/* ---- streams ---- */

static void forget_streams(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (in.buckets[i]) {
			struct known *k = in.buckets[i];
			in.buckets[i] = k->next;
			text_free(&k->stream.labels);
			free(k);
		}
	}
	in.n = 0;
}

/* The value of a field of the entry at hand, cut at VALUE_SIZE; "" when it has none. */
static void get_field(const char *name, char to[VALUE_SIZE])
{
	const void *data;
	size_t length, skip = strlen(name) + 1;
	to[0] = '\0';
	if (sd_journal_get_data(in.journal, name, &data, &length) < 0 || length <= skip)
		return;
	length = text_cut((const char *)data + skip, length - skip, VALUE_SIZE - 1);
	memcpy(to, (const char *)data + skip, length);
	to[length] = '\0';
}

/* The labels of the entry at hand: those of the configuration, and what the journal says of it. */
static bool make_labels(struct text *to)
{
	static const char *const fields[] = { "_SYSTEMD_UNIT", "_HOSTNAME", "PRIORITY" };
	static const char *const names[] = { "unit", "hostname", "priority" };
	static const char *const levels[] = { "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug" };
	char value[VALUE_SIZE];
	bool good = intake_labels(to, &in.config->journal_labels, NULL, NULL);
	for (size_t i = 0; good && i < 3; i++) {
		get_field(fields[i], value);
		if (i == 2)
			snprintf(value, sizeof(value), "%s",
			         value[0] >= '0' && value[0] <= '7' && !value[1] ? levels[value[0] - '0'] : "");
		if (*value && !config_pairs_have(&in.config->journal_labels, names[i]))
			good = intake_labels_more(to, names[i], value);
	}
	return good;
}

/* The stream of the entry at hand. NULL when memory is out. */
static struct intake_stream *find_stream(void)
{
	struct text labels = { 0 };
	uint32_t h = 2166136261u;
	if (!make_labels(&labels)) {
		text_free(&labels);
		return NULL;
	}
	for (size_t i = 0; i < labels.length; i++)
		h = (h ^ (unsigned char)labels.data[i]) * 16777619u;
	struct known *k = in.buckets[h % BUCKETS];
	while (k && (k->stream.labels.length != labels.length ||
	             memcmp(k->stream.labels.data, labels.data, labels.length) != 0))
		k = k->next;
	if (k || !(k = calloc(1, sizeof(*k)))) {
		text_free(&labels);
		return k ? &k->stream : NULL;
	}
	k->stream.labels = labels;
	k->next = in.buckets[h % BUCKETS];
	in.buckets[h % BUCKETS] = k;
	in.n++;
	return &k->stream;
}

/* ---- the thread ---- */

/* Passes on what was gathered. False: it was not committed. */
static bool pass_on(void)
{
	const struct position p = { .key = KEY, .value = in.cursor ? in.cursor : "" };
	if (!inputs_pass_on(&in.intake, &p, in.cursor ? 1 : 0, false))
		return false;
	free(in.committed);
	in.committed = in.cursor;
	in.cursor = NULL;
	if (in.n > MAX_STREAMS)
		forget_streams();
	return true;
}

/* To the entry behind the last one that was committed, or to the first that is young enough. */
static bool seek(void)
{
	uint64_t check;
	char *kept = NULL;
	int code;
	if (!in.committed && positions_find(KEY, 0, 0, &check, &kept))
		in.committed = kept;
	if (!in.committed) {
		uint64_t age = in.config->journal_age / 1000, now = (uint64_t)(clock_calendar() / 1000);
		code = sd_journal_seek_realtime_usec(in.journal, now > age ? now - age : 0);
		return code >= 0 || failed("the journal cannot be read", code);
	}
	code = sd_journal_seek_cursor(in.journal, in.committed);
	if (code >= 0)
		code = sd_journal_next(in.journal);
	/* Where the entry is not there any more, this one is the next; it is not skipped. */
	if (code > 0 && sd_journal_test_cursor(in.journal, in.committed) == 0)
		code = sd_journal_previous(in.journal);
	return code >= 0 || failed("the journal cannot be read from where it was left", code);
}

/* Takes the entry at hand. False when memory is out. */
static bool take_entry(void)
{
	const void *data = "MESSAGE=";
	size_t length = 8;
	uint64_t time = 0;
	char *cursor = NULL;
	int code = sd_journal_get_data(in.journal, "MESSAGE", &data, &length);
	if (code < 0 && code != -ENOENT) {
		inputs_count_error("journal");
		return true;
	}
	bool cut = length - 8 > INTAKE_LINE;
	/* The data is valid until the next field is asked for. */
	struct bytes line = { 0 };
	bool good = bytes_add(&line, (const char *)data + 8, cut ? INTAKE_LINE : length - 8);
	struct intake_stream *s = good ? find_stream() : NULL;
	sd_journal_get_realtime_usec(in.journal, &time);
	good = s && sd_journal_get_cursor(in.journal, &cursor) >= 0;
	if (good && code >= 0) {
		good = intake_add(&in.intake, s, (int64_t)time * 1000, line.data ? line.data : "", line.length);
		inputs_count("journal", cut);
	}
	bytes_free(&line);
	if (good) {
		free(in.cursor);
		in.cursor = cursor;
	} else {
		free(cursor);
	}
	return good;
}

/* Everything that is there. False: something was not taken or committed. */
static bool read_all(void)
{
	int code = 0;
	while (!inputs_are_stopping() && (code = sd_journal_next(in.journal)) > 0) {
		if (!take_entry())
			return false;
		if (intake_is_due(&in.intake, clock_now()) && !pass_on())
			return false;
	}
	if (code < 0 && !in.told) {
		failed("an entry of the journal cannot be read", code);
		inputs_count_error("journal");
	}
	in.told = code < 0;
	return true;
}

static void *run(void *unused)
{
	uint64_t next_export = clock_now() + 10 * SECOND;
	(void)unused;
	while (!inputs_are_stopping()) {
		bool good = read_all();
		uint64_t now = clock_now();
		if (good && intake_is_due(&in.intake, now))
			good = pass_on();
		if (!good && !inputs_are_stopping()) {
			intake_reset(&in.intake);        /* memory was out: it is read once more */
			free(in.cursor);
			in.cursor = NULL;
			inputs_wait(-1, now + SECOND);
			seek();
			continue;
		}
		if (in.config->positions && now >= next_export) {
			positions_write(in.config->positions);
			next_export = now + 10 * SECOND;
		}
		uint64_t until = now + SECOND, due = in.intake.since + SECOND;
		inputs_wait(sd_journal_get_fd(in.journal), in.intake.n_entries && due < until ? due : until);
		sd_journal_process(in.journal);
	}
	pass_on();
	forget_streams();
	intake_free(&in.intake);
	free(in.cursor);
	free(in.committed);
	sd_journal_close(in.journal);
	return NULL;
}

static bool open_journal(const struct config *config)
{
	int code = config->journal_path ? sd_journal_open_directory(&in.journal, config->journal_path, 0)
	                                : sd_journal_open(&in.journal, SD_JOURNAL_LOCAL_ONLY);
	if (code < 0)
		return failed("the journal cannot be opened", code);
	for (size_t i = 0; i < config->journal_matches.n; i++) {
		const char *match = config->journal_matches.item[i];
		code = strcmp(match, "+") == 0 ? sd_journal_add_disjunction(in.journal)
		                               : sd_journal_add_match(in.journal, match, 0);
		if (code < 0) {
			log_write(LOG_ERROR, "a match of the journal is wrong: it is FIELD=value, or +", "match", match, NULL);
			return false;
		}
	}
	/* A MESSAGE is read in full as far as it is kept. */
	sd_journal_set_data_threshold(in.journal, INTAKE_LINE + 64);
	sd_journal_get_fd(in.journal);           /* from now on it tells of changes */
	return seek();
}

static bool start(const struct config *config)
{
	in.config = config;
	if (!open_journal(config))
		return false;
	if (pthread_create(&in.thread, NULL, run, NULL) != 0) {
		log_write(LOG_ERROR, "no thread for the journal", NULL);
		return false;
	}
	return true;
}

static void join(void)
{
	pthread_join(in.thread, NULL);
}

const struct source source_journal = { "journal", is_wanted, start, join };
