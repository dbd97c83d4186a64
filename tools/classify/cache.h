/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_CACHE_H
#define TOOL_CACHE_H

/*
 * Compiled rulesets kept from one run to the next: files named by the key of
 * what they were made of (contents, versions, engine, processor), written
 * beside and renamed, believed only where nobody else can write. Whatever goes
 * wrong with a cache means compiling, never an error.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <classify/classify.h>

/* A file's content. */
struct blob {
	char *data;
	size_t length;
};
void blob_free(struct blob *b);
/* Appends; a clsf_write_fn. */
int blob_write(const void *data, size_t length, void *user);

/*
 * The folder for the cache: `given` if it is not NULL, else classify/ below
 * XDG_CACHE_HOME or HOME/.cache. NULL when there is none to be had. Allocated.
 */
char *cache_folder(const char *given);

/* Reads the ruleset of this key. False when it is not there or not to be trusted. */
bool cache_load(const char *folder, const char *key, struct clsf_ruleset **ret_ruleset);

/* Keeps a compiled ruleset under the key; removes what was not used for long. Silent when it cannot. */
void cache_store(const char *folder, const char *key, const struct blob *compiled);

/*
 * Reads a file that may only have been written by this user or root. On
 * failure `why` tells the reason.
 */
bool read_trusted(const char *path, struct blob *ret_blob, char why[256]);

/* Writes beside the path, syncs, renames; into what is no regular file, directly. False sets errno. */
bool write_atomically(const char *path, const struct blob *content);

/* The same for a path that is a regular file or nothing yet, with these permissions. */
bool replace_file(const char *path, const struct blob *content, mode_t mode);

#endif
