/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_MOMENT_H
#define TOOL_MOMENT_H

/* Points in time, as users write them. */

#include <stdbool.h>
#include <stdint.h>

/*
 * 2026-11-20, 2026-11-20T14:00:00Z, '2026-11-20 14:00', @1795183200, now, today,
 * yesterday, or how long ago: 90s, 15m, 2h, 3d, 1w, 1h30m. Without a zone it is
 * UTC, as in logs; a date is its beginning. `now` and the result are nanoseconds
 * since 1970. False when it is none of these.
 */
bool moment_parse(const char *text, int64_t now, int64_t *ret_nanoseconds);

/* The present, in nanoseconds since 1970. */
int64_t moment_now(void);

#endif
