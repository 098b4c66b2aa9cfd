#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>

#include <cmocka.h>

#include "cmd/signals.h"

static void names_are_known_in_all_their_spellings(void **state unused_parameter)
{
	static const char *const kill_names[] = {"KILL",    "SIGKILL", "kill",
	                                         "sigkill", "SigKill", "9"};

	for (size_t i = 0; i < ARRAY_SIZE(kill_names); i++)
		assert_int_equal(signal_parse(kill_names[i]), SIGKILL);
	assert_int_equal(signal_parse("TERM"), SIGTERM);
	assert_int_equal(signal_parse("SIGHUP"), SIGHUP);
	assert_int_equal(signal_parse("usr1"), SIGUSR1);
	assert_int_equal(signal_parse("SIGWINCH"), SIGWINCH);
	assert_int_equal(signal_parse("CLD"), SIGCHLD);
	assert_int_equal(signal_parse("SIGIOT"), SIGABRT);
	assert_int_equal(signal_parse("IO"), SIGIO);
	assert_int_equal(signal_parse("0"), 0);
	assert_int_equal(signal_parse("64"), 64);
}

static void every_standard_signal_is_known_by_its_name(void **state unused_parameter)
{
	static const char *const names[] = {
		"HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",  "FPE",
		"KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM", "STKFLT",
		"CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",  "XCPU",
		"XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR",  "SYS",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(signal_parse(names[i]), (int)i + 1);
}

static void realtime_signals_are_counted_as_the_shell_does(void **state unused_parameter)
{
	assert_int_equal(signal_parse("RTMIN"), 34);
	assert_int_equal(signal_parse("SIGRTMIN+1"), 35);
	assert_int_equal(signal_parse("sigrtmin+30"), 64);
	assert_int_equal(signal_parse("RTMAX"), 64);
	assert_int_equal(signal_parse("SIGRTMAX-30"), 34);
}

static void anything_else_is_refused(void **state unused_parameter)
{
	static const char *const wrong[] = {"",         "SIG",     "FOO",       "65",
	                                    "-9",       "9 ",      "SIG9",      "RTMIN+",
	                                    "RTMIN+31", "RTMIN-1", "RTMAX+1",   "RTMAX-31",
	                                    "RTMIN+x",  "KILLX",   "SIGSIGKILL"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(signal_parse(wrong[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_known_in_all_their_spellings),
		cmocka_unit_test(every_standard_signal_is_known_by_its_name),
		cmocka_unit_test(realtime_signals_are_counted_as_the_shell_does),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
