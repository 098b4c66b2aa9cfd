#include <termios.h>

#include "bed.h"

static void look_console(struct bed *bed)
{
	struct termios mode;
	struct stat st;
	char text[32] = "";
	int fd;

	look_mounted(bed, "/dev/console", " - devpts devpts rw,gid=");
	look_mounted(bed, "/dev/console", "/0 ");
	if (stat("/dev/pts/0", &st) || st.st_mode != (S_IFCHR | 0620) || st.st_uid || st.st_gid)
		bed_complain(bed, "/dev/pts/0: mode %o owner %u:%u", st.st_mode, st.st_uid,
		             st.st_gid);
	fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &mode) || mode.c_oflag & ONLCR)
		bed_complain(bed, "/dev/console: no terminal, or lines end in CR LF");
	if (fd < 0 || write(fd, "hello\n", 6) != 6)
		bed_complain(bed, "write to /dev/console: %s", strerror(errno));
	if (read(bed->master, text, sizeof(text) - 1) < 0 || strcmp(text, "hello\n") != 0)
		bed_complain(bed, "the master reads \"%s\"", text);
}

static void terminal_is_shown_as_console(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->console = true;
	bed->look = look_console;
	bed_run(bed, BED_DEV "," BED_PTS, "");
	bed_assert_ok(bed);
}

static void user_namespace_has_one_too(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(chown(bed_path(bed, "rootfs", path), 100000, 100000), 0);
	bed->user_namespace = true;
	bed->console = true;
	bed->look = look_console;
	bed_run(bed, BED_DEV "," BED_PTS, "");
	bed_assert_ok(bed);
}

/* Where /dev is the image's own directory, what it has at "console" is not followed. */
static void link_at_console_is_refused(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed->console = true;
	bed_mkdir(bed, "rootfs/dev/pts");
	bed_symlink(bed, "/proc/sys/kernel/hostname", "rootfs/dev/console");
	bed_run(bed, BED_PTS, "");
	bed_assert_failed(bed, "console", "console: /dev/console exists and is neither");
	bed_remove(bed, "rootfs/dev/console");
	bed_symlink(bed, bed_path(bed, "out/console", path), "rootfs/dev/console");
	bed_run(bed, BED_PTS, "");
	bed_assert_failed(bed, "console", "console: /dev/console exists and is neither");
	bed_assert_outside_untouched(bed);
	bed_remove(bed, "rootfs/dev/console");
	bed_write(bed, "rootfs/dev/console", "");
	bed->look = look_console;
	bed_run(bed, BED_PTS, "");
	bed_assert_ok(bed);
}

static void multiplexer_of_something_else_is_refused(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed->console = true;
	bed_mkdir(bed, "rootfs/dev/pts");
	assert_int_equal(
		mknod(bed_path(bed, "rootfs/dev/pts/ptmx", path), S_IFCHR | 0666, makedev(5, 2)),
		0);
	bed_run(bed, "", "");
	bed_assert_failed(bed, "console", "console: /dev/pts: not a devpts");
	bed_remove(bed, "rootfs/dev/pts/ptmx");
	bed_remove(bed, "rootfs/dev/pts");
	bed_symlink(bed, bed_path(bed, "out", path), "rootfs/dev/pts");
	bed_run(bed, "", "");
	bed_assert_failed(bed, "console", "console: open /dev/pts: Too many levels");
	bed_assert_outside_untouched(bed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(terminal_is_shown_as_console),
		TEST(user_namespace_has_one_too),
		TEST(link_at_console_is_refused),
		TEST(multiplexer_of_something_else_is_refused),
	};

	return cmocka_run_group_tests_name("rootfs/console", tests, NULL, NULL);
}
