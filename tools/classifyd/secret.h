/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SECRET_H
#define DAEMON_SECRET_H

/*
 * Secrets, which stand in files and nowhere else: a file is read each time it is asked for, so
 * that a secret can be replaced while the daemon runs.
 *
 * Threads: any.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

#define SECRET_SIZE 4096

/* The first line of the file. False, told, when it cannot be read, is empty or too long. */
bool secret_read(const char *path, char to[SECRET_SIZE]);

/*
 * Whether an Authorization header proves what the configuration asks for; always, when it asks for
 * nothing. A bearer token may be any line of its file. Takes the same time for all wrong ones.
 */
bool secret_admits(const struct config_identity *identity, const char *authorization);

#endif
