/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

/* Prints the help of a command ("" for the program's) on standard output. */
void print_help(const char *command);

void print_version(void);

#endif
