/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rule_draft.h. The message is read from left to right. At the start of a
 * word the recognizers are asked in turn, the most particular first; what none
 * of them knows is literal. A capture is named after the key or the word before
 * it, or else after its kind, and its class takes exactly what was recognized:
 * a recognizer reads as far as the class of its capture goes.
 */

#include "rule_draft.h"

#include <string.h>
#include <strings.h>

#define MAX_MESSAGE 300  /* bytes of it that the expression is made of */
#define MAX_TITLE 90
#define MAX_CAPTURES 24
#define MIN_LETTERS 4    /* literal ones, without which an expression tells nothing */

/* What varies: how long it is, what it is called, and the class that takes it. */
struct variable {
	size_t length;
	const char *kind;
	const char *class;
	size_t before, after;        /* quotes that stand around it and are literal; part of length */
};

struct reader {
	const char *data;
	size_t length, at;
	size_t word, word_length;    /* the last literal word */
	size_t word_end;             /* behind what may stand between it and a value */
	bool key;                    /* it is followed by = or : */
	bool behind_path;            /* a path, or the line number behind one, was just taken */
	bool byte_mode;              /* there are bytes that are no UTF-8 */
	size_t letters;              /* of the literals */
	bool title_full;
	struct draft *draft;
};

/* ---- characters ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_word(char c)
{
	return is_digit(c) || is_letter(c) || c == '_';
}

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static char at(const struct reader *r, size_t i)
{
	return i < r->length ? r->data[i] : '\0';
}

/* How far the characters go that are in `set`; with letters and digits if `words`. */
static size_t run(const struct reader *r, size_t i, const char *set, bool words)
{
	size_t start = i;
	while (i < r->length && ((words && is_word(r->data[i])) ||
	                         (r->data[i] && strchr(set, r->data[i]))))
		i++;
	return i - start;
}

static size_t digits(const struct reader *r, size_t i)
{
	return run(r, i, "0123456789", false);
}

/* How far it goes to a blank or one of `ends`. */
static size_t until(const struct reader *r, size_t i, const char *ends)
{
	size_t start = i;
	while (i < r->length && !is_blank(r->data[i]) && r->data[i] && !strchr(ends, r->data[i]))
		i++;
	return i - start;
}

static bool starts_with(const struct reader *r, size_t i, const char *text)
{
	size_t n = strlen(text);
	return r->length - i >= n && memcmp(r->data + i, text, n) == 0;
}

static bool is_one_of(const char *text, size_t length, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == length && strncasecmp(*list, text, length) == 0)
			return true;
	return false;
}

/* ---- what varies ---- */

#define PATH_ENDS ":\"'`,;()[]{}<>|="
#define PATH_CLASS "[^\\s:\"'`,;()\\[\\]{}<>|=]+"
#define VALUE_ENDS "\"'`,;()[]{}<>|"
#define VALUE_CLASS "[^\\s\"'`,;()\\[\\]{}<>|]+"

/* Where a word ends: nothing follows that belongs to it. */
static bool ends_here(const struct reader *r, size_t i)
{
	return !is_word(at(r, i)) && !(at(r, i) & 0x80);
}

static bool quoted(const struct reader *r, size_t i, struct variable *v)
{
	static const struct {
		const char *open, *close, *class;
	} quotes[] = {
		{ "\"", "\"", "[^\"]+" },
		{ "'", "'", "[^']+" },
		{ "`", "`", "[^`]+" },
		{ "`", "'", "[^']+" },
		{ "\xe2\x80\x98", "\xe2\x80\x99", "[^\xe2\x80\x99]+" },
	};
	for (size_t k = 0; k < sizeof(quotes) / sizeof(quotes[0]); k++) {
		size_t open = strlen(quotes[k].open), close = strlen(quotes[k].close), blanks = 0;
		int brackets = 0;
		if (!starts_with(r, i, quotes[k].open) || (open > 1 && r->byte_mode))
			continue;
		size_t end = i + open;
		for (; end < r->length && !starts_with(r, end, quotes[k].close); end++) {
			blanks += is_blank(r->data[end]);
			brackets += r->data[end] == '(';
			brackets -= r->data[end] == ')';
		}
		/*
		 * Several words are a text, and the text is what tells. So is the name of a key. With a
		 * bracket open, the quote that closes is one that opens.
		 */
		if (end == r->length || end == i + open || blanks > 1 || brackets || is_word(at(r, end + close)) ||
		    at(r, end + close) == ':' || at(r, end + close) == '=' || r->data[end - 1] == '\\')
			continue;
		*v = (struct variable){ .length = end + close - i, .kind = "value", .class = quotes[k].class,
			                .before = open, .after = close };
		return true;
	}
	return false;
}

