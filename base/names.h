/*
 * The names in a directory, without "." and "..", read at once: it may change while they are gone through. In no
 * order. Host side.
 */
#ifndef LVM_RUN_BASE_NAMES_H
#define LVM_RUN_BASE_NAMES_H

#include <stddef.h>

#include "base/error.h"

struct names {
	char **items; /* each to be freed; who takes one leaves null */
	size_t count;
};
void names_done(struct names *names);
#define scoped_names scoped(names_done) struct names

/* *ret as it was on failure. `directory` may be O_PATH, and stays where it is. */
int names_read(int directory, struct names *ret, struct error *err) must_check;

#endif
