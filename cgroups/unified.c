/*
 * The cgroupfs driver: groups made by mkdir(2) in the v2 hierarchy. The usual case, a group right below
 * the root without limits, costs one mkdir and one open.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/path.h"
#include "cgroups/text.h"
#include "cgroups/tree.h"

enum {
	GROUP_OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	WORDS_SIZE = 512, /* of cgroup.controllers and cgroup.subtree_control */
	EMPTY_TIMEOUT_MS = 2000,
	MAKE_ROUNDS = 16
};

/* --- The plan --- */

int unified_set_place(struct cgroup *group, const char *mount, struct error *err)
{
	group->location.mount = arena_strdup(&group->arena, mount);
	group->full = arena_format(&group->arena, "%s%s", mount, group->location.path);
	if (!group->location.mount || !group->full)
		return error_code(err, ENOMEM, "cgroup");
	if (strlen(group->full) >= PATH_MAX)
		return error_code(err, ENAMETOOLONG, "cgroup path \"%.60s…\"",
		                  group->location.path);
	return 0;
}

/* Why a limit is not set where its controller is bound to cgroup v1. */
static const char *why_not_legacy(const struct cgroup *group, const struct limit *limit)
{
	if (group->location.driver == CGROUP_DRIVER_SYSTEMD)
		return "the systemd driver sets limits in cgroup v2 only (the cgroupfs driver, "
		       "without --systemd-cgroup, sets them there)";
	if (str_starts(limit->property, "linux.resources.unified."))
		return "the keys of linux.resources.unified are files of cgroup v2 (use the "
		       "property of linux.resources that limits the same)";
	if (process_is_rootless())
		return "only root sets limits there";
	if (group->dirfd >= 0)
		return "the container has groups in other hierarchies, which no update adds to";
	return "lvm-run cannot set it there";
}

int unified_check_controllers(const struct cgroup *group, struct error *err)
{
	char controllers[WORDS_SIZE];

	if (group->limits.count == 0)
		return 0;

	scoped_str file = str_format("%s/cgroup.controllers", group->location.mount);

	if (!file)
		return error_code(err, ENOMEM, "cgroup");
	if (file_read_kernel(AT_FDCWD, file, controllers, sizeof(controllers), err) < 0)
		return -err->code;

	const struct limit *missing = limits_find_missing(&group->limits, controllers);

	if (!missing)
		return 0;
	(void)layout_explain_missing(group->location.mount, missing->controller,
	                             why_not_legacy(group, missing), err);
	return error_wrap(err, "%s", missing->property);
}

/*
 * Root's groups stand below the root of the hierarchy, another user's below the own group; and so do
 * those of the root of a user namespace, who may make none at the top.
 */
static int find_base(const struct cgroup_request *request, const char *mount, char *ret,
                     size_t size, struct error *err)
{
	const char *path = request->cgroups_path;

	(void)snprintf(ret, size, "/");
	if ((path && *path == '/') || (geteuid() == 0 && access(mount, W_OK) == 0))
		return 0;
	return layout_own_group(0, ret, size, err);
}

/* By the v2 hierarchy alone where that has all that is needed, else with those of v1. */
static int serve_limits(struct cgroup *group, const struct cgroup_request *request,
                        struct error *err)
{
	struct error missing;

	if (!group->refused && unified_check_controllers(group, &missing) == 0)
		return 0;
	if (legacy_plan(group, request->resources, err) < 0)
		return -err->code;
	return unified_check_controllers(group, err);
}

static int cgroupfs_plan(const struct cgroup_request *request, struct cgroup *group,
                         struct error *err)
{
	char mount[LAYOUT_PATH_SIZE];
	char base[PATH_MAX];

	if (layout_find_unified(mount, err) < 0 ||
	    find_base(request, mount, base, sizeof(base), err) < 0 ||
	    path_of_group(request->cgroups_path, base, request->id, &group->arena,
	                  &group->location.path, err) < 0 ||
	    unified_set_place(group, mount, err) < 0)
		return -err->code;
	group->named = request->cgroups_path && *request->cgroups_path;
	return serve_limits(group, request, err);
}

/* --- Making the group --- */

/*
 * Calls `step` with each path from the group right below the mount down to the parent of ours, cut and
 * mended in place; with `with_root` for the mount itself before.
 */
typedef int parent_step(struct cgroup *group, struct error *err);

static int for_each_parent(struct cgroup *group, bool with_root, parent_step *step,
                           struct error *err)
{
	size_t mount = strlen(group->location.mount);
	char *last = strrchr(group->full, '/');
	char *cut = group->full + mount;
	int r = 0;

	if (!with_root)
		cut = strchr(cut + 1, '/');
	for (; r == 0 && cut && cut <= last; cut = strchr(cut + 1, '/')) {
		*cut = '\0';
		r = step(group, err);
		*cut = '/';
	}
	return r;
}

