/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `classify rules new`: a whole rule from one line of a log, or from what a group
 * of unknown failures have in common. rule_subject.c and rule_group.c find the
 * lines, rule_draft.c makes the expression of one, and near_miss.c the line that
 * must not match. Nothing is printed that was not tried: the rule loads, matches
 * its examples and leaves the other alone.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "help.h"
#include "load.h"
#include "rule_draft.h"
#include "rule_group.h"
#include "rule_subject.h"
#include "rules.h"
#include "trial.h"

#define MAX_EXAMPLE 2048               /* a longer line is shown as its message, cut */
#define MAX_EXAMPLES 3                 /* of a group */
#define DEFAULT_PACK "mine"

struct new_options {
	struct list rules;
	const char *id, *pack, *category, *title, *from, *from_group, *output;
	struct list logs;              /* of --from-group */
	bool force;
};

/* What is written for the line: all of it, or of a long one the start of its message. */
static void choose_example(const struct subject *s, struct text *ret)
{
	const struct text *from = s->line.length > MAX_EXAMPLE ? &s->message : &s->line;
	size_t length = from->length;
	if (length > MAX_EXAMPLE)
		for (length = MAX_EXAMPLE; length > 0 && (from->data[length] & 0xc0) == 0x80;)
			length--;
	text_add(ret, from->data, length);
}

/* A line that matches, and what it captures. */
struct example {
	struct text line, fields;
};

struct rule_text {
	const struct new_options *options;
	const char *id, *category;
	const struct draft *draft;
	const struct example *examples;
	size_t n_examples;
	const struct text *reject;           /* may be empty */
};

static void add_key(struct text *t, const char *key, const char *value, size_t length)
{
	text_addf(t, "    %s: ", key);
	text_add_yaml(t, value, length);
	text_adds(t, "\n");
}

static void write_rule(const struct rule_text *r, struct text *t)
{
	const struct new_options *options = r->options;
	const char *pack = options->pack ? options->pack : DEFAULT_PACK;
	text_adds(t, "pack: ");
	text_add_yaml(t, pack, strlen(pack));
	text_adds(t, "\nrules:\n  - id: ");
	text_add_yaml(t, r->id, strlen(r->id));
	text_adds(t, "\n");
	const char *title = options->title ? options->title : r->draft->title.length ? NULL : "A line without words";
	add_key(t, "title", title ? title : r->draft->title.data, title ? strlen(title) : r->draft->title.length);
	add_key(t, "category", r->category, strlen(r->category));
	text_adds(t, "    role: cause          # or symptom: it follows from a cause\n"
	             "    severity: high       # critical, high, medium, low or info; the last two fail no log\n"
	             "    owner: platform      # who has to act: user, platform or upstream\n"
	             "    retry: never         # whether another try can help: never, now or later\n");
	add_key(t, "match", r->draft->expression.data ? r->draft->expression.data : "", r->draft->expression.length);
	text_adds(t, "    # runbook:           # ${name} of a capture is filled in\n"
	             "    #   cause: Why it happens.\n"
	             "    #   fix: |\n"
	             "    #     the commands that help\n"
	             "    #   prevent: How it does not happen again.\n"
	             "    examples:\n"
	             "      match:\n");
	for (size_t i = 0; i < r->n_examples; i++) {
		const struct example *e = &r->examples[i];
		text_adds(t, "        - line: ");
		text_add_yaml(t, e->line.data, e->line.length);
		if (e->fields.length) {
			text_adds(t, "\n          fields: ");
			text_add(t, e->fields.data, e->fields.length);
		}
		text_adds(t, "\n");
	}
	if (r->reject->length) {
		text_adds(t, "      reject:\n        - ");
		text_add_yaml(t, r->reject->data, r->reject->length);
		text_adds(t, "\n");
	}
}

