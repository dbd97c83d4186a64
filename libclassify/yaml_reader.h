/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_YAML_READER_H
#define CLSF_YAML_READER_H

/*
 * What the readers of rule files share: a YAML document as a tree with the
 * place of every node, and faults that say where they stand. Included by
 * rule_reader.c, condition_reader.c and cre_reader.c only, which with
 * yaml_reader.c are the ones that see libyaml.
 */

#include <string.h>

#include <yaml.h>

#include "rule_reader.h"

struct clsf__reader {
	struct clsf__rule_file *file;
	yaml_document_t *document;
	const char *pack;
	const char *text;
	size_t length;
	bool utf16;                  /* which libyaml decodes: its characters are not those of the text */
	/* Where the place of an expression was looked for last: a character, and its byte. */
	size_t near_index, near_byte;
	/* Of the rule being read: */
	struct clsf__rule *rule;
	bool faulty;
	bool no_memory;
	struct clsf__node nodes[CLSF__MAX_NODES];
	struct clsf__term terms[CLSF__MAX_TERMS];
	struct clsf__unless unless[CLSF__MAX_UNLESS];
};

void clsf__reader_report(struct clsf__reader *r, enum clsf_fault_level level, int code, yaml_mark_t mark,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A fault of the rule, and something to say of it that leaves it whole. */
#define FAULT(r, node, ...) \
	clsf__reader_report((r), CLSF_FAULT_ERROR, CLSF_E_RULE, (node)->start_mark, __VA_ARGS__)
#define WARN(r, node, ...) \
	clsf__reader_report((r), CLSF_FAULT_WARNING, CLSF_E_RULE, (node)->start_mark, __VA_ARGS__)

static inline yaml_node_t *node_at(struct clsf__reader *r, int index)
{
	return yaml_document_get_node(r->document, index);
}

static inline const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static inline bool is_scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE;
}

static inline bool is_mapping(const yaml_node_t *node)
{
	return node->type == YAML_MAPPING_NODE;
}

static inline bool is_list(const yaml_node_t *node)
{
	return node->type == YAML_SEQUENCE_NODE;
}

static inline size_t list_length(const yaml_node_t *list)
{
	return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static inline const yaml_node_t *list_item(struct clsf__reader *r, const yaml_node_t *list, size_t i)
{
	return node_at(r, list->data.sequence.items.start[i]);
}

#define FOR_EACH_PAIR(node, pair) \
	for (yaml_node_pair_t *pair = (node)->data.mapping.pairs.start; \
	     pair < (node)->data.mapping.pairs.top; pair++)

/* Where byte `offset` of a scalar stands in the file. */
yaml_mark_t clsf__mark_inside(struct clsf__reader *r, const yaml_node_t *node, size_t offset);

/* The value of a key of a mapping; NULL when it has none. */
const yaml_node_t *clsf__yaml_get(struct clsf__reader *r, const yaml_node_t *mapping, const char *key);

/* Is the node empty, `~` or `null`? */
bool clsf__yaml_is_null(const yaml_node_t *node);

/* A copy in the rules' arena; "" when memory is out, which r->no_memory tells. */
const char *clsf__reader_keep(struct clsf__reader *r, const char *text, size_t length);

/* Zeroed memory in the rules' arena; NULL when memory is out, which r->no_memory tells. */
void *clsf__reader_allocate(struct clsf__reader *r, size_t size);

/* A text value; "" and a fault if it is none. */
const char *clsf__reader_text(struct clsf__reader *r, const yaml_node_t *node, const char *key);

/* The index of a word in a list that ends in NULL; -1 and a fault if it is not there. */
int clsf__reader_word(struct clsf__reader *r, const yaml_node_t *node, const char *key,
                      const char *const *list);

/* A whole number from `least` to `most`, in decimal digits. False without a fault. */
bool clsf__yaml_number(const yaml_node_t *node, uint64_t least, uint64_t most, uint64_t *ret_number);

/*
 * The place of `key` in `known`, -1 and a fault if it is unknown or was there
 * before. `seen` has a bit for each.
 */
int clsf__reader_key(struct clsf__reader *r, const yaml_node_t *key, const char *where,
                     const char *const *known, unsigned *seen);

/* Calls `read` for each document of the text; ends early when it returns no 0, and returns that. */
int clsf__yaml_documents(struct clsf__reader *r, const char *text, size_t length,
                         int (*read)(struct clsf__reader *r));

/* ---- condition_reader.c ---- */

/* Reads the value of `match` into the rule. False after a fault. */
bool clsf__read_match(struct clsf__reader *r, const yaml_node_t *node);

/* Reads the value of `unless` into the rule. */
void clsf__read_unless(struct clsf__reader *r, const yaml_node_t *node);

/* For readers of other dialects, which build the same parts: each returns the node's index, UINT32_MAX after a fault. */
uint32_t clsf__add_node(struct clsf__reader *r, const yaml_node_t *at, enum clsf__condition_kind kind);
/* `lines`: over how many the expression may reach; `field`: a normalised path or NULL. */
uint32_t clsf__add_term(struct clsf__reader *r, const yaml_node_t *value, bool literal, uint32_t lines,
                        const char *field);
uint32_t clsf__add_pattern(struct clsf__reader *r, const yaml_node_t *at, const char *pattern, size_t length,
                           uint32_t lines, const char *field);
void clsf__add_child(struct clsf__reader *r, uint32_t parent, uint32_t child);
/* A new `unless` of the rule; NULL after a fault. */
struct clsf__unless *clsf__add_unless(struct clsf__reader *r, const yaml_node_t *at);
/* Fills the term of an `unless`; `field`: a normalised path or NULL. */
bool clsf__unless_term(struct clsf__reader *r, const yaml_node_t *value, bool literal, const char *field,
                       struct clsf__term *term);
/* Appends a text as an expression: \xHH for what is not printable, so that it reads as one line. */
void clsf__add_escaped(struct clsf__buffer *b, const char *text, size_t length);
/* Numbers the moments of the nodes read so far, and moves nodes, terms and unless into the rule; `at` for faults. */
void clsf__finish_condition(struct clsf__reader *r, const yaml_node_t *at);

/* The normalised path of a field, from a text; NULL after a fault. */
const char *clsf__read_path(struct clsf__reader *r, const yaml_node_t *node);

/* ---- rule_reader.c ---- */

/* Letters, digits, '-', '_' and '.', the first a letter or a digit; at most 120. */
bool clsf__valid_id(const char *id);

/* ---- jq_reader.c ---- */

/* Reads a jq program as a condition on the fields of a line; UINT32_MAX after a fault. */
uint32_t clsf__read_jq(struct clsf__reader *r, const yaml_node_t *node);

/* ---- cre_reader.c ---- */

/* Does this item of `rules` follow the CRE schema? */
bool clsf__is_cre(struct clsf__reader *r, const yaml_node_t *item);

/* Reads such an item into r->rule; `terms` is the file's mapping of named terms, or NULL. NULL after a fault. */
struct clsf__rule *clsf__read_cre(struct clsf__reader *r, const yaml_node_t *item, const yaml_node_t *terms);

#endif
