/* checkpoint: a running container as files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/units.h"
#include "cmd/verbs.h"
#include "spec/writer.h"

#define CHECKPOINT(member) offsetof(struct checkpoint_arguments, member)
#define OPTION(member) offsetof(struct checkpoint_arguments, options.member)

const struct option checkpoint_options[] = {
	{"image-path", "", OPTION_TEXT, OPTION(image_path), "DIR",
         "where the images go (./checkpoint); a checkpoint that is there is replaced"},
	{"work-path", "", OPTION_TEXT, OPTION(work_path), "DIR",
         "where CRIU's log dump.log and statistics go (beside the images)"},
	{"leave-running", "R", OPTION_FLAG, OPTION(leave_running), NULL,
         "let the container run on; otherwise it is removed"},
	{"key", "", OPTION_TEXT, OPTION(key_path), "FILE",
         "sign the images with the bytes of FILE (HMAC), which restore --key then checks"},
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
         "save the control groups that it has made below its own (soft), or not (ignore), or also "
         "the limits of its own (full, strict)"},
	{"pre-dump", "P", OPTION_FLAG, OPTION(pre_dump), NULL,
         "save memory alone; the container runs on, and a checkpoint with --parent-path saves the "
         "rest"},
	{"parent-path", "", OPTION_TEXT, OPTION(parent_path), "DIR",
         "save memory only where it has changed since the last pre-dump or checkpoint with a "
         "parent, "
         "which is in DIR, relative to the image path"},
	{"auto-dedup", "", OPTION_FLAG, OPTION(auto_dedup), NULL,
         "give up memory in the parent's images that is saved once more"},
	{"lazy-pages", "", OPTION_FLAG, OPTION(lazy_pages), NULL,
         "keep the memory here and offer it at --page-server until a restore has fetched it"},
	{"page-server", "", OPTION_TEXT, CHECKPOINT(page_server), "ADDRESS:PORT",
         "send the memory there (criu page-server) instead of to files; with --lazy-pages offer it "
         "there"},
	{"status-fd", "", OPTION_TEXT, CHECKPOINT(status_fd), "FD",
         "write a zero byte to FD once --lazy-pages offers the memory"},
	{"sync", "", OPTION_FLAG, OPTION(sync), NULL,
         "write all of it to the disk before the processes end and the command says done; "
         "without it that is left to the kernel, and a loss of power may take the checkpoint"},
	{"stop-exec", "", OPTION_FLAG, OPTION(stop_exec), NULL,
         "end the processes that exec has started, which cannot be saved"},
	{"format", "", OPTION_TEXT, CHECKPOINT(format), "table|json",
         "what to print (table, and that on a terminal alone: engines read nothing)"},
	{"empty-ns", "", OPTION_TEXT, CHECKPOINT(empty_ns), "network",
         "changes nothing: of the network namespace nothing is ever saved but its being there"},
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

/* The address may be an IPv6 one in brackets. */
static int parse_server(struct checkpoint_arguments *a, struct error *err)
{
	enum { PORT_MAX = 65535 };
	struct checkpoint_options *options = &a->options;
	char *colon = a->page_server ? strrchr(a->page_server, ':') : NULL;
	int port = 0;

	if (!a->page_server)
		return 0;
	if (!colon || colon == a->page_server || parse_int(colon + 1, 1, PORT_MAX, &port) < 0)
		return error_set(err, EINVAL, "option --page-server: '%s' is not ADDRESS:PORT",
		                 a->page_server);
	*colon = '\0';
	options->server_address = a->page_server;
	options->server_port = (unsigned int)port;
	if (a->page_server[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		options->server_address++;
	}
	return 0;
}

static enum checkpoint_cgroups parse_cgroups(const char *word)
{
	if (!word || str_equal(word, "soft"))
		return CHECKPOINT_CGROUPS_SOFT;
	return str_equal(word, "ignore") ? CHECKPOINT_CGROUPS_IGNORE
	       : str_equal(word, "full") ? CHECKPOINT_CGROUPS_FULL
	                                 : CHECKPOINT_CGROUPS_STRICT;
}

int checkpoint_check_common(struct checkpoint_arguments *a, struct error *err)
{
	int r = parse_server(a, err);

	if (r < 0)
		return r;
	a->options.cgroups = parse_cgroups(a->cgroups_mode);
	if (a->status_fd && parse_int(a->status_fd, 3, INT_MAX, &a->options.status_fd) < 0)
		return error_set(err, EINVAL, "option --status-fd: '%s' is no descriptor",
		                 a->status_fd);
	if (a->status_fd && fcntl(a->options.status_fd, F_GETFD) < 0)
		return error_errno(err, "option --status-fd: %s", a->status_fd);
	return 0;
}

/* Options of a checkpoint that make no sense without or with each other. */
static int check_dump(const struct checkpoint_options *o, struct error *err)
{
	if (o->lazy_pages && !o->server_port)
		return error_set(err, EINVAL,
		                 "option --lazy-pages: --page-server ADDRESS:PORT must say where "
		                 "the memory is offered");
	if (o->lazy_pages && (o->pre_dump || o->leave_running))
		return error_set(err, EINVAL, "option --lazy-pages: not with --%s",
		                 o->pre_dump ? "pre-dump" : "leave-running");
	if (o->parent_path && o->parent_path[0] == '/')
		return error_set(err, EINVAL,
		                 "option --parent-path: %s is absolute: it is relative to the "
		                 "image path, so that both can be moved",
		                 o->parent_path);
	return 0;
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

/* `us`: how long its processes stood still that run on now; 0: they do not. */
static int print_result(const struct call *call, uint64_t us, struct error *err)
{
	const char *format = call->arguments->checkpoint.format;
	const char *path = call->arguments->checkpoint.options.image_path;
	scoped_strbuf text = {0};
	char time[UNITS_MS_SIZE];

	if (str_equal(format, "json")) {
		struct json_writer w = {.indented = true};

		json_writer_object(&w, NULL);
		json_writer_string(&w, "id", call->words[0]);
		json_writer_string(&w, "imagePath", path ? path : "checkpoint");
		json_writer_unsigned(&w, "frozenMicroseconds", us);
		json_writer_end(&w);

		scoped_str json = json_writer_take(&w);

		return json ? output_text(json, err) : error_code(err, ENOMEM, "output");
	}
	if (!format && !isatty(STDOUT_FILENO))
		return 0;
	strbuf_addf(&text, "%s: saved%s%s\n", call->words[0],
	            us ? "; processes stood still for " : "", us ? units_format_ms(us, time) : "");
	return output_buffer(&text, err);
}

int checkpoint_main(const struct call *call, struct error *err)
{
	struct checkpoint_arguments *arguments = &call->arguments->checkpoint;
	struct checkpoint_options *options = &arguments->options;
	scoped_store store = NULL;
	int64_t frozen_ns = 0, thawed_ns = 0;
	int r = checkpoint_check_common(arguments, err);

	options->ret_frozen_ns = &frozen_ns;
	options->ret_thawed_ns = &thawed_ns;
	if (r == 0)
		r = check_dump(options, err);
	if (r == 0)
		r = checkpoint_parse_lock(arguments->network_lock, &options->lock);
	if (r == 0)
		r = parse_size(arguments->ghost_limit, &options->ghost_limit, err);
	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r == 0)
		r = checkpoint_dump(store, call->words[0], options, err);
	return r < 0 ? r
	             : print_result(call, thawed_ns ? (uint64_t)(thawed_ns - frozen_ns) / 1000 : 0,
	                            err);
}
