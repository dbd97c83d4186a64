/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See yaml_reader.h. libyaml loads a document as a tree; what could make that
 * take quadratic time is refused before.
 */

#include "yaml_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "category.h"
#include "error.h"
#include "place.h"

#define MAX_FLOW_DEPTH 64  /* of a document's collections */
#define MAX_ANCHORS 1000
#define MAX_TOLD 10000     /* faults and warnings of a file */

void clsf__reader_report(struct clsf__reader *r, enum clsf_fault_level level, int code, yaml_mark_t mark,
                         const char *format, ...)
{
	struct clsf_error fault = {
		.code = code,
		.line = (uint32_t)mark.line + 1,
		.column = (uint32_t)mark.column + 1,
	};
	snprintf(fault.file, sizeof(fault.file), "%s", r->file->name);
	if (r->rule && *r->rule->public.id)
		snprintf(fault.rule, sizeof(fault.rule), "%s", r->rule->public.id);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fault.message, sizeof(fault.message), format, arguments);
	va_end(arguments);
	if (level == CLSF_FAULT_ERROR) {
		r->faulty = true;
		r->file->faults++;
	}
	/* By aliases a small file may hold more faults than anybody reads. */
	if (++r->file->told > MAX_TOLD)
		return;
	if (r->file->told == MAX_TOLD)
		snprintf(fault.message, sizeof(fault.message), "more than %d faults and warnings in this file: "
		                                               "the others are counted, not told", MAX_TOLD - 1);
	if (r->file->on_fault)
		r->file->on_fault(level, &fault, r->file->user);
}

/* ---- places ---- */

static bool inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The byte of a mark, which counts characters; found from the last one, which is near. */
static size_t byte_of(struct clsf__reader *r, size_t index)
{
	size_t i = r->near_index, byte = r->near_byte;
	for (; i < index && byte < r->length; i++)
		for (byte++; byte < r->length && inside_character(r->text[byte]);)
			byte++;
	for (; i > index && byte > 0; i--)
		for (byte--; byte > 0 && inside_character(r->text[byte]);)
			byte--;
	r->near_index = i;
	r->near_byte = byte;
	return byte;
}

yaml_mark_t clsf__mark_inside(struct clsf__reader *r, const yaml_node_t *node, size_t offset)
{
	yaml_mark_t mark = node->start_mark;
	if (r->utf16 || offset > node->data.scalar.length)
		return mark;
	yaml_scalar_style_t style = node->data.scalar.style;
	struct clsf__scalar_place place = { mark.line, mark.column };
	size_t byte = byte_of(r, mark.index);
	clsf__place_in_scalar(r->text + byte, r->length - byte,
	                      style == YAML_SINGLE_QUOTED_SCALAR_STYLE   ? CLSF__SCALAR_SINGLE
	                      : style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ? CLSF__SCALAR_DOUBLE
	                      : style == YAML_PLAIN_SCALAR_STYLE         ? CLSF__SCALAR_PLAIN
	                                                                 : CLSF__SCALAR_BLOCK,
	                      scalar(node), offset, &place);
	mark.line = place.line;
	mark.column = place.column;
	return mark;
}

/* ---- nodes ---- */

const yaml_node_t *clsf__yaml_get(struct clsf__reader *r, const yaml_node_t *mapping, const char *key)
{
	if (!mapping || !is_mapping(mapping))
		return NULL;
	FOR_EACH_PAIR(mapping, pair) {
		const yaml_node_t *name = node_at(r, pair->key);
		if (is_scalar(name) && strcmp(scalar(name), key) == 0)
			return node_at(r, pair->value);
	}
	return NULL;
}

bool clsf__yaml_is_null(const yaml_node_t *node)
{
	return is_scalar(node) && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (node->data.scalar.length == 0 || strcmp(scalar(node), "~") == 0 ||
	        strcmp(scalar(node), "null") == 0);
}

bool clsf__yaml_number(const yaml_node_t *node, uint64_t least, uint64_t most, uint64_t *ret_number)
{
	if (!is_scalar(node) || node->data.scalar.length == 0 || node->data.scalar.length > 18)
		return false;
	uint64_t number = 0;
	for (const char *p = scalar(node); p < scalar(node) + node->data.scalar.length; p++) {
		if (*p < '0' || *p > '9')
			return false;
		number = number * 10 + (uint64_t)(*p - '0');
	}
	if (number < least || number > most)
		return false;
	*ret_number = number;
	return true;
}

const char *clsf__reader_keep(struct clsf__reader *r, const char *text, size_t length)
{
	const char *copy = clsf__arena_strndup(r->file->arena, text, length);
	if (!copy)
		r->no_memory = true;
	return copy ? copy : "";
}

void *clsf__reader_allocate(struct clsf__reader *r, size_t size)
{
	void *p = clsf__arena_alloc(r->file->arena, size ? size : 1);
	if (!p)
		r->no_memory = true;
	else
		memset(p, 0, size);
	return p;
}

const char *clsf__reader_text(struct clsf__reader *r, const yaml_node_t *node, const char *key)
{
	if (!is_scalar(node)) {
		FAULT(r, node, "'%s' must be a text", key);
		return "";
	}
	if (clsf__yaml_is_null(node))
		return "";
	if (memchr(scalar(node), '\0', node->data.scalar.length)) {
		FAULT(r, node, "'%s' holds a NUL byte", key);
		return "";
	}
	return clsf__reader_keep(r, scalar(node), node->data.scalar.length);
}

