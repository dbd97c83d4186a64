/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_RULES_H
#define TOOL_RULES_H

/*
 * The verbs of `classify rules`, a file each; argv[0] is the verb. rules.c has
 * the table of them.
 */

#include "cli.h"

int rules_list(int argc, char **argv, struct outcome *o);
int rules_check(int argc, char **argv, struct outcome *o);
int rules_test(int argc, char **argv, struct outcome *o);
int rules_new(int argc, char **argv, struct outcome *o);

/* What every verb does at its end: flushes, frees the paths, says the status. */
int rules_end(struct list *paths, struct outcome *o);

/* The value of --output: true for jsonl, false for text; anything else is told. */
bool rules_output_jsonl(const char *name, struct outcome *o);

/* What is left of the arguments behind the options is none: false, and told, if it is not so. */
bool rules_no_arguments(int argc, char **argv, struct outcome *o);

#endif
