/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `classify rules import`: other people's rules in, one rule file out. The
 * readers of the formats make rules of trees; here files are read, formats told
 * apart, each rule tried through the loader, and the losses listed.
 */

#include "import.h"

#include <getopt.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "help.h"
#include "yaml_out.h"

static const char *const format_names[] = { "bfa", "npd", "promtail", "problem-matcher", "list" };
static const char *const format_titles[] = {
	"Jenkins Build Failure Analyzer", "node-problem-detector", "promtail pipeline stages",
	"GitHub problem matchers", "a list of expressions",
};

/* ---- telling ---- */

static void put_remark(struct importer *im, struct remark **first, struct remark **last, const char *text)
{
	struct remark *r = arena_alloc(im->arena, sizeof(*r));
	r->text = text;
	if (*last)
		(*last)->next = r;
	else
		*first = r;
	*last = r;
}

/* "file:line:col: level: text" on standard error. Returns it without the level. */
static const char *tell(struct importer *im, const struct node *at, const char *level, const char *text)
{
	struct text t = { 0 };
	char *place = arena_printf(im->arena, "%s:%u:%u", im->file, at ? at->line : 1, at ? at->column : 1);
	text_add_visible(&t, place, strlen(place));
	text_addf(&t, ": %s: ", level);
	text_add_visible(&t, text, strlen(text));
	text_adds(&t, "\n");
	if (!t.failed)
		fwrite(t.data, 1, t.length, stderr);
	text_free(&t);
	return arena_printf(im->arena, "%s: %s", place, text);
}

static char *format_text(struct importer *im, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static char *format_text(struct importer *im, const char *format, va_list arguments)
{
	char text[1024];
	vsnprintf(text, sizeof(text), format, arguments);
	return arena_strndup(im->arena, text, strlen(text));
}

void import_left(struct importer *im, const struct node *at, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *told = tell(im, at, "warning", format_text(im, format, arguments));
	va_end(arguments);
	put_remark(im, &im->left, &im->last_left, told);
	im->n_left++;
}

void import_note(struct importer *im, const struct node *at, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *told = tell(im, at, "note", format_text(im, format, arguments));
	va_end(arguments);
	put_remark(im, &im->left, &im->last_left, told);
}

void import_part(struct importer *im, struct imported_rule *rule, const struct node *at,
                 const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = format_text(im, format, arguments);
	va_end(arguments);
	tell(im, at, "note", arena_printf(im->arena, "'%s': %s", rule->name, text));
	import_remark(im, rule, arena_printf(im->arena, "in part: %s", text));
	rule->in_part = true;
}

void import_remark(struct importer *im, struct imported_rule *rule, const char *text)
{
	put_remark(im, &rule->remarks, &rule->last_remark, text);
}

/* ---- rules ---- */

struct id {
	const char *text;
	unsigned used;
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct id *)a)->text, ((const struct id *)b)->text);
}

/* The entry of an id; `used` tells whether it was there. */
static struct id *find_id(struct importer *im, const char *text)
{
	struct id *fresh = arena_alloc(im->arena, sizeof(*fresh));
	fresh->text = text;
	void *found = tsearch(fresh, &im->ids, compare_ids);
	if (!found) {
		fputs("classify: out of memory\n", stderr);
		exit(2);
	}
	return *(struct id **)found;
}

/* The id itself, or with -2, -3 and so on behind it: the first that is free. */
static char *unique_id(struct importer *im, const char *wanted)
{
	struct id *base = find_id(im, wanted);
	if (base->used++ == 0)
		return arena_strndup(im->arena, wanted, strlen(wanted));
	for (;;) {
		char *next = arena_printf(im->arena, "%s-%u", wanted, base->used++);
		struct id *entry = find_id(im, next);
		if (entry->used++ == 0)
			return next;
	}
}

struct imported_rule *import_rule_new(struct importer *im, const char *prefix, const char *name,
                                      const struct node *at)
{
	if (im->n_rules == IMPORT_MAX_RULES) {
		import_left(im, at, "'%s': more than %d rules", name, IMPORT_MAX_RULES);
		return NULL;
	}
	struct imported_rule *rule = arena_alloc(im->arena, sizeof(*rule));
	rule->name = import_title(im->arena, name, 100);
	rule->line = at ? at->line : 1;
	rule->column = at ? at->column : 1;
	const char *slug = import_slug(im->arena, name);
	rule->id = arena_printf(im->arena, "%s-%s", prefix, *slug ? slug : "rule");
	return rule;
}

struct condition *condition_new(struct importer *im, enum condition_kind kind, const char *text)
{
	struct condition *c = arena_alloc(im->arena, sizeof(*c));
	c->kind = kind;
	c->text = text;
	return c;
}

