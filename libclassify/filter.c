/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See filter.h. One database: literals, escaped, beside relaxed expressions.
 * Which of the two an expression becomes is decided by what was measured: an
 * expression that is one literal with at most one repetition beside it goes in
 * relaxed (the engine finds the best part of it itself, and confirms it),
 * others as their literals, which keeps automata out; where no literal is
 * telling, relaxed. Sharding literals, or a second database for them, was
 * slower throughout. No SOM, no SINGLEMATCH, no UTF-8 mode: what Hyperscan is
 * asked is plain bytes.
 */

#include "filter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs.h>

#include "error.h"

/* Literals rarer than this many bits are looked for; others only if there is no relaxed form. */
#define TELLING_BITS 22.0
#define USABLE_BITS 9.0
#define MAX_SIMPLE 500     /* bytes of a relaxed expression that is simple */

struct database {
	hs_database_t *hs;
	uint32_t n;            /* patterns */
	uint32_t *first;       /* n + 1 indexes into `expression` */
	uint32_t *expression;
};

struct clsf__filter {
	struct clsf_allocator allocator;
	struct database database;
	uint32_t *always;
	size_t n_always;
};

struct clsf__scratch {
	struct clsf_allocator allocator;
	hs_scratch_t *hs;
};

struct pattern {
	const char *text;            /* in the syntax of Hyperscan */
	unsigned flags;
	uint32_t expression;
};

struct patterns {
	struct pattern *item;
	size_t n, capacity;
};

const char *clsf__filter_engine(void)
{
	static char text[64];
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&lock);
	if (!text[0]) {
		const char *version = hs_version();
		int major = 0, minor = 0, patch = 0;
		/* Vectorscan tells no name; Hyperscan's last free release is 5.4.2. */
		bool known = sscanf(version, "%d.%d.%d", &major, &minor, &patch) == 3;
		bool vectorscan = known && (minor > 4 || patch > 2);
		snprintf(text, sizeof(text), "%s %.*s", vectorscan ? "vectorscan" : "hyperscan",
		         (int)strcspn(version, " "), version);
	}
	pthread_mutex_unlock(&lock);
	return text;
}

/* ---- self-test ---- */

static int note_end(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
	(void)id;
	(void)from;
	(void)flags;
	unsigned long long *last = context;
	if (to > *last)
		*last = to;
	return 0;
}

/* A shape of gap between an opening and a closing text. */
struct gap {
	const char *expression;
	const char *opening, *closing;
};

/*
 * Vectorscan 5.4.9 misses matches of class gaps on AVX-512 processors, for
 * most gap lengths and some shapes. So: gaps of every length up to 400, at the
 * start of a block and far into it, in the shapes that relaxed expressions
 * have; each must be found.
 */
static const struct gap gaps[] = {
	{ "head[^\\n]*tail", "head", "tail" },
	{ "head[\\x00-\\x09\\x0b-\\xff]*tail", "head", "tail" },
	{ "head(?:[\\x00-\\x08\\x0e-\\x1f\\x21-\\xff]){1,}: tail", "head", ": tail" },
	{ "head(?:[a-z]){1,}tail", "head", "tail" },
	{ "\\x22[^\\x22]*\\x22", "\"", "\"" },
	{ "\\x22[^\\x22\\n]*\\x22tail", "\"", "\"tail" },
};

