/*
 * The environment of the program: of the caller's only what says how and in which language to work, since
 * tokens, addresses of agents and the like travel in the rest; then what the options name.
 */
#ifndef LVM_RUN_SANDBOX_ENVIRONMENT_H
#define LVM_RUN_SANDBOX_ENVIRONMENT_H

#include "sandbox/sandbox.h"

struct environment {
	const struct sandbox_options *options;
	size_t position;
	bool inherited; /* the caller's are done */
	bool fixed;
};

/* Zero-initialise, begin, then next until null. The texts live as long as environ and the options. */
void environment_begin(struct environment *ret, const struct sandbox_options *options);
const char *environment_next(struct environment *environment);

/* Whether a variable of the caller is handed on unasked ("LANG", "LC_ALL=C"). */
bool environment_is_harmless(const char *entry);

#endif
