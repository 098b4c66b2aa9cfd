#include "bed.h"

#define BIND(destination, source)                                                                  \
	"{\"destination\":\"" destination "\",\"type\":\"bind\",\"source\":\"" source              \
	"\",\"options\":[\"bind\"]}"

static void look_masks(struct bed *bed)
{
	struct stat st;

	look_device(bed, "/etc/secret", 1, 3);
	look_text(bed, "/etc/secret", "");
	look_device(bed, "/proc/keys", 1, 3);
	look_device(bed, "/data/file", 1, 3);
	look_mounted(bed, "/data/sub", "ro,nosuid,nodev,noexec");
	look_mounted(bed, "/tmp", " - tmpfs ");
	if (mkdir("/tmp/x", 0755) == 0 || errno != EROFS)
		bed_complain(bed, "a masked directory can be written to");
	if (chmod("/etc/secret", 0666) == 0 || errno != EROFS) /* the mode it has: no harm */
		bed_complain(bed, "the host's /dev/null can be changed through a masked path");
	if (stat("/dev/null", &st) == 0 && st.st_rdev != makedev(1, 3))
		bed_complain(bed, "/dev/null is %#lx", (unsigned long)st.st_rdev);
}

static void files_and_directories_are_hidden_and_missing_ones_skipped(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_masks;
	bed_run(bed, BIND("/data", "volume"),
	        "\"maskedPaths\":[\"/etc/secret\",\"/proc/keys\",\"/data/file\",\"/data/sub\",\"/"
	        "tmp\","
	        "\"/missing\",\"/proc/missing\",\"/missing/below\"]");
	bed_assert_ok(bed);
}

/* /dev is a volume in which "null" leads elsewhere: the mask is the host's own node nevertheless. */
static void look_trick(struct bed *bed)
{
	look_device(bed, "/etc/secret", 1, 3);
	look_text(bed, "/etc/marker", "image\n");
	look_link(bed, "/dev/null", "/etc/marker");
}

static void mask_is_not_taken_from_the_containers_dev(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_write(bed, "rootfs/etc/marker", "image\n");
	bed_symlink(bed, "/etc/marker", "volume/null");
	bed->look = look_trick;
	bed_run(bed, BIND("/dev", "volume"), "\"maskedPaths\":[\"/etc/secret\"]");
	bed_assert_ok(bed);
}

static void look_covered_null(struct bed *bed)
{
	look_device(bed, "/etc/secret", 1, 3);
	look_device(bed, "/proc/keys", 1, 3);
	look_text(bed, "/dev/null", "volume\n");
}

static void look_other_null(struct bed *bed)
{
	look_device(bed, "/etc/secret", 1, 3);
	look_device(bed, "/dev/null", 1, 5);
}

static void mask_is_right_whatever_the_configuration_puts_on_dev_null(void **state)
{
	static const char masks[] = "\"maskedPaths\":[\"/etc/secret\",\"/proc/keys\"]";
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_covered_null;
	bed_run(bed, BED_DEV "," BIND("/dev/null", "volume/file"), masks);
	bed_assert_ok(bed);
	scoped_str more = str_format(
		"%s,\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":5}]",
		masks);
	bed->look = look_other_null;
	bed_run(bed, BED_DEV, more);
	bed_assert_ok(bed);
}

static void look_linked(struct bed *bed)
{
	look_device(bed, "/etc/secret", 1, 3);
	look_text(bed, "/etc/link", "");
}

static void link_leads_to_a_path_inside_the_root(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_symlink(bed, "secret", "rootfs/etc/link");
	bed->look = look_linked;
	bed_run(bed, "", "\"maskedPaths\":[\"/etc/link\"]");
	bed_assert_ok(bed);
	bed->look = NULL;
	bed_remove(bed, "rootfs/etc/link");
	bed_symlink(bed, bed_path(bed, "out/marker", path), "rootfs/etc/link");
	bed_run(bed, "", "\"maskedPaths\":[\"/etc/link\"],\"readonlyPaths\":[\"/etc/link\"]");
	bed_assert_ok(bed); /* there is no such path inside */
	bed_assert_outside_untouched(bed);
	bed_remove(bed, "rootfs/etc/link");
	bed_symlink(bed, "link", "rootfs/etc/link");
	bed_run(bed, "", "\"maskedPaths\":[\"/etc/link\"]");
	bed_assert_failed(bed, "pivot", "mask /etc/link: open: Too many levels");
}

static void look_readonly(struct bed *bed)
{
	static const char *const files[] = {"/etc/new", "/data/new", "/proc/sys/kernel/hostname"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = open(files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd >= 0 || errno != EROFS)
			bed_complain(bed, "%s can be opened for writing", files[i]);
	}
	look_text(bed, "/data/sub/in", "untouched\n");
	look_mounted(bed, "/data/sub/in", " ro,");
	if (open("/tmp/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
		bed_complain(bed, "/tmp is read-only too");
}

static void read_only_paths_are_read_only_with_all_below(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_write(bed, "volume/sub/in", "");
	bed->look = look_readonly;
	bed_run(bed, BIND("/data", "volume") "," BIND("/data/sub/in", "out/marker"),
	        "\"readonlyPaths\":[\"/etc\",\"/data\",\"/proc/sys\",\"/missing\",\"/proc/"
	        "missing\"]");
	bed_assert_ok(bed);
}

static void look_user_namespace(struct bed *bed)
{
	look_device(bed, "/etc/secret", 1, 3);
	look_mounted(bed, "/proc/sys", " ro,");
	look_mounted(bed, "/proc/bus", " - tmpfs ");
}

static void user_namespace_hides_the_same(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(chown(bed_path(bed, "rootfs", path), 100000, 100000), 0);
	bed->user_namespace = true;
	bed->look = look_user_namespace;
	bed_run(bed, BED_DEV,
	        "\"maskedPaths\":[\"/etc/secret\",\"/proc/bus\"],\"readonlyPaths\":[\"/proc/"
	        "sys\"]");
	bed_assert_ok(bed);
}

/* Two paths below what another user, whom the namespace does not map, keeps to himself. */
static void look_keeper(struct bed *bed)
{
	look_mounted(bed, "/data/private", "ro,nosuid,nodev,noexec");
	look_device(bed, "/etc/secret", 1, 3);
}

static void what_keeps_even_root_out_is_hidden_whole(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_mkdir(bed, "volume/private");
	bed_mkdir(bed, "volume/private/deep");
	bed_path(bed, "volume/private", path);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_int_equal(chown(bed_path(bed, "rootfs", path), 100000, 100000), 0);
	bed->user_namespace = true;
	bed->look = look_keeper;
	bed_run(bed, BED_DEV "," BIND("/data", "volume"),
	        "\"maskedPaths\":[\"/data/private/deep/secret\",\"/data/private/other\",\"/etc/"
	        "secret\"]");
	bed_assert_ok(bed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(files_and_directories_are_hidden_and_missing_ones_skipped),
		TEST(mask_is_not_taken_from_the_containers_dev),
		TEST(mask_is_right_whatever_the_configuration_puts_on_dev_null),
		TEST(link_leads_to_a_path_inside_the_root),
		TEST(read_only_paths_are_read_only_with_all_below),
		TEST(user_namespace_hides_the_same),
		TEST(what_keeps_even_root_out_is_hidden_whole),
	};

	return cmocka_run_group_tests_name("rootfs/mask", tests, NULL, NULL);
}
