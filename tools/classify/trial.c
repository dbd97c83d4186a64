/* SPDX-License-Identifier: Apache-2.0 */
/* See trial.h. */

#include "trial.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *data, size_t length)
{
	char *p = malloc(length + 1);
	if (p) {
		memcpy(p, data, length);
		p[length] = '\0';
	}
	return p;
}

static void match_done(struct trial_match *m)
{
	for (size_t i = 0; i < m->n_fields; i++)
		free((char *)(uintptr_t)m->fields[i].value);
	free(m->fields);
	free(m->text);
}

/* What a match holds is valid during the call only. */
static bool keep_match(struct trial *t, const struct clsf_match *m)
{
	struct trial_match *grown = realloc(t->matches, (t->n_matches + 1) * sizeof(*grown));
	if (!grown)
		return false;
	t->matches = grown;
	struct trial_match *kept = &grown[t->n_matches++];
	*kept = (struct trial_match){ .rule = m->rule, .first_line = m->line.number, .last_line = m->line.number,
		                      .text = copy(m->line.text, m->line.text_length), .length = m->line.text_length,
		                      .fields = calloc(m->n_fields + 1, sizeof(*kept->fields)) };
	if (!kept->text || !kept->fields)
		return false;
	for (size_t i = 0; i < m->n_fields; i++) {
		kept->fields[i] = m->fields[i];
		kept->fields[i].value = copy(m->fields[i].value, m->fields[i].length);
		kept->n_fields = i + 1;
		if (!kept->fields[i].value)
			return false;
	}
	return true;
}

static int on_match(const struct clsf_match *m, void *user)
{
	struct trial *t = user;
	for (size_t i = 0; i < t->n_matches; i++) {
		if (t->matches[i].rule == m->rule) {
			t->matches[i].last_line = m->line.number;
			return 0;
		}
	}
	t->no_memory = !keep_match(t, m);
	return t->no_memory;
}

bool trial_start(struct trial *t, struct clsf_ruleset *ruleset)
{
	*t = (struct trial){ 0 };
	struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.on_match = on_match;
	options.user = t;
	return clsf_worker_new(ruleset, NULL, &t->feeding.worker) == 0 &&
	       clsf_stream_new(ruleset, &options, &t->feeding.stream) == 0;
}

static void forget(struct trial *t)
{
	for (size_t i = 0; i < t->n_matches; i++)
		match_done(&t->matches[i]);
	t->n_matches = 0;
	t->verdict = NULL;
	t->feeding.code = 0;
}

void trial_stop(struct trial *t)
{
	forget(t);
	free(t->matches);
	clsf_stream_free(t->feeding.stream);
	clsf_worker_free(t->feeding.worker);
	*t = (struct trial){ 0 };
}

static bool finish(struct trial *t)
{
	return t->feeding.code >= 0 && clsf_stream_finish(t->feeding.stream, t->feeding.worker, &t->verdict) == 0;
}

bool trial_run(struct trial *t, const char *data, size_t length)
{
	forget(t);
	clsf_stream_reset(t->feeding.stream);
	return clsf_stream_feed(t->feeding.stream, t->feeding.worker, data, length) == 0 && finish(t);
}

bool trial_read(struct trial *t, const char *path, struct input_result *result)
{
	forget(t);
	clsf_stream_reset(t->feeding.stream);
	input_read(path, input_feed, &t->feeding, result);
	return result->opened && finish(t);
}

const struct trial_match *trial_find(const struct trial *t, const char *id)
{
	for (size_t i = 0; i < t->n_matches; i++)
		if (strcmp(t->matches[i].rule->id, id) == 0)
			return &t->matches[i];
	return NULL;
}

void trial_add_fields(struct text *t, const struct trial_match *m)
{
	text_adds(t, "{");
	for (size_t i = 0; i < m->n_fields; i++) {
		text_adds(t, i ? ", " : "");
		text_add_yaml(t, m->fields[i].name, strlen(m->fields[i].name));
		text_adds(t, ": ");
		text_add_yaml(t, m->fields[i].value, m->fields[i].length);
	}
	text_adds(t, "}");
}

static void keep_first_fault(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	struct clsf_error *first = user;
	if (level == CLSF_FAULT_ERROR && first->code == 0)
		*first = *fault;
}

struct clsf_ruleset *trial_compile(const char *name, const char *rules, size_t length,
                                   struct clsf_error *ret_error)
{
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_loader *loader = NULL;
	struct clsf_ruleset *ruleset = NULL;
	struct clsf_error error = { 0 };
	*ret_error = (struct clsf_error){ 0 };
	options.engine = CLSF_ENGINE_PCRE2;
	options.on_fault = keep_first_fault;
	options.user = ret_error;
	if (clsf_loader_new(&options, &loader) == 0 &&
	    (clsf_loader_add_buffer(loader, name, rules, length, &error) ||
	     clsf_loader_compile(loader, &ruleset, &error)) &&
	    ret_error->code == 0)
		*ret_error = error;
	clsf_loader_free(loader);
	return ruleset;
}
