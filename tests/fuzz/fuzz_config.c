/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of classifyd: every one is read or refused. */

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/classifyd/config.h"
#include "../../tools/classifyd/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[64];
	struct config config;
	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		/* What is wrong is told in the log, which nobody reads here. */
		log_set_level((enum log_level)(LOG_ERROR + 1));
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!config_init(&config))
		return 0;
	if (config_read(&config, path))
		config_check(&config);
	config_free(&config);
	return 0;
}
