#include "sandbox/profile.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/str.h"
#include "sandbox/policy.h"

static const enum spec_seccomp_action allow = SECCOMP_ACTION_ALLOW;
static const enum spec_seccomp_action refuse = SECCOMP_ACTION_ERRNO; /* with EPERM */

struct condition {
	unsigned int argument;
	uint64_t mask;
	uint64_t value;
};

/* The rules so far, and the text that stands for them in the cache of filters. */
struct builder {
	struct arena *arena;
	struct spec_seccomp *section;
	struct strbuf identity;
	bool failed;
};

enum { RULE_LIMIT = 160 };

static bool is_in(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (str_equal(*list, name))
			return true;
	return false;
}

/* --- Rules --- */

static struct spec_seccomp_rule *add_empty(struct builder *b, enum spec_seccomp_action action,
                                           size_t names, size_t arguments)
{
	struct spec_seccomp_rule *rule = &b->section->rules[b->section->rule_count];

	*rule = (struct spec_seccomp_rule){
		.action = action,
		.errno_ret = {action == refuse, EPERM},
		.names.items = arena_alloc(b->arena, names + 1, sizeof(char *)),
		.args = arguments ? arena_alloc(b->arena, arguments, sizeof(*rule->args)) : NULL,
		.arg_count = arguments,
	};
	if (!rule->names.items || (arguments && !rule->args) ||
	    b->section->rule_count == RULE_LIMIT - 1) {
		b->failed = true;
		return NULL;
	}
	b->section->rule_count++;
	strbuf_adds(&b->identity, action == refuse ? ";-" : ";+");
	return rule;
}

/* The names are only read. */
static void add_name(struct builder *b, struct spec_seccomp_rule *rule, const char *name)
{
	rule->names.items[rule->names.count++] = (char *)(uintptr_t)name;
	strbuf_adds(&b->identity, name);
	strbuf_add(&b->identity, ",", 1);
}

static void add_rule(struct builder *b, const char *name, enum spec_seccomp_action action,
                     const struct condition *conditions, size_t count)
{
	struct spec_seccomp_rule *rule = add_empty(b, action, 1, count);

	if (!rule)
		return;
	add_name(b, rule, name);
	for (size_t i = 0; i < count; i++) {
		const struct condition *c = &conditions[i];

		rule->args[i] = (struct spec_seccomp_arg){
			.index = c->argument,
			.value = c->mask,
			.value_two = c->value,
			/* At least 0: always. A mask of 0 would make the rule one without conditions. */
			.op = c->mask ? SECCOMP_OP_MASKED_EQ : SECCOMP_OP_GE,
		};
		strbuf_addf(&b->identity, "%u:%llx=%llx,", c->argument, (unsigned long long)c->mask,
		            (unsigned long long)c->value);
	}
}

/* For all that the rules before it have left. A rule without conditions would overrule those. */
static void add_rest(struct builder *b, const char *name, enum spec_seccomp_action action)
{
	static const struct condition always = {0, 0, 0};

	add_rule(b, name, action, &always, 1);
}

static void add_list(struct builder *b, const char *const *list, enum spec_seccomp_action action,
                     bool without_nested)
{
	size_t count = 0;

	while (list[count])
		count++;

	struct spec_seccomp_rule *rule = add_empty(b, action, count, 0);

	for (size_t i = 0; rule && i < count; i++)
		if (!without_nested || !is_in(list[i], policy_nested))
			add_name(b, rule, list[i]);
}

/* --- Calls that are allowed with some arguments --- */

/* New namespaces are refused, each by its flag, so that the error is EPERM. */
static void add_clone(struct builder *b)
{
	static const uint64_t flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	                                 CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		add_rule(b, "clone", refuse, &(struct condition){0, flags[i], flags[i]}, 1);
	add_rest(b, "clone", allow);
}

/* The kernel looks at 32 bits of the request. */
static void add_ioctl(struct builder *b)
{
	static const uint64_t requests[] = {0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */};

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		add_rule(b, "ioctl", refuse, &(struct condition){1, UINT32_MAX, requests[i]}, 1);
	add_rest(b, "ioctl", allow);
}

