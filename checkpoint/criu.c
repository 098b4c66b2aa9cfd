/* What is said to CRIU: requests, answers, the steps that it reports in between. */
#include "checkpoint/criu.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/str.h"
#include "checkpoint/explain.h"
#include "checkpoint/protobuf.h"

/* Numbers of CRIU's images/rpc.proto. */
enum request_type {
	TYPE_DUMP = 1,
	TYPE_RESTORE = 2,
	TYPE_NOTIFY = 6,
	TYPE_FEATURE_CHECK = 9,
	TYPE_VERSION = 10,
	TYPE_SINGLE_PRE_DUMP = 13,
};
enum request_field {
	REQ_TYPE = 1,
	REQ_OPTS = 2,
	REQ_NOTIFY_SUCCESS = 3,
	REQ_KEEP_OPEN = 4,
	REQ_FEATURES = 5
};
enum response_field {
	RESP_TYPE = 1,
	RESP_SUCCESS = 2,
	RESP_RESTORE = 4,
	RESP_NOTIFY = 5,
	RESP_ERRNO = 7,
	RESP_FEATURES = 8,
	RESP_ERRMSG = 9,
	RESP_VERSION = 10,
};
enum option_field {
	OPT_IMAGES_FD = 1,
	OPT_PID = 2,
	OPT_LEAVE_RUNNING = 3,
	OPT_EXT_UNIX_SK = 4,
	OPT_TCP_ESTABLISHED = 5,
	OPT_EVASIVE_DEVICES = 6,
	OPT_SHELL_JOB = 7,
	OPT_FILE_LOCKS = 8,
	OPT_LOG_LEVEL = 9,
	OPT_LOG_FILE = 10,
	OPT_PAGE_SERVER = 11,
	OPT_NOTIFY_SCRIPTS = 12,
	OPT_ROOT = 13,
	OPT_PARENT_IMG = 14,
	OPT_TRACK_MEM = 15,
	OPT_AUTO_DEDUP = 16,
	OPT_WORK_FD = 17,
	OPT_LINK_REMAP = 18,
	OPT_RST_SIBLING = 26,
	OPT_INHERIT_FD = 27,
	OPT_EXT_MASTERS = 30,
	OPT_MANAGE_CGROUPS_MODE = 34,
	OPT_GHOST_LIMIT = 35,
	OPT_EXTERNAL = 37,
	OPT_EMPTY_NS = 38,
	OPT_FREEZE_CGROUP = 44,
	OPT_TCP_SKIP_IN_FLIGHT = 46,
	OPT_LAZY_PAGES = 48,
	OPT_ORPHAN_PTS_MASTER = 50,
	OPT_CONFIG_FILE = 51,
	OPT_TCP_CLOSE = 52,
	OPT_LSM_PROFILE = 53,
	OPT_LSM_MOUNT_CONTEXT = 63,
	OPT_NETWORK_LOCK = 64,
};
enum { CG_MODE_IGNORE = 0, LOG_LEVEL_CRIU = 3, MESSAGE_LIMIT = 1024 * 1024 };
/* --- Messages --- */

struct response {
	uint64_t type;
	bool success;
	int code;
	char message[512];
	struct protobuf_field restore, notify, features, version;
	char *data;
	int fd; /* that came with it; −1: none */
};
#define RESPONSE_NONE                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

static void response_done(struct response *response)
{
	free(response->data);
	fd_close(&response->fd);
}
#define scoped_response scoped(response_done) struct response

static int send_message(const struct criu *criu, const struct strbuf *message, struct error *err)
{
	if (message->failed)
		return error_code(err, ENOMEM, "request to criu");
	if (send(criu->socket, message->data, message->length, MSG_NOSIGNAL) < 0)
		return error_errno(err, "request to criu");
	return 0;
}

