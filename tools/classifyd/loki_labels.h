/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOKI_LABELS_H
#define DAEMON_LOKI_LABELS_H

/* The labels of a stream as Loki writes them: {name="value", ...}, values quoted as Go quotes. */

#include <stdbool.h>
#include <stddef.h>

#include "../classify/text.h"

/*
 * Reads the next label from *at on, which moves behind it; at first it points to the text's start.
 * The value is unquoted into `value`, which is emptied first. False at the end, or where the text
 * is no labels.
 */
bool loki_labels_next(const char **at, const char *end, const char **ret_name, size_t *ret_name_length,
                      struct text *value);

/* Appends name="value", with a comma in front unless it is the first behind a {. */
void loki_labels_add(struct text *labels, const char *name, const char *value, size_t length);

/* Appends the labels as an object of JSON. */
void loki_labels_as_json(struct text *to, const char *labels, size_t length);

#endif
