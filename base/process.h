/*
 * A process by pidfd, and its start time, which tells it from a later process with the same number.
 * Host side.
 */
#ifndef LVM_RUN_BASE_PROCESS_H
#define LVM_RUN_BASE_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct process {
	pid_t pid;
	int pidfd; /* −1: none */
};

void process_done(struct process *process); /* closes the pidfd; does not end the process */
#define scoped_process scoped(process_done) struct process

/*
 * The start time of `pid` in clock ticks after boot (field 22 of /proc/PID/stat, proc(5)), 0 when
 * there is no such process. *ret_state (may be null) receives the state letter ('Z': zombie).
 */
uint64_t process_start_time(pid_t pid, char *ret_state);

/*
 * Opens the process `pid` that started at `start_time`: 0; −ESRCH without *err when it is gone, a
 * zombie, or another process now bears its number; another −errno with *err.
 */
int process_open(pid_t pid, uint64_t start_time, struct process *ret, struct error *err) must_check;

/* Sends a signal by pidfd; −ESRCH (err filled) when the process is gone. */
int process_signal(const struct process *process, int signal, struct error *err) must_check;

/* Waits until the process has ended, at most `timeout_ms` (−1: for ever); −ETIMEDOUT with *err. */
int process_wait_gone(const struct process *process, int timeout_ms, struct error *err) must_check;

/*
 * The same for one that was killed and may be the init of a pid namespace: it counts as ended, too, when nobody
 * in there has anything any more. The kernel keeps such an init until all the others are reaped, and who
 * brought them in (exec) or took them over then may not do that before we are done. timeout_ms > 0.
 */
int process_wait_ended(const struct process *process, int timeout_ms, struct error *err) must_check;

/* Reaps a child of ours: its wait status as of waitpid(2); −errno with *err. */
int process_reap(const struct process *process, int *ret_status, struct error *err) must_check;

/*
 * Runs `body` in a child, which ends with it, and waits: for what would change this process itself, as entering
 * a namespace. Its result is 0 or the child's −errno, *err whole; −EIO when the child was killed.
 */
typedef int process_body(void *context, struct error *err);
int process_in_child(process_body *body, void *context, struct error *err) must_check;

/*
 * All signals of the kernel, also those that the C libraries keep for themselves (musl three, the
 * first real-time signal that a user may send among them) and that sigfillset leaves out.
 */
void process_all_signals(sigset_t *ret);

/*
 * Gives every signal that the caller of this program ignored its standard disposition: an ignored one
 * stays ignored across execve. Either side; needs /proc.
 */
void process_reset_signals(void);

/* The exit status a shell reports: the exit code, or 128 + signal. */
int process_exit_code(int wait_status);

/*
 * Whether this process is not root of the initial user namespace: another user, or the root of a user
 * namespace, who has no more rights on the host than the user who made that.
 */
bool process_is_rootless(void);

/* This boot's id (/proc/sys/kernel/random/boot_id): 36 characters and NUL. */
enum { BOOT_ID_SIZE = 37 };
int process_boot_id(char ret[static BOOT_ID_SIZE], struct error *err) must_check;

#endif
