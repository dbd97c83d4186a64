/* SPDX-License-Identifier: Apache-2.0 */
/* See cli.h. */

#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void print_message(const char *prefix, const char *format, va_list arguments, const char *suffix)
{
	char raw[2048];
	int n = vsnprintf(raw, sizeof(raw), format, arguments);
	struct text t = { 0 };
	text_adds(&t, prefix);
	text_add_visible(&t, raw, n < 0 ? 0 : (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1);
	text_adds(&t, suffix);
	if (!t.failed)
		fwrite(t.data, 1, t.length, stderr);
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

void unknown_option(struct outcome *o, const char *command, char **argv)
{
	if (optopt > 0 && optopt < 127)
		usage_error(o, command, "unknown option '-%c'", optopt);
	else
		usage_error(o, command, "unknown option '%s'", argv[optind - 1]);
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

/*
 * In the build folder a file beside the program names the source's rules; an
 * installed program has them in ../share/classify/rules, wherever it was put.
 */
const char *default_rules(void)
{
	static char path[PATH_MAX + 64];
	struct stat st;
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	if (n > 0) {
		path[n] = '\0';
		char *slash = strrchr(path, '/');
		char *name = slash ? slash + 1 : path;
		size_t room = sizeof(path) - (size_t)(name - path);
		snprintf(name, room, "rules.path");
		FILE *f = fopen(path, "re");
		if (f) {
			bool read = fgets(path, sizeof(path), f) != NULL;
			fclose(f);
			path[strcspn(path, "\n")] = '\0';
			if (read && stat(path, &st) == 0)
				return path;
		}
		snprintf(name, room, "../share/classify/rules");
		if (stat(path, &st) == 0)
			return path;
	}
	return CLASSIFY_RULES_DIR;
}

struct fault_state {
	const struct load_options *options;
	size_t warnings;
};

static void on_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	struct fault_state *state = user;
	if (state->options->silent)
		return;
	if (level == CLSF_FAULT_WARNING) {
		state->warnings++;
		if (!state->options->show_warnings)
			return;
	}
	struct text t = { 0 };
	text_add_visible(&t, fault->file, strlen(fault->file));
	text_addf(&t, ":%u:%u: %s", fault->line, fault->column,
	          level == CLSF_FAULT_WARNING ? "warning: " : "");
	text_add_visible(&t, fault->message, strlen(fault->message));
	if (fault->rule[0]) {
		text_adds(&t, " [");
		text_add_visible(&t, fault->rule, strlen(fault->rule));
		text_adds(&t, "]");
	}
	text_adds(&t, "\n");
	if (!t.failed)
		fwrite(t.data, 1, t.length, stderr);
	text_free(&t);
}

struct clsf_ruleset *load_rules(const struct load_options *options, struct outcome *o)
{
	struct fault_state state = { .options = options };
	struct clsf_loader_options loader_options = CLSF_LOADER_OPTIONS_INIT;
	loader_options.on_fault = on_fault;
	loader_options.user = &state;
	loader_options.engine = options->engine;
	struct clsf_loader *loader;
	struct clsf_error error;
	if (clsf_loader_new(&loader_options, &loader)) {
		complain("out of memory");
		o->unread = true;
		return NULL;
	}
	const char *shipped = "default";
	const struct list defaults = { .item = &shipped, .n = 1 };
	const struct list *paths = options->paths && options->paths->n ? options->paths : &defaults;
	for (size_t i = 0; i < paths->n; i++) {
		const char *path = strcmp(paths->item[i], "default") == 0 ? default_rules() : paths->item[i];
		int result = clsf_loader_add_path(loader, path, &error);
		if (result == 0)
			continue;
		complain("rules: %s", error.message);
		if (result == CLSF_E_LIMIT)
			o->quarantined = true;
		else
			o->unread = true;
	}
	if (clsf_loader_quarantined(loader))
		o->quarantined = true;
	struct clsf_ruleset *ruleset = NULL;
	int result = clsf_loader_compile(loader, &ruleset, &error);
	if (result) {
		complain("rules: %s", error.message);
		o->quarantined = true;
		ruleset = NULL;
	}
	if (options->ret_warnings)
		*options->ret_warnings = state.warnings;
	clsf_loader_free(loader);
	return ruleset;
}

void finish_output(struct outcome *o)
{
	bool bad = ferror(stdout) != 0;
	if (fflush(stdout) != 0)
		bad = true;
	if (bad) {
		complain("cannot write the output: %s", strerror(errno));
		o->unread = true;
	}
}
