/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See server.h. One thread of libmicrohttpd serves all connections; while a push is in the
 * pipeline its connection is suspended and costs nothing but its memory.
 *
 * What a client announces costs nothing: memory is taken, and counted, as its bytes come.
 */

#include "server.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "connections.h"
#include "log.h"
#include "metrics.h"
#include "pipeline.h"
#include "secret.h"

#define READ_BUFFER ((size_t)16 * 1024)  /* of a connection: what is received at once */

static struct {
	const struct config *config;
	struct MHD_Daemon *daemon;
	char *key, *certificate, *authority;
	atomic_bool ready, stopping;
	MHD_socket quiesced;         /* it listens no more; closed when no thread can look at it */
	pthread_mutex_t lock;
	struct push_queue reloads;   /* who waits for a reload; under the lock */
} server = { .lock = PTHREAD_MUTEX_INITIALIZER, .quiesced = MHD_INVALID_SOCKET };

/* ---- requests ---- */

enum state { RECEIVING, REFUSED, WAITING, ANSWERED };

/* A request; its push is shared with the pipeline while it waits. */
struct request {
	const struct route *route;
	struct push *push;
	struct connection *connection;
	enum state state;
	bool close;                  /* the rest of the body is not read */
};

struct route {
	const char *method, *url;
	bool open;                   /* answered without authentication */
	const char *forward;         /* of a push: the path at Loki */
	enum batch_format json, protobuf;
	void (*answer)(struct push *p);  /* of the others; NULL: a reload */
};

static void answer_text(struct push *p, int status, const char *text)
{
	p->status = status;
	p->answer.length = 0;
	bytes_add(&p->answer, text, strlen(text));
	snprintf(p->answer_type, sizeof(p->answer_type), "text/plain; charset=utf-8");
}

static void answer_metrics(struct push *p)
{
	p->status = 200;
	snprintf(p->answer_type, sizeof(p->answer_type), "text/plain; version=0.0.4; charset=utf-8");
	if (!metrics_write(&p->answer))
		push_refuse(p, 503, "out of memory");
}

static void answer_ready(struct push *p)
{
	bool ready = atomic_load(&server.ready);
	answer_text(p, ready ? 200 : 503, ready ? "ready\n" : "not ready: the rules are not loaded\n");
}

static void answer_healthy(struct push *p)
{
	answer_text(p, 200, "healthy\n");
}

static const struct route routes[] = {
	{ "POST", "/loki/api/v1/push", false, "/loki/api/v1/push", BATCH_LOKI_JSON, BATCH_LOKI_PROTOBUF, NULL },
	{ "POST", "/api/prom/push", false, "/api/prom/push", BATCH_LOKI_LEGACY_JSON, BATCH_LOKI_PROTOBUF, NULL },
	{ "POST", "/otlp/v1/logs", false, "/otlp/v1/logs", BATCH_OTLP_JSON, BATCH_OTLP_PROTOBUF, NULL },
	{ "POST", "/v1/logs", false, "/otlp/v1/logs", BATCH_OTLP_JSON, BATCH_OTLP_PROTOBUF, NULL },
	{ "GET", "/metrics", false, NULL, 0, 0, answer_metrics },
	{ "GET", "/ready", true, NULL, 0, 0, answer_ready },
	{ "GET", "/-/healthy", true, NULL, 0, 0, answer_healthy },
	{ "POST", "/-/reload", false, NULL, 0, 0, NULL },
	{ "PUT", "/-/reload", false, NULL, 0, 0, NULL },
};

/* The route, or NULL; *ret_other says whether the place is known for another method. */
static const struct route *find_route(const char *method, const char *url, bool *ret_other)
{
	*ret_other = false;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].url, url) != 0)
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*ret_other = true;
	}
	return NULL;
}

static char *header(struct MHD_Connection *connection, const char *name, bool *failed)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
	char *copy = value ? strdup(value) : NULL;
	*failed = *failed || (value && !copy);
	return copy;
}

