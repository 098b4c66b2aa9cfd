/* Taking a container away, from its record or from the journal alone. Host side. */
#ifndef LVM_RUN_RUNTIME_DELETE_H
#define LVM_RUN_RUNTIME_DELETE_H

#include "runtime/container.h"

/*
 * Ends what lives, removes the cgroup and the state directory, runs the poststop hooks. Record,
 * status and lock are there; `forced` allows ending a running one.
 */
int container_destroy(struct container *container, struct error *err) must_check;

/* Ends what lives and removes the cgroup; the state directory stays, as of a stopped container. */
int container_end(struct container *container, struct error *err) must_check;

/* container_destroy without a usable record: from the journal and the cgroup. */
int container_destroy_remains(struct store_entry *entry, struct error *err) must_check;

/* Runs the poststop hooks of a container that is gone; a failing one is a warning in the log. */
void container_run_poststop(struct store *store, const struct record *record,
                            const struct spec *spec);

#endif
