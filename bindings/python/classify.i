/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public headers of libclassify, for Python: what they declare becomes
 * functions and constants of the module classify.native. Objects come as three
 * types, Ruleset, Loader and Scanner (a worker and a stream), which keep what
 * they need alive and refuse to be used by two threads at once. Everything
 * that a program sees is made of that in Python; this file only converts.
 *
 * The interpreter's lock is released while rules compile and while much is
 * scanned; for a short text, releasing it would cost more than the scan.
 */
%module(package="classify", docstring="What libclassify declares; classify itself is what programs use.") native

%begin %{
#define PY_SSIZE_T_CLEAN
%}

%{
#include <classify/classify.h>
#include <classify/reader.h>

#include "collector.h"
#include "input.h"
#include "scanner.h"
#include "values.h"

#define UNLOCKED_FROM ((size_t)32 * 1024)   /* below it, a scan keeps the interpreter's lock */
#define CHUNK ((size_t)16 * 1024 * 1024)    /* scanned between two looks for a signal */
%}

%exception {
	$action
	if (PyErr_Occurred())
		SWIG_fail;
}

/* ---- what converts ---- */

%typemap(in) struct input *text (struct input local) {
	$1 = &local;
	if (!input_begin($1, $input))
		SWIG_fail;
}
%typemap(arginit) struct input *text "memset(&local$argnum, 0, sizeof(local$argnum));"
%typemap(freearg) struct input *text "input_done($1 ? $1 : &local$argnum);"

%typemap(in) const char *path (PyObject *bytes) {
	if (!PyUnicode_FSConverter($input, &bytes))
		SWIG_fail;
	$1 = PyBytes_AS_STRING(bytes);
}
%typemap(arginit) const char *path "bytes$argnum = NULL;"
%typemap(freearg) const char *path "Py_XDECREF(bytes$argnum);"

%typemap(out) PyObject * "$result = $1;"

%typemap(out) const char *const * {
	size_t n = 0;
	while ($1[n])
		n++;
	$result = strings_value((const char *const *)$1, n);
}

/* None is no object of ours. */
%typemap(check) struct clsf_ruleset *, const struct clsf_ruleset *, struct loading *, struct scanner *, struct reading * {
	if (!$1) {
		PyErr_SetString(PyExc_TypeError, "not an object that was made as such");
		SWIG_fail;
	}
}

/* ---- the headers ---- */

/* What passes structs or callbacks is reached through the types below. */
%rename("$ignore", regextarget=1, fullname=1, %$isfunction)
	"^clsf_(loader|worker|stream|scan|reader)_|^clsf_ruleset_(load|save|restore|ref|unref|rule|rule_hash|find|expression|subset)$|^clsf_(redact|line_time|time_between|is_utf16|is_binary)$";
%rename("$ignore", regextarget=1, fullname=1, %$isclass)
	"^clsf_(error|allocator|example|rule|expression|field|line|match|matched|warning|also|verdict|cost|work|time|entry|member|.*_options)$";
%nodefaultctor;
%nodefaultdtor;

%include <stdint.i>
%rename(Ruleset) clsf_ruleset;
struct clsf_ruleset {};
%include <classify/common.h>
%include <classify/rules.h>
%include <classify/scan.h>
%include <classify/reader.h>

/* ---- rules ---- */