/*
 * What we made for the way down is marked, so that whoever removes the last container below, in
 * whichever process, removes it too. What an engine made is the engine's. Between making and marking a
 * group only the note tells that it is ours.
 */
static const char made_mark[] = "user.lvm_run.made";

static bool is_noted(const struct cgroup *group, size_t length)
{
	return group->location.made &&
	       length >= strlen(group->location.mount) + strlen(group->location.made);
}

/* Stops the walk at the first group that is missing; that one is the highest to be made. */
static int find_missing(struct cgroup *group, struct error *err)
{
	(void)err;
	if (access(group->full, F_OK) == 0)
		return 0;
	group->location.made =
		arena_strdup(&group->arena, group->full + strlen(group->location.mount));
	return 1;
}

/* Says which groups above ours will be made, before the first of them is. */
static int note_missing(struct cgroup *group, struct error *err)
{
	const char *before = group->location.made;
	int r = for_each_parent(group, false, find_missing, err);

	if (r <= 0)
		return r; /* all are there by now */
	if (!group->location.made)
		return error_code(err, ENOMEM, "cgroup");
	if (before && strlen(before) <= strlen(group->location.made)) {
		group->location.made = before;
		return 0;
	}
	return group->note ? group->note(group->note_context, group->location.made, err) : 0;
}

static int make_parent(struct cgroup *group, struct error *err)
{
	if (!is_noted(group, strlen(group->full)))
		return 0;
	if (mkdir(group->full, 0755) < 0)
		return errno == EEXIST ? 0 : error_errno(err, "make the cgroup %s", group->full);
	if (setxattr(group->full, made_mark, "1", 1, 0) < 0)
		log_write(LOG_LEVEL_DEBUG, "mark the cgroup %s: %s", group->full,
		          error_describe(errno)); /* before Linux 5.7 */
	return 0;
}

/* One that is noted gets its mark now: if another container lives below it, that one's end removes it. */
static bool is_ours(const struct cgroup *group, const char *full)
{
	if (is_noted(group, strlen(full))) {
		(void)setxattr(full, made_mark, "1", 1, 0);
		return true;
	}
	return getxattr(full, made_mark, NULL, 0) >= 0 || errno == ENOENT;
}

void unified_remove_parents(const struct cgroup *group)
{
	scoped_str path = strdup(group->full);
	size_t mount = strlen(group->location.mount);
	char *cut = path ? strrchr(path, '/') : NULL;

	while (cut && (size_t)(cut - path) > mount) {
		*cut = '\0';
		if (!is_ours(group, path) || (rmdir(path) < 0 && errno != ENOENT))
			break;
		cut = strrchr(path, '/');
	}
}

static bool is_right_below_root(const struct cgroup *group)
{
	return !strchr(group->location.path + 1, '/');
}

/*
 * A group that was there before must be unused; a new one inherits being frozen from those above it,
 * except right below the root, which cannot be frozen.
 */
static int check_unused(const struct cgroup *group, struct error *err)
{
	if (group->made && is_right_below_root(group))
		return 0;

	int frozen = events_get(group->dirfd, "frozen");
	int populated = group->made ? 0 : events_get(group->dirfd, "populated");

	if (populated < 0)
		return error_code(err, -populated, "read cgroup.events of %s", group->full);
	if (populated > 0)
		return error_set(err, EBUSY,
		                 "the cgroup %s is in use: processes live in it or below it",
		                 group->full);
	/* Kernels without a freezer have no such key. */
	if (frozen > 0)
		return error_set(
			err, EBUSY,
			"the cgroup %s is frozen: a process in it would never run (write 0 to "
			"cgroup.freeze of it or of the group above)",
			group->full);
	return 0;
}

static int open_group(struct cgroup *group, struct error *err)
{
	group->dirfd = fd_open(group->full, GROUP_OPEN_FLAGS);
	if (group->dirfd < 0)
		return error_errno(err, "open the cgroup %s", group->full);
	return check_unused(group, err);
}

static int make_group(struct cgroup *group, struct error *err)
{
	int r = mkdir(group->full, 0755);

	/* Again when another container's end takes the way down away that we shared with it. */
	for (int i = 0; r < 0 && errno == ENOENT && i < MAKE_ROUNDS; i++) {
		struct error why;

		if (note_missing(group, err) < 0)
			return -err->code;
		if (for_each_parent(group, false, make_parent, &why) < 0 && why.code != ENOENT) {
			*err = why;
			return -why.code;
		}
		r = mkdir(group->full, 0755);
	}
	if (r < 0 && errno == ENOENT)
		return error_set(err, ESTALE, "make the cgroup %s: the groups above it vanished",
		                 group->full);
	if (r < 0 && errno != EEXIST)
		return error_errno(err, "make the cgroup %s", group->full);
	group->made = r == 0;
	return open_group(group, err);
}

