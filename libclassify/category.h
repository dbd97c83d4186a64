/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_CATEGORY_H
#define CLSF_CATEGORY_H

/* The closed lists of words that rules may use. */

#include <stddef.h>

#include <classify/rules.h>

/* The static copy of a category's name, or NULL when it is none. */
const char *clsf__category_find(const char *name, size_t length);

/*
 * The word of `list` (NULL at its end) nearest to `word` by edit distance, for
 * "did you mean"; NULL when none is near.
 */
const char *clsf__nearest(const char *word, const char *const *list);

extern const char *const clsf__role_names[];      /* indexed by enum clsf_role, NULL at the end */
extern const char *const clsf__severity_names[];  /* indexed by enum clsf_severity, NULL at the end */

#endif
