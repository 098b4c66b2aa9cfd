/* validate: everything that is wrong with a bundle, without running it. */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/verbs.h"
#include "spec/findings.h"
#include "spec/writer.h"

#define VALIDATE(member) offsetof(struct validate_arguments, member)

const struct option validate_options[] = {
	{"config", "", OPTION_TEXT, VALIDATE(config), "FILE",
         "read FILE instead of config.json of the bundle"},
	{"format", "f", OPTION_TEXT, VALIDATE(format), "text|json", "what to print (text)"},
	{0},
};

static const char *const level_words[] = {
	[FINDING_ERROR] = "error",
	[FINDING_WARNING] = "warning",
	[FINDING_NOTE] = "note",
};

static void print_text(const struct findings *findings, const char *bundle, struct strbuf *text)
{
	size_t errors = findings_count(findings, FINDING_ERROR);
	size_t warnings = findings_count(findings, FINDING_WARNING);

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *one = &findings->items[i];

		strbuf_addf(text, "%s: %s%s%s\n", level_words[one->level], one->path,
		            *one->path ? ": " : "", one->text);
	}
	if (errors > 0)
		strbuf_addf(text, "%s: not valid: %zu error%s, %zu warning%s\n", bundle, errors,
		            errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
	else if (warnings > 0)
		strbuf_addf(text, "%s: valid, with %zu warning%s for this host\n", bundle, warnings,
		            warnings == 1 ? "" : "s");
	else
		strbuf_addf(text, "%s: valid\n", bundle);
}

static int print_json(const struct findings *findings, struct strbuf *text, struct error *err)
{
	struct json_writer w = {.indented = true};
	scoped_str json = NULL;

	json_writer_object(&w, NULL);
	json_writer_bool(&w, "valid", findings_count(findings, FINDING_ERROR) == 0);
	json_writer_array(&w, "findings");
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *one = &findings->items[i];

		json_writer_object(&w, NULL);
		json_writer_string(&w, "level", level_words[one->level]);
		json_writer_string(&w, "path", one->path);
		json_writer_string(&w, "text", one->text);
		json_writer_end(&w);
	}
	json_writer_end(&w);
	json_writer_end(&w);
	json = json_writer_take(&w);
	if (!json)
		return error_code(err, ENOMEM, "findings");
	strbuf_adds(text, json);
	return 0;
}

int validate_main(const struct call *call, struct error *err)
{
	const struct validate_arguments *arguments = &call->arguments->validate;
	const char *bundle = call->count > 0 ? call->words[0] : ".";
	struct create_options options = {.bundle = bundle, .config = arguments->config};
	scoped_findings findings = {0};
	scoped_strbuf text = {0};
	int r = call_cgroup_driver(call, &options.driver, err);

	if (r == 0)
		r = container_validate(&options, &findings, err);
	if (r < 0)
		return r;
	if (str_equal(arguments->format, "json"))
		r = print_json(&findings, &text, err);
	else
		print_text(&findings, bundle, &text);
	if (r == 0)
		r = output_buffer(&text, err);
	if (r < 0)
		return r;
	return findings_count(&findings, FINDING_ERROR) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
