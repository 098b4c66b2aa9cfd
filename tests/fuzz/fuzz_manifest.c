/* The manifest of an image directory that holds nothing else. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "checkpoint/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/tmp/lvm-run-fuzz.XXXXXX";
	static int directory = -1;
	scoped_facts facts = {0};
	struct error err;

	if (directory < 0 && mkdtemp(path))
		directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	scoped_fd fd =
		openat(directory, MANIFEST_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, data, size) < 0)
		abort();
	(void)!facts_read(directory, &facts, &err);
	return 0;
}
