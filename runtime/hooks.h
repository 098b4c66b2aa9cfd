/*
 * Hooks (config.md "POSIX-platform Hooks"): programs run one after another with the container's state
 * on standard input. Either side: init runs createContainer and startContainer hooks itself.
 */
#ifndef LVM_RUN_RUNTIME_HOOKS_H
#define LVM_RUN_RUNTIME_HOOKS_H

#include <stddef.h>

#include "base/error.h"
#include "spec/spec.h"

/*
 * Runs all hooks of `kind`; stops at the first that fails, exceeds its timeout or cannot be run. The
 * error names kind, path and what happened. `state` is the OCI state as text.
 */
int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state,
              size_t state_size, struct error *err) must_check;

#endif
