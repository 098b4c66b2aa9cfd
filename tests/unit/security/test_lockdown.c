#include "tests/unit/security/support.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "security/lockdown.h"

/* What runs in the child: both lists, with a look after each. */
struct scene {
	const char *process; /* members of the process object */
	const char *seccomp; /* null: none */
	const char *keyring;
	child_function *after_created; /* may be null */
	child_function *after_exec;
	/* made by stage() */
	struct spec *spec;
	struct spec *section;
	struct spec_personality personality;
	struct lockdown_plan *plan;
	int proc_fd;
	bool user_namespace;
	const long *other_keyring;
};

static const struct spec_seccomp no_seccomp;

static void scene_prepare(struct scene *scene)
{
	struct error err = {0};
	char *text = str_format("{\"args\":[\"/x\"],\"cwd\":\"/\"%s%s}",
	                        scene->process[0] ? "," : "", scene->process);

	if (spec_parse_process("test", text, strlen(text), &scene->spec, &err) < 0)
		fail_msg("%s", err.text);
	free(text);
	if (scene->seccomp)
		scene->section = parse_section(scene->seccomp);
	scene->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	const struct lockdown_request request = {
		.process = &scene->spec->process,
		.seccomp = scene->section ? &scene->section->linux.seccomp : &no_seccomp,
		.personality = &scene->personality,
		.user_namespace = scene->user_namespace,
		.keyring = scene->keyring,
		.proc_fd = scene->proc_fd,
		.cache_fd = -1,
	};

	if (lockdown_prepare(&request, &scene->plan, &err) < 0)
		fail_msg("%s", err.text);
}

static void scene_done(struct scene *scene)
{
	lockdown_plan_free(&scene->plan);
	spec_free(&scene->spec);
	spec_free(&scene->section);
	close(scene->proc_fd);
}

static const char *play(void *data)
{
	static struct error err;
	struct scene *scene = data;
	const char *text = NULL;

	if (lockdown_enter_created(scene->plan, &err) < 0)
		return err.text;
	if (scene->after_created)
		text = scene->after_created(scene);
	if (text)
		return text;
	if (lockdown_enter_exec(scene->plan, NULL, 0, &err) < 0)
		return err.text;
	return scene->after_exec ? scene->after_exec(scene) : NULL;
}

static void run_scene(struct scene scene)
{
	scene.user_namespace = true;
	scene_prepare(&scene);
	run_in_user_namespace(play, &scene);
	scene_done(&scene);
}

/* In the init user namespace, with the rights of whoever runs the test. */
static void run_scene_on_host(struct scene scene)
{
	if (geteuid() != 0) {
		print_message("SKIP needs root\n");
		skip();
	}
	scene_prepare(&scene);
	run_in_child(play, &scene);
	scene_done(&scene);
}

/* Ids other than the one own need a mapped range, which takes root here. */
static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("SKIP needs root to map a range of ids\n");
		skip();
	}
}

static const char *expect_masks(uint64_t inh, uint64_t prm, uint64_t eff, uint64_t bnd,
                                uint64_t amb)
{
	const uint64_t got[] = {status_mask("CapInh"), status_mask("CapPrm"), status_mask("CapEff"),
	                        status_mask("CapBnd"), status_mask("CapAmb")};
	const uint64_t expected[] = {inh, prm, eff, bnd, amb};

	if (memcmp(got, expected, sizeof(got)) == 0)
		return NULL;
	return complain("CapInh %llx CapPrm %llx CapEff %llx CapBnd %llx CapAmb %llx",
	                (unsigned long long)got[0], (unsigned long long)got[1],
	                (unsigned long long)got[2], (unsigned long long)got[3],
	                (unsigned long long)got[4]);
}

#define BIT(n) (UINT64_C(1) << (n))

/* --- capabilities --- */

static const char *expect_none(void *data unused_parameter)
{
	const char *text = expect_masks(0, 0, 0, 0, 0);

	return text ? text : strcmp(status_line("NoNewPrivs"), "0") == 0 ? NULL : "no_new_privs";
}

static void without_capabilities_in_the_configuration_all_are_gone(void **state unused_parameter)
{
	run_scene((struct scene){.process = "", .after_exec = expect_none});
}

static const char *expect_three(void *data unused_parameter)
{
	const uint64_t three = BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE) | BIT(CAP_NET_BIND_SERVICE);
	const char *text = expect_masks(0, three, three, three, 0);

	return text ? text : strcmp(status_line("NoNewPrivs"), "1") == 0 ? NULL : "no no_new_privs";
}

