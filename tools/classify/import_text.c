/* SPDX-License-Identifier: Apache-2.0 */
/* Words of imported rules: ids, titles, categories, and HTML as plain text. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "import.h"

/* The first that a text holds decides; what is telling stands before what is common. */
static const char *const categories[][2] = {
	{ "oom", "out_of_memory" }, { "out of memory", "out_of_memory" }, { "memory", "out_of_memory" },
	{ "heap", "out_of_memory" },
	{ "no space", "disk_full" }, { "disk full", "disk_full" }, { "disk space", "disk_full" },
	{ "diskfull", "disk_full" }, { "inode", "disk_full" },
	{ "rate limit", "rate_limited" }, { "throttl", "rate_limited" }, { "too many requests", "rate_limited" },
	{ "certificate", "tls_invalid" }, { "x509", "tls_invalid" }, { "tls", "tls_invalid" },
	{ "ssl", "tls_invalid" },
	{ "dns", "dns_failed" }, { "name resolution", "dns_failed" }, { "no such host", "dns_failed" },
	{ "unauthorized", "auth_failed" }, { "authentication", "auth_failed" }, { "credential", "auth_failed" },
	{ "login", "auth_failed" },
	{ "access denied", "access_denied" }, { "forbidden", "access_denied" },
	{ "permission", "permission_denied" }, { "selinux", "permission_denied" },
	{ "image pull", "image_pull_failed" }, { "imagepull", "image_pull_failed" },
	{ "image not found", "image_not_found" }, { "image push", "image_push_failed" },
	{ "dockerfile", "dockerfile_invalid" },
	{ "quota", "capacity_exhausted" }, { "capacity", "capacity_exhausted" },
	{ "timeout", "timeout" }, { "timed out", "timeout" }, { "deadline", "timeout" },
	{ "connection", "network_unreachable" }, { "network", "network_unreachable" },
	{ "unreachable", "network_unreachable" }, { "proxy", "network_unreachable" },
	{ "unavailable", "service_unavailable" }, { "outage", "service_unavailable" },
	{ "database", "database_failed" }, { "deadlock detected", "database_failed" },
	{ "queue", "queue_stalled" },
	{ "checkout", "source_fetch_failed" }, { "scm", "source_fetch_failed" }, { "git", "source_fetch_failed" },
	{ "svn", "source_fetch_failed" },
	{ "dependency", "dependency_install_failed" }, { "dependencies", "dependency_install_failed" },
	{ "npm", "dependency_install_failed" }, { "pip", "dependency_install_failed" },
	{ "artifact", "dependency_install_failed" },
	{ "test", "test_failed" }, { "junit", "test_failed" },
	{ "compil", "build_step_failed" }, { "syntax", "build_step_failed" }, { "lint", "build_step_failed" },
	{ "script", "build_step_failed" }, { "linker", "build_step_failed" },
	{ "configuration", "config_invalid" }, { "config", "config_invalid" }, { "manifest", "config_invalid" },
	{ "terraform", "state_drift" },
	{ "kernel", "node_failed" }, { "node", "node_failed" }, { "agent", "node_failed" },
	{ "slave", "node_failed" }, { "infrastructure", "node_failed" }, { "infra", "node_failed" },
	{ "hardware", "node_failed" }, { "evict", "node_failed" }, { "kubelet", "node_failed" },
	{ "docker", "node_failed" }, { "containerd", "node_failed" }, { "filesystem", "node_failed" },
	{ "segfault", "application_crash" }, { "segmentation", "application_crash" }, { "crash", "application_crash" },
	{ "panic", "application_crash" }, { "exception", "application_crash" },
};

static const char *const bad_words[] = {
	"error", "fail", "fatal", "panic", "exception", "denied", "refused", "critical", "abort", "killed",
	"unable", "cannot", "invalid",
};

/* Words begin at a word's start: "test" is not in "latest". */
static bool speaks_of(const char *words, const char *of)
{
	for (const char *p = strcasestr(words, of); p; p = strcasestr(p + 1, of))
		if (p == words || !((p[-1] | 32) >= 'a' && (p[-1] | 32) <= 'z'))
			return true;
	return false;
}

const char *import_category(const char *text)
{
	struct arena a = { 0 };
	const char *words = import_words(&a, text), *found = NULL;
	for (const char *const *own = clsf_categories(); *own && !found; own++)
		if (strcasecmp(*own, text) == 0)
			found = *own;
	for (size_t i = 0; !found && i < sizeof(categories) / sizeof(categories[0]); i++)
		if (speaks_of(words, categories[i][0]) || speaks_of(text, categories[i][0]))
			found = categories[i][1];
	arena_free(&a);
	return found;
}

