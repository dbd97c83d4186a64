/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: rule files and folders in, quarantine of what is faulty, one
 * ruleset out. See rules.h for the contract.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build_id.h"
#include "category.h"
#include "digest.h"
#include "error.h"
#include "rule_reader.h"
#include "ruleset.h"

#define DEFAULT_MAX_RULES 100000
#define DEFAULT_MAX_FILE ((size_t)16 * 1024 * 1024)
#define DEFAULT_MATCH_LIMIT 1000000
#define MAX_DEPTH 32
#define MAX_PATTERNS 10000000    /* comparisons of a pattern in explains with an id */
#define MAX_SUGGESTIONS 1000000  /* of a name that no rule has with an id, for "did you mean" */

/* A file that was read and waits to be parsed. */
struct waiting {
	const char *name;
	char *text;
	size_t length;
};

struct clsf_loader {
	struct clsf_allocator allocator;
	struct waiting *waiting;
	size_t n_waiting, waiting_capacity;
	struct clsf__arena arena;
	struct clsf_loader_options options;
	struct clsf__rule **rules;
	size_t n_rules, capacity;
	uint32_t *table;             /* open hash of ids: index + 1 into rules */
	size_t table_size;
	size_t quarantined;
	size_t faults;
	bool limit;
	bool no_memory;
	bool used_up;
};

int clsf_loader_new(const struct clsf_loader_options *options, struct clsf_loader **ret_loader)
{
	CLSF__REQUIRE(ret_loader);
	CLSF__REQUIRE(!options || options->size == sizeof(*options));
	struct clsf_allocator a = clsf__allocator(options ? options->allocator : NULL);
	struct clsf_loader *l = clsf__calloc(&a, 1, sizeof(*l));
	if (!l)
		return CLSF_E_NOMEM;
	l->allocator = a;
	if (options)
		l->options = *options;
	if (!l->options.max_rules)
		l->options.max_rules = DEFAULT_MAX_RULES;
	if (!l->options.max_file_size)
		l->options.max_file_size = DEFAULT_MAX_FILE;
	if (!l->options.match_limit)
		l->options.match_limit = DEFAULT_MATCH_LIMIT;
	clsf__arena_init(&l->arena, &a);
	*ret_loader = l;
	return 0;
}

void clsf_loader_free(struct clsf_loader *l)
{
	if (!l)
		return;
	struct clsf_allocator a = l->allocator;
	for (size_t i = 0; i < l->n_waiting; i++)
		clsf__free(&a, l->waiting[i].text);
	clsf__free(&a, l->waiting);
	clsf__arena_done(&l->arena);
	clsf__free(&a, l->rules);
	clsf__free(&a, l->table);
	clsf__free(&a, l);
}

size_t clsf_loader_quarantined(const struct clsf_loader *l)
{
	return l ? l->quarantined : 0;
}

/* ---- ids ---- */

static uint32_t hash_id(const char *id)
{
	uint32_t h = 2166136261u;   /* FNV-1a */
	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return h;
}

/* The slot of an id: holding its rule, or free. */
static uint32_t *find_slot(struct clsf_loader *l, const char *id)
{
	size_t i = hash_id(id) & (l->table_size - 1);
	while (l->table[i] && strcmp(l->rules[l->table[i] - 1]->public.id, id) != 0)
		i = (i + 1) & (l->table_size - 1);
	return &l->table[i];
}

static bool grow_table(struct clsf_loader *l)
{
	if (l->n_rules * 2 < l->table_size)
		return true;
	size_t size = l->table_size ? l->table_size * 2 : 256;
	uint32_t *table = clsf__calloc(&l->allocator, size, sizeof(*table));
	if (!table)
		return false;
	clsf__free(&l->allocator, l->table);
	l->table = table;
	l->table_size = size;
	for (size_t i = 0; i < l->n_rules; i++)
		*find_slot(l, l->rules[i]->public.id) = (uint32_t)i + 1;
	return true;
}

static void report(struct clsf_loader *l, int code, const struct clsf__rule *rule,
                   const char *message)
{
	struct clsf_error fault = { .code = code, .line = rule->public.line, .column = rule->column };
	snprintf(fault.file, sizeof(fault.file), "%s", rule->public.file);
	snprintf(fault.rule, sizeof(fault.rule), "%s", rule->public.id);
	snprintf(fault.message, sizeof(fault.message), "%s", message);
	l->faults++;
	if (l->options.on_fault)
		l->options.on_fault(CLSF_FAULT_ERROR, &fault, l->options.user);
}

