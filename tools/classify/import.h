/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_IMPORT_H
#define TOOL_IMPORT_H

/*
 * What the readers of other people's rules share. A reader turns the tree of a
 * file into imported rules; import.c tries each through the loader and writes
 * what is good. Whatever a reader leaves behind, it tells.
 */

#include "cli.h"
#include "dialect.h"
#include "document.h"

#define IMPORT_MAX_RULES 100000

enum import_format {
	IMPORT_BFA, IMPORT_NPD, IMPORT_PROMTAIL, IMPORT_MATCHER, IMPORT_LIST,
	IMPORT_UNKNOWN,
};

enum condition_kind {
	CONDITION_REGEX,             /* text; lines above 1: over that many */
	CONDITION_FIELD,             /* path, text */
	CONDITION_ANY,
	CONDITION_SEQUENCE,          /* within */
	CONDITION_COUNT,             /* count, within; one child */
};

struct condition {
	enum condition_kind kind;
	const char *text;
	const char *path;
	const char *within;
	unsigned lines, count;
	struct condition *first, *last, *next;
};

struct remark {
	const char *text;
	struct remark *next;
};

struct imported_rule {
	char *id;
	const char *title, *category, *role, *severity, *owner, *retry;   /* NULL: the default */
	const char *cause, *url;
	struct condition *match;
	const char *unless;          /* an expression, or NULL */
	struct remark *remarks, *last_remark;   /* comments of the output */
	bool in_part;                /* something of it was left behind */
	unsigned line, column;
	const char *name;            /* what it was called there */
	struct imported_rule *next;
};

struct importer {
	struct arena *arena;
	const char *file;
	const char *category;        /* of --category, or NULL */
	struct imported_rule *first, *last;
	size_t n_rules;
	struct remark *left, *last_left;       /* "file:line:col: ..." of what was not carried over */
	size_t n_left;
	void *ids;                   /* a tree of those given */
};

/* Says that something of the input was not carried over at all, and counts it. */
void import_left(struct importer *im, const struct node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Says something of the file that is no loss of a rule: settings and the like. */
void import_note(struct importer *im, const struct node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Says of a rule what is not carried over: it counts as carried in part. */
void import_part(struct importer *im, struct imported_rule *rule, const struct node *at,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A comment on the rule, no more. */
void import_remark(struct importer *im, struct imported_rule *rule, const char *text);

/*
 * A rule to be filled in: `name` is what it is called there and becomes the
 * id, behind the prefix. NULL when there are too many; that is told.
 */
struct imported_rule *import_rule_new(struct importer *im, const char *prefix, const char *name,
                                      const struct node *at);
/* Puts it among the results, if the loader takes it; says so if not. */
void import_rule_add(struct importer *im, struct imported_rule *rule);

struct condition *condition_new(struct importer *im, enum condition_kind kind, const char *text);
void condition_append(struct condition *parent, struct condition *child);

/* NULL if the loader takes this condition, else its reason. */
const char *import_condition_fault(struct importer *im, struct condition *condition);

/* Reads an expression of the dialect; false and told (as left behind) when that cannot be. */
bool import_read(struct importer *im, enum dialect dialect, const struct node *at, const char *what,
                 struct expression *ret_expression);
/* Writes it for us, with names for groups, and tries it. NULL and told when that cannot be. */
const char *import_write(struct importer *im, const struct expression *e, const char *const *names,
                         const struct node *at, const char *what);

/* ---- words, in import_text.c ---- */

/* The category that a text speaks of, by a table of words; NULL when it speaks of none. */
const char *import_category(const char *text);
/* Does it speak of failure at all? */
bool import_sounds_bad(const char *text);
/* "OOMKilling" and "oom_killing" as "OOM killing" and "oom killing". */
char *import_words(struct arena *a, const char *name);
/* Lower-case words with dashes between them, at most 80 characters; "" when there are none. */
char *import_slug(struct arena *a, const char *name);
/* One line, cut at `most` bytes, without what would be a placeholder. */
char *import_title(struct arena *a, const char *text, size_t most);
/* Plain text of HTML; *ret_url is the first address that it links to, or NULL. */
char *import_html(struct arena *a, const char *html, const char **ret_url);
/* critical, error, warning and their like as our severity; NULL for other words. */
const char *import_severity(const char *word);

/* ---- the formats ---- */

void import_bfa(struct importer *im, const struct node *root);
void import_npd(struct importer *im, const struct node *root);
void import_promtail(struct importer *im, const struct node *root);
void import_matcher(struct importer *im, const struct node *root);
void import_list(struct importer *im, const char *text, size_t length);

/* Does the tree look like this format? */
bool bfa_knows(const struct node *root);
bool npd_knows(const struct node *root);
bool promtail_knows(const struct node *root);
bool matcher_knows(const struct node *root);

/* One rule as YAML. */
void import_print_rule(struct text *t, const struct imported_rule *rule);

int command_rules_import(int argc, char **argv, struct outcome *o);

#endif
