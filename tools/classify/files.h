/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_FILES_H
#define TOOL_FILES_H

/* Files that are read whole, and results that go to a file or to standard output. */

#include "cache.h"
#include "cli.h"
#include "text.h"

/*
 * Reads a file, or standard input for "-". What follows the content is a NUL,
 * which is not counted. False and `why` when it cannot be read or is larger.
 */
bool read_whole(const char *path, size_t most, struct blob *ret_blob, char why[160]);

/*
 * Writes a new file, or with `force` another one in the place of one that is
 * there; into what is no regular file, directly. False sets errno.
 */
bool write_new(const char *path, bool force, const struct text *t);

/*
 * Writes a result: to standard output if `path` is NULL or "-", else to a new
 * file as write_new() does. Failures are told and noted.
 */
void write_result(const char *path, bool force, const struct text *t, struct outcome *o);

#endif
