/* SPDX-License-Identifier: Apache-2.0 */
/* See regex_filter.h. */

#include "regex_filter.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_RELAXED 16384  /* bytes of a relaxed expression */
#define REPEAT_CAP 32      /* x{m,n} beyond this becomes x{32,}: automata stay small */
#define MAX_CLASS_LITERALS 4
#define WORD_BITS 24.0         /* the most that one word tells */

/* A set of strings; `exact` in the code below: the node matches these and nothing else. */
struct set {
	bool none;           /* no statement can be made */
	size_t n;
	struct clsf__literal item[CLSF__MAX_LITERALS];
};

struct extraction {
	struct clsf__arena *arena;
	struct set best;
	double best_bits;
	bool no_memory;
};

/* Rough bits of information of a byte in log text. */
static double byte_bits(unsigned char c, bool nocase)
{
	double bits;
	if (c == ' ')
		bits = 3.2;
	else if (c >= '0' && c <= '9')
		bits = 4.5;
	else if (c >= 'a' && c <= 'z')
		bits = strchr("etaoinsr", c) ? 4.5 : strchr("qxzj", c) ? 8 : 5.5;
	else if (strchr("./-\":=,[]", c) && c)
		bits = 5;
	else if (c == '_' || c == '(' || c == ')' || c == '\'')
		bits = 6;
	else if (c >= 'A' && c <= 'Z')
		bits = 7;
	else
		bits = 8;
	return nocase && bits > 1 ? bits - 0.5 : bits;
}

/*
 * Words that stand on many lines of many logs, in order: a literal that has
 * nothing but such words tells little, however long they are.
 */
static const char *const common_words[] = {
	"about", "access", "action", "actions", "add", "added", "after", "all", "already", "and", "api", "app",
	"args", "artifact", "artifacts", "auth", "available", "base", "be", "been", "before", "bin", "bucket",
	"build", "builder", "building", "builds", "by", "bytes", "cache", "cached", "call", "can", "cannot",
	"certificate", "cgroup", "check", "checking", "client", "cluster", "code", "com", "command", "commit",
	"complete", "completed", "config", "configuration", "connect", "connection", "container", "controller",
	"core", "could", "count", "create", "created", "creating", "credentials", "current", "daemon", "data",
	"database", "db", "debug", "default", "denied", "dependencies", "dependency", "deployment", "digest",
	"directory", "disk", "docker", "done", "download", "downloading", "duration", "enabled", "end",
	"entries", "env", "err", "error", "errors", "event", "events", "exception", "exec", "execute",
	"executing", "exist", "exists", "exit", "exited", "export", "fail", "failed", "failing", "failure",
	"failures", "false", "fatal", "fetch", "fetching", "field", "file", "files", "finished", "following",
	"for", "found", "from", "function", "get", "git", "github", "go", "group", "handler", "has", "hash",
	"have", "home", "host", "html", "http", "https", "id", "ignored", "image", "images", "in", "index",
	"info", "init", "input", "install", "installed", "installing", "instance", "invalid", "io", "is", "it",
	"item", "job", "jobs", "json", "kernel", "key", "keys", "last", "layer", "length", "level", "lib",
	"library", "limit", "limits", "line", "lines", "list", "load", "loaded", "loading", "local", "lock",
	"log", "login", "logs", "main", "manifest", "max", "memory", "message", "method", "miss", "missing",
	"mode", "module", "modules", "mount", "msg", "name", "namespace", "net", "network", "new", "next", "no",
	"node", "not", "notice", "npm", "null", "object", "of", "ok", "on", "open", "option", "options", "or",
	"org", "other", "out", "output", "package", "packages", "parse", "pass", "passed", "path", "permission",
	"phase", "pipeline", "plugin", "pod", "policy", "port", "previous", "process", "project", "pull", "push",
	"python", "queue", "reached", "read", "reading", "reason", "ref", "refused", "registry", "release",
	"remote", "remove", "removed", "removing", "repo", "repository", "request", "requests", "required",
	"requires", "resource", "response", "result", "results", "retries", "retry", "retrying", "return",
	"returned", "root", "rule", "run", "runner", "running", "runs", "script", "secret", "section", "see",
	"send", "server", "service", "session", "set", "setting", "setup", "sh", "sha", "shell", "should",
	"size", "skipped", "source", "specified", "src", "stack", "stage", "start", "started", "starting",
	"stat", "state", "status", "stderr", "stdout", "step", "stop", "stopped", "storage", "stream", "success",
	"successful", "successfully", "such", "sync", "system", "systemd", "tag", "target", "task", "template",
	"test", "tests", "that", "the", "this", "thread", "time", "timed", "timeout", "timestamp", "to",
	"token", "total", "trace", "true", "try", "trying", "type", "unable", "unexpected", "unknown", "unpacking",
	"update", "updated", "upload", "uploading", "url", "used", "user", "users", "using", "usr", "valid",
	"validation", "value", "values", "var", "version", "volume", "wait", "waiting", "warn", "warning",
	"warnings", "was", "when", "while", "will", "with", "without", "worker", "write", "writing", "you",
};

