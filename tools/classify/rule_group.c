/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rule_group.h. Messages of one template are cut into the same pieces: words,
 * words with digits and paths, quoted texts, and what stands between. Piece by
 * piece they are laid side by side.
 */

#include "rule_group.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "end_mark.h"
#include "paths.h"
#include "trial.h"

#define MAX_PIECES 128
#define MAX_MESSAGE 300      /* bytes of the first message that the expression is made of */
#define MAX_TITLE 90
#define MIN_LETTERS 4        /* literal ones, without which an expression tells nothing */

/* ---- the members ---- */

struct finder {
	const char *fingerprint;
	struct rule_group *group;
	struct trial known, marked;
	struct outcome *o;
};

static bool is_member(const struct clsf_verdict *v, const char *fingerprint)
{
	return v && v->outcome == CLSF_FAILED && !v->rule && v->n_telling && strcmp(v->fingerprint, fingerprint) == 0;
}

static bool is_there(const struct rule_group *group, const struct subject *s)
{
	for (size_t i = 0; i < group->n; i++)
		if (group->member[i].message.length == s->message.length &&
		    memcmp(group->member[i].message.data, s->message.data, s->message.length) == 0)
			return true;
	return false;
}

/* The telling line of a log if it is of the group; where no rule says that the log failed, its end is taken for that. */
static uint64_t telling_line(struct finder *f, const char *path)
{
	static const char mark[] = "\n" END_MARK "\n";
	struct input_result result;
	if (!trial_read(&f->known, path, &result) || result.binary) {
		if (!result.opened) {
			complain("%s: %s", path, result.message);
			f->o->unread = true;
		}
		return 0;
	}
	f->group->seen++;
	if (is_member(f->known.verdict, f->fingerprint))
		return f->known.verdict->line.number;
	if (f->known.verdict->outcome != CLSF_UNDETERMINED)
		return 0;
	struct input_feeding *feeding = &f->marked.feeding;
	const struct clsf_verdict *v = NULL;
	clsf_stream_reset(feeding->stream);
	input_read(path, input_feed, feeding, &result);
	if (feeding->code < 0 || clsf_stream_feed(feeding->stream, feeding->worker, mark, strlen(mark)) ||
	    clsf_stream_finish(feeding->stream, feeding->worker, &v))
		return 0;
	return is_member(v, f->fingerprint) && v->line.number < v->lines ? v->line.number : 0;
}

static bool visit(const char *path, void *user)
{
	struct finder *f = user;
	struct rule_group *group = f->group;
	if (strcmp(path, "-") == 0) {
		usage_error(f->o, "rules new", "--from-group reads logs twice, and standard input cannot be");
		return false;
	}
	uint64_t number = telling_line(f, path);
	if (!number)
		return true;
	group->logs++;
	if (group->n == GROUP_MEMBERS)
		return true;
	struct subject s = { 0 };
	if (subject_from_line(path, number, &s, f->o) && !is_there(group, &s)) {
		group->member[group->n++] = s;
		return true;
	}
	subject_done(&s);
	return !f->o->usage;
}

static void complain_about(const char *path, const char *why, void *user)
{
	struct finder *f = user;
	complain("%s: %s", path, why);
	f->o->unread = true;
}

bool rule_group_find(const char *fingerprint, const struct list *paths, struct clsf_ruleset *rs,
                     struct rule_group *group, struct outcome *o)
{
	struct clsf_error error;
	struct finder f = { .fingerprint = fingerprint, .group = group, .o = o };
	struct clsf_ruleset *marked = trial_compile("end", END_MARK_RULES, strlen(END_MARK_RULES), &error);
	bool good = marked && trial_start(&f.known, rs) && trial_start(&f.marked, marked);
	for (size_t i = 0; good && i < paths->n; i++)
		if (!paths_walk(paths->item[i], visit, complain_about, &f))
			break;
	trial_stop(&f.known);
	trial_stop(&f.marked);
	clsf_ruleset_unref(marked);
	if (!good) {
		complain("out of memory");
		o->unread = true;
	} else if (group->n == 0 && !o->usage) {
		usage_error(o, "rules new", "of %zu logs none is an unknown failure with the template %s; "
		            "'classify scan' names the templates there are", group->seen, fingerprint);
	}
	return good && group->n && !o->usage;
}

void rule_group_done(struct rule_group *group)
{
	for (size_t i = 0; i < group->n; i++)
		subject_done(&group->member[i]);
	*group = (struct rule_group){ 0 };
}

/* ---- pieces ---- */

enum kind { KIND_WORD, KIND_VALUE, KIND_PATH, KIND_QUOTED, KIND_BETWEEN };

struct piece {
	enum kind kind;
	const char *data;
	size_t length;
};

