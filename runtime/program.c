#include "runtime/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char default_search[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

unsigned int program_listen_fds(void)
{
	const char *text = getenv("LISTEN_FDS");
	int count = 0;

	return text && parse_int(text, 0, 4096, &count) == 0 ? (unsigned int)count : 0;
}

static const char *find_variable(char **env, size_t count, const char *prefix)
{
	for (size_t i = 0; i < count; i++)
		if (str_starts(env[i], prefix))
			return env[i] + strlen(prefix);
	return NULL;
}

int program_prepare(struct arena *arena, const struct spec_process *process,
                    unsigned int listen_fds, struct program *ret, struct error *err)
{
	enum { ADDED = 3 }; /* LISTEN_FDS, LISTEN_PID, HOME */
	size_t count = process->env.count;
	char **env = arena_alloc(arena, count + ADDED + 1, sizeof(*env));

	if (!env)
		return error_code(err, ENOMEM, "prepare environment");
	for (size_t i = 0; i < count; i++)
		env[i] = process->env.items[i];
	if (listen_fds > 0) {
		env[count] = arena_format(arena, "LISTEN_FDS=%u", listen_fds);
		env[count + 1] = arena_strdup(arena, "LISTEN_PID=1");
		if (!env[count] || !env[count + 1])
			return error_code(err, ENOMEM, "prepare environment");
		count += 2;
	}

	const char *search = find_variable(env, count, "PATH=");

	ret->argv = process->args.items;
	ret->envp = env;
	ret->env_count = count;
	ret->search = search ? search : default_search;
	ret->cwd = process->cwd;
	ret->uid = process->user.uid;
	ret->wants_home = !find_variable(env, count, "HOME=");
	return 0;
}
