#include "checkpoint/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

void facts_done(struct facts *facts)
{
	arena_done(&facts->arena);
}

const char *facts_mount_key(size_t index, char buffer[static MOUNT_KEY_SIZE])
{
	(void)snprintf(buffer, MOUNT_KEY_SIZE, "lvm%zu", index);
	return buffer;
}

/* CRIU saves no network of ours: the namespace is made by the runtime and joined. */
static int collect_network(int proc_fd, struct facts *facts, struct error *err)
{
	struct stat theirs;
	struct stat ours;

	if (fstatat(proc_fd, "ns/net", &theirs, 0) < 0 || stat("/proc/self/ns/net", &ours) < 0)
		return error_errno(err, "network namespace");
	facts->network = theirs.st_ino != ours.st_ino;
	facts->network_inode = theirs.st_ino;
	return 0;
}

int facts_collect(pid_t pid, const struct spec *spec, struct facts *ret, struct error *err)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);

	scoped_fd proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return error_errno(err, "%s", path);

	ret->user_namespace = spec->linux.namespaces[NAMESPACE_USER].set;

	int r = collect_network(proc, ret, err);

	if (r == 0)
		r = facts_collect_mounts(proc, spec, ret, err);
	return r < 0 ? r : facts_collect_streams(proc, ret, err);
}
