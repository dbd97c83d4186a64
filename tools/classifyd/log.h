/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/*
 * The daemon's own log: logfmt on standard error, one line a call, whole lines
 * also when threads write at once.
 */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What is below this is not written; info at the start. */
void log_set_level(enum log_level level);

/*
 * Names and values in turn, ended by NULL; each value is a string, quoted
 * where it has to be. Numbers go through log_number().
 */
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

/* A number as a string; one of eight static places of the thread. */
const char *log_number(long long n);

#endif
