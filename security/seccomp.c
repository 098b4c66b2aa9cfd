#include "security/seccomp.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macro.h"
#include "security/seccomp_write.h"

/* From libseccomp come the names: which architectures there are, and which number a call has on each. */

enum { ERRNO_LIMIT = 4095 }; /* MAX_ERRNO of the kernel, which cuts off what is above */

/* Calls that old architectures have behind socketcall and ipc, and have got direct numbers for since. */
enum { DIRECT_FIRST = 300, DIRECT_LAST = 450, DIRECT_COUNT = DIRECT_LAST - DIRECT_FIRST + 1 };

/* One of libseccomp's architectures, x32 being one of its own. */
struct source {
	uint32_t token;
	struct seccomp_architecture *target;
	int socketcall; /* the number of the multiplexer; < 0: none */
	int ipc;
	char *direct[DIRECT_COUNT]; /* owned names by number, where there are multiplexers */
};

struct compilation {
	const struct spec_seccomp *section;
	struct seccomp_filter filter;
	struct source sources[SECCOMP_ARCHITECTURE_LIMIT];
	size_t source_count;
};

/* --- actions --- */

static int action_value(enum spec_seccomp_action action, const struct optional_u64 *errno_ret,
                        const char *where, uint32_t *ret, struct error *err)
{
	const uint64_t data = errno_ret->set ? errno_ret->value : EPERM;

	switch (action) {
	case SECCOMP_ACTION_ERRNO:
		if (data > ERRNO_LIMIT)
			return error_set(err, EINVAL, "%s: %llu is no errno value", where,
			                 (unsigned long long)data);
		*ret = SECCOMP_RET_ERRNO | (uint32_t)data;
		return 0;
	case SECCOMP_ACTION_TRACE:
		if (data > UINT16_MAX)
			return error_set(err, EINVAL,
			                 "%s: %llu does not fit the 16 bits that a tracer gets",
			                 where, (unsigned long long)data);
		*ret = SECCOMP_RET_TRACE | (uint32_t)data;
		return 0;
	case SECCOMP_ACTION_KILL_THREAD:
		*ret = SECCOMP_RET_KILL_THREAD;
		break;
	case SECCOMP_ACTION_KILL_PROCESS:
		*ret = SECCOMP_RET_KILL_PROCESS;
		break;
	case SECCOMP_ACTION_TRAP:
		*ret = SECCOMP_RET_TRAP;
		break;
	case SECCOMP_ACTION_ALLOW:
		*ret = SECCOMP_RET_ALLOW;
		break;
	case SECCOMP_ACTION_LOG:
		*ret = SECCOMP_RET_LOG;
		break;
	case SECCOMP_ACTION_NOTIFY:
		*ret = SECCOMP_RET_USER_NOTIF;
		break;
	default:
		return error_set(err, EINVAL, "%s: unknown seccomp action", where);
	}
	if (errno_ret->set)
		return error_set(err, EINVAL,
		                 "%s: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry a value", where);
	return 0;
}

/* --- architectures --- */

/* libseccomp's token for "SCMP_ARCH_…", 0 when it knows none. */
static uint32_t resolve_architecture(const char *name)
{
	static const char prefix[] = "SCMP_ARCH_";
	const size_t skip = strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? sizeof(prefix) - 1 : 0;
	char lower[32] = "";

	for (size_t i = 0; i + 1 < sizeof(lower) && name[skip + i]; i++)
		lower[i] = (char)tolower((unsigned char)name[skip + i]);
	return seccomp_arch_resolve_name(lower);
}

bool seccomp_knows_architecture(const char *name)
{
	return resolve_architecture(name) != 0;
}

/* The architecture as the kernel sees it, made on first use. */
static struct seccomp_architecture *target_of(struct seccomp_filter *filter, uint32_t token)
{
	const uint32_t audit_arch = token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token;
	size_t i = 0;

	while (i < filter->count && filter->architectures[i].audit_arch != audit_arch)
		i++;
	if (i == filter->count)
		filter->architectures[filter->count++] = (struct seccomp_architecture){
			.audit_arch = audit_arch,
			.newest = -1,
			.newest_x32 = -1,
		};
	if (token == SCMP_ARCH_X32)
		filter->architectures[i].x32 = true;
	return &filter->architectures[i];
}

static void add_source(struct compilation *c, uint32_t token)
{
	struct source *source = &c->sources[c->source_count];

	for (size_t i = 0; i < c->source_count; i++)
		if (c->sources[i].token == token)
			return;
	source->token = token;
	source->target = target_of(&c->filter, token);
	source->socketcall = seccomp_syscall_resolve_name_arch(token, "socketcall");
	source->ipc = seccomp_syscall_resolve_name_arch(token, "ipc");
	if (source->socketcall >= 0 || source->ipc >= 0)
		for (int i = 0; i < DIRECT_COUNT; i++)
			source->direct[i] =
				seccomp_syscall_resolve_num_arch(token, DIRECT_FIRST + i);
	c->source_count++;
}

