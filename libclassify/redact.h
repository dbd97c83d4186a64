/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_REDACT_H
#define CLSF_REDACT_H

/* Hiding secrets; clsf_redact() of common.h is the public form. */

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

/* Replaces what `out` holds by the text without its secrets. Returns 0 or CLSF_E_NOMEM. */
int clsf__redact(const struct clsf_allocator *a, const char *text, size_t length,
                 struct clsf__buffer *out);

/*
 * Is the value, a part of the line, hidden when the line is redacted? On its
 * own it may not look like the secret that its line shows it to be. Returns 1,
 * 0, or CLSF_E_NOMEM.
 */
int clsf__is_secret(const struct clsf_allocator *a, const char *line, size_t line_length,
                     const char *value, size_t length);

/* What stands in the place of a secret. */
extern const char clsf__redacted[];
#define CLSF__REDACTED_LENGTH 10

#endif
