#include "bed.h"

#define DEVICE(path, type, more) "{\"path\":\"" path "\",\"type\":\"" type "\"" more "}"
#define NUMBERS(major_number, minor_number) ",\"major\":" #major_number ",\"minor\":" #minor_number
#define DEVICES(...) "\"devices\":[" __VA_ARGS__ "]"

static void look_devices(struct bed *bed)
{
	struct stat st;

	look_device(bed, "/dev/fuse", 10, 229);
	if (stat("/dev/fuse", &st) || st.st_mode != (S_IFCHR | 0640) || st.st_uid != 1 ||
	    st.st_gid != 2)
		bed_complain(bed, "/dev/fuse: mode %o owner %u:%u", st.st_mode, st.st_uid,
		             st.st_gid);
	look_device(bed, "/dev/net/tun", 10, 200);
	look_device(bed, "/srv/own/zero", 1, 5);
	if (stat("/dev/pipe", &st) || st.st_mode != (S_IFIFO | 0666))
		bed_complain(bed, "/dev/pipe: mode %o", st.st_mode);
	if (stat("/dev/disk", &st) || (st.st_mode & S_IFMT) != S_IFBLK ||
	    st.st_rdev != makedev(7, 3))
		bed_complain(bed, "/dev/disk: mode %o", st.st_mode);
	if (stat("/dev/null", &st) || st.st_mode != (S_IFCHR | 0600))
		bed_complain(bed, "/dev/null: mode %o", st.st_mode);
}

static void devices_of_the_configuration_are_made(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_devices;
	bed_run(bed, BED_DEV,
	        DEVICES(DEVICE("/dev/fuse", "c", NUMBERS(10, 229) ",\"fileMode\":416,\"uid\":1,\"gid\":2") "," DEVICE(
			"/dev/net/tun", "u",
			NUMBERS(10,
	                        200)) "," DEVICE("/srv/own/zero", "c",
	                                         NUMBERS(1,
	                                                 5)) "," DEVICE("/dev/pipe", "p",
	                                                                "") "," DEVICE("/dev/disk",
	                                                                               "b",
	                                                                               NUMBERS(7,
	                                                                                       3)) "," DEVICE("/dev/null",
	                                                                                                      "c",
	                                                                                                      NUMBERS(1,
	                                                                                                              3) ",\"fileMode\":384")));
	bed_assert_ok(bed);
}

static void look_plain_dev(struct bed *bed)
{
	struct stat st;

	look_device(bed, "/dev/null", 1, 3);
	look_device(bed, "/dev/tty", 5, 0);
	look_link(bed, "/dev/ptmx", "pts/ptmx");
	look_link(bed, "/dev/stdin", "of the image");
	if (stat("/dev/zero", &st) || st.st_mode != (S_IFCHR | 0600) || st.st_uid != 9)
		bed_complain(bed, "what was there was changed: %o %u", st.st_mode, st.st_uid);
}

static void image_with_nodes_of_its_own_keeps_the_right_ones(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(
		mknod(bed_path(bed, "rootfs/dev/zero", path), S_IFCHR | 0600, makedev(1, 5)), 0);
	assert_int_equal(chown(path, 9, 9), 0);
	bed_symlink(bed, bed_path(bed, "out/ptmx", path), "rootfs/dev/ptmx");
	bed_symlink(bed, "of the image", "rootfs/dev/stdin");
	bed->look = look_plain_dev;
	bed_run(bed, "", "");
	bed_assert_ok(bed);
	bed_assert_outside_untouched(bed);
}

static void wrong_file_where_a_device_belongs_is_an_error(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_write(bed, "rootfs/dev/null", "not a device\n");
	bed_run(bed, "", "");
	bed_assert_failed(bed, "mounts", "device /dev/null: exists and is something else");
	bed_remove(bed, "rootfs/dev/null");
	bed_symlink(bed, bed_path(bed, "out/marker", path), "rootfs/dev/null");
	bed_run(bed, "", "");
	bed_assert_failed(bed, "mounts", "device /dev/null: exists and is something else");
	bed_remove(bed, "rootfs/dev/null");
	assert_int_equal(
		mknod(bed_path(bed, "rootfs/dev/null", path), S_IFCHR | 0666, makedev(1, 5)), 0);
	bed_run(bed, "", "");
	bed_assert_failed(bed, "mounts", "device /dev/null: exists and is something else");
	bed_assert_outside_untouched(bed);
}

