/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOL_INTERRUPT_H
#define TOOL_INTERRUPT_H

/*
 * SIGINT and SIGTERM: the first is noted, so that what was found so far can still
 * be told; another, but for one that follows at once, ends the program as it does
 * by nature.
 *
 * One thread waits for the signals. Threads that read may wait in a system call
 * for a pipe that says nothing: those that joined have such calls end with EINTR,
 * again and again until they leave. The others are not disturbed, so that no
 * write is cut short.
 */

#include <stdbool.h>

/* Before any other thread is made: they are to inherit what is set here. False where it cannot be done. */
bool interrupt_begin(void);
/* All is told, and the program about to end: interrupts are not heard any more. */
void interrupt_end(void);

/* The calling thread joins and leaves. */
void interrupt_join(void);
void interrupt_leave(void);

bool interrupted(void);

#endif
