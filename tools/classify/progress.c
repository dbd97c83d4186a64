/* SPDX-License-Identifier: Apache-2.0 */
/* See progress.h. */

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profile.h"
#include "text.h"

#define SECOND UINT64_C(1000000000)
#define FIRST (SECOND * 3 / 10)      /* a scan that is over by then needs none */
#define PAUSE (SECOND / 10)          /* between two drawings */
#define WIDTH 80                     /* of a terminal that does not say */
#define BAR 30                       /* columns of the bar, at most; */
#define SHORT_BAR 8                  /* and at least */
#define SPEED_SECONDS 2.0            /* over which speed is told, */
#define PACE_SECONDS 15.0            /* and the time that is left */

#define MAX_LEFT 360000.0            /* seconds: what takes longer is not foretold */

#define ERASE "\r\x1b[K"

/* ---- what there is to do ---- */

static bool surveys_on(void *user)
{
	struct progress *p = user;
	return !atomic_load(&p->ending);
}

static void *survey(void *user)
{
	struct progress *p = user;
	struct path path;
	struct stat st;
	while (surveys_on(p) && paths_next(&p->paths, &path)) {
		if (!path.why && strcmp(path.name, "-") != 0 && stat(path.name, &st) == 0 && S_ISREG(st.st_mode))
			atomic_fetch_add(&p->total, (uint64_t)st.st_size);
		else if (!path.why && strcmp(path.name, "-") == 0)
			atomic_store(&p->unknown, true);
		else if (!path.why && stat(path.name, &st) == 0)
			atomic_store(&p->unknown, true);
		path_done(&path);
	}
	if (surveys_on(p))
		atomic_store(&p->known, true);
	paths_free(&p->paths);
	return NULL;
}

/* ---- the line ---- */

/* Messages on standard error come where the line was. */
static struct progress *current;

static void hide(void)
{
	if (current && current->shown) {
		fwrite(ERASE, 1, strlen(ERASE), stderr);
		current->shown = false;
	}
}

static bool is_seen(void)
{
	const char *term = getenv("TERM");
	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static size_t width(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : WIDTH;
}

/* "1,234,567" */
static void add_count(struct text *t, uint64_t n)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text_adds(t, ",");
		text_add(t, digits + i, 1);
	}
}