/* Loads the rule. NULL, with the fault, if it does not load. */
static struct clsf_ruleset *load_rule(const struct rule_text *r, struct text *ret_text, struct clsf_error *error)
{
	ret_text->length = 0;
	write_rule(r, ret_text);
	struct clsf_ruleset *rs =
		ret_text->failed ? NULL : trial_compile("the rule", ret_text->data, ret_text->length, error);
	if (rs && clsf_ruleset_count(rs) == 1)
		return rs;
	clsf_ruleset_unref(rs);
	return NULL;
}

static bool matches(struct trial *t, const struct text *line, const char *id)
{
	return trial_run(t, line->data ? line->data : "", line->length) && trial_find(t, id) != NULL;
}

/* Finds a line that comes near and is not matched. */
static bool find_reject(struct trial *t, const struct rule_text *r, struct text *ret_line)
{
	const struct text *line = &r->examples[0].line;
	for (size_t n = 0; draft_near_miss(line->data, line->length, &r->draft->words, n, ret_line); n++)
		if (ret_line->length && !matches(t, ret_line, r->id))
			return true;
	return false;
}

/* The example as it comes back from YAML, in which there are no bytes that are no UTF-8. */
static void make_readable(struct text *t)
{
	struct text readable = { 0 };
	for (size_t i = 0; i < t->length;) {
		uint32_t c;
		i += utf8_next(t->data + i, t->length - i, &c);
		text_add_character(&readable, c);
	}
	text_free(t);
	*t = readable;
}

/* Every line has to be matched as it came, and the examples as they can be written. */
static bool match_all(struct trial *t, const struct rule_group *g, const struct rule_text *r, struct example *examples)
{
	for (size_t i = 0; i < g->n; i++)
		if (!matches(t, &g->member[i].line, r->id))
			return false;
	for (size_t i = 0; i < r->n_examples; i++) {
		if (!matches(t, &examples[i].line, r->id))
			return false;
		trial_add_fields(&examples[i].fields, trial_find(t, r->id));
	}
	return true;
}

enum way { WAY_COMMON, WAY_CAPTURES, WAY_LITERAL, WAY_WHOLE };

static bool make_draft(struct draft *d, const struct rule_group *g, enum way way)
{
	static const enum draft_way ways[] = {
		[WAY_CAPTURES] = DRAFT_CAPTURES, [WAY_LITERAL] = DRAFT_LITERAL, [WAY_WHOLE] = DRAFT_WHOLE,
	};
	if (way == WAY_COMMON)
		return g->n > 1 && rule_group_draft(d, g);
	draft_make(d, g->member[0].message.data, g->member[0].message.length, ways[way]);
	return true;
}

/* Tries a way of drafting: the text of the rule when it loads and its examples hold. */
static bool try_way(const struct rule_group *g, enum way way, struct rule_text *r, struct text *ret_text,
                    struct clsf_error *error)
{
	struct draft draft = { 0 };
	struct example examples[MAX_EXAMPLES] = { 0 };
	struct text reject = { 0 };
	struct trial t = { 0 };
	bool good = make_draft(&draft, g, way);
	r->draft = &draft;
	r->examples = examples;
	r->n_examples = g->n < MAX_EXAMPLES ? g->n : MAX_EXAMPLES;
	r->reject = &reject;
	for (size_t i = 0; good && i < r->n_examples; i++) {
		choose_example(&g->member[i], &examples[i].line);
		make_readable(&examples[i].line);
	}
	struct clsf_ruleset *rs = good ? load_rule(r, ret_text, error) : NULL;
	good = rs && trial_start(&t, rs) && find_reject(&t, r, &reject) && match_all(&t, g, r, examples);
	if (good) {
		struct clsf_ruleset *whole = load_rule(r, ret_text, error);
		good = whole != NULL;
		clsf_ruleset_unref(whole);
	}
	trial_stop(&t);
	clsf_ruleset_unref(rs);
	draft_done(&draft);
	for (size_t i = 0; i < MAX_EXAMPLES; i++) {
		text_free(&examples[i].line);
		text_free(&examples[i].fields);
	}
	text_free(&reject);
	return good;
}

