/* create and run: a new container from a bundle. */
#include "cmd/verbs.h"

#define CREATE(member) offsetof(struct create_options, member)

/* The first RUN_ONLY_OPTIONS rows are run's alone, the others create's too. */
const struct option run_options[] = {
	{"detach", "d", OPTION_FLAG, CREATE(detach), NULL,
         "return when the program was started; a terminal then needs --console-socket"},
	{"keep", "", OPTION_FLAG, CREATE(keep), NULL, "do not delete the container at the end"},
	{"bundle", "b", OPTION_TEXT, CREATE(bundle), "DIR", "the bundle (the current directory)"},
	{"config", "f", OPTION_TEXT, CREATE(config), "FILE",
         "read FILE instead of config.json of the bundle"},
	{"overlay", "", OPTION_TEXT, CREATE(overlay), "DIR[:DIR...]",
         "instead of root.path: these directories, the topmost first, only read, below a writable "
         "layer in the store (see --store); a colon in a name is written \\:"},
	{"overlay-keep", "", OPTION_FLAG, CREATE(overlay_keep), NULL,
         "keep that layer and the snapshots at delete, for the next container of this id"},
	{"console-socket", "", OPTION_TEXT, CREATE(console_socket), "SOCKET",
         "send the master end of the terminal to this unix socket"},
	{"pidfd-socket", "", OPTION_TEXT, CREATE(pidfd_socket), "SOCKET",
         "send a pidfd of the container's process to this unix socket"},
	{"pid-file", "", OPTION_TEXT, CREATE(pid_file), "FILE",
         "write the process id of the container's process to FILE"},
	{"no-pivot", "", OPTION_FLAG, CREATE(no_pivot), NULL,
         "do not use pivot_root(2): for hosts that run from an initial RAM disk"},
	{"no-new-keyring", "", OPTION_FLAG, CREATE(no_new_keyring), NULL,
         "keep the caller's session keyring"},
	{"no-subreaper", "", OPTION_IGNORED, 0, NULL, "ignored: never becomes a subreaper"},
	{"preserve-fds", "", OPTION_NUMBER, CREATE(preserve_fds), "N",
         "pass N more descriptors on, from 3 and after those of $LISTEN_FDS"},
	{0},
};

static int prepare(const struct call *call, struct store **ret, struct error *err)
{
	struct create_options *options = &call->arguments->create;
	int r = call_cgroup_driver(call, &options->driver, err);

	options->id = call->words[0];
	options->store = call->global->store;
	if (r == 0 && options->overlay_keep && !options->overlay)
		return call_usage_error(call, err, "option --overlay-keep: needs --overlay");
	return r < 0 ? r : call_open_store(call, ret, err);
}

int create_main(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	int r = prepare(call, &store, err);

	return r < 0 ? r : container_create(store, &call->arguments->create, err);
}

int run_main(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	int status = 0;
	int r = prepare(call, &store, err);

	if (r >= 0)
		r = container_run(store, &call->arguments->create, &status, err);
	return r < 0 ? r : status;
}