static int parse_response(struct response *ret, size_t size, struct error *err)
{
	struct protobuf_reader reader = {(const unsigned char *)ret->data, size};
	struct protobuf_field field;
	int r;

	while ((r = protobuf_next(&reader, &field)) > 0) {
		if (field.number == RESP_TYPE)
			ret->type = field.value;
		else if (field.number == RESP_SUCCESS)
			ret->success = field.value != 0;
		else if (field.number == RESP_ERRNO)
			ret->code = (int)(int64_t)field.value;
		else if (field.number == RESP_ERRMSG && field.data)
			(void)snprintf(ret->message, sizeof(ret->message), "%.*s",
			               (int)(field.size > 400 ? 400 : field.size),
			               (const char *)field.data);
		else if (field.number == RESP_RESTORE)
			ret->restore = field;
		else if (field.number == RESP_NOTIFY)
			ret->notify = field;
		else if (field.number == RESP_FEATURES)
			ret->features = field;
		else if (field.number == RESP_VERSION)
			ret->version = field;
	}
	return r < 0 ? error_set(err, EPROTO, "criu: answer is broken") : 0;
}

static ssize_t receive_with_fd(int socket, void *data, size_t size, int *ret_fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {data, size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = count < 0 ? NULL : CMSG_FIRSTHDR(&message);

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
	return count;
}

/*
 * In the last steps of a restore CRIU waits for its processes without an eye on whether they live. If one is killed it
 * waits for ever; what it still says of itself it says soon. 1: nothing will come.
 */
static int await_answer(const struct criu *criu, struct error *err)
{
	enum { LAST_WORDS_MS = 2000 };
	struct pollfd ready[] = {{criu->socket, POLLIN, 0}, {criu->watched, POLLIN, 0}};

	if (criu->watched < 0)
		return 0;
	while (poll(ready, 2, -1) < 0)
		if (errno != EINTR)
			return error_errno(err, "answer of criu");
	return !ready[0].revents && poll(ready, 1, LAST_WORDS_MS) == 0;
}

static int receive(const struct criu *criu, struct response *ret, struct error *err)
{
	int r = await_answer(criu, err);

	if (r != 0)
		return r;

	/* For SOCK_SEQPACKET the size of the whole packet, however small the buffer. */
	ssize_t size = recv(criu->socket, NULL, 0, MSG_PEEK | MSG_TRUNC);

	if (size < 0)
		return error_errno(err, "answer of criu");
	if (size == 0)
		return error_set(err, EPIPE, "criu ended without an answer");
	if (size > MESSAGE_LIMIT)
		return error_set(err, EPROTO, "criu: answer is too long");
	ret->data = malloc((size_t)size);
	if (!ret->data)
		return error_code(err, ENOMEM, "answer of criu");
	size = receive_with_fd(criu->socket, ret->data, (size_t)size, &ret->fd);
	if (size < 0)
		return error_errno(err, "answer of criu");
	return parse_response(ret, (size_t)size, err);
}

static uint64_t number_in(const struct protobuf_field *message, unsigned int number)
{
	struct protobuf_reader reader = {message->data, message->size};
	struct protobuf_field field;

	while (protobuf_next(&reader, &field) > 0)
		if (field.number == number && !field.data)
			return field.value;
	return 0;
}

static int ask(struct criu *criu, enum request_type type, bool features, struct response *ret,
               struct error *err)
{
	static const unsigned char wanted[] = {1 << 3, 1, 2 << 3, 1}; /* mem_track, lazy_pages */
	scoped_strbuf message = {0};

	protobuf_add_number(&message, REQ_TYPE, type);
	protobuf_add_number(&message, REQ_KEEP_OPEN, true);
	if (features)
		protobuf_add_bytes(&message, REQ_FEATURES, wanted, sizeof(wanted));

	int r = send_message(criu, &message, err);

	return r < 0 ? r : receive(criu, ret, err);
}

static int check_version(struct criu *criu, const char *program, struct error *err)
{
	scoped_response response = RESPONSE_NONE;
	int r = ask(criu, TYPE_VERSION, false, &response, err);

	if (r < 0 || !response.success || !response.version.data)
		return error_set(err, ENOEXEC,
		                 "%s does not work here (run \"criu check\" as root to see why); "
		                 "CRIU " CRIU_VERSION_MIN_TEXT " or later is needed, and "
		                 "LVM_RUN_CRIU can name another one",
		                 program);

	uint64_t major = number_in(&response.version, 1);
	uint64_t minor = number_in(&response.version, 2);
	uint64_t sublevel = number_in(&response.version, 4);

	if (major * 10000 + minor * 100 + sublevel >= CRIU_VERSION_MIN)
		return 0;
	return error_set(err, ENOTSUP,
	                 "%s is version %u.%u.%u, but CRIU " CRIU_VERSION_MIN_TEXT
	                 " or later is needed: install one, or name it in LVM_RUN_CRIU",
	                 program, (unsigned int)major, (unsigned int)minor, (unsigned int)sublevel);
}

int criu_start(struct criu *criu, const struct criu_launch *launch, struct error *err)
{
	int r = criu_spawn(criu, launch, err);

	return r < 0 ? r : check_version(criu, launch->program, err);
}

bool criu_is_usable(void)
{
	char program[PATH_MAX];
	const struct criu_launch launch = {.program = program, .cgroup_fd = -1};
	scoped_criu criu = CRIU_NONE;
	struct error ignored;

	return criu_find(program, &ignored) == 0 && criu_start(&criu, &launch, &ignored) == 0;
}

int criu_features(struct criu *criu, struct criu_features *ret, struct error *err)
{
	scoped_response response = RESPONSE_NONE;
	int r = ask(criu, TYPE_FEATURE_CHECK, true, &response, err);

	if (r < 0)
		return r;
	ret->mem_track = number_in(&response.features, 1) != 0;
	ret->lazy_pages = number_in(&response.features, 2) != 0;
	return 0;
}

/* --- Dump and restore --- */

static void add_flag(struct strbuf *message, unsigned int number, bool value)
{
	if (value)
		protobuf_add_number(message, number, true);
}

static void add_inherit(struct strbuf *message, const struct criu_inherit *inherit, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		scoped_strbuf entry = {0};

		protobuf_add_text(&entry, 1, inherit[i].key);
		protobuf_add_number(&entry, 2, CRIU_FIRST_FD + i);
		message->failed |= entry.failed;
		protobuf_add_bytes(message, OPT_INHERIT_FD, entry.data, entry.length);
	}
}

