#include "security/seccomp_bpf.h"

#include <linux/seccomp.h>
#include <stdlib.h>

void seccomp_program_done(struct seccomp_program *program)
{
	free(program->instructions);
	*program = (struct seccomp_program){0};
}

static bool is_sound(const struct sock_filter *in, size_t after)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_JMP:
		if (BPF_OP(in->code) == BPF_JA)
			return in->k < after;
		return in->jt < after && in->jf < after;
	case BPF_LD:
		return in->code != (BPF_LD | BPF_W | BPF_ABS) ||
		       (in->k % 4 == 0 && in->k < sizeof(struct seccomp_data));
	default:
		return true;
	}
}

bool seccomp_bpf_is_sound(const struct seccomp_program *program)
{
	const size_t count = program->count;

	if (count == 0 || count > SECCOMP_PROGRAM_LIMIT ||
	    BPF_CLASS(program->instructions[count - 1].code) != BPF_RET)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_sound(&program->instructions[i], count - i - 1))
			return false;
	return true;
}
