#include "sandbox/auditor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pidfd.h"
#include "base/process.h"
#include "base/sys.h"
#include "security/seccomp_bpf.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* A later kernel may write more than it does today. */
union notification {
	struct seccomp_notif call;
	char space[512];
};
union reply {
	struct seccomp_notif_resp answer;
	char space[512];
};

/* The C libraries do not agree on the type of a request, whose highest bits are used. */
static long control(int listener, unsigned long request, void *data)
{
	return syscall(SYS_ioctl, listener, request, data);
}

/* Connections of launches that failed bring nothing. The state that comes along is left in the socket. */
static int take_listener(int server)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char text;
	int listener = -1;

	while (listener < 0) {
		int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		struct iovec part = {.iov_base = &text, .iov_len = 1};
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};

		if (fd < 0)
			return -1;
		if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) > 0 && CMSG_FIRSTHDR(&message))
			memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(listener));
		else
			(void)close(fd);
	}
	return listener;
}

static struct audit_entry *find_entry(struct audit_table *table, const struct seccomp_data *data,
                                      uint32_t answer)
{
	struct audit_entry *entry = table->entries;

	for (; entry < table->entries + table->count; entry++)
		if (entry->architecture == data->arch && entry->number == (uint32_t)data->nr &&
		    entry->answer == answer)
			return entry;
	if (table->count == AUDIT_ENTRIES)
		return NULL;
	table->count++;
	entry->architecture = data->arch;
	entry->number = (uint32_t)data->nr;
	entry->answer = answer;
	return entry;
}

static void note_program(struct audit_entry *entry, int process)
{
	char name[AUDIT_PROGRAM_SIZE + 1] = "";
	scoped_fd fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, name, sizeof(name) - 1) <= 0)
		return;
	name[strcspn(name, "\n")] = '\0';
	name[AUDIT_PROGRAM_SIZE - 1] = '\0';
	for (size_t i = 0; i < AUDIT_PROGRAMS; i++) {
		if (!entry->programs[i][0])
			memcpy(entry->programs[i], name, AUDIT_PROGRAM_SIZE);
		if (str_equal(entry->programs[i], name))
			return;
	}
}

/* Whose call it is stands still until it is answered, unless it is killed; then the number is checked. */
static void note_denial(const struct auditor *a, const struct seccomp_notif *call, uint32_t answer)
{
	enum { LOOKS = 1000 }; /* at names: a flood of calls costs no more than it must */
	struct audit_entry *entry = find_entry(a->table, &call->data, answer);
	const bool deadly = auditor_is_deadly(answer);
	char name[16];

	a->table->denied++;
	if (entry)
		entry->count++;
	a->table->killed += deadly;
	if (!deadly && (!entry || entry->count > LOOKS || entry->programs[AUDIT_PROGRAMS - 1][0]))
		return;
	(void)snprintf(name, sizeof(name), "%u", call->pid);

	scoped_fd process = openat(a->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (process < 0 ||
	    control(a->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, (void *)(uintptr_t)&call->id) < 0)
		return;
	if (entry)
		note_program(entry, process);
	if (deadly)
		(void)pidfd_send_signal(process, SIGSYS, NULL, 0);
}

static void decide(const struct auditor *a, const struct seccomp_notif *call,
                   struct seccomp_notif_resp *ret)
{
	const uint32_t answer = seccomp_bpf_answer(a->program, &call->data);

	ret->id = call->id;
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		if (call->data.arch == a->native && (uint32_t)call->data.nr < AUDIT_NUMBERS)
			a->table->made[call->data.nr] = true;
		ret->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return;
	case SECCOMP_RET_ERRNO:
		note_denial(a, call, answer);
		ret->error = -(int)(answer & SECCOMP_RET_DATA);
		return;
	default:
		note_denial(a, call, answer);
		ret->error = -ENOSYS;
	}
}

/* ENOENT is the caller's death, or, without end, that of the last one. */
static bool is_over(int listener)
{
	struct pollfd fd = {.fd = listener, .events = POLLIN};

	return poll(&fd, 1, 0) > 0 && fd.revents & POLLHUP;
}

static int answer_calls(const struct auditor *a)
{
	for (;;) {
		union notification notification;
		union reply reply;

		memset(&notification, 0, sizeof(notification));
		memset(&reply, 0, sizeof(reply));
		if (control(a->listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0) {
			if (errno == ENOENT && is_over(a->listener))
				return 0;
			if (errno == ENOENT || errno == EINTR)
				continue;
			return 1;
		}
		decide(a, &notification.call, &reply.answer);
		if (control(a->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) < 0 && errno != ENOENT &&
		    errno != EINPROGRESS)
			return 1;
	}
}

/* Keeps what he needs and nothing else: no end of a pipe stays open because of him. */
static int keep_fds(struct auditor *a, int *server)
{
	int *const kept[] = {server, &a->scratch, &a->proc};

	for (int i = 0; i < (int)ARRAY_SIZE(kept); i++) {
		int fd = fcntl(*kept[i], F_DUPFD, (int)ARRAY_SIZE(kept));

		if (fd < 0)
			return -1;
		*kept[i] = fd;
	}
	for (int i = 0; i < (int)ARRAY_SIZE(kept); i++)
		if (dup2(*kept[i], i) < 0)
			return -1;
		else
			*kept[i] = i;
	return close_range(ARRAY_SIZE(kept), ~0U, 0);
}

_Noreturn void auditor_main(struct auditor *a, int server, pid_t parent)
{
	const uintptr_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
	sigset_t all;

	process_all_signals(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != parent || keep_fds(a, &server) < 0)
		_exit(1);
	a->listener = take_listener(server);
	if (a->listener < 0)
		_exit(1);
	(void)unlinkat(a->scratch, AUDITOR_SOCKET_NAME, 0);
	/* Faster where the kernel knows it (6.6). */
	(void)control(a->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, (void *)flags);
	_exit(answer_calls(a));
}

bool auditor_is_deadly(uint32_t answer)
{
	const uint32_t action = answer & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_KILL_THREAD || action == SECCOMP_RET_KILL_PROCESS ||
	       action == SECCOMP_RET_TRAP;
}
