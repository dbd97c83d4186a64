/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_TERMINAL_H
#define CLSF_TERMINAL_H

/* Escape sequences of terminals (ECMA-48): colours, links, moves of the cursor. */

#include <stddef.h>

#include "memory.h"

/* The length of the sequence that starts at s[0] == ESC. */
size_t clsf__escape_length(const char *s, size_t n);

/* Appends the text without its escape sequences. */
void clsf__add_stripped(struct clsf__buffer *b, const char *s, size_t length);

/* The length of a colour whose ESC was lost on the way, perhaps to U+FFFD: "[36m". 0 for none. */
size_t clsf__colour_rest(const char *s, size_t n);

#endif