void condition_append(struct condition *parent, struct condition *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

struct verdict_of_loader {
	struct arena *arena;
	const char *error, *warning;
};

static void on_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	struct verdict_of_loader *v = user;
	const char **slot = level == CLSF_FAULT_ERROR ? &v->error : &v->warning;
	if (!*slot)
		*slot = arena_strndup(v->arena, fault->message, strlen(fault->message));
}

/* What the loader says of one rule. */
static struct verdict_of_loader ask_loader(struct importer *im, const struct imported_rule *rule)
{
	struct verdict_of_loader v = { .arena = im->arena };
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_loader *loader;
	struct text t = { 0 };
	text_adds(&t, "rules:\n");
	import_print_rule(&t, rule);
	options.on_fault = on_fault;
	options.user = &v;
	options.engine = CLSF_ENGINE_PCRE2;
	if (t.failed || clsf_loader_new(&options, &loader) != 0) {
		v.error = "out of memory";
	} else {
		struct clsf_error error;
		if (clsf_loader_add_buffer(loader, "imported", t.data, t.length, &error) != 0 && !v.error)
			v.error = arena_strndup(im->arena, error.message, strlen(error.message));
		clsf_loader_free(loader);
	}
	text_free(&t);
	return v;
}

const char *import_condition_fault(struct importer *im, struct condition *condition)
{
	struct imported_rule trial = { .id = (char[]){ "x" }, .title = "x", .category = "unknown",
		                       .match = condition };
	return ask_loader(im, &trial).error;
}

void import_rule_add(struct importer *im, struct imported_rule *rule)
{
	struct node at = { .line = rule->line, .column = rule->column };
	struct verdict_of_loader v = ask_loader(im, rule);
	if (v.error) {
		import_left(im, &at, "'%s': not carried over: %s", rule->name, v.error);
		return;
	}
	if (v.warning)
		import_part(im, rule, &at, "%s", v.warning);
	rule->id = unique_id(im, rule->id);
	if (im->last)
		im->last->next = rule;
	else
		im->first = rule;
	im->last = rule;
	im->n_rules++;
}

bool import_read(struct importer *im, enum dialect dialect, const struct node *at, const char *what,
                 struct expression *ret_expression)
{
	char why[160];
	if (expression_read(im->arena, dialect, at->text, at->length, ret_expression, why))
		return true;
	import_left(im, at, "%s: not carried over: %s", what, why);
	return false;
}

const char *import_write(struct importer *im, const struct expression *e, const char *const *names,
                         const struct node *at, const char *what)
{
	char why[160];
	struct text t = { 0 };
	if (!expression_write(e, DIALECT_PCRE2, names, 0, &t, why)) {
		import_left(im, at, "%s: not carried over: %s", what, why);
		text_free(&t);
		return NULL;
	}
	const char *expression = arena_strndup(im->arena, t.data ? t.data : "", t.length);
	text_free(&t);
	const char *fault = import_condition_fault(im, condition_new(im, CONDITION_REGEX, expression));
	if (!fault)
		return expression;
	import_left(im, at, "%s: not carried over: %s", what, fault);
	return NULL;
}

/* ---- files ---- */

static enum import_format tell_format(const struct node *root)
{
	return matcher_knows(root)    ? IMPORT_MATCHER
	       : npd_knows(root)      ? IMPORT_NPD
	       : bfa_knows(root)      ? IMPORT_BFA
	       : promtail_knows(root) ? IMPORT_PROMTAIL
	                              : IMPORT_UNKNOWN;
}

