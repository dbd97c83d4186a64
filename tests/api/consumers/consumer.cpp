/* SPDX-License-Identifier: Apache-2.0 */
/* The same in C++17: each object frees itself, a lambda is the callback, and entries are looked at in one call. */

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <classify/classify.h>
#include <classify/reader.h>

template <auto Free> struct freeing {
	template <typename T> void operator()(T *object) const { Free(object); }
};
using ruleset = std::unique_ptr<clsf_ruleset, freeing<clsf_ruleset_unref>>;
using worker = std::unique_ptr<clsf_worker, freeing<clsf_worker_free>>;
using stream = std::unique_ptr<clsf_stream, freeing<clsf_stream_free>>;
using reader = std::unique_ptr<clsf_reader, freeing<clsf_reader_free>>;

static void check(int code, const clsf_error *error = nullptr)
{
	if (code < 0)
		throw std::runtime_error(std::string(clsf_strerror(code)) + (error ? std::string(": ") + error->message : ""));
}

/* make<worker>(clsf_worker_new, arguments...): what a function of the library makes, owned. */
template <typename Owner, typename New, typename... Arguments> static Owner make(New create, Arguments... arguments)
{
	typename Owner::pointer object = nullptr;
	check(create(arguments..., &object));
	return Owner(object);
}

static int run(const char *rules, const char *path)
{
	clsf_error error{};
	clsf_ruleset *loaded = nullptr;
	check(clsf_ruleset_load(rules, &loaded, &error), &error);
	ruleset rs(loaded);
	clsf_reader *opened = nullptr;
	check(clsf_reader_open(path, nullptr, &opened, &error), &error);
	reader logs(opened);

	worker w = make<worker>(clsf_worker_new, rs.get(), nullptr);
	std::size_t matches = 0;
	clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
	options.user = &matches;
	options.on_match = [](const clsf_match *, void *user) {
		++*static_cast<std::size_t *>(user);
		return 0;
	};
	stream s = make<stream>(clsf_stream_new, rs.get(), &options);

	std::string text;
	const clsf_member *member;
	check(clsf_reader_next(logs.get(), &member, &error), &error);
	const void *data;
	std::size_t length;
	while (clsf_reader_read(logs.get(), &data, &length, &error) == 0) {
		check(clsf_stream_feed(s.get(), w.get(), data, length));
		text.append(static_cast<const char *>(data), length);
	}
	const clsf_verdict *verdict;
	check(clsf_stream_finish(s.get(), w.get(), &verdict));
	std::cout << clsf_version() << ' ' << clsf_outcome_name(verdict->outcome) << ' ' << verdict->category << " line "
	          << verdict->line.number << '\n';

	/* Lines by themselves match no fewer rules than they do in the log, but for conditions of several lines. */
	std::vector<clsf_entry> entries;
	for (std::size_t at = 0, end; at < text.size(); at = end + 1) {
		end = std::min(text.find('\n', at), text.size());
		entries.push_back({ text.data() + at, end - at, nullptr, 0, 0 });
	}
	std::size_t alone = 0;
	clsf_lines_options lines = CLSF_LINES_OPTIONS_INIT;
	lines.user = &alone;
	lines.on_match = [](std::size_t, const clsf_match *, void *user) {
		++*static_cast<std::size_t *>(user);
		return 0;
	};
	check(clsf_scan_lines(w.get(), nullptr, entries.data(), entries.size(), &lines));
	return matches > 0 && alone > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	try {
		return run(argv[1], argv[2]);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "%s\n", e.what());
		return 2;
	}
}
