/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world that fails, for LD_PRELOAD: what the environment names goes wrong in
 * the program, everything else goes on as ever. Calls that the C library makes
 * inside itself, as stdio does, are out of reach.
 *
 *     FAILING_MALLOC=N          the Nth allocation of the process fails
 *     FAILING_CHILD=N           the Nth allocation after a fork fails, in the child
 *     FAILING_CALL=NAME:N:ERRNO the Nth call of that name fails; 0: all of them do. "create" is any that
 *                               changes a folder or opens a file to write
 *     FAILING_SHORT=N           reads and writes move N bytes at most
 *     FAILING_EINTR=1           every other call that may wait is interrupted first
 *     FAILING_CLOCK=SECONDS     the time of day jumps ahead by so much at one reading, back at the next
 *     FAILING_REPORT=FILE       at its end each process appends what it counted, "malloc N call N open N"; the
 *                               last are descriptors
 */

/* Both names of each call are wanted here, not the one under the other's. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) (real.name ? real.name : (resolve(), real.name))

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*pread)(int, void *, size_t, off_t);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*open)(const char *, int, ...);
	int (*mkstemp)(char *);
	int (*close)(int);
	int (*fsync)(int);
	int (*fdatasync)(int);
	int (*ftruncate)(int, off_t);
	int (*mkdir)(const char *, mode_t);
	int (*rename)(const char *, const char *);
	int (*fchmod)(int, mode_t);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*clock_gettime)(clockid_t, struct timespec *);
	time_t (*time)(time_t *);
	void (*quit)(int) __attribute__((noreturn));
} real;

static bool ready, child;
static unsigned long fail_malloc, fail_child, fail_call, move_at_most;
static bool interrupts;
static long jump;
static char call_name[16];
static int call_errno;
static atomic_ulong allocations, calls, readings, waits[3];

static void resolve(void)
{
	const struct {
		void *place;
		const char *name;
	} all[] = {
		{ &real.malloc, "malloc" }, { &real.calloc, "calloc" }, { &real.realloc, "realloc" },
		{ &real.memalign, "memalign" }, { &real.aligned_alloc, "aligned_alloc" },
		{ &real.posix_memalign, "posix_memalign" }, { &real.read, "read" }, { &real.write, "write" },
		{ &real.pread, "pread64" }, { &real.pwrite, "pwrite64" }, { &real.open, "open" },
		{ &real.mkstemp, "mkstemp64" }, { &real.close, "close" }, { &real.fsync, "fsync" },
		{ &real.fdatasync, "fdatasync" }, { &real.ftruncate, "ftruncate64" }, { &real.mkdir, "mkdir" },
		{ &real.rename, "rename" }, { &real.fchmod, "fchmod" }, { &real.poll, "poll" }, { &real.clock_gettime, "clock_gettime" },
		{ &real.time, "time" }, { &real.quit, "_exit" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		void *symbol = dlsym(RTLD_NEXT, all[i].name);
		memcpy(all[i].place, &symbol, sizeof(symbol));
	}
}

static void report(void)
{
	const char *path = getenv("FAILING_REPORT");
	char line[96];
	int left = 0;
	for (int i = 3; i < 256; i++)
		left += fcntl(i, F_GETFD) >= 0;
	int fd = path ? REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
	int n = snprintf(line, sizeof(line), "%s malloc %lu call %lu open %d\n", child ? "child" : "parent",
	                 (unsigned long)allocations, (unsigned long)calls, left);
	if (fd < 0)
		return;
	if (real.write(fd, line, (size_t)n) < 0)
		abort();
	real.close(fd);
}

static void in_child(void)
{
	child = true;
	atomic_store(&allocations, 0);
}

static unsigned long number_of(const char *name)
{
	const char *value = getenv(name);
	return value ? strtoul(value, NULL, 10) : 0;
}

static int errno_of(const char *name)
{
	const struct {
		const char *name;
		int number;
	} known[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO }, { "EINTR", EINTR }, { "EMFILE", EMFILE }, { "EROFS", EROFS },
		      { "EACCES", EACCES }, { "EDQUOT", EDQUOT } };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].number;
	abort();
}

__attribute__((constructor)) static void begin(void)
{
	const char *call = getenv("FAILING_CALL"), *clock = getenv("FAILING_CLOCK");
	char name[16];
	resolve();
	fail_malloc = number_of("FAILING_MALLOC");
	fail_child = number_of("FAILING_CHILD");
	move_at_most = number_of("FAILING_SHORT");
	interrupts = number_of("FAILING_EINTR") != 0;
	jump = clock ? strtol(clock, NULL, 10) : 0;
	if (call) {
		if (sscanf(call, "%15[a-z]:%lu:%15s", call_name, &fail_call, name) != 3)
			abort();
		call_errno = errno_of(name);
	}
	pthread_atfork(NULL, NULL, in_child);
	ready = true;
}

__attribute__((destructor)) static void end(void)
{
	report();
}

void _exit(int status)
{
	report();
	REAL(quit)(status);
}

/* ---- memory ---- */

