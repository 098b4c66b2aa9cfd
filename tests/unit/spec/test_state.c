#include "tests/unit/spec/support.h"

#include "base/macro.h"
#include "spec/state.h"

static struct spec_annotation annotations[] = {
	{(char[]){"a.b"}, (char[]){"c"}},
	{(char[]){"quote\""}, (char[]){"\n"}},
};

static const struct record example = {
	.id = (char[]){"web1"},
	.oci_version = (char[]){"1.2.0"},
	.pid = 4711,
	.start_time = UINT64_MAX,
	.boot_id = (char[]){"11111111-2222-3333-4444-555555555555"},
	.bundle = (char[]){"/b/with \"quotes\"\xff"},
	.rootfs = (char[]){"/b/rootfs"},
	.created = (char[]){"2026-01-02T03:04:05.000000006Z"},
	.owner = (char[]){"root"},
	.cgroup_driver = (char[]){"systemd"},
	.cgroup_mount = (char[]){"/sys/fs/cgroup"},
	.cgroup_path = (char[]){"/system.slice/lvm-web1.scope"},
	.cgroup_scope = (char[]){"lvm-web1.scope"},
	.detached = true,
	.user_namespace = true,
	.poststop = true,
	.annotations = annotations,
	.annotation_count = ARRAY_SIZE(annotations),
};

static int decode(struct arena *arena, const char *text, struct record *ret, struct error *err)
{
	return record_decode(arena, text, strlen(text), ret, err);
}

/* Null equals null. */
static void assert_text(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_ptr_equal(a, b);
}

static void assert_records_equal(const struct record *a, const struct record *b)
{
	assert_text(a->id, b->id);
	assert_text(a->oci_version, b->oci_version);
	assert_int_equal(a->pid, b->pid);
	assert_true(a->start_time == b->start_time);
	assert_text(a->boot_id, b->boot_id);
	assert_text(a->bundle, b->bundle);
	assert_text(a->rootfs, b->rootfs);
	assert_text(a->created, b->created);
	assert_text(a->owner, b->owner);
	assert_text(a->cgroup_driver, b->cgroup_driver);
	assert_text(a->cgroup_mount, b->cgroup_mount);
	assert_text(a->cgroup_path, b->cgroup_path);
	assert_text(a->cgroup_scope, b->cgroup_scope);
	assert_int_equal(a->detached, b->detached);
	assert_int_equal(a->terminal, b->terminal);
	assert_int_equal(a->user_namespace, b->user_namespace);
	assert_int_equal(a->poststart, b->poststart);
	assert_int_equal(a->poststop, b->poststop);
	assert_int_equal(a->annotation_count, b->annotation_count);
	for (size_t i = 0; i < a->annotation_count; i++) {
		assert_text(a->annotations[i].key, b->annotations[i].key);
		assert_text(a->annotations[i].value, b->annotations[i].value);
	}
}

static void round_trip(const struct record *record)
{
	scoped_arena arena = {0};
	struct record back = {0};
	struct error err = {0};
	char *text = record_encode(record);

	assert_non_null(text);
	if (decode(&arena, text, &back, &err) < 0)
		fail_msg("%s", err.text);
	assert_records_equal(record, &back);
	free(text);
}

static void a_record_comes_back_whole(void **state unused_parameter)
{
	struct record record = example;

	round_trip(&record);
	record.owner = NULL;
	record.cgroup_mount = NULL;
	record.cgroup_path = NULL;
	record.cgroup_scope = NULL;
	record.annotation_count = 0;
	record.detached = false;
	record.terminal = true;
	record.poststart = true;
	round_trip(&record);
}

static void members_of_later_versions_are_ignored(void **state unused_parameter)
{
	scoped_arena arena = {0};
	struct record record = {0};
	struct error err = {0};

	assert_int_equal(decode(&arena,
	                        "{\"format\":1,\"id\":\"a\",\"pid\":1,\"startTime\":2,"
	                        "\"later\":{\"x\":[1]}}",
	                        &record, &err),
	                 0);
	assert_string_equal(record.id, "a");
	assert_string_equal(record.bundle, "");
	assert_null(record.cgroup_path);
}

