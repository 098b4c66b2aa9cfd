#include "rootfs/options.h"

#include <errno.h>
#include <string.h>

#include "base/mount_api.h"
#include "base/str.h"
#include "rootfs/rootfs.h"

enum kind {
	NOTHING,     /* the default, or without a meaning for today's kernels */
	ATTRIBUTE,   /* of the mount */
	RECURSIVE,   /* of it and all below */
	PROPAGATION, /* of the mount */
	ALL_BELOW,   /* the same for it and all below */
	SUPERBLOCK,  /* a flag fsconfig(2) knows under this name, for every file system */
	WORD,        /* sets the two booleans (or the same twice) of struct mount_options */
};

#define ATIME MOUNT_ATTR__ATIME
#define ON(bit) (bit), (bit)
#define OFF(bit) (bit), 0
#define PLACE(member) offsetof(struct mount_options, member)
#define BOTH(member, other) PLACE(member), PLACE(other)
#define AT(member) BOTH(member, member)

/*
 * X(name, kind, first, second): for attributes the mask and what is set of it; for propagation the
 * MS_ flag; for words the place. silent and loud concern the kernel's log in mount(2) alone; iversion
 * is a matter of the file systems themselves since Linux 5.17.
 */
#define OPTIONS(X)                                                                                 \
	X("async", SUPERBLOCK, 0, 0)                                                               \
	X("atime", ATTRIBUTE, OFF(ATIME))                                                          \
	X("bind", WORD, AT(bind))                                                                  \
	X("copy-symlink", WORD, AT(copy_symlink))                                                  \
	X("defaults", NOTHING, 0, 0)                                                               \
	X("dest-nofollow", WORD, AT(destination_nofollow))                                         \
	X("dev", ATTRIBUTE, OFF(MOUNT_ATTR_NODEV))                                                 \
	X("diratime", ATTRIBUTE, OFF(MOUNT_ATTR_NODIRATIME))                                       \
	X("dirsync", SUPERBLOCK, 0, 0)                                                             \
	X("exec", ATTRIBUTE, OFF(MOUNT_ATTR_NOEXEC))                                               \
	X("idmap", WORD, AT(idmap))                                                                \
	X("iversion", NOTHING, 0, 0)                                                               \
	X("lazytime", SUPERBLOCK, 0, 0)                                                            \
	X("loud", NOTHING, 0, 0)                                                                   \
	X("mand", NOTHING, 0, 0)                                                                   \
	X("noatime", ATTRIBUTE, ATIME, MOUNT_ATTR_NOATIME)                                         \
	X("nodev", ATTRIBUTE, ON(MOUNT_ATTR_NODEV))                                                \
	X("nodiratime", ATTRIBUTE, ON(MOUNT_ATTR_NODIRATIME))                                      \
	X("noexec", ATTRIBUTE, ON(MOUNT_ATTR_NOEXEC))                                              \
	X("noiversion", NOTHING, 0, 0)                                                             \
	X("nolazytime", SUPERBLOCK, 0, 0)                                                          \
	X("nomand", NOTHING, 0, 0)                                                                 \
	X("norelatime", ATTRIBUTE, OFF(ATIME))                                                     \
	X("nostrictatime", ATTRIBUTE, OFF(ATIME))                                                  \
	X("nosuid", ATTRIBUTE, ON(MOUNT_ATTR_NOSUID))                                              \
	X("nosymfollow", ATTRIBUTE, ON(MOUNT_ATTR_NOSYMFOLLOW))                                    \
	X("private", PROPAGATION, MS_PRIVATE, 0)                                                   \
	X("ratime", RECURSIVE, OFF(ATIME))                                                         \
	X("rbind", WORD, BOTH(bind, bind_recursive))                                               \
	X("rdev", RECURSIVE, OFF(MOUNT_ATTR_NODEV))                                                \
	X("rdiratime", RECURSIVE, OFF(MOUNT_ATTR_NODIRATIME))                                      \
	X("relatime", ATTRIBUTE, ATIME, MOUNT_ATTR_RELATIME)                                       \
	X("remount", WORD, AT(remount))                                                            \
	X("rexec", RECURSIVE, OFF(MOUNT_ATTR_NOEXEC))                                              \
	X("ridmap", WORD, BOTH(idmap, idmap_recursive))                                            \
	X("rnoatime", RECURSIVE, ATIME, MOUNT_ATTR_NOATIME)                                        \
	X("rnodev", RECURSIVE, ON(MOUNT_ATTR_NODEV))                                               \
	X("rnodiratime", RECURSIVE, ON(MOUNT_ATTR_NODIRATIME))                                     \
	X("rnoexec", RECURSIVE, ON(MOUNT_ATTR_NOEXEC))                                             \
	X("rnorelatime", RECURSIVE, OFF(ATIME))                                                    \
	X("rnostrictatime", RECURSIVE, OFF(ATIME))                                                 \
	X("rnosuid", RECURSIVE, ON(MOUNT_ATTR_NOSUID))                                             \
	X("rnosymfollow", RECURSIVE, ON(MOUNT_ATTR_NOSYMFOLLOW))                                   \
	X("ro", ATTRIBUTE, ON(MOUNT_ATTR_RDONLY))                                                  \
	X("rprivate", ALL_BELOW, MS_PRIVATE, 0)                                                    \
	X("rrelatime", RECURSIVE, ATIME, MOUNT_ATTR_RELATIME)                                      \
	X("rro", RECURSIVE, ON(MOUNT_ATTR_RDONLY))                                                 \
	X("rrw", RECURSIVE, OFF(MOUNT_ATTR_RDONLY))                                                \
	X("rshared", ALL_BELOW, MS_SHARED, 0)                                                      \
	X("rslave", ALL_BELOW, MS_SLAVE, 0)                                                        \
	X("rstrictatime", RECURSIVE, ATIME, MOUNT_ATTR_STRICTATIME)                                \
	X("rsuid", RECURSIVE, OFF(MOUNT_ATTR_NOSUID))                                              \
	X("rsymfollow", RECURSIVE, OFF(MOUNT_ATTR_NOSYMFOLLOW))                                    \
	X("runbindable", ALL_BELOW, MS_UNBINDABLE, 0)                                              \
	X("rw", ATTRIBUTE, OFF(MOUNT_ATTR_RDONLY))                                                 \
	X("shared", PROPAGATION, MS_SHARED, 0)                                                     \
	X("silent", NOTHING, 0, 0)                                                                 \
	X("slave", PROPAGATION, MS_SLAVE, 0)                                                       \
	X("src-nofollow", WORD, AT(source_nofollow))                                               \
	X("strictatime", ATTRIBUTE, ATIME, MOUNT_ATTR_STRICTATIME)                                 \
	X("suid", ATTRIBUTE, OFF(MOUNT_ATTR_NOSUID))                                               \
	X("symfollow", ATTRIBUTE, OFF(MOUNT_ATTR_NOSYMFOLLOW))                                     \
	X("sync", SUPERBLOCK, 0, 0)                                                                \
	X("tmpcopyup", WORD, AT(copy_up))                                                          \
	X("unbindable", PROPAGATION, MS_UNBINDABLE, 0)