static bool url(const struct reader *r, size_t i, struct variable *v)
{
	size_t scheme = run(r, i, "+.-", true);
	if (scheme < 2 || !is_letter(r->data[i]) || !starts_with(r, i + scheme, "://"))
		return false;
	size_t length = until(r, i, VALUE_ENDS);
	/* The mark behind a sentence, or before its next part. */
	while (length > scheme + 4 && strchr(".:!?", r->data[i + length - 1]))
		length--;
	*v = (struct variable){ .length = length, .kind = "url",
		                .class = "[a-zA-Z][\\w+.-]*://[^\\s\"'`,;()\\[\\]{}<>|]*[^\\s\"'`,;()\\[\\]{}<>|.:!?]" };
	return length > scheme + 3;
}

static bool timestamp(const struct reader *r, size_t i, struct variable *v)
{
	if (digits(r, i) != 4 || at(r, i + 4) != '-' || digits(r, i + 5) != 2 || at(r, i + 7) != '-' ||
	    digits(r, i + 8) != 2)
		return false;
	size_t length = 10;
	const char *class = "\\d{4}-\\d\\d-\\d\\d";
	if ((at(r, i + 10) == 'T' || at(r, i + 10) == ' ') && digits(r, i + 11) == 2 && at(r, i + 13) == ':') {
		length = 11 + run(r, i + 11, "0123456789:.,+-Z", false);
		class = "\\d{4}-\\d\\d-\\d\\d[T ][\\d:.,+Z-]+";
	}
	*v = (struct variable){ .length = length, .kind = "time", .class = class };
	return ends_here(r, i + length);
}

static bool hex(const struct reader *r, size_t i, struct variable *v)
{
	size_t length = 0;
	if (starts_with(r, i, "sha256:")) {
		length = 7;
		while (is_hex(at(r, i + length)))
			length++;
		*v = (struct variable){ .length = length, .kind = "digest", .class = "sha256:[0-9a-fA-F]+" };
		return length > 7 + 6 && ends_here(r, i + length);
	}
	bool marked = at(r, i) == '0' && at(r, i + 1) == 'x';
	size_t letters = 0, numbers = 0, dashes = 0;
	for (length = marked ? 2 : 0; is_hex(at(r, i + length)) || at(r, i + length) == '-'; length++) {
		letters += is_letter(at(r, i + length));
		numbers += is_digit(at(r, i + length));
		dashes += at(r, i + length) == '-';
	}
	if (!ends_here(r, i + length))
		return false;
	if (dashes == 4 && letters + numbers == 32)
		*v = (struct variable){ .length = length, .kind = "uuid", .class = "[0-9a-fA-F-]{36}" };
	else if (marked && length > 2 && !dashes)
		*v = (struct variable){ .length = length, .kind = "hex", .class = "0x[0-9a-fA-F]+" };
	else if (letters && numbers && !dashes && length >= 7)
		*v = (struct variable){ .length = length, .kind = "id", .class = "[0-9a-fA-F]+" };
	else
		return false;
	return true;
}

