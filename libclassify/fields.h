/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_FIELDS_H
#define CLSF_FIELDS_H

/*
 * What a line tells in fields: the members of JSON, pairs of logfmt, the parts
 * of the prefixes that klog, syslog, container engines and others write. Each
 * layer of wrappers adds its own, the outermost first, and one path may have
 * several values.
 *
 * A path is names and indexes of arrays joined by '.', so that a name which
 * holds dots is found as well. Strings are decoded; numbers, booleans and null
 * are as JSON writes them; an object or array is also found as a whole, as its
 * JSON text.
 *
 *	CRI, Docker            stream, flag
 *	klog                   level (info, warning, error, fatal), thread, file, line, msg
 *	logrus on a terminal   level (trace to panic), msg
 *	syslog, journald       host, ident, pid, message; priority (0 to 7), facility, msgid,
 *	                       and ID.PARAMETER of structured data
 *	Python's logging       name, levelname, level, message; processName of Celery, platform
 *	                       of OSBS
 *	GitLab                 section, section_event (start, end)
 *	Jenkins                pipeline (what follows "[Pipeline] "), stage
 *	level in front         level, as it is written
 */

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

#define CLSF__MAX_FIELDS 512                        /* of a line */
#define CLSF__MAX_FIELD_DEPTH 64                    /* of objects and arrays */
#define CLSF__MAX_FIELD_PATH 1024                   /* bytes */
#define CLSF__MAX_FIELD_LINE ((size_t)256 * 1024)   /* bytes that are looked at */

struct clsf__field {
	size_t path, path_length;    /* offsets in `text` */
	size_t value, value_length;
	bool open;                   /* an object or array whose end was not reached: no value */
};

struct clsf__fields {
	struct clsf__buffer text;    /* the line without colour, decoded values, paths */
	struct clsf__buffer path;    /* of the member that is being read */
	struct clsf__field *item;
	size_t n, capacity;
	bool cut;                    /* one of the limits was passed: fields may be missing */
};

void clsf__fields_init(struct clsf__fields *f, const struct clsf_allocator *a);
void clsf__fields_done(struct clsf__fields *f);

/* Replaces what `f` holds by the fields of the line. False only when memory is out. */
bool clsf__fields_read(struct clsf__fields *f, const char *line, size_t length);

/*
 * The next value of the field at `path`, which is as clsf__field_path() writes
 * it. *at is 0 at first and moves on. False when there is no more. The value is
 * valid until the next read.
 */
bool clsf__fields_find(const struct clsf__fields *f, const char *path, size_t *at,
                       const char **ret_value, size_t *ret_length);

/*
 * Appends to `out` the path that an author wrote as .a.b, a[0].b, a["b-c"] or
 * .a."b.c"; any element, a[], becomes '*'. False when it is malformed, with the
 * byte (from 0) at which that shows. Whether memory was out, `out` tells.
 */
bool clsf__field_path(const char *path, size_t length, struct clsf__buffer *out,
                      size_t *ret_column);

/* ---- for what reads a line (field_reader.c) ---- */

/* Adds a field whose value stands in `text` already. */
void clsf__fields_add(struct clsf__fields *f, const char *path, size_t value, size_t length);

/* The same for the member that f->path names; the inside of quotes is decoded if `escaped`. */
void clsf__fields_add_member(struct clsf__fields *f, size_t value, size_t length, bool escaped);

/*
 * Adds the members of the JSON object at `at` in `text`, as far as it goes. The
 * place of the text that it wraps (see clsf__is_message()), if any, is written
 * to *ret_message, with length 0 if there is none. False if it is no object.
 */
bool clsf__fields_add_json(struct clsf__fields *f, size_t at, size_t length, size_t *ret_message,
                           size_t *ret_message_length);

#endif
