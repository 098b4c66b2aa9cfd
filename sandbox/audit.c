#include "sandbox/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pidfd.h"
#include "base/process.h"
#include "base/sys.h"
#include "security/seccomp.h"
#include "security/seccomp_bpf.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

static const char socket_name[] = "audit";

/* A later kernel may write more than it does today. */
union notification {
	struct seccomp_notif call;
	char space[512];
};
union reply {
	struct seccomp_notif_resp answer;
	char space[512];
};

/* --- The auditor --- */

/* The C libraries do not agree on the type of a request, whose highest bits are used. */
static long control(int listener, unsigned long request, void *data)
{
	return syscall(SYS_ioctl, listener, request, data);
}

struct auditor {
	struct audit_table *table;
	const struct seccomp_program *program; /* what the filter would have answered */
	uint32_t native;
	int scratch, proc; /* directories */
	int listener;
};

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

static bool is_deadly(uint32_t answer)
{
	const uint32_t action = answer & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_KILL_THREAD || action == SECCOMP_RET_KILL_PROCESS ||
	       action == SECCOMP_RET_TRAP;
}

/* Whose call it is stands still until it is answered, unless it is killed; then the number is checked. */
static void note_denial(const struct auditor *a, const struct seccomp_notif *call, uint32_t answer)
{
	enum { LOOKS = 1000 }; /* at names: a flood of calls costs no more than it must */
	struct audit_entry *entry = find_entry(a->table, &call->data, answer);
	const bool deadly = is_deadly(answer);
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

static _Noreturn void be_auditor(struct auditor *a, int server, pid_t parent)
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
	(void)unlinkat(a->scratch, socket_name, 0);
	/* Faster where the kernel knows it (6.6). */
	(void)control(a->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, (void *)flags);
	_exit(answer_calls(a));
}

/* --- Out here --- */

/* A socket below the scratch; its path may be longer than an address. */
static int make_server(const struct scratch *scratch, struct error *err)
{
	scoped_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[FD_PATH_SIZE];

	if (fd < 0)
		return error_errno(err, "audit: socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	               fd_path(scratch->fd, directory), socket_name);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0)
		return error_errno(err, "audit: socket");
	return fd_take(&fd);
}

/* Before the profile is changed: this is what it says itself. */
static int start_auditor(struct audit *audit, const struct scratch *scratch,
                         const struct spec_seccomp *profile, struct error *err)
{
	scoped_seccomp_program program = {0};
	scoped_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd server = make_server(scratch, err);
	struct auditor auditor = {
		.table = audit->table,
		.program = &program,
		.native = seccomp_native_architecture(),
		.scratch = scratch->fd,
		.proc = proc,
	};
	const pid_t parent = getpid();

	if (server < 0)
		return server;
	if (proc < 0)
		return error_errno(err, "audit: /proc");

	int r = seccomp_load_program(profile, -1, &program, err);

	if (r < 0)
		return r;
	audit->auditor = fork();
	if (audit->auditor < 0)
		return error_errno(err, "audit: fork");
	if (audit->auditor == 0)
		be_auditor(&auditor, server, parent);
	return 0;
}

int audit_start(struct audit *ret, const struct audit_request *request,
                struct spec_seccomp *profile, struct error *err)
{
	if (!request->denials && !request->calls)
		return 0;
	if (profile->listener_path)
		return error_set(err, EINVAL,
		                 "--audit and --learn: the profile has a listener of its own");
	ret->table = mmap(NULL, sizeof(*ret->table), PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ret->table == MAP_FAILED) {
		ret->table = NULL;
		return error_errno(err, "audit: table");
	}
	ret->denials = request->denials;

	int r = start_auditor(ret, request->scratch, profile, err);

	if (r < 0)
		return r;
	profile->ask_refused = request->denials;
	profile->ask_allowed = request->calls;
	profile->listener_path =
		arena_format(request->arena, "%s/%s", request->scratch->path, socket_name);
	return profile->listener_path ? 0 : error_code(err, ENOMEM, "audit");
}

void audit_end(struct audit *audit)
{
	int status = 0;

	if (audit->auditor <= 0)
		return;
	/* Nobody is left who calls. Who has ended before this found that out by himself, or was ended. */
	if (waitpid(audit->auditor, &status, WNOHANG) == audit->auditor) {
		audit->broken = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	} else {
		(void)kill(audit->auditor, SIGKILL);
		while (waitpid(audit->auditor, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	audit->auditor = 0;
}

void audit_done(struct audit *audit)
{
	audit_end(audit);
	if (audit->table)
		(void)munmap(audit->table, sizeof(*audit->table));
	*audit = (struct audit){0};
}

/* --- The report --- */

static void write_answer(struct json_writer *w, uint32_t answer)
{
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		json_writer_unsigned(w, "errno", answer & SECCOMP_RET_DATA);
	else
		json_writer_bool(w, "killed", is_deadly(answer));
}

static void write_entry(struct json_writer *w, const struct audit_entry *entry)
{
	char *name = seccomp_call_name(entry->architecture, entry->number);

	json_writer_object(w, NULL);
	json_writer_unsigned(w, "number", entry->number);
	json_writer_optional(w, "name", name);
	if (entry->architecture != seccomp_native_architecture())
		json_writer_unsigned(w, "architecture", entry->architecture);
	write_answer(w, entry->answer);
	json_writer_unsigned(w, "count", entry->count);
	json_writer_array(w, "programs");
	for (size_t i = 0; i < AUDIT_PROGRAMS && entry->programs[i][0]; i++)
		json_writer_string(w, NULL, entry->programs[i]);
	json_writer_end(w);
	json_writer_end(w);
	free(name);
}

void audit_write(struct json_writer *writer, const char *key, const struct audit *audit)
{
	if (!audit->denials)
		return;
	json_writer_object(writer, key);
	json_writer_unsigned(writer, "total", audit->table->denied);
	json_writer_unsigned(writer, "killed", audit->table->killed);
	json_writer_bool(writer, "complete", !audit->broken);
	json_writer_array(writer, "calls");
	for (size_t i = 0; i < audit->table->count; i++)
		write_entry(writer, &audit->table->entries[i]);
	json_writer_end(writer);
	json_writer_end(writer);
}
