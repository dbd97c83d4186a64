/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and prints what it took: one line a run with seconds on the
 * wall, seconds of processor time (user and system), the most memory resident
 * in KiB, and the exit status (128 and more: a signal).
 *
 * This is not done by the Python of the driver, because a child inherits the
 * high-water mark of the process it was forked from, and because starting a
 * process from Python takes about as long as what is measured here.
 *
 * usage: timed [-n RUNS] [-o OUTPUT] [-c CPU] [-x FOLDER] COMMAND [ARGUMENT]...
 *   -o  where the command's standard output goes, emptied before each run
 *   -c  the processor that it has to stay on
 *   -x  a folder whose files are removed before each run
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

/* Removes the files of a folder; a folder that is not there is empty already. */
static void empty_folder(const char *path)
{
	DIR *folder = opendir(path);
	if (!folder)
		return;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}

static void run_child(char **command, const char *output)
{
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
		execvp(command[0], command);
	fprintf(stderr, "timed: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	const char *output = "/dev/null", *emptied = NULL;
	unsigned long runs = 1;
	/* The + ends the options at the command, whose own options are not ours. */
	for (int c; (c = getopt(argc, argv, "+n:o:c:x:")) != -1;) {
		if (c == 'n') {
			runs = strtoul(optarg, NULL, 10);
		} else if (c == 'o') {
			output = optarg;
		} else if (c == 'x') {
			emptied = optarg;
		} else if (c == 'c') {
			cpu_set_t set;
			CPU_ZERO(&set);
			CPU_SET(strtoul(optarg, NULL, 10), &set);
			if (sched_setaffinity(0, sizeof(set), &set)) {
				perror("timed: sched_setaffinity");
				return 2;
			}
		} else {
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "usage: timed [-n RUNS] [-o OUTPUT] [-c CPU] [-x FOLDER] COMMAND...\n");
		return 2;
	}
	for (unsigned long i = 0; i < runs; i++) {
		if (emptied)
			empty_folder(emptied);
		double begun = now();
		pid_t child = fork();
		if (child < 0) {
			perror("timed: fork");
			return 2;
		}
		if (child == 0)
			run_child(argv + optind, output);
		int status;
		struct rusage usage;
		while (wait4(child, &status, 0, &usage) < 0) {
			if (errno != EINTR) {
				perror("timed: wait4");
				return 2;
			}
		}
		printf("%.6f %.6f %ld %d\n", now() - begun, seconds(usage.ru_utime) + seconds(usage.ru_stime),
		       usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	return 0;
}
