/* SPDX-License-Identifier: Apache-2.0 */
/* See output.h: what the formats share, and the choice among them. */

#include "output.h"

#include "cli.h"
#include "output_formats.h"

static void emit(FILE *f, struct text *t)
{
	print_text(f, t);
	text_free(t);
}

bool output_tells_groups(enum output_format format)
{
	return format == OUTPUT_TEXT || format == OUTPUT_JSON || format == OUTPUT_MARKDOWN ||
	       format == OUTPUT_POSTMORTEM;
}

bool output_waits(enum output_format format)
{
	return format == OUTPUT_JSON || format == OUTPUT_POSTMORTEM || format == OUTPUT_JUNIT || format == OUTPUT_SARIF;
}

/* Text that waits in a temporary file, made when there is some. */
static void keep(struct output_state *state, FILE **file, struct text *t)
{
	if (t->length && !*file)
		*file = tmpfile();
	if (t->failed || (t->length && (!*file || fwrite(t->data, 1, t->length, *file) != t->length)))
		state->failed = true;
	text_free(t);
}

/* What has waited comes now. */
static void release(struct output_state *state, FILE *file, FILE *f)
{
	static char chunk[65536];
	size_t n;
	if (!file)
		return;
	state->failed = state->failed || fflush(file) != 0;
	rewind(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		fwrite(chunk, 1, n, f);
	state->failed = state->failed || ferror(file);
}

void output_state_free(struct output_state *state)
{
	if (state->spool)
		fclose(state->spool);
	if (state->notes)
		fclose(state->notes);
	counts_free(&state->counts);
	text_free(&state->container);
	*state = (struct output_state){ 0 };
}

void output_begin(const struct output_options *o, FILE *f)
{
	struct text t = { 0 };
	if (o->format == OUTPUT_JSON)
		text_adds(&t, "{\"schema\":1,\"logs\":[");
	else if (o->format == OUTPUT_CSV)
		format_csv_begin(&t);
	else if (o->format == OUTPUT_SARIF)
		format_sarif_begin(&t);
	emit(f, &t);
}

void output_log(const struct output_options *o, struct output_state *state, FILE *f, const char *source,
                const struct clsf_verdict *v, const char *hash, bool first)
{
	struct text t = { 0 }, spooled = { 0 }, noted = { 0 };
	size_t rule = 0;
	if (o->format == OUTPUT_SARIF || o->format == OUTPUT_PROMETHEUS)
		rule = counts_add(&state->counts, v);
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
	case OUTPUT_CSV:
		format_csv_log(&t, source, v, hash);
		break;
	case OUTPUT_JUNIT:
		format_junit_log(&spooled, source, v);
		break;
	case OUTPUT_SARIF:
		format_sarif_log(&t, &spooled, &noted, state, source, v, rule);
		break;
	case OUTPUT_POSTMORTEM:
	case OUTPUT_PROMETHEUS:
		break;
	}
	keep(state, &state->spool, &spooled);
	keep(state, &state->notes, &noted);
	emit(f, &t);
}

void output_end(const struct output_options *o, struct output_state *state, FILE *f,
                const struct output_totals *totals, struct groups *groups, const struct output_run *run)
{
	struct text t = { 0 };
	groups_finish(groups);
	state->failed = state->failed || (output_tells_groups(o->format) && groups->failed_memory);
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
	case OUTPUT_JUNIT:
		format_junit_begin_suite(&t, totals);
		emit(f, &t);
		release(state, state->spool, f);
		format_junit_end(&t, run);
		break;
	case OUTPUT_SARIF:
		format_sarif_artifacts(&t);
		emit(f, &t);
		release(state, state->spool, f);
		format_sarif_notes(&t, run);
		emit(f, &t);
		release(state, state->notes, f);
		format_sarif_end(&t, state, totals, run);
		break;
	case OUTPUT_PROMETHEUS:
		format_prometheus_end(&t, &state->counts, totals, run);
		break;
	case OUTPUT_JSONL:
	case OUTPUT_CSV:
	case OUTPUT_POSTMORTEM:
		break;
	}
	state->failed = state->failed || state->counts.failed_memory;
	emit(f, &t);
}

void output_match(struct text *t, const char *source, const struct clsf_match *m)
{
	format_json_match(t, source, m);
	text_adds(t, "\n");
}
