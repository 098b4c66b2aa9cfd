/*
 * What cgroups/ reads as text: mountinfo, /proc/cgroups, flat keys, cgroupsPath in both forms, unit
 * properties of annotations. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cgroups/gvariant.h"
#include "cgroups/path.h"
#include "cgroups/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mountinfo(char *text)
{
	char *line;

	while ((line = text_next_line(&text))) {
		struct mountinfo_line mount;

		if (text_parse_mountinfo(line, &mount) &&
		    (!mount.root || !mount.mount_point || !mount.type ||
		     text_list_has(mount.super_options, "")) &&
		    !mount.super_options)
			abort();
	}
}

static void files(char *text)
{
	struct controller_line line;
	char path[64];

	(void)text_has_word(text, "memory");
	if (text_flat_key(text, "populated") < -1)
		abort();
	if (text_own_group(text, path, sizeof(path)) && *path != '/')
		abort();
	if (text_find_controller(text, "memory", &line) && line.hierarchy < 0)
		abort();
}

/* What is accepted must never lead out of the hierarchy, nor to its root. */
static void paths(char *text)
{
	scoped_arena arena = {0};
	struct error err = {0};
	const char *path = NULL;
	struct unit_path unit;

	if (path_of_group(text, "/", "id", &arena, &path, &err) == 0 &&
	    (path[0] != '/' || !path[1] || strstr(path, "/../") || strstr(path, "//") ||
	     strcmp(path, "/..") == 0))
		abort();
	if (path_of_unit(text, "system.slice", "id", &arena, &unit, &err) == 0 &&
	    path_check(unit.path, &err) < 0)
		abort();
}

static void property(char *text)
{
	scoped_arena arena = {0};
	struct gvariant value;

	if (gvariant_parse(text, &arena, &value) < 0)
		return;
	if (!strchr("bynqiuxtds", value.type) || (!value.array && value.count != 1))
		abort();
	for (size_t i = 0; i < value.count; i++) {
		if (!value.items[i] || strlen(value.items[i]) > strlen(text) + 20)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(char *) = {mountinfo, files, paths, property};

	if (size == 0)
		return 0;

	char *text = malloc(size);

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	readers[data[0] % ARRAY_SIZE(readers)](text);
	free(text);
	return 0;
}
