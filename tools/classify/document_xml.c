/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML to a tree; the only file that sees expat.h. An element with elements in it
 * becomes a map of them, in which a tag may stand more than once; any other, its
 * text. Document types are refused, and with them every entity of the input's
 * own: what is left cannot grow or reach outside.
 */

#include "document.h"

#include <stdio.h>
#include <string.h>

#include <expat.h>

#include "text.h"

struct xml_state {
	struct arena *arena;
	XML_Parser parser;
	struct document_fault *fault;
	struct node *open[DOCUMENT_MAX_DEPTH];
	struct text text[DOCUMENT_MAX_DEPTH];
	unsigned depth;
	struct node *root;
	bool failed;
};

static void fail(struct xml_state *s, const char *message)
{
	if (s->failed)
		return;
	s->failed = true;
	s->fault->line = (unsigned)XML_GetCurrentLineNumber(s->parser);
	s->fault->column = (unsigned)XML_GetCurrentColumnNumber(s->parser) + 1;
	snprintf(s->fault->message, sizeof(s->fault->message), "%s", message);
	XML_StopParser(s->parser, XML_FALSE);
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct xml_state *s = user;
	if (s->failed)
		return;
	if (s->depth == DOCUMENT_MAX_DEPTH) {
		fail(s, "it is nested too deep");
		return;
	}
	struct node *node = node_new(s->arena, NODE_TEXT, (unsigned)XML_GetCurrentLineNumber(s->parser),
	                             (unsigned)XML_GetCurrentColumnNumber(s->parser) + 1);
	node->key = arena_strndup(s->arena, name, strlen(name));
	for (size_t i = 0; attributes[i]; i += 2)
		if (strcmp(attributes[i], "class") == 0)
			node->class = arena_strndup(s->arena, attributes[i + 1], strlen(attributes[i + 1]));
	s->open[s->depth++] = node;
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length)
{
	struct xml_state *s = user;
	if (!s->failed && s->depth > 0)
		text_add(&s->text[s->depth - 1], text, (size_t)length);
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
	struct xml_state *s = user;
	(void)name;
	if (s->failed)
		return;
	s->depth--;
	struct node *node = s->open[s->depth];
	struct text *text = &s->text[s->depth];
	if (!node->first) {
		node->text = arena_strndup(s->arena, text->data ? text->data : "", text->length);
		node->length = text->length;
	}
	text->length = 0;
	if (s->depth == 0) {
		s->root = node;
		return;
	}
	struct node *parent = s->open[s->depth - 1];
	parent->kind = NODE_MAP;
	if (!node_append(parent, node))
		fail(s, "it has too many elements");
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)internal;
	fail(user, "it has a document type, which is not read: take it out");
}

struct node *document_read_xml(struct arena *a, const char *text, size_t length,
                               struct document_fault *ret_fault)
{
	/* Jenkins writes version 1.1, which the parser does not know; what differs is control characters. */
	char *copy = arena_strndup(a, text, length);
	char *version = length > 40 ? memmem(copy, 40, "version", 7) : NULL;
	if (version) {
		char *number = version + 7 + strspn(version + 7, " =");
		if ((*number == '"' || *number == '\'') && strncmp(number + 1, "1.1", 3) == 0)
			number[3] = '0';
	}
	struct xml_state *s = arena_alloc(a, sizeof(*s));
	s->arena = a;
	s->fault = ret_fault;
	s->parser = XML_ParserCreate(NULL);
	if (!s->parser) {
		snprintf(ret_fault->message, sizeof(ret_fault->message), "out of memory");
		return NULL;
	}
	XML_SetUserData(s->parser, s);
	XML_SetElementHandler(s->parser, on_start, on_end);
	XML_SetCharacterDataHandler(s->parser, on_text);
	XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
	enum XML_Status status = XML_Parse(s->parser, copy, (int)length, 1);
	if (status != XML_STATUS_OK && !s->failed) {
		ret_fault->line = (unsigned)XML_GetCurrentLineNumber(s->parser);
		ret_fault->column = (unsigned)XML_GetCurrentColumnNumber(s->parser) + 1;
		snprintf(ret_fault->message, sizeof(ret_fault->message), "not valid XML: %s",
		         XML_ErrorString(XML_GetErrorCode(s->parser)));
	}
	XML_ParserFree(s->parser);
	for (size_t i = 0; i < DOCUMENT_MAX_DEPTH; i++)
		text_free(&s->text[i]);
	return status == XML_STATUS_OK && !s->failed ? s->root : NULL;
}
