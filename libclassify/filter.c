/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See filter.h. One database: literals, escaped, beside relaxed expressions.
 * Which of the two becomes of an expression, or of each of its alternatives, is
 * decided by what was measured: its literals, where they are telling, for they
 * cost least by far, and relaxed otherwise. Sharding literals, or a second
 * database for them, was slower throughout. No SOM, no SINGLEMATCH, no UTF-8
 * mode: what Hyperscan is asked is plain bytes.
 */

#include "filter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs.h>

#include "error.h"
#include "lines.h"

/* Literals rarer than this many bits are looked for; others only if there is no relaxed form. */
#define TELLING_BITS 16.0
#define PAIRED_BITS 14.0   /* the same where another literal has to stand in the line as well */
#define USABLE_BITS 5.0
#define MAX_PAIRED_LINE 2048 /* bytes of a line in which a companion is looked for */
#define MAX_LACKING 64     /* answers to that which are remembered */
#define SPACED_PATTERNS 96 /* from here on the set gets spacers: see add_spacers() */
#define MANY_PATTERNS 128
#define NO_EXPRESSION UINT32_MAX
#define MAX_PARTS 128      /* alternatives of an expression that are looked for each on its own */

/*
 * An expression that a pattern is looked for; what has to follow where the
 * pattern ends, and what has to stand anywhere in the line.
 */
struct use {
	uint32_t expression;
	uint32_t tail, tail_length;  /* in `texts` */
	uint32_t companion_length;   /* behind the tail */
};

struct database {
	hs_database_t *hs;
	uint32_t n;            /* patterns */
	uint32_t *first;       /* n + 1 indexes into `uses` */
	struct use *uses;
	struct clsf__buffer texts;
};

struct clsf__filter {
	struct clsf_allocator allocator;
	struct database database;
	uint32_t *always;
	size_t n_always;
	uint32_t *exact;             /* by expression, see clsf__filter_exact() */
	size_t n_expressions;
};

struct clsf__scratch {
	struct clsf_allocator allocator;
	hs_scratch_t *hs;
};

