#include "tests/unit/security/enter.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

/* wrap: sys_seccomp */
int __real_sys_seccomp(unsigned int operation, unsigned int flags, void *args);
int __wrap_sys_seccomp(unsigned int operation, unsigned int flags, void *args);

/* A flag that the kernel shall seem not to know. */
static unsigned int unknown_flag;

int __wrap_sys_seccomp(unsigned int operation, unsigned int flags, void *args)
{
	if (flags & unknown_flag) {
		errno = EINVAL;
		return -1;
	}
	return __real_sys_seccomp(operation, flags, args);
}

/* --- the loaded filter --- */

#define PROFILE                                                                                    \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\"," ARCHS                                             \
	"\"syscalls\":[{\"names\":[\"read\",\"write\","                                            \
	"\"close\",\"exit\",\"exit_group\",\"stat\",\"fstat\",\"newfstatat\",\"mmap\",\"munmap\"," \
	"\"openat\",\"rt_sigreturn\",\"execve\"],\"action\":\"SCMP_ACT_ALLOW\"},"                  \
	"{\"names\":[\"uname\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":77}]}"
#ifdef __x86_64__
#define ARCHS "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"],"
#else
#define ARCHS ""
#endif

/* A bad pointer tells a call that was let through (EFAULT) from one that was refused. */
static long probe(long number)
{
	return syscall(number, 1, 1, 1, 1) < 0 ? errno : 0;
}

static const char *probe_native(void *data)
{
	const char *text = enter(data, NULL);

	if (text)
		return text;

	const long allowed = probe(SYS_fstat), refused = probe(SYS_getgroups);
	const long own_errno = probe(SYS_uname), newer = probe(4000);

	if (allowed != EFAULT || refused != EPERM || own_errno != 77 || newer != ENOSYS)
		return complain("allowed %ld refused %ld own %ld newer %ld", allowed, refused,
		                own_errno, newer);
	return NULL;
}

static void loaded_filter_refuses_what_it_should(void **state unused_parameter)
{
	scoped_spec spec = parse_section(PROFILE);
	struct seccomp_plan plan;

	prepare(spec, &plan);
	run_in_child(probe_native, &plan);
	seccomp_plan_done(&plan);
}

