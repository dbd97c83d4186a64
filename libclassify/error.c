/* SPDX-License-Identifier: Apache-2.0 */
/* See error.h. */

#include "error.h"

#include <stdarg.h>
#include <stdio.h>

const char *clsf_strerror(int code)
{
	switch (code) {
#define CLSF_ERROR(name, number, text) \
	case number: \
		return text;
#include "errors.def"
#undef CLSF_ERROR
	default:
		return "unknown error";
	}
}

const char *clsf_version(void)
{
	return CLSF__VERSION;
}

int clsf__error(struct clsf_error *err, int code, int library_code, const char *format, ...)
{
	if (!err)
		return code;
	*err = (struct clsf_error){ .code = code, .library_code = library_code };
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->message, sizeof(err->message), format, arguments);
	va_end(arguments);
	return code;
}
