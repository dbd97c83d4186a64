/* SPDX-License-Identifier: Apache-2.0 */
/* See document.h: building the tree, and asking it. */

#include "document.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct node *node_new(struct arena *a, enum node_kind kind, unsigned line, unsigned column)
{
	struct node *node = arena_alloc(a, sizeof(*node));
	node->kind = kind;
	node->line = line;
	node->column = column;
	node->text = "";
	node->weight = 1;
	return node;
}

bool node_append(struct node *parent, struct node *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->weight += child->weight;
	return parent->weight <= DOCUMENT_MAX_NODES;
}

struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (struct node *child = map->first; child; child = child->next)
		if (child->key && strcmp(child->key, key) == 0)
			return child->null ? NULL : child;
	return NULL;
}

const char *node_text(const struct node *map, const char *key)
{
	const struct node *value = node_get(map, key);
	return value && value->kind == NODE_TEXT ? value->text : NULL;
}

long node_number(const struct node *map, const char *key)
{
	const char *text = node_text(map, key);
	if (!text || *text < '0' || *text > '9')
		return -1;
	char *end;
	errno = 0;
	long number = strtol(text, &end, 10);
	return *end || errno || number > INT_MAX ? -1 : number;
}
