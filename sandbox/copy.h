/*
 * Copies out what a hostile program has made, for somebody who will trust it a little: regular files,
 * directories and links that stay inside. Everything is opened in the directory that holds it and never
 * through a link; what is neither of these is left out and listed. Bits that lend rights are dropped,
 * holes stay holes, hard links stay one file, and each file has its SHA-256, taken from the bytes that
 * were written. An existing file gives way in one step; an existing directory is added to. Host side.
 *
 *	struct copy copy = COPY_NONE;
 *	copy_entry(&copy, from_dirfd, "result", to_dirfd, "result", &err);
 *	copy_done(&copy);
 */
#ifndef LVM_RUN_SANDBOX_COPY_H
#define LVM_RUN_SANDBOX_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/sha256.h"

struct copy_item {
	const char *path; /* from the first name on: "result/lib/libx.so" */
	char kind;        /* 'f', 'd', 'l' */
	mode_t mode;
	uint64_t size;
	char digest[SHA256_HEX_SIZE]; /* of a file */
	const char *target;           /* of a link */
};
struct copy_refusal {
	const char *path;
	const char *why;
};

/* A file with several names, to be linked when the next one comes: a place in a table by device and number. */
struct copy_inode {
	dev_t device;
	ino_t number;
	size_t item; /* of the first name, from 1 on; 0: the place is free */
};

struct copy {
	struct arena arena;
	struct copy_item *items;
	size_t item_count, item_capacity;
	struct copy_refusal *refusals;
	size_t refusal_count, refusal_capacity;
	struct copy_inode *inodes;
	size_t inode_count, inode_capacity;
	uint64_t holes; /* bytes */
	uint64_t names; /* bytes of paths */
	int64_t latest; /* seconds: later time stamps are set back to it; −1: none are */
	/* Directories above the first name that links may lead into, too; −1: not even the one it lies in. */
	int above;
	int to_root; /* where inodes' paths start; set by copy_entry */
};

#define COPY_NONE                                                                                  \
	{                                                                                          \
		.latest = -1, .above = -1                                                          \
	}
void copy_done(struct copy *copy);
#define scoped_copy scoped(copy_done) struct copy

/*
 * Copies `name` of `from_dirfd` as `to_name` into `to_dirfd`. −errno when the copy itself fails; what was refused is
 * no failure.
 */
int copy_entry(struct copy *copy, int from_dirfd, const char *name, int to_dirfd,
               const char *to_name, struct error *err) must_check;

/* Adds to the refusals. */
int copy_refuse(struct copy *copy, const char *path, const char *why, struct error *err) must_check;

/*
 * Whether a link with this text, `depth` directories below the top, stays below it whatever other such
 * links there are: relative, and ".." only in front.
 */
bool copy_link_stays(const char *text, unsigned int depth);

#endif
