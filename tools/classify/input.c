/* SPDX-License-Identifier: Apache-2.0 */
/* See input.h. */

#include "input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "text.h"

#define READ_SIZE ((size_t)512 * 1024)
#define SAMPLE_SIZE ((size_t)8192)   /* looked at to tell text from binary */
#define MAX_DEPTH 64

struct reader {
	int fd;
	const char *path;
	input_sink sink;
	void *user;
	struct input_result *result;
	char *in, *out;
	uint64_t raw_offset;         /* of the bytes in `in` */
	bool sampled;
	bool uninspected;            /* UTF-16: full of NUL bytes by nature */
	size_t utf8_pending;         /* bytes of a character cut by a chunk's end */
	char utf8_bytes[4];
};

/* ---- what is in the bytes ---- */

/*
 * Binary: more than a twentieth of the sample is control characters that text
 * does not use, runs of NUL counted once (a log that was cut short on disk has
 * them). Bytes above 0x7f do not count: old encodings are text, too.
 */
static bool is_binary(const char *data, size_t length)
{
	size_t total = 0, odd = 0;
	if (clsf_is_utf16(data, length))
		return false;
	if (length > SAMPLE_SIZE)
		length = SAMPLE_SIZE;
	for (size_t i = 0; i < length; i++, total++) {
		unsigned char c = (unsigned char)data[i];
		odd += c == 0x7f || (c < 0x20 && !(c && strchr("\t\n\r\f\b\a\x1b", c)));
		while (c == 0 && i + 1 < length && data[i + 1] == '\0')
			i++;
	}
	return odd * 20 > total && length >= 16;
}

