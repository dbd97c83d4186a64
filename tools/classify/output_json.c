/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's formats: jsonl, json and --matches. Every key is always there;
 * the contract is docs/json.md.
 */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

/* The key that a constant names; one text, for there may be millions of matches. */
#define key(t, name) text_adds(t, ",\"" name "\":")

static void string(struct text *t, const char *data, size_t length)
{
	text_add_json(t, data, length);
}

static void own_string(struct text *t, const char *s)
{
	text_add_json(t, s, strlen(s));
}

/* null for "" */
static void own_or_null(struct text *t, const char *s)
{
	if (*s)
		own_string(t, s);
	else
		text_adds(t, "null");
}

void format_json_fields(struct text *t, const struct clsf_field *f, size_t n)
{
	text_adds(t, "{");
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_adds(t, ",");
		own_string(t, f[i].name);
		text_adds(t, ":");
		string(t, f[i].value, f[i].length);
	}
	text_adds(t, "}");
}

static void place(struct text *t, const struct clsf_line *line)
{
	if (!line->number) {
		text_adds(t, ",\"line\":null,\"offset\":null,\"length\":null,\"text\":null");
		return;
	}
	key(t, "line");
	text_add_number(t, line->number);
	key(t, "offset");
	text_add_number(t, line->offset);
	key(t, "length");
	text_add_number(t, line->length);
	key(t, "text");
	string(t, line->text, line->text_length);
}

static void runbook(struct text *t, const struct clsf_verdict *v)
{
	if (!v->rule) {
		text_adds(t, "null");
		return;
	}
	text_adds(t, "{\"cause\":");
	string(t, v->cause, strlen(v->cause));
	key(t, "fix");
	string(t, v->fix, strlen(v->fix));
	key(t, "prevent");
	string(t, v->prevent, strlen(v->prevent));
	key(t, "url");
	string(t, v->url, strlen(v->url));
	text_adds(t, "}");
}

void format_json_telling(struct text *t, const struct clsf_verdict *v)
{
	text_adds(t, "[");
	for (size_t i = 0; i < v->n_telling; i++) {
		text_addf(t, "%s{\"line\":%" PRIu64 ",\"text\":", i ? "," : "", v->telling[i].number);
		string(t, v->telling[i].text, v->telling[i].text_length);
		text_adds(t, "}");
	}
	text_adds(t, "]");
}

void format_json_also(struct text *t, const struct clsf_verdict *v)
{
	text_adds(t, "[");
	for (size_t i = 0; i < v->n_also; i++) {
		const struct clsf_also *a = &v->also[i];
		text_adds(t, i ? ",{\"rule\":" : "{\"rule\":");
		own_string(t, a->rule->id);
		key(t, "category");
		own_or_null(t, a->rule->category);
		text_addf(t, ",\"line\":%" PRIu64 ",\"text\":", a->line.number);
		string(t, a->line.text, a->line.text_length);
		text_addf(t, ",\"count\":%" PRIu64 ",\"why_not\":", a->count);
		own_string(t, a->why_not);
		text_adds(t, "}");
	}
	text_adds(t, "]");
}

void format_json_warnings(struct text *t, const struct clsf_verdict *v)
{
	text_adds(t, "[");
	for (size_t i = 0; i < v->n_warnings; i++) {
		const struct clsf_warning *w = &v->warnings[i];
		text_addf(t, "%s{\"code\":\"%s\",\"message\":", i ? "," : "", clsf_warning_name(w->code));
		own_string(t, w->message);
		if (w->line)
			text_addf(t, ",\"line\":%" PRIu64, w->line);
		else
			text_adds(t, ",\"line\":null");
		if (w->has_offset)
			text_addf(t, ",\"offset\":%" PRIu64 "}", w->offset);
		else
			text_adds(t, ",\"offset\":null}");
	}
	text_adds(t, "]");
}

