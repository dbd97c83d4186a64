/* SPDX-License-Identifier: Apache-2.0 */
/* See builds.h. */

#include "builds.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "metrics.h"
#include "outbox.h"
#include "verdict_entry.h"

#define BUCKETS ((size_t)1 << 14)
#define SECOND UINT64_C(1000000000)
#define MAX_BEHIND 64            /* pushes that wait for the thread before new ones wait, too */
#define MAX_GENERATIONS 4        /* rulesets that logs in progress have */

/* The rules that a log was begun with, and what scans with them. */
struct generation {
	struct generation *next;
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
	size_t logs;                 /* that use it */
};

struct build {
	struct build *next;          /* in its bucket */
	struct build *older, *newer; /* by when it was heard last */
	uint64_t hash;
	char *tenant, *labels, *authorization;   /* NULL where there is none; labels never */
	struct generation *generation;
	struct clsf_stream *stream;
	uint64_t heard;              /* clock_now() */
	int64_t first, last;         /* times of entries; 0: none was told */
	const struct clsf_rule *start;   /* of the generation's rules, or NULL */
	bool terminal;
};

static struct {
	const struct config *config;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t work, room;
	struct push_queue queue;     /* under the lock, as what follows */
	size_t behind;
	bool stop;

	/* the thread's */
	struct build *buckets[BUCKETS];
	struct build *oldest, *newest;
	size_t n;
	size_t bytes;                /* that their streams hold */
	struct generation *generations;
	struct clsf_entry *entries;  /* not fed yet, all of logs of one generation */
	size_t n_entries, entries_capacity;
	struct generation *feeding;
} b = { .lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER };

/* ---- generations ---- */

static struct generation *generation_of(struct clsf_ruleset *ruleset)
{
	for (struct generation *g = b.generations; g; g = g->next)
		if (g->ruleset == ruleset)
			return g;
	struct generation *g = calloc(1, sizeof(*g));
	if (!g || clsf_worker_new(ruleset, NULL, &g->worker) != 0) {
		free(g);
		return NULL;
	}
	g->ruleset = clsf_ruleset_ref(ruleset);
	g->next = b.generations;
	b.generations = g;
	return g;
}

/* Frees those that no log uses; the newest stays. */
static void sweep_generations(bool all)
{
	for (struct generation **place = &b.generations; *place;) {
		struct generation *g = *place;
		if (g->logs || (!all && g == b.generations)) {
			place = &g->next;
			continue;
		}
		*place = g->next;
		clsf_worker_free(g->worker);
		clsf_ruleset_unref(g->ruleset);
		free(g);
	}
}

/* Feeds what was gathered: one call for the entries of many logs. */
static void feed(void)
{
	int result = b.n_entries ? clsf_scan_lines(b.feeding->worker, NULL, b.entries, b.n_entries, NULL) : 0;
	if (result)
		log_write(LOG_ERROR, "entries are missing in a verdict", "err", clsf_strerror(result), NULL);
	b.n_entries = 0;
}

/* ---- the table ---- */

static uint64_t hash_of(const char *tenant, const char *labels, size_t length)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (const char *p = tenant ? tenant : ""; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	h = (h ^ 0xff) * UINT64_C(1099511628211);
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)labels[i]) * UINT64_C(1099511628211);
	return h;
}

static bool is_same(const char *a, const char *b_)
{
	return a && b_ ? strcmp(a, b_) == 0 : a == b_;
}

static void unlink_age(struct build *x)
{
	*(x->older ? &x->older->newer : &b.oldest) = x->newer;
	*(x->newer ? &x->newer->older : &b.newest) = x->older;
}

static void make_newest(struct build *x)
{
	x->older = b.newest;
	x->newer = NULL;
	*(b.newest ? &b.newest->newer : &b.oldest) = x;
	b.newest = x;
}

