#include "base/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

void names_done(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){0};
}

static int add_name(struct names *names, const char *name)
{
	enum { FIRST = 16 };

	/* Full at each power of two from FIRST on. */
	if (names->count == 0 ||
	    (names->count >= FIRST && (names->count & (names->count - 1)) == 0)) {
		size_t wanted = names->count == 0 ? FIRST : 2 * names->count;
		char **more = realloc(names->items, wanted * sizeof(*more));

		if (!more)
			return -ENOMEM;
		names->items = more;
	}
	names->items[names->count] = strdup(name);
	if (!names->items[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

int names_read(int directory, struct names *ret, struct error *err)
{
	struct names names = {0};
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	int r = 0;

	if (!list) {
		r = error_errno(err, "read directory");
		fd_close(&copy);
		return r;
	}
	errno = 0;
	for (struct dirent *e = readdir(list); e && r == 0; e = readdir(list)) {
		if (!str_equal(e->d_name, ".") && !str_equal(e->d_name, ".."))
			r = add_name(&names, e->d_name);
		if (r == 0)
			errno = 0;
	}
	if (r < 0 || errno != 0)
		r = error_code(err, r < 0 ? -r : errno, "read directory");
	(void)closedir(list);
	if (r < 0)
		names_done(&names);
	else
		*ret = names;
	return r;
}