static bool gap_found(const struct gap *g)
{
	enum { FAR = 3000, LONGEST = 400 };
	static const size_t places[] = { 0, 37, FAR };
	hs_database_t *db = NULL;
	hs_scratch_t *scratch = NULL;
	hs_compile_error_t *error = NULL;
	if (hs_compile(g->expression, HS_FLAG_DOTALL, HS_MODE_BLOCK, NULL, &db, &error) != HS_SUCCESS) {
		hs_free_compile_error(error);
		return false;
	}
	bool good = hs_alloc_scratch(db, &scratch) == HS_SUCCESS;
	for (size_t place = 0; good && place < sizeof(places) / sizeof(places[0]); place++) {
		for (size_t length = 1; good && length <= LONGEST; length += place ? 7 : 1) {
			char block[FAR + LONGEST + 64];
			size_t n = places[place];
			memset(block, '.', n);
			memcpy(block + n, g->opening, strlen(g->opening));
			n += strlen(g->opening);
			memset(block + n, 'z', length);
			n += length;
			memcpy(block + n, g->closing, strlen(g->closing));
			n += strlen(g->closing);
			unsigned long long last = 0;
			good = hs_scan(db, block, (unsigned)n, 0, scratch, note_end, &last) == HS_SUCCESS &&
			       last == n;
		}
	}
	hs_free_scratch(scratch);
	hs_free_database(db);
	return good;
}

static bool gaps_found(void)
{
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (!gap_found(&gaps[i]))
			return false;
	return true;
}

static pthread_once_t self_test_once = PTHREAD_ONCE_INIT;
static bool self_test_good;

static void run_self_test(void)
{
	self_test_good = gaps_found();
}

bool clsf__filter_runs(void)
{
	return hs_valid_platform() == HS_SUCCESS;
}

const char *clsf__filter_platform(void)
{
	static char text[160];
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&lock);
	if (!text[0]) {
		hs_platform_info_t info = { 0 };
		hs_populate_platform(&info);
		/* The exact version text: other engines and builds word it differently. */
		snprintf(text, sizeof(text), "hs %s; tune %u; features %llx", hs_version(), info.tune,
		         (unsigned long long)info.cpu_features);
	}
	pthread_mutex_unlock(&lock);
	return text;
}

/* ---- building ---- */

static bool add_pattern(const struct clsf_allocator *a, struct patterns *p, struct pattern pattern)
{
	if (!clsf__grow(a, &p->item, &p->capacity, p->n + 1, sizeof(*p->item)))
		return false;
	p->item[p->n++] = pattern;
	return true;
}

static int by_text(const void *va, const void *vb)
{
	const struct pattern *a = va, *b = vb;
	int order = strcmp(a->text, b->text);
	if (order == 0)
		order = (a->flags > b->flags) - (a->flags < b->flags);
	if (order == 0)
		order = (a->expression > b->expression) - (a->expression < b->expression);
	return order;
}

static bool same_text(const struct pattern *a, const struct pattern *b)
{
	return a->flags == b->flags && strcmp(a->text, b->text) == 0;
}

