/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_ARENA_H
#define TOOL_ARENA_H

/*
 * Memory that is freed all at once: for trees and texts that live as long as a
 * command. Where memory is out, the command says so and ends with 2.
 */

#include <stddef.h>

struct arena {
	struct arena_piece *pieces;
};

/* Zeroed memory. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy that ends in NUL. */
char *arena_strndup(struct arena *a, const char *text, size_t length);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

#endif
