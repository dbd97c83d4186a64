/* SPDX-License-Identifier: Apache-2.0 */
/* Logs as they are remembered become verdicts again. See state.h. */

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "state_store.h"

#define COLUMNS \
	"l.source, l.outcome, l.category, l.rule, l.pack, l.severity, l.owner, l.retry, l.title, l.line, l.offset," \
	" l.length, l.text, l.before, l.after, l.fields, b.cause, b.fix, b.prevent, b.url, l.fingerprint, l.telling," \
	" l.also, l.warnings, l.lines, l.bytes, CAST(strftime('%s', l.first_time) AS INTEGER)," \
	" CAST(strftime('%s', l.last_time) AS INTEGER), l.timed, r.title"

enum column {
	SOURCE, OUTCOME, CATEGORY, RULE, PACK, SEVERITY, OWNER, RETRY, TITLE, LINE, OFFSET, LENGTH, TEXT, BEFORE,
	AFTER, FIELDS, CAUSE, FIX, PREVENT, URL, FINGERPRINT, TELLING, ALSO, WARNINGS, LINES, BYTES, FIRST, LAST,
	TIMED, RULE_TITLE,
};

/* A rule that is not among those of now; it lives as long as the state. */
struct state_ghost {
	struct state_ghost *next;
	struct clsf_rule rule;
};

static enum clsf_severity severity_of(const char *name)
{
	for (int i = CLSF_SEVERITY_INFO; i <= CLSF_SEVERITY_CRITICAL; i++)
		if (strcmp(clsf_severity_name((enum clsf_severity)i), name) == 0)
			return (enum clsf_severity)i;
	return CLSF_SEVERITY_HIGH;
}