struct pattern {
	const char *text;            /* in the syntax of Hyperscan */
	unsigned flags;
	uint32_t expression;
	const char *tail;            /* the rest of a literal that is cut */
	size_t tail_length;
	const char *companion;       /* has to stand in the same line */
	size_t companion_length;
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

/*
 * Where memory is out, the compiler says that it cannot compile, and not
 * HS_NOMEM; its texts alone tell the one from the other ("Unable to allocate
 * memory.", "Could not allocate memory for bytecode.").
 */
static bool memory_was_out(hs_error_t code, const hs_compile_error_t *error)
{
	return code == HS_NOMEM ||
	       (code == HS_COMPILER_ERROR && (!error || strstr(error->message, "allocate memory")));
}

/* ---- self-test: what tries an engine returns 1 when it is good, 0 when it is not, or CLSF_E_NOMEM ---- */

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

static int gap_found(const struct gap *g)
{
	enum { FAR = 3000, LONGEST = 400 };
	static const size_t places[] = { 0, 37, FAR };
	hs_database_t *db = NULL;
	hs_scratch_t *scratch = NULL;
	hs_compile_error_t *error = NULL;
	hs_error_t code = hs_compile(g->expression, HS_FLAG_DOTALL, HS_MODE_BLOCK, NULL, &db, &error);
	if (code != HS_SUCCESS) {
		int result = memory_was_out(code, error) ? CLSF_E_NOMEM : 0;
		hs_free_compile_error(error);
		return result;
	}
	code = hs_alloc_scratch(db, &scratch);
	bool good = code == HS_SUCCESS;
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
	return code == HS_NOMEM ? CLSF_E_NOMEM : good;
}

static int gaps_found(void)
{
	int result = 1;
	for (size_t i = 0; result == 1 && i < sizeof(gaps) / sizeof(gaps[0]); i++)
		result = gap_found(&gaps[i]);
	return result;
}

#define MAX_TRIED 40   /* literals of a set in the self-test */

/* Notes where each pattern ended last. */
static int note_ends(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *context)
{
	unsigned long long *last = context;
	return note_end(id, from, to, flags, &last[id]);
}

/*
 * The same engine also misses short literals that lie across the end of a
 * register. So: one literal of a set behind another, at many distances and from
 * every place in a register on; both must be found.
 */
static int literals_found(const char *const *literals, size_t n)
{
	enum { PLACES = 70, LONGEST = 140 };
	unsigned flags[MAX_TRIED], ids[MAX_TRIED];
	hs_database_t *db = NULL;
	hs_scratch_t *scratch = NULL;
	hs_compile_error_t *error = NULL;
	for (size_t i = 0; i < n; i++) {
		flags[i] = HS_FLAG_DOTALL;
		ids[i] = (unsigned)i;
	}
	hs_error_t code = hs_compile_multi(literals, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, &db, &error);
	if (code != HS_SUCCESS) {
		int result = memory_was_out(code, error) ? CLSF_E_NOMEM : 0;
		hs_free_compile_error(error);
		return result;
	}
	code = hs_alloc_scratch(db, &scratch);
	bool good = code == HS_SUCCESS;
	for (size_t trial = 0; good && trial < PLACES * LONGEST; trial++) {
		size_t a = trial % n, b = (trial / n + a + 1) % n, place = trial % PLACES, distance = trial / PLACES;
		char block[PLACES + LONGEST + 64];
		unsigned long long last[MAX_TRIED] = { 0 };
		size_t first = place + strlen(literals[a]), second = first + distance + strlen(literals[b]);
		memset(block, '-', sizeof(block));
		memcpy(block + place, literals[a], first - place);
		memcpy(block + first + distance, literals[b], strlen(literals[b]));
		good = hs_scan(db, block, (unsigned)second, 0, scratch, note_ends, last) == HS_SUCCESS &&
		       (a == b || last[a] == first) && last[b] == second;
	}
	hs_free_scratch(scratch);
	hs_free_database(db);
	return code == HS_NOMEM ? CLSF_E_NOMEM : good;
}

static int all_literals_found(void)
{
	static const char *const two[] = { "a:", "b:" }, *const alike[] = { "xa:", "xb:" };
	static const char *const some[] = { "ssl", "x509", "refused", "no such host", "toomanyrequests" };
	static char names[MAX_TRIED][8];
	const char *many[MAX_TRIED];
	for (size_t i = 0; i < MAX_TRIED; i++) {
		snprintf(names[i], sizeof(names[i]), "w%02zu%s", i, i % 3 ? "yz" : "");
		many[i] = names[i];
	}
	const struct {
		const char *const *literals;
		size_t n;
	} sets[] = { { two, 2 }, { alike, 2 }, { some, sizeof(some) / sizeof(some[0]) }, { many, MAX_TRIED } };
	int result = 1;
	for (size_t i = 0; result == 1 && i < sizeof(sets) / sizeof(sets[0]); i++)
		result = literals_found(sets[i].literals, sets[i].n);
	return result;
}

/*
 * Runs the test once in a process. Where memory was out it is no answer, and
 * whoever asks next runs it again. Returns 0, CLSF_E_NOMEM.
 */
static int self_test(bool *ret_gaps, bool *ret_literals)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int gaps_good, literals_good;
	static bool tested;
	int result = 0;
	pthread_mutex_lock(&lock);
	if (!tested && clsf__filter_runs()) {
		gaps_good = gaps_found();
		literals_good = gaps_good < 0 ? gaps_good : all_literals_found();
		if (literals_good < 0)
			result = CLSF_E_NOMEM;
	}
	tested = result == 0;
	*ret_gaps = gaps_good > 0;
	*ret_literals = literals_good > 0;
	pthread_mutex_unlock(&lock);
	return result;
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
                        const struct clsf__literal *companion, uint32_t expression)
{
	static const char hex[] = "0123456789abcdef";
	size_t length = clsf__literal_cut(literal);
	char *text = clsf__arena_alloc(arena, 4 * length + 1);
	if (!text)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)literal->text[i];
		memcpy(text + 4 * i, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
	}
	text[4 * length] = '\0';
	struct pattern pattern = {
		.text = text,
		.flags = HS_FLAG_DOTALL | (literal->nocase ? HS_FLAG_CASELESS : 0),
		.expression = expression,
	};
	/* Without case the rest is left to the judge. */
	if (!literal->nocase) {
		pattern.tail = literal->text + length;
		pattern.tail_length = literal->length - length;
	}
	if (companion) {
		pattern.companion = companion->text;
		pattern.companion_length = companion->length;
	}
	return add_pattern(&arena->allocator, p, pattern);
}

