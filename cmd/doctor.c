#include "cmd/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/output.h"
#include "cmd/verbs.h"

const struct option doctor_options[] = {
	{"json", "", OPTION_FLAG, offsetof(struct doctor_arguments, json), NULL,
         "print one JSON object"},
	{0},
};

static const char *const status_words[] = {
	[CHECK_OK] = "ok",
	[CHECK_NOTE] = "note",
	[CHECK_MISSING] = "missing",
	[CHECK_FATAL] = "fatal",
};

void report_add(struct report *report, const char *area, const char *name, enum check_status status,
                const char *advice, const char *format, ...)
{
	va_list args;

	if (report->count == REPORT_SIZE)
		return;

	struct check *check = &report->checks[report->count++];

	*check = (struct check){
		.area = area,
		.name = name,
		.status = status,
		.advice = status == CHECK_OK ? NULL : advice,
	};
	va_start(args, format);
	(void)vsnprintf(check->value, sizeof(check->value), format, args);
	va_end(args);
}

int report_usable(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->checks[i].status == CHECK_FATAL)
			return 0;
	}
	return 1;
}

void report_print(const struct report *report, struct strbuf *text)
{
	enum { NAME_WIDTH = 22, ADVICE_INDENT = 11, WIDTH = 96 };
	const char *area = NULL;

	for (size_t i = 0; i < report->count; i++) {
		const struct check *check = &report->checks[i];

		if (!area || !str_equal(area, check->area))
			strbuf_addf(text, "%s%s\n", area ? "\n" : "", check->area);
		area = check->area;
		strbuf_addf(text, "  %-7s  %-*s %s\n", status_words[check->status], NAME_WIDTH,
		            check->name, check->value);
		if (check->advice)
			output_wrapped(text, check->advice, ADVICE_INDENT, WIDTH);
	}
	strbuf_addf(text, "\n%s\n",
	            report_usable(report) ? "Containers can run here."
	                                  : "Containers cannot run here: see the fatal lines.");
}

void report_print_json(const struct report *report, struct strbuf *text)
{
	strbuf_addf(text, "{\n  \"usable\": %s,\n  \"checks\": [",
	            report_usable(report) ? "true" : "false");
	for (size_t i = 0; i < report->count; i++) {
		const struct check *check = &report->checks[i];

		strbuf_addf(text, "%s\n    {\"area\": ", i ? "," : "");
		output_json_string(text, check->area);
		strbuf_adds(text, ", \"name\": ");
		output_json_string(text, check->name);
		strbuf_addf(text, ", \"status\": \"%s\", \"value\": ", status_words[check->status]);
		output_json_string(text, check->value);
		strbuf_adds(text, ", \"advice\": ");
		output_json_string(text, check->advice);
		strbuf_adds(text, "}");
	}
	strbuf_adds(text, "\n  ]\n}\n");
}

int doctor_main(const struct call *call, struct error *err)
{
	scoped_strbuf text = {0};
	struct report report = {0};

	doctor_kernel(&report);
	doctor_cgroups(&report);
	doctor_host(&report, call->global->root);
	doctor_criu(&report);
	if (call->arguments->doctor.json)
		report_print_json(&report, &text);
	else
		report_print(&report, &text);

	int r = output_buffer(&text, err);

	if (r < 0)
		return r;
	return report_usable(&report) ? EXIT_SUCCESS : EXIT_FAILURE;
}