static void add_server(struct strbuf *m, const struct criu_options *o)
{
	scoped_strbuf server = {0};

	if (!o->server_port)
		return;
	protobuf_add_text(&server, 1, o->server_address);
	protobuf_add_number(&server, 2, o->server_port);
	m->failed |= server.failed;
	protobuf_add_bytes(m, OPT_PAGE_SERVER, server.data, server.length);
}

static void add_options(struct strbuf *m, const struct criu_options *o)
{
	protobuf_add_number(m, OPT_IMAGES_FD, (uint64_t)o->images_fd);
	protobuf_add_number(m, OPT_WORK_FD, (uint64_t)o->work_fd);
	protobuf_add_text(m, OPT_LOG_FILE, o->log_file);
	protobuf_add_number(m, OPT_LOG_LEVEL, LOG_LEVEL_CRIU);
	protobuf_add_number(m, OPT_NOTIFY_SCRIPTS, true);
	protobuf_add_number(m, OPT_MANAGE_CGROUPS_MODE, CG_MODE_IGNORE);
	protobuf_add_number(m, OPT_NETWORK_LOCK, (uint64_t)o->network_lock);
	protobuf_add_number(m, OPT_EXT_MASTERS, true);
	protobuf_add_number(m, OPT_EVASIVE_DEVICES, true);
	protobuf_add_text(m, OPT_FREEZE_CGROUP, o->freeze_cgroup);
	protobuf_add_text(m, OPT_ROOT, o->root);
	protobuf_add_text(m, OPT_LSM_PROFILE, o->lsm_profile);
	protobuf_add_text(m, OPT_LSM_MOUNT_CONTEXT, o->lsm_mount_context);
	if (o->pid)
		protobuf_add_number(m, OPT_PID, (uint64_t)o->pid);
	if (o->ghost_limit)
		protobuf_add_number(m, OPT_GHOST_LIMIT, o->ghost_limit);
	add_flag(m, OPT_LEAVE_RUNNING, o->leave_running);
	add_flag(m, OPT_EXT_UNIX_SK, o->ext_unix_sockets);
	add_flag(m, OPT_TCP_ESTABLISHED, o->tcp_established);
	add_flag(m, OPT_TCP_CLOSE, o->tcp_close);
	add_flag(m, OPT_TCP_SKIP_IN_FLIGHT, o->tcp_skip_in_flight);
	add_flag(m, OPT_SHELL_JOB, o->shell_job);
	add_flag(m, OPT_FILE_LOCKS, o->file_locks);
	add_flag(m, OPT_LINK_REMAP, o->link_remap);
	add_flag(m, OPT_LAZY_PAGES, o->lazy_pages);
	add_flag(m, OPT_AUTO_DEDUP, o->auto_dedup);
	add_flag(m, OPT_TRACK_MEM, o->track_mem);
	add_flag(m, OPT_ORPHAN_PTS_MASTER, true);
	if (o->empty_network)
		protobuf_add_number(m, OPT_EMPTY_NS, CLONE_NEWNET);
	protobuf_add_text(m, OPT_PARENT_IMG, o->parent);
	protobuf_add_text(m, OPT_CONFIG_FILE, o->config);
	add_server(m, o);
	for (size_t i = 0; i < o->external_count; i++)
		protobuf_add_text(m, OPT_EXTERNAL, o->external[i]);
	add_inherit(m, o->inherit, o->inherit_count);
}

