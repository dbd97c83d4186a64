/* SPDX-License-Identifier: Apache-2.0 */
/* See metrics.h. */

#include "metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BOUNDS 12
#define SERIES_LIMIT 20000       /* of a family; rules and categories are closed lists, so this is never met */

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

/* Doubles as bits, so that they can be changed atomically. */
struct series {
	struct series *next;
	char *labels;
	_Atomic uint64_t value;          /* of a histogram: the sum */
	_Atomic uint64_t count;
	_Atomic uint64_t buckets[MAX_BOUNDS];
};

struct family {
	const char *name;
	enum metric_type type;
	const char *help;
	const double *bounds;            /* of a histogram, ended by 0 */
};

static const double request_bounds[] = { .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 2.5, 10, 0 };
static const double build_bounds[] = { 5, 15, 30, 60, 90, 120, 180, 300, 600, 1800, 3600, 0 };

static const struct family families[METRIC_FAMILIES] = {
	[METRIC_ENTRIES] = { "classify_entries_total", COUNTER, "Log entries that were delivered.", NULL },
	[METRIC_BYTES] = { "classify_bytes_total", COUNTER, "Bytes of log text that were delivered.", NULL },
	[METRIC_MATCHES] = { "classify_matches_total", COUNTER, "Entries that were labelled and delivered, by category, rule and severity.", NULL },
	[METRIC_UNCLASSIFIED] = { "classify_unclassified_total", COUNTER, "Batches that were passed on without being classified, by reason.", NULL },
	[METRIC_BUILD_FAILURES] = { "build_failures_total", COUNTER, "Builds that failed, by category of the failure.", NULL },
	[METRIC_BUILDS] = { "builds_total", COUNTER, "Builds that ended, by result.", NULL },
	[METRIC_BUILD_DURATION] = { "build_duration_seconds", HISTOGRAM, "From the first to the last entry of a build.", build_bounds },
	[METRIC_STREAMS] = { "classify_streams", GAUGE, "Log streams whose verdict is open.", NULL },
	[METRIC_STREAMS_BYTES] = { "classify_streams_bytes", GAUGE, "Bytes that these hold.", NULL },
	[METRIC_STREAMS_EVICTED] = { "classify_streams_evicted_total", COUNTER, "Streams that got their verdict early because there were too many.", NULL },
	[METRIC_RULES_LOADED] = { "classify_rules_loaded", GAUGE, "Rules in use.", NULL },
	[METRIC_RULES_QUARANTINED] = { "classify_rules_quarantined", GAUGE, "Rules that were left out because of a fault.", NULL },
	[METRIC_RULESET_INFO] = { "classify_ruleset_info", GAUGE, "The hash of the rules in use.", NULL },
	[METRIC_RELOADS] = { "classify_reloads_total", COUNTER, "Loads of rules, by result.", NULL },
	[METRIC_RELOAD_SUCCESS] = { "classify_last_reload_successful", GAUGE, "Whether the last load of rules was good.", NULL },
	[METRIC_RELOAD_TIME] = { "classify_last_reload_success_timestamp_seconds", GAUGE, "When rules were last loaded.", NULL },
	[METRIC_REQUESTS] = { "classify_requests_total", COUNTER, "Requests that were answered, by route and status code.", NULL },
	[METRIC_REQUEST_DURATION] = { "classify_request_duration_seconds", HISTOGRAM, "From the whole body of a push to its answer.", request_bounds },
	[METRIC_SCAN_DURATION] = { "classify_scan_duration_seconds", HISTOGRAM, "Decoding, matching and encoding of a push: what is added to the way to Loki.", request_bounds },
	[METRIC_IN_FLIGHT_BYTES] = { "classify_in_flight_bytes", GAUGE, "Bytes of bodies that are held.", NULL },
	[METRIC_CONNECTIONS] = { "classify_connections", GAUGE, "Connections of clients.", NULL },
	[METRIC_CONNECTIONS_CUT] = { "classify_connections_cut_total", COUNTER, "Connections that were closed because a request took too long to come.", NULL },
	[METRIC_UPSTREAM_REQUESTS] = { "classify_upstream_requests_total", COUNTER, "Requests to Loki, by status code; 0: no answer.", NULL },
	[METRIC_UPSTREAM_DURATION] = { "classify_upstream_duration_seconds", HISTOGRAM, "How long Loki took to answer.", request_bounds },
	[METRIC_LABEL_REFUSED] = { "classify_label_refused_total", COUNTER, "Batches that were sent again as they came, because Loki refused what was added.", NULL },
	[METRIC_CAPTURES_DROPPED] = { "classify_captures_dropped_total", COUNTER, "Captures that were left out, by reason.", NULL },
	[METRIC_READ_LINES] = { "classify_read_lines_total", COUNTER, "Lines read from files, standard input or the journal.", NULL },
	[METRIC_READ_ERRORS] = { "classify_read_errors_total", COUNTER, "Times that an input could not be read, by reason.", NULL },
	[METRIC_READ_CUT] = { "classify_read_lines_cut_total", COUNTER, "Lines that were too long and lost their ends.", NULL },
	[METRIC_QUEUE_ENTRIES] = { "classify_queue_entries", GAUGE, "Entries that wait for Loki.", NULL },
	[METRIC_QUEUE_BYTES] = { "classify_queue_bytes", GAUGE, "Bytes that wait for Loki.", NULL },
	[METRIC_QUEUE_DROPPED] = { "classify_queue_dropped_total", COUNTER, "Entries that the queue could not hold, or that Loki refuses for good.", NULL },
	[METRIC_VERDICTS_DROPPED] = { "classify_verdicts_dropped_total", COUNTER, "Verdicts that did not reach Loki, by reason.", NULL },
	[METRIC_BUILD_INFO] = { "classify_build_info", GAUGE, "Version and engine.", NULL },
};

