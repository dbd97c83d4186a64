/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

/*
 * What /metrics tells: families of counters, gauges and histograms in the text
 * format of Prometheus. All families stand in one table in metrics.c, so that
 * their names can be checked against deploy/. Values are changed without a
 * lock; only a series that is met for the first time takes one.
 *
 * Threads: any.
 */

#include <stdint.h>

#include "memory.h"

enum metric_family {
	METRIC_ENTRIES,              /* the order of the table in metrics.c */
	METRIC_BYTES,
	METRIC_MATCHES,
	METRIC_UNCLASSIFIED,
	METRIC_BUILD_FAILURES,
	METRIC_BUILDS,
	METRIC_BUILD_DURATION,
	METRIC_STREAMS,
	METRIC_STREAMS_BYTES,
	METRIC_STREAMS_EVICTED,
	METRIC_RULES_LOADED,
	METRIC_RULES_QUARANTINED,
	METRIC_RULESET_INFO,
	METRIC_RELOADS,
	METRIC_RELOAD_SUCCESS,
	METRIC_RELOAD_TIME,
	METRIC_REQUESTS,
	METRIC_REQUEST_DURATION,
	METRIC_SCAN_DURATION,
	METRIC_IN_FLIGHT_BYTES,
	METRIC_CONNECTIONS,
	METRIC_CONNECTIONS_CUT,
	METRIC_UPSTREAM_REQUESTS,
	METRIC_UPSTREAM_DURATION,
	METRIC_LABEL_REFUSED,
	METRIC_CAPTURES_DROPPED,
	METRIC_READ_LINES,
	METRIC_READ_ERRORS,
	METRIC_READ_CUT,
	METRIC_QUEUE_ENTRIES,
	METRIC_QUEUE_BYTES,
	METRIC_QUEUE_DROPPED,
	METRIC_VERDICTS_DROPPED,
	METRIC_BUILD_INFO,
	METRIC_FAMILIES,
};

/*
 * Adds to a series, or sets it. `labels` is the inside of the braces,
 * `category="x",rule="y"`, made with metric_labels(); "" for a family without.
 * For a histogram, metric_add() is an observation.
 */
void metric_add(enum metric_family family, const char *labels, double value);
void metric_set(enum metric_family family, const char *labels, double value);

/* Labels from names and values in turn, ended by NULL; the values are escaped. At most 512 bytes. */
#define METRIC_LABELS 512
const char *metric_labels(char buffer[METRIC_LABELS], ...) __attribute__((sentinel));

/*
 * Makes a series that has counted nothing yet: one that appears with its first event hides that
 * event from increase(). metrics_begin() does it for all families without labels.
 */
void metric_begin(enum metric_family family, const char *labels);
void metrics_begin(void);

/* Forgets all series of a family: rules that are gone leave no info behind. */
void metric_clear(enum metric_family family);

/* All of it, as Prometheus reads it. False when memory is out. */
bool metrics_write(struct bytes *to);

#endif
