/* SPDX-License-Identifier: Apache-2.0 */
/* See input.h. */

#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

/* ---- what is in the bytes ---- */

/* Notes the first NUL byte and the first byte that is no UTF-8. */
static void inspect(struct input *in, struct input_result *result, const char *data, size_t length)
{
	if (!result->has_nul) {
		const char *nul = memchr(data, '\0', length);
		if (nul) {
			result->has_nul = true;
			result->nul_offset = result->bytes + (uint64_t)(nul - data);
		}
	}
	size_t i = 0;
	while (!result->has_invalid && i < length) {
		if (in->utf8_pending == 0) {
			/* Eight ASCII bytes at a time. */
			uint64_t eight;
			while (length - i >= 8) {
				memcpy(&eight, data + i, 8);
				if (eight & UINT64_C(0x8080808080808080))
					break;
				i += 8;
			}
			while (i < length && (unsigned char)data[i] < 0x80)
				i++;
			if (i == length)
				return;
		}
		uint64_t start = result->bytes + i - in->utf8_pending;
		while (in->utf8_pending < 4 && i < length)
			in->utf8_bytes[in->utf8_pending++] = data[i++];
		uint32_t c;
		size_t n = utf8_next(in->utf8_bytes, in->utf8_pending, &c);
		bool whole = !(c == 0xfffd && n == in->utf8_pending && n < 4 && i == length);
		if (!whole)
			return;                  /* cut by the chunk: wait for the rest */
		if (c == 0xfffd && !(n == 3 && memcmp(in->utf8_bytes, "\xef\xbf\xbd", 3) == 0)) {
			result->has_invalid = true;
			result->invalid_offset = start;
			return;
		}
		i -= in->utf8_pending - n;
		in->utf8_pending = 0;
	}
}

/* Gives decompressed bytes to the sink. */
static bool give(struct input *in, const char *data, size_t length, input_sink sink, void *user,
                 struct input_result *result)
{
	if (!in->sampled) {
		in->sampled = true;
		if (clsf_is_binary(data, length)) {
			result->binary = true;
			return false;
		}
		in->uninspected = clsf_is_utf16(data, length);
	}
	if (!in->uninspected)
		inspect(in, result, data, length);
	result->bytes += length;
	result->stopped = !sink(data, length, user);
	return !result->stopped;
}

/* ---- files, and the logs in them ---- */

/* A signal interrupted a wait: is it to be gone on? */
static bool goes_on(const struct input *in, int code)
{
	return code == CLSF_E_BUSY && (!in->going || in->going(in->user));
}

/*
 * The length of the part of "archive!member" that is a file; 0 where there is
 * none. A file whose own name has the mark in it was found before.
 */
static size_t archive_of(const char *path)
{
	char *file = strdup(path);
	size_t found = 0;
	struct stat st;
	for (const char *mark = strchr(path, '!'); file && mark && !found; mark = strchr(mark + 1, '!')) {
		size_t length = (size_t)(mark - path);
		memcpy(file, path, length);
		file[length] = '\0';
		if (length && stat(file, &st) == 0 && !S_ISDIR(st.st_mode))
			found = length;
	}
	free(file);
	return found;
}

static int open_path(struct input *in, const char *path)
{
	struct clsf_reader_options options = CLSF_READER_OPTIONS_INIT;
	options.on_remark = in->on_remark;
	options.user = in->user;
	options.ahead = in->ahead;
	bool standard = strcmp(path, "-") == 0;
	/* A reader is kept for the next file: for small ones it is most of the work. */
	if (in->reader && (standard || in->standard || in->was_ahead != in->ahead)) {
		clsf_reader_free(in->reader);
		in->reader = NULL;
	}
	in->standard = standard;
	in->was_ahead = in->ahead;
	int code;
	do {
		if (standard)
			code = clsf_reader_open_fd(STDIN_FILENO, path, &options, &in->reader, &in->error);
		else if (in->reader)
			code = clsf_reader_reopen(in->reader, path, &in->error);
		else
			code = clsf_reader_open(path, &options, &in->reader, &in->error);
	} while (goes_on(in, code));
	return code;
}

