/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_CORES_H
#define TOOL_CORES_H

#include <stddef.h>

/* Cores that this process may use, at least 1. */
size_t usable_cores(void);

/* Jobs that are run at a time where nobody says how many: one for each core that this process may use. */
size_t default_jobs(void);

#endif
