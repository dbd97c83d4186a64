/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipeline stages of promtail. Most of a pipeline is transport. What knows a
 * line again becomes a rule: a `match` whose line filters choose lines that get a
 * label or are counted, and a `regex` whose groups become labels or metrics.
 */

#include <stdio.h>
#include <string.h>

#include "import.h"

#define MAX_FILTERS 16
#define MAX_EXTRACTED 64

/* What a stage took from a line, by name: a group of an expression, or a field. */
struct extracted {
	const char *name;
	const char *regex;           /* NULL: the whole field */
	const char *path;            /* NULL: of the line */
};

struct pipeline {
	struct importer *im;
	const char *holds[MAX_FILTERS];      /* expressions that a line has to match */
	const char *lacks[MAX_FILTERS];      /* and those that it must not */
	size_t n_holds, n_lacks;
	struct extracted extracted[MAX_EXTRACTED];
	size_t n_extracted;
	const char *selector;                /* the streams, which we do not see */
	/* Of the block at hand: */
	const char *name;
	const char *severity, *category;     /* of its static labels */
	bool filtered, labelled;
	size_t made;                         /* rules of the block */
};

/* ---- joining expressions ---- */

static const char *without_utf(const char *expression, bool *utf)
{
	bool has = strncmp(expression, "(*UTF)", 6) == 0;
	*utf = *utf || has;
	return has ? expression + 6 : expression;
}

/* One expression for a line that matches all of them, or any. */
static const char *join(struct arena *a, const char *const *list, size_t n, bool all)
{
	if (n == 1)
		return list[0];
	struct text t = { 0 };
	bool utf = false;
	for (size_t i = 0; i < n; i++)
		text_addf(&t, all ? "%s(?=.*?(?:%s))" : "%s(?:%s)", i ? (all ? "" : "|") : (all ? "^" : ""),
		          without_utf(list[i], &utf));
	const char *joined = arena_printf(a, "%s%.*s", utf ? "(*UTF)" : "", (int)t.length, t.data ? t.data : "");
	text_free(&t);
	return joined;
}

/* ---- selectors: {streams} |= "text" !~ "expression" ---- */

/* A text of LogQL behind *p: `raw` or "with escapes". NULL when there is none. */
static const char *read_string(struct arena *a, const char **p)
{
	struct text t = { 0 };
	char quote = **p;
	const char *at = *p + 1;
	if (quote != '"' && quote != '`')
		return NULL;
	for (; *at && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && at[1]) {
			at++;
			const char *known = strchr("n\nt\tr\r", *at);
			bool letter = known && (*at == 'n' || *at == 't' || *at == 'r');
			text_add(&t, letter ? known + 1 : at, 1);
		} else {
			text_add(&t, at, 1);
		}
	}
	bool good = *at == quote && !t.failed;
	const char *text = good ? arena_strndup(a, t.data ? t.data : "", t.length) : NULL;
	*p = *at ? at + 1 : at;
	text_free(&t);
	return text;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* The end of {...}; NULL when there is none. */
static const char *skip_streams(const char *p)
{
	char quote = 0;
	for (p++; *p; p++) {
		if (quote) {
			if (*p == '\\' && quote == '"' && p[1])
				p++;
			else if (*p == quote)
				quote = 0;
		} else if (*p == '"' || *p == '`') {
			quote = *p;
		} else if (*p == '}') {
			return p + 1;
		}
	}
	return NULL;
}

static const char *read_filter_text(struct pipeline *p, const struct node *at, const char *text, bool regex)
{
	if (!regex) {
		struct text t = { 0 };
		expression_add_literal(&t, text, strlen(text));
		const char *literal = arena_strndup(p->im->arena, t.data ? t.data : "", t.length);
		text_free(&t);
		return literal;
	}
	struct expression e;
	struct node expression = *at;
	expression.text = text;
	expression.length = strlen(text);
	if (!import_read(p->im, DIALECT_GO, &expression, "a line filter", &e))
		return NULL;
	return import_write(p->im, &e, NULL, at, "a line filter");
}

