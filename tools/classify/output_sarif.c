/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0 for code scanning: a result a failed log, with the rules that are
 * named in it. Results are written as they come; the artifacts that they are in and
 * what was warned of follow them. docs/formats.md is the contract.
 */

#include <inttypes.h>
#include <string.h>

#include "output_formats.h"
#include "tally.h"

#define UNKNOWN "unknown"    /* the rule of results that no rule explains; ids of ours have a dash */

static void own(struct text *t, const char *s)
{
	text_add_json(t, s, strlen(s));
}

static void member(struct text *t, const char *name, const char *s)
{
	text_addf(t, ",\"%s\":", name);
	own(t, s);
}

/*
 * A message, where braces hold places of arguments and "[text](address)" is a link:
 * nothing of what a log says may be either.
 */
static void message(struct text *t, const char *data, size_t length)
{
	struct text escaped = { 0 };
	bool link = memmem(data, length, "](", 2) != NULL;
	for (size_t i = 0; i < length; i++) {
		if (data[i] == '{' || data[i] == '}')
			text_add(&escaped, data + i, 1);
		else if (link && (data[i] == '[' || data[i] == ']'))
			text_adds(&escaped, "\\");
		text_add(&escaped, data + i, 1);
	}
	text_adds(t, "{\"text\":");
	text_add_json(t, escaped.data ? escaped.data : "", escaped.length);
	text_adds(t, "}");
	t->failed = t->failed || escaped.failed;
	text_free(&escaped);
}

static const char *level(enum clsf_severity severity)
{
	return severity == CLSF_SEVERITY_CRITICAL || severity == CLSF_SEVERITY_HIGH ? "error"
	       : severity == CLSF_SEVERITY_MEDIUM                                  ? "warning"
	                                                                           : "note";
}

/* A URI of a path in the file system; a relative one stays so. */
static void path_uri(struct text *t, const char *path, size_t length)
{
	text_adds(t, *path == '/' ? "\"file://" : "\"");
	text_add_uri_path(t, path, length);
	text_adds(t, "\"");
}

static void snippet(struct text *t, const char *data, size_t length)
{
	text_adds(t, ",\"snippet\":{\"text\":");
	text_add_json(t, data, length);
	text_adds(t, "}");
}

/* ---- artifacts ---- */

static void begin_artifact(struct text *spooled, struct output_state *state)
{
	text_adds(spooled, state->n_spooled ? ",\n{\"location\":{\"uri\":" : "\n{\"location\":{\"uri\":");
}

static size_t end_artifact(struct text *spooled, struct output_state *state, size_t parent)
{
	text_addf(spooled, ",\"index\":%zu}", state->n_spooled);
	if (parent)
		text_addf(spooled, ",\"parentIndex\":%zu", parent - 1);
	text_adds(spooled, "}");
	return ++state->n_spooled;
}

/*
 * The mark before the name of a member; NULL where the source is none. A file may have a "!" in its
 * name as well, and nothing tells it from a member, but no part of a member's name is empty.
 */
static const char *member_mark(const char *source)
{
	const char *mark = strrchr(source, '!');
	return mark && mark[1] && *source != '!' && !strstr(source, "!!") ? mark : NULL;
}

/*
 * An artifact for each part of "a.tar!b.zip!c.log", inside each other. Members of an
 * archive come one after the other, so that it is enough to remember the last one.
 * Returns 1 + the index of the innermost.
 */
static size_t add_artifacts(struct text *spooled, struct output_state *state, const char *source)
{
	const char *last = member_mark(source);
	struct text *container = &state->container;
	size_t length = last ? (size_t)(last - source) : 0, parent = 0;
	const char *name = source;
	if (last) {
		if (container->length == length && memcmp(container->data, source, length) == 0) {
			parent = state->container_index;
			name = last + 1;
		} else {
			for (const char *mark; (mark = strchr(name, '!')) && mark <= last; name = mark + 1) {
				begin_artifact(spooled, state);
				if (parent) {
					text_adds(spooled, "\"");
					text_add_uri_path(spooled, name, (size_t)(mark - name));
					text_adds(spooled, "\"");
				} else {
					path_uri(spooled, name, (size_t)(mark - name));
				}
				parent = end_artifact(spooled, state, parent);
			}
			container->length = 0;
			text_add(container, source, length);
			state->container_index = parent;
			state->failed = state->failed || container->failed;
		}
	}
	begin_artifact(spooled, state);
	if (parent) {
		text_adds(spooled, "\"");
		text_add_uri_path(spooled, name, strlen(name));
		text_adds(spooled, "\"");
	} else {
		path_uri(spooled, name, strlen(name));
	}
	return end_artifact(spooled, state, parent);
}

/* ---- results ---- */

