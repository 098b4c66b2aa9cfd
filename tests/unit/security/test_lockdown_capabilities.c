#include "tests/unit/security/scene.h"

static const char *expect_none(void *data unused_parameter)
{
	const char *text = expect_masks(0, 0, 0, 0, 0);

	return text ? text : strcmp(status_line("NoNewPrivs"), "0") == 0 ? NULL : "no_new_privs";
}

static void without_capabilities_in_the_configuration_all_are_gone(void **state unused_parameter)
{
	run_scene((struct scene){.process = "", .after_exec = expect_none});
}

static const char *expect_three(void *data unused_parameter)
{
	const uint64_t three = BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE) | BIT(CAP_NET_BIND_SERVICE);
	const char *text = expect_masks(0, three, three, three, 0);

	return text ? text : strcmp(status_line("NoNewPrivs"), "1") == 0 ? NULL : "no no_new_privs";
}

#define THREE "[\"CAP_KILL\",\"CAP_AUDIT_WRITE\",\"CAP_NET_BIND_SERVICE\"]"

static void sets_are_exactly_those_of_the_configuration(void **state unused_parameter)
{
	const struct scene scene = {
		.process = "\"noNewPrivileges\":true,\"capabilities\":{\"bounding\":" THREE
			   ",\"permitted\":" THREE ",\"effective\":" THREE "}",
		.after_exec = expect_three,
	};

	run_scene(scene);
	run_scene_on_host(scene);
}

static const char *expect_different(void *data unused_parameter)
{
	return expect_masks(BIT(CAP_CHOWN), BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_KILL),
	                    BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_MKNOD), BIT(CAP_CHOWN));
}

static const char different_sets[] =
	"\"user\":{\"uid\":1000,\"gid\":1000},\"capabilities\":{"
	"\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\",\"CAP_MKNOD\"],"
	"\"permitted\":[\"CAP_CHOWN\",\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
	"\"inheritable\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_CHOWN\"]}";

static void sets_survive_the_change_of_the_uid(void **state unused_parameter)
{
	need_root();
	run_scene((struct scene){.process = different_sets, .after_exec = expect_different});
	run_scene_on_host(
		(struct scene){.process = different_sets, .after_exec = expect_different});
}

static const char *raise_ambient(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return "capget";
	data[0].inheritable = data[0].permitted;
	data[1].inheritable = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return "capset";
	for (unsigned int cap = 0; cap < 3; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return "raise";
	return NULL;
}

static const char *raise_ambient_first(void *data unused_parameter)
{
	return raise_ambient();
}

static const char *expect_inherited_trimmed(void *data unused_parameter)
{
	const uint64_t two = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE);

	return expect_masks(two, two, two, two, BIT(CAP_CHOWN));
}

/* A caller with inheritable and ambient capabilities hands none of them down (CVE-2022-29162). */
static void inherited_sets_do_not_leak(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "", .after_created = raise_ambient_first, .after_exec = expect_none});
	run_scene((struct scene){
		.process = "\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"permitted\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"effective\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"inheritable\":[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\"],"
			   "\"ambient\":[\"CAP_CHOWN\"]}",
		.after_created = raise_ambient_first,
		.after_exec = expect_inherited_trimmed});
}

static const char *expect_what_there_is(void *data unused_parameter)
{
	/* Of the four sets only what is consistent is left of CAP_SYS_ADMIN. */
	return expect_masks(0, BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL), 0);
}

static void what_cannot_be_granted_is_left_out(void **state unused_parameter)
{
	run_scene((struct scene){
		.process = "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"permitted\":[\"CAP_"
			   "KILL\"],"
			   "\"effective\":[\"CAP_KILL\",\"CAP_SYS_ADMIN\"],"
			   "\"inheritable\":[\"CAP_SYS_ADMIN\"],\"ambient\":[\"CAP_KILL\"]}",
		.after_exec = expect_what_there_is});
}

static const char *lose_some_and_play(void *data)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {0};

	if (syscall(SYS_capget, &header, caps) < 0)
		return "capget";
	caps[0].permitted &= ~(1u << CAP_AUDIT_WRITE);
	caps[0].effective = caps[0].permitted;
	return syscall(SYS_capset, &header, caps) < 0 ? "capset" : play(data);
}

static const char *expect_two(void *data unused_parameter)
{
	const uint64_t two = BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE);

	return expect_masks(0, two, two, two | BIT(CAP_AUDIT_WRITE), 0);
}

/* The host takes a process in a user namespace to have them all. */
static void what_the_child_does_not_have_is_no_failure(void **state unused_parameter)
{
	struct scene scene = {
		.process = "\"capabilities\":{\"bounding\":" THREE ",\"permitted\":" THREE
			   ",\"effective\":" THREE "}",
		.user_namespace = true,
		.after_exec = expect_two,
	};

	scene_prepare(&scene);
	run_in_user_namespace(lose_some_and_play, &scene);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_capabilities_in_the_configuration_all_are_gone),
		cmocka_unit_test(sets_are_exactly_those_of_the_configuration),
		cmocka_unit_test(sets_survive_the_change_of_the_uid),
		cmocka_unit_test(inherited_sets_do_not_leak),
		cmocka_unit_test(what_cannot_be_granted_is_left_out),
		cmocka_unit_test(what_the_child_does_not_have_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
