/* SPDX-License-Identifier: Apache-2.0 */
/* See pipeline.h. */

#include "pipeline.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builds.h"
#include "guard.h"
#include "label.h"
#include "log.h"
#include "metrics.h"
#include "print.h"
#include "rules.h"
#include "upstream.h"

static struct {
	const struct config *config;
	struct guard *guard;
	pthread_t *threads;
	size_t n_threads;
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	struct push_queue queue;     /* under the lock, as what follows */
	size_t unanswered;
	bool stop;
} line = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER,
	   .idle = PTHREAD_COND_INITIALIZER };

static void unclassified(const char *reason)
{
	char labels[METRIC_LABELS];
	metric_add(METRIC_UNCLASSIFIED, metric_labels(labels, "reason", reason, NULL), 1);
}

/* ---- answers ---- */

static void count_delivered(const struct push *p)
{
	char labels[METRIC_LABELS];
	if (!p->read)
		return;
	metric_add(METRIC_ENTRIES, "", (double)p->batch.n_entries);
	metric_add(METRIC_BYTES, "", (double)p->batch.text_bytes);
	if (!p->marked || p->original)
		return;
	for (size_t i = 0; i < p->batch.n_entries; i++) {
		const struct batch_mark *m = p->batch.entries[i].mark;
		if (m)
			metric_add(METRIC_MATCHES, metric_labels(labels, "category", m->category, "rule", m->rule,
			                                         "severity", m->severity, NULL), 1);
	}
}

static void answered(struct push *p)
{
	if (p->status / 100 == 2) {
		count_delivered(p);
		push_trim(p);
		if (p->classified && line.config->verdicts)
			builds_take(push_hold(p));
	}
	metric_add(METRIC_REQUEST_DURATION, "", (double)(clock_now() - p->received) / 1e9);
	p->done(p);
	pthread_mutex_lock(&line.lock);
	if (--line.unanswered == 0)
		pthread_cond_broadcast(&line.idle);
	pthread_mutex_unlock(&line.lock);
}

static bool says(const struct bytes *answer, const char *words)
{
	return answer->length && memmem(answer->data, answer->length, words, strlen(words));
}

/*
 * Whether Loki refused what was added, rather than what the client sent: too many labels or
 * streams, or metadata that it does not take. The words are those of Loki's validation.
 */
static bool is_about_labels(int status, const struct bytes *answer)
{
	if (status == 429)
		return says(answer, "stream limit");
	if (status != 400)
		return false;
	return !says(answer, "too far behind") && !says(answer, "out of order") && !says(answer, "too old") &&
	       !says(answer, "too new") && !says(answer, "Max entry size");
}

static void on_upstream(struct upstream_request *r);

static void send_to_loki(struct push *p, struct upstream_request *r)
{
	const struct bytes *body = p->marked && !p->original ? &p->labelled : &p->body;
	r->path = p->path;
	r->tenant = p->tenant;
	r->authorization = p->authorization;
	r->content_type = p->content_type;
	r->content_encoding = p->content_encoding;
	r->user_agent = p->user_agent;
	r->body = body->data;
	r->length = body->length;
	r->done = on_upstream;
	r->user = p;
	upstream_send(r);
}

static void on_upstream(struct upstream_request *r)
{
	struct push *p = r->user;
	if (p->marked && !p->original && is_about_labels(r->status, &r->answer)) {
		log_write(LOG_WARN, "Loki refused what was added to a batch; it is sent as it came", "code",
		          log_number(r->status), "err", r->answer.length && bytes_add(&r->answer, "", 1) ? r->answer.data : "",
		          NULL);
		metric_add(METRIC_LABEL_REFUSED, "", 1);
		p->original = true;
		send_to_loki(p, r);
		return;
	}
	if (r->status) {
		p->status = r->status;
		p->answer = r->answer;
		memcpy(p->answer_type, r->answer_type, sizeof(p->answer_type));
		memcpy(p->retry_after, r->retry_after, sizeof(p->retry_after));
	} else {
		char why[320];
		snprintf(why, sizeof(why), "classifyd: no answer from Loki: %s", r->why);
		log_write(LOG_WARN, "no answer from Loki", "err", r->why, NULL);
		push_refuse(p, r->timed_out ? 504 : 502, why);
		bytes_free(&r->answer);
	}
	free(r);
	answered(p);
}

