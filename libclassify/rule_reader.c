/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rule_reader.h. This file walks the documents of a rule file, checks each
 * key and value, and says of each fault where it stands; conditions are
 * condition_reader.c's. A fault inside a rule leaves out that rule; a YAML
 * syntax fault, the file.
 */

#include <stdio.h>

#include "category.h"
#include "error.h"
#include "yaml_reader.h"

static void read_explains(struct clsf__reader *r, const yaml_node_t *node)
{
	if (!is_list(node)) {
		FAULT(r, node, "'explains' must be a list of rule ids");
		return;
	}
	size_t n = list_length(node);
	r->rule->explains = clsf__reader_allocate(r, n * sizeof(*r->rule->explains));
	r->rule->explains_at = clsf__reader_allocate(r, n * sizeof(*r->rule->explains_at));
	if (r->no_memory)
		return;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *item = list_item(r, node, i);
		r->rule->explains_at[i] = (struct clsf__place){
			.line = (uint32_t)item->start_mark.line + 1,
			.column = (uint32_t)item->start_mark.column + 1,
		};
		size_t faults = r->file->faults;
		const char *name = clsf__reader_text(r, item, "explains");
		if (!*name && r->file->faults == faults)
			FAULT(r, item, "an id in 'explains' is empty");
		r->rule->explains[r->rule->n_explains++] = name;
	}
	r->rule->public.explains = r->rule->explains;
	r->rule->public.n_explains = r->rule->n_explains;
}

/* ${name} must name a capture of the rule. */
static void check_placeholders(struct clsf__reader *r, const yaml_node_t *node, const char *text,
                               const char *key)
{
	/* After a fault it is not known what the rule captures. */
	if (r->faulty)
		return;
	for (const char *p = strstr(text, "${"); p; p = strstr(p + 2, "${")) {
		const char *end = strchr(p, '}');
		if (!end)
			return;
		size_t length = (size_t)(end - p - 2);
		bool known = false;
		for (size_t t = 0; !known && t < r->rule->n_terms; t++) {
			char group[160];
			int n = snprintf(group, sizeof(group), "<%.*s>", (int)(length < 128 ? length : 128), p + 2);
			if (n > 2 && memmem(r->terms[t].pattern, r->terms[t].length, group, (size_t)n))
				known = true;
			if (n > 2) {
				group[0] = group[n - 1] = '\'';
				known = known || memmem(r->terms[t].pattern, r->terms[t].length, group,
				                        (size_t)n);
			}
		}
		if (!known)
			clsf__reader_report(r, CLSF_FAULT_WARNING, CLSF_E_RULE, node->start_mark,
			       "'%s' uses ${%.*s}, which no expression of the rule captures", key,
			       (int)(length < 64 ? length : 64), p + 2);
	}
}

static void read_runbook(struct clsf__reader *r, const yaml_node_t *node)
{
	static const char *const keys[] = { "cause", "fix", "prevent", "url", NULL };
	struct clsf_rule *rule = &r->rule->public;
	const char **slots[] = { &rule->cause, &rule->fix, &rule->prevent, &rule->url };
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(r, node, "'runbook' must be a mapping");
		return;
	}
	unsigned seen = 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = clsf__reader_key(r, node_at(r, pair->key), "'runbook'", keys, &seen);
		if (key < 0)
			continue;
		const yaml_node_t *value = node_at(r, pair->value);
		*slots[key] = clsf__reader_text(r, value, keys[key]);
		check_placeholders(r, value, *slots[key], keys[key]);
	}
}