/* "12 MB", "3.4 GB" */
static void add_size(struct text *t, double bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB" };
	size_t u = 0;
	for (bytes /= 1000; bytes >= 999.5 && u + 1 < sizeof(units) / sizeof(units[0]); u++)
		bytes /= 1000;
	text_addf(t, bytes < 9.95 && u > 1 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
}

/* "0:42", "1:02:03" */
static void add_duration(struct text *t, uint64_t seconds)
{
	if (seconds >= 3600)
		text_addf(t, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600, seconds / 60 % 60, seconds % 60);
	else
		text_addf(t, "%" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
}

struct figures {
	size_t logs, failed;
	uint64_t done, total, taken; /* bytes; total 0: not known */
	double speed, pace;
};

/* All there is to tell but the bar; with a higher `level`, less of it. */
static void add_figures(struct text *t, const struct figures *f, unsigned level)
{
	if (f->total)
		text_addf(t, "%3u %%", (unsigned)(100.0 * (double)f->done / (double)f->total));
	else if (level < 4)
		add_size(t, (double)f->taken);
	if (level < 2) {
		text_adds(t, "  ");
		add_count(t, f->logs);
		text_adds(t, f->logs == 1 ? " log" : " logs");
	}
	if (level < 3) {
		text_adds(t, level < 2 ? ", " : "  ");
		add_count(t, f->failed);
		text_adds(t, " failed");
	}
	if (level < 1) {
		text_adds(t, "  ");
		add_size(t, f->speed);
		text_adds(t, "/s");
	}
	double left = f->pace > 0 ? (double)(f->total - f->done) / f->pace : MAX_LEFT;
	if (level < 4 && f->total && left < MAX_LEFT) {
		text_adds(t, "  ");
		add_duration(t, (uint64_t)(left + 0.5));
		text_adds(t, " left");
	}
}

static void add_bar(struct text *t, const struct figures *f, size_t columns)
{
	size_t inside = columns - 2, full = (size_t)((double)inside * (double)f->done / (double)f->total);
	text_adds(t, "[");
	for (size_t i = 0; i < inside; i++)
		text_adds(t, i < full ? "=" : i == full ? ">" : " ");
	text_adds(t, "] ");
}

static void compose(struct text *line, const struct figures *f, size_t columns)
{
	struct text t = { 0 };
	for (unsigned level = 0; level <= 4; level++) {
		t.length = 0;
		add_figures(&t, f, level);
		if (t.length <= columns)
			break;
	}
	size_t room = t.length < columns ? columns - t.length : 0;
	if (f->total && room > SHORT_BAR)
		add_bar(line, f, room - 1 < BAR ? room - 1 : BAR);
	text_add(line, t.data, t.length <= columns ? t.length : columns);
	line->failed = line->failed || t.failed;
	text_free(&t);
}

/* ---- the run ---- */

static const struct progress_reader *reader_at(const struct progress *p, size_t index)
{
	return (const struct progress_reader *)(const void *)((const char *)p->readers + index * p->stride);
}

/* Sums of all threads, and how fast they grow. */
static void measure(struct progress *p, struct figures *f, double seconds)
{
	for (size_t i = 0; i < p->n_readers; i++) {
		const struct progress_reader *r = reader_at(p, i);
		f->taken += atomic_load(&r->taken);
		f->done += atomic_load(&r->finished) + atomic_load(&r->position);
	}
	/* The first figure is the average since the beginning. */
	double weight = p->drawn ? seconds / (seconds + SPEED_SECONDS) : 1;
	p->speed += weight * ((double)(f->taken - p->last_taken) / seconds - p->speed);
	p->last_taken = f->taken;
	/* Files are taken in large pieces: between two of them the pace is not slower. */
	p->waited += seconds;
	if (f->done > p->last_done) {
		weight = p->pace > 0 ? p->waited / (p->waited + PACE_SECONDS) : 1;
		p->pace += weight * ((double)(f->done - p->last_done) / p->waited - p->pace);
		p->last_done = f->done;
		p->waited = 0;
	}
	f->speed = p->speed;
	f->pace = p->pace;
	if (atomic_load(&p->known) && !atomic_load(&p->unknown))
		f->total = atomic_load(&p->total);
	if (f->total && f->done > f->total)
		f->done = f->total;
}

void progress_draw(struct progress *p, size_t logs, size_t failed)
{
	struct figures f = { .logs = logs, .failed = failed };
	struct text line = { 0 };
	if (!p->on)
		return;
	uint64_t now = profile_clock(NULL), since = now - (p->drawn ? p->drawn : p->begun);
	/* In the background a terminal is somebody else's. */
	if (since < (p->drawn ? PAUSE : FIRST) || tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	measure(p, &f, (double)since / (double)SECOND);
	p->drawn = now;
	if (p->shares)
		fflush(stdout);
	size_t columns = width();
	text_adds(&line, "\r");
	/* The last column stays empty: some terminals would go to the next line. */
	compose(&line, &f, columns > 1 ? columns - 1 : 1);
	text_adds(&line, "\x1b[K");
	if (!line.failed)
		fwrite(line.data, 1, line.length, stderr);
	p->shown = true;
	text_free(&line);
}

void progress_make_way(struct progress *p)
{
	if (p->shown && p->shares)
		hide();
}

void progress_begin(struct progress *p, const struct list *named, const struct list *lists,
                    const struct progress_reader *readers, size_t n, size_t stride)
{
	if (!is_seen())
		return;
	p->on = true;
	p->shares = isatty(STDOUT_FILENO);
	p->begun = profile_clock(NULL);
	p->readers = readers;
	p->n_readers = n;
	p->stride = stride;
	p->paths = (struct paths){ .named = named, .going = surveys_on, .user = p };
	atomic_store(&p->unknown, lists->n > 0);
	current = p;
	before_message(hide);
	if (lists->n == 0)
		p->surveyed = pthread_create(&p->surveyor, NULL, survey, p) == 0;
}

void progress_end(struct progress *p)
{
	if (!p->on)
		return;
	hide();
	before_message(NULL);
	current = NULL;
	p->on = false;
	atomic_store(&p->ending, true);
	if (p->surveyed)
		pthread_join(p->surveyor, NULL);
}

/* ---- threads that scan ---- */

void progress_open(struct progress_reader *r, const char *path)
{
	struct stat st;
	r->size = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

void progress_close(struct progress_reader *r)
{
	atomic_store(&r->position, 0);
	atomic_fetch_add(&r->finished, r->size);
	r->size = 0;
}
