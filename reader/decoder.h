/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_READER_DECODER_H
#define CLSF_READER_DECODER_H

/*
 * What is compressed, as a source: one after the other the members (gzip), frames
 * (zstd, lz4) or streams (xz, bzip2) of a file, which together are one text.
 * decoder.c has what they all share; a codec knows one format, and its file is
 * the only one that sees the library for that.
 */

#include "format.h"
#include "source.h"

/* Bytes to decode, and room for what comes of them; both move as they are used up. */
struct clsf__flow {
	const unsigned char *in;
	size_t in_left;
	unsigned char *out;
	size_t out_left;
};

#define CLSF__MEMBER_END 1

struct clsf__codec {
	const char *name;
	const char *first;           /* bytes that a further member may begin with */
	bool keep;                   /* its state is small enough to wait for the next file */
	void *(*new)(void);
	/* Before each member. Returns 0, CLSF_E_NOMEM. */
	int (*begin)(void *state);
	/*
	 * Decodes as much as there is input, or room. Returns 0, CLSF__MEMBER_END,
	 * and with the reason CLSF_E_IO (damaged), CLSF_E_LIMIT, CLSF_E_NOMEM.
	 */
	int (*run)(void *state, struct clsf__flow *flow, const char **ret_why);
	void (*free)(void *state);
};

extern const struct clsf__codec clsf__gzip, clsf__zstd, clsf__xz, clsf__bzip2, clsf__lz4;

/* NULL: the format is none of compressed text. */
const struct clsf__codec *clsf__codec_of(enum clsf__format format);

/* Decodes what `below` gives. `given` as in struct clsf__source. */
struct clsf__source *clsf__decoder_new(struct clsf__limits *limits);
void clsf__decoder_use(struct clsf__source *s, const struct clsf__codec *codec, struct clsf__source *below,
                       uint64_t *given);

/* Gives back memory that need not wait for the next file. */
void clsf__decoder_rest(struct clsf__source *s);

#endif
