/* SPDX-License-Identifier: Apache-2.0 */
/* See category.h. */

#include "category.h"

#include <string.h>

static const char *const categories[] = {
	"access_denied",
	"auth_failed",
	"rate_limited",
	"out_of_memory",
	"disk_full",
	"timeout",
	"image_not_found",
	"image_pull_failed",
	"image_push_failed",
	"dockerfile_invalid",
	"dependency_install_failed",
	"build_step_failed",
	"test_failed",
	"source_fetch_failed",
	"network_unreachable",
	"dns_failed",
	"tls_invalid",
	"service_unavailable",
	"database_failed",
	"queue_stalled",
	"capacity_exhausted",
	"node_failed",
	"permission_denied",
	"config_invalid",
	"state_drift",
	"application_crash",
	"tool_bug",
	"unknown",
	NULL,
};

const char *const clsf__role_names[] = { "cause", "symptom", "start", "success", "failure", NULL };
const char *const clsf__severity_names[] = { "info", "low", "medium", "high", "critical", NULL };

const char *const *clsf_categories(void)
{
	return categories;
}

const char *clsf_role_name(enum clsf_role role)
{
	return role >= CLSF_ROLE_CAUSE && role <= CLSF_ROLE_FAILURE ? clsf__role_names[role] : "";
}

const char *clsf_severity_name(enum clsf_severity severity)
{
	return severity >= CLSF_SEVERITY_INFO && severity <= CLSF_SEVERITY_CRITICAL
		       ? clsf__severity_names[severity]
		       : "";
}

const char *clsf__category_find(const char *name, size_t length)
{
	for (size_t i = 0; categories[i]; i++)
		if (strlen(categories[i]) == length && memcmp(categories[i], name, length) == 0)
			return categories[i];
	return NULL;
}

/*
 * Edit distance in which two letters that changed places count as one edit
 * (optimal string alignment); words of this project are short.
 */
static size_t distance(const char *a, const char *b)
{
	size_t row[3][64];   /* of the letters i - 2, i - 1 and i of `a` */
	size_t la = strlen(a), lb = strlen(b);
	if (la >= 64 || lb >= 64)
		return 64;
	for (size_t i = 0; i <= la; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		for (size_t j = 0; j <= lb; j++) {
			if (i == 0 || j == 0) {
				now[j] = i + j;
				continue;
			}
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb];
}

const char *clsf__nearest(const char *word, const char *const *list)
{
	const char *nearest = NULL;
	size_t best = strlen(word) / 3 + 1;
	for (size_t i = 0; list[i]; i++) {
		size_t d = distance(word, list[i]);
		if (d < best || (d == best && !nearest && d < 2)) {
			best = d;
			nearest = list[i];
		}
	}
	return nearest;
}
