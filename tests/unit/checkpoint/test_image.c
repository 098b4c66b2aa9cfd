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
#include "base/names.h"
#include "checkpoint/facts.h"
#include "checkpoint/image.h"
#include "rootfs/layer.h"

struct bed {
	char name[40];
	char place[64]; /* of the images */
	int fd;
};

static int set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	if (!bed)
		return -1;
	memcpy(bed->name, "/tmp/lvm-run-image.XXXXXX", 26);
	if (!mkdtemp(bed->name))
		return -1;
	(void)snprintf(bed->place, sizeof(bed->place), "%s/images", bed->name);
	bed->fd = open(bed->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;
	struct error err;
	int r = layer_remove(AT_FDCWD, bed->name, &err);

	(void)close(bed->fd);
	free(bed);
	return r;
}

static void put(int directory, const char *name)
{
	struct error err;

	assert_int_equal(file_write_atomic(directory, name, 0600, name, strlen(name), &err), 0);
}

/* Images with those that they go on from below them. */
static void fill(int images)
{
	put(images, MANIFEST_NAME);
	put(images, "pages-1.img");
	assert_int_equal(mkdirat(images, PARENT_NAME, 0700), 0);
	assert_int_equal(mkdirat(images, PARENT_NAME "/" PARENT_NAME, 0700), 0);

	scoped_fd parent = openat(images, PARENT_NAME "/" PARENT_NAME, O_RDONLY | O_DIRECTORY);
	put(parent, "pages-1.img");
}

static void begin(const struct bed *bed, struct image *image)
{
	struct error err;

	*image = (struct image)IMAGE_NONE;
	assert_int_equal(image_begin(bed->place, image, &err), 0);
	assert_int_equal(image_make(image, &err), 0);
}

static size_t count_names(int directory)
{
	struct names names = {0};
	struct error err;
	size_t count;

	assert_int_equal(names_read(directory, &names, &err), 0);
	count = names.count;
	names_done(&names);
	return count;
}

static void what_is_not_kept_goes_with_its_parents(void **state)
{
	struct bed *bed = *state;
	struct image image;
	struct error err;

	begin(bed, &image);
	fill(image.fd);
	image_done(&image);
	assert_int_equal(count_names(bed->fd), 0);
	begin(bed, &image);
	fill(image.fd);
	assert_int_equal(image_seal(&image, &err), 0);
	assert_int_equal(count_names(bed->fd), 1);
	image_done(&image);
	assert_int_equal(count_names(bed->fd), 0);
}

static void the_log_of_a_failure_stays_alone(void **state)
{
	struct bed *bed = *state;
	struct image image;

	begin(bed, &image);
	fill(image.fd);
	put(image.fd, DUMP_LOG_NAME);
	image_done(&image);
	assert_int_equal(count_names(bed->fd), 1);

	scoped_fd place = open(bed->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(count_names(place), 1);
	assert_int_equal(faccessat(place, DUMP_LOG_NAME, F_OK, 0), 0);
}

static void new_images_take_the_place_of_old_ones(void **state)
{
	struct bed *bed = *state;
	struct image image;
	struct error err;

	for (int turn = 0; turn < 2; turn++) {
		begin(bed, &image);
		fill(image.fd);
		assert_int_equal(image_seal(&image, &err), 0);
		image_keep(&image);
		image_done(&image);
		assert_int_equal(count_names(bed->fd), 1);
	}
}

static void what_is_somebody_elses_is_left_alone(void **state)
{
	struct bed *bed = *state;
	scoped_image image = IMAGE_NONE;
	struct error err;

	assert_int_equal(mkdir(bed->place, 0700), 0);

	scoped_fd place = open(bed->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(place, "letter");
	assert_true(image_begin(bed->place, &image, &err) < 0);
	assert_non_null(strstr(err.text, "holds no checkpoint"));
	assert_int_equal(faccessat(place, "letter", F_OK, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_not_kept_goes_with_its_parents, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(the_log_of_a_failure_stays_alone, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(new_images_take_the_place_of_old_ones, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(what_is_somebody_elses_is_left_alone, set_up,
	                                        tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