/* One filter, with its alternatives. False when the block cannot be carried over; told. */
static bool read_filter(struct pipeline *p, const struct node *at, const char **ret_rest)
{
	const char *s = *ret_rest, *list[MAX_FILTERS];
	bool regex = s[1] == '~', negative = s[0] == '!';
	size_t n = 0;
	if (!((s[0] == '|' || s[0] == '!') && (s[1] == '=' || s[1] == '~'))) {
		import_left(p->im, at, "not carried over: '%.20s' in a selector is no line filter that we know", s);
		return false;
	}
	s += 2;
	do {
		s = skip_blanks(s);
		const char *text = read_string(p->im->arena, &s);
		if (!text || n == MAX_FILTERS) {
			import_left(p->im, at, "not carried over: a line filter is not a text, or has too many");
			return false;
		}
		/* An empty filter lets every line pass. */
		if (*text && !(list[n++] = read_filter_text(p, at, text, regex)))
			return false;
		s = skip_blanks(s);
	} while (strncmp(s, "or", 2) == 0 && (s += 2));
	*ret_rest = s;
	if (!n)
		return true;
	if (p->n_holds == MAX_FILTERS || p->n_lacks == MAX_FILTERS) {
		import_left(p->im, at, "not carried over: more than %d line filters", MAX_FILTERS);
		return false;
	}
	const char *joined = join(p->im->arena, list, n, false);
	if (negative)
		p->lacks[p->n_lacks++] = joined;
	else
		p->holds[p->n_holds++] = joined;
	p->filtered = true;
	return true;
}

static bool read_selector(struct pipeline *p, const struct node *at)
{
	const char *s = skip_blanks(at->text), *streams = s;
	if (*s != '{' || !(s = skip_streams(s))) {
		import_left(p->im, at, "not carried over: the selector does not begin with {streams}");
		return false;
	}
	p->selector = arena_strndup(p->im->arena, streams, (size_t)(s - streams));
	for (s = skip_blanks(s); *s; s = skip_blanks(s))
		if (!read_filter(p, at, &s))
			return false;
	return true;
}

/* ---- rules ---- */

static const struct extracted *find_extracted(const struct pipeline *p, const char *name)
{
	for (size_t i = p->n_extracted; i-- > 0;)
		if (strcmp(p->extracted[i].name, name) == 0)
			return &p->extracted[i];
	return NULL;
}

static void remember(struct pipeline *p, const struct node *at, const char *name, const char *regex, const char *path)
{
	if (p->n_extracted == MAX_EXTRACTED) {
		import_left(p->im, at, "'%s' is left out: a pipeline extracts more than %d values", name, MAX_EXTRACTED);
		return;
	}
	p->extracted[p->n_extracted++] = (struct extracted){ name, regex, path };
}

/* The condition of a rule: the filters of the block, and what was extracted. NULL and told. */
static struct condition *make_condition(struct pipeline *p, const struct node *at, const char *what,
                                        const struct extracted *from, const char *value)
{
	if (from && from->path) {
		if (p->n_holds) {
			import_left(p->im, at, "%s: not carried over: a field and a line filter together", what);
			return NULL;
		}
		struct condition *c = condition_new(p->im, CONDITION_FIELD, from->regex ? from->regex : "");
		c->path = from->path;
		if (value) {
			struct text t = { 0 };
			expression_add_literal(&t, value, strlen(value));
			c->text = arena_printf(p->im->arena, "^%.*s$", (int)t.length, t.data ? t.data : "");
			text_free(&t);
		} else if (!from->regex) {
			c->text = ".";
		}
		return c;
	}
	const char *all[MAX_FILTERS + 1];
	size_t n = 0;
	for (; n < p->n_holds; n++)
		all[n] = p->holds[n];
	if (from)
		all[n++] = from->regex;
	if (!n) {
		import_left(p->im, at, "%s: not carried over: it concerns every line", what);
		return NULL;
	}
	return condition_new(p->im, CONDITION_REGEX, join(p->im->arena, all, n, true));
}

