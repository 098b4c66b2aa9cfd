/* The manifest of an image directory is read, and the files are checked against it. */
#include "checkpoint/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/signature.h"
#include "spec/json.h"
#include "spec/writer.h"

enum { MANIFEST_LIMIT = 16 * 1024 * 1024 };

/* --- Reading --- */

int manifest_broken(struct error *err, const char *what)
{
	return error_set(err, EILSEQ, MANIFEST_NAME ": %s is missing or wrong", what);
}

struct json_value manifest_look(const struct json_document *document, const struct json_t *object,
                                const char *key)
{
	const struct json_t *node = json_member(object, key);
	struct json_value value = {.kind = VALUE_NULL};

	if (node)
		json_look(document, node, &value);
	return value;
}

static bool look_bool(const struct json_document *document, const struct json_t *object,
                      const char *key)
{
	struct json_value value = manifest_look(document, object, key);

	return value.kind == VALUE_BOOL && value.truth;
}

/* Null when it is no string. */
char *manifest_text(const struct json_document *document, const struct json_t *object,
                    const char *key, struct arena *arena)
{
	struct json_value value = manifest_look(document, object, key);
	char *copy = value.kind == VALUE_STRING ? arena_strdup(arena, value.text) : NULL;

	if (copy)
		json_restore_bytes(copy);
	return copy;
}

/* A string of the document itself (free); null when it has none. */
static char *look_own_text(const struct json_document *document, const char *key)
{
	struct json_value value = manifest_look(document, document->root, key);

	return value.kind == VALUE_STRING ? strdup(value.text) : NULL;
}

static int read_streams(const struct json_document *document, struct facts *facts,
                        struct error *err)
{
	const struct json_t *streams = json_member(document->root, "streams");
	struct json_value value = manifest_look(document, document->root, "streams");

	if (value.kind != VALUE_ARRAY || value.length != STREAM_COUNT)
		return manifest_broken(err, "streams");
	for (size_t i = 0; i < STREAM_COUNT; i++) {
		const struct json_t *item = json_item(streams, i);
		struct json_value access = manifest_look(document, item, "access");

		if (access.kind != VALUE_UNSIGNED || access.number > O_RDWR)
			return manifest_broken(err, "streams.access");
		facts->streams[i] = (struct fact_stream){
			.key = manifest_text(document, item, "key", &facts->arena),
			.external = look_bool(document, item, "external"),
			.access = (int)access.number,
		};
	}
	return 0;
}

static int read_mount(const struct json_document *document, const struct json_t *item,
                      struct arena *arena, struct fact_mount *ret, struct error *err)
{
	struct json_value source = manifest_look(document, item, "source");
	struct json_value of = manifest_look(document, item, "of");

	*ret = (struct fact_mount){
		.path = manifest_text(document, item, "path", arena),
		.options = manifest_text(document, item, "options", arena),
		.from = manifest_text(document, item, "from", arena),
		.source = MOUNT_SOURCE_COUNT,
		.directory = look_bool(document, item, "directory"),
		.on_root = look_bool(document, item, "onRoot"),
		.of = of.kind == VALUE_UNSIGNED ? of.number : 0,
	};

	for (unsigned int i = 0; i < MOUNT_SOURCE_COUNT; i++)
		if (source.kind == VALUE_STRING && str_equal(source.text, manifest_source_names[i]))
			ret->source = (enum fact_mount_source)i;
	if (!ret->path || ret->path[0] != '/' || !ret->options ||
	    ret->source == MOUNT_SOURCE_COUNT || (ret->source == MOUNT_DEVICE && !ret->from))
		return manifest_broken(err, "mounts");
	return ret->source == MOUNT_TMPFS
	               ? manifest_read_tmpfs(document, item, arena, &ret->tmpfs, err)
	               : 0;
}

static int check_tmpfs(const struct facts *facts, const struct fact_mount *mount, struct error *err)
{
	/* Made out here, its device nodes would be more than the container may have. */
	if (mount->source == MOUNT_TMPFS && facts->user_namespace)
		return manifest_broken(err, "mounts");
	if (mount->source != MOUNT_PART)
		return 0;
	return mount->of < facts->mount_count && facts->mounts[mount->of].source == MOUNT_TMPFS &&
	                       mount->from && mount->from[0] == '/'
	               ? 0
	               : manifest_broken(err, "mounts.of");
}