/* An id of the words of the message, which no loaded rule has. Allocated. */
static char *make_id(const struct subject *s, const char *pack, const struct clsf_ruleset *rs)
{
	struct draft draft;
	struct text id = { 0 };
	const char *word;
	size_t length, n = 0;
	draft_make(&draft, s->message.data, s->message.length, DRAFT_CAPTURES);
	for (const char *p = pack; *p; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
		bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (fine || id.length)
			text_add(&id, fine ? &c : "-", 1);
	}
	for (size_t at = 0; n < 5 && text_line(&draft.words, &at, &word, &length);) {
		if (length > 20)
			continue;
		text_adds(&id, id.length ? "-" : "");
		for (size_t i = 0; i < length; i++) {
			char c = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] | 0x20) : word[i] == '_' ? '-' : word[i];
			text_add(&id, &c, 1);
		}
		n++;
	}
	if (n == 0)
		text_adds(&id, id.length ? "-rule" : "rule");
	if (id.length > 100)
		id.length = 100;
	size_t base = id.length;
	text_add(&id, "", 1);
	for (unsigned k = 2; !id.failed && clsf_ruleset_find(rs, id.data); k++) {
		id.length = base;
		text_addf(&id, "-%u", k);
		text_add(&id, "", 1);
	}
	draft_done(&draft);
	if (id.failed)
		text_free(&id);
	return id.data;
}

static bool is_category(const char *name)
{
	for (const char *const *c = clsf_categories(); *c; c++)
		if (strcmp(*c, name) == 0)
			return true;
	return false;
}

static void list_categories(struct text *t)
{
	for (const char *const *c = clsf_categories(); *c; c++)
		text_addf(t, "%s%s", c == clsf_categories() ? "" : ", ", *c);
}

/* The category of what is known of the line already, or `unknown`; static or of the ruleset. */
static const char *guess_category(const struct subject *s, struct clsf_ruleset *rs)
{
	struct trial t = { 0 };
	const struct clsf_rule *known = NULL;
	if (trial_start(&t, rs) && trial_run(&t, s->line.data, s->line.length)) {
		known = t.verdict->rule;
		for (size_t i = 0; i < t.n_matches && !known; i++)
			if (*t.matches[i].rule->category)
				known = t.matches[i].rule;
	}
	trial_stop(&t);
	struct text names = { 0 };
	list_categories(&names);
	if (known)
		complain("the line is known already as %s, whose category is taken", known->id);
	else
		complain("the category is 'unknown' without --category, which may be %.*s", (int)names.length, names.data);
	text_free(&names);
	return known ? known->category : "unknown";
}

/* ---- the command ---- */

static void print_rule(const struct text *t, const struct new_options *options, const char *id,
                       struct outcome *o)
{
	if (!options->output) {
		print_text(stdout, t);
		return;
	}
	if (write_new(options->output, options->force, t)) {
		printf("%s: %s\n", options->output, id);
		return;
	}
	complain("%s: %s%s", options->output, strerror(errno),
	         errno == EEXIST ? "; --force replaces it" : "");
	o->unread = true;
}

static void make_rule(const struct rule_group *g, const struct new_options *options, struct clsf_ruleset *rs,
                      struct outcome *o)
{
	const char *pack = options->pack ? options->pack : DEFAULT_PACK;
	const struct subject *s = &g->member[0];
	char *id = options->id ? strdup(options->id) : make_id(s, pack, rs);
	struct rule_text r = { .options = options, .id = id ? id : "" };
	struct text t = { 0 };
	struct clsf_error error = { 0 };
	bool good = false;
	r.category = options->category ? options->category : guess_category(s, rs);
	for (enum way way = WAY_COMMON; id && !good && way <= WAY_WHOLE; way++)
		good = try_way(g, way, &r, &t, &error);
	if (good) {
		print_rule(&t, options, id, o);
	} else {
		complain("no rule can be made of %s%s%s", g->n > 1 ? "these lines" : "this line", *error.message ? ": " : "",
		         error.message);
		o->unread = true;
	}
	text_free(&t);
	free(id);
}

