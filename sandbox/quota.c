/* Project quotas: a directory's own limit on a file system that others use too (quotactl(2)). */
#include <errno.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/storage.h"

/* Ids that are ours begin with these bits; who hands out others by hand takes small ones. */
#define PROJECT_BASE 0x4c560000U
#define PROJECT_MASK 0xffff0000U

enum { BLOCK = 1024, BYTES_PER_INODE = 2048, LEAST_INODES = 1024, TRIES = 1024 };

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

/* Linux 5.14; the kernel's struct if_dqblk. */
static int quotactl_fd(int fd, unsigned int command, uint32_t id, struct if_dqblk *block)
{
	return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), id, block);
}

/* The C libraries do not agree about the type of a request. */
static int control(int fd, unsigned long request, struct fsxattr *attributes)
{
	return (int)syscall(SYS_ioctl, fd, request, attributes);
}

static int read_project(int dirfd, struct fsxattr *ret)
{
	return control(dirfd, FS_IOC_FSGETXATTR, ret);
}

bool quota_is_there(int dirfd)
{
	struct fsxattr attributes = {0};

	return read_project(dirfd, &attributes) == 0 &&
	       (attributes.fsx_projid & PROJECT_MASK) == PROJECT_BASE;
}

static int set_limit(int dirfd, uint32_t project, uint64_t limit)
{
	struct if_dqblk block = {
		.dqb_bhardlimit = limit / BLOCK,
		.dqb_ihardlimit = limit ? limit / BYTES_PER_INODE + LEAST_INODES : 0,
		.dqb_valid = QIF_LIMITS,
	};

	return quotactl_fd(dirfd, Q_SETQUOTA, project, &block);
}

static int set_project(int dirfd, uint32_t project)
{
	struct fsxattr attributes = {0};

	if (read_project(dirfd, &attributes) < 0)
		return -1;
	attributes.fsx_projid = project;
	if (project)
		attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	else
		attributes.fsx_xflags &= ~(uint32_t)FS_XFLAG_PROJINHERIT;
	return control(dirfd, FS_IOC_FSSETXATTR, &attributes);
}

/* One that nothing belongs to and nobody has limited; 0: none. */
static uint32_t find_project(int dirfd)
{
	struct stat st;
	uint32_t first = fstat(dirfd, &st) == 0 ? (uint32_t)st.st_ino : 0;

	for (uint32_t i = 0; i < TRIES; i++) {
		uint32_t project = PROJECT_BASE | ((first + i) & ~PROJECT_MASK);
		struct if_dqblk block = {0};

		if (quotactl_fd(dirfd, Q_GETQUOTA, project, &block) < 0) {
			if (errno == ENOENT) /* xfs: never heard of */
				return project;
			return 0;
		}
		if (!block.dqb_curspace && !block.dqb_curinodes && !block.dqb_bhardlimit &&
		    !block.dqb_ihardlimit)
			return project;
	}
	errno = EUSERS;
	return 0;
}

/* Counting is not refusing: where limits are enforced, they are the directory's size. */
static bool is_enforced(int dirfd, uint64_t limit)
{
	struct statvfs fs;

	return fstatvfs(dirfd, &fs) == 0 && (uint64_t)fs.f_blocks * fs.f_frsize <= limit;
}

int quota_begin(int dirfd, uint64_t limit, struct error *err)
{
	uint32_t project = find_project(dirfd);

	if (!project)
		return error_errno(err, "project quota");
	if (set_project(dirfd, project) < 0)
		return error_errno(err, "project quota: name the project");
	if (set_limit(dirfd, project, limit) == 0 && is_enforced(dirfd, limit))
		return 0;
	(void)set_limit(dirfd, project, 0);
	(void)set_project(dirfd, 0);
	return error_set(err, ENOTSUP, "project quota: limits are not enforced");
}

int quota_change(int dirfd, uint64_t limit, struct error *err)
{
	struct fsxattr attributes = {0};

	if (read_project(dirfd, &attributes) < 0 ||
	    set_limit(dirfd, attributes.fsx_projid, limit) < 0)
		return error_errno(err, "project quota");
	return is_enforced(dirfd, limit)
	               ? 0
	               : error_set(err, ENOTSUP, "project quota: limits are not enforced");
}
