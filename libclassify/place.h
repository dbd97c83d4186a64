/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_PLACE_H
#define CLSF_PLACE_H

/* From an offset in the value of a YAML scalar to its place in the file, for rule_reader.c. */

#include <stdbool.h>
#include <stddef.h>

enum clsf__scalar_style {
	CLSF__SCALAR_PLAIN,
	CLSF__SCALAR_SINGLE,         /* 'in these' */
	CLSF__SCALAR_DOUBLE,         /* "in these" */
	CLSF__SCALAR_BLOCK,          /* | or > */
};

/* As libyaml counts: from 0, and a column is a character. */
struct clsf__scalar_place {
	size_t line, column;
};

/*
 * Where byte `offset` of `value` stands. `source` begins where the node begins,
 * at `place`, which is moved on; the source reaches to the end of the file.
 */
void clsf__place_in_scalar(const char *source, size_t length, enum clsf__scalar_style style,
                           const char *value, size_t offset, struct clsf__scalar_place *place);

#endif
