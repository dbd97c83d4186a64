/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_LINES_H
#define CLSF_LINES_H

/* Fast looks at bytes: counting lines, finding those that need decoding, telling UTF-8. */

#include <stdbool.h>
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

/* Does the text hold the word? As memmem(), for short texts, of which it makes less ado. */
bool clsf__contains(const char *text, size_t length, const char *word, size_t word_length);

/* Is the text valid UTF-8 (Unicode, table 3-7)? */
bool clsf__is_utf8(const char *text, size_t length);

/* The last newline of the text, NULL where it has none. */
const char *clsf__last_newline(const char *text, size_t length);

#endif
