/*
 * config.json as a whole: what is accepted keeps the promises of spec/spec.h (no null strings, lists
 * that end with a null, a seccomp text that is JSON), and validation ends.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "spec/encode.h"
#include "spec/findings.h"
#include "spec/json.h"
#include "spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_strings(const struct string_list *list)
{
	if (!list->items || list->items[list->count])
		abort();
	for (size_t i = 0; i < list->count; i++) {
		if (!list->items[i])
			abort();
	}
}

static void check_lists(const struct spec *spec)
{
	check_strings(&spec->process.args);
	check_strings(&spec->process.env);
	check_strings(&spec->linux.masked_paths);
	check_strings(&spec->linux.readonly_paths);
	check_strings(&spec->linux.intel_rdt.schemata);
	check_strings(&spec->linux.seccomp.architectures);
	for (size_t i = 0; i < spec->mount_count; i++)
		check_strings(&spec->mounts[i].options);
	for (size_t kind = 0; kind < HOOK_KIND_COUNT; kind++) {
		for (size_t i = 0; i < spec->hooks[kind].count; i++) {
			check_strings(&spec->hooks[kind].items[i].args);
			check_strings(&spec->hooks[kind].items[i].env);
		}
	}
}

static void check_seccomp_text(const struct spec *spec)
{
	const struct spec_seccomp *seccomp = &spec->linux.seccomp;
	scoped_json document = {0};
	struct error err = {0};

	if (!seccomp->set)
		return;
	if (json_parse("seccomp", seccomp->canonical, seccomp->canonical_size, &document, &err) < 0)
		abort();
	if (!json_member(document.root, "defaultAction"))
		abort();
}

typedef int encode_function(const struct spec *spec, char **ret, size_t *size, struct error *err);

static int with_own_resources(const struct spec *spec, char **ret, size_t *size, struct error *err)
{
	return spec_with_resources(spec, &spec->linux.resources, ret, size, err);
}

static int with_own_mounts(const struct spec *spec, char **ret, size_t *size, struct error *err)
{
	return spec_with_mounts(spec, spec->mounts, spec->mount_count, spec->added_mounts, ret,
	                        size, err);
}

/* Written again it decodes, and what is decoded then is written in the same way. */
static void check_encoding(const struct spec *spec, encode_function *encode)
{
	struct error err = {0};
	scoped_spec again = NULL;
	char *once = NULL, *twice = NULL;
	size_t once_size = 0, twice_size = 0;

	if (encode(spec, &once, &once_size, &err) < 0) /* keys with escapes, or grown too large */
		return;
	if (spec_parse("again", once, once_size, &again, &err) < 0 ||
	    encode(again, &twice, &twice_size, &err) < 0)
		abort();
	if (once_size != twice_size || memcmp(once, twice, once_size) != 0)
		abort();
	free(once);
	free(twice);
}

static void check(const struct spec *spec, const uint8_t *data, size_t size)
{
	struct error err = {0};
	int r;

	if (!spec->oci_version || !spec->root.path || !spec->process.cwd)
		abort();
	if (spec->source_size != size || (size > 0 && memcmp(spec->source, data, size) != 0))
		abort();
	check_lists(spec);
	check_seccomp_text(spec);
	check_encoding(spec, with_own_resources);
	check_encoding(spec, with_own_mounts);
	r = spec_validate(spec, &err);
	if (r > 0 || r != -err.code || (r < 0 && err.text[0] == '\0'))
		abort();
}

/* Collecting goes on after an error, keeps the promises about pointers, and agrees on what is valid. */
static void check_findings(const char *text, size_t size)
{
	struct error err = {0}, refusal = {0};
	scoped_findings findings = {0};
	scoped_spec all = NULL;
	scoped_spec spec = NULL;
	bool valid = spec_parse("config.json", text, size, &spec, &refusal) == 0 &&
	             spec_validate(spec, &refusal) == 0;

	if (spec_check_text("config.json", text, size, &findings, &all, &err) < 0) {
		if (valid)
			abort();
		return;
	}
	check_lists(all);
	if (valid != (findings_count(&findings, FINDING_ERROR) == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	scoped_spec spec = NULL;
	int r = spec_parse("config.json", (const char *)data, size, &spec, &err);

	check_findings((const char *)data, size);
	if (r < 0) {
		if (spec || err.code != -r || strncmp(err.text, "config.json: ", 13) != 0)
			abort();
		return 0;
	}
	check(spec, data, size);
	return 0;
}
