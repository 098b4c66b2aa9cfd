#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <ctype.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/verbs.h"

typedef void check_table(const struct option *table, size_t target_size);

static void for_all_tables(check_table *check)
{
	check(global_options, sizeof(struct global_options));
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (verb->options)
			check(verb->options, sizeof(union verb_arguments));
	}
}

static void options_are_explained(const struct option *table, size_t size unused_parameter)
{
	for (; table->name; table++) {
		size_t length = table->help ? strlen(table->help) : 0;

		assert_true(length > 3);
		assert_true(table->help[length - 1] != '.');
		assert_false(isupper((unsigned char)table->help[0]) &&
		             islower((unsigned char)table->help[1]));
		assert_non_null(table->letters);
	}
}

static void options_differ(const struct option *table, size_t size unused_parameter)
{
	for (const struct option *one = table; one->name; one++) {
		assert_null(strchr(one->letters, 'h'));
		assert_string_not_equal(one->name, "help");
		for (const struct option *other = one + 1; other->name; other++) {
			assert_string_not_equal(one->name, other->name);
			if (one->letters[0])
				assert_null(strpbrk(other->letters, one->letters));
		}
	}
}

/* A flag takes no argument, the other kinds have a name for theirs. */
static void options_are_of_one_piece(const struct option *table, size_t size)
{
	for (; table->name; table++) {
		if (table->kind == OPTION_FLAG)
			assert_null(table->argument);
		else if (table->kind != OPTION_IGNORED)
			assert_non_null(table->argument);
		assert_true(table->offset < size);
	}
}

static void every_option_is_explained(void **state unused_parameter)
{
	for_all_tables(options_are_explained);
}

static void no_table_has_an_option_twice(void **state unused_parameter)
{
	for_all_tables(options_differ);
}

static void every_row_of_options_is_consistent(void **state unused_parameter)
{
	for_all_tables(options_are_of_one_piece);
}

static void every_verb_is_whole(void **state unused_parameter)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		assert_non_null(verb->run);
		assert_non_null(verb->words);
		assert_true(strlen(verb->summary) > 10 && strlen(verb->summary) < 70);
		assert_int_equal(verb->details[strlen(verb->details) - 1], '.');
		assert_non_null(strstr(verb->example, verb->name));
		assert_true(verb->max_words < 0 || verb->min_words <= verb->max_words);
		assert_true((verb->words[0] != '\0') == (verb->max_words != 0));
		assert_true(!(verb->flags & VERB_ID) || strncmp(verb->words, "ID", 2) == 0 ||
		            strncmp(verb->words, "SOURCE", 6) == 0);
		assert_true(!(verb->flags & VERB_ID) || verb->min_words > 0);
	}
}

static void no_verb_name_is_used_twice(void **state unused_parameter)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		assert_ptr_equal(verb_find(verb->name), verb);
		if (verb->alias)
			assert_ptr_equal(verb_find(verb->alias), verb);
	}
}