static void dev_that_is_a_link_is_refused_without_a_mount(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_remove(bed, "rootfs/dev");
	bed_symlink(bed, bed_path(bed, "out", path), "rootfs/dev");
	bed_run(bed, "", "");
	bed_assert_failed(bed, "mounts", "/dev is a symbolic link or no directory");
	bed_assert_outside_untouched(bed);
}

static void device_below_a_link_is_made_inside(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_symlink(bed, bed_path(bed, "out", path), "rootfs/lnk");
	bed_run(bed, "", DEVICES(DEVICE("/lnk/x/zero", "c", NUMBERS(1, 5))));
	bed_assert_ok(bed);
	bed_assert_outside_untouched(bed);
}

static void look_bound_dev(struct bed *bed)
{
	look_text(bed, "/dev/file", "volume\n");
	if (access("/dev/null", F_OK) == 0 || access("/dev/fd", F_OK) == 0)
		bed_complain(bed, "nodes or links were made in a volume");
}

static void volume_on_dev_is_left_as_it_is(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_bound_dev;
	bed_run(bed,
	        "{\"destination\":\"/dev\",\"type\":\"bind\",\"source\":\"volume\",\"options\":"
	        "[\"bind\"]}",
	        "");
	bed_assert_ok(bed);
}

static void look_user_namespace(struct bed *bed)
{
	look_device(bed, "/dev/net/tun", 10, 200);
	look_device(bed, "/dev/full", 1, 7);
	if (chmod("/dev/full", 0666) == 0) /* the mode it has: no harm if it were allowed */
		bed_complain(bed, "the host's node can be changed");
}

static void user_namespace_is_shown_the_hosts_verified_nodes(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(chown(bed_path(bed, "rootfs", path), 100000, 100000), 0);
	bed->user_namespace = true;
	if (!access("/dev/net/tun", F_OK)) {
		bed->look = look_user_namespace;
		bed_run(bed, BED_DEV, DEVICES(DEVICE("/dev/net/tun", "c", NUMBERS(10, 200))));
		bed_assert_ok(bed);
	}
	bed_run(bed, BED_DEV, DEVICES(DEVICE("/dev/zero", "c", NUMBERS(1, 3))));
	bed_assert_failed(bed, "prepare",
	                  "device /dev/zero: the host's /dev/zero is not that device");
	bed_run(bed, BED_DEV, DEVICES(DEVICE("/dev/missing", "c", NUMBERS(1, 3))));
	bed_assert_failed(bed, "prepare", "device /dev/missing: clone the host's");
}

static void look_no_mknod(struct bed *bed)
{
	look_device(bed, "/dev/null", 1, 3);
	look_mounted(bed, "/dev/tty", "/tty ");
	look_device(bed, "/etc/secret", 1, 3);
}

static void host_nodes_serve_where_none_can_be_made(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->no_mknod = true;
	bed->look = look_no_mknod;
	bed_run(bed, BED_DEV, "\"maskedPaths\":[\"/etc/secret\"]");
	bed_assert_ok(bed);
	bed_run(bed, BED_DEV, DEVICES(DEVICE("/dev/zero", "c", NUMBERS(1, 3))));
	bed_assert_failed(bed, "mounts",
	                  "device /dev/zero: the host's /dev/zero is not that device");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(devices_of_the_configuration_are_made),
		TEST(image_with_nodes_of_its_own_keeps_the_right_ones),
		TEST(wrong_file_where_a_device_belongs_is_an_error),
		TEST(dev_that_is_a_link_is_refused_without_a_mount),
		TEST(device_below_a_link_is_made_inside),
		TEST(volume_on_dev_is_left_as_it_is),
		TEST(user_namespace_is_shown_the_hosts_verified_nodes),
		TEST(host_nodes_serve_where_none_can_be_made),
	};

	return cmocka_run_group_tests_name("rootfs/device", tests, NULL, NULL);
}