/* --- Controllers on the way down --- */

/* Adds "+word" for each wanted controller that is not enabled. */
static void add_missing(const struct cgroup *group, const char *enabled, struct strbuf *ret)
{
	for (size_t i = 0; i < group->limits.count; i++) {
		const char *name = group->limits.items[i].controller;

		if (!name || text_has_word(enabled, name))
			continue;

		scoped_str word = str_format("+%s", name);

		if (word && !(ret->data && text_has_word(ret->data, word)))
			strbuf_addf(ret, "%s ", word);
	}
}

static int explain_enable(const struct cgroup *group, int code, const char *words,
                          struct error *err)
{
	const char *property = group->limits.items[0].property;
	const char *where = group->full;

	if (code == EBUSY)
		return error_set(
			err, code,
			"%s: cannot enable %sin %s: processes live directly in that group, and "
			"cgroup v2 has limits only below groups without processes; choose another "
			"linux.cgroupsPath or move those processes",
			property, words, where);
	if (code == ENOENT)
		return error_set(
			err, ENOTSUP,
			"%s: cannot enable %sin %s: not all of it is in cgroup.controllers there; "
			"the group above did not pass it on",
			property, words, where);
	return error_code(err, code, "%s: enable %sin %s", property, words, where);
}

/* Those that statistics come from are enabled along with what the limits need, where they can be. */
static void enable_for_statistics(int dirfd, const char *enabled)
{
	static const char *const wanted[] = {"cpu", "io", "memory", "pids"};
	char available[WORDS_SIZE];
	char word[16];
	struct error ignored;

	if (file_read_kernel(dirfd, "cgroup.controllers", available, sizeof(available), &ignored) <
	    0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!text_has_word(available, wanted[i]) || text_has_word(enabled, wanted[i]))
			continue;
		(void)snprintf(word, sizeof(word), "+%s", wanted[i]);
		if (file_write_kernel(dirfd, "cgroup.subtree_control", word, &ignored) < 0)
			continue;
	}
}

static int enable_in(struct cgroup *group, struct error *err)
{
	scoped_fd dirfd = open(group->full, GROUP_OPEN_FLAGS);
	scoped_strbuf words = {0};
	char enabled[WORDS_SIZE];
	struct error why;

	if (dirfd < 0)
		return error_errno(err, "open the cgroup %s", group->full);
	if (file_read_kernel(dirfd, "cgroup.subtree_control", enabled, sizeof(enabled), err) < 0)
		return error_wrap(err, "%s", group->full);
	add_missing(group, enabled, &words);
	if (words.failed)
		return error_code(err, ENOMEM, "cgroup");
	if (!words.data)
		return 0;
	if (file_write_kernel(dirfd, "cgroup.subtree_control", words.data, &why) < 0)
		return explain_enable(group, why.code, words.data, err);
	enable_for_statistics(dirfd, enabled);
	return 0;
}

int unified_enable_controllers(struct cgroup *group, struct error *err)
{
	char controllers[WORDS_SIZE];

	if (group->limits.count == 0)
		return 0;
	if (file_read_kernel(group->dirfd, "cgroup.controllers", controllers, sizeof(controllers),
	                     err) < 0)
		return error_wrap(err, "%s", group->full);
	if (!limits_find_missing(&group->limits, controllers))
		return 0;
	return for_each_parent(group, true, enable_in, err);
}

/* --- Values --- */

