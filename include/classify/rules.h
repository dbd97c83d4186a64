/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLASSIFY_RULES_H
#define CLASSIFY_RULES_H

/*
 * From rule files to a ruleset.
 *
 * A loader collects rule files; clsf_loader_compile() makes the immutable
 * ruleset of them. A faulty rule hurts only itself: it is reported, counted
 * and left out ("quarantined"), the others load. For a YAML syntax fault the
 * unit that is left out is the file.
 */

#include <classify/common.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clsf_loader;
struct clsf_ruleset;

enum clsf_role {
	CLSF_ROLE_CAUSE = 0,
	CLSF_ROLE_SYMPTOM = 1,
	CLSF_ROLE_START = 2,
	CLSF_ROLE_SUCCESS = 3,
	CLSF_ROLE_FAILURE = 4,
};

enum clsf_severity {
	CLSF_SEVERITY_INFO = 0,
	CLSF_SEVERITY_LOW = 1,
	CLSF_SEVERITY_MEDIUM = 2,
	CLSF_SEVERITY_HIGH = 3,
	CLSF_SEVERITY_CRITICAL = 4,
};

/* One line of a rule's examples. Strings end in NUL and live as long as the ruleset. */
struct clsf_example {
	const char *text;
	size_t length;
	int must_match;                  /* 1: the rule has to match it; 0: it must not */
	uint32_t line;                   /* where it stands in the rule file */
	int has_fields;                  /* 1: it promises exactly the captures that follow, be it none */
	size_t n_fields;
	const char *const *field_names;
	const char *const *field_values;
};

/*
 * One rule as it was read. All strings end in NUL, are never NULL (an absent
 * text is "") and live as long as the ruleset.
 */
struct clsf_rule {
	const char *id;
	const char *pack;
	const char *title;               /* may hold ${name} of a capture */
	const char *category;            /* "" for a marker without one */
	enum clsf_role role;
	enum clsf_severity severity;
	const char *owner;               /* "user", "platform" or "upstream" */
	const char *retry;               /* "never", "now" or "later" */
	const char *cause;               /* runbook */
	const char *fix;
	const char *prevent;
	const char *url;
	const char *file;
	uint32_t line;
	size_t n_expressions;            /* positive terms, each once, as the judge compiles them */
	const char *const *expressions;
	size_t n_explains;
	const char *const *explains;     /* ids of rules, or globs over ids */
	size_t n_examples;
	const struct clsf_example *examples;
};

/* What a fault does: a warning changes nothing, an error quarantines. */
enum clsf_fault_level {
	CLSF_FAULT_WARNING = 0,
	CLSF_FAULT_ERROR = 1,
};

/*
 * Called for each fault that is found while rules load, in the order of the
 * files. `fault` is valid during the call.
 */
typedef void (*clsf_fault_fn)(enum clsf_fault_level level,
                              const struct clsf_error *fault, void *user);

/* Which engine finds the candidates. */
enum clsf_engine {
	CLSF_ENGINE_AUTO = 0,            /* Hyperscan where the processor and the self-test allow it */
	CLSF_ENGINE_PCRE2 = 1,           /* every expression on every line: slow, the second opinion */
	CLSF_ENGINE_LITERALS = 2,        /* the engine gets literals only, which compile in bounded time */
};

/*
 * Options of a loader. Set `size` with CLSF_LOADER_OPTIONS_INIT; what is zero
 * or NULL takes the default.
 */
struct clsf_loader_options {
	size_t size;
	const struct clsf_allocator *allocator;
	clsf_fault_fn on_fault;
	void *user;                      /* passed to on_fault */
	int strict;                      /* 1: any fault makes clsf_loader_compile() fail */
	enum clsf_engine engine;
	int allow_empty;                 /* 1: clsf_loader_compile() makes a ruleset of no rules, too */
	int defer;                       /* 1: files are only read when added; clsf_loader_compile() parses them */
	uint32_t max_rules;              /* default 100,000 */
	size_t max_file_size;            /* bytes of one rule file; default 16 MiB */
	uint32_t match_limit;            /* steps of PCRE2 for one expression on one line; default 1,000,000 */
};
#define CLSF_LOADER_OPTIONS_INIT CLSF__INIT(struct clsf_loader_options)

/*
 * Makes a loader. `options` may be NULL. Free with clsf_loader_free().
 *
 * Returns 0, CLSF_E_INVALID, CLSF_E_NOMEM.
 *
 * Threads: a loader belongs to one thread at a time.
 */