%extend clsf_ruleset {
	/* From the compiled form. */
	clsf_ruleset(struct input *text)
	{
		struct clsf_ruleset *ruleset = NULL;
		struct clsf_error error;
		int code;
		Py_BEGIN_ALLOW_THREADS
		code = clsf_ruleset_restore(NULL, text->data, text->length, &ruleset, &error);
		Py_END_ALLOW_THREADS
		if (code < 0)
			raise_error(code, &error);
		return ruleset;
	}

	~clsf_ruleset()
	{
		clsf_ruleset_unref($self);
	}

	/* The compiled form, as bytes. */
	PyObject *to_bytes()
	{
		struct bytes saved = { 0 };
		PyObject *value = NULL;
		int code;
		Py_BEGIN_ALLOW_THREADS
		code = clsf_ruleset_save($self, bytes_write, &saved);
		Py_END_ALLOW_THREADS
		if (code)
			raise_error(code == CLSF_STOPPED ? CLSF_E_NOMEM : code, NULL);
		else
			value = PyBytes_FromStringAndSize(saved.data, (Py_ssize_t)saved.length);
		free(saved.data);
		return value;
	}

	/* A rule by its place or its id, as a dict; None when there is none. */
	PyObject *rule_at(size_t index)
	{
		const struct clsf_rule *rule = clsf_ruleset_rule($self, index);
		return rule ? rule_value(rule) : none_value();
	}

	PyObject *rule_of(const char *id)
	{
		const struct clsf_rule *rule = id ? clsf_ruleset_find($self, id) : NULL;
		return rule ? rule_value(rule) : none_value();
	}
}

%{
/* A loader with the faults that it told. */
struct loading {
	struct clsf_loader *loader;
	struct collector told;
	bool used_up;
};

static void loading_raise(int code, const struct clsf_error *error)
{
	if (code)
		raise_error(code, error);
}
%}

%rename(Loader) loading;
struct loading {};
%newobject loading::compile;
%extend loading {
	loading(int engine, int strict)
	{
		struct loading *made = calloc(1, sizeof(*made));
		struct clsf_loader_options options = CLSF_LOADER_OPTIONS_INIT;
		int code = CLSF_E_NOMEM;
		if (made) {
			options.on_fault = collector_fault;
			options.user = &made->told;
			options.engine = (enum clsf_engine)engine;
			options.strict = strict;
			options.defer = 1;
			code = clsf_loader_new(&options, &made->loader);
		}
		if (code) {
			free(made);
			made = NULL;
			raise_error(code, NULL);
		}
		return made;
	}

	~loading()
	{
		if ($self) {
			clsf_loader_free($self->loader);
			collector_done(&$self->told);
			free($self);
		}
	}

	void add_path(const char *path)
	{
		struct clsf_error error;
		loading_raise($self->used_up ? CLSF_E_INVALID : clsf_loader_add_path($self->loader, path, &error),
		              $self->used_up ? NULL : &error);
	}

	void add_text(const char *name, struct input *text)
	{
		struct clsf_error error;
		loading_raise($self->used_up || !name ? CLSF_E_INVALID
		              : clsf_loader_add_buffer($self->loader, name, text->data, text->length, &error),
		              $self->used_up || !name ? NULL : &error);
	}

	/* The name under which the compiled form may be kept. */
	PyObject *key()
	{
		char key[65];
		int code = $self->used_up ? CLSF_E_INVALID : clsf_loader_key($self->loader, key);
		if (code)
			raise_error(code, NULL);
		return code ? NULL : PyUnicode_FromString(key);
	}

	struct clsf_ruleset *compile()
	{
		struct clsf_ruleset *ruleset = NULL;
		struct clsf_error error;
		int code;
		if ($self->used_up) {
			raise_error(CLSF_E_INVALID, NULL);
			return NULL;
		}
		$self->used_up = true;
		Py_BEGIN_ALLOW_THREADS
		code = clsf_loader_compile($self->loader, &ruleset, &error);
		Py_END_ALLOW_THREADS
		if (code)
			raise_error(code, &error);
		return ruleset;
	}

	/* (level, code, file, line, column, rule, message) of each fault so far. */
	PyObject *faults()
	{
		size_t n = $self->told.faults.length / sizeof(struct kept_fault);
		PyObject *list = PyList_New((Py_ssize_t)n);
		for (size_t i = 0; list && i < n; i++) {
			struct kept_fault fault;
			memcpy(&fault, $self->told.faults.data + i * sizeof(fault), sizeof(fault));
			PyObject *one = fault_value(&fault);
			if (one)
				PyList_SET_ITEM(list, (Py_ssize_t)i, one);
			else
				Py_CLEAR(list);
		}
		return list;
	}
}