static bool is_json(const char *type)
{
	return type && strncasecmp(type, "application/json", 16) == 0;
}

static bool take_headers(struct request *r, struct MHD_Connection *connection)
{
	struct push *p = r->push;
	bool failed = false;
	p->path = r->route->forward;
	p->tenant = header(connection, "X-Scope-OrgID", &failed);
	p->content_type = header(connection, "Content-Type", &failed);
	p->content_encoding = header(connection, "Content-Encoding", &failed);
	p->user_agent = header(connection, "User-Agent", &failed);
	/* What proves a client to us is not shown to Loki. */
	if (!server.config->server_identity.user && !server.config->server_identity.token_file)
		p->authorization = header(connection, "Authorization", &failed);
	p->format = is_json(p->content_type) ? r->route->json : r->route->protobuf;
	return !failed;
}

static void refuse(struct request *r, int status, const char *why)
{
	push_refuse(r->push, status, why);
	r->state = REFUSED;
}

static void refuse_for_room(struct request *r)
{
	refuse(r, 503, "classifyd: limits.in_flight is reached; try again");
}

static bool is_known(struct MHD_Connection *connection)
{
	return secret_admits(&server.config->server_identity,
	                     MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"));
}

/* With client certificates asked for, one that the authority signed has to be there. */
static bool has_certificate(struct MHD_Connection *connection)
{
	unsigned status = 0;
	if (!server.authority)
		return true;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && gnutls_certificate_verify_peers2(info->tls_session, &status) == GNUTLS_E_SUCCESS && status == 0;
}

static void begin(struct request *r, struct MHD_Connection *connection, const char *url, const char *method)
{
	bool other;
	r->route = find_route(method, url, &other);
	if (atomic_load(&server.stopping)) {
		refuse(r, 503, "classifyd: it is ending");
		r->close = true;
	} else if (!has_certificate(connection)) {
		refuse(r, 403, "classifyd: a client certificate is needed");
	} else if (!r->route) {
		refuse(r, other ? 405 : 404, other ? "classifyd: not with this method" : "classifyd: nothing is here");
	} else if (!r->route->open && !is_known(connection)) {
		refuse(r, 401, "classifyd: who is it?");
	} else if (r->route->forward) {
		const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
		if (!take_headers(r, connection)) {
			refuse(r, 503, "classifyd: out of memory");
		} else if (length && strtoull(length, NULL, 10) > server.config->max_body) {
			refuse(r, 413, "classifyd: the body is larger than limits.body");
			r->close = true;
		} else if (push_bytes_held() > server.config->max_in_flight) {
			refuse_for_room(r);
		}
	}
}

/* Many that were let in while there was room may need more than there is. */
static bool has_room(const struct bytes *body, size_t length)
{
	return length <= body->capacity - body->length || push_bytes_held() <= server.config->max_in_flight;
}

static void receive(struct request *r, const char *data, size_t length)
{
	struct bytes *body = &r->push->body;
	if (r->state != RECEIVING || !r->route->forward)
		return;
	if (length > server.config->max_body - body->length) {
		refuse(r, 413, "classifyd: the body is larger than limits.body");
		r->close = true;
	} else if (!has_room(body, length)) {
		refuse_for_room(r);
	} else if (!bytes_add(body, data, length)) {
		refuse(r, 503, "classifyd: out of memory");
	}
	if (r->state == REFUSED)
		bytes_free(body);
	push_charge(r->push);
}

/* ---- answers ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (*value)
		MHD_add_response_header(response, name, value);
}

static enum MHD_Result answer(struct request *r, struct MHD_Connection *connection)
{
	struct push *p = r->push;
	char labels[METRIC_LABELS];
	struct MHD_Response *response =
		MHD_create_response_from_buffer(p->answer.length, p->answer.data, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	add_header(response, "Content-Type", p->answer.length ? p->answer_type : "");
	add_header(response, "Retry-After", p->retry_after);
	add_header(response, "X-Content-Type-Options", "nosniff");
	if (p->status == 401)
		add_header(response, "WWW-Authenticate",
		           server.config->server_identity.user ? "Basic realm=\"classifyd\"" : "Bearer");
	if (r->close)
		add_header(response, "Connection", "close");
	metric_add(METRIC_REQUESTS, metric_labels(labels, "route", r->route ? r->route->url : "other", "code",
	                                          log_number(p->status), NULL), 1);
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)p->status, response);
	MHD_destroy_response(response);
	r->state = ANSWERED;
	connections_writes(r->connection, server.config->idle_timeout + server.config->read_timeout);
	return result;
}

/* The connection sleeps until somebody calls server_answer(). */
static enum MHD_Result hand_over(struct request *r, struct MHD_Connection *connection)
{
	r->state = WAITING;
	r->push->received = clock_now();
	r->push->connection = connection;
	r->push->done = server_answer;
	connections_rests(r->connection);
	MHD_suspend_connection(connection);
	if (r->route->forward) {
		pipeline_submit(push_hold(r->push));
		return MHD_YES;
	}
	pthread_mutex_lock(&server.lock);
	push_queue_add(&server.reloads, push_hold(r->push));
	pthread_mutex_unlock(&server.lock);
	kill(getpid(), SIGHUP);
	return MHD_YES;
}

/*
 * libmicrohttpd calls this once for the headers, for each piece of the body, once more at its end,
 * and again when a suspended connection goes on.
 */
static enum MHD_Result on_request(void *unused, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **place)
{
	struct request *r = *place;
	(void)unused;
	(void)version;
	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r || !(r->push = push_new())) {
			free(r);
			return MHD_NO;
		}
		*place = r;
		r->connection = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
		connections_reads(r->connection, server.config->read_timeout);
		begin(r, connection, url, method);
		return r->close ? answer(r, connection) : MHD_YES;
	}
	if (*size) {
		receive(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (r->state == RECEIVING && r->route->answer)
		r->route->answer(r->push);
	else if (r->state == RECEIVING)
		return hand_over(r, connection);
	return answer(r, connection);
}

void server_answer(struct push *p)
{
	struct MHD_Connection *connection = p->connection;
	push_release(p);
	MHD_resume_connection(connection);
}

/* A connection may be idle for a while; then a request has to come, and to come whole. */
static void expect_request(struct connection *c)
{
	connections_reads(c, server.config->idle_timeout + server.config->read_timeout);
}

static void on_end(void *unused, struct MHD_Connection *connection, void **place,
                   enum MHD_RequestTerminationCode code)
{
	struct request *r = *place;
	(void)unused;
	(void)connection;
	(void)code;
	if (r) {
		expect_request(r->connection);
		push_release(r->push);
		free(r);
		*place = NULL;
	}
}

static void on_connection(void *unused, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode code)
{
	(void)unused;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*place = connections_add(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
		expect_request(*place);
	} else {
		connections_remove(*place);
	}
	metric_add(METRIC_CONNECTIONS, "", code == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

static void on_log(void *unused, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void on_log(void *unused, const char *format, va_list arguments)
{
	char text[512];
	(void)unused;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_write(LOG_DEBUG, "http", "err", text, NULL);
}

/* ---- start and end ---- */

void server_ready(bool ready)
{
	atomic_store(&server.ready, ready);
}

void server_answer_reloads(bool good)
{
	pthread_mutex_lock(&server.lock);
	struct push_queue asked = server.reloads;
	server.reloads = (struct push_queue){ 0 };
	pthread_mutex_unlock(&server.lock);
	for (struct push *p; (p = push_queue_take(&asked)) != NULL;) {
		answer_text(p, good ? 200 : 500, good ? "the rules are loaded anew\n"
		                                      : "the rules could not be loaded, the old ones stay; the log says why\n");
		server_answer(p);
	}
}

static bool read_pem(const char *path, char **ret)
{
	char chunk[65536];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(chunk, 1, sizeof(chunk) - 1, f) : 0;
	chunk[n] = '\0';
	bool good = f && !ferror(f) && n > 0 && n < sizeof(chunk) - 1;
	if (!good)
		log_write(LOG_ERROR, "a certificate or key cannot be read", "file", path, "err",
		          f ? "it is empty, too large, or damaged" : strerror(errno), NULL);
	if (f)
		fclose(f);
	*ret = good ? strdup(chunk) : NULL;
	explicit_bzero(chunk, sizeof(chunk));
	return *ret != NULL;
}

/* host:port, [address]:port, or :port. */
static struct addrinfo *resolve(const char *listen)
{
	char host[256], *port;
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	snprintf(host, sizeof(host), "%s", listen);
	port = strrchr(host, ':');
	if (!port) {
		log_write(LOG_ERROR, "no address to listen on: it takes host:port", "listen", listen, NULL);
		return NULL;
	}
	*port++ = '\0';
	char *name = host;
	if (*name == '[' && port - host > 2 && port[-2] == ']') {
		port[-2] = '\0';
		name++;
	}
	int code = getaddrinfo(*name ? name : NULL, port, &hints, &found);
	if (code) {
		log_write(LOG_ERROR, "no address to listen on", "listen", listen, "err", gai_strerror(code), NULL);
		return NULL;
	}
	return found;
}

static bool read_tls(const struct config_tls *tls)
{
	return (!tls->certificate || (read_pem(tls->certificate, &server.certificate) && read_pem(tls->key, &server.key))) &&
	       (!tls->authority || read_pem(tls->authority, &server.authority));
}

static bool start_daemon(const struct config *config, const struct sockaddr *address)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, server.certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, server.key },
		{ server.authority ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, server.authority },
		{ MHD_OPTION_END, 0, NULL },
	};
	if (!server.certificate)
		tls[0].option = MHD_OPTION_END;
	else
		flags |= MHD_USE_TLS;
	if (address->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	server.daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, NULL,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_SOCK_ADDR, address,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)connections_allowed(config->max_connections, config->files.n > 0),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(config->idle_timeout / 1000000000),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, READ_BUFFER,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
		MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	return server.daemon != NULL;
}

bool server_start(const struct config *config)
{
	server.config = config;
	if (!read_tls(&config->server_tls))
		return false;
	struct addrinfo *address = resolve(config->listen);
	if (!address)
		return false;
	bool good = connections_start() && start_daemon(config, address->ai_addr);
	freeaddrinfo(address);
	if (!good) {
		log_write(LOG_ERROR, "cannot listen", "listen", config->listen, "err", strerror(errno), NULL);
		return false;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server.daemon, MHD_DAEMON_INFO_BIND_PORT);
	log_write(LOG_INFO, "listening", "listen", config->listen, "port", log_number(info ? info->port : 0),
	          "tls", server.certificate ? "true" : "false", NULL);
	return true;
}

void server_quiesce(void)
{
	if (!server.daemon)
		return;
	atomic_store(&server.stopping, true);
	server.quiesced = MHD_quiesce_daemon(server.daemon);
	if (server.quiesced != MHD_INVALID_SOCKET)
		shutdown(server.quiesced, SHUT_RDWR);
}

void server_stop(void)
{
	if (server.daemon)
		MHD_stop_daemon(server.daemon);
	if (server.quiesced != MHD_INVALID_SOCKET)
		close(server.quiesced);
	server.quiesced = MHD_INVALID_SOCKET;
	server.daemon = NULL;
	connections_stop();
	free(server.key);
	free(server.certificate);
	free(server.authority);
	server.key = server.certificate = server.authority = NULL;
}
