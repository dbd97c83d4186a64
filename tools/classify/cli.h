/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_CLI_H
#define TOOL_CLI_H

/* What the commands of `classify` share: messages, exit codes, lists of arguments. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <classify/classify.h>

#include "text.h"

/* What happened; exit_status() makes the code of it. */
struct outcome {
	bool usage;          /* 2, and nothing was done */
	bool quarantined;    /* 3: a rule was left out, or none loaded */
	bool unread;         /* 2: an input was not read in full, or output not written */
	bool interrupted;    /* 130 */
	bool failed;         /* 1: with --exit-code, a log failed; a rule test failed */
};

int exit_status(const struct outcome *o);

/* Called before anything is written to standard error; NULL: nothing is. */
void before_message(void (*call)(void));

/* "classify: ..." on standard error; what comes from outside is made visible. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From now on messages go to `sink`, without the prefix and the newline: for a
 * program that has a log of its own.
 */
void complain_through(void (*sink)(const char *message));

/* A message that is whole and visible already, ended by \n. */
void put_message(const char *message, size_t length);

/* "classify: ...; try 'classify COMMAND --help'", and the usage bit. */
void usage_error(struct outcome *o, const char *command, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* getopt_long() said c of an option without its value, ':', or of one that is none: says which. */
void wrong_option(struct outcome *o, const char *command, int c, char **argv);

/* May what is written to this file be coloured? Only on a terminal, and NO_COLOR says no. */
bool wants_colour(int fd);

/* A list of borrowed strings. */
struct list {
	const char **item;
	size_t n, capacity;
};
void list_add(struct list *l, const char *item);
void list_free(struct list *l);

/* Writes a part of the output. One that memory did not suffice for is missing, and finish_output() tells that. */
void print_text(FILE *f, const struct text *t);
/* Is all there that was to be written so far? */
bool output_is_whole(void);
/* Flushes standard output; a write error, and what is missing, is told and noted. */
void finish_output(struct outcome *o);

int command_scan(int argc, char **argv, struct outcome *o);
int command_rules(int argc, char **argv, struct outcome *o);
int command_explain(int argc, char **argv, struct outcome *o);
int command_stats(int argc, char **argv, struct outcome *o);
int command_compile(int argc, char **argv, struct outcome *o);
int command_match(int argc, char **argv, struct outcome *o);

#endif
