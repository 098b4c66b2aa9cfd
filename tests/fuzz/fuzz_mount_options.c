/*
 * The options of a mount, one a line, with what hangs on them: the words, the maps of idmap=, and the
 * destination (the first line), which must come out plain.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macro.h"
#include "rootfs/options.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 256 };

static void check_path(char *path)
{
	size_t before = strlen(path);

	path_clean(path);
	if (strlen(path) > before || *path == '/' || strstr(path, "//"))
		abort();
	for (const char *at = path; *at; at += strspn(at, "/")) {
		size_t part = strcspn(at, "/");

		if ((part == 1 && *at == '.') || (part == 2 && !memcmp(at, "..", 2)))
			abort();
		at += part;
		if (*at && !at[1])
			abort(); /* a slash at the end */
	}
}

static void check_map(const char *option, const char *key)
{
	static struct spec_id_mapping mapping = {.host_id = 100000, .size = 65536};
	const struct spec_id_mappings own = {&mapping, 1};
	scoped_strbuf text = {0};
	int r = idmap_add_list(&text, option, key, &own);

	if (r > 0 || (!r && text.length && text.data[text.length - 1] != '\n'))
		abort();
}

static void check(const struct mount_options *options, size_t count)
{
	if (options->attributes.set & ~options->attributes.mask ||
	    options->recursive_attributes.set & ~options->recursive_attributes.mask)
		abort();
	if ((options->bind_recursive && !options->bind) ||
	    (options->idmap_recursive && !options->idmap) || options->parameter_count > count)
		abort();
	for (size_t i = 0; i < options->parameter_count; i++)
		if (!options->parameters[i].key || !*options->parameters[i].key)
			abort();
	if (options->idmap_text) {
		check_map(options->idmap_text, "uids=");
		check_map(options->idmap_text, "gids=");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words[WORDS_MAX];
	struct string_list list = {.items = words};
	struct mount_options options;
	struct error err = {0};
	scoped_arena arena = {0};
	char *text = arena_alloc(&arena, size + 1, 1);
	char *path;
	int r;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	path = strsep(&text, "\n");
	check_path(path);
	while (text && list.count < WORDS_MAX)
		words[list.count++] = strsep(&text, "\n");
	r = mount_options_parse(&arena, &list, &options, &err);
	if (r < 0) {
		if (err.code != -r || !*err.text)
			abort();
		return 0;
	}
	check(&options, list.count);
	return 0;
}
