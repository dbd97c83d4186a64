/* SPDX-License-Identifier: Apache-2.0 */
/* See pile.h. */

#include "pile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "members.h"

/* Highest `max_depth`; the pile has two levels for each archive, and the file. */
#define MAX_DEPTH 8
#define LEVELS (2 * (MAX_DEPTH + 2) + 1)

struct level {
	struct clsf__source *source; /* one of those below; the file at level 0 */
	enum clsf__format format;    /* of what it decodes; at level 0 CLSF__PLAIN */
	uint32_t depth;              /* archives in archives, and compression on compression */
	size_t name_length;          /* of the part of the name that stands for what it gives */
	uint64_t given;
	uint32_t members;            /* of an archive, so far */
	struct clsf__source *decoder, *archive; /* kept for the next file */
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
		MEMBERS,             /* the next member of the innermost archive is to be found */
		END,
	} state;
	char *name;
	size_t name_room;
	struct clsf_member member;
	bool file_has_mtime;         /* of the file itself */
	int64_t file_mtime;
	uint32_t members;            /* of all archives, so far */
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
	for (size_t i = 1; i < LEVELS; i++) {
		free_source(p->level[i].decoder);
		free_source(p->level[i].archive);
	}
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
	p->members = 0;
	p->limits.over = false;
	p->total_bytes = 0;
	p->state = END;
	if (!code)
		code = set_name(p, 0, name, err);
	if (code)
		return code;
	p->state = DIGGING;
	p->member.has_mtime = p->file_has_mtime = clsf__file_is_regular(file->source);
	p->member.mtime = p->file_mtime = p->member.has_mtime ? clsf__file_mtime(file->source) : 0;
	return 0;
}

