/* SPDX-License-Identifier: Apache-2.0 */
/* See scanner.h. */

#include "scanner.h"

#include <stdlib.h>

int scanner_new(struct clsf_ruleset *ruleset, const struct clsf_stream_options *options, bool keep,
                struct scanner **ret_scanner)
{
	struct scanner *s = calloc(1, sizeof(*s));
	if (!s)
		return CLSF_E_NOMEM;
	struct clsf_stream_options own = *options;
	own.on_match = keep ? collector_match : NULL;
	own.user = &s->told;
	int code = clsf_worker_new(ruleset, NULL, &s->worker);
	if (code == 0)
		code = clsf_stream_new(ruleset, &own, &s->stream);
	if (code) {
		scanner_free(s);
		return code;
	}
	*ret_scanner = s;
	return 0;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	clsf_stream_free(s->stream);
	clsf_worker_free(s->worker);
	collector_done(&s->told);
	free(s);
}

void scan_reset(struct scanner *s)
{
	clsf_stream_reset(s->stream);
	collector_reset(&s->told);
	s->finished = false;
}

/* The collector stops a scan for one reason only. */
static int result(const struct scanner *s, int code)
{
	return s->told.failed ? CLSF_E_NOMEM : code;
}

int scan_feed(struct scanner *s, const void *data, size_t length)
{
	return result(s, clsf_stream_feed(s->stream, s->worker, data, length));
}

int scan_finish(struct scanner *s, const struct clsf_verdict **ret_verdict)
{
	s->finished = true;
	return result(s, clsf_stream_finish(s->stream, s->worker, ret_verdict));
}

int scan_entries(struct scanner *s, const struct scanner_entry *entries, size_t n)
{
	const struct clsf_verdict *ignored;
	int code = 0;
	for (size_t i = 0; code == 0 && i < n; i++) {
		clsf_stream_reset(s->stream);
		s->told.entry = i;
		code = scan_feed(s, entries[i].data, entries[i].length);
		if (code == 0)
			code = scan_finish(s, &ignored);
	}
	return code;
}
