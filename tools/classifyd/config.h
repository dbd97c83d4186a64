/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

/*
 * What the daemon is told to do, by a YAML file and by flags, which win. Both
 * name the same settings: the table in config.c is the one list of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_list {
	char **item;
	size_t n;
};

/* name=value; what a stream of our own is labelled with. */
struct config_pairs {
	char **name, **value;
	size_t n;
};

/* Files that are read. */
struct config_files {
	struct config_list paths, exclude;   /* patterns */
	struct config_pairs labels;
};

struct config_file_groups {
	struct config_files *item;
	size_t n;
};

/* Who somebody is, and how it is proven; what is not set is NULL. */
struct config_identity {
	char *user, *password_file;
	char *token_file;
};

struct config_tls {
	char *certificate, *key;     /* files in PEM */
	char *authority;             /* of the other side */
	bool insecure;               /* the other side's certificate is not checked */
};

struct config {
	char *listen;                /* host:port; NULL: no server */
	struct config_tls server_tls;
	struct config_identity server_identity;
	size_t idle_timeout;         /* nanoseconds, as all durations here */
	size_t read_timeout;         /* for a request to come whole */

	char *loki;                  /* its URL; NULL: entries are printed */
	struct config_tls loki_tls;
	struct config_identity loki_identity;
	char *tenant;                /* of what is not sent for a client; or NULL */
	size_t loki_timeout;

	bool from_stdin;
	struct config_pairs stdin_labels;
	struct config_file_groups files;
	bool journal;
	char *journal_path;          /* a folder; NULL: the journal of this machine */
	struct config_list journal_matches;
	struct config_pairs journal_labels;
	size_t journal_age;          /* of its first entries */
	char *positions;             /* how far inputs were read, in promtail's form; or NULL */

	char *queue;                 /* the file that holds what Loki has not taken; NULL: memory does */
	size_t queue_size;           /* bytes of batches that it holds at most */
	size_t patience;             /* how long is waited for Loki at the end of standard input */

	struct config_list rules;    /* paths; none: the shipped packs */
	char *cache;

	char *category_as;           /* "label" or "metadata" */
	bool redact;
	size_t capture_size;         /* bytes of a capture that are kept */
	size_t capture_values;       /* different values of a capture in an hour */

	bool verdicts;
	size_t silence;
	struct config_pairs verdict_labels;

	size_t max_body, max_decoded;    /* bytes */
	size_t max_entries, max_streams; /* of a body */
	size_t max_in_flight;            /* bytes of all bodies that are held */
	size_t max_connections;
	size_t max_open_streams;         /* whose verdicts are open */
	size_t max_open_bytes;           /* that these hold */

	size_t threads;              /* that classify */
	char *log_level;
};

/* Whether there is a pair of this name. */
bool config_pairs_have(const struct config_pairs *pairs, const char *name);

/* The defaults; config_free() frees what was set. False when memory is out. */
bool config_init(struct config *c);
void config_free(struct config *c);

/* Reads a file; every fault is told, as file:line:col. False when there was one. */
bool config_read(struct config *c, const char *path);

/*
 * Sets what a flag says, by the setting's name in the file ("loki.url"). What
 * is wrong with the value is told. False when something is.
 */
bool config_set(struct config *c, const char *name, const char *value, const char *flag);

/* What only the whole can tell: settings that contradict each other. False when told. */
bool config_check(const struct config *c);

#endif
