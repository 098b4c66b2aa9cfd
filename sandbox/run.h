/* A run in the making: what the files that make it share. Private to run.c and the files of warm.h. */
#ifndef LVM_RUN_SANDBOX_RUN_H
#define LVM_RUN_SANDBOX_RUN_H

#include "sandbox/network.h"
#include "sandbox/verdict.h"
#include "sandbox/warm.h"

struct run {
	const struct sandbox_options *options;
	struct store *store;
	struct scratch scratch;
	struct storage storage;
	struct view view;
	struct network network;
	struct watch watch;
	struct verdict_usage usage;
	struct spec *profile_file; /* what `profile` lies in, if it is the caller's */
	struct spec_seccomp profile;
	struct audit audit;
	struct output_places places;
	struct copy outputs;
	struct changes changes;
	struct warm warm;
	char id[48];
	bool limits_enforced;
};

#endif
