/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rules test --bless`: every example that its rule matches gets the captures
 * as its `fields`. The text is edited, not written anew, and before a file is
 * replaced the new text is read by the library: it must hold the same rules and
 * examples as the old one, but for the fields that were to be changed.
 */

#include "rules_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache.h"
#include "yaml_edit.h"

#define MAX_FILE ((off_t)16 << 20)   /* the loader takes no larger one */

struct blessing {
	struct clsf_ruleset *ruleset;
	struct trial trial;
	struct outcome *outcome;
	size_t filled, files, refused;
};

/* ---- the file ---- */

/* Reads a file that may be replaced: no link, no device. The text ends in NUL, which does not count. */
static bool read_file(const char *path, struct text *ret_text, mode_t *ret_mode, const char **ret_why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	*ret_why = fd >= 0 ? NULL : errno == ELOOP ? "it is a link" : strerror(errno);
	if (fd >= 0 && fstat(fd, &st) != 0)
		*ret_why = strerror(errno);
	else if (fd >= 0 && !S_ISREG(st.st_mode))
		*ret_why = "it is no regular file";
	else if (fd >= 0 && st.st_size > MAX_FILE)
		*ret_why = "it is too large";
	char chunk[65536];
	ssize_t n = 0;
	while (!*ret_why && (n = read(fd, chunk, sizeof(chunk))) > 0)
		text_add(ret_text, chunk, (size_t)n);
	if (n < 0)
		*ret_why = strerror(errno);
	if (fd >= 0)
		close(fd);
	text_add(ret_text, "", 1);
	if (!*ret_why && ret_text->failed)
		*ret_why = "out of memory";
	if (*ret_why)
		return false;
	ret_text->length--;
	*ret_mode = st.st_mode & 07777;
	return true;
}

static void refuse(struct blessing *b, const struct clsf_rule *rule, uint32_t line, const char *why)
{
	struct text t = { 0 };
	text_add_visible(&t, rule->file, strlen(rule->file));
	text_addf(&t, ":%u: not filled in: %s [%s]\n", line, why, rule->id);
	if (!t.failed)
		fwrite(t.data, 1, t.length, stderr);
	text_free(&t);
	b->refused++;
	b->outcome->failed = true;
}

/* Why the captures cannot stand in YAML, or NULL. */
static const char *unwritable(const struct trial_match *m)
{
	for (size_t i = 0; i < m->n_fields; i++) {
		if (memchr(m->fields[i].value, '\0', m->fields[i].length))
			return "a capture holds a NUL byte";
		if (!text_is_utf8(m->fields[i].value, m->fields[i].length))
			return "a capture ends within a character";
	}
	return NULL;
}

/* Do two examples of the rules from `first` to `end` stand on this line? */
static bool is_shared(const struct clsf_ruleset *rs, size_t first, size_t end, uint32_t line)
{
	size_t n = 0;
	for (size_t i = first; i < end; i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(rs, i);
		for (size_t k = 0; k < rule->n_examples; k++)
			n += rule->examples[k].line == line;
	}
	return n > 1;
}

/* Edits the examples of the rules of one file; returns how many. */
static size_t edit_examples(struct blessing *b, size_t first, size_t end, struct yaml_edit *edit)
{
	size_t edited = 0;
	for (size_t i = first; i < end; i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(b->ruleset, i);
		for (size_t k = 0; k < rule->n_examples; k++) {
			const struct clsf_example *e = &rule->examples[k];
			const struct trial_match *m = NULL;
			if (e->must_match && trial_run(&b->trial, e->text, e->length))
				m = trial_find(&b->trial, rule->id);
			if (!m || fields_right(e, m))
				continue;
			struct text fields = { 0 };
			trial_add_fields(&fields, m);
			text_add(&fields, "", 1);
			const char *why = fields.failed ? "out of memory" : unwritable(m);
			if (!why && is_shared(b->ruleset, first, end, e->line))
				why = "several examples stand on this line";
			if (!why)
				why = yaml_edit_fields(edit, e->line, fields.data);
			if (why)
				refuse(b, rule, e->line, why);
			else
				edited++;
			text_free(&fields);
		}
	}
	return edited;
}

/* ---- is the new text what it should be? ---- */

static bool same_fields(const struct clsf_example *a, const struct clsf_example *b)
{
	if (a->has_fields != b->has_fields || a->n_fields != b->n_fields)
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (strcmp(a->field_names[i], b->field_names[i]) != 0 ||
		    strcmp(a->field_values[i], b->field_values[i]) != 0)
			return false;
	return true;
}

/* The same examples; where the fields differ, they are those captured now. Counts the latter. */
static bool same_examples(const struct clsf_rule *old, const struct clsf_rule *new, struct trial *t,
                          size_t *ret_changed)
{
	if (old->n_examples != new->n_examples)
		return false;
	for (size_t i = 0; i < old->n_examples; i++) {
		const struct clsf_example *a = &old->examples[i], *b = &new->examples[i];
		if (a->length != b->length || memcmp(a->text, b->text, a->length) != 0 || a->must_match != b->must_match)
			return false;
		if (same_fields(a, b))
			continue;
		const struct trial_match *m = trial_run(t, b->text, b->length) ? trial_find(t, new->id) : NULL;
		if (!m || !b->has_fields || !fields_right(b, m))
			return false;
		++*ret_changed;
	}
	return true;
}

static bool is_same(const char *name, const struct text *old_text, const struct text *new_text, size_t edited)
{
	struct clsf_error error;
	struct trial t = { 0 };
	size_t changed = 0;
	struct clsf_ruleset *old = trial_compile(name, old_text->data, old_text->length, &error);
	struct clsf_ruleset *new = trial_compile(name, new_text->data, new_text->length, &error);
	bool good = old && new && clsf_ruleset_count(old) == clsf_ruleset_count(new) &&
	            clsf_ruleset_quarantined(old) == clsf_ruleset_quarantined(new) &&
	            strcmp(clsf_ruleset_hash(old), clsf_ruleset_hash(new)) == 0 && trial_start(&t, new);
	for (size_t i = 0; good && i < clsf_ruleset_count(old); i++) {
		const struct clsf_rule *a = clsf_ruleset_rule(old, i), *b = clsf_ruleset_rule(new, i);
		good = strcmp(a->id, b->id) == 0 && same_examples(a, b, &t, &changed);
	}
	trial_stop(&t);
	clsf_ruleset_unref(old);
	clsf_ruleset_unref(new);
	return good && changed == edited;
}

/* ---- */

/* Blesses the rules from `first` to `end`, which stand in one file. */
static void bless_file(struct blessing *b, size_t first, size_t end)
{
	const struct clsf_rule *rule = clsf_ruleset_rule(b->ruleset, first);
	struct text old = { 0 }, new = { 0 };
	struct yaml_edit edit = { 0 };
	mode_t mode = 0;
	const char *why;
	size_t edited = 0;
	if (!read_file(rule->file, &old, &mode, &why)) {
		complain("%s: not filled in: %s", rule->file, why);
		b->outcome->unread = true;
	} else if (!yaml_edit_start(&edit, old.data, old.length)) {
		refuse(b, rule, rule->line, "the file is in an encoding that cannot be edited");
	} else if ((edited = edit_examples(b, first, end, &edit)) > 0) {
		yaml_edit_apply(&edit, &new);
		struct blob blob = { .data = new.data, .length = new.length };
		if (edit.failed || new.failed || !is_same(rule->file, &old, &new, edited)) {
			refuse(b, rule, rule->line, "an example is written in a form that cannot be edited");
		} else if (!replace_file(rule->file, &blob, mode)) {
			complain("%s: %s", rule->file, strerror(errno));
			b->outcome->unread = true;
		} else {
			b->filled += edited;
			b->files++;
			complain("%s: fields of %zu example%s filled in", rule->file, edited, edited == 1 ? "" : "s");
		}
	}
	yaml_edit_done(&edit);
	text_free(&old);
	text_free(&new);
}

bool bless_examples(struct clsf_ruleset *rs, struct outcome *o)
{
	struct blessing b = { .ruleset = rs, .outcome = o };
	size_t n = clsf_ruleset_count(rs);
	if (!trial_start(&b.trial, rs)) {
		complain("out of memory");
		o->unread = true;
		n = 0;
	}
	for (size_t first = 0, end; first < n; first = end) {
		const char *file = clsf_ruleset_rule(rs, first)->file;
		for (end = first + 1; end < n && strcmp(clsf_ruleset_rule(rs, end)->file, file) == 0;)
			end++;
		bless_file(&b, first, end);
	}
	trial_stop(&b.trial);
	if (b.files == 0 && b.refused == 0)
		complain("nothing to fill in");
	return b.files > 0;
}
