#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "checkpoint/facts.h"
#include "checkpoint/tmpfs.h"

struct folder {
	char path[40];
	int fd;
};

static void put(const struct folder *folder, const char *name, const char *text)
{
	struct error err;

	assert_int_equal(file_write_atomic(folder->fd, name, 0600, text, strlen(text), &err), 0);
}

static int set_up(void **state)
{
	struct folder *folder = malloc(sizeof(*folder));
	struct fact_mount mounts[] = {
		{.path = "/", .options = "ro,relatime", .directory = true},
		{.path = "/data \"x\"\n\xff",
	         .options = "rw",
	         .source = MOUNT_BIND,
	         .directory = true,
	         .on_root = true},
		{.path = "/dev/fuse", .options = "rw", .from = "/dev/fuse", .source = MOUNT_DEVICE},
	};
	struct facts facts = {
		.id = "web1",
		.streams = {{.key = "file[18:3]", .external = true, .access = O_WRONLY}},
		.mounts = mounts,
		.mount_count = ARRAY_SIZE(mounts),
		.network = true,
	};
	struct error err;

	if (!folder)
		return -1;
	memcpy(folder->path, "/tmp/lvm-run-manifest.XXXXXX", 29);
	if (!mkdtemp(folder->path))
		return -1;
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(folder, "core-1.img", "core");
	put(folder, "pages-1.img", "pages");
	put(folder, "dump.log", "not an image");
	*state = folder;
	return facts_write(&facts, folder->fd, &err);
}

static int tear_down(void **state)
{
	static const char *const names[] = {"core-1.img", "pages-1.img", "tcp-stream-1f.img",
	                                    "other.img",  "dump.log",    MANIFEST_NAME};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(folder->fd, names[i], 0);
	(void)close(folder->fd);

	int r = rmdir(folder->path);

	free(folder);
	return r;
}

static void what_was_written_is_read_back(void **state)
{
	const struct folder *folder = *state;
	scoped_facts facts = {0};
	struct error err;

	assert_int_equal(facts_read(folder->fd, &facts, &err), 0);
	assert_string_equal(facts.id, "web1");
	assert_true(facts.network);
	assert_string_equal(facts.streams[0].key, "file[18:3]");
	assert_int_equal(facts.streams[0].access, O_WRONLY);
	assert_null(facts.streams[1].key);
	assert_int_equal(facts.mount_count, 3);
	assert_string_equal(facts.mounts[0].options, "ro,relatime");
	assert_string_equal(facts.mounts[1].path, "/data \"x\"\n\xff");
	assert_int_equal(facts.mounts[1].source, MOUNT_BIND);
	assert_true(facts.mounts[1].on_root);
	assert_string_equal(facts.mounts[2].from, "/dev/fuse");
	assert_false(facts.mounts[2].directory);
}

/* --- Contents of file systems in memory --- */

static void write_tmpfs(const struct folder *folder, struct fact_entry *entries, size_t count,
                        size_t of, bool user_namespace)
{
	struct fact_tmpfs tmpfs = {
		.source = "shm",
		.options = "size=64k,mode=1777",
		.data = 4096,
		.entries = entries,
		.entry_count = count,
	};
	struct fact_mount mounts[] = {
		{.path = "/dev/shm", .options = "rw", .source = MOUNT_TMPFS, .tmpfs = &tmpfs},
		{.path = "/mnt", .options = "rw", .source = MOUNT_PART, .from = "/a", .of = of},
	};
	struct facts facts = {
		.id = "web1",
		.mounts = mounts,
		.mount_count = ARRAY_SIZE(mounts),
		.user_namespace = user_namespace,
	};
	struct error err;

	assert_int_equal(facts_write(&facts, folder->fd, &err), 0);
}

