/*
 * seccomp filters (seccomp(2), OCI config-linux.md "Seccomp").
 *
 *	host:  seccomp_prepare   the program from the cache or freshly compiled, the agent connected
 *	child: seccomp_enter     loads it; with an agent, hands it the listener first
 *
 * Inside security/: seccomp_compile (seccomp.c, the one door to libseccomp) makes the program,
 * seccomp_cache.c keeps it on disk under the hash of all that went into it.
 */
#ifndef LVM_RUN_SECURITY_SECCOMP_H
#define LVM_RUN_SECURITY_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "spec/spec.h"

/* What the kernel takes (BPF_MAXINSNS). */
enum { SECCOMP_PROGRAM_LIMIT = 4096 };

struct seccomp_program {
	struct sock_filter *instructions; /* owned */
	size_t count;
};
void seccomp_program_done(struct seccomp_program *program);
#define scoped_seccomp_program scoped(seccomp_program_done) struct seccomp_program

/*
 * Compiles the section: names and numbers are libseccomp's, the program is written by
 * seccomp_write.c. The meaning is that of libseccomp where it has one:
 * - a rule without conditions overrules those with, and the first of several the others; of rules with
 *   conditions the first that holds answers;
 * - names that no architecture knows are skipped (a debug line);
 * - several conditions of one rule on the same argument are alternatives;
 * - on architectures with socketcall and ipc (i386, s390) a rule stands for both ways to a call;
 * - a rule whose action is the default action holds even against such a derived one, unless another
 *   rule names the same call;
 * - where calls are refused by default, a call newer than all that the section names gets ENOSYS, so
 *   that libraries fall back instead of failing.
 */
int seccomp_compile(const struct spec_seccomp *section, struct seccomp_program *ret,
                    struct error *err) must_check;

const char *seccomp_library_version(void);

/* AUDIT_ARCH_… of this program, which is the architecture of its own system calls. */
uint32_t seccomp_native_architecture(void);
/* The number of a call on it; negative when the library knows none. */
int seccomp_call_number(const char *name);
/* The name (free) of a call as struct seccomp_data has it; null when the library knows none. */
char *seccomp_call_name(uint32_t architecture, uint32_t number) must_check;

/* Whether the library this program is linked with knows "SCMP_ARCH_…". */
bool seccomp_knows_architecture(const char *name);

/*
 * The program for `section` from the directory `cache_fd`, or compiled and stored there; −1: no cache.
 * What is in the cache and not whole, not ours or not for this section is ignored and replaced; a cache
 * that cannot be written is a debug line.
 */
int seccomp_load_program(const struct spec_seccomp *section, int cache_fd,
                         struct seccomp_program *ret, struct error *err) must_check;

enum { SECCOMP_SENDER_STACK_SIZE = 64 * 1024 };

struct seccomp_plan {
	bool set;
	struct seccomp_program program;
	unsigned int flags;        /* SECCOMP_FILTER_FLAG_… */
	int agent_fd;              /* connected to listenerPath; −1: none */
	const char *listener_path; /* borrowed, for messages */
	void *sender_stack;        /* of the thread that talks to the agent, made by the host */
};

/* Accepts a zeroed plan with agent_fd −1, and one that is done. */
void seccomp_plan_done(struct seccomp_plan *plan);

/* Host. */
int seccomp_prepare(const struct spec_seccomp *section, int cache_fd, struct seccomp_plan *ret,
                    struct error *err) must_check;

/*
 * Loads the filter into the calling thread, which is the only one. With an agent: a second thread,
 * which the filter does not bind, sends it the listener and `state` in one message; the caller makes
 * no system call until that is done, so the profile may block or notify any of them. Child.
 */
int seccomp_enter(const struct seccomp_plan *plan, const char *state, size_t state_size,
                  struct error *err) must_check;

#endif