static int read_mounts(const struct json_document *document, struct facts *facts, struct error *err)
{
	const struct json_t *mounts = json_member(document->root, "mounts");
	struct json_value value = manifest_look(document, document->root, "mounts");
	int r = 0;

	if (value.kind != VALUE_ARRAY)
		return manifest_broken(err, "mounts");
	facts->mounts = arena_alloc(&facts->arena, value.length + 1, sizeof(*facts->mounts));
	if (!facts->mounts)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	facts->mount_count = value.length;
	for (size_t i = 0; i < value.length && r == 0; i++)
		r = read_mount(document, json_item(mounts, i), &facts->arena, &facts->mounts[i],
		               err);
	for (size_t i = 0; i < value.length && r == 0; i++)
		r = check_tmpfs(facts, &facts->mounts[i], err);
	return r;
}

static int read_values(const struct json_document *document, const struct json_t *list,
                       size_t count, struct arena *arena, struct subtree_node *ret,
                       struct error *err)
{
	ret->values = arena_alloc(arena, count + 1, sizeof(*ret->values));
	if (!ret->values)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	ret->value_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct json_t *item = json_item(list, i);
		struct subtree_value *value = &ret->values[i];

		value->file = manifest_text(document, item, "file", arena);
		value->value = manifest_text(document, item, "value", arena);
		if (!value->file || !value->value)
			return manifest_broken(err, "groups.values");
	}
	return 0;
}

static int read_group(const struct json_document *document, const struct json_t *item,
                      struct arena *arena, struct subtree_node *ret, struct error *err)
{
	struct json_value pids = manifest_look(document, item, "pids");
	struct json_value values = manifest_look(document, item, "values");

	ret->path = manifest_text(document, item, "path", arena);
	if (!ret->path || pids.kind != VALUE_ARRAY || values.kind != VALUE_ARRAY)
		return manifest_broken(err, "groups");
	ret->pids = arena_alloc(arena, pids.length + 1, sizeof(*ret->pids));
	if (!ret->pids)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	ret->pid_count = pids.length;
	for (size_t i = 0; i < pids.length; i++) {
		struct json_value pid;

		json_look(document, json_item(json_member(item, "pids"), i), &pid);
		if (pid.kind != VALUE_UNSIGNED || pid.number == 0 || pid.number > INT_MAX)
			return manifest_broken(err, "groups.pids");
		ret->pids[i] = (pid_t)pid.number;
	}
	return read_values(document, json_member(item, "values"), values.length, arena, ret, err);
}

static int read_groups(const struct json_document *document, struct facts *facts, struct error *err)
{
	const struct json_t *groups = json_member(document->root, "groups");
	struct json_value value = manifest_look(document, document->root, "groups");
	struct subtree *ret = &facts->groups;
	int r = 0;

	if (!groups)
		return 0;
	if (value.kind != VALUE_ARRAY)
		return manifest_broken(err, "groups");
	ret->nodes = arena_alloc(&facts->arena, value.length + 1, sizeof(*ret->nodes));
	if (!ret->nodes)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	ret->count = value.length;
	for (size_t i = 0; i < value.length && r == 0; i++)
		r = read_group(document, json_item(groups, i), &facts->arena, &ret->nodes[i], err);
	return r < 0 ? r : subtree_check(ret, err);
}

/* --- Checking --- */

static int check_size(int directory, const struct fact_file *file, struct error *err)
{
	struct stat st;

	if (fstatat(directory, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
		               ? error_set(err, EILSEQ, "the image was changed: %s is missing",
		                           file->name)
		               : error_errno(err, "%s", file->name);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size)
		return error_set(err, EILSEQ, "the image was changed: %s is not what was saved",
		                 file->name);
	return 0;
}

static int check_file(int directory, const struct fact_file *file, struct error *err)
{
	char hex[SHA256_HEX_SIZE];
	uint64_t found = 0;
	int r = check_size(directory, file, err);

	if (r == 0)
		r = manifest_digest(directory, file->name, hex, &found, err);
	if (r < 0)
		return r;
	if (found != file->size || !str_equal(hex, file->sha256))
		return error_set(err, EILSEQ, "the image was changed: %s is not what was saved",
		                 file->name);
	return 0;
}

static int read_file(const struct json_document *document, const struct json_t *item,
                     struct arena *arena, struct fact_file *ret, struct error *err)
{
	struct json_value size = manifest_look(document, item, "size");
	char *name = manifest_text(document, item, "name", arena);

	if (!name || strchr(name, '/') || !manifest_is_image(name))
		return manifest_broken(err, "files");
	*ret = (struct fact_file){
		.name = name,
		.sha256 = manifest_text(document, item, manifest_digest_key(name), arena),
		.size = size.number,
	};
	return ret->sha256 && size.kind == VALUE_UNSIGNED ? 0 : manifest_broken(err, "files");
}

int facts_check_pages(int directory, const struct facts *facts, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < facts->page_count && r == 0; i++)
		r = check_file(directory, &facts->pages[i], err);
	return r;
}