int input_open(struct input *in, const char *path)
{
	in->wanted = NULL;
	in->found = false;
	in->path = path;
	int code = open_path(in, path);
	if (code != CLSF_E_IO || (in->error.library_code != ENOENT && in->error.library_code != ENOTDIR))
		return code;
	size_t length = archive_of(path);
	char *archive = length ? strndup(path, length) : NULL;
	if (!archive)
		return code;
	struct clsf_error error = in->error;
	in->wanted = path;
	code = open_path(in, archive);
	if (code == CLSF_E_IO)
		in->error = error;
	free(archive);
	return code;
}

int input_next(struct input *in, const struct clsf_member **ret_member)
{
	const struct clsf_member *member = NULL;
	int code;
	if (in->wanted && in->found)
		return CLSF_STOPPED;
	do
		code = clsf_reader_next(in->reader, &member, &in->error);
	while (goes_on(in, code) || (code == 0 && in->wanted && strcmp(member->name, in->wanted) != 0));
	if (code == CLSF_STOPPED && in->wanted) {
		snprintf(in->error.message, sizeof(in->error.message), "the archive has no such log");
		return CLSF_E_IO;
	}
	in->found = code == 0;
	if (code == 0)
		*ret_member = member;
	return code;
}

void input_take(struct input *in, input_sink sink, void *user, struct input_result *result)
{
	const void *data;
	size_t length;
	int code;
	*result = (struct input_result){ .opened = true, .complete = true };
	in->sampled = in->uninspected = false;
	in->utf8_pending = 0;
	do
		code = clsf_reader_read(in->reader, &data, &length, &in->error);
	while (goes_on(in, code) || (code == 0 && give(in, data, length, sink, user, result)));
	result->stopped = result->stopped || code == CLSF_E_BUSY;
	if (code >= 0 || code == CLSF_E_BUSY)
		return;
	result->complete = false;
	result->code = code;
	snprintf(result->message, sizeof(result->message), "%s", in->error.message);
}

uint64_t input_position(const struct input *in)
{
	return clsf_reader_position(in->reader);
}

void input_done(struct input *in)
{
	clsf_reader_free(in->reader);
	in->reader = NULL;
}

/* ---- a log alone ---- */

void input_read_log(struct input *in, const char *path, input_sink sink, void *user, struct input_result *result)
{
	const struct clsf_member *member = NULL;
	int code = input_open(in, path);
	if (code == 0)
		code = input_next(in, &member);
	*result = (struct input_result){ .complete = code >= 0, .code = code < 0 ? code : 0 };
	if (code < 0)
		snprintf(result->message, sizeof(result->message), "%s", in->error.message);
	else if (code > 0)
		*result = (struct input_result){ .message = "an archive without a log" };
	if (code)
		return;
	bool single = in->wanted || strcmp(member->name, path) == 0;
	input_take(in, sink, user, result);
	if (single || result->stopped || !result->complete)
		return;
	code = input_next(in, &member);
	if (code > 0)
		return;
	result->complete = false;
	if (code < 0)
		snprintf(result->message, sizeof(result->message), "%s", in->error.message);
	else
		snprintf(result->message, sizeof(result->message), "an archive of several logs, of which the first was "
		                                                   "read; one is named as ARCHIVE!MEMBER");
}

void input_read(const char *path, input_sink sink, void *user, struct input_result *result)
{
	struct input in = { 0 };
	input_read_log(&in, path, sink, user, result);
	input_done(&in);
}

bool input_feed(const char *data, size_t length, void *user)
{
	struct input_feeding *f = user;
	f->code = clsf_stream_feed(f->stream, f->worker, data, length);
	return f->code == 0;
}

const char *input_finish(struct input_feeding *f, const struct clsf_verdict **ret_verdict)
{
	int code = clsf_stream_finish(f->stream, f->worker, ret_verdict);
	if (code < 0)
		*ret_verdict = NULL;
	code = f->code < 0 ? f->code : code;
	return code < 0 ? clsf_strerror(code) : NULL;
}
