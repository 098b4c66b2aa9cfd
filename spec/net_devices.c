#include <stddef.h>

#include "spec/sections.h"

static const struct json_field fields[] = {
	{"name", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_net_device, name)},
};
const struct json_table spec_net_device_table = JSON_TABLE(fields, struct spec_net_device);
