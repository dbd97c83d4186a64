/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See expression.h. The first worker that needs an expression compiles it under
 * the lock; all others pass the atomic flag.
 */

#include "expression.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "error.h"
#include "lines.h"

#define JIT_STACK_START ((size_t)32 * 1024)
#define JIT_STACK_MAX ((size_t)512 * 1024)
#define HEAP_LIMIT_KIB 20480
#define SHORT_SUBJECT ((size_t)1024)
#define SHORT_STEPS 4096u   /* from one start */
#define LONG_SUBJECT ((size_t)16 * 1024)
#define LONG_STEPS 16384u
#define STEPS_PER_BYTE 64
#define MAX_GROUPS 256      /* pairs of offsets that a runner keeps */

struct clsf__expression {
	struct clsf_allocator allocator;
	const char *pattern;
	size_t length;
	pcre2_general_context *general;
	pcre2_code *code;            /* NULL until it is ready */
	pcre2_code *valid;           /* of a UTF expression: for subjects that are valid UTF-8, or NULL */
	bool translated;             /* there is machine code of `valid`, or of `code` where that is NULL */
	pcre2_code *counted;         /* with a callout before each item; NULL until it is needed */
	bool counted_translated;
	atomic_bool ready, countable;
	size_t n_names;
	struct {
		const char *name;
		uint32_t group;
	} names[CLSF__MAX_CAPTURES];
};

struct clsf__runner {
	struct clsf_allocator allocator;
	pcre2_general_context *general;
	pcre2_match_context *context;
	uint32_t match_limit;        /* of all steps together */
	uint32_t fast_limit;         /* of those from one start, as PCRE2 counts them */
	uint64_t steps, most_steps;  /* of the counted run under way */
	uint64_t work;               /* steps of all counted runs */
	size_t position;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
};

static pthread_mutex_t preparing = PTHREAD_MUTEX_INITIALIZER;

static void *pcre2_allocate(size_t size, void *data)
{
	return clsf__realloc(data, NULL, size);
}

static void pcre2_release(void *pointer, void *data)
{
	clsf__free(data, pointer);
}

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] > 0x7f)
			return false;
	return true;
}

/* Notes where the named groups are, by group number. */
static void read_names(struct clsf__expression *e)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR table = NULL;
	pcre2_pattern_info(e->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(e->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(e->code, PCRE2_INFO_NAMETABLE, &table);
	for (uint32_t i = 0; i < count && e->n_names < CLSF__MAX_CAPTURES; i++) {
		PCRE2_SPTR entry = table + (size_t)i * size;
		uint32_t group = (uint32_t)entry[0] << 8 | entry[1];
		size_t at = e->n_names++;
		for (; at > 0 && e->names[at - 1].group > group; at--)
			e->names[at] = e->names[at - 1];
		e->names[at].group = group;
		e->names[at].name = (const char *)(entry + 2);
	}
}

bool clsf__pattern_is_utf(const char *pattern, size_t length)
{
	if (!is_ascii(pattern, length))
		return true;
	/* Settings stand first, each in (*...); UTF may be any of them. */
	while (length > 2 && pattern[0] == '(' && pattern[1] == '*') {
		const char *close = memchr(pattern, ')', length);
		if (!close)
			return false;
		if (close - pattern == 5 && memcmp(pattern, "(*UTF", 5) == 0)
			return true;
		length -= (size_t)(close + 1 - pattern);
		pattern = close + 1;
	}
	return false;
}

/*
 * PCRE2's own: 0 and *ret_code, or its number and the offset.
 * PCRE2_ERROR_HEAP_FAILED: no memory. `invalid`: subjects may hold what is no UTF-8.
 */
static int compile(pcre2_general_context *general, const char *pattern, size_t length, bool invalid,
                   uint32_t more, pcre2_code **ret_code, size_t *ret_offset)
{
	pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
	if (!context)
		return PCRE2_ERROR_HEAP_FAILED;
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	int number = 0;
	PCRE2_SIZE offset = 0;
	uint32_t options = !clsf__pattern_is_utf(pattern, length) ? 0
	                   : invalid                              ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF
	                                                          : PCRE2_UTF;
	*ret_code = pcre2_compile((PCRE2_SPTR)pattern, length, options | more, &number, &offset, context);
	pcre2_compile_context_free(context);
	*ret_offset = offset;
	return *ret_code ? 0 : number;
}

int clsf__expression_check(const struct clsf_allocator *a, const char *pattern, size_t length,
                           size_t *ret_offset, struct clsf_error *err)
{
	struct clsf_allocator copy = *a;
	pcre2_general_context *general = pcre2_general_context_create(pcre2_allocate, pcre2_release, &copy);
	pcre2_code *code = NULL;
	*ret_offset = 0;
	int number = compile(general, pattern, length, true, 0, &code, ret_offset);
	int result = 0;
	if (number == PCRE2_ERROR_HEAP_FAILED) {
		result = clsf__error(err, CLSF_E_NOMEM, number, "out of memory");
	} else if (number) {
		PCRE2_UCHAR text[256];
		pcre2_get_error_message(number, text, sizeof(text));
		result = clsf__error(err, CLSF_E_EXPRESSION, number,
		                     "the expression does not compile: %s (at offset %zu)", (const char *)text,
		                     *ret_offset);
	} else {
		uint32_t names = 0, groups = 0;
		pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &names);
		pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
		if (names > CLSF__MAX_CAPTURES || groups >= MAX_GROUPS)
			result = clsf__error(err, CLSF_E_EXPRESSION, 0,
			                     "the expression has more than %d named or %d numbered groups",
			                     CLSF__MAX_CAPTURES, MAX_GROUPS - 1);
	}
	pcre2_code_free(code);
	pcre2_general_context_free(general);
	return result;
}

