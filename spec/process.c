#include <linux/sched.h>
#include <stddef.h>
#include <sys/resource.h>

#include "spec/sections.h"

/* --- user --- */

static int decode_gids(const struct json_cursor *at, void *target)
{
	struct spec_user *user =
		(struct spec_user *)((char *)target - offsetof(struct spec_user, additional_gids));
	struct json_cursor item;
	uint64_t gid = 0;
	size_t count = 0;
	int r;

	r = json_count(at, &count);
	if (r < 0)
		return r;
	user->additional_gids = arena_alloc(at->decoder->arena, count + 1, sizeof(gid_t));
	if (!user->additional_gids)
		return json_fail_memory(at);
	for (size_t i = 0; json_enter_item(at, i, &item); i++) {
		r = json_settle(at, json_read_unsigned(&item, 0, SPEC_ID_MAX, &gid));
		if (r < 0)
			return r;
		user->additional_gids[i] = (gid_t)gid;
	}
	user->additional_gid_count = count;
	return 0;
}

static const struct json_field user_fields[] = {
	{"uid", FIELD_U32, .offset = offsetof(struct spec_user, uid), .max = SPEC_ID_MAX},
	{"gid", FIELD_U32, .offset = offsetof(struct spec_user, gid), .max = SPEC_ID_MAX},
	{"umask", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_user, umask),
         .max = UINT32_MAX},
	{"additionalGids", FIELD_CUSTOM, .offset = offsetof(struct spec_user, additional_gids),
         .custom = decode_gids},
};
static const struct json_table user_table = JSON_TABLE(user_fields, struct spec_user);

/* --- rlimits --- */

static const struct json_word rlimit_words[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
	{0},
};

const char *spec_rlimit_name(int resource)
{
	for (const struct json_word *word = rlimit_words; word->word; word++) {
		if (word->value == resource)
			return word->word;
	}
	return NULL;
}

static const struct json_field rlimit_fields[] = {
	{"type", FIELD_WORD, .offset = offsetof(struct spec_rlimit, resource), .required = true,
         .words = rlimit_words},
	{"soft", FIELD_U64, .offset = offsetof(struct spec_rlimit, soft), .required = true},
	{"hard", FIELD_U64, .offset = offsetof(struct spec_rlimit, hard), .required = true},
};
static const struct json_table rlimit_table = JSON_TABLE(rlimit_fields, struct spec_rlimit);

/* --- the smaller objects --- */

static const struct json_field console_size_fields[] = {
	{"height", FIELD_U32, .offset = offsetof(struct spec_process, console_height)},
	{"width", FIELD_U32, .offset = offsetof(struct spec_process, console_width)},
};
static const struct json_table console_size_table =
	JSON_TABLE(console_size_fields, struct spec_process);

static const struct json_field capability_fields[] = {
	{"bounding", FIELD_CUSTOM, .offset = offsetof(struct spec_capabilities, bounding),
         .custom = spec_decode_capabilities},
	{"effective", FIELD_CUSTOM, .offset = offsetof(struct spec_capabilities, effective),
         .custom = spec_decode_capabilities},
	{"inheritable", FIELD_CUSTOM, .offset = offsetof(struct spec_capabilities, inheritable),
         .custom = spec_decode_capabilities},
	{"permitted", FIELD_CUSTOM, .offset = offsetof(struct spec_capabilities, permitted),
         .custom = spec_decode_capabilities},
	{"ambient", FIELD_CUSTOM, .offset = offsetof(struct spec_capabilities, ambient),
         .custom = spec_decode_capabilities},
};
static const struct json_table capability_table =
	JSON_TABLE(capability_fields, struct spec_capabilities);

