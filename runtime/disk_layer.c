/* The layers of the store: making, opening and stacking them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/names.h"
#include "base/str.h"
#include "runtime/disk.h"

/* --- Making --- */

static int name_layer(char ret[static LAYER_NAME_SIZE], struct error *err)
{
	unsigned char bytes[(LAYER_NAME_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_errno(err, "random name");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int open_top(const struct disk *disk, const struct string_list *layers, struct error *err)
{
	const struct string_list *lowers = &disk->record.lowers;

	if (layers->count > 0)
		return disk_layer_open(disk, layers->items[0], "data", err);

	int fd = lowers->count ? open(lowers->items[0], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 && lowers->count ? error_errno(err, "lower layer %s", lowers->items[0]) : fd;
}

/* The root of the stack is that of its uppermost layer. */
static int make_data(const struct disk *disk, int layer, const struct string_list *layers,
                     struct error *err)
{
	scoped_fd top = open_top(disk, layers, err);
	struct stat st = {.st_mode = 0755, .st_uid = geteuid(), .st_gid = getegid()};

	if (top < 0 && layers->count + disk->record.lowers.count > 0)
		return top;
	if (top >= 0 && fstat(top, &st) < 0)
		return error_errno(err, "lower layer");
	if (mkdirat(layer, "work", 0700) < 0 || mkdirat(layer, "data", 0700) < 0 ||
	    fchmodat(layer, "data", st.st_mode & 07777, 0) < 0)
		return error_errno(err, "store: make layer");
	/* Without root only one's own can be had. */
	if (fchownat(layer, "data", st.st_uid, st.st_gid, 0) < 0 && errno != EPERM)
		return error_errno(err, "store: make layer");
	return 0;
}

int disk_layer_make(const struct disk *disk, const struct string_list *layers,
                    char ret_name[static LAYER_NAME_SIZE], int *ret_fd, struct error *err)
{
	char path[16 + LAYER_NAME_SIZE];
	int r = name_layer(ret_name, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "layers/%s", ret_name);
	if (mkdirat(disk->store_fd, path, 0711) < 0)
		return error_errno(err, "store: mkdir %s", path);

	scoped_fd fd = openat(disk->store_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Between the two it could be swept by another command, which then has the lock: nothing is lost. */
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return error_errno(err, "store: lock %s", path);
	r = make_data(disk, fd, layers, err);
	if (r < 0)
		return r;
	*ret_fd = fd_take(&fd);
	return 0;
}

int disk_layer_open(const struct disk *disk, const char *layer, const char *part, struct error *err)
{
	scoped_str path = str_format("layers/%s/%s", layer, part);
	int fd = path ? openat(disk->store_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
	              : -1;

	if (!path)
		return error_code(err, ENOMEM, "layer");
	return fd < 0 ? error_errno(err, "store: layer %s", path) : fd;
}

/* --- Stacks --- */

void disk_stack_done(struct disk_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		fd_close(&stack->fds[i]);
	free(stack->fds);
	fd_close(&stack->upper);
	fd_close(&stack->work);
	*stack = (struct disk_stack)DISK_STACK_NONE;
}

static int open_lowers(const struct disk *disk, const struct string_list *layers,
                       struct disk_stack *stack, struct error *err)
{
	const struct string_list *lowers = &disk->record.lowers;

	for (size_t i = 0; i < layers->count; i++) {
		int fd = disk_layer_open(disk, layers->items[i], "data", err);

		if (fd < 0)
			return fd;
		stack->fds[stack->count++] = fd;
	}
	for (size_t i = 0; i < lowers->count; i++) {
		int fd = open(lowers->items[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return error_errno(err, "lower layer %s", lowers->items[i]);
		stack->fds[stack->count++] = fd;
	}
	return 0;
}

int disk_stack_open(const struct disk *disk, const struct string_list *layers, const char *upper,
                    struct disk_stack *ret, struct error *err)
{
	size_t count = layers->count + disk->record.lowers.count;
	int r;

	if (count == 0)
		return error_set(err, EINVAL, "a root needs at least one layer to read from");
	ret->fds = calloc(count + 1, sizeof(*ret->fds));
	if (!ret->fds)
		return error_code(err, ENOMEM, "layers");
	r = open_lowers(disk, layers, ret, err);
	if (r == 0 && upper) {
		ret->upper = disk_layer_open(disk, upper, "data", err);
		ret->work = ret->upper < 0 ? -1 : disk_layer_open(disk, upper, "work", err);
		if (ret->upper < 0 || ret->work < 0)
			r = -err->code;
	}
	if (r < 0) {
		disk_stack_done(ret);
		return r;
	}
	ret->stack = (struct layer_stack){
		.lowers = ret->fds,
		.count = ret->count,
		.upper = ret->upper,
		.work = ret->work,
		.user = disk->record.user,
		.metacopy = disk->record.metacopy,
	};
	return 0;
}

int disk_view(const struct disk *disk, const struct string_list *layers, struct error *err)
{
	scoped_disk_stack stack = DISK_STACK_NONE;
	int r = disk_stack_open(disk, layers, NULL, &stack, err);

	if (r < 0)
		return r;
	/* overlayfs refuses to stack one directory alone. */
	return stack.count == 1 ? fd_take(&stack.fds[0]) : layer_enter_mount(&stack.stack, err);
}

/* --- Locks and use --- */

int disk_guard(const struct disk *disk, bool exclusive, struct error *err)
{
	scoped_fd fd = openat(disk->store_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, "store: layers");
	do
		r = flock(fd, exclusive ? LOCK_EX : LOCK_SH);
	while (r < 0 && errno == EINTR);
	return r < 0 ? error_errno(err, "store: lock layers") : fd_take(&fd);
}

int disk_check_idle(const struct disk *disk, struct error *err)
{
	scoped_disk_stack stack = DISK_STACK_NONE;
	int r = disk_stack_open(disk, &disk->record.layers, disk->record.upper, &stack, err);

	return r < 0 ? r : layer_check_idle(&stack.stack, err);
}

/* Mounts of processes in one namespace are the same: each is looked at once. */
static bool seen_before(ino_t *seen, size_t *count, size_t capacity, ino_t inode)
{
	for (size_t i = 0; i < *count; i++)
		if (seen[i] == inode)
			return true;
	if (*count < capacity)
		seen[(*count)++] = inode;
	return false;
}

static int process_uses(int proc_fd, const char *pid, const char *wanted, bool *ret,
                        struct error *err)
{
	enum { MOUNTINFO_LIMIT = 64 * 1024 * 1024 };
	scoped_str path = str_format("%s/mountinfo", pid);
	scoped_str text = NULL;
	struct error failure;
	int r = path ? file_read(proc_fd, path, MOUNTINFO_LIMIT, &text, NULL, &failure) : -ENOMEM;

	if (r == -ENOMEM)
		return error_code(err, ENOMEM, "mounts");
	/* It has ended, and with it what it saw. */
	if (r == 0 && strstr(text, wanted))
		*ret = true;
	return 0;
}

int disk_layer_in_use(const char *layer, bool *ret, struct error *err)
{
	enum { SEEN_MAX = 4096 };
	scoped_fd proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_str wanted = str_format("/layers/%s/", layer);
	struct names names = {0};
	ino_t *seen = calloc(SEEN_MAX, sizeof(*seen));
	size_t count = 0;
	bool used = false;
	int r = proc_fd < 0        ? error_errno(err, "/proc")
	        : !wanted || !seen ? error_code(err, ENOMEM, "mounts")
	                           : names_read(proc_fd, &names, err);

	for (size_t i = 0; r == 0 && !used && i < names.count; i++) {
		scoped_str namespace = str_format("%s/ns/mnt", names.items[i]);
		struct stat st;

		if (names.items[i][0] < '1' || names.items[i][0] > '9' || !namespace ||
		    fstatat(proc_fd, namespace, &st, 0) < 0 ||
		    seen_before(seen, &count, SEEN_MAX, st.st_ino))
			continue;
		r = process_uses(proc_fd, names.items[i], wanted, &used, err);
	}
	names_done(&names);
	free(seen);
	if (r == 0)
		*ret = used;
	return r;
}
