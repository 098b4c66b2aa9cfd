#include "tests/unit/security/support.h"

#include <seccomp.h>
#include <sys/mman.h>

#include "security/seccomp_bpf.h"

/* i386 and x86-64 numbers, so that the tests need no headers of another architecture. */
enum { I386_SOCKETCALL = 102, I386_SOCKET = 359, I386_READ = 3, I386_CONNECT = 362 };
enum { X32_BIT = 0x40000000, CALL_NEW = 4000 };
enum { ACT_ALLOW = SECCOMP_RET_ALLOW };
#define ACT_ERRNO(x) (SECCOMP_RET_ERRNO | (unsigned int)(x))

#ifdef __x86_64__
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

static void compile(const char *section, struct seccomp_program *ret)
{
	scoped_spec spec = parse_section(section);
	struct error err = {0};

	if (seccomp_compile(&spec->linux.seccomp, ret, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(seccomp_bpf_is_sound(ret));
}

static uint32_t ask(const struct seccomp_program *program, uint32_t arch, uint32_t nr,
                    uint64_t arg0, uint64_t arg1)
{
	const struct seccomp_data data = {.nr = (int)nr, .arch = arch, .args = {arg0, arg1}};

	return filter_run(program, &data);
}

static uint32_t ask_native(const struct seccomp_program *program, long nr, uint64_t arg0)
{
	return ask(program, NATIVE, (uint32_t)nr, arg0, 0);
}

static void refuse(const char *section, const char *expected)
{
	scoped_spec spec = parse_section(section);
	scoped_seccomp_program program = {0};
	struct error err = {0};

	assert_true(seccomp_compile(&spec->linux.seccomp, &program, &err) < 0);
	if (!strstr(err.text, expected))
		fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

static void every_action_reaches_the_program(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
	        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\"},"
	        "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
	        "{\"names\":[\"close\"],\"action\":\"SCMP_ACT_TRAP\"},"
	        "{\"names\":[\"fstat\"],\"action\":\"SCMP_ACT_ERRNO\"},"
	        "{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
	        "{\"names\":[\"mmap\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535},"
	        "{\"names\":[\"munmap\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65534},"
	        "{\"names\":[\"brk\"],\"action\":\"SCMP_ACT_LOG\"},"
	        "{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_NOTIFY\"},"
	        "{\"names\":[\"chdir\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_read, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(ask_native(&p, SYS_write, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ask_native(&p, SYS_close, 0), SECCOMP_RET_TRAP);
	assert_int_equal(ask_native(&p, SYS_fstat, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_lseek, 0), ACT_ERRNO(ENOSYS));
	assert_int_equal(ask_native(&p, SYS_mmap, 0), SECCOMP_RET_TRACE | 65535);
	assert_int_equal(ask_native(&p, SYS_munmap, 0), SECCOMP_RET_TRACE | 65534);
	assert_int_equal(ask_native(&p, SYS_brk, 0), SECCOMP_RET_LOG);
	assert_int_equal(ask_native(&p, SYS_ioctl, 0), SECCOMP_RET_USER_NOTIF);
	assert_int_equal(ask_native(&p, SYS_chdir, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_getpid, 0), ACT_ALLOW);
}

static void every_default_action_is_kept(void **state unused_parameter)
{
	static const struct {
		const char *text;
		uint32_t action;
	} rows[] = {
		{"\"SCMP_ACT_KILL\"", SECCOMP_RET_KILL_THREAD},
		{"\"SCMP_ACT_KILL_PROCESS\"", SECCOMP_RET_KILL_PROCESS},
		{"\"SCMP_ACT_TRAP\"", SECCOMP_RET_TRAP},
		{"\"SCMP_ACT_ERRNO\"", ACT_ERRNO(EPERM)},
		{"\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13", ACT_ERRNO(EACCES)},
		{"\"SCMP_ACT_TRACE\",\"defaultErrnoRet\":7", SECCOMP_RET_TRACE | 7},
		{"\"SCMP_ACT_LOG\"", SECCOMP_RET_LOG},
		{"\"SCMP_ACT_NOTIFY\"", SECCOMP_RET_USER_NOTIF},
		{"\"SCMP_ACT_ALLOW\"", ACT_ALLOW},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		scoped_seccomp_program p = {0};
		char section[256];

		snprintf(section, sizeof(section),
		         "{\"defaultAction\":%s,\"syscalls\":[{\"names\":[\"openat2\"],"
		         "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":99}]}",
		         rows[i].text);
		compile(section, &p);
		assert_int_equal(ask_native(&p, SYS_getpid, 0), rows[i].action);
		assert_int_equal(ask_native(&p, SYS_openat2, 0), ACT_ERRNO(99));
	}
}

