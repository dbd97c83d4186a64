/* SPDX-License-Identifier: Apache-2.0 */
/* See report_chart.h. */

#include "report_chart.h"

#include <inttypes.h>
#include <time.h>

#include "report_words.h"

#define HEIGHT 220           /* of the chart, of which */
#define TOP 18               /* stays free for the highest label, */
#define FOOT 22              /* and is for those of the time */
#define PLOT (HEIGHT - TOP - FOOT)
#define LABELS 4             /* of the time, at most */
#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

const char *chart_unit(const struct slots *s)
{
	static char several[48];
	static const struct { int64_t length; const char *name; } units[] = {
		{ HOUR, "hour" }, { DAY, "day" }, { 7 * DAY, "week" },
	};
	int64_t weeks = s->length / (7 * DAY);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].length == s->length)
			return units[i].name;
	if (weeks)
		snprintf(several, sizeof(several), "%" PRId64 " weeks", weeks);
	else
		snprintf(several, sizeof(several), "%" PRId64 " hours", s->length / HOUR);
	return several;
}

enum form { FORM_MINUTE, FORM_DAY, FORM_SHORT_MINUTE, FORM_SHORT_DAY, FORM_MONTH };

static void add_moment(struct text *t, int64_t seconds, enum form form)
{
	time_t moment = (time_t)seconds;
	struct tm tm;
	char s[40] = "";
	if (!gmtime_r(&moment, &tm))
		return;
	switch (form) {
	case FORM_MINUTE:
		strftime(s, sizeof(s), "%Y-%m-%d %H:%M", &tm);
		break;
	case FORM_DAY:
		strftime(s, sizeof(s), "%Y-%m-%d", &tm);
		break;
	case FORM_SHORT_MINUTE:
		strftime(s, sizeof(s), "%d %b %H:%M", &tm);
		break;
	case FORM_SHORT_DAY:
		strftime(s, sizeof(s), "%d %b", &tm);
		break;
	case FORM_MONTH:
		strftime(s, sizeof(s), "%b %Y", &tm);
		break;
	}
	text_adds(t, s);
}

/* When a slot begins, as precise as slots are long. */
static void add_slot(struct text *t, const struct slots *s, size_t i)
{
	add_moment(t, s->begin + (int64_t)i * s->length, s->length < DAY ? FORM_MINUTE : FORM_DAY);
}

/* A share of `whole` as a percentage, in thousandths. */
static void add_percent(struct text *t, uint64_t part, uint64_t whole)
{
	uint64_t thousandths = whole ? part * 100000 / whole : 0;
	text_addf(t, "%" PRIu64 ".%03u%%", thousandths / 1000, (unsigned)(thousandths % 1000));
}

/* The distance of the lines behind the bars: 1, 2 or 5 of a power of ten, so that there are at most four. */
static uint64_t step_of(uint64_t most)
{
	static const unsigned factors[] = { 1, 2, 5 };
	for (uint64_t power = 1;; power *= 10)
		for (size_t i = 0; i < 3; i++)
			if (power * factors[i] * 4 >= most)
				return power * factors[i];
}

/*
 * Every other series has a pattern besides its colour, so that neighbours in a bar
 * differ without it.
 */
static void add_patterns(struct text *t)
{
	static const char *const shapes[CHART_SERIES] = {
		[1] = "<path d=\"M-1 7l8-8M-1 13l14-14M5 13l8-8\"/>",
		[3] = "<path d=\"M0 3h6M0 6h6\"/>",
		[5] = "<path d=\"M-1 -1l8 8M-1 5l8 8M5 -1l8 8\"/>",
		[7] = "<path d=\"M1.5 0v6M4.5 0v6\"/>",
	};
	text_adds(t, "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n");
	for (size_t i = 0; i < CHART_SERIES; i++)
		if (shapes[i])
			text_addf(t, "<pattern id=\"p%zu\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
			             "<rect class=\"s%zu\" width=\"6\" height=\"6\"/><g class=\"hatch\">%s</g></pattern>\n",
			          i, i, shapes[i]);
	text_adds(t, "</defs></svg>\n");
}

