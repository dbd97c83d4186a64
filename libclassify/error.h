/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_ERROR_H
#define CLSF_ERROR_H

/* Filling struct clsf_error, and checking the arguments of public functions. */

#include <assert.h>

#include <classify/common.h>

/* Fills *err (which may be NULL) and returns `code`, so that one can return its result. */
int clsf__error(struct clsf_error *err, int code, int library_code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * A bug of the caller: aborts where CLSF_ABORT_ON_MISUSE is defined (debug
 * builds), otherwise returns CLSF_E_INVALID.
 */
#ifdef CLSF_ABORT_ON_MISUSE
#define CLSF__REQUIRE(condition) assert(condition)
#else
#define CLSF__REQUIRE(condition) \
	do { \
		if (!(condition)) \
			return CLSF_E_INVALID; \
	} while (0)
#endif

#endif
