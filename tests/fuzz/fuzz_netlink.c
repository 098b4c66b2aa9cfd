/*
 * A netlink message from the wire: attributes are found within it alone, whatever their lengths say.
 */
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const void *found, size_t length, const uint8_t *from, size_t size)
{
	const uint8_t *at = found;

	if (at && (at < from || at + length > from + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t header = 16;
	struct nlmsghdr *message;
	const void *nest;
	size_t length = 0, inner = 0;

	if (size < sizeof(*message) + header)
		return 0;
	message = malloc(size); /* exactly as long, so that the sanitizer sees every byte beyond */
	if (!message)
		return 0;
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	for (uint16_t type = 0; type < 64; type++) {
		nest = netlink_find(message, header, type, 1, &length);
		check_inside(nest, length, (const uint8_t *)message, size);
		if (nest)
			check_inside(netlink_find_nested(nest, length, type, 1, &inner), inner,
			             nest, length);
		(void)netlink_find_u32(message, header, type, 0);
	}
	free(message);
	return 0;
}
