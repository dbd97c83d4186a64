/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_RULES_H
#define DAEMON_RULES_H

/*
 * The rules in use. A new ruleset is made beside the old one and takes its place when it is good;
 * who still works with the old one holds a reference.
 *
 * Threads: any; loads wait for each other.
 */

#include <classify/classify.h>

#include "config.h"

/*
 * Loads what the configuration names. False when nothing came of it: the old rules stay. The first
 * load is done before there are threads, for it forks; later ones run this program once more.
 */
bool rules_load(const struct config *config);

/*
 * What that other run of the program does: compiles the rules and writes their compiled form to
 * standard output. Returns its exit status.
 */
int rules_compile(const struct config *config);

/* The rules in use, with a reference for the caller; NULL when none were loaded yet. */
struct clsf_ruleset *rules_current(void);

/* Gives the last reference back. */
void rules_free(void);

#endif
