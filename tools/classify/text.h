/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_TEXT_H
#define TOOL_TEXT_H

/*
 * Log text is data: whatever is written for people or programs goes through
 * here, so that no byte of a log acts in a terminal, a ticket or a parser.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A growing text; `failed` sticks when memory was out. Zero is a good start. */
struct text {
	char *data;
	size_t length, capacity;
	bool failed;
};

void text_add(struct text *t, const char *data, size_t length);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_number(struct text *t, uint64_t n);
void text_free(struct text *t);

/* Here, so that the length of a constant is known when it is compiled. */
static inline void text_adds(struct text *t, const char *string)
{
	text_add(t, string, strlen(string));
}

/* The next line of a text from *at on, which moves behind it. False at the end. */
bool text_line(const struct text *t, size_t *at, const char **ret_line, size_t *ret_length);

/* Lines that end in a text. */
uint64_t text_count_lines(const char *data, size_t length);

/*
 * Reads one character. Returns its length in bytes (1 to 4); bytes that are no
 * UTF-8 give U+FFFD, one for each maximal subpart (Unicode 15, table 3-7 and
 * section 3.9). length must be > 0.
 */
size_t utf8_next(const char *data, size_t length, uint32_t *ret_character);

/* The bytes of a text that are at most `most` and end where a character does. */
size_t text_cut(const char *data, size_t length, size_t most);

/* Whether it is the address of a page and nothing else: no placeholder, and no scheme that would act. */
bool text_is_address(const char *url);

/* Whether all of it is UTF-8. */
bool text_is_utf8(const char *data, size_t length);

/* Appends a character as UTF-8. */
void text_add_character(struct text *t, uint32_t c);

/* As a JSON string, quotes included: what would act in a terminal is escaped, so that nothing of it is lost. */
void text_add_json(struct text *t, const char *data, size_t length);

/*
 * For a terminal: control characters, escape sequences and bidirectional
 * controls come out visible (\x1b, \u202e), tabs as spaces.
 */
void text_add_visible(struct text *t, const char *data, size_t length);

/*
 * For the running text of Markdown: what would act is escaped, also HTML. What would call somebody,
 * or lead to another ticket, becomes code.
 */
void text_add_markdown(struct text *t, const char *data, size_t length);

/* A code block of Markdown whose fence no text inside can close. */
void text_add_code_block(struct text *t, const char *language, const char *data, size_t length);

/* Inside XML, be it an attribute or text: visible as above, newlines and tabs as references. */
void text_add_xml(struct text *t, const char *data, size_t length);

/*
 * Inside HTML, be it an attribute or text: visible as above, but tabs and newlines as they are, and
 * sequences that only set colours left out: they say nothing of what happened.
 */
void text_add_html(struct text *t, const char *data, size_t length);

/*
 * A whole cell of CSV, quotes included where it needs them: visible as above, but tabs and newlines
 * as they are. What a spreadsheet would take for a formula gets an apostrophe before it, also behind
 * what some take for the end of a cell.
 */
void text_add_csv(struct text *t, const char *data, size_t length);

/* As the path of a URI reference: all but letters, digits, and "-._~/" as %XX. */
void text_add_uri_path(struct text *t, const char *data, size_t length);

/* As the value of a label in the text format of Prometheus, without its quotes: visible as above. */
void text_add_label(struct text *t, const char *data, size_t length);

/*
 * As a value of YAML on one line, also inside a flow mapping: plain where no parser could take it
 * for anything but a text, else in quotes. Bytes that are no UTF-8 become U+FFFD.
 */
void text_add_yaml(struct text *t, const char *data, size_t length);

/* Columns that the visible text takes on a terminal. */
size_t text_columns(const char *data, size_t length);

/*
 * Appends `data` (visible already) wrapped at words to lines of `width`
 * columns, each behind `indent` spaces; the first line's indent is there
 * already. Ends with \n.
 */
void text_add_wrapped(struct text *t, const char *data, size_t length, size_t indent, size_t width);

/*
 * The same for a shell command: broken only at blanks outside quotes and comments,
 * with a backslash, so that what is pasted is one command. What cannot be broken stays whole.
 */
void text_add_command(struct text *t, const char *data, size_t length, size_t indent, size_t width);

/* Does the shell know, at the end of this line, that what stands on the next one is another command? */
bool text_is_closed_command(const char *data, size_t length);

#endif