/* A literal as an expression: every byte as \xHH. */
static bool add_literal(struct clsf__arena *arena, struct patterns *p, const struct clsf__literal *literal,
                        uint32_t expression)
{
	static const char hex[] = "0123456789abcdef";
	char *text = clsf__arena_alloc(arena, 4 * literal->length + 1);
	if (!text)
		return false;
	for (size_t i = 0; i < literal->length; i++) {
		unsigned char c = (unsigned char)literal->text[i];
		memcpy(text + 4 * i, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
	}
	text[4 * literal->length] = '\0';
	return add_pattern(&arena->allocator, p,
	                   (struct pattern){ text, HS_FLAG_DOTALL | (literal->nocase ? HS_FLAG_CASELESS : 0),
	                                     expression });
}

/* One literal, and at most one repetition in the relaxed form: see the top of this file. */
static bool is_simple(const struct clsf__literals *l, const char *relaxed)
{
	size_t repetitions = 0;
	for (const char *p = relaxed; *p; p++)
		repetitions += *p == '{' || (*p == ']' && p[1] == '*');
	return l->n == 1 && repetitions <= 1 && strlen(relaxed) < MAX_SIMPLE;
}

static void database_done(const struct clsf_allocator *a, struct database *d)
{
	hs_free_database(d->hs);
	clsf__free(a, d->first);
	clsf__free(a, d->expression);
	*d = (struct database){ 0 };
}

/*
 * Merges equal patterns and compiles. Returns HS_SUCCESS, HS_NOMEM, or what the
 * compiler said; *ret_culprit is then an expression that it refused, or -1.
 */
static int database_build(const struct clsf_allocator *a, struct patterns *p, struct database *d,
                          int *ret_culprit, struct clsf_error *err)
{
	*ret_culprit = -1;
	*d = (struct database){ 0 };
	if (p->n == 0)
		return HS_SUCCESS;
	qsort(p->item, p->n, sizeof(*p->item), by_text);
	const char **texts = clsf__calloc(a, p->n, sizeof(*texts));
	unsigned *flags = clsf__calloc(a, p->n, sizeof(*flags));
	unsigned *ids = clsf__calloc(a, p->n, sizeof(*ids));
	d->first = clsf__calloc(a, p->n + 1, sizeof(*d->first));
	d->expression = clsf__calloc(a, p->n, sizeof(*d->expression));
	int result = HS_NOMEM;
	if (texts && flags && ids && d->first && d->expression) {
		for (size_t i = 0; i < p->n; i++) {
			if (i == 0 || !same_text(&p->item[i], &p->item[i - 1])) {
				texts[d->n] = p->item[i].text;
				flags[d->n] = p->item[i].flags;
				ids[d->n] = d->n;
				d->first[d->n++] = (uint32_t)i;
			}
			d->expression[i] = p->item[i].expression;
		}
		d->first[d->n] = (uint32_t)p->n;
		hs_compile_error_t *error = NULL;
		result = hs_compile_multi(texts, flags, ids, d->n, HS_MODE_BLOCK, NULL, &d->hs, &error);
		if (result != HS_SUCCESS && error) {
			clsf__error(err, CLSF_E_ENGINE, result, "%s", error->message);
			if (error->expression >= 0 && (uint32_t)error->expression < d->n)
				*ret_culprit = (int)d->expression[d->first[error->expression]];
		}
		hs_free_compile_error(error);
	}
	clsf__free(a, texts);
	clsf__free(a, flags);
	clsf__free(a, ids);
	if (result != HS_SUCCESS)
		database_done(a, d);
	return result;
}

/* Does the engine take this relaxed expression on its own? */
static bool engine_takes(const char *expression)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;
	bool good = hs_expression_info(expression, HS_FLAG_DOTALL, &info, &error) == HS_SUCCESS;
	hs_free_compile_error(error);
	free(info);
	return good;
}

/* Puts one expression where it is found best. False when memory is out. */
static bool choose(struct clsf__filter *f, struct clsf__arena *texts, struct patterns *patterns,
                   struct clsf__filter_input *input, uint32_t index, bool engine_off, bool relaxed_off)
{
	const struct clsf__literals *l = input->literals;
	input->plan = CLSF_PLAN_NONE;
	if (input->skip)
		return true;
	const char *loose = relaxed_off ? NULL : input->relaxed;
	bool wanted = loose && (l->bits < TELLING_BITS || is_simple(l, loose));
	if (wanted && engine_takes(loose)) {
		input->plan = CLSF_PLAN_RELAXED;
		return add_pattern(&f->allocator, patterns, (struct pattern){ loose, HS_FLAG_DOTALL, index });
	}
	if (!engine_off && l->n && l->bits >= USABLE_BITS) {
		input->plan = CLSF_PLAN_LITERALS;
		for (size_t j = 0; j < l->n; j++)
			if (!add_literal(texts, patterns, &l->item[j], index))
				return false;
		return true;
	}
	input->plan = CLSF_PLAN_ALWAYS;
	f->always[f->n_always++] = index;
	return true;
}