/* 16 hexadecimal digits, as `scan` prints them */
static bool is_fingerprint(const char *s)
{
	return strlen(s) == 16 && strspn(s, "0123456789abcdef") == 16;
}

static void check_options(const struct new_options *options, int left, struct outcome *o)
{
	struct text names = { 0 };
	list_categories(&names);
	if (options->from_group && (options->from || left == 0))
		usage_error(o, "rules new", "--from-group takes logs or folders, and does not go with --from");
	else if (options->from_group && !is_fingerprint(options->from_group))
		usage_error(o, "rules new", "'%s' is no template: 16 hexadecimal digits, as 'classify scan' prints them",
		            options->from_group);
	else if (!options->from_group && (options->from ? left != 0 : left != 1))
		usage_error(o, "rules new", "give one line in quotes, '-', or --from and a log");
	else if (options->category && !is_category(options->category))
		usage_error(o, "rules new", "unknown category '%s': %.*s", options->category, (int)names.length, names.data);
	else if (options->force && !options->output)
		usage_error(o, "rules new", "--force goes with --output");
	text_free(&names);
}

static void new_rule(const char *line, const struct new_options *options, struct outcome *o)
{
	struct load_options load = { .paths = &options->rules };
	struct clsf_ruleset *rs = load_rules(&load, o);
	struct rule_group g = { .n = 1 };
	struct subject *s = &g.member[0];
	bool good = rs != NULL;
	if (good && options->id && clsf_ruleset_find(rs, options->id)) {
		usage_error(o, "rules new", "another rule has the id '%s'", options->id);
		good = false;
	}
	if (good && options->from_group) {
		g.n = 0;
		good = rule_group_find(options->from_group, &options->logs, rs, &g, o);
		if (good)
			complain("%zu of %zu logs have this template, with %zu%s different line%s", g.logs, g.seen, g.n,
			         g.n == GROUP_MEMBERS ? " or more" : "", g.n == 1 ? "" : "s");
	} else if (good && options->from) {
		good = strcmp(options->from, "-") == 0 ? subject_from_input(rs, s, true, o)
		                                       : subject_from_log(options->from, rs, s, o);
	} else if (good) {
		good = strcmp(line, "-") == 0 ? subject_from_input(rs, s, false, o) : subject_from_text(line, rs, s, o);
	}
	if (good)
		make_rule(&g, options, rs, o);
	rule_group_done(&g);
	clsf_ruleset_unref(rs);
}

int rules_new(int argc, char **argv, struct outcome *o)
{
	enum { ID = 256, PACK, CATEGORY, TITLE, FROM, FROM_GROUP, FORCE };
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "id", required_argument, NULL, ID },
		{ "pack", required_argument, NULL, PACK },
		{ "category", required_argument, NULL, CATEGORY },
		{ "title", required_argument, NULL, TITLE },
		{ "from", required_argument, NULL, FROM },
		{ "from-group", required_argument, NULL, FROM_GROUP },
		{ "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct new_options options = { 0 };
	int c;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			list_add(&options.rules, optarg);
			break;
		case ID:
			options.id = optarg;
			break;
		case PACK:
			options.pack = optarg;
			break;
		case CATEGORY:
			options.category = optarg;
			break;
		case TITLE:
			options.title = optarg;
			break;
		case FROM:
			options.from = optarg;
			break;
		case FROM_GROUP:
			options.from_group = optarg;
			break;
		case 'o':
			options.output = optarg;
			break;
		case FORCE:
			options.force = true;
			break;
		case 'h':
			print_help("rules new");
			return rules_end(&options.rules, o);
		default:
			wrong_option(o, "rules new", c, argv);
			break;
		}
	}
	if (!o->usage)
		check_options(&options, argc - optind, o);
	for (int i = optind; options.from_group && i < argc; i++)
		list_add(&options.logs, argv[i]);
	if (!o->usage)
		new_rule(options.from || options.from_group ? NULL : argv[optind], &options, o);
	list_free(&options.logs);
	return rules_end(&options.rules, o);
}
