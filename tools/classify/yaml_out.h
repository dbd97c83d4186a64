/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_YAML_OUT_H
#define TOOL_YAML_OUT_H

/*
 * Writing YAML: scalars that read back as the same text, whatever they hold,
 * and comments that stay comments. What is around them, the caller writes.
 */

#include "text.h"

/* A scalar on one line: plain where that is plainly safe, quoted otherwise. */
void yaml_add_scalar(struct text *t, const char *text, size_t length);

/* The same, never plain: for expressions, which one looks for between quotes. */
void yaml_add_quoted(struct text *t, const char *text, size_t length);

/*
 * A text of several lines as a block, each line behind `indent` spaces; as a
 * scalar where it has one line, or where a block would not give it back.
 */
void yaml_add_block(struct text *t, const char *text, size_t length, size_t indent);

/* "# " and the text, made visible, behind `indent` spaces; a comment for each of its lines. */
void yaml_add_comment(struct text *t, const char *text, size_t indent);

#endif