static void add_fill(struct text *t, size_t series)
{
	if (series % 2)
		text_addf(t, " fill=\"url(#p%zu)\"", series);
	else
		text_addf(t, " class=\"s%zu\"", series);
}

static void add_grid(struct text *t, uint64_t step, uint64_t top)
{
	for (uint64_t value = 0; value <= top; value += step) {
		unsigned y = (unsigned)(TOP + PLOT - value * PLOT / top);
		text_addf(t, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%u.5\" y2=\"%u.5\"/>", value ? "grid" : "base", y, y);
		if (value) {
			text_addf(t, "<text x=\"0\" y=\"%u\">", y - 4);
			html_add_count(t, value);
			text_adds(t, "</text>");
		}
		text_adds(t, "\n");
	}
}

static void add_bar(struct text *t, const struct slots *s, size_t slot, size_t left, size_t slots,
                    const struct chart_series *series, size_t n_series, uint64_t top)
{
	uint64_t sum = 0, below = 0;
	for (size_t i = 0; i < n_series; i++)
		sum += series[i].count[slot];
	if (sum == 0)
		return;
	text_adds(t, "<g class=\"bar\"><title>");
	add_slot(t, s, slot);
	text_addf(t, ": %" PRIu64 " failed", sum);
	for (size_t i = 0; i < n_series; i++) {
		if (series[i].count[slot]) {
			text_adds(t, "\n");
			html_add(t, series[i].name);
			text_addf(t, " %u", (unsigned)series[i].count[slot]);
		}
	}
	text_adds(t, "</title>");
	for (size_t i = 0; i < n_series; i++) {
		uint64_t count = series[i].count[slot];
		unsigned low = (unsigned)(below * PLOT / top), high = (unsigned)((below + count) * PLOT / top);
		below += count;
		if (count == 0)
			continue;
		/* What is there is seen, and parts of a bar do not touch. */
		unsigned height = high > low ? high - low : 1;
		unsigned gap = height > 3 && below < sum;
		text_adds(t, "<rect");
		add_fill(t, i);
		text_adds(t, " x=\"");
		add_percent(t, (left + slot) * 20 + 2, slots * 20);
		text_adds(t, "\" width=\"");
		add_percent(t, 16, slots * 20);
		text_addf(t, "\" y=\"%u\" height=\"%u\"/>", TOP + PLOT - low - height + gap, height - gap);
	}
	text_adds(t, "</g>\n");
}

static void add_times(struct text *t, const struct slots *s, size_t left, size_t slots)
{
	int64_t whole = s->length * (int64_t)s->n;
	enum form form = s->length < DAY ? FORM_SHORT_MINUTE : whole > 300 * DAY ? FORM_MONTH : FORM_SHORT_DAY;
	size_t step = (s->n + LABELS - 1) / LABELS;
	for (size_t i = 0; i < s->n; i += step) {
		text_adds(t, "<line class=\"base\" x1=\"");
		add_percent(t, (left + i) * 10, slots * 10);
		text_adds(t, "\" x2=\"");
		add_percent(t, (left + i) * 10, slots * 10);
		text_addf(t, "\" y1=\"%d\" y2=\"%d\"/><text y=\"%d\" x=\"", TOP + PLOT, TOP + PLOT + 5, HEIGHT - 4);
		add_percent(t, (left + i) * 10, slots * 10);
		text_adds(t, "\">");
		add_moment(t, s->begin + (int64_t)i * s->length, i == 0 && form == FORM_SHORT_DAY ? FORM_DAY : form);
		text_adds(t, "</text>\n");
	}
}

static void add_legend(struct text *t, const struct chart_series *series, size_t n_series)
{
	text_adds(t, "<ul class=\"legend\">\n");
	for (size_t i = 0; i < n_series; i++) {
		text_adds(t, "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><rect width=\"14\" height=\"14\"");
		add_fill(t, i);
		text_adds(t, "/></svg><span>");
		html_add(t, series[i].name);
		text_adds(t, "</span> <b>");
		html_add_count(t, series[i].total);
		text_adds(t, "</b></li>\n");
	}
	text_adds(t, "</ul>\n");
}

