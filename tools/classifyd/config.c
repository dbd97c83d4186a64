/* SPDX-License-Identifier: Apache-2.0 */
/* See config.h. */

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../classify/document.h"
#include "log.h"

enum kind { TEXT, CHOICE, SIZE, COUNT, DURATION, BOOLEAN, LIST, PAIRS, FILES };

/* Every setting: its name in the file, what it takes, and the least and most of a number. */
struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t least, most;
	const char *choices;         /* with blanks between and around; of a CHOICE */
};

#define AT(member) offsetof(struct config, member)
#define SECOND UINT64_C(1000000000)
#define MIB ((uint64_t)1 << 20)

static const struct setting settings[] = {
	{ "server.listen", TEXT, AT(listen), 0, 0, NULL },
	{ "server.tls.certificate", TEXT, AT(server_tls.certificate), 0, 0, NULL },
	{ "server.tls.key", TEXT, AT(server_tls.key), 0, 0, NULL },
	{ "server.tls.client_authority", TEXT, AT(server_tls.authority), 0, 0, NULL },
	{ "server.basic_auth.user", TEXT, AT(server_identity.user), 0, 0, NULL },
	{ "server.basic_auth.password_file", TEXT, AT(server_identity.password_file), 0, 0, NULL },
	{ "server.bearer_token_file", TEXT, AT(server_identity.token_file), 0, 0, NULL },
	{ "server.idle_timeout", DURATION, AT(idle_timeout), SECOND, 3600 * SECOND, NULL },
	{ "server.read_timeout", DURATION, AT(read_timeout), SECOND / 10, 3600 * SECOND, NULL },
	{ "loki.url", TEXT, AT(loki), 0, 0, NULL },
	{ "loki.tls.certificate", TEXT, AT(loki_tls.certificate), 0, 0, NULL },
	{ "loki.tls.key", TEXT, AT(loki_tls.key), 0, 0, NULL },
	{ "loki.tls.authority", TEXT, AT(loki_tls.authority), 0, 0, NULL },
	{ "loki.tls.insecure_skip_verify", BOOLEAN, AT(loki_tls.insecure), 0, 0, NULL },
	{ "loki.basic_auth.user", TEXT, AT(loki_identity.user), 0, 0, NULL },
	{ "loki.basic_auth.password_file", TEXT, AT(loki_identity.password_file), 0, 0, NULL },
	{ "loki.bearer_token_file", TEXT, AT(loki_identity.token_file), 0, 0, NULL },
	{ "loki.tenant", TEXT, AT(tenant), 0, 0, NULL },
	{ "loki.timeout", DURATION, AT(loki_timeout), SECOND / 10, 3600 * SECOND, NULL },
	{ "inputs.stdin.enabled", BOOLEAN, AT(from_stdin), 0, 0, NULL },
	{ "inputs.stdin.labels", PAIRS, AT(stdin_labels), 0, 0, NULL },
	{ "inputs.files", FILES, AT(files), 0, 0, NULL },
	{ "inputs.journal.enabled", BOOLEAN, AT(journal), 0, 0, NULL },
	{ "inputs.journal.path", TEXT, AT(journal_path), 0, 0, NULL },
	{ "inputs.journal.matches", LIST, AT(journal_matches), 0, 0, NULL },
	{ "inputs.journal.labels", PAIRS, AT(journal_labels), 0, 0, NULL },
	{ "inputs.journal.max_age", DURATION, AT(journal_age), SECOND, 10 * 365 * 86400 * SECOND, NULL },
	{ "inputs.positions", TEXT, AT(positions), 0, 0, NULL },
	{ "queue.path", TEXT, AT(queue), 0, 0, NULL },
	{ "queue.max_size", SIZE, AT(queue_size), MIB, 1024 * 1024 * MIB, NULL },
	{ "queue.patience", DURATION, AT(patience), SECOND / 10, 7 * 86400 * SECOND, NULL },
	{ "rules.paths", LIST, AT(rules), 0, 0, NULL },
	{ "rules.cache", TEXT, AT(cache), 0, 0, NULL },
	{ "labels.category_as", CHOICE, AT(category_as), 0, 0, " label metadata " },
	{ "labels.redact", BOOLEAN, AT(redact), 0, 0, NULL },
	{ "labels.capture_size", SIZE, AT(capture_size), 1, 2048, NULL },
	{ "labels.capture_values", COUNT, AT(capture_values), 0, 1000000, NULL },
	{ "verdicts.enabled", BOOLEAN, AT(verdicts), 0, 0, NULL },
	{ "verdicts.silence", DURATION, AT(silence), SECOND / 10, 7 * 86400 * SECOND, NULL },
	{ "verdicts.labels", PAIRS, AT(verdict_labels), 0, 0, NULL },
	{ "limits.body", SIZE, AT(max_body), 1024, 1024 * MIB, NULL },
	{ "limits.decoded_body", SIZE, AT(max_decoded), 1024, 4096 * MIB, NULL },
	{ "limits.entries", COUNT, AT(max_entries), 1, 100000000, NULL },
	{ "limits.streams", COUNT, AT(max_streams), 1, 1000000, NULL },
	{ "limits.in_flight", SIZE, AT(max_in_flight), MIB, 1024 * 1024 * MIB, NULL },
	{ "limits.connections", COUNT, AT(max_connections), 1, 1000000, NULL },
	{ "limits.open_streams", COUNT, AT(max_open_streams), 1, 10000000, NULL },
	{ "limits.open_bytes", SIZE, AT(max_open_bytes), 64 * 1024, 1024 * 1024 * MIB, NULL },
	{ "threads", COUNT, AT(threads), 1, 256, NULL },
	{ "log.level", CHOICE, AT(log_level), 0, 0, " debug info warn error " },
};
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

