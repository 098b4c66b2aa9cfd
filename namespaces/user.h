/*
 * The user namespace: id maps written by the host, ids taken by the child (user_namespaces(7)).
 */
#ifndef LVM_RUN_NAMESPACES_USER_H
#define LVM_RUN_NAMESPACES_USER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "spec/spec.h"

/*
 * Writes uid_map and gid_map of the process `pid`, which is alone in a new user namespace. As root
 * directly; without privilege through newuidmap and newgidmap, or, where the single own id is asked
 * for, directly (for groups with setgroups denied). Where those programs are missing or refuse, the
 * caller's own id alone is mapped as asked for, and a warning says so; it is an error when the mappings
 * have no place for it. `proc_fd` is the host's /proc. Host.
 */
int user_write_maps(int proc_fd, pid_t pid, const struct spec_id_mappings *uids,
                    const struct spec_id_mappings *gids, struct error *err) must_check;

/*
 * The host id that `container_id` means under the mappings; −1 when it is not mapped. An empty list
 * maps every id to itself. Host.
 */
int64_t user_map_id(const struct spec_id_mappings *mappings, uint32_t container_id) must_check;

/* The kernel takes that many lines, in one write that is shorter than a page. */
enum { USER_MAP_LINES = 340, USER_MAP_SIZE = 4096 };

/*
 * The text for uid_map or gid_map: the length, or −EINVAL for what the kernel would refuse by its
 * size. `size` is at most USER_MAP_SIZE. Host.
 */
int user_format_map(const struct spec_id_mappings *mappings, char *buffer, size_t size,
                    struct error *err) must_check;

/*
 * Becomes uid 0 and gid 0 of the user namespace that was entered, or the first ids that are mapped
 * where 0 is not (the capabilities stay: they hang on the namespace's 0 alone), without supplementary
 * groups unless they are to be kept. `proc_fd` is the host's /proc. Child.
 */
int user_enter_root(int proc_fd, bool keep_groups, struct error *err) must_check;

#endif
