#include "security/seccomp_bpf.h"

#include <stdlib.h>
#include <string.h>

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

/* --- Running it --- */

/* How many instructions a jump skips. */
static size_t skipped(const struct sock_filter *in, uint32_t value)
{
	bool taken = false;

	switch (BPF_OP(in->code)) {
	case BPF_JA:
		return in->k;
	case BPF_JEQ:
		taken = value == in->k;
		break;
	case BPF_JGT:
		taken = value > in->k;
		break;
	case BPF_JGE:
		taken = value >= in->k;
		break;
	case BPF_JSET:
		taken = (value & in->k) != 0;
		break;
	default:
		break;
	}
	return taken ? in->jt : in->jf;
}

uint32_t seccomp_bpf_answer(const struct seccomp_program *program, const struct seccomp_data *data)
{
	uint32_t value = 0, memory[BPF_MEMWORDS] = {0};

	for (size_t i = 0; i < program->count; i++) {
		const struct sock_filter *in = &program->instructions[i];

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&value, (const char *)data + in->k, sizeof(value));
			break;
		case BPF_LD | BPF_MEM:
			value = memory[in->k % BPF_MEMWORDS];
			break;
		case BPF_ST:
			memory[in->k % BPF_MEMWORDS] = value;
			break;
		case BPF_LD | BPF_IMM:
			value = in->k;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			value &= in->k;
			break;
		case BPF_RET | BPF_K:
			return in->k;
		default:
			if (BPF_CLASS(in->code) != BPF_JMP)
				return SECCOMP_RET_KILL_PROCESS;
			i += skipped(in, value);
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* --- Asking instead --- */

static bool is_asked(uint32_t answer, bool refused, bool allowed)
{
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return allowed;
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_TRAP:
		return refused;
	default:
		return false;
	}
}

void seccomp_bpf_ask(struct seccomp_program *program, bool refused, bool allowed)
{
	for (size_t i = 0; i < program->count; i++) {
		struct sock_filter *in = &program->instructions[i];

		if (in->code == (BPF_RET | BPF_K) && is_asked(in->k, refused, allowed))
			in->k = SECCOMP_RET_USER_NOTIF;
	}
}
