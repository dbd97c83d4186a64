/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See load.h. The way of rules to a ruleset:
 *
 *     files are read -> key -> in the cache? -> done
 *                          -> a child parses, compiles and writes the compiled
 *                             form into a pipe -> restored here -> kept in the cache
 *
 * A child that dies or takes too long is tried once more with literals only,
 * which compile in bounded time. Faults are printed by the child.
 */

#include "load.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

/* Sanitizers reserve more address space than any limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#define COMPILE_SECONDS 30
#define COMPILE_MEMORY ((rlim_t)4 << 30)   /* bytes of address space */

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
	bool second_try;             /* the first child was ended */
	struct fault_printer printer;
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
	fault_print(&state->printer, level, fault);
}

/* ---- compiling ---- */

/* What the child tells besides the compiled form. */
struct tidings {
	uint64_t length;             /* of the compiled form; 0: there is none */
	uint64_t warnings;
	struct outcome outcome;
	struct clsf_error error;     /* of compiling, if it failed */
};

static struct clsf_loader *read_files(const struct load_options *options, enum clsf_engine engine,
                                      struct fault_state *state, struct outcome *o)
{
	struct clsf_loader_options loader_options = CLSF_LOADER_OPTIONS_INIT;
	loader_options.on_fault = on_fault;
	loader_options.user = state;
	loader_options.engine = engine;
	loader_options.defer = 1;
	loader_options.allow_empty = 1;
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
		if (result == 0 || options->silent)
			continue;
		complain("rules: %s", error.message);
		if (result == CLSF_E_LIMIT)
			o->quarantined = true;
		else
			o->unread = true;
	}
	return loader;
}

static void limit_resources(void)
{
#ifndef SANITIZED
	setrlimit(RLIMIT_AS, &(struct rlimit){ COMPILE_MEMORY, COMPILE_MEMORY });
#endif
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_CPU, &(struct rlimit){ COMPILE_SECONDS, COMPILE_SECONDS + 1 });
}

static bool write_pipe(int fd, const void *data, size_t length)
{
	const char *p = data;
	while (length > 0) {
		ssize_t n = write(fd, p, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		length -= (size_t)n;
	}
	return true;
}

/* The child's part: never returns. */
static void compile_in_child(struct clsf_loader *loader, const struct fault_state *state, int fd)
{
	struct tidings tidings = { 0 };
	struct blob blob = { 0 };
	struct clsf_ruleset *ruleset;
	limit_resources();
	int result = clsf_loader_compile(loader, &ruleset, &tidings.error);
	tidings.outcome.quarantined = clsf_loader_quarantined(loader) > 0;
	tidings.warnings = state->warnings;
	if (result == 0)
		result = clsf_ruleset_save(ruleset, blob_write, &blob);
	/* What takes the bytes stops for want of memory alone. */
	if (result > 0)
		result = CLSF_E_NOMEM;
	if (result && !*tidings.error.message)
		snprintf(tidings.error.message, sizeof(tidings.error.message), "%s", clsf_strerror(result));
	tidings.error.code = result;
	tidings.length = result == 0 ? blob.length : 0;
	bool good = write_pipe(fd, &tidings, sizeof(tidings)) && write_pipe(fd, blob.data, tidings.length);
	fflush(stderr);
	/* No exit handlers: the parent's buffers are not ours to flush. */
	_exit(good ? 0 : 1);
}

static long long milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads what the child writes until it closes the pipe or the time is over. False, and why. */
static bool read_pipe(int fd, struct blob *b, long long deadline, char why[128])
{
	static char chunk[65536];
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = deadline - milliseconds();
		int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t n = ready > 0 ? read(fd, chunk, sizeof(chunk)) : -1;
		if (ready > 0 && n < 0 && errno == EINTR)
			continue;
		if (ready > 0 && n == 0)
			return true;
		if (ready == 0)
			snprintf(why, 128, "more than %d seconds", COMPILE_SECONDS);
		else if (n < 0)
			snprintf(why, 128, "%s", strerror(errno));
		else if (blob_write(chunk, (size_t)n, b))
			snprintf(why, 128, "out of memory");
		else
			continue;
		return false;
	}
}

/* Compiles in a child. False when it died or took too long; `why` says so. */
static bool compile_apart(struct clsf_loader *loader, const struct fault_state *state,
                          struct tidings *ret_tidings, struct blob *ret_blob, char why[128])
{
	int ends[2];
	*ret_blob = (struct blob){ 0 };
	if (pipe(ends) != 0) {
		snprintf(why, 128, "no pipe: %s", strerror(errno));
		return false;
	}
	fflush(stdout);
	fflush(stderr);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		compile_in_child(loader, state, ends[1]);
	}
	close(ends[1]);
	if (child < 0) {
		snprintf(why, 128, "no child process: %s", strerror(errno));
		close(ends[0]);
		return false;
	}
	bool good = read_pipe(ends[0], ret_blob, milliseconds() + COMPILE_SECONDS * 1000LL, why);
	close(ends[0]);
	if (!good)
		kill(child, SIGKILL);
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (good && WIFSIGNALED(status))
		snprintf(why, 128, "signal %d", WTERMSIG(status));
	else if (good && ret_blob->length < sizeof(*ret_tidings))
		snprintf(why, 128, "it said nothing");
	good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	       ret_blob->length >= sizeof(*ret_tidings);
	if (good) {
		memcpy(ret_tidings, ret_blob->data, sizeof(*ret_tidings));
		ret_blob->length -= sizeof(*ret_tidings);
		memmove(ret_blob->data, ret_blob->data + sizeof(*ret_tidings), ret_blob->length);
		good = ret_blob->length == ret_tidings->length;
	}
	if (!good)
		blob_free(ret_blob);
	return good;
}