#define THREE "[\"CAP_KILL\",\"CAP_AUDIT_WRITE\",\"CAP_NET_BIND_SERVICE\"]"

static void sets_are_exactly_those_of_the_configuration(void **state unused_parameter)
{
	const struct scene scene = {
		.process = "\"noNewPrivileges\":true,\"capabilities\":{\"bounding\":" THREE
			   ",\"permitted\":" THREE ",\"effective\":" THREE "}",
		.after_exec = expect_three,
	};

	run_scene(scene);
	run_scene_on_host(scene);
}

static const char *expect_different(void *data unused_parameter)
{
	return expect_masks(BIT(CAP_CHOWN), BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_KILL),
	                    BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_MKNOD), BIT(CAP_CHOWN));
}

static const char different_sets[] =
	"\"user\":{\"uid\":1000,\"gid\":1000},\"capabilities\":{"
	"\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\",\"CAP_MKNOD\"],"
	"\"permitted\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
	"\"inheritable\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_CHOWN\"]}";

static void sets_survive_the_change_of_the_uid(void **state unused_parameter)
{
	need_root();
	run_scene((struct scene){.process = different_sets, .after_exec = expect_different});
	run_scene_on_host(
		(struct scene){.process = different_sets, .after_exec = expect_different});
}

static const char *raise_ambient(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return "capget";
	data[0].inheritable = data[0].permitted;
	data[1].inheritable = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return "capset";
	for (unsigned int cap = 0; cap < 3; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return "raise";
	return NULL;
}

static const char *raise_ambient_first(void *data unused_parameter)
{
	return raise_ambient();
}

static const char *expect_inherited_trimmed(void *data unused_parameter)
{
	const uint64_t two = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE);

	return expect_masks(two, two, two, two, BIT(CAP_CHOWN));
}

/* A caller with inheritable and ambient capabilities hands none of them down (CVE-2022-29162). */
static void inherited_sets_do_not_leak(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "", .after_created = raise_ambient_first, .after_exec = expect_none});
	run_scene((struct scene){
		.process = "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"permitted\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"effective\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"inheritable\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"ambient\":[\"CAP_CHOWN\"]}",
		.after_created = raise_ambient_first,
		.after_exec = expect_inherited_trimmed});
}

static const char *expect_what_there_is(void *data unused_parameter)
{
	/* Of the four sets only what is consistent is left of CAP_SYS_ADMIN. */
	return expect_masks(0, BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL), 0);
}

static void what_cannot_be_granted_is_left_out(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_"
			   "KILL\"],"
			   "\"effective\":[\"CAP_KILL\",\"CAP_SYS_ADMIN\"],"
			   "\"inheritable\":[\"CAP_SYS_ADMIN\"],\"ambient\":[\"CAP_KILL\"]}",
		.after_exec = expect_what_there_is});
}

static const char *lose_some_and_play(void *data)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {0};

	if (syscall(SYS_capget, &header, caps) < 0)
		return "capget";
	caps[0].permitted &= ~(1u << CAP_AUDIT_WRITE);
	caps[0].effective = caps[0].permitted;
	return syscall(SYS_capset, &header, caps) < 0 ? "capset" : play(data);
}

static const char *expect_two(void *data unused_parameter)
{
	const uint64_t two = BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE);

	return expect_masks(0, two, two, two | BIT(CAP_AUDIT_WRITE), 0);
}

/* The host takes a process in a user namespace to have them all. */
static void what_the_child_does_not_have_is_no_failure(void **state unused_parameter)
{
	struct scene scene = {
		.process = "\"capabilities\":{\"bounding\":" THREE ",\"permitted\":" THREE
			   ",\"effective\":" THREE "}",
		.user_namespace = true,
		.after_exec = expect_two,
	};

	scene_prepare(&scene);
	run_in_user_namespace(lose_some_and_play, &scene);
	scene_done(&scene);
}

/* --- the filter within the order --- */

#define ALLOW_LITTLE(more)                                                                         \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"openat\",\"read\","     \
	"\"close\","                                                                               \
	"\"write\",\"exit_group\",\"fstat\",\"newfstatat\",\"mmap\",\"brk\",\"munmap\"" more       \
	"],\"action\":\"SCMP_ACT_ALLOW\"}]}"

