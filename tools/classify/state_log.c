/* SPDX-License-Identifier: Apache-2.0 */
/* A log becomes a row, so that nobody has to read it again to count it or to report on it. See state_store.h. */

#include "state_store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output_formats.h"

void state__log_prepare(struct state *st)
{
	st->log = sql_prepare(st->sql,
		"INSERT INTO logs (file, source, outcome, category, rule, pack, system, severity, owner, retry, title,"
		" line, offset, length, text, before, after, fields, runbook, fingerprint, telling, also, warnings,"
		" lines, bytes, first_time, last_time, timed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		" ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)");
	st->match = sql_prepare(st->sql,
		"INSERT INTO matches (log, rule, count, first_line, last_line) VALUES (?1, ?2, ?3, ?4, ?5)");
	st->runbook_find = sql_prepare(st->sql,
		"SELECT id FROM runbooks WHERE cause = ?1 AND fix = ?2 AND prevent = ?3 AND url = ?4");
	st->runbook = sql_prepare(st->sql, "INSERT INTO runbooks (cause, fix, prevent, url) VALUES (?1, ?2, ?3, ?4)");
}

/* A text of a log as every reader of the database takes it: UTF-8 without NUL. */
static void bind_text(struct sql_query *q, int at, struct text *scratch, const char *data, size_t length)
{
	scratch->length = 0;
	for (size_t i = 0; i < length;) {
		uint32_t c;
		i += utf8_next(data + i, length - i, &c);
		text_add_character(scratch, c ? c : 0xfffd);
	}
	sql_bind_text(q, at, scratch->length ? scratch->data : "", scratch->length);
}

/* A time as text that sorts and that SQLite's own functions read. False when it has no place in the calendar. */
static bool time_text(char out[40], int64_t ns)
{
	int64_t rest = ns % 1000000000;
	time_t seconds = (time_t)((ns - rest) / 1000000000);
	if (rest < 0) {
		rest += 1000000000;
		seconds--;
	}
	struct tm tm;
	if (!gmtime_r(&seconds, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		return false;
	size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 40 - n, ".%03dZ", (int)(rest / 1000000));
	return true;
}

/*
 * When the log begins and ends: as its lines say. Where one of these tells no
 * date, that is meant which is nearest to the other's or, where that tells none
 * either, to the file's own time. Returns whether any line told a time.
 */
static bool find_times(const struct state_log *log, int64_t ret[2])
{
	const struct clsf_time none = { 0 };
	const struct clsf_time own[2] = { log->span ? log->span->first : none, log->span ? log->span->last : none };
	struct clsf_time around = { log->mtime, CLSF_CLOCK_FULL };
	bool known[2];
	for (int i = 0; i < 2; i++)
		if (own[1 - i].clock == CLSF_CLOCK_FULL)
			around = own[1 - i];
	for (int i = 0; i < 2; i++) {
		int64_t ns = 0;
		known[i] = own[i].clock != CLSF_CLOCK_NONE && clsf_time_between(&around, &own[i], &ns);
		ret[i] = around.nanoseconds + ns;
	}
	if (known[0] != known[1])
		ret[known[0]] = ret[known[1]];
	if (!known[0] && !known[1])
		ret[0] = ret[1] = log->mtime;
	if (ret[0] > ret[1])
		ret[0] = ret[1];
	return known[0] || known[1];
}

static void bind_times(struct state *st, int at, const struct state_log *log, char texts[2][40])
{
	int64_t times[2];
	sql_bind_number(st->log, at + 2, find_times(log, times));
	for (int i = 0; i < 2; i++) {
		if (time_text(texts[i], times[i]))
			sql_bind_text(st->log, at + i, texts[i], strlen(texts[i]));
		else
			sql_bind_null(st->log, at + i);
	}
}

/* Packs that serve every system: they tell none. */
static bool is_shared(const char *pack)
{
	return strcmp(pack, "common") == 0 || strcmp(pack, "dependencies") == 0;
}

/*
 * The system that made the log: the pack of which most rules matched, markers
 * too; of several the one of the verdict's rule, else the first by name.
 */
static const char *find_system(const struct state_log *log)
{
	const char *of_verdict = log->verdict->rule ? log->verdict->rule->pack : "";
	const char *best = NULL;
	size_t most = 0;
	for (size_t i = 0; i < log->n_matched; i++) {
		const char *pack = log->matched[i].rule->pack;
		size_t n = 0;
		for (size_t k = 0; k < log->n_matched; k++)
			n += strcmp(log->matched[k].rule->pack, pack) == 0;
		if (!*pack || is_shared(pack) || n < most)
			continue;
		bool better = n > most || (strcmp(best, of_verdict) != 0 &&
		                           (strcmp(pack, of_verdict) == 0 || strcmp(pack, best) < 0));
		if (better)
			best = pack;
		most = n;
	}
	return best;
}

static int64_t find_runbook(struct state *st, const struct clsf_verdict *v)
{
	const char *const texts[] = { v->cause, v->fix, v->prevent, v->url };
	struct sql_query *const queries[] = { st->runbook_find, st->runbook };
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 4; k++)
			bind_text(queries[i], k + 1, &st->scratch[k], texts[k], strlen(texts[k]));
		if (i == 0 && sql_step(st->runbook_find)) {
			int64_t id = sql_get_number(st->runbook_find, 0);
			sql_reset(st->runbook_find);
			return id;
		}
	}
	sql_do(st->runbook);
	return sql_last_row(st->sql);
}

