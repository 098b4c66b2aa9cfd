/* A folder of plain files stands for a group; writing to one that is a folder fails, as a refusal does. */
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
#include "base/macro.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/update.h"

static const char *const files[] = {"memory.max",
                                    "cpu.max",
                                    "io.max",
                                    "io.weight",
                                    "rdma.max",
                                    "cpu.idle",
                                    "hugetlb.2MB.max",
                                    "memory.current",
                                    "cgroup.controllers",
                                    "memory.swap.current",
                                    "memory.oom_control",
                                    "memory.limit_in_bytes",
                                    "blkio.throttle.read_bps_device",
                                    "net_prio.ifpriomap"};

struct folder {
	char path[32];
	int fd;
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (!folder)
		return -1;
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/lvm-run-update-XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = folder;
	return folder->fd < 0 ? -1 : mkdirat(folder->fd, "pids.max", 0755);
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(folder->fd, files[i], 0);
	(void)unlinkat(folder->fd, "pids.max", AT_REMOVEDIR);
	fd_close(&folder->fd);

	int r = rmdir(folder->path);

	free(folder);
	return r;
}

static void put(const struct folder *folder, const char *file, const char *text)
{
	scoped_fd fd = openat(folder->fd, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

/* Plain files keep what lies behind a shorter text: only its beginning is looked at. */
static void expect_begins(const struct folder *folder, const char *file, const char *want)
{
	char got[256];
	struct error err = {0};

	assert_true(file_read_kernel(folder->fd, file, got, sizeof(got), &err) >= 0);
	if (!str_starts(got, want))
		fail_msg("%s: expected %s, got %s", file, want, got);
}

static struct spec *parse(const char *json)
{
	struct spec *spec = NULL;
	struct error err = {0};

	if (spec_parse_resources("test", json, strlen(json), &spec, &err) < 0)
		fail_msg("%s: %s", json, err.text);
	return spec;
}

static int update(const struct folder *folder, const char *json, struct error *err)
{
	scoped_spec spec = parse(json);
	scoped_arena arena = {0};
	struct limit_list list;

	if (update_complete(&spec->linux.resources, folder->fd, err) < 0)
		return -err->code;
	assert_int_equal(limits_plan(&spec->linux.resources, &arena, &list, err), 0);
	return update_values(NULL, &list, folder->fd, err);
}

static void values_are_written(void **state)
{
	const struct folder *folder = *state;
	struct error err = {0};

	put(folder, "memory.max", "max");
	assert_int_equal(update(folder, "{\"memory\":{\"limit\":4096}}", &err), 0);
	expect_begins(folder, "memory.max", "4096");
}

static void a_refusal_sets_all_back(void **state)
{
	const struct folder *folder = *state;
	struct error err = {0};

	put(folder, "memory.max", "111111\n");
	put(folder, "cpu.max", "20000 50000\n");
	assert_int_equal(update(folder,
	                        "{\"memory\":{\"limit\":222222},\"cpu\":{\"quota\":30000},"
	                        "\"pids\":{\"limit\":5}}",
	                        &err),
	                 -EISDIR);
	assert_true(str_starts(err.text, "linux.resources.pids.limit: "));
	expect_begins(folder, "memory.max", "111111");
	expect_begins(folder, "cpu.max", "20000 50000");
}

static void a_device_without_a_line_gets_its_defaults_back(void **state)
{
	const struct folder *folder = *state;
	struct error err = {0};
	static const char json[] =
		"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":77}]},"
		"\"unified\":{\"pids.max\":\"5\"}}";

	put(folder, "io.max", "");
	assert_int_equal(update(folder, json, &err), -EISDIR);
	expect_begins(folder, "io.max", "8:0 rbps=max wbps=max riops=max wiops=max");
	put(folder, "io.max",
	    "8:16 rbps=1 wbps=max riops=max wiops=max\n"
	    "8:0 rbps=55 wbps=max riops=max wiops=9\n");
	assert_int_equal(update(folder, json, &err), -EISDIR);
	expect_begins(folder, "io.max", "8:0 rbps=55 wbps=max riops=max wiops=9");
}

/* No machine here has the rdma controller: a folder with a file of that name stands for the group. */
static void an_rdma_device_gets_its_old_line_back(void **state)
{
	const struct folder *folder = *state;
	struct error err = {0};
	static const char json[] = "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":100}}}";
	static const char refused[] = "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}},"
				      "\"unified\":{\"pids.max\":\"5\"}}";

	put(folder, "rdma.max", "");
	assert_int_equal(update(folder, json, &err), 0);
	expect_begins(folder, "rdma.max", "mlx5_1 hca_handle=3 hca_object=100");
	put(folder, "rdma.max",
	    "mlx5_0 hca_handle=max hca_object=max\nmlx5_1 hca_handle=2 hca_object=2000\n");
	assert_int_equal(update(folder, refused, &err), -EISDIR);
	expect_begins(folder, "rdma.max", "mlx5_1 hca_handle=2 hca_object=2000");
	put(folder, "rdma.max", "");
	assert_int_equal(update(folder, refused, &err), -EISDIR);
	expect_begins(folder, "rdma.max", "mlx5_1 hca_handle=max hca_object=max");
}

