/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_DIGEST_H
#define CLSF_DIGEST_H

/*
 * SHA-256 over a list of texts and numbers, each with its length in front, so
 * that no two lists are written alike. Only digest.c includes sha256.h.
 */

#include <stddef.h>
#include <stdint.h>

struct clsf__digest {
	_Alignas(max_align_t) unsigned char state[256];
};

void clsf__digest_start(struct clsf__digest *d);
void clsf__digest_add(struct clsf__digest *d, const void *data, size_t length);
void clsf__digest_add_number(struct clsf__digest *d, uint64_t number);
/* Writes 64 hexadecimal digits and NUL. */
void clsf__digest_end(struct clsf__digest *d, char hex[65]);

/*
 * 64 bits that tell accidental damage, eight bytes at a time: multiply and fold,
 * as in the mixing step of wyhash. No protection against intent.
 */
uint64_t clsf__checksum(const void *data, size_t length);

#endif