static void chown_file(int dirfd, const char *name, uid_t uid, gid_t gid)
{
	if (fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		log_write(LOG_LEVEL_WARNING, "cgroup: cannot give %s to the container: %s", name,
		          error_describe(errno));
}

/* config-linux.md "Cgroup ownership" */
static int delegate(const struct cgroup *group, struct error *err)
{
	static const char usual[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
	scoped_str text = NULL;
	struct error ignored;

	if (file_read(AT_FDCWD, "/sys/kernel/cgroup/delegate", 1024 * 1024, &text, NULL, &ignored) <
	    0)
		text = strdup(usual);
	if (!text)
		return error_code(err, ENOMEM, "cgroup");
	if (fchown(group->dirfd, group->owner_uid, group->owner_gid) < 0)
		return error_errno(err, "give the cgroup %s to %u:%u", group->full,
		                   (unsigned int)group->owner_uid, (unsigned int)group->owner_gid);

	char *cursor = text;
	char *name;

	while ((name = text_next_line(&cursor))) {
		if (*name && !strchr(name, '/'))
			chown_file(group->dirfd, name, group->owner_uid, group->owner_gid);
	}
	return 0;
}

int unified_configure(struct cgroup *group, struct error *err)
{
	/* A pinned program may hang on a group that was there before, and cannot be put there twice. */
	const char *pin_dir = group->made ? group->pin_dir : "";

	if (limits_apply(&group->limits, group->dirfd, err) < 0 ||
	    devices_attach(&group->devices, group->dirfd, pin_dir, err) < 0)
		return -err->code;
	return group->delegate ? delegate(group, err) : 0;
}

/* --- Removing --- */

static int explain_busy(int dirfd, const char *full, struct error *err)
{
	pid_t *pids = NULL;
	size_t count = 0;

	if (procs_list(dirfd, &pids, &count) < 0 || count == 0)
		return error_set(err, EBUSY, "remove the cgroup %s: it is still in use", full);

	pid_t first = pids[0];

	free(pids);
	return error_set(err, EBUSY, "remove the cgroup %s: %zu process%s still in it (pid %d)",
	                 full, count, count == 1 ? " is" : "es are", (int)first);
}

int unified_remove(const char *full, struct error *err)
{
	if (rmdir(full) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return error_errno(err, "remove the cgroup %s", full);

	scoped_fd dirfd = open(full, GROUP_OPEN_FLAGS);

	if (dirfd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "open the cgroup %s", full);
	/* The last process may be known as ended a moment before the group lets go of it. */
	if (events_wait(dirfd, "populated", 0, EMPTY_TIMEOUT_MS) == -ETIMEDOUT)
		return explain_busy(dirfd, full, err);

	int r = tree_remove_below(dirfd);

	if (r == 0 && rmdir(full) < 0 && errno != ENOENT)
		r = -errno;
	if (r == -EBUSY)
		return explain_busy(dirfd, full, err);
	return r < 0 ? error_code(err, -r, "remove the cgroup %s", full) : 0;
}

static void cgroupfs_undo(struct cgroup *group)
{
	struct error ignored;

	if (group->made && unified_remove(group->full, &ignored) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", ignored.text);
	group->made = false;
	unified_remove_parents(group);
	legacy_undo(group);
}

static int cgroupfs_destroy(struct cgroup *group, struct error *err)
{
	/* In this order: legacy.h says why. */
	int r = unified_remove(group->full, err);

	if (r < 0)
		return r;
	unified_remove_parents(group);
	return legacy_remove(group, err);
}

/* --- The driver --- */

/* Without the right to make groups, and with no need for one, the container lives without. */
static int do_without(struct cgroup *group, const struct error *why)
{
	log_write(LOG_LEVEL_WARNING,
	          "the container has no cgroup, so it cannot be paused, updated or measured (%s; "
	          "have a "
	          "group delegated to you: systemd-run --user --scope -p Delegate=yes; "
	          "--cgroup-manager=disabled says that none is wanted)",
	          why->text);
	group->driver = &driver_disabled;
	group->location = (struct cgroup_location){.driver = CGROUP_DRIVER_DISABLED};
	fd_close(&group->dirfd);
	return 0;
}

static bool lacks_right(int code)
{
	return code == EACCES || code == EPERM || code == EROFS;
}

#define ADVICE                                                                                     \
	"have one delegated (systemd-run --user --scope -p Delegate=yes) or use the systemd "      \
	"driver"

/* A limit, or a place that was named, is never given up in silence. */
static int explain_refusal(const struct cgroup *group, const struct error *why, struct error *err)
{
	if (geteuid() == 0 || !lacks_right(why->code))
		return error_set(err, why->code, "%s", why->text);
	if (group->limits.count > 0)
		return error_set(
			err, why->code,
			"%s: cannot be enforced: %s: user %u may make no group there; " ADVICE
			", or take the limits out",
			group->limits.items[0].property, why->text, geteuid());
	return error_set(err, why->code,
	                 "linux.cgroupsPath: %s: user %u may make no group there; " ADVICE
	                 ", leave the path out, or use --cgroup-manager=disabled",
	                 why->text, geteuid());
}

static int cgroupfs_create(struct cgroup *group, struct error *err)
{
	struct error why;

	if (make_group(group, &why) < 0) {
		bool needed = group->named || group->limits.count > 0 || group->legacy.count > 0;

		if (!needed && lacks_right(why.code) && group->dirfd < 0)
			return do_without(group, &why);
		return explain_refusal(group, &why, err);
	}
	if (group->legacy.count > 0 && legacy_make(group, err) < 0)
		return -err->code;
	if (unified_enable_controllers(group, err) < 0 || unified_configure(group, err) < 0)
		return -err->code;
	return 0;
}

const struct driver driver_cgroupfs = {
	.name = "cgroupfs",
	.plan = cgroupfs_plan,
	.create = cgroupfs_create,
	.undo = cgroupfs_undo,
	.destroy = cgroupfs_destroy,
};
