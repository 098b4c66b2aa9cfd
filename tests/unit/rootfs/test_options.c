#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "rootfs/options.h"
#include "rootfs/rootfs.h"

enum { WORDS_MAX = 16 };

static struct arena arena;

static int parse(const char *const *words, struct mount_options *ret, struct error *err)
{
	char *items[WORDS_MAX];
	struct string_list list = {.items = items};

	while (words[list.count]) {
		items[list.count] = arena_strdup(&arena, words[list.count]);
		list.count++;
	}
	return mount_options_parse(&arena, &list, ret, err);
}

#define PARSE(ret, ...)                                                                            \
	do {                                                                                       \
		struct error err = {0};                                                            \
		if (parse((const char *const[]){__VA_ARGS__, NULL}, ret, &err))                    \
			fail_msg("%s", err.text);                                                  \
	} while (0)

static int teardown(void **state unused_parameter)
{
	arena_done(&arena);
	return 0;
}

static void later_word_overrides_an_earlier_one(void **state unused_parameter)
{
	struct mount_options o;

	PARSE(&o, "ro", "nosuid", "rw");
	assert_int_equal(o.attributes.set, MOUNT_ATTR_NOSUID);
	assert_int_equal(o.attributes.mask, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	PARSE(&o, "rshared", "private");
	assert_int_equal(o.propagation, MS_PRIVATE);
	assert_false(o.propagation_recursive);
}

static void kinds_of_atime_exclude_each_other(void **state unused_parameter)
{
	struct mount_options o;

	PARSE(&o, "noatime", "strictatime", "nodiratime");
	assert_int_equal(o.attributes.set, MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NODIRATIME);
	assert_int_equal(o.attributes.mask, MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME);
	PARSE(&o, "noatime", "relatime");
	assert_int_equal(o.attributes.set, 0);
	PARSE(&o, "rnoatime", "ratime");
	assert_int_equal(o.recursive_attributes.set, 0);
	assert_int_equal(o.recursive_attributes.mask, MOUNT_ATTR__ATIME);
}

static void recursive_words_are_kept_apart(void **state unused_parameter)
{
	struct mount_options o;

	PARSE(&o, "rbind", "rro", "nodev", "rslave");
	assert_true(o.bind && o.bind_recursive);
	assert_int_equal(o.recursive_attributes.set, MOUNT_ATTR_RDONLY);
	assert_int_equal(o.attributes.set, MOUNT_ATTR_NODEV);
	assert_int_equal(o.propagation, MS_SLAVE);
	assert_true(o.propagation_recursive);
}

static void unknown_words_are_parameters(void **state unused_parameter)
{
	struct mount_options o;

	PARSE(&o, "mode=755", "sync", "usrquota", "lowerdir=/a=b:/c", "defaults", "size=");
	assert_int_equal(o.parameter_count, 5);
	assert_string_equal(mount_options_value(&o, "mode"), "755");
	assert_string_equal(o.parameters[1].key, "sync");
	assert_null(o.parameters[1].value);
	assert_string_equal(o.parameters[2].key, "usrquota");
	assert_string_equal(mount_options_value(&o, "lowerdir"), "/a=b:/c");
	assert_string_equal(mount_options_value(&o, "size"), "");
	mount_options_drop(&o, "mode");
	assert_null(mount_options_value(&o, "mode"));
	assert_int_equal(o.parameter_count, 4);
}

static void idmap_comes_with_and_without_a_map(void **state unused_parameter)
{
	struct mount_options o;

	PARSE(&o, "idmap");
	assert_true(o.idmap && !o.idmap_recursive);
	assert_null(o.idmap_text);
	PARSE(&o, "ridmap");
	assert_true(o.idmap && o.idmap_recursive);
	PARSE(&o, "idmap=uids=0-1-10;gids=0-100-10");
	assert_true(o.idmap && !o.idmap_recursive);
	assert_string_equal(o.idmap_text, "uids=0-1-10;gids=0-100-10");
	assert_int_equal(o.parameter_count, 0);
}

static void extensions_are_words(void **state unused_parameter)
{
	struct mount_options o;

	PARSE(&o, "bind", "copy-symlink", "src-nofollow", "dest-nofollow", "tmpcopyup", "remount");
	assert_true(o.bind && !o.bind_recursive);
	assert_true(o.copy_symlink && o.source_nofollow && o.destination_nofollow);
	assert_true(o.copy_up && o.remount);
	assert_int_equal(o.parameter_count, 0);
}

static void word_without_a_name_is_refused(void **state unused_parameter)
{
	struct mount_options o = {.bind = true};
	struct error err = {0};

	assert_int_equal(parse((const char *const[]){"=x", NULL}, &o, &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"=x\""));
	assert_int_equal(parse((const char *const[]){"", NULL}, &o, &err), -EINVAL);
	assert_true(o.bind); /* the result is left alone */
}

/* The list of config.md that a runtime must or should know: none of it may reach a file system. */
static void every_word_of_the_specification_is_known(void **state unused_parameter)
{
	static const char *const words[] = {
		"async",       "atime",        "bind",          "defaults",
		"dev",         "diratime",     "dirsync",       "exec",
		"iversion",    "lazytime",     "loud",          "noatime",
		"nodev",       "nodiratime",   "noexec",        "noiversion",
		"nolazytime",  "norelatime",   "nostrictatime", "nosuid",
		"private",     "rbind",        "relatime",      "remount",
		"ro",          "rprivate",     "rshared",       "rslave",
		"runbindable", "rw",           "shared",        "silent",
		"slave",       "strictatime",  "suid",          "sync",
		"unbindable",  "nosymfollow",  "symfollow",     "ratime",
		"rdev",        "rdiratime",    "rexec",         "rnoatime",
		"rnodiratime", "rnoexec",      "rnorelatime",   "rnostrictatime",
		"rnosuid",     "rnosymfollow", "rrelatime",     "rro",
		"rrw",         "rstrictatime", "rsuid",         "rsymfollow",
		"idmap",       "ridmap",       "mand",          "nomand",
		"tmpcopyup",   "rnodev",
	};
	const char *const *names = rootfs_mount_option_names();

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t at = 0;

		while (names[at] && strcmp(names[at], words[i]) != 0)
			at++;
		if (!names[at])
			fail_msg("\"%s\" is not in the table", words[i]);
	}
	for (size_t i = 1; names[i]; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(later_word_overrides_an_earlier_one, teardown),
		cmocka_unit_test_teardown(kinds_of_atime_exclude_each_other, teardown),
		cmocka_unit_test_teardown(recursive_words_are_kept_apart, teardown),
		cmocka_unit_test_teardown(unknown_words_are_parameters, teardown),
		cmocka_unit_test_teardown(idmap_comes_with_and_without_a_map, teardown),
		cmocka_unit_test_teardown(extensions_are_words, teardown),
		cmocka_unit_test_teardown(word_without_a_name_is_refused, teardown),
		cmocka_unit_test_teardown(every_word_of_the_specification_is_known, teardown),
	};

	return cmocka_run_group_tests_name("rootfs/options", tests, NULL, NULL);
}
