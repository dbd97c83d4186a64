/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See yaml_edit.h. An example is an item of a list: a scalar, or a mapping of
 * `line` and `fields`. Its dash, its keys and where its scalar ends are found by
 * columns, as YAML's block style means them.
 */

#include "yaml_edit.h"

#include <stdlib.h>
#include <string.h>

static const char flow[] = "it is written in flow style, or in a form other than '- line: ...'";
static const char commented[] = "comments stand inside its fields";
static const char odd_fields[] = "its fields are an alias, or have an anchor or a tag";

/* ---- lines ---- */

/* The length of the line break at p, or 0. YAML 1.1 has more of them than other texts. */
static size_t break_length(const char *p, size_t left)
{
	if (left == 0)
		return 0;
	if (*p == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (*p == '\n')
		return 1;
	if (left > 1 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	return left > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0) ? 3 : 0;
}

static bool add_line(struct yaml_edit *e, size_t start)
{
	if ((e->n_lines & (e->n_lines - 1)) == 0) {
		size_t *grown = realloc(e->start, (e->n_lines ? e->n_lines * 2 : 1) * sizeof(*grown));
		if (!grown)
			return false;
		e->start = grown;
	}
	e->start[e->n_lines++] = start;
	return true;
}

bool yaml_edit_start(struct yaml_edit *e, const char *data, size_t length)
{
	*e = (struct yaml_edit){ .data = data, .length = length };
	if (length >= 2 && (memcmp(data, "\xfe\xff", 2) == 0 || memcmp(data, "\xff\xfe", 2) == 0))
		return false;
	size_t mark = length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	bool good = add_line(e, mark);
	for (size_t i = mark; good && i < length;) {
		size_t n = break_length(data + i, length - i);
		i += n ? n : 1;
		if (n)
			good = add_line(e, i);
	}
	/* The last item is the end of the text. */
	return good && (e->start[e->n_lines - 1] == length || add_line(e, length)) && e->n_lines-- > 0;
}

void yaml_edit_done(struct yaml_edit *e)
{
	for (size_t i = 0; i < e->n_changes; i++)
		free(e->changes[i].insert);
	free(e->changes);
	free(e->start);
	*e = (struct yaml_edit){ 0 };
}

/* Where the text of a line ends, its break left out. */
static size_t end_of(const struct yaml_edit *e, size_t line)
{
	size_t end = e->start[line + 1];
	while (end > e->start[line]) {
		size_t back = end - e->start[line] < 3 ? end - e->start[line] : 3;
		size_t n = 0;
		for (size_t k = back; k >= 1 && !n; k--)
			n = break_length(e->data + end - k, k) == k ? k : 0;
		if (!n)
			break;
		end -= n;
	}
	return end;
}

static size_t indent_of(const struct yaml_edit *e, size_t line)
{
	size_t i = e->start[line];
	while (i < e->start[line + 1] && e->data[i] == ' ')
		i++;
	return i - e->start[line];
}

static bool is_blank(const struct yaml_edit *e, size_t line)
{
	size_t i = e->start[line], end = end_of(e, line);
	while (i < end && (e->data[i] == ' ' || e->data[i] == '\t'))
		i++;
	return i == end;
}

/* Neither blank nor only a comment. */
static bool is_significant(const struct yaml_edit *e, size_t line)
{
	size_t i = e->start[line], end = end_of(e, line);
	while (i < end && (e->data[i] == ' ' || e->data[i] == '\t'))
		i++;
	return i < end && e->data[i] != '#';
}

static size_t line_at(const struct yaml_edit *e, size_t at)
{
	size_t low = 0, high = e->n_lines;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (e->start[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* ---- changes ---- */

static void change(struct yaml_edit *e, size_t at, size_t remove, struct text *insert)
{
	struct change *grown = realloc(e->changes, (e->n_changes + 1) * sizeof(*grown));
	if (!grown || insert->failed) {
		e->failed = true;
		text_free(insert);
		e->changes = grown ? grown : e->changes;
		return;
	}
	text_add(insert, "", 1);
	e->failed = e->failed || insert->failed;
	e->changes = grown;
	grown[e->n_changes++] = (struct change){ .at = at, .remove = remove, .insert = insert->data };
	*insert = (struct text){ 0 };
}

static int by_place(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

void yaml_edit_apply(struct yaml_edit *e, struct text *ret_text)
{
	size_t at = 0;
	if (e->n_changes)
		qsort(e->changes, e->n_changes, sizeof(*e->changes), by_place);
	for (size_t i = 0; i < e->n_changes; i++) {
		const struct change *c = &e->changes[i];
		if (c->at < at || !c->insert) {
			e->failed = true;
			return;
		}
		text_add(ret_text, e->data + at, c->at - at);
		text_adds(ret_text, c->insert);
		at = c->at + c->remove;
	}
	text_add(ret_text, e->data + at, e->length - at);
}

/* ---- the item ---- */

/* How a line of an item begins: "- key: value", and parts of that. */
struct head {
	size_t line;
	bool dash, key;              /* the key asked for */
	size_t dash_column, column;  /* of the dash; of what follows it */
	size_t value;                /* offset of the value, or of the line's end */
	bool empty;                  /* there is no value on this line */
};

static size_t skip_blanks(const struct yaml_edit *e, size_t i, size_t end)
{
	while (i < end && (e->data[i] == ' ' || e->data[i] == '\t'))
		i++;
	return i;
}

/* The offset behind `key:`, which may be in quotes, or 0 if it is not at i. */
static size_t behind_key(const struct yaml_edit *e, size_t i, size_t end, const char *key)
{
	char quote = i < end && (e->data[i] == '\'' || e->data[i] == '"') ? e->data[i] : '\0';
	size_t length = strlen(key);
	i += quote != '\0';
	if (end - i < length || memcmp(e->data + i, key, length) != 0)
		return 0;
	i += length;
	if (quote && (i == end || e->data[i++] != quote))
		return 0;
	i = skip_blanks(e, i, end);
	if (i == end || e->data[i] != ':')
		return 0;
	return i + 1 == end || e->data[i + 1] == ' ' || e->data[i + 1] == '\t' ? i + 1 : 0;
}

static struct head read_head(const struct yaml_edit *e, size_t line, const char *key)
{
	struct head h = { .line = line };
	size_t start = e->start[line], end = end_of(e, line), i = start + indent_of(e, line);
	if (i < end && e->data[i] == '-' && (i + 1 == end || e->data[i + 1] == ' ')) {
		h.dash = true;
		h.dash_column = i - start;
		for (i++; i < end && e->data[i] == ' ';)
			i++;
	}
	h.column = i - start;
	size_t value = behind_key(e, i, end, key);
	h.key = value > 0;
	h.value = skip_blanks(e, h.key ? value : i, end);
	h.empty = h.value == end || e->data[h.value] == '#';
	return h;
}

/* The nearest line above that is neither blank nor a comment; false if there is none. */
static bool line_above(const struct yaml_edit *e, size_t line, size_t *ret_line)
{
	while (line > 0)
		if (is_significant(e, --line)) {
			*ret_line = line;
			return true;
		}
	return false;
}

/* ---- scalars ---- */

/* Behind a quoted scalar that begins at i; 0 if it has no end. */
static size_t quoted_end(const struct yaml_edit *e, size_t i)
{
	char quote = e->data[i++];
	for (; i < e->length; i++) {
		if (quote == '"' && e->data[i] == '\\')
			i++;
		else if (e->data[i] != quote)
			continue;
		else if (quote == '\'' && i + 1 < e->length && e->data[i + 1] == '\'')
			i++;
		else
			return i + 1;
	}
	return 0;
}

/* The end of what a plain scalar has on one line: before a comment and the blanks. */
static size_t plain_end(const struct yaml_edit *e, size_t i, size_t end, bool *ret_comment)
{
	size_t last = i;
	*ret_comment = false;
	for (bool blank = false; i < end; i++) {
		if (blank && e->data[i] == '#') {
			*ret_comment = true;
			break;
		}
		blank = e->data[i] == ' ' || e->data[i] == '\t';
		if (!blank)
			last = i + 1;
	}
	return last;
}

/* A block scalar whose header is on `line`: the offset of the line behind it. */
static size_t block_end(const struct yaml_edit *e, size_t line, size_t header, size_t parent)
{
	bool keep = false;
	size_t content = 0, end = line + 1;
	for (size_t i = header + 1; i < e->length && strchr("+-123456789", e->data[i]) && e->data[i]; i++) {
		keep = keep || e->data[i] == '+';
		if (e->data[i] >= '1')
			content = parent + (size_t)(e->data[i] - '0');
	}
	for (size_t at = line + 1; at < e->n_lines; at++) {
		size_t indent = indent_of(e, at);
		if (is_blank(e, at)) {
			end = keep ? at + 1 : end;
			continue;
		}
		if (content == 0 && indent > parent)
			content = indent;
		if (content == 0 || indent < content)
			break;
		end = at + 1;
	}
	return e->start[end];
}

/*
 * Behind the scalar whose value begins at `value`, in a collection of this column. 0 if it is none
 * that can stand in block style. A block scalar ends where its last line does, its break included.
 */
static size_t scalar_end(const struct yaml_edit *e, size_t value, size_t parent, bool *ret_block)
{
	size_t line = line_at(e, value), end = end_of(e, line);
	*ret_block = false;
	while (value < end && (e->data[value] == '&' || e->data[value] == '!')) {
		while (value < end && e->data[value] != ' ')
			value++;
		value = skip_blanks(e, value, end);
	}
	if (value == end || strchr(",[]{}#*?@`%", e->data[value]))
		return 0;
	if (e->data[value] == '\'' || e->data[value] == '"')
		return quoted_end(e, value);
	if (e->data[value] == '|' || e->data[value] == '>') {
		*ret_block = true;
		return block_end(e, line, value, parent);
	}
	bool comment;
	size_t last = plain_end(e, value, end, &comment);
	for (size_t at = line + 1; at < e->n_lines && !comment; at++) {
		if (is_blank(e, at))
			continue;
		if (indent_of(e, at) <= parent || !is_significant(e, at))
			break;
		last = plain_end(e, e->start[at] + indent_of(e, at), end_of(e, at), &comment);
	}
	return last;
}

/* ---- fields ---- */

/* Behind a flow mapping that begins at i; 0 if it has no end, or holds a comment. */
static size_t flow_end(const struct yaml_edit *e, size_t i)
{
	size_t depth = 0;
	while (i < e->length) {
		char c = e->data[i];
		bool after_blank = strchr(" \t\n,", e->data[i - 1]) != NULL;
		if ((c == '\'' || c == '"') && strchr(" \t\n\r,{[:", e->data[i - 1])) {
			i = quoted_end(e, i);
			if (!i)
				return 0;
			continue;
		}
		if (c == '#' && after_blank)
			return 0;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		i++;
		if (depth == 0)
			return i;
	}
	return 0;
}

/* The fields that are there, of a key in column `column`, become others. */
static const char *replace_fields(struct yaml_edit *e, const struct head *h, const char *fields)
{
	size_t end = end_of(e, h->line), at = h->value, remove = 0;
	struct text t = { 0 };
	if (!h->empty && strchr("&*!", e->data[at]))
		return odd_fields;
	if (!h->empty && e->data[at] == '{') {
		size_t behind = flow_end(e, at);
		if (!behind)
			return commented;
		remove = behind - at;
	} else if (!h->empty) {
		bool comment;
		remove = plain_end(e, at, end, &comment) - at;
	} else {
		/* A block mapping on the lines that follow, or nothing. */
		size_t last = h->line;
		bool comments = h->value < end;
		for (size_t line = h->line + 1; line < e->n_lines; line++) {
			if (is_blank(e, line))
				continue;
			if (indent_of(e, line) <= h->column)
				break;
			bool comment;
			plain_end(e, e->start[line], end_of(e, line), &comment);
			comments = comments || comment || !is_significant(e, line);
			last = line;
		}
		if (comments && last > h->line)
			return commented;
		/* Right behind the colon, before a comment. */
		at = e->start[h->line] + h->column;
		at = behind_key(e, at, end, "fields");
		remove = last > h->line ? end_of(e, last) - at : 0;
		text_adds(&t, " ");
	}
	text_adds(&t, fields);
	change(e, at, remove, &t);
	return NULL;
}

static const char *line_break(const struct yaml_edit *e, size_t line)
{
	const char *end = e->data + end_of(e, line);
	return *end == '\r' && e->start[line + 1] > end_of(e, line) + 1 ? "\r\n" : "\n";
}

/* A new line `fields: ...` behind the scalar. */
static void insert_fields(struct yaml_edit *e, const struct head *h, size_t end, bool block,
                          const char *fields)
{
	struct text t = { 0 };
	/* The line that follows the one on which the scalar ends; a comment behind it stays there. */
	size_t last = block ? 0 : line_at(e, end > 0 ? end - 1 : 0);
	size_t at = block ? end : e->start[last + 1];
	const char *newline = line_break(e, h->line);
	bool open = at == e->length && at > 0 && !strchr("\r\n", e->data[at - 1]);
	if (open)
		text_adds(&t, newline);
	for (size_t i = 0; i < h->column; i++)
		text_adds(&t, " ");
	text_addf(&t, "fields: %s%s", fields, open ? "" : newline);
	change(e, at, 0, &t);
}

/* A scalar becomes a mapping: its further lines move to the right with it. */
static void make_mapping(struct yaml_edit *e, const struct head *h, size_t end, bool block)
{
	struct text t = { 0 };
	text_adds(&t, "line: ");
	change(e, e->start[h->line] + h->column, 0, &t);
	for (size_t line = h->line + 1; line < e->n_lines && e->start[line] < end; line++) {
		if (end_of(e, line) == e->start[line] || (!block && is_blank(e, line)))
			continue;
		for (size_t i = h->dash_column; i < h->column; i++)
			text_adds(&t, " ");
		change(e, e->start[line], 0, &t);
	}
}

/* The key `fields` of the mapping whose scalar ends at `end`, behind it or before. */
static bool find_fields(const struct yaml_edit *e, const struct head *h, size_t end, bool block,
                        struct head *ret)
{
	size_t line = block ? line_at(e, end) : line_at(e, end) + 1;
	if (block && end == e->length)
		line = e->n_lines;
	while (line < e->n_lines && !is_significant(e, line))
		line++;
	if (line < e->n_lines) {
		*ret = read_head(e, line, "fields");
		if (ret->key && !ret->dash && ret->column == h->column)
			return true;
	}
	for (line = h->line; line-- > 0 && !h->dash;) {
		if (!is_significant(e, line) || indent_of(e, line) > h->column)
			continue;
		*ret = read_head(e, line, "fields");
		if (ret->key && ret->column == h->column)
			return true;
		if (ret->dash || indent_of(e, line) < h->column)
			break;
	}
	return false;
}

/* Is this key, on a line without a dash, in an item of a block list? */
static bool in_block_item(const struct yaml_edit *e, const struct head *h)
{
	for (size_t line = h->line; line-- > 0;) {
		if (!is_significant(e, line) || indent_of(e, line) >= h->column)
			continue;
		struct head above = read_head(e, line, "fields");
		return above.dash && above.dash_column < h->column &&
		       (above.column == h->column || above.empty);
	}
	return false;
}

const char *yaml_edit_fields(struct yaml_edit *e, uint32_t number, const char *fields)
{
	if (number == 0 || number > e->n_lines)
		return flow;
	struct head h = read_head(e, number - 1, "line");
	size_t value = h.value, above;
	if (h.empty)
		return flow;
	if (!h.dash && !h.key) {
		/* The scalar has a line of its own: what it belongs to stands above. */
		size_t column = h.column;
		if (!line_above(e, h.line, &above))
			return flow;
		struct head owner = read_head(e, above, "line");
		if (!owner.empty || (!owner.dash && !owner.key))
			return flow;
		h.dash = owner.dash;
		h.dash_column = owner.dash_column;
		h.key = owner.key;
		if (h.key)
			h = owner;
		else
			h.column = column;
	}
	if (h.key && !h.dash && !in_block_item(e, &h))
		return flow;
	bool block;
	size_t end = scalar_end(e, value, h.key ? h.column : h.dash_column, &block);
	if (!end)
		return flow;
	struct head there;
	if (h.key && find_fields(e, &h, end, block, &there))
		return replace_fields(e, &there, fields);
	if (!h.key)
		make_mapping(e, &h, end, block);
	insert_fields(e, &h, end, block, fields);
	return NULL;
}
