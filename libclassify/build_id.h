/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLSF_BUILD_ID_H
#define CLSF_BUILD_ID_H

/*
 * What tells one build of this library from another of the same version: the
 * note that the linker leaves in the file (NT_GNU_BUILD_ID).
 */

#include <stddef.h>

/* The bytes of the note, borrowed from the loaded file; *ret_length is 0 where there is none. */
const void *clsf__build_id(size_t *ret_length);

#endif
