/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLASSIFY_COMMON_H
#define CLASSIFY_COMMON_H

/*
 * What every other header of libclassify needs: result codes, the error
 * description, the allocator and the version.
 *
 * Conventions that hold for the whole library:
 *
 * - A function that can fail returns int: 0 when done, a positive number for
 *   an expected other outcome (CLSF_STOPPED), a negative CLSF_E_* code for a
 *   failure. The number of a code never changes its meaning.
 * - `ret_*` arguments are written on success only.
 * - `err` may be NULL; if not, it is the caller's and is filled on failure.
 * - Lengths are size_t and count bytes, offsets are uint64_t and count bytes
 *   from the start of the log, line numbers count from 1.
 * - Inputs are borrowed for the duration of the call.
 * - A NULL or unknown argument where the header asks for an object is a bug of
 *   the caller: CLSF_E_INVALID (in a debug build, abort).
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CLSF_API __attribute__((visibility("default")))
#else
#define CLSF_API
#endif

/* What the _INIT macros of options expand to: all zero but `size`. Initializes a variable; C++11 and later. */
#ifdef __cplusplus
#define CLSF__INIT(type) ([] { type clsf__new = {}; clsf__new.size = sizeof(type); return clsf__new; }())
#else
#define CLSF__INIT(type) { .size = sizeof(type) }
#endif

#define CLSF_VERSION_MAJOR 0
#define CLSF_VERSION_MINOR 1
#define CLSF_VERSION_PATCH 0

/* Result codes. Kept in step with libclassify/errors.def by a test. */
enum clsf_code {
	CLSF_OK = 0,                /* done */
	CLSF_STOPPED = 1,           /* a callback asked to stop */
	CLSF_RECOMPILED = 2,        /* restored, but the engine's databases had to be compiled anew */
	CLSF_E_INVALID = -1,        /* an argument is not valid */
	CLSF_E_NOMEM = -2,          /* out of memory */
	CLSF_E_IO = -3,             /* a file could not be read */
	CLSF_E_SYNTAX = -4,         /* a rule file is not valid YAML */
	CLSF_E_RULE = -5,           /* a rule is not valid */
	CLSF_E_EXPRESSION = -6,     /* an expression does not compile */
	CLSF_E_DUPLICATE = -7,      /* a rule id is used twice */
	CLSF_E_LIMIT = -8,          /* a documented limit was passed */
	CLSF_E_ENGINE = -9,         /* the matching engine failed */
	CLSF_E_NO_RULES = -10,      /* no rule could be loaded */
	CLSF_E_BUSY = -11,          /* the object is in use by another call */
};

/*
 * What went wrong and where. Fixed size, the caller's own; nothing to free.
 * `file` is empty and `line` 0 where no place is known. `rule` is the id of
 * the rule concerned, if one is. `library_code` is the number that PCRE2,
 * Hyperscan, libyaml or errno gave, 0 if none did.
 */
struct clsf_error {
	int code;
	int library_code;
	uint32_t line;
	uint32_t column;
	char file[512];
	char rule[128];
	char message[512];
};

/*
 * Where memory comes from. `reallocate(context, NULL, n)` allocates,
 * `(context, p, n)` resizes, `(context, p, 0)` frees and returns NULL.
 * Memory that Hyperscan and libyaml take stays on malloc(): their allocators
 * are global to the process, and a library does not change its host.
 *
 * Threads: the function is called from whichever thread calls the library.
 */
struct clsf_allocator {
	void *(*reallocate)(void *context, void *pointer, size_t size);
	void *context;
};

/*
 * A static English text for a code; "unknown error" for a number that is none.
 *
 * Threads: any.
 */
CLSF_API const char *clsf_strerror(int code);

/*
 * The library's version, "MAJOR.MINOR.PATCH"; static.
 *
 * Threads: any.
 */
CLSF_API const char *clsf_version(void);

/*
 * The engines in use and their versions, for example
 * "hyperscan 5.4.0, pcre2 10.42 jit"; static.
 *
 * Threads: any.
 */
CLSF_API const char *clsf_engine_version(void);

/*
 * Hides secrets in a text: tokens, keys, passwords (also in URLs) and e-mail
 * addresses become "[redacted]". Writes at most `capacity` bytes to
 * `destination` and its full length to `*ret_length`; a text that would be
 * longer is cut. `destination` may not overlap `text`.
 *
 * Returns 0, CLSF_E_INVALID, CLSF_E_NOMEM.
 *
 * Threads: any.
 */
CLSF_API int clsf_redact(const char *text, size_t length, char *destination,
                         size_t capacity, size_t *ret_length);

#ifdef __cplusplus
}
#endif

#endif