CLSF_API int clsf_loader_new(const struct clsf_loader_options *options,
                             struct clsf_loader **ret_loader);

/*
 * Reads a rule file, or a folder's rule files (recursive, names that end in
 * .yaml or .yml, sorted bytewise; links to folders are not followed). Faults
 * in rules go to on_fault and are no failure of this call.
 *
 * Returns 0; CLSF_E_IO when the path or something below it cannot be read
 * (what can be read is loaded), CLSF_E_NOMEM, CLSF_E_LIMIT, CLSF_E_INVALID.
 *
 * Threads: one at a time.
 */
CLSF_API int clsf_loader_add_path(struct clsf_loader *loader, const char *path,
                                  struct clsf_error *err);

/*
 * Reads rules from memory; `name` stands for the file name in faults.
 *
 * Returns 0, CLSF_E_NOMEM, CLSF_E_LIMIT, CLSF_E_INVALID.
 *
 * Threads: one at a time.
 */
CLSF_API int clsf_loader_add_buffer(struct clsf_loader *loader, const char *name,
                                    const void *data, size_t length,
                                    struct clsf_error *err);

/*
 * Compiles what was added. The loader is used up: only clsf_loader_free() may
 * follow. The ruleset has one reference, the caller's.
 *
 * Returns 0; CLSF_E_NO_RULES when not one rule is left (see `allow_empty`), CLSF_E_RULE under
 * `strict` when there was a fault, CLSF_E_ENGINE, CLSF_E_NOMEM,
 * CLSF_E_INVALID.
 *
 * Threads: one at a time.
 */
CLSF_API int clsf_loader_compile(struct clsf_loader *loader,
                                 struct clsf_ruleset **ret_ruleset,
                                 struct clsf_error *err);

/*
 * Writes 64 hexadecimal digits and NUL: a hash of the names and contents of the
 * files that were added, of the options, the build of the library, the version
 * of the engine, and the processor. Equal keys compile to equal rulesets: the name under which
 * a compiled ruleset may be kept. Only for a loader with `defer`.
 *
 * Returns 0, CLSF_E_INVALID.
 *
 * Threads: one at a time.
 */
CLSF_API int clsf_loader_key(const struct clsf_loader *loader, char ret_key[65]);

/* Rules left out so far (with `defer`, known after compiling). Threads: one at a time. */
CLSF_API size_t clsf_loader_quarantined(const struct clsf_loader *loader);

/* Frees a loader; NULL is fine. Threads: one at a time. */
CLSF_API void clsf_loader_free(struct clsf_loader *loader);

/*
 * The common case in one call: reads `path`, compiles, and returns the
 * ruleset. Faulty rules are left out silently but counted.
 *
 * Returns as clsf_loader_add_path() and clsf_loader_compile() do.
 *
 * Threads: any.
 */
CLSF_API int clsf_ruleset_load(const char *path, struct clsf_ruleset **ret_ruleset,
                               struct clsf_error *err);

/* Takes the next bytes of a compiled ruleset; anything but 0 ends the writing. */
typedef int (*clsf_write_fn)(const void *data, size_t length, void *user);

/*
 * Writes a ruleset in its compiled form, for clsf_ruleset_restore(): rules,
 * their examples, and the engine's databases, with checksum, versions,
 * platform, and a probe. The format is this library's own and may change with
 * every version.
 *
 * Returns 0; CLSF_STOPPED when `write` ended it; CLSF_E_NOMEM, CLSF_E_ENGINE,
 * CLSF_E_INVALID.
 *
 * Threads: any.
 */
CLSF_API int clsf_ruleset_save(const struct clsf_ruleset *ruleset, clsf_write_fn write, void *user);

/*
 * Makes a ruleset of its compiled form, which is borrowed for the call. Nothing
 * in it is believed unchecked, but it decides what matches: it must come from
 * where nobody else can write. When it was made for another engine or
 * processor, or its probe does not find what it should, the databases are
 * compiled anew from the rules in it.
 *
 * Returns 0; CLSF_RECOMPILED when that was done (the ruleset is good; worth
 * saving again); CLSF_E_SYNTAX when it is no compiled ruleset of this version, or
 * is damaged; CLSF_E_NOMEM, CLSF_E_ENGINE, CLSF_E_INVALID.
 *
 * Threads: any.
 */
CLSF_API int clsf_ruleset_restore(const struct clsf_allocator *allocator, const void *data,
                                  size_t length, struct clsf_ruleset **ret_ruleset,
                                  struct clsf_error *err);

