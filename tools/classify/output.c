/* SPDX-License-Identifier: Apache-2.0 */
/* See output.h: what the formats share, and the choice among them. */

#include "output.h"

#include "output_formats.h"

static void emit(FILE *f, struct text *t)
{
	if (t->failed)
		fputs("classify: out of memory\n", stderr);
	else if (t->length)
		fwrite(t->data, 1, t->length, f);
	text_free(t);
}

void output_begin(const struct output_options *o, FILE *f)
{
	struct text t = { 0 };
	if (o->format == OUTPUT_JSON)
		text_adds(&t, "{\"schema\":1,\"logs\":[");
	emit(f, &t);
}

void output_log(const struct output_options *o, FILE *f, const char *source, const struct clsf_verdict *v,
                const char *hash, bool first)
{
	struct text t = { 0 };
	switch (o->format) {
	case OUTPUT_TEXT:
		format_text_log(o, &t, source, v);
		break;
	case OUTPUT_MARKDOWN:
		format_markdown_log(&t, source, v, hash);
		break;
	case OUTPUT_JSON:
		text_adds(&t, first ? "\n" : ",\n");
		format_json_log(&t, source, v, hash);
		break;
	case OUTPUT_JSONL:
		format_json_log(&t, source, v, hash);
		text_adds(&t, "\n");
		break;
	case OUTPUT_POSTMORTEM:
		break;
	}
	emit(f, &t);
}

void output_end(const struct output_options *o, FILE *f, const struct output_totals *totals,
                struct groups *groups)
{
	struct text t = { 0 };
	groups_finish(groups);
	switch (o->format) {
	case OUTPUT_TEXT:
		format_text_end(o, &t, totals, groups);
		break;
	case OUTPUT_MARKDOWN:
		format_markdown_end(&t, totals, groups);
		break;
	case OUTPUT_JSON:
		text_adds(&t, "],\"groups\":[");
		format_json_groups(&t, groups);
		text_adds(&t, "]}\n");
		break;
	case OUTPUT_JSONL:
	case OUTPUT_POSTMORTEM:
		break;
	}
	emit(f, &t);
}

void output_match(FILE *f, const char *source, const struct clsf_match *m)
{
	/* There may be millions: one buffer serves them all. */
	static struct text t;
	t.length = 0;
	t.failed = false;
	format_json_match(&t, source, m);
	text_adds(&t, "\n");
	if (t.failed)
		fputs("classify: out of memory\n", stderr);
	else
		fwrite(t.data, 1, t.length, f);
}
