/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to a tree, event by event, so that depth and aliases are bounded while
 * they are read. An alias shares the node that it names.
 */

#include "document.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

struct anchor {
	const char *name;
	const struct node *node;
};

struct yaml_state {
	struct arena *arena;
	yaml_parser_t parser;
	struct document_fault *fault;
	struct node *open[DOCUMENT_MAX_DEPTH + 1];   /* the list of documents, and what is open in it */
	const char *key[DOCUMENT_MAX_DEPTH + 1];     /* of a map: the key that waits for its value */
	const char *name[DOCUMENT_MAX_DEPTH + 1];    /* its own anchor */
	unsigned depth;
	struct anchor anchors[DOCUMENT_MAX_ANCHORS];
	size_t n_anchors;
};

static bool fail(struct yaml_state *s, yaml_mark_t mark, const char *message)
{
	s->fault->line = (unsigned)mark.line + 1;
	s->fault->column = (unsigned)mark.column + 1;
	snprintf(s->fault->message, sizeof(s->fault->message), "%s", message);
	return false;
}

static bool put(struct yaml_state *s, struct node *node, yaml_mark_t mark)
{
	struct node *parent = s->open[s->depth];
	if (parent->kind == NODE_MAP && !s->key[s->depth]) {
		if (node->kind != NODE_TEXT)
			return fail(s, mark, "a key must be a text");
		s->key[s->depth] = node->text;
		return true;
	}
	node->key = s->key[s->depth];
	s->key[s->depth] = NULL;
	return node_append(parent, node) || fail(s, mark, "it has too many values");
}

/* Only what is complete has a name: an alias cannot lie in what it names. */
static bool remember(struct yaml_state *s, const char *name, const struct node *node, yaml_mark_t mark)
{
	if (!name)
		return true;
	if (s->n_anchors == DOCUMENT_MAX_ANCHORS)
		return fail(s, mark, "it has too many anchors");
	s->anchors[s->n_anchors++] = (struct anchor){ name, node };
	return true;
}

static const char *keep(struct yaml_state *s, const yaml_char_t *text)
{
	return text ? arena_strndup(s->arena, (const char *)text, strlen((const char *)text)) : NULL;
}

static bool open_collection(struct yaml_state *s, enum node_kind kind, const yaml_char_t *name,
                            yaml_mark_t mark)
{
	if (s->depth == DOCUMENT_MAX_DEPTH)
		return fail(s, mark, "it is nested too deep");
	struct node *parent = s->open[s->depth];
	if (parent->kind == NODE_MAP && !s->key[s->depth])
		return fail(s, mark, "a key must be a text");
	s->depth++;
	s->open[s->depth] = node_new(s->arena, kind, (unsigned)mark.line + 1, (unsigned)mark.column + 1);
	s->key[s->depth] = NULL;
	s->name[s->depth] = keep(s, name);
	return true;
}

static bool close_collection(struct yaml_state *s, yaml_mark_t mark)
{
	struct node *node = s->open[s->depth];
	const char *name = s->name[s->depth];
	s->depth--;
	return put(s, node, mark) && remember(s, name, node, mark);
}

static bool add_scalar(struct yaml_state *s, const yaml_event_t *event)
{
	yaml_mark_t mark = event->start_mark;
	const char *value = (const char *)event->data.scalar.value;
	struct node *node = node_new(s->arena, NODE_TEXT, (unsigned)mark.line + 1, (unsigned)mark.column + 1);
	node->length = event->data.scalar.length;
	if (memchr(value, '\0', node->length))
		return fail(s, mark, "a text holds a NUL byte");
	node->text = arena_strndup(s->arena, value, node->length);
	node->null = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	             (!*value || strcmp(value, "~") == 0 || strcmp(value, "null") == 0);
	return put(s, node, mark) && remember(s, keep(s, event->data.scalar.anchor), node, mark);
}

static bool add_alias(struct yaml_state *s, const yaml_event_t *event)
{
	for (size_t i = s->n_anchors; i-- > 0;) {
		if (strcmp(s->anchors[i].name, (const char *)event->data.alias.anchor) != 0)
			continue;
		struct node *copy = arena_alloc(s->arena, sizeof(*copy));
		*copy = *s->anchors[i].node;
		copy->next = NULL;
		return put(s, copy, event->start_mark);
	}
	return fail(s, event->start_mark, "an alias names nothing that came before it");
}

static bool take(struct yaml_state *s, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		s->n_anchors = 0;
		return true;
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(s, NODE_LIST, event->data.sequence_start.anchor, event->start_mark);
	case YAML_MAPPING_START_EVENT:
		return open_collection(s, NODE_MAP, event->data.mapping_start.anchor, event->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(s, event->start_mark);
	case YAML_SCALAR_EVENT:
		return add_scalar(s, event);
	case YAML_ALIAS_EVENT:
		return add_alias(s, event);
	default:
		return true;
	}
}

struct node *document_read_yaml(struct arena *a, const char *text, size_t length,
                                struct document_fault *ret_fault)
{
	struct yaml_state *s = arena_alloc(a, sizeof(*s));
	s->arena = a;
	s->fault = ret_fault;
	s->open[0] = node_new(a, NODE_LIST, 1, 1);
	if (!yaml_parser_initialize(&s->parser)) {
		snprintf(ret_fault->message, sizeof(ret_fault->message), "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&s->parser, (const unsigned char *)text, length);
	bool good = true, end = false;
	while (good && !end) {
		yaml_event_t event;
		if (!yaml_parser_parse(&s->parser, &event)) {
			fail(s, s->parser.problem_mark, "");
			snprintf(ret_fault->message, sizeof(ret_fault->message), "not valid YAML: %s",
			         s->parser.problem ? s->parser.problem : "unknown fault");
			good = false;
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		good = take(s, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&s->parser);
	return good ? s->open[0] : NULL;
}
