/*
 * Filters: a section from bytes is compiled, and the program's answers are compared with what the rules
 * say, read one by one. The kernel's filter machine is an interpreter here.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macro.h"
#include "security/seccomp.h"
#include "security/seccomp_bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#ifdef __x86_64__
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

/* Calls that a rule may name; −1: not known here, or only behind a multiplexer. */
static const struct {
	const char *name;
	long number;
} calls[] = {
	{"read", SYS_read},       {"write", SYS_write},
	{"close", SYS_close},     {"socket", SYS_socket},
	{"connect", SYS_connect}, {"clone", SYS_clone},
	{"openat2", SYS_openat2}, {"personality", SYS_personality},
	{"ioctl", SYS_ioctl},     {"no_such_call", -1},
	{"socketcall", -1},       {"ipc", -1},
	{"semop", SYS_semop},     {"mmap", SYS_mmap},
	{"getpid", SYS_getpid},   {"uname", SYS_uname},
};

enum { RULES = 12, NAMES = 3, ARGS = 8, OPERATORS = SECCOMP_OP_MASKED_EQ + 1 };
enum { ACTIONS = SECCOMP_ACTION_NOTIFY + 1 };

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

/* Mostly small values and the edges of 32 bits, where comparisons go wrong. */
static uint64_t take_value(struct input *in)
{
	static const uint64_t edges[] = {0,          1,           0x7fffffff,  0x80000000,
	                                 UINT32_MAX, 0x100000000, 0x100000001, UINT64_MAX};
	const uint8_t byte = take(in);

	return byte < 200 ? byte % 16 : edges[byte % 8];
}

struct section {
	struct spec_seccomp spec;
	struct spec_seccomp_rule rules[RULES];
	struct spec_seccomp_arg args[RULES][ARGS];
	char *names[RULES][NAMES + 1];
	char *architectures[4];
};

static void take_rule(struct input *in, struct section *s, size_t index)
{
	struct spec_seccomp_rule *rule = &s->rules[index];

	rule->action = (enum spec_seccomp_action)(take(in) % ACTIONS);
	rule->errno_ret.set = take(in) % 2;
	rule->errno_ret.value = rule->errno_ret.set ? take_value(in) : 0;
	rule->names.items = s->names[index];
	rule->names.count = 1 + take(in) % NAMES;
	for (size_t i = 0; i < rule->names.count; i++)
		rule->names.items[i] = (char *)(uintptr_t)calls[take(in) % ARRAY_SIZE(calls)].name;
	rule->args = s->args[index];
	rule->arg_count = take(in) % 3 == 0 ? take(in) % (ARGS + 1) : 0;
	for (size_t i = 0; i < rule->arg_count; i++)
		rule->args[i] = (struct spec_seccomp_arg){
			.index = take(in) % 7, /* 6 is one too many */
			.op = (enum spec_seccomp_operator)(take(in) % OPERATORS),
			.value = take_value(in),
			.value_two = take_value(in),
		};
}

static void take_section(struct input *in, struct section *s)
{
	static const char *const names[] = {"SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_S390X",
	                                    "SCMP_ARCH_NONE"};
	const uint8_t shape = take(in);

	s->spec.set = true;
	s->spec.default_action = (enum spec_seccomp_action)(take(in) % ACTIONS);
	s->spec.default_errno_ret.set = shape & 1;
	s->spec.default_errno_ret.value = shape & 1 ? take_value(in) : 0;
	s->spec.rules = s->rules;
	s->spec.rule_count = take(in) % (RULES + 1);
	s->spec.architectures.items = s->architectures;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (shape >> (1 + i) & 1 && (i < 2 || shape >> 5 == 7))
			s->architectures[s->spec.architectures.count++] =
				(char *)(uintptr_t)names[i];
	for (size_t i = 0; i < s->spec.rule_count; i++)
		take_rule(in, s, i);
}

/* --- what the rules say --- */

static uint32_t action_value(enum spec_seccomp_action action, const struct optional_u64 *data)
{
	static const uint32_t values[] = {
		[SECCOMP_ACTION_KILL_THREAD] = SECCOMP_RET_KILL_THREAD,
		[SECCOMP_ACTION_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
		[SECCOMP_ACTION_TRAP] = SECCOMP_RET_TRAP,
		[SECCOMP_ACTION_ERRNO] = SECCOMP_RET_ERRNO,
		[SECCOMP_ACTION_TRACE] = SECCOMP_RET_TRACE,
		[SECCOMP_ACTION_ALLOW] = SECCOMP_RET_ALLOW,
		[SECCOMP_ACTION_LOG] = SECCOMP_RET_LOG,
		[SECCOMP_ACTION_NOTIFY] = SECCOMP_RET_USER_NOTIF,
	};

	if (action != SECCOMP_ACTION_ERRNO && action != SECCOMP_ACTION_TRACE)
		return values[action];
	return values[action] | (data->set ? (uint32_t)data->value : EPERM);
}

static bool holds(const struct spec_seccomp_arg *arg, const struct seccomp_data *data)
{
	const uint64_t value = data->args[arg->index];

	switch (arg->op) {
	case SECCOMP_OP_NE:
		return value != arg->value;
	case SECCOMP_OP_LT:
		return value < arg->value;
	case SECCOMP_OP_LE:
		return value <= arg->value;
	case SECCOMP_OP_EQ:
		return value == arg->value;
	case SECCOMP_OP_GE:
		return value >= arg->value;
	case SECCOMP_OP_GT:
		return value > arg->value;
	default:
		return (value & arg->value) == (arg->value_two & arg->value);
	}
}

/* A mask of 0 compares nothing: libseccomp leaves such a condition out. */
static bool is_trivial(const struct spec_seccomp_arg *arg)
{
	return arg->op == SECCOMP_OP_MASKED_EQ && arg->value == 0;
}

static bool repeats(const struct spec_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->arg_count; i++) {
		if (seen >> rule->args[i].index & 1)
			return true;
		seen |= 1u << rule->args[i].index;
	}
	return false;
}

