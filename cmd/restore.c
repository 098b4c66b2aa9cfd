/* restore: a new container from the files of a checkpoint. */
#include <errno.h>

#include "cmd/verbs.h"

#define RESTORE(member) offsetof(struct checkpoint_arguments, member)
#define OPTION(member) offsetof(struct checkpoint_arguments, options.member)
#define CREATE(member) offsetof(struct checkpoint_arguments, create.member)

const struct option restore_options[] = {
	{"image-path", "", OPTION_TEXT, OPTION(image_path), "DIR",
         "the directory that checkpoint wrote (./checkpoint)"},
	{"work-path", "", OPTION_TEXT, OPTION(work_path), "DIR",
         "where CRIU's log restore.log and statistics go (without it the log of a failure "
         "stays beside the images)"},
	{"bundle", "b", OPTION_TEXT, CREATE(bundle), "DIR", "the bundle (the current directory)"},
	{"config", "f", OPTION_TEXT, CREATE(config), "FILE",
         "read FILE instead of config.json of the bundle"},
	{"detach", "d", OPTION_FLAG, CREATE(detach), NULL, "return when the program runs again"},
	{"pid-file", "", OPTION_TEXT, CREATE(pid_file), "FILE",
         "write the process id of the container's process to FILE"},
	{"key", "", OPTION_TEXT, OPTION(key_path), "FILE",
         "refuse images that were not signed with the bytes of FILE"},
	{"tcp-established", "", OPTION_FLAG, OPTION(tcp_established), NULL,
         "restore established TCP connections"},
	{"tcp-close", "", OPTION_FLAG, OPTION(tcp_close), NULL,
         "restore TCP connections as closed ones"},
	{"ext-unix-sk", "", OPTION_FLAG, OPTION(ext_unix_sockets), NULL,
         "allow connections to unix sockets outside the container"},
	{"shell-job", "", OPTION_FLAG, OPTION(shell_job), NULL,
         "allow jobs of a terminal outside the container"},
	{"file-locks", "", OPTION_FLAG, OPTION(file_locks), NULL, "restore file locks"},
	{"link-remap", "", OPTION_FLAG, OPTION(link_remap), NULL,
         "ignored: what checkpoint --link-remap saved is restored in any case"},
	{"network-lock", "", OPTION_TEXT, RESTORE(network_lock), "iptables|nftables|skip",
         "how packets were held back at the checkpoint"},
	{"manage-cgroups-mode", "", OPTION_TEXT, RESTORE(cgroups_mode), "soft|ignore|full|strict",
         "make the control groups below its own again (soft), or not (ignore), with the limits of "
         "its own as they were instead of config.json's (full); strict: its own must not be there"},
	{"lsm-profile", "", OPTION_TEXT, OPTION(lsm_profile), "TYPE:NAME",
         "another AppArmor profile or SELinux label than the saved one"},
	{"lsm-mount-context", "", OPTION_TEXT, OPTION(lsm_mount_context), "CONTEXT",
         "another SELinux context for mounts than the saved one"},
	{"no-pivot", "", OPTION_IGNORED, 0, NULL, "ignored: the root is entered by CRIU"},
	{"no-subreaper", "", OPTION_IGNORED, 0, NULL, "ignored: never becomes a subreaper"},
	{"no-new-keyring", "", OPTION_IGNORED, 0, NULL,
         "ignored: keyrings are not part of a checkpoint"},
	{"preserve-fds", "", OPTION_IGNORED, 0, "N",
         "ignored: the program has the descriptors of the checkpoint"},
	{"console-socket", "", OPTION_TEXT, CREATE(console_socket), "SOCKET",
         "send the terminal's other end to the listening unix socket SOCKET"},
	{"lazy-pages", "", OPTION_FLAG, OPTION(lazy_pages), NULL,
         "let the program run at once: its memory comes when it touches it, and all of it soon; "
         "the images "
         "must stay until then"},
	{"page-server", "", OPTION_TEXT, RESTORE(page_server), "ADDRESS:PORT",
         "with --lazy-pages: fetch the memory from a checkpoint --lazy-pages there"},
	{"auto-dedup", "", OPTION_FLAG, OPTION(auto_dedup), NULL,
         "give up memory in the images once it is read: they are of no more use then"},
	{"empty-ns", "", OPTION_TEXT, RESTORE(empty_ns), "network",
         "changes nothing: a new network namespace has nothing but lo"},
	{0},
};

int restore_main(const struct call *call, struct error *err)
{
	struct checkpoint_arguments *arguments = &call->arguments->checkpoint;
	struct create_options *create = &arguments->create;
	scoped_store store = NULL;
	int status = 0;
	int r = checkpoint_check_common(arguments, err);

	create->id = call->words[0];
	if (r == 0 && arguments->page_server && !arguments->options.lazy_pages)
		r = error_set(err, EINVAL, "option --page-server: only with --lazy-pages");
	if (r == 0)
		r = checkpoint_parse_lock(arguments->network_lock, &arguments->options.lock);
	if (r == 0)
		r = call_cgroup_driver(call, &create->driver, err);
	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r == 0)
		r = checkpoint_restore(store, create, &arguments->options, &status, err);
	return r < 0 ? r : status;
}
