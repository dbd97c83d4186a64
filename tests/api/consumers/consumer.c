/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else in C11: the logs of a file, by the reader, to a verdict each. */

#include <stdio.h>

#include <classify/classify.h>
#include <classify/reader.h>

int main(int argc, char **argv)
{
	struct clsf_ruleset *ruleset = NULL;
	struct clsf_worker *worker = NULL;
	struct clsf_stream *stream = NULL;
	struct clsf_reader *reader = NULL;
	struct clsf_error error = { 0 };
	const struct clsf_member *member;
	const struct clsf_verdict *verdict;
	const void *data;
	size_t length;
	int status = 2;

	if (argc != 3)
		return status;
	if (clsf_ruleset_load(argv[1], &ruleset, &error) != 0 ||
	    clsf_reader_open(argv[2], NULL, &reader, &error) != 0) {
		fprintf(stderr, "%s: %s\n", clsf_strerror(error.code), error.message);
		goto out;
	}
	if (clsf_worker_new(ruleset, NULL, &worker) != 0 || clsf_stream_new(ruleset, NULL, &stream) != 0)
		goto out;
	while (clsf_reader_next(reader, &member, &error) == 0) {
		int result;
		while ((result = clsf_reader_read(reader, &data, &length, &error)) == 0)
			if (clsf_stream_feed(stream, worker, data, length) != 0)
				goto out;
		if (result != CLSF_STOPPED || clsf_stream_finish(stream, worker, &verdict) != 0)
			goto out;
		printf("%s %s %s line %llu\n", clsf_version(), clsf_outcome_name(verdict->outcome), verdict->category,
		       (unsigned long long)verdict->line.number);
		clsf_stream_reset(stream);
		status = 0;
	}
out:
	clsf_reader_free(reader);
	clsf_stream_free(stream);
	clsf_worker_free(worker);
	clsf_ruleset_unref(ruleset);
	return status;
}
