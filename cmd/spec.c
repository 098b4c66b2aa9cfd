#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/output.h"
#include "cmd/verbs.h"
#include "spec/spec.h"

const struct option spec_options[] = {
	{"bundle", "b", OPTION_TEXT, offsetof(struct spec_arguments, bundle), "DIR",
         "the bundle to write it to (the current directory)"},
	{"file", "f", OPTION_TEXT, offsetof(struct spec_arguments, file), "FILE",
         "its name in the bundle (config.json); - is standard output"},
	{"rootless", "", OPTION_FLAG, offsetof(struct spec_arguments, rootless), NULL,
         "for a user who is not root: with a user namespace, without limits"},
	{0},
};

/* A half-written file would stand in the way of the next attempt. */
static int write_new(int dirfd, const char *name, const char *text, struct error *err)
{
	scoped_fd fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST, "%s exists already; remove it first", name);
	if (fd < 0)
		return error_errno(err, "create %s", name);

	int r = fd_write_all(fd, text, strlen(text));

	if (r < 0) {
		(void)unlinkat(dirfd, name, 0);
		return error_code(err, -r, "write %s", name);
	}
	return 0;
}

int spec_main(const struct call *call, struct error *err)
{
	const struct spec_arguments *arguments = &call->arguments->spec;
	const char *bundle = arguments->bundle ? arguments->bundle : ".";
	const char *name = arguments->file ? arguments->file : "config.json";
	scoped_str text = spec_default_json(arguments->rootless);

	if (!text)
		return error_code(err, ENOMEM, "default configuration");
	if (str_equal(name, "-"))
		return output_text(text, err);

	scoped_fd dirfd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return error_errno(err, "bundle %s", bundle);
	return write_new(dirfd, name, text, err);
}
