/* One packet of any content, in each direction that reads one. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "runtime/sync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(const uint8_t *data, size_t size, bool with_payload)
{
	static char payload[4096];
	int fds[2];
	int received[2] = {-1, -1};
	struct error err = {0};
	struct sync_reply reply = {
		.payload = with_payload ? payload : NULL,
		.capacity = sizeof(payload),
		.fds = received,
		.fd_capacity = 2,
	};

	if (sync_pair(fds, &err) < 0)
		return;
	if (send(fds[0], data, size, 0) >= 0) {
		(void)!sync_expect(fds[1], SYNC_CREATED, "fuzzer", &reply, &err);
		if (reply.fd_count != 0)
			abort(); /* none was sent */
	}
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 8192)
		return 0;
	feed(data, size, true);
	feed(data, size, false);
	return 0;
}
