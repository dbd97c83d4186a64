/* SPDX-License-Identifier: Apache-2.0 */
/* classify: the command line of libclassify. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "help.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv, struct outcome *o);
} commands[] = {
	{ "scan", command_scan },
	{ "rules", command_rules },
	{ "stats", command_stats },
	{ "explain", command_explain },
	{ "match", command_match },
	{ "compile", command_compile },
};

static bool orderly;

/* libarchive ends the process where it has no memory, with a status that says something else here. */
static void on_exit_elsewhere(void)
{
	if (orderly)
		return;
	fflush(NULL);
	_exit(2);
}

static int run(int argc, char **argv)
{
	struct outcome o = { 0 };
	/* A file that may not grow is an error of writing, not a death. */
	signal(SIGXFSZ, SIG_IGN);
	const char *command = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, command) == 0)
			return commands[i].run(argc - 1, argv + 1, &o);
	if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0) {
		print_help(argc > 2 ? argv[2] : "");
		finish_output(&o);
		return exit_status(&o);
	}
	if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0) {
		print_version();
		finish_output(&o);
		return exit_status(&o);
	}
	if (*command)
		usage_error(&o, "", "unknown command '%s'", command);
	else
		usage_error(&o, "", "no command given");
	return exit_status(&o);
}

int main(int argc, char **argv)
{
	if (atexit(on_exit_elsewhere) != 0)
		return 2;
	int status = run(argc, argv);
	orderly = true;
	return status;
}
