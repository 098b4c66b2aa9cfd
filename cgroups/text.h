/*
 * The text files of cgroups(7) and proc(5), read from memory: no system call, no allocation. What
 * they hold may come from a foreign mount, so every function takes any text. Host side.
 */
#ifndef LVM_RUN_CGROUPS_TEXT_H
#define LVM_RUN_CGROUPS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

/* Whether `word` stands in `text`, whose words are separated by blanks and newlines. */
bool text_has_word(const char *text, const char *word);

/* The number of a flat-keyed file ("populated 1\nfrozen 0\n"): 0 or more, −1 when it is not there. */
int text_flat_key(const char *text, const char *key);

/* One line of /proc/self/mountinfo; strings lie in the line's own buffer, unescaped. */
struct mountinfo_line {
	const char *root; /* of the mount within its file system */
	const char *mount_point;
	const char *type;
	const char *super_options; /* of the file system */
};
/* Cuts `line` (without newline) in place; false when it is no such line. */
bool text_parse_mountinfo(char *line, struct mountinfo_line *ret) must_check;

/* Whether the comma-separated `list` holds `word`. */
bool text_list_has(const char *list, const char *word);

/* The next line of *cursor, ended by a NUL in place; null at the end of the text. */
char *text_next_line(char **cursor);

/*
 * The path in the v2 hierarchy from a /proc/PID/cgroup, copied to `ret`: false when there is none,
 * or when it does not fit or does not begin with '/'.
 */
bool text_own_group(const char *text, char *ret, size_t size) must_check;

/* What /proc/cgroups says of a v1 controller. */
struct controller_line {
	int hierarchy; /* 0: not bound to cgroup v1 */
	bool enabled;  /* false: switched off at boot */
};
bool text_find_controller(const char *text, const char *name,
                          struct controller_line *ret) must_check;

#endif