static const char *expect_filter(void *data)
{
	const char *text = expect_masks(0, BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL), 0);

	(void)data;
	if (text)
		return text;
	if (strcmp(status_line("\nSeccomp"), "2") != 0)
		return "no filter";
	return syscall(SYS_getppid) < 0 && errno == EPERM ? NULL : "getppid was let through";
}

#define KILL_ONLY                                                                                  \
	"\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],"              \
	"\"effective\":[\"CAP_KILL\"]}"

static void with_no_new_privs_the_profile_need_not_allow_our_own_calls(
	void **state unused_parameter)
{
	const struct scene scene = {.process = "\"noNewPrivileges\":true," KILL_ONLY,
	                            .seccomp = ALLOW_LITTLE(""),
	                            .after_exec = expect_filter};

	run_scene(scene);
	run_scene_on_host(scene);
}

static void without_it_capset_is_all_that_the_profile_must_allow(void **state unused_parameter)
{
	struct scene scene = {.process = KILL_ONLY,
	                      .seccomp = ALLOW_LITTLE(",\"capset\""),
	                      .after_exec = expect_filter};

	run_scene(scene);
	need_root();
	scene.process = "\"user\":{\"uid\":1000,\"gid\":1000}," KILL_ONLY;
	run_scene(scene);
	run_scene_on_host(scene);
}

/* --- identity --- */

static const char *expect_identity(void *data unused_parameter)
{
	gid_t groups[8];
	const int count = getgroups(8, groups);
	uid_t r, e, s;
	mode_t mask = umask(0);

	if (getresuid(&r, &e, &s) < 0 || r != 1000 || e != 1000 || s != 1000)
		return complain("uids %u %u %u", r, e, s);
	if (getresgid(&r, &e, &s) < 0 || r != 1001 || e != 1001 || s != 1001)
		return complain("gids %u %u %u", r, e, s);
	if (count != 2 || groups[0] != 5 || groups[1] != 7)
		return complain("%d groups", count);
	return mask == 0027 ? NULL : complain("umask %o", mask);
}

static void ids_groups_and_umask_are_set(void **state unused_parameter)
{
	const struct scene scene = {
		.process = "\"user\":{\"uid\":1000,\"gid\":1001,\"umask\":23,\"additionalGids\":[5,"
			   "7]}",
		.after_exec = expect_identity,
	};

	need_root();
	run_scene(scene);
	run_scene_on_host(scene);
}

static const char *expect_default_umask(void *data unused_parameter)
{
	const mode_t mask = umask(0);

	return mask == 0022 ? NULL : complain("umask %o", mask);
}

static const char *open_the_umask(void *data unused_parameter)
{
	umask(0);
	return NULL;
}

static void umask_of_the_caller_is_not_handed_down(void **state unused_parameter)
{
	run_scene((struct scene){.process = "",
	                         .after_created = open_the_umask,
	                         .after_exec = expect_default_umask});
}

static const char *expect_unmapped(void *data)
{
	struct scene *scene = data;
	struct error err = {0};

	if (lockdown_enter_created(scene->plan, &err) < 0)
		return complain("%s", err.text);
	if (lockdown_enter_exec(scene->plan, NULL, 0, &err) == 0)
		return "an unmapped uid was taken";
	return strstr(err.text, "identity: uid 70000 is not mapped")
	               ? NULL
	               : complain("said %s", err.text);
}

static void unmapped_id_is_named(void **state unused_parameter)
{
	struct scene scene = {.process = "\"user\":{\"uid\":70000,\"gid\":0}",
	                      .user_namespace = true};

	need_root();
	scene_prepare(&scene);
	run_in_user_namespace(expect_unmapped, &scene);
	scene_done(&scene);
}

static const char *expect_private(void *data unused_parameter)
{
	return prctl(PR_GET_DUMPABLE) == 0 ? NULL : "others may look in";
}

static void nobody_may_look_in_while_we_prepare(void **state unused_parameter)
{
	run_scene((struct scene){.process = "", .after_created = expect_private});
}

/* --- limits --- */

static const char *expect_limits_early(void *data unused_parameter)
{
	struct rlimit limit;

	getrlimit(RLIMIT_CORE, &limit);
	if (limit.rlim_cur != 0 || limit.rlim_max != 4096)
		return "RLIMIT_CORE";
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > 512 ? NULL : "RLIMIT_NOFILE was set too early";
}

static const char *expect_limits_late(void *data unused_parameter)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur == 4 && limit.rlim_max == 5 ? NULL : "RLIMIT_NOFILE";
}