int clsf__filter_new(const struct clsf_allocator *a, struct clsf__filter_input *inputs, size_t n,
                     enum clsf_engine engine, struct clsf__filter **ret_filter,
                     const char **ret_fallback, struct clsf_error *err)
{
	*ret_fallback = "";
	bool engine_off = engine == CLSF_ENGINE_PCRE2;
	bool relaxed_off = engine != CLSF_ENGINE_AUTO;
	if (engine == CLSF_ENGINE_LITERALS)
		*ret_fallback = "only literals are given to the engine";
	if (!engine_off && !clsf__filter_runs()) {
		engine_off = relaxed_off = true;
		*ret_fallback = "the processor lacks what the engine needs; PCRE2 alone is used";
	} else if (!relaxed_off && (pthread_once(&self_test_once, run_self_test), !self_test_good)) {
		relaxed_off = true;
		*ret_fallback = "the engine failed its self-test; only literals are given to it";
	}
	struct clsf__filter *f = clsf__calloc(a, 1, sizeof(*f));
	struct patterns patterns = { 0 };
	struct clsf__arena texts;
	clsf__arena_init(&texts, a);
	int result = CLSF_E_NOMEM;
	if (!f)
		goto out;
	f->allocator = *a;
	f->always = clsf__calloc(a, n ? n : 1, sizeof(*f->always));
	if (!f->always)
		goto out;
	for (;;) {
		patterns.n = f->n_always = 0;
		for (size_t i = 0; i < n; i++)
			if (!choose(f, &texts, &patterns, &inputs[i], (uint32_t)i, engine_off, relaxed_off))
				goto out;
		int culprit;
		int built = database_build(a, &patterns, &f->database, &culprit, err);
		if (built == HS_SUCCESS)
			break;
		result = built == HS_NOMEM ? CLSF_E_NOMEM : CLSF_E_ENGINE;
		if (built != HS_COMPILER_ERROR || relaxed_off)
			goto out;
		/* One expression that is too large for the engine hurts only itself; if none is named, none is relaxed. */
		if (culprit >= 0 && inputs[culprit].relaxed)
			inputs[culprit].relaxed = NULL;
		else
			relaxed_off = true;
	}
	*ret_filter = f;
	f = NULL;
	result = 0;
out:
	if (result == CLSF_E_NOMEM)
		clsf__error(err, result, 0, "out of memory");
	clsf__free(a, patterns.item);
	clsf__arena_done(&texts);
	clsf__filter_free(f);
	return result;
}

void clsf__filter_free(struct clsf__filter *f)
{
	if (!f)
		return;
	struct clsf_allocator a = f->allocator;
	database_done(&a, &f->database);
	clsf__free(&a, f->always);
	clsf__free(&a, f);
}

const uint32_t *clsf__filter_always(const struct clsf__filter *f, size_t *ret_n)
{
	*ret_n = f->n_always;
	return f->always;
}

/* ---- the compiled form ---- */

static int database_save(const struct database *d, struct clsf__buffer *out)
{
	clsf__put_number(out, d->n);
	if (d->n == 0)
		return 0;
	for (uint32_t i = 0; i <= d->n; i++)
		clsf__put_number(out, d->first[i]);
	for (uint32_t i = 0; i < d->first[d->n]; i++)
		clsf__put_number(out, d->expression[i]);
	char *bytes = NULL;
	size_t length = 0;
	hs_error_t code = hs_serialize_database(d->hs, &bytes, &length);
	if (code != HS_SUCCESS)
		return code == HS_NOMEM ? CLSF_E_NOMEM : CLSF_E_ENGINE;
	clsf__put_text(out, bytes, length);
	free(bytes);
	return 0;
}

static int database_restore(const struct clsf_allocator *a, struct clsf__source *in, size_t n_expressions,
                            struct database *d)
{
	*d = (struct database){ 0 };
	size_t n = clsf__get_count(in, 8);
	if (n == 0)
		return in->bad ? CLSF_E_ENGINE : 0;
	d->first = clsf__calloc(a, n + 1, sizeof(*d->first));
	if (!d->first)
		return CLSF_E_NOMEM;
	for (size_t i = 0; i <= n; i++) {
		d->first[i] = (uint32_t)clsf__get_below(in, UINT32_MAX);
		if (d->first[i] < (i ? d->first[i - 1] : 0) || (i == 0 && d->first[0]))
			in->bad = true;
	}
	size_t uses = in->bad ? 0 : d->first[n];
	if (in->bad || uses > in->left / 8)
		return CLSF_E_ENGINE;
	d->expression = clsf__calloc(a, uses ? uses : 1, sizeof(*d->expression));
	if (!d->expression)
		return CLSF_E_NOMEM;
	for (size_t i = 0; i < uses; i++)
		d->expression[i] = (uint32_t)clsf__get_below(in, n_expressions);
	size_t length;
	const char *bytes = clsf__get_text(in, &length);
	if (in->bad)
		return CLSF_E_ENGINE;
	hs_error_t code = hs_deserialize_database(bytes, length, &d->hs);
	if (code != HS_SUCCESS) {
		d->hs = NULL;
		return code == HS_NOMEM ? CLSF_E_NOMEM : CLSF_E_ENGINE;
	}
	d->n = (uint32_t)n;
	return 0;
}

