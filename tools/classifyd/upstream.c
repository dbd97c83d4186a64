/* SPDX-License-Identifier: Apache-2.0 */
/* See upstream.h. Handles are kept and used again, and with them curl's connections. */

#include "upstream.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "log.h"
#include "metrics.h"
#include "push.h"
#include "secret.h"

#define MAX_ANSWER ((size_t)64 * 1024)
#define MAX_CONNECTIONS 128L     /* to Loki at once; what is more waits */
#define MAX_IDLE_HANDLES 256

static struct {
	const struct config *config;
	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock;
	struct upstream_request *first, **last;   /* not begun; under the lock */
	bool stop;                                /* under the lock */
	CURL *idle[MAX_IDLE_HANDLES];             /* the thread's */
	size_t n_idle;
	char *url;                                /* without a / at its end */
	size_t running;
} up = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t on_answer(char *data, size_t size, size_t n, void *user)
{
	struct upstream_request *r = user;
	size_t room = MAX_ANSWER - r->answer.length;
	bytes_add(&r->answer, data, size * n < room ? size * n : room);
	return size * n;
}

static bool add_header(struct upstream_request *r, const char *name, const char *value)
{
	char line[8400];
	if (!value)
		return true;
	if (snprintf(line, sizeof(line), *value ? "%s: %s" : "%s;", name, value) >= (int)sizeof(line))
		return false;
	struct curl_slist *list = curl_slist_append(r->headers, line);
	if (!list)
		return false;
	r->headers = list;
	return true;
}

/* What the configuration says of Loki goes before what the client sent. */
static bool add_authorization(struct upstream_request *r, CURL *handle)
{
	const struct config_identity *identity = &up.config->loki_identity;
	char secret[SECRET_SIZE], value[SECRET_SIZE + 16];
	if (identity->user) {
		if (!secret_read(identity->password_file, secret))
			return false;
		return curl_easy_setopt(handle, CURLOPT_USERNAME, identity->user) == CURLE_OK &&
		       curl_easy_setopt(handle, CURLOPT_PASSWORD, secret) == CURLE_OK;
	}
	if (identity->token_file) {
		if (!secret_read(identity->token_file, secret))
			return false;
		snprintf(value, sizeof(value), "Bearer %s", secret);
		return add_header(r, "Authorization", value);
	}
	return add_header(r, "Authorization", r->authorization);
}

static void set_tls(CURL *handle)
{
	const struct config_tls *tls = &up.config->loki_tls;
	if (tls->authority)
		curl_easy_setopt(handle, CURLOPT_CAINFO, tls->authority);
	if (tls->certificate) {
		curl_easy_setopt(handle, CURLOPT_SSLCERT, tls->certificate);
		curl_easy_setopt(handle, CURLOPT_SSLKEY, tls->key);
	}
	if (tls->insecure) {
		curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static bool prepare(struct upstream_request *r, CURL *handle)
{
	char url[4400];
	long timeout = (long)(up.config->loki_timeout / 1000000);
	snprintf(url, sizeof(url), "%s%s", up.url, r->path);
	if (!add_authorization(r, handle) ||
	    !add_header(r, "X-Scope-OrgID", r->tenant) || !add_header(r, "Content-Type", r->content_type) ||
	    !add_header(r, "Content-Encoding", r->content_encoding) ||
	    !add_header(r, "User-Agent", r->user_agent ? r->user_agent : "classifyd"))
		return false;
	/* To be asked first would cost a round trip for each large body. */
	struct curl_slist *list = curl_slist_append(r->headers, "Expect:");
	if (!list)
		return false;
	r->headers = list;
	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(handle, CURLOPT_POST, 1L);
	curl_easy_setopt(handle, CURLOPT_POSTFIELDS, r->length ? r->body : "");
	curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->length);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, r->why);
	curl_easy_setopt(handle, CURLOPT_PRIVATE, r);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout < 5000 ? timeout : 5000L);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	set_tls(handle);
	return true;
}

