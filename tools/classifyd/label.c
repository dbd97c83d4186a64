/* SPDX-License-Identifier: Apache-2.0 */
/* See label.h. */

#include "label.h"

#include <fnmatch.h>
#include <string.h>

#include "../classify/text.h"
#include "metrics.h"
#include "push.h"

struct labelling {
	struct batch *batch;
	const struct label_options *options;
	const struct clsf_rule **rules;  /* of each entry: that of its mark */
	bool failed;                     /* memory was out */
};

static bool explains(const struct clsf_rule *a, const struct clsf_rule *b)
{
	for (size_t i = 0; i < a->n_explains; i++)
		if (fnmatch(a->explains[i], b->id, 0) == 0)
			return true;
	return false;
}

/* Is `a` the better match of an entry in which `b` was found before it? */
static bool is_better(const struct clsf_rule *a, const struct clsf_rule *b)
{
	if (explains(b, a) || a == b)
		return false;
	if (explains(a, b))
		return true;
	if (a->role != b->role)
		return a->role == CLSF_ROLE_CAUSE;
	return a->severity > b->severity;
}

static void drop(const char *reason)
{
	char labels[METRIC_LABELS];
	metric_add(METRIC_CAPTURES_DROPPED, metric_labels(labels, "reason", reason, NULL), 1);
}

/* The text as UTF-8, for Loki takes nothing else, cut to `limit` bytes at a character. NULL when memory is out. */
static const char *clean(struct pool *pool, const char *data, size_t length, size_t limit, size_t *ret_length)
{
	struct text t = { 0 };
	size_t kept = 0;
	for (size_t i = 0; i < length && !t.failed;) {
		uint32_t character;
		i += utf8_next(data + i, length - i, &character);
		text_add_character(&t, character);
		if (t.length > limit)
			break;
		kept = t.length;
	}
	const char *copy = t.failed ? NULL : pool_copy(pool, t.data, kept);
	text_free(&t);
	*ret_length = kept;
	return copy;
}

static bool add_fields(struct labelling *l, struct batch_mark *mark, const struct clsf_match *m)
{
	struct batch_field *fields = pool_alloc(&l->batch->pool, (m->n_fields + 1) * sizeof(*fields));
	mark->fields = fields;
	if (!fields)
		return false;
	for (size_t i = 0; i < m->n_fields; i++) {
		struct batch_field *f = &fields[mark->n_fields];
		f->name = m->fields[i].name;
		f->value = clean(&l->batch->pool, m->fields[i].value, m->fields[i].length, l->options->capture_size,
		                 &f->length);
		if (!f->value)
			return false;
		if (f->length == 0)
			continue;
		if (guard_admit(l->options->guard, m->rule->id, f->name, f->value, f->length, clock_now()))
			mark->n_fields++;
		else
			drop("cardinality");
	}
	return true;
}

static void note_marker(struct batch_entry *e, const struct clsf_rule *rule)
{
	if (rule->role == CLSF_ROLE_START)
		e->start = rule;
	else
		e->terminal = true;
}

static int on_match(size_t index, const struct clsf_match *m, void *user)
{
	struct labelling *l = user;
	struct batch_entry *e = &l->batch->entries[index];
	if (m->rule->role != CLSF_ROLE_CAUSE && m->rule->role != CLSF_ROLE_SYMPTOM) {
		note_marker(e, m->rule);
		return 0;
	}
	if (e->mark && !is_better(m->rule, l->rules[index]))
		return 0;
	struct batch_mark *mark = pool_alloc(&l->batch->pool, sizeof(*mark));
	if (!mark) {
		l->failed = true;
		return 1;
	}
	mark->category = m->rule->category;
	mark->rule = m->rule->id;
	mark->severity = clsf_severity_name(m->rule->severity);
	l->failed = !add_fields(l, mark, m);
	e->mark = mark;
	l->rules[index] = m->rule;
	return l->failed;
}

static void unmark(struct batch *b)
{
	for (size_t i = 0; i < b->n_entries; i++)
		b->entries[i].mark = NULL;
}

int label_batch(struct batch *b, struct clsf_worker *worker, const struct label_options *options)
{
	struct labelling l = { .batch = b, .options = options };
	struct clsf_lines_options lines_options = CLSF_LINES_OPTIONS_INIT;
	struct clsf_entry *entries = pool_alloc(&b->pool, (b->n_entries + 1) * sizeof(*entries));
	l.rules = pool_alloc(&b->pool, (b->n_entries + 1) * sizeof(*l.rules));
	if (!entries || !l.rules)
		return CLSF_E_NOMEM;
	for (size_t i = 0; i < b->n_entries; i++) {
		entries[i].data = b->entries[i].line;
		entries[i].length = b->entries[i].length;
		entries[i].has_time = b->entries[i].time != 0;
		entries[i].time = b->entries[i].time;
	}
	lines_options.on_match = on_match;
	lines_options.user = &l;
	lines_options.redact = options->redact;
	int result = clsf_scan_lines(worker, NULL, entries, b->n_entries, &lines_options);
	if (l.failed)
		result = CLSF_E_NOMEM;
	if (result)
		unmark(b);
	return result;
}
