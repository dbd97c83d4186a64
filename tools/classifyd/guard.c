/* SPDX-License-Identifier: Apache-2.0 */
/* See guard.h. Values are known by a hash of 64 bits: of a thousand, two share one once in 10^13. */

#include "guard.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (UINT64_C(3600) * 1000000000u)
#define BUCKETS 1024

/* The values of a capture: a table with open addressing, at most half full. 0 is an empty place. */
struct capture {
	struct capture *next;
	uint64_t key;                /* of the rule and the name */
	uint64_t *values;
	size_t n, capacity;
};

struct guard {
	pthread_mutex_t lock;
	size_t limit;
	uint64_t begun;
	struct capture *buckets[BUCKETS];
};

/* FNV-1a. */
static uint64_t hash(uint64_t h, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
	return h;
}

struct guard *guard_new(size_t values)
{
	struct guard *g = calloc(1, sizeof(*g));
	if (g) {
		pthread_mutex_init(&g->lock, NULL);
		g->limit = values;
	}
	return g;
}

static void forget(struct guard *g)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct capture *c = g->buckets[i], *next; c; c = next) {
			next = c->next;
			free(c->values);
			free(c);
		}
		g->buckets[i] = NULL;
	}
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	forget(g);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static struct capture *capture_of(struct guard *g, uint64_t key)
{
	struct capture **place = &g->buckets[key % BUCKETS];
	for (struct capture *c = *place; c; c = c->next)
		if (c->key == key)
			return c;
	struct capture *c = calloc(1, sizeof(*c));
	if (c) {
		c->key = key;
		c->next = *place;
		*place = c;
	}
	return c;
}

static size_t place_of(const uint64_t *values, size_t capacity, uint64_t value)
{
	size_t at = value % capacity;
	while (values[at] && values[at] != value)
		at = (at + 1) % capacity;
	return at;
}

static bool grow(struct capture *c)
{
	size_t capacity = c->capacity ? c->capacity * 2 : 16;
	uint64_t *values = calloc(capacity, sizeof(*values));
	if (!values)
		return false;
	for (size_t i = 0; i < c->capacity; i++)
		if (c->values[i])
			values[place_of(values, capacity, c->values[i])] = c->values[i];
	free(c->values);
	c->values = values;
	c->capacity = capacity;
	return true;
}

static bool admit(struct guard *g, uint64_t key, uint64_t value)
{
	struct capture *c = capture_of(g, key);
	if (!c || (2 * c->n >= c->capacity && !grow(c)))
		return false;
	size_t at = place_of(c->values, c->capacity, value);
	if (c->values[at])
		return true;
	if (c->n >= g->limit)
		return false;
	c->values[at] = value;
	c->n++;
	return true;
}

bool guard_admit(struct guard *g, const char *rule, const char *field, const char *value, size_t length,
                 uint64_t now)
{
	uint64_t key = hash(UINT64_C(14695981039346656037), rule, strlen(rule) + 1);
	key = hash(key, field, strlen(field));
	uint64_t known = hash(key, value, length);
	pthread_mutex_lock(&g->lock);
	if (!g->begun || now - g->begun > HOUR) {
		forget(g);
		g->begun = now;
	}
	bool good = admit(g, key, known ? known : 1);
	pthread_mutex_unlock(&g->lock);
	return good;
}
