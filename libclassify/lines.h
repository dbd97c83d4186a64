/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_LINES_H
#define CLSF_LINES_H

/* Counting lines, and finding those whose message may differ from a part of their raw text. */

#include <stddef.h>
#include <stdint.h>

/* Newlines in the text. */
uint64_t clsf__count_newlines(const char *text, size_t length);

/*
 * The offset of the first byte at or after `from` that makes a line's message
 * need decoding: ESC, a backslash, or \r that is not directly before \n.
 * `length` if there is none.
 */
size_t clsf__find_special(const char *text, size_t length, size_t from);

#endif