/* ---- files ---- */

%{
/* A reader with what it remarked. */
struct reading {
	struct clsf_reader *reader;
	struct bytes remarks;        /* struct kept_remark, the name and the reason, one after the other */
	bool lost;                   /* there was no memory for one */
	bool ahead;
	bool in_call;
};

struct kept_remark {
	enum clsf_remark what;
	size_t name_length, why_length;
};

static void on_remark(enum clsf_remark what, const char *name, const char *why, void *user)
{
	struct reading *r = user;
	struct kept_remark kept;
	memset(&kept, 0, sizeof(kept));
	kept.what = what;
	kept.name_length = strlen(name);
	kept.why_length = strlen(why);
	size_t begun = r->remarks.length;
	if (bytes_add(&r->remarks, &kept, sizeof(kept)) && bytes_add(&r->remarks, name, kept.name_length) &&
	    bytes_add(&r->remarks, why, kept.why_length))
		return;
	r->remarks.length = begun;
	r->lost = true;
}

/* One thread at a time; the interpreter's lock is held. */
static int reading_enter(struct reading *r)
{
	if (r->in_call)
		raise_error(CLSF_E_BUSY, NULL);
	else
		r->in_call = true;
	return !PyErr_Occurred();
}

/* Whether a call that a signal interrupted is to be made again: not if the signal's handler raised. */
static int again(int code)
{
	return code == CLSF_E_BUSY && PyErr_CheckSignals() == 0;
}

/* Raises what a reader says of a file. */
static void raise_of_file(int code, struct clsf_error *error, const char *name)
{
	if (!*error->file && name)
		snprintf(error->file, sizeof(error->file), "%s", name);
	raise_error(code, error);
}
%}

%rename(Reader) reading;
struct reading {};
%extend reading {
	/* `ahead`: a thread decompresses ahead of the scan. */
	reading(bool ahead)
	{
		struct reading *made = calloc(1, sizeof(*made));
		if (made)
			made->ahead = ahead;
		else
			PyErr_NoMemory();
		return made;
	}

	~reading()
	{
		if ($self) {
			clsf_reader_free($self->reader);
			free($self->remarks.data);
			free($self);
		}
	}

	/* Another file, whatever became of the one before. */
	void open(const char *path)
	{
		struct clsf_reader_options options = CLSF_READER_OPTIONS_INIT;
		struct clsf_error error = { 0 };
		int code;
		if (!reading_enter($self))
			return;
		options.on_remark = on_remark;
		options.user = $self;
		options.ahead = $self->ahead;
		$self->remarks.length = 0;
		do {
			Py_BEGIN_ALLOW_THREADS
			code = $self->reader ? clsf_reader_reopen($self->reader, path, &error)
			                     : clsf_reader_open(path, &options, &$self->reader, &error);
			Py_END_ALLOW_THREADS
		} while (again(code));
		$self->in_call = false;
		if (code)
			raise_of_file(code, &error, path);
	}

	/* The name of the next log; None when there is no more. */
	PyObject *next()
	{
		const struct clsf_member *member = NULL;
		struct clsf_error error = { 0 };
		int code = CLSF_E_INVALID;
		if (!reading_enter($self))
			return NULL;
		do {
			Py_BEGIN_ALLOW_THREADS
			if ($self->reader)
				code = clsf_reader_next($self->reader, &member, &error);
			Py_END_ALLOW_THREADS
		} while (again(code));
		$self->in_call = false;
		if (code == 0)
			return PyUnicode_DecodeFSDefault(member->name);
		if (code == CLSF_STOPPED)
			return none_value();
		raise_of_file(code, &error, NULL);
		return NULL;
	}

	/* (what, name, why) of each remark since the last time. */
	PyObject *remarks()
	{
		PyObject *list = PyList_New(0);
		if ($self->lost) {
			Py_CLEAR(list);
			PyErr_NoMemory();
		}
		for (size_t at = 0; list && at < $self->remarks.length;) {
			struct kept_remark kept;
			memcpy(&kept, $self->remarks.data + at, sizeof(kept));
			const char *name = $self->remarks.data + at + sizeof(kept);
			PyObject *one = Py_BuildValue("(iNN)", (int)kept.what,
			                              PyUnicode_DecodeFSDefaultAndSize(name, (Py_ssize_t)kept.name_length),
			                              text_value(name + kept.name_length, kept.why_length));
			if (!one || PyList_Append(list, one) != 0)
				Py_CLEAR(list);
			Py_XDECREF(one);
			at += sizeof(kept) + kept.name_length + kept.why_length;
		}
		$self->remarks.length = 0;
		return list;
	}
}