static void read_example(struct clsf__reader *r, const yaml_node_t *node, bool must_match,
                         struct clsf_example *example)
{
	const yaml_node_t *line = node;
	const yaml_node_t *fields = NULL;
	if (node->type == YAML_MAPPING_NODE) {
		static const char *const keys[] = { "line", "fields", NULL };
		unsigned seen = 0;
		line = NULL;
		for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		     pair < node->data.mapping.pairs.top; pair++) {
			int key = clsf__reader_key(r, node_at(r, pair->key), "an example", keys, &seen);
			if (key == 0)
				line = node_at(r, pair->value);
			else if (key == 1)
				fields = node_at(r, pair->value);
		}
	}
	if (!line || !is_scalar(line)) {
		FAULT(r, node, "an example must be a line, or have the key 'line'");
		return;
	}
	example->length = line->data.scalar.length;
	example->text = clsf__reader_keep(r, scalar(line), example->length);
	example->must_match = must_match;
	example->line = (uint32_t)line->start_mark.line + 1;
	if (!fields || clsf__yaml_is_null(fields))
		return;
	if (fields->type != YAML_MAPPING_NODE) {
		FAULT(r, fields, "'fields' must be a mapping of capture names to texts");
		return;
	}
	size_t n = (size_t)(fields->data.mapping.pairs.top - fields->data.mapping.pairs.start);
	const char **names = clsf__reader_allocate(r, n * sizeof(*names));
	const char **values = clsf__reader_allocate(r, n * sizeof(*values));
	if (r->no_memory)
		return;
	for (size_t i = 0; i < n; i++) {
		names[i] = clsf__reader_text(r, node_at(r, fields->data.mapping.pairs.start[i].key), "fields");
		const yaml_node_t *value = node_at(r, fields->data.mapping.pairs.start[i].value);
		values[i] = is_scalar(value) ? clsf__reader_keep(r, scalar(value), value->data.scalar.length)
		                             : clsf__reader_text(r, value, "fields");
	}
	example->has_fields = 1;
	example->field_names = names;
	example->field_values = values;
	example->n_fields = n;
}

static void read_examples(struct clsf__reader *r, const yaml_node_t *node)
{
	static const char *const keys[] = { "match", "reject", NULL };
	if (node->type != YAML_MAPPING_NODE) {
		FAULT(r, node, "'examples' must be a mapping with 'match' and 'reject'");
		return;
	}
	const yaml_node_t *list[2] = { NULL };
	unsigned seen = 0;
	size_t n = 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = clsf__reader_key(r, node_at(r, pair->key), "'examples'", keys, &seen);
		const yaml_node_t *value = node_at(r, pair->value);
		if (key < 0 || clsf__yaml_is_null(value))
			continue;
		if (value->type != YAML_SEQUENCE_NODE) {
			FAULT(r, value, "'%s' must be a list of lines", keys[key]);
			continue;
		}
		list[key] = value;
		n += (size_t)(value->data.sequence.items.top - value->data.sequence.items.start);
	}
	struct clsf_example *examples = clsf__reader_allocate(r, n * sizeof(*examples));
	if (!examples)
		return;
	r->rule->public.examples = examples;
	for (int key = 0; key < 2; key++) {
		if (!list[key])
			continue;
		for (yaml_node_item_t *item = list[key]->data.sequence.items.start;
		     item < list[key]->data.sequence.items.top; item++)
			read_example(r, node_at(r, *item), key == 0,
			             &examples[r->rule->public.n_examples++]);
	}
}

bool clsf__valid_id(const char *id)
{
	size_t n = strlen(id);
	if (n == 0 || n > 120)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = id[i];
		bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
		if (!letter && !((c == '-' || c == '_' || c == '.') && i > 0))
			return false;
	}
	return true;
}

enum rule_key {
	RULE_ID, RULE_TITLE, RULE_CATEGORY, RULE_ROLE, RULE_SEVERITY, RULE_OWNER, RULE_RETRY,
	RULE_MATCH, RULE_EXPLAINS, RULE_UNLESS, RULE_RUNBOOK, RULE_EXAMPLES, RULE_SHOW,
	RULE_KEYS,
};
static const char *const rule_keys[] = { "id", "title", "category", "role", "severity", "owner",
	                                 "retry", "match", "explains", "unless", "runbook",
	                                 "examples", "show", NULL };
static const char *const owners[] = { "user", "platform", "upstream", NULL };
static const char *const retries[] = { "never", "now", "later", NULL };

