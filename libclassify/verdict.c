/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the summary of a log to its verdict: a pure function, run once when the
 * log ends. The order of evidence:
 *
 * - What stands before the newest success marker was recovered from.
 * - Causes go before symptoms; what another explains goes behind it. Causes that
 *   cannot fail a log, such as retries, go behind a symptom that came long after.
 * - Among causes: a line of error before a warning or a retry, a rule that can
 *   fail a log before one that cannot, what came before the end of the build
 *   before what came after it, then the last (the build survived the earlier
 *   ones), then the longer match on the same line.
 * - Among symptoms: the first, for later ones follow from it.
 *
 * A rule that matched nothing has no part in it: only rules with a count above
 * zero contend, explain, end an episode or say that the log ended; the lines
 * that are weighed as telling are chosen by markers that matched and by the
 * words in them; and ties are broken by what the contenders are, never by how
 * many rules there are. The one trace that such a rule may leave is a warning
 * of a limit, which its expressions share with those of the others. Incremental
 * scans rely on this, and tests/unit/test_subset.c tries it.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "redact.h"
#include "stream.h"

#define HINT_REACH 10        /* lines behind which a retry no longer tells why a log failed */

struct contender {
	const struct clsf__rule_state *state;
	const struct clsf__rule *rule;
	const struct clsf__rule *explained_by;
	bool recovered;
	bool late;                   /* first hit behind the terminal line */
	int rank;                    /* causes, symptoms, afterthoughts, information, what was recovered from */
};

