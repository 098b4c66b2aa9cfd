#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "runtime/disk_record.h"

#define WHOLE                                                                                      \
	"{\"format\":1,\"id\":\"web\",\"stateRoot\":\"/run/x\",\"keep\":true,"                     \
	"\"lowers\":[\"/lower\"],\"layers\":[\"b\",\"a\"],\"upper\":\"c\",\"current\":\"two\","    \
	"\"nodes\":[{\"name\":\"one\",\"layers\":[\"a\"]},{\"name\":\"two\",\"parent\":\"one\","   \
	"\"layers\":[\"b\",\"a\"],\"memory\":true,\"frozenMicroseconds\":7}]}"

static int decode(struct arena *arena, const char *text, struct disk_record *ret, struct error *err)
{
	return disk_record_decode(arena, text, strlen(text), ret, err);
}

static void what_was_written_is_read_back(void **state unused_parameter)
{
	scoped_arena arena = {0};
	struct disk_record record, again;
	struct error err;

	assert_int_equal(0, decode(&arena, WHOLE, &record, &err));

	scoped_str text = disk_record_encode(&record);

	assert_int_equal(0, decode(&arena, text, &again, &err));
	assert_string_equal("web", again.id);
	assert_string_equal("/run/x", again.state_root);
	assert_true(again.keep);
	assert_false(again.foreign);
	assert_string_equal("/lower", again.lowers.items[0]);
	assert_int_equal(2, again.layers.count);
	assert_string_equal("c", again.upper);
	assert_string_equal("two", again.current);
	assert_int_equal(2, again.node_count);
	assert_null(again.nodes[0].parent);
	assert_string_equal("one", again.nodes[1].parent);
	assert_true(again.nodes[1].memory);
	assert_int_equal(7, again.nodes[1].frozen_us);
	assert_null(again.operation.verb);
}

static void an_operation_is_kept(void **state unused_parameter)
{
	char *layers[] = {(char[]){"x"}};
	struct disk_record record = {.id = (char[]){"web"}};
	scoped_arena arena = {0};
	struct disk_record again;
	struct error err;

	record.operation = (struct disk_operation){
		.verb = (char[]){"revert"},
		.phase = (char[]){"restore"},
		.node = (char[]){"one"},
		.image = (char[]){"undo"},
		.upper = (char[]){"u"},
		.layers = {layers, 1},
	};

	scoped_str text = disk_record_encode(&record);

	assert_int_equal(0, decode(&arena, text, &again, &err));
	assert_string_equal("revert", again.operation.verb);
	assert_string_equal("undo", again.operation.image);
	assert_string_equal("x", again.operation.layers.items[0]);
	assert_null(again.operation.current);
}

static void bytes_that_are_no_text_come_back(void **state unused_parameter)
{
	char *lowers[] = {(char[]){"/a\xff\x01/b"}};
	struct disk_record record = {.id = (char[]){"web"}, .lowers = {lowers, 1}};
	scoped_arena arena = {0};
	struct disk_record again;
	struct error err;
	scoped_str text = disk_record_encode(&record);

	assert_int_equal(0, decode(&arena, text, &again, &err));
	assert_string_equal("/a\xff\x01/b", again.lowers.items[0]);
}

static void what_would_lead_elsewhere_is_refused(void **state unused_parameter)
{
	static const char *const texts[] = {
		"{\"format\":1,\"id\":\"../x\"}",
		"{\"format\":1,\"id\":\"x\",\"upper\":\"../../etc\"}",
		"{\"format\":1,\"id\":\"x\",\"layers\":[\"a/b\"]}",
		"{\"format\":1,\"id\":\"x\",\"layers\":[\"\"]}",
		"{\"format\":1,\"id\":\"x\",\"lowers\":[\"relative\"]}",
		"{\"format\":1,\"id\":\"x\",\"nodes\":[{\"name\":\".\"}]}",
		"{\"format\":1,\"id\":\"x\",\"nodes\":[{\"name\":\"a\",\"layers\":[\"..\"]}]}",
		"{\"format\":1,\"id\":\"x\",\"operation\":{\"image\":\"../y\"}}",
		"{\"format\":2,\"id\":\"x\"}",
		"{\"id\":\"x\"}",
		"[]",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		scoped_arena arena = {0};
		struct disk_record record;
		struct error err;

		assert_true(decode(&arena, texts[i], &record, &err) < 0);
	}
}

static void a_tree_that_is_none_is_refused(void **state unused_parameter)
{
	static const char *const texts[] = {
		"{\"format\":1,\"id\":\"x\",\"current\":\"a\"}",
		"{\"format\":1,\"id\":\"x\",\"nodes\":[{\"name\":\"a\",\"parent\":\"b\"}]}",
		"{\"format\":1,\"id\":\"x\",\"nodes\":[{\"name\":\"a\",\"parent\":\"a\"}]}",
		"{\"format\":1,\"id\":\"x\",\"nodes\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		scoped_arena arena = {0};
		struct disk_record record;
		struct error err;

		assert_int_equal(-EILSEQ, decode(&arena, texts[i], &record, &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(an_operation_is_kept),
		cmocka_unit_test(bytes_that_are_no_text_come_back),
		cmocka_unit_test(what_would_lead_elsewhere_is_refused),
		cmocka_unit_test(a_tree_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
