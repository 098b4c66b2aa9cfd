#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/str.h"
#include "sandbox/run.h"
#include "sandbox/warm.h"

static char *command[] = {NULL};
static const struct sandbox_options plain = {.command = command};

/* The text of a sandbox with these options and one directory of the view. */
static char *text_of(const struct sandbox_options *options, const char *source, bool writable,
                     const char *hidden)
{
	static struct view_mount mount;
	static const char *paths[1];
	struct run run = {.options = options};

	mount = (struct view_mount){.target = "/data", .source = source, .writable = writable};
	paths[0] = hidden;
	run.view.mounts = &mount;
	run.view.mount_count = 1;
	run.view.hidden = paths;
	run.view.hidden_count = hidden != NULL;
	(void)snprintf(run.scratch.path, sizeof(run.scratch.path), "/run/scratch");
	return warm_record_write(&run);
}

static void assert_differs(const char *saved, const char *now, const char *why)
{
	struct error err = {0};

	assert_int_equal(warm_record_compare(saved, now, &err), -EINVAL);
	assert_non_null(strstr(err.text, why));
}

static void the_same_sandbox_fits(void **state unused_parameter)
{
	scoped_str a = text_of(&plain, "/src", true, "/secret");
	scoped_str b = text_of(&plain, "/src", true, "/secret");
	struct error err;

	assert_non_null(strstr(a, "writable /data /src\n"));
	assert_int_equal(warm_record_compare(a, b, &err), 0);
}

static void places_of_the_scratch_are_all_the_same(void **state unused_parameter)
{
	scoped_str a = text_of(&plain, "/run/scratch/u/1", true, NULL);
	scoped_str b = text_of(&plain, "/run/scratch/u/2", true, NULL);
	struct error err;

	assert_int_equal(warm_record_compare(a, b, &err), 0);
}

static void an_option_that_differs_is_named(void **state unused_parameter)
{
	const struct sandbox_step steps[] = {{SANDBOX_BIND, "/a b", "/c"},
	                                     {SANDBOX_TMPFS, NULL, "/t"}};
	struct sandbox_options other = plain;
	scoped_str saved = text_of(&plain, "/src", true, NULL);

	other.hostname = "elsewhere";

	scoped_str named = text_of(&other, "/src", true, NULL);

	other.hostname = NULL;
	other.steps = steps;
	other.step_count = ARRAY_SIZE(steps);

	scoped_str stepped = text_of(&other, "/src", true, NULL);

	other.step_count = 1;

	scoped_str shorter = text_of(&other, "/src", true, NULL);

	other.show_secrets = true;

	scoped_str shown = text_of(&other, "/src", true, NULL);

	assert_differs(saved, named, "it was not saved with --hostname elsewhere");
	assert_differs(saved, stepped, "it was not saved with --bind /a b /c");
	assert_differs(stepped, saved, "it was saved with --bind /a b /c");
	assert_differs(stepped, shorter, "it was saved with --tmpfs /t");
	assert_differs(shorter, shown, "--show-secrets yes");
}

static void another_profile_is_named(void **state unused_parameter)
{
	struct run run = {.options = &plain};
	scoped_str saved = warm_record_write(&run);

	run.profile.set = true;
	run.profile.default_action = SECCOMP_ACTION_KILL_PROCESS;

	scoped_str now = warm_record_write(&run);

	assert_differs(saved, now, "--seccomp");
}

static void another_host_is_told_from_options(void **state unused_parameter)
{
	scoped_str saved = text_of(&plain, "/src", true, NULL);
	scoped_str read_only = text_of(&plain, "/src", false, NULL);
	scoped_str hidden = text_of(&plain, "/src", true, "/secret");

	assert_differs(saved, read_only, "read-only /data /src: not then");
	assert_differs(saved, hidden, "hidden /secret: not then");
	assert_differs(hidden, saved, "hidden /secret: not any more");
}

static void the_order_of_steps_counts(void **state unused_parameter)
{
	assert_differs("--bind /a /b\n--hide /b\n", "--hide /b\n--bind /a /b\n", "--bind /a /b");
}

static void a_record_that_was_cut_off_does_not_fit(void **state unused_parameter)
{
	scoped_str saved = text_of(&plain, "/src", true, NULL);

	assert_differs("", saved, "not saved with");
	assert_differs(saved, "", "saved with");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_sandbox_fits),
		cmocka_unit_test(places_of_the_scratch_are_all_the_same),
		cmocka_unit_test(an_option_that_differs_is_named),
		cmocka_unit_test(another_profile_is_named),
		cmocka_unit_test(another_host_is_told_from_options),
		cmocka_unit_test(the_order_of_steps_counts),
		cmocka_unit_test(a_record_that_was_cut_off_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
