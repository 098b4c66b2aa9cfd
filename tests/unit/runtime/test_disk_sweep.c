/* What goes out of a store, and what must stay whatever happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "rootfs/layer.h"
#include "runtime/disk.h"

struct store_dir {
	char path[40];
	int fd;
};

static void make(const struct store_dir *store, const char *path)
{
	assert_int_equal(mkdirat(store->fd, path, 0755), 0);
}

static bool is_there(const struct store_dir *store, const char *path)
{
	return faccessat(store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int begin(void **state)
{
	static const char *const folders[] = {"layers", "roots", "templates", "trash"};
	struct store_dir *store = calloc(1, sizeof(*store));

	if (!store)
		return -1;
	memcpy(store->path, "/tmp/lvm-run-test-sweep.XXXXXX",
	       sizeof("/tmp/lvm-run-test-sweep.XXXXXX"));
	if (!mkdtemp(store->path))
		return -1;
	store->fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (mkdirat(store->fd, folders[i], 0711) < 0)
			return -1;
	*state = store;
	return 0;
}

static int end(void **state)
{
	struct store_dir *store = *state;
	struct error err;
	int r = layer_remove(AT_FDCWD, store->path, &err);

	fd_close(&store->fd);
	free(store);
	return r;
}

/* A root whose record has one layer and another that is written to. */
static void make_root(const struct store_dir *store, const char *path, const char *layer,
                      const char *upper)
{
	scoped_str below = strdup(layer);
	scoped_str above = strdup(upper);
	scoped_str id = strdup("web");
	struct disk_record record = {
		.id = id,
		.state_root = id,
		.bundle = id,
		.layers = {.items = &below, .count = 1},
		.upper = above,
	};
	scoped_str text = disk_record_encode(&record);
	struct error err = {0};

	make(store, path);

	scoped_fd fd = openat(store->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(file_write_whole(fd, "disk.json", 0600, text, strlen(text), &err), 0);
}

static void layers_that_nothing_names_go_and_all_others_stay(void **state)
{
	const struct store_dir *store = *state;
	struct error err = {0};

	make(store, "layers/below");
	make(store, "layers/upper");
	make(store, "layers/nobodys");
	make(store, "layers/nobodys/data");
	make_root(store, "roots/web", "below", "upper");
	make(store, "roots/cut-off"); /* no record: it never was */
	assert_int_equal(disk_sweep(store->fd, &err), 0);
	assert_true(is_there(store, "layers/below"));
	assert_true(is_there(store, "layers/upper"));
	assert_false(is_there(store, "layers/nobodys"));
}

/* It may have named them all. */
static void nothing_goes_while_a_disk_cannot_be_looked_into(void **state)
{
	const struct store_dir *store = *state;
	struct error err = {0};

	make(store, "layers/perhaps");
	assert_int_equal(symlinkat("loop", store->fd, "roots/loop"), 0);
	assert_int_equal(disk_sweep(store->fd, &err), -ELOOP);
	assert_true(is_there(store, "layers/perhaps"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(layers_that_nothing_names_go_and_all_others_stay,
	                                        begin, end),
		cmocka_unit_test_setup_teardown(nothing_goes_while_a_disk_cannot_be_looked_into,
	                                        begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
