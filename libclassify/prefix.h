/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_PREFIX_H
#define CLSF_PREFIX_H

/*
 * What stands in front of a message on its line: the time, the level, the
 * container, pod, job or step that it is from, as runtimes, log shippers and CI
 * services write them. What holds the message as a value is the business of
 * unwrap.c.
 */

#include <stdbool.h>
#include <stddef.h>

/* What the line says of its own weight. */
enum clsf__level {
	CLSF__LEVEL_NONE,
	CLSF__LEVEL_DEBUG,
	CLSF__LEVEL_INFO,
	CLSF__LEVEL_WARN,
	CLSF__LEVEL_ERROR,
};

/* What the prefixes taken so far tell; begins as { 0 }. */
struct clsf__prefixes {
	enum clsf__level level;      /* of the last prefix that tells one */
	bool stamped;        /* a time or the like was taken off, so that a level word may follow */
	bool padded;         /* the newest prefix is of the kind that pads its message with blanks */
	size_t behind;       /* bytes at the end of the text that belong to the newest prefix */
};

/* The level that a word names, in whatever case: "error", "ERRO", "crit". */
enum clsf__level clsf__level_of(const char *word, size_t length);

/* Notes the level that a word names, if it names one. */
void clsf__prefix_level(struct clsf__prefixes *p, const char *word, size_t length);

/*
 * The bytes of the one prefix at the start of the text, which holds at least
 * three; 0 where the message itself begins. `padded` and `behind` are the
 * caller's to clear before.
 */
size_t clsf__prefix_peel(struct clsf__prefixes *p, const char *text, size_t length);

#endif
