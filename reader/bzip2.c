/* SPDX-License-Identifier: Apache-2.0 */
/* The format of bzip2. The only file that sees bzlib.h. */

#include <stdlib.h>

#include <bzlib.h>

#include "decoder.h"

#define MOST ((size_t)1 << 30)       /* bytes that a call is given: the library counts with 32 bits */

struct bzip2 {
	bz_stream z;
	bool begun;
};

static void *bzip2_new(void)
{
	return calloc(1, sizeof(struct bzip2));
}

static void bzip2_end(struct bzip2 *b)
{
	if (b->begun)
		BZ2_bzDecompressEnd(&b->z);
	b->begun = false;
}

static void bzip2_free(void *state)
{
	bzip2_end(state);
	free(state);
}

static int bzip2_begin(void *state)
{
	struct bzip2 *b = state;
	bzip2_end(b);
	b->z = (bz_stream){ 0 };
	b->begun = BZ2_bzDecompressInit(&b->z, 0, 0) == BZ_OK;
	return b->begun ? 0 : CLSF_E_NOMEM;
}

static int bzip2_run(void *state, struct clsf__flow *flow, const char **ret_why)
{
	struct bzip2 *b = state;
	size_t in = flow->in_left < MOST ? flow->in_left : MOST, out = flow->out_left < MOST ? flow->out_left : MOST;
	/* The library does not write there. */
	b->z.next_in = (char *)(uintptr_t)flow->in;
	b->z.avail_in = (unsigned)in;
	b->z.next_out = (char *)flow->out;
	b->z.avail_out = (unsigned)out;
	int code = BZ2_bzDecompress(&b->z);
	flow->in += in - b->z.avail_in;
	flow->in_left -= in - b->z.avail_in;
	flow->out += out - b->z.avail_out;
	flow->out_left -= out - b->z.avail_out;
	switch (code) {
	case BZ_OK:
		return 0;
	case BZ_STREAM_END:
		return CLSF__MEMBER_END;
	case BZ_MEM_ERROR:
		return CLSF_E_NOMEM;
	case BZ_DATA_ERROR_MAGIC:
		*ret_why = "no bzip2 header";
		return CLSF_E_IO;
	default:
		*ret_why = "invalid data, or a wrong checksum";
		return CLSF_E_IO;
	}
}

const struct clsf__codec clsf__bzip2 = {
	"bzip2", "B", false, bzip2_new, bzip2_begin, bzip2_run, bzip2_free,
};
