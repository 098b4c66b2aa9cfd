#include "sandbox/learn.h"

#include <errno.h>

#include "base/macro.h"
#include "base/str.h"
#include "sandbox/verdict.h"
#include "security/seccomp.h"
#include "spec/encode.h"

/* Whether they are seen depends on the kernel, its clock, when a signal came or who got a lock first. */
static const char *const always[] = {
	"clock_getres", "clock_gettime",   "exit",         "exit_group",  "futex", "getcpu",
	"gettimeofday", "restart_syscall", "rt_sigreturn", "sched_yield", "time",
};

static bool was_made(const struct audit_table *table, const char *name)
{
	int number = seccomp_call_number(name);

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (str_equal(always[i], name))
			return true;
	return number >= 0 && number < AUDIT_NUMBERS && table->made[number];
}

static bool lets_through(const struct spec_seccomp_rule *rule)
{
	return rule->action == SECCOMP_ACTION_ALLOW || rule->action == SECCOMP_ACTION_LOG;
}

int learn_reduce(struct arena *arena, const struct spec_seccomp *profile,
                 const struct audit_table *table, struct spec_seccomp *ret, struct error *err)
{
	struct spec_seccomp_rule *rules =
		arena_alloc(arena, profile->rule_count + 1, sizeof(*rules));
	size_t count = 0;

	if (!rules)
		return error_code(err, ENOMEM, "learned profile");
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct spec_seccomp_rule *rule = &profile->rules[i];
		struct string_list names = {
			.items = arena_alloc(arena, rule->names.count + 1, sizeof(char *)),
		};

		if (!names.items)
			return error_code(err, ENOMEM, "learned profile");
		for (size_t k = 0; k < rule->names.count; k++)
			if (!lets_through(rule) || was_made(table, rule->names.items[k]))
				names.items[names.count++] = rule->names.items[k];
		if (names.count == 0)
			continue;
		rules[count] = *rule;
		rules[count++].names = names;
	}
	*ret = *profile;
	ret->rules = rules;
	ret->rule_count = count;
	ret->listener_path = NULL;
	ret->ask_allowed = ret->ask_refused = false;
	return 0;
}

int learn_store(const char *where, const struct spec_seccomp *profile, const struct audit *audit,
                struct error *err)
{
	scoped_arena arena = {0};
	struct json_writer w = {.indented = true};
	struct spec_seccomp learned;

	/* What ran without being seen would be missing. */
	if (audit->broken)
		return error_set(err, EIO, "--learn: not all that ran was seen");

	int r = learn_reduce(&arena, profile, audit->table, &learned, err);

	if (r < 0)
		return r;
	spec_write_seccomp(&w, NULL, &learned);

	scoped_str text = json_writer_take(&w);

	return text ? report_store(where, text, err) : error_code(err, ENOMEM, "learned profile");
}
