/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CUTTER_H
#define DAEMON_CUTTER_H

/*
 * Bytes that come in pieces, cut into lines: without their \n and one \r before it. Of a line that
 * is longer than INTAKE_LINE the rest is left out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

/* Zero is a good start. */
struct cutter {
	struct bytes begun;          /* of a line that is not whole yet */
	bool cut;                    /* what follows up to its end is left out */
};

enum cutter_result {
	CUTTER_LINE,
	CUTTER_CUT_LINE,             /* a line that was too long */
	CUTTER_MORE,                 /* no line is whole before more bytes come */
	CUTTER_NO_MEMORY,            /* nothing was taken */
};

/* The next line from *at on, which moves behind it; it is valid until the next call. */
enum cutter_result cutter_next(struct cutter *c, const char **at, const char *end, const char **ret_line,
                               size_t *ret_length);

/* What stands behind the last \n, as a line. CUTTER_MORE: nothing. */
enum cutter_result cutter_end(struct cutter *c, const char **ret_line, size_t *ret_length);

void cutter_reset(struct cutter *c);
void cutter_free(struct cutter *c);

#endif