static void database_done(const struct clsf_allocator *a, struct database *d)
{
	hs_free_database(d->hs);
	clsf__free(a, d->first);
	clsf__free(a, d->uses);
	clsf__buffer_done(&d->texts);
	*d = (struct database){ 0 };
}

/*
 * Where all literals of a large set are long, the engine looks at every second
 * or fourth byte only, meets far more ends that might be one of them, and takes
 * twice as long to rule them out; for about a hundred literals it takes a way
 * that is slower than that for more. Short literals of bytes that text does not
 * have keep it from both. They are patterns of no expression.
 */
static bool add_spacers(struct clsf__arena *arena, struct patterns *p)
{
	size_t n = p->n < SPACED_PATTERNS ? 0 : p->n < MANY_PATTERNS ? MANY_PATTERNS - p->n : 1;
	for (size_t i = 0; i < n; i++) {
		char bytes[] = { '\x01', (char)(0x80 + i) };
		struct clsf__literal literal = { .text = bytes, .length = sizeof(bytes) };
		if (!add_literal(arena, p, &literal, NULL, NO_EXPRESSION))
			return false;
	}
	return true;
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
	d->uses = clsf__calloc(a, p->n, sizeof(*d->uses));
	clsf__buffer_init(&d->texts, a);
	for (size_t i = 0; i < p->n; i++) {
		clsf__buffer_add(&d->texts, p->item[i].tail, p->item[i].tail_length);
		clsf__buffer_add(&d->texts, p->item[i].companion, p->item[i].companion_length);
	}
	int result = HS_NOMEM;
	if (texts && flags && ids && d->first && d->uses && !d->texts.failed) {
		size_t uses = 0, tail = 0;
		for (size_t i = 0; i < p->n; i++) {
			const struct pattern *item = &p->item[i];
			if (i == 0 || !same_text(item, item - 1)) {
				texts[d->n] = item->text;
				flags[d->n] = item->flags;
				ids[d->n] = d->n;
				d->first[d->n++] = (uint32_t)uses;
			}
			if (item->expression != NO_EXPRESSION)
				d->uses[uses++] = (struct use){ item->expression, (uint32_t)tail,
					                        (uint32_t)item->tail_length,
					                        (uint32_t)item->companion_length };
			tail += item->tail_length + item->companion_length;
		}
		d->first[d->n] = (uint32_t)uses;
		hs_compile_error_t *error = NULL;
		result = hs_compile_multi(texts, flags, ids, d->n, HS_MODE_BLOCK, NULL, &d->hs, &error);
		if (memory_was_out(result, error)) {
			result = HS_NOMEM;
		} else if (result != HS_SUCCESS && error) {
			clsf__error(err, CLSF_E_ENGINE, result, "%s", error->message);
			if (error->expression >= 0 && (uint32_t)error->expression < d->n &&
			    d->first[error->expression] < uses)
				*ret_culprit = (int)d->uses[d->first[error->expression]].expression;
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

/* Does the engine take this relaxed expression on its own? False when memory is out. */
static bool engine_takes(const char *expression, bool *ret_takes)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;
	hs_error_t code = hs_expression_info(expression, HS_FLAG_DOTALL, &info, &error);
	bool good = !memory_was_out(code, error);
	hs_free_compile_error(error);
	free(info);
	*ret_takes = code == HS_SUCCESS;
	return good;
}

/* An expression that is nothing but text is one part, its text. */
static bool split_plain(struct clsf__arena *arena, const char *pattern, size_t length,
                        struct clsf__filter_input *input)
{
	struct clsf__literal *literal = clsf__arena_alloc(arena, sizeof(*literal));
	char *text = clsf__arena_alloc(arena, length + 1);
	input->parts = clsf__arena_alloc(arena, sizeof(*input->parts));
	if (!literal || !text || !input->parts)
		return false;
	if (!clsf__re_plain(pattern, length, text, &input->exact)) {
		input->exact = 0;
		return true;
	}
	*literal = (struct clsf__literal){ .text = text, .length = input->exact };
	input->n_parts = 1;
	input->parts[0] = (struct clsf__filter_part){ .literals = { .n = 1, .item = literal, .bits = TELLING_BITS } };
	return true;
}

bool clsf__filter_split(struct clsf__arena *arena, const char *pattern, size_t length,
                        const struct clsf__re_tree *tree, struct clsf__filter_input *input)
{
	if (!split_plain(arena, pattern, length, input))
		return false;
	if (input->exact)
		return true;
	struct clsf__re_tree trees[MAX_PARTS];
	struct clsf__buffer relaxed;
	clsf__buffer_init(&relaxed, &arena->allocator);
	bool good = false;
	input->n_parts = clsf__re_alternatives(tree, trees, MAX_PARTS);
	input->parts = clsf__arena_alloc(arena, input->n_parts * sizeof(*input->parts));
	if (!input->parts)
		goto out;
	for (size_t i = 0; i < input->n_parts; i++) {
		struct clsf__filter_part *part = &input->parts[i];
		*part = (struct clsf__filter_part){ .relaxed = NULL };
		relaxed.length = 0;
		if (!clsf__re_literals(arena, &trees[i], false, &part->literals))
			goto out;
		bool some = clsf__re_relax(&trees[i], &relaxed);
		if (some)
			part->relaxed = clsf__arena_strndup(arena, relaxed.data, relaxed.length);
		if (relaxed.failed || (some && !part->relaxed))
			goto out;
	}
	good = true;
out:
	clsf__buffer_done(&relaxed);
	return good;
}

/* Puts one part of an expression where it is found best. False when memory is out. */
static bool choose_part(struct clsf__filter *f, struct clsf__arena *texts, struct patterns *patterns,
                        const struct clsf__filter_part *part, uint32_t index, bool engine_off,
                        bool relaxed_off, enum clsf_plan *ret_plan)
{
	const struct clsf__literals *l = &part->literals;
	const char *loose = relaxed_off ? NULL : part->relaxed;
	bool paired = l->companion.length && l->bits >= PAIRED_BITS;
	bool takes = false;
	if (loose && l->bits < TELLING_BITS && !paired && !engine_takes(loose, &takes))
		return false;
	if (takes) {
		struct pattern pattern = { .text = loose, .flags = HS_FLAG_DOTALL, .expression = index };
		*ret_plan = CLSF_PLAN_RELAXED;
		return add_pattern(&f->allocator, patterns, pattern);
	}
	*ret_plan = CLSF_PLAN_ALWAYS;
	if (engine_off || !l->n || l->bits < USABLE_BITS)
		return true;
	*ret_plan = CLSF_PLAN_LITERALS;
	for (size_t i = 0; i < l->n; i++)
		if (!add_literal(texts, patterns, &l->item[i], &l->companion, index))
			return false;
	return true;
}

/* An expression goes by the plan of that part of it which is hardest to find. False when memory is out. */
static bool choose(struct clsf__filter *f, struct clsf__arena *texts, struct patterns *patterns,
                   struct clsf__filter_input *input, uint32_t index, bool engine_off, bool relaxed_off)
{
	const size_t before = patterns->n;
	input->plan = CLSF_PLAN_NONE;
	for (size_t i = 0; !input->skip && i < input->n_parts; i++) {
		enum clsf_plan plan;
		if (!choose_part(f, texts, patterns, &input->parts[i], index, engine_off, relaxed_off, &plan))
			return false;
		input->plan = plan > input->plan ? plan : input->plan;
	}
	f->exact[index] = input->plan == CLSF_PLAN_LITERALS ? (uint32_t)input->exact : 0;
	if (input->plan == CLSF_PLAN_ALWAYS) {
		patterns->n = before;
		f->always[f->n_always++] = index;
	}
	return true;
}

static bool has_relaxed(const struct clsf__filter_input *input)
{
	for (size_t i = 0; i < input->n_parts; i++)
		if (input->parts[i].relaxed)
			return true;
	return false;
}

static void drop_relaxed(struct clsf__filter_input *input)
{
	for (size_t i = 0; i < input->n_parts; i++)
		input->parts[i].relaxed = NULL;
}

int clsf__filter_new(const struct clsf_allocator *a, struct clsf__filter_input *inputs, size_t n,
                     enum clsf_engine engine, struct clsf__filter **ret_filter,
                     const char **ret_fallback, struct clsf_error *err)
{
	*ret_fallback = "";
	bool engine_off = engine == CLSF_ENGINE_PCRE2;
	bool gaps_good = false, literals_good = false;
	bool relaxed_off = engine != CLSF_ENGINE_AUTO;
	if (engine == CLSF_ENGINE_LITERALS)
		*ret_fallback = "only literals are given to the engine";
	/* Who does not use the engine need not wait for its test. */
	if (!engine_off && self_test(&gaps_good, &literals_good) != 0)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	if (!engine_off && !clsf__filter_runs()) {
		engine_off = relaxed_off = true;
		*ret_fallback = "the processor lacks what the engine needs; PCRE2 alone is used";
	} else if (!engine_off && !literals_good) {
		engine_off = relaxed_off = true;
		*ret_fallback = "the engine failed its self-test; PCRE2 alone is used";
	} else if (!relaxed_off && !gaps_good) {
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
	f->n_expressions = n;
	f->always = clsf__calloc(a, n ? n : 1, sizeof(*f->always));
	f->exact = clsf__calloc(a, n ? n : 1, sizeof(*f->exact));
	if (!f->always || !f->exact)
		goto out;
	for (;;) {
		patterns.n = f->n_always = 0;
		for (size_t i = 0; i < n; i++)
			if (!choose(f, &texts, &patterns, &inputs[i], (uint32_t)i, engine_off, relaxed_off))
				goto out;
		if (!add_spacers(&texts, &patterns))
			goto out;
		int culprit;
		int built = database_build(a, &patterns, &f->database, &culprit, err);
		if (built == HS_SUCCESS)
			break;
		result = built == HS_NOMEM ? CLSF_E_NOMEM : CLSF_E_ENGINE;
		if (built != HS_COMPILER_ERROR || relaxed_off)
			goto out;
		/* One expression that is too large for the engine hurts only itself; if none is named, none is relaxed. */
		if (culprit >= 0 && has_relaxed(&inputs[culprit]))
			drop_relaxed(&inputs[culprit]);
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
	clsf__free(&a, f->exact);
	clsf__free(&a, f);
}

const uint32_t *clsf__filter_always(const struct clsf__filter *f, size_t *ret_n)
{
	*ret_n = f->n_always;
	return f->always;
}

const uint32_t *clsf__filter_exact(const struct clsf__filter *f)
{
	return f->exact;
}

/* ---- the compiled form ---- */

static int database_save(const struct database *d, struct clsf__buffer *out)
{
	clsf__put_number(out, d->n);
	if (d->n == 0)
		return 0;
	for (uint32_t i = 0; i <= d->n; i++)
		clsf__put_number(out, d->first[i]);
	for (uint32_t i = 0; i < d->first[d->n]; i++) {
		clsf__put_number(out, d->uses[i].expression);
		clsf__put_number(out, d->uses[i].tail);
		clsf__put_number(out, d->uses[i].tail_length);
		clsf__put_number(out, d->uses[i].companion_length);
	}
	clsf__put_text(out, d->texts.data, d->texts.length);
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
	clsf__buffer_init(&d->texts, a);
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
	if (in->bad || uses > in->left / 32)
		return CLSF_E_ENGINE;
	d->uses = clsf__calloc(a, uses ? uses : 1, sizeof(*d->uses));
	if (!d->uses)
		return CLSF_E_NOMEM;
	for (size_t i = 0; i < uses; i++)
		d->uses[i] = (struct use){ (uint32_t)clsf__get_below(in, n_expressions),
			                   (uint32_t)clsf__get_below(in, UINT32_MAX),
			                   (uint32_t)clsf__get_below(in, UINT32_MAX),
			                   (uint32_t)clsf__get_below(in, UINT32_MAX) };
	size_t length;
	const char *texts = clsf__get_text(in, &length);
	for (size_t i = 0; i < uses; i++) {
		const struct use *use = &d->uses[i];
		in->bad = in->bad || (uint64_t)use->tail + use->tail_length + use->companion_length > length;
	}
	clsf__buffer_add(&d->texts, texts, length);
	if (d->texts.failed)
		return CLSF_E_NOMEM;
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
	for (size_t i = 0; i < f->n_expressions; i++)
		clsf__put_number(out, f->exact[i]);
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
	f->n_expressions = n;
	f->always = clsf__calloc(a, n_always ? n_always : 1, sizeof(*f->always));
	f->exact = clsf__calloc(a, n ? n : 1, sizeof(*f->exact));
	if (f->always && f->exact) {
		for (; f->n_always < n_always; f->n_always++)
			f->always[f->n_always] = (uint32_t)clsf__get_below(in, n);
		for (size_t i = 0; i < n; i++)
			f->exact[i] = (uint32_t)clsf__get_below(in, UINT32_MAX);
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
	const char *block;
	size_t length;
	size_t start, end;           /* the line that was looked at last: [start, end) */
	/* By use, modulo: the line that lacks its companion, counted from 1, so that it is looked for once. */
	struct {
		uint32_t use;
		size_t line;
	} lacking[MAX_LACKING];
	clsf__candidate_fn found;
	void *context;
};

/* Does what else belongs to the expression stand where it has to, beside what ends at `to`? */
static bool is_complete(struct scan *s, uint32_t index, size_t to)
{
	const struct use *use = &s->database->uses[index];
	const char *texts = s->database->texts.data;
	if (use->tail_length &&
	    (use->tail_length > s->length - to || memcmp(s->block + to, texts + use->tail, use->tail_length) != 0))
		return false;
	if (!use->companion_length)
		return true;
	if (to > s->end || to <= s->start) {
		const char *newline = clsf__last_newline(s->block, to - 1);
		s->start = newline ? (size_t)(newline - s->block) + 1 : 0;
		newline = memchr(s->block + to, '\n', s->length - to);
		s->end = newline ? (size_t)(newline - s->block) : s->length;
	}
	/* A long line could hold the literal any number of times: there this is left to the judge. */
	if (s->end - s->start > MAX_PAIRED_LINE)
		return true;
	size_t slot = index % MAX_LACKING;
	if (s->lacking[slot].use == index && s->lacking[slot].line == s->start + 1)
		return false;
	if (clsf__contains(s->block + s->start, s->end - s->start, texts + use->tail + use->tail_length,
	                   use->companion_length))
		return true;
	s->lacking[slot].use = index;
	s->lacking[slot].line = s->start + 1;
	return false;
}

static int on_pattern(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *context)
{
	(void)from;
	(void)flags;
	struct scan *s = context;
	if (id >= s->database->n)    /* a restored database that lies */
		return 1;
	const struct database *d = s->database;
	for (uint32_t i = d->first[id]; i < d->first[id + 1]; i++) {
		const struct use *use = &d->uses[i];
		if (is_complete(s, i, (size_t)to) &&
		    !s->found(s->context, use->expression, (size_t)to + use->tail_length))
			return 1;
	}
	return 0;
}

int clsf__filter_scan(const struct clsf__filter *f, struct clsf__scratch *s, const char *block,
                      size_t length, clsf__candidate_fn found, void *context)
{
	if (!f->database.hs)
		return 0;
	struct scan scan = {
		.database = &f->database, .block = block, .length = length, .found = found, .context = context,
	};
	switch (hs_scan(f->database.hs, block, (unsigned)length, 0, s->hs, on_pattern, &scan)) {
	case HS_SUCCESS:
		return 0;
	case HS_SCAN_TERMINATED:
		return CLSF_STOPPED;
	default:
		return CLSF_E_ENGINE;
	}
}
