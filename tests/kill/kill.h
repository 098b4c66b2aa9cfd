/*
 * The kill -9 harness: kills lvm-run while it makes, starts, enters or removes a container, calls
 * `delete --force` once, and looks for anything that is left.
 *
 * It runs as process 1 of a pid namespace of its own, in a mount namespace of its own with a fresh
 * tmpfs on /tmp (tests/kill/run sees to that): whatever is left over is there to be seen, and ends
 * with the harness. With --systemd it cannot have a pid namespace, since systemd has to know the numbers:
 * then what descends from it is its own, as it is made the reaper of all that.
 *
 *	/tmp/runtime     the program under test      /tmp/state   its state root
 *	/tmp/bundles/X   one bundle a variant        /tmp/pid/pid the pid file
 *	/tmp/rootfs      their root file system      /tmp/console.sock
 */
#ifndef LVM_RUN_TESTS_KILL_H
#define LVM_RUN_TESTS_KILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define printf_like(format_index, first_index)                                                     \
	__attribute__((format(printf, format_index, first_index)))

#define STATE "/tmp/state"
#define PID_FILE "/tmp/pid/pid"
#define CONSOLE "/tmp/console.sock"

/* --- The case at hand (case.c) --- */

struct harness {
	uint64_t seed;
	unsigned long count; /* kills wanted */
	bool all;            /* every boundary of every scene */
	bool verbose;
	bool no_limits;    /* there are no controllers: scenes with LIMITS are left out */
	bool systemd;      /* containers are put into systemd scopes; see above */
	unsigned int slow; /* all limits of time are multiplied by this */
	unsigned int worker, workers; /* we are one of several, each takes its share */
	char id[64];                  /* of the container */
};
extern struct harness harness;

uint64_t draw(uint64_t limit); /* 0 … limit − 1 */
uint64_t now_us(void);
void sleep_us(uint64_t us);

/*
 * A case is one kill (or damage) with all that is checked after it. `reproduce` are the options of
 * tests/kill/run that repeat it. case_fail may be called any number of times.
 */
void case_begin(const char *name, const char *reproduce_format, ...) printf_like(2, 3);
void case_fail(const char *format, ...) printf_like(1, 2);
bool case_end(void);
/* Ends a case that hit nothing: it counts only if something failed. */
void case_drop(void);
/* Prints "part: …" for tests/kill/run to add up; the exit status. */
int case_summary(void);

/* --- Commands (command.c) --- */

enum { COMMAND_TIMEOUT_MS = 60000 };

struct outcome {
	int status;        /* as of waitpid; −1: it hung and was killed */
	char output[1024]; /* what it wrote, both streams, cut off */
};

/*
 * `words` is a line split at blanks, handed to lvm-run with --root. In it @ is the container's id.
 * With `stop` the child stops itself before it executes (for the tracer).
 */
pid_t command_spawn(const char *words, int output, bool stop);
void command_run(const char *words, struct outcome *ret);
/* Runs it; fails the case unless the exit status is `expected`. */
bool command_expect(int expected, const char *words);
/* 0 … 255, 128 + signal, −1 for hung. */
int exit_code(int status);
/* Waits for one child; kills it after the time. False then. */
bool await(pid_t pid, int timeout_ms, int *ret_status);
/* An unlinked file for the output of a command. */
int output_open(void);
void output_read(int fd, char *ret, size_t size);
void console_begin(void); /* the listening end of --console-socket */
void console_drain(void);

/* --- What is left (remains.c) --- */

/* The state of things without a container; every later check compares with it. */
void remains_baseline(void);
/*
 * Fails the case for each process, cgroup, mount, namespace, state directory and file that is there
 * and was not at the baseline. `when` says after what. Removes a whole pid file, which may stay.
 */
void remains_check(const char *when);
/* The pids, other than ours, that are alive; at most `size`. */
size_t remains_processes(pid_t *ret, size_t size);
/* Ends everything by hand, so that one failure does not spoil the next case. */
void remains_sweep(void);
/* delete --force, check, delete --force again, and the id can be used again. */
void remains_check_deleted(void);
/* Removes a directory and what is below; missing is no error. */
void remove_tree(const char *path);
/* Where the v2 hierarchy is mounted. */
const char *cgroup_mount(void);

/* --- Scenes (scene.c) --- */

enum scene_traits {
	ENDLESS = 1, /* does not end by itself */
	CORE = 2,    /* every boundary of it also in the short run */
	LIMITS = 4,  /* needs controllers */
};

struct scene {
	const char *name;
	const char *setup[3]; /* commands; a word with ! is one of ours */
	const char *victim;
	unsigned int traits;
};
extern const struct scene scenes[];
extern const size_t scene_count;

const struct scene *scene_find(const char *name);
bool scene_fits(const struct scene *scene); /* can it be played here? */
bool scene_set_up(const struct scene *scene);

/* --- Tracing (tracer.c) --- */

enum step_end {
	STEP_REACHED, /* it was at that boundary, and `act` was done */
	STEP_BEYOND,  /* it ended, or waits for ever, before */
};

struct step {
	const char *words;
	unsigned int process; /* 0: lvm-run, 1: its first child (stage or init), 2: the second */
	unsigned int number;  /* 0: the first system call */
	bool endless;         /* as of the scene */
	uint64_t delay_us;    /* at the boundary, before the kill: children get on */
	void (*act)(void);    /* null: SIGKILL; else called at the boundary, then let go on */
};

struct step_result {
	enum step_end end;
	long call;          /* the system call that did not happen any more */
	unsigned int calls; /* that the process was seen to make */
	int status;         /* of lvm-run */
	char output[1024];
};
void step_run(const struct step *step, struct step_result *ret);
const char *call_name(long number);

/* --- The parts --- */

void kills_run(void); /* kills.c: random and step by step */
/* One kill as the options say. */
void kills_repeat(const struct scene *scene, unsigned int process, long step, uint64_t us,
                  int signal);
void damage_run(void);   /* damage.c: records and journals that say nothing or wrong things */
void pressure_run(void); /* pressure.c: full state roots, gc beside living containers, signals */

#endif
