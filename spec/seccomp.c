#include <stddef.h>
#include <string.h>

#include "spec/sections.h"

const struct json_word spec_seccomp_actions[] = {
	{"SCMP_ACT_KILL", SECCOMP_ACTION_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_ACTION_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_ACTION_KILL_THREAD},
	{"SCMP_ACT_TRAP", SECCOMP_ACTION_TRAP},
	{"SCMP_ACT_ERRNO", SECCOMP_ACTION_ERRNO},
	{"SCMP_ACT_TRACE", SECCOMP_ACTION_TRACE},
	{"SCMP_ACT_ALLOW", SECCOMP_ACTION_ALLOW},
	{"SCMP_ACT_LOG", SECCOMP_ACTION_LOG},
	{"SCMP_ACT_NOTIFY", SECCOMP_ACTION_NOTIFY},
	{0},
};

const struct json_word spec_seccomp_operators[] = {
	{"SCMP_CMP_NE", SECCOMP_OP_NE},
	{"SCMP_CMP_LT", SECCOMP_OP_LT},
	{"SCMP_CMP_LE", SECCOMP_OP_LE},
	{"SCMP_CMP_EQ", SECCOMP_OP_EQ},
	{"SCMP_CMP_GE", SECCOMP_OP_GE},
	{"SCMP_CMP_GT", SECCOMP_OP_GT},
	{"SCMP_CMP_MASKED_EQ", SECCOMP_OP_MASKED_EQ},
	{0},
};

const struct json_word spec_seccomp_flags[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_SPEC_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_SPEC_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_SPEC_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_SPEC_FLAG_WAIT_KILLABLE_RECV},
	{0},
};

/* The specification's names; the value has no meaning. */
const struct json_word spec_seccomp_architectures[] = {
	{.word = "SCMP_ARCH_X86"},         {.word = "SCMP_ARCH_X86_64"},
	{.word = "SCMP_ARCH_X32"},         {.word = "SCMP_ARCH_ARM"},
	{.word = "SCMP_ARCH_AARCH64"},     {.word = "SCMP_ARCH_LOONGARCH64"},
	{.word = "SCMP_ARCH_M68K"},        {.word = "SCMP_ARCH_MIPS"},
	{.word = "SCMP_ARCH_MIPS64"},      {.word = "SCMP_ARCH_MIPS64N32"},
	{.word = "SCMP_ARCH_MIPSEL"},      {.word = "SCMP_ARCH_MIPSEL64"},
	{.word = "SCMP_ARCH_MIPSEL64N32"}, {.word = "SCMP_ARCH_PPC"},
	{.word = "SCMP_ARCH_PPC64"},       {.word = "SCMP_ARCH_PPC64LE"},
	{.word = "SCMP_ARCH_S390"},        {.word = "SCMP_ARCH_S390X"},
	{.word = "SCMP_ARCH_SH"},          {.word = "SCMP_ARCH_SHEB"},
	{.word = "SCMP_ARCH_PARISC"},      {.word = "SCMP_ARCH_PARISC64"},
	{.word = "SCMP_ARCH_RISCV64"},     {0},
};

/* --- syscalls --- */

/* A system call has six arguments (syscall(2)). */
enum { LAST_ARGUMENT = 5 };

static const struct json_field arg_fields[] = {
	{"index", FIELD_U32, .offset = offsetof(struct spec_seccomp_arg, index), .required = true,
         .max = LAST_ARGUMENT},
	{"value", FIELD_U64, .offset = offsetof(struct spec_seccomp_arg, value), .required = true},
	{"valueTwo", FIELD_U64, .offset = offsetof(struct spec_seccomp_arg, value_two)},
	{"op", FIELD_WORD, .offset = offsetof(struct spec_seccomp_arg, op), .required = true,
         .words = spec_seccomp_operators},
};
static const struct json_table arg_table = JSON_TABLE(arg_fields, struct spec_seccomp_arg);

static const struct json_field rule_fields[] = {
	{"names", FIELD_STRINGS, .offset = offsetof(struct spec_seccomp_rule, names),
         .required = true},
	{"action", FIELD_WORD, .offset = offsetof(struct spec_seccomp_rule, action),
         .required = true, .words = spec_seccomp_actions},
	{"errnoRet", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_seccomp_rule, errno_ret),
         .max = UINT32_MAX},
	{"args", FIELD_LIST, .offset = offsetof(struct spec_seccomp_rule, args),
         .table = &arg_table, .count_offset = offsetof(struct spec_seccomp_rule, arg_count)},
};
static const struct json_table rule_table = JSON_TABLE(rule_fields, struct spec_seccomp_rule);

/* --- seccomp --- */

static const struct json_field seccomp_fields[] = {
	{"defaultAction", FIELD_WORD, .offset = offsetof(struct spec_seccomp, default_action),
         .required = true, .words = spec_seccomp_actions},
	{"defaultErrnoRet", FIELD_OPTIONAL_U64,
         .offset = offsetof(struct spec_seccomp, default_errno_ret), .max = UINT32_MAX},
	{"architectures", FIELD_STRINGS, .offset = offsetof(struct spec_seccomp, architectures)},
	{"flags", FIELD_FLAGS, .offset = offsetof(struct spec_seccomp, flags),
         .words = spec_seccomp_flags, .present_offset = offsetof(struct spec_seccomp, flags_set)},
	{"listenerPath", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_seccomp, listener_path)},
	{"listenerMetadata", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_seccomp, listener_metadata)},
	{"syscalls", FIELD_LIST, .offset = offsetof(struct spec_seccomp, rules),
         .table = &rule_table, .count_offset = offsetof(struct spec_seccomp, rule_count)},
};

static int check_architectures(const struct json_cursor *at, void *target unused_parameter)
{
	struct json_cursor list, item;
	int64_t value;
	int r = 0;

	if (!json_enter(at, "architectures", &list))
		return 0;
	for (size_t i = 0; r == 0 && json_enter_item(&list, i, &item); i++)
		r = json_settle(at, json_read_word(&item, spec_seccomp_architectures, &value));
	return r;
}

const struct json_table spec_seccomp_table =
	JSON_TABLE_CHECKED(seccomp_fields, struct spec_seccomp, check_architectures);
