/* SPDX-License-Identifier: Apache-2.0 */
/* See files.h. */

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool read_whole(const char *path, size_t most, struct blob *ret_blob, char why[160])
{
	static char chunk[65536];
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	*ret_blob = (struct blob){ 0 };
	if (!f) {
		snprintf(why, 160, "%s", strerror(errno));
		return false;
	}
	bool good = true;
	size_t n;
	errno = 0;
	while (good && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		good = blob_write(chunk, n, ret_blob) == 0;
		if (!good)
			snprintf(why, 160, "out of memory");
		else if (!(good = ret_blob->length <= most))
			snprintf(why, 160, "larger than the limit of %zu bytes", most);
	}
	if (good && ferror(f)) {
		snprintf(why, 160, "%s", strerror(errno));
		good = false;
	}
	if (f != stdin)
		fclose(f);
	if (good && blob_write("", 1, ret_blob) == 0) {
		ret_blob->length--;
	} else if (good) {
		snprintf(why, 160, "out of memory");
		good = false;
	}
	if (!good)
		blob_free(ret_blob);
	return good;
}

bool write_new(const char *path, bool force, const struct text *t)
{
	struct blob blob = { .data = t->data, .length = t->length };
	struct stat st;
	bool device = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
	if (force || device)
		return write_atomically(path, &blob);
	/* Whoever makes the name owns it: no other file can come in between. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	close(fd);
	return write_atomically(path, &blob);
}

void write_result(const char *path, bool force, const struct text *t, struct outcome *o)
{
	if (t->failed) {
		complain("out of memory");
		o->unread = true;
	} else if (!path || strcmp(path, "-") == 0) {
		fwrite(t->data, 1, t->length, stdout);
	} else if (!write_new(path, force, t)) {
		complain("%s: %s%s", path, strerror(errno), errno == EEXIST ? "; --force replaces it" : "");
		o->unread = true;
	}
}
