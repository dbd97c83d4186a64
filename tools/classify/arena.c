/* SPDX-License-Identifier: Apache-2.0 */
/* See arena.h. Small requests share pieces, large ones have their own. */

#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE ((size_t)64 * 1024)

struct arena_piece {
	struct arena_piece *next;
	size_t used, size;
	max_align_t data[];
};

static void out_of_memory(void) __attribute__((noreturn));

static void out_of_memory(void)
{
	fputs("classify: out of memory\n", stderr);
	exit(2);
}

static struct arena_piece *new_piece(struct arena *a, size_t size)
{
	struct arena_piece *piece = calloc(1, sizeof(*piece) + size);
	if (!piece)
		out_of_memory();
	piece->size = size;
	piece->next = a->pieces;
	a->pieces = piece;
	return piece;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = sizeof(max_align_t);
	size = (size + align - 1) / align * align;
	struct arena_piece *piece = a->pieces;
	if (!piece || piece->size - piece->used < size)
		piece = new_piece(a, size > PIECE_SIZE ? size : PIECE_SIZE);
	void *data = (char *)piece->data + piece->used;
	piece->used += size;
	return data;
}

char *arena_strndup(struct arena *a, const char *text, size_t length)
{
	char *copy = arena_alloc(a, length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	char *raw = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&raw, format, arguments);
	va_end(arguments);
	if (n < 0)
		out_of_memory();
	char *text = arena_strndup(a, raw, (size_t)n);
	free(raw);
	return text;
}

void arena_free(struct arena *a)
{
	while (a->pieces) {
		struct arena_piece *next = a->pieces->next;
		free(a->pieces);
		a->pieces = next;
	}
}
