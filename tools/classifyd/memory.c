/* SPDX-License-Identifier: Apache-2.0 */
/* See memory.h. */

#include "memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE ((size_t)64 * 1024)
#define KEPT_SIZE ((size_t)1 << 20)

bool bytes_reserve(struct bytes *b, size_t more)
{
	if (more <= b->capacity - b->length)
		return true;
	if (more > SIZE_MAX / 2 - b->length)
		return false;
	size_t capacity = b->capacity ? b->capacity : 4096;
	while (capacity - b->length < more)
		capacity *= 2;
	char *data = realloc(b->data, capacity);
	if (!data)
		return false;
	b->data = data;
	b->capacity = capacity;
	return true;
}

bool bytes_add(struct bytes *b, const void *data, size_t length)
{
	if (!bytes_reserve(b, length))
		return false;
	if (length)
		memcpy(b->data + b->length, data, length);
	b->length += length;
	return true;
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

struct pool_piece {
	struct pool_piece *next;
	size_t used, capacity;
	alignas(max_align_t) char data[];
};

void *pool_alloc(struct pool *p, size_t size)
{
	struct pool_piece *piece = p->pieces;
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!piece || piece->capacity - piece->used < size) {
		size_t capacity = piece ? piece->capacity * 2 : PIECE_SIZE;
		if (capacity > KEPT_SIZE)
			capacity = KEPT_SIZE;
		if (capacity < size)
			capacity = size;
		piece = malloc(sizeof(*piece) + capacity);
		if (!piece)
			return NULL;
		*piece = (struct pool_piece){ .next = p->pieces, .capacity = capacity };
		p->pieces = piece;
	}
	void *memory = piece->data + piece->used;
	piece->used += size;
	p->used += size;
	return memset(memory, 0, size);
}

char *pool_copy(struct pool *p, const void *data, size_t length)
{
	if (length == SIZE_MAX)
		return NULL;
	char *copy = pool_alloc(p, length + 1);
	if (copy && length)
		memcpy(copy, data, length);
	return copy;
}

void pool_reset(struct pool *p)
{
	struct pool_piece *kept = NULL;
	for (struct pool_piece *piece = p->pieces, *next; piece; piece = next) {
		next = piece->next;
		if (!kept && piece->capacity <= KEPT_SIZE) {
			kept = piece;
			kept->used = 0;
			kept->next = NULL;
		} else {
			free(piece);
		}
	}
	p->pieces = kept;
	p->used = 0;
}

void pool_free(struct pool *p)
{
	for (struct pool_piece *piece = p->pieces, *next; piece; piece = next) {
		next = piece->next;
		free(piece);
	}
	*p = (struct pool){ 0 };
}
