#include <stddef.h>

#include "spec/sections.h"

static const struct json_field fields[] = {
	{"name", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_net_device, name)},
};
static const struct json_table device_table = JSON_TABLE(fields, struct spec_net_device);

/* An object whose members are devices, in the order in which they are written. */
int spec_decode_net_devices(const struct json_cursor *at, void *net_devices)
{
	struct spec_linux *target =
		(void *)((char *)net_devices - offsetof(struct spec_linux, net_devices));
	struct json_cursor member = {.decoder = at->decoder, .parent = at};
	struct json_iterator iterator = {0};
	struct spec_net_device *device;
	size_t count = 0;
	int r = json_count_members(at, &count);

	if (r < 0)
		return r;
	device = arena_alloc(at->decoder->arena, count + 1, sizeof(*device));
	if (!device)
		return json_fail_memory(at);
	target->net_devices = device;
	target->net_device_count = count;
	for (; r == 0 && json_next(at->node, &iterator, &member.key, &member.node); device++) {
		device->host = arena_strdup(at->decoder->arena, member.key);
		r = device->host ? json_decode(&member, &device_table, device)
		                 : json_fail_memory(&member);
	}
	return r;
}
