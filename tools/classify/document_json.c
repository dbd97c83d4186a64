/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to a tree; the only file that sees jansson.h. The parser keeps no places,
 * but it keeps the order of keys: a walk over text and values side by side finds
 * where each value stands.
 */

#include "document.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

struct cursor {
	struct arena *arena;
	const char *text;
	size_t length, at;
	unsigned line, column;
	struct document_fault *fault;
};

static void step(struct cursor *c)
{
	unsigned char byte = (unsigned char)c->text[c->at++];
	if (byte == '\n') {
		c->line++;
		c->column = 1;
	} else if ((byte & 0xc0) != 0x80) {
		c->column++;
	}
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->length && strchr(" \t\r\n,:", c->text[c->at]) && c->text[c->at])
		step(c);
}

/* A string with its quotes, or a word or number. */
static void skip_scalar(struct cursor *c)
{
	if (c->text[c->at] != '"') {
		while (c->at < c->length && c->text[c->at] && !strchr(" \t\r\n,:]}", c->text[c->at]))
			step(c);
		return;
	}
	step(c);
	while (c->at < c->length && c->text[c->at] != '"') {
		if (c->text[c->at] == '\\')
			step(c);
		step(c);
	}
	step(c);
}

static struct node *fail(struct cursor *c, const char *message)
{
	c->fault->line = c->line;
	c->fault->column = c->column;
	snprintf(c->fault->message, sizeof(c->fault->message), "%s", message);
	return NULL;
}

static struct node *read_scalar(struct cursor *c, json_t *value, struct node *node)
{
	size_t from = c->at;
	skip_scalar(c);
	if (json_is_string(value)) {
		node->length = json_string_length(value);
		node->text = arena_strndup(c->arena, json_string_value(value), node->length);
	} else {
		node->length = c->at - from;
		node->text = arena_strndup(c->arena, c->text + from, node->length);
		node->null = json_is_null(value);
	}
	return node;
}

/* The parser bounds the depth before: this one cannot go deeper. */
static struct node *read_value(struct cursor *c, json_t *value, unsigned depth)
{
	static const char too_many[] = "it has too many values";
	skip_blanks(c);
	if (depth > DOCUMENT_MAX_DEPTH)
		return fail(c, "it is nested too deep");
	enum node_kind kind = json_is_object(value)  ? NODE_MAP
	                      : json_is_array(value) ? NODE_LIST
	                                             : NODE_TEXT;
	struct node *node = node_new(c->arena, kind, c->line, c->column), *child;
	if (kind == NODE_TEXT)
		return read_scalar(c, value, node);
	step(c);
	const char *key;
	json_t *item;
	size_t i;
	if (kind == NODE_MAP) {
		json_object_foreach(value, key, item) {
			skip_blanks(c);
			skip_scalar(c);
			child = read_value(c, item, depth + 1);
			if (!child)
				return NULL;
			child->key = arena_strndup(c->arena, key, strlen(key));
			if (!node_append(node, child))
				return fail(c, too_many);
		}
	} else {
		json_array_foreach(value, i, item) {
			child = read_value(c, item, depth + 1);
			if (!child)
				return NULL;
			if (!node_append(node, child))
				return fail(c, too_many);
		}
	}
	skip_blanks(c);
	step(c);
	return node;
}

struct node *document_read_json(struct arena *a, const char *text, size_t length,
                                struct document_fault *ret_fault)
{
	struct cursor c = { .arena = a, .text = text, .length = length, .line = 1, .column = 1,
		            .fault = ret_fault };
	struct node *root = node_new(a, NODE_LIST, 1, 1);
	for (skip_blanks(&c); c.at < length; skip_blanks(&c)) {
		json_error_t error;
		json_t *value = json_loadb(text + c.at, length - c.at,
		                           JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
		if (!value) {
			ret_fault->line = c.line + (unsigned)error.line - 1;
			ret_fault->column = error.line == 1 ? c.column + (unsigned)error.column : (unsigned)error.column;
			if (ret_fault->column < 1)
				ret_fault->column = 1;
			snprintf(ret_fault->message, sizeof(ret_fault->message), "not valid JSON: %s", error.text);
			return NULL;
		}
		struct node *document = read_value(&c, value, 0);
		json_decref(value);
		if (!document)
			return NULL;
		if (!node_append(root, document))
			return fail(&c, "it has too many values");
	}
	return root;
}
