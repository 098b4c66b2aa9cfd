/*
 * What a user who is not root needs and a configuration may leave out: a user namespace. Host side.
 */
#ifndef LVM_RUN_NAMESPACES_ROOTLESS_H
#define LVM_RUN_NAMESPACES_ROOTLESS_H

#include "base/error.h"
#include "spec/spec.h"

/*
 * Adds a user namespace to a configuration that names none, when the caller is not root: without it no
 * other namespace could be made. The caller is 0 in it, the ranges of /etc/subuid and /etc/subgid
 * follow from 1 on. Without ranges in both it has a single id, that of process.user, and a warning
 * says so. Nothing for root, and nothing where a user namespace is asked for.
 */
int rootless_complete(struct spec *spec, struct error *err) must_check;

/*
 * The maps for a user without (all null lists) or with ranges: the text above as data. `own` is the
 * caller's id, `alone` what it is inside when there are no ranges.
 */
struct subid_list;
int rootless_map(struct arena *arena, uint32_t own, uint32_t alone, const struct subid_list *ranges,
                 struct spec_id_mappings *ret) must_check;

#endif
