/*
 * For the tests of security/: a section from its JSON text, and an interpreter for filters.
 */
#ifndef LVM_RUN_TESTS_UNIT_SECURITY_SUPPORT_H
#define LVM_RUN_TESTS_UNIT_SECURITY_SUPPORT_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/str.h"
#include "security/seccomp.h"
#include "spec/spec.h"
#include "tests/support/child.h"

/* --- sections --- */

/* The specification around a linux.seccomp object. */
maybe_unused static struct spec *parse_section(const char *section)
{
	struct spec *spec = NULL;
	struct error err = {0};
	char *text = str_format("{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},"
	                        "\"linux\":{\"seccomp\":%s}}",
	                        section);

	if (spec_parse("test", text, strlen(text), &spec, &err) < 0)
		fail_msg("%s", err.text);
	free(text);
	return spec;
}

/* --- the kernel's filter machine (Documentation/userspace-api/seccomp_filter.rst) --- */

/* One step of a comparison: how many instructions are skipped. */
maybe_unused static size_t filter_jump(const struct sock_filter *in, uint32_t a)
{
	bool taken = false;

	switch (in->code) {
	case BPF_JMP | BPF_JA:
		return in->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		taken = a == in->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		taken = a > in->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		taken = a >= in->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		taken = (a & in->k) != 0;
		break;
	default:
		fail_msg("unknown jump %#x", in->code);
	}
	return taken ? in->jt : in->jf;
}

maybe_unused static uint32_t filter_run(const struct seccomp_program *program,
                                        const struct seccomp_data *data)
{
	uint32_t a = 0, memory[BPF_MEMWORDS] = {0};

	for (size_t pc = 0; pc < program->count; pc++) {
		const struct sock_filter *in = &program->instructions[pc];

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(in->k % 4 == 0 && in->k < sizeof(*data));
			memcpy(&a, (const char *)data + in->k, sizeof(a));
			break;
		case BPF_LD | BPF_MEM:
			a = memory[in->k];
			break;
		case BPF_ST:
			memory[in->k] = a;
			break;
		case BPF_LD | BPF_IMM:
			a = in->k;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= in->k;
			break;
		case BPF_RET | BPF_K:
			return in->k;
		default:
			pc += filter_jump(in, a);
		}
	}
	fail_msg("the program ran over its end");
	return 0;
}

#endif
