/*
 * The systemd driver: the group belongs to a transient scope, which systemd makes when asked over D-Bus
 * by the helper program (systemd.scope(5), org.freedesktop.systemd1(5), and systemd's document "Control
 * Group APIs and Delegation").
 *
 * A scope is born around a living process and ends with its last one. So a placeholder is started,
 * which does nothing, handed to systemd, and ended by cgroup_settle as soon as init, cloned right into
 * the group, keeps the scope alive.
 *
 * Init lives in the scope's own group, not in one below: there the tools (systemctl, and whoever
 * follows /proc/PID/cgroup) find the limits and the numbers, and no process has to be moved, which
 * costs milliseconds. The scope is delegated (Delegate=true), so systemd lets alone what is below, and
 * what it writes in the scope's group it was told as properties.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/group.h"
#include "cgroups/path.h"
#include "cgroups/scope.h"
#include "cgroups/text.h"

/* --- The plan --- */

/* "/user.slice/user-1000.slice/user@1000.service/app.slice" up to the manager's unit. */
static bool cut_user_manager(char *group)
{
	char *unit = strstr(group, "/user@");
	char *end = unit ? strstr(unit, ".service") : NULL;

	if (!end || memchr(unit + 1, '/', (size_t)(end - unit - 1)))
		return false;
	end += strlen(".service");
	if (*end && *end != '/')
		return false;
	*end = '\0';
	return true;
}

/* The group that the manager's units lie in: "" for the root of the hierarchy. */
static int find_manager(bool rootless, char *ret, size_t size, struct error *err)
{
	if (layout_own_group(rootless ? 0 : 1, ret, size, err) < 0)
		return -err->code;
	if (rootless && cut_user_manager(ret))
		return 0;
	/* A login session lies beside it: from there the kernel lets no process be born in the scope. */
	if (rootless)
		return error_set(
			err, ENOTSUP,
			"the systemd driver: this process is not below the systemd of its user "
			"(its cgroup is %s); start it by: systemd-run --user --scope lvm-run ...",
			ret);
	if (str_ends(ret, "/init.scope"))
		ret[strlen(ret) - strlen("/init.scope")] = '\0';
	else if (str_equal(ret, "/"))
		*ret = '\0';
	return 0;
}

static int write_request(const struct cgroup_request *request, struct cgroup *group,
                         const struct unit_path *unit, struct error *err)
{
	scoped_strbuf text = {0};
	struct scope_request scope = {
		.id = request->id,
		.user_bus = group->rootless,
		.unit = unit,
		.limits = &group->limits,
		.annotations = request->annotations,
		.annotation_count = request->annotation_count,
	};

	if (scope_write_start(&scope, &text, err) < 0)
		return -err->code;
	group->scope_request = arena_strdup(&group->arena, text.data);
	return group->scope_request ? 0 : error_code(err, ENOMEM, "systemd scope");
}

static int systemd_plan(const struct cgroup_request *request, struct cgroup *group,
                        struct error *err)
{
	char mount[LAYOUT_PATH_SIZE];
	char manager[PATH_MAX];
	struct unit_path unit;

	group->rootless = process_is_rootless();
	/* The test that sd_booted(3) makes. */
	if (access("/run/systemd/system", F_OK) < 0)
		return error_set(
			err, ENOTSUP,
			"the systemd driver: this system does not run systemd; use the cgroupfs "
			"driver (leave out --systemd-cgroup)");
	if (layout_find_unified(mount, err) < 0 ||
	    path_of_unit(request->cgroups_path, group->rootless ? "user.slice" : "system.slice",
	                 request->id, &group->arena, &unit, err) < 0 ||
	    find_manager(group->rootless, manager, sizeof(manager), err) < 0)
		return -err->code;
	group->location.scope = unit.unit;
	group->location.path = arena_format(&group->arena, "%s%s", manager, unit.path);
	if (!group->location.path)
		return error_code(err, ENOMEM, "cgroup");
	if (unified_set_place(group, mount, err) < 0 || unified_check_controllers(group, err) < 0)
		return -err->code;
	return write_request(request, group, &unit, err);
}

/* --- The placeholder --- */

/*
 * Does nothing until it is killed, by us or by the end of its parent. Of the parent's descriptors none
 * stays: locks and sockets must not live on here.
 */
static void hold(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    close_range(0, ~0U, 0) < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "lvm-run-hold");
	for (;;)
		(void)pause();
}

static int start_placeholder(struct cgroup *group, struct error *err)
{
	pid_t parent = getpid();
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		hold(parent);
	if (pid < 0)
		return error_errno(err, "start the placeholder of the systemd scope");
	group->placeholder = (struct process){.pid = pid, .pidfd = pidfd};
	return 0;
}

/* Killed, not asked by the end of a pipe: init was born with all our descriptors and holds them yet. */
static int end_placeholder(struct cgroup *group, struct error *err)
{
	struct error gone;
	int status = 0;

	if (group->placeholder.pid == 0)
		return 0;
	if (process_signal(&group->placeholder, SIGKILL, &gone) < 0 && gone.code != ESRCH) {
		*err = gone;
		return -err->code;
	}

	int r = process_reap(&group->placeholder, &status, err);

	process_done(&group->placeholder);
	group->placeholder = (struct process){.pidfd = -1};
	return r;
}

/* --- Asking the helper --- */