struct known {
	const struct fact_file *files;
	size_t count;
	bool remote_pages;
};

static int check_known(int directory unused_parameter, const char *name, void *context,
                       struct error *err)
{
	const struct known *known = context;

	for (size_t i = 0; i < known->count; i++)
		if (str_equal(known->files[i].name, name))
			return 0;
	if (known->remote_pages && (manifest_is_memory(name) || str_starts(name, "pagemap-")))
		return 0;
	return error_set(err, EILSEQ, "the image was changed: %s does not belong to it", name);
}

/* The files of memory go to the end of the list, which facts->pages then is. */
static void set_memory_apart(struct fact_file *files, size_t count, struct facts *facts)
{
	size_t others = 0;

	for (size_t i = 0; i < count; i++) {
		struct fact_file file = files[i];

		if (manifest_is_memory(file.name))
			continue;
		files[i] = files[others];
		files[others++] = file;
	}
	facts->pages = files + others;
	facts->page_count = count - others;
}

static int check_files(int directory, const struct json_document *document, struct facts *facts,
                       struct error *err)
{
	struct json_value value = manifest_look(document, document->root, "files");
	const struct json_t *list = json_member(document->root, "files");
	struct known known = {.count = value.length, .remote_pages = facts->remote_pages};
	struct fact_file *files;
	int r = 0;

	if (value.kind != VALUE_ARRAY || value.length == 0)
		return manifest_broken(err, "files");
	files = arena_alloc(&facts->arena, value.length, sizeof(*files));
	if (!files)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	for (size_t i = 0; i < known.count && r == 0; i++) {
		r = read_file(document, json_item(list, i), &facts->arena, &files[i], err);
		/* CRIU writes one for each. */
		facts->connections |= r == 0 && str_starts(files[i].name, "tcp-stream-");
	}
	if (r < 0)
		return r;
	set_memory_apart(files, known.count, facts);
	for (size_t i = 0; i < known.count - facts->page_count && r == 0; i++)
		r = check_file(directory, &files[i], err);
	/* CRIU waits for ever for memory that was cut off. */
	for (size_t i = 0; i < facts->page_count && r == 0; i++)
		r = check_size(directory, &facts->pages[i], err);
	known.files = files;
	return r < 0 ? r : manifest_each_image(directory, check_known, &known, err);
}

/* --- Parents --- */

/* The files of memory of `parent` are also those of its child, by way of the link. */
static int add_parent_pages(struct facts *facts, const struct facts *parent, struct error *err)
{
	size_t count = facts->page_count + parent->page_count;
	struct fact_file *files = arena_alloc(&facts->arena, count + 1, sizeof(*files));

	if (!files)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	if (facts->page_count)
		memcpy(files, facts->pages, facts->page_count * sizeof(*files));
	for (size_t i = 0; i < parent->page_count; i++) {
		struct fact_file *file = &files[facts->page_count + i];

		file->name = arena_format(&facts->arena, PARENT_NAME "/%s", parent->pages[i].name);
		file->sha256 = arena_strdup(&facts->arena, parent->pages[i].sha256);
		file->size = parent->pages[i].size;
		if (!file->name || !file->sha256)
			return error_code(err, ENOMEM, MANIFEST_NAME);
	}
	facts->pages = files;
	facts->page_count = count;
	return 0;
}

/* "parent/parent/pages-1.img" */
static bool is_parent_page(const char *name)
{
	size_t prefix = strlen(PARENT_NAME "/");
	bool parent = false;

	for (; strncmp(name, PARENT_NAME "/", prefix) == 0; name += prefix)
		parent = true;
	return parent && manifest_is_memory(name) && manifest_is_image(name) && !strchr(name, '/');
}

/* The parents have given up memory since they were written: what counts is how that left them. */
static int read_parent_pages(const struct json_document *document, const struct json_t *list,
                             struct facts *facts, struct error *err)
{
	struct json_value value = manifest_look(document, document->root, "parentPages");
	struct facts parent = {0};

