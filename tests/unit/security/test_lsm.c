/* wrap: access fstatfs file_read_kernel */
/*
 * process.selinuxLabel and process.apparmorProfile over a fake tree: a folder stands for /proc, and the kernel
 * is said to have both modules. With a kernel that has AppArmor: vm/cases/apparmor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "security/lsm.h"

static bool has_selinux, has_apparmor, is_procfs;

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	(void)mode;
	assert_string_equal(path, "/sys/fs/selinux/enforce");
	errno = ENOENT;
	return has_selinux ? 0 : -1;
}

int __wrap_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs(int fd, struct statfs *ret)
{
	(void)fd;
	*ret = (struct statfs){.f_type = is_procfs ? PROC_SUPER_MAGIC : TMPFS_MAGIC};
	return 0;
}

ssize_t __wrap_file_read_kernel(int dirfd, const char *path, char *buffer, size_t size,
                                struct error *err);
ssize_t __wrap_file_read_kernel(int dirfd, const char *path, char *buffer, size_t size,
                                struct error *err)
{
	(void)dirfd;
	assert_string_equal(path, "/sys/module/apparmor/parameters/enabled");
	if (!has_apparmor)
		return error_code(err, ENOENT, "open %s", path);
	assert_true(size >= 2);
	memcpy(buffer, "Y", 2);
	return 1;
}

/* --- The tree --- */

struct tree {
	char path[64];
	int fd;
};

static void make_file(const struct tree *tree, const char *name)
{
	scoped_fd fd = openat(tree->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}

static int make_tree(void **state)
{
	static struct tree tree;

	has_selinux = has_apparmor = is_procfs = true;
	(void)strncpy(tree.path, "/tmp/lvm-run-lsm.XXXXXX", sizeof(tree.path) - 1);
	assert_non_null(mkdtemp(tree.path));
	tree.fd = open(tree.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(tree.fd >= 0);
	assert_int_equal(mkdirat(tree.fd, "self", 0700), 0);
	assert_int_equal(mkdirat(tree.fd, "self/attr", 0700), 0);
	make_file(&tree, "self/attr/exec");
	*state = &tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;

	(void)unlinkat(tree->fd, "self/attr/apparmor/exec", 0);
	(void)unlinkat(tree->fd, "self/attr/apparmor", AT_REMOVEDIR);
	(void)unlinkat(tree->fd, "self/attr/exec", 0);
	(void)unlinkat(tree->fd, "self/attr", AT_REMOVEDIR);
	(void)unlinkat(tree->fd, "self", AT_REMOVEDIR);
	fd_close(&tree->fd);
	return rmdir(tree->path);
}

static void expect_written(const struct tree *tree, const char *name, const char *text)
{
	char *content = NULL;
	struct error err;

	assert_int_equal(file_read(tree->fd, name, 4096, &content, NULL, &err), 0);
	assert_string_equal(content, text);
	free(content);
}

/* All three steps; null when they succeed. */
static const char *set_labels(const struct tree *tree, const struct spec_process *process,
                              struct error *err)
{
	struct lsm_plan plan;

	if (lsm_prepare(process, tree->fd, &plan, err) < 0 || lsm_enter_open(&plan, err) < 0 ||
	    lsm_enter_label(&plan, err) < 0)
		return err->text;
	assert_int_equal(plan.profile_fd, -1);
	assert_int_equal(plan.label_fd, -1);
	return NULL;
}

static struct spec_process process_with(const char *label, const char *profile)
{
	return (struct spec_process){
		.selinux_label = (char *)(uintptr_t)label,
		.apparmor_profile = (char *)(uintptr_t)profile,
	};
}

/* --- Tests --- */

static const char label[] = "system_u:system_r:container_t:s0:c1,c2";

static void the_label_is_written_as_it_is(void **state)
{
	const struct spec_process process = process_with(label, NULL);
	struct error err;

	assert_null(set_labels(*state, &process, &err));
	expect_written(*state, "self/attr/exec", label);
}

static void the_profile_has_a_file_of_its_own(void **state)
{
	const struct spec_process process = process_with(label, "docker-default");
	const struct tree *tree = *state;
	struct error err;

	assert_int_equal(mkdirat(tree->fd, "self/attr/apparmor", 0700), 0);
	make_file(tree, "self/attr/apparmor/exec");
	assert_null(set_labels(tree, &process, &err));
	expect_written(tree, "self/attr/apparmor/exec", "exec docker-default");
	expect_written(tree, "self/attr/exec", label);
}

/* Before Linux 5.8. */
static void the_profile_goes_to_the_shared_file_where_there_is_no_other(void **state)
{
	const struct spec_process process = process_with(NULL, "docker-default");
	struct error err;

	assert_null(set_labels(*state, &process, &err));
	expect_written(*state, "self/attr/exec", "exec docker-default");
}

static void what_is_no_label_is_not_written(void **state)
{
	const struct spec_process process = process_with("", "unconfined");
	struct error err;

	has_selinux = has_apparmor = false;
	assert_null(set_labels(*state, &process, &err));
	expect_written(*state, "self/attr/exec", "");
}

static void a_label_without_its_module_is_refused(void **state)
{
	const struct spec_process selinux = process_with(label, NULL);
	const struct spec_process apparmor = process_with(NULL, "docker-default");
	struct error err;

	has_selinux = has_apparmor = false;
	assert_non_null(set_labels(*state, &selinux, &err));
	assert_non_null(strstr(err.text, "process.selinuxLabel"));
	assert_non_null(strstr(err.text, "SELinux is not enabled"));
	assert_non_null(set_labels(*state, &apparmor, &err));
	assert_non_null(strstr(err.text, "process.apparmorProfile"));
	expect_written(*state, "self/attr/exec", "");
}

static void a_tree_that_is_no_procfs_is_refused(void **state)
{
	const struct spec_process process = process_with(label, NULL);
	struct error err;

	is_procfs = false;
	assert_non_null(set_labels(*state, &process, &err));
	assert_non_null(strstr(err.text, "not a procfs"));
}

/* CVE-2025-52881: the write must not be led to another file. */
static void a_link_in_the_place_of_the_file_is_refused(void **state)
{
	const struct spec_process process = process_with(label, NULL);
	const struct tree *tree = *state;
	struct error err;

	assert_int_equal(unlinkat(tree->fd, "self/attr/exec", 0), 0);
	assert_int_equal(symlinkat("/proc/self/sched", tree->fd, "self/attr/exec"), 0);
	assert_non_null(set_labels(tree, &process, &err));
	assert_non_null(strstr(err.text, "attr/exec"));
}

int main(void)
{
#define TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)
	const struct CMUnitTest tests[] = {
		TREE(the_label_is_written_as_it_is),
		TREE(the_profile_has_a_file_of_its_own),
		TREE(the_profile_goes_to_the_shared_file_where_there_is_no_other),
		TREE(what_is_no_label_is_not_written),
		TREE(a_label_without_its_module_is_refused),
		TREE(a_tree_that_is_no_procfs_is_refused),
		TREE(a_link_in_the_place_of_the_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
