/* SPDX-License-Identifier: Apache-2.0 */
/* See print.h. */

#include "print.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "loki_labels.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool failed;

/* RFC 3339 with nanoseconds; a time that is not known is that of now. */
static void add_time(struct text *t, int64_t time)
{
	char stamp[40];
	struct tm parts;
	time = time ? time : clock_calendar();
	int64_t part = time % 1000000000;
	time_t seconds = (time_t)(time / 1000000000 - (part < 0));
	gmtime_r(&seconds, &parts);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &parts);
	text_addf(t, "\"%s.%09" PRId64 "Z\"", stamp, part < 0 ? part + 1000000000 : part);
}

static void add_entry(struct text *t, int64_t time, const char *labels, size_t labels_length,
                      const char *entry, size_t length)
{
	text_adds(t, "{\"time\":");
	add_time(t, time);
	text_adds(t, ",\"labels\":");
	loki_labels_as_json(t, labels, labels_length);
	text_adds(t, ",\"line\":");
	text_add_json(t, entry, length);
}

static void add_mark(struct text *t, const struct batch_mark *mark)
{
	text_addf(t, ",\"failure_category\":\"%s\",\"failure_rule\":", mark->category);
	text_add_json(t, mark->rule, strlen(mark->rule));
	text_addf(t, ",\"failure_severity\":\"%s\",\"failure_fields\":{", mark->severity);
	for (size_t i = 0; i < mark->n_fields; i++) {
		text_adds(t, i ? "," : "");
		text_add_json(t, mark->fields[i].name, strlen(mark->fields[i].name));
		text_adds(t, ":");
		text_add_json(t, mark->fields[i].value, mark->fields[i].length);
	}
	text_adds(t, "}");
}

static void write_out(struct text *t)
{
	pthread_mutex_lock(&lock);
	if (t->failed || fwrite(t->data, 1, t->length, stdout) != t->length || fflush(stdout) != 0)
		failed = true;
	pthread_mutex_unlock(&lock);
	text_free(t);
}

void print_push(struct push *p)
{
	struct text t = { 0 };
	if (!p->read) {
		push_refuse(p, 400, "classifyd: the body cannot be read, and there is no Loki that it could be passed to");
		return;
	}
	for (size_t i = 0; i < p->batch.n_entries; i++) {
		const struct batch_entry *e = &p->batch.entries[i];
		const struct batch_stream *s = &p->batch.streams[e->stream];
		add_entry(&t, e->time, s->labels, s->length, e->line, e->length);
		if (e->mark)
			add_mark(&t, e->mark);
		text_adds(&t, "}\n");
	}
	p->status = 204;
	if (t.failed)
		push_refuse(p, 503, "classifyd: out of memory");
	write_out(&t);
	if (!print_is_good())
		push_refuse(p, 500, "classifyd: standard output cannot be written");
}

void print_entry(int64_t time, const char *labels, const char *entry, size_t length, const char *metadata)
{
	struct text t = { 0 };
	add_entry(&t, time, labels, strlen(labels), entry, length);
	if (metadata) {
		text_adds(&t, ",\"metadata\":");
		text_adds(&t, metadata);
	}
	text_adds(&t, "}\n");
	write_out(&t);
}

bool print_is_good(void)
{
	pthread_mutex_lock(&lock);
	bool good = !failed;
	pthread_mutex_unlock(&lock);
	return good;
}