static void low_limits_are_set_last(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":4,\"hard\":5},"
			   "{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":4096}]",
		.after_created = expect_limits_early,
		.after_exec = expect_limits_late});
}

static const char *expect_refused_limit(void *data)
{
	struct scene *scene = data;
	struct error err = {0};
	struct rlimit limit = {1000, 2000};

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return "setrlimit";
	if (lockdown_enter_created(scene->plan, &err) == 0)
		return "a hard limit was raised without the right to";
	if (!strstr(err.text, "rlimits: set RLIMIT_NOFILE to 3000:4000") ||
	    !strstr(err.text, "the hard limit is 2000 now") ||
	    !strstr(err.text, "CAP_SYS_RESOURCE"))
		return complain("said %s", err.text);
	return NULL;
}

static void refused_limit_is_explained(void **state unused_parameter)
{
	struct scene scene = {
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":3000,\"hard\":4000}]",
		.user_namespace = true,
	};

	scene_prepare(&scene);
	run_in_user_namespace(expect_refused_limit, &scene);
	scene_done(&scene);
}

static const char *apply_from_outside(void *data)
{
	struct scene *scene = data;
	struct error err = {0};
	struct rlimit limit;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (lockdown_apply_limits(scene->plan, pid, &err) < 0)
		return complain("%s", err.text);
	if (prlimit(pid, RLIMIT_CORE, NULL, &limit) < 0 || limit.rlim_max != 4096)
		return "RLIMIT_CORE";
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max == 4096)
		return "set for the caller, too";
	if (getpriority(PRIO_PROCESS, (id_t)pid) != 5)
		return "nice value";
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return NULL;
}

static void host_can_set_the_limits_of_the_child(void **state unused_parameter)
{
	struct scene scene = {
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":4096}],"
			   "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":5},"
			   "\"oomScoreAdj\":700",
	};

	scene_prepare(&scene);
	run_in_child(apply_from_outside, &scene);
	scene_done(&scene);
}

static const char *expect_scheduling(void *data unused_parameter)
{
	const long io = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	char score[16] = "";
	scoped_fd fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	if (sched_getscheduler(0) != SCHED_BATCH)
		return "policy";
	if (getpriority(PRIO_PROCESS, 0) != 3)
		return "nice value";
	if (io != IOPRIO_PRIO_VALUE(2, 6))
		return complain("I/O priority %ld", io);
	if (read(fd, score, sizeof(score)) < 0 || strcmp(score, "900\n") != 0)
		return complain("oom_score_adj %s", score);
	return (personality(0xffffffff) & PER_MASK) == PER_LINUX32 ? NULL : "personality";
}

static void scheduler_io_priority_oom_score_and_personality_are_set(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":3},"
			   "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":6},"
			   "\"oomScoreAdj\":900",
		.personality = {true, PER_LINUX32},
		.after_created = expect_scheduling});
}

static const char *expect_refused_oom_score(void *data)
{
	struct scene *scene = data;
	struct error err = {0};

	if (lockdown_enter_created(scene->plan, &err) == 0)
		return "oom_score_adj was lowered without the right to";
	return strstr(err.text, "CAP_SYS_RESOURCE") ? NULL : complain("said %s", err.text);
}

static void refused_oom_score_is_explained(void **state unused_parameter)
{
	struct scene scene = {.process = "\"oomScoreAdj\":-999", .user_namespace = true};

	scene_prepare(&scene);
	run_in_user_namespace(expect_refused_oom_score, &scene);
	scene_done(&scene);
}

static void impossible_requests_are_refused_by_name(void **state unused_parameter)
{
	static const struct {
		const char *process;
		const char *expected;
	} rows[] = {
		{"\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":2,\"hard\":1}]",
	         "process.rlimits[0]: soft limit 2 is above hard limit 1"},
		{"\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"priority\":0}",
	         "process.scheduler.priority"},
		{"\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"priority\":1}",
	         "process.scheduler.priority"},
		{"\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":5,\"deadline\":4}",
	         "SCHED_DEADLINE needs"},
		{"\"apparmorProfile\":\"lvm-run-no-such-profile\"", "AppArmor is not enabled"},
		{"\"selinuxLabel\":\"a:b:c\"", "SELinux is not enabled"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		scoped_lockdown_plan plan = NULL;
		scoped_spec spec = NULL;
		struct error err = {0};
		char text[512];

		snprintf(text, sizeof(text), "{\"args\":[\"/x\"],\"cwd\":\"/\",%s}",
		         rows[i].process);
		if (spec_parse_process("test", text, strlen(text), &spec, &err) < 0)
			fail_msg("%s", err.text);

		const struct lockdown_request request = {
			.process = &spec->process,
			.seccomp = &no_seccomp,
			.personality = &(struct spec_personality){0},
			.proc_fd = -1,
			.cache_fd = -1,
		};

		if (lockdown_prepare(&request, &plan, &err) == 0) {
			print_message("SKIP row %zu: this kernel has the label's module\n", i);
			continue;
		}
		if (!strstr(err.text, rows[i].expected))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].expected);
	}
}