static void free_build(struct build *x)
{
	struct build **place = &b.buckets[x->hash % BUCKETS];
	while (*place != x)
		place = &(*place)->next;
	*place = x->next;
	unlink_age(x);
	b.n--;
	metric_set(METRIC_STREAMS, "", (double)b.n);
	clsf_stream_free(x->stream);
	if (x->generation)
		x->generation->logs--;
	free(x->tenant);
	free(x->labels);
	free(x->authorization);
	free(x);
}

/* ---- verdicts ---- */

/* From the first to the last entry; below 0 when their times are not known. */
static double seconds_of(const struct build *x)
{
	return x->first && x->last >= x->first ? (double)(x->last - x->first) / 1e9 : -1;
}

static void count(const struct clsf_verdict *v, double seconds)
{
	char labels[METRIC_LABELS];
	metric_add(METRIC_BUILDS, metric_labels(labels, "result", clsf_outcome_name(v->outcome), NULL), 1);
	if (v->outcome == CLSF_FAILED)
		metric_add(METRIC_BUILD_FAILURES, metric_labels(labels, "category", v->category, NULL), 1);
	if (seconds >= 0)
		metric_add(METRIC_BUILD_DURATION, "", seconds);
}

/* Gives the build its verdict, and forgets it. */
static void close_build(struct build *x, const char *reason)
{
	const struct clsf_verdict *v;
	int result = clsf_stream_finish(x->stream, x->generation->worker, &v);
	if (result == 0) {
		const struct verdict_entry e = {
			.verdict = v, .source = x->labels, .hash = clsf_ruleset_hash(x->generation->ruleset),
			.reason = reason, .tenant = x->tenant, .authorization = x->authorization,
			.seconds = seconds_of(x),
		};
		count(v, e.seconds);
		verdict_entry_send(b.config, &e);
	} else {
		log_write(LOG_ERROR, "a build has no verdict", "source", x->labels, "err", clsf_strerror(result), NULL);
	}
	free_build(x);
}

/* What a log keeps depends on what it says: some kilobytes, or megabytes where everything in it fails. */
static void *reallocate_counted(void *unused, void *pointer, size_t size)
{
	size_t before = pointer ? malloc_usable_size(pointer) : 0;
	(void)unused;
	if (!size) {
		free(pointer);
		b.bytes -= before;
		return NULL;
	}
	void *moved = realloc(pointer, size);
	if (moved)
		b.bytes += malloc_usable_size(moved) - before;
	return moved;
}

static const struct clsf_allocator counting = { reallocate_counted, NULL };

/* Everything was fed before. */
static void evict_oldest(void)
{
	metric_add(METRIC_STREAMS_EVICTED, "", 1);
	close_build(b.oldest, "evicted");
}

/*
 * A log that never ends would keep the rules that it was begun with for ever, and each reload adds
 * some. The logs of the oldest rules get their verdicts before there are too many.
 */
static void make_room_for(const struct clsf_ruleset *ruleset)
{
	struct generation *oldest = NULL;
	size_t n = 0;
	for (struct generation *g = b.generations; g; g = g->next, n++) {
		if (g->ruleset == ruleset)
			return;
		oldest = g;
	}
	if (n < MAX_GENERATIONS)
		return;
	for (struct build *x = b.oldest, *next; x; x = next) {
		next = x->newer;
		if (x->generation != oldest)
			continue;
		metric_add(METRIC_STREAMS_EVICTED, "", 1);
		close_build(x, "evicted");
	}
	sweep_generations(false);
}

static struct build *new_build(uint64_t hash, const struct push *p, const struct batch_stream *s)
{
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	struct build *x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	options.redact = b.config->redact;
	options.allocator = &counting;
	x->hash = hash;
	x->next = b.buckets[hash % BUCKETS];
	b.buckets[hash % BUCKETS] = x;
	make_newest(x);
	metric_set(METRIC_STREAMS, "", (double)++b.n);
	x->tenant = p->tenant ? strdup(p->tenant) : NULL;
	x->labels = strndup(s->labels, s->length);
	x->generation = generation_of(p->ruleset);
	if (x->generation)
		x->generation->logs++;
	if (!x->labels || (p->tenant && !x->tenant) || !x->generation ||
	    clsf_stream_new(p->ruleset, &options, &x->stream) != 0) {
		free_build(x);
		return NULL;
	}
	return x;
}