/* ---- classifying ---- */

/* Undoes the encodings of the body. True when `decoded` is good; otherwise the push is answered or passes. */
static bool decode(struct push *p, enum encoding *transport)
{
	bool is_snappy = p->format == BATCH_LOKI_PROTOBUF;
	enum encoding snappy = ENCODING_SNAPPY;
	enum encoding_result result;
	struct bytes inner = { 0 };
	*transport = encoding_of(p->content_encoding);
	if (is_snappy && *transport == ENCODING_SNAPPY)
		*transport = ENCODING_NONE;      /* said, and no second layer: every push in protobuf is snappy */
	if (*transport == ENCODING_UNKNOWN) {
		unclassified("encoding");
		return false;
	}
	size_t limit = p->own ? SIZE_MAX : line.config->max_decoded;
	if (is_snappy && *transport == ENCODING_NONE) {
		result = encoding_decode(&snappy, p->body.data, p->body.length, limit, &p->decoded);
	} else {
		result = encoding_decode(transport, p->body.data, p->body.length, limit, &p->decoded);
		if (is_snappy && result == ENCODING_GOOD) {
			inner = p->decoded;
			p->decoded = (struct bytes){ 0 };
			result = encoding_decode(&snappy, inner.data, inner.length, limit, &p->decoded);
			bytes_free(&inner);
		}
	}
	if (result == ENCODING_TOO_LARGE)
		push_refuse(p, 413, "classifyd: the body is larger than limits.decoded_body when it is decoded");
	else if (result == ENCODING_DAMAGED)
		unclassified("invalid");
	else if (result == ENCODING_NO_MEMORY)
		unclassified("memory");
	return result == ENCODING_GOOD;
}

static bool encode(struct push *p, enum encoding transport)
{
	struct bytes plain = { 0 }, inner = { 0 };
	bool good = batch_write(&p->batch, strcmp(line.config->category_as, "metadata") == 0, &plain);
	if (good && p->format == BATCH_LOKI_PROTOBUF) {
		good = encoding_encode(ENCODING_SNAPPY, plain.data, plain.length, &inner);
		bytes_free(&plain);
		plain = inner;
		inner = (struct bytes){ 0 };
	}
	if (good && transport != ENCODING_NONE) {
		good = encoding_encode(transport, plain.data, plain.length, &p->labelled);
		bytes_free(&plain);
	} else {
		p->labelled = plain;
	}
	return good;
}

/* Makes a batch of the body. False: it passes as it is, or has its answer. */
static bool read_batch(struct push *p)
{
	const struct batch_limits limits = { p->own ? SIZE_MAX : line.config->max_streams,
	                                     p->own ? SIZE_MAX : line.config->max_entries };
	char why[256] = "", text[320];
	switch (batch_read(&p->batch, p->format, p->decoded.data, p->decoded.length, &limits, why)) {
	case BATCH_GOOD:
		p->read = true;
		return true;
	case BATCH_INVALID:
		log_write(LOG_DEBUG, "a body that cannot be read", "err", why, NULL);
		unclassified("invalid");
		break;
	case BATCH_TOO_LARGE:
		snprintf(text, sizeof(text), "classifyd: %s", why);
		push_refuse(p, 413, text);
		break;
	case BATCH_NO_MEMORY:
		unclassified("memory");
		break;
	}
	return false;
}

/* What a thread has for one ruleset. */
struct hands {
	struct clsf_ruleset *ruleset;
	struct clsf_worker *worker;
};

static bool ready_hands(struct hands *h)
{
	struct clsf_ruleset *ruleset = rules_current();
	if (ruleset != h->ruleset) {
		clsf_worker_free(h->worker);
		clsf_ruleset_unref(h->ruleset);
		*h = (struct hands){ .ruleset = ruleset };
		if (ruleset && clsf_worker_new(ruleset, NULL, &h->worker) != 0)
			h->worker = NULL;
	} else {
		clsf_ruleset_unref(ruleset);
	}
	return h->worker != NULL;
}

