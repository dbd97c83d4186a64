/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/*
 * Memory for requests: growing buffers, and pools that are freed all at once.
 * A daemon goes on when memory is short, so every call can fail.
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow. Zero is a good start. */
struct bytes {
	char *data;
	size_t length, capacity;
};

/* Room for `more` bytes behind the length; false when memory is out. */
bool bytes_reserve(struct bytes *b, size_t more);
bool bytes_add(struct bytes *b, const void *data, size_t length);
void bytes_free(struct bytes *b);

/* Zero is a good start. */
struct pool {
	struct pool_piece *pieces;
	size_t used;                 /* bytes given out since the last reset */
};

/* Zeroed memory, or NULL. */
void *pool_alloc(struct pool *p, size_t size);
/* A copy that ends in NUL, or NULL. */
char *pool_copy(struct pool *p, const void *data, size_t length);
/* What was given out is gone; one piece is kept for the next use. */
void pool_reset(struct pool *p);
void pool_free(struct pool *p);

#endif
