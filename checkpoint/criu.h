/*
 * The only door to CRIU: finds the program, starts `criu swrk` on a socket pair, speaks its RPC
 * (CRIU's images/rpc.proto). Host side.
 *
 *	criu_find → criu_start → criu_dump or criu_restore → criu_done
 *
 * A failure is told by its cause: the lines of CRIU's log are looked up in explain.h.
 */
#ifndef LVM_RUN_CHECKPOINT_CRIU_H
#define LVM_RUN_CHECKPOINT_CRIU_H

#include <limits.h>
#include <stdbool.h>

#include "base/process.h"
#include "spec/spec.h"

/* The oldest CRIU that is driven: before it, kernels since 6.13 and mount propagation break it. */
enum { CRIU_VERSION_MIN = 40101 }; /* major × 10000 + minor × 100 + sublevel */
#define CRIU_VERSION_MIN_TEXT "4.1.1"

/* Values of rpc.proto. */
enum criu_network_lock { CRIU_LOCK_IPTABLES = 1, CRIU_LOCK_NFTABLES = 2, CRIU_LOCK_SKIP = 3 };

/* Of packets that CRIU sends itself to bring a connection into its state (soccr.h). */
enum { CRIU_MARK = 0xc114 };

/* A descriptor that replaces what the images name by `key`; `fd` is ours, CRIU gets a copy. */
struct criu_inherit {
	const char *key;
	int fd;
};

struct criu_options {
	int images_fd;
	int work_fd;
	const char *log_file; /* a name in work_fd */
	pid_t pid;
	const char *root; /* restore: a mount point */
	const char *freeze_cgroup;
	const char *lsm_profile;
	const char *lsm_mount_context;
	const char *const *external;
	size_t external_count;
	const struct criu_inherit *inherit;
	size_t inherit_count;
	enum criu_network_lock network_lock;
	unsigned int ghost_limit; /* bytes; 0: CRIU's */
	bool leave_running;
	bool ext_unix_sockets;
	bool tcp_established;
	bool tcp_close;
	bool tcp_skip_in_flight;
	bool shell_job;
	bool file_locks;
	bool link_remap;
	bool lazy_pages;
	bool auto_dedup;
	bool track_mem;
	bool empty_network; /* nothing of the network namespace is saved, and a new one is made */
	const char *parent; /* images of a pre-dump, relative to images_fd */
	const char *config; /* a file of options that CRIU reads last; null: none */
	const char *
		server_address; /* dump: a page server that takes the memory, or with lazy_pages … */
	unsigned int server_port; /* … where CRIU itself offers it; 0: none */
};

/*
 * Called at each step that CRIU reports ("post-dump", "setup-namespaces", …); an error stops it. `fd` is the
 * descriptor that comes with the step "orphan-pts-master", to be copied; else −1.
 */
typedef int criu_notify(const char *step, pid_t pid, int fd, void *context, struct error *err);

struct criu_launch {
	const char *program;
	int cgroup_fd; /* −1: ours */
	const struct criu_inherit *inherit;
	size_t inherit_count;
	/* Runs in the new process before it becomes CRIU; may be null. */
	int (*prepare)(void *context, struct error *err);
	void *context;
	bool in_session; /* stays in ours, which a restored --shell-job takes over */
};

struct criu {
	struct process process;
	int socket;
	int watched; /* a pidfd, the caller's: once it has ended CRIU may never answer; −1: none */
};
#define CRIU_NONE                                                                                  \
	{                                                                                          \
		.process = {.pidfd = -1}, .socket = -1, .watched = -1                              \
	}
/* Ends CRIU if it still runs, and reaps it. */
void criu_done(struct criu *criu);
#define scoped_criu scoped(criu_done) struct criu

/*
 * LVM_RUN_CRIU of the environment, else `criu` in the folder of our helper programs, else the first of PATH
 * and the system's directories.
 */
int criu_find(char ret[static PATH_MAX], struct error *err) must_check;

/*
 * The file of CRIU's options that the configuration's annotation org.criu.config names, else
 * /etc/criu/lvm-run.conf, else null. What stands in it wins over what is asked for otherwise.
 */
const char *criu_config(const struct spec *spec);

/* Starts it and asks its version; too old, broken or absent is one sentence with the remedy. */
int criu_start(struct criu *criu, const struct criu_launch *launch, struct error *err) must_check;

/* Whether one is found, starts, and is new enough. */
bool criu_is_usable(void) must_check;

struct criu_features {
	bool mem_track;
	bool lazy_pages;
};
int criu_features(struct criu *criu, struct criu_features *ret, struct error *err) must_check;

/*
 * Whether it can hold back packets by nftables: that takes a kernel and a CRIU with it. No request asks for that, `criu
 * check` does, which takes some milliseconds.
 */
int criu_can_lock_network(bool *ret, struct error *err) must_check;

/* `criu lazy-pages`, which no request can start. */
struct criu_lazy {
	const char *program;
	const char *log_file; /* a name in work_fd */
	int images_fd;
	int work_fd;
	int ready_fd;        /* gets a byte once it listens */
	const char *address; /* of a page server; null: the memory is in the images */
	unsigned int port;
};
/* In a forked process: becomes it, and ends when it cannot. */
void criu_become_lazy(const struct criu_lazy *lazy);

int criu_dump(struct criu *criu, const struct criu_options *options, criu_notify *notify,
              void *context, struct error *err) must_check;

/* Memory alone; the processes run on. */
int criu_pre_dump(struct criu *criu, const struct criu_options *options, criu_notify *notify,
                  void *context, struct error *err) must_check;

/*
 * The restored tree's first process becomes our child; *ret is its pid. 1: what is watched has ended before CRIU was done
 * with it, and CRIU will not be.
 */
int criu_restore(struct criu *criu, const struct criu_options *options, criu_notify *notify,
                 void *context, pid_t *ret, struct error *err) must_check;

/* --- Parts --- */

/* The number that the first inherited descriptor has in it. */
enum { CRIU_FIRST_FD = 4 };
/* criu_start without a question. */
int criu_spawn(struct criu *criu, const struct criu_launch *launch, struct error *err) must_check;

#endif