static void take_header(CURL *handle, const char *name, char *to, size_t room)
{
	struct curl_header *header;
	if (curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		snprintf(to, room, "%s", header->value);
}

static void finish(struct upstream_request *r, CURLcode code)
{
	CURL *handle = r->handle;
	char labels[METRIC_LABELS];
	long status = 0;
	double seconds = 0;
	if (handle) {
		if (code == CURLE_OK)
			curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME, &seconds);
		take_header(handle, "Retry-After", r->retry_after, sizeof(r->retry_after));
		take_header(handle, "Content-Type", r->answer_type, sizeof(r->answer_type));
		curl_multi_remove_handle(up.multi, handle);
		curl_easy_reset(handle);
		if (up.n_idle < MAX_IDLE_HANDLES)
			up.idle[up.n_idle++] = handle;
		else
			curl_easy_cleanup(handle);
	}
	curl_slist_free_all(r->headers);
	r->handle = r->headers = NULL;
	r->status = (int)status;
	r->timed_out = code == CURLE_OPERATION_TIMEDOUT;
	if (!status && !*r->why)
		snprintf(r->why, sizeof(r->why), "%s", code == CURLE_OK ? "no answer" : curl_easy_strerror(code));
	metric_add(METRIC_UPSTREAM_REQUESTS,
	           metric_labels(labels, "code", log_number(status), NULL), 1);
	metric_add(METRIC_UPSTREAM_DURATION, "", seconds);
	up.running--;
	r->done(r);
}

static void begin(struct upstream_request *r)
{
	CURL *handle = up.n_idle ? up.idle[--up.n_idle] : curl_easy_init();
	r->handle = handle;
	up.running++;
	if (!handle || !prepare(r, handle) || curl_multi_add_handle(up.multi, handle) != CURLM_OK) {
		if (!*r->why)
			snprintf(r->why, sizeof(r->why), "the request could not be made");
		finish(r, CURLE_FAILED_INIT);
	}
}

static struct upstream_request *take_new(bool *ret_stop)
{
	pthread_mutex_lock(&up.lock);
	struct upstream_request *list = up.first;
	up.first = NULL;
	*ret_stop = up.stop;
	pthread_mutex_unlock(&up.lock);
	return list;
}

static void *run(void *unused)
{
	(void)unused;
	bool stop = false;
	while (!stop || up.running) {
		for (struct upstream_request *r = take_new(&stop), *next; r; r = next) {
			next = r->next;
			begin(r);
		}
		int running, left;
		curl_multi_perform(up.multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(up.multi, &left)) != NULL;) {
			struct upstream_request *r;
			if (m->msg != CURLMSG_DONE)
				continue;
			CURLcode code = m->data.result;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
			finish(r, code);
		}
		if (!stop || up.running)
			curl_multi_poll(up.multi, NULL, 0, 1000, NULL);
	}
	return NULL;
}

bool upstream_start(const struct config *config)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(up.multi = curl_multi_init())) {
		log_write(LOG_ERROR, "no memory for requests to Loki", NULL);
		return false;
	}
	up.config = config;
	up.url = strdup(config->loki);
	if (!up.url)
		return false;
	for (size_t n = strlen(up.url); n > 0 && up.url[n - 1] == '/'; n--)
		up.url[n - 1] = '\0';
	curl_multi_setopt(up.multi, CURLMOPT_MAX_HOST_CONNECTIONS, MAX_CONNECTIONS);
	curl_multi_setopt(up.multi, CURLMOPT_MAXCONNECTS, MAX_CONNECTIONS);
	if (pthread_create(&up.thread, NULL, run, NULL) != 0) {
		log_write(LOG_ERROR, "no thread for requests to Loki", NULL);
		return false;
	}
	return true;
}

void upstream_send(struct upstream_request *r)
{
	r->next = NULL;
	r->status = 0;
	r->why[0] = r->answer_type[0] = r->retry_after[0] = '\0';
	r->answer.length = 0;
	pthread_mutex_lock(&up.lock);
	*(up.first ? up.last : &up.first) = r;
	up.last = &r->next;
	pthread_mutex_unlock(&up.lock);
	curl_multi_wakeup(up.multi);
}

void upstream_stop(void)
{
	if (!up.multi)
		return;
	pthread_mutex_lock(&up.lock);
	up.stop = true;
	pthread_mutex_unlock(&up.lock);
	curl_multi_wakeup(up.multi);
	pthread_join(up.thread, NULL);
	while (up.n_idle)
		curl_easy_cleanup(up.idle[--up.n_idle]);
	curl_multi_cleanup(up.multi);
	curl_global_cleanup();
	free(up.url);
	up.multi = NULL;
}