/* What a word among these tells: more with its length, and with a capital, but levels and results are all capitals. */
#define COMMON_WORD_BITS 9.0   /* of four letters */
#define LONGER_WORD_BITS 0.7   /* for each more, up to */
#define MOST_COMMON_BITS 12.0
#define SHORT_WORD_BITS 6.0    /* of up to three letters: they are everywhere */
#define CAPITAL_BITS 2.0

static double common_word_bits(size_t length, int capitals)
{
	double bits = length < 4 ? SHORT_WORD_BITS : COMMON_WORD_BITS + LONGER_WORD_BITS * (double)(length - 4);
	return (bits < MOST_COMMON_BITS ? bits : MOST_COMMON_BITS) + (capitals == 1 ? CAPITAL_BITS : 0);
}

static int by_word(const void *word, const void *entry)
{
	return strcmp(word, *(const char *const *)entry);
}

/* The most that a word tells: less than its letters say, "connect" and "certificate" are everywhere. */
static double word_bits(const char *word, size_t length, bool nocase)
{
	char lower[16];
	double bits = 0;
	int capitals = 0;
	for (size_t i = 0; i < length && bits < WORD_BITS; i++) {
		unsigned char c = (unsigned char)word[i];
		bits += byte_bits(c, nocase);
		capitals += !nocase && c < 'a';
	}
	bits = bits < WORD_BITS ? bits : WORD_BITS;
	if (length >= sizeof(lower))
		return bits;
	for (size_t i = 0; i <= length; i++)
		lower[i] = (char)(i < length ? word[i] | 0x20 : '\0');
	if (!bsearch(lower, common_words, sizeof(common_words) / sizeof(common_words[0]), sizeof(common_words[0]),
	             by_word))
		return bits;
	double most = common_word_bits(length, capitals);
	return bits < most ? bits : most;
}

static double literal_bits(const struct clsf__literal *literal)
{
	double bits = 0;
	for (size_t i = 0; i < literal->length && bits < 64;) {
		const char *text = literal->text + i;
		size_t letters = 0;
		while (i + letters < literal->length && isalpha((unsigned char)text[letters]))
			letters++;
		if (letters)
			bits += word_bits(text, letters, literal->nocase);
		else if (i > 0 && text[0] == text[-1])
			bits += 1;               /* rules, rows of stars and blanks */
		else
			bits += byte_bits((unsigned char)text[0], literal->nocase);
		i += letters ? letters : 1;
	}
	return bits;
}

#define HASHED_BYTES 4         /* at the end of a literal, by which the engine finds it */
#define MIN_CUT 8              /* bytes and */
#define MIN_CUT_BITS 30.0      /* bits that a literal keeps */
#define CUT_GAIN 0.4           /* bits that a cut has to gain */

static double end_bits(const struct clsf__literal *literal, size_t length)
{
	double bits = 0;
	for (size_t i = length < HASHED_BYTES ? 0 : length - HASHED_BYTES; i < length; i++)
		bits += byte_bits((unsigned char)literal->text[i], literal->nocase);
	return bits;
}

size_t clsf__literal_cut(const struct clsf__literal *literal)
{
	struct clsf__literal rest = *literal;
	if (rest.length > CLSF__MAX_LITERAL_LENGTH)
		rest.length = CLSF__MAX_LITERAL_LENGTH;
	size_t best = rest.length;
	double best_bits = end_bits(literal, best);
	while (rest.length-- > MIN_CUT && literal_bits(&rest) >= MIN_CUT_BITS) {
		double bits = end_bits(literal, rest.length);
		if (bits > best_bits + CUT_GAIN) {
			best = rest.length;
			best_bits = bits;
		}
	}
	return best;
}

