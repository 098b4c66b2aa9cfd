#include "tests/support/child.h"

#include <sys/stat.h>

static int format(struct spec_id_mapping *items, size_t count, char *buffer, struct error *err)
{
	const struct spec_id_mappings mappings = {items, count};

	return user_format_map(&mappings, buffer, USER_MAP_SIZE, err);
}

static void map_is_one_line_a_range(void **state unused_parameter)
{
	struct spec_id_mapping items[] = {{0, 1000, 1}, {1, 100000, 65536}, {70000, 4294967294, 1}};
	char text[USER_MAP_SIZE];
	struct error err = {0};

	const int length = format(items, 3, text, &err);

	assert_int_equal(length, strlen(text));
	assert_string_equal(text, "0 1000 1\n1 100000 65536\n70000 4294967294 1\n");
}

static void more_ranges_than_the_kernel_takes_are_refused(void **state unused_parameter)
{
	struct spec_id_mapping items[USER_MAP_LINES + 1];
	char text[USER_MAP_SIZE];
	struct error err = {0};

	for (uint32_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct spec_id_mapping){i, i, 1};
	assert_true(format(items, USER_MAP_LINES, text, &err) > 0);
	assert_int_equal(format(items, USER_MAP_LINES + 1, text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 340"));
}

static void more_text_than_a_page_is_refused(void **state unused_parameter)
{
	struct spec_id_mapping items[USER_MAP_LINES];
	char text[USER_MAP_SIZE];
	struct error err = {0};
	size_t fits = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct spec_id_mapping){1000000000 + i, 2000000000 + i, 1};
	assert_int_equal(format(items, ARRAY_SIZE(items), text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "one page"));
	while (format(items, fits + 1, text, &err) >= 0)
		fits++;
	assert_int_equal(fits, 4095 / strlen("1000000000 2000000000 1\n"));
}

static void ids_are_found_in_their_range(void **state unused_parameter)
{
	struct spec_id_mapping items[] = {
		{0, 1000, 1}, {1, 100000, 65536}, {4294967290, 5, 10}, {80000, 4294967290, 10}};
	const struct spec_id_mappings mappings = {items, ARRAY_SIZE(items)}, none = {0};

	assert_int_equal(user_map_id(&none, 12), 12);
	assert_int_equal(user_map_id(&mappings, 0), 1000);
	assert_int_equal(user_map_id(&mappings, 1), 100000);
	assert_int_equal(user_map_id(&mappings, 65536), 165535);
	assert_int_equal(user_map_id(&mappings, 65537), -1);
	assert_int_equal(user_map_id(&mappings, 4294967294), 9);
	assert_int_equal(user_map_id(&mappings, 80004), 4294967294);
	assert_int_equal(user_map_id(&mappings, 80005), -1); /* −1 is no id */
	assert_int_equal(user_map_id(&mappings, 80006), -1);
}

static const char *expect_root(void *data unused_parameter)
{
	struct error err = {0};
	char text[64] = "";
	scoped_fd fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	scoped_fd proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned int inside = 9, outside = 9, size = 9;

	if (user_enter_root(proc_fd, false, &err) < 0)
		return complain("%s", err.text);
	if (getuid() != 0 || getgid() != 0)
		return "not root";
	if (fd_read_all(fd, text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%u %u %u", &inside, &outside, &size) != 3 || inside != 0)
		return complain("map %s", text);
	return NULL;
}

static void child_becomes_root_of_its_namespace(void **state unused_parameter)
{
	run_in_user_namespace(expect_root, NULL);
}

/* What an unprivileged user can do alone: the own id, with setgroups denied. */
static const char *map_as_nobody(void *data unused_parameter)
{
	struct spec_id_mapping uid = {0, 65534, 1}, gid = {0, 65534, 1};
	const struct spec_id_mappings uids = {&uid, 1}, gids = {&gid, 1};
	scoped_fd proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};
	int ready[2], go[2], status = 0;
	char byte;

	if (syscall(SYS_setgroups, 0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return "become nobody";
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		return "pipe";

	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1 ||
		    read(go[0], &byte, 1) != 1)
			_exit(9);
		_exit(expect_root(NULL) ? 1 : 0);
	}
	if (read(ready[0], &byte, 1) != 1)
		return "the child did not come up";
	if (user_write_maps(proc_fd, pid, &uids, &gids, &err) < 0)
		return complain("%s", err.text);
	if (write(go[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid || status != 0)
		return complain("status %#x", status);
	return NULL;
}

static void own_id_is_mapped_without_privilege(void **state unused_parameter)
{
	if (geteuid() != 0) {
		print_message("SKIP runs as another user already, see the test before\n");
		skip();
	}
	run_in_child(map_as_nobody, NULL);
}

/* A newuidmap of the test's own stands in for the setuid program. */
static const char fake_helper[] = "#!/bin/sh\n"
				  "case $0 in\n"
				  "*newuidmap) echo \"$*\" >\"$LOG.uid\" ;;\n"
				  "*) echo \"$*\" >\"$LOG.gid\"; [ -z \"$FAIL\" ] || { echo "
				  "\"range not allowed\" >&2; exit 1; } ;;\n"
				  "esac\n";

static const char *install(const char *folder, const char *name)
{
	char path[256];
	scoped_fd fd = -1;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	return fd_write_all(fd, fake_helper, sizeof(fake_helper) - 1) < 0 ? "install" : NULL;
}

static const char *expect_file(const char *log, const char *suffix, const char *expected)
{
	char path[256], text[256] = "";
	scoped_fd fd = -1;

	snprintf(path, sizeof(path), "%s%s", log, suffix);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_all(fd, text, sizeof(text) - 1) < 0)
		return complain("no %s", path);
	return strcmp(text, expected) == 0 ? NULL : complain("%s: %s", suffix, text);
}

static const char *map_by_helper(void *data)
{
	struct spec_id_mapping ids[] = {{0, 65534, 1}, {1, 100000, 65536}};
	const struct spec_id_mappings uids = {ids, 2}, gids = {ids, 2};
	scoped_fd proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};
	const char *folder = data, *text;
	char log[256];

	snprintf(log, sizeof(log), "%s/log", folder);
	setenv("LOG", log, 1);
	setenv("PATH", folder, 1);
	if (setresuid(65534, 65534, 65534) < 0)
		return "become nobody";
	if (user_write_maps(proc_fd, 4194000, &uids, &gids, &err) >= 0)
		return "a missing helper was no error";
	if (!strstr(err.text, "newgidmap is not installed") || !strstr(err.text, "uidmap"))
		return complain("said %s", err.text);
	text = install(folder, "newuidmap");
	text = text ? text : install(folder, "newgidmap");
	if (text)
		return text;
	setenv("FAIL", "1", 1);
	if (user_write_maps(proc_fd, 4194000, &uids, &gids, &err) >= 0)
		return "a failing helper was no error";
	if (!strstr(err.text, "newgidmap failed: range not allowed"))
		return complain("said %s", err.text);
	unsetenv("FAIL");
	err = (struct error){0};
	if (user_write_maps(proc_fd, 4194000, &uids, &gids, &err) < 0)
		return complain("%s", err.text);
	text = expect_file(log, ".gid", "4194000 0 65534 1 1 100000 65536\n");
	return text ? text : expect_file(log, ".uid", "4194000 0 65534 1 1 100000 65536\n");
}

static void ranges_go_through_the_setuid_helpers(void **state unused_parameter)
{
	char folder[] = "/tmp/idmap-XXXXXX", path[64];
	static const char *const names[] = {"newuidmap", "newgidmap", "log.uid", "log.gid"};

	if (geteuid() != 0) {
		print_message("SKIP needs root to become another user\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0777), 0);
	run_in_child(map_by_helper, folder);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void namespace_without_maps_is_refused(void **state unused_parameter)
{
	const struct spec_id_mappings none = {0};
	struct error err = {0};

	assert_int_equal(user_write_maps(-1, 1, &none, &none, &err), -EINVAL);
	assert_non_null(strstr(err.text, "linux.uidMappings"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_is_one_line_a_range),
		cmocka_unit_test(more_ranges_than_the_kernel_takes_are_refused),
		cmocka_unit_test(more_text_than_a_page_is_refused),
		cmocka_unit_test(ids_are_found_in_their_range),
		cmocka_unit_test(child_becomes_root_of_its_namespace),
		cmocka_unit_test(own_id_is_mapped_without_privilege),
		cmocka_unit_test(ranges_go_through_the_setuid_helpers),
		cmocka_unit_test(namespace_without_maps_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
