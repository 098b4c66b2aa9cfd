#include "cgroups/resctrl_stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

enum { TEXT_SIZE = 16384 };

struct reader {
	struct arena *arena;
	bool failed; /* memory ran out */
};

/* The file's content in the arena; null when there is none. */
static const char *read_text(struct reader *reader, const char *directory, const char *name)
{
	char path[PATH_MAX + 512], text[TEXT_SIZE];
	struct error ignored;
	const char *copy;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path) ||
	    file_read_kernel(AT_FDCWD, path, text, sizeof(text), &ignored) < 0)
		return NULL;
	copy = arena_strdup(reader->arena, text);
	reader->failed |= !copy;
	return copy;
}

static struct optional_u64 read_number(struct reader *reader, const char *directory,
                                       const char *name)
{
	const char *text = read_text(reader, directory, name);
	struct optional_u64 number = {0};

	number.set = text && parse_u64(text, &number.value) == 0;
	return number;
}

/* The first line whose resource's name begins with `name`, without the blanks before it. */
static const char *find_line(struct reader *reader, const char *text, const char *name)
{
	const char *copy;

	while (text && *text) {
		size_t size;

		text += strspn(text, " \t");
		size = strcspn(text, "\n");
		if (str_starts(text, name)) {
			copy = arena_strndup(reader->arena, text, size);
			reader->failed |= !copy;
			return copy;
		}
		text += size + (text[size] == '\n');
	}
	return NULL;
}

static void read_info(struct reader *reader, const char *root, struct resctrl_stats *ret)
{
	char cache[PATH_MAX], bandwidth[PATH_MAX];

	(void)snprintf(cache, sizeof(cache), "%s/info/L3", root);
	(void)snprintf(bandwidth, sizeof(bandwidth), "%s/info/MB", root);
	ret->cbm_mask = read_text(reader, cache, "cbm_mask");
	ret->min_cbm_bits = read_number(reader, cache, "min_cbm_bits");
	ret->cache_classes = read_number(reader, cache, "num_closids");
	ret->bandwidth_gran = read_number(reader, bandwidth, "bandwidth_gran");
	ret->delay_linear = read_number(reader, bandwidth, "delay_linear");
	ret->min_bandwidth = read_number(reader, bandwidth, "min_bandwidth");
	ret->bandwidth_classes = read_number(reader, bandwidth, "num_closids");
}

static int is_domain(const struct dirent *entry)
{
	return str_starts(entry->d_name, "mon_L3_");
}

static void read_domain(struct reader *reader, const char *data, const char *name,
                        struct resctrl_domain *ret)
{
	char path[PATH_MAX + 256];

	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	ret->occupancy = read_number(reader, path, "llc_occupancy");
	ret->total_bytes = read_number(reader, path, "mbm_total_bytes");
	ret->local_bytes = read_number(reader, path, "mbm_local_bytes");
}

static void read_domains(struct reader *reader, const struct resctrl *resctrl,
                         struct resctrl_stats *ret)
{
	struct dirent **entries = NULL;
	char data[PATH_MAX];
	int count;

	(void)snprintf(data, sizeof(data), "%s/mon_data",
	               resctrl->monitor ? resctrl->monitor : resctrl->group);
	count = scandir(data, &entries, is_domain, alphasort);
	if (count < 0)
		return;
	ret->domains = arena_alloc(reader->arena, (size_t)count + 1, sizeof(*ret->domains));
	reader->failed |= !ret->domains;
	for (int i = 0; i < count; i++) {
		if (ret->domains)
			read_domain(reader, data, entries[i]->d_name,
			            &ret->domains[ret->domain_count++]);
		free(entries[i]);
	}
	free(entries);
}

int resctrl_stats_read(const struct resctrl *resctrl, struct arena *arena,
                       struct resctrl_stats *ret, struct error *err)
{
	struct reader reader = {.arena = arena};
	const char *of_root = read_text(&reader, resctrl->root, "schemata");
	const char *of_class = read_text(&reader, resctrl->group, "schemata");

	*ret = (struct resctrl_stats){.set = true};
	read_info(&reader, resctrl->root, ret);
	ret->root_cache = find_line(&reader, of_root, "L3");
	ret->root_bandwidth = find_line(&reader, of_root, "MB");
	ret->cache = find_line(&reader, of_class, "L3");
	ret->bandwidth = find_line(&reader, of_class, "MB");
	read_domains(&reader, resctrl, ret);
	return reader.failed ? error_code(err, ENOMEM, "linux.intelRdt") : 0;
}
