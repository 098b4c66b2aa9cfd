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

#include "base/fd.h"
#include "base/macro.h"
#include "sandbox/pump.h"

static void turn(struct pump *pump)
{
	struct pollfd fds[2];

	pump_poll(pump, fds);
	assert_true(poll(fds, 2, 1000) > 0);
	(void)pump_step(pump, fds);
}

static void bytes_go_through_and_the_end_is_seen(void **state unused_parameter)
{
	int in[2], out[2];
	char text[16] = "";

	assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);

	struct pump pump = PUMP_NONE;

	assert_int_equal(pump_begin(&pump, in[0], out[1]), 0);

	assert_int_equal(write(in[1], "hello", 5), 5);
	turn(&pump);
	assert_false(pump_is_done(&pump));
	turn(&pump);
	assert_int_equal(read(out[0], text, sizeof(text)), 5);
	(void)close(in[1]);
	turn(&pump);
	assert_true(pump_is_done(&pump));
	pump_done(&pump);
}

/* What nobody reads is dropped, so that whoever writes does not hang. */
static void a_closed_reader_holds_up_nobody(void **state unused_parameter)
{
	int in[2], out[2];

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	(void)close(out[0]);

	struct pump pump = PUMP_NONE;

	assert_int_equal(pump_begin(&pump, in[0], out[1]), 0);

	assert_int_equal(write(in[1], "lost", 4), 4);
	turn(&pump);
	turn(&pump);
	(void)close(in[1]);
	turn(&pump);
	assert_true(pump_is_done(&pump));
	pump_done(&pump);
}

static void no_pump_is_done_at_once(void **state unused_parameter)
{
	struct pump pump = PUMP_NONE;

	assert_true(pump_is_done(&pump));
	pump_done(&pump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_through_and_the_end_is_seen),
		cmocka_unit_test(a_closed_reader_holds_up_nobody),
		cmocka_unit_test(no_pump_is_done_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
