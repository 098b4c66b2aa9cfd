#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/str.h"
#include "cgroups/devices.h"

/* --- An interpreter of the few instructions that the writer uses --- */

static void load_word(uint64_t *reg, const struct bpf_insn *insn,
                      const struct bpf_cgroup_dev_ctx *ctx)
{
	assert_int_equal(insn->src_reg, BPF_REG_1);
	assert_int_equal(insn->code, BPF_LDX | BPF_MEM | BPF_W);
	if (insn->off == offsetof(struct bpf_cgroup_dev_ctx, access_type))
		reg[insn->dst_reg] = ctx->access_type;
	else if (insn->off == offsetof(struct bpf_cgroup_dev_ctx, major))
		reg[insn->dst_reg] = ctx->major;
	else if (insn->off == offsetof(struct bpf_cgroup_dev_ctx, minor))
		reg[insn->dst_reg] = ctx->minor;
	else
		fail_msg("load from offset %d", insn->off);
}

static void calculate(uint64_t *reg, const struct bpf_insn *insn)
{
	uint64_t operand =
		BPF_SRC(insn->code) == BPF_X ? reg[insn->src_reg] : (uint64_t)(int64_t)insn->imm;
	uint64_t *to = &reg[insn->dst_reg];

	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		*to = operand;
		break;
	case BPF_AND:
		*to &= operand;
		break;
	case BPF_RSH:
		*to >>= operand;
		break;
	default:
		fail_msg("operation %#x", insn->code);
	}
	if (BPF_CLASS(insn->code) == BPF_ALU)
		*to &= UINT32_MAX;
}

static bool jumps(const uint64_t *reg, const struct bpf_insn *insn)
{
	uint32_t a = (uint32_t)reg[insn->dst_reg];
	uint32_t b = (uint32_t)insn->imm;

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JSET:
		return (a & b) != 0;
	default:
		fail_msg("jump %#x", insn->code);
		return false;
	}
}

static bool run(const struct device_program *program, const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t reg[11] = {0};

	if (!program->insns)
		return true;
	for (size_t pc = 0; pc < program->count; pc++) {
		const struct bpf_insn *insn = &program->insns[pc];

		if (insn->code == (BPF_JMP | BPF_EXIT))
			return reg[0] != 0;
		if (BPF_CLASS(insn->code) == BPF_LDX)
			load_word(reg, insn, ctx);
		else if (BPF_CLASS(insn->code) == BPF_ALU || BPF_CLASS(insn->code) == BPF_ALU64)
			calculate(reg, insn);
		else if (jumps(reg, insn))
			pc += (size_t)insn->off;
	}
	fail_msg("ran over the end");
	return false;
}

/* --- What the rules mean, said another way: access by access, first to last --- */

static const struct {
	char type;
	int major, minor;
} always[] = {{'c', 1, 3}, {'c', 1, 5}, {'c', 1, 7}, {'c', 1, 8},   {'c', 1, 9},
              {'c', 5, 0}, {'c', 5, 1}, {'c', 5, 2}, {'c', 136, -1}};

static bool rule_speaks(const struct spec_device_rule *rule, char type, uint32_t major,
                        uint32_t minor, char access)
{
	return (rule->type == 'a' || rule->type == type) &&
	       (!rule->major.set || rule->major.value == -1 || rule->major.value == major) &&
	       (!rule->minor.set || rule->minor.value == -1 || rule->minor.value == minor) &&
	       (!rule->access || strchr(rule->access, access));
}

static bool one_access_allowed(const struct spec_resources *resources, char type, uint32_t major,
                               uint32_t minor, char access)
{
	bool allowed = access == 'm';

	for (size_t i = 0; i < resources->device_count && access != 'm'; i++) {
		if (rule_speaks(&resources->devices[i], type, major, minor, access))
			allowed = resources->devices[i].allow;
	}
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (always[i].type == type && always[i].major == (int)major &&
		    (always[i].minor < 0 || always[i].minor == (int)minor))
			allowed = true;
	}
	return allowed;
}

static bool expected(const struct spec_resources *resources, char type, uint32_t major,
                     uint32_t minor, int access)
{
	static const char letters[] = "mrw";

	for (int bit = 0; bit < 3; bit++) {
		if ((access & 1 << bit) &&
		    !one_access_allowed(resources, type, major, minor, letters[bit]))
			return false;
	}
	return true;
}

