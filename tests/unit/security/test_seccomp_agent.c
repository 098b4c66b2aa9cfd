#include "tests/unit/security/enter.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

struct agent {
	char folder[64];
	char path[256];
	int listening;
	size_t expect;   /* bytes of state to read */
	bool deaf;       /* closes the connection at once */
	bool dies;       /* closes the listener without an answer */
	char *state;     /* what came */
	int descriptors; /* how many came with the first message */
	unsigned int answered;
	int parent_fd; /* the listener was close-on-exec here, too */
};

enum { FORGED_PID = 4242 };

static void answer_all(struct agent *agent, int listener)
{
	for (;;) {
		struct seccomp_notif request = {0};
		struct seccomp_notif_resp response = {0};

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) {
			if (errno == EINTR)
				continue;
			return; /* ENOENT: nobody is filtered any more */
		}
		response.id = request.id;
		if (request.data.nr == SYS_getppid)
			response.val = FORGED_PID;
		else
			response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0)
			agent->answered++;
		if (request.data.nr == SYS_exit_group)
			return;
	}
}

static int receive(struct agent *agent, int connection)
{
	char control[CMSG_SPACE(sizeof(int) * 4)] = {0};
	struct iovec iov = {agent->state, agent->expect};
	struct msghdr message = {.msg_iov = &iov,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int listener = -1;

	if (size <= 0 || !header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	agent->descriptors = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(&listener, CMSG_DATA(header), sizeof(int));
	if (fd_read_all(connection, agent->state + size, agent->expect - (size_t)size) < 0)
		return -1;
	return listener;
}

static void *agent_main(void *data)
{
	struct agent *agent = data;
	int connection = accept4(agent->listening, NULL, NULL, SOCK_CLOEXEC);

	if (!agent->deaf) {
		int listener = receive(agent, connection);

		if (listener >= 0 && !agent->dies)
			answer_all(agent, listener);
		close(listener);
	}
	close(connection);
	return NULL;
}

/* A long path, to go through the way for those. */
static void agent_start(struct agent *agent, size_t expect)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(agent->folder, sizeof(agent->folder), "/tmp/seccomp-agent-XXXXXX");
	assert_non_null(mkdtemp(agent->folder));
	snprintf(agent->path, sizeof(agent->path), "%s/socket", agent->folder);
	memcpy(address.sun_path, agent->path, strlen(agent->path) + 1);
	agent->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(agent->listening, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(agent->listening, 4), 0);
	agent->expect = expect;
	agent->state = calloc(1, expect + 1);
}

static void agent_end(struct agent *agent)
{
	close(agent->listening);
	unlink(agent->path);
	rmdir(agent->folder);
	free(agent->state);
}

static struct spec *parse_with_agent(const struct agent *agent, const char *rest)
{
	char section[2048];

	snprintf(section, sizeof(section), "{\"listenerPath\":\"%s\",%s}", agent->path, rest);
	return parse_section(section);
}

struct notified {
	struct seccomp_plan plan;
	const char *state;
};

static const char *ask_the_agent(void *data)
{
	struct notified *notified = data;
	const char *text = enter(&notified->plan, notified->state);

	if (text)
		return text;

	const long pid = syscall(SYS_getppid);

	if (pid != FORGED_PID)
		return complain("getppid gave %ld", pid);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		return "a child was left over";
	return NULL;
}

/* Starts the agent's thread only after the fork of the child would do too: it has its own threads. */
static void run_with_agent(struct agent *agent, const char *rest, const char *state,
                           child_function *function)
{
	scoped_spec spec = parse_with_agent(agent, rest);
	struct notified notified = {.state = state};
	pthread_t thread;
	int status;

	prepare(spec, &notified.plan);
	assert_true(notified.plan.agent_fd >= 0);
	assert_int_equal(pthread_create(&thread, NULL, agent_main, agent), 0);
	status = run_child(&(struct child){function, &notified, false});
	seccomp_plan_done(&notified.plan);
	pthread_join(thread, NULL);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void agent_gets_listener_and_state_and_answers(void **state unused_parameter)
{
	static const char text[] = "{\"ociVersion\":\"1.2.0\",\"fds\":[\"seccompFd\"]}";
	struct agent agent = {0};

	agent_start(&agent, sizeof(text) - 1);
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
	               "\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
	               text, ask_the_agent);
	assert_string_equal(agent.state, text);
	assert_int_equal(agent.descriptors, 1);
	assert_int_equal(agent.answered, 1);
	agent_end(&agent);
}

/* The calls by which the listener would be sent are themselves for the agent to judge. */
static void profile_that_notifies_everything_does_not_deadlock(void **state unused_parameter)
{
	struct agent agent = {0};

	agent_start(&agent, 5);
	run_with_agent(&agent, "\"defaultAction\":\"SCMP_ACT_NOTIFY\"", "state", ask_the_agent);
	assert_string_equal(agent.state, "state");
	assert_true(agent.answered >= 3);
	agent_end(&agent);
}

static void profile_that_forbids_sending_does_not_hinder(void **state unused_parameter)
{
	struct agent agent = {0};

	agent_start(&agent, 5);
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"flags\":["
	               "\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"],"
	               "\"syscalls\":[{\"names\":[\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"},"
	               "{\"names\":[\"exit_group\",\"wait4\",\"write\"],"
	               "\"action\":\"SCMP_ACT_ALLOW\"}]",
	               "state", ask_the_agent);
	assert_string_equal(agent.state, "state");
	assert_int_equal(agent.answered, 1);
	agent_end(&agent);
}