static bool address(const struct reader *r, size_t i, struct variable *v)
{
	size_t length = 0;
	for (int part = 0; part < 4; part++) {
		size_t n = digits(r, i + length);
		if (n == 0 || n > 3 || (part < 3 && at(r, i + length + n) != '.'))
			return false;
		length += n + (part < 3);
	}
	const char *class = "\\d+\\.\\d+\\.\\d+\\.\\d+";
	if ((at(r, i + length) == ':' || at(r, i + length) == '/') && digits(r, i + length + 1)) {
		length += 1 + digits(r, i + length + 1);
		class = "\\d+\\.\\d+\\.\\d+\\.\\d+[:/]\\d+";
	}
	*v = (struct variable){ .length = length, .kind = "address", .class = class };
	return ends_here(r, i + length) && !(at(r, i + length) == '.' && is_digit(at(r, i + length + 1)));
}

/* Absolute, or from here, or from home; also with a drive. */
static bool path(const struct reader *r, size_t i, struct variable *v)
{
	if (is_letter(at(r, i)) && at(r, i + 1) == ':' && (at(r, i + 2) == '\\' || at(r, i + 2) == '/')) {
		size_t length = 2 + until(r, i + 2, PATH_ENDS);
		*v = (struct variable){ .length = length, .kind = "path", .class = "[A-Za-z]:" PATH_CLASS };
		return length > 3;
	}
	if (!starts_with(r, i, "/") && !starts_with(r, i, "./") && !starts_with(r, i, "../") &&
	    !starts_with(r, i, "~/"))
		return false;
	size_t length = until(r, i, PATH_ENDS);
	*v = (struct variable){ .length = length, .kind = "path", .class = PATH_CLASS };
	return length > 1 && is_word(r->data[i + length - 1]) && !starts_with(r, i, "//");
}

/* References of images, files and packages with a slash in them; names of files; hosts. */
static bool name(const struct reader *r, size_t i, struct variable *v)
{
	static const char *const endings[] = { "c",    "cc",   "cfg",  "conf", "cpp",  "cs",    "css",  "go",   "gradle",
		                               "gz",   "h",    "html", "ini",  "jar",  "java",  "js",   "json", "jsx",
		                               "kt",   "lock", "log",  "md",   "mjs",  "php",   "pom",  "proto", "py",
		                               "rb",   "rpm",  "rs",   "scala", "sh",  "so",    "sql",  "swift", "tar",
		                               "tf",   "tgz",  "toml", "ts",   "tsx",  "txt",   "whl",  "xml",  "yaml",
		                               "yml",  "zip",  NULL };
	static const char *const domains[] = { "cloud", "com", "dev", "example", "internal", "io", "local", "net",
		                               "org",   "svc", "test", NULL };
	size_t length = run(r, i, ".@%+~/-", true);
	while (length > 0 && strchr(".-/", r->data[i + length - 1]))
		length--;
	if (length == 0 || !ends_here(r, i + length))
		return false;
	size_t slashes = 0, dashes = 0, numbers = 0, upper = 0, first = 0, dot = length, slash = 0;
	for (size_t k = 0; k < length; k++) {
		char c = r->data[i + k];
		slashes += c == '/';
		dashes += c == '-';
		numbers += is_digit(c);
		upper += c >= 'A' && c <= 'Z';
		if (c == '/') {
			slash = k + 1;
			dot = length;
		} else if (c == '.') {
			dot = k;
			first += slashes == 0;
		}
	}
	size_t port = at(r, i + length) == ':' ? digits(r, i + length + 1) : 0;
	size_t tag = slashes && first && at(r, i + length) == ':' && is_word(at(r, i + length + 1))
	                     ? 1 + run(r, i + length + 1, ".-", true)
	                     : 0;
	bool file = dot > slash && dot + 1 < length &&
	            is_one_of(r->data + i + dot + 1, length - dot - 1, endings);
	bool host = dot > slash && dot + 1 < length && !slashes &&
	            is_one_of(r->data + i + dot + 1, length - dot - 1, domains);
	*v = (struct variable){ .length = length, .kind = "file", .class = PATH_CLASS };
	if (file)
		return true;
	if (tag || (slashes && first && memchr(r->data + i, '@', length))) {
		v->kind = "image";
		v->class = VALUE_CLASS;
		v->length = until(r, i, VALUE_ENDS);
		while (strchr(":.", r->data[i + v->length - 1]))
			v->length--;
		/* What the class takes beyond would be part of the value. */
		if (i + v->length < r->length && strchr(":.", r->data[i + v->length]))
			v->class = "[^\\s\"'`,;()\\[\\]{}<>|]*[^\\s\"'`,;()\\[\\]{}<>|:.]";
		return true;
	}
	if (host || (port && dot < length && !slashes)) {
		v->kind = "host";
		v->class = port ? "[\\w.-]+:\\d+" : "[\\w.-]+";
		v->length += port ? port + 1 : 0;
		return ends_here(r, i + v->length);
	}
	if (slashes > 1 || (slashes && (numbers || r->data[i] == '@'))) {
		v->kind = r->data[i] == '@' ? "package" : "path";
		return true;
	}
	/* Generated names, as of pods and nodes. */
	v->kind = "name";
	v->class = "[\\w.-]+";
	return !slashes && dashes > 1 && numbers && !upper;
}

