/* The manifest of an image directory: facts and digests as JSON. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"
#include "checkpoint/facts.h"
#include "checkpoint/signature.h"
#include "spec/json.h"
#include "spec/writer.h"

enum { MANIFEST_LIMIT = 16 * 1024 * 1024, CHUNK = 256 * 1024 };

static const char *const source_names[MOUNT_SOURCE_COUNT] = {
	[MOUNT_INTERNAL] = "internal", [MOUNT_BIND] = "bind",     [MOUNT_CGROUP] = "cgroup",
	[MOUNT_MASK] = "mask",         [MOUNT_DEVICE] = "device",
};

/* --- Digests --- */

/* What CRIU reads; logs and statistics beside it are nobody's business. */
static bool is_image(const char *name)
{
	return str_ends(name, ".img");
}

static int digest_file(int directory, const char *name, char hex[static SHA256_HEX_SIZE],
                       uint64_t *ret_size, struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	struct sha256 hash;
	struct stat st;
	scoped_fd fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	scoped_str chunk = malloc(CHUNK);
	ssize_t count;

	if (!chunk)
		return error_code(err, ENOMEM, "%s", name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EILSEQ, "%s is no file", name);
	sha256_begin(&hash);
	*ret_size = 0;
	while ((count = fd_read_all(fd, chunk, CHUNK)) > 0) {
		sha256_add(&hash, chunk, (size_t)count);
		*ret_size += (uint64_t)count;
	}
	if (count < 0)
		return error_code(err, (int)-count, "%s", name);
	sha256_end(&hash, digest);
	(void)sha256_hex(digest, hex);
	return 0;
}

typedef int visit_image(int directory, const char *name, void *context, struct error *err);

static int each_image(int directory, visit_image *visit, void *context, struct error *err)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	int r = 0;

	if (!list) {
		r = error_errno(err, "image directory");
		fd_close(&copy);
		return r;
	}
	for (struct dirent *e = readdir(list); e && r >= 0; e = readdir(list))
		if (is_image(e->d_name))
			r = visit(directory, e->d_name, context, err);
	(void)closedir(list);
	return r;
}

/* --- Writing --- */

struct writing {
	struct json_writer *w;
	const struct fact_file *known;
};

static int write_file(int directory, const char *name, void *context, struct error *err)
{
	const struct writing *writing = context;
	struct json_writer *w = writing->w;
	bool known = str_equal(writing->known->name, name);
	char hex[SHA256_HEX_SIZE];
	uint64_t size = writing->known->size;
	int r = known ? 0 : digest_file(directory, name, hex, &size, err);

	if (r < 0)
		return r;
	json_writer_object(w, NULL);
	json_writer_string(w, "name", name);
	json_writer_unsigned(w, "size", size);
	json_writer_string(w, "sha256", known ? writing->known->sha256 : hex);
	json_writer_end(w);
	return 0;
}