static double set_bits(const struct set *set)
{
	double chance = 0;
	for (size_t i = 0; i < set->n; i++)
		chance += exp2(-literal_bits(&set->item[i]));
	return chance > 0 ? -log2(chance) : 0;
}

/* Does every text that holds `a` hold `b`? */
static bool implies(const struct clsf__literal *a, const struct clsf__literal *b)
{
	if (b->length > a->length || (a->nocase && !b->nocase))
		return false;
	for (size_t i = 0; i + b->length <= a->length; i++)
		if (b->nocase ? strncasecmp(a->text + i, b->text, b->length) == 0
		              : memcmp(a->text + i, b->text, b->length) == 0)
			return true;
	return false;
}

static void consider(struct extraction *x, const struct set *set)
{
	if (set->none || set->n == 0)
		return;
	for (size_t i = 0; i < set->n; i++)
		if (set->item[i].length == 0)
			return;
	/* Only the weakest are looked for: "a connection" says no more than "connection". */
	struct set weakest = { .none = false };
	for (size_t i = 0; i < set->n; i++) {
		bool needless = false;
		for (size_t k = 0; k < set->n && !needless; k++)
			needless = k != i && implies(&set->item[i], &set->item[k]) &&
			           (k < i || !implies(&set->item[k], &set->item[i]));
		if (!needless)
			weakest.item[weakest.n++] = set->item[i];
	}
	double bits = set_bits(&weakest);
	if (bits > x->best_bits) {
		x->best_bits = bits;
		x->best = weakest;
	}
}

static bool set_add(struct set *set, const struct clsf__literal *literal)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->item[i].length == literal->length &&
		    set->item[i].nocase == literal->nocase &&
		    memcmp(set->item[i].text, literal->text, literal->length) == 0)
			return true;
	if (set->n == CLSF__MAX_LITERALS)
		return false;
	set->item[set->n++] = *literal;
	return true;
}

/* left x right, into *left. False when it gets too large; *left is then untouched. */
static bool multiply(struct extraction *x, struct set *left, const struct set *right)
{
	if (left->n * right->n > 16)
		return false;
	struct set product = { .none = false };
	for (size_t i = 0; i < left->n; i++) {
		for (size_t j = 0; j < right->n; j++) {
			const struct clsf__literal *a = &left->item[i], *b = &right->item[j];
			if (a->length + b->length > CLSF__MAX_LITERAL_LENGTH)
				return false;
			char joined[CLSF__MAX_LITERAL_LENGTH];
			memcpy(joined, a->text, a->length);
			memcpy(joined + a->length, b->text, b->length);
			struct clsf__literal literal = {
				.length = a->length + b->length,
				.nocase = a->nocase || b->nocase,
			};
			literal.text = clsf__arena_strndup(x->arena, joined, literal.length);
			if (!literal.text) {
				x->no_memory = true;
				return false;
			}
			if (!set_add(&product, &literal))
				return false;
		}
	}
	*left = product;
	return true;
}

/*
 * Fills *exact if `node` matches a small set of strings, else exact->none, and
 * offers the sets that `node` requires to x->best as it goes, if `required`.
 */
