#include "net/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

/* A request of ours is far smaller; an answer is as large as the kernel likes to make one packet. */
enum { REQUEST_SIZE = 4096, ANSWER_SIZE = 32768, DUMP_ATTEMPTS = 8 };

struct netlink {
	struct mnl_socket *socket;
	unsigned int sequence;
	bool overflow; /* of the request */
	size_t begin;  /* where the request's own message begins; > 0: inside a batch */
	_Alignas(struct nlmsghdr) char request[REQUEST_SIZE];
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
};

void netlink_free(struct netlink **nl)
{
	if (!*nl)
		return;
	if ((*nl)->socket)
		(void)mnl_socket_close((*nl)->socket);
	free(*nl);
	*nl = NULL;
}

/* --- The socket --- */

static int open_socket(struct netlink *nl, int family, struct error *err)
{
	int on = 1;

	nl->socket = mnl_socket_open2(family, SOCK_CLOEXEC);
	if (!nl->socket)
		return error_errno(err, "netlink socket");
	if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return error_errno(err, "bind netlink socket");
	/* Reasons in words; a kernel that has none to give says so, which changes nothing. */
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

static int open_elsewhere(struct netlink *nl, int family, int netns_fd, struct error *err)
{
	scoped_fd own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0)
		return error_errno(err, "own network namespace");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return error_errno(err, "enter network namespace");
	r = open_socket(nl, family, err);
	/* Whatever came before: the rest of the process must not go on in there. */
	if (setns(own, CLONE_NEWNET) < 0)
		return error_errno(err, "return to the own network namespace");
	return r;
}

int netlink_open(int netns_fd, struct netlink **ret, struct error *err)
{
	return netlink_open_family(netns_fd, NETLINK_ROUTE, ret, err);
}

int netlink_open_family(int netns_fd, int family, struct netlink **ret, struct error *err)
{
	scoped_netlink nl = calloc(1, sizeof(*nl));
	int r;

	if (!nl)
		return error_code(err, ENOMEM, "netlink socket");
	r = netns_fd < 0 ? open_socket(nl, family, err) : open_elsewhere(nl, family, netns_fd, err);
	if (r < 0)
		return r;
	*ret = nl;
	nl = NULL;
	return 0;
}

/* --- Requests --- */

static struct nlmsghdr *request_of(struct netlink *nl)
{
	return (void *)(nl->request + nl->begin);
}

/* Room for the request's message: a batch needs its end behind it. */
static size_t capacity_of(const struct netlink *nl)
{
	return REQUEST_SIZE - (nl->begin ? nl->begin * 2 : 0);
}

/* The first or the last message of a batch of nftables; its size. */
static size_t put_batch_mark(char *at, uint16_t type)
{
	const struct nfgenmsg header = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
	struct nlmsghdr *message = mnl_nlmsg_put_header(at);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof(header)), &header, sizeof(header));
	return message->nlmsg_len;
}

/* Writes the header at nl->begin. */
static void put_message(struct netlink *nl, uint16_t type, uint16_t flags, const void *header,
                        size_t size)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(request_of(nl));

	nl->overflow = false;
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(mnl_nlmsg_put_extra_header(message, size), header, size);
}

void netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags, const void *header,
                   size_t size)
{
	nl->begin = 0;
	put_message(nl, type, flags, header, size);
}

void netlink_begin_nft(struct netlink *nl, uint16_t type, uint16_t flags, uint8_t family)
{
	const struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};

	nl->begin = put_batch_mark(nl->request, NFNL_MSG_BATCH_BEGIN);
	put_message(nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &header,
	            sizeof(header));
}

void netlink_put(struct netlink *nl, uint16_t type, const void *data, size_t size)
{
	if (!mnl_attr_put_check(request_of(nl), capacity_of(nl), type, size, data))
		nl->overflow = true;
}

void netlink_put_u32(struct netlink *nl, uint16_t type, uint32_t value)
{
	netlink_put(nl, type, &value, sizeof(value));
}

void netlink_put_text(struct netlink *nl, uint16_t type, const char *text)
{
	netlink_put(nl, type, text, strlen(text) + 1);
}