static void write_streams(struct json_writer *w, const struct facts *facts)
{
	json_writer_array(w, "streams");
	for (size_t i = 0; i < STREAM_COUNT; i++) {
		const struct fact_stream *stream = &facts->streams[i];

		json_writer_object(w, NULL);
		json_writer_optional(w, "key", stream->key);
		json_writer_bool(w, "external", stream->external);
		json_writer_unsigned(w, "access", (unsigned int)stream->access);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void write_mounts(struct json_writer *w, const struct facts *facts)
{
	json_writer_array(w, "mounts");
	for (size_t i = 0; i < facts->mount_count; i++) {
		const struct fact_mount *mount = &facts->mounts[i];

		json_writer_object(w, NULL);
		json_writer_string(w, "path", mount->path);
		json_writer_string(w, "options", mount->options);
		json_writer_string(w, "source", source_names[mount->source]);
		json_writer_optional(w, "from", mount->from);
		json_writer_bool(w, "directory", mount->directory);
		json_writer_bool(w, "onRoot", mount->on_root);
		json_writer_end(w);
	}
	json_writer_end(w);
}

/* The digest of the parent's manifest, which has the digests of all that is in it. */
static int write_parent(struct json_writer *w, int directory, struct error *err)
{
	char hex[SHA256_HEX_SIZE];
	uint64_t size = 0;
	struct stat st;

	if (fstatat(directory, PARENT_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, PARENT_NAME);

	int r = digest_file(directory, PARENT_NAME "/" MANIFEST_NAME, hex, &size, err);

	if (r < 0)
		return error_wrap(err, "parent path");
	json_writer_string(w, "parent", hex);
	return 0;
}

int facts_write(const struct facts *facts, int directory, struct error *err)
{
	struct json_writer w = {.indented = true, .lossless = true};
	struct writing writing = {&w, &facts->known};

	json_writer_object(&w, NULL);
	json_writer_unsigned(&w, "format", MANIFEST_FORMAT);
	json_writer_string(&w, "id", facts->id);
	json_writer_bool(&w, "network", facts->network);
	json_writer_bool(&w, "preDump", facts->pre_dump);
	json_writer_bool(&w, "remotePages", facts->remote_pages);

	int r = write_parent(&w, directory, err);

	write_streams(&w, facts);
	write_mounts(&w, facts);
	json_writer_array(&w, "files");
	if (r == 0)
		r = each_image(directory, write_file, &writing, err);

	json_writer_end(&w);
	json_writer_end(&w);

	scoped_str text = json_writer_take(&w);

	if (r < 0)
		return r;
	if (!text)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	r = signature_write(facts, directory, text, strlen(text), err);
	return r < 0 ? r
	             : file_write_atomic(directory, MANIFEST_NAME, 0600, text, strlen(text), err);
}

/* --- Reading --- */

static int broken(struct error *err, const char *what)
{
	return error_set(err, EILSEQ, MANIFEST_NAME ": %s is missing or wrong", what);
}

static struct json_value look(const struct json_document *document, const struct json_t *object,
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
	struct json_value value = look(document, object, key);

	return value.kind == VALUE_BOOL && value.truth;
}

/* Null when it is no string. */
static char *look_text(const struct json_document *document, const struct json_t *object,
                       const char *key, struct arena *arena)
{
	struct json_value value = look(document, object, key);
	char *copy = value.kind == VALUE_STRING ? arena_strdup(arena, value.text) : NULL;

	if (copy)
		json_restore_bytes(copy);
	return copy;
}

/* A string of the document itself (free); null when it has none. */
static char *look_own_text(const struct json_document *document, const char *key)
{
	struct json_value value = look(document, document->root, key);

	return value.kind == VALUE_STRING ? strdup(value.text) : NULL;
}

static int read_streams(const struct json_document *document, struct facts *facts,
                        struct error *err)
{
	const struct json_t *streams = json_member(document->root, "streams");
	struct json_value value = look(document, document->root, "streams");

	if (value.kind != VALUE_ARRAY || value.length != STREAM_COUNT)
		return broken(err, "streams");
	for (size_t i = 0; i < STREAM_COUNT; i++) {
		const struct json_t *item = json_item(streams, i);
		struct json_value access = look(document, item, "access");

		if (access.kind != VALUE_UNSIGNED || access.number > O_RDWR)
			return broken(err, "streams.access");
		facts->streams[i] = (struct fact_stream){
			.key = look_text(document, item, "key", &facts->arena),
			.external = look_bool(document, item, "external"),
			.access = (int)access.number,
		};
	}
	return 0;
}

static int read_mount(const struct json_document *document, const struct json_t *item,
                      struct arena *arena, struct fact_mount *ret, struct error *err)
{
	struct json_value source = look(document, item, "source");

	*ret = (struct fact_mount){
		.path = look_text(document, item, "path", arena),
		.options = look_text(document, item, "options", arena),
		.from = look_text(document, item, "from", arena),
		.source = MOUNT_SOURCE_COUNT,
		.directory = look_bool(document, item, "directory"),
		.on_root = look_bool(document, item, "onRoot"),
	};
	for (unsigned int i = 0; i < MOUNT_SOURCE_COUNT; i++)
		if (source.kind == VALUE_STRING && str_equal(source.text, source_names[i]))
			ret->source = (enum fact_mount_source)i;
	if (!ret->path || ret->path[0] != '/' || !ret->options ||
	    ret->source == MOUNT_SOURCE_COUNT || (ret->source == MOUNT_DEVICE && !ret->from))
		return broken(err, "mounts");
	return 0;
}

static int read_mounts(const struct json_document *document, struct facts *facts, struct error *err)
{
	const struct json_t *mounts = json_member(document->root, "mounts");
	struct json_value value = look(document, document->root, "mounts");
	int r = 0;

	if (value.kind != VALUE_ARRAY)
		return broken(err, "mounts");
	facts->mounts = arena_alloc(&facts->arena, value.length + 1, sizeof(*facts->mounts));
	if (!facts->mounts)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	facts->mount_count = value.length;
	for (size_t i = 0; i < value.length && r == 0; i++)
		r = read_mount(document, json_item(mounts, i), &facts->arena, &facts->mounts[i],
		               err);
	return r;
}

/* --- Checking --- */

static bool is_memory(const char *name)
{
	return str_starts(name, "pages-");
}

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
		r = digest_file(directory, file->name, hex, &found, err);
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
	struct json_value size = look(document, item, "size");

	*ret = (struct fact_file){
		.name = look_text(document, item, "name", arena),
		.sha256 = look_text(document, item, "sha256", arena),
		.size = size.number,
	};
	if (!ret->name || strchr(ret->name, '/') || !is_image(ret->name) || !ret->sha256 ||
	    size.kind != VALUE_UNSIGNED)
		return broken(err, "files");
	return 0;
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
	if (known->remote_pages && (is_memory(name) || str_starts(name, "pagemap-")))
		return 0;
	return error_set(err, EILSEQ, "the image was changed: %s does not belong to it", name);
}

/* The files of memory go to the end of the list, which facts->pages then is. */
static void set_memory_apart(struct fact_file *files, size_t count, struct facts *facts)
{
	size_t others = 0;

	for (size_t i = 0; i < count; i++) {
		struct fact_file file = files[i];

		if (is_memory(file.name))
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
	struct json_value value = look(document, document->root, "files");
	const struct json_t *list = json_member(document->root, "files");
	struct known known = {.count = value.length, .remote_pages = facts->remote_pages};
	struct fact_file *files;
	int r = 0;

	if (value.kind != VALUE_ARRAY || value.length == 0)
		return broken(err, "files");
	files = arena_alloc(&facts->arena, value.length, sizeof(*files));
	if (!files)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	for (size_t i = 0; i < known.count && r == 0; i++)
		r = read_file(document, json_item(list, i), &facts->arena, &files[i], err);
	if (r < 0)
		return r;
	set_memory_apart(files, known.count, facts);
	for (size_t i = 0; i < known.count - facts->page_count && r == 0; i++)
		r = check_file(directory, &files[i], err);
	/* CRIU waits for ever for memory that was cut off. */
	for (size_t i = 0; i < facts->page_count && r == 0; i++)
		r = check_size(directory, &facts->pages[i], err);
	known.files = files;
	return r < 0 ? r : each_image(directory, check_known, &known, err);
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

static int read_image(int directory, unsigned int depth, struct facts *ret, struct error *err);

static int read_parent(int directory, const char *sum, unsigned int depth, struct facts *facts,
                       struct error *err)
{
	enum { DEPTH_MAX = 256 };
	scoped_facts parent = {.key_size = facts->key_size};
	char hex[SHA256_HEX_SIZE];
	uint64_t size = 0;
	scoped_fd fd = openat(directory, PARENT_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "the images that these go on from (" PARENT_NAME ")");
	if (depth == DEPTH_MAX)
		return error_set(err, ELOOP, "the images have too many parents");
	if (facts->key) {
		parent.key = arena_strndup(&parent.arena, facts->key, facts->key_size);
		if (!parent.key)
			return error_code(err, ENOMEM, MANIFEST_NAME);
	}

	int r = digest_file(fd, MANIFEST_NAME, hex, &size, err);

	if (r == 0 && !str_equal(hex, sum))
		return error_set(
			err, EILSEQ,
			"the image was changed: its parent is not the one it goes on from");
	if (r == 0)
		r = read_image(fd, depth + 1, &parent, err);
	return r < 0 ? r : add_parent_pages(facts, &parent, err);
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

	struct json_value format = look(&document, document.root, "format");

	if (format.kind != VALUE_UNSIGNED || format.number != MANIFEST_FORMAT)
		return error_set(err, ENOTSUP, "the image has another format than version %d",
		                 MANIFEST_FORMAT);
	ret->id = look_text(&document, document.root, "id", &ret->arena);
	ret->network = look_bool(&document, document.root, "network");
	ret->pre_dump = look_bool(&document, document.root, "preDump");
	ret->remote_pages = look_bool(&document, document.root, "remotePages");
	if (!ret->id)
		return broken(err, "id");
	r = read_streams(&document, ret, err);
	if (r == 0)
		r = read_mounts(&document, ret, err);
	if (r == 0)
		r = check_files(directory, &document, ret, err);
	if (r < 0)
		return r;

	scoped_str parent = look_own_text(&document, "parent");
	struct stat st;

	if (parent)
		return read_parent(directory, parent, depth, ret, err);
	return fstatat(directory, PARENT_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0
	               ? error_set(err, EILSEQ, "the image was changed: it had no parent")
	               : 0;
}

int facts_read(int directory, struct facts *ret, struct error *err)
{
	return read_image(directory, 0, ret, err);
}