static char *format(struct clsf_stream *s, const char *text, const char *a, const char *b)
{
	char out[512];
	int n = snprintf(out, sizeof(out), "%s%s%s", text, a, b);
	return clsf__arena_strndup(&s->arena, out, n < 0 ? 0 : (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
}

/* ---- order ---- */

static bool can_fail(const struct clsf__rule *rule)
{
	return rule->public.severity >= CLSF_SEVERITY_MEDIUM;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_evidence(const void *va, const void *vb)
{
	const struct contender *a = va, *b = vb;
	int order = a->rank - b->rank;
	if (order == 0)
		order = (int)a->rule->public.role - (int)b->rule->public.role;
	if (order == 0)
		order = (a->explained_by != NULL) - (b->explained_by != NULL);
	if (order == 0)
		order = a->late - b->late;
	if (order == 0)
		order = can_fail(b->rule) - can_fail(a->rule);
	if (order == 0)
		order = a->state->evidence.weak - b->state->evidence.weak;
	bool symptom = a->rule->public.role == CLSF_ROLE_SYMPTOM;
	if (order == 0)
		order = symptom ? compare_numbers(a->state->episode_line, b->state->episode_line)
		                : compare_numbers(b->state->episode_line, a->state->episode_line);
	if (order == 0)
		order = compare_numbers(b->state->evidence.span, a->state->evidence.span);
	if (order == 0)
		order = (int)b->rule->public.severity - (int)a->rule->public.severity;
	return order ? order : strcmp(a->rule->public.id, b->rule->public.id);
}

/*
 * Which other unrecovered contender of the same role or of a deeper one explains
 * it? `explainers` has room for n: those that explain anything are few.
 */
static void find_explanations(struct contender *c, size_t n, size_t *explainers)
{
	size_t n_explainers = 0;
	for (size_t k = 0; k < n; k++)
		if (!c[k].recovered && c[k].rule->n_explains)
			explainers[n_explainers++] = k;
	for (size_t i = 0; i < n; i++) {
		for (size_t e = 0; e < n_explainers && !c[i].explained_by; e++) {
			size_t k = explainers[e];
			if (k == i || c[i].recovered || c[k].rule == c[i].rule)
				continue;
			if (c[i].rule->public.role == CLSF_ROLE_CAUSE &&
			    c[k].rule->public.role == CLSF_ROLE_SYMPTOM)
				continue;
			if (!clsf__rule_explains(c[k].rule, c[i].rule))
				continue;
			/* Two that explain each other: the one that came first is the cause. */
			if (clsf__rule_explains(c[i].rule, c[k].rule) &&
			    c[i].rule->public.role == c[k].rule->public.role &&
			    c[i].state->episode_line <= c[k].state->episode_line)
				continue;
			c[i].explained_by = c[k].rule;
		}
	}
	/* In a ring of three or more nobody would be left: then explanations count for nothing. */
	bool left = false, causes = false;
	for (size_t i = 0; i < n; i++) {
		if (c[i].recovered || c[i].rule->public.role != CLSF_ROLE_CAUSE)
			continue;
		causes = true;
		left = left || !c[i].explained_by;
	}
	for (size_t i = 0; causes && !left && i < n; i++)
		if (c[i].rule->public.role == CLSF_ROLE_CAUSE)
			c[i].explained_by = NULL;
}

static const char *why_not(struct clsf_stream *s, const struct contender *c,
                           const struct contender *winner)
{
	char number[32];
	if (c->recovered) {
		snprintf(number, sizeof(number), "%llu", (unsigned long long)s->success_line);
		return format(s, "recovered: a success marker came after it, on line ", number, "");
	}
	if (!winner)
		return format(s, "weaker: severity ", clsf_severity_name(c->rule->public.severity),
		              " does not fail a log");
	const char *winner_id = winner->rule->public.id;
	if (c->explained_by)
		return format(s, "explained by ", c->explained_by->public.id, "");
	if (clsf__rule_explains(winner->rule, c->rule))
		return format(s, "explained by ", winner_id, "");
	if (c->rule->public.role == CLSF_ROLE_SYMPTOM && winner->rule->public.role == CLSF_ROLE_CAUSE)
		return format(s, "symptom: ", winner_id, " is a cause");
	if (c->late && !winner->late)
		return format(s, "weaker: it came after the build had ended", "", "");
	if (can_fail(winner->rule) && !can_fail(c->rule))
		return format(s, "weaker: severity ", clsf_severity_name(c->rule->public.severity),
		              " does not fail a log");
	if (c->state->evidence.weak && !winner->state->evidence.weak)
		return format(s, "weaker: its line is a warning or a retry", "", "");
	if (c->state->episode_line == winner->state->episode_line)
		return format(s, "duplicate: ", winner_id, " says more of the same line");
	if (c->rule->public.role == CLSF_ROLE_SYMPTOM)
		return format(s, "symptom: ", winner_id, " came first");
	return format(s, "earlier: the log went on to ", winner_id, "");
}

/*
 * A cause that cannot fail a log is a hint: a retry, a warning. It tells why a log
 * failed soon after it. A symptom that has a category, stands well behind the last
 * hint and is not explained by it shows that the log went on: it says more then.
 */
static void rank_hints(struct contender *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c[i].rank != 0 || can_fail(c[i].rule))
			continue;
		for (size_t k = 0; k < n; k++)
			if (c[k].rank == 1 && !c[k].late && can_fail(c[k].rule) &&
			    c[k].state->episode_line > c[i].state->last_line + HINT_REACH &&
			    strcmp(c[k].rule->public.category, "unknown") != 0 &&
			    !clsf__rule_explains(c[i].rule, c[k].rule))
				c[i].rank = 2;
	}
}

/* ---- texts ---- */

static const struct clsf_field *find_field(const struct clsf_verdict *v, const char *name, size_t length)
{
	for (size_t i = 0; i < v->n_fields; i++)
		if (strlen(v->fields[i].name) == length && memcmp(v->fields[i].name, name, length) == 0)
			return &v->fields[i];
	return NULL;
}

static bool shell_safe(const struct clsf_field *f)
{
	if (f->length == 0 || f->value[0] == '-')
		return false;
	for (size_t i = 0; i < f->length; i++) {
		char c = f->value[i];
		if (!(((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
		      (c && strchr("_@%+:,./-", c))))
			return false;
	}
	return true;
}

/*
 * How far a shell's reading of the text is known, from left to right. Where it
 * is not known for sure (inside quotes, behind a quote that a newline did not
 * close, a here-document, a substitution), nothing can be quoted.
 */
struct shell_reader {
	char quote;                  /* the open quote, 0 for none */
	bool comment;
	bool lost;                   /* from here on nothing is sure */
	char before;
};

static void shell_read(struct shell_reader *r, const char *p)
{
	char c = *p;
	bool escaped = r->before == '\\';
	if (c == '\n') {
		r->lost = r->lost || r->quote;
		r->comment = false;
	} else if (r->comment) {
		/* to the end of the line */
	} else if (c == '`' || (c == '$' && (p[1] == '(' || p[1] == '\'' || p[1] == '"')) ||
	           (c == '(' && p[1] == '(') || (c == '<' && p[1] == '<') || (escaped && r->quote == '"')) {
		r->lost = true;
	} else if (r->quote) {
		if (c == r->quote)
			r->quote = 0;
	} else if (!escaped && (c == '\'' || c == '"')) {
		r->quote = c;
	} else if (c == '#' && (r->before == 0 || r->before == ' ' || r->before == '\n' || r->before == '\t')) {
		r->comment = true;
	}
	/* A backslash that is escaped itself escapes nothing. */
	r->before = c == '\\' && escaped ? 0 : c;
}

/*
 * A value inside a shell command. What is safe bare stays bare. Where quoting
 * works, anything else is put in single quotes; elsewhere what is not safe
 * becomes "?". The same for control characters, and for a leading "-", which
 * quoting would not keep from being an option.
 */
static void add_shell_value(struct clsf__buffer *b, const struct clsf_field *f, bool quotable)
{
	if (shell_safe(f)) {
		clsf__buffer_add(b, f->value, f->length);
		return;
	}
	if (quotable)
		clsf__buffer_addc(b, '\'');
	for (size_t i = 0; i < f->length; i++) {
		struct clsf_field one = { .value = f->value + i, .length = 1 };
		unsigned char c = (unsigned char)f->value[i];
		bool refused = c < 0x20 || c == 0x7f || (i == 0 && c == '-') ||
		               (!quotable && !shell_safe(&one) && c != '-');
		if (refused)
			clsf__buffer_addc(b, '?');
		else if (c == '\'')
			clsf__buffer_adds(b, "'\\''");
		else
			clsf__buffer_addc(b, (char)c);
	}
	if (quotable)
		clsf__buffer_addc(b, '\'');
}

/* `text` with ${name} replaced by captures. */
static const char *fill_in(struct clsf_stream *s, const struct clsf_verdict *v, const char *text,
                           bool shell)
{
	if (!strstr(text, "${"))
		return text;
	struct clsf__buffer b;
	struct shell_reader reader = { 0 };
	clsf__buffer_init(&b, &s->allocator);
	for (const char *p = text; *p; p++) {
		const char *end = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;
		if (!end) {
			shell_read(&reader, p);
			clsf__buffer_addc(&b, *p);
			continue;
		}
		const struct clsf_field *field = find_field(v, p + 2, (size_t)(end - p - 2));
		/* "$" in front would make $'...' of the quotes, which reads escapes. */
		reader.lost = reader.lost || reader.before == '$';
		bool quotable = !reader.quote && !reader.comment && !reader.lost && reader.before != '\\';
		if (!field) {
			/* No shell takes <name> for a file here: it stands in quotes, or what is known ends. */
			clsf__buffer_adds(&b, shell && quotable ? "'<" : "<");
			clsf__buffer_add(&b, p + 2, (size_t)(end - p - 2));
			clsf__buffer_adds(&b, shell && quotable ? ">'" : ">");
		} else if (shell) {
			add_shell_value(&b, field, quotable);
		} else {
			clsf__buffer_add(&b, field->value, field->length);
		}
		reader.before = 'x';
		p = end;
	}
	char *out = b.failed ? NULL : clsf__arena_strndup(&s->arena, b.data ? b.data : "", b.length);
	clsf__buffer_done(&b);
	return out;
}

/* ---- parts of the verdict ---- */

/*
 * The text as it may be shown: itself, or a copy without secrets. What was cut
 * in two, where the text is only a part, may be a secret that no longer looks
 * like one: back to the last blank then. NULL when memory is out.
 */
static const char *shown(struct clsf_stream *s, const char *text, size_t length, bool cut, size_t *ret_length)
{
	*ret_length = length;
	if (!s->options.redact || length == 0)
		return text;
	for (size_t i = 0; cut && i < 512 && length > 0 && text[length - 1] != ' '; i++)
		length--;
	*ret_length = length;
	if (length == 0)
		return "";
	struct clsf__buffer b;
	clsf__buffer_init(&b, &s->allocator);
	const char *copy = NULL;
	if (clsf__redact(&s->allocator, text, length, &b) == 0) {
		copy = clsf__arena_strndup(&s->arena, b.data, b.length);
		*ret_length = b.length;
	}
	clsf__buffer_done(&b);
	return copy;
}

/* A capture as it may be shown; `raw` is the line that it may be of. False when memory is out. */
static bool shown_field(struct clsf_stream *s, struct clsf_field *f, const char *raw, size_t raw_length)
{
	const char *value = f->value;
	size_t length = f->length;
	/* Was it cut? Captures are, at one length; all texts are at another once there are too many. */
	bool cut = length + 4 > CLSF__MAX_FIELD || (s->text_limit && length + 4 > CLSF__SHORT_TEXT);
	f->value = shown(s, value, length, cut, &f->length);
	if (f->value && s->options.redact && length && f->length == length &&
	    memcmp(f->value, value, length) == 0) {
		int secret = clsf__is_secret(&s->allocator, raw, raw_length, value, length);
		if (secret > 0) {
			f->value = clsf__redacted;
			f->length = CLSF__REDACTED_LENGTH;
		}
		return secret >= 0;
	}
	return f->value != NULL;
}

static bool evidence_line(struct clsf_stream *s, const struct clsf__evidence *e, struct clsf_line *ret_line)
{
	*ret_line = (struct clsf_line){ .number = e->line, .offset = e->offset, .length = e->length };
	ret_line->text = shown(s, e->data.data, e->text_length, e->text_length < e->length, &ret_line->text_length);
	return ret_line->text != NULL;
}

static bool fill_winner(struct clsf_stream *s, const struct contender *winner)
{
	struct clsf_verdict *v = &s->verdict;
	const struct clsf__evidence *e = &winner->state->evidence;
	const struct clsf_rule *rule = &winner->rule->public;
	struct clsf_field *fields = clsf__arena_alloc(&s->arena, (e->n_fields + 1) * sizeof(*fields));
	if (!fields)
		return false;
	if (!evidence_line(s, e, &v->line))
		return false;
	for (size_t i = 0; i < e->n_fields; i++) {
		fields[i] = (struct clsf_field){ e->fields[i].name, e->data.data + e->fields[i].at,
			                         e->fields[i].length };
		if (!shown_field(s, &fields[i], e->data.data, e->text_length))
			return false;
	}
	v->fields = fields;
	v->n_fields = e->n_fields;
	v->rule = rule;
	v->category = rule->category;
	v->before = shown(s, e->before.length ? e->before.data : "", e->before.length, false, &v->before_length);
	v->after = shown(s, e->after.length ? e->after.data : "", e->after.length, false, &v->after_length);
	/* The texts of others are no templates: what looks like a placeholder is theirs. */
	if (winner->rule->verbatim) {
		v->title = rule->title;
		v->cause = rule->cause;
		v->fix = rule->fix;
		v->prevent = rule->prevent;
		v->url = rule->url;
		return v->before && v->after;
	}
	v->title = fill_in(s, v, rule->title, false);
	v->cause = fill_in(s, v, rule->cause, false);
	v->fix = fill_in(s, v, rule->fix, true);
	v->prevent = fill_in(s, v, rule->prevent, false);
	v->url = fill_in(s, v, rule->url, false);
	return v->before && v->after && v->title && v->cause && v->fix && v->prevent && v->url;
}

static bool fill_unknown(struct clsf_stream *s)
{
	struct clsf_verdict *v = &s->verdict;
	v->category = "unknown";
	v->title = "It failed, and no rule says why";
	struct clsf_line *lines = clsf__arena_alloc(&s->arena, (s->n_telling + 1) * sizeof(*lines));
	char *fingerprint = clsf__arena_alloc(&s->arena, 17);
	if (!lines || !fingerprint)
		return false;
	for (size_t i = 0; i < s->n_telling; i++) {
		lines[i] = (struct clsf_line){
			.number = s->telling[i].line, .offset = s->telling[i].offset,
			.length = s->telling[i].length,
		};
		lines[i].text = shown(s, s->telling_text.data + s->telling[i].at, s->telling[i].text_length,
		                      s->telling[i].text_length < s->telling[i].length, &lines[i].text_length);
		if (!lines[i].text)
			return false;
	}
	v->telling = lines;
	v->n_telling = s->n_telling;
	if (s->n_telling) {
		const struct clsf__buffer *before = &s->telling_before, *after = &s->telling_after;
		v->line = lines[0];
		v->before = shown(s, before->length ? before->data : "", before->length, false, &v->before_length);
		v->after = shown(s, after->length ? after->data : "", after->length, false, &v->after_length);
		if (!v->before || !v->after)
			return false;
	}
	/* The template is that of the raw text, so that it is the same with and without redaction. */
	const char *text = s->n_telling ? s->telling_text.data + s->telling[0].at : "";
	size_t length = s->n_telling ? s->telling[0].text_length : 0;
	struct clsf__messages m;
	clsf__messages_init(&m, &s->allocator);
	bool good = true;
	if (!s->options.no_unwrap) {
		good = clsf__unwrap(&m, text, length);
		if (good && m.n) {
			length = m.item[0].length;
			text = clsf__message_text(&m, text, 0);
		}
	}
	if (good)
		clsf__fingerprint(text, length, fingerprint);
	clsf__messages_done(&m);
	v->fingerprint = fingerprint;
	return good;
}

#define MAX_WARNINGS 16   /* one for each call of add_warning() below, and some room */

static bool add_warning(struct clsf_stream *s, struct clsf_warning *list, enum clsf_warning_code code,
                        const char *message, uint64_t line, bool has_offset, uint64_t offset)
{
	assert(s->verdict.n_warnings < MAX_WARNINGS);
	char *copy = clsf__arena_strndup(&s->arena, message, strlen(message));
	list[s->verdict.n_warnings++] = (struct clsf_warning){
		.code = code, .message = copy, .line = line, .has_offset = has_offset, .offset = offset,
	};
	return copy != NULL;
}

static bool fill_warnings(struct clsf_stream *s)
{
	struct clsf_warning *list = clsf__arena_alloc(&s->arena, MAX_WARNINGS * sizeof(*list));
	if (!list)
		return false;
	s->verdict.warnings = list;
	char text[512];
	bool good = true;
	if (s->truncated)
		good = add_warning(s, list, CLSF_WARN_TRUNCATED_INPUT, s->truncated_message, 0, true,
		                   s->bytes);
	if (s->long_lines) {
		snprintf(text, sizeof(text), "%llu line(s) longer than %zu bytes; the rest of each was not looked at",
		         (unsigned long long)s->long_lines, s->options.max_line);
		good = add_warning(s, list, CLSF_WARN_LINE_TOO_LONG, text, s->first_long_line, true,
		                   s->first_long_offset) && good;
	}
	if (s->text_limit) {
		snprintf(text, sizeof(text), "the texts kept of this log passed %zu bytes; later ones were cut short",
		         CLSF__MAX_KEPT);
		good = add_warning(s, list, CLSF_WARN_LIMIT_REACHED, text, 0, false, 0) && good;
	}
	if (s->capture_limit) {
		snprintf(text, sizeof(text), "a capture was longer than %zu bytes and was cut, or a match had more than %d captures",
		         CLSF__MAX_FIELD, CLSF__MAX_CAPTURES);
		good = add_warning(s, list, CLSF_WARN_LIMIT_REACHED, text, 0, false, 0) && good;
	}
	if (s->message_limit) {
		snprintf(text, sizeof(text), "a line holds more than %d messages; rules saw the first ones",
		         CLSF__MAX_MESSAGES);
		good = add_warning(s, list, CLSF_WARN_LIMIT_REACHED, text, 0, false, 0) && good;
	}
	const struct {
		bool passed;
		const char *text;
	} limits[] = {
		{ s->span_limit, "an expression over several lines saw fewer lines than it may: they were too long" },
		{ s->pending_limit, "too many matches waited for their 'unless' at once; the oldest were told" },
		{ s->field_limit, "a line has more fields than are read; conditions saw the first ones" },
		{ s->remarks.forgotten, "an 'unless' hit more lines than are remembered; an older one may have excused a match" },
	};
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].passed)
			good = add_warning(s, list, CLSF_WARN_LIMIT_REACHED, limits[i].text, 0, false, 0) && good;
	if (s->remarks.no_timestamps)
		good = add_warning(s, list, CLSF_WARN_NO_TIMESTAMPS,
		                   "lines tell no time that can be compared: windows in time were taken in lines", 0, false,
		                   0) && good;
	if (s->ruleset->n_rules == 0) {
		good = add_warning(s, list, CLSF_WARN_RULE_QUARANTINED, "no rule could be loaded", 0, false, 0) && good;
	} else if (s->ruleset->quarantined) {
		snprintf(text, sizeof(text), "%zu rule(s) were faulty and left out", s->ruleset->quarantined);
		good = add_warning(s, list, CLSF_WARN_RULE_QUARANTINED, text, 0, false, 0) && good;
	}
	if (s->match_limits) {
		const char *id = s->first_limit_rule < s->ruleset->n_rules
		                         ? s->ruleset->rules[s->first_limit_rule]->public.id
		                         : "(unless)";
		snprintf(text, sizeof(text), "an expression gave up on a line %llu time(s), first rule %s",
		         (unsigned long long)s->match_limits, id);
		good = add_warning(s, list, CLSF_WARN_MATCH_LIMIT, text, s->first_limit_line, false, 0) && good;
	}
	if (s->ruleset->fallback[0])
		good = add_warning(s, list, CLSF_WARN_ENGINE_FALLBACK, s->ruleset->fallback, 0, false, 0) && good;
	return good;
}

int clsf__warnings_build(struct clsf_stream *s)
{
	clsf__arena_reset(&s->arena);
	s->verdict.n_warnings = 0;
	return fill_warnings(s) ? 0 : CLSF_E_NOMEM;
}

static bool fill_also(struct clsf_stream *s, const struct contender *c, size_t n,
                      const struct contender *winner)
{
	size_t most = n < CLSF__MAX_ALSO + 1 ? n : CLSF__MAX_ALSO + 1;
	struct clsf_also *list = clsf__arena_alloc(&s->arena, (most + 1) * sizeof(*list));
	if (!list)
		return false;
	s->verdict.also = list;
	for (size_t i = 0; i < n && s->verdict.n_also < CLSF__MAX_ALSO; i++) {
		if (&c[i] == winner)
			continue;
		struct clsf_also *also = &list[s->verdict.n_also++];
		*also = (struct clsf_also){
			.rule = &c[i].rule->public,
			.count = c[i].state->count,
			.why_not = why_not(s, &c[i], winner),
		};
		if (!also->why_not || !evidence_line(s, &c[i].state->evidence, &also->line))
			return false;
	}
	return true;
}

int clsf__match_redact(struct clsf_stream *s, struct clsf_match *m, struct clsf_field *fields)
{
	const char *raw = m->line.text;
	size_t raw_length = m->line.text_length;
	clsf__arena_reset(&s->arena);
	m->line.text = shown(s, raw, raw_length, raw_length < m->line.length, &m->line.text_length);
	bool good = m->line.text != NULL;
	for (size_t i = 0; good && i < m->n_fields; i++) {
		fields[i] = m->fields[i];
		good = shown_field(s, &fields[i], raw, raw_length);
	}
	m->fields = fields;
	return good ? 0 : CLSF_E_NOMEM;
}

/* The last line of the part that holds this line. */
static uint64_t part_end(const struct clsf_stream *s, uint64_t line)
{
	for (size_t i = 0; i < s->n_parts; i++)
		if (s->part_ends[i] >= line)
			return s->part_ends[i];
	return UINT64_MAX;
}

int clsf__verdict_build(struct clsf_stream *s)
{
	struct clsf_verdict *v = &s->verdict;
	*v = (struct clsf_verdict){
		.category = "", .title = "", .cause = "", .fix = "", .prevent = "", .url = "",
		.before = "", .after = "", .fingerprint = "", .lines = s->lines, .bytes = s->bytes,
	};
	clsf__arena_reset(&s->arena);
	struct contender *c = clsf__calloc(&s->allocator, s->n_states + 1, sizeof(*c));
	size_t *explainers = clsf__calloc(&s->allocator, s->n_states + 1, sizeof(*explainers));
	if (!c || !explainers) {
		clsf__free(&s->allocator, c);
		clsf__free(&s->allocator, explainers);
		return CLSF_E_NOMEM;
	}
	size_t n = 0;
	bool failing = false;
	uint64_t terminal = UINT64_MAX;
	for (size_t i = 0; i < s->n_states; i++) {
		const struct clsf__rule_state *state = s->states[i];
		const struct clsf__rule *rule = s->ruleset->rules[state->rule];
		enum clsf_role role = rule->public.role;
		if (state->count == 0 || role == CLSF_ROLE_START || role == CLSF_ROLE_SUCCESS)
			continue;
		bool recovered = state->episode != s->episode;
		failing = failing || (!recovered && can_fail(rule));
		if (role == CLSF_ROLE_FAILURE) {
			if (!recovered && state->episode_line < terminal)
				terminal = state->episode_line;
			continue;
		}
		c[n++] = (struct contender){ .state = state, .rule = rule, .recovered = recovered };
	}
	v->outcome = failing ? CLSF_FAILED : s->success_line ? CLSF_PASSED : CLSF_UNDETERMINED;
	/* Another part of an incident is no aftermath: the status tells of the end itself. */
	const uint64_t end = part_end(s, terminal);
	for (size_t i = 0; i < n; i++) {
		c[i].late = c[i].state->episode_line > terminal && c[i].state->episode_line <= end;
		/* A cause that cannot fail a log, and came when the build had ended, explains nothing better than a symptom. */
		bool afterthought = c[i].late && !can_fail(c[i].rule);
		c[i].rank = c[i].recovered                                     ? 4
		            : c[i].rule->public.severity == CLSF_SEVERITY_INFO ? 3
		            : afterthought                                     ? 2
		            : c[i].rule->public.role == CLSF_ROLE_SYMPTOM      ? 1
		                                                               : 0;
	}
	rank_hints(c, n);
	find_explanations(c, n, explainers);
	clsf__free(&s->allocator, explainers);
	qsort(c, n, sizeof(*c), by_evidence);
	const struct contender *winner = NULL;
	/* What cannot fail a log may still say why it failed, unless it is mere information. */
	if (failing && n && c[0].rank <= 2)
		winner = &c[0];
	bool good = true;
	if (winner)
		good = fill_winner(s, winner);
	else if (failing)
		good = fill_unknown(s);
	good = good && fill_also(s, c, n, winner) && fill_warnings(s);
	clsf__free(&s->allocator, c);
	return good ? 0 : CLSF_E_NOMEM;
}

const char *clsf_outcome_name(enum clsf_outcome outcome)
{
	static const char *const names[] = { "undetermined", "passed", "failed" };
	return outcome >= CLSF_UNDETERMINED && outcome <= CLSF_FAILED ? names[outcome] : "";
}

const char *clsf_warning_name(enum clsf_warning_code code)
{
	static const char *const names[] = {
		"truncated_input", "line_too_long", "limit_reached", "rule_quarantined",
		"match_limit", "no_timestamps", "engine_fallback",
	};
	return code >= CLSF_WARN_TRUNCATED_INPUT && code <= CLSF_WARN_ENGINE_FALLBACK ? names[code] : "";
}