struct clsf__expression *clsf__expression_new(const struct clsf_allocator *a, const char *pattern,
                                              size_t length)
{
	struct clsf__expression *e = clsf__calloc(a, 1, sizeof(*e));
	if (!e)
		return NULL;
	e->allocator = *a;
	e->pattern = pattern;
	e->length = length;
	atomic_init(&e->ready, false);
	atomic_init(&e->countable, false);
	return e;
}

void clsf__expression_free(const struct clsf_allocator *a, struct clsf__expression *e)
{
	if (!e)
		return;
	pcre2_code_free(e->code);
	pcre2_code_free(e->valid);
	pcre2_code_free(e->counted);
	pcre2_general_context_free(e->general);
	clsf__free(a, e);
}

/* Is there machine code of it now? An expression may forbid that with (*NO_JIT), and compiling then does nothing. */
static bool translate(pcre2_code *code)
{
	size_t size = 0;
	return pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0 && pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &size) == 0 &&
	       size > 0;
}

/*
 * Compiles and translates. RUN_MATCH when it is ready; RUN_NOMEM: the next use
 * tries again; RUN_LIMIT when PCRE2 refuses what was checked once.
 */
static enum clsf__run prepare(struct clsf__expression *e)
{
	enum clsf__run result = CLSF__RUN_MATCH;
	pthread_mutex_lock(&preparing);
	if (!atomic_load_explicit(&e->ready, memory_order_relaxed)) {
		size_t offset;
		if (!e->general)
			e->general = pcre2_general_context_create(pcre2_allocate, pcre2_release, &e->allocator);
		int number = compile(e->general, e->pattern, e->length, true, 0, &e->code, &offset);
		if (number) {
			result = number == PCRE2_ERROR_HEAP_FAILED ? CLSF__RUN_NOMEM : CLSF__RUN_LIMIT;
		} else {
			read_names(e);
			/*
			 * With PCRE2_MATCH_INVALID_UTF the machine code of 10.42 misses
			 * matches ("^\\D" on a character of several bytes): such code is
			 * interpreted, and subjects that are valid have their own. Where
			 * translating fails (no JIT, no memory) the interpreter serves.
			 */
			pcre2_code *fast = e->code;
			if (clsf__pattern_is_utf(e->pattern, e->length))
				fast = compile(e->general, e->pattern, e->length, false, 0, &e->valid, &offset) == 0
				               ? e->valid
				               : NULL;
			e->translated = fast && translate(fast);
			atomic_store_explicit(&e->ready, true, memory_order_release);
		}
	}
	pthread_mutex_unlock(&preparing);
	return result;
}

