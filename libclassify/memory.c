/* SPDX-License-Identifier: Apache-2.0 */
/* See memory.h. */

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)16 * 1024)

struct clsf__arena_chunk {
	struct clsf__arena_chunk *next;
	size_t size;
	max_align_t data[];
};

static void *default_reallocate(void *context, void *pointer, size_t size)
{
	(void)context;
	if (size == 0) {
		free(pointer);
		return NULL;
	}
	return realloc(pointer, size);
}

struct clsf_allocator clsf__allocator(const struct clsf_allocator *given)
{
	if (given && given->reallocate)
		return *given;
	return (struct clsf_allocator){ .reallocate = default_reallocate };
}

void *clsf__realloc(const struct clsf_allocator *a, void *pointer, size_t size)
{
	return a->reallocate(a->context, pointer, size ? size : 1);
}

void *clsf__calloc(const struct clsf_allocator *a, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return NULL;
	void *p = clsf__realloc(a, NULL, count * size);
	if (p)
		memset(p, 0, count * size);
	return p;
}

void clsf__free(const struct clsf_allocator *a, void *pointer)
{
	if (pointer)
		a->reallocate(a->context, pointer, 0);
}

bool clsf__grow(const struct clsf_allocator *a, void *array, size_t *capacity,
                size_t need, size_t item_size)
{
	if (need <= *capacity)
		return true;
	size_t wanted = *capacity ? *capacity : 8;
	while (wanted < need) {
		if (wanted > SIZE_MAX / 2 / item_size)
			return false;
		wanted *= 2;
	}
	void *old, *grown;
	memcpy(&old, array, sizeof(old));
	grown = clsf__realloc(a, old, wanted * item_size);
	if (!grown)
		return false;
	memcpy(array, &grown, sizeof(grown));
	*capacity = wanted;
	return true;
}

void clsf__arena_init(struct clsf__arena *arena, const struct clsf_allocator *a)
{
	*arena = (struct clsf__arena){ .allocator = *a };
}

static void free_chunks(struct clsf__arena *arena, struct clsf__arena_chunk *chunk)
{
	while (chunk) {
		struct clsf__arena_chunk *next = chunk->next;
		clsf__free(&arena->allocator, chunk);
		chunk = next;
	}
}

void clsf__arena_done(struct clsf__arena *arena)
{
	free_chunks(arena, arena->chunks);
	arena->chunks = NULL;
	arena->next = NULL;
	arena->left = 0;
}

void clsf__arena_reset(struct clsf__arena *arena)
{
	struct clsf__arena_chunk *first = arena->chunks;
	if (!first)
		return;
	free_chunks(arena, first->next);
	first->next = NULL;
	arena->next = (char *)first->data;
	arena->left = first->size;
}

void *clsf__arena_alloc(struct clsf__arena *arena, size_t size)
{
	const size_t align = sizeof(max_align_t);
	if (size > SIZE_MAX - CHUNK_SIZE)
		return NULL;
	size = (size + align - 1) / align * align;
	if (size > arena->left) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		struct clsf__arena_chunk *chunk =
			clsf__realloc(&arena->allocator, NULL, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		chunk->size = room;
		arena->chunks = chunk;
		arena->next = (char *)chunk->data;
		arena->left = room;
	}
	void *p = arena->next;
	arena->next += size;
	arena->left -= size;
	return p;
}

char *clsf__arena_strndup(struct clsf__arena *arena, const char *text, size_t length)
{
	char *copy = clsf__arena_alloc(arena, length + 1);
	if (!copy)
		return NULL;
	if (length)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

void clsf__buffer_init(struct clsf__buffer *b, const struct clsf_allocator *a)
{
	*b = (struct clsf__buffer){ .allocator = *a };
}

void clsf__buffer_done(struct clsf__buffer *b)
{
	clsf__free(&b->allocator, b->data);
	b->data = NULL;
	b->length = b->capacity = 0;
}

bool clsf__buffer_reserve(struct clsf__buffer *b, size_t extra)
{
	if (extra > SIZE_MAX - b->length ||
	    !clsf__grow(&b->allocator, &b->data, &b->capacity, b->length + extra, 1))
		b->failed = true;
	return !b->failed;
}

void clsf__buffer_add(struct clsf__buffer *b, const void *data, size_t length)
{
	if (length == 0 || !clsf__buffer_reserve(b, length))
		return;
	memcpy(b->data + b->length, data, length);
	b->length += length;
}

void clsf__buffer_adds(struct clsf__buffer *b, const char *string)
{
	clsf__buffer_add(b, string, strlen(string));
}

void clsf__buffer_addc(struct clsf__buffer *b, char c)
{
	clsf__buffer_add(b, &c, 1);
}

void clsf__buffer_addf(struct clsf__buffer *b, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int need = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (need < 0 || !clsf__buffer_reserve(b, (size_t)need + 1)) {
		b->failed = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf(b->data + b->length, (size_t)need + 1, format, arguments);
	va_end(arguments);
	b->length += (size_t)need;
}
