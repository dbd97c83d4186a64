/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_VERDICT_ENTRY_H
#define DAEMON_VERDICT_ENTRY_H

/*
 * A verdict as an entry of its own: a stream with few labels, {job="classify", result="failed",
 * failure_category="..."}, the object of `classify scan -o jsonl` as its line, and rule, severity,
 * captures and where it comes from as structured metadata.
 */

#include <classify/classify.h>

#include "config.h"

struct verdict_entry {
	const struct clsf_verdict *verdict;
	const char *source;          /* the labels of the stream */
	const char *hash;            /* of the rules */
	const char *reason;          /* why it ended: "next_build", "silence", "evicted", "shutdown", "end" */
	const char *tenant, *authorization;   /* of the last push, or NULL */
	double seconds;              /* from the first to the last entry; below 0: not known */
};

/* Sends it to Loki, or prints it where there is none. */
void verdict_entry_send(const struct config *config, const struct verdict_entry *e);

#endif
