#include <stddef.h>

#include "spec/sections.h"

static const struct json_field fields[] = {
	{"closID", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_intel_rdt, clos_id)},
	{"l3CacheSchema", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_intel_rdt, l3_cache_schema)},
	{"memBwSchema", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_intel_rdt, memory_bandwidth_schema)},
	{"schemata", FIELD_STRINGS, .offset = offsetof(struct spec_intel_rdt, schemata)},
	{"enableMonitoring", FIELD_BOOL,
         .offset = offsetof(struct spec_intel_rdt, enable_monitoring)},
};
const struct json_table spec_intel_rdt_table = JSON_TABLE(fields, struct spec_intel_rdt);
