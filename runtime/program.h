/*
 * From a prepared process to the container's program: argv and envp, working directory, executable.
 * Shared by init and exec.
 *
 *	host:  program_prepare
 *	child: program_enter_terminal → program_enter_close_fds → program_enter_find → (lockdown)
 *	       → program_enter_exec
 */
#ifndef LVM_RUN_RUNTIME_PROGRAM_H
#define LVM_RUN_RUNTIME_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

struct program {
	char **argv;
	char **envp; /* with room for HOME behind the last one */
	size_t env_count;
	const char *search; /* the value of PATH in envp, or the default */
	const char *cwd;
	uid_t uid;
	bool wants_home; /* envp has no HOME: it is looked up in the container's /etc/passwd */
	char home[PATH_MAX + 8];
	char file[PATH_MAX]; /* the executable, found by program_enter_find */
};

/* The passed-on descriptors of the caller: LISTEN_FDS of our own environment, then `preserve`. */
unsigned int program_listen_fds(void);

/* Everything in *ret lies in `arena`, or in `process`. Host. */
int program_prepare(struct arena *arena, const struct spec_process *process,
                    unsigned int listen_fds, struct program *ret, struct error *err) must_check;

/* Makes `slave` the controlling terminal and the standard streams. Child. */
int program_enter_terminal(int slave, struct error *err) must_check;

/*
 * Undoes an affinity that the caller had: the process may run on all CPUs that its control group allows.
 * A kernel that refuses leaves it as it is. Child.
 */
void program_enter_all_cpus(void);

/*
 * Inside the container, once the host's descriptors are closed: enters the working directory (made when missing,
 * verified to be inside), looks up HOME and the executable. Child.
 */
int program_enter_find(struct program *program, struct error *err) must_check;

/*
 * Closes every descriptor from 3 + `kept` on but those in `needed` (sorted here), and below what is
 * close-on-exec, which the program would not get anyway. Child.
 */
int program_enter_close_fds(unsigned int kept, int *needed, size_t count,
                            struct error *err) must_check;

/* execve; returns only on failure. Child. */
int program_enter_exec(const struct program *program, struct error *err) must_check;

#endif