/* ---- scanning ---- */

enum scan_state { SCAN_END = 0, SCAN_MORE = 1, SCAN_BINARY = 2 };

%{
/* One thread at a time; the interpreter's lock is held. */
static int enter(struct scanner *s)
{
	if (s->in_call)
		raise_error(CLSF_E_BUSY, NULL);
	else
		s->in_call = true;
	return !PyErr_Occurred();
}

static PyObject *leave(struct scanner *s, PyObject *value)
{
	s->in_call = false;
	return value;
}

static int feed_unlocked(struct scanner *s, const char *data, size_t length)
{
	int code;
	if (length < UNLOCKED_FROM)
		return scan_feed(s, data, length);
	Py_BEGIN_ALLOW_THREADS
	code = scan_feed(s, data, length);
	Py_END_ALLOW_THREADS
	return code;
}

/* Feeds, looking for signals now and then. False with an exception set. */
static int feed(struct scanner *s, const char *data, size_t length)
{
	if (s->finished) {
		raise_error(CLSF_E_INVALID, NULL);
		return 0;
	}
	for (size_t at = 0; at < length;) {
		size_t n = length - at < CHUNK ? length - at : CHUNK;
		int code = feed_unlocked(s, data + at, n);
		at += n;
		if (code) {
			raise_error(code, NULL);
			return 0;
		}
		if (n >= UNLOCKED_FROM && PyErr_CheckSignals() != 0)
			return 0;
	}
	return 1;
}

static PyObject *finish(struct scanner *s)
{
	const struct clsf_verdict *verdict;
	int code;
	if (s->finished) {
		raise_error(CLSF_E_INVALID, NULL);
		return NULL;
	}
	code = scan_finish(s, &verdict);
	if (code) {
		raise_error(code, NULL);
		return NULL;
	}
	return verdict_value(verdict);
}

/* All that was told, as a list; NULL with an exception set. */
static PyObject *told(struct scanner *s)
{
	PyObject *list = PyList_New((Py_ssize_t)s->told.n_matches);
	struct match_view view;
	size_t at = 0;
	for (Py_ssize_t i = 0; list && collector_next(&s->told, &at, &view); i++) {
		PyObject *one = match_value(&view);
		if (one)
			PyList_SET_ITEM(list, i, one);
		else
			Py_CLEAR(list);
	}
	return list;
}

/* The same by entry: a dict of lists. */
static PyObject *told_by_entry(struct scanner *s)
{
	PyObject *dict = PyDict_New(), *list = NULL;
	struct match_view view;
	size_t at = 0;
	uint64_t entry = UINT64_MAX;
	while (dict && collector_next(&s->told, &at, &view)) {
		PyObject *one = match_value(&view), *key = NULL;
		int good = one != NULL;
		if (good && view.match.entry != entry) {
			entry = view.match.entry;
			key = PyLong_FromUnsignedLongLong(entry);
			list = PyList_New(0);
			good = key && list && PyDict_SetItem(dict, key, list) == 0;
			Py_XDECREF(key);
			Py_XDECREF(list);        /* the dict has it */
		}
		if (!good || PyList_Append(list, one) != 0)
			Py_CLEAR(dict);
		Py_XDECREF(one);
	}
	return dict;
}

/* Limits that were passed on lines by themselves, which have no verdict to tell them. */
static int warn(const struct scanner *s)
{
	return s->told.warnings == 0 || PyErr_WarnEx(PyExc_RuntimeWarning, s->told.warning, 2) == 0;
}

/* The entries of a tuple of texts; false with an exception set. */
static int entries_begin(PyObject *tuple, struct input *inputs, struct clsf_entry *entries, size_t *ret_length)
{
	*ret_length = 0;
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
		if (!input_begin(&inputs[i], PyTuple_GET_ITEM(tuple, i)))
			return 0;
		entries[i].data = inputs[i].data;
		entries[i].length = inputs[i].length;
		*ret_length += inputs[i].length;
	}
	return 1;
}
%}

