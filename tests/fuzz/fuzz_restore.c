/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled rulesets: nothing in one is believed unchecked. Its checksum is set right first, so that
 * what lies behind it is reached.
 */

#include <stdlib.h>
#include <string.h>

#include <classify/classify.h>

#include "../../libclassify/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD ((size_t)32)         /* magic, format, length, checksum: eight bytes each, little end first */

static void put_number(uint8_t *to, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)(n >> (8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clsf_ruleset *ruleset;
	struct clsf_error error;
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (size >= HEAD) {
		put_number(copy + 16, size - HEAD);
		put_number(copy + 24, clsf__checksum(copy + HEAD, size - HEAD));
	}
	if (clsf_ruleset_restore(NULL, copy, size, &ruleset, &error) >= 0)
		clsf_ruleset_unref(ruleset);
	free(copy);
	return 0;
}
