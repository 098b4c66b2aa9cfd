/*
 * The label under which the container's program runs: AppArmor profile, SELinux context. Both take
 * effect at the next execve of the process that writes them to its own /proc/self/attr.
 */
#ifndef LVM_RUN_SECURITY_LSM_H
#define LVM_RUN_SECURITY_LSM_H

#include "base/error.h"
#include "spec/spec.h"

struct lsm_plan {
	int proc_fd;         /* the host's /proc, borrowed, verified to be one */
	const char *profile; /* AppArmor; null: none */
	const char *label;   /* SELinux; null: none */
	int profile_fd; /* the child's own files, between the two calls of lsm_enter_…; −1 */
	int label_fd;
};

/* Refuses a label whose module this kernel does not run; "unconfined" and "" are no label. Host. */
int lsm_prepare(const struct spec_process *process, int proc_fd, struct lsm_plan *ret,
                struct error *err) must_check;

/* Opens the files to write to, while the host's /proc is still at hand. Child. */
int lsm_enter_open(struct lsm_plan *plan, struct error *err) must_check;

/* Writes the labels and closes the files. Child. */
int lsm_enter_label(struct lsm_plan *plan, struct error *err) must_check;

#endif
