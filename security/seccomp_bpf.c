#include "security/seccomp_bpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

void seccomp_program_done(struct seccomp_program *program)
{
	free(program->instructions);
	*program = (struct seccomp_program){0};
}

void seccomp_bpf_replace_action(struct seccomp_program *program, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < program->count; i++) {
		struct sock_filter *in = &program->instructions[i];

		if (in->code == (BPF_RET | BPF_K) && in->k == from)
			in->k = to;
	}
}

enum { X32_BIT = 0x40000000, BLOCK_SIZE = 8 };

/*
 * One architecture: with A = arch,
 *
 *	jeq ARCH, next, end of the block
 *	ld nr
 *	[x86-64]  jge X32_BIT, the x32 comparison
 *	jgt number, refuse, program
 *
 * written into `block`; the distance to the program is filled in by the caller (BPF_JA with k 0).
 */
static size_t write_block(struct sock_filter block[static BLOCK_SIZE],
                          const struct seccomp_newest *newest, uint32_t action)
{
	const bool is_x86_64 = newest->audit_arch == AUDIT_ARCH_X86_64;
	const uint32_t limit = newest->number < 0 ? UINT32_MAX : (uint32_t)newest->number;
	size_t n = 1;

	block[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                          offsetof(struct seccomp_data, nr));
	if (is_x86_64) {
		const uint32_t x32_limit =
			newest->x32_number < 0 ? UINT32_MAX : (uint32_t)newest->x32_number;

		block[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
		block[n++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, x32_limit, 1, 2);
	}
	block[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, limit, 0, 1);
	block[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	block[n++] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
	block[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, newest->audit_arch, 0,
	                                        (unsigned char)(n - 1));
	return n;
}

static size_t write_prologue(struct sock_filter *prologue, const struct seccomp_newest *newest,
                             size_t count, uint32_t action)
{
	size_t n = 0;

	prologue[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                             offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < count; i++)
		if (newest[i].number >= 0 || newest[i].x32_number >= 0)
			n += write_block(prologue + n, &newest[i], action);
	for (size_t i = 0; i < n; i++)
		if (prologue[i].code == (BPF_JMP | BPF_JA))
			prologue[i].k = (uint32_t)(n - i - 1);
	return n;
}

int seccomp_bpf_refuse_newer(struct seccomp_program *program, const struct seccomp_newest *newest,
                             size_t count, uint32_t newer_action, struct error *err)
{
	struct sock_filter prologue[1 + SECCOMP_ARCHITECTURE_LIMIT * BLOCK_SIZE];
	struct sock_filter *joined;
	size_t size;

	if (count > SECCOMP_ARCHITECTURE_LIMIT)
		return error_set(err, E2BIG, "%zu architectures", count);
	size = write_prologue(prologue, newest, count, newer_action);
	joined = calloc(size + program->count, sizeof(*joined));
	if (!joined)
		return error_code(err, ENOMEM, "seccomp program");
	memcpy(joined, prologue, size * sizeof(*joined));
	memcpy(joined + size, program->instructions, program->count * sizeof(*joined));
	free(program->instructions);
	program->instructions = joined;
	program->count += size;
	return 0;
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

/* --- what the accumulator may hold --- */

/* Bits, because several ways lead to an instruction. */
enum { HOLDS_NOTHING = 1, HOLDS_ARCHITECTURE = 2, HOLDS_OTHER = 4 };

static unsigned char loaded(const struct sock_filter *in, unsigned char before)
{
	if (BPF_CLASS(in->code) == BPF_ALU || BPF_CLASS(in->code) == BPF_LD)
		return in->code == (BPF_LD | BPF_W | BPF_ABS) &&
		                       in->k == offsetof(struct seccomp_data, arch)
		               ? HOLDS_ARCHITECTURE
		               : HOLDS_OTHER;
	return before;
}

static bool is_listed(uint32_t value, const uint32_t *architectures, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (architectures[i] == value)
			return true;
	return false;
}

static bool compares_well(const struct sock_filter *in, unsigned char holds,
                          const uint32_t *architectures, size_t count)
{
	if (BPF_CLASS(in->code) != BPF_JMP || BPF_OP(in->code) == BPF_JA)
		return true;
	if (holds & HOLDS_NOTHING)
		return false;
	return !(holds & HOLDS_ARCHITECTURE) ||
	       (BPF_OP(in->code) == BPF_JEQ && is_listed(in->k, architectures, count));
}

static void flow(const struct sock_filter *in, unsigned char holds, unsigned char *next)
{
	const unsigned char after = loaded(in, holds);

	if (BPF_CLASS(in->code) == BPF_RET)
		return;
	if (BPF_CLASS(in->code) != BPF_JMP) {
		next[0] |= after;
	} else if (BPF_OP(in->code) == BPF_JA) {
		next[in->k] |= after;
	} else {
		next[in->jt] |= after;
		next[in->jf] |= after;
	}
}

bool seccomp_bpf_compares_well(const struct seccomp_program *program, const uint32_t *architectures,
                               size_t count)
{
	unsigned char holds[SECCOMP_PROGRAM_LIMIT + 1] = {HOLDS_NOTHING};

	/* Jumps only lead forward, so that one pass has seen all ways to an instruction. */
	for (size_t i = 0; i < program->count; i++) {
		const struct sock_filter *in = &program->instructions[i];

		if (!compares_well(in, holds[i], architectures, count))
			return false;
		flow(in, holds[i], &holds[i + 1]);
	}
	return true;
}
