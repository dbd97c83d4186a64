/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar and zip, by libarchive: these two formats, by name and not by its guesses,
 * and none of its filters, which may start programs. The only file that sees
 * archive.h and archive_entry.h of libarchive.
 *
 * A zip archive in a file is read by its central directory, so that one damaged
 * member does not hide the others; one that comes through a pipe, lies in another
 * archive, or has very many members, is read from its beginning to its end.
 */

#include "members.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#define ROOM ((size_t)256 * 1024)    /* bytes that are read at once */
#define ZEROS ((size_t)64 * 1024)    /* bytes of a hole that are given at once */
#define DIRECTORY 65535              /* members of a zip archive whose central directory is not held in memory */
#define RESTARTS 1000                /* headers that may be damaged */

struct member_source {
	struct clsf__source base;
	enum clsf__format format;
	struct clsf__source *below;
	struct clsf__source *file;   /* the same, if any place of it can be read; or NULL */
	struct archive *archive;
	locale_t locale;             /* in which names are UTF-8 */
	unsigned char *room;
	const unsigned char *last;   /* what libarchive was given at last */
	size_t last_length;
	bool again;                  /* it is to be given again, what is left of it */
	uint64_t read;               /* bytes that it was given, or the place in the file */
	bool ended;                  /* there are no more */
	bool seeks;                  /* libarchive reads the file by its central directory */
	uint64_t origin;             /* what it takes for the beginning */
	unsigned restarts;
	int below_code;              /* why they could not be read; or 0 */
	struct clsf_error fault;

	/* The member at hand. */
	struct archive_entry *entry;
	uint64_t position;           /* bytes that were given */
	uint64_t hole;               /* zeros before the block at hand */
	const unsigned char *block;
	size_t block_length;
	int end;                     /* behind the block: what is to be said; or 0 */
	char why[256];
	char damage[400];
};

static const unsigned char zeros[ZEROS];

/* ---- the bytes of the archive ---- */

static la_ssize_t on_read(struct archive *archive, void *user, const void **ret_data)
{
	struct member_source *m = user;
	const void *data = NULL;
	size_t length = 0;
	int code = 0;
	if (m->again) {
		m->again = false;
		*ret_data = m->last;
		return (la_ssize_t)m->last_length;
	}
	if (m->file)
		code = clsf__file_read_at(m->file, m->read, m->room, ROOM, &length, &m->fault);
	else
		code = clsf__source_read(m->below, m->room, ROOM, &data, &length, &m->fault);
	if (m->file)
		data = m->room;
	if (code == CLSF_STOPPED) {
		m->ended = true;
		return 0;
	}
	if (code) {
		m->below_code = code;
		archive_set_error(archive, -1, "%s", m->fault.message);
		return -1;
	}
	m->read += length;
	m->last = data;
	m->last_length = length;
	*ret_data = data;
	return (la_ssize_t)length;
}

static la_int64_t on_seek(struct archive *archive, void *user, la_int64_t offset, int whence)
{
	struct member_source *m = user;
	int64_t size = (int64_t)clsf__file_size(m->file);
	int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (int64_t)m->read : size;
	(void)archive;
	if (offset < -base || offset > size - base)
		return ARCHIVE_FATAL;
	m->ended = false;
	m->read = (uint64_t)(base + offset);
	return base + offset;
}

/* ---- opening ---- */

/* How many members the end of a zip archive tells; DIRECTORY stands for more than can be said there. */
static unsigned directory_size(struct member_source *m, struct clsf__source *file)
{
	uint64_t size = clsf__file_size(file);
	size_t want = size < ROOM ? (size_t)size : ROOM, length = 0;
	if (clsf__file_read_at(file, size - want, m->room, want, &length, NULL) != 0 || length < 22)
		return DIRECTORY;
	for (size_t i = length - 22 + 1; i-- > 0;) {
		if (memcmp(m->room + i, "PK\5\6", 4) == 0)
			return m->room[i + 10] | (unsigned)m->room[i + 11] << 8;
	}
	return DIRECTORY;
}

