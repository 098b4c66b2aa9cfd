#include "checkpoint/explain.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

enum { LOG_LIMIT = 16 * 1024 * 1024 };

/* The first row that fits decides; `text` is a part of a line of the log. */
static const struct {
	const char *text;
	const char *meaning;
} table[] = {
	{"Unexpected rt vDSO area bounds",
         "this CRIU does not know the kernel's vDSO: install CRIU 4.1.1 or later"},
	{"Compatible vdso's size is bigger",
         "this CRIU does not know the kernel's vDSO: install CRIU 4.1.1 or later"},
	{"Can't get 1:16 opt",
         "this CRIU cannot save network sockets on kernels since 6.16: install CRIU 4.2 or later"},
	{"Failed to make mount",
         "this CRIU cannot restore mount propagation on this kernel: install "
         "CRIU 4.1.1 or later"},
	{"doesn't have a proper root mount",
         "a mount from outside the container is not in its configuration (mounted into it later?): "
         "unmount it, or name it in config.json"},
	{"Can't lookup mount=",
         "a process holds a file that lies outside the container (a leaked descriptor): give "
         "the container's standard streams and mounts instead"},
	{"Can't dump that handle",
         "inotify on this overlay cannot be saved: mount the overlay with "
         "index=on,nfs_export=on"},
	{"irmap: Can't stat", "inotify on this overlay cannot be saved: mount the overlay with "
                              "index=on,nfs_export=on"},
	{"Can't dump ghost file", "an open file that was deleted is larger than the limit: give "
                                  "--ghost-limit SIZE"},
	{"consider using --tcp-established",
         "it has established TCP connections: give --tcp-established to keep them or --tcp-close "
         "to end them"},
	{"Connected TCP socket",
         "it has established TCP connections: give --tcp-established to keep "
         "them or --tcp-close to end them"},
	{"In-flight connection", "a TCP connection is being made: give --tcp-skip-in-flight"},
	{"External socket is used",
         "it is connected to a unix socket outside the container: give --ext-unix-sk"},
	{"Can't dump half of stream unix connection",
         "it has a stream to a unix socket outside the container: of those sockets only datagram "
         "ones can be saved"},
	{" without peer ",
         "it is connected to a unix socket outside its network namespace, where CRIU does not see "
         "it: only a container in the host's network keeps such a connection (--ext-unix-sk)"},
	{"Can't dump name-less external socket",
         "it is connected to a unix socket outside the container that has no name"},
	{"send_fds failed (-22)",
         "a process has a descriptor that cannot be handed on (an io_uring), and so not be saved"},
	{"Can't dump nested",
         "a process has namespaces of its own within the container, which cannot "
         "be saved"},
	{"Locking network failed",
         "the network could not be locked: give --network-lock nftables, or skip"},
	{"The --root option is required", "the root of the restored container is no mount point"},
	{"New root and old root are the same",
         "the root of the restored container is no mount point"},
	{"Can't inject syscall blob",
         "a security module (AppArmor, SELinux) forbids CRIU to work inside the process"},
	{"Unable to connect a transport socket",
         "a security module (AppArmor, SELinux) forbids CRIU to work inside the process"},
	{"tty: No task found with sid",
         "it is a job of a terminal outside the container: give --shell-job"},
	{"is not a session leader", "it is a job of a session outside the container: give "
                                    "--shell-job"},
	{"Some file locks are hold by dumping tasks",
         "its processes hold file locks: give --file-locks"},
	{"splice: -1: Bad file descriptor",
         "pipes could not be enlarged: raise fs.pipe-max-size to 4194304"},
	{"lazy-pages.socket", "the daemon of lazy pages does not run in the same work directory"},
	{"BUG at criu/mem.c", "this kernel does not track changed memory (CONFIG_MEM_SOFT_DIRTY): "
                              "no --pre-dump"},
	{"Tracking memory is not available",
         "this kernel does not track changed memory (CONFIG_MEM_SOFT_DIRTY)"},
	{"in parent pagemap",
         "a program was replaced (execve) since the parent was saved: its memory can be "
         "saved as a whole alone, without --parent-path"},
	{"CG paths mismatch", "the control groups differ: use --manage-cgroups-mode ignore"},
	{"Can't create link remap",
         "an open file was deleted and has another name: give --link-remap"},
	{"Can't link remap", "an open file was deleted and has another name: give --link-remap"},
	{"can't link remap", "an open file was deleted and has another name: give --link-remap"},
	{"has bad size", "a file that the container uses was changed since the checkpoint"},
	{"has bad mode", "a file that the container uses was changed since the checkpoint"},
	{"has bad build-ID", "a program or library was changed since the checkpoint"},
	{"Unknown file type", "a process has a descriptor of a kind that CRIU cannot save"},
	{"already in use", "a process id that the images need is taken"},
};

const char *explain_line(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strstr(line, table[i].text))
			return table[i].meaning;
	return NULL;
}

/* Complaints that CRIU makes of itself and that never decide. */
static bool is_harmless(const char *line)
{
	return strstr(line, "rlimit: Can't setup RLIMIT_NOFILE") ||
	       strstr(line, "tun: Unable to create tun") ||
	       strstr(line, "No parent image found, though parent directory is set");
}

static const char *after_prefix(const char *line)
{
	const char *error = strstr(line, "Error (");
	const char *text = error ? strstr(error, "): ") : NULL;

	return text ? text + strlen("): ") : line;
}

static int explain_log(char *log, const char *message, struct error *err)
{
	int code = err->code;
	const char *first = NULL;

	for (char *line = strsep(&log, "\n"); line; line = strsep(&log, "\n")) {
		if (!strstr(line, "Error (") || is_harmless(line))
			continue;

		const char *meaning = explain_line(line);

		if (meaning)
			return error_set(err, code, "%s (criu: %.200s)", meaning,
			                 after_prefix(line));
		if (!first)
			first = after_prefix(line);
	}
	if (!first && message && *message)
		first = message;
	return first ? error_set(err, code, "criu: %.400s", first) : -code;
}

int explain_failure(int work_fd, const char *name, const char *message, struct error *err)
{
	scoped_str log = NULL;
	char nothing[] = "";
	struct error ignored;

	if (file_read(work_fd, name, LOG_LIMIT, &log, NULL, &ignored) < 0)
		return explain_log(nothing, message, err);
	return explain_log(log, message, err);
}
