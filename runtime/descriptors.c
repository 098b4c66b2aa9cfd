#include "runtime/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

int descriptors_guard(unsigned int kept, struct error *err)
{
	for (unsigned int fd = 3; fd < 3 + kept; fd++) {
		if (fcntl((int)fd, F_GETFD) >= 0)
			continue;

		scoped_fd filler = open("/", O_PATH | O_CLOEXEC);

		if (filler < 0 ||
		    ((unsigned int)filler != fd && dup3(filler, (int)fd, O_CLOEXEC) < 0))
			return error_errno(err, "passed descriptor %u", fd);
		if ((unsigned int)filler == fd)
			filler = -1;
	}

	int r = fd_cloexec_from(3 + kept);

	return r < 0 ? error_code(err, -r, "close_range") : 0;
}
