/* SPDX-License-Identifier: Apache-2.0 */
/* See log.h. */

#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 4096

static atomic_int lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&lowest, (int)level);
}

const char *log_number(long long n)
{
	static _Thread_local char places[8][24];
	static _Thread_local unsigned next;
	char *place = places[next++ % 8];
	snprintf(place, sizeof(places[0]), "%lld", n);
	return place;
}

static size_t add(char *line, size_t at, const char *text, size_t length)
{
	size_t room = LINE_SIZE - 2 - at;
	length = length < room ? length : room;
	memcpy(line + at, text, length);
	return at + length;
}

/* Bytes that could act in a terminal or end the value are written as \xNN. */
static size_t add_value(char *line, size_t at, const char *value)
{
	bool plain = *value != '\0';
	for (const char *p = value; *p && plain; p++)
		plain = (unsigned char)*p > ' ' && (unsigned char)*p < 0x7f && *p != '"' && *p != '=' && *p != '\\';
	if (plain)
		return add(line, at, value, strlen(value));
	at = add(line, at, "\"", 1);
	for (const char *p = value; *p; p++) {
		unsigned char c = (unsigned char)*p;
		char escaped[8];
		if (c == '"' || c == '\\')
			at = add(line, at, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\%c", c));
		else if (c == '\n')
			at = add(line, at, "\\n", 2);
		else if (c < 0x20 || c >= 0x7f)
			at = add(line, at, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\x%02x", c));
		else
			at = add(line, at, p, 1);
	}
	return add(line, at, "\"", 1);
}

void log_write(enum log_level level, const char *message, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char line[LINE_SIZE];
	char stamp[64];
	struct timespec now;
	struct tm parts;
	if ((int)level < atomic_load(&lowest))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	size_t n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &parts);
	n += (size_t)snprintf(stamp + n, sizeof(stamp) - n, ".%03ldZ", now.tv_nsec / 1000000);
	size_t at = add(line, 0, "ts=", 3);
	at = add(line, at, stamp, n);
	at = add(line, at, " level=", 7);
	at = add(line, at, names[level], strlen(names[level]));
	at = add(line, at, " msg=", 5);
	at = add_value(line, at, message);
	va_list arguments;
	va_start(arguments, message);
	for (const char *name; (name = va_arg(arguments, const char *)) != NULL;) {
		const char *value = va_arg(arguments, const char *);
		at = add(line, at, " ", 1);
		at = add(line, at, name, strlen(name));
		at = add(line, at, "=", 1);
		at = add_value(line, at, value ? value : "");
	}
	va_end(arguments);
	line[at++] = '\n';
	/* One write, so that lines of several threads do not mix. */
	ssize_t written = write(STDERR_FILENO, line, at);
	(void)written;
}