static void verbs_of_the_specification_are_there(void **state unused_parameter)
{
	static const char *const names[] = {"create", "start", "run",     "exec", "kill",
	                                    "delete", "state", "list",    "ps",   "pause",
	                                    "resume", "spec",  "features"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(verb_find(names[i]));
	assert_null(verb_find("no-such-verb"));
	assert_null(verb_find(""));
}

static bool knows(const struct option *table, const char *name)
{
	for (; table && table->name; table++) {
		if (strcmp(table->name, name) == 0)
			return true;
	}
	return false;
}

/* What engines pass, as containerd's shim, conmon, Podman and Buildah call runtimes. */
static void options_that_engines_pass_are_known(void **state unused_parameter)
{
	static const struct {
		const char *verb;
		const char *options[24];
	} calls[] = {
		{"create",
	         {"bundle", "config", "console-socket", "pidfd-socket", "pid-file", "no-pivot",
	          "no-new-keyring", "no-subreaper", "preserve-fds"}},
		{"run",
	         {"bundle", "config", "console-socket", "pidfd-socket", "pid-file", "no-pivot",
	          "no-new-keyring", "no-subreaper", "preserve-fds", "detach", "keep"}},
		{"exec",
	         {"process", "console-socket", "pid-file", "detach", "tty", "user",
	          "additional-gids", "env", "cap", "cwd", "cgroup", "preserve-fds", "no-new-privs",
	          "process-label", "apparmor", "pidfd-socket", "ignore-paused"}},
		{"kill", {"all", "regex"}},
		{"delete", {"force", "regex"}},
		{"list", {"quiet", "format"}},
		{"ps", {"format"}},
		{"spec", {"bundle", "file", "rootless"}},
		{"events", {"stats", "interval"}},
		{"update",
	         {"resources", "blkio-weight", "cpu-period", "cpu-quota", "cpu-burst", "cpu-idle",
	          "cpu-share", "cpu-rt-period", "cpu-rt-runtime", "cpuset-cpus", "cpuset-mems",
	          "kernel-memory", "kernel-memory-tcp", "memory", "memory-swap", "pids-limit",
	          "memory-reservation", "mem-bw-schema", "l3-cache-schema"}},
		{"checkpoint",
	         {"image-path", "work-path", "parent-path", "leave-running", "tcp-established",
	          "tcp-skip-in-flight", "ext-unix-sk", "shell-job", "file-locks", "pre-dump",
	          "manage-cgroups-mode", "network-lock", "link-remap", "lazy-pages", "status-fd",
	          "page-server", "empty-ns", "auto-dedup"}},
		{"restore",
	         {"image-path",
	          "work-path",
	          "tcp-established",
	          "tcp-close",
	          "ext-unix-sk",
	          "shell-job",
	          "detach",
	          "pid-file",
	          "console-socket",
	          "file-locks",
	          "manage-cgroups-mode",
	          "network-lock",
	          "lsm-profile",
	          "lsm-mount-context",
	          "no-subreaper",
	          "no-pivot",
	          "empty-ns",
	          "auto-dedup",
	          "lazy-pages",
	          "no-new-keyring",
	          "preserve-fds",
	          "bundle"}},
	};
	static const char *const global[] = {"root",           "log",     "log-format",
	                                     "log-level",      "debug",   "systemd-cgroup",
	                                     "cgroup-manager", "rootless"};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (size_t j = 0; calls[i].options[j]; j++)
			assert_true(knows(verb_find(calls[i].verb)->options, calls[i].options[j]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(global); i++)
		assert_true(knows(global_options, global[i]));
	assert_false(knows(verb_find("create")->options, "detach"));
}

static enum cgroup_driver driver_for(const char *manager, bool systemd)
{
	const struct global_options global = {.cgroup_manager = manager, .systemd_cgroup = systemd};
	const struct call call = {.global = &global};
	enum cgroup_driver driver = CGROUP_DRIVER_DISABLED;
	struct error err;

	assert_int_equal(call_cgroup_driver(&call, &driver, &err), 0);
	return driver;
}

static void the_named_cgroup_manager_wins(void **state unused_parameter)
{
	assert_int_equal(driver_for(NULL, false), CGROUP_DRIVER_CGROUPFS);
	assert_int_equal(driver_for(NULL, true), CGROUP_DRIVER_SYSTEMD);
	assert_int_equal(driver_for("systemd", false), CGROUP_DRIVER_SYSTEMD);
	assert_int_equal(driver_for("cgroupfs", true), CGROUP_DRIVER_CGROUPFS);
	assert_int_equal(driver_for("disabled", true), CGROUP_DRIVER_DISABLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_explained),
		cmocka_unit_test(no_table_has_an_option_twice),
		cmocka_unit_test(every_row_of_options_is_consistent),
		cmocka_unit_test(every_verb_is_whole),
		cmocka_unit_test(no_verb_name_is_used_twice),
		cmocka_unit_test(verbs_of_the_specification_are_there),
		cmocka_unit_test(options_that_engines_pass_are_known),
		cmocka_unit_test(the_named_cgroup_manager_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