/* sched(7); SCHED_ISO has its number reserved and no implementation in Linux. */
static const struct json_word scheduler_policies[] = {
	{"SCHED_OTHER", SCHED_NORMAL},
	{"SCHED_FIFO", SCHED_FIFO},
	{"SCHED_RR", SCHED_RR},
	{"SCHED_BATCH", SCHED_BATCH},
	{"SCHED_ISO", 4},
	{"SCHED_IDLE", SCHED_IDLE},
	{"SCHED_DEADLINE", SCHED_DEADLINE},
	{0},
};
static const struct json_word scheduler_flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
	{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
	{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
	{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
	{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
	{0},
};

static const struct json_field scheduler_fields[] = {
	{"policy", FIELD_WORD, .offset = offsetof(struct spec_scheduler, policy), .required = true,
         .words = scheduler_policies},
	{"nice", FIELD_I32, .offset = offsetof(struct spec_scheduler, nice)},
	{"priority", FIELD_I32, .offset = offsetof(struct spec_scheduler, priority)},
	{"flags", FIELD_FLAGS, .offset = offsetof(struct spec_scheduler, flags),
         .words = scheduler_flags},
	{"runtime", FIELD_U64, .offset = offsetof(struct spec_scheduler, runtime)},
	{"deadline", FIELD_U64, .offset = offsetof(struct spec_scheduler, deadline)},
	{"period", FIELD_U64, .offset = offsetof(struct spec_scheduler, period)},
};
static const struct json_table scheduler_table =
	JSON_TABLE(scheduler_fields, struct spec_scheduler);

/* ioprio_set(2) */
static const struct json_word io_classes[] = {
	{"IOPRIO_CLASS_RT", 1},
	{"IOPRIO_CLASS_BE", 2},
	{"IOPRIO_CLASS_IDLE", 3},
	{0},
};
static const struct json_field io_priority_fields[] = {
	{"class", FIELD_WORD, .offset = offsetof(struct spec_io_priority, class), .required = true,
         .words = io_classes},
	{"priority", FIELD_I32, .offset = offsetof(struct spec_io_priority, priority), .max = 7},
};
static const struct json_table io_priority_table =
	JSON_TABLE(io_priority_fields, struct spec_io_priority);

static const struct json_field affinity_fields[] = {
	{"initial", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_process, exec_cpu_affinity_initial)},
	{"final", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_process, exec_cpu_affinity_final)},
};
static const struct json_table affinity_table = JSON_TABLE(affinity_fields, struct spec_process);

/* --- process --- */

static const struct json_field process_fields[] = {
	{"terminal", FIELD_BOOL, .offset = offsetof(struct spec_process, terminal)},
	{"consoleSize", FIELD_OBJECT, .table = &console_size_table},
	{"user", FIELD_OBJECT, .offset = offsetof(struct spec_process, user), .table = &user_table},
	{"args", FIELD_STRINGS, .offset = offsetof(struct spec_process, args)},
	{"env", FIELD_STRINGS, .offset = offsetof(struct spec_process, env)},
	{"cwd", FIELD_STRING, .offset = offsetof(struct spec_process, cwd)},
	{"capabilities", FIELD_OBJECT, .offset = offsetof(struct spec_process, capabilities),
         .table = &capability_table,
         .present_offset = offsetof(struct spec_process, capabilities.set)},
	{"rlimits", FIELD_LIST, .offset = offsetof(struct spec_process, rlimits),
         .table = &rlimit_table, .count_offset = offsetof(struct spec_process, rlimit_count)},
	{"noNewPrivileges", FIELD_BOOL, .offset = offsetof(struct spec_process, no_new_privileges)},
	{"apparmorProfile", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_process, apparmor_profile)},
	{"selinuxLabel", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_process, selinux_label)},
	{"oomScoreAdj", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_process, oom_score_adj)},
	{"scheduler", FIELD_OBJECT, .offset = offsetof(struct spec_process, scheduler),
         .table = &scheduler_table, .present_offset = offsetof(struct spec_process, scheduler.set)},
	{"ioPriority", FIELD_OBJECT, .offset = offsetof(struct spec_process, io_priority),
         .table = &io_priority_table,
         .present_offset = offsetof(struct spec_process, io_priority.set)},
	{"execCPUAffinity", FIELD_OBJECT, .table = &affinity_table},
};

static int check_rlimits_unique(const struct json_cursor *at, void *target)
{
	const struct spec_process *process = target;
	struct json_cursor list, item, type;
	uint32_t seen = 0, bit;

	json_enter(at, "rlimits", &list);
	for (size_t i = 0; i < process->rlimit_count; i++) {
		bit = UINT32_C(1) << process->rlimits[i].resource;
		if (seen & bit) {
			json_enter_item(&list, i, &item);
			json_enter(&item, "type", &type);
			return json_fail(&type, "%s is listed twice",
			                 spec_rlimit_name(process->rlimits[i].resource));
		}
		seen |= bit;
	}
	return 0;
}

const struct json_table spec_process_table =
	JSON_TABLE_CHECKED(process_fields, struct spec_process, check_rlimits_unique);
