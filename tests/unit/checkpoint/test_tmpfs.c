#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "checkpoint/tmpfs.h"

/* All mounts are CRIU's at first; the facts are those of the list. */
static void recognize(const char *text, struct facts *facts)
{
	scoped_str copy = strdup(text);
	struct mountinfo_list list = {0};
	struct error err;

	assert_non_null(copy);
	assert_int_equal(mountinfo_parse(copy, &facts->arena, &list, &err), 0);
	facts->mount_count = list.count;
	facts->mounts = arena_alloc(&facts->arena, list.count + 1, sizeof(*facts->mounts));
	assert_non_null(facts->mounts);
	assert_int_equal(tmpfs_recognize(&list, facts, &err), 0);
	/* Nothing of them points into the text. */
	memset(copy, 'x', strlen(copy));
}

static void a_file_system_in_memory_is_recognized_with_its_parts(void **state)
{
	scoped_facts facts = {0};

	(void)state;
	recognize("1 9 8:1 / / rw - ext4 x rw\n"
	          "2 1 0:5 / /dev rw - tmpfs my\\040dev rw,seclabel,size=64k,mode=755\n"
	          "3 2 0:6 / /dev/shm rw - tmpfs shm rw\n"
	          "4 1 0:5 /null /proc/keys ro - tmpfs dev rw,size=64k,mode=755\n",
	          &facts);
	assert_null(facts.mounts[0].tmpfs);
	assert_non_null(facts.mounts[1].tmpfs);
	assert_string_equal(facts.mounts[1].tmpfs->source, "my dev");
	assert_string_equal(facts.mounts[1].tmpfs->options, "size=64k,mode=755");
	assert_non_null(facts.mounts[2].tmpfs);
	assert_string_equal(facts.mounts[2].tmpfs->options, "");
	assert_null(facts.mounts[3].tmpfs);
	assert_int_equal(facts.mounts[3].of, 1);
	assert_string_equal(facts.mounts[3].from, "/null");
}

static void what_cannot_be_made_again_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"2 1 0:5 / /dev rw shared:3 - tmpfs dev rw\n",
		"2 1 0:5 / /dev rw master:3 - tmpfs dev rw\n",
		"2 1 0:5 / /dev ro - tmpfs dev ro\n",
		"2 1 0:5 / /dev rw - tmpfs dev rw,context=x\n",
		"2 1 0:5 / /dev rw - tmpfs dev rw,sizes=4\n",
		"2 1 0:5 / /dev rw - devtmpfs dev rw\n",
		"2 1 0:5 /part /dev rw - tmpfs dev rw\n",
		"2 1 0:5 / /dev rw - tmpfs dev rw\n3 2 0:6 / /dev rw - proc x rw\n",
		"2 1 0:5 / /dev rw - tmpfs dev rw\n3 1 0:5 /x//deleted /y rw - tmpfs dev rw\n",
		"2 1 0:5 / /dev rw - tmpfs dev rw\n3 1 0:5 /x /y rw shared:1 - tmpfs dev rw\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		scoped_facts facts = {0};

		recognize(texts[i], &facts);
		for (size_t m = 0; m < facts.mount_count; m++)
			if (facts.mounts[m].tmpfs || facts.mounts[m].from)
				fail_msg("%s", texts[i]);
	}
}

/* --- Made again --- */

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("SKIP needs root: mounts\n");
	skip();
}

struct images {
	char path[40];
	int fd;
};

