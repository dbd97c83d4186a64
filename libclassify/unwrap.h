/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_UNWRAP_H
#define CLSF_UNWRAP_H

/*
 * From a line to its messages: the text without colour, timestamps, container
 * and job prefixes, logrus, klog and JSON around it, however stacked. Every
 * level of the stack is a message of its own, so that a rule written for the
 * text of any program holds, whoever forwarded it.
 *
 * A message either is a part of the raw line, or stands in the decoded text
 * that the call appended to `decoded` (escapes removed).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "pairs.h"
#include "prefix.h"

#define CLSF__MAX_MESSAGES 1000  /* of one line; the prints of a progress bar are many */

struct clsf__message {
	bool decoded;        /* `at` is an offset in `decoded`, not in the line */
	size_t at;
	size_t length;
};

struct clsf__messages {
	struct clsf_allocator allocator;
	struct clsf__message *item;  /* innermost first, for each part between \r */
	size_t n, capacity;
	struct clsf__buffer decoded; /* decoded texts, each ended by \n */
	enum clsf__level level;      /* of the last part that tells one */
	bool cut;                    /* there were more than CLSF__MAX_MESSAGES */
};

void clsf__messages_init(struct clsf__messages *m, const struct clsf_allocator *a);
void clsf__messages_done(struct clsf__messages *m);

/* Replaces what `m` holds by the messages of `line`. False only when memory is out. */
bool clsf__unwrap(struct clsf__messages *m, const char *line, size_t length);

/*
 * Appends to `out` the decoded texts alone, as clsf__unwrap() would make them,
 * each ended by \n; `m` is scratch. False only when memory is out.
 */
bool clsf__unwrap_decoded(struct clsf__messages *m, const char *line, size_t length,
                          struct clsf__buffer *out);

/* Is it a member under which programs put the text itself, as "msg" or Docker's "log"? */
bool clsf__is_message(const char *text, const struct clsf__pair *pair);

/*
 * For others that look behind wrappers: the bytes of the prefix at the start
 * of a text that is no JSON and no logfmt, 0 where the message itself begins.
 */
size_t clsf__unwrap_prefix(const char *text, size_t length);

static inline const char *clsf__message_text(const struct clsf__messages *m, const char *line,
                                             size_t i)
{
	return m->item[i].decoded ? m->decoded.data + m->item[i].at : line + m->item[i].at;
}

#endif
