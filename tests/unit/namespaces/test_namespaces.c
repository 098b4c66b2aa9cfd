#include "tests/support/child.h"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "namespaces/namespaces.h"
#include "namespaces/sysctl.h"
#include "namespaces/time.h"
#include "namespaces/uts.h"
#include "spec/spec.h"

static void prepare(const struct spec_linux *linux_spec, struct namespace_plan *plan)
{
	struct error err = {0};

	if (namespaces_prepare(linux_spec, plan, &err) < 0)
		fail_msg("%s", err.text);
}

static void refuse(const struct spec_linux *linux_spec, const char *expected)
{
	scoped_namespace_plan plan = {0};
	struct error err = {0};

	assert_true(namespaces_prepare(linux_spec, &plan, &err) < 0);
	if (!strstr(err.text, expected))
		fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

static void new_namespaces_become_clone_flags(void **state unused_parameter)
{
	struct spec_linux linux_spec = {0};
	scoped_namespace_plan plan = {0};

	for (size_t i = 0; i < NAMESPACE_TYPE_COUNT; i++)
		linux_spec.namespaces[i].set = true;
	prepare(&linux_spec, &plan);
	assert_int_equal(plan.clone_flags, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
	                                           CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
	                                           CLONE_NEWCGROUP | CLONE_NEWTIME);
	assert_int_equal(plan.join_count, 0);
	assert_false(plan.needs_stage);
}

static void time_offsets_need_a_stage(void **state unused_parameter)
{
	struct spec_linux linux_spec = {0};
	scoped_namespace_plan plan = {0};

	linux_spec.namespaces[NAMESPACE_TIME].set = true;
	linux_spec.boottime_offset.set = true;
	prepare(&linux_spec, &plan);
	assert_int_equal(plan.clone_flags, 0);
	assert_true(plan.new_time_offsets);
	assert_true(plan.needs_stage);
}

/* /proc/PID/ns/NAME as a path to join. */
static void join_path(struct spec_linux *linux_spec, enum spec_namespace_type type, pid_t pid,
                      char *path, size_t size)
{
	snprintf(path, size, "/proc/%d/ns/%s", pid, namespace_proc_name(type));
	linux_spec->namespaces[type] = (struct spec_namespace){.set = true, .path = path};
}

static void every_type_is_verified(void **state unused_parameter)
{
	for (int type = 0; type < NAMESPACE_TYPE_COUNT; type++) {
		const int other = (type + 1) % NAMESPACE_TYPE_COUNT;
		struct spec_linux linux_spec = {0};
		scoped_namespace_plan plan = {0};
		char path[64], expected[160];

		join_path(&linux_spec, (enum spec_namespace_type)type, getpid(), path,
		          sizeof(path));
		prepare(&linux_spec, &plan);
		/* One's own user namespace cannot be entered, and need not be. */
		assert_int_equal(plan.join_count, type == NAMESPACE_USER ? 0 : 1);
		assert_int_equal(plan.needs_stage, type == NAMESPACE_PID);

		linux_spec.namespaces[other] = linux_spec.namespaces[type];
		linux_spec.namespaces[type] = (struct spec_namespace){0};
		snprintf(expected, sizeof(expected), "%s namespace: %s is a %s namespace",
		         spec_namespace_names[other], path, spec_namespace_names[type]);
		refuse(&linux_spec, expected);
	}
}

static void what_is_no_namespace_is_refused(void **state unused_parameter)
{
	static const char *const paths[] = {"/dev/null", "/proc/self/status", "/"};
	char fifo[] = "/tmp/ns-XXXXXX", path[64], missing[] = "/nonexistent";
	struct spec_linux linux_spec = {0};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		snprintf(path, sizeof(path), "%s", paths[i]);
		linux_spec.namespaces[NAMESPACE_NETWORK] = (struct spec_namespace){true, path};
		refuse(&linux_spec, "is no namespace");
	}
	assert_non_null(mkdtemp(fifo));
	snprintf(path, sizeof(path), "%s/fifo", fifo);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse(&linux_spec, "is no namespace"); /* and it does not block */
	unlink(path);
	rmdir(fifo);
	linux_spec.namespaces[NAMESPACE_NETWORK].path = missing;
	refuse(&linux_spec, "network namespace: open /nonexistent: No such file");
}