static void make_images(struct images *images, const char *data)
{
	memcpy(images->path, "/tmp/lvm-run-tmpfs.XXXXXX", 26);
	assert_non_null(mkdtemp(images->path));
	images->fd = open(images->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	scoped_fd file = openat(images->fd, TMPFS_DATA_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	assert_int_equal(fd_write_all(file, data, strlen(data)), 0);
}

static void remove_images(struct images *images)
{
	(void)unlinkat(images->fd, TMPFS_DATA_NAME, 0);
	(void)close(images->fd);
	assert_int_equal(rmdir(images->path), 0);
}

static void contents_are_made_as_they_were(void **state)
{
	struct fact_extent extents[] = {{1, 3}, {8192, 2}};
	struct fact_attribute attribute = {"trusted.x", "00ff41"};
	struct fact_entry entries[] = {
		{.path = "", .mode = S_IFDIR | 01777, .seconds = 100, .nanoseconds = 5},
		{.path = "d", .mode = S_IFDIR | 02500, .uid = 12, .gid = 34, .seconds = 200},
		{.path = "d/file",
	         .mode = S_IFREG | 04711,
	         .uid = 1,
	         .gid = 2,
	         .seconds = 300,
	         .size = 10000,
	         .extents = extents,
	         .extent_count = 2,
	         .attributes = &attribute,
	         .attribute_count = 1},
		{.path = "d/link", .mode = S_IFLNK | 0777, .target = "/nowhere", .seconds = 400},
		{.path = "other", .link = "d/file"},
		{.path = "fifo", .mode = S_IFIFO | 0620, .seconds = 500},
	};
	const struct fact_tmpfs tmpfs = {
		.source = "shm",
		.options = "size=1024k,mode=700",
		.data = 2,
		.entries = entries,
		.entry_count = ARRAY_SIZE(entries),
	};
	struct images images;
	struct stat st;
	struct error err = {0};
	char text[10000];

	(void)state;
	need_root();
	make_images(&images, "--abcde");

	scoped_fd top = tmpfs_make(&tmpfs, 0, images.fd, &err);

	if (top < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fstat(top, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 01777);
	assert_int_equal(st.st_mtim.tv_sec, 100);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	assert_int_equal(fstatat(top, "d", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 02500);
	assert_int_equal(st.st_gid, 34);
	assert_int_equal(st.st_mtim.tv_sec, 200);
	assert_int_equal(fstatat(top, "d/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(st.st_mtim.tv_sec, 400);
	assert_int_equal(fstatat(top, "fifo", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFIFO | 0620);
	assert_int_equal(fstatat(top, "other", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 04711);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_uid, 1);
	assert_int_equal(st.st_mtim.tv_sec, 300);
	assert_int_equal(st.st_size, 10000);
	/* Holes stay holes. */
	assert_int_equal(st.st_blocks, 2 * 4096 / 512);

	scoped_fd file = openat(top, "d/file", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(file, text, sizeof(text)), 10000);
	assert_memory_equal(text, "\0abc\0", 5);
	assert_memory_equal(text + 8191, "\0de\0", 4);
	assert_int_equal(fgetxattr(file, "trusted.x", text, sizeof(text)), 3);
	assert_memory_equal(text,
	                    "\0\xff"
	                    "A",
	                    3);
	remove_images(&images);
}

static void nothing_is_made_outside(void **state)
{
	struct fact_extent extent = {0, 3};
	const struct {
		struct fact_entry second;
		const char *text;
	} cases[] = {
		{{.path = "out/x", .mode = S_IFREG | 0600}, "out/x: out: "},
		{{.path = "x", .link = "out/etc/passwd"}, "x: out/etc/passwd: "},
		{{.path = "x", .mode = S_IFREG, .size = 3, .extents = &extent, .extent_count = 1},
	         "is too short"},
		{{.path = "out", .mode = S_IFREG | 0600}, "out: file: File exists"},
	};
	struct images images;

	(void)state;
	need_root();
	make_images(&images, "ab");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fact_entry entries[] = {
			{.path = "", .mode = S_IFDIR | 0755},
			{.path = "out", .mode = S_IFLNK | 0777, .target = "/"},
			cases[i].second,
		};
		const struct fact_tmpfs tmpfs = {
			.source = "shm", .options = "", .entries = entries, .entry_count = 3};
		struct error err = {0};

		assert_true(tmpfs_make(&tmpfs, 0, images.fd, &err) < 0);
		if (!strstr(err.text, cases[i].text))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
	remove_images(&images);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_system_in_memory_is_recognized_with_its_parts),
		cmocka_unit_test(what_cannot_be_made_again_is_left_alone),
		cmocka_unit_test(contents_are_made_as_they_were),
		cmocka_unit_test(nothing_is_made_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