/* A scan without rules still says what it can of its inputs; that there are none is told. */
static void note_empty(const struct clsf_ruleset *ruleset, struct outcome *o)
{
	if (ruleset && clsf_ruleset_count(ruleset) == 0) {
		complain("rules: no rule could be loaded");
		o->quarantined = true;
	}
}

static struct clsf_ruleset *restore(const struct blob *blob, const char *name, struct outcome *o)
{
	struct clsf_ruleset *ruleset;
	struct clsf_error error;
	if (clsf_ruleset_restore(NULL, blob->data, blob->length, &ruleset, &error) >= 0) {
		o->quarantined = o->quarantined || clsf_ruleset_quarantined(ruleset) > 0;
		return ruleset;
	}
	complain("%s: %s", name, error.message);
	o->quarantined = true;
	return NULL;
}

static struct clsf_ruleset *load_database(const char *path, struct outcome *o)
{
	struct blob blob;
	char why[256];
	if (!read_trusted(path, &blob, why)) {
		complain("%s: %s", path, why);
		o->quarantined = true;
		return NULL;
	}
	struct clsf_ruleset *ruleset = restore(&blob, path, o);
	blob_free(&blob);
	return ruleset;
}

static struct clsf_ruleset *compile(const struct load_options *options, struct clsf_loader *loader,
                                    struct fault_state *state, struct blob *blob, struct outcome *o)
{
	struct tidings tidings = { 0 };
	char why[128] = "";
	bool good = compile_apart(loader, state, &tidings, blob, why);
	if (!good) {
		complain("rules: compiling was ended (%s); trying with literals only", why);
		/* A loader is used up by compiling, but that was in the child: ours still has the files. */
		state->second_try = true;
		struct clsf_loader *second = read_files(options, CLSF_ENGINE_LITERALS, state, o);
		good = second && compile_apart(second, state, &tidings, blob, why);
		clsf_loader_free(second);
	}
	if (!good) {
		complain("rules: they cannot be compiled (%s)", why);
		o->quarantined = true;
		return NULL;
	}
	o->quarantined = o->quarantined || tidings.outcome.quarantined;
	if (options->ret_warnings)
		*options->ret_warnings = (size_t)tidings.warnings;
	if (tidings.error.code == 0)
		return restore(blob, "rules", o);
	complain("rules: %s", tidings.error.message);
	o->quarantined = true;
	return NULL;
}

/* Without the engine there is nothing that could explode, and nothing worth keeping. */
static struct clsf_ruleset *compile_here(struct clsf_loader *loader, struct outcome *o)
{
	struct clsf_ruleset *ruleset;
	struct clsf_error error;
	int result = clsf_loader_compile(loader, &ruleset, &error);
	o->quarantined = o->quarantined || clsf_loader_quarantined(loader) > 0 || result;
	if (result == 0)
		return ruleset;
	complain("rules: %s", error.message);
	return NULL;
}

struct clsf_ruleset *load_rules(const struct load_options *options, struct outcome *o)
{
	struct fault_state state = { .options = options, .printer.brief = options->brief };
	if (options->database)
		return load_database(options->database, o);
	struct clsf_loader *loader = read_files(options, options->engine, &state, o);
	if (!loader)
		return NULL;
	struct clsf_ruleset *ruleset = NULL;
	struct blob blob = { 0 };
	char key[65];
	char *folder = NULL;
	if (options->engine == CLSF_ENGINE_PCRE2) {
		ruleset = compile_here(loader, o);
		goto out;
	}
	/* What is to be told about rules is told by reading them. */
	bool cached = !options->no_cache && !options->show_warnings && !options->ret_compiled;
	if (cached && clsf_loader_key(loader, key) == 0)
		folder = cache_folder(options->cache);
	if (folder && cache_load(folder, key, &ruleset))
		goto out;
	ruleset = compile(options, loader, &state, &blob, o);
	/* Faults are to be told each time, and what took too long once may not do so again. */
	if (ruleset && folder && !state.second_try && clsf_ruleset_quarantined(ruleset) == 0 &&
	    clsf_ruleset_count(ruleset) > 0)
		cache_store(folder, key, &blob);
	if (ruleset && options->ret_compiled) {
		*options->ret_compiled = blob;
		blob = (struct blob){ 0 };
	}
out:
	note_empty(ruleset, o);
	fault_printer_done(&state.printer);
	blob_free(&blob);
	free(folder);
	clsf_loader_free(loader);
	return ruleset;
}
