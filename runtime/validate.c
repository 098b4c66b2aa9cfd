#include "runtime/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/store.h"

/* The length of the JSON path that `text` begins with, before ": "; 0: none. */
static size_t leading_path(const char *text)
{
	static const char *const sections[] = {"linux", "process", "mounts", "root", "hooks"};
	const char *end = strstr(text, ": ");

	for (size_t i = 0; end && i < ARRAY_SIZE(sections); i++) {
		size_t length = strlen(sections[i]);

		if (str_starts(text, sections[i]) && (text[length] == '.' || text[length] == '['))
			return (size_t)(end - text);
	}
	return 0;
}

void validation_add_error(const struct validation *v, const char *path, const struct error *err)
{
	bool anywhere = err->code == EINVAL || err->code == ERANGE;
	enum finding_level level = anywhere ? FINDING_ERROR : FINDING_WARNING;
	size_t length = leading_path(err->text);
	char own[300];

	if (length > 0 && length < sizeof(own)) {
		memcpy(own, err->text, length);
		own[length] = '\0';
		finding_add(v->findings, level, own, "%s", err->text + length + 2);
	} else {
		finding_add(v->findings, level, path, "%s", err->text);
	}
}

int container_validate(const struct create_options *options, struct findings *findings,
                       struct error *err)
{
	const char *bundle = options->bundle ? options->bundle : ".";
	scoped_fd bundle_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_spec spec = NULL;
	int r;

	if (bundle_fd < 0)
		return error_errno(err, "bundle %s", bundle);
	r = spec_check(options->config ? AT_FDCWD : bundle_fd,
	               options->config ? options->config : CONFIG_NAME, findings, &spec, err);
	if (r < 0)
		return r;

	const struct validation v = {
		.spec = spec,
		.options = options,
		.bundle_fd = bundle_fd,
		.findings = findings,
	};

	validate_files(&v);
	validate_host(&v);
	return findings->failed ? error_code(err, ENOMEM, "findings") : 0;
}
