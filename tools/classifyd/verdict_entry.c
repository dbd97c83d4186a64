/* SPDX-License-Identifier: Apache-2.0 */
/* See verdict_entry.h. */

#include "verdict_entry.h"

#include <ctype.h>
#include <inttypes.h>

#include "../classify/output_formats.h"
#include "log.h"
#include "loki_labels.h"
#include "outbox.h"
#include "print.h"
#include "push.h"

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->verdict_labels.n; i++)
		if (strcmp(config->verdict_labels.name[i], name) == 0)
			return true;
	return false;
}

static void add_label(struct text *labels, const struct config *config, const char *name, const char *value)
{
	if (!is_configured(config, name))
		loki_labels_add(labels, name, value, strlen(value));
}

static bool is_label(const struct config *config)
{
	return strcmp(config->category_as, "label") == 0;
}

static void add_labels(struct text *t, const struct config *config, const struct clsf_verdict *v)
{
	text_adds(t, "{");
	for (size_t i = 0; i < config->verdict_labels.n; i++)
		loki_labels_add(t, config->verdict_labels.name[i], config->verdict_labels.value[i],
		                strlen(config->verdict_labels.value[i]));
	add_label(t, config, "job", "classify");
	add_label(t, config, "result", clsf_outcome_name(v->outcome));
	if (v->outcome == CLSF_FAILED && is_label(config))
		add_label(t, config, "failure_category", v->category);
	text_adds(t, "}");
}

static void add_pair(struct text *t, const char *name, const char *value, size_t length)
{
	text_adds(t, t->data[t->length - 1] == '{' ? "\"" : ",\"");
	for (const char *p = name; *p; p++)
		text_add(t, isalnum((unsigned char)*p) ? p : "_", 1);
	text_adds(t, "\":");
	text_add_json(t, value, length);
}

static void add_metadata(struct text *t, const struct config *config, const struct verdict_entry *e)
{
	const struct clsf_verdict *v = e->verdict;
	char number[40], name[200];
	text_adds(t, "{");
	add_pair(t, "source", e->source, strlen(e->source));
	add_pair(t, "reason", e->reason, strlen(e->reason));
	if (e->seconds >= 0) {
		snprintf(number, sizeof(number), "%.3f", e->seconds);
		add_pair(t, "duration_seconds", number, strlen(number));
	}
	if (v->outcome == CLSF_FAILED && !is_label(config))
		add_pair(t, "failure_category", v->category, strlen(v->category));
	if (v->rule) {
		const char *severity = clsf_severity_name(v->rule->severity);
		add_pair(t, "failure_rule", v->rule->id, strlen(v->rule->id));
		add_pair(t, "failure_severity", severity, strlen(severity));
	}
	for (size_t i = 0; i < v->n_fields; i++) {
		size_t length = v->fields[i].length < config->capture_size ? v->fields[i].length : config->capture_size;
		snprintf(name, sizeof(name), "failure_field_%s", v->fields[i].name);
		if (length)
			add_pair(t, name, v->fields[i].value, length);
	}
	text_adds(t, "}");
}

void verdict_entry_send(const struct config *config, const struct verdict_entry *e)
{
	struct text labels = { 0 }, line = { 0 }, metadata = { 0 }, stream = { 0 };
	int64_t now = clock_calendar();
	add_labels(&labels, config, e->verdict);
	format_json_log(&line, e->source, e->verdict, e->hash);
	add_metadata(&metadata, config, e);
	text_add(&labels, "", 1);
	text_add(&metadata, "", 1);
	if (labels.failed || line.failed || metadata.failed) {
		log_write(LOG_ERROR, "out of memory: a verdict is lost", "source", e->source, NULL);
	} else if (!config->loki) {
		print_entry(now, labels.data, line.data, line.length, metadata.data);
	} else {
		text_adds(&stream, "{\"stream\":");
		loki_labels_as_json(&stream, labels.data, labels.length - 1);
		text_addf(&stream, ",\"values\":[[\"%" PRId64 "\",", now);
		text_add_json(&stream, line.data, line.length);
		text_adds(&stream, ",");
		text_add(&stream, metadata.data, metadata.length - 1);
		text_adds(&stream, "]]}");
		outbox_add(stream.failed ? NULL : stream.data, stream.length, e->tenant ? e->tenant : config->tenant,
		           e->authorization);
	}
	text_free(&labels);
	text_free(&line);
	text_free(&metadata);
	text_free(&stream);
}