void format_json_log(struct text *t, const char *source,
                     const struct clsf_verdict *v, const char *hash)
{
	const struct clsf_rule *rule = v->rule;
	text_adds(t, "{\"schema\":1,\"source\":");
	own_string(t, source);
	text_addf(t, ",\"outcome\":\"%s\",\"category\":", clsf_outcome_name(v->outcome));
	own_or_null(t, v->category);
	key(t, "rule");
	own_or_null(t, rule ? rule->id : "");
	key(t, "pack");
	own_or_null(t, rule ? rule->pack : "");
	key(t, "title");
	if (rule)
		string(t, v->title, strlen(v->title));
	else
		text_adds(t, "null");
	key(t, "severity");
	own_or_null(t, rule ? clsf_severity_name(rule->severity) : "");
	key(t, "owner");
	own_or_null(t, rule ? rule->owner : "");
	key(t, "retry");
	own_or_null(t, rule ? rule->retry : "");
	place(t, &v->line);
	key(t, "fields");
	format_json_fields(t, v->fields, v->n_fields);
	key(t, "runbook");
	runbook(t, v);
	key(t, "fingerprint");
	own_or_null(t, v->fingerprint);
	key(t, "telling");
	format_json_telling(t, v);
	key(t, "also");
	format_json_also(t, v);
	text_addf(t, ",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"ruleset\":", v->lines, v->bytes);
	own_string(t, hash);
	key(t, "warnings");
	format_json_warnings(t, v);
	text_adds(t, "}");
}

void format_json_match(struct text *t, const char *source,
                       const struct clsf_match *m)
{
	text_adds(t, "{\"schema\":1,\"source\":");
	own_string(t, source);
	key(t, "rule");
	own_string(t, m->rule->id);
	key(t, "category");
	own_or_null(t, m->rule->category);
	key(t, "role");
	own_string(t, clsf_role_name(m->rule->role));
	key(t, "severity");
	own_string(t, clsf_severity_name(m->rule->severity));
	place(t, &m->line);
	key(t, "fields");
	format_json_fields(t, m->fields, m->n_fields);
	text_adds(t, "}");
}

static void group(struct text *t, const struct groups *groups, const struct group *g)
{
	static const char *const kinds[] = { "rule", "template", "category", "run" };
	text_addf(t, "{\"kind\":\"%s\",\"rule\":", kinds[g->kind]);
	own_or_null(t, g->rule ? g->rule : "");
	key(t, "fingerprint");
	own_or_null(t, g->fingerprint ? g->fingerprint : "");
	key(t, "category");
	own_or_null(t, g->category ? g->category : "");
	key(t, "title");
	own_string(t, g->title ? g->title : "");
	key(t, "telling");
	own_or_null(t, g->telling ? g->telling : "");
	text_addf(t, ",\"count\":%zu,\"failed\":%zu,\"fields\":{", g->count, groups->failed);
	for (size_t k = 0; k < g->n_fields; k++) {
		if (k)
			text_adds(t, ",");
		own_string(t, g->fields[k].name);
		text_adds(t, ":");
		string(t, g->fields[k].value, strlen(g->fields[k].value));
	}
	text_adds(t, "},\"shared\":[");
	for (size_t k = 0; k < g->n_shares; k++) {
		text_adds(t, k ? ",{\"name\":" : "{\"name\":");
		own_string(t, g->shares[k].name);
		key(t, "value");
		own_string(t, g->shares[k].value);
		text_addf(t, ",\"count\":%zu}", g->shares[k].count);
	}
	text_adds(t, "],\"explained_by\":");
	own_or_null(t, g->explained_by ? groups->item[g->explained_by - 1].rule : "");
	key(t, "sources");
	text_adds(t, "[");
	for (size_t k = 0; k < g->n_sources; k++) {
		if (k)
			text_adds(t, ",");
		own_string(t, g->sources[k] ? g->sources[k] : "");
	}
	text_adds(t, "]}");
}

void format_json_groups(struct text *t, const struct groups *groups)
{
	for (size_t i = 0; i < groups->n && !groups->failed_memory; i++) {
		text_adds(t, i ? ",\n" : "\n");
		group(t, groups, &groups->item[i]);
	}
	t->failed = t->failed || groups->failed_memory;
}
