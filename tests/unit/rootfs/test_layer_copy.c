#include "layers.h"

static void copy(struct trees *t, struct layer_copied *ret)
{
	scoped_fd from = open_tree_dir(t, "from");
	scoped_fd to = -1;

	make_dir(t, "to");
	to = open_tree_dir(t, "to");
	if (layer_copy(from, to, ret, &t->err) < 0)
		fail_msg("%s", t->err.text);
}

static struct stat look(struct trees *t, const char *path)
{
	struct stat st;

	assert_int_equal(0, fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW));
	return st;
}

static void kinds_modes_and_times_are_kept(void **state)
{
	struct trees *t = *state;
	struct layer_copied copied;
	const struct timespec old[2] = {{1000, 5}, {2000, 7}};

	make_dir(t, "from");
	make_dir(t, "from/dir");
	make_file(t, "from/dir/file", "text");
	assert_int_equal(0, fchmodat(t->fd, "from/dir/file", 04751, 0));
	assert_int_equal(0, symlinkat("/no/where", t->fd, "from/link"));
	assert_int_equal(0, mkfifoat(t->fd, "from/pipe", 0600));
	assert_int_equal(0, utimensat(t->fd, "from/dir/file", old, 0));
	assert_int_equal(0, utimensat(t->fd, "from/link", old, AT_SYMLINK_NOFOLLOW));
	assert_int_equal(0, fchmodat(t->fd, "from/dir", 01770, 0));
	assert_int_equal(0, utimensat(t->fd, "from/dir", old, 0));
	copy(t, &copied);
	has_text(t, "to/dir/file", "text");
	assert_int_equal(S_IFREG | 04751, look(t, "to/dir/file").st_mode);
	assert_int_equal(S_IFDIR | 01770, look(t, "to/dir").st_mode);
	assert_true(S_ISFIFO(look(t, "to/pipe").st_mode));
	assert_int_equal(2000, look(t, "to/dir/file").st_mtim.tv_sec);
	assert_int_equal(7, look(t, "to/dir/file").st_mtim.tv_nsec);
	assert_int_equal(2000, look(t, "to/dir").st_mtim.tv_sec);
	assert_int_equal(2000, look(t, "to/link").st_mtim.tv_sec);
	assert_int_equal(4, copied.entries);
	assert_int_equal(4, copied.bytes + copied.shared);
}

static void hard_links_stay_links(void **state)
{
	struct trees *t = *state;
	struct layer_copied copied;

	make_dir(t, "from");
	make_dir(t, "from/a");
	make_dir(t, "from/b");
	make_file(t, "from/a/one", "x");
	assert_int_equal(0, linkat(t->fd, "from/a/one", t->fd, "from/b/two", 0));
	assert_int_equal(0, linkat(t->fd, "from/a/one", t->fd, "outside", 0));
	make_file(t, "from/b/other", "y");
	assert_int_equal(0, linkat(t->fd, "from/b/other", t->fd, "outside2", 0));
	copy(t, &copied);
	assert_int_equal(look(t, "to/a/one").st_ino, look(t, "to/b/two").st_ino);
	assert_int_equal(2, look(t, "to/a/one").st_nlink);
	assert_int_equal(1, look(t, "to/b/other").st_nlink);
}

static void holes_stay_holes(void **state)
{
	struct trees *t = *state;
	struct layer_copied copied;
	struct stat st;

	make_dir(t, "from");
	make_file(t, "from/sparse", "begin");

	scoped_fd fd = openat(t->fd, "from/sparse", O_RDWR | O_CLOEXEC);

	assert_int_equal(0, ftruncate(fd, 64 * 1024 * 1024));
	assert_int_equal(3, pwrite(fd, "end", 3, 64 * 1024 * 1024 - 3));
	copy(t, &copied);
	st = look(t, "to/sparse");
	assert_int_equal(64 * 1024 * 1024, st.st_size);
	assert_true(st.st_blocks < 1024);
	has_text(t, "to/sparse", "begin");
}

static void attributes_whiteouts_and_opaque_directories_are_kept(void **state)
{
	struct trees *t = *state;
	struct layer_copied copied;
	char value[8];
	char path[128];

	make_dir(t, "from");
	make_dir(t, "from/dir");
	make_whiteout(t, "from/gone");
	make_opaque(t, "from/dir");
	(void)snprintf(path, sizeof(path), "%s/from/dir", t->path);
	assert_int_equal(0, setxattr(path, "trusted.overlay.impure", "y", 1, 0));
	assert_int_equal(0, setxattr(path, "trusted.mine", "abc", 3, 0));
	copy(t, &copied);
	assert_true(S_ISCHR(look(t, "to/gone").st_mode));
	assert_int_equal(makedev(0, 0), look(t, "to/gone").st_rdev);
	assert_true(is_opaque_dir(t, "to/dir"));
	(void)snprintf(path, sizeof(path), "%s/to/dir", t->path);
	assert_int_equal(3, getxattr(path, "trusted.mine", value, sizeof(value)));
	assert_int_equal(-1, getxattr(path, "trusted.overlay.impure", value, sizeof(value)));
}

static void links_are_not_followed(void **state)
{
	struct trees *t = *state;
	struct layer_copied copied;

	make_dir(t, "secret");
	make_file(t, "secret/file", "s");
	make_dir(t, "from");
	assert_int_equal(0, symlinkat("../secret", t->fd, "from/dir"));
	copy(t, &copied);
	assert_true(S_ISLNK(look(t, "to/dir").st_mode));
	assert_int_equal(1, copied.entries);
}

/* Deeper than paths can name, descriptors are allowed or a stack could hold. */
static void no_nesting_is_too_deep(void **state)
{
	enum { DEPTH = 6000 };
	struct trees *t = *state;
	struct layer_copied copied;

	make_dir(t, "from");

	int fd = open_tree_dir(t, "from");

	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(0, mkdirat(fd, "d", 0755));
		assert_int_equal(0, tree_go(&fd, "d", &t->err));
	}
	fd_close(&fd);
	copy(t, &copied);
	assert_int_equal(DEPTH, copied.entries);
	assert_int_equal(0, layer_remove(t->fd, "to", &t->err));
	assert_int_equal(0, layer_remove(t->fd, "from", &t->err));
	assert_false(is_there(t, "to"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kinds_modes_and_times_are_kept, trees_begin,
	                                        trees_end),
		cmocka_unit_test_setup_teardown(hard_links_stay_links, trees_begin, trees_end),
		cmocka_unit_test_setup_teardown(holes_stay_holes, trees_begin, trees_end),
		cmocka_unit_test_setup_teardown(
			attributes_whiteouts_and_opaque_directories_are_kept, trees_begin,
			trees_end),
		cmocka_unit_test_setup_teardown(links_are_not_followed, trees_begin, trees_end),
		cmocka_unit_test_setup_teardown(no_nesting_is_too_deep, trees_begin, trees_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
