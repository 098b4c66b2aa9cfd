#include "bed.h"

#define MOUNT(destination, type, source, ...)                                                      \
	"{\"destination\":\"" destination "\",\"type\":\"" type "\",\"source\":\"" source          \
	"\",\"options\":[" __VA_ARGS__ "]}"
#define BIND(destination, source, ...) MOUNT(destination, "bind", source, __VA_ARGS__)

static void look_binds(struct bed *bed)
{
	look_text(bed, "/data/file", "volume\n");
	look_mounted(bed, "/data", " ro,nosuid,");
	look_mounted(bed, "/data", ",noexec");
	look_text(bed, "/new/deep/dir/file", "volume\n");
	look_text(bed, "/new/file", "volume\n");
	look_mounted(bed, "/new/file", " rw");
	look_text(bed, "/data/sub/below", "untouched\n");
}

static void sources_are_relative_to_the_bundle_and_targets_are_made(void **state)
{
	static const char *const mounts[] = {
		BIND("/data", "volume", "\"rbind\",\"ro\",\"nosuid\",\"noexec\""),
		BIND("/new/deep/dir", "./volume", "\"bind\""),
		BIND("new/file", "volume/file", "\"bind\""),
		BIND("/data/sub/below", "out/marker", "\"bind\""), NULL};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_write(bed, "volume/sub/below", "");
	bed->look = look_binds;
	bed_run_list(bed, mounts, "");
	bed_assert_ok(bed);
}

static void look_recursive(struct bed *bed)
{
	look_mounted(bed, "/data", " ro,");
	look_mounted(bed, "/data/sub", " ro,");
	look_mounted(bed, "/tmp", " ro,");
	look_mounted(bed, "/tmp/sub", " rw,");
}

/* The bed's own mount below the volume, undone with the namespace of the test. */
static void mount_below_the_volume(struct bed *bed)
{
	char path[256];

	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("t", bed_path(bed, "volume/sub", path), "tmpfs", 0, NULL), 0);
}

static void unmount_below_the_volume(struct bed *bed)
{
	char path[256];

	assert_int_equal(umount2(bed_path(bed, "volume/sub", path), MNT_DETACH), 0);
}

static void recursive_options_reach_what_is_below(void **state)
{
	static const char *const mounts[] = {BIND("/data", "volume", "\"rbind\",\"rro\""),
	                                     BIND("/tmp", "volume", "\"rbind\",\"ro\""), NULL};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	mount_below_the_volume(bed);
	bed->look = look_recursive;
	bed_run_list(bed, mounts, "");
	unmount_below_the_volume(bed);
	bed_assert_ok(bed);
}

static void look_propagation(struct bed *bed)
{
	if (strstr(look_mount("/data"), "shared:") || strstr(look_mount("/data"), "master:"))
		bed_complain(bed, "not private: %s", look_mount("/data"));
	look_mounted(bed, "/tmp", " shared:");
	look_mounted(bed, "/etc", " master:");
}

static void bind_mounts_take_part_in_propagation_only_when_asked(void **state)
{
	static const char *const mounts[] = {BIND("/data", "volume", "\"rbind\""),
	                                     BIND("/tmp", "volume", "\"rbind\",\"rshared\""),
	                                     BIND("/etc", "volume", "\"rbind\",\"rslave\""), NULL};
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("t", bed_path(bed, "volume", path), "tmpfs", 0, NULL), 0);
	assert_int_equal(mount(NULL, path, NULL, MS_SHARED, NULL), 0);
	bed->look = look_propagation;
	bed_run_list(bed, mounts, "");
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	bed_assert_ok(bed);
}

static void look_remount(struct bed *bed)
{
	look_mounted(bed, "/data", " ro,nosuid,");
	look_mounted(bed, "/tmp", "size=8k");
}

static void remount_changes_what_is_there(void **state)
{
	static const char *const mounts[] = {BIND("/data", "volume", "\"bind\",\"nosuid\""),
	                                     BIND("/data", "", "\"bind\",\"remount\",\"ro\""),
	                                     MOUNT("/tmp", "tmpfs", "tmpfs", "\"size=4k\""),
	                                     MOUNT("/tmp", "", "", "\"remount\",\"size=8k\""),
	                                     NULL};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_remount;
	bed_run_list(bed, mounts, "");
	bed_assert_ok(bed);
	bed_run(bed, MOUNT("/etc", "", "", "\"remount\",\"ro\""), "");
	bed_assert_failed(bed, "mounts", "mount /etc: remount: nothing is mounted there");
}

static void look_tmpfs(struct bed *bed)
{
	struct stat st;

	look_text(bed, "/etc/secret", "secret\n");
	look_text(bed, "/etc/dir/file", "deep\n");
	look_link(bed, "/etc/link", "secret");
	if (stat("/etc/dir", &st) || st.st_mode != (S_IFDIR | 0750) || st.st_uid != 7)
		bed_complain(bed, "/etc/dir: mode %o, uid %u", st.st_mode, st.st_uid);
	look_mounted(bed, "/etc", " ro,");
	look_mounted(bed, "/etc", " - tmpfs ");
	if (stat("/tmp", &st) || st.st_mode != (S_IFDIR | 01777))
		bed_complain(bed, "/tmp: mode %o", st.st_mode);
	look_mounted(bed, "/data", " ro,");
	look_text(bed, "/data/in/file", "volume\n");
}

