/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of other programs, in each format that `classify rules import` knows: every file is carried over or
 * refused, and what is carried over loads. The first byte says what it is taken for.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <classify/classify.h>

#include "../../tools/classify/cli.h"
#include "../../tools/classify/import.h"

#define MAX_INPUT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *formats[] = { "bfa", "npd", "promtail", "problem-matcher", "list", NULL };

static int input = -1, output = -1;
static FILE *findings;

static void begin(void)
{
	/* What is left behind is told on standard error: thousands of lines that nobody reads here. */
	findings = stderr;
	stderr = fopen("/dev/null", "w");
	input = memfd_create("input", MFD_CLOEXEC);
	output = memfd_create("output", MFD_CLOEXEC);
	if (!stderr || input < 0 || output < 0 || dup2(output, STDOUT_FILENO) < 0)
		abort();
}

static void must_load(enum clsf_fault_level level, const struct clsf_error *fault, void *user)
{
	(void)user;
	if (level != CLSF_FAULT_ERROR)
		return;
	fprintf(findings, "a rule that was carried over does not load: %s\n", fault->message);
	abort();
}

/* What was written has to be a rule file of which every rule is good. */
static void load_output(void)
{
	static char text[1 << 20];
	struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
	struct clsf_loader *loader;
	struct clsf_error error;
	ssize_t n = pread(output, text, sizeof(text), 0);
	options.on_fault = must_load;
	options.engine = CLSF_ENGINE_LITERALS;
	if (n <= 0 || (size_t)n == sizeof(text) || clsf_loader_new(&options, &loader) != 0)
		return;
	if (clsf_loader_add_buffer(loader, "imported", text, (size_t)n, &error) != 0) {
		fprintf(findings, "what was carried over is no rule file: %s\n", error.message);
		abort();
	}
	clsf_loader_free(loader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome o = { 0 };
	char path[64];
	if (input < 0)
		begin();
	if (size == 0 || size > MAX_INPUT)
		return 0;
	if (ftruncate(input, 0) != 0 || pwrite(input, data + 1, size - 1, 0) != (ssize_t)size - 1 ||
	    ftruncate(output, 0) != 0 || lseek(output, 0, SEEK_SET) != 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", input);
	char *format = formats[data[0] % 6];
	char *arguments[] = { "import", path, "--from", format, NULL };
	command_rules_import(format ? 4 : 2, arguments, &o);
	load_output();
	return 0;
}
