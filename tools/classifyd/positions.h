/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_POSITIONS_H
#define DAEMON_POSITIONS_H

/*
 * How far each input was read and is safe: what the queue has committed, or what was delivered
 * where the queue is in memory only. They can be read from a file of promtail's and written as one,
 * a map from paths to offsets, for promtail and others to go on from.
 *
 * Threads: any.
 */

#include <stdbool.h>
#include <stdint.h>

struct position {
	const char *key;             /* the path of a file, or cursor-journal */
	uint64_t device, inode;      /* of a file; 0: not known, as in promtail's form */
	const char *value;           /* an offset, or the cursor */
	uint64_t check;              /* of the bytes before the offset; 0: not known */
	bool former;                 /* the file has another name by now */
	bool gone;                   /* it is forgotten */
};

/* Copies a position, or forgets it. */
void positions_set(const struct position *p);

/*
 * A position of a key: that of this inode, or else one whose inode is not known. False when there
 * is none. `value` becomes a copy, which the caller frees.
 */
bool positions_find(const char *key, uint64_t device, uint64_t inode, uint64_t *ret_check, char **ret_value);

/* A copy of all, ended by one without a key; positions_free_copy() frees it. NULL when memory is out. */
struct position *positions_copy(void);
void positions_free_copy(struct position *copy);

/* Reads promtail's form; a file that is not there holds none. False, told, when it cannot be read. */
bool positions_read(const char *path);

/* Writes promtail's form if something changed since the last time; the file is always whole. */
void positions_write(const char *path);

void positions_free(void);

#endif
