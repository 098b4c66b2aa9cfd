#include "security/seccomp_write.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#ifndef __AUDIT_ARCH_CONVENTION_MIPS64_N32
#define __AUDIT_ARCH_CONVENTION_MIPS64_N32 0x20000000
#endif

/* Room beyond what the kernel takes, so that only the whole is measured. */
enum { CODE_LIMIT = 4 * SECCOMP_PROGRAM_LIMIT };

/* Number −1: a tracer's way to skip a call. */
#define NO_CALL UINT32_MAX

struct code {
	struct sock_filter *at; /* CODE_LIMIT of them */
	size_t count;
	bool overflow;
};

static size_t emit(struct code *code, uint16_t op, uint32_t k, size_t jt, size_t jf)
{
	if (code->count == CODE_LIMIT || jt > UINT8_MAX || jf > UINT8_MAX) {
		code->overflow = true;
		return 0;
	}
	code->at[code->count] = (struct sock_filter){op, (uint8_t)jt, (uint8_t)jf, k};
	return code->count++;
}

static void emit_load(struct code *code, size_t offset)
{
	emit(code, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(struct code *code, uint32_t action)
{
	emit(code, BPF_RET | BPF_K, action, 0, 0);
}

/* --- conditions --- */

/*
 * A comparison goes on with the next instruction when it holds; when it fails, it jumps to a place that is
 * not known yet: FAIL, replaced by fix_fails. SUCCEED jumps over the comparison's own rest.
 */
enum { FAIL = 255 };

/* Where an argument's halves are. 32-bit calls have no upper half. */
struct argument {
	size_t low, high;
	bool wide;
};

static struct argument locate(const struct seccomp_architecture *architecture, uint32_t number,
                              unsigned int index)
{
	const uint32_t arch = architecture->audit_arch;
	const size_t at = offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
	const bool little = arch & __AUDIT_ARCH_LE;
	const bool x32 = arch == AUDIT_ARCH_X86_64 && number & SECCOMP_X32_BIT;

	return (struct argument){
		.low = at + (little ? 0 : 4),
		.high = at + (little ? 4 : 0),
		.wide = arch & __AUDIT_ARCH_64BIT && !x32 &&
	                !((arch & 0xffff) == EM_MIPS && arch & __AUDIT_ARCH_CONVENTION_MIPS64_N32),
	};
}

static void emit_jump(struct code *code, uint16_t op, uint32_t k, size_t jt, size_t jf)
{
	emit(code, BPF_JMP | op | BPF_K, k, jt, jf);
}

/* The lower half decides what the upper left open. */
static void emit_low(struct code *code, const struct argument *arg, enum spec_seccomp_operator op,
                     uint32_t value)
{
	emit_load(code, arg->low);
	switch (op) {
	case SECCOMP_OP_NE:
		emit_jump(code, BPF_JEQ, value, FAIL, 0);
		break;
	case SECCOMP_OP_LT:
		emit_jump(code, BPF_JGE, value, FAIL, 0);
		break;
	case SECCOMP_OP_LE:
		emit_jump(code, BPF_JGT, value, FAIL, 0);
		break;
	case SECCOMP_OP_GE:
		emit_jump(code, BPF_JGE, value, 0, FAIL);
		break;
	case SECCOMP_OP_GT:
		emit_jump(code, BPF_JGT, value, 0, FAIL);
		break;
	default:
		emit_jump(code, BPF_JEQ, value, 0, FAIL);
		break;
	}
}

enum { LOW_SIZE = 2 }; /* instructions of emit_low */

static void emit_high(struct code *code, const struct argument *arg, enum spec_seccomp_operator op,
                      uint32_t value)
{
	emit_load(code, arg->high);
	switch (op) {
	case SECCOMP_OP_NE:
		emit_jump(code, BPF_JEQ, value, 0, LOW_SIZE);
		break;
	case SECCOMP_OP_LT:
	case SECCOMP_OP_LE:
		emit_jump(code, BPF_JGT, value, FAIL, 0);
		emit_jump(code, BPF_JEQ, value, 0, LOW_SIZE);
		break;
	case SECCOMP_OP_GE:
	case SECCOMP_OP_GT:
		emit_jump(code, BPF_JGT, value, 1 + LOW_SIZE, 0);
		emit_jump(code, BPF_JEQ, value, 0, FAIL);
		break;
	default:
		emit_jump(code, BPF_JEQ, value, 0, FAIL);
		break;
	}
}

static void emit_masked(struct code *code, size_t offset, uint32_t mask, uint32_t value)
{
	if (mask == 0)
		return;
	emit_load(code, offset);
	if (mask != UINT32_MAX)
		emit(code, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	emit_jump(code, BPF_JEQ, value & mask, 0, FAIL);
}

static void emit_condition(struct code *code, const struct argument *arg,
                           const struct spec_seccomp_arg *condition)
{
	const uint64_t value = condition->value, other = condition->value_two;

	if (condition->op == SECCOMP_OP_MASKED_EQ) { /* value is the mask */
		if (arg->wide)
			emit_masked(code, arg->high, (uint32_t)(value >> 32),
			            (uint32_t)(other >> 32));
		emit_masked(code, arg->low, (uint32_t)value, (uint32_t)other);
		return;
	}
	if (arg->wide)
		emit_high(code, arg, condition->op, (uint32_t)(value >> 32));
	emit_low(code, arg, condition->op, (uint32_t)value);
}

/* Lets every FAIL from instruction `from` on lead to the end of the code. */
static void fix_fails(struct code *code, size_t from)
{
	for (size_t i = from; i < code->count && !code->overflow; i++) {
		struct sock_filter *in = &code->at[i];
		const size_t distance = code->count - i - 1;

		if (BPF_CLASS(in->code) != BPF_JMP)
			continue;
		if ((in->jt == FAIL || in->jf == FAIL) && distance >= FAIL)
			code->overflow = true;
		if (in->jt == FAIL)
			in->jt = (uint8_t)distance;
		if (in->jf == FAIL)
			in->jf = (uint8_t)distance;
	}
}

static void emit_entry(struct code *code, const struct seccomp_architecture *architecture,
                       const struct seccomp_entry *entry)
{
	const size_t start = code->count;
	struct argument arg;

	if (entry->multiplexed) {
		arg = locate(architecture, entry->number, 0);
		emit_low(code, &arg, SECCOMP_OP_EQ, entry->multiplexed);
	}
	for (size_t i = 0; i < entry->condition_count; i++) {
		arg = locate(architecture, entry->number, entry->conditions[i].index);
		emit_condition(code, &arg, &entry->conditions[i]);
	}
	emit_return(code, entry->action);
	fix_fails(code, start);
}

/* --- ranges --- */

/* Calls from `start` up to the next range. */
struct range {
	uint32_t start;
	uint32_t action;                     /* also what is left after all entries */
	const struct seccomp_entry *entries; /* null: the action alone */
	size_t count;
};

struct ranges {
	struct range *items;
	size_t count;
};

static bool is_unconditional(const struct seccomp_entry *entry)
{
	for (size_t i = 0; i < entry->condition_count; i++)
		if (entry->conditions[i].op != SECCOMP_OP_MASKED_EQ ||
		    entry->conditions[i].value != 0)
			return false;
	return entry->multiplexed == 0;
}

/* What a call without entries gets. */
static uint32_t base_action(const struct seccomp_filter *filter,
                            const struct seccomp_architecture *architecture, uint32_t number)
{
	int64_t newest = architecture->newest;

	if (number == NO_CALL)
		return filter->default_action;
	if (architecture->audit_arch == AUDIT_ARCH_X86_64 && number >= SECCOMP_X32_BIT) {
		if (!architecture->x32)
			return filter->foreign_action;
		newest = architecture->newest_x32;
	}
	return filter->refuse_newer && newest >= 0 && number > newest ? filter->newer_action
	                                                              : filter->default_action;
}

/* Appends, unless the range before gives the same answer. */
static void add_range(struct ranges *ranges, const struct range *range)
{
	const struct range *last = ranges->count ? &ranges->items[ranges->count - 1] : NULL;

	if (!last || last->entries || range->entries || last->action != range->action)
		ranges->items[ranges->count++] = *range;
}

static struct range range_of_group(const struct seccomp_entry *group, size_t count,
                                   uint32_t otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (is_unconditional(&group[i]))
			return (struct range){group->number, group[i].action, NULL, 0};
	return (struct range){group->number, otherwise, group, count};
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_entries(const void *a, const void *b)
{
	const struct seccomp_entry *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Where the answer may change: at each named call, after it, and where the base action does. */
static size_t collect_points(const struct seccomp_architecture *architecture, uint32_t *points)
{
	const int64_t edges[] = {0, architecture->newest + 1, SECCOMP_X32_BIT,
	                         architecture->newest_x32 + 1, NO_CALL};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		points[count++] = (uint32_t)edges[i];
	for (size_t i = 0; i < architecture->count; i++) {
		points[count++] = architecture->entries[i].number;
		points[count++] = architecture->entries[i].number + 1;
	}
	qsort(points, count, sizeof(*points), compare_numbers);
	return count;
}

static void fill_ranges(const struct seccomp_filter *filter,
                        const struct seccomp_architecture *architecture, const uint32_t *points,
                        size_t point_count, struct ranges *ranges)
{
	const struct seccomp_entry *entries = architecture->entries;
	size_t at = 0;

	for (size_t i = 0; i < point_count; i++) {
		const uint32_t base = base_action(filter, architecture, points[i]);
		struct range range = {points[i], base, NULL, 0};
		const size_t first = at;

		if (i > 0 && points[i] == points[i - 1])
			continue;
		while (at < architecture->count && entries[at].number == points[i])
			at++;
		if (at > first)
			range = range_of_group(&entries[first], at - first, base);
		add_range(ranges, &range);
	}
}

/* --- programs --- */

static void emit_range(struct code *code, const struct seccomp_architecture *architecture,
                       const struct range *range)
{
	for (size_t i = 0; i < range->count; i++)
		emit_entry(code, architecture, &range->entries[i]);
	emit_return(code, range->action);
}

/* Makes room for one instruction at `at`; jumps of the code behind lead forward and move with it. */
static void make_room(struct code *code, size_t at)
{
	if (code->count == CODE_LIMIT) {
		code->overflow = true;
		return;
	}
	memmove(&code->at[at + 1], &code->at[at], (code->count - at) * sizeof(code->at[0]));
	code->count++;
}

/* Ranges `first` to before `end`, which hold the number that is loaded. */
static void emit_search(struct code *code, const struct seccomp_architecture *architecture,
                        const struct ranges *ranges, size_t first, size_t end)
{
	const size_t middle = first + (end - first) / 2, jump = code->count;
	size_t size;

	if (end - first == 1 || code->overflow) {
		emit_range(code, architecture, &ranges->items[first]);
		return;
	}
	emit_jump(code, BPF_JGE, ranges->items[middle].start, 0, 0);
	emit_search(code, architecture, ranges, first, middle);
	size = code->count - jump - 1;
	if (size <= UINT8_MAX) {
		code->at[jump].jt = (uint8_t)size;
	} else { /* too far for a comparison */
		make_room(code, jump + 1);
		code->at[jump].jf = 1;
		code->at[jump + 1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)size);
	}
	emit_search(code, architecture, ranges, middle, end);
}

static int emit_architecture(struct code *code, const struct seccomp_filter *filter,
                             const struct seccomp_architecture *architecture)
{
	const size_t limit = 5 + 2 * architecture->count;
	uint32_t *points = calloc(limit, sizeof(*points));
	struct ranges ranges = {.items = calloc(limit, sizeof(*ranges.items))};
	int r = -ENOMEM;

	if (points && ranges.items) {
		if (architecture->count > 0)
			qsort(architecture->entries, architecture->count,
			      sizeof(*architecture->entries), compare_entries);
		fill_ranges(filter, architecture, points, collect_points(architecture, points),
		            &ranges);
		emit_load(code, offsetof(struct seccomp_data, nr));
		emit_search(code, architecture, &ranges, 0, ranges.count);
		r = 0;
	}
	free(points);
	free(ranges.items);
	return r;
}

/* One block an architecture, its address in the jump table of the beginning. */
static int emit_all(struct code *code, const struct seccomp_filter *filter)
{
	size_t jumps[SECCOMP_ARCHITECTURE_LIMIT];
	int r = 0;

	emit_load(code, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < filter->count; i++) {
		emit_jump(code, BPF_JEQ, filter->architectures[i].audit_arch, 0, 1);
		jumps[i] = emit(code, BPF_JMP | BPF_JA, 0, 0, 0);
	}
	emit_return(code, filter->foreign_action);
	for (size_t i = 0; r == 0 && i < filter->count && !code->overflow; i++) {
		code->at[jumps[i]].k = (uint32_t)(code->count - jumps[i] - 1);
		r = emit_architecture(code, filter, &filter->architectures[i]);
	}
	return r;
}

int seccomp_write(struct seccomp_filter *filter, struct seccomp_program *ret, struct error *err)
{
	struct code code = {.at = calloc(CODE_LIMIT, sizeof(*code.at))};
	struct sock_filter *fitting;
	int r = code.at ? emit_all(&code, filter) : -ENOMEM;

	if (r == 0 && (code.overflow || code.count > SECCOMP_PROGRAM_LIMIT))
		r = -E2BIG;
	if (r < 0) {
		free(code.at);
		return r == -E2BIG
		               ? error_set(err, E2BIG,
		                           "the filter is longer than the %d instructions that the "
		                           "kernel takes",
		                           SECCOMP_PROGRAM_LIMIT)
		               : error_code(err, -r, "write the filter");
	}
	fitting = realloc(code.at, code.count * sizeof(*code.at));
	ret->instructions = fitting ? fitting : code.at;
	ret->count = code.count;
	return 0;
}

void seccomp_filter_done(struct seccomp_filter *filter)
{
	for (size_t i = 0; i < filter->count; i++)
		free(filter->architectures[i].entries);
	filter->count = 0;
}

int seccomp_filter_add(struct seccomp_architecture *architecture, const struct seccomp_entry *entry)
{
	if (architecture->count == architecture->capacity) {
		const size_t capacity = architecture->capacity ? 2 * architecture->capacity : 256;
		struct seccomp_entry *grown =
			realloc(architecture->entries, capacity * sizeof(*grown));

		if (!grown)
			return -1;
		architecture->entries = grown;
		architecture->capacity = capacity;
	}
	architecture->entries[architecture->count++] = *entry;
	return 0;
}