struct pieces {
	struct piece item[MAX_PIECES];
	size_t n;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || is_digit(c) || c == '_' || (c & 0x80);
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* The piece that begins here, in the way in which the library's fingerprint cuts a text. */
static struct piece next_piece(const char *s, size_t n)
{
	struct piece p = { .kind = KIND_BETWEEN, .data = s, .length = 1 };
	if (is_quote(s[0])) {
		const char *close = memchr(s + 1, s[0], n - 1);
		if (close && close - s < 256)
			p = (struct piece){ KIND_QUOTED, s, (size_t)(close - s) + 1 };
	} else if (is_word(s[0])) {
		bool value = false;
		for (p.length = 0; p.length < n && (is_word(s[p.length]) || strchr("-./:", s[p.length])); p.length++)
			value = value || is_digit(s[p.length]) || s[p.length] == '/';
		p.kind = value ? KIND_VALUE : KIND_WORD;
	} else if (s[0] == '/') {
		while (p.length < n && s[p.length] != ' ' && s[p.length] != ':' && s[p.length] != ',')
			p.length++;
		p.kind = KIND_PATH;
	} else {
		while (p.length < n && !is_word(s[p.length]) && !is_quote(s[p.length]) && s[p.length] != '/')
			p.length++;
	}
	return p;
}

static bool cut(struct pieces *p, const struct text *message)
{
	p->n = 0;
	if (message->length == 0 || memchr(message->data, '\0', message->length) ||
	    !text_is_utf8(message->data, message->length))
		return false;
	size_t length = message->length;
	while (length > 0 && strchr(" \t\r", message->data[length - 1]))
		length--;
	for (size_t at = 0; at < length && p->n < MAX_PIECES;) {
		p->item[p->n] = next_piece(message->data + at, length - at);
		at += p->item[p->n++].length;
	}
	return true;
}

/* ---- the draft ---- */

struct writer {
	struct draft *d;
	size_t letters;
	bool title_full;
};

static void add_title(struct writer *w, const char *data, size_t length)
{
	w->title_full = w->title_full || w->d->title.length + length > MAX_TITLE;
	if (!w->title_full)
		text_add(&w->d->title, data, length);
}

static void add_literal(struct writer *w, const char *data, size_t length)
{
	struct text *t = &w->d->expression;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)data[i];
		if (c < 0x20 || c == 0x7f) {
			text_addf(t, "\\x%02x", c);
			continue;
		}
		if (strchr("\\^$.[]|()?*+{}", c))
			text_adds(t, "\\");
		text_add(t, data + i, 1);
		/* "${" would be a placeholder. */
		if (c != '$')
			add_title(w, data + i, 1);
		w->letters += (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
	}
}

static void add_capture(struct writer *w, const char *name, const char *class)
{
	struct draft *d = w->d;
	if (d->n_names == sizeof(d->names) / sizeof(d->names[0])) {
		text_adds(&d->expression, class);
		return;
	}
	char *chosen = d->names[d->n_names];
	size_t same = 1;
	snprintf(chosen, sizeof(d->names[0]), "%s", name);
	for (size_t i = 0; i < d->n_names; i++) {
		if (strcmp(d->names[i], chosen) == 0) {
			snprintf(chosen, sizeof(d->names[0]), "%s_%zu", name, ++same);
			i = (size_t)-1;
		}
	}
	d->n_names++;
	text_addf(&d->expression, "(?<%s>%s)", chosen, class);
	char placeholder[48];
	snprintf(placeholder, sizeof(placeholder), "${%s}", chosen);
	add_title(w, placeholder, strlen(placeholder));
}

/* What stands here in all messages, which are not the same. */
static void add_different(struct writer *w, const struct pieces *all, size_t n, size_t at)
{
	const struct piece *first = &all[0].item[at];
	char class[] = "[^?]*";
	bool digits = true;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i].item[at].length; k++)
			digits = digits && is_digit(all[i].item[at].data[k]);
	switch (first->kind) {
	case KIND_WORD:
		/* A word of another case has the same template. */
		text_adds(&w->d->expression, "(?i:");
		add_literal(w, first->data, first->length);
		text_adds(&w->d->expression, ")");
		break;
	case KIND_VALUE:
		add_capture(w, digits ? "number" : "value", digits ? "\\d+" : "[\\w./:-]+");
		break;
	case KIND_PATH:
		add_capture(w, "path", "/[^ :,]*");
		break;
	case KIND_QUOTED:
		class[2] = first->data[0];
		add_literal(w, first->data, 1);
		add_capture(w, "name", class);
		add_literal(w, first->data, 1);
		break;
	case KIND_BETWEEN:
		text_adds(&w->d->expression, "[^\\w\"'`/]+");
		add_title(w, " ", 1);
		break;
	}
}

static void add_piece(struct writer *w, const struct pieces *all, size_t n, size_t at)
{
	const struct piece *first = &all[0].item[at];
	bool same = true;
	for (size_t i = 1; i < n; i++)
		same = same && all[i].item[at].length == first->length &&
		       memcmp(all[i].item[at].data, first->data, first->length) == 0;
	if (same)
		add_literal(w, first->data, first->length);
	else
		add_different(w, all, n, at);
	if (first->kind == KIND_WORD && first->length > 2) {
		text_add(&w->d->words, first->data, first->length);
		text_adds(&w->d->words, "\n");
	}
}

bool rule_group_draft(struct draft *d, const struct rule_group *group)
{
	struct writer w = { .d = d };
	struct pieces *all = calloc(group->n, sizeof(*all));
	bool good = all != NULL;
	*d = (struct draft){ 0 };
	for (size_t i = 0; good && i < group->n; i++) {
		good = cut(&all[i], &group->member[i].message) && all[i].n == all[0].n;
		for (size_t k = 0; good && k < all[0].n; k++)
			good = all[i].item[k].kind == all[0].item[k].kind;
	}
	size_t taken = 0;
	for (size_t at = 0; good && at < all[0].n && taken < MAX_MESSAGE; at++) {
		taken += all[0].item[at].length;
		add_piece(&w, all, group->n, at);
	}
	free(all);
	while (d->title.length && d->title.data[d->title.length - 1] == ' ')
		d->title.length--;
	return good && w.letters >= MIN_LETTERS && d->words.length;
}
