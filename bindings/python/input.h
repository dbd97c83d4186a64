/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYTHON_INPUT_H
#define PYTHON_INPUT_H

/*
 * What Python gives as the bytes of a log, without copying them: whatever has
 * the buffer protocol, and str, whose UTF-8 form CPython keeps with it. Part of
 * the module that SWIG makes of classify.i, which includes Python.h.
 */

/* Bytes that are borrowed from an object, which is held meanwhile. */
struct input {
	const char *data;
	size_t length;
	Py_buffer view;
	PyObject *encoded;           /* of a str that is no valid Unicode, or NULL */
};

/*
 * The bytes of a str. Half surrogates stand for bytes that were no UTF-8, as
 * the error handler surrogateescape makes them, and become these bytes again.
 */
static int input_text(PyObject *object, const char **ret_data, size_t *ret_length, PyObject **ret_encoded)
{
	Py_ssize_t length;
	*ret_encoded = NULL;
	*ret_data = PyUnicode_AsUTF8AndSize(object, &length);
	if (!*ret_data) {
		if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
			return 0;
		PyErr_Clear();
		*ret_encoded = PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape");
		if (!*ret_encoded)
			return 0;
		*ret_data = PyBytes_AS_STRING(*ret_encoded);
		length = PyBytes_GET_SIZE(*ret_encoded);
	}
	*ret_length = (size_t)length;
	return 1;
}

/* False with an exception set. Ended by input_done() in either case. */
static int input_begin(struct input *in, PyObject *object)
{
	memset(in, 0, sizeof(*in));
	if (PyUnicode_Check(object))
		return input_text(object, &in->data, &in->length, &in->encoded);
	if (PyObject_GetBuffer(object, &in->view, PyBUF_SIMPLE) != 0)
		return 0;
	in->data = in->view.buf;
	in->length = (size_t)in->view.len;
	return 1;
}

static void input_done(struct input *in)
{
	if (in->view.obj)
		PyBuffer_Release(&in->view);
	Py_CLEAR(in->encoded);
}

#endif