static void damaged_records_are_refused(void **state unused_parameter)
{
	static const struct refusal damaged[] = {
		{"", "record: line 1, column 1: '[' or '{' expected near end of file"},
		{"{}", "record: format: is missing"},
		{"[]", "record: expected an object, got an array"},
		{"{'format':2,'id':'a','pid':1,'startTime':2}",
	         "record: format: expected an integer from 1 to 1, got 2"},
		{"{'format':1,'pid':1,'startTime':2}", "record: id: is missing"},
		{"{'format':1,'id':'','pid':1,'startTime':2}", "record: id: is empty"},
		{"{'format':1,'id':7,'pid':1,'startTime':2}",
	         "record: id: expected a string, got 7"},
		{"{'format':1,'id':'a','startTime':2}", "record: pid: is missing"},
		{"{'format':1,'id':'a','pid':0,'startTime':2}",
	         "record: pid: expected an integer from 1 to 2147483647, got 0"},
		{"{'format':1,'id':'a','pid':-1,'startTime':2}",
	         "record: pid: expected an integer from 1 to 2147483647, got -1"},
		{"{'format':1,'id':'a','pid':2147483648,'startTime':2}",
	         "record: pid: expected an integer from 1 to 2147483647, got 2147483648"},
		{"{'format':1,'id':'a','pid':'1','startTime':2}",
	         "record: pid: expected an integer from 1 to 2147483647, got \"1\""},
		{"{'format':1,'id':'a','pid':1}", "record: startTime: is missing"},
		{"{'format':1,'id':'a','pid':1,'startTime':0}",
	         "record: startTime: expected an integer from 1 to 18446744073709551615, got 0"},
		{"{'format':1,'id':'a','pid':1,'startTime':2,'bundle':[]}",
	         "record: bundle: expected a string, got an array"},
		{"{'format':1,'id':'a','pid':1,'startTime':2,'detached':'yes'}",
	         "record: detached: expected true or false, got \"yes\""},
		{"{'format':1,'id':'a','pid':1,'startTime':2,'cgroupPath':'a'}",
	         "record: cgroupPath: does not begin with '/'"},
		{"{'format':1,'id':'a','pid':1,'startTime':2,'annotations':{'a':1}}",
	         "record: annotations.a: expected a string, got 1"},
		{"{'format':1,'id':'a','id':'b','pid':1,'startTime':2}",
	         "record: line 1, column 25: duplicate object key near '\"id\"'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		scoped_arena arena = {0};
		struct record record = {0};
		struct error err = {0};
		char *text = json_quotes(damaged[i].text);

		assert_true(decode(&arena, text, &record, &err) < 0);
		assert_string_equal(err.text, damaged[i].expected);
		assert_null(record.id);
		free(text);
	}
}

static void a_record_cut_anywhere_is_refused(void **state unused_parameter)
{
	struct record record = example;
	char *text = record_encode(&record);

	assert_non_null(text);
	for (size_t size = 0; size < strlen(text); size++) {
		scoped_arena arena = {0};
		struct record back = {0};
		struct error err = {0};

		assert_true(record_decode(&arena, text, size, &back, &err) < 0);
		assert_true(err.code > 0);
		assert_null(back.id);
	}
	free(text);
}

/* A flipped bit may leave a sound record with another text; it must not do harm. */
static void a_record_with_a_flipped_bit_does_no_harm(void **state unused_parameter)
{
	struct record record = example;
	char *text = record_encode(&record);
	size_t refused = 0;

	assert_non_null(text);
	for (size_t bit = 0; bit < 8 * strlen(text); bit++) {
		scoped_arena arena = {0};
		struct record back = {0};
		struct error err = {0};
		char *copy = strdup(text);

		assert_non_null(copy);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		if (record_decode(&arena, copy, strlen(text), &back, &err) < 0)
			refused++;
		else
			assert_true(back.pid > 0 && back.id && back.start_time > 0);
		free(copy);
	}
	assert_true(refused > 100);
	free(text);
}

static void encoded(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void hooks_get_the_members_of_the_specification(void **state unused_parameter)
{
	struct record record = example;
	struct state_view view = {.status = "created", .pid = 5, .record = &record};

	record.bundle = (char[]){"/b"};
	record.annotation_count = 1;
	encoded(state_encode_hook(&view),
	        "{\"ociVersion\":\"1.2.0\",\"id\":\"web1\",\"status\":\"created\",\"pid\":5,"
	        "\"bundle\":\"/b\",\"annotations\":{\"a.b\":\"c\"}}");
	view.status = "stopped";
	view.pid = 0;
	record.annotation_count = 0;
	encoded(state_encode_hook(&view),
	        "{\"ociVersion\":\"1.2.0\",\"id\":\"web1\",\"status\":\"stopped\","
	        "\"bundle\":\"/b\"}");
}

#define LONG_STATE(indent, pid, status)                                                            \
	"{\n" indent "  \"ociVersion\": \"1.2.0\",\n" indent "  \"id\": \"web1\",\n" indent        \
	"  \"pid\": " pid ",\n" indent "  \"status\": \"" status "\",\n" indent                    \
	"  \"bundle\": \"/b\",\n" indent "  \"rootfs\": \"/b/rootfs\",\n" indent                   \
	"  \"created\": \"2026-01-02T03:04:05.000000006Z\",\n" indent                              \
	"  \"annotations\": {\n" indent "    \"a.b\": \"c\"\n" indent "  },\n" indent              \
	"  \"owner\": \"root\"\n" indent "}"

static void the_printed_state_is_that_of_other_runtimes(void **state unused_parameter)
{
	struct record record = example;
	struct state_view views[] = {{.status = "running", .pid = 5, .record = &record},
	                             {.status = "stopped", .pid = 0, .record = &record}};

	record.bundle = (char[]){"/b"};
	record.annotation_count = 1;
	encoded(state_encode(&views[0]), LONG_STATE("", "5", "running") "\n");
	encoded(state_encode(&views[1]), LONG_STATE("", "0", "stopped") "\n");
	encoded(state_encode_list(views, 2),
	        "[\n  " LONG_STATE("  ", "5", "running") ",\n  " LONG_STATE("  ", "0",
	                                                                    "stopped") "\n]\n");
	encoded(state_encode_list(NULL, 0), "[]\n");
}

static void seccomp_agents_get_the_process_and_the_state(void **state unused_parameter)
{
	struct record record = example;
	struct state_view view = {.status = "creating", .pid = 5, .record = &record};

	record.bundle = (char[]){"/b"};
	record.annotation_count = 0;
	encoded(state_encode_seccomp(&view, "meta"),
	        "{\"ociVersion\":\"1.2.0\",\"fds\":[\"seccompFd\"],\"pid\":5,\"metadata\":\"meta\","
	        "\"state\":{\"ociVersion\":\"1.2.0\",\"id\":\"web1\",\"status\":\"creating\","
	        "\"pid\":5,\"bundle\":\"/b\"}}");
	encoded(state_encode_seccomp(&view, NULL),
	        "{\"ociVersion\":\"1.2.0\",\"fds\":[\"seccompFd\"],\"pid\":5,"
	        "\"state\":{\"ociVersion\":\"1.2.0\",\"id\":\"web1\",\"status\":\"creating\","
	        "\"pid\":5,\"bundle\":\"/b\"}}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_whole),
		cmocka_unit_test(members_of_later_versions_are_ignored),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(a_record_cut_anywhere_is_refused),
		cmocka_unit_test(a_record_with_a_flipped_bit_does_no_harm),
		cmocka_unit_test(hooks_get_the_members_of_the_specification),
		cmocka_unit_test(the_printed_state_is_that_of_other_runtimes),
		cmocka_unit_test(seccomp_agents_get_the_process_and_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