static const char *keep(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

static int by_name(const void *key, const void *element)
{
	return strcmp(key, ((const struct state_rule *)element)->rule->id);
}

/* The rule of now with this id, or what is remembered of it. */
static const struct clsf_rule *find_rule(struct state *st, const struct clsf_rule *like)
{
	const struct state_rule *now = bsearch(like->id, st->rules, st->n_rules, sizeof(*st->rules), by_name);
	if (now)
		return now->rule;
	for (struct state_ghost *g = st->ghost; g; g = g->next)
		if (strcmp(g->rule.id, like->id) == 0)
			return &g->rule;
	struct state_ghost *g = arena_alloc(&st->ghosts, sizeof(*g));
	g->rule = *like;
	const char **texts[] = { &g->rule.id, &g->rule.pack, &g->rule.title, &g->rule.category, &g->rule.owner,
		                 &g->rule.retry };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = keep(&st->ghosts, *texts[i] ? *texts[i] : "");
	g->rule.cause = g->rule.fix = g->rule.prevent = g->rule.url = g->rule.file = "";
	g->next = st->ghost;
	st->ghost = g;
	return &g->rule;
}

/* ---- a row ---- */

static const char *column_text(struct sql_query *q, struct arena *a, enum column column, size_t *ret_length)
{
	size_t length;
	const char *text = sql_get_text(q, (int)column, &length);
	if (ret_length)
		*ret_length = length;
	return arena_strndup(a, text, length);
}

static struct node *column_json(struct sql_query *q, struct arena *a, enum column column)
{
	struct document_fault fault;
	size_t length;
	const char *text = sql_get_text(q, (int)column, &length);
	struct node *root = length > 2 ? document_read_json(a, text, length, &fault) : NULL;
	/* The root is the list of documents. */
	return root ? root->first : NULL;
}

static size_t count(const struct node *list)
{
	size_t n = 0;
	for (const struct node *node = list ? list->first : NULL; node; node = node->next)
		n++;
	return n;
}

static struct clsf_line line_of(const struct node *node)
{
	const struct node *text = node_get(node, "text");
	long number = node_number(node, "line");
	return (struct clsf_line){
		.number = number > 0 ? (uint64_t)number : 0, .text = text ? text->text : "",
		.text_length = text ? text->length : 0, .length = text ? text->length : 0,
	};
}

static void read_lists(struct state *st, struct sql_query *q, struct arena *a, struct clsf_verdict *v)
{
	size_t i = 0;
	const struct node *list = column_json(q, a, FIELDS);
	struct clsf_field *fields = arena_alloc(a, (count(list) + 1) * sizeof(*fields));
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		fields[i++] = (struct clsf_field){ n->key, n->text ? n->text : "", n->length };
	v->fields = fields;
	v->n_fields = i;
	list = column_json(q, a, TELLING);
	struct clsf_line *telling = arena_alloc(a, (count(list) + 1) * sizeof(*telling));
	i = 0;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		telling[i++] = line_of(n);
	v->telling = telling;
	v->n_telling = i;
	list = column_json(q, a, ALSO);
	struct clsf_also *also = arena_alloc(a, (count(list) + 1) * sizeof(*also));
	i = 0;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next) {
		const char *id = node_text(n, "rule"), *category = node_text(n, "category"), *why = node_text(n, "why_not");
		struct clsf_rule like = { .id = id ? id : "", .title = id, .category = category,
			                  .severity = CLSF_SEVERITY_HIGH };
		long times = node_number(n, "count");
		also[i++] = (struct clsf_also){ find_rule(st, &like), line_of(n), times > 0 ? (uint64_t)times : 1,
			                        why ? why : "" };
	}
	v->also = also;
	v->n_also = i;
	list = column_json(q, a, WARNINGS);
	struct clsf_warning *warnings = arena_alloc(a, (count(list) + 1) * sizeof(*warnings));
	i = 0;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next) {
		const char *code = node_text(n, "code"), *message = node_text(n, "message");
		long line = node_number(n, "line"), offset = node_number(n, "offset");
		struct clsf_warning *w = &warnings[i++];
		*w = (struct clsf_warning){ .code = CLSF_WARN_LIMIT_REACHED, .message = message ? message : "",
			                    .line = line > 0 ? (uint64_t)line : 0, .has_offset = offset >= 0,
			                    .offset = offset >= 0 ? (uint64_t)offset : 0 };
		for (int k = CLSF_WARN_TRUNCATED_INPUT; code && k <= CLSF_WARN_ENGINE_FALLBACK; k++)
			if (strcmp(clsf_warning_name((enum clsf_warning_code)k), code) == 0)
				w->code = (enum clsf_warning_code)k;
	}
	v->warnings = warnings;
	v->n_warnings = i;
}

static void read_verdict(struct state *st, struct sql_query *q, struct arena *a, struct clsf_verdict *v)
{
	const char *outcome = sql_get_text(q, OUTCOME, NULL);
	*v = (struct clsf_verdict){ .outcome = CLSF_UNDETERMINED };
	for (int i = CLSF_UNDETERMINED; i <= CLSF_FAILED; i++)
		if (strcmp(clsf_outcome_name((enum clsf_outcome)i), outcome) == 0)
			v->outcome = (enum clsf_outcome)i;
	v->category = column_text(q, a, CATEGORY, NULL);
	v->title = column_text(q, a, TITLE, NULL);
	v->cause = column_text(q, a, CAUSE, NULL);
	v->fix = column_text(q, a, FIX, NULL);
	v->prevent = column_text(q, a, PREVENT, NULL);
	v->url = column_text(q, a, URL, NULL);
	v->fingerprint = column_text(q, a, FINGERPRINT, NULL);
	v->before = column_text(q, a, BEFORE, &v->before_length);
	v->after = column_text(q, a, AFTER, &v->after_length);
	v->line.number = (uint64_t)sql_get_number(q, LINE);
	v->line.offset = (uint64_t)sql_get_number(q, OFFSET);
	v->line.length = (uint64_t)sql_get_number(q, LENGTH);
	v->line.text = column_text(q, a, TEXT, &v->line.text_length);
	v->lines = (uint64_t)sql_get_number(q, LINES);
	v->bytes = (uint64_t)sql_get_number(q, BYTES);
	if (!sql_is_null(q, RULE)) {
		struct clsf_rule like = {
			.id = column_text(q, a, RULE, NULL), .pack = column_text(q, a, PACK, NULL),
			.title = column_text(q, a, sql_is_null(q, RULE_TITLE) ? TITLE : RULE_TITLE, NULL),
			.category = v->category, .severity = severity_of(sql_get_text(q, SEVERITY, NULL)),
			.owner = column_text(q, a, OWNER, NULL), .retry = column_text(q, a, RETRY, NULL),
		};
		v->rule = find_rule(st, &like);
	}
	read_lists(st, q, a, v);
}

