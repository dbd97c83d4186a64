/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: the verdict of the whole is that of any pieces. The first two bytes choose where it is cut. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <classify/classify.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
	"pack: fuzz\n"
	"rules:\n"
	"  - {id: a, title: 'T ${x}', category: disk_full, match: 'no space(?<x>\\W+\\w+)?', runbook: {cause: c, fix: 'run ${x}'}}\n"
	"  - {id: b, title: t, category: timeout, role: symptom, match: {any: [slow, {text: 'ti.eout'}]}, unless: retry}\n"
	"  - {id: c, title: t, role: failure, match: '^failed'}\n"
	"  - {id: d, title: t, role: success, match: 'done\\.'}\n"
	"  - {id: e, title: t, role: start, match: 'begin'}\n"
	"  - {id: f, title: t, category: dns_failed, match: {sequence: [{regex: 'one', show: true}, '\\d+'], within: 9 lines}}\n"
	"  - {id: g, title: t, category: tls_invalid, match: {all: [al, be], within: 5s}, unless: [{regex: never, where: after, within: 3 lines}]}\n"
	"  - {id: h, title: t, category: tool_bug, match: {field: {level: '^err', n: 5}}}\n"
	"  - {id: i, title: t, category: node_failed, match: {count: 2, of: {regex: 'x.*\\n(?:.*\\n)?y', lines: 5}, within: 50 lines}}\n";

static void require(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static const struct clsf_verdict *verdict_of(struct clsf_stream *stream, struct clsf_worker *worker,
                                             const uint8_t *data, size_t size, size_t step)
{
	const struct clsf_verdict *verdict;
	for (size_t at = 0; at < size; at += step)
		require(clsf_stream_feed(stream, worker, data + at, size - at < step ? size - at : step) == 0, "feed");
	require(clsf_stream_finish(stream, worker, &verdict) == 0, "finish");
	return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct clsf_ruleset *ruleset;
	static struct clsf_worker *worker;
	static struct clsf_stream *whole, *cut;
	if (!ruleset) {
		struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
		struct clsf_loader *loader;
		options.context = 3;
		options.redact = 1;
		options.max_line = 4096;
		require(clsf_loader_new(NULL, &loader) == 0 &&
		        clsf_loader_add_buffer(loader, "fuzz", rules, sizeof(rules) - 1, NULL) == 0 &&
		        clsf_loader_compile(loader, &ruleset, NULL) == 0 && clsf_worker_new(ruleset, NULL, &worker) == 0 &&
		        clsf_stream_new(ruleset, &options, &whole) == 0 && clsf_stream_new(ruleset, &options, &cut) == 0,
		        "rules");
		clsf_loader_free(loader);
	}
	if (size < 2)
		return 0;
	size_t step = 1 + data[0] + (data[1] & 15) * (size_t)256;
	const struct clsf_verdict *a = verdict_of(whole, worker, data + 2, size - 2, size);
	const struct clsf_verdict *b = verdict_of(cut, worker, data + 2, size - 2, step);
	require(a->outcome == b->outcome && a->rule == b->rule && a->lines == b->lines && a->bytes == b->bytes, "verdict");
	require(a->line.number == b->line.number && a->line.offset == b->line.offset &&
	        a->line.text_length == b->line.text_length && a->n_also == b->n_also && a->n_warnings == b->n_warnings,
	        "place");
	require(strcmp(a->fingerprint, b->fingerprint) == 0 && strcmp(a->title, b->title) == 0, "texts");
	clsf_stream_reset(whole);
	clsf_stream_reset(cut);
	return 0;
}
