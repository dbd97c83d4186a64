/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_PROFILE_H
#define TOOL_PROFILE_H

/* `scan --profile`: where the time went. */

#include <stdint.h>
#include <stdio.h>

#include <classify/classify.h>

/* The clock that workers are given: nanoseconds, monotonic. */
uint64_t profile_clock(void *context);

/*
 * Prints the stages and the expressions that cost most, of all workers together; `total` are the
 * nanoseconds that the scan took.
 */
void profile_print(FILE *f, const struct clsf_worker *const *workers, size_t n_workers, uint64_t total);

#endif