%rename(Scanner) scanner;
struct scanner {};
%extend scanner {
	scanner(struct clsf_ruleset *ruleset, int keep, int no_unwrap, int redact, unsigned context, size_t max_line)
	{
		struct scanner *made = NULL;
		struct clsf_stream_options options = CLSF_STREAM_OPTIONS_INIT;
		options.no_unwrap = no_unwrap;
		options.redact = redact;
		options.context = context;
		options.max_line = max_line;
		int code = scanner_new(ruleset, &options, keep, &made);
		if (code)
			raise_error(code, NULL);
		return made;
	}

	~scanner()
	{
		scanner_free($self);
	}

	void reset()
	{
		if (enter($self)) {
			scan_reset($self);
			leave($self, NULL);
		}
	}

	void feed(struct input *text)
	{
		if (enter($self)) {
			feed($self, text->data, text->length);
			leave($self, NULL);
		}
	}

	/*
	 * Feeds about `size` bytes of the reader's log at hand; gives SCAN_END,
	 * SCAN_MORE or SCAN_BINARY. Python looks for signals between two calls.
	 */
	int read(struct reading *reading, size_t size)
	{
		enum scan_state state = SCAN_MORE;
		struct clsf_error error = { 0 };
		int code = CLSF_E_INVALID;
		if (!enter($self))
			return 0;
		if (reading_enter(reading)) {
			Py_BEGIN_ALLOW_THREADS
			if (reading->reader && !$self->finished)
				code = scan_read($self, reading->reader, size, &state, &error);
			Py_END_ALLOW_THREADS
			reading->in_call = false;
			/* A signal: the caller's next call goes on, if its handler does not raise. */
			if (code && !again(code) && !PyErr_Occurred())
				raise_error(code, &error);
		}
		leave($self, NULL);
		return state;
	}

	void truncated(const char *message)
	{
		int code = message ? clsf_stream_truncated($self->stream, message) : CLSF_E_INVALID;
		if (code)
			raise_error(code, NULL);
	}

	PyObject *finish()
	{
		return enter($self) ? leave($self, finish($self)) : NULL;
	}

	/* The whole of a log: its verdict. */
	PyObject *scan(struct input *text)
	{
		if (!enter($self))
			return NULL;
		scan_reset($self);
		return leave($self, feed($self, text->data, text->length) ? finish($self) : NULL);
	}

	/* What was told since the last time. */
	PyObject *take()
	{
		if (!enter($self))
			return NULL;
		PyObject *list = told($self);
		collector_reset(&$self->told);
		return leave($self, list);
	}

	/* What a text alone tells; None when it is nothing, which is quick. */
	PyObject *match(struct input *text)
	{
		if (!enter($self))
			return NULL;
		collector_reset(&$self->told);
		struct clsf_entry entry = { .data = text->data, .length = text->length };
		int code;
		if (text->length < UNLOCKED_FROM) {
			code = scan_entries($self, &entry, 1);
		} else {
			Py_BEGIN_ALLOW_THREADS
			code = scan_entries($self, &entry, 1);
			Py_END_ALLOW_THREADS
		}
		if (code)
			raise_error(code, NULL);
		return leave($self, code || !warn($self) ? NULL : $self->told.n_matches ? told($self) : none_value());
	}

	/* What each text of a tuple alone tells: a dict of lists, for those that tell something. */
	PyObject *match_many(PyObject *texts)
	{
		if (!PyTuple_Check(texts)) {
			PyErr_SetString(PyExc_TypeError, "a tuple of texts is needed");
			return NULL;
		}
		size_t n = (size_t)PyTuple_GET_SIZE(texts), length;
		struct input *inputs = PyMem_Calloc(n ? n : 1, sizeof(*inputs));
		struct clsf_entry *entries = PyMem_Calloc(n ? n : 1, sizeof(*entries));
		PyObject *dict = NULL;
		int code = 0;
		if (!inputs || !entries)
			PyErr_NoMemory();
		else if (entries_begin(texts, inputs, entries, &length) && enter($self)) {
			collector_reset(&$self->told);
			if (length < UNLOCKED_FROM) {
				code = scan_entries($self, entries, n);
			} else {
				Py_BEGIN_ALLOW_THREADS
				code = scan_entries($self, entries, n);
				Py_END_ALLOW_THREADS
			}
			if (code)
				raise_error(code, NULL);
			else if (warn($self))
				dict = told_by_entry($self);
			leave($self, NULL);
		}
		for (size_t i = 0; inputs && i < n; i++)
			input_done(&inputs[i]);
		PyMem_Free(inputs);
		PyMem_Free(entries);
		return dict;
	}
}

