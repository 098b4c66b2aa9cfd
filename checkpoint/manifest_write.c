/* The manifest of an image directory is written: facts and digests as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/names.h"
#include "base/sha256_parts.h"
#include "base/str.h"
#include "checkpoint/manifest.h"
#include "checkpoint/signature.h"
#include "spec/writer.h"

enum { CHUNK = 256 * 1024 };

const char *const manifest_source_names[MOUNT_SOURCE_COUNT] = {
	[MOUNT_INTERNAL] = "internal", [MOUNT_BIND] = "bind",     [MOUNT_CGROUP] = "cgroup",
	[MOUNT_MASK] = "mask",         [MOUNT_DEVICE] = "device", [MOUNT_TMPFS] = "tmpfs",
	[MOUNT_PART] = "part",
};

/* --- Digests --- */

/* What CRIU reads; logs and statistics beside it are nobody's business. */
bool manifest_is_image(const char *name)
{
	return str_ends(name, ".img");
}

bool manifest_is_memory(const char *name)
{
	const char *slash = strrchr(name, '/');

	return str_starts(slash ? slash + 1 : name, "pages-");
}

const char *manifest_digest_key(const char *name)
{
	return manifest_is_memory(name) ? "sha256Parts" : "sha256";
}

static ssize_t digest_plain(int fd, uint64_t *ret_size, unsigned char ret[static SHA256_SIZE])
{
	scoped_str chunk = malloc(CHUNK);
	struct sha256 hash;
	ssize_t count;

	if (!chunk)
		return -ENOMEM;
	sha256_begin(&hash);
	while ((count = fd_read_all(fd, chunk, CHUNK)) > 0)
		sha256_add(&hash, chunk, (size_t)count);
	*ret_size = hash.size;
	sha256_end(&hash, ret);
	return count;
}

static ssize_t digest_parts(int fd, uint64_t *ret_size, unsigned char ret[static SHA256_SIZE])
{
	struct sha256_parts *parts = malloc(sizeof(*parts));
	size_t room = 0;
	ssize_t count;

	if (!parts)
		return -ENOMEM;
	sha256_parts_begin(parts);
	for (;;) {
		void *place = sha256_parts_room(parts, &room);

		count = fd_read_all(fd, place, room);
		if (count <= 0)
			break;
		sha256_parts_took(parts, (size_t)count);
	}
	*ret_size = parts->size;
	sha256_parts_end(parts, ret);
	free(parts);
	return count;
}

int manifest_digest(int directory, const char *name, char hex[static SHA256_HEX_SIZE],
                    uint64_t *ret_size, struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	struct stat st;
	scoped_fd fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EILSEQ, "%s is no file", name);
	r = manifest_is_memory(name) ? digest_parts(fd, ret_size, digest)
	                             : digest_plain(fd, ret_size, digest);
	if (r < 0)
		return error_code(err, (int)-r, "%s", name);
	(void)sha256_hex(digest, hex);
	return 0;
}

