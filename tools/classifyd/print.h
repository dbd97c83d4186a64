/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PRINT_H
#define DAEMON_PRINT_H

/*
 * Where there is no Loki: entries as lines of JSON on standard output, each with its time, labels,
 * line and what was found in it (docs/classifyd.md).
 *
 * Threads: any; lines of several threads do not mix.
 */

#include "push.h"

/* Every entry of a push. What could not be read gets an answer that says so. */
void print_push(struct push *p);

/* One entry of our own; `labels` as Loki writes them, `metadata` an object of JSON or NULL. */
void print_entry(int64_t time, const char *labels, const char *entry, size_t length, const char *metadata);

/* Whether everything could be written so far. */
bool print_is_good(void);

#endif