static struct {
	pthread_rwlock_t lock;
	struct series *buckets[256];
	size_t n;
} tables[METRIC_FAMILIES] = { [0 ... METRIC_FAMILIES - 1] = { .lock = PTHREAD_RWLOCK_INITIALIZER } };

static double as_double(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t as_bits(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void add_to(_Atomic uint64_t *place, double value)
{
	uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(place, &old, as_bits(as_double(old) + value)))
		;
}

static unsigned hash(const char *text)
{
	unsigned h = 2166136261u;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h % 256;
}

static struct series *look_up(enum metric_family family, unsigned bucket, const char *labels)
{
	struct series *s = tables[family].buckets[bucket];
	while (s && strcmp(s->labels, labels) != 0)
		s = s->next;
	return s;
}

/* The series, with the lock held for reading: metric_clear() frees. NULL, unlocked, when there is none. */
static struct series *hold(enum metric_family family, const char *labels)
{
	unsigned bucket = hash(labels);
	pthread_rwlock_rdlock(&tables[family].lock);
	struct series *s = look_up(family, bucket, labels);
	if (s)
		return s;
	pthread_rwlock_unlock(&tables[family].lock);
	pthread_rwlock_wrlock(&tables[family].lock);
	s = look_up(family, bucket, labels);
	if (!s && tables[family].n < SERIES_LIMIT && (s = calloc(1, sizeof(*s))) != NULL) {
		s->labels = strdup(labels);
		if (s->labels) {
			s->next = tables[family].buckets[bucket];
			tables[family].buckets[bucket] = s;
			tables[family].n++;
		} else {
			free(s);
		}
	}
	pthread_rwlock_unlock(&tables[family].lock);
	pthread_rwlock_rdlock(&tables[family].lock);
	s = look_up(family, bucket, labels);
	if (!s)
		pthread_rwlock_unlock(&tables[family].lock);
	return s;
}

void metric_add(enum metric_family family, const char *labels, double value)
{
	struct series *s = hold(family, labels);
	if (!s)
		return;
	if (families[family].type == HISTOGRAM) {
		for (size_t i = 0; families[family].bounds[i] > 0; i++) {
			if (value <= families[family].bounds[i]) {
				atomic_fetch_add(&s->buckets[i], 1);
				break;
			}
		}
		atomic_fetch_add(&s->count, 1);
	}
	add_to(&s->value, value);
	pthread_rwlock_unlock(&tables[family].lock);
}

void metric_begin(enum metric_family family, const char *labels)
{
	if (hold(family, labels))
		pthread_rwlock_unlock(&tables[family].lock);
}

void metrics_begin(void)
{
	static const enum metric_family without_labels[] = {
		METRIC_ENTRIES, METRIC_BYTES, METRIC_BUILD_DURATION, METRIC_STREAMS, METRIC_STREAMS_BYTES,
		METRIC_STREAMS_EVICTED,
		METRIC_REQUEST_DURATION, METRIC_SCAN_DURATION, METRIC_IN_FLIGHT_BYTES, METRIC_CONNECTIONS, METRIC_CONNECTIONS_CUT,
		METRIC_UPSTREAM_DURATION, METRIC_LABEL_REFUSED, METRIC_READ_LINES, METRIC_READ_CUT,
		METRIC_QUEUE_ENTRIES, METRIC_QUEUE_BYTES,
	};
	for (size_t i = 0; i < sizeof(without_labels) / sizeof(without_labels[0]); i++)
		metric_begin(without_labels[i], "");
}

void metric_set(enum metric_family family, const char *labels, double value)
{
	struct series *s = hold(family, labels);
	if (!s)
		return;
	atomic_store(&s->value, as_bits(value));
	pthread_rwlock_unlock(&tables[family].lock);
}

void metric_clear(enum metric_family family)
{
	pthread_rwlock_wrlock(&tables[family].lock);
	for (unsigned i = 0; i < 256; i++) {
		for (struct series *s = tables[family].buckets[i], *next; s; s = next) {
			next = s->next;
			free(s->labels);
			free(s);
		}
		tables[family].buckets[i] = NULL;
	}
	tables[family].n = 0;
	pthread_rwlock_unlock(&tables[family].lock);
}

const char *metric_labels(char buffer[METRIC_LABELS], ...)
{
	va_list arguments;
	size_t at = 0;
	va_start(arguments, buffer);
	for (const char *name; (name = va_arg(arguments, const char *)) != NULL;) {
		const char *value = va_arg(arguments, const char *);
		size_t begun = at;
		at += (size_t)snprintf(buffer + at, METRIC_LABELS - at, "%s%s=\"", at ? "," : "", name);
		for (; *value && at < METRIC_LABELS - 4; value++) {
			if (*value == '\\' || *value == '"' || *value == '\n')
				buffer[at++] = '\\';
			buffer[at++] = (char)(*value == '\n' ? 'n' : *value);
		}
		if (at >= METRIC_LABELS - 4) {
			at = begun;              /* a label that has no room is left out whole */
			break;
		}
		buffer[at++] = '"';
	}
	va_end(arguments);
	buffer[at] = '\0';
	return buffer;
}

static bool print(struct bytes *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool print(struct bytes *to, const char *format, ...)
{
	va_list arguments;
	if (!bytes_reserve(to, 2048))
		return false;
	va_start(arguments, format);
	int n = vsnprintf(to->data + to->length, 2048, format, arguments);
	va_end(arguments);
	if (n < 0 || n >= 2048)
		return false;
	to->length += (size_t)n;
	return true;
}

static bool write_histogram(struct bytes *to, const struct family *f, struct series *s)
{
	uint64_t total = 0;
	const char *comma = *s->labels ? "," : "";
	bool good = true;
	for (size_t i = 0; good && f->bounds[i] > 0; i++) {
		total += atomic_load(&s->buckets[i]);
		good = print(to, "%s_bucket{%s%sle=\"%g\"} %llu\n", f->name, s->labels, comma, f->bounds[i],
		             (unsigned long long)total);
	}
	/* Read last and never smaller than a bucket: observations come in between. */
	uint64_t count = atomic_load(&s->count);
	count = count < total ? total : count;
	const char *open = *s->labels ? "{" : "", *close = *s->labels ? "}" : "";
	return good && print(to, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", f->name, s->labels, comma,
	                     (unsigned long long)count) &&
	       print(to, "%s_sum%s%s%s %.9g\n", f->name, open, s->labels, close, as_double(atomic_load(&s->value))) &&
	       print(to, "%s_count%s%s%s %llu\n", f->name, open, s->labels, close, (unsigned long long)count);
}

static bool write_series(struct bytes *to, const struct family *f, struct series *s)
{
	if (f->type == HISTOGRAM)
		return write_histogram(to, f, s);
	const char *open = *s->labels ? "{" : "", *close = *s->labels ? "}" : "";
	double value = as_double(atomic_load(&s->value));
	if (value == floor(value) && fabs(value) < 1e15)
		return print(to, "%s%s%s%s %.0f\n", f->name, open, s->labels, close, value);
	return print(to, "%s%s%s%s %.17g\n", f->name, open, s->labels, close, value);
}

bool metrics_write(struct bytes *to)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	bool good = true;
	for (size_t family = 0; good && family < METRIC_FAMILIES; family++) {
		const struct family *f = &families[family];
		good = print(to, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, types[f->type]);
		pthread_rwlock_rdlock(&tables[family].lock);
		for (unsigned i = 0; good && i < 256; i++)
			for (struct series *s = tables[family].buckets[i]; good && s; s = s->next)
				good = write_series(to, f, s);
		pthread_rwlock_unlock(&tables[family].lock);
	}
	return good;
}
