/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_REDACT_H
#define CLSF_REDACT_H

/* Hiding secrets; clsf_redact() of common.h is the public form. */

#include <stddef.h>

#include "memory.h"

/* Replaces what `out` holds by the text without its secrets. Returns 0 or CLSF_E_NOMEM. */
int clsf__redact(const struct clsf_allocator *a, const char *text, size_t length,
                 struct clsf__buffer *out);

#endif
