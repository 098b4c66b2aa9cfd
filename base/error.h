/*
 * The error of an operation: a value of fixed size, so that nothing leaks and that it crosses the
 * sync socket whole.
 *
 * A function that can fail returns 0 or a positive fact, or −errno with *err filled; *err is left
 * alone on success. The place of failure calls error_set or error_errno; a caller that knows more
 * adds its context once with error_wrap. Only cmd/ prints the result:
 *
 *	create web1: mount /proc: fsmount: Operation not permitted
 *
 * All of it may run on the child side: no allocation, no stdio streams, no locale.
 */
#ifndef LVM_RUN_BASE_ERROR_H
#define LVM_RUN_BASE_ERROR_H

#include "base/macro.h"

enum { ERROR_TEXT_SIZE = 1024 };

struct error {
	int code;                   /* a positive errno value; 0: no error */
	char text[ERROR_TEXT_SIZE]; /* whole, without a newline; cut at the end when too long */
};

/* Fills *err with `code` (positive errno) and a text that says all; returns −code. */
int error_set(struct error *err, int code, const char *format, ...) printf_like(3, 4);

/* The same with the present errno, whose description is appended: "open /x: No such file …". */
int error_errno(struct error *err, const char *format, ...) printf_like(2, 3);

/* The same with a given positive code instead of errno. */
int error_code(struct error *err, int code, const char *format, ...) printf_like(3, 4);

/* Puts "context: " before the text of a filled error; returns −err->code. */
int error_wrap(struct error *err, const char *format, ...) printf_like(2, 3);

/* The kernel's description of an errno value, in English and never null. */
const char *error_describe(int code);

#endif