/* One more reference; returns its argument. Threads: any. */
CLSF_API struct clsf_ruleset *clsf_ruleset_ref(struct clsf_ruleset *ruleset);

/* One reference less; the last one frees. NULL is fine. Threads: any. */
CLSF_API void clsf_ruleset_unref(struct clsf_ruleset *ruleset);

/* How many rules it holds. Threads: any. */
CLSF_API size_t clsf_ruleset_count(const struct clsf_ruleset *ruleset);

/* How many rules were quarantined when it was loaded. Threads: any. */
CLSF_API size_t clsf_ruleset_quarantined(const struct clsf_ruleset *ruleset);

/*
 * The rule at `index`, in the order of reading; NULL past the end. Lives as
 * long as the ruleset.
 *
 * Threads: any.
 */
CLSF_API const struct clsf_rule *clsf_ruleset_rule(const struct clsf_ruleset *ruleset,
                                                   size_t index);

/* The rule with this id, or NULL. Threads: any. */
CLSF_API const struct clsf_rule *clsf_ruleset_find(const struct clsf_ruleset *ruleset,
                                                   const char *id);

/*
 * "sha256:" and 64 hexadecimal digits over the canonical rules sorted by id:
 * independent of engine, path, order of files and comments.
 *
 * Threads: any.
 */
CLSF_API const char *clsf_ruleset_hash(const struct clsf_ruleset *ruleset);

/*
 * What one rule is, in two hashes of 64 hexadecimal digits and NUL each.
 * `ret_condition` is over what decides which lines of which logs the rule
 * matches: two rules with the same one match the same. `ret_whole` is over all
 * that clsf_ruleset_hash() is made of: while it stays, so does every verdict
 * that the rule has a part in. Neither knows of examples, files or places.
 *
 * Returns 0; CLSF_E_LIMIT when there is no rule at `index`; CLSF_E_INVALID.
 *
 * Threads: any.
 */
CLSF_API int clsf_ruleset_rule_hash(const struct clsf_ruleset *ruleset, size_t index,
                                    char ret_condition[65], char ret_whole[65]);

/*
 * Makes a ruleset of some rules of another, those at `indexes`, in that order;
 * the other one is copied from and may be freed. A log of which none of these
 * rules matches anything has the same verdict with and without them (below the
 * limits, whose passing the verdict's warnings tell): so whether a change of a
 * few rules concerns a log is found out without the others.
 *
 * Returns 0; CLSF_E_LIMIT when there is no rule at one of the indexes;
 * CLSF_E_ENGINE, CLSF_E_NOMEM, CLSF_E_INVALID.
 *
 * Threads: any.
 */
CLSF_API int clsf_ruleset_subset(const struct clsf_ruleset *ruleset, const size_t *indexes, size_t n,
                                 enum clsf_engine engine, struct clsf_ruleset **ret_ruleset,
                                 struct clsf_error *err);

/* How lines are found on which an expression might match. */
enum clsf_plan {
	CLSF_PLAN_NONE = 0,              /* not looked for: only ever an `unless` */
	CLSF_PLAN_LITERALS = 1,          /* by literals that every match holds */
	CLSF_PLAN_RELAXED = 2,           /* by a looser form of it that the engine takes */
	CLSF_PLAN_GATED = 3,             /* in the lines of open windows: a common later term of a sequence */
	CLSF_PLAN_ALWAYS = 4,            /* not at all: every line is judged */
};

/* A distinct expression of a ruleset. Texts live as long as the ruleset. */
struct clsf_expression {
	const struct clsf_rule *rule;    /* the first that uses it */
	const char *expression;
	enum clsf_plan plan;
	unsigned bits;                   /* how rare its literals are: about -log2 of the chance at a byte; 0: none */
};

/*
 * The expression at `index`, in no particular order.
 *
 * Returns 0; CLSF_E_LIMIT when there is none; CLSF_E_INVALID.
 *
 * Threads: any.
 */
CLSF_API int clsf_ruleset_expression(const struct clsf_ruleset *ruleset, size_t index,
                                     struct clsf_expression *ret_expression);

/* The categories: a closed list, NULL at its end. Threads: any. */
CLSF_API const char *const *clsf_categories(void);

/* "cause", "symptom", "start", "success", "failure". Threads: any. */
CLSF_API const char *clsf_role_name(enum clsf_role role);

/* "critical", "high", "medium", "low", "info". Threads: any. */
CLSF_API const char *clsf_severity_name(enum clsf_severity severity);

#ifdef __cplusplus
}
#endif

#endif