bool import_sounds_bad(const char *text)
{
	for (size_t i = 0; i < sizeof(bad_words) / sizeof(bad_words[0]); i++)
		if (speaks_of(text, bad_words[i]))
			return true;
	return import_category(text) != NULL;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

char *import_words(struct arena *a, const char *name)
{
	size_t n = strlen(name), used = 0;
	char *words = arena_alloc(a, n * 2 + 1);
	for (size_t i = 0; i < n; i++) {
		bool begins = i && is_upper(name[i]) && (is_lower(name[i - 1]) ||
		              (is_upper(name[i - 1]) && i + 1 < n && is_lower(name[i + 1])));
		if (begins)
			words[used++] = ' ';
		/* A capital that begins a word within the name is one only because of that. */
		bool acronym = i + 1 < n && is_upper(name[i + 1]);
		words[used++] = name[i] == '_' || name[i] == '-' ? ' '
		                : begins && !acronym             ? (char)(name[i] | 32)
		                                                 : name[i];
	}
	return words;
}

char *import_slug(struct arena *a, const char *name)
{
	char *slug = arena_alloc(a, strlen(name) + 1);
	size_t used = 0;
	for (const char *p = name; *p && used < 80; p++) {
		char c = is_upper(*p) ? (char)(*p | 32) : *p;
		if (is_lower(c))
			slug[used++] = c;
		else if (used && slug[used - 1] != '-')
			slug[used++] = '-';
	}
	while (used && slug[used - 1] == '-')
		slug[--used] = '\0';
	slug[used] = '\0';
	return slug;
}

char *import_title(struct arena *a, const char *text, size_t most)
{
	struct text t = { 0 };
	bool blank = true;
	size_t length = strlen(text);
	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t step = utf8_next(text + i, length - i, &c);
		if (t.length + step > most) {
			text_adds(&t, "...");
			break;
		}
		bool space = c <= ' ' || c == 0x7f;
		if (!space) {
			text_add_character(&t, c);
			if (c == '$' && text[i + 1] == '{')
				text_adds(&t, " ");
		} else if (!blank) {
			text_adds(&t, " ");
		}
		blank = space;
		i += step;
	}
	while (t.length && t.data[t.length - 1] == ' ')
		t.length--;
	char *title = arena_strndup(a, t.data ? t.data : "", t.length);
	text_free(&t);
	return title;
}

const char *import_severity(const char *word)
{
	static const char *const words[][2] = {
		{ "critical", "critical" }, { "fatal", "critical" }, { "emergency", "critical" },
		{ "alert", "critical" }, { "panic", "critical" }, { "error", "high" }, { "err", "high" },
		{ "high", "high" }, { "page", "critical" }, { "medium", "medium" }, { "warning", "low" },
		{ "warn", "low" }, { "low", "low" }, { "notice", "info" }, { "info", "info" }, { "debug", "info" },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i][0], word) == 0)
			return words[i][1];
	return NULL;
}

/* ---- HTML ---- */

static size_t add_entity(struct text *t, const char *p)
{
	static const char *const entities[][2] = {
		{ "&lt;", "<" }, { "&gt;", ">" }, { "&amp;", "&" }, { "&quot;", "\"" }, { "&apos;", "'" },
		{ "&#39;", "'" }, { "&nbsp;", " " },
	};
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t n = strlen(entities[i][0]);
		if (strncasecmp(p, entities[i][0], n) == 0) {
			text_adds(t, entities[i][1]);
			return n;
		}
	}
	text_adds(t, "&");
	return 1;
}

static void end_line(struct text *t)
{
	while (t->length && t->data[t->length - 1] == ' ')
		t->length--;
	if (t->length && t->data[t->length - 1] != '\n')
		text_adds(t, "\n");
}

/* The address of an <a href="...">, or NULL. */
static const char *read_link(struct arena *a, const char *tag, size_t length)
{
	const char *href = strcasestr(tag, "href=");
	if (!href || href >= tag + length)
		return NULL;
	href += 5;
	char quote = *href == '"' || *href == '\'' ? *href++ : ' ';
	const char *end = memchr(href, quote, (size_t)(tag + length - href));
	if (!end)
		end = tag + length;
	if (strncasecmp(href, "http", 4) != 0)
		return NULL;
	return arena_strndup(a, href, (size_t)(end - href));
}

static bool is_tag(const char *p, const char *name)
{
	size_t n = strlen(name);
	p += *p == '/';
	return strncasecmp(p, name, n) == 0 && !((p[n] | 32) >= 'a' && (p[n] | 32) <= 'z');
}

char *import_html(struct arena *a, const char *html, const char **ret_url)
{
	static const char *const blocks[] = { "br", "p", "div", "ul", "ol", "li", "tr", "h1", "h2", "h3", "pre" };
	struct text t = { 0 };
	const char *link = NULL;
	*ret_url = NULL;
	for (const char *p = html; *p;) {
		const char *end = *p == '<' ? strchr(p, '>') : NULL;
		bool tag = end && (p[1] == '/' || p[1] == '!' || ((p[1] | 32) >= 'a' && (p[1] | 32) <= 'z'));
		if (*p == '&') {
			p += add_entity(&t, p);
		} else if (tag) {
			for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
				if (is_tag(p + 1, blocks[i]))
					end_line(&t);
			if (is_tag(p + 1, "li") && p[1] != '/')
				text_adds(&t, "- ");
			if (is_tag(p + 1, "a") && p[1] != '/') {
				link = read_link(a, p, (size_t)(end - p));
				if (link && !*ret_url)
					*ret_url = link;
			} else if (is_tag(p + 1, "a") && link) {
				text_addf(&t, " (%s)", link);
				link = NULL;
			}
			p = end + 1;
		} else {
			if (*p == '\n')
				end_line(&t);
			else if (*p != '\r')
				text_add(&t, *p == '\t' ? " " : p, 1);
			p++;
		}
	}
	while (t.length && strchr(" \n", t.data[t.length - 1]))
		t.length--;
	char *plain = arena_strndup(a, t.data ? t.data : "", t.length);
	text_free(&t);
	return plain;
}
