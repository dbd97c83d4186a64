/* SPDX-License-Identifier: Apache-2.0 */
/* See marks.h. */

#include "marks.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 1024        /* bytes of a marker's line */

bool marks_capture(const struct clsf_ruleset *ruleset)
{
	for (size_t i = 0; i < clsf_ruleset_count(ruleset); i++) {
		const struct clsf_rule *rule = clsf_ruleset_rule(ruleset, i);
		for (size_t k = 0; rule->role == CLSF_ROLE_START && k < rule->n_expressions; k++)
			if (strstr(rule->expressions[k], "(?<") || strstr(rule->expressions[k], "(?P<"))
				return true;
	}
	return false;
}

/* False when memory is out. */
static bool set(struct mark *mark, const struct clsf_match *m)
{
	size_t length = m->line.text_length;
	if (length > MAX_TEXT)
		for (length = MAX_TEXT; length > 0 && (m->line.text[length] & 0xc0) == 0x80;)
			length--;
	mark->rule = m->rule;
	mark->line = m->line.number;
	mark->text.length = 0;
	text_add(&mark->text, m->line.text, length);
	return !mark->text.failed;
}

static void add_context(struct marks *marks, const struct clsf_field *field)
{
	for (size_t i = 0; i < marks->n_context; i++)
		if (strcmp(marks->context[i].name, field->name) == 0)
			return;
	char *value = strndup(field->value, field->length);
	if (!value) {
		marks->failed_memory = true;
		return;
	}
	/* The name is the ruleset's. */
	marks->context[marks->n_context++] =
		(struct clsf_field){ .name = field->name, .value = value, .length = strlen(value) };
}

void marks_add(struct marks *marks, const struct clsf_match *m)
{
	bool good = true;
	switch (m->rule->role) {
	case CLSF_ROLE_START:
		if (!marks->start.rule)
			good = set(&marks->start, m);
		for (size_t i = 0; i < m->n_fields && marks->n_context < MARKS_CONTEXT; i++)
			add_context(marks, &m->fields[i]);
		break;
	case CLSF_ROLE_SUCCESS:
		good = set(&marks->success, m);
		break;
	case CLSF_ROLE_FAILURE:
		good = set(&marks->failure, m);
		break;
	default:
		break;
	}
	marks->failed_memory = marks->failed_memory || !good;
}

void marks_reset(struct marks *marks)
{
	struct mark *all[] = { &marks->start, &marks->success, &marks->failure };
	for (size_t i = 0; i < marks->n_context; i++)
		free((char *)(uintptr_t)marks->context[i].value);
	marks->n_context = 0;
	marks->failed_memory = false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i]->rule = NULL;
		all[i]->text.length = 0;
		all[i]->text.failed = false;
	}
}

size_t marks_size(const struct marks *marks)
{
	size_t size = marks->start.text.capacity + marks->success.text.capacity + marks->failure.text.capacity;
	for (size_t i = 0; i < marks->n_context; i++)
		size += marks->context[i].length + 1;
	return size;
}

void marks_free(struct marks *marks)
{
	marks_reset(marks);
	text_free(&marks->start.text);
	text_free(&marks->success.text);
	text_free(&marks->failure.text);
}
