/* The contents of file systems in memory, as the manifest has them. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "checkpoint/manifest.h"
#include "checkpoint/tmpfs.h"
#include "rootfs/path.h"

/* --- Writing --- */

static void write_entry(struct json_writer *w, const struct fact_entry *entry)
{
	json_writer_object(w, NULL);
	json_writer_string(w, "path", entry->path);
	if (entry->link) {
		json_writer_string(w, "link", entry->link);
		json_writer_end(w);
		return;
	}
	json_writer_optional(w, "target", entry->target);
	json_writer_unsigned(w, "mode", entry->mode);
	json_writer_unsigned(w, "uid", entry->uid);
	json_writer_unsigned(w, "gid", entry->gid);
	if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))
		json_writer_unsigned(w, "device", entry->device);
	json_writer_signed(w, "seconds", entry->seconds);
	json_writer_unsigned(w, "nanoseconds", entry->nanoseconds);
	if (entry->size)
		json_writer_unsigned(w, "size", entry->size);
	if (entry->extent_count)
		json_writer_array(w, "extents");
	for (size_t i = 0; i < entry->extent_count; i++) {
		json_writer_unsigned(w, NULL, entry->extents[i].offset);
		json_writer_unsigned(w, NULL, entry->extents[i].size);
	}
	if (entry->extent_count)
		json_writer_end(w);
	if (entry->attribute_count)
		json_writer_array(w, "attributes");
	for (size_t i = 0; i < entry->attribute_count; i++) {
		json_writer_string(w, NULL, entry->attributes[i].name);
		json_writer_string(w, NULL, entry->attributes[i].value);
	}
	if (entry->attribute_count)
		json_writer_end(w);
	json_writer_end(w);
}

void manifest_write_tmpfs(struct json_writer *w, const struct fact_tmpfs *tmpfs)
{
	json_writer_object(w, "tmpfs");
	json_writer_string(w, "source", tmpfs->source);
	json_writer_string(w, "options", tmpfs->options);
	json_writer_unsigned(w, "data", tmpfs->data);
	json_writer_array(w, "entries");
	for (size_t i = 0; i < tmpfs->entry_count; i++)
		write_entry(w, &tmpfs->entries[i]);
	json_writer_end(w);
	json_writer_end(w);
}

/* --- Reading --- */

/* Of an unsigned number that may be left out: 0 then. */
static bool take_number(const struct json_document *document, const struct json_t *object,
                        const char *key, uint64_t most, uint64_t *ret)
{
	struct json_value value = manifest_look(document, object, key);

	*ret = value.kind == VALUE_UNSIGNED ? value.number : 0;
	return value.kind == VALUE_NULL || (value.kind == VALUE_UNSIGNED && value.number <= most);
}

static bool is_plain(const char *path)
{
	scoped_str copy = path ? strdup(path) : NULL;

	if (!copy)
		return false;
	path_clean(copy);
	return str_equal(copy, path);
}

static int read_extents(const struct json_document *document, const struct json_t *item,
                        struct arena *arena, struct fact_entry *ret, struct error *err)
{
	struct json_value list = manifest_look(document, item, "extents");
	uint64_t end = 0;

	if (list.kind == VALUE_NULL)
		return 0;
	if (list.kind != VALUE_ARRAY || list.length % 2 || !S_ISREG(ret->mode))
		return manifest_broken(err, "tmpfs.extents");
	ret->extent_count = list.length / 2;
	ret->extents = arena_alloc(arena, ret->extent_count + 1, sizeof(*ret->extents));
	if (!ret->extents)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	for (size_t i = 0; i < list.length; i++) {
		struct fact_extent *extent = &ret->extents[i / 2];
		struct json_value value;

		json_look(document, json_item(json_member(item, "extents"), i), &value);
		if (value.kind != VALUE_UNSIGNED || value.number > INT64_MAX)
			return manifest_broken(err, "tmpfs.extents");
		*(i % 2 ? &extent->size : &extent->offset) = value.number;
		if (i % 2 == 0)
			continue;
		if (extent->offset < end || extent->offset + extent->size > ret->size)
			return manifest_broken(err, "tmpfs.extents");
		end = extent->offset + extent->size;
	}
	return 0;
}

static int read_attributes(const struct json_document *document, const struct json_t *item,
                           struct arena *arena, struct fact_entry *ret, struct error *err)
{
	struct json_value list = manifest_look(document, item, "attributes");

