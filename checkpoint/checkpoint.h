/*
 * A running container as files, and back: what cmd/ asks for. Both need root and CRIU (criu.h).
 * 0 or −errno with *err; what fails leaves the container running as it was, no partial image and no
 * half-made container. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_CHECKPOINT_H
#define LVM_RUN_CHECKPOINT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "checkpoint/criu.h"
#include "runtime/runtime.h"

struct container; /* runtime/container.h */

/* Called with the first process; an error ends the operation. */
typedef int checkpoint_hook(pid_t pid, void *context, struct error *err);

/*
 * What becomes of the groups that the container has made below its own. Limits of its own group come from
 * config.json, but for the last two, where they are those that it had.
 */
enum checkpoint_cgroups {
	CHECKPOINT_CGROUPS_SOFT,   /* they are made again, with their processes and limits */
	CHECKPOINT_CGROUPS_IGNORE, /* none: all processes are in its own group */
	CHECKPOINT_CGROUPS_FULL,
	CHECKPOINT_CGROUPS_STRICT /* and its own group must not have been there */
};

/* What both directions know. */
struct checkpoint_options {
	const char *image_path; /* null: ./checkpoint */
	const char *work_path;  /* where CRIU's log stays; null: see below */
	const char *key_path;   /* who has this file's bytes vouches for the images; null: nobody */
	const char *lsm_profile;       /* restore: "TYPE:NAME" */
	const char *lsm_mount_context; /* restore */
	enum criu_network_lock lock;   /* 0: nftables with tcp_established, else skip */
	enum checkpoint_cgroups cgroups;
	unsigned int ghost_limit; /* bytes; 0: CRIU's */
	bool leave_running;       /* dump */
	bool ext_unix_sockets;
	bool tcp_established;
	bool tcp_close;
	bool tcp_skip_in_flight;
	bool shell_job;
	bool file_locks;
	bool link_remap;
	bool lazy_pages; /* restore: memory comes later; dump: it stays here until it was fetched */
	/* An address and a port: dump: a page server that takes the memory (lazy_pages: where it is offered);
	 * restore with lazy_pages: where it is fetched. Null: none. */
	const char *server_address;
	unsigned int server_port;
	int status_fd;           /* gets a byte once lazy memory is offered; 0: none */
	const char *parent_path; /* dump: of a pre-dump, relative to the image path */
	bool pre_dump;           /* dump: memory alone, the container runs on */
	bool auto_dedup;         /* memory that is saved once more goes from the parent's images */
	/* dump: on the disk, not only in memory of the kernel, before processes are ended or success is told. */
	bool sync;
	bool stop_exec; /* dump: processes of exec are ended instead of refused */
	/* --- For snapshots and clones (snapshot.h, clone.h) --- */
	/* dump: opened and locked by the caller, whom it stays with; its processes alone are ended. */
	struct container *container;
	/* dump: absolute; of images that it goes on from and, unlike a parent, takes files over from (parent.h) */
	const char *base_path;
	bool track_memory; /* dump: where the kernel can, so that another one can go on from this one */
	checkpoint_hook
		*frozen; /* dump: all is saved (and sealed, unless it runs on), nothing runs yet */
	checkpoint_hook *restored; /* restore: all is there and nothing runs yet */
	bool memory_is_checked;    /* restore: its digest, by another restore of the same images */
	void *context;
	/* dump: when they stood still (0: they did before), and when they went on (0: they did not);
	 * CLOCK_MONOTONIC; may be null */
	int64_t *ret_frozen_ns;
	int64_t *ret_thawed_ns;
};

/*
 * The log is dump.log of the work path, else of the image directory. The container is removed after a
 * checkpoint that does not leave it running.
 */
int checkpoint_dump(struct store *store, const char *id, const struct checkpoint_options *options,
                    struct error *err) must_check;

/*
 * A new container from an image directory and a bundle; its standard streams are this command's. The log is
 * restore.log of the work path; without one it stays only when the restore fails, beside the images (else in
 * the state root), and the error says where.
 * In the foreground *ret_exit is the program's exit code.
 */
int checkpoint_restore(struct store *store, const struct create_options *create,
                       const struct checkpoint_options *options, int *ret_exit,
                       struct error *err) must_check;

#endif
