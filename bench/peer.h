/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

/*
 * One way to look for many expressions in a buffer of lines. Every peer gets
 * the same expressions and the same bytes, and counts what it finds, so that
 * no work can be optimised away.
 *
 * What a count means differs, because what the interfaces tell differs: see
 * `counts` of each peer. Only peers that count (expression, line) pairs may be
 * compared by count.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that the engine gets at once, cut back to whole lines. */
#define PEER_BLOCK ((size_t)256 * 1024)

/* What the peers are made from. `expressions` end in NUL. */
struct peer_input {
	const char *const *expressions;
	size_t n;
	const char *const *literals;  /* one long literal of each expression that has one */
	size_t n_literals;
	const char *rules;            /* the same expressions as a rule file or folder, for ours */
};

/* Told of each hit where the peer can tell both; NULL where only the count is wanted. */
struct peer_hits {
	uint64_t n;
	uint64_t sum;            /* over hits of mix(expression, line), independent of the order */
	unsigned char *per_line; /* hits of each line, at most 255; NULL: not wanted */
	size_t n_lines;
};

struct peer {
	const char *name;
	const char *counts;      /* what its count counts */
	/* Compiles. Returns NULL after a message on standard error. `taken` is how many it took. */
	void *(*open)(const struct peer_input *input, size_t *ret_taken);
	/* Scans and adds to `hits`. Returns 0, or -1 after a message. */
	int (*scan)(void *state, const char *data, size_t length, struct peer_hits *hits);
	void (*close)(void *state);
};

/* Adds one (expression, line) pair; `line` counts from 0. */
static inline void peer_hit(struct peer_hits *hits, uint64_t expression, uint64_t line)
{
	uint64_t x = (expression << 40 ^ line) + UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	hits->n++;
	hits->sum += x ^ x >> 31;
	if (hits->per_line && line < hits->n_lines && hits->per_line[line] < 255)
		hits->per_line[line]++;
}

/* Its argument; ends the program when that is NULL. */
void *peer_must(void *pointer);

extern const struct peer peer_hs, peer_hs_single, peer_hs_literals, peer_hs_lines;
extern const struct peer peer_pcre2;
extern const struct peer peer_re2;

#ifdef __cplusplus
}
#endif

#endif
