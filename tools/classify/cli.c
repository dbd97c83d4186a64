/* SPDX-License-Identifier: Apache-2.0 */
/* See cli.h. */

#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

int exit_status(const struct outcome *o)
{
	if (o->usage)
		return 2;
	if (o->interrupted)
		return 130;
	return o->quarantined ? 3 : o->unread ? 2 : o->failed ? 1 : 0;
}

static void (*sink)(const char *message);

void complain_through(void (*new_sink)(const char *message))
{
	sink = new_sink;
}

void put_message(const char *message, size_t length)
{
	if (!sink) {
		fwrite(message, 1, length, stderr);
		return;
	}
	char copy[2048];
	length = length < sizeof(copy) ? length : sizeof(copy) - 1;
	memcpy(copy, message, length);
	while (length > 0 && copy[length - 1] == '\n')
		length--;
	copy[length] = '\0';
	sink(copy);
}

static void print_message(const char *prefix, const char *format, va_list arguments, const char *suffix)
	__attribute__((format(printf, 2, 0)));

static void (*called_before)(void);

void before_message(void (*call)(void))
{
	called_before = call;
}

static void print_message(const char *prefix, const char *format, va_list arguments, const char *suffix)
{
	char raw[2048];
	int n = vsnprintf(raw, sizeof(raw), format, arguments);
	struct text t = { 0 };
	text_adds(&t, sink ? "" : prefix);
	text_add_visible(&t, raw, n < 0 ? 0 : (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1);
	text_adds(&t, suffix);
	if (called_before)
		called_before();
	/* Where there is no memory to write it well, it is written all the same. */
	if (t.failed) {
		for (char *p = raw; *p; p++)
			*p = (unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e ? '?' : *p;
		char plain[sizeof(raw) + 256];
		int length = snprintf(plain, sizeof(plain), "%s%s%s", sink ? "" : prefix, raw, suffix);
		put_message(plain, length < 0 ? 0 : (size_t)length);
	} else {
		put_message(t.data, t.length);
	}
	text_free(&t);
}

void complain(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	print_message("classify: ", format, arguments, "\n");
	va_end(arguments);
}

void usage_error(struct outcome *o, const char *command, const char *format, ...)
{
	char suffix[128];
	snprintf(suffix, sizeof(suffix), "\ntry 'classify %s%s--help'\n", command, *command ? " " : "");
	va_list arguments;
	va_start(arguments, format);
	print_message("classify: ", format, arguments, suffix);
	va_end(arguments);
	o->usage = true;
}

void wrong_option(struct outcome *o, const char *command, int c, char **argv)
{
	if (c == ':')
		usage_error(o, command, "option '%s' needs a value", argv[optind - 1]);
	else if (optopt > 0 && optopt < 127)
		usage_error(o, command, "unknown option '-%c'", optopt);
	else
		usage_error(o, command, "unknown option '%s'", argv[optind - 1]);
}

bool wants_colour(int fd)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	return isatty(fd) && !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
}

void list_add(struct list *l, const char *item)
{
	if (l->n == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 8;
		const char **grown = realloc(l->item, capacity * sizeof(*grown));
		if (!grown) {
			fputs("classify: out of memory\n", stderr);
			exit(2);
		}
		l->item = grown;
		l->capacity = capacity;
	}
	l->item[l->n++] = item;
}

void list_free(struct list *l)
{
	free(l->item);
	*l = (struct list){ 0 };
}

static bool lost;

void print_text(FILE *f, const struct text *t)
{
	if (t->failed)
		lost = true;
	else if (t->length)
		fwrite(t->data, 1, t->length, f);
}

bool output_is_whole(void)
{
	return !lost && !ferror(stdout);
}

void finish_output(struct outcome *o)
{
	bool bad = ferror(stdout) != 0;
	if (lost) {
		complain("out of memory: the output is not whole");
		o->unread = true;
	}
	if (fflush(stdout) != 0)
		bad = true;
	if (bad) {
		complain("cannot write the output: %s", strerror(errno));
		o->unread = true;
	}
}
