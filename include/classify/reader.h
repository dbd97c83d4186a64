/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLASSIFY_READER_H
#define CLASSIFY_READER_H

/*
 * From a file to the bytes of the logs in it: plain text, compressed text, and
 * archives. A library of its own, libclassify-reader, because the core takes
 * bytes and knows nothing of files; classify.h does not include this header.
 *
 *     clsf_reader_open("must-gather.tar.gz", NULL, &reader, &err);
 *     while (clsf_reader_next(reader, &member, &err) == 0) {
 *         while (clsf_reader_read(reader, &data, &length, &err) == 0)
 *             clsf_stream_feed(stream, worker, data, length);
 *         clsf_stream_finish(stream, worker, &verdict);
 *     }
 *     clsf_reader_free(reader);
 *
 * What a file is, its content tells and never its name: gzip, zstd, xz, bzip2,
 * lz4, tar and zip are read, and anything else is a text. A compressed text is
 * one log and keeps the name of its file; the members of a tar or zip archive
 * are logs of their own, "archive!member", and an archive inside an archive is
 * opened once more: "a.tar!b.zip!c.log".
 *
 * Files come from anywhere, and may be made to harm. Nothing is ever written to
 * disk, no link is followed and no program is started, so that the names of
 * members are only texts, of any bytes but NUL. Memory does not depend on what a
 * file holds: about 2 MiB, 4 MiB with a thread, and what the decoder needs for
 * its window, at most 128 MiB each for xz and zstd. What a little file may become
 * is limited by the options. The libraries that decode run in the process; who
 * does not trust them with such files runs it in a sandbox.
 *
 * A regular file is read up to the size that it had when it was opened, however
 * much it grows meanwhile. A zip archive that comes through a pipe, or lies in
 * something else, is read without its central directory: links in it look like
 * logs that hold their target, and members that were deleted from it come back.
 */

#include <classify/common.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clsf_reader;

/* A log. Its texts live until the next call for the reader that returns another. */
struct clsf_member {
	const char *name;                /* the given name, and "!member" for each level below it */
	int has_mtime;
	int64_t mtime;                   /* last changed, seconds since 1970; of a member that tells none: its file */
};

/* What a remark is about. The numbers are stable. */
enum clsf_remark {
	CLSF_REMARK_SKIPPED = 0,         /* no log: a link, a device; nothing is lost */
	CLSF_REMARK_UNREADABLE = 1,      /* cannot be read: encrypted, damaged from its beginning, an unknown method */
	CLSF_REMARK_LIMIT = 2,           /* what is behind a limit was not read */
};

/*
 * Called for what is met on the way from one log to the next and is none.
 * `name` is as in struct clsf_member. Both texts are valid during the call.
 */
typedef void (*clsf_remark_fn)(enum clsf_remark what, const char *name, const char *why, void *user);

/*
 * Options of a reader. Set `size` with CLSF_READER_OPTIONS_INIT; what is zero
 * or NULL takes the default. A limit that is passed ends the log or the
 * archive with CLSF_E_LIMIT or a remark, never silently.
 *
 * `ahead` lets decompressing and scanning overlap; there is no thread for what
 * need not be decompressed, or is small. An archive that comes through a pipe is
 * always read by one, so that waiting for it can be interrupted.
 */
struct clsf_reader_options {
	size_t size;
	clsf_remark_fn on_remark;
	void *user;                      /* passed to on_remark */
	int ahead;                       /* 1: a thread of the reader's own decompresses ahead of the caller */
	uint32_t max_depth;              /* archives inside archives that are opened; default 1, at most 8 */
	uint32_t max_members;            /* members of the archives in one file; default 1,000,000 */
	uint32_t max_ratio;              /* decompressed to compressed bytes, looked at from 64 MiB on; default 2,000 */
	uint64_t max_member_bytes;       /* decompressed bytes of one log; default 1 TiB */
	uint64_t max_total_bytes;        /* decompressed bytes of one file; default 4 TiB */
};
#define CLSF_READER_OPTIONS_INIT CLSF__INIT(struct clsf_reader_options)

/*
 * Opens a file: a regular one, or a pipe or device that can be read; a folder
 * is CLSF_E_IO. `options` may be NULL. `name` in clsf_reader_open_fd() stands
 * for the path; the descriptor stays the caller's, is read from where it is,
 * and must outlive the reader. Free with clsf_reader_free().
 *
 * Returns 0, CLSF_E_IO, CLSF_E_NOMEM, CLSF_E_INVALID, CLSF_E_BUSY (a signal
 * interrupted the wait for whoever writes into a pipe). What is wrong with the
 * content the calls below tell.
 *
 * Threads: any.
 */
CLSF_API int clsf_reader_open(const char *path, const struct clsf_reader_options *options,
                              struct clsf_reader **ret_reader, struct clsf_error *err);
CLSF_API int clsf_reader_open_fd(int fd, const char *name, const struct clsf_reader_options *options,
                                 struct clsf_reader **ret_reader, struct clsf_error *err);

/*
 * Uses a reader again, for another file and with the options that it has: what
 * it needs in memory it keeps, which for small files is most of what they cost.
 * After a failure it may be used yet again.
 *
 * Returns 0, CLSF_E_IO, CLSF_E_NOMEM, CLSF_E_INVALID, CLSF_E_BUSY.
 *
 * Threads: one at a time for a reader.
 */
CLSF_API int clsf_reader_reopen(struct clsf_reader *reader, const char *path, struct clsf_error *err);

/*
 * Goes to the next log; what is left of the one at hand is passed over, which
 * for a member of a compressed archive means that it is decompressed.
 *
 * Returns 0; CLSF_STOPPED when there is none; CLSF_E_BUSY when a signal
 * interrupted a read that waits, and the call may be made again; a failure,
 * after which there is no other log: CLSF_E_IO (a read error, a damaged archive;
 * the message tells the offset in the file), CLSF_E_LIMIT, CLSF_E_NOMEM,
 * CLSF_E_INVALID.
 *
 * Threads: one at a time for a reader.
 */
CLSF_API int clsf_reader_next(struct clsf_reader *reader, const struct clsf_member **ret_member,
                              struct clsf_error *err);

/*
 * The next bytes of the log at hand, decompressed: at least one, at most
 * 1 MiB. They are the reader's and stay until the next call for it.
 *
 * Returns 0; CLSF_STOPPED at the log's end; a failure, when the log is not
 * complete (cut, damaged, over a limit, a read error) and what came before it
 * is all there is of it: CLSF_E_IO, CLSF_E_LIMIT, CLSF_E_NOMEM, CLSF_E_INVALID.
 * clsf_reader_next() may follow. A signal that interrupts a read that waits
 * gives CLSF_E_BUSY; the call may be made again.
 *
 * Threads: one at a time for a reader.
 */
CLSF_API int clsf_reader_read(struct clsf_reader *reader, const void **ret_data, size_t *ret_length,
                              struct clsf_error *err);

/*
 * How many bytes of the file itself, as it is on disk, were used so far: for
 * a progress bar.
 *
 * Threads: one at a time for a reader.
 */
CLSF_API uint64_t clsf_reader_position(const struct clsf_reader *reader);

/* Closes and frees a reader; NULL is fine. Threads: one at a time. */
CLSF_API void clsf_reader_free(struct clsf_reader *reader);

/*
 * Whether a log that begins with this data is no text: more than a twentieth
 * of its first 8 KiB are control characters that text does not use. UTF-16
 * and old encodings are text. Give 8 KiB, or the whole log.
 *
 * Returns 1 or 0.
 *
 * Threads: any.
 */
CLSF_API int clsf_is_binary(const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