static bool set_text(char **place, const char *value)
{
	char *copy = strdup(value);
	if (!copy)
		return false;
	free(*place);
	*place = copy;
	return true;
}

bool config_init(struct config *c)
{
	*c = (struct config){
		.idle_timeout = 120 * SECOND, .read_timeout = 30 * SECOND, .loki_timeout = 30 * SECOND,
		.journal_age = 7 * 3600 * SECOND, .queue_size = 1024 * MIB, .patience = 300 * SECOND, .capture_size = 256, .capture_values = 1000,
		.verdicts = true, .silence = 300 * SECOND,
		.max_body = 16 * MIB, .max_decoded = 64 * MIB, .max_entries = 1000000, .max_streams = 10000,
		.max_in_flight = 512 * MIB, .max_connections = 20000, .max_open_streams = 20000, .max_open_bytes = 512 * MIB,
		.threads = 1,
	};
	return set_text(&c->category_as, "label") && set_text(&c->log_level, "info");
}

bool config_pairs_have(const struct config_pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->name[i], name) == 0)
			return true;
	return false;
}

static void free_list(struct config_list *list)
{
	while (list->n)
		free(list->item[--list->n]);
	free(list->item);
}

static void free_pairs(struct config_pairs *pairs)
{
	while (pairs->n) {
		free(pairs->name[--pairs->n]);
		free(pairs->value[pairs->n]);
	}
	free(pairs->name);
	free(pairs->value);
}

static void free_files(struct config_file_groups *groups)
{
	while (groups->n) {
		struct config_files *f = &groups->item[--groups->n];
		free_list(&f->paths);
		free_list(&f->exclude);
		free_pairs(&f->labels);
	}
	free(groups->item);
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < N_SETTINGS; i++) {
		void *place = (char *)c + settings[i].offset;
		if (settings[i].kind == TEXT || settings[i].kind == CHOICE) {
			free(*(char **)place);
		} else if (settings[i].kind == LIST) {
			free_list(place);
		} else if (settings[i].kind == PAIRS) {
			free_pairs(place);
		} else if (settings[i].kind == FILES) {
			free_files(place);
		}
	}
	*c = (struct config){ 0 };
}

/* ---- values ---- */

struct unit { const char *name; uint64_t factor; };

/* A number with an optional fraction and a unit. False when it is none, or too large. */
static bool read_quantity(const char **at, const struct unit *units, uint64_t *ret)
{
	char *end;
	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	double number = strtod(*at, &end);
	size_t length = strspn(end, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	for (; units->name; units++) {
		if (strlen(units->name) != length || strncmp(units->name, end, length) != 0)
			continue;
		*at = end + length;
		if (errno || number * (double)units->factor > 1e18)
			return false;
		*ret = (uint64_t)(number * (double)units->factor + .5);
		return true;
	}
	return false;
}

static bool read_size(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 }, { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
		{ "KiB", 1024 }, { "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 }, { NULL, 0 },
	};
	return read_quantity(&text, units, ret) && *text == '\0';
}

/* As Go writes them: 300ms, 5m, 1h30m. */
static bool read_duration(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "ms", SECOND / 1000 }, { "s", SECOND }, { "m", 60 * SECOND }, { "h", 3600 * SECOND },
		{ "d", 86400 * SECOND }, { NULL, 0 },
	};
	uint64_t total = 0, part;
	do {
		if (!read_quantity(&text, units, &part))
			return false;
		total += part;
	} while (*text);
	*ret = total;
	return total <= (uint64_t)1e18;
}