static void close_archive(struct member_source *m)
{
	archive_read_free(m->archive);
	m->archive = NULL;
}

static int open_archive(struct member_source *m, struct clsf_error *err)
{
	int code;
	m->archive = archive_read_new();
	if (!m->archive)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (m->format == CLSF__TAR) {
		code = archive_read_set_format(m->archive, ARCHIVE_FORMAT_TAR);
		/* What stands behind the end is not left out in silence. */
		if (code == ARCHIVE_OK)
			code = archive_read_set_format_option(m->archive, "tar", "read_concatenated_archives", "1");
	} else if (m->seeks) {
		/* Where the central directory is missing it falls back to reading from the beginning. */
		code = archive_read_support_format_zip(m->archive);
	} else {
		/* The first reader of this format that it has is the one that does not seek. */
		code = archive_read_set_format(m->archive, ARCHIVE_FORMAT_ZIP);
	}
	if (code == ARCHIVE_OK && m->seeks)
		code = archive_read_set_seek_callback(m->archive, on_seek);
	/* Each by itself: archive_read_open() goes on where one of them fails for memory. */
	if (code == ARCHIVE_OK)
		code = archive_read_set_read_callback(m->archive, on_read);
	if (code == ARCHIVE_OK)
		code = archive_read_set_callback_data(m->archive, m);
	if (code == ARCHIVE_OK)
		code = archive_read_open1(m->archive);
	if (code == ARCHIVE_OK)
		return 0;
	if (m->below_code) {
		*err = m->fault;
		return m->below_code;
	}
	if (archive_errno(m->archive) == ENOMEM)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	const char *why = archive_error_string(m->archive);
	return clsf__error(err, CLSF_E_IO, archive_errno(m->archive), "damaged %s archive: %s",
	                   clsf__format_name(m->format), why ? why : "it cannot be read");
}

int clsf__members_use(struct clsf__source *s, enum clsf__format format, struct clsf__source *below,
                      struct clsf__source *file, uint64_t *given, struct clsf_error *err)
{
	struct member_source *m = (struct member_source *)s;
	clsf__members_rest(s);
	clsf__source_begin(s, s->class, given);
	if (!m->room)
		m->room = malloc(ROOM);
	/* Its own entry an archive would do without, were there no memory for it. */
	if (!m->entry)
		m->entry = archive_entry_new();
	if (!m->room || !m->entry)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	m->format = format;
	m->below = below;
	m->file = below == file && format == CLSF__ZIP && clsf__file_is_regular(file) &&
	          clsf__file_size(file) != UINT64_MAX && directory_size(m, file) < DIRECTORY ? file : NULL;
	m->read = 0;
	m->last_length = 0;
	m->again = m->ended = false;
	m->seeks = m->file != NULL;
	m->origin = 0;
	m->restarts = 0;
	m->below_code = 0;
	return 0;
}

/* ---- from member to member ---- */

/* Names are asked for, and converted, in a locale that knows UTF-8. */
static locale_t enter_locale(struct member_source *m)
{
	if (!m->locale)
		m->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return m->locale ? uselocale(m->locale) : (locale_t)0;
}

static void leave_locale(locale_t before)
{
	if (before)
		uselocale(before);
}

/* What libarchive complains of, without the line's end that some of its texts have. */
static const char *complaint(struct member_source *m)
{
	const char *text = archive_error_string(m->archive);
	snprintf(m->why, sizeof(m->why), "%s", text && *text ? text : "invalid data");
	m->why[strcspn(m->why, "\n")] = '\0';
	return m->why;
}

static unsigned long long place(struct member_source *m)
{
	int64_t place = archive_filter_bytes(m->archive, 0);
	return m->origin + (place > 0 ? (unsigned long long)place : 0);
}

/* Where a place is, if not in the file. */
static const char *of_what(const struct member_source *m)
{
	return m->file || m->below->limits == NULL ? "" : " of what is decompressed";
}

