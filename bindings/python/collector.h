/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYTHON_COLLECTOR_H
#define PYTHON_COLLECTOR_H

/*
 * What callbacks of the library tell, kept until Python asks for it. The
 * library calls back while the interpreter's lock is released; taking the lock
 * for each match would make every other thread wait for it, and cost more than
 * the match. So matches and faults are copied here, and become Python objects
 * once the call has returned. Nothing here knows Python.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

/* Bytes that grow. */
struct bytes {
	char *data;
	size_t length;
	size_t capacity;
};

struct collector {
	struct bytes matches;        /* struct kept_match and what belongs to it, one after the other */
	struct bytes faults;         /* struct kept_fault */
	size_t n_matches;
	uint64_t warnings;           /* how many limits were passed on entries */
	char warning[512];           /* the first of them */
	bool failed;                 /* memory ran out: something is missing */
};

/* A match; the text follows it, then for each field two lengths, the name and the value. */
struct kept_match {
	const struct clsf_rule *rule;
	uint64_t entry;              /* the index of the line, where many came in one call */
	uint64_t number, offset, length;
	size_t text_length;
	size_t n_fields;
};

struct kept_fault {
	enum clsf_fault_level level;
	struct clsf_error error;
};

/* Keeps bytes; false when there is no memory. A clsf_write_fn, as far as its answer goes. */
bool bytes_add(struct bytes *b, const void *data, size_t length);
int bytes_write(const void *data, size_t length, void *user);

/* A clsf_match_fn and a clsf_fault_fn; `user` is a struct collector. */
int collector_match(const struct clsf_match *match, void *user);
/* For clsf_scan_lines(). */
int collector_entry_match(size_t index, const struct clsf_match *match, void *user);
void collector_entry_warning(size_t index, const struct clsf_warning *warning, void *user);
void collector_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user);

/* Forgets the matches, keeping the memory unless it is much. */
void collector_reset(struct collector *c);
void collector_done(struct collector *c);

/* A view of a kept match. */
struct match_view {
	struct kept_match match;
	const char *text;
	const char *fields;          /* for match_field() */
};

/* The match at `*at`, which moves on to the next; false at the end. */
bool collector_next(const struct collector *c, size_t *at, struct match_view *ret_view);
/* The next field of a match, `*fields` being where the last call left off. */
void match_field(const char **fields, const char **ret_name, size_t *ret_name_length, const char **ret_value,
                 size_t *ret_value_length);

#endif
