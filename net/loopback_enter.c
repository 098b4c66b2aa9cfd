#include "net/loopback.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

/*
 * A new "lo" has no other flag that SIOCSIFFLAGS could lose, so nothing is read before. The ioctl acts on
 * the namespace in which the socket was made, whatever its family.
 */
int loopback_enter_up(struct error *err)
{
	struct ifreq request = {.ifr_name = "lo"};
	scoped_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "socket for the loopback interface");
	request.ifr_flags = IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_errno(err, "set the loopback interface up");
	return 0;
}
