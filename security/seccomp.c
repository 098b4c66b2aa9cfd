#include "security/seccomp.h"

#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "security/seccomp_bpf.h"

enum { ERRNO_LIMIT = 4094, OPTIMIZE_TREE = 2 };

static void release_context(scmp_filter_ctx *context)
{
	if (*context)
		seccomp_release(*context);
}

/* What the section becomes while it is compiled. */
struct compilation {
	const struct spec_seccomp *section;
	scmp_filter_ctx context;
	uint32_t default_action;
	uint32_t stand_in; /* libseccomp's default action, which no rule has */
	uint32_t architectures[SECCOMP_ARCHITECTURE_LIMIT]; /* libseccomp's tokens */
	size_t architecture_count;
};

/* --- actions and operators --- */

static int action_value(enum spec_seccomp_action action, const struct optional_u64 *errno_ret,
                        const char *where, uint32_t *ret, struct error *err)
{
	const uint64_t data = errno_ret->set ? errno_ret->value : EPERM;

	switch (action) {
	case SECCOMP_ACTION_ERRNO:
		if (data > ERRNO_LIMIT)
			return error_set(err, EINVAL, "%s: %llu is no errno value", where,
			                 (unsigned long long)data);
		*ret = SCMP_ACT_ERRNO((uint32_t)data);
		return 0;
	case SECCOMP_ACTION_TRACE:
		if (data > UINT16_MAX)
			return error_set(err, EINVAL,
			                 "%s: %llu does not fit the 16 bits that a tracer gets",
			                 where, (unsigned long long)data);
		*ret = SCMP_ACT_TRACE((uint32_t)data);
		return 0;
	case SECCOMP_ACTION_KILL_THREAD:
		*ret = SCMP_ACT_KILL_THREAD;
		break;
	case SECCOMP_ACTION_KILL_PROCESS:
		*ret = SCMP_ACT_KILL_PROCESS;
		break;
	case SECCOMP_ACTION_TRAP:
		*ret = SCMP_ACT_TRAP;
		break;
	case SECCOMP_ACTION_ALLOW:
		*ret = SCMP_ACT_ALLOW;
		break;
	case SECCOMP_ACTION_LOG:
		*ret = SCMP_ACT_LOG;
		break;
	case SECCOMP_ACTION_NOTIFY:
		*ret = SCMP_ACT_NOTIFY;
		break;
	default:
		return error_set(err, EINVAL, "%s: unknown seccomp action", where);
	}
	if (errno_ret->set)
		return error_set(err, EINVAL,
		                 "%s: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry a value", where);
	return 0;
}

