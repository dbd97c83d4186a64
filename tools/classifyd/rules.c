/* SPDX-License-Identifier: Apache-2.0 */
/* See rules.h. */

#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../classify/load.h"
#include "log.h"
#include "metrics.h"
#include "push.h"

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct clsf_ruleset *current;

static void publish(const struct clsf_ruleset *ruleset)
{
	char labels[METRIC_LABELS];
	metric_clear(METRIC_RULESET_INFO);
	metric_set(METRIC_RULESET_INFO, metric_labels(labels, "hash", clsf_ruleset_hash(ruleset), NULL), 1);
	metric_set(METRIC_RULES_LOADED, "", (double)clsf_ruleset_count(ruleset));
	metric_set(METRIC_RULES_QUARANTINED, "", (double)clsf_ruleset_quarantined(ruleset));
	metric_set(METRIC_RELOAD_TIME, "", (double)clock_calendar() / 1e9);
}

static struct clsf_ruleset *load(const struct config *config, struct blob *compiled)
{
	struct outcome o = { 0 };
	struct list paths = { 0 };
	for (size_t i = 0; i < config->rules.n; i++)
		list_add(&paths, config->rules.item[i]);
	struct load_options options = { .paths = &paths, .cache = config->cache, .brief = true,
		                        .ret_compiled = compiled };
	struct clsf_ruleset *ruleset = load_rules(&options, &o);
	list_free(&paths);
	/* Half of the rules would be a worse answer than none: what is named has to be readable. */
	if (ruleset && (clsf_ruleset_count(ruleset) == 0 || o.unread)) {
		clsf_ruleset_unref(ruleset);
		ruleset = NULL;
	}
	return ruleset;
}

int rules_compile(const struct config *config)
{
	struct blob compiled = { 0 };
	struct clsf_ruleset *ruleset = load(config, &compiled);
	bool good = ruleset && fwrite(compiled.data, 1, compiled.length, stdout) == compiled.length &&
	            fflush(stdout) == 0;
	clsf_ruleset_unref(ruleset);
	blob_free(&compiled);
	return good ? 0 : 1;
}

/* Reads to the end. False when memory is out. */
static bool read_all(int fd, struct blob *b)
{
	char chunk[16384];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		if (blob_write(chunk, (size_t)n, b))
			return false;
	}
}

/* Runs this program with --compile-rules; what it has to say of the rules, it says itself. */
static pid_t run_compiler(const struct config *config, int to)
{
	static char name[] = "classifyd", compile[] = "--compile-rules", option[] = "--rules";
	posix_spawn_file_actions_t actions;
	size_t n = 0;
	pid_t child = -1;
	char **arguments = calloc(config->rules.n * 2 + 5, sizeof(*arguments));
	if (!arguments)
		return -1;
	arguments[n++] = name;
	arguments[n++] = compile;
	for (size_t i = 0; i < config->rules.n; i++) {
		arguments[n++] = option;
		arguments[n++] = config->rules.item[i];
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	if (posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ) != 0)
		child = -1;
	posix_spawn_file_actions_destroy(&actions);
	free(arguments);
	return child;
}

static struct clsf_ruleset *load_apart(const struct config *config)
{
	int ends[2];
	struct blob compiled = { 0 };
	struct clsf_ruleset *ruleset = NULL;
	struct clsf_error error;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	pid_t child = run_compiler(config, ends[1]);
	close(ends[1]);
	bool good = child > 0 && read_all(ends[0], &compiled);
	close(ends[0]);
	int status = 0;
	if (child > 0 && !good)
		kill(child, SIGKILL);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (good && clsf_ruleset_restore(NULL, compiled.data, compiled.length, &ruleset, &error) < 0) {
		log_write(LOG_ERROR, "the compiled rules cannot be read", "err", error.message, NULL);
		ruleset = NULL;
	}
	blob_free(&compiled);
	return ruleset;
}

bool rules_load(const struct config *config)
{
	pthread_mutex_lock(&loading);
	uint64_t begun = clock_now();
	struct clsf_ruleset *before = rules_current();
	struct clsf_ruleset *ruleset = before ? load_apart(config) : load(config, NULL);
	char labels[METRIC_LABELS];
	metric_add(METRIC_RELOADS, metric_labels(labels, "result", ruleset ? "success" : "failure", NULL), 1);
	metric_set(METRIC_RELOAD_SUCCESS, "", ruleset ? 1 : 0);
	if (ruleset) {
		publish(ruleset);
		log_write(LOG_INFO, "rules loaded", "rules", log_number((long long)clsf_ruleset_count(ruleset)),
		          "quarantined", log_number((long long)clsf_ruleset_quarantined(ruleset)),
		          "hash", clsf_ruleset_hash(ruleset),
		          "ms", log_number((long long)((clock_now() - begun) / 1000000)), NULL);
		pthread_mutex_lock(&lock);
		struct clsf_ruleset *old = current;
		current = clsf_ruleset_ref(ruleset);
		pthread_mutex_unlock(&lock);
		clsf_ruleset_unref(old);
	} else {
		log_write(LOG_ERROR, before ? "rules not loaded, the old ones stay" : "no rules could be loaded", NULL);
	}
	clsf_ruleset_unref(before);
	clsf_ruleset_unref(ruleset);
	pthread_mutex_unlock(&loading);
	return ruleset != NULL;
}

struct clsf_ruleset *rules_current(void)
{
	pthread_mutex_lock(&lock);
	struct clsf_ruleset *ruleset = current ? clsf_ruleset_ref(current) : NULL;
	pthread_mutex_unlock(&lock);
	return ruleset;
}

void rules_free(void)
{
	clsf_ruleset_unref(current);
	current = NULL;
}