/* A rule with the defaults, as r->rule; NULL after a fault. */
static struct clsf__rule *new_rule(struct clsf__reader *r, const yaml_node_t *node)
{
	r->faulty = false;
	r->rule = NULL;
	if (!is_mapping(node)) {
		FAULT(r, node, "a rule must be a mapping");
		return NULL;
	}
	r->rule = clsf__reader_allocate(r, sizeof(*r->rule));
	if (!r->rule)
		return NULL;
	r->rule->public = (struct clsf_rule){
		.id = "", .title = "", .category = "", .cause = "", .fix = "", .prevent = "", .url = "",
		.pack = r->pack, .owner = "platform", .retry = "never",
		.severity = CLSF_SEVERITY_HIGH,
		.file = r->file->name,
		.line = (uint32_t)node->start_mark.line + 1,
	};
	r->rule->column = (uint32_t)node->start_mark.column + 1;
	return r->rule;
}

static struct clsf__rule *read_rule(struct clsf__reader *r, const yaml_node_t *node)
{
	struct clsf__rule *rule = r->rule;
	struct clsf_rule *public = &rule->public;

	const yaml_node_t *value[RULE_KEYS] = { NULL };
	/* The id first, so that every other fault can name the rule. */
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node_at(r, pair->key);
		if (is_scalar(key) && strcmp(scalar(key), "id") == 0 && is_scalar(node_at(r, pair->value)))
			public->id = clsf__reader_text(r, node_at(r, pair->value), "id");
	}
	unsigned seen = 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int key = clsf__reader_key(r, node_at(r, pair->key), "a rule", rule_keys, &seen);
		if (key >= 0)
			value[key] = node_at(r, pair->value);
	}
	if (!value[RULE_ID])
		FAULT(r, node, "a rule needs an 'id'");
	else if (!clsf__valid_id(public->id))
		FAULT(r, value[RULE_ID], "the id must be letters, digits, '-', '_' or '.', at most 120");
	int word;
	if (value[RULE_ROLE] && (word = clsf__reader_word(r, value[RULE_ROLE], "role", clsf__role_names)) >= 0)
		public->role = (enum clsf_role)word;
	if (value[RULE_SEVERITY] &&
	    (word = clsf__reader_word(r, value[RULE_SEVERITY], "severity", clsf__severity_names)) >= 0)
		public->severity = (enum clsf_severity)word;
	if (value[RULE_OWNER] && (word = clsf__reader_word(r, value[RULE_OWNER], "owner", owners)) >= 0)
		public->owner = owners[word];
	if (value[RULE_RETRY] && (word = clsf__reader_word(r, value[RULE_RETRY], "retry", retries)) >= 0)
		public->retry = retries[word];
	if (value[RULE_CATEGORY] &&
	    (word = clsf__reader_word(r, value[RULE_CATEGORY], "category", clsf_categories())) >= 0)
		public->category = clsf_categories()[word];
	bool marker = public->role != CLSF_ROLE_CAUSE && public->role != CLSF_ROLE_SYMPTOM;
	if (!value[RULE_CATEGORY] && !marker)
		FAULT(r, node, "a rule needs a 'category'");
	if (!value[RULE_TITLE])
		FAULT(r, node, "a rule needs a 'title'");
	if (!value[RULE_MATCH])
		FAULT(r, node, "a rule needs a 'match'");
	else
		clsf__read_match(r, value[RULE_MATCH]);
	if (value[RULE_UNLESS])
		clsf__read_unless(r, value[RULE_UNLESS]);
	if (!r->faulty)
		clsf__finish_condition(r, node);
	if (value[RULE_TITLE]) {
		size_t faults = r->file->faults;
		public->title = clsf__reader_text(r, value[RULE_TITLE], "title");
		if (!*public->title && r->file->faults == faults)
			FAULT(r, value[RULE_TITLE], "the title is empty");
		check_placeholders(r, value[RULE_TITLE], public->title, "title");
	}
	if (value[RULE_EXPLAINS])
		read_explains(r, value[RULE_EXPLAINS]);
	if (value[RULE_RUNBOOK] && !clsf__yaml_is_null(value[RULE_RUNBOOK]))
		read_runbook(r, value[RULE_RUNBOOK]);
	if (value[RULE_EXAMPLES] && !clsf__yaml_is_null(value[RULE_EXAMPLES]))
		read_examples(r, value[RULE_EXAMPLES]);
	if (value[RULE_SHOW]) {
		if (is_scalar(value[RULE_SHOW]) && strcmp(scalar(value[RULE_SHOW]), "above") == 0)
			rule->show_above = true;
		else if (is_scalar(value[RULE_SHOW]) && strcmp(scalar(value[RULE_SHOW]), "last") == 0)
			rule->show_last = true;
		else
			FAULT(r, value[RULE_SHOW], "'show' may be 'above' or 'last'");
	}
	return r->faulty || r->no_memory ? NULL : rule;
}

