#include <stddef.h>

#include "spec/sections.h"

static const struct json_field id_mapping_fields[] = {
	{"containerID", FIELD_U32, .offset = offsetof(struct spec_id_mapping, container_id),
         .required = true},
	{"hostID", FIELD_U32, .offset = offsetof(struct spec_id_mapping, host_id),
         .required = true},
	{"size", FIELD_U32, .offset = offsetof(struct spec_id_mapping, size), .required = true},
};
const struct json_table spec_id_mapping_table =
	JSON_TABLE(id_mapping_fields, struct spec_id_mapping);

static const struct json_field mount_fields[] = {
	{"destination", FIELD_STRING, .offset = offsetof(struct spec_mount, destination),
         .required = true},
	{"source", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_mount, source)},
	{"type", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_mount, type)},
	{"options", FIELD_STRINGS, .offset = offsetof(struct spec_mount, options)},
	{"uidMappings", FIELD_LIST, .offset = offsetof(struct spec_mount, uid_mappings.items),
         .table = &spec_id_mapping_table,
         .count_offset = offsetof(struct spec_mount, uid_mappings.count)},
	{"gidMappings", FIELD_LIST, .offset = offsetof(struct spec_mount, gid_mappings.items),
         .table = &spec_id_mapping_table,
         .count_offset = offsetof(struct spec_mount, gid_mappings.count)},
};
const struct json_table spec_mount_table = JSON_TABLE(mount_fields, struct spec_mount);
