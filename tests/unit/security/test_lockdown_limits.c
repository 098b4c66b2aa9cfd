#include "tests/unit/security/scene.h"

#include <linux/ioprio.h>
#include <sys/personality.h>
#include <sys/resource.h>

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
	if (getpriority(PRIO_PROCESS, (id_t)pid) != 18)
		return "nice value";
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return NULL;
}

static void host_can_set_the_limits_of_the_child(void **state unused_parameter)
{
	struct scene scene = {
		.process = "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":4096}],"
			   "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":18},"
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
	if (getpriority(PRIO_PROCESS, 0) != 19)
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
		.process = "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":19},"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(low_limits_are_set_last),
		cmocka_unit_test(refused_limit_is_explained),
		cmocka_unit_test(host_can_set_the_limits_of_the_child),
		cmocka_unit_test(scheduler_io_priority_oom_score_and_personality_are_set),
		cmocka_unit_test(refused_oom_score_is_explained),
		cmocka_unit_test(impossible_requests_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
