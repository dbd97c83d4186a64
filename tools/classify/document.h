/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_DOCUMENT_H
#define TOOL_DOCUMENT_H

/*
 * JSON, XML and YAML as one kind of tree, in which every node knows its place.
 * What reads other people's rules sees this tree and none of the parsers. The
 * input is not trusted: size, depth and number of nodes are bounded.
 */

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

#define DOCUMENT_MAX_SIZE ((size_t)16 << 20)
#define DOCUMENT_MAX_DEPTH 64
#define DOCUMENT_MAX_NODES ((size_t)1000000)
#define DOCUMENT_MAX_ANCHORS 1000

enum node_kind {
	NODE_TEXT,                   /* a scalar of whatever type, as text */
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	bool null;                   /* a scalar that says that there is nothing */
	unsigned line, column;       /* from 1 */
	const char *text;            /* of a scalar: ends in NUL, holds none */
	size_t length;
	const char *key;             /* in a map: the name; of an XML element: its tag */
	const char *class;           /* of an XML element: its attribute of that name, or NULL */
	struct node *first, *last, *next;
	size_t weight;               /* nodes below and with this one; what is shared counts each time */
};

/* What is wrong with an input, and where. */
struct document_fault {
	unsigned line, column;
	char message[256];
};

/*
 * Each makes a tree of `text`, or returns NULL and says what is wrong. YAML
 * and JSON may hold several documents: the root is the list of them.
 */
struct node *document_read_json(struct arena *a, const char *text, size_t length,
                                struct document_fault *ret_fault);
struct node *document_read_xml(struct arena *a, const char *text, size_t length,
                               struct document_fault *ret_fault);
struct node *document_read_yaml(struct arena *a, const char *text, size_t length,
                                struct document_fault *ret_fault);

/* For the readers: a node, and its place in its parent. False when there are too many. */
struct node *node_new(struct arena *a, enum node_kind kind, unsigned line, unsigned column);
bool node_append(struct node *parent, struct node *child);

/* The value of a key; NULL when it is not there, is null, or `map` is no map. */
struct node *node_get(const struct node *map, const char *key);
/* The same where it is a text; otherwise NULL. */
const char *node_text(const struct node *map, const char *key);
/* A whole number at or above 0; -1 when there is none. */
long node_number(const struct node *map, const char *key);

#endif
