#include "namespaces/time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* "monotonic -5 0\n", or nothing for an offset that is not set; the length. */
static int format_offset(char *buffer, size_t size, const char *clock,
                         const struct spec_time_offset *offset)
{
	if (!offset->set)
		return 0;
	return snprintf(buffer, size, "%s %" PRId64 " %" PRIu32 "\n", clock, offset->seconds,
	                offset->nanoseconds);
}

int time_enter_new(int proc_fd, const struct spec_time_offset *monotonic,
                   const struct spec_time_offset *boottime, struct error *err)
{
	char text[128];
	int length;

	if (unshare(CLONE_NEWTIME) < 0)
		return error_errno(err, "unshare the time namespace");
	length = format_offset(text, sizeof(text), "monotonic", monotonic);
	length += format_offset(text + length, sizeof(text) - (size_t)length, "boottime", boottime);
	if (length == 0)
		return 0;
	if (file_write_kernel(proc_fd, "self/timens_offsets", text, err) < 0)
		return error_wrap(err, "offsets of the time namespace");
	return 0;
}