/* What undoes limits of cgroup v1, whose files the folder has. */
static void the_older_version_gets_its_values_back(void **state)
{
	const struct folder *folder = *state;
	const struct limit limits[] = {
		{.file = "memory.limit_in_bytes", .value = "4096", .controller = "memory"},
		{.file = "memory.oom_control", .value = "1", .controller = "memory"},
		{.file = "blkio.throttle.read_bps_device", .value = "8:0 5", .controller = "blkio"},
		{.file = "blkio.throttle.read_bps_device",
	         .value = "8:16 5",
	         .controller = "blkio"},
		{.file = "net_prio.ifpriomap", .value = "eth0 5", .controller = "net_prio"},
		{.file = "memory.nothing", .value = "1", .controller = "memory"},
	};
	const struct limit_list list = {(struct limit *)(uintptr_t)limits, ARRAY_SIZE(limits)};
	static const char *const want[] = {"eth0 3", "8:16 0", "8:0 77", "0",
	                                   "9223372036854771712"};
	scoped_arena arena = {0};
	struct limit_list saved;
	struct error err = {0};

	put(folder, "memory.limit_in_bytes", "9223372036854771712\n");
	put(folder, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	put(folder, "blkio.throttle.read_bps_device", "8:0 77\n");
	put(folder, "net_prio.ifpriomap", "lo 0\neth0 3\n");
	assert_int_equal(update_save(&list, folder->fd, &arena, &saved, &err), 0);
	assert_int_equal(saved.count, ARRAY_SIZE(want));
	for (size_t i = 0; i < saved.count; i++)
		assert_string_equal(saved.items[i].value, want[i]);
}

static void half_of_the_quota_keeps_the_other(void **state)
{
	const struct folder *folder = *state;
	struct error err = {0};

	put(folder, "cpu.max", "20000 50000\n");
	assert_int_equal(update(folder, "{\"cpu\":{\"quota\":30000}}", &err), 0);
	expect_begins(folder, "cpu.max", "30000 50000");
	assert_int_equal(update(folder, "{\"cpu\":{\"period\":60000}}", &err), 0);
	expect_begins(folder, "cpu.max", "30000 60000");
	put(folder, "cpu.max", "max 100000\n");
	assert_int_equal(update(folder, "{\"cpu\":{\"period\":90000}}", &err), 0);
	expect_begins(folder, "cpu.max", "max 90000");
}

static void a_limit_below_use_is_refused_when_asked(void **state)
{
	const struct folder *folder = *state;
	struct error err = {0};

	put(folder, "memory.max", "max\n");
	put(folder, "memory.current", "8192\n");
	put(folder, "memory.swap.current", "100\n");
	assert_int_equal(
		update(folder, "{\"memory\":{\"limit\":8192,\"checkBeforeUpdate\":true}}", &err),
		-EBUSY);
	expect_begins(folder, "memory.max", "max");
	assert_int_equal(
		update(folder, "{\"memory\":{\"limit\":8193,\"checkBeforeUpdate\":true}}", &err),
		0);
	expect_begins(folder, "memory.max", "8193");
	assert_int_equal(update(folder, "{\"memory\":{\"limit\":1024}}", &err), 0);
}

/* Whether the limit of memory that the group has makes half a setting whole, before cgroup v1 is thought of. */
static void half_of_a_setting_asks_for_no_group_in_v1(void **state)
{
	const struct folder *folder = *state;
	scoped_spec spec = parse("{\"memory\":{\"swap\":83886080}}");
	struct cgroup group = {
		.driver = &driver_cgroupfs,
		.dirfd = folder->fd,
		.location = {.mount = (char *)(uintptr_t)folder->path},
		.grows = true,
	};
	struct error err = {0};

	put(folder, "memory.max", "52428800\n");
	put(folder, "cgroup.controllers", "cpu memory\n");
	assert_int_equal(legacy_grow_plan(&group, &spec->linux.resources, &err), 0);
	assert_string_equal(err.text, "");
	arena_done(&group.arena);
}

int main(void)
{
#define with_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		with_folder(values_are_written),
		with_folder(a_refusal_sets_all_back),
		with_folder(a_device_without_a_line_gets_its_defaults_back),
		with_folder(an_rdma_device_gets_its_old_line_back),
		with_folder(the_older_version_gets_its_values_back),
		with_folder(half_of_the_quota_keeps_the_other),
		with_folder(a_limit_below_use_is_refused_when_asked),
		with_folder(half_of_a_setting_asks_for_no_group_in_v1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