/* Of a member the URI is its path within the archive; the artifact at `index` leads to that. */
static void location(struct text *t, const char *source, size_t artifact)
{
	text_adds(t, "{\"uri\":");
	const char *mark = member_mark(source);
	if (mark) {
		text_adds(t, "\"");
		text_add_uri_path(t, mark + 1, strlen(mark + 1));
		text_adds(t, "\"");
	} else {
		path_uri(t, source, strlen(source));
	}
	text_addf(t, ",\"index\":%zu}", artifact);
}

static void context(struct text *t, const struct clsf_verdict *v)
{
	struct text lines = { 0 };
	if (v->before_length + v->after_length == 0)
		return;
	text_add(&lines, v->before, v->before_length);
	text_add(&lines, v->line.text, v->line.text_length);
	text_adds(&lines, "\n");
	text_add(&lines, v->after, v->after_length);
	text_addf(t, ",\"contextRegion\":{\"startLine\":%" PRIu64 ",\"endLine\":%" PRIu64,
	          v->line.number - text_count_lines(v->before, v->before_length),
	          v->line.number + text_count_lines(v->after, v->after_length));
	snippet(t, lines.data ? lines.data : "", lines.length);
	text_adds(t, "}");
	t->failed = t->failed || lines.failed;
	text_free(&lines);
}

static void place(struct text *t, const char *source, size_t artifact, const struct clsf_verdict *v)
{
	text_adds(t, "\"locations\":[{\"physicalLocation\":{\"artifactLocation\":");
	location(t, source, artifact);
	if (v->line.number) {
		text_addf(t, ",\"region\":{\"startLine\":%" PRIu64 ",\"byteOffset\":%" PRIu64 ",\"byteLength\":%" PRIu64,
		          v->line.number, v->line.offset, v->line.length);
		snippet(t, v->line.text, v->line.text_length);
		text_adds(t, "}");
		context(t, v);
	}
	text_adds(t, "}}]");
}

/* The same for logs that failed of the same: the rule and its captures, or the template. */
static void fingerprint(struct text *t, const struct clsf_verdict *v)
{
	if (!v->rule) {
		text_adds(t, ",\"partialFingerprints\":{\"classifyTemplate/v1\":");
		own(t, v->fingerprint);
		text_adds(t, "}");
		return;
	}
	uint64_t hash = tally_hash(TALLY_HASH, v->rule->id, strlen(v->rule->id) + 1);
	for (size_t i = 0; i < v->n_fields; i++) {
		hash = tally_hash(hash, v->fields[i].name, strlen(v->fields[i].name) + 1);
		hash = tally_hash(hash, v->fields[i].value, v->fields[i].length);
		hash = tally_hash(hash, "", 1);
	}
	text_addf(t, ",\"partialFingerprints\":{\"classifyCause/v1\":\"%016" PRIx64 "\"}", hash);
}

static void properties(struct text *t, const struct clsf_verdict *v)
{
	text_adds(t, ",\"properties\":{\"category\":");
	own(t, v->category);
	if (v->rule) {
		member(t, "pack", v->rule->pack);
		member(t, "severity", clsf_severity_name(v->rule->severity));
		member(t, "owner", v->rule->owner);
		member(t, "retry", v->rule->retry);
		member(t, "cause", v->cause);
		member(t, "fix", v->fix);
		member(t, "prevent", v->prevent);
		member(t, "url", v->url);
	}
	text_adds(t, ",\"fields\":");
	format_json_fields(t, v->fields, v->n_fields);
	text_adds(t, ",\"telling\":");
	format_json_telling(t, v);
	text_adds(t, ",\"also\":");
	format_json_also(t, v);
	text_addf(t, ",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", v->lines, v->bytes);
}

static void result(struct text *t, const char *source, const struct clsf_verdict *v, size_t artifact,
                   size_t rule_index, bool first)
{
	text_adds(t, first ? "\n{\"ruleId\":" : ",\n{\"ruleId\":");
	own(t, v->rule ? v->rule->id : UNKNOWN);
	/* The rule of what no rule explains stands first in the list. */
	text_addf(t, ",\"ruleIndex\":%zu,\"kind\":\"fail\",\"level\":\"%s\",\"message\":", v->rule ? rule_index + 1 : 0,
	          v->rule ? level(v->rule->severity) : "error");
	message(t, v->title, strlen(v->title));
	text_adds(t, ",");
	place(t, source, artifact, v);
	fingerprint(t, v);
	properties(t, v);
	text_adds(t, "}");
}

