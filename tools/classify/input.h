/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_INPUT_H
#define TOOL_INPUT_H

/*
 * Logs from files, folders and standard input, plain or gzip (told by content,
 * not by name). Only input.c includes zlib.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <classify/classify.h>

/* Takes the next bytes of a log; false ends the reading. */
typedef bool (*input_sink)(const char *data, size_t length, void *user);

struct input_result {
	bool opened;                 /* there is a log, if perhaps a short one */
	bool complete;               /* it was read in full */
	bool stopped;                /* the sink ended it */
	bool binary;                 /* it is no text; nothing was given to the sink */
	uint64_t bytes;              /* decompressed, given to the sink */
	char message[512];           /* why not, with the place */
	bool has_nul, has_invalid;   /* the first NUL byte, the first byte that is no UTF-8 */
	uint64_t nul_offset, invalid_offset;
};

/* Reads one log; "-" is standard input. */
void input_read(const char *path, input_sink sink, void *user, struct input_result *result);

/* A sink that feeds a stream: `user` is one of these. */
struct input_feeding {
	struct clsf_stream *stream;
	struct clsf_worker *worker;
};
bool input_feed(const char *data, size_t length, void *user);

/* Called for each log below a path, in order; false ends the walk. */
typedef bool (*input_visitor)(const char *path, void *user);
/* Called for what cannot be walked. */
typedef void (*input_complaint)(const char *path, const char *why, void *user);

/*
 * Calls `visit` for the path itself, or for every regular file below a folder:
 * entries sorted bytewise, links not followed. False when the visitor ended it.
 */
bool input_walk(const char *path, input_visitor visit, input_complaint complaint, void *user);

#endif
