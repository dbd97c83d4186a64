/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV as RFC 4180 has it: a header, then one record a log. The columns are the keys of the JSON
 * format in their order, with the runbook taken apart; lists and objects stay JSON. docs/formats.md
 * is the contract.
 */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"

static void cell(struct text *t, const char *value, size_t length)
{
	text_adds(t, ",");
	text_add_csv(t, value, length);
}

static void word(struct text *t, const char *value)
{
	cell(t, value, strlen(value));
}

static void number(struct text *t, bool known, uint64_t n)
{
	text_adds(t, ",");
	if (known)
		text_add_number(t, n);
}

/* What the JSON format has as an object or a list; nothing where that is empty. */
static void structure(struct text *t, struct text *json)
{
	cell(t, json->length > 2 ? json->data : "", json->length > 2 ? json->length : 0);
	t->failed = t->failed || json->failed;
	json->length = 0;
}

void format_csv_begin(struct text *t)
{
	text_adds(t, "source,outcome,category,rule,pack,title,severity,owner,retry,line,offset,length,text,fields,"
	             "cause,fix,prevent,url,fingerprint,telling,also,lines,bytes,ruleset,warnings\r\n");
}

void format_csv_log(struct text *t, const char *source, const struct clsf_verdict *v, const char *hash)
{
	const struct clsf_rule *rule = v->rule;
	struct text json = { 0 };
	text_add_csv(t, source, strlen(source));
	word(t, clsf_outcome_name(v->outcome));
	word(t, v->category);
	word(t, rule ? rule->id : "");
	word(t, rule ? rule->pack : "");
	word(t, rule ? v->title : "");
	word(t, rule ? clsf_severity_name(rule->severity) : "");
	word(t, rule ? rule->owner : "");
	word(t, rule ? rule->retry : "");
	number(t, v->line.number, v->line.number);
	number(t, v->line.number, v->line.offset);
	number(t, v->line.number, v->line.length);
	cell(t, v->line.number ? v->line.text : "", v->line.number ? v->line.text_length : 0);
	format_json_fields(&json, v->fields, v->n_fields);
	structure(t, &json);
	word(t, v->cause);
	word(t, v->fix);
	word(t, v->prevent);
	word(t, v->url);
	word(t, v->fingerprint);
	format_json_telling(&json, v);
	structure(t, &json);
	format_json_also(&json, v);
	structure(t, &json);
	number(t, true, v->lines);
	number(t, true, v->bytes);
	word(t, hash);
	format_json_warnings(&json, v);
	structure(t, &json);
	text_adds(t, "\r\n");
	text_free(&json);
}
