/* SPDX-License-Identifier: Apache-2.0 */
/* The command `stats`: what a state remembers, counted. */

#include "stats.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "help.h"
#include "moment.h"
#include "options.h"
#include "state.h"

enum { OPT_BY = 256, OPT_SINCE, OPT_UNTIL, OPT_TOP, OPT_FORGET, OPT_EXIT_CODE };

struct request {
	struct stats_options stats;
	const char *path;
	bool forget;                 /* files that are gone */
	bool exit_code;
};

/* "category,day", or one of them. */
static bool parse_by(const char *list, struct stats_options *stats, struct outcome *o)
{
	while (*list) {
		size_t length = strcspn(list, ",");
		char name[32];
		snprintf(name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : sizeof(name) - 1), list);
		const struct stats_key *key = stats_key(name);
		if (!key) {
			struct text known = { 0 };
			size_t n;
			const struct stats_key *keys = stats_keys(&n);
			for (size_t i = 0; i < n; i++)
				text_addf(&known, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", keys[i].name);
			text_add(&known, "", 1);
			usage_error(o, "stats", "logs are not counted by '%s': %s", name, known.failed ? "" : known.data);
			text_free(&known);
			return false;
		}
		if (stats->n_by == STATS_MAX_BY || (stats->n_by && stats->by[0] == key)) {
			usage_error(o, "stats", "--by takes one or two different keys");
			return false;
		}
		stats->by[stats->n_by++] = key;
		list += length + (list[length] == ',');
	}
	return true;
}

/* A point in time, as the state writes it. */
static bool parse_moment(const char *option, const char *text, char out[40], struct outcome *o)
{
	int64_t ns;
	if (moment_parse(text, moment_now(), &ns)) {
		time_t seconds = (time_t)(ns / 1000000000);
		struct tm tm;
		if (gmtime_r(&seconds, &tm)) {
			size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
			snprintf(out + n, 40 - n, ".%03dZ", (int)(ns % 1000000000 / 1000000));
			return true;
		}
	}
	usage_error(o, "stats", "%s takes a time, as 2026-11-20, 2026-11-20T14:00:00Z, 2h or 3d, not '%s'", option, text);
	return false;
}

static bool parse_format(const char *name, enum stats_format *ret, struct outcome *o)
{
	static const char *const names[] = { "text", "jsonl", "csv" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum stats_format)i;
			return true;
		}
	}
	usage_error(o, "stats", "unknown output '%s': text, jsonl or csv", name);
	return false;
}

static bool parse_top(const char *text, int64_t *ret, struct outcome *o)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno) {
		*ret = n;
		return true;
	}
	usage_error(o, "stats", "--top takes a number of rows, 0 for all");
	return false;
}

static bool parse(int argc, char **argv, struct request *r, struct outcome *o)
{
	static const struct option known[] = {
		{ "by", required_argument, NULL, OPT_BY },
		{ "since", required_argument, NULL, OPT_SINCE },
		{ "until", required_argument, NULL, OPT_UNTIL },
		{ "top", required_argument, NULL, OPT_TOP },
		{ "forget-missing", no_argument, NULL, OPT_FORGET },
		{ "exit-code", no_argument, NULL, OPT_EXIT_CODE },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	*r = (struct request){ .stats.top = -1 };
	terminal_options(&r->stats.output);
	bool good = true;
	int c;
	optind = 1;
	while (good && (c = getopt_long(argc, argv, ":o:h", known, NULL)) != -1) {
		switch (c) {
		case OPT_BY:
			good = parse_by(optarg, &r->stats, o);
			break;
		case OPT_SINCE:
			good = parse_moment("--since", optarg, r->stats.since, o);
			break;
		case OPT_UNTIL:
			good = parse_moment("--until", optarg, r->stats.until, o);
			break;
		case OPT_TOP:
			good = parse_top(optarg, &r->stats.top, o);
			break;
		case OPT_FORGET:
			r->forget = true;
			break;
		case OPT_EXIT_CODE:
			r->exit_code = true;
			break;
		case 'o':
			good = parse_format(optarg, &r->stats.format, o);
			break;
		case 'h':
			print_help("stats");
			finish_output(o);
			return false;
		default:
			wrong_option(o, "stats", c, argv);
			return false;
		}
	}
	if (good && optind + 1 != argc) {
		usage_error(o, "stats", "name one state, the FILE of 'classify scan --state FILE'");
		return false;
	}
	r->path = good ? argv[optind] : NULL;
	if (good && r->stats.n_by == 0)
		r->stats.by[r->stats.n_by++] = stats_key("category");
	return good;
}

static bool forget(const struct request *r)
{
	char why[256];
	int64_t files, logs;
	if (!state_forget_missing(r->path, &files, &logs, why)) {
		complain("%s: %s", r->path, why);
		return false;
	}
	complain("forgot %lld file%s that %s gone, with %lld log%s", (long long)files, files == 1 ? "" : "s",
	         files == 1 ? "is" : "are", (long long)logs, logs == 1 ? "" : "s");
	return true;
}

int command_stats(int argc, char **argv, struct outcome *o)
{
	struct request r;
	struct stats_totals totals;
	char why[256];
	if (!parse(argc, argv, &r, o))
		return exit_status(o);
	if (r.forget && !forget(&r)) {
		o->unread = true;
		return exit_status(o);
	}
	struct sql *sql = state_open_to_read(r.path, why);
	if (!sql) {
		complain("%s: %s", r.path, why);
		o->unread = true;
		return exit_status(o);
	}
	/* One picture, whatever a run writes meanwhile. */
	sql_run(sql, "BEGIN");
	stats_total(sql, &r.stats, &totals);
	stats_print(sql, &r.stats, &totals, stdout);
	const char *error = sql_error(sql);
	if (error) {
		complain("%s: %s; the numbers are not whole", r.path, error);
		o->unread = true;
	}
	o->failed = r.exit_code && totals.failed > 0;
	sql_close(sql);
	finish_output(o);
	return exit_status(o);
}
