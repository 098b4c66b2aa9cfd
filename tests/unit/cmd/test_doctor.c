#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "cmd/doctor.h"

static void only_a_fatal_check_makes_the_host_unusable(void **state unused_parameter)
{
	struct report report = {0};

	report_add(&report, "Area", "one", CHECK_OK, "advice", "fine");
	report_add(&report, "Area", "two", CHECK_MISSING, "advice", "gone");
	assert_true(report_usable(&report));
	report_add(&report, "Area", "three", CHECK_FATAL, "advice", "broken");
	assert_false(report_usable(&report));
}

static void advice_is_given_where_something_is_missing(void **state unused_parameter)
{
	struct report report = {0};
	scoped_strbuf text = {0};

	report_add(&report, "Area", "one", CHECK_OK, "never shown", "%d", 1);
	report_add(&report, "Area", "two", CHECK_NOTE, "do this", "%d", 2);
	report_add(&report, "Other", "three", CHECK_FATAL, "do that", "%d", 3);
	report_print(&report, &text);
	assert_string_equal(text.data, "Area\n"
	                               "  ok       one                    1\n"
	                               "  note     two                    2\n"
	                               "           do this\n"
	                               "\nOther\n"
	                               "  fatal    three                  3\n"
	                               "           do that\n"
	                               "\nContainers cannot run here: see the fatal lines.\n");
}

static void json_has_the_same_facts(void **state unused_parameter)
{
	struct report report = {0};
	scoped_strbuf text = {0};

	report_add(&report, "A", "one", CHECK_OK, "x", "say \"yes\"");
	report_add(&report, "A", "two", CHECK_NOTE, "do this", "2");
	report_print_json(&report, &text);
	assert_string_equal(text.data,
	                    "{\n  \"usable\": true,\n  \"checks\": [\n"
	                    "    {\"area\": \"A\", \"name\": \"one\", \"status\": \"ok\", "
	                    "\"value\": \"say \\\"yes\\\"\", \"advice\": null},\n"
	                    "    {\"area\": \"A\", \"name\": \"two\", \"status\": \"note\", "
	                    "\"value\": \"2\", \"advice\": \"do this\"}\n  ]\n}\n");
}

static void a_full_report_takes_no_more(void **state unused_parameter)
{
	struct report report = {0};

	for (int i = 0; i < REPORT_SIZE + 3; i++)
		report_add(&report, "A", "x", CHECK_OK, NULL, "%d", i);
	assert_int_equal(report.count, REPORT_SIZE);
}

/* Every part says something and none overflows, whatever this host is. */
static void every_part_reports_on_this_host(void **state unused_parameter)
{
	struct report report = {0};
	size_t before = 0;

	doctor_kernel(&report);
	assert_true(report.count > 10);
	before = report.count;
	doctor_cgroups(&report);
	assert_true(report.count > before);
	before = report.count;
	doctor_host(&report, "/nowhere/at/all");
	assert_true(report.count > before);
	assert_true(report.count < REPORT_SIZE);
	for (size_t i = 0; i < report.count; i++)
		assert_true((report.checks[i].status == CHECK_OK) ==
		            (report.checks[i].advice == NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_fatal_check_makes_the_host_unusable),
		cmocka_unit_test(advice_is_given_where_something_is_missing),
		cmocka_unit_test(json_has_the_same_facts),
		cmocka_unit_test(a_full_report_takes_no_more),
		cmocka_unit_test(every_part_reports_on_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
