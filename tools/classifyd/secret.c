/* SPDX-License-Identifier: Apache-2.0 */
/* See secret.h. */

#include "secret.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "log.h"

/* The next line that is not empty, without its end. 1, 0 at the end, -1 when it is too long. */
static int next_line(FILE *f, char to[SECRET_SIZE])
{
	while (fgets(to, SECRET_SIZE, f)) {
		size_t n = strlen(to);
		if (n == SECRET_SIZE - 1 && to[n - 1] != '\n')
			return -1;
		while (n > 0 && isspace((unsigned char)to[n - 1]))
			to[--n] = '\0';
		if (n > 0)
			return 1;
	}
	return 0;
}

static void told(const char *path, const char *why)
{
	log_write(LOG_ERROR, "a secret cannot be read", "file", path, "err", why, NULL);
}

bool secret_read(const char *path, char to[SECRET_SIZE])
{
	FILE *f = fopen(path, "re");
	if (!f) {
		told(path, strerror(errno));
		return false;
	}
	int found = next_line(f, to);
	fclose(f);
	if (found <= 0)
		told(path, found ? "a line is too long" : "it is empty");
	return found > 0;
}

/* Looks at every byte of `given`, wherever they begin to differ. */
static bool is_same(const char *given, size_t length, const char *wanted)
{
	size_t n = strlen(wanted);
	unsigned char different = n != length;
	for (size_t i = 0; i < length; i++)
		different |= (unsigned char)((unsigned char)given[i] ^ (unsigned char)wanted[n ? i % n : 0]);
	return !different;
}

static bool admits_token(const char *path, const char *authorization)
{
	char line[SECRET_SIZE];
	bool same = false;
	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return false;
	FILE *f = fopen(path, "re");
	if (!f) {
		told(path, strerror(errno));
		return false;
	}
	while (next_line(f, line) > 0)
		same |= is_same(authorization + 7, strlen(authorization + 7), line);
	fclose(f);
	return same;
}

/* What the base64 of basic authentication says. -1 when it is none. */
static int decode_base64(const char *text, char *to, size_t room)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned long bits = 0;
	unsigned n = 0;
	size_t at = 0;
	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);
		if (!digit || at == room)
			return -1;
		bits = (bits << 6 | (unsigned long)(digit - digits)) & 0xffffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			to[at++] = (char)(bits >> n & 0xff);
		}
	}
	return (int)at;
}

static bool admits_password(const struct config_identity *identity, const char *authorization)
{
	char password[SECRET_SIZE], wanted[SECRET_SIZE + 1024], given[SECRET_SIZE + 1024];
	if (strncasecmp(authorization, "Basic ", 6) != 0 || !secret_read(identity->password_file, password))
		return false;
	int n = decode_base64(authorization + 6, given, sizeof(given));
	snprintf(wanted, sizeof(wanted), "%.1000s:%s", identity->user, password);
	return n > 0 && is_same(given, (size_t)n, wanted);
}

bool secret_admits(const struct config_identity *identity, const char *authorization)
{
	if (!identity->user && !identity->token_file)
		return true;
	if (!authorization)
		return false;
	return identity->user ? admits_password(identity, authorization)
	                      : admits_token(identity->token_file, authorization);
}
