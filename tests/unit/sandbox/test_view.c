#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "sandbox/config.h"
#include "sandbox/view.h"
#include "spec/spec.h"

static void below_means_whole_names(void **state unused_parameter)
{
	assert_true(view_is_below("/usr", "/usr"));
	assert_true(view_is_below("/usr/lib", "/usr"));
	assert_false(view_is_below("/usrlib", "/usr"));
	assert_true(view_is_below("/anything", "/"));
	assert_false(view_is_below("/us", "/usr"));
}

static void lists_grow(void **state unused_parameter)
{
	scoped_view view = {0};
	struct error err;

	for (int i = 0; i < 200; i++) {
		assert_non_null(view_add(&view, "/x", "tmpfs", "tmpfs", &err));
		assert_int_equal(view_hide(&view, "/y", &err), 0);
		assert_int_equal(view_note(&view, "z", &err), 0);
	}
	assert_int_equal(view.mount_count, 200);
	assert_int_equal(view.hidden_count, 200);
	assert_int_equal(view.note_count, 200);
}

/* The configuration of a sandbox, read back as any bundle's. */
static struct spec *configure(const struct sandbox_options *options, const struct scratch *scratch)
{
	scoped_view view = {.directory = "/"};
	const struct network network = NETWORK_NONE;
	const struct config_request request = {
		.options = options, .scratch = scratch, .view = &view, .network = &network};
	struct spec *spec = NULL;
	struct error err;

	assert_non_null(view_add(&view, "/tmp", "tmpfs", "tmpfs", &err));
	assert_int_equal(view_hide(&view, "/etc/shadow", &err), 0);

	scoped_str text = config_write(&request);

	assert_non_null(text);
	if (spec_parse("config.json", text, strlen(text), &spec, &err) < 0 ||
	    spec_validate(spec, &err) < 0)
		fail_msg("%s", err.text);
	return spec;
}

static char word[] = "true";
static char *command[] = {word, NULL};

static void the_configuration_takes_all_rights(void **state unused_parameter)
{
	const struct sandbox_options options = {.command = command, .swap = -1};
	const struct scratch scratch = {.fd = -1};
	scoped_spec spec = configure(&options, &scratch);

	assert_true(spec->process.no_new_privileges);
	assert_int_equal(spec->process.capabilities.bounding, 0);
	assert_false(spec->linux.seccomp.set); /* handed over beside it */
	for (int i = 0; i < NAMESPACE_TYPE_COUNT; i++)
		assert_true(spec->linux.namespaces[i].set && !spec->linux.namespaces[i].path);
	assert_true(spec->root.readonly);
	assert_int_equal(spec->linux.uid_mappings.items[0].size, UINT32_MAX);
}

static void a_user_is_himself_inside(void **state unused_parameter)
{
	const struct sandbox_options options = {.command = command, .swap = -1};
	const struct scratch scratch = {.fd = -1, .rootless = true, .uid = 1234, .gid = 55};
	scoped_spec spec = configure(&options, &scratch);

	assert_int_equal(spec->process.user.uid, 1234);
	assert_int_equal(spec->process.user.gid, 55);
	assert_int_equal(spec->linux.uid_mappings.items[0].container_id, 1234);
	assert_int_equal(spec->linux.uid_mappings.items[0].host_id, 0);
	assert_int_equal(spec->linux.uid_mappings.items[0].size, 1);
}

static void limits_are_written_as_resources(void **state unused_parameter)
{
	const struct sandbox_options options = {
		.command = command, .memory = 1000000, .swap = 5000, .cpu_millis = 1500, .pids = 7};
	const struct scratch scratch = {.fd = -1};
	scoped_spec spec = configure(&options, &scratch);
	const struct spec_resources *resources = &spec->linux.resources;

	assert_int_equal(resources->memory.limit.value, 1000000);
	assert_int_equal(resources->memory.swap.value, 1005000);
	assert_int_equal(resources->cpu.quota.value, 150000);
	assert_int_equal(resources->cpu.period.value, 100000);
	assert_int_equal(resources->pids_limit.value, 7);
}

static void the_network_is_shared_on_demand_alone(void **state unused_parameter)
{
	const struct sandbox_options options = {.command = command, .swap = -1, .share_net = true};
	const struct scratch scratch = {.fd = -1};
	scoped_spec spec = configure(&options, &scratch);

	assert_false(spec->linux.namespaces[NAMESPACE_NETWORK].set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_means_whole_names),
		cmocka_unit_test(lists_grow),
		cmocka_unit_test(the_configuration_takes_all_rights),
		cmocka_unit_test(a_user_is_himself_inside),
		cmocka_unit_test(limits_are_written_as_resources),
		cmocka_unit_test(the_network_is_shared_on_demand_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
