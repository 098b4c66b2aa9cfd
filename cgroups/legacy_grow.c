/* Groups in cgroup v1 for a container that lives without: the first limit there comes with an update. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/text.h"
#include "cgroups/update.h"

/* Processes that fork while they are moved leave their children behind: those come next. */
enum { GATHER_ROUNDS = 64, PROC_LIMIT = 64 * 1024 };

/* --- The plan --- */

void cgroup_allow_legacy(struct cgroup *group, const char *noted, cgroup_note *note, void *context)
{
	group->grows = true;
	group->noted = noted;
	group->note = note;
	group->note_context = context;
}

int legacy_grow_plan(struct cgroup *group, const struct spec_resources *resources,
                     struct error *err)
{
	struct spec_resources whole = *resources;
	struct error missing;

	if (!group->grows || group->legacy.count > 0 || group->driver != &driver_cgroupfs)
		return 0;
	/* Half a setting is completed by what the group has; why it cannot be is said when it is made. */
	if (group->dirfd >= 0 && update_complete(&whole, group->dirfd, &missing) < 0)
		return 0;
	if (limits_plan(&whole, &group->arena, &group->limits, &missing) == 0 &&
	    unified_check_controllers(group, &missing) == 0)
		return 0;
	if (legacy_plan(group, resources, err) < 0)
		return -err->code;
	if (group->legacy.count > 0 && group->noted) {
		group->legacy.count = 0;
		if (legacy_parse(group, group->noted, err) < 0)
			return -err->code;
	}
	return group->legacy.count > 0;
}

/* --- Moving --- */

static int move(int procs, pid_t pid)
{
	char number[16];
	int size = snprintf(number, sizeof(number), "%d", (int)pid);

	return write(procs, number, (size_t)size) < 0 && errno != ESRCH ? -errno : 0;
}

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* 1: there were some that the last round had not seen, the processes `*pids`, which become those of this one. */
static int move_round(const struct cgroup *group, const int *procs, size_t procs_count,
                      pid_t **pids, size_t *count)
{
	pid_t *now = NULL;
	size_t now_count = 0;
	int r = procs_list(group->dirfd, &now, &now_count);
	bool any = false;

	for (size_t i = 0; r >= 0 && i < now_count; i++) {
		if (is_among(now[i], *pids, *count))
			continue;
		any = true;
		for (size_t h = 0; r >= 0 && h < procs_count; h++)
			r = move(procs[h], now[i]);
	}
	free(*pids);
	*pids = now;
	*count = now_count;
	return r < 0 ? r : any;
}

static int move_all(const struct cgroup *group, const int *procs, size_t procs_count)
{
	pid_t *pids = NULL;
	size_t count = 0;
	int r = 1;

	for (int i = 0; r > 0 && i < GATHER_ROUNDS; i++)
		r = move_round(group, procs, procs_count, &pids, &count);
	free(pids);
	return r > 0 ? -EAGAIN : r;
}

static int gather(const struct cgroup *group, struct error *err)
{
	struct cgroup_legacy legacy;
	int r = cgroup_open_legacy(group, &legacy, err);

	if (r < 0)
		return r;
	r = move_all(group, legacy.fds, legacy.count);
	cgroup_legacy_done(&legacy);
	if (r == -EAGAIN)
		return error_set(err, EAGAIN,
		                 "the container's processes fork faster than they can be moved to "
		                 "its groups in cgroup v1: pause it for a moment, or create it "
		                 "with the limit");
	return r < 0 ? error_code(err, -r, "move the container to its groups in cgroup v1") : 0;
}

/* --- Where they came from --- */

/* The path of `pid` in the hierarchy; null when that cannot be told. */
static const char *find_origin(struct cgroup *group, const struct legacy_hierarchy *hierarchy,
                               char *text)
{
	char *cursor = text;
	char *line;

	while ((line = text_next_line(&cursor))) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path = '\0';
		if (str_equal(controllers + 1, hierarchy->controllers))
			return arena_strdup(&group->arena, path + 1);
		*path = ':';
	}
	return NULL;
}

/* As that of one of them; mostly it is the same for all. */
static int note_origins(struct cgroup *group, struct error *err)
{
	scoped_str text = NULL;
	char file[32];
	pid_t *pids = NULL;
	size_t count = 0;
	int r = procs_list(group->dirfd, &pids, &count);
	pid_t first = count > 0 ? pids[0] : 0;

	free(pids);
	if (r < 0 || first == 0)
		return error_set(err, ESRCH, "container not running");
	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)first);
	r = file_read(AT_FDCWD, file, PROC_LIMIT, &text, NULL, err);
	for (size_t i = 0; r >= 0 && i < group->legacy.count; i++) {
		scoped_str copy = strdup(text);

		if (copy)
			group->legacy.hierarchies[i].origin =
				find_origin(group, &group->legacy.hierarchies[i], copy);
	}
	return r;
}

void legacy_shrink(struct cgroup *group)
{
	for (size_t i = 0; i < group->legacy.count; i++) {
		const struct legacy_hierarchy *one = &group->legacy.hierarchies[i];
		scoped_str file =
			str_format("%s%s/cgroup.procs", one->mount, one->origin ? one->origin : "");
		const int procs[] = {file ? open(file, O_WRONLY | O_CLOEXEC) : -1};
		int r = procs[0] < 0 ? -errno : move_all(group, procs, 1);

		if (procs[0] >= 0)
			(void)close(procs[0]);
		if (r < 0)
			log_write(LOG_LEVEL_WARNING, "move the container back to %s: %s",
			          file ? file : one->mount, error_describe(-r));
	}
	legacy_undo(group);
}

/* --- The whole --- */

static bool limits_memory(const struct limit_list *limits)
{
	for (size_t i = 0; i < limits->count; i++)
		if (str_equal(limits->items[i].controller, "memory"))
			return true;
	return false;
}

int legacy_grow(struct cgroup *group, struct error *err)
{
	/* The helper would enter it and stand still. */
	if (events_get(group->dirfd, "frozen") > 0)
		return error_set(
			err, EBUSY,
			"%s: the container has no group in cgroup v1 yet, and gets one only "
			"while it runs: resume it first",
			group->legacy.limits.items[0].property);
	if (note_origins(group, err) < 0 ||
	    group->note(group->note_context, group->location.legacy, err) < 0)
		return -err->code;
	if (legacy_make(group, err) < 0) {
		legacy_undo(group);
		return -err->code;
	}
	if (gather(group, err) < 0) {
		legacy_shrink(group);
		return -err->code;
	}
	if (limits_memory(&group->legacy.limits))
		log_write(LOG_LEVEL_WARNING, "cgroup v1 counts what a process uses where it was "
		                             "used: the memory that the "
		                             "container has by now is not under its new limit");
	return 0;
}
