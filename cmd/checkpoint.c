/* checkpoint: a running container as files. */
#include <errno.h>
#include <stdint.h>

#include "base/str.h"
#include "cmd/verbs.h"

#define CHECKPOINT(member) offsetof(struct checkpoint_arguments, member)
#define OPTION(member) offsetof(struct checkpoint_arguments, options.member)

const struct option checkpoint_options[] = {
	{"image-path", "", OPTION_TEXT, OPTION(image_path), "DIR",
         "where the images go (./checkpoint); a checkpoint that is there is replaced"},
	{"work-path", "", OPTION_TEXT, OPTION(work_path), "DIR",
         "where CRIU's log dump.log and statistics go (beside the images)"},
	{"leave-running", "R", OPTION_FLAG, OPTION(leave_running), NULL,
         "let the container run on; otherwise it is removed"},
	{"tcp-established", "", OPTION_FLAG, OPTION(tcp_established), NULL,
         "save established TCP connections"},
	{"tcp-close", "", OPTION_FLAG, OPTION(tcp_close), NULL,
         "save TCP connections as closed ones"},
	{"tcp-skip-in-flight", "", OPTION_FLAG, OPTION(tcp_skip_in_flight), NULL,
         "leave out TCP connections that are just being made"},
	{"ext-unix-sk", "", OPTION_FLAG, OPTION(ext_unix_sockets), NULL,
         "allow connections to unix sockets outside the container"},
	{"shell-job", "", OPTION_FLAG, OPTION(shell_job), NULL,
         "allow jobs of a terminal outside the container"},
	{"file-locks", "", OPTION_FLAG, OPTION(file_locks), NULL, "save file locks"},
	{"link-remap", "", OPTION_FLAG, OPTION(link_remap), NULL,
         "save open files that were deleted but have another name"},
	{"ghost-limit", "", OPTION_TEXT, CHECKPOINT(ghost_limit), "BYTES",
         "save open files that were deleted up to this size, which may end in K, M or G (1M)"},
	{"network-lock", "", OPTION_TEXT, CHECKPOINT(network_lock), "iptables|nftables|skip",
         "how packets are held back meanwhile (nftables with --tcp-established, else skip)"},
	{"manage-cgroups-mode", "", OPTION_TEXT, CHECKPOINT(cgroups_mode),
         "soft|ignore|full|strict",
         "soft and ignore: the group is made by restore, from config.json (soft); others are "
         "not supported"},
	{"pre-dump", "P", OPTION_FLAG, CHECKPOINT(pre_dump), NULL,
         "save memory only, the container runs on: not supported yet"},
	{"parent-path", "", OPTION_TEXT, CHECKPOINT(parent_path), "DIR",
         "save what has changed since that pre-dump: not supported yet"},
	{"lazy-pages", "", OPTION_FLAG, CHECKPOINT(lazy_pages), NULL, "not supported yet"},
	{"page-server", "", OPTION_TEXT, CHECKPOINT(page_server), "ADDRESS:PORT",
         "not supported yet"},
	{"status-fd", "", OPTION_TEXT, CHECKPOINT(status_fd), "FD", "not supported yet"},
	{"auto-dedup", "", OPTION_FLAG, CHECKPOINT(auto_dedup), NULL, "not supported yet"},
	{"empty-ns", "", OPTION_TEXT, CHECKPOINT(empty_ns), "network", "not supported yet"},
	{0},
};

int checkpoint_parse_lock(const char *word, enum criu_network_lock *ret)
{
	if (!word)
		return 0;
	*ret = str_equal(word, "iptables")   ? CRIU_LOCK_IPTABLES
	       : str_equal(word, "nftables") ? CRIU_LOCK_NFTABLES
	                                     : CRIU_LOCK_SKIP;
	return 0;
}

int checkpoint_refuse(const char *name, bool given, struct error *err)
{
	return given ? error_set(err, ENOTSUP, "option --%s: not supported yet", name) : 0;
}

int checkpoint_check_common(const struct checkpoint_arguments *a, struct error *err)
{
	int r = 0;

	if (r == 0)
		r = checkpoint_refuse("page-server", a->page_server, err);
	if (r == 0)
		r = checkpoint_refuse("status-fd", a->status_fd, err);
	if (r == 0)
		r = checkpoint_refuse("auto-dedup", a->auto_dedup, err);
	if (r == 0)
		r = checkpoint_refuse("empty-ns", a->empty_ns, err);
	if (r == 0 && a->cgroups_mode && !str_equal(a->cgroups_mode, "soft") &&
	    !str_equal(a->cgroups_mode, "ignore"))
		return error_set(err, ENOTSUP, "option --manage-cgroups-mode: %s is not supported",
		                 a->cgroups_mode);
	return r;
}

static int parse_size(const char *text, unsigned int *ret, struct error *err)
{
	static const char suffixes[] = "KMG";
	size_t length = text ? strlen(text) : 0;
	uint64_t number = 0;
	unsigned int shift = 0;

	if (!text)
		return 0;

	const char *suffix = length ? strchr(suffixes, text[length - 1]) : NULL;
	scoped_str digits = str_format("%.*s", (int)(suffix ? length - 1 : length), text);

	if (suffix)
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	if (!digits || parse_u64(digits, &number) < 0 || number == 0 ||
	    number > (uint64_t)UINT32_MAX >> shift)
		return error_set(err, EINVAL, "option --ghost-limit: '%s' is no size below 4G",
		                 text);
	*ret = (unsigned int)(number << shift);
	return 0;
}

int checkpoint_main(const struct call *call, struct error *err)
{
	struct checkpoint_arguments *arguments = &call->arguments->checkpoint;
	struct checkpoint_options *options = &arguments->options;
	scoped_store store = NULL;
	int r = checkpoint_check_common(arguments, err);

	if (r == 0)
		r = checkpoint_refuse("lazy-pages", arguments->lazy_pages, err);
	options->needs_mem_track = arguments->pre_dump || arguments->parent_path;
	if (r == 0)
		r = checkpoint_parse_lock(arguments->network_lock, &options->lock);
	if (r == 0)
		r = parse_size(arguments->ghost_limit, &options->ghost_limit, err);
	if (r == 0)
		r = call_open_store(call, &store, err);
	return r < 0 ? r : checkpoint_dump(store, call->words[0], options, err);
}