/* Warnings of the run and its rules are no matter of one log: another run says its own. */
static bool is_of_log(enum clsf_warning_code code)
{
	return code != CLSF_WARN_RULE_QUARANTINED && code != CLSF_WARN_ENGINE_FALLBACK;
}

static bool is_limit(enum clsf_warning_code code)
{
	return code == CLSF_WARN_LIMIT_REACHED || code == CLSF_WARN_MATCH_LIMIT || code == CLSF_WARN_NO_TIMESTAMPS;
}

/* JSON has a way to write NUL, which hardly any reader takes. */
static void replace_nul(struct text *t)
{
	for (size_t i = 0; i + 6 <= t->length; i++) {
		if (t->data[i] != '\\')
			continue;
		if (memcmp(t->data + i, "\\u0000", 6) == 0)
			memcpy(t->data + i + 2, "fffd", 4);
		i++;
	}
}

static void bind_lists(struct state *st, const struct clsf_verdict *v)
{
	struct clsf_warning kept[32];
	struct clsf_verdict own = *v;
	own.warnings = kept;
	own.n_warnings = 0;
	for (size_t i = 0; i < v->n_warnings; i++) {
		if (is_of_log(v->warnings[i].code) && own.n_warnings < sizeof(kept) / sizeof(kept[0]))
			kept[own.n_warnings++] = v->warnings[i];
		st->file_limited = st->file_limited || is_limit(v->warnings[i].code);
	}
	struct text *t = st->scratch;
	for (int i = 0; i < 4; i++)
		t[i].length = 0;
	format_json_fields(&t[0], v->fields, v->n_fields);
	format_json_telling(&t[1], v);
	format_json_also(&t[2], v);
	format_json_warnings(&t[3], &own);
	static const int columns[] = { 18, 21, 22, 23 };
	for (int i = 0; i < 4; i++) {
		replace_nul(&t[i]);
		sql_bind_text(st->log, columns[i], t[i].data, t[i].length);
	}
}

static void write_matches(struct state *st, const struct state_log *log, int64_t id)
{
	for (size_t i = 0; i < log->n_matched; i++) {
		const struct clsf_matched *m = &log->matched[i];
		sql_bind_number(st->match, 1, id);
		sql_bind_string(st->match, 2, m->rule->id);
		sql_bind_number(st->match, 3, (int64_t)m->count);
		sql_bind_number(st->match, 4, (int64_t)m->first_line);
		sql_bind_number(st->match, 5, (int64_t)m->last_line);
		sql_do(st->match);
	}
}

void state__log_write(struct state *st, const struct state_log *log)
{
	const struct clsf_verdict *v = log->verdict;
	const struct clsf_rule *rule = v->rule;
	struct sql_query *q = st->log;
	char times[2][40];
	int64_t runbook = rule ? find_runbook(st, v) : 0;
	sql_bind_number(q, 1, st->file);
	sql_bind_bytes(q, 2, log->source, strlen(log->source));
	sql_bind_string(q, 3, clsf_outcome_name(v->outcome));
	sql_bind_string(q, 4, v->category);
	sql_bind_string(q, 5, rule ? rule->id : NULL);
	sql_bind_string(q, 6, rule ? rule->pack : NULL);
	sql_bind_string(q, 7, find_system(log));
	sql_bind_string(q, 8, rule ? clsf_severity_name(rule->severity) : NULL);
	sql_bind_string(q, 9, rule ? rule->owner : NULL);
	sql_bind_string(q, 10, rule ? rule->retry : NULL);
	bind_lists(st, v);
	if (v->outcome == CLSF_FAILED)
		bind_text(q, 11, &st->scratch[4], v->title, strlen(v->title));
	else
		sql_bind_null(q, 11);
	const bool shown = v->line.number != 0;
	for (int column = 12; column <= 17; column++)
		sql_bind_null(q, column);
	if (shown) {
		sql_bind_number(q, 12, (int64_t)v->line.number);
		sql_bind_number(q, 13, (int64_t)v->line.offset);
		sql_bind_number(q, 14, (int64_t)v->line.length);
		bind_text(q, 15, &st->scratch[5], v->line.text, v->line.text_length);
		if (v->before_length)
			bind_text(q, 16, &st->scratch[6], v->before, v->before_length);
		if (v->after_length)
			bind_text(q, 17, &st->scratch[7], v->after, v->after_length);
	}
	if (runbook)
		sql_bind_number(q, 19, runbook);
	else
		sql_bind_null(q, 19);
	sql_bind_string(q, 20, v->fingerprint);
	sql_bind_number(q, 24, (int64_t)v->lines);
	sql_bind_number(q, 25, (int64_t)v->bytes);
	bind_times(st, 26, log, times);
	sql_do(q);
	for (size_t i = 0; i < sizeof(st->scratch) / sizeof(st->scratch[0]); i++)
		if (st->scratch[i].failed)
			sql_fail(st->sql, "out of memory");
	write_matches(st, log, sql_last_row(st->sql));
}