static void tmpfs_copies_up_takes_the_mode_and_becomes_read_only_last(void **state)
{
	static const char *const mounts[] = {
		MOUNT("/etc", "tmpfs", "tmpfs", "\"tmpcopyup\",\"ro\""),
		MOUNT("/tmp", "tmpfs", "tmpfs", "\"nosuid\""),
		MOUNT("/data", "tmpfs", "tmpfs", "\"ro\""), BIND("/data/in", "volume", "\"bind\""),
		NULL};
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_mkdir(bed, "rootfs/etc/dir");
	bed_write(bed, "rootfs/etc/dir/file", "deep\n");
	bed_symlink(bed, "secret", "rootfs/etc/link");
	assert_int_equal(chown(bed_path(bed, "rootfs/etc/dir", path), 7, 7), 0);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(chmod(bed_path(bed, "rootfs/tmp", path), 01777), 0);
	bed->look = look_tmpfs;
	bed_run_list(bed, mounts, "");
	bed_assert_ok(bed);
}

static void look_overlay(struct bed *bed)
{
	look_mounted(bed, "/data", " - overlay ");
	look_text(bed, "/data/file", "volume\n");
	look_text(bed, "/data/marker", "untouched\n");
}

static void overlay_is_a_mount_like_others(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_overlay;
	scoped_str few =
		str_format(MOUNT("/data", "overlay", "overlay", "\"lowerdir=%s/volume:%s/out\""),
	                   bed->dir, bed->dir);
	bed_run(bed, few, "");
	bed_assert_ok(bed);
	/* The same with more text than fsconfig(2) takes at once. */
	scoped_strbuf many = {0};
	strbuf_addf(&many, "%s/volume:%s/out", bed->dir, bed->dir);
	for (int i = 0; i < 6; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "layer-with-a-long-name-number-%d", i);
		bed_mkdir(bed, name);
		strbuf_addf(&many, ":%s/%s", bed->dir, name);
	}
	assert_true(many.length > 256);
	scoped_str more = str_format(
		MOUNT("/data", "overlay", "overlay", "\"lowerdir=%s\",\"nosuid\""), many.data);
	bed_run(bed, more, "");
	bed_assert_ok(bed);
}

static void look_symlinks(struct bed *bed)
{
	look_link(bed, "/etc/copied", "../somewhere/else");
	look_mounted(bed, "/etc/kept", "/volume/file ");
	look_text(bed, "/etc/secret", "secret\n");
	look_text(bed, "/etc/kept", "volume\n");
	look_mounted(bed, "/tmp/target", "/volume/file ");
}

static void links_are_copied_covered_or_followed_as_asked(void **state)
{
	static const char *const mounts[] = {
		BIND("/etc/copied", "volume/link", "\"rbind\",\"copy-symlink\""),
		BIND("/etc/kept", "volume/file", "\"bind\",\"dest-nofollow\""),
		BIND("/etc/followed", "volume/file", "\"bind\""), NULL};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_symlink(bed, "../somewhere/else", "volume/link");
	bed_symlink(bed, "secret", "rootfs/etc/kept");
	bed_symlink(bed, "/tmp/target", "rootfs/etc/followed");
	bed->look = look_symlinks;
	bed_run_list(bed, mounts, "");
	bed_assert_ok(bed);
}

static void failures_name_mount_and_step(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_run(bed, BIND("/data", "missing", "\"bind\""), "");
	bed_assert_failed(bed, "prepare", "mount /data: source missing: No such file");
	bed_run(bed, MOUNT("/data", "nosuchfs", "x", ""), "");
	bed_assert_failed(bed, "mounts", "mount /data: fsopen nosuchfs: No such device");
	bed_run(bed, MOUNT("/data", "tmpfs", "x", "\"size=many\""), "");
	bed_assert_failed(bed, "mounts", "mount /data: size=many: fsconfig: Invalid argument");
	bed_run(bed, MOUNT("/data", "", "x", ""), "");
	bed_assert_failed(bed, "prepare", "mount /data: neither a type nor bind is given");
	bed_run(bed, MOUNT("/", "tmpfs", "x", ""), "");
	bed_assert_failed(bed, "prepare", "mount /: the root itself");
	bed_run(bed, BIND("/data", "volume/file", "\"bind\""), "");
	bed_assert_failed(bed, "mounts", "mount /data: source and destination are not both");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(sources_are_relative_to_the_bundle_and_targets_are_made),
		TEST(recursive_options_reach_what_is_below),
		TEST(bind_mounts_take_part_in_propagation_only_when_asked),
		TEST(remount_changes_what_is_there),
		TEST(tmpfs_copies_up_takes_the_mode_and_becomes_read_only_last),
		TEST(overlay_is_a_mount_like_others),
		TEST(links_are_copied_covered_or_followed_as_asked),
		TEST(failures_name_mount_and_step),
	};

	return cmocka_run_group_tests_name("rootfs/mount", tests, NULL, NULL);
}