static bool number(const struct reader *r, size_t i, struct variable *v)
{
	static const char *const durations[] = { "ns", "us", "ms", "s", "m", "h", "d", "sec", "secs", "min", NULL };
	static const char *const sizes[] = { "b",  "k",   "kb",  "kib", "m",  "mb", "mib", "mi",
		                             "gb", "gib", "gi",  "g",   "tb", "ki", "tib", NULL };
	bool marked = at(r, i) == 'v' && is_digit(at(r, i + 1));
	size_t length = marked, dots = 0, n;
	if (!is_digit(at(r, i + length)))
		return false;
	for (; (n = digits(r, i + length)) > 0; length++, dots++) {
		length += n;
		if (at(r, i + length) != '.' || !is_digit(at(r, i + length + 1)))
			break;
	}
	if (marked || dots > 1) {
		length += run(r, i + length, ".+-", true);
		while (strchr(".+-", r->data[i + length - 1]))
			length--;
		*v = (struct variable){ .length = length, .kind = "version", .class = "v?\\d[\\w.+-]*" };
		/* The class would go on to a dot, which is the end of a sentence. */
		if (i + length < r->length && strchr(".+-", r->data[i + length]))
			v->class = "v?\\d[\\w.+-]*\\w";
		return ends_here(r, i + length);
	}
	*v = (struct variable){ .length = length, .kind = "number", .class = dots ? "\\d+\\.\\d+" : "\\d+" };
	if (ends_here(r, i + length))
		return true;
	size_t unit = 0;
	while (is_letter(at(r, i + length + unit)))
		unit++;
	bool duration = is_one_of(r->data + i + length, unit, durations);
	if (duration || is_one_of(r->data + i + length, unit, sizes)) {
		/* 1m30s goes on. */
		v->length = length + unit + run(r, i + length + unit, ".", true);
		if (at(r, i + v->length - 1) == '.')
			v->length--;
		v->kind = duration ? "duration" : "size";
		v->class = "\\d[\\w.]*\\w";
		return ends_here(r, i + v->length);
	}
	return false;
}

/* Behind `key=`: whatever is no mere word. */
static bool value(const struct reader *r, size_t i, struct variable *v)
{
	size_t length = r->key && i > 0 && r->data[i - 1] == '=' ? until(r, i, VALUE_ENDS) : 0;
	bool plain = true;
	for (size_t k = 0; k < length; k++)
		plain = plain && is_letter(r->data[i + k]);
	*v = (struct variable){ .length = length, .kind = "value", .class = VALUE_CLASS };
	return !plain;
}

static bool recognize(const struct reader *r, size_t i, struct variable *v)
{
	static bool (*const all[])(const struct reader *, size_t, struct variable *) = {
		quoted, url, timestamp, hex, address, path, name, number, value,
	};
	if (i > 0 && (is_word(r->data[i - 1]) || (r->data[i - 1] & 0x80)))
		return false;
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		if (all[k](r, i, v) && v->length > 0)
			return true;
	return false;
}

/* ---- names ---- */