/* A rule of the block: `name` and `text` are what its stage says of it. */
static void make_rule(struct pipeline *p, const struct node *at, const char *name, const char *text,
                      const struct extracted *from, const char *value)
{
	struct importer *im = p->im;
	struct imported_rule *rule = import_rule_new(im, "promtail", name, at);
	if (!rule)
		return;
	rule->match = make_condition(p, at, arena_printf(im->arena, "'%s'", rule->name), from, value);
	if (!rule->match)
		return;
	if (p->n_lacks)
		rule->unless = join(im->arena, p->lacks, p->n_lacks, false);
	rule->title = import_title(im->arena, text && *text ? text : import_words(im->arena, name), 200);
	const char *words = arena_printf(im->arena, "%s %s %s", name, text ? text : "", p->name ? p->name : "");
	const char *category = p->category ? p->category : import_category(words);
	rule->category = category ? category : im->category ? im->category : "application_crash";
	rule->severity = p->severity                               ? p->severity
	                 : import_sounds_bad(words) || (rule->match->text && import_sounds_bad(rule->match->text))
	                                                           ? "high"
	                                                           : "low";
	if (!p->severity && strcmp(rule->severity, "low") == 0)
		import_remark(im, rule, "severity low, which fails no log: nothing there says that this is a failure");
	if (p->selector && strcmp(p->selector, "{}") != 0)
		import_part(im, rule, at, "only in the streams %s there; here in every log",
		            import_title(im->arena, p->selector, 200));
	if (value && from && !from->path)
		import_part(im, rule, at, "there only where '%s' is '%s'; here with any value", from->name,
		            import_title(im->arena, value, 100));
	p->made++;
	import_rule_add(im, rule);
}

/* ---- stages ---- */

static void read_stages(struct pipeline *p, const struct node *stages, unsigned depth);

static void read_match(struct pipeline *p, const struct node *stage, unsigned depth)
{
	const struct node *selector = node_get(stage, "selector");
	const char *action = node_text(stage, "action"), *name = node_text(stage, "pipeline_name");
	if (!selector || selector->kind != NODE_TEXT) {
		import_left(p->im, stage, "stage 'match': not imported: it has no selector");
		return;
	}
	if (action && strcmp(action, "drop") == 0) {
		import_left(p->im, stage, "stage 'match' that drops lines: not imported");
		return;
	}
	struct pipeline *inner = arena_alloc(p->im->arena, sizeof(*inner));
	*inner = *p;
	inner->name = name;
	inner->filtered = inner->labelled = false;
	inner->made = 0;
	if (!read_selector(inner, selector))
		return;
	const struct node *stages = node_get(stage, "stages");
	if (stages)
		read_stages(inner, stages, depth + 1);
	if (inner->made)
		return;
	if (inner->filtered && inner->n_holds && inner->labelled)
		make_rule(inner, stage, name ? name : inner->holds[inner->n_holds - 1], name, NULL, NULL);
	else
		import_left(p->im, stage, "stage 'match': not imported: %s",
		            !inner->filtered ? "it has no line filter" : "it neither labels nor counts a line");
}

static void read_regex(struct pipeline *p, const struct node *stage)
{
	const struct node *expression = node_get(stage, "expression");
	const char *source = node_text(stage, "source");
	const struct extracted *from = source ? find_extracted(p, source) : NULL;
	struct expression e;
	if (!expression || expression->kind != NODE_TEXT) {
		import_left(p->im, stage, "stage 'regex': not imported: it has no expression");
		return;
	}
	if (source && (!from || !from->path || from->regex)) {
		import_left(p->im, stage, "stage 'regex': not imported: its source '%s' is no field of the line", source);
		return;
	}
	if (!import_read(p->im, DIALECT_GO, expression, "stage 'regex'", &e))
		return;
	const char *text = import_write(p->im, &e, NULL, expression, "stage 'regex'");
	const char *path = from ? from->path : NULL;
	for (unsigned g = 1; text && g <= e.groups; g++) {
		const char *name = expression_group_name(&e, g);
		if (name)
			remember(p, stage, name, text, path);
	}
}

