/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_END_MARK_H
#define TOOL_END_MARK_H

/*
 * Asking what a log tells when somebody else says that it failed: a line behind
 * its end, which has no word that tells anything, and a rule that takes that line
 * for a marker of failure.
 */

#define END_MARK "classify-end-of-log"
#define END_MARK_RULES "rules: [{id: end, title: t, role: failure, match: '^" END_MARK "$'}]\n"

#endif