	if (value.kind != VALUE_ARRAY)
		return manifest_broken(err, "parentPages");
	parent.pages = arena_alloc(&facts->arena, value.length + 1, sizeof(*parent.pages));
	if (!parent.pages)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	for (size_t i = 0; i < value.length; i++) {
		const struct json_t *item = json_item(list, i);
		struct json_value size = manifest_look(document, item, "size");

		parent.pages[i] = (struct fact_file){
			.name = manifest_text(document, item, "name", &facts->arena),
			.sha256 = manifest_text(document, item, manifest_digest_key("pages-"),
		                                &facts->arena),
			.size = size.number,
		};
		if (!parent.pages[i].name || !is_parent_page(parent.pages[i].name) ||
		    !parent.pages[i].sha256 || size.kind != VALUE_UNSIGNED)
			return manifest_broken(err, "parentPages");
		/* As the digests of a parent's own manifest: seen from there. */
		parent.pages[i].name += strlen(PARENT_NAME "/");
	}
	parent.page_count = value.length;
	return add_parent_pages(facts, &parent, err);
}

static int read_image(int directory, unsigned int depth, struct facts *ret, struct error *err);

static int read_parent(int directory, const struct json_document *document, unsigned int depth,
                       struct facts *facts, struct error *err)
{
	const struct json_t *pages = json_member(document->root, "parentPages");
	scoped_facts parent = {.key_size = facts->key_size};
	char hex[SHA256_HEX_SIZE];
	uint64_t size = 0;
	scoped_str sum = look_own_text(document, "parent");
	scoped_fd fd = openat(directory, PARENT_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!sum)
		return manifest_broken(err, "parent");
	if (fd < 0)
		return error_errno(err, "the images that these go on from (" PARENT_NAME ")");
	if (depth == PARENTS_MAX)
		return error_set(err, ELOOP, "the images have too many parents");
	if (facts->key) {
		parent.key = arena_strndup(&parent.arena, facts->key, facts->key_size);
		if (!parent.key)
			return error_code(err, ENOMEM, MANIFEST_NAME);
	}

	int r = manifest_digest(fd, MANIFEST_NAME, hex, &size, err);

	if (r == 0 && !str_equal(hex, sum))
		return error_set(
			err, EILSEQ,
			"the image was changed: its parent is not the one it goes on from");
	if (r == 0)
		r = read_image(fd, depth + 1, &parent, err);
	if (r == 0)
		r = pages ? read_parent_pages(document, pages, facts, err)
		          : add_parent_pages(facts, &parent, err);
	return r;
}

static int read_image(int directory, unsigned int depth, struct facts *ret, struct error *err)
{
	scoped_json document = {0};
	scoped_str text = NULL;
	size_t size = 0;
	int r = file_read(directory, MANIFEST_NAME, MANIFEST_LIMIT, &text, &size, err);

	if (r == -ENOENT)
		return error_set(err, ENOENT,
		                 "no " MANIFEST_NAME " in it: not made by lvm-run checkpoint, or "
		                 "not whole");
	if (r == 0)
		r = signature_check(ret, directory, text, size, err);
	if (r == 0)
		r = json_parse(MANIFEST_NAME, text, size, &document, err);
	if (r < 0)
		return r;

	struct json_value format = manifest_look(&document, document.root, "format");

	if (format.kind != VALUE_UNSIGNED || format.number < MANIFEST_FORMAT_LEAST ||
	    format.number > MANIFEST_FORMAT)
		return error_set(err, ENOTSUP, "the image has another format than version %d",
		                 MANIFEST_FORMAT);
	ret->id = manifest_text(&document, document.root, "id", &ret->arena);
	ret->network = look_bool(&document, document.root, "network");
	ret->user_namespace = look_bool(&document, document.root, "userNamespace");
	ret->pre_dump = look_bool(&document, document.root, "preDump");
	ret->remote_pages = look_bool(&document, document.root, "remotePages");
	if (!ret->id)
		return manifest_broken(err, "id");
	r = read_streams(&document, ret, err);
	if (r == 0)
		r = read_mounts(&document, ret, err);
	if (r == 0)
		r = read_groups(&document, ret, err);
	if (r == 0)
		r = check_files(directory, &document, ret, err);
	if (r < 0)
		return r;

	struct stat st;

	if (json_member(document.root, "parent"))
		return read_parent(directory, &document, depth, ret, err);
	return fstatat(directory, PARENT_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0
	               ? error_set(err, EILSEQ, "the image was changed: it had no parent")
	               : 0;
}

int facts_read(int directory, struct facts *ret, struct error *err)
{
	return read_image(directory, 0, ret, err);
}
