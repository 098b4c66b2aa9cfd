/*
 * Strings: a growing buffer, strict number parsing, small predicates. Host side (strbuf allocates);
 * the predicates and the parsers may run on either side.
 */
#ifndef LVM_RUN_BASE_STR_H
#define LVM_RUN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* A growing, always NUL-terminated string. Zero-initialise it; scoped_strbuf frees it. */
struct strbuf {
	char *data; /* null while nothing was added */
	size_t length;
	size_t capacity;
	bool failed; /* memory ran out: what was added since is lost; check once at the end */
};

void strbuf_done(struct strbuf *buffer);
#define scoped_strbuf scoped(strbuf_done) struct strbuf

void strbuf_add(struct strbuf *buffer, const char *data, size_t size);
void strbuf_adds(struct strbuf *buffer, const char *text);
void strbuf_addf(struct strbuf *buffer, const char *format, ...) printf_like(2, 3);
/*
 * As C has it in a text, with control characters and backslashes as \\ooo: a name that others gave may hold what
 * would be another line, or move a terminal's cursor.
 */
void strbuf_add_escaped(struct strbuf *buffer, const char *text);
/* Hands the string to the caller (free); null when memory ran out. An empty buffer gives "". */
char *strbuf_take(struct strbuf *buffer) must_check;

void str_free(char **text);
#define scoped_str scoped(str_free) char *
/* Moves the string out of its variable, which becomes null. */
char *str_take(char **text) must_check;
/* snprintf into fresh memory (free); null when memory runs out. */
char *str_format(const char *format, ...) printf_like(1, 2) must_check;

bool str_equal(const char *a, const char *b); /* null equals only null */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/*
 * Strict decimal numbers: digits only (parse_i64: one leading '-'), nothing before or after, within
 * range. 0, or −EINVAL / −ERANGE with *ret untouched.
 */
int parse_u64(const char *text, uint64_t *ret) must_check;
int parse_i64(const char *text, int64_t *ret) must_check;
/* A number within [min, max]. */
int parse_int(const char *text, int min, int max, int *ret) must_check;
/* A user or group id: 0 … 2³²−2 (−1 is "no change" to the kernel). */
int parse_id(const char *text, uint32_t *ret) must_check;

#endif
