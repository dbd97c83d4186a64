/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classifyd: arguments, the order in which things start and end, and signals.
 */

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../classify/cli.h"
#include "builds.h"
#include "config.h"
#include "inputs.h"
#include "log.h"
#include "metrics.h"
#include "outbox.h"
#include "pipeline.h"
#include "print.h"
#include "rules.h"
#include "server.h"
#include "upstream.h"

#define LAST_WORDS 5             /* seconds for verdicts to reach Loki at the end */

static const char help[] =
	"usage: classifyd [OPTIONS]\n"
	"\n"
	"Takes log entries as Loki does, labels those that show a failure, and passes them on to Loki.\n"
	"\n"
	"  --listen HOST:PORT     take pushes here; port 0: any that is free\n"
	"  --stdin                read standard input, and end with it\n"
	"  --label NAME=VALUE     a label of what --stdin reads (job=stdin); may be repeated\n"
	"  --queue FILE           hold what was read and Loki has not taken in this file\n"
	"  --loki URL             pass entries on to this Loki; without it they are printed as JSON\n"
	"  --tenant NAME          X-Scope-OrgID of verdicts and of what no client sent\n"
	"  --rules PATH           rules instead of the shipped ones ('default'); may be repeated\n"
	"  --cache DIR            where compiled rules are kept\n"
	"  --category-as WHAT     label (the default) or metadata\n"
	"  --redact               hide secrets in captures and verdicts\n"
	"  --silence DURATION     when a stream that is silent gets its verdict (5m)\n"
	"  --no-verdicts          no verdicts of streams\n"
	"  --threads N            that classify (1)\n"
	"  --config.file FILE     all settings, in YAML; options win over it\n"
	"  --check-config         say whether the configuration is good, and end\n"
	"  --log.level LEVEL      debug, info (the default), warn or error\n"
	"  --version, --help\n";

enum { OPTION_CONFIG = 256, OPTION_CHECK, OPTION_COMPILE, OPTION_VERSION, OPTION_HELP, OPTION_SETTING };

/* Options that are settings: in the order of their numbers from OPTION_SETTING on. */
static const struct { const char *setting, *value; } option_settings[] = {
	{ "server.listen", NULL }, { "loki.url", NULL }, { "loki.tenant", NULL }, { "rules.paths", NULL },
	{ "rules.cache", NULL }, { "labels.category_as", NULL }, { "labels.redact", "true" },
	{ "verdicts.silence", NULL }, { "verdicts.enabled", "false" }, { "threads", NULL }, { "log.level", NULL },
	{ "inputs.stdin.enabled", "true" }, { "inputs.stdin.labels", NULL }, { "queue.path", NULL },
};

static const struct option options[] = {
	{ "listen", required_argument, NULL, OPTION_SETTING },
	{ "loki", required_argument, NULL, OPTION_SETTING + 1 },
	{ "tenant", required_argument, NULL, OPTION_SETTING + 2 },
	{ "rules", required_argument, NULL, OPTION_SETTING + 3 },
	{ "cache", required_argument, NULL, OPTION_SETTING + 4 },
	{ "category-as", required_argument, NULL, OPTION_SETTING + 5 },
	{ "redact", no_argument, NULL, OPTION_SETTING + 6 },
	{ "silence", required_argument, NULL, OPTION_SETTING + 7 },
	{ "no-verdicts", no_argument, NULL, OPTION_SETTING + 8 },
	{ "threads", required_argument, NULL, OPTION_SETTING + 9 },
	{ "log.level", required_argument, NULL, OPTION_SETTING + 10 },
	{ "stdin", no_argument, NULL, OPTION_SETTING + 11 },
	{ "label", required_argument, NULL, OPTION_SETTING + 12 },
	{ "queue", required_argument, NULL, OPTION_SETTING + 13 },
	{ "config.file", required_argument, NULL, OPTION_CONFIG },
	{ "check-config", no_argument, NULL, OPTION_CHECK },
	{ "compile-rules", no_argument, NULL, OPTION_COMPILE },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

struct command {
	const char *config_file;
	bool check, compile, version, help;
};

static bool wrong(const char *what, const char *option)
{
	log_write(LOG_ERROR, what, "option", option, "hint", "classifyd --help", NULL);
	return false;
}

/* The arguments but for the settings among them, which `config`, if it is given, is set to. */
static bool read_arguments(int argc, char **argv, struct command *command, struct config *config)
{
	bool good = true;
	optind = 1;
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, "+:h", options, NULL)) != -1;) {
		if (c == '?' || c == ':')
			return wrong(c == ':' ? "an option needs a value" : "unknown option", argv[optind - 1]);
		command->check |= c == OPTION_CHECK;
		command->compile |= c == OPTION_COMPILE;
		command->version |= c == OPTION_VERSION;
		command->help |= c == OPTION_HELP || c == 'h';
		if (c == OPTION_CONFIG)
			command->config_file = optarg;
		if (c < OPTION_SETTING || !config)
			continue;
		const char *value = option_settings[c - OPTION_SETTING].value;
		good = config_set(config, option_settings[c - OPTION_SETTING].setting, value ? value : optarg,
		                  options[c - OPTION_SETTING].name) && good;
	}
	if (optind < argc)
		return wrong("an argument that is no option", argv[optind]);
	return good;
}

