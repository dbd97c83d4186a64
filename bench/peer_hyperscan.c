/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hyperscan alone, with nothing around it: what the engine can do at most, in
 * blocks and line by line. Its callbacks count. The only file of the benchmark
 * that includes hs.h.
 */

#include "peer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs.h>

struct hyperscan {
	hs_database_t *database;
	hs_scratch_t *scratch;
};

static void hyperscan_close(void *state)
{
	struct hyperscan *h = state;
	hs_free_scratch(h->scratch);
	hs_free_database(h->database);
	free(h);
}

static void *hyperscan_open_with(const struct peer_input *input, unsigned flags, size_t *ret_taken)
{
	struct hyperscan *h = peer_must(calloc(1, sizeof(*h)));
	const char **texts = peer_must(calloc(input->n + 1, sizeof(*texts)));
	unsigned *all_flags = peer_must(calloc(input->n + 1, sizeof(*all_flags)));
	unsigned *ids = peer_must(calloc(input->n + 1, sizeof(*ids)));
	unsigned n = 0;
	/* What it refuses is left out, to its advantage; the caller prints how many it took. */
	for (size_t i = 0; i < input->n; i++) {
		hs_expr_info_t *info = NULL;
		hs_compile_error_t *error = NULL;
		if (hs_expression_info(input->expressions[i], flags, &info, &error) == HS_SUCCESS) {
			texts[n] = input->expressions[i];
			all_flags[n] = flags;
			ids[n++] = (unsigned)i;
		}
		hs_free_compile_error(error);
		free(info);
	}
	hs_compile_error_t *error = NULL;
	bool good = n && hs_compile_multi(texts, all_flags, ids, n, HS_MODE_BLOCK, NULL, &h->database,
	                                  &error) == HS_SUCCESS &&
	            hs_alloc_scratch(h->database, &h->scratch) == HS_SUCCESS;
	if (!good)
		fprintf(stderr, "compare: hs: %s\n", error ? error->message : "failed");
	hs_free_compile_error(error);
	free(texts);
	free(all_flags);
	free(ids);
	*ret_taken = n;
	if (good)
		return h;
	hyperscan_close(h);
	return NULL;
}

/*
 * Blocks: MULTILINE makes ^ and $ hold at every line. No DOTALL, so that `.`
 * stays within its line. No SINGLEMATCH, which would report a rule once for
 * 256 KiB and so not say on which lines. No SOM, no UTF8, no PREFILTER: none
 * of them would make it faster.
 */
static void *hs_open(const struct peer_input *input, size_t *ret_taken)
{
	return hyperscan_open_with(input, HS_FLAG_MULTILINE | HS_FLAG_ALLOWEMPTY, ret_taken);
}

/* The same, asked only which rules occur in the block: less than is needed, and cheaper. */
static void *hs_single_open(const struct peer_input *input, size_t *ret_taken)
{
	return hyperscan_open_with(input, HS_FLAG_MULTILINE | HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH, ret_taken);
}

/* Lines: each call is one line, so SINGLEMATCH gives each rule once for it, and saves callbacks. */
static void *hs_lines_open(const struct peer_input *input, size_t *ret_taken)
{
	return hyperscan_open_with(input, HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH, ret_taken);
}

/* The literals alone: they find less than the expressions do, and show how far a filter can get. */
static void *hs_literals_open(const struct peer_input *input, size_t *ret_taken)
{
	struct hyperscan *h = peer_must(calloc(1, sizeof(*h)));
	size_t n = input->n_literals;
	unsigned *flags = peer_must(calloc(n + 1, sizeof(*flags)));
	unsigned *ids = peer_must(calloc(n + 1, sizeof(*ids)));
	size_t *lengths = peer_must(calloc(n + 1, sizeof(*lengths)));
	for (size_t i = 0; i < n; i++) {
		ids[i] = (unsigned)i;
		lengths[i] = strlen(input->literals[i]);
	}
	hs_compile_error_t *error = NULL;
	bool good = n && hs_compile_lit_multi(input->literals, flags, ids, lengths, (unsigned)n,
	                                      HS_MODE_BLOCK, NULL, &h->database, &error) == HS_SUCCESS &&
	            hs_alloc_scratch(h->database, &h->scratch) == HS_SUCCESS;
	if (!good)
		fprintf(stderr, "compare: hs-literals: %s\n", error ? error->message : "failed");
	hs_free_compile_error(error);
	free(flags);
	free(ids);
	free(lengths);
	*ret_taken = n;
	if (good)
		return h;
	hyperscan_close(h);
	return NULL;
}

static int hs_count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	++*(uint64_t *)context;
	return 0;
}

/* Whole lines up to 256 KiB, as ours cuts them too. */
static int hs_scan_blocks(void *state, const char *data, size_t length, struct peer_hits *hits)
{
	struct hyperscan *h = state;
	for (size_t at = 0; at < length;) {
		size_t n = length - at < PEER_BLOCK ? length - at : PEER_BLOCK;
		const char *newline = memrchr(data + at, '\n', n);
		if (newline)
			n = (size_t)(newline - (data + at)) + 1;
		if (hs_scan(h->database, data + at, (unsigned)n, 0, h->scratch, hs_count, &hits->n) !=
		    HS_SUCCESS) {
			fprintf(stderr, "compare: hs_scan failed\n");
			return -1;
		}
		at += n;
	}
	return 0;
}

struct line_hits {
	struct peer_hits *hits;
	uint64_t line;
};

static int hs_note(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                   void *context)
{
	(void)from;
	(void)to;
	(void)flags;
	struct line_hits *l = context;
	peer_hit(l->hits, id, l->line);
	return 0;
}

static int hs_scan_lines(void *state, const char *data, size_t length, struct peer_hits *hits)
{
	struct hyperscan *h = state;
	struct line_hits l = { hits, 0 };
	for (size_t at = 0; at < length; l.line++) {
		const char *newline = memchr(data + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - data) : length;
		if (hs_scan(h->database, data + at, (unsigned)(end - at), 0, h->scratch, hs_note, &l) !=
		    HS_SUCCESS) {
			fprintf(stderr, "compare: hs_scan failed\n");
			return -1;
		}
		at = end + 1;
	}
	return 0;
}

const struct peer peer_hs = {
	"hs", "end offsets", hs_open, hs_scan_blocks, hyperscan_close,
};
const struct peer peer_hs_single = {
	"hs-single", "(expression, block)", hs_single_open, hs_scan_blocks, hyperscan_close,
};
const struct peer peer_hs_literals = {
	"hs-literals", "end offsets", hs_literals_open, hs_scan_blocks, hyperscan_close,
};
const struct peer peer_hs_lines = {
	"hs-lines", "(expression, line)", hs_lines_open, hs_scan_lines, hyperscan_close,
};