static struct build *find_build(uint64_t hash, const struct push *p, const struct batch_stream *s)
{
	struct build *x = b.buckets[hash % BUCKETS];
	while (x && !(x->hash == hash && strlen(x->labels) == s->length &&
	              memcmp(x->labels, s->labels, s->length) == 0 && is_same(x->tenant, p->tenant)))
		x = x->next;
	return x;
}

static struct build *build_of(const struct push *p, const struct batch_stream *s)
{
	uint64_t hash = hash_of(p->tenant, s->labels, s->length);
	struct build *x = find_build(hash, p, s);
	if (!x) {
		if (b.n >= b.config->max_open_streams) {
			feed();
			evict_oldest();
		}
		x = new_build(hash, p, s);
	}
	if (!x)
		return NULL;
	if (!is_same(x->authorization, p->authorization)) {
		free(x->authorization);
		x->authorization = p->authorization ? strdup(p->authorization) : NULL;
	}
	x->heard = clock_now();
	unlink_age(x);
	make_newest(x);
	return x;
}

/* ---- feeding ---- */

static bool make_room(size_t n)
{
	if (n <= b.entries_capacity)
		return true;
	struct clsf_entry *grown = realloc(b.entries, n * sizeof(*grown));
	if (!grown)
		return false;
	b.entries = grown;
	b.entries_capacity = n;
	return true;
}

/* Does the entry begin another build in this log? */
static bool begins_another(const struct build *x, const struct batch_entry *e)
{
	if (!e->start)
		return false;
	return x->terminal || (x->start && strcmp(x->start->id, e->start->id) == 0);
}

static void note(struct build *x, const struct batch_entry *e)
{
	const struct clsf_rule *start = e->start && !x->start ? clsf_ruleset_find(x->generation->ruleset, e->start->id)
	                                                      : NULL;
	x->terminal = x->terminal || e->terminal;
	x->start = start ? start : x->start;
	if (e->time) {
		x->first = x->first && x->first < e->time ? x->first : e->time;
		x->last = x->last > e->time ? x->last : e->time;
	}
}

/* The build that the entry belongs to, ready to have it added. NULL, told, when memory is out. */
static struct build *open_build(const struct push *p, size_t entry)
{
	struct build *x = build_of(p, &p->batch.streams[p->batch.entries[entry].stream]);
	if (!x) {
		log_write(LOG_ERROR, "out of memory: entries are missing in a verdict", NULL);
		return NULL;
	}
	if (b.feeding != x->generation)
		feed();
	b.feeding = x->generation;
	return x;
}

/* Adds entries of one stream to those that are to be fed. */
static void gather(struct push *p, size_t from, size_t to)
{
	struct build *x = open_build(p, from);
	for (size_t i = from; x && i < to; i++) {
		const struct batch_entry *e = &p->batch.entries[i];
		if (begins_another(x, e)) {
			feed();
			close_build(x, "next_build");
			x = open_build(p, i);
			if (!x)
				break;
		}
		b.entries[b.n_entries++] = (struct clsf_entry){
			.data = e->line, .length = e->length, .stream = x->stream,
			.has_time = e->time != 0, .time = e->time };
		note(x, e);
	}
}