static bool read_count(const char *text, uint64_t *ret)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && *end == '\0';
}

static bool set_number(const struct setting *s, struct config *c, const char *value, char why[256])
{
	static const char *const wants[] = { [SIZE] = "a size, such as 16MiB", [COUNT] = "a whole number",
		[DURATION] = "a duration, such as 5m or 1h30m" };
	uint64_t number = 0;
	bool good = s->kind == SIZE ? read_size(value, &number)
	            : s->kind == DURATION ? read_duration(value, &number)
	                                  : read_count(value, &number);
	if (!good) {
		snprintf(why, 256, "it takes %s, not '%s'", wants[s->kind], value);
		return false;
	}
	if (number < s->least || number > s->most) {
		double unit = s->kind == DURATION ? 1e9 : 1;
		snprintf(why, 256, "'%s' is not within %.15g and %.15g%s", value, (double)s->least / unit,
		         (double)s->most / unit, s->kind == DURATION ? " seconds" : s->kind == SIZE ? " bytes" : "");
		return false;
	}
	*(size_t *)(void *)((char *)c + s->offset) = (size_t)number;
	return true;
}

/* A setting of one value. False: `why` says what is wrong with it. */
static bool set_value(const struct setting *s, struct config *c, const char *value, char why[256])
{
	void *place = (char *)c + s->offset;
	char padded[64];
	switch (s->kind) {
	case BOOLEAN:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
			snprintf(why, 256, "it takes true or false, not '%s'", value);
			return false;
		}
		*(bool *)place = *value == 't';
		return true;
	case CHOICE:
		if (snprintf(padded, sizeof(padded), " %s ", value) >= (int)sizeof(padded) || strpbrk(value, " ") ||
		    !strstr(s->choices, padded)) {
			snprintf(why, 256, "it takes one of%s, not '%s'", s->choices, value);
			return false;
		}
		break;
	case SIZE:
	case COUNT:
	case DURATION:
		return set_number(s, c, value, why);
	case LIST:
	case PAIRS:
	case FILES:
	case TEXT:
		break;
	}
	if (!*value || strlen(value) > 4096) {
		snprintf(why, 256, *value ? "it is longer than 4096 bytes" : "it is empty");
		return false;
	}
	if (!set_text(place, value)) {
		snprintf(why, 256, "out of memory");
		return false;
	}
	return true;
}

static bool list_append(struct config_list *list, const char *value)
{
	char **items = realloc(list->item, (list->n + 1) * sizeof(*items));
	char *copy = strdup(value);
	if (items)
		list->item = items;
	if (!items || !copy) {
		free(copy);
		return false;
	}
	list->item[list->n++] = copy;
	return true;
}

static bool pairs_append(struct config_pairs *pairs, const char *name, size_t length, const char *value)
{
	char **names = realloc(pairs->name, (pairs->n + 1) * sizeof(*names));
	if (names)
		pairs->name = names;
	char **values = realloc(pairs->value, (pairs->n + 1) * sizeof(*values));
	if (values)
		pairs->value = values;
	char *a = strndup(name, length), *b = strdup(value);
	if (!names || !values || !a || !b) {
		free(a);
		free(b);
		return false;
	}
	pairs->name[pairs->n] = a;
	pairs->value[pairs->n++] = b;
	return true;
}

