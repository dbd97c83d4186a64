/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYTHON_VALUES_H
#define PYTHON_VALUES_H

/*
 * The library's structs as plain Python values: tuples, dicts and strings, from
 * which the package makes its classes. Part of the module that SWIG makes of
 * classify.i, which includes Python.h.
 *
 * A log's bytes are text here as in the JSON of the command line: bytes that
 * are not UTF-8 become U+FFFD, one for each maximal subpart.
 */

#include "collector.h"

static PyObject *none_value(void)
{
	Py_RETURN_NONE;
}

static PyObject *text_value(const char *text, size_t length)
{
	return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace");
}

static PyObject *string_value(const char *text)
{
	return text_value(text, strlen(text));
}

/* Puts a new reference into a dict, which takes it; false on failure. */
static int put(PyObject *dict, const char *key, PyObject *value)
{
	int result = value ? PyDict_SetItemString(dict, key, value) : -1;
	Py_XDECREF(value);
	return result == 0;
}

/* A tuple of what `one` makes of each of the items. */
typedef PyObject *(*item_fn)(const void *items, size_t index);

static PyObject *tuple_value(const void *items, size_t n, item_fn one)
{
	PyObject *tuple = PyTuple_New((Py_ssize_t)n);
	for (size_t i = 0; tuple && i < n; i++) {
		PyObject *value = one(items, i);
		if (value)
			PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, value);
		else
			Py_CLEAR(tuple);
	}
	return tuple;
}

static PyObject *string_item(const void *items, size_t index)
{
	const char *const *strings = items;
	return string_value(strings[index]);
}

static PyObject *strings_value(const char *const *strings, size_t n)
{
	return tuple_value(strings, n, string_item);
}

/* (number, offset, length, text), or None where there is no line. */
static PyObject *line_value(const struct clsf_line *line)
{
	if (!line->number)
		Py_RETURN_NONE;
	return Py_BuildValue("(KKKN)", (unsigned long long)line->number, (unsigned long long)line->offset,
	                     (unsigned long long)line->length, text_value(line->text, line->text_length));
}

static PyObject *fields_value(const struct clsf_field *fields, size_t n)
{
	PyObject *dict = PyDict_New();
	for (size_t i = 0; dict && i < n; i++)
		if (!put(dict, fields[i].name, text_value(fields[i].value, fields[i].length)))
			Py_CLEAR(dict);
	return dict;
}

/* (line, text) of a telling line. */
static PyObject *telling_item(const void *items, size_t index)
{
	const struct clsf_line *line = (const struct clsf_line *)items + index;
	return Py_BuildValue("(KN)", (unsigned long long)line->number, text_value(line->text, line->text_length));
}

/* (rule, category, line, text, count, why_not) of a loser. */
static PyObject *also_item(const void *items, size_t index)
{
	const struct clsf_also *a = (const struct clsf_also *)items + index;
	return Py_BuildValue("(NNKNKN)", string_value(a->rule->id), string_value(a->rule->category),
	                     (unsigned long long)a->line.number, text_value(a->line.text, a->line.text_length),
	                     (unsigned long long)a->count, string_value(a->why_not));
}

/* (code, message, line or None, offset or None) of a warning. */
static PyObject *warning_item(const void *items, size_t index)
{
	const struct clsf_warning *w = (const struct clsf_warning *)items + index;
	PyObject *line = w->line ? PyLong_FromUnsignedLongLong(w->line) : none_value();
	PyObject *offset = w->has_offset ? PyLong_FromUnsignedLongLong(w->offset) : none_value();
	return Py_BuildValue("(sNNN)", clsf_warning_name(w->code), string_value(w->message), line, offset);
}

/*
 * A verdict: (outcome, category, rule's id or None, title, runbook's four
 * texts, line, fields, fingerprint, telling, also, warnings, lines, bytes,
 * before, after).
 */
