/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LABEL_H
#define DAEMON_LABEL_H

/*
 * From the entries of a batch to their marks. Each entry is looked at by itself, so that the same
 * entry always gets the same mark: a client that sends a batch once more makes the same entries of
 * it, which Loki knows to be the same.
 */

#include <classify/classify.h>

#include "batch.h"
#include "config.h"
#include "guard.h"

struct label_options {
	struct guard *guard;
	size_t capture_size;
	bool redact;
};

/*
 * Marks the entries of the batch and notes their markers. Marks live in its pool and point into
 * the worker's ruleset. Returns 0, or a negative code of the library, with the batch unmarked.
 */
int label_batch(struct batch *b, struct clsf_worker *worker, const struct label_options *options);

#endif