int manifest_each_image(int directory, manifest_visit *visit, void *context, struct error *err)
{
	scoped_names names = {0};
	int r = names_read(directory, &names, err);

	if (r < 0)
		return error_wrap(err, "image directory");
	for (size_t i = 0; i < names.count && r >= 0; i++)
		if (manifest_is_image(names.items[i]))
			r = visit(directory, names.items[i], context, err);
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
	int r = known ? 0 : manifest_digest(directory, name, hex, &size, err);

	if (r < 0)
		return r;
	json_writer_object(w, NULL);
	json_writer_string(w, "name", name);
	json_writer_unsigned(w, "size", size);
	json_writer_string(w, manifest_digest_key(name), known ? writing->known->sha256 : hex);
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
		json_writer_string(w, "source", manifest_source_names[mount->source]);
		json_writer_optional(w, "from", mount->from);
		json_writer_bool(w, "directory", mount->directory);
		json_writer_bool(w, "onRoot", mount->on_root);
		if (mount->source == MOUNT_TMPFS)
			manifest_write_tmpfs(w, mount->tmpfs);
		if (mount->source == MOUNT_PART)
			json_writer_unsigned(w, "of", mount->of);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void write_group(struct json_writer *w, const struct subtree_node *node)
{
	json_writer_object(w, NULL);
	json_writer_string(w, "path", node->path);
	json_writer_array(w, "pids");
	for (size_t i = 0; i < node->pid_count; i++)
		json_writer_unsigned(w, NULL, (unsigned int)node->pids[i]);
	json_writer_end(w);
	json_writer_array(w, "values");
	for (size_t i = 0; i < node->value_count; i++) {
		json_writer_object(w, NULL);
		json_writer_string(w, "file", node->values[i].file);
		json_writer_string(w, "value", node->values[i].value);
		json_writer_end(w);
	}
	json_writer_end(w);
	json_writer_end(w);
}

static void write_groups(struct json_writer *w, const struct facts *facts)
{
	if (facts->groups.count == 0)
		return;
	json_writer_array(w, "groups");
	for (size_t i = 0; i < facts->groups.count; i++)
		write_group(w, &facts->groups.nodes[i]);
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

	int r = manifest_digest(directory, PARENT_NAME "/" MANIFEST_NAME, hex, &size, err);

	if (r < 0)
		return error_wrap(err, "parent path");
	json_writer_string(w, "parent", hex);
	return 0;
}

/* CRIU reads it as the root of a user namespace, which a restore makes the group of these files. */
static int share_file(int directory, const char *name, void *context unused_parameter,
                      struct error *err)
{
	return fchmodat(directory, name, 0640, 0) < 0 ? error_errno(err, "%s", name) : 0;
}

struct pages {
	struct json_writer *w;
	const char *prefix;
};

static int write_parent_file(int directory, const char *name, void *context, struct error *err)
{
	const struct pages *pages = context;
	char hex[SHA256_HEX_SIZE];
	uint64_t size = 0;
	int r = manifest_is_memory(name) ? manifest_digest(directory, name, hex, &size, err) : 1;

	if (r != 0)
		return r < 0 ? r : 0;

	scoped_str path = str_format("%s/%s", pages->prefix, name);

	if (!path)
		return error_code(err, ENOMEM, "%s", name);
	json_writer_object(pages->w, NULL);
	json_writer_string(pages->w, "name", path);
	json_writer_unsigned(pages->w, "size", size);
	json_writer_string(pages->w, manifest_digest_key(name), hex);
	json_writer_end(pages->w);
	return 0;
}

/* The memory of all parents as CRIU has left it. */
static int write_parent_pages(struct json_writer *w, int directory, struct error *err)
{
	char prefix[PATH_MAX] = PARENT_NAME;
	int r = 0;

	json_writer_array(w, "parentPages");
	while (r == 0 && strlen(prefix) + sizeof("/" PARENT_NAME) < sizeof(prefix)) {
		struct pages pages = {w, prefix};
		scoped_fd fd = openat(directory, prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			break;
		r = manifest_each_image(fd, write_parent_file, &pages, err);
		memcpy(prefix + strlen(prefix), "/" PARENT_NAME, sizeof("/" PARENT_NAME));
	}
	json_writer_end(w);
	return r;
}

int facts_write(const struct facts *facts, int directory, struct error *err)
{
	struct json_writer w = {.indented = true, .lossless = true};
	struct writing writing = {&w, &facts->known};

	json_writer_object(&w, NULL);
	json_writer_unsigned(&w, "format", MANIFEST_FORMAT);
	json_writer_string(&w, "id", facts->id);
	json_writer_bool(&w, "network", facts->network);
	json_writer_bool(&w, "userNamespace", facts->user_namespace);
	json_writer_bool(&w, "preDump", facts->pre_dump);
	json_writer_bool(&w, "remotePages", facts->remote_pages);

	int r = write_parent(&w, directory, err);

	write_streams(&w, facts);
	write_mounts(&w, facts);
	write_groups(&w, facts);
	json_writer_array(&w, "files");
	if (r == 0)
		r = manifest_each_image(directory, write_file, &writing, err);

	json_writer_end(&w);
	if (r == 0 && facts->dedup)
		r = write_parent_pages(&w, directory, err);
	json_writer_end(&w);

	scoped_str text = json_writer_take(&w);

	if (r < 0)
		return r;
	if (!text)
		return error_code(err, ENOMEM, MANIFEST_NAME);
	if (facts->user_namespace)
		r = manifest_each_image(directory, share_file, NULL, err);
	if (r == 0 && facts->user_namespace && fchmod(directory, 0750) < 0)
		r = error_errno(err, "image directory");
	if (r < 0)
		return r;
	r = signature_write(facts, directory, text, strlen(text), err);
	return r < 0 ? r
	             : file_write_atomic(directory, MANIFEST_NAME, 0600, text, strlen(text), err);
}