static const enum scmp_compare operators[] = {
	[SECCOMP_OP_NE] = SCMP_CMP_NE,
	[SECCOMP_OP_LT] = SCMP_CMP_LT,
	[SECCOMP_OP_LE] = SCMP_CMP_LE,
	[SECCOMP_OP_EQ] = SCMP_CMP_EQ,
	[SECCOMP_OP_GE] = SCMP_CMP_GE,
	[SECCOMP_OP_GT] = SCMP_CMP_GT,
	[SECCOMP_OP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

/* OCI: for MASKED_EQ `value` is the mask and `valueTwo` what the masked argument must be. */
static struct scmp_arg_cmp condition(const struct spec_seccomp_arg *arg)
{
	return (struct scmp_arg_cmp){
		.arg = arg->index,
		.op = operators[arg->op],
		.datum_a = arg->value,
		.datum_b = arg->value_two,
	};
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

static int add_architecture(struct compilation *c, const char *name, struct error *err)
{
	const uint32_t token = resolve_architecture(name);
	int r;

	if (token == 0)
		return error_set(err, EINVAL, "architecture %s is not known to libseccomp %s", name,
		                 seccomp_library_version());
	r = seccomp_arch_add(c->context, token);
	if (r == -EEXIST)
		return 0;
	if (r == -EDOM)
		return error_set(err, EINVAL,
		                 "architecture %s has another byte order than this machine", name);
	if (r < 0)
		return error_code(err, -r, "architecture %s", name);
	if (c->architecture_count == SECCOMP_ARCHITECTURE_LIMIT)
		return error_set(err, E2BIG, "more than %d architectures",
		                 SECCOMP_ARCHITECTURE_LIMIT);
	c->architectures[c->architecture_count++] = token;
	return 0;
}

/* The native one is always among them. */
static int add_architectures(struct compilation *c, struct error *err)
{
	c->architectures[c->architecture_count++] = seccomp_arch_native();
	for (size_t i = 0; i < c->section->architectures.count; i++) {
		int r = add_architecture(c, c->section->architectures.items[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- rules --- */

static int add_rule(struct compilation *c, uint32_t action, int number, const char *name,
                    unsigned int count, const struct scmp_arg_cmp *conditions, struct error *err)
{
	int r = seccomp_rule_add_array(c->context, action, number, count, conditions);

	if (r == -EEXIST)
		return error_set(err, EEXIST,
		                 "%s: an earlier rule has the same conditions and another action",
		                 name);
	if (r < 0)
		return error_code(err, -r, "add the rule for %s", name);
	return 0;
}

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

/* Conditions are all to be met, unless one argument has several: then each stands for itself. */
static int add_conditional(struct compilation *c, uint32_t action, int number, const char *name,
                           const struct spec_seccomp_rule *rule, struct error *err)
{
	struct scmp_arg_cmp conditions[6];
	int r = 0;

	if (repeats_an_argument(rule)) {
		for (size_t i = 0; r == 0 && i < rule->arg_count; i++) {
			conditions[0] = condition(&rule->args[i]);
			r = add_rule(c, action, number, name, 1, conditions, err);
		}
		return r;
	}
	for (size_t i = 0; i < rule->arg_count; i++)
		conditions[i] = condition(&rule->args[i]);
	return add_rule(c, action, number, name, (unsigned int)rule->arg_count, conditions, err);
}

static bool names_call(const struct spec_seccomp_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->names.count; i++)
		if (strcmp(rule->names.items[i], name) == 0)
			return true;
	return false;
}

/*
 * A rule with the default action is needed only where libseccomp would derive another one for the same
 * call. Where a rule of the section names the call too, that one decides, as in other runtimes.
 */
static bool is_needless(const struct compilation *c, const struct spec_seccomp_rule *rule,
                        const char *name)
{
	if (rule->arg_count > 0)
		return true;
	for (size_t i = 0; i < c->section->rule_count; i++) {
		const struct spec_seccomp_rule *other = &c->section->rules[i];
		uint32_t action = c->default_action;
		struct error ignored = {0};

		if (other == rule || !names_call(other, name))
			continue;
		if (action_value(other->action, &other->errno_ret, "", &action, &ignored) == 0 &&
		    action != c->default_action)
			return true;
	}
	return false;
}

static int add_rule_for(struct compilation *c, const struct spec_seccomp_rule *rule,
                        uint32_t action, const char *name, struct error *err)
{
	const int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR) {
		log_write(LOG_LEVEL_DEBUG,
		          "seccomp: libseccomp %s does not know the system call %s: skipped",
		          seccomp_library_version(), name);
		return 0;
	}
	if (action == c->default_action && is_needless(c, rule, name))
		return 0;
	if (rule->arg_count == 0)
		return add_rule(c, action, number, name, 0, NULL, err);
	return add_conditional(c, action, number, name, rule, err);
}

static int check_arguments(const struct spec_seccomp_rule *rule, const char *where,
                           struct error *err)
{
	for (size_t i = 0; i < rule->arg_count; i++)
		if (rule->args[i].index > 5 || (size_t)rule->args[i].op >= ARRAY_SIZE(operators))
			return error_set(err, EINVAL, "%s.args[%zu]: no such argument or operator",
			                 where, i);
	return 0;
}

static int add_rules(struct compilation *c, struct error *err)
{
	for (size_t i = 0; i < c->section->rule_count; i++) {
		const struct spec_seccomp_rule *rule = &c->section->rules[i];
		uint32_t action = 0;
		char where[64];
		int r;

		snprintf(where, sizeof(where), "syscalls[%zu]", i);
		r = action_value(rule->action, &rule->errno_ret, where, &action, err);
		if (r == 0)
			r = check_arguments(rule, where, err);
		if (r < 0)
			return r;
		for (size_t n = 0; r == 0 && n < rule->names.count; n++)
			r = add_rule_for(c, rule, action, rule->names.items[n], err);
		if (r < 0)
			return error_wrap(err, "%s", where);
	}
	return 0;
}

/* --- the whole --- */

/* A TRACE value that no rule uses. */
static uint32_t choose_stand_in(const struct spec_seccomp *section)
{
	uint32_t value = UINT16_MAX;

	for (size_t i = 0; i < section->rule_count;) {
		const struct spec_seccomp_rule *rule = &section->rules[i];

		if (rule->action == SECCOMP_ACTION_TRACE && rule->errno_ret.set &&
		    rule->errno_ret.value == value) {
			value--;
			i = 0;
		} else {
			i++;
		}
	}
	return SCMP_ACT_TRACE(value);
}

static int export_program(scmp_filter_ctx context, struct seccomp_program *ret, struct error *err)
{
	scoped_seccomp_program program = {0};
	scoped_fd fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return error_errno(err, "memfd_create");
	r = seccomp_export_bpf(context, fd);
	if (r < 0)
		return error_code(err, -r, "compile the filter");
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "compiled filter");
	program.instructions = malloc((size_t)st.st_size);
	if (!program.instructions)
		return error_code(err, ENOMEM, "compiled filter");
	if (fd_read_all(fd, program.instructions, (size_t)st.st_size) != st.st_size)
		return error_set(err, EIO, "read the compiled filter");
	program.count = (size_t)st.st_size / sizeof(*program.instructions);
	*ret = program;
	program = (struct seccomp_program){0};
	return 0;
}

/*
 * libseccomp gives pseudo numbers (−101 and below, −201 and below) to the calls that an architecture has
 * behind socketcall and ipc, also where it has got direct ones since, up to number 402.
 */
enum { PSEUDO_FIRST = -101, PSEUDO_LAST = -299, NEWEST_DIRECT = 402 };

static bool has_multiplexers(uint32_t architecture)
{
	return seccomp_syscall_resolve_name_arch(architecture, "socketcall") >= 0 ||
	       seccomp_syscall_resolve_name_arch(architecture, "ipc") >= 0;
}

/* The highest number that the section names, −1 for none. */
static int64_t newest_call(const struct compilation *c, uint32_t architecture)
{
	const bool multiplexers = has_multiplexers(architecture);
	int newest = -1;

	for (size_t i = 0; i < c->section->rule_count; i++) {
		const struct string_list *names = &c->section->rules[i].names;

		for (size_t n = 0; n < names->count; n++) {
			int number =
				seccomp_syscall_resolve_name_arch(architecture, names->items[n]);

			if (multiplexers && number <= PSEUDO_FIRST && number >= PSEUDO_LAST)
				number = NEWEST_DIRECT;
			if (number > newest)
				newest = number;
		}
	}
	return newest;
}

static size_t collect_newest(const struct compilation *c, struct seccomp_newest *newest)
{
	size_t count = 0, x86_64 = SIZE_MAX;
	int64_t x32 = -1;

	for (size_t i = 0; i < c->architecture_count; i++) {
		const uint32_t token = c->architectures[i];
		const int64_t number = newest_call(c, token);

		if (token == SCMP_ARCH_X32) {
			x32 = number;
			continue;
		}
		if (token == SCMP_ARCH_X86_64)
			x86_64 = count;
		newest[count++] = (struct seccomp_newest){token, number, -1};
	}
	if (x86_64 != SIZE_MAX)
		newest[x86_64].x32_number = x32;
	return count;
}

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

static int begin(struct compilation *c, struct error *err)
{
	const struct spec_seccomp *section = c->section;
	int r = action_value(section->default_action, &section->default_errno_ret, "defaultAction",
	                     &c->default_action, err);

	if (r < 0)
		return r;
	c->stand_in = choose_stand_in(section);
	c->context = seccomp_init(c->stand_in);
	if (!c->context)
		return error_set(err, ENOMEM, "seccomp_init");
	/*
	 * The tree is also what makes it right: in the linear form of 2.5.4, with x32 listed, a call with a
	 * condition is never found when the call sorted before it does not exist on x86-64. finish() looks
	 * for such programs, wherever they come from.
	 */
	(void)seccomp_attr_set(c->context, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
	return 0;
}

/* x32 has no architecture of its own in seccomp_data. */
static uint32_t audit_architecture(uint32_t token)
{
	return token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token;
}

static int check_program(const struct compilation *c, const struct seccomp_program *program,
                         struct error *err)
{
	uint32_t architectures[SECCOMP_ARCHITECTURE_LIMIT];

	for (size_t i = 0; i < c->architecture_count; i++)
		architectures[i] = audit_architecture(c->architectures[i]);
	if (program->count > SECCOMP_PROGRAM_LIMIT)
		return error_set(err, E2BIG,
		                 "the filter has %zu instructions, and the kernel takes %d",
		                 program->count, SECCOMP_PROGRAM_LIMIT);
	if (!seccomp_bpf_is_sound(program) ||
	    !seccomp_bpf_compares_well(program, architectures, c->architecture_count))
		return error_set(
			err, EINVAL,
			"libseccomp %s made a program that does not do what the section says",
			seccomp_library_version());
	return 0;
}

static int finish(struct compilation *c, struct seccomp_program *ret, struct error *err)
{
	struct seccomp_newest newest[SECCOMP_ARCHITECTURE_LIMIT];
	scoped_seccomp_program program = {0};
	int r = export_program(c->context, &program, err);

	if (r < 0)
		return r;
	seccomp_bpf_replace_action(&program, c->stand_in, c->default_action);
	if (refuses_by_default(c->section)) {
		r = seccomp_bpf_refuse_newer(&program, newest, collect_newest(c, newest),
		                             SCMP_ACT_ERRNO(ENOSYS), err);
		if (r < 0)
			return r;
	}
	r = check_program(c, &program, err);
	if (r < 0)
		return r;
	*ret = program;
	program = (struct seccomp_program){0};
	return 0;
}

int seccomp_compile(const struct spec_seccomp *section, struct seccomp_program *ret,
                    struct error *err)
{
	struct compilation c = {.section = section};
	int r = begin(&c, err);

	if (r == 0)
		r = add_architectures(&c, err);
	if (r == 0)
		r = add_rules(&c, err);
	if (r == 0)
		r = finish(&c, ret, err);
	release_context(&c.context);
	return r;
}

const char *seccomp_library_version(void)
{
	return STRINGIFY(SCMP_VER_MAJOR) "." STRINGIFY(SCMP_VER_MINOR) "." STRINGIFY(
		SCMP_VER_MICRO);
}