void clsf__pile_close(struct clsf__pile *p)
{
	for (size_t i = 1; i < LEVELS; i++) {
		if (p->level[i].decoder)
			clsf__decoder_rest(p->level[i].decoder);
		if (p->level[i].archive)
			clsf__members_rest(p->level[i].archive);
	}
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

static bool is_archive(enum clsf__format format)
{
	return format == CLSF__TAR || format == CLSF__ZIP;
}

/* Says something about the part of the file that the level stands for. */
static void remark(struct clsf__pile *p, enum clsf_remark what, size_t level, const char *why)
{
	char cut = p->name[p->level[level].name_length];
	if (!p->options.on_remark)
		return;
	p->name[p->level[level].name_length] = '\0';
	p->options.on_remark(what, p->name, why, p->options.user);
	p->name[p->level[level].name_length] = cut;
}

static bool in_archive(const struct clsf__pile *p)
{
	for (size_t i = p->top; i > 0; i--) {
		if (is_archive(p->level[i].format))
			return true;
	}
	return false;
}

/* Archives in archives count, and what was compressed twice. */
static uint32_t depth_of(const struct clsf__pile *p, enum clsf__format format)
{
	const struct level *top = &p->level[p->top];
	bool deeper = is_archive(format) ? in_archive(p) : p->top > 0 && !is_archive(top->format);
	return top->depth + deeper;
}

/* Puts a decoder, or an archive, on the pile. */
static int push(struct clsf__pile *p, enum clsf__format format, uint32_t depth, struct clsf_error *err)
{
	struct level *below = &p->level[p->top], *level = below + 1;
	struct clsf__source **kept = is_archive(format) ? &level->archive : &level->decoder;
	if (!*kept)
		*kept = is_archive(format) ? clsf__members_new(&p->limits) : clsf__decoder_new(&p->limits);
	if (!*kept)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (is_archive(format)) {
		int code = clsf__members_use(*kept, format, below->source, p->level[0].source, &level->given, err);
		if (code)
			return code;
	} else {
		clsf__decoder_use(*kept, clsf__codec_of(format), below->source, &level->given);
	}
	level->source = *kept;
	level->format = format;
	level->depth = depth;
	level->name_length = below->name_length;
	level->members = 0;
	p->top++;
	return 0;
}

static void pop(struct clsf__pile *p)
{
	struct level *level = &p->level[p->top--];
	if (is_archive(level->format))
		clsf__members_rest(level->archive);
	else
		clsf__decoder_rest(level->decoder);
}

/*
 * From the source on top to a log or an archive, or to nothing, which was
 * remarked on: the state says what.
 */
static int dig(struct clsf__pile *p, struct clsf_error *err)
{
	enum clsf__format format;
	for (;;) {
		int code = recognize(p, &format, err);
		if (code)
			return code;
		const struct clsf__source *top = p->level[p->top].source;
		if (p->top > 0 && !is_archive(p->level[p->top].format) && is_text_after_all(p)) {
			pop(p);
			format = CLSF__PLAIN;
		} else if (is_archive(p->level[p->top].format) && top->head_length == 0 && top->end < 0) {
			remark(p, top->end == CLSF_E_LIMIT ? CLSF_REMARK_LIMIT : CLSF_REMARK_UNREADABLE, p->top,
			       top->fault.message);
			p->state = MEMBERS;
			return top->end == CLSF_E_NOMEM ? clsf__error(err, top->end, 0, "out of memory") : 0;
		}
		if (format == CLSF__PLAIN) {
			p->state = FOUND;
			return 0;
		}
		uint32_t depth = depth_of(p, format);
		if (depth > p->options.max_depth) {
			char why[128];
			snprintf(why, sizeof(why), "%s in what is %s already: deeper than %u, not read",
			         clsf__format_name(format), is_archive(format) ? "in an archive" : "compressed",
			         (unsigned)p->options.max_depth);
			remark(p, CLSF_REMARK_LIMIT, p->top, why);
			p->state = MEMBERS;
			return 0;
		}
		code = push(p, format, depth, err);
		if (code)
			return code;
		if (is_archive(format)) {
			p->state = MEMBERS;
			return 0;
		}
	}
}

int clsf__pile_begin(struct clsf__pile *p, bool *ret_decodes, bool *ret_needs_thread, struct clsf_error *err)
{
	int code = p->state == DIGGING ? dig(p, err) : 0;
	if (!code) {
		*ret_decodes = p->top > 0;
		*ret_needs_thread = p->top > 0 && is_archive(p->level[p->top].format) && !is_regular(p);
	}
	return code;
}

/* ---- log after log ---- */

/* What a failure to read an archive means for the rest: 0 if the search goes on. */
static int archive_failed(struct clsf__pile *p, int code, struct clsf_error *err)
{
	struct level *level = &p->level[p->top];
	size_t outer = p->top - 1;
	while (outer > 0 && !is_archive(p->level[outer].format))
		outer--;
	level->source->end = code;
	level->source->head_length = 0;
	if (code == CLSF_E_IO && level->members == 0 && is_text_after_all(p)) {
		pop(p);
		p->state = FOUND;
		return 0;
	}
	if (outer == 0 || code == CLSF_E_NOMEM || code == CLSF_E_BUSY || p->limits.over)
		return code;
	remark(p, code == CLSF_E_LIMIT ? CLSF_REMARK_LIMIT : CLSF_REMARK_UNREADABLE, p->top - 1, err->message);
	pop(p);
	return 0;
}

/* Goes to the next member that may be a log; down the pile where an archive ends. */
static int next_member(struct clsf__pile *p, struct clsf_error *err)
{
	struct clsf__entry entry;
	while (p->top > 0 && !is_archive(p->level[p->top].format))
		pop(p);
	if (p->top == 0) {
		p->state = END;
		return 0;
	}
	struct level *level = &p->level[p->top];
	int code = clsf__members_next(level->source, &entry, err);
	if (code == CLSF_STOPPED) {
		pop(p);
		return 0;
	}
	if (code)
		return archive_failed(p, code, err);
	level->members++;
	if (p->members++ >= p->options.max_members) {
		char why[80];
		snprintf(why, sizeof(why), "more than %u members; the rest is not read", (unsigned)p->options.max_members);
		remark(p, CLSF_REMARK_LIMIT, 0, why);
		p->state = END;
		return 0;
	}
	if (entry.damage)
		remark(p, CLSF_REMARK_UNREADABLE, p->top - 1, entry.damage);
	code = set_name(p, p->level[p->top - 1].name_length, "!", err);
	if (!code)
		code = set_name(p, level->name_length, entry.name, err);
	if (code)
		return code;
	if (entry.kind == CLSF__NO_LOG || entry.kind == CLSF__UNREADABLE)
		remark(p, entry.kind == CLSF__NO_LOG ? CLSF_REMARK_SKIPPED : CLSF_REMARK_UNREADABLE, p->top, entry.why);
	if (entry.kind != CLSF__FILE)
		return 0;
	p->member.has_mtime = entry.has_mtime || p->file_has_mtime;
	p->member.mtime = entry.has_mtime ? entry.mtime : p->file_mtime;
	p->state = DIGGING;
	return 0;
}

int clsf__pile_next(struct clsf__pile *p, const struct clsf_member **ret_member, struct clsf_error *err)
{
	struct clsf_error ours;
	err = err ? err : &ours;
	if (p->state == IN_LOG)
		p->state = MEMBERS;
	while (p->state != FOUND) {
		if (p->state == END)
			return CLSF_STOPPED;
		if (p->limits.over && p->state == MEMBERS) {
			/* Of a text that was told by the call that met the limit. */
			p->state = END;
			if (!in_archive(p))
				return CLSF_STOPPED;
			*err = p->limits.fault;
			return CLSF_E_LIMIT;
		}
		int code = p->state == DIGGING ? dig(p, err) : next_member(p, err);
		if (code)
			return code;
	}
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

bool clsf__pile_is_regular(const struct clsf__pile *p)
{
	return is_regular(p);
}

uint64_t clsf__pile_size(const struct clsf__pile *p)
{
	return clsf__file_size(p->level[0].source);
}

uint64_t clsf__pile_position(const struct clsf__pile *p)
{
	return p->level[0].source->used;
}

void clsf__pile_tell(struct clsf__pile *p, clsf_remark_fn on_remark, void *user)
{
	p->options.on_remark = on_remark;
	p->options.user = user;
}

void clsf__pile_wake(struct clsf__pile *p, int wake_fd, const atomic_bool *stop)
{
	p->limits.stop = stop;
	clsf__file_wake(p->level[0].source, wake_fd);
}