/* ---- explains ---- */

/* What looking for names may still cost; however many there are, loading ends. */
struct name_check {
	struct clsf_loader *loader;
	const char **ids;            /* for suggestions; NULL until one is needed */
	size_t patterns_left;
	size_t suggestions_left;
};

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?[\\") != NULL;
}

static bool names_a_rule(struct name_check *check, const char *name)
{
	struct clsf_loader *l = check->loader;
	if (!is_pattern(name))
		return *find_slot(l, name);
	for (size_t i = 0; i < l->n_rules && check->patterns_left; i++, check->patterns_left--)
		if (fnmatch(name, l->rules[i]->public.id, 0) == 0)
			return true;
	return check->patterns_left == 0;
}

/* The id that was probably meant; NULL: none comes near. Sets no_memory of the loader. */
static const char *nearest_id(struct name_check *check, const char *name)
{
	struct clsf_loader *l = check->loader;
	if (is_pattern(name) || check->suggestions_left < l->n_rules)
		return NULL;
	check->suggestions_left -= l->n_rules;
	if (!check->ids) {
		check->ids = clsf__calloc(&l->allocator, l->n_rules + 1, sizeof(*check->ids));
		for (size_t i = 0; check->ids && i < l->n_rules; i++)
			check->ids[i] = l->rules[i]->public.id;
	}
	l->no_memory = l->no_memory || !check->ids;
	return check->ids ? clsf__nearest(name, check->ids) : NULL;
}