static void operators_compare_all_64_bits(void **state unused_parameter)
{
	static const uint64_t big = UINT64_C(0x100000005);
	static const struct {
		const char *op;
		bool below, low_word_only, equal, above; /* 4, 5, big, big + 1 against big */
	} rows[] = {
		{"SCMP_CMP_NE", true, true, false, true},
		{"SCMP_CMP_LT", true, true, false, false},
		{"SCMP_CMP_LE", true, true, true, false},
		{"SCMP_CMP_EQ", false, false, true, false},
		{"SCMP_CMP_GE", false, false, true, true},
		{"SCMP_CMP_GT", false, false, false, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		scoped_seccomp_program p = {0};
		char section[256];

		snprintf(section, sizeof(section),
		         "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"dup\"],"
		         "\"action\":\"SCMP_ACT_TRAP\",\"args\":[{\"index\":0,\"value\":%llu,"
		         "\"op\":\"%s\"}]}]}",
		         (unsigned long long)big, rows[i].op);
		compile(section, &p);
		assert_int_equal(ask_native(&p, SYS_dup, 4) == SECCOMP_RET_TRAP, rows[i].below);
		assert_int_equal(ask_native(&p, SYS_dup, 5) == SECCOMP_RET_TRAP,
		                 rows[i].low_word_only);
		assert_int_equal(ask_native(&p, SYS_dup, big) == SECCOMP_RET_TRAP, rows[i].equal);
		assert_int_equal(ask_native(&p, SYS_dup, big + 1) == SECCOMP_RET_TRAP,
		                 rows[i].above);
	}
}

/* TIOCSTI with garbage in the upper half is still TIOCSTI to the kernel (CVE-2019-10063). */
static void masked_comparison_ignores_the_masked_bits(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"ioctl\"],"
	        "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":1,\"value\":4294967295,"
	        "\"valueTwo\":21522,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}",
	        &p);
	assert_int_equal(ask(&p, NATIVE, SYS_ioctl, 0, 0x5412), ACT_ERRNO(EPERM));
	assert_int_equal(ask(&p, NATIVE, SYS_ioctl, 0, UINT64_C(0x100005412)), ACT_ERRNO(EPERM));
	assert_int_equal(ask(&p, NATIVE, SYS_ioctl, 0, 0x5413), ACT_ALLOW);
}

static void conditions_on_different_arguments_must_all_hold(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"socket\"],"
	        "\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	        "{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"},"
	        "{\"index\":1,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
	        &p);
	assert_int_equal(ask(&p, NATIVE, SYS_socket, 2, 1), ACT_ALLOW);
	assert_int_equal(ask(&p, NATIVE, SYS_socket, 2, 2), ACT_ERRNO(EPERM));
	assert_int_equal(ask(&p, NATIVE, SYS_socket, 3, 1), ACT_ERRNO(EPERM));
}

