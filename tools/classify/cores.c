/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cores.h. A container sees all cores of its host, of which it may use a few:
 * affinity tells of those it is pinned to, the control group of a share in all.
 */

#include "cores.h"

#include <sched.h>
#include <stdio.h>

#define MOST 16              /* each job has memory of its own */

/* Cores that are pinned to; 0 when that is not known. */
static size_t pinned(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 0;
}

/* A number from a file that has one or two of them; `ret` keeps its values where there are none. */
static int read_numbers(const char *path, long long *first, long long *second)
{
	FILE *f = fopen(path, "re");
	int n = f ? fscanf(f, "%lld %lld", first, second) : 0;
	if (f)
		fclose(f);
	return n;
}

/* Cores that a control group's quota amounts to, rounded up; 0 when there is none. */
static size_t quota(void)
{
	long long time = 0, period = 0, none;
	if (read_numbers("/sys/fs/cgroup/cpu.max", &time, &period) != 2 &&
	    (read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &time, &none) != 1 ||
	     read_numbers("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period, &none) != 1))
		return 0;
	return time > 0 && period > 0 ? (size_t)((time + period - 1) / period) : 0;
}

size_t usable_cores(void)
{
	size_t n = pinned(), share = quota();
	if (share && share < n)
		n = share;
	return n ? n : 1;
}

size_t default_jobs(void)
{
	size_t n = usable_cores();
	return n > MOST ? MOST : n;
}
