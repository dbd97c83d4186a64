/* SPDX-License-Identifier: Apache-2.0 */
/* See collector.h. */

#include "collector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_CAPACITY ((size_t)1 << 20)   /* more than this is given back */

bool bytes_add(struct bytes *b, const void *data, size_t length)
{
	if (length > SIZE_MAX / 2 - b->length)
		return false;
	if (b->length + length > b->capacity) {
		size_t capacity = b->capacity ? b->capacity : 1024;
		while (capacity < b->length + length)
			capacity *= 2;
		char *grown = realloc(b->data, capacity);
		if (!grown)
			return false;
		b->data = grown;
		b->capacity = capacity;
	}
	if (length)
		memcpy(b->data + b->length, data, length);
	b->length += length;
	return true;
}

int bytes_write(const void *data, size_t length, void *user)
{
	return bytes_add(user, data, length) ? 0 : 1;
}

static bool add_field(struct bytes *b, const struct clsf_field *f)
{
	size_t lengths[2] = { strlen(f->name), f->length };
	return bytes_add(b, lengths, sizeof(lengths)) && bytes_add(b, f->name, lengths[0]) &&
	       bytes_add(b, f->value, lengths[1]);
}

int collector_entry_match(size_t index, const struct clsf_match *match, void *user)
{
	struct collector *c = user;
	struct kept_match kept = {
		.rule = match->rule, .entry = index, .number = match->line.number, .offset = match->line.offset,
		.length = match->line.length, .text_length = match->line.text_length, .n_fields = match->n_fields,
	};
	size_t begun = c->matches.length;
	bool good = bytes_add(&c->matches, &kept, sizeof(kept)) &&
	            bytes_add(&c->matches, match->line.text, match->line.text_length);
	for (size_t i = 0; good && i < match->n_fields; i++)
		good = add_field(&c->matches, &match->fields[i]);
	if (good) {
		c->n_matches++;
	} else {
		c->matches.length = begun;
		c->failed = true;
	}
	return c->failed;
}

int collector_match(const struct clsf_match *match, void *user)
{
	return collector_entry_match(0, match, user);
}

void collector_entry_warning(size_t index, const struct clsf_warning *warning, void *user)
{
	struct collector *c = user;
	(void)index;
	if (c->warnings++ == 0)
		snprintf(c->warning, sizeof(c->warning), "%s: %s", clsf_warning_name(warning->code), warning->message);
}

void collector_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	struct collector *c = user;
	struct kept_fault kept;
	memset(&kept, 0, sizeof(kept));
	kept.level = level;
	kept.error = *fault;
	if (!bytes_add(&c->faults, &kept, sizeof(kept)))
		c->failed = true;
}

void collector_reset(struct collector *c)
{
	if (c->matches.capacity > KEPT_CAPACITY) {
		free(c->matches.data);
		c->matches = (struct bytes){ 0 };
	}
	c->matches.length = c->faults.length = 0;
	c->n_matches = 0;
	c->warnings = 0;
	c->failed = false;
}

void collector_done(struct collector *c)
{
	free(c->matches.data);
	free(c->faults.data);
	*c = (struct collector){ 0 };
}

bool collector_next(const struct collector *c, size_t *at, struct match_view *ret_view)
{
	if (*at >= c->matches.length)
		return false;
	memcpy(&ret_view->match, c->matches.data + *at, sizeof(ret_view->match));
	ret_view->text = c->matches.data + *at + sizeof(ret_view->match);
	ret_view->fields = ret_view->text + ret_view->match.text_length;
	const char *p = ret_view->fields, *ignored;
	size_t length;
	for (size_t i = 0; i < ret_view->match.n_fields; i++)
		match_field(&p, &ignored, &length, &ignored, &length);
	*at = (size_t)(p - c->matches.data);
	return true;
}

void match_field(const char **fields, const char **ret_name, size_t *ret_name_length, const char **ret_value,
                 size_t *ret_value_length)
{
	size_t lengths[2];
	memcpy(lengths, *fields, sizeof(lengths));
	*ret_name = *fields + sizeof(lengths);
	*ret_value = *ret_name + lengths[0];
	*ret_name_length = lengths[0];
	*ret_value_length = lengths[1];
	*fields = *ret_value + lengths[1];
}
