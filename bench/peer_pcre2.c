/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCRE2 with JIT, every expression on every line: what a program does that
 * has a list of expressions and no engine. It is also the judge of what a
 * right answer is. The only file of the benchmark that includes pcre2.h.
 */

#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct pcre2_loop {
	pcre2_code **codes;
	size_t n;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static void pcre2_loop_close(void *state)
{
	struct pcre2_loop *p = state;
	for (size_t i = 0; i < p->n; i++)
		pcre2_code_free(p->codes[i]);
	free(p->codes);
	pcre2_match_data_free(p->match);
	pcre2_match_context_free(p->context);
	pcre2_jit_stack_free(p->stack);
	free(p);
}

static void *pcre2_loop_open(const struct peer_input *input, size_t *ret_taken)
{
	struct pcre2_loop *p = peer_must(calloc(1, sizeof(*p)));
	p->codes = peer_must(calloc(input->n + 1, sizeof(*p->codes)));
	p->match = peer_must(pcre2_match_data_create(64, NULL));
	p->context = peer_must(pcre2_match_context_create(NULL));
	p->stack = peer_must(pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL));
	pcre2_jit_stack_assign(p->context, NULL, p->stack);
	for (; p->n < input->n; p->n++) {
		int code = 0;
		PCRE2_SIZE at = 0;
		p->codes[p->n] = pcre2_compile((PCRE2_SPTR)input->expressions[p->n], PCRE2_ZERO_TERMINATED,
		                               0, &code, &at, NULL);
		if (!p->codes[p->n] || pcre2_jit_compile(p->codes[p->n], PCRE2_JIT_COMPLETE)) {
			fprintf(stderr, "compare: pcre2 refuses %s\n", input->expressions[p->n]);
			pcre2_loop_close(p);
			return NULL;
		}
	}
	*ret_taken = p->n;
	return p;
}

static int pcre2_loop_scan(void *state, const char *data, size_t length, struct peer_hits *hits)
{
	struct pcre2_loop *p = state;
	uint64_t line = 0;
	for (size_t at = 0; at < length; line++) {
		const char *newline = memchr(data + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - data) : length;
		size_t kept = newline && end > at && data[end - 1] == '\r' ? end - 1 : end;
		for (size_t i = 0; i < p->n; i++) {
			int result = pcre2_jit_match(p->codes[i], (PCRE2_SPTR)data + at, kept - at, 0, 0,
			                             p->match, p->context);
			if (result >= 0) {
				peer_hit(hits, i, line);
			} else if (result != PCRE2_ERROR_NOMATCH) {
				fprintf(stderr, "compare: pcre2 failed (%d)\n", result);
				return -1;
			}
		}
		at = end + 1;
	}
	return 0;
}

const struct peer peer_pcre2 = {
	"pcre2", "(expression, line)", pcre2_loop_open, pcre2_loop_scan, pcre2_loop_close,
};
