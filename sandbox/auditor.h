/* The child that answers the calls of an audited sandbox (audit.h). */
#ifndef LVM_RUN_SANDBOX_AUDITOR_H
#define LVM_RUN_SANDBOX_AUDITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/audit.h"
#include "security/seccomp.h"

/* Where init finds him, in the scratch. */
#define AUDITOR_SOCKET_NAME "audit"

struct auditor {
	struct audit_table *table;
	const struct seccomp_program *program; /* what the filter would have answered */
	uint32_t native;                       /* AUDIT_ARCH_… */
	int scratch, proc;                     /* directories */
	int listener;                          /* his own affair */
};

/* Waits at `server` for the listener and answers until the last caller is gone, or `parent`. In a child. */
_Noreturn void auditor_main(struct auditor *auditor, int server, pid_t parent);

/* Whether an answer (SECCOMP_RET_…) ends the program. */
bool auditor_is_deadly(uint32_t answer);

#endif