/* Entries of a stream stand side by side in every format. */
static void take(struct push *p)
{
	if (!make_room(p->batch.n_entries)) {
		log_write(LOG_ERROR, "out of memory: entries are missing in a verdict", NULL);
		return;
	}
	if (p->batch.n_entries)
		make_room_for(p->ruleset);
	for (size_t i = 0, j; i < p->batch.n_entries; i = j) {
		for (j = i + 1; j < p->batch.n_entries && p->batch.entries[j].stream == p->batch.entries[i].stream;)
			j++;
		gather(p, i, j);
	}
	feed();
	for (size_t i = 0; p->ends && i < p->batch.n_streams; i++) {
		struct build *x = find_build(hash_of(p->tenant, p->batch.streams[i].labels, p->batch.streams[i].length),
		                             p, &p->batch.streams[i]);
		if (x)
			close_build(x, "end");
	}
	while (b.bytes > b.config->max_open_bytes && b.oldest)
		evict_oldest();
	metric_set(METRIC_STREAMS_BYTES, "", (double)b.bytes);
}

/* ---- the thread ---- */

static void close_silent(void)
{
	uint64_t now = clock_now();
	while (b.oldest && now - b.oldest->heard >= b.config->silence)
		close_build(b.oldest, "silence");
	metric_set(METRIC_STREAMS_BYTES, "", (double)b.bytes);
	sweep_generations(false);
}

/* The next push, at the latest after a tenth of a second; NULL then, or at the end. */
static struct push *wait_for_push(bool *ret_stop)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 100 * 1000 * 1000;
	if (until.tv_nsec >= (long)SECOND) {
		until.tv_nsec -= (long)SECOND;
		until.tv_sec++;
	}
	pthread_mutex_lock(&b.lock);
	while (!b.queue.first && !b.stop && pthread_cond_timedwait(&b.work, &b.lock, &until) == 0)
		;
	struct push *p = push_queue_take(&b.queue);
	if (p && --b.behind < MAX_BEHIND)
		pthread_cond_broadcast(&b.room);
	*ret_stop = b.stop && !p;
	pthread_mutex_unlock(&b.lock);
	return p;
}

static void *run(void *unused)
{
	(void)unused;
	for (bool stop = false; !stop;) {
		struct push *p = wait_for_push(&stop);
		if (p) {
			take(p);
			push_release(p);
		}
		close_silent();
		if (b.config->loki)
			outbox_send(clock_now());
	}
	while (b.oldest)
		close_build(b.oldest, "shutdown");
	sweep_generations(true);
	free(b.entries);
	return NULL;
}

static void begin_counters(void)
{
	char labels[METRIC_LABELS];
	for (int i = CLSF_UNDETERMINED; i <= CLSF_FAILED; i++)
		metric_begin(METRIC_BUILDS, metric_labels(labels, "result", clsf_outcome_name((enum clsf_outcome)i), NULL));
	for (const char *const *category = clsf_categories(); *category; category++)
		metric_begin(METRIC_BUILD_FAILURES, metric_labels(labels, "category", *category, NULL));
}

bool builds_start(const struct config *config)
{
	pthread_condattr_t attributes;
	b.config = config;
	begin_counters();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&b.work, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&b.thread, NULL, run, NULL) != 0) {
		log_write(LOG_ERROR, "no thread for verdicts", NULL);
		return false;
	}
	b.started = true;
	return true;
}

void builds_take(struct push *p)
{
	pthread_mutex_lock(&b.lock);
	push_queue_add(&b.queue, p);
	b.behind++;
	pthread_cond_signal(&b.work);
	pthread_mutex_unlock(&b.lock);
}

void builds_wait(void)
{
	pthread_mutex_lock(&b.lock);
	while (b.behind >= MAX_BEHIND)
		pthread_cond_wait(&b.room, &b.lock);
	pthread_mutex_unlock(&b.lock);
}

void builds_stop(void)
{
	if (!b.started)
		return;
	pthread_mutex_lock(&b.lock);
	b.stop = true;
	pthread_cond_signal(&b.work);
	pthread_mutex_unlock(&b.lock);
	pthread_join(b.thread, NULL);
	b.started = false;
}
