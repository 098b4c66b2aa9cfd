/*
 * What the processes of an image may do, against what the configuration allows: an image may come from
 * elsewhere, or its bundle may have been made stricter since. Host side.
 *
 *	credentials_check_images      before CRIU reads them
 *	credentials_check_maps        once there is a first process, empty yet
 *	credentials_check_processes   once they are restored and still stand
 */
#ifndef LVM_RUN_CHECKPOINT_CREDENTIALS_H
#define LVM_RUN_CHECKPOINT_CREDENTIALS_H

#include <sys/types.h>

#include "cgroups/cgroup.h"
#include "spec/spec.h"

struct credentials {
	uint64_t capabilities; /* all sets together */
	uint32_t ids[8];       /* users and groups: real, effective, saved, file system */
	bool no_new_privileges;
	bool filtered; /* by seccomp */
};

/*
 * EPERM with what exceeds the configuration: capabilities, no_new_privs, seccomp; and users and groups
 * where no process could have changed them.
 */
int credentials_check_images(int directory, const struct spec *spec, struct error *err) must_check;
/* EPERM unless the id maps of the process's user namespace, if it is to have one, are the configuration's. */
int credentials_check_maps(pid_t pid, const struct spec *spec, struct error *err) must_check;
int credentials_check_processes(const struct cgroup *group, const struct spec *spec,
                                struct error *err) must_check;

/* --- Parts --- */

/* Of the bytes of a core-N.img of CRIU: 1, or 0 for a process that has ended; −EBADMSG for bytes that are none. */
int credentials_parse_image(const void *data, size_t size, struct credentials *ret) must_check;
/* Of the text of /proc/PID/status (proc(5)); −EBADMSG when something is missing. */
int credentials_parse_status(const char *text, struct credentials *ret) must_check;

#endif