/* ---- the document ---- */

/* Do some of the rules follow the CRE schema? Then the file may hold more than ours. */
static bool holds_cre(struct clsf__reader *r, const yaml_node_t *rules)
{
	for (size_t i = 0; is_list(rules) && i < list_length(rules); i++)
		if (clsf__is_cre(r, list_item(r, rules, i)))
			return true;
	return false;
}

/* What stands beside the rules. A fault there is counted, but the rules are good. */
static void read_top(struct clsf__reader *r, const yaml_node_t *root, bool cre)
{
	static const char *const keys[] = { "pack", "rules", NULL };
	r->rule = NULL;
	r->pack = "";
	unsigned seen = 0;
	FOR_EACH_PAIR(root, pair) {
		const yaml_node_t *name = node_at(r, pair->key);
		if (cre && is_scalar(name) && strcmp(scalar(name), "pack") != 0 && strcmp(scalar(name), "rules") != 0) {
			if (strcmp(scalar(name), "terms") != 0)
				WARN(r, name, "unknown key '%.80s' in the file is passed over", scalar(name));
			continue;
		}
		size_t faults = r->file->faults;
		int key = clsf__reader_key(r, name, "the file", keys, &seen);
		if (key == 0)
			r->pack = clsf__reader_text(r, node_at(r, pair->value), "pack");
		if (key < 0 || r->file->faults > faults)
			r->file->faulty_rules++;
	}
}

static int read_document(struct clsf__reader *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(r->document);
	if (!root)
		return 0;
	const yaml_node_t *rules = clsf__yaml_get(r, root, "rules");
	if (!rules) {
		r->rule = NULL;
		clsf__reader_report(r, CLSF_FAULT_WARNING, CLSF_OK, root->start_mark,
		                    "no top-level 'rules': the file is ignored");
		return 0;
	}
	read_top(r, root, holds_cre(r, rules));
	if (clsf__yaml_is_null(rules))
		return 0;
	if (!is_list(rules)) {
		FAULT(r, rules, "'rules' must be a list");
		r->file->faulty_rules++;
		return 0;
	}
	const yaml_node_t *terms = clsf__yaml_get(r, root, "terms");
	for (size_t i = 0; i < list_length(rules); i++) {
		const yaml_node_t *item = list_item(r, rules, i);
		struct clsf__rule *rule = new_rule(r, item);
		if (rule)
			rule = clsf__is_cre(r, item) ? clsf__read_cre(r, item, terms) : read_rule(r, item);
		if (r->no_memory)
			return CLSF_E_NOMEM;
		if (!rule)
			r->file->faulty_rules++;
		else if (!r->file->on_rule(rule, r->file->context))
			return CLSF_E_LIMIT;
	}
	r->rule = NULL;
	return 0;
}

int clsf__read_rules(struct clsf__rule_file *file, const char *text, size_t length)
{
	struct clsf__reader *r = clsf__calloc(file->allocator, 1, sizeof(*r));
	if (!r)
		return CLSF_E_NOMEM;
	r->file = file;
	int result = clsf__yaml_documents(r, text, length, read_document);
	clsf__free(file->allocator, r);
	return result;
}