static void compare_all(const struct spec_resources *resources)
{
	static const uint32_t majors[] = {0, 1, 5, 8, 10, 136, 200, 4095, UINT32_MAX};
	static const uint32_t minors[] = {0, 1, 2, 3, 5, 9, 200, 1048575, UINT32_MAX};
	scoped_arena arena = {0};
	struct device_program program;
	struct error err = {0};

	assert_int_equal(devices_plan(resources, &arena, &program, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(majors) * ARRAY_SIZE(minors) * 14; i++) {
		uint32_t major = majors[i % ARRAY_SIZE(majors)];
		uint32_t minor = minors[i / ARRAY_SIZE(majors) % ARRAY_SIZE(minors)];
		size_t rest = i / ARRAY_SIZE(majors) / ARRAY_SIZE(minors);
		char type = rest % 2 ? 'b' : 'c';
		int access = (int)(rest / 2) + 1;
		struct bpf_cgroup_dev_ctx ctx = {
			.access_type = (uint32_t)access << 16 |
		                       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
			.major = major,
			.minor = minor,
		};

		if (run(&program, &ctx) != expected(resources, type, major, minor, access))
			fail_msg("%c %u:%u access %d", type, major, minor, access);
	}
}

static struct spec_device_rule rule(bool allow, char type, int64_t major, int64_t minor,
                                    const char *access)
{
	return (struct spec_device_rule){
		.allow = allow,
		.type = type,
		.major = {.set = major >= -1, .value = major},
		.minor = {.set = minor >= -1, .value = minor},
		.access = (char *)(size_t)access,
	};
}

static void compare_rules(struct spec_device_rule *rules, size_t count)
{
	struct spec_resources resources = {.devices = rules, .device_count = count};

	compare_all(&resources);
}

/* --- Tests --- */

static void without_rules_only_the_default_devices_are_allowed(void **state)
{
	(void)state;
	compare_rules(NULL, 0);
}

static void engines_lists_mean_what_they_say(void **state)
{
	struct spec_device_rule rules[] = {
		rule(false, 'a', -2, -2, "rwm"), rule(true, 'c', 10, 200, "rwm"),
		rule(true, 'b', 8, -1, "r"),     rule(true, 'c', 200, 2, "rw"),
		rule(false, 'b', 8, 2, "r"),
	};

	(void)state;
	compare_rules(rules, ARRAY_SIZE(rules));
}

static void rights_from_several_rules_add_up(void **state)
{
	struct spec_device_rule rules[] = {rule(true, 'b', 8, 0, "r"), rule(true, 'b', 8, 0, "w")};

	(void)state;
	compare_rules(rules, ARRAY_SIZE(rules));
}

static void allowing_all_needs_no_program(void **state)
{
	struct spec_device_rule rules[] = {rule(false, 'a', -1, -1, "rwm"),
	                                   rule(true, 'a', -1, -1, "rwm")};
	struct spec_resources resources = {.devices = rules, .device_count = 2};
	scoped_arena arena = {0};
	struct device_program program;
	struct error err = {0};

	(void)state;
	assert_int_equal(devices_plan(&resources, &arena, &program, &err), 0);
	assert_null(program.insns);
	compare_rules(rules, ARRAY_SIZE(rules));
}

static void a_denial_after_allowing_all_holds(void **state)
{
	struct spec_device_rule rules[] = {rule(true, 'a', -1, -1, NULL),
	                                   rule(false, 'b', 8, -1, "w"),
	                                   rule(false, 'c', 10, 200, "")};

	(void)state;
	rules[2].access = NULL;
	compare_rules(rules, ARRAY_SIZE(rules));
}

static void random_lists_agree_with_their_meaning(void **state)
{
	static const int64_t numbers[] = {-2, -1, 0, 1, 2, 3, 5, 8, 9, 10, 136, 200};
	static const char *const accesses[] = {NULL, "r", "w", "m", "rw", "rm", "wm", "rwm"};
	struct spec_device_rule rules[12];

	(void)state;
	srandom(20240607);
	for (int round = 0; round < 400; round++) {
		size_t count = (size_t)random() % ARRAY_SIZE(rules);

		for (size_t i = 0; i < count; i++)
			rules[i] = rule(random() % 2, "acb"[random() % 3],
			                numbers[random() % (long)ARRAY_SIZE(numbers)],
			                numbers[random() % (long)ARRAY_SIZE(numbers)],
			                accesses[random() % (long)ARRAY_SIZE(accesses)]);
		compare_rules(rules, count);
	}
}

static void equal_lists_have_equal_names_and_others_do_not(void **state)
{
	struct spec_device_rule a[] = {rule(true, 'b', 8, 0, "r")};
	struct spec_device_rule b[] = {rule(true, 'b', 8, 1, "r")};
	struct spec_resources first = {.devices = a, .device_count = 1};
	struct spec_resources second = {.devices = b, .device_count = 1};
	struct device_program one, again, other;
	scoped_arena arena = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(devices_plan(&first, &arena, &one, &err), 0);
	assert_int_equal(devices_plan(&first, &arena, &again, &err), 0);
	assert_int_equal(devices_plan(&second, &arena, &other, &err), 0);
	assert_string_equal(one.name, again.name);
	assert_string_not_equal(one.name, other.name);
	assert_true(str_starts(one.name, "devices-"));
	assert_int_equal(strlen(one.name), strlen("devices-") + 64);
}

static void rules_that_make_no_sense_are_refused_by_index(void **state)
{
	struct spec_device_rule bad[] = {rule(true, 'x', 8, 0, "r"), rule(true, 'b', 8, 0, "rx"),
	                                 rule(true, 'b', INT64_C(1) << 33, 0, "r")};
	scoped_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct spec_device_rule rules[] = {rule(true, 'b', 8, 0, "r"), bad[i]};
		struct spec_resources resources = {.devices = rules, .device_count = 2};
		struct device_program program;
		struct error err = {0};

		assert_int_equal(devices_plan(&resources, &arena, &program, &err), -EINVAL);
		assert_true(str_starts(err.text, "linux.resources.devices[1]"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_only_the_default_devices_are_allowed),
		cmocka_unit_test(engines_lists_mean_what_they_say),
		cmocka_unit_test(rights_from_several_rules_add_up),
		cmocka_unit_test(allowing_all_needs_no_program),
		cmocka_unit_test(a_denial_after_allowing_all_holds),
		cmocka_unit_test(random_lists_agree_with_their_meaning),
		cmocka_unit_test(equal_lists_have_equal_names_and_others_do_not),
		cmocka_unit_test(rules_that_make_no_sense_are_refused_by_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