static int start_unit(struct cgroup *group, struct error *err)
{
	scoped_strbuf request = {0};

	strbuf_adds(&request, group->scope_request);
	if (group->placeholder.pid > 0)
		scope_add_pid(&request, group->placeholder.pid);
	if (request.failed)
		return error_code(err, ENOMEM, "systemd scope");
	/* A little longer than the helper itself waits, so that it can say what it waited for. */
	if (helper_ask(request.data, HELPER_TIMEOUT_MS + 500, NULL, err) < 0)
		return error_wrap(err, "systemd: start %s", group->location.scope);
	return 0;
}

static int stop_unit(struct cgroup *group, struct error *err)
{
	scoped_strbuf request = {0};

	scope_write_stop(process_is_rootless(), group->location.scope, &request);
	if (request.failed)
		return error_code(err, ENOMEM, "systemd scope");
	if (helper_ask(request.data, HELPER_TIMEOUT_MS + 500, NULL, err) < 0)
		return error_wrap(err, "systemd: stop %s", group->location.scope);
	return 0;
}

/* So that what systemd writes at a reload, or when another property is set, is what we have written. */
static int systemd_tell(struct cgroup *group, struct error *err)
{
	scoped_strbuf request = {0};

	if (scope_write_set(process_is_rootless(), group->location.scope, &group->limits, &request,
	                    err) < 0)
		return -err->code;
	if (request.length == 0)
		return 0;
	if (helper_ask(request.data, HELPER_TIMEOUT_MS + 500, NULL, err) < 0)
		return error_wrap(err, "systemd: change %s", group->location.scope);
	return 0;
}

/* --- Create, settle, undo, destroy --- */

/* Where systemd has put the placeholder counts, should it differ from what was computed. */
static int verify_place(struct cgroup *group, struct error *err)
{
	char path[PATH_MAX];
	char mount[LAYOUT_PATH_SIZE];

	if (group->placeholder.pid == 0)
		return 0;
	if (layout_own_group(group->placeholder.pid, path, sizeof(path), err) < 0)
		return error_wrap(err, "systemd: %s", group->location.scope);
	if (str_equal(path, group->location.path))
		return 0;

	scoped_str unit = str_format("/%s", group->location.scope);

	if (!unit || !str_ends(path, unit))
		return error_set(err, EIO, "systemd: %s was not given the process (it is in %s)",
		                 group->location.scope, path);
	log_write(LOG_LEVEL_DEBUG, "systemd put %s at %s", group->location.scope, path);
	group->location.path = arena_strdup(&group->arena, path);
	if (!group->location.path)
		return error_code(err, ENOMEM, "cgroup");
	(void)snprintf(mount, sizeof(mount), "%s", group->location.mount);
	return unified_set_place(group, mount, err);
}

static int open_scope(struct cgroup *group, struct error *err)
{
	char controllers[512];

	group->dirfd = open(group->full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (group->dirfd < 0)
		return error_errno(err, "open the cgroup of %s: %s", group->location.scope,
		                   group->full);
	if (group->limits.count == 0)
		return 0;
	if (file_read_kernel(group->dirfd, "cgroup.controllers", controllers, sizeof(controllers),
	                     err) < 0)
		return error_wrap(err, "%s", group->full);

	const struct limit *missing = limits_find_missing(&group->limits, controllers);

	if (missing)
		return error_set(
			err, ENOTSUP,
			"%s: systemd has not given the %s controller to %s (its slice or user "
			"may not be allowed to delegate it)",
			missing->property, missing->controller, group->location.scope);
	return 0;
}

static int systemd_create(struct cgroup *group, struct error *err)
{
	bool scope = !str_ends(group->location.scope, ".slice");

	if (scope && start_placeholder(group, err) < 0)
		return -err->code;
	if (start_unit(group, err) < 0)
		return -err->code;
	group->made = true;
	if (verify_place(group, err) < 0 || open_scope(group, err) < 0 ||
	    unified_configure(group, err) < 0)
		return -err->code;
	return 0;
}

/*
 * Stops the unit. When systemd cannot be asked, what is left of it is killed and removed by hand;
 * systemd forgets a unit whose group is gone.
 */
static int systemd_destroy(struct cgroup *group, struct error *err)
{
	struct error why;

	if (end_placeholder(group, err) < 0)
		return -err->code;
	if (stop_unit(group, &why) < 0) {
		log_write(LOG_LEVEL_WARNING, "%s; the cgroup is removed without it", why.text);
		if (group->dirfd >= 0 && cgroup_kill(group, err) < 0)
			return -err->code;
	}
	return unified_remove(group->full, err);
}

/* Asked after the request to start it, and so taken up after it: a unit that is not there is no error. */
static void systemd_withdraw(struct cgroup *group)
{
	struct error why;

	if (!group->location.scope)
		return;
	if (stop_unit(group, &why) < 0 || unified_remove(group->full, &why) < 0)
		log_write(LOG_LEVEL_DEBUG, "%s", why.text);
}

static void systemd_undo(struct cgroup *group)
{
	struct error why;

	if (end_placeholder(group, &why) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", why.text);
	if (group->made && systemd_destroy(group, &why) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", why.text);
	group->made = false;
}

const struct driver driver_systemd = {
	.name = "systemd",
	.plan = systemd_plan,
	.create = systemd_create,
	.undo = systemd_undo,
	.settle = end_placeholder,
	.destroy = systemd_destroy,
	.tell = systemd_tell,
	.withdraw = systemd_withdraw,
};