#define NAME_OF(name, ...) name,
#define ENTRY_OF(name, ...) {__VA_ARGS__},

static const char *const names[] = {OPTIONS(NAME_OF) NULL};
static const struct entry {
	enum kind kind;
	uint64_t first;
	uint64_t second;
} entries[] = {OPTIONS(ENTRY_OF)};

const char *const *rootfs_mount_option_names(void)
{
	return names;
}

static const struct entry *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (!strcmp(names[i], name))
			return &entries[i];
	return NULL;
}

static void change(struct mount_attributes *attributes, uint64_t mask, uint64_t set)
{
	attributes->mask |= mask;
	attributes->set = (attributes->set & ~mask) | set;
}

static void parameter_add(struct mount_options *options, const char *key, const char *value)
{
	struct mount_parameter *p = &options->parameters[options->parameter_count++];

	p->key = key;
	p->value = value;
}

static void apply(struct mount_options *options, const char *name, const struct entry *entry)
{
	switch (entry->kind) {
	case NOTHING:
		break;
	case ATTRIBUTE:
		change(&options->attributes, entry->first, entry->second);
		break;
	case RECURSIVE:
		change(&options->recursive_attributes, entry->first, entry->second);
		break;
	case PROPAGATION:
	case ALL_BELOW:
		options->propagation = entry->first;
		options->propagation_recursive = entry->kind == ALL_BELOW;
		break;
	case SUPERBLOCK:
		parameter_add(options, name, NULL);
		break;
	case WORD:
		*(bool *)((char *)options + entry->first) = true;
		*(bool *)((char *)options + entry->second) = true;
		break;
	}
}

/* A word that the table does not have. */
static int apply_unknown(struct arena *arena, struct mount_options *options, const char *text,
                         struct error *err)
{
	const char *equals = strchr(text, '=');
	char *key;

	if (str_starts(text, "idmap=") || str_starts(text, "ridmap=")) {
		options->idmap = true;
		options->idmap_recursive = *text == 'r';
		options->idmap_text = equals + 1;
		return 0;
	}
	if (!*text || equals == text)
		return error_set(err, EINVAL, "mount option \"%s\" has no name", text);
	if (!equals) {
		parameter_add(options, text, NULL);
		return 0;
	}
	key = arena_strndup(arena, text, (size_t)(equals - text));
	if (!key)
		return error_code(err, ENOMEM, "read the mount options");
	parameter_add(options, key, equals + 1);
	return 0;
}

int mount_options_parse(struct arena *arena, const struct string_list *list,
                        struct mount_options *ret, struct error *err)
{
	struct mount_options options = {0};

	options.parameters = arena_alloc(arena, list->count + 1, sizeof(*options.parameters));
	if (!options.parameters)
		return error_code(err, ENOMEM, "read the mount options");
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = find(list->items[i]);
		int r = 0;

		if (entry)
			apply(&options, list->items[i], entry);
		else
			r = apply_unknown(arena, &options, list->items[i], err);
		if (r)
			return r;
	}
	*ret = options;
	return 0;
}

const char *mount_options_value(const struct mount_options *options, const char *key)
{
	const char *value = NULL;

	for (size_t i = 0; i < options->parameter_count; i++)
		if (!strcmp(options->parameters[i].key, key))
			value = options->parameters[i].value;
	return value;
}

void mount_options_drop(struct mount_options *options, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < options->parameter_count; i++)
		if (strcmp(options->parameters[i].key, key) != 0)
			options->parameters[kept++] = options->parameters[i];
	options->parameter_count = kept;
}
