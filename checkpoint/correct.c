/* CRIU loses options of the root and of external mounts: they are set again before anything runs. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/process.h"
#include "base/str.h"
#include "checkpoint/mountinfo.h"
#include "checkpoint/places.h"

static const struct {
	const char *word;
	uint64_t attribute;
	bool sets_atime;
} words[] = {
	{"ro", MOUNT_ATTR_RDONLY, false},
	{"nosuid", MOUNT_ATTR_NOSUID, false},
	{"nodev", MOUNT_ATTR_NODEV, false},
	{"noexec", MOUNT_ATTR_NOEXEC, false},
	{"nodiratime", MOUNT_ATTR_NODIRATIME, false},
	{"noatime", MOUNT_ATTR_NOATIME, true},
	{"relatime", MOUNT_ATTR_RELATIME, true},
};

uint64_t places_attributes(const char *options)
{
	uint64_t attributes = MOUNT_ATTR_STRICTATIME; /* it has no word */

	while (*options) {
		size_t length = strcspn(options, ",");

		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			if (strlen(words[i].word) != length ||
			    strncmp(options, words[i].word, length) != 0)
				continue;
			if (words[i].sets_atime)
				attributes &= ~(uint64_t)MOUNT_ATTR__ATIME;
			attributes |= words[i].attribute;
		}
		options += length + (options[length] == ',');
	}
	return attributes;
}

/*
 * One mount; opened by its path in the namespace, where nothing runs that could change it. A path that leads
 * nowhere has another mount over it, and nobody gets at this one.
 */
static int correct_mount(const char *path, uint64_t wanted, uint64_t found, struct error *err)
{
	struct mount_attr change = {.attr_set = wanted & ~found, .attr_clr = found & ~wanted};
	scoped_fd fd = open(path, O_PATH | O_CLOEXEC);

	if ((change.attr_set | change.attr_clr) & MOUNT_ATTR__ATIME)
		change.attr_clr |= MOUNT_ATTR__ATIME;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &change, sizeof(change)) < 0)
		return error_errno(err, "options of mount %s", path);
	return 0;
}

/* Whether another one lies over that one at the same place, as a mask does. */
static bool is_covered(const struct facts *facts, size_t index)
{
	for (size_t i = index + 1; i < facts->mount_count; i++)
		if (str_equal(facts->mounts[i].path, facts->mounts[index].path))
			return true;
	return false;
}

static bool is_parent(const struct mountinfo_list *list, const struct mountinfo *mount)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].parent, mount->id) &&
		    str_equal(list->items[i].path, mount->path))
			return true;
	return false;
}

/* The one on top; null: there is none. */
static const struct mountinfo *find_top(const struct mountinfo_list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i].path, path) && !is_parent(list, &list->items[i]))
			return &list->items[i];
	return NULL;
}

static int correct_all(const struct facts *facts, const struct mountinfo_list *list,
                       struct error *err)
{
	for (size_t i = 0; i < facts->mount_count; i++) {
		const struct fact_mount *mount = &facts->mounts[i];
		const struct mountinfo *found;

		if (is_covered(facts, i))
			continue;
		found = find_top(list, mount->path);
		if (!found)
			return error_set(err, ENOENT, "mount %s was not restored", mount->path);

		uint64_t wanted = places_attributes(mount->options);
		uint64_t has = places_attributes(found->options);
		int r = wanted == has ? 0 : correct_mount(mount->path, wanted, has, err);

		if (r < 0)
			return r;
	}
	return 0;
}

struct correction {
	const struct facts *facts;
	const struct mountinfo_list *list;
	int namespace;
	int root;
};

/* Only a process of its own can enter a mount namespace and leave ours as it is. */
static int enter_and_correct(void *context, struct error *err)
{
	const struct correction *c = context;

	if (setns(c->namespace, CLONE_NEWNS) < 0 || fchdir(c->root) < 0 || chroot(".") < 0)
		return error_errno(err, "enter the restored mount namespace");
	return correct_all(c->facts, c->list, err);
}

static int in_namespace(int proc, const struct facts *facts, const struct mountinfo_list *list,
                        struct error *err)
{
	scoped_fd namespace = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
	scoped_fd root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct correction correction = {
		.facts = facts, .list = list, .namespace = namespace, .root = root};

	if (namespace < 0 || root < 0)
		return error_errno(err, "restored mount namespace");
	return process_in_child(enter_and_correct, &correction, err);
}

int places_correct(const struct facts *facts, pid_t pid, struct error *err)
{
	scoped_arena arena = {0};
	struct mountinfo_list list = {0};
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);

	scoped_fd proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return error_errno(err, "%s", path);

	int r = mountinfo_read(proc, &arena, &list, err);

	return r < 0 ? r : in_namespace(proc, facts, &list, err);
}
