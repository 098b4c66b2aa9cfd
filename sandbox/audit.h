/*
 * Which system calls a sandbox makes: those that its profile denies (--audit), those that it allows
 * (--learn), or both. The kernel asks a child of this process, the auditor, instead of answering itself
 * (SECCOMP_RET_USER_NOTIF, Linux 5.5), and he says what the profile would have said. He looks at
 * registers alone, so nothing can be changed between his look and the call. What is not asked for is decided
 * by the kernel as ever; without either option there is no auditor.
 *
 *	audit_start      before the launch; the profile leads to the auditor from then on
 *	audit_end        after the last process is gone: the table is complete
 *
 * A call that the filter would end a program for ends it by SIGSYS still, sent by the auditor. Host side.
 */
#ifndef LVM_RUN_SANDBOX_AUDIT_H
#define LVM_RUN_SANDBOX_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/scratch.h"
#include "spec/writer.h"

enum {
	AUDIT_ENTRIES = 256,     /* different denied calls that are told apart */
	AUDIT_PROGRAMS = 8,      /* names that are kept of each */
	AUDIT_PROGRAM_SIZE = 16, /* TASK_COMM_LEN */
	AUDIT_NUMBERS = 1024,    /* of calls, more than there are */
};

struct audit_entry {
	uint32_t architecture; /* AUDIT_ARCH_… */
	uint32_t number;
	uint32_t answer; /* SECCOMP_RET_… with its data */
	uint64_t count;
	char programs[AUDIT_PROGRAMS][AUDIT_PROGRAM_SIZE]; /* not necessarily all; "": no more */
};

/* Written by the auditor alone. */
struct audit_table {
	struct audit_entry entries[AUDIT_ENTRIES];
	size_t count;
	uint64_t denied;          /* calls, those without an entry included */
	uint64_t killed;          /* of these, ended a program */
	bool made[AUDIT_NUMBERS]; /* of the machine's own architecture */
};

struct audit {
	struct audit_table *table; /* shared with the auditor; null: not asked for */
	pid_t auditor;
	bool denials; /* --audit */
	bool broken;  /* he ended before the sandbox did */
};

void audit_done(struct audit *audit);

/* `profile` is changed, and what that points to lies in `arena`. Accepts that nothing is asked for. */
struct audit_request {
	const struct scratch *scratch;
	struct arena *arena;
	bool denials, calls;
};
int audit_start(struct audit *ret, const struct audit_request *request,
                struct spec_seccomp *profile, struct error *err) must_check;

void audit_end(struct audit *audit);

/* The array `key` of denied calls. Nothing where they were not asked for. */
void audit_write(struct json_writer *writer, const char *key, const struct audit *audit);

#endif