static bool is_simple_path(const char *path)
{
	for (const char *p = path; *p; p++)
		if (!(((*p | 32) >= 'a' && (*p | 32) <= 'z') || (*p >= '0' && *p <= '9') || strchr("_.-", *p)))
			return false;
	return *path != '\0';
}

/* `json` and `logfmt`: names for fields. */
static void read_fields(struct pipeline *p, const struct node *stage, const char *key, const char *kind)
{
	const struct node *map = node_get(stage, key);
	if (node_text(stage, "source")) {
		import_left(p->im, stage, "stage '%s': not imported: it reads a value, not the line", kind);
		return;
	}
	for (const struct node *item = map ? map->first : NULL; item; item = item->next) {
		const char *path = item->kind == NODE_TEXT && *item->text && !item->null ? item->text : item->key;
		if (item->key && path && is_simple_path(path))
			remember(p, item, item->key, NULL, path);
		else
			import_left(p->im, item, "'%s' is left out: '%s' is more than a path", item->key ? item->key : "",
			            path ? path : "");
	}
}

/* Labels taken from a line: a rule for each expression that they come from. */
static void read_labels(struct pipeline *p, const struct node *stage, const char *kind)
{
	const char *done[MAX_EXTRACTED];
	size_t n = 0;
	p->labelled = true;
	for (const struct node *item = stage->first; item; item = item->next) {
		const char *source = item->kind == NODE_TEXT && *item->text && !item->null ? item->text : item->key;
		const struct extracted *from = source ? find_extracted(p, source) : NULL;
		bool known = false;
		if (!from || !from->regex)
			continue;
		for (size_t i = 0; i < n; i++)
			known = known || done[i] == from->regex;
		if (known)
			continue;
		done[n++] = from->regex;
		make_rule(p, item, p->name ? p->name : arena_printf(p->im->arena, "label %s", item->key),
		          p->name, from, NULL);
	}
	if (!n && !p->filtered)
		import_left(p->im, stage, "stage '%s': not imported: no expression chooses its lines", kind);
}

static void read_static_labels(struct pipeline *p, const struct node *stage)
{
	p->labelled = true;
	for (const struct node *item = stage->first; item; item = item->next) {
		if (item->kind != NODE_TEXT || !item->key)
			continue;
		bool level = strcmp(item->key, "severity") == 0 || strcmp(item->key, "level") == 0;
		if (level && import_severity(item->text))
			p->severity = import_severity(item->text);
		if (strcmp(item->key, "category") == 0)
			p->category = import_category(item->text);
	}
}

static void read_metric(struct pipeline *p, const struct node *metric)
{
	const char *type = node_text(metric, "type"), *source = node_text(metric, "source");
	const struct node *config = node_get(metric, "config");
	const char *all = node_text(config, "match_all"), *value = node_text(config, "value");
	const char *what = metric->key ? metric->key : "";
	p->labelled = true;
	if (!type || strcasecmp(type, "counter") != 0) {
		import_left(p->im, metric, "metric '%s': not imported: a %s measures and knows nothing again", what,
		            type ? type : "metric without a type");
		return;
	}
	bool every = all && strcmp(all, "true") == 0;
	const struct extracted *from = every ? NULL : find_extracted(p, source ? source : what);
	if (!every && !from) {
		import_left(p->im, metric, "metric '%s': not imported: its source '%s' is taken from no line", what,
		            source ? source : what);
		return;
	}
	make_rule(p, metric, what, node_text(metric, "description"), from, value);
}