static void conditions_on_one_argument_are_alternatives(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"personality\"],"
	        "\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	        "{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"},"
	        "{\"index\":0,\"value\":8,\"op\":\"SCMP_CMP_EQ\"}]}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_personality, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_personality, 8), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_personality, 9), ACT_ERRNO(EPERM));
}

static void unknown_names_are_skipped(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"no_such_call\","
	        "\"getpid\",\"\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_getpid, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_read, 0), ACT_ERRNO(EPERM));
}

static void calls_newer_than_the_section_get_enosys(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"getpid\","
	        "\"openat2\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_openat2, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_openat2 - 1, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_openat2 + 1, 0), ACT_ERRNO(ENOSYS));
	assert_int_equal(ask_native(&p, CALL_NEW, 0), ACT_ERRNO(ENOSYS));
}

static void a_refused_call_counts_as_named(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	        "{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	        "{\"names\":[\"openat2\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_openat2, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_openat2 + 1, 0), ACT_ERRNO(ENOSYS));
}

static void who_allows_or_answers_by_default_sees_new_calls(void **state unused_parameter)
{
	static const struct {
		const char *action;
		uint32_t expected;
	} rows[] = {
		{"SCMP_ACT_ALLOW", ACT_ALLOW},
		{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
		{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
		{"SCMP_ACT_TRACE\",\"defaultErrnoRet\":1,\"x\":\"", SECCOMP_RET_TRACE | 1},
		{"SCMP_ACT_KILL_PROCESS", ACT_ERRNO(ENOSYS)},
		{"SCMP_ACT_TRAP", ACT_ERRNO(ENOSYS)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		scoped_seccomp_program p = {0};
		char section[256];

		snprintf(section, sizeof(section),
		         "{\"defaultAction\":\"%s\",\"syscalls\":[{\"names\":[\"read\"],"
		         "\"action\":\"SCMP_ACT_ERRNO\"}]}",
		         rows[i].action);
		compile(section, &p);
		assert_int_equal(ask_native(&p, CALL_NEW, 0), rows[i].expected);
	}
}

static void foreign_architecture_is_killed(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
	        "\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask(&p, AUDIT_ARCH_S390X, 3, 0, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, I386_READ, 0, 0), SECCOMP_RET_KILL_THREAD);
}

#ifdef __x86_64__
#define X86_ARCHS "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],"

static void listed_architectures_have_the_rules_too(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\"," X86_ARCHS
	        "\"syscalls\":[{\"names\":[\"read\",\"openat2\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, I386_READ, 0, 0), ACT_ALLOW);
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, 4, 0, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, 437, 0, 0), ACT_ALLOW); /* openat2 */
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, 438, 0, 0), ACT_ERRNO(ENOSYS));
	assert_int_equal(ask_native(&p, X32_BIT | SYS_read, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, X32_BIT | SYS_write, 0), ACT_ERRNO(EPERM));
	/* The x32 calls of its own begin at 512, so there is nothing newer than those. */
	assert_int_equal(ask_native(&p, X32_BIT | CALL_NEW, 0), ACT_ERRNO(ENOSYS));
}

static void x32_is_killed_unless_listed(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
	        "\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, X32_BIT | SYS_read, 0), SECCOMP_RET_KILL_THREAD);
}

/* In the linear form of libseccomp 2.5.4 the rule is never found. */
static void condition_holds_beside_a_call_that_the_architecture_lacks(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_ARCHS
	        "\"syscalls\":[{\"names\":[\"openat2\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
	        "{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_NE\"}]},"
	        "{\"names\":[\"socketcall\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_openat2, 1), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_openat2, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, X32_BIT | SYS_openat2, 1), ACT_ERRNO(EPERM));
}

/* libseccomp derives socketcall(SYS_CONNECT) → ALLOW; the section says no to all of socketcall. */
static void refusal_holds_against_a_derived_rule(void **state unused_parameter)
{
	scoped_seccomp_program p = {0}, q = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\"," X86_ARCHS
	        "\"syscalls\":[{\"names\":[\"connect\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
	        &p);
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, I386_SOCKETCALL, 3, 0), ACT_ALLOW);
	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\"," X86_ARCHS
	        "\"syscalls\":[{\"names\":[\"connect\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	        "{\"names\":[\"socketcall\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
	        &q);
	assert_int_equal(ask(&q, AUDIT_ARCH_I386, I386_SOCKETCALL, 3, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask(&q, AUDIT_ARCH_I386, I386_CONNECT, 0, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&q, SYS_connect, 0), ACT_ALLOW);
}
#endif

static void refusal_gives_way_to_a_rule_that_names_the_call(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	        "{\"names\":[\"socket\",\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1},"
	        "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	        "{\"index\":0,\"value\":38,\"op\":\"SCMP_CMP_LT\"}]}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_socket, 2), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_socket, 38), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_getpid, 0), ACT_ERRNO(EPERM));
}

static void first_rule_that_holds_answers(void **state unused_parameter)
{
	scoped_seccomp_program p = {0};

	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
	        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_TRAP\",\"args\":["
	        "{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_GE\"}]},"
	        "{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
	        "{\"index\":0,\"value\":4,\"op\":\"SCMP_CMP_GE\"}]},"
	        "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_LOG\"},"
	        "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_TRAP\"}]}",
	        &p);
	assert_int_equal(ask_native(&p, SYS_read, 5), SECCOMP_RET_TRAP);
	assert_int_equal(ask_native(&p, SYS_read, 4), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_read, 3), ACT_ALLOW);
	/* One without conditions comes before all that have some, the first of several before the others. */
	assert_int_equal(ask_native(&p, SYS_write, 4), SECCOMP_RET_LOG);
}

static void wrong_sections_are_refused_by_name(void **state unused_parameter)
{
	refuse("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":70000}", "defaultAction");
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
	       "\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1}]}",
	       "syscalls[0]: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE");
#ifdef __x86_64__
	refuse("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_S390X\"]}",
	       "SCMP_ARCH_S390X has another byte order");
#endif
}

