#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "checkpoint/facts.h"

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
		{"/", "ro,relatime", NULL, MOUNT_INTERNAL, true, false},
		{"/data \"x\"\n\xff", "rw", NULL, MOUNT_BIND, true, true},
		{"/dev/fuse", "rw", "/dev/fuse", MOUNT_DEVICE, false, false},
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

static void expect_refusal(const struct folder *folder, int code, const char *text)
{
	scoped_facts facts = {0};
	struct error err = {0};

	assert_int_equal(facts_read(folder->fd, &facts, &err), -code);
	if (!strstr(err.text, text))
		fail_msg("%s: %s", text, err.text);
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
		cmocka_unit_test_setup_teardown(a_broken_manifest_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
