/*
 * What an image directory holds besides CRIU's files: what of the container lies outside the images
 * (standard streams, mounts, network), which a restore has to bring along. Host side.
 *
 *	facts_collect         of a frozen container
 *	facts_write           into the manifest, with the digest of each file of the image directory
 *	facts_read            from an image directory, after its files were checked against it
 *	facts_check_pages     the same of the files of memory
 */
#ifndef LVM_RUN_CHECKPOINT_FACTS_H
#define LVM_RUN_CHECKPOINT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "cgroups/subtree.h"
#include "spec/spec.h"

#define MANIFEST_NAME "lvm-run.json"
#define SIGNATURE_NAME "lvm-run.hmac" /* HMAC-SHA256 of the manifest's bytes, in hexadecimal */
/* CRIU's link to the images that these go on from. */
#define PARENT_NAME "parent"
enum { PARENTS_MAX = 256 }; /* one upon the other */
/* By which CRIU knows the network namespace of the container, which it does not save. */
#define FACTS_NETWORK_KEY "lvmNetwork"
/* What is written; an older one that has all that is needed is read, too. */
enum { MANIFEST_FORMAT = 3, MANIFEST_FORMAT_LEAST = 2 };

enum { STREAM_COUNT = 3 };

/* A standard stream that ends outside the container. */
struct fact_stream {
	char *key; /* CRIU's name: "pipe:[…]", "file[…]", "tty[…]"; null: nothing to replace */
	bool external; /* the key has to be declared when dumping */
	int access;    /* O_RDONLY, O_WRONLY or O_RDWR */
};

struct fact_tmpfs;

enum fact_mount_source {
	MOUNT_INTERNAL, /* CRIU makes it */
	MOUNT_BIND,     /* bound from the host: `from` of the new configuration's mounts */
	MOUNT_CGROUP,   /* the container's own control group */
	MOUNT_MASK,     /* an empty read-only directory */
	MOUNT_DEVICE,   /* a device node of the host: `from` is its path */
	MOUNT_TMPFS,    /* made by us with all that was in it: `tmpfs` */
	MOUNT_PART,     /* `from` in the MOUNT_TMPFS with the index `of`, mounted once more */
	MOUNT_SOURCE_COUNT
};

struct fact_mount {
	char *path;    /* in the container */
	char *options; /* of the mount itself: "ro,nosuid,…", as in mountinfo(5) */
	char *from;    /* may be null */
	enum fact_mount_source source;
	bool directory;
	bool on_root;             /* its mount point is in the root file system */
	struct fact_tmpfs *tmpfs; /* tmpfs.h; null: nothing is known of its contents */
	size_t of;
};

/* A file of the image directory as the manifest has it. */
struct fact_file {
	char *name;
	char *sha256;
	uint64_t size;
};

struct facts {
	struct arena arena;
	char *id;
	struct fact_stream streams[STREAM_COUNT];
	struct fact_mount *mounts;
	size_t mount_count;
	struct subtree groups; /* that the container has made; none without nodes */
	bool network;          /* a network namespace of its own */
	ino_t network_inode;
	bool user_namespace; /* of its own: the network namespace belongs to it, and CRIU makes both */
	bool connections;    /* facts_read: TCP connections were saved */
	struct fact_file
		*pages; /* the files of memory, which facts_read leaves to facts_check_pages */
	size_t page_count;
	char *key; /* with it the manifest is signed and checked; null: it is not */
	size_t key_size;
	struct fact_file
		known; /* facts_write: this one's digest is known already; a null name: none */
	bool dedup; /* facts_write: the parents have lost memory, so that the digests in their manifests are void */
	bool pre_dump;     /* memory alone, the parent of a checkpoint */
	bool remote_pages; /* a page server got the memory: what is put here later has no digest */
};
void facts_done(struct facts *facts);
#define scoped_facts scoped(facts_done) struct facts

int facts_collect(pid_t pid, const struct spec *spec, struct facts *ret,
                  struct error *err) must_check;

/* The bytes of a file become facts->key; a null path: none. */
int facts_read_key(const char *path, struct facts *facts, struct error *err) must_check;

int facts_write(const struct facts *facts, int directory, struct error *err) must_check;

/*
 * Checks all files but those of memory, which CRIU does not interpret: they may be many gigabytes.
 * EILSEQ when a file was changed, is missing or does not belong to it; ENOENT when the directory was
 * not made by `lvm-run checkpoint`.
 */
int facts_read(int directory, struct facts *ret, struct error *err) must_check;
/* Checks the files of memory; a program must not run before, or not for long. */
int facts_check_pages(int directory, const struct facts *facts, struct error *err) must_check;

/* The key of the mount with that index in CRIU's options. */
enum { MOUNT_KEY_SIZE = 16 };
const char *facts_mount_key(size_t index, char buffer[static MOUNT_KEY_SIZE]);

/* The configuration's mount at exactly that place: the last one wins, as it lies on top; null: there is none. */
const struct spec_mount *facts_find_mount(const struct spec *spec, struct arena *arena,
                                          const char *path) must_check;

/* --- Parts of facts_collect --- */

int facts_collect_mounts(int proc_fd, const struct spec *spec, struct facts *facts,
                         struct error *err) must_check;
int facts_collect_streams(int proc_fd, struct facts *facts, struct error *err) must_check;

#endif