/* The native one is always among them. */
static int add_architectures(struct compilation *c, struct error *err)
{
	const struct string_list *names = &c->section->architectures;
	const uint32_t native = seccomp_arch_native();

	add_source(c, native);
	for (size_t i = 0; i < names->count; i++) {
		const uint32_t token = resolve_architecture(names->items[i]);

		if (token == 0)
			return error_set(err, EINVAL,
			                 "architecture %s is not known to libseccomp %s",
			                 names->items[i], seccomp_library_version());
		if ((token ^ native) & __AUDIT_ARCH_LE)
			return error_set(err, EINVAL,
			                 "architecture %s has another byte order than this machine",
			                 names->items[i]);
		if (c->source_count == SECCOMP_ARCHITECTURE_LIMIT)
			return error_set(err, E2BIG, "more than %d architectures",
			                 SECCOMP_ARCHITECTURE_LIMIT);
		add_source(c, token);
	}
	return 0;
}

/* --- rules --- */

struct call {
	const struct spec_seccomp_rule *rule;
	unsigned int order;
	uint32_t action;
	const char *name;
};

static bool repeats_an_argument(const struct spec_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->arg_count; i++) {
		const unsigned int bit = 1u << rule->args[i].index;

		if (seen & bit)
			return true;
		seen |= bit;
	}
	return false;
}

static void note_newest(struct source *source, int64_t number)
{
	struct seccomp_architecture *target = source->target;
	int64_t *newest = source->token == SCMP_ARCH_X32 ? &target->newest_x32 : &target->newest;

	if (number > *newest)
		*newest = number;
}

/* Conditions are all to be met, unless one argument has several: then each stands for itself. */
static int add_number(const struct call *call, struct source *source, uint32_t number)
{
	const struct spec_seccomp_rule *rule = call->rule;
	struct seccomp_entry entry = {
		.number = number,
		.order = call->order,
		.action = call->action,
		.conditions = rule->args,
		.condition_count = rule->arg_count,
	};
	int r = 0;

	if (!repeats_an_argument(rule))
		return seccomp_filter_add(source->target, &entry);
	entry.condition_count = 1;
	for (size_t i = 0; r == 0 && i < rule->arg_count; i++) {
		entry.conditions = &rule->args[i];
		r = seccomp_filter_add(source->target, &entry);
	}
	return r;
}

/*
 * libseccomp gives pseudo numbers to calls behind socketcall (−101 and below) and ipc (−201 and
 * below), after the multiplexer's own numbering. A filter cannot see the arguments of such a call, so
 * conditions are left out where the call is let through, and the rule where it is refused.
 */
static int add_multiplexed(const struct call *call, struct source *source, int pseudo)
{
	const int multiplexer = pseudo > -200 ? source->socketcall : source->ipc;
	const struct seccomp_entry entry = {
		.number = (uint32_t)multiplexer,
		.order = call->order,
		.action = call->action,
		.multiplexed = (unsigned int)(-pseudo % 100),
	};
	const bool through = call->action == SECCOMP_RET_ALLOW || call->action == SECCOMP_RET_LOG;

	if (multiplexer < 0 || (call->rule->arg_count > 0 && !through))
		return 0;
	return seccomp_filter_add(source->target, &entry);
}

static bool is_multiplexed(const struct source *source, int number)
{
	return (source->socketcall >= 0 && number < -100 && number > -200) ||
	       (source->ipc >= 0 && number < -200 && number > -300);
}

static int direct_number(const struct source *source, const char *name)
{
	for (int i = 0; i < DIRECT_COUNT; i++)
		if (source->direct[i] && strcmp(source->direct[i], name) == 0)
			return DIRECT_FIRST + i;
	return -1;
}

/* A needless rule is only noted: its calls are named, and so not newer than the section. */
static int add_to_source(const struct call *call, struct source *source, bool noted_only)
{
	int number = seccomp_syscall_resolve_name_arch(source->token, call->name);
	int r = 0;

	if (is_multiplexed(source, number)) {
		r = noted_only ? 0 : add_multiplexed(call, source, number);
		number = direct_number(source, call->name);
	}
	if (number < 0)
		return r;
	note_newest(source, number);
	return r == 0 && !noted_only ? add_number(call, source, (uint32_t)number) : r;
}

static bool names_call(const struct spec_seccomp_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->names.count; i++)
		if (strcmp(rule->names.items[i], name) == 0)
			return true;
	return false;
}

/*
 * A rule with the default action is needed only where another one would be derived for the same call.
 * Where a rule of the section names the call too, that one decides, as in other runtimes.
 */
