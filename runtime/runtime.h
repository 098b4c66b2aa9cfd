/*
 * The container's life, as cmd/ asks for it. Every function returns 0 or −errno with *err; a failing
 * call has undone what it did. Host side.
 *
 *	struct store *store;  store_open(root, &store, &err)      the state root, one directory a container
 *	container_create → container_start → container_kill → container_delete, or container_run
 *
 * Source of the life cycle: runtime.md "Lifecycle" of the OCI specification.
 */
#ifndef LVM_RUN_RUNTIME_RUNTIME_H
#define LVM_RUN_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/process.h"
#include "cgroups/cgroup.h"
#include "spec/state.h"

/* --- The state root --- */

struct store;
void store_close(struct store **store);
#define scoped_store scoped(store_close) struct store *

/*
 * Where the state root is when nobody names one: /run/lvm-run for root, $XDG_RUNTIME_DIR/lvm-run for a
 * user, or /run/user/UID/lvm-run where that variable is not set. Free; null with *err when there is
 * none of these.
 */
char *store_default_root(struct error *err) must_check;

/*
 * Opens the state root `path`, made with mode 0700 when missing. Null: store_default_root. Refused
 * when it belongs to somebody else or others could write to it.
 */
int store_open(const char *path, struct store **ret, struct error *err) must_check;

/* Whether `id` follows the grammar [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 255 bytes. */
bool store_id_valid(const char *id);

/* --- Making containers --- */

struct disk;        /* runtime/disk.h */
struct store_entry; /* runtime/store.h */

struct landlock_rules;

struct create_options {
	const char *id;
	const char *bundle;         /* null: the current directory */
	const char *config;         /* null: config.json of the bundle */
	const char *console_socket; /* null: none */
	const char *pidfd_socket;   /* null: none */
	const char *pid_file;       /* null: none */
	enum cgroup_driver driver;
	unsigned int preserve_fds; /* descriptors 3 … 3+n−1 are passed on, after LISTEN_FDS */
	bool no_pivot;
	bool no_new_keyring;
	bool detach; /* run: return when it is started */
	bool keep;   /* run: do not delete it afterwards */
	/*
	 * Init stays as pid 1 and runs the program as its child (reaper.h); `reaper_fd` is its end of
	 * the socket to whoever watches, borrowed. Set by container_launch.
	 */
	bool reaper;
	int reaper_fd;
	bool plain; /* container_launch: without such an init, the program itself is pid 1 */
	int hold_fd; /* with a reaper, which keeps it open while it lives (a lock); ≤ 0: none; borrowed */
	const struct landlock_rules *landlock; /* null: none; borrowed */
	const struct spec_seccomp
		*seccomp; /* instead of the configuration's; null: that; borrowed */
	/*
	 * The root is these directories, "TOP:…:BOTTOM" (a backslash before a colon of a name), below a
	 * writable layer in the store, instead of root.path; null: it is not.
	 */
	const char *overlay;
	bool overlay_keep; /* that layer stays when the container is deleted, for the next of this id */
	const char *store; /* null: the default (disk.h) */
	/* --- For checkpoint/ --- */
	/* A managed root that is there already: taken over, or borrowed with `reuse`. */
	struct disk *disk;
	/*
	 * The locked state directory of this id, whose container has ended, is taken over. When the creation
	 * fails it is handed back as it was.
	 */
	struct store_entry *reuse;
	const char *hostname; /* instead of the configuration's, if that has one; null: that */
	const char *network;  /* the network namespace to join instead; null: as configured */
	bool own_cgroup;      /* the group is named after the id, whatever the configuration says */
};

int container_create(struct store *store, const struct create_options *options,
                     struct error *err) must_check;
int container_start(struct store *store, const char *id, struct error *err) must_check;

/*
 * create and start in one. Without detach it stays in the foreground, forwards signals, carries the
 * terminal, deletes the container in the end; *ret_exit is the program's exit code, or 128 + signal.
 */
int container_run(struct store *store, const struct create_options *options, int *ret_exit,
                  struct error *err) must_check;

/*
 * Everything that is wrong with the bundle and configuration of `options`, or that this host lacks for
 * them, without making anything (spec/findings.h). Fails only when there is nothing to look at.
 */
struct findings;
int container_validate(const struct create_options *options, struct findings *findings,
                       struct error *err) must_check;

/*
 * A container whose end is the caller's business: created and started like run, with an init of ours
 * that stays as pid 1, reaps, hands signals on to the program, and dies with this process. All signals of
 * the calling process are blocked from here to launch_end.
 */
struct launch;
int container_launch(struct store *store, const struct create_options *options, struct launch **ret,
                     struct error *err) must_check;
/*
 * The same of a container that runs already, a child of ours that was made otherwise (a restore): it ends with this
 * process if it sees to that itself.
 */
int container_adopt(struct store *store, const char *id, struct launch **ret,
                    struct error *err) must_check;
/* Init: a child of ours, not reaped. */
const struct process *launch_process(const struct launch *launch);
/* May be null or disabled. */
struct cgroup *launch_cgroup(const struct launch *launch);
/*
 * Readable when the program has ended: its wait status, an int; before that, with a terminal, one each time that it
 * has stopped. End of file without an end: init died.
 */
