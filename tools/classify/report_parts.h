/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_REPORT_PARTS_H
#define TOOL_REPORT_PARTS_H

/* The page and its parts, in their order. Only the files of the page include this. */

#include "report_page.h"
#include "report_words.h"

#define PAGE_TOP 3           /* causes on the first screen, which are open below */
#define PAGE_DETAILS 300     /* causes that are shown with their examples */
#define PAGE_CATEGORIES 64   /* room for the closed list, which has fewer */

struct page {
	struct report *report;
	const struct report_about *about;
	struct text *t;
	struct slots slots;
	size_t *order;               /* causes, the most common first */
	size_t rules, templates;     /* causes of either kind */
};

struct category {
	const char *name;
	size_t count;
};

/* ---- report_page.c ---- */

/* The title of the cause at this place of the order, which leads to its details. */
void page_add_link(struct page *page, size_t place);
/* The categories that failed, the most common first. */
size_t page_categories(const struct page *page, struct category categories[PAGE_CATEGORIES]);

/* ---- report_summary.c: the first screen ---- */

void page_add_headline(struct page *page);
void page_add_summary(struct page *page);
void page_add_outcomes(struct page *page);
void page_add_first(struct page *page);

/* ---- report_tables.c ---- */

void page_add_over_time(struct page *page);
void page_add_systems(struct page *page);
void page_add_rules(struct page *page);
void page_add_failures(struct page *page);

/* ---- report_causes.c ---- */

void page_add_shared(struct page *page);
/* Those of rules, or those that no rule knows. */
void page_add_causes(struct page *page, bool novel);

#endif