static void extract(struct extraction *x, const struct clsf__re *node, bool required,
                    struct set *exact)
{
	static const struct clsf__literal empty = { .text = "" };
	*exact = (struct set){ .none = true };
	switch (node->kind) {
	case CLSF__RE_EMPTY:
		*exact = (struct set){ .none = false };
		set_add(exact, &empty);
		return;
	case CLSF__RE_LITERAL: {
		struct clsf__literal literal = { node->text, node->length, node->nocase };
		*exact = (struct set){ .none = false };
		set_add(exact, &literal);
		return;
	}
	case CLSF__RE_CLASS: {
		struct set members = { .none = false };
		for (unsigned c = 0; c < 256; c++) {
			if (!clsf__re_set_has(node, c))
				continue;
			if (members.n == MAX_CLASS_LITERALS)
				return;
			char byte = (char)c;
			struct clsf__literal literal = { .length = 1 };
			literal.text = clsf__arena_strndup(x->arena, &byte, 1);
			if (!literal.text) {
				x->no_memory = true;
				return;
			}
			set_add(&members, &literal);
		}
		if (members.n)
			*exact = members;
		return;
	}
	case CLSF__RE_ANY:
		return;
	case CLSF__RE_CAT: {
		struct set run = { .none = false };
		bool whole = true;
		set_add(&run, &empty);
		for (const struct clsf__re *c = node->child; c; c = c->next) {
			struct set part;
			extract(x, c, required, &part);
			if (x->no_memory)
				return;
			if (!part.none && multiply(x, &run, &part))
				continue;
			whole = false;
			if (required)
				consider(x, &run);
			run = part.none ? (struct set){ .none = false } : part;
			if (part.none)
				set_add(&run, &empty);
		}
		if (required)
			consider(x, &run);
		if (whole)
			*exact = run;
		return;
	}
	case CLSF__RE_ALT: {
		/* What every alternative requires, united; each finds its own best first. */
		struct set all = { .none = false }, united = { .none = false };
		for (const struct clsf__re *c = node->child; c; c = c->next) {
			struct extraction inner = { .arena = x->arena };
			struct set part;
			extract(&inner, c, true, &part);
			if (inner.no_memory) {
				x->no_memory = true;
				return;
			}
			if (!part.none)
				consider(&inner, &part);
			for (size_t i = 0; !all.none && i < part.n; i++)
				all.none = !set_add(&all, &part.item[i]);
			if (part.none)
				all.none = true;
			if (inner.best_bits <= 0)
				united.none = true;
			for (size_t i = 0; !united.none && i < inner.best.n; i++)
				united.none = !set_add(&united, &inner.best.item[i]);
		}
		if (required)
			consider(x, &united);
		if (!all.none && all.n <= 16)
			*exact = all;
		return;
	}
	case CLSF__RE_REPEAT: {
		struct set part;
		extract(x, node->child, required && node->min > 0, &part);
		if (x->no_memory || part.none)
			return;
		if (node->min == 1 && node->max == 1) {
			*exact = part;
		} else if (node->min == 0 && node->max == 1) {
			if (set_add(&part, &empty))
				*exact = part;
		} else if (node->min > 0 && required) {
			consider(x, &part);
		}
		return;
	}
	}
}

/* The longest part of the literal between newlines: what of it stands on one line. */
static void cut_at_newlines(struct clsf__literal *literal)
{
	const char *at = literal->text, *end = at + literal->length;
	literal->length = 0;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);
		if (length > literal->length) {
			literal->text = at;
			literal->length = length;
		}
		at += length + 1;
	}
}

bool clsf__re_prefer_literal(struct clsf__arena *arena, const char *text, size_t length,
                             struct clsf__literals *literals)
{
	if (length > CLSF__MAX_LITERAL_LENGTH)
		length = CLSF__MAX_LITERAL_LENGTH;
	const struct clsf__literal literal = { .text = text, .length = length };
	double bits = literal_bits(&literal);
	if (length == 0 || (literals->n && literals->bits >= bits))
		return true;
	literals->item = clsf__arena_alloc(arena, sizeof(*literals->item));
	if (!literals->item)
		return false;
	literals->item[0] = literal;
	literals->n = 1;
	literals->bits = bits;
	return true;
}

bool clsf__re_plain(const char *pattern, size_t length, char *text, size_t *ret_length)
{
	bool quoted = false;
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		char c = pattern[i];
		bool escape = c == '\\' && i + 1 < length;
		if (escape && pattern[i + 1] == (quoted ? 'E' : 'Q')) {
			quoted = !quoted;
			i++;
			continue;
		}
		if (c < 0x20 || c > 0x7e)
			return false;
		if (!quoted && escape) {
			/* An escaped letter or digit is a class, an assertion, a reference or a character in code. */
			c = pattern[++i];
			if (c < 0x20 || c > 0x7e || isalnum((unsigned char)c))
				return false;
		} else if (!quoted && strchr("\\^$.[|()?*+{", c)) {
			return false;
		}
		text[n++] = c;
	}
	*ret_length = n;
	return n > 0;
}

static bool can_be_empty(const struct clsf__re *node)
{
	switch (node->kind) {
	case CLSF__RE_EMPTY:
	case CLSF__RE_ANY:
		return true;
	case CLSF__RE_LITERAL:
		return node->length == 0;
	case CLSF__RE_CLASS:
		return false;
	case CLSF__RE_CAT:
		for (const struct clsf__re *c = node->child; c; c = c->next)
			if (!can_be_empty(c))
				return false;
		return true;
	case CLSF__RE_ALT:
		for (const struct clsf__re *c = node->child; c; c = c->next)
			if (can_be_empty(c))
				return true;
		return false;
	case CLSF__RE_REPEAT:
		return node->min == 0 || can_be_empty(node->child);
	}
	return true;
}