/* Says why the archive, or a member of it, cannot be read on. */
static int fail(struct member_source *m, struct clsf_error *err)
{
	const char *name = clsf__format_name(m->format);
	if (m->below_code) {
		*err = m->fault;
		return m->below_code;
	}
	if (archive_errno(m->archive) == ENOMEM)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (m->ended)
		return clsf__error(err, CLSF_E_IO, 0, "the %s archive ends too early, at offset %llu%s", name,
		                   (unsigned long long)m->read, of_what(m));
	return clsf__error(err, CLSF_E_IO, archive_errno(m->archive), "damaged %s archive at offset %llu%s: %s", name,
	                   place(m), of_what(m), complaint(m));
}

static void note_damage(struct member_source *m, uint64_t offset)
{
	if (!m->damage[0])
		snprintf(m->damage, sizeof(m->damage), "damaged %s archive at offset %llu%s: %s",
		         clsf__format_name(m->format), (unsigned long long)offset, of_what(m), complaint(m));
}

/*
 * After a header that libarchive does not get over: a new reader looks for the
 * next one behind it. Only for zip, whose headers have a signature.
 */
static bool restart(struct member_source *m)
{
	struct clsf_error err;
	uint64_t at = place(m), left = m->read - at;
	if (m->format != CLSF__ZIP || m->below_code || m->ended || at <= m->origin || m->restarts >= RESTARTS)
		return false;
	if (!m->seeks && (at > m->read || left > m->last_length))
		return false;
	note_damage(m, at);
	m->restarts++;
	close_archive(m);
	if (m->seeks) {
		m->read = at;
	} else {
		m->last += m->last_length - left;
		m->last_length = (size_t)left;
		m->again = left > 0;
	}
	m->seeks = false;
	m->origin = at;
	return open_archive(m, &err) == 0;
}

/* The archive's end: what is behind it is read, so that a writer need not fail, and damage there is told. */
static int finish(struct member_source *m, struct clsf_error *err)
{
	const void *data;
	size_t length;
	int code = 0;
	while (!m->file && !m->ended && !code)
		code = clsf__source_read(m->below, m->room, ROOM, &data, &length, err);
	return code ? code : CLSF_STOPPED;
}

static void describe(struct member_source *m, struct clsf__entry *ret)
{
	struct archive_entry *e = m->entry;
	const char *name = archive_entry_pathname(e);
	if (!name || !*name)
		name = archive_entry_pathname_utf8(e);
	ret->name = name && *name ? name : "(no name)";
	/* The beginning of 1970 is what stands there when whoever made the archive kept no times. */
	ret->has_mtime = archive_entry_mtime_is_set(e) && archive_entry_mtime(e) > 0;
	ret->mtime = ret->has_mtime ? (int64_t)archive_entry_mtime(e) : 0;
	ret->kind = CLSF__NO_LOG;
	if (archive_entry_hardlink(e)) {
		ret->why = "a link to another member";
		return;
	}
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		ret->kind = CLSF__FILE;
		break;
	case AE_IFDIR:
		ret->kind = CLSF__FOLDER;
		break;
	case AE_IFLNK:
		ret->why = "a link";
		break;
	case AE_IFIFO:
		ret->why = "a named pipe";
		break;
	default:
		ret->why = "a device or a socket";
		break;
	}
	if (ret->kind == CLSF__FILE && archive_entry_is_encrypted(e)) {
		ret->kind = CLSF__UNREADABLE;
		ret->why = "encrypted";
	}
}

