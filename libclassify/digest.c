/* SPDX-License-Identifier: Apache-2.0 */
/* See digest.h. */

#include "digest.h"

#include <assert.h>

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
