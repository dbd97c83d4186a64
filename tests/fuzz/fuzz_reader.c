/* SPDX-License-Identifier: Apache-2.0 */
/* Files and archives: read to their end, or to what is wrong with them, within the limits. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <classify/reader.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT ((uint64_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct clsf_reader_options options = CLSF_READER_OPTIONS_INIT;
	struct clsf_reader *reader;
	const struct clsf_member *member;
	const void *piece;
	size_t length, members = 0;
	uint64_t total = 0;
	if (fd < 0)
		fd = memfd_create("file", MFD_CLOEXEC);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		return 0;
	options.max_members = 100;
	options.max_member_bytes = LIMIT / 2;
	options.max_total_bytes = LIMIT;
	if (clsf_reader_open_fd(fd, "fuzz", &options, &reader, NULL) != 0)
		return 0;
	while (clsf_reader_next(reader, &member, NULL) == 0 && ++members <= 101) {
		while (clsf_reader_read(reader, &piece, &length, NULL) == 0) {
			if (length == 0 || length > (size_t)1 << 20)
				abort();
			total += length;
		}
	}
	/* The piece that passes a limit may be there in part. */
	if (members > 101 || total > LIMIT + ((uint64_t)1 << 20)) {
		fprintf(stderr, "%zu members, %llu bytes\n", members, (unsigned long long)total);
		abort();
	}
	clsf_reader_free(reader);
	return 0;
}
