/* What the configuration names of the host's files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/options.h"
#include "rootfs/path.h"
#include "runtime/program.h"
#include "runtime/validate.h"

static void warn(const struct validation *v, const char *path, const char *object)
{
	finding_add(v->findings, FINDING_WARNING, path, "\"%.200s\": %s", object,
	            error_describe(errno));
}

/* --- Mounts --- */

static void validate_source(const struct validation *v, const struct spec_mount *mount,
                            const struct mount_options *options, size_t index)
{
	int flags = AT_SYMLINK_NOFOLLOW;
	char path[60];
	struct stat st;

	if (!options->bind && !str_equal(mount->type, "bind") && !str_equal(mount->type, "rbind"))
		return;
	(void)snprintf(path, sizeof(path), "mounts[%zu].source", index);
	if (!options->copy_symlink && !options->source_nofollow)
		flags = 0;
	if (!mount->source || !*mount->source)
		finding_add(v->findings, FINDING_ERROR, path, "is missing, a bind mount needs it");
	else if (fstatat(v->bundle_fd, mount->source, &st, flags))
		warn(v, path, mount->source);
}

static void validate_mount(const struct validation *v, size_t index)
{
	const struct spec_mount *mount = &v->spec->mounts[index];
	struct mount_options options = {0};
	scoped_arena arena = {0};
	struct error err = {0};
	char path[60];

	(void)snprintf(path, sizeof(path), "mounts[%zu].options", index);
	if (mount_options_parse(&arena, &mount->options, &options, &err)) {
		validation_add_error(v, path, &err);
		return;
	}
	(void)snprintf(path, sizeof(path), "mounts[%zu].type", index);
	if (!options.remount && !options.bind && (!mount->type || str_equal(mount->type, "none")))
		finding_add(v->findings, FINDING_ERROR, path,
		            "is missing, and options have no bind");
	if (!options.remount)
		validate_source(v, mount, &options, index);
}

/* --- The program --- */

/* Whether a mount of the configuration covers the place: what is there then is not in the root. */
static bool is_covered(const struct spec *spec, const char *path)
{
	char destination[PATH_MAX];

	for (size_t i = 0; i < spec->mount_count; i++) {
		size_t length;

		(void)snprintf(destination, sizeof(destination), "%s", spec->mounts[i].destination);
		path_clean(destination);
		length = strlen(destination);
		if (length > 0 && !strncmp(path, destination, length) &&
		    (path[length] == '/' || path[length] == '\0'))
			return true;
	}
	return false;
}

enum presence { ABSENT, NOT_EXECUTABLE, PRESENT };

static enum presence look(const struct validation *v, int root, const char *file)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s", file);
	path_clean(path);
	if (is_covered(v->spec, path))
		return PRESENT;

	scoped_fd fd = path_try_open(root, path, O_PATH, 0);

	if (fd < 0 || fstat(fd, &st))
		return ABSENT;
	return S_ISREG(st.st_mode) && st.st_mode & 0111 ? PRESENT : NOT_EXECUTABLE;
}

static enum presence search(const struct validation *v, int root, const struct program *program)
{
	const char *name = program->argv[0];
	enum presence best = ABSENT;
	char file[PATH_MAX];

	if (strchr(name, '/')) {
		(void)snprintf(file, sizeof(file), "%s/%s", *name == '/' ? "" : program->cwd, name);
		return look(v, root, file);
	}
	for (const char *field = program->search; best != PRESENT;) {
		size_t length = strcspn(field, ":");
		enum presence here;

		(void)snprintf(file, sizeof(file), "%.*s/%s", (int)length, field, name);
		here = look(v, root, file);
		best = here > best ? here : best;
		if (field[length] == '\0')
			break;
		field += length + 1;
	}
	return best;
}

static void validate_program(const struct validation *v, int root)
{
	const struct spec_process *process = &v->spec->process;
	scoped_arena arena = {0};
	struct program program = {0};
	struct error ignored;

	if (!v->spec->has_process || process->args.count == 0 || process->args.items[0][0] == '\0')
		return;
	if (program_prepare(&arena, process, 0, &program, &ignored) < 0)
		return;
	switch (search(v, root, &program)) {
	case ABSENT:
		finding_add(v->findings, FINDING_WARNING, "process.args[0]",
		            "executable file not found in the root file system: \"%.200s\"",
		            process->args.items[0]);
		break;
	case NOT_EXECUTABLE:
		finding_add(v->findings, FINDING_WARNING, "process.args[0]",
		            "\"%.200s\" is no executable file", process->args.items[0]);
		break;
	case PRESENT:
		break;
	}
}

static void validate_root(const struct validation *v)
{
	const char *path = v->spec->root.path;
	scoped_fd root = -1;

	if (*path == '\0')
		return;
	root = openat(v->bundle_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		warn(v, "root.path", path);
	else
		validate_program(v, root);
}

/* --- Hooks --- */

static void validate_hooks(const struct validation *v, enum spec_hook_kind kind)
{
	const struct spec_hook_list *list = &v->spec->hooks[kind];
	char path[60];

	for (size_t i = 0; i < list->count; i++) {
		(void)snprintf(path, sizeof(path), "hooks.%s[%zu].path", spec_hook_names[kind], i);
		if (list->items[i].path[0] == '/' && access(list->items[i].path, X_OK))
			warn(v, path, list->items[i].path);
	}
}

void validate_files(const struct validation *v)
{
	for (size_t i = 0; i < v->spec->mount_count; i++)
		validate_mount(v, i);
	validate_root(v);
	/* The path of startContainer alone is one of the container. */
	for (size_t kind = 0; kind < HOOK_KIND_COUNT; kind++) {
		if (kind != HOOK_START_CONTAINER)
			validate_hooks(v, (enum spec_hook_kind)kind);
	}
}