/* Words after which nothing should be named. */
static const char *const empty_words[] = {
	"a",     "an",   "and",  "after", "as",     "at",    "be",      "because", "but",   "by",   "can",    "cannot",
	"does",  "error", "errors", "exited", "expected", "failed", "failure", "fatal", "for", "found", "from", "get",
	"got",   "had",  "has",  "have",  "in",     "into",  "is",      "it",      "no",    "not",  "of",     "on",
	"or",    "parse", "such", "that", "than",   "the",   "this",    "to",      "unable", "was", "were",   "when",
	"while", "with", "you",  "your",  "up",     "warning", "info",  "could",   "did",   "do",   "open",   "read",
	"tcp",   "udp",  "dial", "url", "run",   "load", "find", "use",   "using",  "exec",  "failing", "fetch",   "download", "push", "pull", "write",
	NULL,
};

static bool is_taken(const struct draft *d, const char *wanted)
{
	for (size_t i = 0; i < d->n_names; i++)
		if (strcmp(d->names[i], wanted) == 0)
			return true;
	return false;
}

/* Finds a name that is not used yet, from the word before the value or from its kind. */
static const char *choose_name(struct reader *r, const char *kind, size_t value_at)
{
	struct draft *d = r->draft;
	char base[28];
	size_t n = 0;
	bool near = r->word_length > 0 && r->word_end == value_at;
	bool usable = near && r->word_length < sizeof(base) &&
	              (r->key || (r->word_length > 2 && !is_one_of(r->data + r->word, r->word_length, empty_words)));
	if (usable) {
		for (; n < r->word_length; n++) {
			char c = r->data[r->word + n];
			base[n] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		}
		base[n] = '\0';
	} else {
		snprintf(base, sizeof(base), "%s", kind);
	}
	char *chosen = d->names[d->n_names];
	snprintf(chosen, sizeof(d->names[0]), "%s", base);
	for (int k = 2; is_taken(d, chosen); k++)
		snprintf(chosen, sizeof(d->names[0]), "%s_%d", base, k);
	d->n_names++;
	return chosen;
}

/* ---- writing ---- */

/* As much as a title should hold; a word that alone is longer is cut. */
static void add_title(struct reader *r, const char *data, size_t length)
{
	struct text *title = &r->draft->title;
	bool fits = title->length + length <= MAX_TITLE;
	if (!fits && title->length == 0 && !r->title_full)
		text_add(title, data, MAX_TITLE);
	r->title_full = r->title_full || !fits;
	if (!r->title_full)
		text_add(title, data, length);
}

/* A character of the message, literally. */
static void add_literal(struct reader *r)
{
	struct draft *d = r->draft;
	const char *p = r->data + r->at;
	if (is_blank(*p)) {
		size_t n = 0;
		while (is_blank(at(r, r->at + n)))
			n++;
		text_adds(&d->expression, n == 1 && *p == ' ' ? " " : "\\s+");
		add_title(r, " ", 1);
		r->at += n;
		return;
	}
	if ((*p & 0x80) && r->byte_mode) {
		while (at(r, r->at) & 0x80)
			r->at++;
		text_adds(&d->expression, "[\\x80-\\xff]+");
		return;
	}
	uint32_t c;
	size_t n = utf8_next(p, r->length - r->at, &c);
	if (c < 0x20 || c == 0x7f) {
		text_addf(&d->expression, "\\x%02x", (unsigned)c);
	} else {
		if (c < 0x80 && strchr("\\^$.[]|()?*+{}", *p))
			text_adds(&d->expression, "\\");
		text_add(&d->expression, p, n);
		/* "${" would be a placeholder. */
		if (c != '$')
			add_title(r, p, n);
		r->letters += is_letter(*p) || c >= 0x80;
	}
	r->at += n;
}

