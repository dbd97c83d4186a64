/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_TEXT_H
#define CLSF_TEXT_H

/* UTF-8: writing characters, and cutting texts where one ends. */

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* Appends a character (no surrogate, at most U+10FFFF). */
void clsf__add_utf8(struct clsf__buffer *b, uint32_t c);

/* The length of the first `limit` bytes of the text that does not cut a character. */
size_t clsf__cut(const char *text, size_t length, size_t limit);

#endif
