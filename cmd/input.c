#include "cmd/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { INPUT_LIMIT = 4 * 1024 * 1024 };

const char *input_name(const char *path)
{
	return str_equal(path, "-") ? "standard input" : path;
}

int input_read(const char *what, const char *path, char **ret, size_t *ret_size, struct error *err)
{
	scoped_fd fd = str_equal(path, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	scoped_str text = NULL;
	ssize_t size;

	if (fd < 0)
		return error_errno(err, "%s: open %s", what, path);
	text = malloc(INPUT_LIMIT + 1);
	if (!text)
		return error_code(err, ENOMEM, "%s", what);
	size = fd_read_all(fd, text, INPUT_LIMIT + 1);
	if (size < 0)
		return error_code(err, (int)-size, "%s: read %s", what, input_name(path));
	if (size > INPUT_LIMIT)
		return error_code(err, EFBIG, "%s: read %s", what, input_name(path));
	*ret = str_take(&text);
	*ret_size = (size_t)size;
	return 0;
}