/* What the files shared with the command line say of rules, as lines of this program's log. */
static void on_complaint(const char *text)
{
	log_write(LOG_WARN, text, NULL);
}

static void set_log_level(const char *name)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			log_set_level((enum log_level)i);
}

/* Each connection is a file. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static bool start(const struct config *config)
{
	char labels[METRIC_LABELS];
	metrics_begin();
	metric_set(METRIC_BUILD_INFO, metric_labels(labels, "version", clsf_version(), "engine", clsf_engine_version(), NULL), 1);
	if (config->loki && !upstream_start(config))
		return false;
	if ((config->verdicts && !builds_start(config)) || !pipeline_start(config))
		return false;
	if (config->listen && !server_start(config))
		return false;
	server_ready(true);
	return inputs_start(config);
}

/* From the outside in: who could still give work to whom is ended before. */
static bool stop(const struct config *config)
{
	server_ready(false);
	server_quiesce();
	bool good = inputs_stop(LAST_WORDS);
	pipeline_stop();
	server_stop();
	builds_stop();
	if (config->loki) {
		if (!outbox_close(LAST_WORDS) && config->from_stdin)
			good = false;
		upstream_stop();
		outbox_free();
	}
	rules_free();
	return good;
}

static int serve(const struct config *config, const sigset_t *signals)
{
	if (!start(config)) {
		stop(config);
		return 1;
	}
	int signal_number = 0;
	while (sigwait(signals, &signal_number) != 0 || signal_number == SIGHUP)
		server_answer_reloads(rules_load(config));
	if (inputs_are_at_end())
		log_write(LOG_INFO, "standard input has ended", NULL);
	else
		log_write(LOG_INFO, "ending", "signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM", NULL);
	server_answer_reloads(false);
	return stop(config) && print_is_good() ? 0 : 1;
}

static int run(const struct command *command, const struct config *config)
{
	sigset_t signals;
	if (command->compile)
		return rules_compile(config);
	if (!config_check(config))
		return 2;
	if (command->check) {
		puts("the configuration is good");
		return 0;
	}
	if (!config->listen && !config->from_stdin && !config->files.n && !config->journal) {
		wrong("there is nothing to do: no place to listen on and nothing to read was given", "--listen");
		return 2;
	}
	if (!rules_load(config))
		return 3;
	raise_file_limit();
	block_signals(&signals);
	return serve(config, &signals);
}

int main(int argc, char **argv)
{
	struct command command = { 0 };
	struct config config;
	int status = 2;
	complain_through(on_complaint);
	if (!config_init(&config))
		return 2;
	if (read_arguments(argc, argv, &command, NULL) && command.help) {
		fputs(help, stdout);
		status = 0;
	} else if (command.version) {
		printf("classifyd %s (%s)\n", clsf_version(), clsf_engine_version());
		status = 0;
	} else if (optind >= argc && (!command.config_file || config_read(&config, command.config_file)) &&
	           read_arguments(argc, argv, &command, &config)) {
		set_log_level(config.log_level);
		status = run(&command, &config);
	}
	config_free(&config);
	return status;
}