static void relax(const struct clsf__re *node, struct clsf__buffer *out)
{
	if (out->length > MAX_RELAXED)
		return;
	switch (node->kind) {
	case CLSF__RE_EMPTY:
		break;
	case CLSF__RE_ANY:
		clsf__buffer_adds(out, "[^\\n]*");
		break;
	case CLSF__RE_LITERAL:
		for (size_t i = 0; i < node->length; i++) {
			unsigned c = (unsigned char)node->text[i];
			if (node->nocase && (c | 0x20) >= 'a' && (c | 0x20) <= 'z')
				clsf__buffer_addf(out, "[\\x%02x\\x%02x]", c & ~0x20u, c | 0x20);
			else
				clsf__buffer_addf(out, "\\x%02x", c);
		}
		break;
	case CLSF__RE_CLASS: {
		size_t before = out->length;
		clsf__buffer_addc(out, '[');
		bool some = false;
		for (unsigned c = 0; c < 256; c++) {
			if (!clsf__re_set_has(node, c) || c == '\n')
				continue;
			unsigned to = c;
			while (to < 255 && to + 1 != '\n' && clsf__re_set_has(node, to + 1))
				to++;
			clsf__buffer_addf(out, "\\x%02x-\\x%02x", c, to);
			some = true;
			c = to;
		}
		clsf__buffer_addc(out, ']');
		if (!some && !out->failed) {
			/* Nothing within a line; a superset that is cheap to say. */
			out->length = before;
			clsf__buffer_adds(out, "[^\\n]");
		}
		break;
	}
	case CLSF__RE_CAT:
		for (const struct clsf__re *c = node->child; c; c = c->next)
			relax(c, out);
		break;
	case CLSF__RE_ALT:
		clsf__buffer_adds(out, "(?:");
		for (const struct clsf__re *c = node->child; c; c = c->next) {
			relax(c, out);
			if (c->next)
				clsf__buffer_addc(out, '|');
		}
		clsf__buffer_addc(out, ')');
		break;
	case CLSF__RE_REPEAT: {
		if (node->max == 0 || node->child->kind == CLSF__RE_EMPTY)
			break;
		clsf__buffer_adds(out, "(?:");
		relax(node->child, out);
		clsf__buffer_addc(out, ')');
		uint32_t min = node->min < REPEAT_CAP ? node->min : REPEAT_CAP;
		if (node->max > REPEAT_CAP)
			clsf__buffer_addf(out, "{%u,}", min);
		else
			clsf__buffer_addf(out, "{%u,%u}", min, node->max);
		break;
	}
	}
}

/* ---- trimming ---- */

#define MAX_PARTS 256

/* The parts of nested concatenations in one row. False when there are too many. */
static bool flatten(const struct clsf__re *node, const struct clsf__re **parts, size_t *n)
{
	if (node->kind != CLSF__RE_CAT) {
		if (*n == MAX_PARTS)
			return false;
		parts[(*n)++] = node;
		return true;
	}
	for (const struct clsf__re *c = node->child; c; c = c->next)
		if (!flatten(c, parts, n))
			return false;
	return true;
}

/* The most telling text that stands beside `chosen` in a concatenation, as every match has it. */
static bool find_companion(struct clsf__arena *arena, const struct clsf__re *root,
                           const struct clsf__literal *chosen, struct clsf__literal *ret)
{
	const struct clsf__re *parts[MAX_PARTS];
	char text[CLSF__MAX_LITERAL_LENGTH];
	size_t n = 0;
	double best = 0;
	if (!flatten(root, parts, &n))
		return true;
	for (size_t i = 0; i < n; i++) {
		/* The reader gives texts in small pieces. */
		struct clsf__literal run = { .text = text };
		for (; i < n && parts[i]->kind == CLSF__RE_LITERAL && !parts[i]->nocase &&
		       run.length + parts[i]->length <= sizeof(text); i++) {
			memcpy(text + run.length, parts[i]->text, parts[i]->length);
			run.length += parts[i]->length;
		}
		double bits = literal_bits(&run);
		if (bits <= best || implies(chosen, &run) || memchr(text, '\n', run.length))
			continue;
		best = bits;
		*ret = run;
		ret->text = clsf__arena_strndup(arena, text, run.length);
		if (!ret->text)
			return false;
	}
	return true;
}

