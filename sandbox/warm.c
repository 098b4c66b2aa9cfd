#include "sandbox/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "checkpoint/clone.h"
#include "sandbox/overlay.h"
#include "sandbox/run.h"
#include "security/landlock.h"

void warm_done(struct warm *warm)
{
	char path[PATH_MAX];
	struct error ignored;

	fd_close(&warm->control);
	process_done(&warm->command);
	(void)snprintf(path, sizeof(path), "%s", warm->disk.path);
	disk_done(&warm->disk);
	if (warm->begun)
		(void)!disk_discard(path, true, &ignored);
	warm->begun = false;
}

bool warm_is_asked(const struct sandbox_options *options)
{
	return options->template || options->save_template;
}

/* --- Options --- */

static int check_options(const struct sandbox_options *o, struct error *err)
{
	const bool saving = o->save_template != NULL;
	const struct {
		const char *name, *why;
		bool set;
	} never[] = {
		{"template", "a template is made of a cold start", saving && o->template},
		{"keep", "its layers would change after the processes were saved", o->keep != NULL},
		{"read-only", "the whole of the host is one mount there, which cannot be restored",
	         o->read_only},
		{"reproducible", "files of users that it does not have cannot be restored",
	         o->reproducible},
		{"share-net", "a network namespace of its own is what can be restored",
	         o->share_net},
		{"net-allow", "a network namespace that is joined cannot be restored",
	         o->net_allow_count > 0},
		{"allow-userns", "what is mounted inside could not be restored", o->allow_userns},
		{"audit", "the daemons' filter cannot be listened to", o->audit},
		{"learn", "the daemons' filter cannot be listened to", o->learn != NULL},
		{"interactive", "there is no terminal to restore", o->terminal},
		{"out", "nothing is copied out when a template is saved",
	         saving && o->output_count > 0},
		{"commit", "nothing is copied out when a template is saved",
	         saving && o->commit_count > 0},
		{"diff", "nothing is compared when a template is saved", saving && o->diff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (never[i].set)
			return error_set(err, EINVAL, "option --%s: not with --%s: %s",
			                 never[i].name, saving ? "save-template" : "template",
			                 never[i].why);
	return 0;
}

int warm_begin(struct run *run, struct error *err)
{
	const struct sandbox_options *o = run->options;
	int r = check_options(o, err);

	if (r == 0 && geteuid() != 0)
		r = error_set(err, EPERM, "option --%s: needs root, as all of CRIU does",
		              o->template ? "template" : "save-template");
	if (r < 0)
		return r;
	r = o->template ? warm_start_begin(run, err) : warm_save_begin(run, err);
	return r < 0 ? error_wrap(err, "option --%s", o->template ? "template" : "save-template")
	             : 0;
}

/* --- The view --- */

const char *warm_layer(const struct view_mount *mount)
{
	if (mount->upper)
		return mount->upper;
	return mount->discarded ? mount->source : NULL;
}

static int add_init(struct run *run, struct error *err)
{
	struct view *view = &run->view;
	const char *file = arena_format(&view->arena, "%s/" WARM_INIT_NAME, run->warm.disk.path);
	struct view_mount *mount =
		file ? view_add(view, WARM_INIT_TARGET, "bind", file, err) : NULL;

	if (!mount)
		return error_code(err, ENOMEM, "list of mounts");
	mount->options[mount->option_count++] = "bind";
	mount->options[mount->option_count++] = "ro";
	mount->options[mount->option_count++] = "nosuid";
	mount->options[mount->option_count++] = "nodev";
	return 0;
}

static int mount_overlay(struct run *run, struct view_mount *mount, unsigned int number,
                         struct error *err)
{
	static const struct stat like = {.st_mode = 0755};
	char name[16];

	(void)snprintf(name, sizeof(name), "m/%u", number);

	int r = scratch_directory(&run->scratch, run->scratch.fd, name, &like, err);
	scoped_fd fd = r < 0 ? r : overlay_open_layers(mount->options, mount->option_count, err);

	if (fd < 0)
		return r < 0 ? r : error_wrap(err, "%s", mount->target);
	if (move_mount(fd, "", run->scratch.fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount %s", name);
	mount->type = "bind";
	mount->source = arena_format(&run->view.arena, "%s/%s", run->scratch.path, name);
	mount->option_count = 0;
	mount->options[mount->option_count++] = "bind";
	mount->options[mount->option_count++] = "nosuid";
	mount->options[mount->option_count++] = "nodev";
	return mount->source ? 0 : error_code(err, ENOMEM, "list of mounts");
}

static int mount_overlays(struct run *run, struct error *err)
{
	static const struct stat like = {.st_mode = 0711};
	int r = scratch_directory(&run->scratch, run->scratch.fd, "m", &like, err);
	unsigned int number = 0;

	for (size_t i = 0; r == 0 && i < run->view.mount_count; i++)
		if (str_equal(run->view.mounts[i].type, "overlay"))
			r = mount_overlay(run, &run->view.mounts[i], number++, err);
	return r;
}

/* Templates are the memory of others. */
static int hide_store(struct run *run, struct error *err)
{
	char *path = arena_strdup(&run->view.arena, run->warm.disk.path);

	/* It is STORE/templates/NAME. */
	for (int i = 0; path && i < 2; i++)
		*strrchr(path, '/') = '\0';
	for (size_t i = 0; path && i < run->view.hidden_count; i++)
		if (view_is_below(path, run->view.hidden[i]))
			return 0;
	return view_hide(&run->view, path, err);
}

int warm_shape(struct run *run, struct error *err)
{
	int r = 0;

	if (run->scratch.rootless)
		return error_set(err, EPERM, "a template needs all rights of root");
	if (landlock_version() > 0)
		r = view_note(&run->view,
		              "the processes of the template are without Landlock: only the "
		              "command has it",
		              err);
	if (r == 0)
		r = hide_store(run, err);
	if (r == 0)
		r = add_init(run, err);
	if (r == 0 && run->options->template)
		r = warm_start_fill(run, err);
	return r < 0 ? r : mount_overlays(run, err);
}

/* --- Running --- */

int warm_launch(struct run *run, const struct create_options *create, struct launch **ret,
                struct error *err)
{
	return run->options->template ? warm_start_launch(run, create, ret, err)
	                              : warm_save_launch(run, create, ret, err);
}

void warm_set_subject(const struct run *run, struct watch_subject *subject)
{
	subject->status_fd = run->warm.control;
	subject->stays = run->options->save_template != NULL;
	if (run->options->template)
		subject->program = run->warm.command;
}

void warm_write(struct json_writer *writer, const char *key, const struct warm *warm,
                const struct sandbox_options *options)
{
	if (!warm_is_asked(options))
		return;
	json_writer_object(writer, key);
	json_writer_string(writer, "name",
	                   options->template ? options->template : options->save_template);
	if (options->template)
		json_writer_unsigned(writer, "restoreMicroseconds", warm->restore_us);
	json_writer_end(writer);
}
