/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_YAML_EDIT_H
#define TOOL_YAML_EDIT_H

/*
 * Changes the `fields` of examples in the text of a rule file and leaves every
 * other byte alone. This is no parser: it knows the forms in which people write
 * examples, refuses all others, and whoever uses it reads the result with the
 * library before believing it.
 */

#include "text.h"

/* The text of a rule file, and what is to be changed in it. */
struct yaml_edit {
	const char *data;            /* borrowed */
	size_t length;
	size_t *start;               /* of each line, and the end of the text */
	size_t n_lines;
	struct change {
		size_t at, remove;
		char *insert;
	} *changes;
	size_t n_changes;
	bool failed;                 /* memory was out */
};

/* False when memory is out, or the text is in an encoding that is not ASCII's. */
bool yaml_edit_start(struct yaml_edit *e, const char *data, size_t length);
void yaml_edit_done(struct yaml_edit *e);

/*
 * Gives the example, whose line stands at this line of the file (from 1), the fields of a flow
 * mapping, "{...}". NULL, or why it cannot be done: static.
 */
const char *yaml_edit_fields(struct yaml_edit *e, uint32_t line, const char *fields);

/* The text with all changes made. */
void yaml_edit_apply(struct yaml_edit *e, struct text *ret_text);

#endif
