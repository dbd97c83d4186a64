/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_DIALECT_H
#define TOOL_DIALECT_H

/*
 * Expressions from one dialect to another: read to a row of tokens, which mean
 * the same everywhere, looked at or changed there, and written again. What has
 * no counterpart is a fault with its reason; it is never passed on and hoped for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "text.h"

enum dialect {
	DIALECT_PCRE2,               /* ours */
	DIALECT_JAVA,
	DIALECT_GO,                  /* RE2 */
	DIALECT_JAVASCRIPT,
};

#define DIALECT_MAX_LENGTH ((size_t)8192)
#define DIALECT_MAX_DEPTH 100

/* Settings: what (?i), (?m), (?s) and (?U) say. */
#define FLAG_CASELESS 1u
#define FLAG_MULTILINE 2u
#define FLAG_DOTALL 4u
#define FLAG_UNGREEDY 8u

enum token_kind {
	TOKEN_CHARACTER,             /* value: the code point */
	TOKEN_ESCAPE,                /* value: one of d D w W s S h H v V N R X, a class or nearly */
	TOKEN_ASSERT,                /* value: one of ^ $ b B A z Z G */
	TOKEN_PROPERTY,              /* text: what stands in \p{...}; negated */
	TOKEN_DOT,
	TOKEN_BAR,
	TOKEN_OPEN,                  /* see group */
	TOKEN_CLOSE,
	TOKEN_FLAGS,                 /* flags, off: to the end of the group */
	TOKEN_REPEAT,                /* low, high; mode */
	TOKEN_SET_OPEN,              /* negated */
	TOKEN_SET_CLOSE,
	TOKEN_RANGE,                 /* the dash of a range, between two characters */
	TOKEN_POSIX,                 /* text: the class's name; negated */
	TOKEN_REFERENCE,             /* back to a group: value, or its name as text; negated: empty if unset */
	TOKEN_VERBATIM,              /* text: only PCRE2 knows it */
};

enum group_kind {
	GROUP_CAPTURE,               /* value: its number; text: its name, or NULL */
	GROUP_PLAIN,                 /* flags, off: for the group */
	GROUP_AHEAD, GROUP_NOT_AHEAD, GROUP_BEHIND, GROUP_NOT_BEHIND, GROUP_ATOMIC,
};

enum repeat_mode { REPEAT_GREEDY, REPEAT_LAZY, REPEAT_POSSESSIVE };

struct token {
	enum token_kind kind;
	enum group_kind group;
	enum repeat_mode mode;
	bool negated;
	uint32_t value;
	long low, high;              /* high -1: no bound */
	unsigned flags, off;
	unsigned active;             /* the settings that hold here */
	unsigned depth;              /* of groups around it; a bracket has that of its inside */
	const char *text;
};

struct expression {
	struct token *token;
	size_t n;
	unsigned groups;             /* that capture */
	bool utf;                    /* needs characters, not bytes */
	char note[160];              /* what was read and does not mean quite the same; "" mostly */
};

/* Reads. False when it cannot be carried over: `why` says the reason. */
bool expression_read(struct arena *a, enum dialect dialect, const char *text, size_t length,
                     struct expression *ret_expression, char why[160]);

/*
 * Writes in another dialect. names[n], where it is not NULL, becomes the name of
 * group n, which loses its own if it is ""; `names` may be NULL. `shift` is added to the numbers of groups. False
 * when the dialect has no word for something: `why` says for what.
 */
bool expression_write(const struct expression *e, enum dialect dialect, const char *const *names,
                      unsigned shift, struct text *out, char why[160]);

/* Can it match a line break: for certain, or only by a class that does not exclude it? */
enum expression_span { SPAN_NONE, SPAN_LOOSE, SPAN_CERTAIN };
enum expression_span expression_span(const struct expression *e);

/* Where the group opens that closes at `close`. */
size_t expression_open_of(const struct expression *e, size_t close);

/* The name of a group that captures, or NULL. */
const char *expression_group_name(const struct expression *e, unsigned group);

/*
 * Makes an expression that had to match the whole line say so: each branch is
 * held at both ends, or freed of a leading and trailing `.*`, where `free_front`
 * allows the first: a capture behind it would else begin elsewhere.
 */
void expression_hold_line(struct arena *a, struct expression *e, bool free_front);

/* Takes a leading and trailing `.*` from each branch. */
void expression_trim(struct arena *a, struct expression *e, bool front);

/*
 * Holds the last branch at the end of the text; with `free_back`, one that ends
 * in `.*` is freed of that instead.
 */
void expression_hold_end(struct arena *a, struct expression *e, bool free_back);

/* Lets each branch that may end in a line break go on to the end of that line. */
void expression_reach_line_end(struct arena *a, struct expression *e);

/* Says that ^ and $ mean the ends of the whole text, if it has any that do. */
void expression_fix_anchors(struct arena *a, struct expression *e);

/* Appends a text as an expression that matches just that. */
void expression_add_literal(struct text *t, const char *text, size_t length);

#endif