static void add_table(struct text *t, const struct slots *s, const struct chart_series *series, size_t n_series)
{
	text_adds(t, "<details><summary>The same as a table</summary>\n"
	             "<div class=\"scroll\" role=\"region\" aria-label=\"Failures over time as a table\" tabindex=\"0\">"
	             "<table class=\"numbers\"><thead><tr><th scope=\"col\">from (UTC)</th><th scope=\"col\">failed</th>");
	for (size_t i = 0; i < n_series; i++) {
		text_adds(t, "<th scope=\"col\">");
		html_add(t, series[i].name);
		text_adds(t, "</th>");
	}
	text_adds(t, "</tr></thead><tbody>\n");
	for (size_t slot = 0; slot < s->n; slot++) {
		size_t sum = 0;
		for (size_t i = 0; i < n_series; i++)
			sum += series[i].count[slot];
		if (sum == 0)
			continue;
		text_adds(t, "<tr><th scope=\"row\">");
		add_slot(t, s, slot);
		text_adds(t, "</th><td>");
		html_add_count(t, sum);
		for (size_t i = 0; i < n_series; i++) {
			text_adds(t, "</td><td>");
			if (series[i].count[slot])
				html_add_count(t, series[i].count[slot]);
		}
		text_adds(t, "</td></tr>\n");
	}
	text_adds(t, "</tbody></table></div></details>\n");
}

void chart_over_time(struct text *t, const struct slots *s, const struct chart_series *series, size_t n_series)
{
	/* A few bars stand in the middle and are no wider than others. */
	size_t slots = s->n < 14 ? 14 : s->n, left = (slots - s->n) / 2;
	uint64_t most = 1;
	for (size_t slot = 0; slot < s->n; slot++) {
		uint64_t sum = 0;
		for (size_t i = 0; i < n_series; i++)
			sum += series[i].count[slot];
		most = sum > most ? sum : most;
	}
	uint64_t step = step_of(most), top = (most + step - 1) / step * step;
	text_adds(t, "<figure class=\"chart\">\n");
	add_patterns(t);
	add_legend(t, series, n_series);
	text_addf(t, "<svg width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"Failures for each %s by category; the "
	             "table below has the numbers\">\n",
	          HEIGHT, chart_unit(s));
	add_grid(t, step, top);
	for (size_t slot = 0; slot < s->n; slot++)
		add_bar(t, s, slot, left, slots, series, n_series, top);
	add_times(t, s, left, slots);
	text_adds(t, "</svg>\n");
	add_table(t, s, series, n_series);
	text_adds(t, "</figure>\n");
}

void chart_trend(struct text *t, const struct slots *s, const uint32_t *count)
{
	uint32_t most = 1;
	for (size_t i = 0; i < s->n; i++)
		most = count[i] > most ? count[i] : most;
	size_t slots = s->n < 14 ? 14 : s->n, left = (slots - s->n) / 2;
	text_addf(t, "<svg class=\"trend\" viewBox=\"0 0 %zu 20\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"",
	          slots * 10);
	for (size_t i = 0; i < s->n; i++)
		if (count[i]) {
			uint64_t tenths = (uint64_t)count[i] * 180 / most + 20;
			text_addf(t, "M%zu 20v-%u.%u", (left + i) * 10 + 5, (unsigned)(tenths / 10), (unsigned)(tenths % 10));
		}
	text_adds(t, "\"/></svg>");
}

void chart_share(struct text *t, size_t part, size_t whole)
{
	text_adds(t, "<svg class=\"share\" aria-hidden=\"true\"><rect class=\"all\" width=\"100%\" height=\"100%\"/>"
	             "<rect class=\"part\" height=\"100%\" width=\"");
	add_percent(t, part, whole);
	text_adds(t, "\"/></svg>");
}
