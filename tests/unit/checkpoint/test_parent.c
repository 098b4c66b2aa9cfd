#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/manifest.h"
#include "checkpoint/parent.h"
#include "rootfs/layer.h"

/* A folder with the images a, and b that goes on from them. */
struct bed {
	char name[40];
	int fd;
	struct container container;
};

static void put(int directory, const char *name, const char *text)
{
	struct error err;

	assert_int_equal(file_write_atomic(directory, name, 0600, text, strlen(text), &err), 0);
}

static int open_in(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int make_images(int directory, const char *name, const char *memory)
{
	assert_int_equal(mkdirat(directory, name, 0700), 0);

	int fd = open_in(directory, name);

	put(fd, "inventory.img", "inventory");
	put(fd, "pages-1.img", memory);
	put(fd, "dump.log", "not an image");
	return fd;
}

static void write_manifest(int images)
{
	const struct facts facts = {.id = "web1"};
	struct error err;

	assert_int_equal(facts_write(&facts, images, &err), 0);
}

static int set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	if (!bed)
		return -1;
	memcpy(bed->name, "/tmp/lvm-run-parent.XXXXXX", 27);
	if (!mkdtemp(bed->name))
		return -1;
	bed->fd = open(bed->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	scoped_fd a = make_images(bed->fd, "a", "memory of a");
	write_manifest(a);

	scoped_fd b = make_images(bed->fd, "b", "changes");
	assert_int_equal(symlinkat("../a", b, PARENT_NAME), 0);
	write_manifest(b);
	assert_int_equal(mkdirat(bed->fd, "state", 0700), 0);
	bed->container = (struct container)CONTAINER_NONE;
	bed->container.entry.fd = open_in(bed->fd, "state");
	bed->container.record.start_time = 4711;
	*state = bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;
	struct error err;
	int r = layer_remove(AT_FDCWD, bed->name, &err);

	(void)close(bed->container.entry.fd);
	(void)close(bed->fd);
	free(bed);
	return r;
}

static void second_names_are_whole_without_the_first(void **state)
{
	struct bed *bed = *state;
	struct error err;
	scoped_facts facts = {0};
	scoped_fd b = open_in(bed->fd, "b");
	scoped_fd copy = make_images(bed->fd, "c", "more changes");

	struct stat st;

	assert_int_equal(parent_depth(b), 1);
	assert_int_equal(fchmod(b, 0750), 0);
	assert_int_equal(parent_adopt(b, copy, &err), 0);
	assert_int_equal(fstatat(copy, PARENT_NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(parent_depth(copy), 2);
	write_manifest(copy);
	assert_int_equal(layer_remove(bed->fd, "a", &err), 0);
	assert_int_equal(layer_remove(bed->fd, "b", &err), 0);
	assert_int_equal(facts_read(copy, &facts, &err), 0);
	assert_int_equal(facts.page_count, 3);
	assert_int_equal(facts_check_pages(copy, &facts, &err), 0);
	assert_int_equal(faccessat(copy, "parent/dump.log", F_OK, 0), -1);

	scoped_fd farthest = open_in(copy, "parent/parent");
	put(farthest, "pages-1.img", "memory of z");
	assert_int_equal(facts_check_pages(copy, &facts, &err), -EILSEQ);
}

static void images_that_go_on_from_themselves_come_to_an_end(void **state)
{
	struct bed *bed = *state;
	struct error err;
	scoped_fd a = open_in(bed->fd, "a");
	scoped_fd copy = make_images(bed->fd, "c", "");

	assert_int_equal(symlinkat(".", a, PARENT_NAME), 0);
	assert_int_equal(parent_depth(a), PARENTS_MAX);
	assert_int_equal(parent_adopt(a, copy, &err), -ELOOP);
}

static void memory_is_tracked_since_the_last_images_alone(void **state)
{
	struct bed *bed = *state;
	struct error err;
	char digest[SHA256_HEX_SIZE];
	scoped_fd a = open_in(bed->fd, "a");
	scoped_fd b = open_in(bed->fd, "b");

	assert_false(tracked_since(&bed->container, digest));
	assert_int_equal(tracked_note(&bed->container, a, &err), 0);
	assert_int_equal(tracked_note(&bed->container, b, &err), 0);
	assert_true(tracked_since(&bed->container, digest));
	assert_true(tracked_is(digest, b));
	assert_false(tracked_is(digest, a));
	bed->container.record.start_time++;
	assert_false(tracked_since(&bed->container, digest));
	bed->container.record.start_time--;
	assert_int_equal(tracked_forget(&bed->container, &err), 0);
	assert_int_equal(tracked_forget(&bed->container, &err), 0);
	assert_false(tracked_since(&bed->container, digest));
}

static void a_note_that_is_not_whole_is_none(void **state)
{
	struct bed *bed = *state;
	struct error err;
	char digest[SHA256_HEX_SIZE];
	scoped_str text = NULL;
	scoped_fd a = open_in(bed->fd, "a");

	assert_int_equal(tracked_note(&bed->container, a, &err), 0);
	assert_int_equal(file_read(bed->container.entry.fd, TRACKED_NAME, 1000, &text, NULL, &err),
	                 0);
	for (size_t size = strlen(text); size > 0; size--) {
		text[size - 1] = '\0';
		put(bed->container.entry.fd, TRACKED_NAME, text);
		assert_false(tracked_since(&bed->container, digest));
	}
}

static void expect_refusal(const struct bed *bed, const char *path, const char *text)
{
	scoped_parent parent = PARENT_NONE;
	const struct facts facts = {0};
	struct error err = {0};

	assert_true(parent_open(&parent, &bed->container, bed->fd, path, &facts, &err) < 0);
	if (!strstr(err.text, text))
		fail_msg("%s: %s", text, err.text);
}

static void a_parent_is_whole_and_the_last_one(void **state)
{
	struct bed *bed = *state;
	const struct facts facts = {0};
	struct error err;
	scoped_fd a = open_in(bed->fd, "a");
	scoped_fd b = open_in(bed->fd, "b");

	expect_refusal(bed, "none", "parent path none: No such file");
	expect_refusal(bed, "b", "is not known");
	assert_int_equal(tracked_note(&bed->container, b, &err), 0);
	expect_refusal(bed, "a", "has been saved again since then");
	{
		scoped_parent parent = PARENT_NONE;

		assert_int_equal(parent_open(&parent, &bed->container, bed->fd, "b", &facts, &err),
		                 0);
		assert_int_equal(parent.facts.page_count, 2);
	}
	put(a, "pages-1.img", "memory");
	expect_refusal(bed, "b", "pages-1.img is not what was saved");
	put(a, "pages-1.img", "memory of a");
	put(b, "inventory.img", "inventorx");
	expect_refusal(bed, "b", "inventory.img is not what was saved");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(second_names_are_whole_without_the_first, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(images_that_go_on_from_themselves_come_to_an_end,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_tracked_since_the_last_images_alone,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_note_that_is_not_whole_is_none, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_parent_is_whole_and_the_last_one, set_up,
	                                        tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
