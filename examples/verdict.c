/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest useful program: reads a log from standard input and prints what
 * failed. Build it against an installed library with
 *
 *     cc verdict.c $(pkg-config --cflags --libs libclassify)
 *
 * and run it with the path of rules: ./a.out /usr/share/classify/rules < build.log
 */

#include <stdio.h>

#include <classify/classify.h>

int main(int argc, char **argv)
{
	struct clsf_ruleset *ruleset = NULL;
	struct clsf_worker *worker = NULL;
	struct clsf_stream *stream = NULL;
	const struct clsf_verdict *verdict;
	struct clsf_error error;
	static char buffer[256 * 1024];
	size_t n;
	int status = 2;

	if (argc != 2) {
		fprintf(stderr, "usage: %s RULES < LOG\n", argv[0]);
		return status;
	}
	if (clsf_ruleset_load(argv[1], &ruleset, &error) != 0) {
		fprintf(stderr, "%s: %s\n", clsf_strerror(error.code), error.message);
		return status;
	}
	if (clsf_worker_new(ruleset, NULL, &worker) != 0 || clsf_stream_new(ruleset, NULL, &stream) != 0)
		goto out;
	while ((n = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		if (clsf_stream_feed(stream, worker, buffer, n) != 0)
			goto out;
	if (clsf_stream_finish(stream, worker, &verdict) != 0)
		goto out;

	printf("%s %s\n", clsf_outcome_name(verdict->outcome), verdict->category);
	if (verdict->line.number)
		printf("line %llu: %.*s\n", (unsigned long long)verdict->line.number,
		       (int)verdict->line.text_length, verdict->line.text);
	if (verdict->rule)
		printf("%s (%s)\n%s\n", verdict->title, verdict->rule->id, verdict->fix);
	status = 0;
out:
	clsf_stream_free(stream);
	clsf_worker_free(worker);
	clsf_ruleset_unref(ruleset);
	return status;
}
