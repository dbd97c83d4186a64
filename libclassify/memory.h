/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_MEMORY_H
#define CLSF_MEMORY_H

/*
 * Memory of the core: the caller's allocator, an arena for what lives as long
 * as a ruleset, and a growing byte buffer. Every allocation of the library but
 * those inside Hyperscan and libyaml goes through clsf__realloc().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/common.h>

/* The default allocator (malloc), or a copy of the caller's. */
struct clsf_allocator clsf__allocator(const struct clsf_allocator *given);

void *clsf__realloc(const struct clsf_allocator *a, void *pointer, size_t size);
void *clsf__calloc(const struct clsf_allocator *a, size_t count, size_t size);
void clsf__free(const struct clsf_allocator *a, void *pointer);

/*
 * Makes room for `need` items of `item_size` bytes in the array at *array,
 * doubling its capacity. False when memory is out; the array is untouched.
 */
bool clsf__grow(const struct clsf_allocator *a, void *array, size_t *capacity,
                size_t need, size_t item_size);

/* Allocates in big chunks, frees all at once. */
struct clsf__arena {
	struct clsf_allocator allocator;
	struct clsf__arena_chunk *chunks;
	char *next;
	size_t left;
};

void clsf__arena_init(struct clsf__arena *arena, const struct clsf_allocator *a);
void clsf__arena_done(struct clsf__arena *arena);
/* Forgets all allocations but keeps the newest chunk. */
void clsf__arena_reset(struct clsf__arena *arena);
void *clsf__arena_alloc(struct clsf__arena *arena, size_t size);
/* A copy that ends in NUL. */
char *clsf__arena_strndup(struct clsf__arena *arena, const char *text, size_t length);

/* A growing byte buffer. `failed` sticks once memory was out; check it at the end. */
struct clsf__buffer {
	struct clsf_allocator allocator;
	char *data;
	size_t length;
	size_t capacity;
	bool failed;
};

void clsf__buffer_init(struct clsf__buffer *b, const struct clsf_allocator *a);
void clsf__buffer_done(struct clsf__buffer *b);
/* Empties it and forgets a failure; its memory is kept. */
static inline void clsf__buffer_clear(struct clsf__buffer *b)
{
	b->length = 0;
	b->failed = false;
}
bool clsf__buffer_reserve(struct clsf__buffer *b, size_t extra);
void clsf__buffer_add(struct clsf__buffer *b, const void *data, size_t length);
void clsf__buffer_adds(struct clsf__buffer *b, const char *string);
void clsf__buffer_addc(struct clsf__buffer *b, char c);
void clsf__buffer_addf(struct clsf__buffer *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