struct nlattr *netlink_nest(struct netlink *nl, uint16_t type)
{
	struct nlattr *nest = mnl_attr_nest_start_check(request_of(nl), capacity_of(nl), type);

	nl->overflow |= !nest;
	return nest;
}

void netlink_nest_end(struct netlink *nl, struct nlattr *nest)
{
	if (nest)
		mnl_attr_nest_end(request_of(nl), nest);
}

void netlink_put_header(struct netlink *nl, const void *header, size_t size)
{
	struct nlmsghdr *message = request_of(nl);
	size_t room = size;

	room += (sizeof(uint32_t) - room % sizeof(uint32_t)) % sizeof(uint32_t);
	if (message->nlmsg_len + room > capacity_of(nl)) {
		nl->overflow = true;
		return;
	}
	memset((char *)message + message->nlmsg_len, 0, room);
	memcpy((char *)message + message->nlmsg_len, header, size);
	message->nlmsg_len += (uint32_t)room;
}

/* --- Attributes --- */

/* The first of the type between two addresses; null: none. */
static const struct nlattr *find_between(const char *at, const char *end, uint16_t type,
                                         size_t least)
{
	const struct nlattr *attribute = (const void *)at;

	while (mnl_attr_ok(attribute, (int)(end - (const char *)attribute))) {
		if (mnl_attr_get_type(attribute) == type &&
		    mnl_attr_get_payload_len(attribute) >= least)
			return attribute;
		attribute = mnl_attr_next(attribute);
	}
	return NULL;
}

/* To the last byte: libmnl's own end of a message is rounded up. */
static const struct nlattr *find_attribute(const struct nlmsghdr *message, size_t header,
                                           uint16_t type, size_t least)
{
	return find_between(mnl_nlmsg_get_payload_offset(message, header),
	                    (const char *)message + message->nlmsg_len, type, least);
}

static const void *payload(const struct nlattr *attribute, size_t *ret_size)
{
	if (!attribute)
		return NULL;
	if (ret_size)
		*ret_size = mnl_attr_get_payload_len(attribute);
	return mnl_attr_get_payload(attribute);
}

const void *netlink_find(const struct nlmsghdr *message, size_t header, uint16_t type, size_t least,
                         size_t *ret_size)
{
	return payload(find_attribute(message, header, type, least), ret_size);
}

const void *netlink_find_nested(const void *nest, size_t nest_size, uint16_t type, size_t least,
                                size_t *ret_size)
{
	const char *begin = nest;

	return payload(find_between(begin, begin + nest_size, type, least), ret_size);
}

uint32_t netlink_find_u32(const struct nlmsghdr *message, size_t header, uint16_t type,
                          uint32_t fallback)
{
	const void *data = netlink_find(message, header, type, sizeof(uint32_t), NULL);
	uint32_t value = fallback;

	if (data)
		memcpy(&value, data, sizeof(value));
	return value;
}

const void *netlink_header(const struct nlmsghdr *message, size_t header)
{
	return mnl_nlmsg_get_payload_len(message) >= header ? mnl_nlmsg_get_payload(message) : NULL;
}

/* --- Answers --- */

struct listener {
	netlink_answer *answer;
	void *context;
	const char *what;
	struct error *err;
	int result;       /* of `answer`, or what the kernel said */
	bool done;        /* it has said all */
	bool interrupted; /* a dump that is not whole */
};

/* The text that newer kernels add to a refusal. */
static const char *find_reason(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	size_t offset = sizeof(*error);
	const struct nlattr *attribute;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	/* The request stands between, unless it was left out. */
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		offset += mnl_nlmsg_get_payload_len(&error->msg);
	attribute = find_attribute(message, offset, NLMSGERR_ATTR_MSG, 1);
	return attribute && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0
	               ? mnl_attr_get_str(attribute)
	               : NULL;
}

