#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "security/seccomp_bpf.h"
#include "tests/unit/security/support.h"

/* Every kind of answer and of comparison. */
static const char section[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":["
	"{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1},"
	"{\"names\":[\"ptrace\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
	"{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_LOG\"},"
	"{\"names\":[\"getuid\"],\"action\":\"SCMP_ACT_TRAP\"},"
	"{\"names\":[\"getgid\"],\"action\":\"SCMP_ACT_TRACE\"},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,\"args\":["
	"{\"index\":1,\"value\":4294967295,\"valueTwo\":21522,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":1,\"value\":0,\"op\":\"SCMP_CMP_GE\"}]},"
	"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_LT\"}]}]}";

static void compile_section(struct seccomp_program *ret)
{
	scoped_spec spec = parse_section(section);
	struct error err = {0};

	if (seccomp_compile(&spec->linux.seccomp, ret, &err) < 0)
		fail_msg("%s", err.text);
}

enum { NUMBERS = 500 };
static const uint64_t values[] = {0,           21522, 0x100000000 | 21522, 0xffffffff,
                                  0x100000000, 1,     UINT64_MAX};

typedef void visit(const struct seccomp_data *data, const struct seccomp_program *a,
                   const struct seccomp_program *b);

static void for_each_call(visit *function, const struct seccomp_program *a,
                          const struct seccomp_program *b)
{
	const uint32_t architectures[] = {seccomp_native_architecture(), AUDIT_ARCH_I386};

	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		for (int number = 0; number < NUMBERS; number++)
			for (size_t k = 0; k < ARRAY_SIZE(values); k++)
				function(&(struct seccomp_data){.nr = number,
				                                .arch = architectures[i],
				                                .args = {7, values[k]}},
				         a, b);
}

static void compare(const struct seccomp_data *data, const struct seccomp_program *a,
                    const struct seccomp_program *b)
{
	assert_int_equal(seccomp_bpf_answer(a, data), filter_run(b, data));
}

static void answers_are_those_of_the_kernels_machine(void **state unused_parameter)
{
	scoped_seccomp_program program = {0};

	compile_section(&program);
	for_each_call(compare, &program, &program);
}

static bool refuses(uint32_t answer)
{
	const uint32_t action = answer & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_KILL_PROCESS ||
	       action == SECCOMP_RET_KILL_THREAD || action == SECCOMP_RET_TRAP;
}

static bool allows(uint32_t answer)
{
	return answer == SECCOMP_RET_ALLOW || answer == SECCOMP_RET_LOG;
}

static void expect_refused_asked(const struct seccomp_data *data, const struct seccomp_program *a,
                                 const struct seccomp_program *b)
{
	const uint32_t before = filter_run(a, data);

	assert_int_equal(filter_run(b, data), refuses(before) ? SECCOMP_RET_USER_NOTIF : before);
}

static void expect_allowed_asked(const struct seccomp_data *data, const struct seccomp_program *a,
                                 const struct seccomp_program *b)
{
	const uint32_t before = filter_run(a, data);

	assert_int_equal(filter_run(b, data), allows(before) ? SECCOMP_RET_USER_NOTIF : before);
}

static void only_what_is_asked_for_reaches_the_listener(void **state unused_parameter)
{
	scoped_seccomp_program plain = {0}, refused = {0}, allowed = {0}, neither = {0};

	compile_section(&plain);
	compile_section(&refused);
	compile_section(&allowed);
	compile_section(&neither);
	seccomp_bpf_ask(&refused, true, false);
	seccomp_bpf_ask(&allowed, false, true);
	seccomp_bpf_ask(&neither, false, false);
	for_each_call(expect_refused_asked, &plain, &refused);
	for_each_call(expect_allowed_asked, &plain, &allowed);
	for_each_call(compare, &plain, &neither);
}

static void an_unknown_instruction_lets_nothing_through(void **state unused_parameter)
{
	struct sock_filter odd[] = {
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct seccomp_program program = {odd, ARRAY_SIZE(odd)};
	const struct seccomp_data data = {0};

	assert_int_equal(seccomp_bpf_answer(&program, &data), SECCOMP_RET_KILL_PROCESS);
}

static void names_and_numbers_belong_together(void **state unused_parameter)
{
	const int number = seccomp_call_number("openat");
	char *name = seccomp_call_name(seccomp_native_architecture(), (uint32_t)number);

	assert_string_equal(name, "openat");
	free(name);
	name = seccomp_call_name(AUDIT_ARCH_I386, 20);
	assert_string_equal(name, "getpid");
	free(name);
	assert_null(seccomp_call_name(seccomp_native_architecture(), 999));
	assert_true(seccomp_call_number("no_such_call") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_the_kernels_machine),
		cmocka_unit_test(only_what_is_asked_for_reaches_the_listener),
		cmocka_unit_test(an_unknown_instruction_lets_nothing_through),
		cmocka_unit_test(names_and_numbers_belong_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
