/* SPDX-License-Identifier: Apache-2.0 */
/* See pile.h. */

#include "pile.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

/* Highest `max_depth`; the pile has two levels for each archive, and the file. */
#define MAX_DEPTH 8
#define LEVELS (2 * (MAX_DEPTH + 2) + 1)

struct level {
	struct clsf__source *source; /* one of those below; the file at level 0 */
	enum clsf__format format;    /* of what it decodes; at level 0 CLSF__PLAIN */
	uint32_t depth;              /* archives in archives, and compression on compression */
	size_t name_length;          /* of the part of the name that stands for what it gives */
	uint64_t given;
	struct clsf__source *gzip;   /* kept for the next file */
};

struct clsf__pile {
	struct clsf_reader_options options;
	struct clsf__limits limits;
	struct level level[LEVELS];
	size_t top;
	enum {
		DIGGING,             /* what the source on top gives is not known yet */
		FOUND,               /* it is a log, which nobody was told of */
		IN_LOG,              /* which is being read */
		END,
	} state;
	char *name;
	size_t name_room;
	struct clsf_member member;
	uint64_t member_bytes, total_bytes;
	bool cut;                    /* the log at hand has more bytes than it may */
};

struct clsf__pile *clsf__pile_new(const struct clsf_reader_options *options)
{
	struct clsf__pile *p = calloc(1, sizeof(*p));
	struct clsf__source *file = p ? clsf__file_new() : NULL;
	if (!file) {
		free(p);
		return NULL;
	}
	p->options = *options;
	if (p->options.max_depth > MAX_DEPTH)
		p->options.max_depth = MAX_DEPTH;
	p->limits = (struct clsf__limits){
		.max_total = options->max_total_bytes, .max_ratio = options->max_ratio, .file = file,
	};
	p->level[0].source = file;
	p->state = END;
	return p;
}

static void free_source(struct clsf__source *s)
{
	if (s)
		s->class->free(s);
}

void clsf__pile_free(struct clsf__pile *p)
{
	if (!p)
		return;
	for (size_t i = 1; i < LEVELS; i++)
		free_source(p->level[i].gzip);
	free_source(p->level[0].source);
	free(p->name);
	free(p);
}

/* Writes `text` behind the first `length` bytes of the name. */
static int set_name(struct clsf__pile *p, size_t length, const char *text, struct clsf_error *err)
{
	size_t more = strlen(text);
	if (p->name_room < length + more + 1) {
		char *name = realloc(p->name, length + more + 1);
		if (!name)
			return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
		p->name = name;
		p->name_room = length + more + 1;
	}
	memcpy(p->name + length, text, more + 1);
	p->level[p->top].name_length = length + more;
	return 0;
}

int clsf__pile_use(struct clsf__pile *p, int fd, bool owned, const char *name, struct clsf_error *err)
{
	struct level *file = &p->level[0];
	int code = clsf__file_use(file->source, fd, owned, err);
	for (size_t i = 0; i < LEVELS; i++)
		p->level[i].given = 0;
	p->top = 0;
	p->total_bytes = 0;
	p->state = END;
	if (!code)
		code = set_name(p, 0, name, err);
	if (code)
		return code;
	p->state = DIGGING;
	p->member.has_mtime = clsf__file_is_regular(file->source);
	p->member.mtime = p->member.has_mtime ? clsf__file_mtime(file->source) : 0;
	return 0;
}

void clsf__pile_close(struct clsf__pile *p)
{
	clsf__file_close(p->level[0].source);
	p->state = END;
}

/* ---- what is in a source ---- */

static bool is_regular(const struct clsf__pile *p)
{
	return clsf__file_is_regular(p->level[0].source);
}

/* The format of what the source on top gives; as many bytes as that takes are looked at. */
static int recognize(struct clsf__pile *p, enum clsf__format *ret_format, struct clsf_error *err)
{
	struct clsf__source *s = p->level[p->top].source;
	size_t length = 0;
	for (;;) {
		int code = clsf__source_peek(s, length + 1, err);
		if (code)
			return code;
		bool ended = s->head_length <= length || s->head_length == CLSF__HEAD;
		length = s->head_length;
		*ret_format = clsf__format_of(s->head, length, ended, !is_regular(p));
		if (*ret_format != CLSF__UNDECIDED)
			return 0;
	}
}

