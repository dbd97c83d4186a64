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
	s->lines = (struct clsf_lines_options)CLSF_LINES_OPTIONS_INIT;
	s->lines.on_match = collector_entry_match;
	s->lines.on_warning = collector_entry_warning;
	s->lines.user = &s->told;
	s->lines.no_unwrap = options->no_unwrap;
	s->lines.redact = options->redact;
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
	s->finished = s->sampled = false;
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

int scan_entries(struct scanner *s, const struct clsf_entry *entries, size_t n)
{
	return result(s, clsf_scan_lines(s->worker, NULL, entries, n, &s->lines));
}

int scan_read(struct scanner *s, struct clsf_reader *reader, size_t size, enum scan_state *ret_state,
              struct clsf_error *err)
{
	const void *data;
	size_t length;
	for (size_t total = 0; total < size; total += length) {
		int code = clsf_reader_read(reader, &data, &length, err);
		if (code == CLSF_STOPPED) {
			*ret_state = SCAN_END;
			return 0;
		}
		if (code)
			return code;
		if (!s->sampled && clsf_is_binary(data, length)) {
			*ret_state = SCAN_BINARY;
			return 0;
		}
		s->sampled = true;
		code = scan_feed(s, data, length);
		if (code) {
			err->code = 0;           /* what the reader says is not about this */
			return code;
		}
	}
	*ret_state = SCAN_MORE;
	return 0;
}
