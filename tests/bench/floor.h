/*
 * floor: the least program that makes the container of the default OCI configuration.
 *
 * It is the yardstick of the benchmark. What `runc spec` and `crun spec` ask for is written down
 * here as constants, so there is no JSON, no state on disk, no second process that supervises and
 * no check of what an image might do; a runtime cannot be faster than this on the same kernel, and
 * what it takes beyond this is its own cost. The script parity compares the container made here
 * with crun's.
 *
 * Every function runs in a child that shares its parent's memory (CLONE_VM): it must not return
 * through a frame that the parent needs, and it ends the process itself on an error.
 */
#ifndef FLOOR_H
#define FLOOR_H

/* Say what failed, with errno, and end the process with status 125. */
_Noreturn void floor_die(const char *what);

/* Make all file systems of the default configuration on rootfs and make it the root, read-only.
 * rootfs must have the directories proc, dev and sys. */
void floor_enter_root(const char *rootfs);

/* Take the privileges of the default configuration: capabilities, limits, no_new_privs, session. */
void floor_confine(void);

/* Load the device program of the default configuration and pin it where floor_attach_devices
 * finds it. Done once, not part of a run. */
void floor_pin_devices(void);

/* Attach the pinned program to the cgroup; does nothing where none is pinned. */
void floor_attach_devices(int cgroup);

#endif
