/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_HASH_H
#define TOOL_HASH_H

/* SHA-256 of a text. */

#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32

void hash_text(const char *text, size_t length, uint8_t ret_hash[HASH_SIZE]);

#endif
