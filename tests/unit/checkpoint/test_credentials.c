#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "checkpoint/credentials.h"
#include "checkpoint/protobuf.h"

static void put_u32(struct strbuf *to, uint32_t number)
{
	strbuf_add(to, (const char *)&number, sizeof(number));
}

/* A core-N.img of user 1000, group 1001 with CAP_CHOWN and CAP_CHECKPOINT_RESTORE (40). */
static void make_image(struct strbuf *ret, unsigned int times)
{
	scoped_strbuf creds = {0}, thread = {0}, core = {0};

	for (unsigned int i = 1; i <= 8; i++)
		protobuf_add_number(&creds, i, i % 2 ? 1000 : 1001);
	protobuf_add_number(&creds, 10, 1);
	protobuf_add_number(&creds, 10, 1 << 8);
	protobuf_add_number(&creds, 18, 1);
	for (unsigned int i = 0; i < times; i++)
		protobuf_add_bytes(&thread, 10, creds.data, creds.length);
	protobuf_add_number(&thread, 11, 2);
	protobuf_add_number(&core, 1, 1);
	protobuf_add_bytes(&core, 5, thread.data, thread.length);
	put_u32(ret, 0x54564319);
	put_u32(ret, 0x55053847);
	put_u32(ret, (uint32_t)core.length);
	strbuf_add(ret, core.data, core.length);
}

static void an_image_says_what_its_process_may(void **state unused_parameter)
{
	scoped_strbuf image = {0};
	struct credentials found;

	make_image(&image, 1);
	assert_int_equal(credentials_parse_image(image.data, image.length, &found), 1);
	assert_int_equal(found.capabilities, UINT64_C(1) | UINT64_C(1) << 40);
	assert_true(found.no_new_privileges);
	assert_true(found.filtered);
	for (int i = 0; i < 8; i++)
		assert_int_equal(found.ids[i], i < 4 ? 1000 : 1001);
}

static void no_part_of_an_image_is_an_image(void **state unused_parameter)
{
	scoped_strbuf image = {0}, twice = {0}, none = {0};
	struct credentials found;

	make_image(&image, 1);
	for (size_t size = 0; size < image.length; size++)
		assert_int_equal(credentials_parse_image(image.data, size, &found), -EBADMSG);
	make_image(&twice, 2);
	assert_int_equal(credentials_parse_image(twice.data, twice.length, &found), -EBADMSG);
	make_image(&none, 0);
	assert_int_equal(credentials_parse_image(none.data, none.length, &found), -EBADMSG);
	image.data[4] = 0;
	assert_int_equal(credentials_parse_image(image.data, image.length, &found), -EBADMSG);
}

/* As of one that has ended and was not waited for: state 2, no credentials. */
static void make_dead_image(struct strbuf *ret, unsigned int state, bool thread)
{
	scoped_strbuf task = {0}, core = {0};

	protobuf_add_number(&task, 1, state);
	protobuf_add_bytes(&core, 3, task.data, task.length);
	if (thread)
		protobuf_add_bytes(&core, 5, "", 0);
	put_u32(ret, 0x54564319);
	put_u32(ret, 0x55053847);
	put_u32(ret, (uint32_t)core.length);
	strbuf_add(ret, core.data, core.length);
}

static void a_process_that_has_ended_may_nothing(void **state unused_parameter)
{
	scoped_strbuf dead = {0}, alive = {0}, both = {0};
	struct credentials found;

	make_dead_image(&dead, 2, false);
	assert_int_equal(credentials_parse_image(dead.data, dead.length, &found), 0);
	make_dead_image(&alive, 1, false);
	assert_int_equal(credentials_parse_image(alive.data, alive.length, &found), -EBADMSG);
	make_dead_image(&both, 2, true);
	assert_int_equal(credentials_parse_image(both.data, both.length, &found), -EBADMSG);
}

static void a_status_says_what_its_process_may(void **state unused_parameter)
{
	static const char text[] = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
				   "CapInh:\t0000000000000001\nCapPrm:\t0000000000000002\n"
				   "CapEff:\t0000000000000004\nCapBnd:\t0000010000000000\n"
				   "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
	struct credentials found;

	assert_int_equal(credentials_parse_status(text, &found), 0);
	assert_int_equal(found.capabilities, UINT64_C(7) | UINT64_C(1) << 40);
	assert_true(found.no_new_privileges && found.filtered);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(found.ids[i], i + 1);
	assert_int_equal(credentials_parse_status("Name:\tx\n", &found), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_says_what_its_process_may),
		cmocka_unit_test(a_process_that_has_ended_may_nothing),
		cmocka_unit_test(no_part_of_an_image_is_an_image),
		cmocka_unit_test(a_status_says_what_its_process_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
