/* SPDX-License-Identifier: Apache-2.0 */
/* RE2::Set, one call a line: the only peer that needs C++. */

#include "peer.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <re2/re2.h>
#include <re2/set.h>

namespace {

struct State {
	RE2::Set set;
	std::vector<int> found;
	explicit State(const RE2::Options &options) : set(options, RE2::UNANCHORED) {}
};

/* This RE2 knows named captures only as (?P<name>...). */
std::string spelled(const char *expression)
{
	std::string text(expression);
	for (size_t at = 0; (at = text.find("(?<", at)) != std::string::npos; at += 3)
		if (at + 3 < text.size() && text[at + 3] != '=' && text[at + 3] != '!')
			text.insert(at + 2, "P");
	return text;
}

void *open_set(const struct peer_input *input, size_t *ret_taken)
{
	RE2::Options options;
	/* Bytes, as all others; and room for its automaton, without which it gives up on large sets. */
	options.set_encoding(RE2::Options::EncodingLatin1);
	options.set_log_errors(false);
	options.set_max_mem(int64_t{2} << 30);
	State *state = new State(options);
	size_t taken = 0;
	for (size_t i = 0; i < input->n; i++) {
		std::string error;
		/* What it refuses is left out, to its advantage; the caller prints how many it took. */
		if (state->set.Add(spelled(input->expressions[i]), &error) >= 0)
			taken++;
	}
	if (!state->set.Compile()) {
		fprintf(stderr, "re2: out of memory while compiling\n");
		delete state;
		return nullptr;
	}
	*ret_taken = taken;
	return state;
}

int scan_set(void *opaque, const char *data, size_t length, struct peer_hits *hits)
{
	State *state = static_cast<State *>(opaque);
	uint64_t line = 0;
	for (size_t at = 0; at < length; line++) {
		const void *newline = memchr(data + at, '\n', length - at);
		size_t end = newline ? static_cast<const char *>(newline) - data : length;
		RE2::Set::ErrorInfo error;
		if (state->set.Match(re2::StringPiece(data + at, end - at), &state->found, &error)) {
			for (int id : state->found)
				peer_hit(hits, id, line);
		} else if (error.kind != RE2::Set::kNoError) {
			fprintf(stderr, "re2: gave up (%d)\n", static_cast<int>(error.kind));
			return -1;
		}
		at = end + 1;
	}
	return 0;
}

void close_set(void *opaque)
{
	delete static_cast<State *>(opaque);
}

} // namespace

const struct peer peer_re2 = {
	"re2", "(expression, line)", open_set, scan_set, close_set,
};