int clsf__filter_save(const struct clsf__filter *f, struct clsf__buffer *out)
{
	clsf__put_number(out, f->n_always);
	for (size_t i = 0; i < f->n_always; i++)
		clsf__put_number(out, f->always[i]);
	return database_save(&f->database, out);
}

int clsf__filter_restore(const struct clsf_allocator *a, struct clsf__source *in, size_t n,
                         struct clsf__filter **ret_filter)
{
	struct clsf__filter *f = clsf__calloc(a, 1, sizeof(*f));
	if (!f)
		return CLSF_E_NOMEM;
	f->allocator = *a;
	int result = CLSF_E_NOMEM;
	size_t n_always = clsf__get_count(in, 8);
	in->bad = in->bad || n_always > n;
	n_always = in->bad ? 0 : n_always;
	f->always = clsf__calloc(a, n_always ? n_always : 1, sizeof(*f->always));
	if (f->always) {
		for (; f->n_always < n_always; f->n_always++)
			f->always[f->n_always] = (uint32_t)clsf__get_below(in, n);
		result = in->bad ? CLSF_E_ENGINE : database_restore(a, in, n, &f->database);
	}
	if (result) {
		clsf__filter_free(f);
		return result;
	}
	*ret_filter = f;
	return 0;
}

/* ---- running ---- */

int clsf__scratch_new(const struct clsf__filter *f, struct clsf__scratch **ret_scratch)
{
	struct clsf__scratch *s = clsf__calloc(&f->allocator, 1, sizeof(*s));
	if (!s)
		return CLSF_E_NOMEM;
	s->allocator = f->allocator;
	hs_error_t code = HS_SUCCESS;
	if (f->database.hs)
		code = hs_alloc_scratch(f->database.hs, &s->hs);
	if (code != HS_SUCCESS) {
		clsf__scratch_free(s);
		return code == HS_NOMEM ? CLSF_E_NOMEM : CLSF_E_ENGINE;
	}
	*ret_scratch = s;
	return 0;
}

void clsf__scratch_free(struct clsf__scratch *s)
{
	if (!s)
		return;
	hs_free_scratch(s->hs);
	struct clsf_allocator a = s->allocator;
	clsf__free(&a, s);
}

struct scan {
	const struct database *database;
	clsf__candidate_fn found;
	void *context;
};

static int on_pattern(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *context)
{
	(void)from;
	(void)flags;
	const struct scan *s = context;
	if (id >= s->database->n)    /* a restored database that lies */
		return 1;
	uint32_t end = s->database->first[id + 1];
	for (uint32_t i = s->database->first[id]; i < end; i++)
		if (!s->found(s->context, s->database->expression[i], (size_t)to))
			return 1;
	return 0;
}

int clsf__filter_scan(const struct clsf__filter *f, struct clsf__scratch *s, const char *block,
                      size_t length, clsf__candidate_fn found, void *context)
{
	if (!f->database.hs)
		return 0;
	struct scan scan = { &f->database, found, context };
	switch (hs_scan(f->database.hs, block, (unsigned)length, 0, s->hs, on_pattern, &scan)) {
	case HS_SUCCESS:
		return 0;
	case HS_SCAN_TERMINATED:
		return CLSF_STOPPED;
	default:
		return CLSF_E_ENGINE;
	}
}
