/* The process that exec runs: from --process, or the container's own changed by options. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "runtime/exec_plan.h"

static int from_file(struct exec_plan *plan, const char *path, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int r = file_read(AT_FDCWD, path, SPEC_SIZE_LIMIT, &text, &size, err);

	if (r == 0)
		r = spec_parse_process(path, text, size, &plan->process_spec, err);
	if (r < 0)
		return error_wrap(err, "--process");
	plan->process = plan->process_spec->process;
	return 0;
}

static size_t count_items(char **items)
{
	size_t count = 0;

	while (items && items[count])
		count++;
	return count;
}

/* Variables given later win: those of the same name before them are dropped. */
static size_t drop_variable(char **env, size_t count, const char *setting)
{
	size_t name = strcspn(setting, "=");
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (strncmp(env[i], setting, name) != 0 || env[i][name] != '=')
			env[kept++] = env[i];
	return kept;
}

static int add_env(struct exec_plan *plan, char **added, struct error *err)
{
	struct string_list *env = &plan->process.env;
	size_t more = count_items(added);
	char **items = arena_alloc(&plan->arena, env->count + more + 1, sizeof(*items));
	size_t count = env->count;

	if (!items)
		return error_code(err, ENOMEM, "environment");
	if (count > 0)
		memcpy(items, env->items, count * sizeof(*items));
	for (size_t i = 0; i < more; i++) {
		if (!strchr(added[i], '='))
			return error_set(err, EINVAL, "--env %s: expected NAME=VALUE", added[i]);
		count = drop_variable(items, count, added[i]);
		items[count++] = added[i];
	}
	items[count] = NULL;
	*env = (struct string_list){.items = items, .count = count};
	return 0;
}

/* "UID[:GID]", decimal numbers only: a name would have to be looked up in the image's files. */
static int set_user(struct exec_plan *plan, const char *user, struct error *err)
{
	const char *colon = strchr(user, ':');
	scoped_str uid = strndup(user, colon ? (size_t)(colon - user) : strlen(user));
	struct spec_user *ret = &plan->process.user;

	if (!uid)
		return error_code(err, ENOMEM, "--user");
	if (parse_id(uid, &ret->uid) < 0 || (colon && parse_id(colon + 1, &ret->gid) < 0))
		return error_set(err, EINVAL, "--user %s: expected UID or UID:GID as numbers",
		                 user);
	return 0;
}

static int add_groups(struct exec_plan *plan, const char *list, struct error *err)
{
	struct spec_user *user = &plan->process.user;
	scoped_str copy = strdup(list);
	size_t room = user->additional_gid_count + strlen(list) / 2 + 1;
	gid_t *gids = arena_alloc(&plan->arena, room, sizeof(*gids));
	char *rest = NULL;

	if (!copy || !gids)
		return error_code(err, ENOMEM, "--additional-gids");
	if (user->additional_gid_count > 0)
		memcpy(gids, user->additional_gids, user->additional_gid_count * sizeof(*gids));
	user->additional_gids = gids;
	for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		if (parse_id(item, &gids[user->additional_gid_count]) < 0)
			return error_set(err, EINVAL, "--additional-gids %s: expected numbers",
			                 list);
		user->additional_gid_count++;
	}
	return 0;
}

static int add_capabilities(struct exec_plan *plan, char **names, struct error *err)
{
	struct spec_capabilities *caps = &plan->process.capabilities;

	for (; names && *names; names++) {
		int number = spec_capability_number(*names);

		if (number < 0)
			return error_set(err, EINVAL, "--cap %s: no such capability", *names);

		uint64_t bit = UINT64_C(1) << number;

		/* Not inheritable and not ambient: files must not pass it on (CVE-2022-29162). */
		caps->set = true;
		caps->bounding |= bit;
		caps->effective |= bit;
		caps->permitted |= bit;
	}
	return 0;
}

static int from_options(struct exec_plan *plan, const struct exec_options *options,
                        struct error *err)
{
	struct spec_process *process = &plan->process;
	int r = 0;

	*process = plan->spec->process;
	if (!plan->spec->has_process)
		process->cwd = arena_strdup(&plan->arena, "/");
	process->terminal = options->terminal;
	process->args = (struct string_list){
		.items = options->args,
		.count = count_items(options->args),
	};
	/* The container's own labels and streams are kept unless something else is asked for. */
	if (options->cwd)
		process->cwd = (char *)(uintptr_t)options->cwd;
	if (options->apparmor)
		process->apparmor_profile = (char *)(uintptr_t)options->apparmor;
	if (options->process_label)
		process->selinux_label = (char *)(uintptr_t)options->process_label;
	process->no_new_privileges |= options->no_new_privileges;
	if (options->user)
		r = set_user(plan, options->user, err);
	if (r == 0 && options->additional_gids)
		r = add_groups(plan, options->additional_gids, err);
	if (r == 0)
		r = add_env(plan, options->env, err);
	if (r == 0)
		r = add_capabilities(plan, options->capabilities, err);
	return r;
}

int exec_plan_process(struct exec_plan *plan, const struct exec_options *options, struct error *err)
{
	int r = options->process_file ? from_file(plan, options->process_file, err)
	                              : from_options(plan, options, err);

	/* Those of the caller of create, not of exec. */
	plan->process.user.keep_groups = false;

	if (r == 0)
		r = spec_validate_process(&plan->process, err);
	plan->terminal = plan->process.terminal;
	return r;
}
