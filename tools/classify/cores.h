/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_CORES_H
#define TOOL_CORES_H

#include <stddef.h>

/* Jobs that are run at a time where nobody says how many: one for each core that this process may use. */
size_t default_jobs(void);

#endif
