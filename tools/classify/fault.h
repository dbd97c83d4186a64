/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_FAULT_H
#define TOOL_FAULT_H

/*
 * Faults of rule files for people: file:line:col: message, and below it the
 * line at fault with a caret under the column.
 */

#include <stdbool.h>
#include <stddef.h>

#include <classify/classify.h>

/* The file that was read last, kept for the faults to come. Zero is a good start. */
struct fault_printer {
	bool brief;                  /* one line a fault: for programs */
	char *name;                  /* NULL: no file yet */
	char *text;                  /* NULL: it could not be read */
	size_t length;
	size_t *lines;               /* where each line starts */
	size_t n_lines, capacity;
	size_t printed;              /* excerpts so far */
};

/* Prints one on standard error. */
void fault_print(struct fault_printer *p, enum clsf_fault_level level, const struct clsf_error *fault);

void fault_printer_done(struct fault_printer *p);

#endif