/* ---- which ---- */

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	if (strncmp(path, folder, length) != 0)
		return false;
	return path[length] == '\0' || path[length] == '/' || (length && folder[length - 1] == '/');
}

static bool is_wanted(const struct list *roots, const char *path)
{
	for (size_t i = 0; i < roots->n; i++)
		if (is_below(path, roots->item[i]))
			return true;
	return false;
}

static bool recall_logs(struct state *st, struct sql_query *q, int64_t file, state_visitor visit, void *user)
{
	bool going = true;
	sql_bind_number(q, 1, file);
	while (going && sql_step(q)) {
		struct arena a = { 0 };
		struct clsf_verdict v;
		struct state_recalled log = { .verdict = &v };
		read_verdict(st, q, &a, &v);
		log.source = column_text(q, &a, SOURCE, NULL);
		log.first = sql_get_number(q, FIRST);
		log.last = sql_get_number(q, LAST);
		log.timed = sql_get_number(q, TIMED) != 0;
		going = visit(&log, user);
		arena_free(&a);
	}
	sql_reset(q);
	return going;
}

/* The files that the run came by, as a table. */
static void note_kept(struct state *st)
{
	sql_run(st->sql, "CREATE TEMP TABLE IF NOT EXISTS seen (file INTEGER PRIMARY KEY)");
	struct sql_query *q = sql_prepare(st->sql, "INSERT OR IGNORE INTO seen VALUES (?1)");
	for (size_t i = 0; i < st->n_kept; i++) {
		sql_bind_number(q, 1, st->kept[i]);
		sql_do(q);
	}
	sql_finish(q);
}

void state_recall(struct state *st, const struct list *inputs, state_visitor visit, void *user)
{
	struct identity_folder folder = { 0 };
	struct list roots = { 0 };
	for (size_t i = 0; i < inputs->n; i++) {
		char *path = identity_path(&folder, inputs->item[i]);
		if (path)
			list_add(&roots, path);
	}
	identity_folder_done(&folder);
	note_kept(st);
	struct sql_query *files = sql_prepare(st->sql,
		"SELECT f.id, f.path, s.file IS NOT NULL FROM files f LEFT JOIN seen s ON s.file = f.id"
		" WHERE f.run <> ?1 ORDER BY f.path");
	struct sql_query *logs = sql_prepare(st->sql,
		"SELECT " COLUMNS " FROM logs l JOIN files f ON f.id = l.file LEFT JOIN runbooks b ON b.id = l.runbook"
		" LEFT JOIN rules r ON r.ruleset = f.ruleset AND r.id = l.rule WHERE l.file = ?1 ORDER BY l.id");
	sql_bind_number(files, 1, st->run);
	bool going = true;
	while (going && sql_step(files))
		if (sql_get_number(files, 2) || is_wanted(&roots, sql_get_text(files, 1, NULL)))
			going = recall_logs(st, logs, sql_get_number(files, 0), visit, user);
	sql_finish(files);
	sql_finish(logs);
	for (size_t i = 0; i < roots.n; i++)
		free((void *)(uintptr_t)roots.item[i]);
	list_free(&roots);
}
