/* SPDX-License-Identifier: Apache-2.0 */
/* See hash.h; the only file of the tools that sees sha256.h. */

#include "hash.h"

#include <sys/types.h>

#include <sha256.h>

void hash_text(const char *text, size_t length, uint8_t ret_hash[HASH_SIZE])
{
	SHA2_CTX context;
	SHA256Init(&context);
	SHA256Update(&context, (const uint8_t *)text, length);
	SHA256Final(ret_hash, &context);
}