enum verdict { FAILS, HOLDS, UNCONDITIONAL };

/* Conditions `from` to before `to`, all of which must hold. */
static enum verdict all_hold(const struct spec_seccomp_rule *rule, const struct seccomp_data *data,
                             size_t from, size_t to)
{
	enum verdict verdict = UNCONDITIONAL;

	for (size_t i = from; i < to; i++) {
		if (is_trivial(&rule->args[i]))
			continue;
		if (!holds(&rule->args[i], data))
			return FAILS;
		verdict = HOLDS;
	}
	return verdict;
}

static enum verdict rule_verdict(const struct spec_seccomp_rule *rule,
                                 const struct seccomp_data *data)
{
	enum verdict best = FAILS;

	if (!repeats(rule))
		return all_hold(rule, data, 0, rule->arg_count);
	for (size_t i = 0; i < rule->arg_count; i++) {
		enum verdict one = all_hold(rule, data, i, i + 1);

		best = one > best ? one : best;
	}
	return best;
}

static bool names_number(const struct spec_seccomp_rule *rule, long number)
{
	for (size_t n = 0; n < rule->names.count; n++)
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
			if (calls[i].number == number &&
			    strcmp(calls[i].name, rule->names.items[n]) == 0)
				return true;
	return false;
}

/*
 * The answer of the rules: the first without conditions, else the first whose conditions hold. Rules
 * with the default action only matter for calls behind multiplexers.
 */
static uint32_t expected(const struct spec_seccomp *spec, const struct seccomp_data *data)
{
	const uint32_t otherwise = action_value(spec->default_action, &spec->default_errno_ret);
	uint32_t answer = otherwise;

	for (size_t i = 0; i < spec->rule_count; i++) {
		const struct spec_seccomp_rule *rule = &spec->rules[i];
		const uint32_t action = action_value(rule->action, &rule->errno_ret);
		enum verdict verdict;

		if (action == otherwise || !names_number(rule, data->nr))
			continue;
		verdict = rule_verdict(rule, data);
		if (verdict == UNCONDITIONAL)
			return action;
		if (verdict == HOLDS && answer == otherwise)
			answer = action;
	}
	return answer;
}

/* --- what the program says --- */

static size_t jump(const struct sock_filter *in, uint32_t a)
{
	switch (in->code) {
	case BPF_JMP | BPF_JA:
		return in->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		return a == in->k ? in->jt : in->jf;
	case BPF_JMP | BPF_JGT | BPF_K:
		return a > in->k ? in->jt : in->jf;
	case BPF_JMP | BPF_JGE | BPF_K:
		return a >= in->k ? in->jt : in->jf;
	case BPF_JMP | BPF_JSET | BPF_K:
		return a & in->k ? in->jt : in->jf;
	default:
		abort();
	}
}

static uint32_t run(const struct seccomp_program *program, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < program->count; pc++) {
		const struct sock_filter *in = &program->instructions[pc];

		if (in->code == (BPF_LD | BPF_W | BPF_ABS))
			memcpy(&a, (const char *)data + in->k, sizeof(a));
		else if (in->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= in->k;
		else if (in->code == (BPF_RET | BPF_K))
			return in->k;
		else
			pc += jump(in, a);
	}
	abort();
}

static void compare(const struct spec_seccomp *spec, const struct seccomp_program *program,
                    struct input *in)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct seccomp_data data = {.nr = (int)calls[i].number, .arch = NATIVE};

		if (calls[i].number < 0)
			continue;
		for (size_t a = 0; a < 6; a++)
			data.args[a] = take_value(in);

		const uint32_t got = run(program, &data);

		/* The answer to calls newer than all that are named; unit tests look at it. */
		if (got != (SECCOMP_RET_ERRNO | ENOSYS) && got != expected(spec, &data))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input in = {bytes, size};
	struct section section = {0};
	scoped_seccomp_program program = {0};
	struct error err = {0};

	take_section(&in, &section);
	if (seccomp_compile(&section.spec, &program, &err) < 0) {
		if (err.code <= 0 || err.text[0] == '\0')
			abort();
		return 0;
	}
	if (!seccomp_bpf_is_sound(&program))
		abort();
	compare(&section.spec, &program, &in);
	return 0;
}
