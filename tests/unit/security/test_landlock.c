#include "security/landlock.h"

#include <sys/stat.h>

#include "tests/support/child.h"

static char folder[] = "/tmp/lvm-run-test-landlock.XXXXXX";

static bool can_make(const char *directory, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", folder, directory, name);

	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static const char *write_here_and_there(void *data unused_parameter)
{
	char inside[128];
	struct error err;
	const struct landlock_path paths[] = {
		{inside, false}, {"/dev", true}, {"/not/there", false}};
	const struct landlock_rules rules = {paths, ARRAY_SIZE(paths)};

	snprintf(inside, sizeof(inside), "%s/inside", folder);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "no_new_privs";
	if (!can_make("inside", "before") || !can_make("outside", "before"))
		return "cannot write before";
	if (landlock_enter(&rules, &err) < 0)
		return "landlock_enter failed";
	if (!can_make("inside", "after"))
		return "cannot write inside";
	if (can_make("outside", "after"))
		return "can make a file outside";
	if (can_make("outside", "before"))
		return "can write a file outside";

	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0)
		return "cannot write to /dev/null";
	if (kill(getppid(), 0) == 0 && landlock_version() >= 6)
		return "can signal outside";
	return NULL;
}

static void only_the_named_paths_can_be_written(void **state unused_parameter)
{
	char path[128];

	if (landlock_version() == 0)
		skip();
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, i ? "inside" : "outside");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	run_child(&(struct child){.function = write_here_and_there});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_named_paths_can_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