/* Notes the first NUL byte and the first byte that is no UTF-8. */
static void inspect(struct reader *r, const char *data, size_t length)
{
	struct input_result *result = r->result;
	if (!result->has_nul) {
		const char *nul = memchr(data, '\0', length);
		if (nul) {
			result->has_nul = true;
			result->nul_offset = result->bytes + (uint64_t)(nul - data);
		}
	}
	size_t i = 0;
	while (!result->has_invalid && i < length) {
		if (r->utf8_pending == 0) {
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
		uint64_t start = result->bytes + i - r->utf8_pending;
		while (r->utf8_pending < 4 && i < length)
			r->utf8_bytes[r->utf8_pending++] = data[i++];
		uint32_t c;
		size_t n = utf8_next(r->utf8_bytes, r->utf8_pending, &c);
		bool whole = !(c == 0xfffd && n == r->utf8_pending && n < 4 && i == length);
		if (!whole)
			return;                  /* cut by the chunk: wait for the rest */
		if (c == 0xfffd && !(n == 3 && memcmp(r->utf8_bytes, "\xef\xbf\xbd", 3) == 0)) {
			result->has_invalid = true;
			result->invalid_offset = start;
			return;
		}
		i -= r->utf8_pending - n;
		r->utf8_pending = 0;
	}
}

/* Gives decompressed bytes to the sink. */
static bool give(struct reader *r, const char *data, size_t length)
{
	if (length == 0)
		return true;
	if (!r->sampled) {
		r->sampled = true;
		if (is_binary(data, length)) {
			r->result->binary = true;
			return false;
		}
		r->uninspected = clsf_is_utf16(data, length);
	}
	if (!r->uninspected)
		inspect(r, data, length);
	r->result->bytes += length;
	if (!r->sink(data, length, r->user)) {
		r->result->stopped = true;
		return false;
	}
	return true;
}

static void set_message(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void set_message(struct reader *r, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(r->result->message, sizeof(r->result->message), format, arguments);
	va_end(arguments);
	r->result->complete = false;
}

/* Up to READ_SIZE bytes; 0 at the end, -1 after an error, which it reports. */
static ssize_t read_some(struct reader *r)
{
	for (;;) {
		ssize_t got = read(r->fd, r->in, READ_SIZE);
		/* A signal: whoever takes the bytes says whether to go on. */
		if (got < 0 && errno == EINTR) {
			if (r->sink("", 0, r->user))
				continue;
			r->result->stopped = true;
			return 0;
		}
		if (got < 0) {
			set_message(r, "read error at offset %llu: %s", (unsigned long long)r->raw_offset,
			            strerror(errno));
			return -1;
		}
		r->raw_offset += (uint64_t)got;
		return got;
	}
}

static void read_plain(struct reader *r, ssize_t n)
{
	while (n > 0) {
		if (!give(r, r->in, (size_t)n))
			return;
		n = read_some(r);
	}
}

/*
 * Inflates member after member. What follows the last member is zero padding
 * or an error; what is cut or corrupt is told with the place in the file.
 */
static void read_gzip(struct reader *r, ssize_t n)
{
	z_stream z = { 0 };
	if (inflateInit2(&z, 15 + 16) != Z_OK) {
		set_message(r, "out of memory");
		return;
	}
	z.next_in = (unsigned char *)r->in;
	z.avail_in = (unsigned)n;
	bool in_member = true;
	for (;;) {
		if (z.avail_in == 0) {
			n = read_some(r);
			if (n < 0)
				break;
			if (n == 0) {
				if (in_member)
					set_message(r, "the gzip data ends too early, at offset %llu",
					            (unsigned long long)r->raw_offset);
				break;
			}
			z.next_in = (unsigned char *)r->in;
			z.avail_in = (unsigned)n;
		}
		if (!in_member) {
			while (z.avail_in && *z.next_in == 0) {
				z.next_in++;
				z.avail_in--;
			}
			if (z.avail_in == 0)
				continue;
			if (*z.next_in != 0x1f) {
				set_message(r, "data that is no gzip follows at offset %llu",
				            (unsigned long long)(r->raw_offset - z.avail_in));
				break;
			}
			inflateReset(&z);
			in_member = true;
		}
		z.next_out = (unsigned char *)r->out;
		z.avail_out = READ_SIZE;
		int code = inflate(&z, Z_NO_FLUSH);
		if (!give(r, r->out, READ_SIZE - z.avail_out))
			break;
		if (code == Z_STREAM_END) {
			in_member = false;
		} else if (code != Z_OK && !(code == Z_BUF_ERROR && z.avail_in == 0)) {
			set_message(r, "corrupt gzip data at offset %llu: %s",
			            (unsigned long long)(r->raw_offset - z.avail_in),
			            z.msg ? z.msg : zError(code));
			break;
		}
	}
	inflateEnd(&z);
}

void input_read(const char *path, input_sink sink, void *user, struct input_result *result)
{
	*result = (struct input_result){ .complete = true };
	bool standard = strcmp(path, "-") == 0;
	struct reader r = { .path = path, .sink = sink, .user = user, .result = result };
	r.fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0) {
		set_message(&r, "%s", strerror(errno));
		return;
	}
	struct stat st;
	if (fstat(r.fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		set_message(&r, "is a folder");
		if (!standard)
			close(r.fd);
		return;
	}
	r.in = malloc(READ_SIZE);
	r.out = malloc(READ_SIZE);
	if (!r.in || !r.out) {
		set_message(&r, "out of memory");
	} else {
		result->opened = true;
		/* Two bytes tell gzip; a pipe may bring them one by one. */
		ssize_t n = read_some(&r);
		while (n == 1) {
			ssize_t more = read(r.fd, r.in + 1, READ_SIZE - 1);
			if (more < 0 && errno == EINTR)
				continue;
			if (more <= 0)
				break;
			r.raw_offset += (uint64_t)more;
			n += more;
		}
		if (n >= 2 && (unsigned char)r.in[0] == 0x1f && (unsigned char)r.in[1] == 0x8b)
			read_gzip(&r, n);
		else
			read_plain(&r, n);
	}
	free(r.in);
	free(r.out);
	if (!standard)
		close(r.fd);
}

bool input_feed(const char *data, size_t length, void *user)
{
	const struct input_feeding *f = user;
	return clsf_stream_feed(f->stream, f->worker, data, length) == 0;
}

/* ---- folders ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool walk_folder(const char *path, unsigned depth, input_visitor visit, input_complaint complaint,
                        void *user)
{
	struct dirent **entries;
	if (depth > MAX_DEPTH) {
		complaint(path, "folders nested too deep", user);
		return true;
	}
	int n = scandir(path, &entries, not_dots, by_name);
	if (n < 0) {
		complaint(path, strerror(errno), user);
		return true;
	}
	bool going = true;
	size_t length = strlen(path);
	for (int i = 0; i < n; i++) {
		char *child = NULL;
		struct stat st;
		if (going && asprintf(&child, "%s%s%s", path, path[length - 1] == '/' ? "" : "/",
		                      entries[i]->d_name) < 0)
			child = NULL;
		free(entries[i]);
		if (!child)
			continue;
		if (lstat(child, &st) != 0)
			complaint(child, strerror(errno), user);
		else if (S_ISDIR(st.st_mode))
			going = walk_folder(child, depth + 1, visit, complaint, user);
		else if (S_ISREG(st.st_mode))
			going = visit(child, user);
		free(child);
	}
	free(entries);
	return going;
}

bool input_walk(const char *path, input_visitor visit, input_complaint complaint, void *user)
{
	struct stat st;
	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return walk_folder(path, 0, visit, complaint, user);
	return visit(path, user);
}
