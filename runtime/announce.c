#include "runtime/announce.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

int announce_pid(const char *path, pid_t pid, struct error *err)
{
	const char *slash = strrchr(path, '/');
	scoped_str directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	char digits[16];

	if (!directory)
		return error_code(err, ENOMEM, "pid file %s", path);

	scoped_fd fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "pid file %s", path);

	int length = snprintf(digits, sizeof(digits), "%d", pid);
	int r = file_write_whole(fd, slash ? slash + 1 : path, 0644, digits, (size_t)length, err);

	return r < 0 ? error_wrap(err, "pid file %s", path) : 0;
}

/* A path too long for an address is reached through a descriptor of its directory. */
static int connect_to(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *slash = strrchr(path, '/');
	scoped_str directory = NULL;
	scoped_fd parent = -1;
	scoped_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[FD_PATH_SIZE];
	int length = 0;

	if (fd < 0)
		return error_errno(err, "socket");
	if (strlen(path) < sizeof(address.sun_path) || !slash) {
		length = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	} else {
		directory = strndup(path, (size_t)(slash - path) + 1);
		parent = directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		if (parent < 0)
			return error_errno(err, "open directory");
		length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
		                  fd_path(parent, name), slash + 1);
	}
	if ((size_t)length >= sizeof(address.sun_path))
		return error_code(err, ENAMETOOLONG, "connect");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, "connect");
	return fd_take(&fd);
}

static int send_fd(int socket_fd, int fd, struct error *err)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec name = {.iov_base = (char[]){"terminal"}, .iov_len = 8};
	struct msghdr packet = {
		.msg_iov = &name,
		.msg_iovlen = 1,
		.msg_control = control.data,
		.msg_controllen = sizeof(control.data),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	if (sendmsg(socket_fd, &packet, MSG_NOSIGNAL) < 0)
		return error_errno(err, "send descriptor");
	return 0;
}

int announce_fd(const char *path, int fd, struct error *err)
{
	scoped_fd connection = connect_to(path, err);
	int r = connection < 0 ? connection : send_fd(connection, fd, err);

	return r < 0 ? error_wrap(err, "socket %s", path) : 0;
}

int announce_resize(int master, uint32_t rows, uint32_t columns, struct error *err)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	if (rows == 0 || columns == 0)
		return 0;
	return ioctl(master, TIOCSWINSZ, &size) < 0 ? error_errno(err, "terminal size") : 0;
}