static int take_error(const struct nlmsghdr *message, const struct listener *listener)
{
	const struct nlmsgerr *error = netlink_header(message, sizeof(*error));
	const char *reason;

	if (!error)
		return error_code(listener->err, EBADMSG, "%s", listener->what);
	if (error->error == 0)
		return listener->result;
	reason = find_reason(message);
	if (!reason)
		return error_code(listener->err, -error->error, "%s", listener->what);
	return error_set(listener->err, -error->error, "%s: %s (%s)", listener->what,
	                 error_describe(-error->error), reason);
}

static void take_message(const struct nlmsghdr *message, struct listener *listener)
{
	int r;

	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		listener->interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR) {
		listener->result = take_error(message, listener);
		listener->done = true;
	} else if (message->nlmsg_type == NLMSG_DONE) {
		listener->done = true;
	} else if (message->nlmsg_type >= NLMSG_MIN_TYPE && listener->answer &&
	           listener->result == 0) {
		r = listener->answer(message, listener->context);
		if (r < 0)
			listener->result = error_code(listener->err, -r, "%s", listener->what);
	}
}

static void take_packet(const struct netlink *nl, size_t size, struct listener *listener)
{
	const struct nlmsghdr *message = (const void *)nl->answer;
	int left = (int)size;

	for (; mnl_nlmsg_ok(message, left) && !listener->done;
	     message = mnl_nlmsg_next(message, &left)) {
		if (mnl_nlmsg_seq_ok(message, nl->sequence) &&
		    mnl_nlmsg_portid_ok(message, mnl_socket_get_portid(nl->socket)))
			take_message(message, listener);
	}
}

/* One packet of the kernel; 0: it is from somebody else, who may write to us with CAP_NET_ADMIN. */
static ssize_t receive(struct netlink *nl)
{
	struct sockaddr_nl from = {0};
	struct iovec part = {.iov_base = nl->answer, .iov_len = sizeof(nl->answer)};
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t size = recvmsg(mnl_socket_get_fd(nl->socket), &message, 0);

	if (size >= 0 && message.msg_flags & MSG_TRUNC) {
		errno = ENOSPC;
		return -1;
	}
	return from.nl_pid == 0 ? size : 0;
}

static int listen_to_end(struct netlink *nl, struct listener *listener)
{
	while (!listener->done) {
		ssize_t size = receive(nl);

		if (size < 0 && errno != EINTR)
			return error_errno(listener->err, "%s: netlink", listener->what);
		if (size > 0)
			take_packet(nl, (size_t)size, listener);
	}
	return listener->result;
}

static int send_request(struct netlink *nl, const char *what, struct error *err)
{
	struct nlmsghdr *message = request_of(nl);

	if (nl->overflow)
		return error_code(err, EMSGSIZE, "%s", what);
	message->nlmsg_seq = ++nl->sequence;

	size_t length = nl->begin + message->nlmsg_len;

	/* One number for the whole batch: what is wrong with its frame is an answer to us too. */
	if (nl->begin) {
		struct nlmsghdr *end = (void *)(nl->request + length);

		length += put_batch_mark(nl->request + length, NFNL_MSG_BATCH_END);
		end->nlmsg_seq = nl->sequence;
		((struct nlmsghdr *)(void *)nl->request)->nlmsg_seq = nl->sequence;
	}
	if (mnl_socket_sendto(nl->socket, nl->request, length) < 0)
		return error_errno(err, "%s: netlink", what);
	return 0;
}

int netlink_ask(struct netlink *nl, const char *what, netlink_answer *answer,
                netlink_restart *restart, void *context, struct error *err)
{
	struct nlmsghdr *message = request_of(nl);

	/* A dump ends by itself; anything else is told of by an acknowledgement, after its answer. */
	if ((message->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		message->nlmsg_flags |= NLM_F_ACK;
	for (int attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		struct listener listener = {
			.answer = answer, .context = context, .what = what, .err = err};
		int r = send_request(nl, what, err);

		if (r == 0)
			r = listen_to_end(nl, &listener);
		if (r < 0 || !listener.interrupted)
			return r;
		if (restart)
			restart(context);
	}
	return error_set(err, EAGAIN, "%s: it changes all the time", what);
}

int netlink_talk(struct netlink *nl, const char *what, struct error *err)
{
	return netlink_ask(nl, what, NULL, NULL, NULL, err);
}