/* What a file is, by its first character and what it is to be. */
static struct node *parse(struct importer *im, enum import_format format, const char *text, size_t length,
                          struct document_fault *fault)
{
	size_t at = 0;
	while (at < length && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	char first = at < length ? text[at] : '\0';
	if (first == '<' && (format == IMPORT_BFA || format == IMPORT_UNKNOWN))
		return document_read_xml(im->arena, text + at, length - at, fault);
	if (format == IMPORT_PROMTAIL || (format == IMPORT_UNKNOWN && first != '{' && first != '['))
		return document_read_yaml(im->arena, text, length, fault);
	return document_read_json(im->arena, text, length, fault);
}

/* False when the file could not be made sense of; that is told. */
static bool import_text(struct importer *im, enum import_format format, const char *text, size_t length)
{
	struct document_fault fault = { .line = 1, .column = 1 };
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (format == IMPORT_LIST) {
		import_list(im, text, length);
		return true;
	}
	const struct node *root = parse(im, format, text, length, &fault);
	struct node at = { .line = fault.line, .column = fault.column };
	if (!root) {
		/* An unknown text need not be the YAML that it was taken for. */
		tell(im, &at, "error", fault.message);
		return false;
	}
	if (format == IMPORT_UNKNOWN)
		format = tell_format(root);
	switch (format) {
	case IMPORT_BFA:
		import_bfa(im, root);
		return true;
	case IMPORT_NPD:
		import_npd(im, root);
		return true;
	case IMPORT_PROMTAIL:
		import_promtail(im, root);
		return true;
	case IMPORT_MATCHER:
		import_matcher(im, root);
		return true;
	default:
		tell(im, &at, "error", "what this is, its content does not tell; name it with --from");
		return false;
	}
}

/* ---- the result ---- */

static void print_rules(struct text *t, const struct importer *im, const char *pack, const struct list *paths,
                        enum import_format format)
{
	text_adds(t, "# Imported by 'classify rules import'");
	if (format != IMPORT_UNKNOWN)
		text_addf(t, " from %s", format_titles[format]);
	text_adds(t, ":\n");
	for (size_t i = 0; i < paths->n; i++) {
		text_adds(t, "#   ");
		text_add_visible(t, paths->item[i], strlen(paths->item[i]));
		text_adds(t, "\n");
	}
	if (im->left)
		text_adds(t, "#\n# What was left behind:\n");
	for (const struct remark *r = im->left; r; r = r->next)
		yaml_add_comment(t, r->text, 0);
	text_adds(t, "\npack: ");
	yaml_add_scalar(t, pack, strlen(pack));
	text_adds(t, "\nrules:\n");
	for (const struct imported_rule *rule = im->first; rule; rule = rule->next)
		import_print_rule(t, rule);
}

struct import_options {
	struct list paths;
	enum import_format format;
	const char *pack, *category, *output;
	bool force;
};

static void nothing(void *item)
{
	(void)item;
}

static void run(const struct import_options *options, struct outcome *o)
{
	struct arena arena = { 0 };
	struct importer im = { .arena = &arena, .category = options->category };
	for (size_t i = 0; i < options->paths.n; i++) {
		struct blob blob;
		char why[160];
		im.file = options->paths.item[i];
		if (!read_whole(im.file, DOCUMENT_MAX_SIZE, &blob, why)) {
			complain("%s: %s", im.file, why);
			o->unread = true;
			continue;
		}
		if (!import_text(&im, options->format, blob.data ? blob.data : "", blob.length))
			o->unread = true;
		blob_free(&blob);
	}
	size_t parts = 0;
	for (const struct imported_rule *rule = im.first; rule; rule = rule->next)
		parts += rule->in_part;
	if (im.n_rules) {
		struct text t = { 0 };
		print_rules(&t, &im, options->pack ? options->pack : "imported", &options->paths, options->format);
		write_result(options->output, options->force, &t, o);
		text_free(&t);
	} else if (!o->unread) {
		/* As for rules that do not load: there is nothing to work with. */
		o->quarantined = true;
	}
	fprintf(stderr, "%zu carried over, %zu of them in part; %zu not carried over\n", im.n_rules, parts,
	        im.n_left);
	tdestroy(im.ids, nothing);
	arena_free(&arena);
}

/* ---- the command ---- */

static bool known_category(const char *word)
{
	for (const char *const *c = clsf_categories(); *c; c++)
		if (strcmp(*c, word) == 0)
			return true;
	return false;
}

static void read_option(struct import_options *options, int c, char **argv, struct outcome *o)
{
	switch (c) {
	case 'F':
		for (options->format = 0; options->format < IMPORT_UNKNOWN; options->format++)
			if (strcmp(optarg, format_names[options->format]) == 0)
				return;
		usage_error(o, "rules import", "unknown format '%s': bfa, npd, promtail, problem-matcher or list", optarg);
		return;
	case 'p':
		options->pack = optarg;
		return;
	case 'c':
		options->category = optarg;
		if (!known_category(optarg))
			usage_error(o, "rules import", "unknown category '%s'; classify-rules(5) lists them", optarg);
		return;
	case 'o':
		options->output = optarg;
		return;
	case 'f':
		options->force = true;
		return;
	default:
		wrong_option(o, "rules import", c, argv);
	}
}

int command_rules_import(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "from", required_argument, NULL, 'F' },
		{ "pack", required_argument, NULL, 'p' },
		{ "category", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct import_options options = { .format = IMPORT_UNKNOWN };
	int c;
	optind = 1;
	while (!o->usage && (c = getopt_long(argc, argv, ":o:h", known, NULL)) != -1) {
		if (c == 'h') {
			print_help("rules import");
			finish_output(o);
			return exit_status(o);
		}
		read_option(&options, c, argv, o);
	}
	for (int i = optind; i < argc; i++)
		list_add(&options.paths, argv[i]);
	if (!o->usage && !options.paths.n)
		usage_error(o, "rules import", "name the files to import, '-' for standard input");
	if (!o->usage) {
		run(&options, o);
		finish_output(o);
	}
	list_free(&options.paths);
	return exit_status(o);
}