static void profile_of_podman_is_understood(void **state unused_parameter)
{
	const char *folder = getenv("LVM_RUN_TEST_DATA");
	scoped_str path = str_format("%s/podman-config.json", folder ? folder : "tests/data");
	scoped_seccomp_program p = {0};
	scoped_spec spec = NULL;
	struct error err = {0};
	struct seccomp_data audit = {.nr = SYS_socket, .arch = NATIVE, .args = {16, 3, 9}};

	if (spec_load(AT_FDCWD, path, &spec, &err) < 0 ||
	    seccomp_compile(&spec->linux.seccomp, &p, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(ask_native(&p, SYS_read, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_bpf, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_kexec_load, 0), ACT_ERRNO(EPERM));
	assert_int_equal(ask_native(&p, SYS_personality, 8), ACT_ALLOW);
	assert_int_equal(ask_native(&p, SYS_personality, 9), ACT_ERRNO(ENOSYS));
	assert_int_equal(filter_run(&p, &audit), ACT_ERRNO(EINVAL));
	audit.args[2] = 0;
	assert_int_equal(filter_run(&p, &audit), ACT_ALLOW);
	assert_int_equal(ask_native(&p, CALL_NEW, 0), ACT_ERRNO(ENOSYS));
#ifdef __x86_64__
	assert_int_equal(ask(&p, AUDIT_ARCH_I386, I386_READ, 0, 0), ACT_ALLOW);
	assert_int_equal(ask_native(&p, X32_BIT | SYS_bpf, 0), ACT_ERRNO(EPERM));
#endif
}

/* --- against libseccomp --- */

static const enum scmp_compare operators[] = {
	[SECCOMP_OP_NE] = SCMP_CMP_NE,
	[SECCOMP_OP_LT] = SCMP_CMP_LT,
	[SECCOMP_OP_LE] = SCMP_CMP_LE,
	[SECCOMP_OP_EQ] = SCMP_CMP_EQ,
	[SECCOMP_OP_GE] = SCMP_CMP_GE,
	[SECCOMP_OP_GT] = SCMP_CMP_GT,
	[SECCOMP_OP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

static uint32_t library_action(const struct spec_seccomp_rule *rule)
{
	if (rule->action == SECCOMP_ACTION_ALLOW)
		return SCMP_ACT_ALLOW;
	assert_int_equal(rule->action, SECCOMP_ACTION_ERRNO);
	return SCMP_ACT_ERRNO((uint32_t)(rule->errno_ret.set ? rule->errno_ret.value : EPERM));
}

static void library_add(scmp_filter_ctx context, const struct spec_seccomp_rule *rule)
{
	struct scmp_arg_cmp conditions[6];

	for (size_t i = 0; i < rule->arg_count; i++)
		conditions[i] = (struct scmp_arg_cmp){
			.arg = rule->args[i].index,
			.op = operators[rule->args[i].op],
			.datum_a = rule->args[i].value,
			.datum_b = rule->args[i].value_two,
		};
	for (size_t i = 0; i < rule->names.count; i++) {
		int number = seccomp_syscall_resolve_name(rule->names.items[i]);

		if (number != __NR_SCMP_ERROR)
			assert_int_equal(
				seccomp_rule_add_array(context, library_action(rule), number,
			                               (unsigned int)rule->arg_count, conditions),
				0);
	}
}

/* The program of libseccomp's tree form for the profile of Podman. */
static void library_compile(const struct spec_seccomp *section, struct seccomp_program *ret)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	scoped_fd fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t size;

	assert_non_null(context);
	assert_int_equal(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
#ifdef __x86_64__
	assert_int_equal(seccomp_arch_add(context, SCMP_ARCH_X86), 0);
	assert_int_equal(seccomp_arch_add(context, SCMP_ARCH_X32), 0);
#endif
	for (size_t i = 0; i < section->rule_count; i++)
		library_add(context, &section->rules[i]);
	assert_int_equal(seccomp_export_bpf(context, fd), 0);
	seccomp_release(context);
	ret->instructions = calloc(SECCOMP_PROGRAM_LIMIT, sizeof(*ret->instructions));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	size = fd_read_all(fd, ret->instructions,
	                   SECCOMP_PROGRAM_LIMIT * sizeof(*ret->instructions));
	assert_true(size > 0);
	ret->count = (size_t)size / sizeof(*ret->instructions);
}

static void compare_call(const struct seccomp_program *ours, const struct seccomp_program *theirs,
                         uint32_t arch, uint32_t number)
{
	static const uint64_t values[] = {0, 1, 3, 8, 9, 10, 16, 0x20000, 0x20008, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			const struct seccomp_data data = {
				.nr = (int)number, .arch = arch, .args = {values[i], 3, values[j]}};
			const uint32_t a = filter_run(ours, &data), b = filter_run(theirs, &data);

			if (a != b)
				fail_msg("arch %#x call %#x args %#lx %#lx: %#x, libseccomp %#x",
				         arch, number, (unsigned long)values[i],
				         (unsigned long)values[j], a, b);
		}
}

static void filter_answers_as_the_one_of_libseccomp(void **state unused_parameter)
{
	const char *folder = getenv("LVM_RUN_TEST_DATA");
	scoped_str path = str_format("%s/podman-config.json", folder ? folder : "tests/data");
	scoped_seccomp_program ours = {0}, theirs = {0};
	scoped_spec spec = NULL;
	struct error err = {0};

	if (spec_load(AT_FDCWD, path, &spec, &err) < 0 ||
	    seccomp_compile(&spec->linux.seccomp, &ours, &err) < 0)
		fail_msg("%s", err.text);
	library_compile(&spec->linux.seccomp, &theirs);
	assert_true(ours.count < theirs.count);
	for (uint32_t number = 0; number < 600; number++) {
		compare_call(&ours, &theirs, NATIVE, number);
#ifdef __x86_64__
		compare_call(&ours, &theirs, AUDIT_ARCH_I386, number);
		compare_call(&ours, &theirs, NATIVE, number | X32_BIT);
#endif
	}
	compare_call(&ours, &theirs, NATIVE, UINT32_MAX);
	compare_call(&ours, &theirs, AUDIT_ARCH_S390X, 1);
}

static void filter_that_is_too_long_is_refused(void **state unused_parameter)
{
	static const char head[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[";
	scoped_strbuf text = {0};

	strbuf_adds(&text, head);
	for (unsigned int i = 0; i < 2000; i++)
		strbuf_addf(&text,
		            "%s{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{"
		            "\"index\":0,\"value\":%u,\"op\":\"SCMP_CMP_EQ\"}]}",
		            i ? "," : "", i);
	strbuf_adds(&text, "]}");
	refuse(text.data, "longer than the 4096 instructions");
}

/* --- the instructions themselves --- */

static void unsound_programs_are_recognized(void **state unused_parameter)
{
	struct sock_filter good[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct seccomp_program p = {good, 4};

	assert_true(seccomp_bpf_is_sound(&p));
	p.count = 0;
	assert_false(seccomp_bpf_is_sound(&p));
	p.count = 2; /* ends in a jump */
	assert_false(seccomp_bpf_is_sound(&p));
	p.count = 4;
	good[1].jf = 2; /* beyond the end */
	assert_false(seccomp_bpf_is_sound(&p));
	good[1].jf = 1;
	good[0].k = sizeof(struct seccomp_data);
	assert_false(seccomp_bpf_is_sound(&p));
	good[0].k = 2;
	assert_false(seccomp_bpf_is_sound(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_action_reaches_the_program),
		cmocka_unit_test(every_default_action_is_kept),
		cmocka_unit_test(operators_compare_all_64_bits),
		cmocka_unit_test(masked_comparison_ignores_the_masked_bits),
		cmocka_unit_test(conditions_on_different_arguments_must_all_hold),
		cmocka_unit_test(conditions_on_one_argument_are_alternatives),
		cmocka_unit_test(unknown_names_are_skipped),
		cmocka_unit_test(calls_newer_than_the_section_get_enosys),
		cmocka_unit_test(a_refused_call_counts_as_named),
		cmocka_unit_test(who_allows_or_answers_by_default_sees_new_calls),
		cmocka_unit_test(foreign_architecture_is_killed),
#ifdef __x86_64__
		cmocka_unit_test(listed_architectures_have_the_rules_too),
		cmocka_unit_test(x32_is_killed_unless_listed),
		cmocka_unit_test(condition_holds_beside_a_call_that_the_architecture_lacks),
		cmocka_unit_test(refusal_holds_against_a_derived_rule),
#endif
		cmocka_unit_test(refusal_gives_way_to_a_rule_that_names_the_call),
		cmocka_unit_test(profile_of_podman_is_understood),
		cmocka_unit_test(first_rule_that_holds_answers),
		cmocka_unit_test(filter_answers_as_the_one_of_libseccomp),
		cmocka_unit_test(filter_that_is_too_long_is_refused),
		cmocka_unit_test(wrong_sections_are_refused_by_name),
		cmocka_unit_test(unsound_programs_are_recognized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
