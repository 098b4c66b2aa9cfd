#include "bed.h"

/* No privilege is needed here: a tree in a temporary directory, looked at by descriptors. */

static int root_of(struct bed *bed)
{
	char path[256];
	int fd = open(bed_path(bed, "rootfs", path), O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void path_is_made_plain_in_place(void **state unused_parameter)
{
	static const char *const cases[][2] = {
		{"/", ""},
		{"", ""},
		{"/a//b/", "a/b"},
		{"a/./b", "a/b"},
		{"/a/../b", "b"},
		{"/../../x", "x"},
		{"/a/b/..", "a"},
		{"..", ""},
		{"/a/b/../../c/.", "c"},
		{"/.../a", ".../a"},
		{"/.a/..b", ".a/..b"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%s", cases[i][0]);
		path_clean(text);
		assert_string_equal(text, cases[i][1]);
	}
}

static void escape_through_a_link_stays_inside(void **state)
{
	struct bed *bed = *state;
	struct error err = {0};
	scoped_fd root = root_of(bed);
	char path[256];
	int fd;

	bed_symlink(bed, bed_path(bed, "out", path), "rootfs/lnk");
	bed_symlink(bed, "../../../../../../../../etc", "rootfs/up");
	assert_int_equal(path_open(root, "lnk/marker", O_PATH, 0, &err), -ENOENT);
	assert_non_null(strstr(err.text, "lnk/marker"));
	fd = path_open(root, "up/secret", O_PATH, 0, &err);
	assert_true(fd >= 0);
	close(fd);
	fd = path_open(root, "../../../etc/secret", O_PATH, 0, &err);
	assert_true(fd >= 0);
	close(fd);
}

static void missing_directories_are_made_inside(void **state)
{
	struct bed *bed = *state;
	struct error err = {0};
	scoped_fd root = root_of(bed);
	char out[256], path[256];
	struct stat st;
	int fd;

	fd = path_open_made_dir(root, "/a/b/../c/d", 0700, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	close(fd);
	assert_int_equal(stat(bed_path(bed, "rootfs/a/c/d", path), &st), 0);
	/* A link to the host's directory leads to a directory of that name inside. */
	bed_symlink(bed, bed_path(bed, "out", out), "rootfs/lnk");
	fd = path_open_made_dir(root, "lnk/x/y", 0755, &err);
	assert_true(fd >= 0);
	close(fd);
	scoped_str inside = str_format("%s/rootfs%s/x/y", bed->dir, out);
	assert_int_equal(stat(inside, &st), 0);
	bed_assert_outside_untouched(bed);
}

static void dangling_links_lead_to_a_file_inside(void **state)
{
	struct bed *bed = *state;
	struct error err = {0};
	scoped_fd root = root_of(bed);
	char path[256];
	struct stat st;
	bool linked = false;
	int fd;

	bed_symlink(bed, "../run/systemd/stub.conf", "rootfs/etc/resolv.conf");
	fd = path_open_made(root, "etc/resolv.conf", 0644, true, &linked, &err);
	assert_true(fd >= 0);
	assert_true(linked);
	close(fd);
	assert_int_equal(stat(bed_path(bed, "rootfs/run/systemd/stub.conf", path), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	bed_symlink(bed, "../../../../out/escape", "rootfs/etc/evil");
	fd = path_open_made_file(root, "etc/evil", 0644, &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stat(bed_path(bed, "rootfs/out/escape", path), &st), 0);
	bed_assert_outside_untouched(bed);
}

static void chains_of_links_end_in_an_error(void **state)
{
	struct bed *bed = *state;
	struct error err = {0};
	scoped_fd root = root_of(bed);
	char long_text[3000];

	for (int i = 0; i < 60; i++) {
		char name[64], target[64];

		(void)snprintf(name, sizeof(name), "rootfs/l%d", i);
		(void)snprintf(target, sizeof(target), "l%d", i + 1);
		bed_symlink(bed, target, name);
	}
	assert_int_equal(path_open(root, "l0", O_PATH, 0, &err), -ELOOP);
	assert_int_equal(path_open_made_dir(root, "l0", 0755, &err), -ELOOP);
	assert_int_equal(path_open_made_file(root, "l0", 0644, &err), -ELOOP);
	bed_symlink(bed, "loop", "rootfs/loop");
	assert_int_equal(path_open_made_dir(root, "loop/x", 0755, &err), -ELOOP);
	/* Each link adds 3,000 bytes before what is left: more than PATH_MAX in the second. */
	memset(long_text, 0, sizeof(long_text));
	for (size_t i = 0; i + 5 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "./", 2);
	memcpy(long_text + strlen(long_text), "g", 1);
	bed_symlink(bed, long_text, "rootfs/g0");
	bed_symlink(bed, long_text, "rootfs/g");
	long_text[strlen(long_text) - 1] = '\0';
	memcpy(long_text + strlen(long_text), "g0", 2);
	{
		scoped_str path = str_format("g0/%s", long_text);

		assert_int_equal(path_open_made_dir(root, path, 0755, &err), -ENAMETOOLONG);
	}
}

static void names_and_paths_that_are_too_long_are_refused(void **state)
{
	struct bed *bed = *state;
	struct error err = {0};
	scoped_fd root = root_of(bed);
	char path[5000];

	memset(path, 'a', sizeof(path));
	path[300] = '\0';
	assert_int_equal(path_open_made_dir(root, path, 0755, &err), -ENAMETOOLONG);
	path[300] = 'a';
	for (size_t i = 0; i < sizeof(path); i += 100)
		path[i] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(path_open_made_dir(root, path, 0755, &err), -ENAMETOOLONG);
	assert_int_equal(path_open(root, path, O_PATH, 0, &err), -ENAMETOOLONG);
}

static void other_kinds_of_files_are_no_directories(void **state)
{
	struct bed *bed = *state;
	struct error err = {0};
	scoped_fd root = root_of(bed);
	char path[256];
	struct stat st;
	int fd;

	assert_int_equal(mkfifo(bed_path(bed, "rootfs/fifo", path), 0644), 0);
	assert_int_equal(path_open_made_dir(root, "fifo", 0755, &err), -ENOTDIR);
	assert_int_equal(path_open_made_dir(root, "etc/secret/x", 0755, &err), -ENOTDIR);
	assert_int_equal(path_open_made_file(root, "etc", 0644, &err), -EISDIR);
	assert_int_equal(path_open_made_file(root, "", 0644, &err), -EISDIR);
	fd = path_open_made_file(root, "fifo", 0644,
	                         &err); /* as it is, without waiting for a writer */
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_made_plain_in_place),
		TEST(escape_through_a_link_stays_inside),
		TEST(missing_directories_are_made_inside),
		TEST(dangling_links_lead_to_a_file_inside),
		TEST(chains_of_links_end_in_an_error),
		TEST(names_and_paths_that_are_too_long_are_refused),
		TEST(other_kinds_of_files_are_no_directories),
	};

	return cmocka_run_group_tests_name("rootfs/path", tests, NULL, NULL);
}
