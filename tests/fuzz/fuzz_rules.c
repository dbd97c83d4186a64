/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: every one is read or refused, and what was compiled takes a log. Literals only: how
 * long Hyperscan takes over an expression is bounded by the tools, in a child process.
 */

#include <classify/classify.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
	"2026-03-01T10:00:00Z level=error msg=\"no space left\"\n{\"log\":\"x 12\\n\",\"n\":5}\n\x1b[31mfailed\x1b[0m\r\nE0301 1 x.go:1] y\n";

static void scan(struct clsf_ruleset *ruleset)
{
	struct clsf_worker *worker = NULL;
	struct clsf_stream *stream = NULL;
	const struct clsf_verdict *verdict;
	if (clsf_worker_new(ruleset, NULL, &worker) == 0 && clsf_stream_new(ruleset, NULL, &stream) == 0 &&
	    clsf_stream_feed(stream, worker, text, sizeof(text) - 1) == 0)
		clsf_stream_finish(stream, worker, &verdict);
	clsf_stream_free(stream);
	clsf_worker_free(worker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_loader *loader;
	struct clsf_ruleset *ruleset;
	struct clsf_error error;
	options.engine = CLSF_ENGINE_LITERALS;
	options.match_limit = 1000;
	if (clsf_loader_new(&options, &loader) != 0)
		return 0;
	if (clsf_loader_add_buffer(loader, "fuzz", data, size, &error) == 0 &&
	    clsf_loader_compile(loader, &ruleset, &error) == 0) {
		scan(ruleset);
		clsf_ruleset_unref(ruleset);
	}
	clsf_loader_free(loader);
	return 0;
}
