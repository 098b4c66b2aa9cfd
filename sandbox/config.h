/* A sandbox as an OCI configuration: everything that its bundle says. Pure but for environ. */
#ifndef LVM_RUN_SANDBOX_CONFIG_H
#define LVM_RUN_SANDBOX_CONFIG_H

#include "sandbox/network.h"
#include "sandbox/view.h"

struct config_request {
	const struct sandbox_options *options;
	const struct scratch *scratch;
	const struct view *view;
	const struct network *network;
	const struct spec_seccomp *profile; /* null: left out, it is handed over otherwise */
	bool indented;                      /* for people */
	bool without_limits;                /* --best-effort, and the host cannot enforce them */
};

/* The profile for this sandbox. */
int config_profile(const struct config_request *request, struct arena *arena,
                   struct spec_seccomp *ret, struct error *err) must_check;

/* The text (free); null when memory ran out. */
char *config_write(const struct config_request *request) must_check;

/* Whether any of the limits needs a control group. */
bool config_has_limits(const struct sandbox_options *options);

#endif