/* The form whose steps are counted. Few expressions ever meet a text that needs it. */
static enum clsf__run prepare_counted(struct clsf__expression *e)
{
	enum clsf__run result = CLSF__RUN_MATCH;
	pthread_mutex_lock(&preparing);
	if (!atomic_load_explicit(&e->countable, memory_order_relaxed)) {
		size_t offset;
		int number = compile(e->general, e->pattern, e->length, true, PCRE2_AUTO_CALLOUT, &e->counted, &offset);
		if (number == PCRE2_ERROR_HEAP_FAILED) {
			result = CLSF__RUN_NOMEM;
		} else {
			/* One that is too large with what counts stays without; see above for UTF. */
			e->counted_translated = e->counted && !clsf__pattern_is_utf(e->pattern, e->length) &&
			                        translate(e->counted);
			atomic_store_explicit(&e->countable, true, memory_order_release);
		}
	}
	pthread_mutex_unlock(&preparing);
	return result;
}

/* How many steps from one start a fast run may take. */
static void set_fast_limit(struct clsf__runner *r, uint32_t limit)
{
	r->fast_limit = limit < r->match_limit ? limit : r->match_limit;
	pcre2_set_match_limit(r->context, r->fast_limit);
}

int clsf__runner_new(const struct clsf_allocator *a, uint32_t match_limit,
                     struct clsf__runner **ret_runner)
{
	struct clsf__runner *r = clsf__calloc(a, 1, sizeof(*r));
	if (!r)
		return CLSF_E_NOMEM;
	r->allocator = *a;
	r->general = pcre2_general_context_create(pcre2_allocate, pcre2_release, &r->allocator);
	if (r->general) {
		r->context = pcre2_match_context_create(r->general);
		r->data = pcre2_match_data_create(MAX_GROUPS, r->general);
		r->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, r->general);
	}
	/* A PCRE2 without JIT has no JIT stack; that is no failure. */
	uint32_t jit = 0;
	pcre2_config(PCRE2_CONFIG_JIT, &jit);
	if (!r->context || !r->data || (jit && !r->stack)) {
		clsf__runner_free(r);
		return CLSF_E_NOMEM;
	}
	r->match_limit = match_limit;
	set_fast_limit(r, SHORT_STEPS);
	pcre2_set_heap_limit(r->context, HEAP_LIMIT_KIB);
	if (r->stack)
		pcre2_jit_stack_assign(r->context, NULL, r->stack);
	*ret_runner = r;
	return 0;
}

void clsf__runner_free(struct clsf__runner *r)
{
	if (!r)
		return;
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->context);
	if (r->stack)
		pcre2_jit_stack_free(r->stack);
	pcre2_general_context_free(r->general);
	struct clsf_allocator a = r->allocator;
	clsf__free(&a, r);
}

/*
 * Before each item of the expression: one step, and one for each byte by which the place moved, so that
 * a run of a repetition counts as long as it is.
 */
static int count_steps(pcre2_callout_block *block, void *data)
{
	struct clsf__runner *r = data;
	size_t at = block->current_position;
	r->steps += 1 + (at > r->position ? at - r->position : r->position - at);
	r->position = at;
	return r->steps > r->most_steps ? PCRE2_ERROR_MATCHLIMIT : 0;
}

/*
 * PCRE2 has a limit for each place where a match could start, and does not count what it skips, so
 * that a long text takes the square of its length, or more. Here all steps of the call count
 * together, and there may be so many for each byte.
 */
static int run_counted(struct clsf__runner *r, struct clsf__expression *e, const char *subject, size_t length)
{
	if (!atomic_load_explicit(&e->countable, memory_order_acquire) && prepare_counted(e) != CLSF__RUN_MATCH)
		return PCRE2_ERROR_NOMEMORY;
	if (!e->counted)
		return PCRE2_ERROR_MATCHLIMIT;
	r->steps = r->position = 0;
	r->most_steps = (uint64_t)length * STEPS_PER_BYTE;
	r->most_steps = r->most_steps > r->match_limit ? r->most_steps : r->match_limit;
	pcre2_set_callout(r->context, count_steps, r);
	pcre2_set_match_limit(r->context, UINT32_MAX);
	int n = e->counted_translated
	                ? pcre2_jit_match(e->counted, (PCRE2_SPTR)subject, length, 0, 0, r->data, r->context)
	                : pcre2_match(e->counted, (PCRE2_SPTR)subject, length, 0, 0, r->data, r->context);
	pcre2_set_callout(r->context, NULL, NULL);
	pcre2_set_match_limit(r->context, r->fast_limit);
	r->work += r->steps;
	return n;
}

