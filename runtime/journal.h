/*
 * The journal of a container: what has to be cleaned up, written before it exists. `delete --force` and
 * `gc` need nothing else.
 *
 * A text file in the container's directory, one fact a line, "KEY VALUE CHECKSUM"; it is only ever
 * appended to, with one write(2) a time. A line whose checksum is wrong ends the reading: what a
 * kill -9 cut off never happened.
 *
 * A container without a cgroup could not be found by a journal that was damaged otherwise. So its init is
 * named a second time, in the symbolic link "process" beside it: a link is there whole or not at all.
 */
#ifndef LVM_RUN_RUNTIME_JOURNAL_H
#define LVM_RUN_RUNTIME_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "cgroups/cgroup.h"

#define JOURNAL_NAME "journal"
#define PROCESS_LINK_NAME "process"

enum { JOURNAL_SIZE_LIMIT = 64 * 1024 };

/* What a journal says. Strings are null, numbers 0 where it says nothing. */
struct journal {
	char *id;
	char *boot_id;
	char *cgroup_driver;
	char *cgroup_mount;
	char *cgroup_path;
	char *cgroup_scope;
	char *cgroup_made;     /* the highest group above the container's that was to be made */
	char *cgroup_legacy;   /* v1 hierarchies with groups of that path */
	char *resctrl_group;   /* the class of service that was to be made */
	char *resctrl_monitor; /* its monitoring group */
	pid_t pid;
	uint64_t start_time;
};

/*
 * Starts the journal in the directory `dirfd`: id, boot id, where the cgroup will be. The file must
 * not exist. *ret_fd is open for journal_add_process.
 */
int journal_begin(int dirfd, const struct journal *intent, int *ret_fd,
                  struct error *err) must_check;

/* Adds the highest group above the container's that will be made; of several the highest counts. */
int journal_add_made(int fd, const char *made, struct error *err) must_check;

/* Adds v1 hierarchies that get groups later than at create; of several the last counts. */
int journal_add_legacy(int fd, const char *legacy, struct error *err) must_check;

/* Adds init's process as soon as it is known. */
int journal_add_process(int fd, pid_t pid, uint64_t start_time, struct error *err) must_check;

/* The link for a container that has no cgroup, after journal_add_process. */
int journal_link_process(int dirfd, const char *boot_id, pid_t pid, uint64_t start_time,
                         struct error *err) must_check;

/*
 * Reads the journal of `dirfd` into `arena`, and the link where the journal does not know init; −ENOENT
 * without *err when there is neither.
 */
int journal_read(int dirfd, struct arena *arena, struct journal *ret, struct error *err) must_check;

/* The same from memory; damaged text gives the facts before the damage. Never fails but for memory. */
int journal_parse(struct arena *arena, const char *text, size_t size,
                  struct journal *ret) must_check;

/* Where the journal says that the cgroup is; false when it had none. */
bool journal_cgroup(const struct journal *journal, struct cgroup_location *ret);

#endif