/* As Loki allows it: [a-zA-Z_][a-zA-Z0-9_]* */
static bool is_label_name(const char *name, size_t length)
{
	if (length == 0 || length > 1024 || isdigit((unsigned char)*name))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

bool config_set(struct config *c, const char *name, const char *value, const char *flag)
{
	const struct setting *s = find(name);
	char why[256] = "out of memory";
	const char *equals;
	bool good;
	if (s->kind == LIST) {
		good = list_append((struct config_list *)(void *)((char *)c + s->offset), value);
	} else if (s->kind == PAIRS) {
		equals = strchr(value, '=');
		good = equals && is_label_name(value, (size_t)(equals - value));
		if (good)
			good = pairs_append((struct config_pairs *)(void *)((char *)c + s->offset), value,
			                    (size_t)(equals - value), equals + 1);
		else
			snprintf(why, sizeof(why), "it takes NAME=VALUE, not '%s'", value);
	} else {
		good = set_value(s, c, value, why);
	}
	if (!good)
		log_write(LOG_ERROR, "wrong option", "option", flag, "err", why, NULL);
	return good;
}

/* ---- the file ---- */

struct reading {
	struct config *config;
	const char *path;
	bool good;
	bool seen[N_SETTINGS];
};

static void fault(struct reading *r, const struct node *at, const char *name, const char *why)
{
	char place[600], message[600];
	snprintf(place, sizeof(place), "%s:%u:%u", r->path, at->line, at->column);
	snprintf(message, sizeof(message), "%s%s%s", name, *name ? ": " : "", why);
	log_write(LOG_ERROR, "wrong configuration", "at", place, "err", message, NULL);
	r->good = false;
}

static bool begins_a_setting(const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (strncmp(settings[i].name, name, length) == 0 && settings[i].name[length] == '.')
			return true;
	return false;
}

static void read_list(struct reading *r, const char *name, struct config_list *list, const struct node *value)
{
	if (value->kind != NODE_LIST) {
		fault(r, value, name, "it takes a list");
		return;
	}
	for (const struct node *item = value->first; item; item = item->next) {
		if (item->kind != NODE_TEXT || item->null || !*item->text)
			fault(r, item, name, "an item is no text");
		else if (!list_append(list, item->text))
			fault(r, item, name, "out of memory");
	}
}

static void read_pairs(struct reading *r, const char *name, struct config_pairs *pairs, const struct node *value)
{
	if (value->kind != NODE_MAP) {
		fault(r, value, name, "it takes names and values");
		return;
	}
	for (const struct node *item = value->first; item; item = item->next) {
		if (!is_label_name(item->key, strlen(item->key)))
			fault(r, item, name, "a name is no label: letters, digits and _, no digit first");
		else if (item->kind != NODE_TEXT || item->null)
			fault(r, item, name, "a value is no text");
		else if (!pairs_append(pairs, item->key, strlen(item->key), item->text))
			fault(r, item, name, "out of memory");
	}
}

/* glob(3) would take ** for *, and what is meant would not be read. */
static void check_patterns(struct reading *r, const char *name, const struct node *list)
{
	for (const struct node *item = list->kind == NODE_LIST ? list->first : NULL; item; item = item->next)
		if (item->kind == NODE_TEXT && strstr(item->text, "**"))
			fault(r, item, name, "** is not known; each folder on the way takes a * of its own");
}

static void read_group(struct reading *r, const char *name, struct config_files *f, const struct node *map)
{
	char inner[64];
	if (map->kind != NODE_MAP) {
		fault(r, map, name, "an item takes paths, exclude and labels");
		return;
	}
	for (const struct node *item = map->first; item; item = item->next) {
		bool paths = strcmp(item->key, "paths") == 0;
		snprintf(inner, sizeof(inner), "%s.%.20s", name, item->key);
		if (paths || strcmp(item->key, "exclude") == 0) {
			read_list(r, inner, paths ? &f->paths : &f->exclude, item);
			check_patterns(r, inner, item);
		} else if (strcmp(item->key, "labels") == 0) {
			read_pairs(r, inner, &f->labels, item);
		} else {
			fault(r, item, inner, "there is no setting of this name");
		}
	}
	if (r->good && f->paths.n == 0)
		fault(r, map, name, "an item takes at least one of paths");
}

static void read_files(struct reading *r, const char *name, struct config_file_groups *groups,
                       const struct node *value)
{
	if (value->kind != NODE_LIST) {
		fault(r, value, name, "it takes a list");
		return;
	}
	for (const struct node *item = value->first; item; item = item->next) {
		struct config_files *grown = realloc(groups->item, (groups->n + 1) * sizeof(*grown));
		if (!grown) {
			fault(r, item, name, "out of memory");
			return;
		}
		groups->item = grown;
		grown[groups->n] = (struct config_files){ 0 };
		read_group(r, name, &grown[groups->n++], item);
	}
}

static void read_setting(struct reading *r, const struct setting *s, const struct node *value)
{
	char why[256];
	void *place = (char *)r->config + s->offset;
	size_t index = (size_t)(s - settings);
	if (r->seen[index])
		fault(r, value, s->name, "it was said before");
	r->seen[index] = true;
	if (s->kind == LIST)
		read_list(r, s->name, place, value);
	else if (s->kind == PAIRS)
		read_pairs(r, s->name, place, value);
	else if (s->kind == FILES)
		read_files(r, s->name, place, value);
	else if (value->kind != NODE_TEXT || value->null)
		fault(r, value, s->name, "it takes one value");
	else if (!set_value(s, r->config, value->text, why))
		fault(r, value, s->name, why);
}

/* `prefix` is the name of the map with a dot behind it, or "". */
static void read_map(struct reading *r, const struct node *map, const char *prefix)
{
	for (const struct node *item = map->first; item; item = item->next) {
		char name[256];
		const struct setting *s;
		char inner[256];
		if (snprintf(name, sizeof(name), "%s%s", prefix, item->key) >= 200) {
			fault(r, item, "", "an unknown name");
		} else if ((s = find(name)) != NULL) {
			read_setting(r, s, item);
		} else if (!begins_a_setting(name)) {
			fault(r, item, name, "there is no setting of this name");
		} else if (item->kind == NODE_MAP) {
			snprintf(inner, sizeof(inner), "%.200s.", name);
			read_map(r, item, inner);
		} else if (!item->null) {
			fault(r, item, name, "it takes names and values");
		}
	}
}

static char *read_file(const char *path, size_t *ret_length, char why[256])
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(DOCUMENT_MAX_SIZE + 1) : NULL;
	size_t n = text ? fread(text, 1, DOCUMENT_MAX_SIZE + 1, f) : 0;
	if (!f || !text || ferror(f) || n > DOCUMENT_MAX_SIZE) {
		snprintf(why, 256, "%s", f && text && n > DOCUMENT_MAX_SIZE ? "it is larger than 16 MiB" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	*ret_length = n;
	return text;
}

bool config_read(struct config *c, const char *path)
{
	struct reading r = { .config = c, .path = path, .good = true };
	struct document_fault document_fault;
	struct arena arena = { 0 };
	char why[256];
	size_t length;
	char *text = read_file(path, &length, why);
	if (!text) {
		log_write(LOG_ERROR, "the configuration cannot be read", "file", path, "err", why, NULL);
		return false;
	}
	const struct node *root = document_read_yaml(&arena, text, length, &document_fault);
	if (!root) {
		const struct node at = { .line = document_fault.line, .column = document_fault.column };
		fault(&r, &at, "", document_fault.message);
	} else if (root->first && root->first->next) {
		fault(&r, root->first->next, "", "one document is enough");
	} else if (root->first && root->first->kind == NODE_MAP) {
		read_map(&r, root->first, "");
	} else if (root->first && !root->first->null) {
		fault(&r, root->first, "", "it takes names and values");
	}
	arena_free(&arena);
	free(text);
	return r.good;
}

static bool wrong(const char *why)
{
	log_write(LOG_ERROR, "wrong configuration", "err", why, NULL);
	return false;
}

static bool check_identity(const struct config_identity *i, const char *side)
{
	char why[160];
	if (!i->user == !i->password_file && !(i->user && i->token_file))
		return true;
	snprintf(why, sizeof(why), "%s: basic_auth takes a user and a password_file, and no bearer token beside it", side);
	return wrong(why);
}

bool config_check(const struct config *c)
{
	bool good = check_identity(&c->server_identity, "server") && check_identity(&c->loki_identity, "loki");
	if (!c->server_tls.certificate != !c->server_tls.key || (c->server_tls.authority && !c->server_tls.key))
		good = wrong("server.tls takes a certificate and its key");
	if (!c->loki_tls.certificate != !c->loki_tls.key)
		good = wrong("loki.tls takes a certificate and its key");
	if (c->loki && strncmp(c->loki, "http://", 7) != 0 && strncmp(c->loki, "https://", 8) != 0)
		good = wrong("loki.url begins with http:// or https://");
#ifndef HAVE_JOURNAL
	if (c->journal)
		good = wrong("inputs.journal: this classifyd was built without libsystemd");
#endif
	if (c->journal && !c->queue && !c->positions)
		good = wrong("inputs.journal takes queue.path or inputs.positions: where it was read to has to be kept");
	if (c->files.n && !c->queue && !c->positions)
		good = wrong("inputs.files takes queue.path or inputs.positions: where files were read to has to be kept");
	if (c->max_decoded < c->max_body)
		good = wrong("limits.decoded_body is at least limits.body");
	return good;
}
