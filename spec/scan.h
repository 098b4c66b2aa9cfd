/*
 * One pass over JSON text before the library sees it, for three things that the library cannot give:
 *
 *  - limits: how deep and how many values, so that a hostile text is refused before its tree (which
 *    is up to a hundred times as large as the text) is built;
 *  - unsigned integers of 2⁶³ and above, which the library refuses: scan_widen replaces each literal
 *    in a copy of the text by a string of the same length that scan_wide_value reads back;
 *  - where the text of linux.seccomp lies.
 *
 * The scanner accepts more than JSON; the library, which runs after it, is the judge.
 */
#ifndef LVM_RUN_SPEC_SCAN_H
#define LVM_RUN_SPEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	SCAN_DEPTH_LIMIT = 64,
	SCAN_VALUE_LIMIT = 128 * 1024 /* brackets and commas */
};

struct scan_result {
	size_t wide_count; /* unsigned literals of 2⁶³ … 2⁶⁴−1 */
	size_t first_wide; /* position of the first of them */
	bool marker_taken; /* the text itself has a string that begins like a replaced literal */
	size_t seccomp_offset; /* of the value of linux.seccomp; valid if the size is not 0 */
	size_t seccomp_size;
};

/* Fails with E2BIG when a limit is exceeded; `name` begins the error's text. */
int scan_text(const char *name, const char *text, size_t size, struct scan_result *ret,
              struct error *err) must_check;

/* Replaces the wide literals in place; does not change the size or the position of anything else. */
void scan_widen(char *text, size_t size);

/* Is this string (without quotes) a replaced literal? Then its value. */
bool scan_wide_value(const char *text, size_t length, uint64_t *ret);

/* Where a member is in the text of an object, or where it would go. */
struct scan_member {
	size_t offset;  /* of its value; of the first place in the object when it is not there */
	size_t size;    /* 0: not there */
	bool in_object; /* not there, but the object that it belongs to is */
	bool empty;     /* the object in which `offset` lies has no members */
};

/*
 * Finds `member` of the outermost object, or of its member `object`, in a text that has been parsed. Keys
 * written with escapes are not found. −EINVAL when one of both is no object.
 */
int scan_find(const char *text, size_t size, const char *object, const char *member,
              struct scan_member *ret) must_check;

/* The first byte of a replaced literal: DEL, which nobody writes. */
#define SCAN_WIDE_MARKER '\x7f'

/* Line and column (in bytes) of a position, both from 1. */
void scan_position(const char *text, size_t offset, size_t *ret_line, size_t *ret_column);

#endif
