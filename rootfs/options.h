/*
 * The words in a mount's `options`: one table says what each means (config.md "Linux mount options",
 * mount(8)). Host side.
 */
#ifndef LVM_RUN_ROOTFS_OPTIONS_H
#define LVM_RUN_ROOTFS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

/* What fsconfig(2) gets: a flag, or with a value a string. */
struct mount_parameter {
	const char *key;
	const char *value; /* null: a flag */
};

/* MOUNT_ATTR_… to change: the bits of `set` and no others of `mask` are on afterwards. */
struct mount_attributes {
	uint64_t mask;
	uint64_t set;
};

struct mount_options {
	struct mount_attributes attributes;           /* of the mount itself */
	struct mount_attributes recursive_attributes; /* of it and all mounts below (rro, …) */
	uint64_t propagation;                         /* MS_SHARED, …; 0: not asked for */
	bool propagation_recursive;
	bool bind;
	bool bind_recursive; /* rbind; `bind` is on too */
	bool remount;
	bool idmap;
	bool idmap_recursive;      /* ridmap; `idmap` is on too */
	const char *idmap_text;    /* what follows "idmap=", or null */
	bool copy_up;              /* tmpcopyup */
	bool copy_symlink;         /* a source that is a link becomes a link */
	bool source_nofollow;      /* src-nofollow */
	bool destination_nofollow; /* dest-nofollow */
	/* For a new file system: flags of the superblock ("sync") and every word not in the table. */
	struct mount_parameter *parameters;
	size_t parameter_count;
};

/*
 * Reads the list; what comes later overrides. The texts are those of `list`, or lie in `arena`. A word
 * that is not known is a parameter: "key" or "key=value".
 */
int mount_options_parse(struct arena *arena, const struct string_list *list,
                        struct mount_options *ret, struct error *err) must_check;

/* The value of the parameter `key`, or null. */
const char *mount_options_value(const struct mount_options *options, const char *key);

/* Drops the parameter `key`, if it is there. */
void mount_options_drop(struct mount_options *options, const char *key);

#endif
