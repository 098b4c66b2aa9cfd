#include <stddef.h>
#include <string.h>

#include "spec/sections.h"

const char *const spec_hook_names[HOOK_KIND_COUNT] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

static const struct json_field hook_fields[] = {
	{"path", FIELD_STRING, .offset = offsetof(struct spec_hook, path), .required = true},
	{"args", FIELD_STRINGS, .offset = offsetof(struct spec_hook, args)},
	{"env", FIELD_STRINGS, .offset = offsetof(struct spec_hook, env),
         .present_offset = offsetof(struct spec_hook, has_env)},
	{"timeout", FIELD_I64, .offset = offsetof(struct spec_hook, timeout_s), .min = 1,
         .max = INT32_MAX},
};
static const struct json_table hook_table = JSON_TABLE(hook_fields, struct spec_hook);

static void note_unknown_hooks(const struct json_cursor *at)
{
	struct json_cursor member = {.decoder = at->decoder, .parent = at};
	struct json_iterator iterator = {0};
	size_t count = 0;

	if (!at->decoder->all || json_count_members(at, &count) < 0)
		return;
	while (json_next(at->node, &iterator, &member.key, &member.node)) {
		size_t kind = 0;

		while (kind < HOOK_KIND_COUNT && strcmp(spec_hook_names[kind], member.key) != 0)
			kind++;
		if (kind == HOOK_KIND_COUNT)
			json_note(&member, "unknown hook, ignored");
	}
}

int spec_decode_hooks(const struct json_cursor *at, void *target)
{
	struct spec_hook_list *lists = target;
	struct json_field row = {.kind = FIELD_LIST,
	                         .table = &hook_table,
	                         .offset = offsetof(struct spec_hook_list, items),
	                         .count_offset = offsetof(struct spec_hook_list, count)};
	const struct json_table list = {.fields = &row, .count = 1, .partial = true};
	int r = 0;

	note_unknown_hooks(at);
	for (size_t kind = 0; r == 0 && kind < HOOK_KIND_COUNT; kind++) {
		row.name = spec_hook_names[kind];
		r = json_decode(at, &list, &lists[kind]);
	}
	return r;
}