static void long_state_arrives_whole(void **state unused_parameter)
{
	enum { SIZE = 1 << 20 };
	char *text = malloc(SIZE + 1);
	struct agent agent = {0};

	for (size_t i = 0; i < SIZE; i++)
		text[i] = (char)('a' + i % 26);
	text[SIZE] = '\0';
	agent_start(&agent, SIZE);
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
	               "\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
	               text, ask_the_agent);
	assert_memory_equal(agent.state, text, SIZE);
	agent_end(&agent);
	free(text);
}

static const char *exec_after_notify(void *data)
{
	struct notified *notified = data;
	const char *text = enter(&notified->plan, notified->state);
	char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
	                      (char *)(uintptr_t) "! ls -l /proc/self/fd | grep seccomp", NULL};

	if (text)
		return text;
	execv("/bin/sh", argv);
	return "execv";
}

static void listener_does_not_outlive_execve(void **state unused_parameter)
{
	struct agent agent = {0};

	agent_start(&agent, 5);
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
	               "\"execve\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
	               "state", exec_after_notify);
	assert_true(agent.answered >= 1);
	agent_end(&agent);
}

static const char *call_without_agent(void *data)
{
	struct notified *notified = data;
	const char *text = enter(&notified->plan, notified->state);

	if (text)
		return text;
	errno = 0;
	return syscall(SYS_getppid) < 0 && errno == ENOSYS ? NULL : complain("errno %d", errno);
}

/* Our own copy of the listener is closed: nobody waits for an agent that died. */
static void dead_agent_ends_the_waiting(void **state unused_parameter)
{
	struct agent agent = {.dies = true};

	agent_start(&agent, 5);
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
	               "\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
	               "state", call_without_agent);
	agent_end(&agent);
}

static const char *fail_to_send(void *data)
{
	struct notified *notified = data;
	const char *text;

	/* Until the agent has hung up. */
	while (send(notified->plan.agent_fd, "", 0, MSG_NOSIGNAL) >= 0)
		sched_yield();
	text = enter(&notified->plan, notified->state);
	return text && strstr(text, "send the listener to the seccomp agent at /tmp/seccomp-agent-")
	               ? NULL
	               : complain("said \"%s\"", text ? text : "nothing");
}

static void agent_that_hangs_up_is_an_error(void **state unused_parameter)
{
	struct agent agent = {.deaf = true};

	agent_start(&agent, 5);
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
	               "\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
	               "state", fail_to_send);
	agent_end(&agent);
}

static void refuse(const char *section, const char *expected)
{
	scoped_spec spec = parse_section(section);
	struct seccomp_plan plan;
	struct error err = {0};

	assert_true(seccomp_prepare(&spec->linux.seccomp, -1, &plan, &err) < 0);
	if (!strstr(err.text, expected))
		fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

static void agent_that_is_not_there_is_an_error_of_prepare(void **state unused_parameter)
{
	char folder[] = "/tmp/seccomp-long-XXXXXX", name[120], section[512];

	refuse("{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "listenerPath is not set");
	refuse("{\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"/nonexistent/socket\"}",
	       "connect to the seccomp agent at /nonexistent/socket");
	assert_non_null(mkdtemp(folder));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(section, sizeof(section),
	         "{\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"%s/%s\"}", folder,
	         name);
	refuse(section, "open the seccomp agent's socket");
	rmdir(folder);
}

static void agent_with_a_long_path_is_reached(void **state unused_parameter)
{
	struct agent agent = {0};
	char long_path[256];

	agent_start(&agent, 5);
	snprintf(long_path, sizeof(long_path), "%s/%090d", agent.folder, 1);
	assert_true(strlen(long_path) > 107);
	assert_int_equal(rename(agent.path, long_path), 0);
	memcpy(agent.path, long_path, sizeof(long_path));
	run_with_agent(&agent,
	               "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
	               "\"getppid\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
	               "state", ask_the_agent);
	agent_end(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_gets_listener_and_state_and_answers),
		cmocka_unit_test(profile_that_notifies_everything_does_not_deadlock),
		cmocka_unit_test(profile_that_forbids_sending_does_not_hinder),
		cmocka_unit_test(long_state_arrives_whole),
		cmocka_unit_test(listener_does_not_outlive_execve),
		cmocka_unit_test(dead_agent_ends_the_waiting),
		cmocka_unit_test(agent_that_hangs_up_is_an_error),
		cmocka_unit_test(agent_that_is_not_there_is_an_error_of_prepare),
		cmocka_unit_test(agent_with_a_long_path_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
