#include "tests/unit/security/scene.h"

#include <linux/keyctl.h>
#include <sys/stat.h>

/* --- the filter within the order --- */

#define ALLOW_LITTLE(more)                                                                         \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"openat\",\"read\","     \
	"\"close\","                                                                               \
	"\"write\",\"exit_group\",\"fstat\",\"newfstatat\",\"mmap\",\"brk\",\"munmap\"" more       \
	"],\"action\":\"SCMP_ACT_ALLOW\"}]}"

static const char *expect_filter(void *data)
{
	const char *text = expect_masks(0, BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL), 0);

	(void)data;
	if (text)
		return text;
	if (strcmp(status_line("\nSeccomp"), "2") != 0)
		return "no filter";
	return syscall(SYS_getppid) < 0 && errno == EPERM ? NULL : "getppid was let through";
}

#define KILL_ONLY                                                                                  \
	"\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"],"              \
	"\"effective\":[\"CAP_KILL\"]}"

static void with_no_new_privs_the_profile_need_not_allow_our_own_calls(
	void **state unused_parameter)
{
	const struct scene scene = {.process = "\"noNewPrivileges\":true," KILL_ONLY,
	                            .seccomp = ALLOW_LITTLE(""),
	                            .after_exec = expect_filter};

	run_scene(scene);
	run_scene_on_host(scene);
}

static void without_it_capset_is_all_that_the_profile_must_allow(void **state unused_parameter)
{
	struct scene scene = {.process = KILL_ONLY,
	                      .seccomp = ALLOW_LITTLE(",\"capset\""),
	                      .after_exec = expect_filter};

	run_scene(scene);
	need_root();
	scene.process = "\"user\":{\"uid\":1000,\"gid\":1000}," KILL_ONLY;
	run_scene(scene);
	run_scene_on_host(scene);
}

/* --- identity --- */

static const char *expect_identity(void *data unused_parameter)
{
	gid_t groups[8];
	const int count = getgroups(8, groups);
	uid_t r, e, s;
	mode_t mask = umask(0);

	if (getresuid(&r, &e, &s) < 0 || r != 1000 || e != 1000 || s != 1000)
		return complain("uids %u %u %u", r, e, s);
	if (getresgid(&r, &e, &s) < 0 || r != 1001 || e != 1001 || s != 1001)
		return complain("gids %u %u %u", r, e, s);
	if (count != 2 || groups[0] != 5 || groups[1] != 7)
		return complain("%d groups", count);
	return mask == 0027 ? NULL : complain("umask %o", mask);
}

static void ids_groups_and_umask_are_set(void **state unused_parameter)
{
	const struct scene scene = {
		.process = "\"user\":{\"uid\":1000,\"gid\":1001,\"umask\":23,\"additionalGids\":[5,"
			   "7]}",
		.after_exec = expect_identity,
	};

	need_root();
	run_scene(scene);
	run_scene_on_host(scene);
}

static const char *expect_default_umask(void *data unused_parameter)
{
	const mode_t mask = umask(0);

	return mask == 0022 ? NULL : complain("umask %o", mask);
}

static const char *open_the_umask(void *data unused_parameter)
{
	umask(0);
	return NULL;
}

static void umask_of_the_caller_is_not_handed_down(void **state unused_parameter)
{
	run_scene((struct scene){.process = "",
	                         .after_created = open_the_umask,
	                         .after_exec = expect_default_umask});
}

static const char *expect_unmapped(void *data)
{
	struct scene *scene = data;
	struct error err = {0};

	if (lockdown_enter_created(scene->plan, &err) < 0)
		return complain("%s", err.text);
	if (lockdown_enter_exec(scene->plan, NULL, 0, &err) == 0)
		return "an unmapped uid was taken";
	return strstr(err.text, "identity: uid 70000 is not mapped")
	               ? NULL
	               : complain("said %s", err.text);
}

static void unmapped_id_is_named(void **state unused_parameter)
{
	struct scene scene = {.process = "\"user\":{\"uid\":70000,\"gid\":0}",
	                      .user_namespace = true};

	need_root();
	scene_prepare(&scene);
	run_in_user_namespace(expect_unmapped, &scene);
	scene_done(&scene);
}

static const char *expect_private(void *data unused_parameter)
{
	return prctl(PR_GET_DUMPABLE) == 0 ? NULL : "others may look in";
}

static void nobody_may_look_in_while_we_prepare(void **state unused_parameter)
{
	run_scene((struct scene){.process = "", .after_created = expect_private});
}

/* --- the rest --- */

static long session_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

static const char *expect_keyring(void *data)
{
	const long *other = ((struct scene *)data)->other_keyring;
	char keys[64];

	if (session_keyring() == *other)
		return "the keyring of that name was joined";
	if (syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof(keys)) != 0)
		return "the keyring is not empty";
	return NULL;
}

/* One that a hostile container made under the name, and opened to everybody. */
static const char *bait_and_play(void *data)
{
	struct scene *scene = data;
	static long other;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, scene->keyring) < 0)
		return NULL; /* a kernel without keys */
	other = session_keyring();
	syscall(SYS_keyctl, KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, 0x3f3f3f3f);
	if (syscall(SYS_add_key, "user", "bait", "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
		return "add_key";
	scene->other_keyring = &other;
	return play(data);
}

static void session_keyring_is_new_and_empty(void **state unused_parameter)
{
	struct scene scene = {.process = "",
	                      .keyring = "test-keyring",
	                      .user_namespace = true,
	                      .after_created = expect_keyring};

	if (session_keyring() < 0 && errno == ENOSYS) {
		print_message("SKIP this kernel has no keys\n");
		skip();
	}
	scene_prepare(&scene);
	run_in_user_namespace(bait_and_play, &scene);
	scene_done(&scene);
}

static const char *run_true(void *data unused_parameter)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	execv("/bin/true", argv);
	return complain("execv: errno %d", errno);
}

static void program_starts_after_everything(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "\"noNewPrivileges\":true,\"oomScoreAdj\":500,\"rlimits\":[{\"type\":"
			   "\"RLIMIT_NOFILE\",\"soft\":64,\"hard\":64}]," KILL_ONLY,
		.seccomp = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
			   "\"mount\"],"
			   "\"action\":\"SCMP_ACT_ERRNO\"}]}",
		.keyring = "test-keyring",
		.after_exec = run_true});
}

static void nothing_needs_to_stay_open_without_labels_and_agent(void **state unused_parameter)
{
	struct scene scene = {.process = ""};
	int fds[LOCKDOWN_FD_MAX];

	scene_prepare(&scene);
	assert_int_equal(lockdown_needed_fds(scene.plan, fds), 0);
	assert_false(lockdown_wants_agent_state(scene.plan));
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_no_new_privs_the_profile_need_not_allow_our_own_calls),
		cmocka_unit_test(without_it_capset_is_all_that_the_profile_must_allow),
		cmocka_unit_test(ids_groups_and_umask_are_set),
		cmocka_unit_test(umask_of_the_caller_is_not_handed_down),
		cmocka_unit_test(unmapped_id_is_named),
		cmocka_unit_test(nobody_may_look_in_while_we_prepare),
		cmocka_unit_test(session_keyring_is_new_and_empty),
		cmocka_unit_test(program_starts_after_everything),
		cmocka_unit_test(nothing_needs_to_stay_open_without_labels_and_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