#ifdef __x86_64__
/* A call as a 32-bit program makes it; −errno as the kernel returns it. */
static long call_i386(long number, long arg)
{
	long result;

	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "a"(number), "b"(arg), "c"(arg), "d"(arg)
	                 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

enum { I386_GETPID = 20, I386_READ = 3, I386_GETGROUPS = 80, I386_SOCKETCALL = 102 };

static const char *probe_i386(void *data)
{
	const char *text = enter(data, NULL);
	const long read_bad = call_i386(I386_READ, 1000);

	if (text)
		return text;
	if (read_bad != -EBADF || call_i386(I386_GETGROUPS, 1) != -EPERM ||
	    call_i386(I386_SOCKETCALL, 1) != -EPERM || call_i386(4000, 1) != -ENOSYS)
		return complain("read %ld getgroups %ld socketcall %ld new %ld", read_bad,
		                call_i386(I386_GETGROUPS, 1), call_i386(I386_SOCKETCALL, 1),
		                call_i386(4000, 1));
	return NULL;
}

static const char *try_i386(void *data unused_parameter)
{
	return call_i386(I386_GETPID, 0) == getpid() ? NULL : "no";
}

static bool kernel_has_i386(void)
{
	const struct child child = {try_i386, NULL, false};
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(child.function(NULL) ? 1 : 0);
	waitpid(pid, &status, 0);
	return status == 0;
}

static void calls_of_32_bit_programs_are_filtered_too(void **state unused_parameter)
{
	scoped_spec spec = parse_section(PROFILE);
	struct seccomp_plan plan;

	if (!kernel_has_i386()) {
		print_message("SKIP this kernel runs no 32-bit programs\n");
		skip();
	}
	prepare(spec, &plan);
	run_in_child(probe_i386, &plan);
	seccomp_plan_done(&plan);
}

static const char *escape_by_i386(void *data)
{
	const char *text = enter(data, NULL);

	if (text)
		return text;
	call_i386(I386_GETPID, 0);
	return "a call of an architecture that is not listed came back";
}

static void unlisted_architecture_kills(void **state unused_parameter)
{
	scoped_spec spec = parse_section("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{"
	                                 "\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\"}]}");
	struct seccomp_plan plan;
	int status;

	if (!kernel_has_i386()) {
		print_message("SKIP this kernel runs no 32-bit programs\n");
		skip();
	}
	prepare(spec, &plan);
	status = run_child(&(struct child){escape_by_i386, &plan, false});
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	seccomp_plan_done(&plan);
}
#endif

static const char *read_mode(void *data)
{
	const char *text = enter(data, NULL);

	if (text)
		return text;
	text = status_line("\nSeccomp");
	return strcmp(text, "2") == 0 ? NULL : complain("mode %s", text);
}

static void every_flag_loads(void **state unused_parameter)
{
	static const char *const flags[] = {
		"",
		"\"SECCOMP_FILTER_FLAG_TSYNC\"",
		"\"SECCOMP_FILTER_FLAG_LOG\"",
		"\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"",
		"\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"",
		("\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_LOG\","
	         "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\",\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"")};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		char section[512];
		struct seccomp_plan plan;

		snprintf(section, sizeof(section),
		         "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[%s]}", flags[i]);

		scoped_spec spec = parse_section(section);

		prepare(spec, &plan);
		run_in_child(read_mode, &plan);
		seccomp_plan_done(&plan);
	}
}

static void flags_default_to_spec_allow_only_when_absent(void **state unused_parameter)
{
	scoped_spec absent = parse_section("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	scoped_spec empty = parse_section("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[]}");
	struct seccomp_plan plan;

	prepare(absent, &plan);
	assert_int_equal(plan.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	seccomp_plan_done(&plan);
	prepare(empty, &plan);
	assert_int_equal(plan.flags, 0);
	seccomp_plan_done(&plan);
}

static const char *miss_a_flag(void *data)
{
	const char *text;

	unknown_flag = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	text = enter(data, NULL);
	return text && strstr(text, "does not support SECCOMP_FILTER_FLAG_SPEC_ALLOW")
	               ? NULL
	               : complain("said \"%s\"", text ? text : "nothing");
}

static void flag_that_the_kernel_lacks_is_named(void **state unused_parameter)
{
	scoped_spec spec = parse_section("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	struct seccomp_plan plan;

	prepare(spec, &plan);
	run_in_child(miss_a_flag, &plan);
	seccomp_plan_done(&plan);
}

static const char *load_without_rights(void *data)
{
	struct error err = {0};

	if (setresuid(65534, 65534, 65534) < 0)
		return "setresuid";
	if (seccomp_enter(data, NULL, 0, &err) == 0)
		return "it was loaded";
	return strstr(err.text, "noNewPrivileges") ? NULL : complain("said %s", err.text);
}

static void missing_right_to_load_is_explained(void **state unused_parameter)
{
	scoped_spec spec = parse_section("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	struct seccomp_plan plan;

	if (geteuid() != 0) {
		print_message("SKIP needs root to become another user\n");
		skip();
	}
	prepare(spec, &plan);
	run_in_child(load_without_rights, &plan);
	seccomp_plan_done(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaded_filter_refuses_what_it_should),
#ifdef __x86_64__
		cmocka_unit_test(calls_of_32_bit_programs_are_filtered_too),
		cmocka_unit_test(unlisted_architecture_kills),
#endif
		cmocka_unit_test(every_flag_loads),
		cmocka_unit_test(flags_default_to_spec_allow_only_when_absent),
		cmocka_unit_test(flag_that_the_kernel_lacks_is_named),
		cmocka_unit_test(missing_right_to_load_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