static PyObject *verdict_value(const struct clsf_verdict *v)
{
	return Py_BuildValue("(sNNN(NNNN)NNNNNNKKNN)", clsf_outcome_name(v->outcome), string_value(v->category),
	                     v->rule ? string_value(v->rule->id) : none_value(), string_value(v->title),
	                     string_value(v->cause), string_value(v->fix), string_value(v->prevent),
	                     string_value(v->url), line_value(&v->line), fields_value(v->fields, v->n_fields),
	                     string_value(v->fingerprint), tuple_value(v->telling, v->n_telling, telling_item),
	                     tuple_value(v->also, v->n_also, also_item),
	                     tuple_value(v->warnings, v->n_warnings, warning_item),
	                     (unsigned long long)v->lines, (unsigned long long)v->bytes,
	                     text_value(v->before, v->before_length), text_value(v->after, v->after_length));
}

static PyObject *rule_value(const struct clsf_rule *r)
{
	PyObject *dict = PyDict_New();
	if (dict && put(dict, "id", string_value(r->id)) && put(dict, "pack", string_value(r->pack)) &&
	    put(dict, "title", string_value(r->title)) && put(dict, "category", string_value(r->category)) &&
	    put(dict, "role", string_value(clsf_role_name(r->role))) &&
	    put(dict, "severity", string_value(clsf_severity_name(r->severity))) &&
	    put(dict, "owner", string_value(r->owner)) && put(dict, "retry", string_value(r->retry)) &&
	    put(dict, "cause", string_value(r->cause)) && put(dict, "fix", string_value(r->fix)) &&
	    put(dict, "prevent", string_value(r->prevent)) && put(dict, "url", string_value(r->url)) &&
	    put(dict, "file", string_value(r->file)) && put(dict, "line", PyLong_FromUnsignedLong(r->line)) &&
	    put(dict, "expressions", strings_value(r->expressions, r->n_expressions)) &&
	    put(dict, "explains", strings_value(r->explains, r->n_explains)))
		return dict;
	Py_XDECREF(dict);
	return NULL;
}

static PyObject *kept_fields_value(const struct match_view *view)
{
	PyObject *dict = PyDict_New();
	const char *at = view->fields;
	for (size_t i = 0; dict && i < view->match.n_fields; i++) {
		const char *name, *value;
		size_t name_length, value_length;
		match_field(&at, &name, &name_length, &value, &value_length);
		PyObject *key = text_value(name, name_length), *text = text_value(value, value_length);
		if (!key || !text || PyDict_SetItem(dict, key, text) != 0)
			Py_CLEAR(dict);
		Py_XDECREF(key);
		Py_XDECREF(text);
	}
	return dict;
}

/* (rule's id, line, offset, length, text, fields). */
static PyObject *match_value(const struct match_view *view)
{
	const struct kept_match *m = &view->match;
	return Py_BuildValue("(NKKKNN)", string_value(m->rule->id), (unsigned long long)m->number,
	                     (unsigned long long)m->offset, (unsigned long long)m->length,
	                     text_value(view->text, m->text_length), kept_fields_value(view));
}

/* A fault: (level, code, file, line, column, rule, message). */
static PyObject *fault_value(const struct kept_fault *fault)
{
	const struct clsf_error *e = &fault->error;
	return Py_BuildValue("(iiNIINN)", (int)fault->level, e->code, string_value(e->file), e->line, e->column,
	                     string_value(e->rule), string_value(e->message));
}

/* Raises what the package has for a code; `e` may be NULL. */
static void raise_error(int code, const struct clsf_error *e)
{
	static const struct clsf_error nothing;
	const char *message = e && e->code == code && *e->message ? e->message : clsf_strerror(code);
	PyObject *module, *error = NULL;
	if (!e || e->code != code)
		e = &nothing;
	if (PyErr_Occurred())
		return;
	module = PyImport_ImportModule("classify.errors");
	if (module)
		error = PyObject_CallMethod(module, "from_code", "iNNIINi", code, string_value(message),
		                            string_value(e->file), e->line, e->column, string_value(e->rule),
		                            e->library_code);
	if (error)
		PyErr_SetObject((PyObject *)Py_TYPE(error), error);
	Py_XDECREF(error);
	Py_XDECREF(module);
}

#endif