%inline %{
/* A text with its secrets hidden, as bytes. */
PyObject *redact(struct input *text)
{
	/* At worst every few bytes become "[redacted]". */
	size_t capacity = text->length * 2 + 64, length = 0;
	for (;;) {
		PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity);
		int code = bytes ? clsf_redact(text->data, text->length, PyBytes_AS_STRING(bytes), capacity, &length) : 0;
		if (bytes && code == 0 && length <= capacity) {
			_PyBytes_Resize(&bytes, (Py_ssize_t)length);
			return bytes;
		}
		Py_XDECREF(bytes);
		if (!bytes || code) {
			if (code)
				raise_error(code, NULL);
			return NULL;
		}
		capacity = length;
	}
}

bool is_binary(struct input *text)
{
	return clsf_is_binary(text->data, text->length);
}
%}

/* ---- objects that __init__ never saw ---- */

%{
/*
 * SWIG takes the type of an object from a member that its __init__ sets. A
 * subclass may forget to call that, so the member is set earlier; such an
 * object is then as wrong as None, and no crash.
 */
#define NEW_OBJECT(name, type) \
	static PyObject *name(PyTypeObject *python_type, PyObject *arguments, PyObject *keywords) \
	{ \
		PyObject *made = PyType_GenericNew(python_type, arguments, keywords); \
		if (made) \
			((SwigPyObject *)made)->ty = type; \
		return made; \
	}

NEW_OBJECT(new_ruleset_object, SWIGTYPE_p_clsf_ruleset)
NEW_OBJECT(new_loader_object, SWIGTYPE_p_loading)
NEW_OBJECT(new_reader_object, SWIGTYPE_p_reading)
NEW_OBJECT(new_scanner_object, SWIGTYPE_p_scanner)
%}

%init %{
	((SwigPyClientData *)SWIGTYPE_p_clsf_ruleset->clientdata)->pytype->tp_new = new_ruleset_object;
	((SwigPyClientData *)SWIGTYPE_p_loading->clientdata)->pytype->tp_new = new_loader_object;
	((SwigPyClientData *)SWIGTYPE_p_reading->clientdata)->pytype->tp_new = new_reader_object;
	((SwigPyClientData *)SWIGTYPE_p_scanner->clientdata)->pytype->tp_new = new_scanner_object;
%}