bool clsf__re_literals(struct clsf__arena *arena, const struct clsf__re_tree *tree, bool over_lines,
                       struct clsf__literals *ret_literals)
{
	struct extraction x = { .arena = arena };
	struct set exact;
	extract(&x, tree->root, true, &exact);
	if (!x.no_memory)
		consider(&x, &exact);
	if (x.no_memory)
		return false;
	*ret_literals = (struct clsf__literals){ .n = 0 };
	if (x.best_bits <= 0)
		return true;
	for (size_t i = 0; i < x.best.n; i++) {
		/* A line holds no newline: such a literal is never met, nor is what requires it. */
		if (!memchr(x.best.item[i].text, '\n', x.best.item[i].length))
			continue;
		if (!over_lines)
			return true;
		cut_at_newlines(&x.best.item[i]);
		if (x.best.item[i].length == 0)
			return true;
	}
	ret_literals->item = clsf__arena_alloc(arena, x.best.n * sizeof(*ret_literals->item));
	if (!ret_literals->item)
		return false;
	memcpy(ret_literals->item, x.best.item, x.best.n * sizeof(*ret_literals->item));
	ret_literals->n = x.best.n;
	ret_literals->bits = over_lines ? set_bits(&x.best) : x.best_bits;
	/* Over several lines a companion may stand on another one. */
	return over_lines || x.best.n != 1 ||
	       find_companion(arena, tree->root, &x.best.item[0], &ret_literals->companion);
}

static bool may_be_absent(const struct clsf__re *node)
{
	return node->kind == CLSF__RE_EMPTY || node->kind == CLSF__RE_ANY ||
	       (node->kind == CLSF__RE_REPEAT && node->min == 0);
}

/* At an end of the expression a repetition says no more than its least count. */
static void relax_end(const struct clsf__re *node, struct clsf__buffer *out)
{
	if (node->kind != CLSF__RE_REPEAT) {
		relax(node, out);
		return;
	}
	struct clsf__re least = *node;
	least.max = least.min = node->min < REPEAT_CAP ? node->min : REPEAT_CAP;
	relax(&least, out);
}

/*
 * The relaxed expression is not anchored, and where in the line it matches does
 * not matter: what may be absent at its ends is dropped, "\S+" there is "\S".
 * Automata that do not have to follow unbounded ends are small and fast.
 */
static bool relax_trimmed(const struct clsf__re *root, struct clsf__buffer *out)
{
	const struct clsf__re *parts[MAX_PARTS];
	size_t first = 0, n = 0;
	if (!flatten(root, parts, &n)) {
		relax(root, out);
		return true;
	}
	while (first < n && may_be_absent(parts[first]))
		first++;
	while (n > first && may_be_absent(parts[n - 1]))
		n--;
	if (first == n)
		return false;
	for (size_t i = first; i < n; i++) {
		if (i == first || i + 1 == n)
			relax_end(parts[i], out);
		else
			relax(parts[i], out);
	}
	return true;
}

/* The one part of a concatenation that has to be there; NULL when there are several. */
static const struct clsf__re *only_part(const struct clsf__re *node)
{
	const struct clsf__re *only = NULL;
	if (node->kind != CLSF__RE_CAT)
		return node;
	for (const struct clsf__re *c = node->child; c; c = c->next) {
		if (may_be_absent(c))
			continue;
		if (only)
			return NULL;
		only = c;
	}
	return only;
}

static bool add_alternatives(struct clsf__re *node, struct clsf__re_tree *trees, size_t *n, size_t most)
{
	const struct clsf__re *part = only_part(node);
	if (!part || part->kind != CLSF__RE_ALT) {
		if (*n == most)
			return false;
		trees[(*n)++].root = node;
		return true;
	}
	for (struct clsf__re *c = part->child; c; c = c->next)
		if (!add_alternatives(c, trees, n, most))
			return false;
	return true;
}

size_t clsf__re_alternatives(const struct clsf__re_tree *tree, struct clsf__re_tree *trees, size_t most)
{
	size_t n = 0;
	if (!add_alternatives(tree->root, trees, &n, most) || n == 0) {
		trees[0] = *tree;
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		trees[i].context_free = tree->context_free;
	return n;
}

bool clsf__re_relax(const struct clsf__re_tree *tree, struct clsf__buffer *out)
{
	if (can_be_empty(tree->root))
		return false;
	size_t before = out->length;
	return relax_trimmed(tree->root, out) && !out->failed && out->length - before <= MAX_RELAXED;
}
