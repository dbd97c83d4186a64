/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken off a line: its wrappers and its time. A message lies within the line or the decoded text,
 * the same line has the same messages, and so has the decoded text that the filter is given.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <classify/classify.h>

#include "../../libclassify/timestamp.h"
#include "../../libclassify/unwrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clsf_allocator a = clsf__allocator(NULL);
	struct clsf__messages one, two;
	struct clsf__buffer decoded;
	struct clsf__time time;
	int64_t ns;
	/* A copy of its own length, so that reading behind it is noticed; a line holds no newline. */
	char *line = malloc(size ? size : 1);
	if (!line)
		return 0;
	for (size_t i = 0; i < size; i++)
		line[i] = data[i] == '\n' ? ' ' : (char)data[i];
	clsf__messages_init(&one, &a);
	clsf__messages_init(&two, &a);
	clsf__buffer_init(&decoded, &a);
	require(clsf__unwrap(&one, line, size) && clsf__unwrap(&two, line, size));
	require(one.n == two.n && one.n <= CLSF__MAX_MESSAGES && one.decoded.length == two.decoded.length);
	for (size_t i = 0; i < one.n; i++) {
		const struct clsf__message *m = &one.item[i];
		size_t whole = m->decoded ? one.decoded.length : size;
		require(m->at <= whole && m->length <= whole - m->at);
		require(m->at == two.item[i].at && m->length == two.item[i].length);
		const char *text = m->decoded ? one.decoded.data : line;
		if (m->length)
			clsf__line_time(text + m->at, m->length, &time);
	}
	require(clsf__unwrap_decoded(&two, line, size, &decoded));
	if (clsf__line_time(line, size, &time)) {
		struct clsf__time again;
		require(clsf__line_time(line, size, &again));
	}
	char *text = strndup(line, size);
	if (text)
		clsf__duration(text, strlen(text), &ns);
	free(text);
	clsf__buffer_done(&decoded);
	clsf__messages_done(&one);
	clsf__messages_done(&two);
	free(line);
	return 0;
}
