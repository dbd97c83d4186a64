/* SPDX-License-Identifier: Apache-2.0 */
/* See digest.h. */

#include "digest.h"

#include <assert.h>
#include <string.h>

#include <sha256.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(((struct clsf__digest *)0)->state), "room for libmd's state");

static SHA256_CTX *context(struct clsf__digest *d)
{
	return (SHA256_CTX *)(void *)d->state;
}

void clsf__digest_start(struct clsf__digest *d)
{
	SHA256Init(context(d));
}

void clsf__digest_add_number(struct clsf__digest *d, uint64_t number)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	SHA256Update(context(d), bytes, sizeof(bytes));
}

void clsf__digest_add(struct clsf__digest *d, const void *data, size_t length)
{
	clsf__digest_add_number(d, length);
	SHA256Update(context(d), data, length);
}

void clsf__digest_end(struct clsf__digest *d, char hex[65])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256Final(digest, context(d));
	for (size_t i = 0; i < sizeof(digest); i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * sizeof(digest)] = '\0';
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	/* Both halves of the product: every bit of either factor reaches the result. */
	uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
	uint64_t cross = (a >> 32) * (b & UINT32_MAX) + (a & UINT32_MAX) * (b >> 32);
	return low ^ high ^ (cross << 32 | cross >> 32);
}

uint64_t clsf__checksum(const void *data, size_t length)
{
	const unsigned char *p = data;
	uint64_t sum = mix(length ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd6e8feb86659fd93));
	for (size_t i = 0; i < length; i += 8) {
		uint64_t eight = 0;
		memcpy(&eight, p + i, length - i < 8 ? length - i : 8);
		/* The sum is carried on by addition as well, so that no factor can wipe it out. */
		sum += eight * UINT64_C(0xa0761d6478bd642f) + UINT64_C(0xe7037ed1a0b428db);
		sum = (sum << 29 | sum >> 35) + mix(sum, eight ^ UINT64_C(0x8ebc6af09c88c6e3));
	}
	return mix(sum, UINT64_C(0x589965cc75374cc3));
}