/* --- the rest --- */

static long session_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

static const char *expect_keyring(void *data)
{
	const long *other = ((struct scene *)data)->other_keyring;
	char keys[64];

	if (session_keyring() == *other)
		return "the keyring of that name was joined";
	if (syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof(keys)) != 0)
		return "the keyring is not empty";
	return NULL;
}

/* One that a hostile container made under the name, and opened to everybody. */
static const char *bait_and_play(void *data)
{
	struct scene *scene = data;
	static long other;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, scene->keyring) < 0)
		return NULL; /* a kernel without keys */
	other = session_keyring();
	syscall(SYS_keyctl, KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, 0x3f3f3f3f);
	if (syscall(SYS_add_key, "user", "bait", "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
		return "add_key";
	scene->other_keyring = &other;
	return play(data);
}

static void session_keyring_is_new_and_empty(void **state unused_parameter)
{
	struct scene scene = {.process = "",
	                      .keyring = "test-keyring",
	                      .user_namespace = true,
	                      .after_created = expect_keyring};

	if (session_keyring() < 0 && errno == ENOSYS) {
		print_message("SKIP this kernel has no keys\n");
		skip();
	}
	scene_prepare(&scene);
	run_in_user_namespace(bait_and_play, &scene);
	scene_done(&scene);
}

static const char *run_true(void *data unused_parameter)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	execv("/bin/true", argv);
	return complain("execv: errno %d", errno);
}

static void program_starts_after_everything(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "\"noNewPrivileges\":true,\"oomScoreAdj\":500,\"rlimits\":[{\"type\":"
			   "\"RLIMIT_NOFILE\",\"soft\":64,\"hard\":64}]," KILL_ONLY,
		.seccomp = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
			   "\"mount\"],"
			   "\"action\":\"SCMP_ACT_ERRNO\"}]}",
		.keyring = "test-keyring",
		.after_exec = run_true});
}

static void nothing_needs_to_stay_open_without_labels_and_agent(void **state unused_parameter)
{
	struct scene scene = {.process = ""};
	int fds[LOCKDOWN_FD_MAX];

	scene_prepare(&scene);
	assert_int_equal(lockdown_needed_fds(scene.plan, fds), 0);
	assert_false(lockdown_wants_agent_state(scene.plan));
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_capabilities_in_the_configuration_all_are_gone),
		cmocka_unit_test(sets_are_exactly_those_of_the_configuration),
		cmocka_unit_test(sets_survive_the_change_of_the_uid),
		cmocka_unit_test(inherited_sets_do_not_leak),
		cmocka_unit_test(what_cannot_be_granted_is_left_out),
		cmocka_unit_test(what_the_child_does_not_have_is_no_failure),
		cmocka_unit_test(with_no_new_privs_the_profile_need_not_allow_our_own_calls),
		cmocka_unit_test(without_it_capset_is_all_that_the_profile_must_allow),
		cmocka_unit_test(ids_groups_and_umask_are_set),
		cmocka_unit_test(umask_of_the_caller_is_not_handed_down),
		cmocka_unit_test(unmapped_id_is_named),
		cmocka_unit_test(nobody_may_look_in_while_we_prepare),
		cmocka_unit_test(low_limits_are_set_last),
		cmocka_unit_test(refused_limit_is_explained),
		cmocka_unit_test(host_can_set_the_limits_of_the_child),
		cmocka_unit_test(scheduler_io_priority_oom_score_and_personality_are_set),
		cmocka_unit_test(refused_oom_score_is_explained),
		cmocka_unit_test(impossible_requests_are_refused_by_name),
		cmocka_unit_test(session_keyring_is_new_and_empty),
		cmocka_unit_test(program_starts_after_everything),
		cmocka_unit_test(nothing_needs_to_stay_open_without_labels_and_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