/* A process with namespaces of its own to join. */
static pid_t start_holder(int flags)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(flags) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool shares(const char *name, pid_t pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (stat(path, &own) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return stat(path, &other) == 0 && own.st_ino == other.st_ino;
}

struct joining {
	pid_t pid;
	struct namespace_plan plan;
	bool with_user;
};

static const char *join_all(void *data)
{
	static const char *const names[] = {"ipc", "uts", "net", "cgroup", "mnt"};
	const struct joining *joining = data;
	struct error err = {0};

	if (namespaces_enter(&joining->plan, &err) < 0)
		return complain("%s", err.text);
	/* After setns to another user namespace /proc/self may be out of reach: compare by fd. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!shares(names[i], joining->pid))
			return complain("not in its %s namespace", names[i]);
	return !joining->with_user || shares("user", joining->pid) ? NULL
	                                                           : "not in its user namespace";
}

static void join_holder(int flags, bool with_user)
{
	static const enum spec_namespace_type types[] = {NAMESPACE_IPC,     NAMESPACE_UTS,
	                                                 NAMESPACE_NETWORK, NAMESPACE_CGROUP,
	                                                 NAMESPACE_MOUNT,   NAMESPACE_USER};
	struct spec_linux linux_spec = {0};
	char paths[ARRAY_SIZE(types)][64];
	struct joining joining = {.pid = start_holder(flags), .with_user = with_user};

	assert_true(joining.pid > 0);
	for (size_t i = 0; i < ARRAY_SIZE(types) - (with_user ? 0 : 1); i++)
		join_path(&linux_spec, types[i], joining.pid, paths[i], sizeof(paths[i]));
	prepare(&linux_spec, &joining.plan);
	assert_int_equal(joining.plan.join_count, ARRAY_SIZE(types) - (with_user ? 0 : 1));
	assert_int_equal(joining.plan.needs_stage, with_user);
	run_in_child(join_all, &joining);
	namespace_plan_done(&joining.plan);
	end_holder(joining.pid);
}

enum { ALL_BUT_USER = CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWNS };

static void skip_unless_root(void)
{
	if (geteuid() != 0) {
		print_message("SKIP needs root\n");
		skip();
	}
}

static void listed_namespaces_are_joined(void **state unused_parameter)
{
	skip_unless_root();
	join_holder(ALL_BUT_USER, false);
}

static void namespaces_owned_by_the_joined_user_namespace_are_joined(void **state unused_parameter)
{
	join_holder(ALL_BUT_USER | CLONE_NEWUSER, true);
}

/* The network namespace belongs to us, not to the user namespace that is joined with it. */
static void namespaces_owned_by_the_left_user_namespace_are_joined(void **state unused_parameter)
{
	struct spec_linux linux_spec = {0};
	struct joining joining = {0};
	char user[64], net[64];
	pid_t user_holder, net_holder;

	skip_unless_root();
	user_holder = start_holder(CLONE_NEWUSER);
	net_holder = start_holder(CLONE_NEWNET);
	assert_true(user_holder > 0 && net_holder > 0);
	join_path(&linux_spec, NAMESPACE_USER, user_holder, user, sizeof(user));
	join_path(&linux_spec, NAMESPACE_NETWORK, net_holder, net, sizeof(net));
	prepare(&linux_spec, &joining.plan);

	pid_t pid = fork();

	if (pid == 0) {
		struct error err = {0};

		struct stat net_inode, now;

		/* Later its files are out of reach. */
		if (stat(net, &net_inode) < 0 || namespaces_enter(&joining.plan, &err) < 0)
			_exit(1);
		if (stat("/proc/self/ns/net", &now) < 0 || now.st_ino != net_inode.st_ino)
			_exit(2);
		_exit(shares("user", user_holder) ? 0 : 3);
	}

	int status = 0;

	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	namespace_plan_done(&joining.plan);
	end_holder(user_holder);
	end_holder(net_holder);
}

static const char *join_refused(void *data)
{
	const struct joining *joining = data;
	struct error err = {0};

	if (setresuid(65534, 65534, 65534) < 0)
		return "setresuid";
	if (namespaces_enter(&joining->plan, &err) == 0)
		return "it was joined";
	return strstr(err.text, "join the uts namespace") && strstr(err.text, "CAP_SYS_ADMIN")
	               ? NULL
	               : complain("said %s", err.text);
}

static void missing_right_to_join_is_explained(void **state unused_parameter)
{
	struct spec_linux linux_spec = {0};
	struct joining joining = {0};
	char path[64];

	skip_unless_root();
	join_path(&linux_spec, NAMESPACE_UTS, getpid(), path, sizeof(path));
	prepare(&linux_spec, &joining.plan);
	run_in_child(join_refused, &joining);
	namespace_plan_done(&joining.plan);
}

/* --- the single mechanisms --- */

static const char *set_names(void *data unused_parameter)
{
	struct utsname now;
	struct error err = {0};

	if (unshare(CLONE_NEWUTS) < 0)
		return "unshare";
	if (uts_enter("box", "example.org", &err) < 0)
		return complain("%s", err.text);
	if (uname(&now) < 0 || strcmp(now.nodename, "box") != 0 ||
	    strcmp(now.domainname, "example.org") != 0)
		return "names";
	if (uts_enter("other", NULL, &err) < 0 || uname(&now) < 0 ||
	    strcmp(now.domainname, "example.org") != 0)
		return "a name that was not given was changed";
	return uts_enter(
		       "a-name-that-is-much-longer-than-the-64-bytes-for-which-there-is-room-here",
		       NULL, &err) < 0
	               ? NULL
	               : "too long a name was taken";
}

static void host_and_domain_name_are_set(void **state unused_parameter)
{
	run_in_user_namespace(set_names, NULL);
}

static const char *set_offsets(void *data unused_parameter)
{
	const struct spec_time_offset monotonic = {true, 86400, 5}, boottime = {true, -3, 0};
	scoped_fd proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct timespec before, after;
	struct error err = {0};
	int status = 0;

	clock_gettime(CLOCK_MONOTONIC, &before);
	if (time_enter_new(proc_fd, &monotonic, &boottime, &err) < 0)
		return complain("%s", err.text);

	pid_t pid = fork(); /* the first process in it */

	if (pid == 0) {
		clock_gettime(CLOCK_MONOTONIC, &after);
		_exit(after.tv_sec - before.tv_sec >= 86400 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status == 0 ? NULL : "the clock did not move";
}

static void clocks_of_a_new_time_namespace_are_moved(void **state unused_parameter)
{
	skip_unless_root();
	run_in_child(set_offsets, NULL);
}

static const char *write_sysctls(void *data unused_parameter)
{
	static char dots[] = "net.ipv4.ip_forward", slashes[] = "net/ipv4/conf/lo/rp_filter",
		    mixed[] = "net.ipv4.conf.lo.proxy_arp", one[] = "1", two[] = "2",
		    unknown[] = "net.ipv4.no_such_thing", escape[] = "net/../../self/comm",
		    wrong[] = "not a number";
	const struct spec_annotation good[] = {{dots, one}, {slashes, two}, {mixed, one}};
	const struct spec_annotation bad[] = {{unknown, one}, {escape, one}, {dots, wrong}};
	scoped_fd proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};
	char byte = 0;

	if (unshare(CLONE_NEWNET) < 0)
		return "unshare";
	if (sysctl_enter(proc_fd, good, ARRAY_SIZE(good), &err) < 0)
		return complain("%s", err.text);

	scoped_fd fd = openat(proc_fd, "sys/net/ipv4/conf/lo/rp_filter", O_RDONLY | O_CLOEXEC);

	if (read(fd, &byte, 1) != 1 || byte != '2')
		return "rp_filter was not set";
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (sysctl_enter(proc_fd, &bad[i], 1, &err) == 0)
			return complain("%s was written", bad[i].key);
		if (!strstr(err.text, bad[i].key))
			return complain("said %s", err.text);
	}
	return NULL;
}

static void sysctls_are_written_in_the_new_namespace(void **state unused_parameter)
{
	run_in_user_namespace(write_sysctls, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_namespaces_become_clone_flags),
		cmocka_unit_test(time_offsets_need_a_stage),
		cmocka_unit_test(every_type_is_verified),
		cmocka_unit_test(what_is_no_namespace_is_refused),
		cmocka_unit_test(listed_namespaces_are_joined),
		cmocka_unit_test(namespaces_owned_by_the_joined_user_namespace_are_joined),
		cmocka_unit_test(namespaces_owned_by_the_left_user_namespace_are_joined),
		cmocka_unit_test(missing_right_to_join_is_explained),
		cmocka_unit_test(host_and_domain_name_are_set),
		cmocka_unit_test(clocks_of_a_new_time_namespace_are_moved),
		cmocka_unit_test(sysctls_are_written_in_the_new_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