static bool refuses(void)
{
	if (!ready)
		return false;
	unsigned long n = atomic_fetch_add(&allocations, 1) + 1;
	bool refused = n == (child ? fail_child : fail_malloc);
	if (refused)
		errno = ENOMEM;
	return refused;
}

void *malloc(size_t size)
{
	return refuses() ? NULL : REAL(malloc)(size);
}

void *calloc(size_t n, size_t size)
{
	return refuses() ? NULL : REAL(calloc)(n, size);
}

void *realloc(void *pointer, size_t size)
{
	return refuses() ? NULL : REAL(realloc)(pointer, size);
}

void *memalign(size_t alignment, size_t size)
{
	return refuses() ? NULL : REAL(memalign)(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return refuses() ? NULL : REAL(aligned_alloc)(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
	return refuses() ? ENOMEM : REAL(posix_memalign)(pointer, alignment, size);
}

/* ---- files ---- */

static bool fails(const char *name)
{
	if (!ready || strcmp(name, call_name) != 0)
		return false;
	unsigned long n = atomic_fetch_add(&calls, 1) + 1;
	if (fail_call != 0 && n != fail_call)
		return false;
	errno = call_errno;
	return true;
}

/* Before what may wait: interrupted, every other time for each kind of call, or two of them might keep time. */
static bool waits_in_vain(const char *name)
{
	if (fails(name))
		return true;
	if (!ready || !interrupts || atomic_fetch_add(&waits[*name == 'r' ? 0 : *name == 'w' ? 1 : 2], 1) % 2)
		return false;
	errno = EINTR;
	return true;
}

static size_t cut(size_t length)
{
	return move_at_most && length > move_at_most ? move_at_most : length;
}

ssize_t read(int fd, void *data, size_t length)
{
	return waits_in_vain("read") ? -1 : REAL(read)(fd, data, cut(length));
}

ssize_t write(int fd, const void *data, size_t length)
{
	return waits_in_vain("write") ? -1 : REAL(write)(fd, data, cut(length));
}

ssize_t pread(int fd, void *data, size_t length, off_t offset)
{
	return waits_in_vain("read") ? -1 : REAL(pread)(fd, data, cut(length), offset);
}

ssize_t pread64(int fd, void *data, size_t length, off64_t offset)
{
	return pread(fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
	return waits_in_vain("write") ? -1 : REAL(pwrite)(fd, data, cut(length), offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
	return pwrite(fd, data, length, offset);
}

/* To read, or to change what is there. */
static const char *opening(int flags)
{
	return flags & O_CREAT || (flags & O_ACCMODE) != O_RDONLY ? "create" : "open";
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return fails(opening(flags)) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return fails(opening(flags)) ? -1 : REAL(open)(path, flags, mode);
}

int mkstemp(char *name)
{
	return fails("create") ? -1 : REAL(mkstemp)(name);
}

int mkstemp64(char *name)
{
	return mkstemp(name);
}

/* The descriptor is gone in any case. */
int close(int fd)
{
	int result = REAL(close)(fd);
	return fails("close") ? -1 : result;
}

int fsync(int fd)
{
	return fails("fsync") ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return fails("fsync") ? -1 : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t length)
{
	return fails("ftruncate") ? -1 : REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}

int mkdir(const char *path, mode_t mode)
{
	return fails("create") ? -1 : REAL(mkdir)(path, mode);
}

int rename(const char *old, const char *new)
{
	return fails("rename") ? -1 : REAL(rename)(old, new);
}

int fchmod(int fd, mode_t mode)
{
	return fails("fchmod") ? -1 : REAL(fchmod)(fd, mode);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	return waits_in_vain("poll") ? -1 : REAL(poll)(fds, n, timeout);
}

/* ---- time ---- */

static time_t jumped(void)
{
	return ready && jump && atomic_fetch_add(&readings, 1) % 2 == 0 ? (time_t)jump : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int result = REAL(clock_gettime)(clock, ret_time);
	if (result == 0 && clock == CLOCK_REALTIME)
		ret_time->tv_sec += jumped();
	return result;
}

time_t time(time_t *ret_time)
{
	time_t now = REAL(time)(NULL) + jumped();
	if (ret_time)
		*ret_time = now;
	return now;
}
