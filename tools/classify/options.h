/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

/* The options of `scan`, which `explain` and `match` share in part. */

#include "cli.h"
#include "output.h"
#include "window.h"

struct scan_options {
	struct output_options output;
	struct list rules;
	struct list inputs;
	struct list files_from;
	bool null;           /* these are separated by NUL */
	const char *database;
	const char *state;   /* where scans are remembered; NULL: nowhere */
	const char *cache;
	bool no_cache;
	enum clsf_engine engine;
	bool matches;
	bool incident;       /* the inputs are one log */
	bool exit_code;
	bool profile;
	bool no_unwrap;
	struct window window; /* --since and --until */
	unsigned jobs;       /* 0: as many as there are cores */
	bool redact;
	bool hide_context;   /* it is for the report, and not for the output */
	const char *report;  /* a file for the HTML report; NULL: none */
	unsigned context;
};

/* False when the command is done already: help was printed, or the usage was wrong. */
bool parse_scan_options(int argc, char **argv, struct scan_options *options, struct outcome *o);

/* Colour and width as standard output, NO_COLOR and COLUMNS have them. */
void terminal_options(struct output_options *options);

#endif