static void label(struct push *p, struct hands *h, enum encoding transport)
{
	const struct label_options options = { line.guard, line.config->capture_size, line.config->redact };
	if (!ready_hands(h)) {
		unclassified("rules");
		return;
	}
	p->ruleset = clsf_ruleset_ref(h->ruleset);
	int result = label_batch(&p->batch, h->worker, &options);
	if (result) {
		log_write(LOG_WARN, "a batch could not be classified", "err", clsf_strerror(result), NULL);
		unclassified(result == CLSF_E_NOMEM ? "memory" : "engine");
		return;
	}
	p->classified = true;
	for (size_t i = 0; i < p->batch.n_entries && !p->marked; i++)
		p->marked = p->batch.entries[i].mark != NULL;
	if (p->marked && line.config->loki && !encode(p, transport)) {
		bytes_free(&p->labelled);
		p->marked = p->classified = false;
		unclassified("memory");
	}
}

static void handle(struct push *p, struct hands *h)
{
	enum encoding transport;
	uint64_t begun = clock_now();
	/* Decoded, a body may be a thousand times what it was when it was let in. */
	if (!p->own && push_bytes_held() - p->charged > line.config->max_in_flight)
		push_refuse(p, 503, "classifyd: limits.in_flight is reached; try again");
	else if (decode(p, &transport) && read_batch(p))
		label(p, h, transport);
	push_charge(p);
	if (p->ends)
		p->status = 204;                 /* only the builds have to know */
	else
		metric_add(METRIC_SCAN_DURATION, "", (double)(clock_now() - begun) / 1e9);
	if (p->status) {
		answered(p);
		return;
	}
	if (!line.config->loki) {
		print_push(p);
		answered(p);
		return;
	}
	struct upstream_request *r = calloc(1, sizeof(*r));
	if (!r) {
		push_refuse(p, 503, "classifyd: out of memory");
		answered(p);
		return;
	}
	send_to_loki(p, r);
}

static void *run(void *unused)
{
	(void)unused;
	struct hands hands = { 0 };
	for (;;) {
		pthread_mutex_lock(&line.lock);
		while (!line.queue.first && !line.stop)
			pthread_cond_wait(&line.work, &line.lock);
		struct push *p = push_queue_take(&line.queue);
		pthread_mutex_unlock(&line.lock);
		if (!p)
			break;
		if (line.config->verdicts)
			builds_wait();
		handle(p, &hands);
	}
	clsf_worker_free(hands.worker);
	clsf_ruleset_unref(hands.ruleset);
	return NULL;
}

bool pipeline_start(const struct config *config)
{
	line.config = config;
	line.guard = guard_new(config->capture_values);
	line.threads = calloc(config->threads, sizeof(*line.threads));
	if (!line.guard || !line.threads)
		return false;
	for (; line.n_threads < config->threads; line.n_threads++) {
		if (pthread_create(&line.threads[line.n_threads], NULL, run, NULL) != 0) {
			log_write(LOG_ERROR, "no thread to classify", NULL);
			return false;
		}
	}
	return true;
}

void pipeline_submit(struct push *p)
{
	pthread_mutex_lock(&line.lock);
	line.unanswered++;
	push_queue_add(&line.queue, p);
	pthread_cond_signal(&line.work);
	pthread_mutex_unlock(&line.lock);
}

void pipeline_stop(void)
{
	pthread_mutex_lock(&line.lock);
	while (line.unanswered)
		pthread_cond_wait(&line.idle, &line.lock);
	line.stop = true;
	pthread_cond_broadcast(&line.work);
	pthread_mutex_unlock(&line.lock);
	for (size_t i = 0; i < line.n_threads; i++)
		pthread_join(line.threads[i], NULL);
	free(line.threads);
	guard_free(line.guard);
	line.threads = NULL;
	line.n_threads = 0;
}
