/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_EVIDENCE_H
#define TOOL_REPORT_EVIDENCE_H

/* One failed log of the report, as HTML: its line among its neighbours, what was captured, the runbook. */

#include "report.h"

void evidence_add(struct text *t, const struct report_log *log);
void evidence_add_runbook(struct text *t, const struct report_log *log);

#endif