static void add_sockets(struct builder *b)
{
	enum { AUDIT = 9 };
	static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6};
	const struct condition audit[] = {{0, UINT32_MAX, AF_NETLINK}, {2, UINT32_MAX, AUDIT}};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		add_rule(b, "socket", allow, &(struct condition){0, UINT32_MAX, families[i]}, 1);
	add_rule(b, "socket", refuse, audit, ARRAY_SIZE(audit));
	add_rule(b, "socket", allow, &(struct condition){0, UINT32_MAX, AF_NETLINK}, 1);
	add_rest(b, "socket", refuse);
	add_rule(b, "socketpair", allow, &(struct condition){0, UINT32_MAX, AF_UNIX}, 1);
	add_rest(b, "socketpair", refuse);
}

static void add_personality(struct builder *b)
{
	static const uint64_t values[] = {PER_LINUX,         PER_LINUX32,
	                                  UNAME26,           PER_LINUX32 | UNAME26,
	                                  ADDR_NO_RANDOMIZE, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		add_rule(b, "personality", allow, &(struct condition){0, UINT32_MAX, values[i]}, 1);
	add_rest(b, "personality", refuse);
}

static void add_modes(struct builder *b)
{
	enum { CREATE = 0100, TEMPORARY = 020000000 };
	static const uint64_t bits[] = {S_ISUID, S_ISGID}, creating[] = {CREATE, TEMPORARY};

	for (const struct policy_mode_call *call = policy_mode_calls; call->name; call++) {

		for (size_t k = 0; k < ARRAY_SIZE(bits) && call->flags < 0; k++)
			add_rule(b, call->name, refuse,
			         &(struct condition){call->mode, bits[k], bits[k]}, 1);
		for (size_t k = 0; k < 4 && call->flags >= 0; k++) {
			const uint64_t bit = bits[k / 2], flag = creating[k % 2];
			const struct condition both[] = {
				{(unsigned int)call->flags, flag, flag},
				{call->mode, bit, bit},
			};

			add_rule(b, call->name, refuse, both, ARRAY_SIZE(both));
		}
		add_rest(b, call->name, allow);
	}
}

/*
 * Ids that the user namespace does not map are invalid to the kernel (EINVAL); fakeroot and others take only EPERM
 * for "not yours". Where one id is mapped the filter says so before the kernel does.
 */
static void add_owners(struct builder *b, const struct profile_options *options)
{
	static const struct {
		const char *name;
		unsigned int uid; /* the argument; the gid is the next one */
	} calls[] = {{"chown", 1}, {"fchown", 1}, {"lchown", 1}, {"fchownat", 2}};
	const uint64_t uids[] = {options->uid, UINT32_MAX}, gids[] = {options->gid, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (size_t k = 0; options->single_id && k < 4; k++) {
			const struct condition own[] = {
				{calls[i].uid, UINT32_MAX, uids[k / 2]},
				{calls[i].uid + 1, UINT32_MAX, gids[k % 2]},
			};

			add_rule(b, calls[i].name, allow, own, ARRAY_SIZE(own));
		}
		add_rest(b, calls[i].name, options->single_id ? refuse : allow);
	}
}

/* --- The section --- */

static void add_rules(struct builder *b, const struct profile_options *options)
{
	add_list(b, policy_allowed, allow, false);
	add_list(b, policy_refused, refuse, options->allow_userns);
	if (options->allow_userns)
		add_list(b, policy_nested, allow, false);
	else
		add_clone(b);
	add_ioctl(b);
	add_sockets(b);
	add_personality(b);
	add_modes(b);
	add_owners(b, options);
}

int profile_build(struct arena *arena, const struct profile_options *options,
                  struct spec_seccomp *ret, struct error *err)
{
	struct builder b = {.arena = arena, .section = ret};

	*ret = (struct spec_seccomp){
		.set = true,
		.default_action = refuse,
		.default_errno_ret = {true, ENOSYS},
		.rules = arena_alloc(arena, RULE_LIMIT, sizeof(*ret->rules)),
	};
	if (!ret->rules)
		return error_code(err, ENOMEM, "seccomp profile");
	add_rules(&b, options);

	scoped_str identity = strbuf_take(&b.identity);

	ret->canonical = arena_strdup(arena, identity);
	if (b.failed || !ret->canonical)
		return error_code(err, ENOMEM, "seccomp profile");
	ret->canonical_size = strlen(ret->canonical);
	return 0;
}
