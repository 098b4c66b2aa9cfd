/* testkit snoop: looks for what a container should not see. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testkit.h"

/* --- snoop SECONDS [write]: looks through every /proc/PID/{exe,cwd,root,fd/…} of others again and
 *     again, until there is a file /dev/shm/enough or the time is over. Prints what leads to a file
 *     that is on no file system of the container and no pipe, socket or the like; with "write", what
 *     could be opened for writing through an exe. The last line is "looked N", with the number of
 *     links followed --- */

static dev_t known[64];
static size_t known_count;

static bool is_known(dev_t device)
{
	for (size_t i = 0; i < known_count; i++)
		if (known[i] == device)
			return true;
	return false;
}

static void learn(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !is_known(st.st_dev) && known_count < 64)
		known[known_count++] = st.st_dev;
}

static void learn_own(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	char path[4096];
	int pipes[2];

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
			learn(path);
	if (mounts)
		fclose(mounts);
	for (int fd = 0; fd < 3; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		learn(path);
	}
	if (pipe(pipes) == 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", pipes[0]);
		learn(path);
	}

	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	learn(path);
}

static unsigned long looked;

static void look_at(const char *path, bool try_write)
{
	struct stat st;
	char target[256] = "";
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	looked++;
	if (fstat(fd, &st) == 0 && !is_known(st.st_dev) &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))) {
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		say("foreign %s -> %s\n", path, target);
	}
	close(fd);
	if (!try_write)
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && !is_known(st.st_dev))
			say("writable %s\n", path);
		close(fd);
	}
}

static void look_at_process(const char *pid, bool try_write)
{
	static const char *const links[] = {"cwd", "root"};
	char path[512];

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	look_at(path, try_write);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		look_at(path, false);
	}
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);

	DIR *fds = opendir(path);

	for (struct dirent *fd; fds && (fd = readdir(fds));) {
		if (fd->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fd/%.40s", pid, fd->d_name);
		look_at(path, false);
	}
	if (fds)
		closedir(fds);
}

int snoop_main(char **words)
{
	double end = now() + strtod(words[0], NULL);
	bool try_write = words[1] != NULL;
	char self[16];

	learn_own();
	snprintf(self, sizeof(self), "%d", getpid());
	say("ready\n");
	while (now() < end && access("/dev/shm/enough", F_OK) < 0) {
		DIR *processes = opendir("/proc");

		for (struct dirent *entry; processes && (entry = readdir(processes));)
			if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
			    strcmp(entry->d_name, self) != 0)
				look_at_process(entry->d_name, try_write);
		if (processes)
			closedir(processes);
	}
	say("looked %lu\n", looked);
	return 0;
}