int clsf__members_next(struct clsf__source *s, struct clsf__entry *ret, struct clsf_error *err)
{
	struct member_source *m = (struct member_source *)s;
	locale_t before;
	int code = m->archive ? 0 : open_archive(m, err);
	if (code)
		return code;
	*ret = (struct clsf__entry){ .damage = NULL };
	m->damage[0] = '\0';
	before = enter_locale(m);
	for (;;) {
		code = archive_read_next_header2(m->archive, m->entry);
		/* At the next call, libarchive looks at the next block, whether that is a header. */
		if (code == ARCHIVE_RETRY)
			note_damage(m, m->origin + (uint64_t)archive_read_header_position(m->archive));
		else if (code != ARCHIVE_FATAL || !restart(m))
			break;
	}
	if (code == ARCHIVE_OK || code == ARCHIVE_WARN)
		describe(m, ret);
	leave_locale(before);
	if (code == ARCHIVE_FAILED) {
		*ret = (struct clsf__entry){ .kind = CLSF__UNREADABLE, .name = "(a member)", .why = complaint(m) };
		code = ARCHIVE_OK;
	}
	if (code == ARCHIVE_EOF)
		code = m->damage[0] ? clsf__error(err, CLSF_E_IO, 0, "%s", m->damage) : finish(m, err);
	else if (code < ARCHIVE_WARN)
		code = fail(m, err);
	else
		code = 0;
	if (code)
		return code;
	ret->damage = m->damage[0] ? m->damage : NULL;
	clsf__source_begin(s, s->class, s->given);
	m->position = m->hole = 0;
	m->block_length = 0;
	m->end = 0;
	return 0;
}

/* ---- the bytes of a member ---- */

/* The next block. Blocks lie apart where the member has holes. */
static int next_block(struct member_source *m, struct clsf_error *err)
{
	const void *data = NULL;
	size_t length = 0;
	la_int64_t offset = 0;
	int code = archive_read_data_block(m->archive, &data, &length, &offset);
	if (code == ARCHIVE_RETRY)
		return 0;
	if (code < ARCHIVE_WARN)
		return fail(m, err);
	uint64_t begin = offset > 0 ? (uint64_t)offset : 0;
	if (begin > m->position)
		m->hole = begin - m->position;
	else if (begin < m->position && length)
		return clsf__error(err, CLSF_E_IO, 0, "damaged %s archive at offset %llu%s: parts of a sparse file overlap",
		                   clsf__format_name(m->format), place(m), of_what(m));
	m->block = data;
	m->block_length = code == ARCHIVE_EOF ? 0 : length;
	if (code == ARCHIVE_EOF)
		m->end = CLSF_STOPPED;
	if (code == ARCHIVE_WARN) {
		/* A wrong checksum is known when the last block is there. */
		m->end = clsf__error(&m->fault, CLSF_E_IO, archive_errno(m->archive), "damaged %s archive at offset %llu%s: %s",
		                     clsf__format_name(m->format), place(m), of_what(m), complaint(m));
	}
	return 0;
}

static int member_read(struct clsf__source *s, void *room, size_t capacity, const void **ret_data,
                       size_t *ret_length, struct clsf_error *err)
{
	struct member_source *m = (struct member_source *)s;
	(void)room;
	while (m->hole == 0 && m->block_length == 0) {
		if (m->end < 0)
			*err = m->fault;
		int code = m->end ? m->end : next_block(m, err);
		if (code)
			return code;
	}
	if (m->hole) {
		*ret_data = zeros;
		*ret_length = m->hole < ZEROS ? (size_t)m->hole : ZEROS;
		m->hole -= *ret_length;
	} else {
		*ret_data = m->block;
		*ret_length = m->block_length < capacity ? m->block_length : capacity;
		m->block += *ret_length;
		m->block_length -= *ret_length;
	}
	m->position += *ret_length;
	return 0;
}

static void member_free(struct clsf__source *s)
{
	struct member_source *m = (struct member_source *)s;
	clsf__members_rest(s);
	archive_entry_free(m->entry);
	free(m->room);
	if (m->locale)
		freelocale(m->locale);
	clsf__source_done(s);
	free(m);
}

void clsf__members_rest(struct clsf__source *s)
{
	struct member_source *m = (struct member_source *)s;
	if (m->archive)
		close_archive(m);
}

static const struct clsf__source_class member_class = { member_read, member_free };

struct clsf__source *clsf__members_new(struct clsf__limits *limits)
{
	struct member_source *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->base.limits = limits;
	clsf__source_begin(&m->base, &member_class, NULL);
	return &m->base;
}