static bool is_needless(const struct compilation *c, const struct call *call)
{
	const uint32_t otherwise = c->filter.default_action;

	if (call->action != otherwise)
		return false;
	if (call->rule->arg_count > 0)
		return true;
	for (size_t i = 0; i < c->section->rule_count; i++) {
		const struct spec_seccomp_rule *other = &c->section->rules[i];
		uint32_t action = otherwise;
		struct error ignored = {0};

		if (other != call->rule && names_call(other, call->name) &&
		    action_value(other->action, &other->errno_ret, "", &action, &ignored) == 0 &&
		    action != otherwise)
			return true;
	}
	return false;
}

static int add_call(struct compilation *c, const struct call *call, struct error *err)
{
	const bool needless = is_needless(c, call);
	const bool unknown = seccomp_syscall_resolve_name(call->name) == __NR_SCMP_ERROR;

	if (unknown && c->section->fail_unknown)
		return error_set(err, EINVAL,
		                 "libseccomp %s does not know the system call %s, and an "
		                 "annotation asks to refuse that",
		                 seccomp_library_version(), call->name);
	if (unknown)
		log_write(LOG_LEVEL_DEBUG,
		          "seccomp: libseccomp %s does not know the system call %s: skipped",
		          seccomp_library_version(), call->name);
	for (size_t i = 0; i < c->source_count; i++)
		if (add_to_source(call, &c->sources[i], needless) < 0)
			return error_code(err, ENOMEM, "rule for %s", call->name);
	return 0;
}

static int check_arguments(const struct spec_seccomp_rule *rule, const char *where,
                           struct error *err)
{
	for (size_t i = 0; i < rule->arg_count; i++)
		if (rule->args[i].index > 5 || rule->args[i].op > SECCOMP_OP_MASKED_EQ)
			return error_set(err, EINVAL, "%s.args[%zu]: no such argument or operator",
			                 where, i);
	return 0;
}

static int add_rule(struct compilation *c, size_t index, struct error *err)
{
	const struct spec_seccomp_rule *rule = &c->section->rules[index];
	struct call call = {.rule = rule, .order = (unsigned int)index};
	char where[64];
	int r;

	snprintf(where, sizeof(where), "syscalls[%zu]", index);
	r = action_value(rule->action, &rule->errno_ret, where, &call.action, err);
	if (r == 0)
		r = check_arguments(rule, where, err);
	for (size_t i = 0; r == 0 && i < rule->names.count; i++) {
		call.name = rule->names.items[i];
		r = add_call(c, &call, err);
	}
	return r;
}

/* --- the whole --- */

/* Who allows, traces or notifies by default wants to see new calls too. */
static bool refuses_by_default(const struct spec_seccomp *section)
{
	switch (section->default_action) {
	case SECCOMP_ACTION_KILL_THREAD:
	case SECCOMP_ACTION_KILL_PROCESS:
	case SECCOMP_ACTION_TRAP:
		return true;
	case SECCOMP_ACTION_ERRNO:
		return !section->default_errno_ret.set ||
		       section->default_errno_ret.value != ENOSYS;
	default:
		return false;
	}
}

static int compile(struct compilation *c, struct seccomp_program *ret, struct error *err)
{
	const struct spec_seccomp *section = c->section;
	int r = action_value(section->default_action, &section->default_errno_ret, "defaultAction",
	                     &c->filter.default_action, err);

	if (r == 0)
		r = add_architectures(c, err);
	for (size_t i = 0; r == 0 && i < section->rule_count; i++)
		r = add_rule(c, i, err);
	if (r < 0)
		return r;
	c->filter.foreign_action = SECCOMP_RET_KILL_THREAD; /* as libseccomp does */
	c->filter.refuse_newer = refuses_by_default(section);
	c->filter.newer_action = SECCOMP_RET_ERRNO | ENOSYS;
	return seccomp_write(&c->filter, ret, err);
}

static void compilation_free(struct compilation *c)
{
	for (size_t i = 0; i < c->source_count; i++)
		for (size_t n = 0; n < DIRECT_COUNT; n++)
			free(c->sources[i].direct[n]);
	seccomp_filter_done(&c->filter);
	free(c);
}

int seccomp_compile(const struct spec_seccomp *section, struct seccomp_program *ret,
                    struct error *err)
{
	struct compilation *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_code(err, ENOMEM, "seccomp");
	c->section = section;
	r = compile(c, ret, err);
	compilation_free(c);
	return r;
}

const char *seccomp_library_version(void)
{
	return STRINGIFY(SCMP_VER_MAJOR) "." STRINGIFY(SCMP_VER_MINOR) "." STRINGIFY(
		SCMP_VER_MICRO);
}

uint32_t seccomp_native_architecture(void)
{
	return seccomp_arch_native();
}

int seccomp_call_number(const char *name)
{
	return seccomp_syscall_resolve_name_arch(seccomp_arch_native(), name);
}

char *seccomp_call_name(uint32_t architecture, uint32_t number)
{
	const bool x32 = architecture == SCMP_ARCH_X86_64 && number & SECCOMP_X32_BIT;

	return seccomp_syscall_resolve_num_arch(x32 ? SCMP_ARCH_X32 : architecture, (int)number);
}