static int run_fast(struct clsf__runner *r, struct clsf__expression *e, const char *subject, size_t length)
{
	pcre2_code *fast = !e->valid ? e->code : clsf__is_utf8(subject, length) ? e->valid : NULL;
	/* Past the checks of pcre2_match(), which take as long as a short line. */
	if (fast && e->translated)
		return pcre2_jit_match(fast, (PCRE2_SPTR)subject, length, 0, 0, r->data, r->context);
	return pcre2_match(fast ? fast : e->code, (PCRE2_SPTR)subject, length, 0,
	                   fast && e->valid ? PCRE2_NO_UTF_CHECK : 0, r->data, r->context);
}

enum clsf__run clsf__run(struct clsf__runner *r, struct clsf__expression *e,
                         const char *subject, size_t length, size_t *ret_start, size_t *ret_end)
{
	if (!atomic_load_explicit(&e->ready, memory_order_acquire)) {
		enum clsf__run prepared = prepare(e);
		if (prepared != CLSF__RUN_MATCH)
			return prepared;
	}
	int n = PCRE2_ERROR_MATCHLIMIT;
	if (length <= SHORT_SUBJECT) {
		n = run_fast(r, e, subject, length);
	} else if (length <= LONG_SUBJECT) {
		/* Several lines of an entry: one ".*" over them takes as many steps as they have bytes. */
		set_fast_limit(r, LONG_STEPS);
		n = run_fast(r, e, subject, length);
		set_fast_limit(r, SHORT_STEPS);
	}
	if (n == PCRE2_ERROR_MATCHLIMIT)
		n = run_counted(r, e, subject, length);
	if (n >= 0) {
		const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(r->data);
		*ret_start = offsets[0];
		*ret_end = offsets[1];
		return CLSF__RUN_MATCH;
	}
	switch (n) {
	case PCRE2_ERROR_NOMATCH:
		return CLSF__RUN_NO_MATCH;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_JIT_STACKLIMIT:
	case PCRE2_ERROR_RECURSELOOP:
		return CLSF__RUN_LIMIT;
	case PCRE2_ERROR_NOMEMORY:
		return CLSF__RUN_NOMEM;
	default:
		/* Nothing that is known to happen; not to be taken for an answer either. */
		return CLSF__RUN_LIMIT;
	}
}

uint64_t clsf__runner_work(const struct clsf__runner *r)
{
	return r->work;
}

size_t clsf__captures(const struct clsf__runner *r, const struct clsf__expression *e,
                      struct clsf__capture captures[CLSF__MAX_CAPTURES])
{
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(r->data);
	size_t n = 0;
	for (size_t i = 0; i < e->n_names; i++) {
		uint32_t group = e->names[i].group;
		if (group >= MAX_GROUPS || offsets[2 * group] == PCRE2_UNSET ||
		    offsets[2 * group] > offsets[2 * group + 1])
			continue;
		captures[n++] = (struct clsf__capture){ e->names[i].name, offsets[2 * group],
		                                        offsets[2 * group + 1] };
	}
	return n;
}

const char *clsf__expression_engine(void)
{
	static const char unknown[] = "pcre2";
	static char text[64];
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&lock);
	if (!text[0]) {
		char version[48] = "";
		uint32_t jit = 0;
		if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) < (int)sizeof(version))
			pcre2_config(PCRE2_CONFIG_VERSION, version);
		version[strcspn(version, " ")] = '\0';
		pcre2_config(PCRE2_CONFIG_JIT, &jit);
		snprintf(text, sizeof(text), "%s %s%s", unknown, version, jit ? " jit" : "");
	}
	pthread_mutex_unlock(&lock);
	return text;
}
