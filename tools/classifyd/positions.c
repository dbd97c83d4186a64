/* SPDX-License-Identifier: Apache-2.0 */
/* See positions.h. */

#include "positions.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../classify/document.h"
#include "../classify/text.h"
#include "log.h"

/* Sorted by key, device and inode. */
static struct {
	pthread_mutex_t lock;
	struct position *item;
	size_t n, capacity;
	bool changed, told;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;   /* the file */

static int compare(const struct position *a, const char *key, uint64_t device, uint64_t inode)
{
	int order = strcmp(a->key, key);
	if (order == 0 && a->device != device)
		order = a->device < device ? -1 : 1;
	if (order == 0 && a->inode != inode)
		order = a->inode < inode ? -1 : 1;
	return order;
}

/* Where it is, or would be. */
static size_t place_of(const char *key, uint64_t device, uint64_t inode)
{
	size_t from = 0, to = all.n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (compare(&all.item[middle], key, device, inode) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(size_t i, const char *key, uint64_t device, uint64_t inode)
{
	return i < all.n && compare(&all.item[i], key, device, inode) == 0;
}

static void free_strings(struct position *p)
{
	free((char *)(uintptr_t)p->key);
	free((char *)(uintptr_t)p->value);
}

static void forget(size_t i)
{
	free_strings(&all.item[i]);
	memmove(&all.item[i], &all.item[i + 1], (--all.n - i) * sizeof(*all.item));
}

/* Puts a copy in. False when memory is out: the position stays where it was, and lines may come twice. */
static bool put(const struct position *p)
{
	size_t i = place_of(p->key, p->device, p->inode);
	struct position copy = *p;
	copy.key = strdup(p->key);
	copy.value = strdup(p->value);
	if (copy.key && copy.value && is_at(i, p->key, p->device, p->inode)) {
		free_strings(&all.item[i]);
		all.item[i] = copy;
		return true;
	}
	if (all.n == all.capacity) {
		size_t capacity = all.capacity ? all.capacity * 2 : 64;
		struct position *grown = realloc(all.item, capacity * sizeof(*grown));
		if (grown) {
			all.item = grown;
			all.capacity = capacity;
		}
	}
	if (!copy.key || !copy.value || all.n == all.capacity) {
		free_strings(&copy);
		return false;
	}
	memmove(&all.item[i + 1], &all.item[i], (all.n - i) * sizeof(*all.item));
	all.item[i] = copy;
	all.n++;
	return true;
}

void positions_set(const struct position *p)
{
	pthread_mutex_lock(&all.lock);
	size_t unknown = place_of(p->key, 0, 0);
	if ((p->inode || p->gone) && is_at(unknown, p->key, 0, 0))
		forget(unknown);                 /* its inode is known now */
	size_t i = place_of(p->key, p->device, p->inode);
	if (p->gone && is_at(i, p->key, p->device, p->inode))
		forget(i);
	else if (!p->gone && !put(p))
		log_write(LOG_ERROR, "out of memory: a position is not kept", "file", p->key, NULL);
	all.changed = true;
	pthread_mutex_unlock(&all.lock);
}

bool positions_find(const char *key, uint64_t device, uint64_t inode, uint64_t *ret_check, char **ret_value)
{
	char *value = NULL;
	pthread_mutex_lock(&all.lock);
	size_t i = place_of(key, device, inode);
	if (!is_at(i, key, device, inode))
		i = place_of(key, 0, 0);
	if (is_at(i, key, device, inode) || is_at(i, key, 0, 0)) {
		value = strdup(all.item[i].value);
		*ret_check = all.item[i].check;
	}
	pthread_mutex_unlock(&all.lock);
	*ret_value = value;
	return value != NULL;
}

struct position *positions_copy(void)
{
	pthread_mutex_lock(&all.lock);
	struct position *copy = calloc(all.n + 1, sizeof(*copy));
	bool good = copy != NULL;
	for (size_t i = 0; good && i < all.n; i++) {
		copy[i] = all.item[i];
		copy[i].key = strdup(all.item[i].key);
		copy[i].value = strdup(all.item[i].value);
		good = copy[i].key && copy[i].value;
	}
	pthread_mutex_unlock(&all.lock);
	if (good)
		return copy;
	positions_free_copy(copy);
	return NULL;
}

void positions_free_copy(struct position *copy)
{
	for (struct position *p = copy; p && p->key; p++)
		free_strings(p);
	free(copy);
}

static bool unreadable(const char *path, const char *why)
{
	log_write(LOG_ERROR, "the positions cannot be read", "file", path, "err", why, NULL);
	return false;
}

static bool take(const struct node *root)
{
	const struct node *positions = root->first ? node_get(root->first, "positions") : NULL;
	if (positions && positions->kind != NODE_MAP)
		return positions->null;
	for (const struct node *item = positions ? positions->first : NULL; item; item = item->next) {
		if (item->kind != NODE_TEXT || item->null)
			return false;
		const struct position p = { .key = item->key, .value = item->text };
		positions_set(&p);
	}
	return true;
}

bool positions_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(DOCUMENT_MAX_SIZE) : NULL;
	if (!f && errno == ENOENT)
		return true;
	if (!f)
		return unreadable(path, strerror(errno));
	size_t n = text ? fread(text, 1, DOCUMENT_MAX_SIZE, f) : 0;
	bool good = text && !ferror(f) && n < DOCUMENT_MAX_SIZE;
	fclose(f);
	struct document_fault fault;
	struct arena arena = { 0 };
	if (!good) {
		unreadable(path, "it is larger than 16 MiB, or memory is out");
	} else {
		const struct node *root = document_read_yaml(&arena, text, n, &fault);
		good = root && take(root);
		if (!good)
			unreadable(path, root ? "it is no map from paths to offsets below 'positions'" : fault.message);
	}
	arena_free(&arena);
	free(text);
	return good;
}

static bool write_whole(const char *path, const struct text *t)
{
	char name[4200];
	snprintf(name, sizeof(name), "%s.new", path);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	size_t done = 0;
	while (done < t->length) {
		ssize_t n = write(fd, t->data + done, t->length - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	bool good = done == t->length && fsync(fd) == 0;
	int error = errno;
	close(fd);
	if (good && rename(name, path) == 0)
		return true;
	error = good ? errno : error;
	unlink(name);
	errno = error;
	return false;
}

void positions_write(const char *path)
{
	struct text t = { 0 };
	text_adds(&t, "positions:");
	pthread_mutex_lock(&writing);
	pthread_mutex_lock(&all.lock);
	bool changed = all.changed, any = false;
	for (size_t i = 0; changed && i < all.n; i++) {
		const struct position *p = &all.item[i];
		if (p->former)
			continue;
		text_adds(&t, "\n  ");
		text_add_yaml(&t, p->key, strlen(p->key));
		text_adds(&t, ": ");
		if (strspn(p->value, "0123456789") == strlen(p->value))
			text_addf(&t, "\"%s\"", p->value);
		else
			text_add_yaml(&t, p->value, strlen(p->value));
		any = true;
	}
	all.changed = false;
	pthread_mutex_unlock(&all.lock);
	text_adds(&t, any ? "\n" : " {}\n");
	bool good = !changed || (!t.failed && write_whole(path, &t));
	int error = errno;
	pthread_mutex_unlock(&writing);
	pthread_mutex_lock(&all.lock);
	bool tell = !good && !all.told;
	all.told = changed ? !good : all.told;
	all.changed = all.changed || !good;
	pthread_mutex_unlock(&all.lock);
	if (tell)
		log_write(LOG_ERROR, "the positions cannot be written", "file", path, "err", strerror(error), NULL);
	text_free(&t);
}

void positions_free(void)
{
	while (all.n)
		forget(all.n - 1);
	free(all.item);
	all.item = NULL;
	all.capacity = 0;
}
