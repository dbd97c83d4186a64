/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_BATCH_H
#define DAEMON_BATCH_H

/*
 * A push body in the form in which it is classified: entries, each of a
 * stream. The formats make one of a decoded body, and a new body of one whose
 * entries were marked; what they do not know of a body they keep.
 */

#include <stdint.h>

#include <classify/rules.h>

#include "memory.h"

struct batch_field {
	const char *name;
	const char *value;
	size_t length;               /* of the value */
};

/* What is added to an entry. */
struct batch_mark {
	const char *category;
	const char *rule;
	const char *severity;
	size_t n_fields;
	const struct batch_field *fields;
};

struct batch_entry {
	const char *line;
	size_t length;
	int64_t time;                /* nanoseconds since 1970; 0: not known */
	size_t stream;               /* an index of batch.streams */
	const struct batch_mark *mark;   /* NULL: passed on as it is */
	const struct clsf_rule *start;   /* a marker of a start that was found in it, or NULL */
	bool terminal;                   /* a marker of success or failure was found in it */
};

struct batch_stream {
	const char *labels;          /* {name="value", ...}, as Loki writes it */
	size_t length;
};

enum batch_format {
	BATCH_LOKI_PROTOBUF,
	BATCH_LOKI_JSON,
	BATCH_OTLP_PROTOBUF,
	BATCH_OTLP_JSON,
	BATCH_LOKI_LEGACY_JSON,
};

/* Everything in it lives in `pool` or in the tree. */
struct batch {
	struct pool pool;
	enum batch_format format;
	struct batch_stream *streams;
	size_t n_streams;
	struct batch_entry *entries;
	size_t n_entries;
	uint64_t text_bytes;         /* of all lines */
	void *tree;                  /* the format's own */
};

enum batch_result {
	BATCH_GOOD,
	BATCH_INVALID,               /* `why` says what is wrong, and where */
	BATCH_TOO_LARGE,             /* more streams or entries than the limits */
	BATCH_NO_MEMORY,
};

struct batch_limits {
	size_t streams, entries;     /* of a body */
};

/* `body` is decompressed already, and not needed any more afterwards. */
enum batch_result batch_read(struct batch *b, enum batch_format format, const void *body, size_t length,
                             const struct batch_limits *limits, char why[256]);

/*
 * A new body in the same format, not compressed: marked entries of Loki's
 * formats go to a stream with `failure_category` in front of the others' own
 * order, unless `as_metadata`; in all formats the rest of the mark is metadata
 * of the entry. False when memory is out.
 */
bool batch_write(const struct batch *b, bool as_metadata, struct bytes *to);

/*
 * Makes a body of Loki's protobuf form, not compressed, of entries from elsewhere; those of a
 * stream stand side by side, in the order of the streams. False when memory is out.
 */
bool loki_protobuf_make(const struct batch_stream *streams, size_t n_streams, const struct batch_entry *entries,
                        size_t n_entries, struct bytes *to);

/* Ready for another body. */
void batch_reset(struct batch *b);
void batch_free(struct batch *b);

/* For the formats: room for streams and entries, counted before. */
bool batch_allocate(struct batch *b, size_t n_streams, size_t n_entries);

/* The name under which a capture is added: failure_field_NAME, valid for Loki. */
const char *batch_field_name(struct pool *p, const char *name);

/* The text of labels, {...}, with the category added. False when memory is out. */
bool batch_labels_with(struct pool *p, const char *labels, size_t length, const char *category,
                       const char **ret, size_t *ret_length);

/*
 * Whether a body in JSON has few enough values to be made a tree: each takes fifty bytes and more, and
 * may be three in the body. Where it has not, `why` says so.
 */
bool batch_json_is_modest(const void *body, size_t length, const struct batch_limits *limits, char why[256]);

/* The functions of the formats. */
enum batch_result loki_protobuf_read(struct batch *b, const void *body, size_t length,
                                     const struct batch_limits *limits, char why[256]);
bool loki_protobuf_write(const struct batch *b, bool as_metadata, struct bytes *to);
enum batch_result json_read(struct batch *b, const void *body, size_t length,
                            const struct batch_limits *limits, char why[256]);
bool loki_json_write(const struct batch *b, bool as_metadata, struct bytes *to);
/* Of the tree that json_read() made. */
enum batch_result legacy_json_read(struct batch *b, const struct batch_limits *limits, char why[256]);
bool legacy_json_write(const struct batch *b, bool as_metadata, struct bytes *to);
bool otlp_json_write(const struct batch *b, struct bytes *to);
void json_release(struct batch *b);
enum batch_result otlp_protobuf_read(struct batch *b, const void *body, size_t length,
                                     const struct batch_limits *limits, char why[256]);
bool otlp_protobuf_write(const struct batch *b, struct bytes *to);

#endif
