/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_READER_MEMBERS_H
#define CLSF_READER_MEMBERS_H

/*
 * The members of tar and zip archives, one after the other; the bytes of the
 * one at hand are what the source gives.
 */

#include "format.h"
#include "source.h"

/* What a member is. */
enum clsf__kind {
	CLSF__FILE,
	CLSF__FOLDER,
	CLSF__NO_LOG,                /* a link, a device */
	CLSF__UNREADABLE,            /* encrypted, damaged */
};

struct clsf__entry {
	enum clsf__kind kind;
	const char *name;            /* until the next call */
	const char *why;             /* of the last two kinds */
	const char *damage;          /* what was passed over before it; or NULL */
	bool has_mtime;
	int64_t mtime;
};

struct clsf__source *clsf__members_new(struct clsf__limits *limits);

/* Begins with the archive that `below` gives; if that is `file` itself and can be read anywhere, so it is. */
int clsf__members_use(struct clsf__source *s, enum clsf__format format, struct clsf__source *below,
                      struct clsf__source *file, uint64_t *given, struct clsf_error *err);

/*
 * The next member. Returns 0, CLSF_STOPPED behind the last, or a failure, after
 * which there is none.
 */
int clsf__members_next(struct clsf__source *s, struct clsf__entry *ret_entry, struct clsf_error *err);

/* Gives back its memory until the next file. */
void clsf__members_rest(struct clsf__source *s);

#endif