static void notify(struct text *noted, struct output_state *state, const char *source, const struct clsf_verdict *v)
{
	for (size_t i = 0; i < v->n_warnings; i++) {
		const struct clsf_warning *w = &v->warnings[i];
		text_adds(noted, state->n_notes++ ? ",\n{\"descriptor\":{\"id\":" : "\n{\"descriptor\":{\"id\":");
		own(noted, clsf_warning_name(w->code));
		text_addf(noted, "},\"level\":\"%s\",\"message\":",
		          w->code == CLSF_WARN_TRUNCATED_INPUT || w->code == CLSF_WARN_RULE_QUARANTINED ? "error"
		                                                                                         : "warning");
		message(noted, w->message, strlen(w->message));
		text_adds(noted, ",\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
		path_uri(noted, source, strlen(source));
		text_adds(noted, "}");
		if (w->line)
			text_addf(noted, ",\"region\":{\"startLine\":%" PRIu64 "}", w->line);
		else if (w->has_offset)
			text_addf(noted, ",\"region\":{\"byteOffset\":%" PRIu64 "}", w->offset);
		text_adds(noted, "}}]}");
	}
}

void format_sarif_begin(struct text *t)
{
	text_adds(t, "{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{"
	             "\"columnKind\":\"unicodeCodePoints\",\"results\":[");
}

void format_sarif_log(struct text *t, struct text *spooled, struct text *noted, struct output_state *state,
                      const char *source, const struct clsf_verdict *v, size_t rule_index)
{
	notify(noted, state, source, v);
	if (v->outcome != CLSF_FAILED)
		return;
	bool first = state->n_spooled == 0;
	size_t artifact = add_artifacts(spooled, state, source);
	result(t, source, v, artifact - 1, rule_index, first);
}

/* ---- the end ---- */

void format_sarif_artifacts(struct text *t)
{
	text_adds(t, "],\n\"artifacts\":[");
}

void format_sarif_notes(struct text *t, const struct output_run *run)
{
	text_addf(t, "],\n\"invocations\":[{\"executionSuccessful\":%s,\"toolExecutionNotifications\":[",
	          run->complete ? "true" : "false");
}

/* The runbook as the rule has it, with its placeholders; filled in it is the result's. */
static void help(struct text *t, const struct clsf_rule *rule)
{
	const char *const parts[][2] = {
		{ "Cause", rule->cause }, { "Fix", rule->fix }, { "Prevent", rule->prevent }, { "See", rule->url },
	};
	struct text plain = { 0 }, markdown = { 0 };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *s = parts[i][1];
		if (!*s)
			continue;
		text_addf(&plain, "%s%s: ", plain.length ? "\n" : "", parts[i][0]);
		text_adds(&plain, s);
		text_addf(&markdown, "%s**%s.**%s", markdown.length ? "\n\n" : "", parts[i][0], i == 1 ? "\n\n" : " ");
		if (i == 1)
			text_add_code_block(&markdown, "sh", s, strlen(s));
		else if (i == 3 && text_is_address(s))
			text_addf(&markdown, "<%s>", s);
		else
			text_add_markdown(&markdown, s, strlen(s));
	}
	if (plain.length) {
		text_adds(t, ",\"help\":{\"text\":");
		text_add_json(t, plain.data, plain.length);
		text_adds(t, ",\"markdown\":");
		text_add_json(t, markdown.data ? markdown.data : "", markdown.length);
		text_adds(t, "}");
	}
	if (text_is_address(rule->url))
		member(t, "helpUri", rule->url);
	t->failed = t->failed || plain.failed || markdown.failed;
	text_free(&plain);
	text_free(&markdown);
}

static void descriptor(struct text *t, const struct clsf_rule *rule)
{
	text_adds(t, ",\n{\"id\":");
	own(t, rule->id);
	text_adds(t, ",\"shortDescription\":{\"text\":");
	own(t, *rule->title ? rule->title : rule->id);
	text_adds(t, "}");
	help(t, rule);
	text_addf(t, ",\"defaultConfiguration\":{\"level\":\"%s\"},\"properties\":{\"tags\":[", level(rule->severity));
	own(t, rule->category);
	text_adds(t, "]");
	member(t, "category", rule->category);
	member(t, "pack", rule->pack);
	member(t, "severity", clsf_severity_name(rule->severity));
	member(t, "owner", rule->owner);
	member(t, "retry", rule->retry);
	text_adds(t, "}}");
}

void format_sarif_end(struct text *t, const struct output_state *state, const struct output_totals *totals,
                      const struct output_run *run)
{
	text_adds(t, "]}],\n\"tool\":{\"driver\":{\"name\":\"classify\"");
	member(t, "version", clsf_version());
	text_adds(t, ",\"rules\":[\n{\"id\":\"" UNKNOWN "\",\"shortDescription\":{\"text\":\"It failed, and no rule says "
	             "why\"},\"defaultConfiguration\":{\"level\":\"error\"},"
	             "\"properties\":{\"tags\":[\"unknown\"],\"category\":\"unknown\"}}");
	for (size_t i = 0; i < state->counts.n_rules; i++)
		descriptor(t, state->counts.rule[i].rule);
	text_addf(t, "]}},\n\"properties\":{\"logs\":%zu,\"failed\":%zu,\"passed\":%zu,\"undetermined\":%zu", totals->logs,
	          totals->failed, totals->passed, totals->undetermined);
	if (run->ruleset)
		member(t, "ruleset", clsf_ruleset_hash(run->ruleset));
	text_adds(t, "}}]}\n");
}