int launch_reaper_fd(const struct launch *launch);
/* The master of the program's terminal, −1 without one; the caller may take it. */
int *launch_console(struct launch *launch);
/* Ends what still lives, removes the container, gives the signal mask back. Accepts null. */
int launch_end(struct launch **launch, struct error *err) must_check;
void launch_free(struct launch **launch); /* the same, errors dropped */
#define scoped_launch scoped(launch_free) struct launch *

struct exec_options {
	const char *id;
	const char
		*process_file; /* null: the members below, on top of the container's own process */
	char **args;           /* ends with null */
	char **env;            /* "NAME=value" added; may be null; ends with null */
	char **capabilities;   /* names added; may be null; ends with null */
	const char *cwd;
	const char *user;            /* "uid[:gid]" */
	const char *additional_gids; /* comma list; null: none */
	const char *apparmor;
	const char *process_label;
	const char *cgroup; /* a sub-cgroup, "PATH" or "[controller:]PATH"; null: the container's */
	const char *console_socket;
	const char *pidfd_socket;
	const char *pid_file;
	unsigned int preserve_fds;
	bool terminal;
	bool detach;
	bool no_new_privileges;
	bool ignore_paused;
	/* --- For sandbox/, whose containers let nobody in without --- */
	const struct spec_seccomp
		*seccomp; /* instead of the configuration's; null: that; borrowed */
	const struct landlock_rules *landlock; /* null: none; borrowed */
	struct process *ret_process; /* with detach: gets the child, not reaped; null: nobody */
	/* So long what lives there may keep the child from becoming the program (SIGSTOP); 0: for ever. */
	uint64_t patience_ms;
};
int container_exec(struct store *store, const struct exec_options *options, int *ret_exit,
                   struct error *err) must_check;

/* --- Acting on containers --- */

int container_kill(struct store *store, const char *id, int signal, bool all,
                   struct error *err) must_check;
int container_pause(struct store *store, const char *id, struct error *err) must_check;
int container_resume(struct store *store, const char *id, struct error *err) must_check;

/*
 * Changes the limits of a created, running or paused container, all of them or none. What
 * `resources` does not name stays as it is; of `rdt` (null: nothing) the schemas count. The configuration kept
 * in the state root changes with it, but for them.
 */
int container_update(struct store *store, const char *id, const struct spec_resources *resources,
                     const struct spec_intel_rdt *rdt, struct error *err) must_check;

/*
 * Adds the mounts of a list to a container that lives, in their order, or removes them, the last first: all
 * of them or none. `text` is a JSON array of mounts as in config.json; `name` stands for it in errors. Only
 * what was added this way can be removed, and of a mount to remove only the destination counts. The
 * configuration kept in the state root changes with it.
 */
int container_add_mounts(struct store *store, const char *id, const char *name, const char *text,
                         size_t size, struct error *err) must_check;
int container_remove_mounts(struct store *store, const char *id, const char *name, const char *text,
                            size_t size, struct error *err) must_check;

/*
 * Waits for the end of the container's process, at most `timeout_ms` (−1: for ever). Its exit status is
 * its parent's to read; another process learns it from the kernel (base/exit_status.h): for certain since
 * Linux 6.15 if it waits before the end, before that only as long as the parent has not read it.
 */
enum wait_end {
	WAIT_EXITED,  /* *ret_exit is its exit code, or 128 + signal */
	WAIT_UNKNOWN, /* it has ended, the status is not known */
	WAIT_TIMEOUT
};
int container_wait(struct store *store, const char *id, int timeout_ms, enum wait_end *ret,
                   int *ret_exit, struct error *err) must_check;

/*
 * Removes a stopped or created container. With `force` also a running one, one whose record is
 * missing or damaged, and what a killed lvm-run left: from the journal and the cgroup alone. With
 * force an unknown id is success.
 */
int container_delete(struct store *store, const char *id, bool force, struct error *err) must_check;

/*
 * Cleans up what killed commands left: containers whose creation never finished, sandboxes, records of an
 * earlier boot, temporary files, what hooks of killed commands left running. `report` is called with the id and
 * what was done.
 */
typedef void gc_report(const char *id, const char *what, void *context);
int container_gc(struct store *store, gc_report *report, void *context,
                 struct error *err) must_check;

/* --- Looking at containers --- */

struct container_info {
	struct arena arena;
	struct record record;
	struct state_view view; /* status, pid; view.record points to `record` of this object */
};
void container_info_free(struct container_info **info);
#define scoped_container_info scoped(container_info_free) struct container_info *

/* −ENOENT with "container does not exist" when there is none of that id. */
int container_info(struct store *store, const char *id, struct container_info **ret,
                   struct error *err) must_check;

/* All ids, sorted; *ret ends with null and is the caller's (container_ids_free). */
int container_ids(struct store *store, char ***ret, size_t *ret_count,
                  struct error *err) must_check;
void container_ids_free(char ***ids);

/* Process ids in the host's pid namespace; *ret is the caller's (free). */
int container_pids(struct store *store, const char *id, pid_t **ret, size_t *ret_count,
                   struct error *err) must_check;

#endif
