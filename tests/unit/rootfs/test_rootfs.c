#include "bed.h"

/* The whole default configuration, looked at from inside. */
static void look_default(struct bed *bed)
{
	static const char *const links[][2] = {
		{"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
		{"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
		{"/dev/core", "/proc/kcore"},       {"/dev/ptmx", "pts/ptmx"},
	};
	char cwd[64];
	int fd;

	look_mounted(bed, "/proc", " - proc proc ");
	look_mounted(bed, "/dev", " rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755");
	look_mounted(bed, "/dev/pts", " - devpts devpts rw,gid=5,mode=620,ptmxmode=666");
	look_mounted(bed, "/dev/shm", "rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k");
	look_mounted(bed, "/dev/mqueue", "rw,nosuid,nodev,noexec,relatime - mqueue mqueue rw");
	look_mounted(bed, "/sys", "ro,nosuid,nodev,noexec,relatime - sysfs sysfs");
	look_mounted(bed, "/sys/fs/cgroup", "ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup");
	look_mounted(bed, "/proc/keys", "/null /proc/keys ro,");
	look_mounted(bed, "/sys/firmware", "ro,nosuid,nodev,noexec,relatime - tmpfs");
	look_mounted(bed, "/proc/sys", "/sys /proc/sys ro,");
	look_mounted(bed, "/proc/irq", "/irq /proc/irq ro,");
	look_mounted(bed, "/", " ro,");
	look_device(bed, "/dev/null", 1, 3);
	look_device(bed, "/dev/zero", 1, 5);
	look_device(bed, "/dev/full", 1, 7);
	look_device(bed, "/dev/random", 1, 8);
	look_device(bed, "/dev/urandom", 1, 9);
	look_device(bed, "/dev/tty", 5, 0);
	look_device(bed, "/proc/keys", 1, 3);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		look_link(bed, links[i][0], links[i][1]);
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
		bed_complain(bed, "the current directory is %s", cwd);
	if (!access("/tmp/..", F_OK) && access(bed->dir, F_OK) == 0)
		bed_complain(bed, "the host's %s is visible", bed->dir);
	fd = open("/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 || errno != EROFS)
		bed_complain(bed, "the root can be written to");
	if (*look_mount("/proc/acpi") && access("/proc/acpi", F_OK))
		bed_complain(bed, "a path that is not there is masked");
}

static void default_configuration_is_all_there(void **state)
{
	struct bed *bed = *state;
	scoped_str json = spec_default_json(false);

	BED_NEEDS_ROOT();
	bed->look = look_default;
	bed_run_text(bed, json);
	bed_assert_ok(bed);
}

static void look_user_namespace(struct bed *bed)
{
	look_mounted(bed, "/proc", " - proc proc ");
	look_mounted(bed, "/dev", " - tmpfs tmpfs ");
	look_mounted(bed, "/dev/null", "/null ");
	look_device(bed, "/dev/null", 1, 3);
	look_device(bed, "/dev/tty", 5, 0);
	look_mounted(bed, "/sys", "ro,nosuid,nodev,noexec");
	look_mounted(bed, "/dev/pts", " - devpts ");
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		bed_complain(bed, "open /dev/null: %s", strerror(errno));
}

static void give_root_away(struct bed *bed)
{
	char path[256];

	assert_int_equal(chown(bed_path(bed, "rootfs", path), 100000, 100000), 0);
}

static void user_namespace_gets_the_same(void **state)
{
	struct bed *bed = *state;
	scoped_str json = spec_default_json(false);

	BED_NEEDS_ROOT();
	give_root_away(bed);
	bed->user_namespace = true;
	bed->look = look_user_namespace;
	bed_run_text(bed, json);
	bed_assert_ok(bed);
}

static void look_sysfs_of_host(struct bed *bed)
{
	look_user_namespace(bed);
	if (access("/sys/kernel", F_OK))
		bed_complain(bed, "/sys is empty");
}

static void user_namespace_with_the_hosts_network_shows_the_hosts_sysfs(void **state)
{
	struct bed *bed = *state;
	scoped_str json = spec_default_json(false);

	BED_NEEDS_ROOT();
	give_root_away(bed);
	bed->user_namespace = true;
	bed->host_network = true;
	bed->look = look_sysfs_of_host;
	bed_run_text(bed, json);
	bed_assert_ok(bed);
}

static void look_no_pivot(struct bed *bed)
{
	look_device(bed, "/dev/null", 1, 3);
	if (access(bed->dir, F_OK) == 0)
		bed_complain(bed, "the host's %s is visible", bed->dir);
	if (chdir("/") || chdir("..") || access("etc/secret", F_OK))
		bed_complain(bed, "the way up leads out");
}

static void root_can_be_moved_instead_of_pivoted(void **state)
{
	struct bed *bed = *state;
	scoped_str json = spec_default_json(false);

	BED_NEEDS_ROOT();
	bed->no_pivot = true;
	bed->look = look_no_pivot;
	bed_run_text(bed, json);
	bed_assert_ok(bed);
}

static void missing_root_is_named(void **state)
{
	struct bed *bed = *state;
	char want[128];

	BED_NEEDS_ROOT();
	bed_run_text(bed, "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"missing\"}}");
	(void)snprintf(want, sizeof(want), "root.path \"%s/missing\": No such file", bed->dir);
	bed_assert_failed(bed, "prepare", want);
	bed_run_text(bed, "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"volume/file\"}}");
	bed_assert_failed(bed, "prepare", "Not a directory");
}

static void look_propagation(struct bed *bed)
{
	look_mounted(bed, "/", " shared:");
	if (strstr(look_mount("/proc"), "shared:"))
		bed_complain(bed, "/proc is shared too");
}

static void root_propagation_comes_last(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_propagation;
	bed_run(bed, BED_PROC, "\"rootfsPropagation\":\"shared\"");
	bed_assert_ok(bed);
}

static void look_rootless(struct bed *bed)
{
	look_user_namespace(bed);
	look_text(bed, "/data/file", "volume\n");
	look_mounted(bed, "/data", " ro,nosuid,nodev");
	look_device(bed, "/proc/keys", 1, 3);
	look_mounted(bed, "/proc/sys", " ro,");
}

/* The caller may clone no mounts: init does it, and restrictions of the sources stay. */
static void user_without_privilege_gets_the_same(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(chown(bed_path(bed, "rootfs", path), 1000, 1000), 0);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(
		mount("t", bed_path(bed, "volume", path), "tmpfs", MS_NOSUID | MS_NODEV, NULL), 0);
	bed_write(bed, "volume/file", "volume\n");
	bed->user_namespace = true;
	bed->rootless = true;
	bed->look = look_rootless;
	bed_run(bed,
	        BED_DEV "," BED_PTS
	                ",{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
	                "\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
	                "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"volume\","
	                "\"options\":[\"rbind\",\"ro\",\"suid\",\"dev\"]}",
	        "\"maskedPaths\":[\"/proc/keys\",\"/proc/bus\"],\"readonlyPaths\":[\"/proc/sys\"]");
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	bed_assert_ok(bed);
}

static void look_host_root(struct bed *bed)
{
	look_device(bed, "/dev/null", 1, 3);
	look_mounted(bed, "/proc", " - proc proc ");
	if (access(bed->dir, F_OK))
		bed_complain(bed, "%s is not there", bed->dir);
	if (mkdir("/lvm-run-must-not-be-made", 0755) == 0 || errno != EROFS)
		bed_complain(bed, "the root can be written to");
}

static void root_can_be_the_hosts_own(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_host_root;
	bed_run_text(bed, "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"/\",\"readonly\":true},"
	                  "\"mounts\":[" BED_PROC "," BED_DEV "," BED_PTS "]}");
	bed_assert_ok(bed);
}

static size_t mounts_of_host(void)
{
	char line[4096];
	size_t count = 0;
	FILE *file = fopen("/proc/self/mountinfo", "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count++;
	fclose(file);
	return count;
}

static void count_mounts_meanwhile(struct bed *bed)
{
	char byte = 'x';

	/* The parent counts while everything is mounted: see below. */
	if (write(bed->seen[1], &byte, 1) != 1 || read(bed->counted[0], &byte, 1) != 1)
		bed_complain(bed, "the parent does not answer");
}

/* On a host whose mounts are shared (systemd makes them so) nothing of the container appears there. */
static void mounts_do_not_spread_to_the_host(void **state)
{
	struct bed *bed = *state;
	scoped_str json = spec_default_json(false);
	size_t before;
	pid_t witness;
	int status;

	BED_NEEDS_ROOT();
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), 0);
	assert_int_equal(pipe2(bed->seen, O_CLOEXEC), 0);
	assert_int_equal(pipe2(bed->counted, O_CLOEXEC), 0);
	before = mounts_of_host();
	witness = fork();
	assert_true(witness >= 0);
	if (!witness) {
		char byte;

		if (read(bed->seen[0], &byte, 1) != 1)
			_exit(1);
		status = mounts_of_host() == before ? 0 : 2;
		_exit(write(bed->counted[1], &byte, 1) == 1 ? status : 1);
	}
	bed->before = count_mounts_meanwhile;
	bed_run_text(bed, json);
	assert_int_equal(waitpid(witness, &status, 0), witness);
	assert_int_equal(status, 0);
	assert_int_equal(mounts_of_host(), before);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	bed_assert_ok(bed);
}

static void look_chroot(struct bed *bed)
{
	look_text(bed, "/etc/secret", "secret\n");
	if (access(bed->dir, F_OK) == 0)
		bed_complain(bed, "the host's %s is visible", bed->dir);
}

static void without_a_mount_namespace_only_the_root_changes(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->no_mount_namespace = true;
	bed->look = look_chroot;
	bed_run_text(bed, "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"}}");
	bed_assert_ok(bed);
	bed_run(bed, "", "");
	bed_assert_failed(bed, "prepare", "mounts need a new mount namespace");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(default_configuration_is_all_there),
		TEST(user_namespace_gets_the_same),
		TEST(user_namespace_with_the_hosts_network_shows_the_hosts_sysfs),
		TEST(root_can_be_moved_instead_of_pivoted),
		TEST(missing_root_is_named),
		TEST(root_propagation_comes_last),
		TEST(mounts_do_not_spread_to_the_host),
		TEST(user_without_privilege_gets_the_same),
		TEST(root_can_be_the_hosts_own),
		TEST(without_a_mount_namespace_only_the_root_changes),
	};

	return cmocka_run_group_tests_name("rootfs/rootfs", tests, NULL, NULL);
}
