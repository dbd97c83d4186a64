/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `classify rules export`: our rules as other tools take them. Only rules that
 * load are exported. What the public structs do not tell, the shape of a
 * condition, is read again from the file that the rule came from.
 */

#include "export.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "help.h"
#include "load.h"

/* ---- telling ---- */

static void tell(const struct clsf_rule *rule, const char *what, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void tell(const struct clsf_rule *rule, const char *what, const char *format, va_list arguments)
{
	char reason[512];
	struct text t = { 0 };
	vsnprintf(reason, sizeof(reason), format, arguments);
	text_add_visible(&t, rule->file, strlen(rule->file));
	text_addf(&t, ":%u:1: %s: ", rule->line, what);
	text_add_visible(&t, reason, strlen(reason));
	text_addf(&t, " [%s]\n", rule->id);
	if (!t.failed)
		fwrite(t.data, 1, t.length, stderr);
	text_free(&t);
}

void export_left(struct exporter *x, const struct clsf_rule *rule, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell(rule, "warning: not exported", format, arguments);
	va_end(arguments);
	x->left++;
}

void export_part(struct exporter *x, const struct clsf_rule *rule, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell(rule, "note: exported in part", format, arguments);
	va_end(arguments);
	x->parts++;
}

char *export_plain(struct arena *a, const char *text)
{
	char *plain = arena_strndup(a, text, strlen(text));
	size_t used = 0;
	bool open = false;
	for (const char *p = text; *p; p++) {
		if (p[0] == '$' && p[1] == '{' && strchr(p, '}')) {
			plain[used++] = '<';
			open = true;
			p++;
		} else if (*p == '}' && open) {
			plain[used++] = '>';
			open = false;
		} else {
			plain[used++] = *p;
		}
	}
	plain[used] = '\0';
	return plain;
}

/* ---- conditions of one line ---- */

static const struct node *first_of(const struct node *condition, const char *key)
{
	const struct node *value = node_get(condition, key);
	return value ? value->first : NULL;
}

/* The expression of a leaf, or NULL; *ret_literal when it is a text. */
static const struct node *leaf(const struct node *condition, bool *ret_literal)
{
	*ret_literal = false;
	if (condition->kind == NODE_TEXT)
		return condition;
	if (node_get(condition, "lines"))
		return NULL;
	const struct node *value = node_get(condition, "regex");
	if (!value) {
		value = node_get(condition, "text");
		*ret_literal = value != NULL;
	}
	return value && value->kind == NODE_TEXT ? value : NULL;
}

/* Names of groups stay where there is one expression; alternatives may share them. */
static bool add_expression(struct exporter *x, const struct node *text, enum dialect dialect, bool named,
                           unsigned shift, struct text *out, unsigned *ret_groups, char why[160])
{
	struct expression e;
	if (!expression_read(x->arena, DIALECT_PCRE2, text->text, text->length, &e, why))
		return false;
	const char **names = arena_alloc(x->arena, (e.groups + 1) * sizeof(*names));
	for (unsigned g = 0; !named && g <= e.groups; g++)
		names[g] = "";
	*ret_groups = e.groups;
	return expression_write(&e, dialect, names, shift, out, why);
}

static bool add_condition(struct exporter *x, const struct node *condition, enum dialect dialect, bool named,
                          unsigned shift, struct text *out, unsigned *ret_groups, char why[160])
{
	bool literal;
	const struct node *text = leaf(condition, &literal);
	const struct node *child = first_of(condition, "any");
	*ret_groups = 0;
	if (text && literal) {
		expression_add_literal(out, text->text, text->length);
		return true;
	}
	if (text)
		return add_expression(x, text, dialect, named, shift, out, ret_groups, why);
	if (!child) {
		snprintf(why, 160, "%s", node_get(condition, "field")   ? "a condition on fields"
		                         : node_get(condition, "lines") ? "an expression over several lines"
		                                                        : "condition of several lines");
		return false;
	}
	for (const struct node *first = child; child; child = child->next) {
		unsigned groups;
		text_adds(out, child == first ? "(?:" : "|(?:");
		if (!add_condition(x, child, dialect, false, shift + *ret_groups, out, &groups, why))
			return false;
		text_adds(out, ")");
		*ret_groups += groups;
	}
	return true;
}

bool export_expression(struct exporter *x, const struct node *condition, enum dialect dialect, unsigned shift,
                       struct text *out, unsigned *ret_groups, char why[160])
{
	return add_condition(x, condition, dialect, true, shift, out, ret_groups, why);
}

static unsigned find_group(struct exporter *x, const struct node *condition, const char *const *names,
                           unsigned *groups)
{
	bool literal;
	const struct node *text = leaf(condition, &literal);
	if (text && !literal) {
		struct expression e;
		char why[160];
		unsigned found = 0;
		if (!expression_read(x->arena, DIALECT_PCRE2, text->text, text->length, &e, why))
			return 0;
		for (unsigned g = 1; g <= e.groups && !found; g++) {
			const char *name = expression_group_name(&e, g);
			for (const char *const *n = names; name && *n; n++)
				if (strcmp(*n, name) == 0)
					found = *groups + g;
		}
		*groups += e.groups;
		return found;
	}
	unsigned found = 0;
	for (const struct node *child = first_of(condition, "any"); child && !found; child = child->next)
		found = find_group(x, child, names, groups);
	return found;
}

unsigned export_group(struct exporter *x, const struct node *condition, const char *const *names)
{
	unsigned groups = 0;
	return find_group(x, condition, names, &groups);
}

/* ---- the rules' own files ---- */

struct source {
	const char *name;
	const struct node *root;     /* NULL when it cannot be read any more */
	const struct node *last;     /* the rule that was found last: the next one mostly follows */
	struct source *next;
};

static struct node *read_source(struct arena *a, const char *name)
{
	struct document_fault fault;
	struct blob blob;
	char why[160];
	if (!read_whole(name, DOCUMENT_MAX_SIZE, &blob, why))
		return NULL;
	struct node *root = document_read_yaml(a, blob.data ? blob.data : "", blob.length, &fault);
	blob_free(&blob);
	return root;
}

static bool is_rule(const struct node *item, const struct clsf_rule *rule)
{
	const char *id = node_text(item, "id");
	return id && strcmp(id, rule->id) == 0 && item->line == rule->line;
}

static const struct node *find_rule(const struct source *s, const struct clsf_rule *rule)
{
	if (s->last && s->last->next && is_rule(s->last->next, rule))
		return s->last->next;
	for (const struct node *document = s->root ? s->root->first : NULL; document; document = document->next)
		for (const struct node *item = first_of(document, "rules"); item; item = item->next)
			if (is_rule(item, rule))
				return item;
	return NULL;
}

/* Rules come file by file: the one that was read last is mostly the one wanted. */
static const struct node *tree_of(struct arena *a, struct source **sources, const struct clsf_rule *rule)
{
	struct source *s = *sources;
	while (s && strcmp(s->name, rule->file) != 0)
		s = s->next;
	if (!s) {
		s = arena_alloc(a, sizeof(*s));
		s->name = rule->file;
		s->root = read_source(a, rule->file);
		s->next = *sources;
		*sources = s;
	}
	s->last = find_rule(s, rule);
	return s->last;
}

/* ---- the command ---- */

struct export_options {
	struct list paths;
	const char *format, *output;
	bool force;
};

static void export_rules(struct exporter *x, const struct clsf_ruleset *rs, bool cre)
{
	struct source *sources = NULL;
	if (cre)
		export_cre_begin(x);
	else
		export_matcher_begin(x);
	for (size_t i = 0; i < clsf_ruleset_count(rs); i++) {
		struct exported_rule rule = { .rule = clsf_ruleset_rule(rs, i) };
		const struct node *tree = tree_of(x->arena, &sources, rule.rule);
		rule.match = node_get(tree, "match");
		rule.unless = node_get(tree, "unless");
		if (!rule.match)
			export_left(x, rule.rule, "its condition is not written as ours are, or its file cannot be read again");
		else if (rule.rule->role != CLSF_ROLE_CAUSE && rule.rule->role != CLSF_ROLE_SYMPTOM)
			export_left(x, rule.rule, "a marker (role %s) has no counterpart", clsf_role_name(rule.rule->role));
		else if (cre)
			export_cre(x, &rule);
		else
			export_matcher(x, &rule);
	}
	if (!cre)
		export_matcher_end(x);
}

static void run(const struct export_options *options, struct outcome *o)
{
	struct load_options load = { .paths = &options->paths };
	struct clsf_ruleset *rs = load_rules(&load, o);
	if (!rs)
		return;
	struct arena arena = { 0 };
	struct text t = { 0 };
	struct exporter x = { .arena = &arena, .out = &t };
	export_rules(&x, rs, strcmp(options->format, "cre") == 0);
	if (x.exported)
		write_result(options->output, options->force, &t, o);
	else
		o->quarantined = true;
	fprintf(stderr, "%zu exported, %zu of them in part; %zu not exported\n", x.exported, x.parts, x.left);
	text_free(&t);
	arena_free(&arena);
	clsf_ruleset_unref(rs);
}

int command_rules_export(int argc, char **argv, struct outcome *o)
{
	static const struct option known[] = {
		{ "to", required_argument, NULL, 't' },
		{ "rules", required_argument, NULL, 'r' },
		{ "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct export_options options = { 0 };
	int c;
	optind = 1;
	while (!o->usage && (c = getopt_long(argc, argv, ":r:o:h", known, NULL)) != -1) {
		switch (c) {
		case 't':
			options.format = optarg;
			if (strcmp(optarg, "cre") != 0 && strcmp(optarg, "problem-matcher") != 0)
				usage_error(o, "rules export", "unknown format '%s': cre or problem-matcher", optarg);
			break;
		case 'r':
			list_add(&options.paths, optarg);
			break;
		case 'o':
			options.output = optarg;
			break;
		case 'f':
			options.force = true;
			break;
		case 'h':
			print_help("rules export");
			finish_output(o);
			list_free(&options.paths);
			return exit_status(o);
		default:
			wrong_option(o, "rules export", c, argv);
			break;
		}
	}
	if (!o->usage && !options.format)
		usage_error(o, "rules export", "name the format with --to: cre or problem-matcher");
	if (!o->usage && optind < argc)
		usage_error(o, "rules export", "'%s' is not an option; rule files go with --rules", argv[optind]);
	if (!o->usage) {
		run(&options, o);
		finish_output(o);
	}
	list_free(&options.paths);
	return exit_status(o);
}