static void read_stage(struct pipeline *p, const struct node *stage, unsigned depth)
{
	const char *kind = stage->key ? stage->key : "";
	if (strcmp(kind, "match") == 0)
		read_match(p, stage, depth);
	else if (strcmp(kind, "regex") == 0)
		read_regex(p, stage);
	else if (strcmp(kind, "json") == 0)
		read_fields(p, stage, "expressions", kind);
	else if (strcmp(kind, "logfmt") == 0)
		read_fields(p, stage, "mapping", kind);
	else if (strcmp(kind, "labels") == 0 || strcmp(kind, "structured_metadata") == 0)
		read_labels(p, stage, kind);
	else if (strcmp(kind, "static_labels") == 0)
		read_static_labels(p, stage);
	else if (strcmp(kind, "docker") == 0 || strcmp(kind, "cri") == 0 || strcmp(kind, "decolorize") == 0)
		import_note(p->im, stage, "stage '%s': not needed, for messages are taken out of such wrappers", kind);
	else if (strcmp(kind, "metrics") == 0)
		for (const struct node *metric = stage->first; metric; metric = metric->next)
			read_metric(p, metric);
	else
		import_left(p->im, stage, "stage '%s': not imported: it knows no line again", kind);
}

static void read_stages(struct pipeline *p, const struct node *stages, unsigned depth)
{
	if (depth > 16) {
		import_left(p->im, stages, "stages nested more than 16 deep: not imported");
		return;
	}
	/* What a block says of all its lines is known before its rules are made. */
	for (const struct node *item = stages->first; item; item = item->next) {
		const struct node *labels = node_get(item, "static_labels");
		if (labels)
			read_static_labels(p, labels);
	}
	for (const struct node *item = stages->first; item; item = item->next) {
		if (item->kind != NODE_MAP || !item->first)
			import_left(p->im, item, "a stage is no mapping with its name: not imported");
		for (const struct node *stage = item->kind == NODE_MAP ? item->first : NULL; stage; stage = stage->next)
			read_stage(p, stage, depth);
	}
}

/* ---- the file ---- */

static bool is_stage_list(const struct node *node)
{
	static const char *const stages[] = { "match", "regex", "json", "logfmt", "docker", "cri", "labels", "metrics" };
	for (const struct node *item = node->kind == NODE_LIST ? node->first : NULL; item; item = item->next)
		for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
			if (item->kind == NODE_MAP && item->first && item->first->key && !item->first->next &&
			    strcmp(item->first->key, stages[i]) == 0)
				return true;
	return false;
}

static void read_pipeline(struct importer *im, const struct node *stages)
{
	struct pipeline *p = arena_alloc(im->arena, sizeof(*p));
	p->im = im;
	read_stages(p, stages, 0);
}

/* Every `pipeline_stages` below; with `im` NULL, only whether there is one. */
static bool walk(struct importer *im, const struct node *node)
{
	bool found = false;
	for (const struct node *child = node->first; child; child = child->next) {
		if (child->key && strcmp(child->key, "pipeline_stages") == 0) {
			found = true;
			if (im)
				read_pipeline(im, child);
		} else {
			found = walk(im, child) || found;
		}
	}
	return found;
}

bool promtail_knows(const struct node *root)
{
	for (const struct node *document = root->kind == NODE_LIST ? root->first : NULL; document;
	     document = document->next)
		if (is_stage_list(document))
			return true;
	return walk(NULL, root);
}

void import_promtail(struct importer *im, const struct node *root)
{
	bool found = false;
	for (const struct node *document = root->first; document; document = document->next) {
		if (is_stage_list(document)) {
			read_pipeline(im, document);
			found = true;
		} else {
			found = walk(im, document) || found;
		}
	}
	if (!found)
		import_left(im, root, "it has no 'pipeline_stages'");
}