static void add_word(struct reader *r)
{
	struct draft *d = r->draft;
	size_t start = r->at, length = run(r, start, "", true);
	for (size_t i = 0; i < length; i++)
		r->letters += is_letter(r->data[start + i]);
	text_add(&d->expression, r->data + start, length);
	add_title(r, r->data + start, length);
	if (length > 2 && is_letter(r->data[start])) {
		text_add(&d->words, r->data + start, length);
		text_adds(&d->words, "\n");
	}
	r->at += length;
	/* What follows at once, or behind a sign and a blank, may be named after it. */
	r->word = start;
	r->word_length = is_letter(r->data[start]) ? length : 0;
	size_t end = r->at + (at(r, r->at) == '"' || at(r, r->at) == '\'');
	r->key = at(r, end) == '=' || at(r, end) == ':';
	end = r->key ? end + 1 : r->at;
	r->word_end = end + run(r, end, " #(", false);
	r->behind_path = false;
}

static void add_variable(struct reader *r, const struct variable *v)
{
	struct draft *d = r->draft;
	size_t inner = r->at + v->before, length = v->length - v->before - v->after;
	bool is_path = strcmp(v->kind, "path") == 0 || strcmp(v->kind, "file") == 0;
	bool place = r->behind_path && r->data[r->at - 1] == ':' && strcmp(v->kind, "number") == 0;
	for (size_t i = 0; i < v->before; i++)
		text_add(&d->expression, r->data + r->at + i, 1);
	add_title(r, r->data + r->at, v->before);
	if (d->n_names < MAX_CAPTURES) {
		const char *kind = place ? (is_taken(d, "line") ? "column" : "line") : v->kind;
		const char *chosen = choose_name(r, kind, r->at);
		text_addf(&d->expression, "(?<%s>%s)", chosen, v->class);
		struct text placeholder = { 0 };
		text_addf(&placeholder, "${%s}", chosen);
		add_title(r, placeholder.data, placeholder.length);
		text_free(&placeholder);
	} else {
		text_adds(&d->expression, v->class);
	}
	text_add(&d->expression, r->data + inner + length, v->after);
	add_title(r, r->data + inner + length, v->after);
	r->at += v->length;
	r->word_length = 0;
	r->behind_path = is_path || place;
}

/* The part of the message that the expression is made of: not more than is good, up to a blank. */
static size_t cut(const char *data, size_t length)
{
	if (length <= MAX_MESSAGE)
		return length;
	size_t end = MAX_MESSAGE;
	while (end > MAX_MESSAGE / 2 && !is_blank(data[end]))
		end--;
	if (!is_blank(data[end]))
		for (end = MAX_MESSAGE; end > 0 && (data[end] & 0xc0) == 0x80;)
			end--;
	return end;
}

/* A title that is full ends with a whole word, if that leaves enough of it. */
static void end_title(struct text *title)
{
	const char *blank = title->length ? memrchr(title->data, ' ', title->length) : NULL;
	if (blank && (size_t)(blank - title->data) > MAX_TITLE / 3)
		title->length = (size_t)(blank - title->data);
}

void draft_make(struct draft *d, const char *message, size_t length, enum draft_way way)
{
	*d = (struct draft){ 0 };
	size_t end = cut(message, length);
	while (end > 0 && is_blank(message[end - 1]))
		end--;
	struct reader r = { .data = message, .length = end, .draft = d,
		            .byte_mode = !text_is_utf8(message, end) };
	while (r.at < end && is_blank(message[r.at]))
		r.at++;
	if (way == DRAFT_WHOLE)
		text_adds(&d->expression, "^\\s*");
	struct variable v;
	while (r.at < end) {
		if (way == DRAFT_CAPTURES && recognize(&r, r.at, &v))
			add_variable(&r, &v);
		else if (is_word(message[r.at]))
			add_word(&r);
		else
			add_literal(&r);
	}
	if (way == DRAFT_WHOLE && end == length)
		text_adds(&d->expression, "\\s*$");
	if (r.title_full)
		end_title(&d->title);
	if (way == DRAFT_CAPTURES && r.letters < MIN_LETTERS) {
		draft_done(d);
		draft_make(d, message, length, DRAFT_WHOLE);
	}
}

void draft_done(struct draft *d)
{
	text_free(&d->expression);
	text_free(&d->title);
	text_free(&d->words);
	*d = (struct draft){ 0 };
}