static void check_name(struct name_check *check, const struct clsf__rule *rule, size_t i)
{
	struct clsf_loader *l = check->loader;
	if (names_a_rule(check, rule->explains[i]))
		return;
	struct clsf_error fault = {
		.code = CLSF_E_RULE,
		.line = rule->explains_at[i].line,
		.column = rule->explains_at[i].column,
	};
	const char *near = nearest_id(check, rule->explains[i]);
	snprintf(fault.file, sizeof(fault.file), "%s", rule->public.file);
	snprintf(fault.rule, sizeof(fault.rule), "%s", rule->public.id);
	snprintf(fault.message, sizeof(fault.message),
	         "explains '%.120s', which none of these rules is%s%s%s", rule->explains[i],
	         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	l->options.on_fault(CLSF_FAULT_WARNING, &fault, l->options.user);
}

/* A slip in an id would change verdicts without a word: warns of names that no rule has. */
static void check_explains(struct clsf_loader *l)
{
	struct name_check check = { l, NULL, MAX_PATTERNS, MAX_SUGGESTIONS };
	for (size_t r = 0; l->options.on_fault && r < l->n_rules && !l->no_memory; r++)
		for (size_t i = 0; l->rules[r]->explains_at && i < l->rules[r]->n_explains; i++)
			check_name(&check, l->rules[r], i);
	clsf__free(&l->allocator, check.ids);
}

static bool add_rule(struct clsf__rule *rule, void *context)
{
	struct clsf_loader *l = context;
	if (l->n_rules >= l->options.max_rules) {
		l->limit = true;
		return false;
	}
	if (!grow_table(l) || !clsf__grow(&l->allocator, &l->rules, &l->capacity, l->n_rules + 1,
	                                  sizeof(struct clsf__rule *))) {
		l->no_memory = true;
		return false;
	}
	uint32_t *slot = find_slot(l, rule->public.id);
	if (*slot) {
		const struct clsf_rule *first = &l->rules[*slot - 1]->public;
		char message[512];
		snprintf(message, sizeof(message), "duplicate id '%s': it is already used at %s:%u",
		         rule->public.id, first->file, first->line);
		report(l, CLSF_E_DUPLICATE, rule, message);
		l->quarantined++;
		return true;
	}
	l->rules[l->n_rules++] = rule;
	*slot = (uint32_t)l->n_rules;
	return true;
}

/* ---- input ---- */

static int parse(struct clsf_loader *l, const char *name, const char *text, size_t length,
                 struct clsf_error *err)
{
	struct clsf__rule_file file = {
		.arena = &l->arena,
		.allocator = &l->allocator,
		.name = name,
		.on_fault = l->options.on_fault,
		.user = l->options.user,
		.on_rule = add_rule,
		.context = l,
	};
	int result = clsf__read_rules(&file, text, length);
	l->quarantined += file.faulty_rules;
	l->faults += file.faults;
	if (result == CLSF_E_NOMEM || l->no_memory)
		return clsf__error(err, CLSF_E_NOMEM, 0, "%s: out of memory", name);
	if (result)
		return clsf__error(err, result, 0, "%s: more than %u rules", name, l->options.max_rules);
	return 0;
}

static int defer(struct clsf_loader *l, const char *name, const char *data, size_t length)
{
	if (!clsf__grow(&l->allocator, &l->waiting, &l->waiting_capacity, l->n_waiting + 1,
	                sizeof(*l->waiting)))
		return CLSF_E_NOMEM;
	char *copy = clsf__realloc(&l->allocator, NULL, length);
	if (!copy)
		return CLSF_E_NOMEM;
	if (length)
		memcpy(copy, data, length);
	l->waiting[l->n_waiting++] = (struct waiting){ name, copy, length };
	return 0;
}

int clsf_loader_add_buffer(struct clsf_loader *l, const char *name, const void *data, size_t length,
                           struct clsf_error *err)
{
	CLSF__REQUIRE(l && name && (data || length == 0) && !l->used_up);
	if (length > l->options.max_file_size)
		return clsf__error(err, CLSF_E_LIMIT, 0, "%s: %zu bytes; the limit for a rule file is %zu",
		                   name, length, l->options.max_file_size);
	const char *kept = clsf__arena_strndup(&l->arena, name, strlen(name));
	int result = kept ? 0 : CLSF_E_NOMEM;
	if (result == 0 && l->options.defer)
		result = defer(l, kept, data, length);
	else if (result == 0)
		return parse(l, kept, data, length, err);
	return result ? clsf__error(err, result, 0, "out of memory") : 0;
}

int clsf_loader_key(const struct clsf_loader *l, char ret_key[65])
{
	CLSF__REQUIRE(l && ret_key && l->options.defer);
	struct clsf__digest digest;
	clsf__digest_start(&digest);
	const char *const versions[] = { clsf_version(), clsf__filter_platform(), clsf__expression_engine() };
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		clsf__digest_add(&digest, versions[i], strlen(versions[i]));
	/* Two builds of one version may choose differently what the engine is given. */
	size_t id_length;
	const void *id = clsf__build_id(&id_length);
	clsf__digest_add(&digest, id, id_length);
	char options[96];
	int n = snprintf(options, sizeof(options), "engine %d, limit %u, rules %u", (int)l->options.engine,
	                 l->options.match_limit, l->options.max_rules);
	clsf__digest_add(&digest, options, (size_t)n);
	for (size_t i = 0; i < l->n_waiting; i++) {
		clsf__digest_add(&digest, l->waiting[i].name, strlen(l->waiting[i].name));
		clsf__digest_add(&digest, l->waiting[i].text, l->waiting[i].length);
	}
	clsf__digest_end(&digest, ret_key);
	return 0;
}

static int io_error(struct clsf_error *err, const char *path, int number)
{
	if (number == ENOMEM)
		return clsf__error(err, CLSF_E_NOMEM, number, "%s: out of memory", path);
	int code = clsf__error(err, CLSF_E_IO, number, "%s: %s", path, strerror(number));
	if (err)
		snprintf(err->file, sizeof(err->file), "%s", path);
	return code;
}

static int add_file(struct clsf_loader *l, const char *path, struct clsf_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return io_error(err, path, errno);
	struct stat st;
	struct clsf__buffer text;
	clsf__buffer_init(&text, &l->allocator);
	int result = 0;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		result = clsf__error(err, CLSF_E_IO, 0, "%s: not a regular file", path);
	}
	while (result == 0) {
		if (text.length > l->options.max_file_size) {
			result = clsf__error(err, CLSF_E_LIMIT, 0, "%s: larger than the limit of %zu bytes",
			                     path, l->options.max_file_size);
			break;
		}
		if (!clsf__buffer_reserve(&text, 65536)) {
			result = clsf__error(err, CLSF_E_NOMEM, 0, "%s: out of memory", path);
			break;
		}
		ssize_t n = read(fd, text.data + text.length, text.capacity - text.length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			result = io_error(err, path, errno);
		if (n <= 0)
			break;
		text.length += (size_t)n;
	}
	close(fd);
	if (result == 0)
		result = clsf_loader_add_buffer(l, path, text.data, text.length, err);
	clsf__buffer_done(&text);
	return result;
}

static bool is_rule_file(const char *name)
{
	size_t n = strlen(name);
	return (n > 5 && strcmp(name + n - 5, ".yaml") == 0) ||
	       (n > 4 && strcmp(name + n - 4, ".yml") == 0);
}

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_path(struct clsf_loader *l, const char *path, unsigned depth, struct clsf_error *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return io_error(err, path, errno);
	if (!S_ISDIR(st.st_mode))
		return add_file(l, path, err);
	if (depth > MAX_DEPTH)
		return clsf__error(err, CLSF_E_LIMIT, 0, "%s: folders nested more than %d deep", path,
		                   MAX_DEPTH);
	struct dirent **entries;
	int n = scandir(path, &entries, visible, by_name);
	if (n < 0)
		return io_error(err, path, errno);
	int result = 0;
	for (int i = 0; i < n; i++) {
		struct clsf__buffer child;
		clsf__buffer_init(&child, &l->allocator);
		size_t length = strlen(path);
		clsf__buffer_addf(&child, "%s%s%s", path, length && path[length - 1] == '/' ? "" : "/",
		                  entries[i]->d_name);
		/* What cannot be read does not keep the rest from loading; the first error is told. */
		struct clsf_error later, *where = result ? &later : err;
		int one = 0;
		if (child.failed)
			one = clsf__error(where, CLSF_E_NOMEM, 0, "%s: out of memory", path);
		else if (lstat(child.data, &st) != 0)
			one = io_error(where, child.data, errno);
		else if (S_ISDIR(st.st_mode))
			one = add_path(l, child.data, depth + 1, where);
		else if (is_rule_file(entries[i]->d_name) && !(S_ISLNK(st.st_mode) && is_folder(child.data)))
			one = add_path(l, child.data, depth + 1, where);
		result = result ? result : one;
		clsf__buffer_done(&child);
		free(entries[i]);
	}
	free(entries);
	return result;
}

int clsf_loader_add_path(struct clsf_loader *l, const char *path, struct clsf_error *err)
{
	CLSF__REQUIRE(l && path && !l->used_up);
	return add_path(l, path, 0, err);
}

int clsf_loader_compile(struct clsf_loader *l, struct clsf_ruleset **ret_ruleset,
                        struct clsf_error *err)
{
	CLSF__REQUIRE(l && ret_ruleset && !l->used_up);
	l->used_up = true;
	for (size_t i = 0; i < l->n_waiting; i++) {
		struct clsf_error error;
		int parsed = parse(l, l->waiting[i].name, l->waiting[i].text, l->waiting[i].length, &error);
		if (parsed == CLSF_E_LIMIT) {
			/* What came before the limit is good. */
			snprintf(error.file, sizeof(error.file), "%s", l->waiting[i].name);
			snprintf(error.message, sizeof(error.message), "more than %u rules: those beyond are left out",
			         l->options.max_rules);
			error.line = error.column = 1;
			l->faults++;
			l->quarantined++;
			if (l->options.on_fault)
				l->options.on_fault(CLSF_FAULT_ERROR, &error, l->options.user);
			break;
		}
		if (parsed) {
			if (err)
				*err = error;
			return parsed;
		}
	}
	if (l->options.strict && l->faults)
		return clsf__error(err, CLSF_E_RULE, 0, "%zu faults in the rules", l->faults);
	if (l->n_rules == 0 && !l->options.allow_empty)
		return clsf__error(err, CLSF_E_NO_RULES, 0, "no rule could be loaded");
	check_explains(l);
	if (l->no_memory)
		return clsf__error(err, CLSF_E_NOMEM, 0, "out of memory");
	struct clsf_ruleset *rs;
	int result = clsf__ruleset_compile(&l->allocator, &l->arena, l->rules, l->n_rules,
	                                   l->options.match_limit, l->options.engine, &rs, err);
	if (result)
		return result;
	rs->quarantined = l->quarantined;
	l->rules = NULL;
	l->n_rules = l->capacity = 0;
	*ret_ruleset = rs;
	return 0;
}

int clsf_ruleset_load(const char *path, struct clsf_ruleset **ret_ruleset, struct clsf_error *err)
{
	CLSF__REQUIRE(path && ret_ruleset);
	struct clsf_loader *l;
	int result = clsf_loader_new(NULL, &l);
	if (result)
		return clsf__error(err, result, 0, "out of memory");
	result = clsf_loader_add_path(l, path, err);
	if (result == 0)
		result = clsf_loader_compile(l, ret_ruleset, err);
	clsf_loader_free(l);
	return result;
}
