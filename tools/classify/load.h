/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_LOAD_H
#define TOOL_LOAD_H

/*
 * Rules for a command: from the cache, from a compiled file, or compiled in a
 * child process under limits of time and memory, so that no expression can take
 * the command down with it.
 */

#include "cache.h"
#include "cli.h"

struct load_options {
	const struct list *paths;    /* of --rules; none: the shipped packs */
	const char *database;        /* of --database, or NULL */
	const char *cache;           /* of --cache, or NULL for the usual place */
	bool no_cache;
	enum clsf_engine engine;
	bool show_warnings;
	bool silent;                 /* faults were told already */
	bool brief;                  /* a fault is one line, without the line of the file: for programs */
	size_t *ret_warnings;        /* may be NULL */
	struct blob *ret_compiled;   /* may be NULL: the compiled form, if it was made */
};

/*
 * Loads and compiles rules, printing each fault as file:line:col: message.
 * NULL when there is nothing to work with; `o` says why.
 */
struct clsf_ruleset *load_rules(const struct load_options *options, struct outcome *o);

/* The folder of the shipped packs: static. */
const char *default_rules(void);

#endif