	if (list.kind == VALUE_NULL)
		return 0;
	if (list.kind != VALUE_ARRAY || list.length % 2)
		return manifest_broken(err, "tmpfs.attributes");
	ret->attribute_count = list.length / 2;
	ret->attributes = arena_alloc(arena, ret->attribute_count + 1, sizeof(*ret->attributes));
	if (!ret->attributes)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	for (size_t i = 0; i < list.length; i++) {
		struct fact_attribute *attribute = &ret->attributes[i / 2];
		struct json_value value;
		char *copy;

		json_look(document, json_item(json_member(item, "attributes"), i), &value);
		if (value.kind != VALUE_STRING)
			return manifest_broken(err, "tmpfs.attributes");
		copy = arena_strdup(arena, value.text);
		if (!copy)
			return error_code(err, ENOMEM, MANIFEST_NAME);
		if (i % 2 == 0)
			json_restore_bytes(copy);
		else if (strlen(copy) % 2 || copy[strspn(copy, "0123456789abcdef")])
			return manifest_broken(err, "tmpfs.attributes");
		*(i % 2 ? &attribute->value : &attribute->name) = copy;
	}
	return 0;
}

static bool has_good_type(const struct fact_entry *entry, bool first)
{
	switch (entry->mode & S_IFMT) {
	case S_IFDIR:
		return !entry->target;
	case S_IFLNK:
		return !first && entry->target;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return !first && !entry->target;
	default:
		return false;
	}
}

static int read_entry(const struct json_document *document, const struct json_t *item, bool first,
                      struct arena *arena, struct fact_entry *ret, struct error *err)
{
	struct json_value seconds = manifest_look(document, item, "seconds");
	uint64_t mode, uid, gid, nanoseconds;

	ret->path = manifest_text(document, item, "path", arena);
	ret->link = manifest_text(document, item, "link", arena);
	ret->target = manifest_text(document, item, "target", arena);
	if (!is_plain(ret->path) || (*ret->path == '\0') != first)
		return manifest_broken(err, "tmpfs.path");
	if (ret->link)
		return is_plain(ret->link) && *ret->link && !first
		               ? 0
		               : manifest_broken(err, "tmpfs.link");
	if (!take_number(document, item, "mode", S_IFMT | 07777, &mode) ||
	    !take_number(document, item, "uid", UINT32_MAX - 1, &uid) ||
	    !take_number(document, item, "gid", UINT32_MAX - 1, &gid) ||
	    !take_number(document, item, "nanoseconds", 999999999, &nanoseconds) ||
	    !take_number(document, item, "device", UINT64_MAX, &ret->device) ||
	    !take_number(document, item, "size", INT64_MAX, &ret->size))
		return manifest_broken(err, "tmpfs.entries");
	ret->mode = (uint32_t)mode;
	ret->uid = (uint32_t)uid;
	ret->gid = (uint32_t)gid;
	ret->nanoseconds = (uint32_t)nanoseconds;
	ret->seconds = seconds.kind == VALUE_NEGATIVE ? seconds.negative : (int64_t)seconds.number;
	if (!has_good_type(ret, first))
		return manifest_broken(err, "tmpfs.mode");

	int r = read_extents(document, item, arena, ret, err);

	return r < 0 ? r : read_attributes(document, item, arena, ret, err);
}

int manifest_read_tmpfs(const struct json_document *document, const struct json_t *item,
                        struct arena *arena, struct fact_tmpfs **ret, struct error *err)
{
	const struct json_t *object = json_member(item, "tmpfs");
	struct json_value entries = manifest_look(document, object, "entries");
	struct fact_tmpfs *tmpfs = arena_alloc(arena, 1, sizeof(*tmpfs));
	int r = 0;

	if (!tmpfs)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	if (entries.kind != VALUE_ARRAY || entries.length == 0 ||
	    !take_number(document, object, "data", INT64_MAX, &tmpfs->data))
		return manifest_broken(err, "tmpfs");
	tmpfs->source = manifest_text(document, object, "source", arena);
	tmpfs->options = manifest_text(document, object, "options", arena);
	tmpfs->entries = arena_alloc(arena, entries.length, sizeof(*tmpfs->entries));
	tmpfs->entry_count = entries.length;
	if (!tmpfs->entries)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	if (!tmpfs->source || !tmpfs->options)
		return manifest_broken(err, "tmpfs");
	for (size_t i = 0; i < entries.length && r == 0; i++)
		r = read_entry(document, json_item(json_member(object, "entries"), i), i == 0,
		               arena, &tmpfs->entries[i], err);
	if (r == 0)
		*ret = tmpfs;
	return r;
}