static void contents_are_read_back(void **state)
{
	const struct folder *folder = *state;
	struct fact_extent extents[] = {{0, 3}, {4096, 10}};
	struct fact_attribute attributes[] = {{"user.\xff", "00ff"}, {"user.empty", ""}};
	struct fact_entry entries[] = {
		{.path = "", .mode = S_IFDIR | 01777, .seconds = -5, .nanoseconds = 7},
		{.path = "a", .mode = S_IFDIR | 0700, .uid = 1000, .gid = 1001},
		{.path = "a/file\xfe",
	         .mode = S_IFREG | 04755,
	         .size = 5000,
	         .extents = extents,
	         .extent_count = 2,
	         .attributes = attributes,
	         .attribute_count = 2},
		{.path = "hard", .link = "a/file\xfe"},
		{.path = "soft", .mode = S_IFLNK | 0777, .target = "../x"},
		{.path = "null", .mode = S_IFCHR | 0666, .device = makedev(1, 3)},
	};
	scoped_facts facts = {0};
	struct error err = {0};
	const struct fact_entry *found;

	write_tmpfs(folder, entries, ARRAY_SIZE(entries), 0, false);
	if (facts_read(folder->fd, &facts, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(facts.mounts[1].source, MOUNT_PART);
	assert_int_equal(facts.mounts[1].of, 0);
	assert_string_equal(facts.mounts[1].from, "/a");
	assert_string_equal(facts.mounts[0].tmpfs->options, "size=64k,mode=1777");
	assert_int_equal(facts.mounts[0].tmpfs->data, 4096);
	assert_int_equal(facts.mounts[0].tmpfs->entry_count, ARRAY_SIZE(entries));
	found = facts.mounts[0].tmpfs->entries;
	assert_int_equal(found[0].seconds, -5);
	assert_int_equal(found[0].nanoseconds, 7);
	assert_int_equal(found[1].gid, 1001);
	assert_string_equal(found[2].path, "a/file\xfe");
	assert_int_equal(found[2].mode, S_IFREG | 04755);
	assert_int_equal(found[2].extent_count, 2);
	assert_int_equal(found[2].extents[1].offset, 4096);
	assert_int_equal(found[2].extents[1].size, 10);
	assert_string_equal(found[2].attributes[0].name, "user.\xff");
	assert_string_equal(found[2].attributes[0].value, "00ff");
	assert_string_equal(found[2].attributes[1].value, "");
	assert_string_equal(found[3].link, "a/file\xfe");
	assert_string_equal(found[4].target, "../x");
	assert_int_equal(found[5].device, makedev(1, 3));
}

static void expect_refusal(const struct folder *folder, int code, const char *text)
{
	scoped_facts facts = {0};
	struct error err = {0};

	assert_int_equal(facts_read(folder->fd, &facts, &err), -code);
	if (!strstr(err.text, text))
		fail_msg("%s: %s", text, err.text);
}

static void contents_that_lead_elsewhere_are_refused(void **state)
{
	static const struct fact_extent over[] = {{4090, 10}}, back[] = {{10, 5}, {12, 1}};
	static const struct fact_attribute odd[] = {{"user.x", "0"}}, word[] = {{"user.x", "zz"}};
	static const struct fact_entry bad[] = {
		{.path = "../a", .mode = S_IFREG},
		{.path = "/a", .mode = S_IFREG},
		{.path = "a/../../b", .mode = S_IFREG},
		{.path = "a//b", .mode = S_IFREG},
		{.path = "", .mode = S_IFDIR},
		{.path = "a", .link = "../b"},
		{.path = "a", .link = ""},
		{.path = "a", .mode = S_IFSOCK},
		{.path = "a", .mode = S_IFLNK},
		{.path = "a", .mode = S_IFREG, .target = "b"},
		{.path = "a", .mode = S_IFREG, .uid = UINT32_MAX},
		{.path = "a", .mode = S_IFREG, .nanoseconds = 1000000000},
		{.path = "a", .mode = S_IFREG, .size = UINT64_MAX},
		{.path = "a",
	         .mode = S_IFREG,
	         .size = 4096,
	         .extents = (void *)over,
	         .extent_count = 1},
		{.path = "a",
	         .mode = S_IFREG,
	         .size = 4096,
	         .extents = (void *)back,
	         .extent_count = 2},
		{.path = "a", .mode = S_IFREG, .attributes = (void *)odd, .attribute_count = 1},
		{.path = "a", .mode = S_IFREG, .attributes = (void *)word, .attribute_count = 1},
	};
	const struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fact_entry entries[] = {{.path = "", .mode = S_IFDIR}, bad[i]};

		write_tmpfs(folder, entries, 2, 0, false);
		expect_refusal(folder, EILSEQ, "is missing or wrong");
	}

	struct fact_entry root = {.path = "", .mode = S_IFDIR};

	write_tmpfs(folder, &root, 1, 1, false);
	expect_refusal(folder, EILSEQ, "mounts.of is missing or wrong");
	write_tmpfs(folder, &root, 1, 2, false);
	expect_refusal(folder, EILSEQ, "mounts.of is missing or wrong");
	write_tmpfs(folder, &root, 0, 0, false);
	expect_refusal(folder, EILSEQ, "tmpfs is missing or wrong");
	/* Device nodes of the host's would work in it. */
	write_tmpfs(folder, &root, 1, 0, true);
	expect_refusal(folder, EILSEQ, "mounts is missing or wrong");
}

static void changed_missing_and_foreign_files_are_refused(void **state)
{
	const struct folder *folder = *state;

	put(folder, "dump.log", "logs may change");
	put(folder, "other.img", "x");
	expect_refusal(folder, EILSEQ, "other.img does not belong to it");
	assert_int_equal(unlinkat(folder->fd, "other.img", 0), 0);
	put(folder, "core-1.img", "cord");
	expect_refusal(folder, EILSEQ, "core-1.img is not what was saved");
	assert_int_equal(unlinkat(folder->fd, "core-1.img", 0), 0);
	expect_refusal(folder, EILSEQ, "core-1.img is missing");
	assert_int_equal(symlinkat("pages-1.img", folder->fd, "core-1.img"), 0);
	expect_refusal(folder, EILSEQ, "core-1.img");
}

static void memory_is_checked_apart_but_for_its_size(void **state)
{
	const struct folder *folder = *state;
	scoped_facts facts = {0};
	struct error err = {0};

	assert_int_equal(facts_read(folder->fd, &facts, &err), 0);
	assert_int_equal(facts.page_count, 1);
	assert_int_equal(facts_check_pages(folder->fd, &facts, &err), 0);
	put(folder, "pages-1.img", "PAGES");
	assert_int_equal(facts_check_pages(folder->fd, &facts, &err), -EILSEQ);
	assert_non_null(strstr(err.text, "pages-1.img is not what was saved"));
	put(folder, "pages-1.img", "page");
	expect_refusal(folder, EILSEQ, "pages-1.img is not what was saved");
}

/* A child whose parent is the folder; `dedup`: CRIU has taken memory from that one meanwhile. */
static int check_child(const struct folder *parent, bool dedup, const char *spoil)
{
	char path[] = "/tmp/lvm-run-child.XXXXXX";
	scoped_facts facts = {0};
	struct facts written = {.id = "web1", .dedup = dedup};
	struct error err;

	assert_non_null(mkdtemp(path));

	const struct folder child = {.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

	assert_int_equal(symlinkat(parent->path, child.fd, PARENT_NAME), 0);
	put(&child, "core-1.img", "core");
	put(&child, "pages-1.img", "more");
	put(parent, "pages-1.img", "p g s");
	assert_int_equal(facts_write(&written, child.fd, &err), 0);
	if (spoil)
		put(parent, "pages-1.img", spoil);

	int r = facts_read(child.fd, &facts, &err);

	if (r == 0) {
		assert_int_equal(facts.page_count, 2);
		r = facts_check_pages(child.fd, &facts, &err);
	}
	(void)unlinkat(child.fd, "core-1.img", 0);
	(void)unlinkat(child.fd, "pages-1.img", 0);
	(void)unlinkat(child.fd, MANIFEST_NAME, 0);
	(void)unlinkat(child.fd, PARENT_NAME, 0);
	(void)close(child.fd);
	assert_int_equal(rmdir(path), 0);
	return r;
}

static void parents_that_gave_up_memory_are_as_they_were_left(void **state)
{
	const struct folder *folder = *state;

	assert_int_equal(check_child(folder, false, NULL), -EILSEQ);
	assert_int_equal(check_child(folder, true, NULL), 0);
	assert_int_equal(check_child(folder, true, "p g x"), -EILSEQ);
	put(folder, "pages-1.img", "pages");
}

static void connections_are_known_by_their_files(void **state)
{
	const struct folder *folder = *state;
	const struct facts written = {.id = "web1"};
	scoped_facts without = {0}, with = {0};
	struct error err;

	assert_int_equal(facts_read(folder->fd, &without, &err), 0);
	assert_false(without.connections);
	put(folder, "tcp-stream-1f.img", "stream");
	assert_int_equal(facts_write(&written, folder->fd, &err), 0);
	assert_int_equal(facts_read(folder->fd, &with, &err), 0);
	assert_true(with.connections);
}

static void a_broken_manifest_is_refused(void **state)
{
	static const char *const texts[] = {
		"{",
		"[]",
		"{}",
		"{\"format\": \"1\"}",
		"{\"format\": 1}",
		"{\"format\": 2}",
		"{\"format\": 2, \"id\": \"x\", \"streams\": [], \"mounts\": [], \"files\": []}",
		"{\"format\": 2, \"id\": \"x\", \"streams\": [1, 2, 3], \"mounts\": [], \"files\": "
		"[]}",
		"{\"format\": 2, \"id\": \"x\", \"streams\": [{\"access\": 0}, {\"access\": 0}, "
		"{\"access\": 0}], \"mounts\": [7], \"files\": [{}]}",
		"{\"format\": 2, \"id\": \"x\", \"streams\": [{\"access\": 0}, {\"access\": 0}, "
		"{\"access\": 0}], \"mounts\": [], \"files\": [{\"name\": \"../x.img\", \"size\": "
		"1, "
		"\"sha256\": \"\"}]}",
	};
	const struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		scoped_facts facts = {0};
		struct error err;

		put(folder, MANIFEST_NAME, texts[i]);
		if (facts_read(folder->fd, &facts, &err) >= 0)
			fail_msg("accepted: %s", texts[i]);
	}
	assert_int_equal(unlinkat(folder->fd, MANIFEST_NAME, 0), 0);
	expect_refusal(folder, ENOENT, "not made by lvm-run checkpoint");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changed_missing_and_foreign_files_are_refused,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_checked_apart_but_for_its_size, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(parents_that_gave_up_memory_are_as_they_were_left,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(connections_are_known_by_their_files, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(contents_are_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(contents_that_lead_elsewhere_are_refused, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_broken_manifest_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