static int send_request(struct criu *criu, enum request_type type,
                        const struct criu_options *options, struct error *err)
{
	scoped_strbuf opts = {0};
	scoped_strbuf message = {0};

	add_options(&opts, options);
	add_flag(&opts, OPT_RST_SIBLING, type == TYPE_RESTORE);
	protobuf_add_number(&message, REQ_TYPE, type);
	protobuf_add_bytes(&message, REQ_OPTS, opts.data, opts.length);
	message.failed |= opts.failed;
	return send_message(criu, &message, err);
}

static int answer_notify(struct criu *criu, const struct response *response, criu_notify *notify,
                         void *context, struct error *err)
{
	struct protobuf_reader reader = {response->notify.data, response->notify.size};
	struct protobuf_field field;
	scoped_strbuf message = {0};
	char step[64] = "";
	struct error ignored;

	while (protobuf_next(&reader, &field) > 0)
		if (field.number == 1 && field.data)
			(void)snprintf(step, sizeof(step), "%.*s", (int)(field.size & 63),
			               (const char *)field.data);

	int r = notify(step, (pid_t)number_in(&response->notify, 2), response->fd, context, err);

	protobuf_add_number(&message, REQ_TYPE, TYPE_NOTIFY);
	protobuf_add_number(&message, REQ_NOTIFY_SUCCESS, r >= 0);
	if (r >= 0)
		return send_message(criu, &message, err);
	(void)!send_message(criu, &message, &ignored);
	return r;
}

/* What is asked is done: steps are reported until the answer comes. */
static int converse(struct criu *criu, enum request_type type, const struct criu_options *options,
                    criu_notify *notify, void *context, pid_t *ret, struct error *err)
{
	int refused = 0;
	int r = send_request(criu, type, options, err);

	while (r >= 0) {
		scoped_response response = RESPONSE_NONE;
		struct error failure = {0};

		r = receive(criu, &response, &failure);
		if (r > 0)
			return refused < 0 ? refused : r;
		if (r < 0) {
			if (refused < 0)
				return refused;
			*err = failure;
			return explain_failure(options->work_fd, options->log_file, NULL, err);
		}
		if (response.type == TYPE_NOTIFY) {
			r = answer_notify(criu, &response, notify, context,
			                  refused < 0 ? &failure : err);
			/* CRIU rolls back and says so: its answer is still waited for. */
			if (r < 0 && refused == 0)
				refused = r;
			r = 0;
			continue;
		}
		if (refused < 0)
			return refused;
		if (response.success && response.type == (uint64_t)type) {
			if (ret)
				*ret = (pid_t)number_in(&response.restore, 1);
			return 0;
		}
		(void)error_set(err,
		                response.code > 0 && response.code < 4096 ? response.code : EIO,
		                "criu failed");
		return explain_failure(options->work_fd, options->log_file, response.message, err);
	}
	return r;
}

int criu_dump(struct criu *criu, const struct criu_options *options, criu_notify *notify,
              void *context, struct error *err)
{
	return converse(criu, TYPE_DUMP, options, notify, context, NULL, err);
}

int criu_pre_dump(struct criu *criu, const struct criu_options *options, criu_notify *notify,
                  void *context, struct error *err)
{
	return converse(criu, TYPE_SINGLE_PRE_DUMP, options, notify, context, NULL, err);
}

int criu_restore(struct criu *criu, const struct criu_options *options, criu_notify *notify,
                 void *context, pid_t *ret, struct error *err)
{
	return converse(criu, TYPE_RESTORE, options, notify, context, ret, err);
}