int clsf__reader_word(struct clsf__reader *r, const yaml_node_t *node, const char *key,
                      const char *const *list)
{
	if (is_scalar(node))
		for (int i = 0; list[i]; i++)
			if (strcmp(list[i], scalar(node)) == 0)
				return i;
	const char *near = is_scalar(node) ? clsf__nearest(scalar(node), list) : NULL;
	FAULT(r, node, "unknown %s '%.80s'%s%s%s", key, is_scalar(node) ? scalar(node) : "(not a word)",
	      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return -1;
}

static void unknown_key(struct clsf__reader *r, const yaml_node_t *key, const char *where,
                        const char *const *known)
{
	const char *name = is_scalar(key) ? scalar(key) : "(not a text)";
	const char *near = clsf__nearest(name, known);
	FAULT(r, key, "unknown key '%.80s' in %s%s%s%s", name, where, near ? "; did you mean '" : "",
	      near ? near : "", near ? "'?" : "");
}

int clsf__reader_key(struct clsf__reader *r, const yaml_node_t *key, const char *where,
                     const char *const *known, unsigned *seen)
{
	for (int i = 0; is_scalar(key) && known[i]; i++) {
		if (strcmp(known[i], scalar(key)) != 0)
			continue;
		if (*seen & 1u << i) {
			FAULT(r, key, "key '%s' is there twice in %s", known[i], where);
			return -1;
		}
		*seen |= 1u << i;
		return i;
	}
	unknown_key(r, key, where, known);
	return -1;
}

/* ---- documents ---- */

/*
 * libyaml takes quadratic time over deep flow collections and many anchors
 * while it loads. Where a text could have them, its events are looked at first,
 * which can be ended early. Fills in what is wrong, or NULL, and where. False
 * when memory is out.
 */
static bool find_excess(const char *text, size_t length, const char **ret_excess, yaml_mark_t *ret_mark)
{
	size_t open = 0, anchors = 0;
	for (size_t i = 0; i < length; i++) {
		open += text[i] == '[' || text[i] == '{';
		anchors += text[i] == '&';
	}
	*ret_excess = NULL;
	if (open <= MAX_FLOW_DEPTH && anchors <= MAX_ANCHORS)
		return true;
	const char *excess = NULL;
	size_t depth = 0, seen = 0;
	yaml_parser_t parser;
	yaml_event_t event;
	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	for (bool end = false; !end && !excess && yaml_parser_parse(&parser, &event);) {
		const yaml_char_t *anchor = NULL;
		switch (event.type) {
		case YAML_SEQUENCE_START_EVENT:
			anchor = event.data.sequence_start.anchor;
			depth++;
			break;
		case YAML_MAPPING_START_EVENT:
			anchor = event.data.mapping_start.anchor;
			depth++;
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		case YAML_SCALAR_EVENT:
			anchor = event.data.scalar.anchor;
			break;
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		default:
			break;
		}
		seen += anchor != NULL;
		*ret_mark = event.start_mark;
		if (depth > MAX_FLOW_DEPTH)
			excess = "is nested too deep";
		else if (seen > MAX_ANCHORS)
			excess = "has too many anchors";
		yaml_event_delete(&event);
	}
	bool good = parser.error != YAML_MEMORY_ERROR;
	yaml_parser_delete(&parser);
	*ret_excess = excess;
	return good;
}

static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
	yaml_mark_t mark = { .index = offset };
	for (size_t i = 0; i < offset && i < length; i++) {
		mark.column += !inside_character(text[i]);
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

int clsf__yaml_documents(struct clsf__reader *r, const char *text, size_t length,
                         int (*read)(struct clsf__reader *r))
{
	r->text = text;
	r->length = length;
	r->utf16 = length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
	/* libyaml does not count a byte order mark. */
	r->near_byte = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	yaml_parser_t parser;
	yaml_document_t document;
	yaml_mark_t excess_mark = { 0 };
	int result = 0;
	const char *excess;
	if (!find_excess(text, length, &excess, &excess_mark))
		return CLSF_E_NOMEM;
	if (excess) {
		clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_LIMIT, excess_mark, "the file %s", excess);
		r->file->faulty_rules++;
		return 0;
	}
	if (!yaml_parser_initialize(&parser))
		return CLSF_E_NOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (result == 0) {
		if (!yaml_parser_load(&parser, &document)) {
			if (parser.error == YAML_MEMORY_ERROR) {
				result = CLSF_E_NOMEM;
				break;
			}
			/* A reader error has no mark, only a byte offset. */
			yaml_mark_t mark = parser.problem_mark;
			if (parser.error == YAML_READER_ERROR)
				mark = mark_of_offset(text, length, parser.problem_offset);
			clsf__reader_report(r, CLSF_FAULT_ERROR, CLSF_E_SYNTAX, mark, "not valid YAML: %s%s%s",
			                    parser.context ? parser.context : "", parser.context ? ", " : "",
			                    parser.problem ? parser.problem : "unknown fault");
			r->file->faulty_rules++;
			break;
		}
		r->document = &document;
		bool end = !yaml_document_get_root_node(&document);
		if (!end)
			result = read(r);
		yaml_document_delete(&document);
		if (end)
			break;
	}
	yaml_parser_delete(&parser);
	return result;
}
