/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_INPUT_H
#define TOOL_INPUT_H

/*
 * Logs from files, archives, folders and standard input: what the commands share
 * of libclassify-reader, and what is looked at in passing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>
#include <classify/reader.h>

/* Takes the next bytes of a log; false ends the reading. */
typedef bool (*input_sink)(const char *data, size_t length, void *user);

struct input_result {
	bool opened;                 /* there is a log, if perhaps a short one */
	bool complete;               /* it was read in full */
	bool stopped;                /* the sink ended it */
	bool binary;                 /* it is no text; nothing was given to the sink */
	uint64_t bytes;              /* decompressed, given to the sink */
	int code;                    /* of the call that failed; 0: none did */
	char message[512];           /* why not, with the place */
	bool has_nul, has_invalid;   /* the first NUL byte, the first byte that is no UTF-8 */
	uint64_t nul_offset, invalid_offset;
};

/* One file after the other, and the logs in each. Zero is a good start. */
struct input {
	/* Set before input_open(), and the same for all files but for `ahead`. */
	int ahead;                   /* as in struct clsf_reader_options, */
	clsf_remark_fn on_remark;    /* as is this */
	bool (*going)(void *user);   /* after a signal: is it to be gone on? NULL: yes */
	void *user;

	struct clsf_error error;     /* of the calls that failed */

	/* Its own. */
	struct clsf_reader *reader;
	bool standard;
	int was_ahead;
	const char *path;
	const char *wanted;          /* this log alone; or NULL */
	bool found;
	bool sampled;
	bool uninspected;            /* UTF-16: full of NUL bytes by nature */
	size_t utf8_pending;         /* bytes of a character cut by a chunk's end */
	char utf8_bytes[4];
};

/*
 * Opens a file, "-" for standard input, or one log of an archive, by the name
 * that it has there: "archive!member". The path is borrowed until the next
 * call. Returns 0, or a code of the reader; CLSF_E_BUSY: not to be gone on.
 */
int input_open(struct input *input, const char *path);

/* The next log in it, as clsf_reader_next(). */
int input_next(struct input *input, const struct clsf_member **ret_member);

/* Gives the log at hand to the sink. */
void input_take(struct input *input, input_sink sink, void *user, struct input_result *ret_result);

/* Bytes of the file that were used so far. */
uint64_t input_position(const struct input *input);

void input_done(struct input *input);

/* Opens a file that is one log, and gives it to the sink. */
void input_read_log(struct input *input, const char *path, input_sink sink, void *user,
                    struct input_result *ret_result);

/* The same, for once. */
void input_read(const char *path, input_sink sink, void *user, struct input_result *result);

/* A sink that feeds a stream: `user` is one of these. */
struct input_feeding {
	struct clsf_stream *stream;
	struct clsf_worker *worker;
	int code;                    /* of the newest feeding */
};
bool input_feed(const char *data, size_t length, void *user);

/*
 * Ends the log. Returns NULL, or why the answer is not whole; *ret_verdict is
 * NULL when there is none.
 */
const char *input_finish(struct input_feeding *feeding, const struct clsf_verdict **ret_verdict);

#endif
