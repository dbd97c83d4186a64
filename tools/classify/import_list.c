/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain list: an expression of PCRE2 on each line, or an id, a tab and an
 * expression. Lines that begin with '#', and empty ones, are passed over.
 */

#include <string.h>

#include "import.h"

static void import_line(struct importer *im, const char *line, size_t length, unsigned number)
{
	const char *tab = memchr(line, '\t', length);
	struct node at = { .line = number, .column = 1, .text = line, .length = length };
	if (tab) {
		at.text = tab + 1;
		at.length = length - (size_t)(tab + 1 - line);
		at.column += (unsigned)(tab + 1 - line);
	}
	struct expression e;
	char why[160];
	/* Read only to see that it is text; ours is taken as it is. */
	bool good = expression_read(im->arena, DIALECT_PCRE2, at.text, at.length, &e, why);
	bool text = good || (strstr(why, "UTF-8") == NULL && strstr(why, "NUL") == NULL && at.length);
	const char *expression = arena_strndup(im->arena, at.text, at.length);
	const char *title = import_title(im->arena, expression, 100);
	const char *name = tab ? arena_strndup(im->arena, line, (size_t)(tab - line)) : expression;
	if (!text) {
		import_left(im, &at, "not carried over: %s", why);
		return;
	}
	struct imported_rule *rule = import_rule_new(im, "list", name, &at);
	if (!rule)
		return;
	rule->title = arena_printf(im->arena, "A line matches %s", title);
	if (tab) {
		rule->id = arena_strndup(im->arena, name, strlen(name));
		rule->title = arena_printf(im->arena, "%s", import_title(im->arena, import_words(im->arena, name), 100));
	}
	const char *category = import_category(name);
	if (!category)
		category = import_category(expression);
	rule->category = im->category ? im->category : category ? category : "unknown";
	rule->match = condition_new(im, CONDITION_REGEX, expression);
	import_rule_add(im, rule);
}

void import_list(struct importer *im, const char *text, size_t length)
{
	unsigned number = 1;
	for (size_t at = 0; at < length; number++) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t next = end ? (size_t)(end - text) + 1 : length;
		size_t n = (end ? (size_t)(end - text) : length) - at;
		if (n && text[at + n - 1] == '\r')
			n--;
		if (n && text[at] != '#' && strspn(text + at, " \t") < n)
			import_line(im, text + at, n, number);
		at = next;
	}
}