/* Whether the source was refused by its decoder before there was a byte, and looks like a text. */
static bool is_text_after_all(struct clsf__pile *p)
{
	const struct clsf__source *decoder = p->level[p->top].source;
	struct clsf__source *below = p->level[p->top - 1].source;
	size_t n = below->head_length;
	return decoder->end == CLSF_E_IO && decoder->head_length == 0 && below->head_length >= 16 &&
	       !memchr(below->head, '\0', n < 32 ? n : 32) && !clsf_is_binary(below->head, n) &&
	       clsf__source_rewind(below);
}

/* Puts a decoder on the pile. */
static int decode(struct clsf__pile *p, enum clsf__format format, struct clsf_error *err)
{
	struct level *below = &p->level[p->top], *level = below + 1;
	if (!level->gzip && !(level->gzip = clsf__gzip_new()))
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	level->gzip->limits = &p->limits;
	clsf__gzip_use(level->gzip, below->source, &level->given);
	level->source = level->gzip;
	level->format = format;
	level->depth = below->depth;
	level->name_length = below->name_length;
	p->top++;
	return 0;
}

/* From the source on top to a log, or an archive. */
static int dig(struct clsf__pile *p, struct clsf_error *err)
{
	enum clsf__format format;
	for (;;) {
		int code = recognize(p, &format, err);
		if (code)
			return code;
		if (p->top > 0 && is_text_after_all(p)) {
			p->top--;
			format = CLSF__PLAIN;
		}
		if (format != CLSF__GZIP || p->top > p->options.max_depth) {
			p->state = FOUND;
			return 0;
		}
		code = decode(p, format, err);
		if (code)
			return code;
	}
}

int clsf__pile_begin(struct clsf__pile *p, bool *ret_decodes, struct clsf_error *err)
{
	int code = p->state == DIGGING ? dig(p, err) : 0;
	if (!code)
		*ret_decodes = p->top > 0;
	return code;
}

/* ---- log after log ---- */

int clsf__pile_next(struct clsf__pile *p, const struct clsf_member **ret_member, struct clsf_error *err)
{
	int code = 0;
	if (p->state == IN_LOG)
		p->state = END;
	if (p->state == DIGGING)
		code = dig(p, err);
	if (code)
		return code;
	if (p->state == END)
		return CLSF_STOPPED;
	p->state = IN_LOG;
	p->member_bytes = 0;
	p->cut = false;
	p->member.name = p->name;
	*ret_member = &p->member;
	return 0;
}

int clsf__pile_read(struct clsf__pile *p, void *room, size_t capacity, const void **ret_data, size_t *ret_length,
                    struct clsf_error *err)
{
	if (p->state != IN_LOG)
		return clsf__error(err, CLSF_E_INVALID, 0, "there is no log at hand");
	uint64_t left = p->options.max_member_bytes - p->member_bytes;
	if (p->cut)
		return clsf__error(err, CLSF_E_LIMIT, 0, "the log has more than %llu bytes; the rest is not read",
		                   (unsigned long long)p->options.max_member_bytes);
	int code = clsf__source_read(p->level[p->top].source, room, capacity, ret_data, ret_length, err);
	if (code)
		return code;
	if (*ret_length > left) {
		*ret_length = (size_t)left;
		p->cut = true;
		if (left == 0)
			return clsf__pile_read(p, room, capacity, ret_data, ret_length, err);
	}
	p->member_bytes += *ret_length;
	p->total_bytes += *ret_length;
	return p->top > 0 ? clsf__limits_check(&p->limits, p->total_bytes, err) : 0;
}

uint64_t clsf__pile_position(const struct clsf__pile *p)
{
	return p->level[0].source->used;
}

void clsf__pile_wake(struct clsf__pile *p, int wake_fd)
{
	clsf__file_wake(p->level[0].source, wake_fd);
}
