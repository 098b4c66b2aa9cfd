#include "checkpoint/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/names.h"
#include "base/str.h"
#include "checkpoint/manifest.h"

void parent_done(struct parent *parent)
{
	facts_done(&parent->facts);
	fd_close(&parent->fd);
}

/* --- What memory is tracked since --- */

/* "START-TIME DIGEST\n", of init and of the manifest. */
enum { NOTE_SIZE = 32 + SHA256_HEX_SIZE };

static int format_note(const struct container *container, const char *digest,
                       char ret[static NOTE_SIZE])
{
	return snprintf(ret, NOTE_SIZE, "%llu %s\n",
	                (unsigned long long)container->record.start_time, digest);
}

bool tracked_since(const struct container *container, char ret[static SHA256_HEX_SIZE])
{
	scoped_str text = NULL;
	size_t size = 0;
	struct error ignored;
	char wanted[NOTE_SIZE];
	int r = file_read(container->entry.fd, TRACKED_NAME, NOTE_SIZE, &text, &size, &ignored);

	if (r < 0 || size < SHA256_HEX_SIZE)
		return false;
	(void)snprintf(ret, SHA256_HEX_SIZE, "%s", text + size - SHA256_HEX_SIZE);
	/* The one that would be written of it. */
	return (size_t)format_note(container, ret, wanted) == size && str_equal(text, wanted);
}

bool tracked_is(const char *digest, int directory)
{
	char found[SHA256_HEX_SIZE];
	struct error ignored;
	uint64_t size = 0;

	return manifest_digest(directory, MANIFEST_NAME, found, &size, &ignored) == 0 &&
	       str_equal(found, digest);
}

int tracked_forget(const struct container *container, struct error *err)
{
	return unlinkat(container->entry.fd, TRACKED_NAME, 0) < 0 && errno != ENOENT
	               ? error_errno(err, TRACKED_NAME)
	               : 0;
}

int tracked_note(const struct container *container, int directory, struct error *err)
{
	char digest[SHA256_HEX_SIZE], text[NOTE_SIZE];
	uint64_t size = 0;
	int r = manifest_digest(directory, MANIFEST_NAME, digest, &size, err);

	return r < 0 ? r
	             : file_write_atomic(container->entry.fd, TRACKED_NAME, 0600, text,
	                                 (size_t)format_note(container, digest, text), err);
}

/* --- Opening --- */

static int check_tracked(const struct parent *parent, const struct container *container,
                         struct error *err)
{
	char digest[SHA256_HEX_SIZE];

	if (!tracked_since(container, digest))
		return error_set(err, ESTALE,
		                 "what has changed in memory since then is not known (the "
		                 "container was restored, or a dump has failed): begin with a "
		                 "--pre-dump without a parent");
	return tracked_is(digest, parent->fd)
	               ? 0
	               : error_set(err, ESTALE,
	                           "memory has been saved again since then, and only what has "
	                           "changed after that is known: give the last images");
}

int parent_open(struct parent *parent, const struct container *container, int directory,
                const char *path, const struct facts *key, struct error *err)
{
	parent->fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent->fd < 0)
		return error_errno(err, "parent path %s", path);
	parent->facts.key_size = key->key_size;
	if (key->key) {
		parent->facts.key = arena_strndup(&parent->facts.arena, key->key, key->key_size);
		if (!parent->facts.key)
			return error_code(err, ENOMEM, "parent path");
	}

	int r = facts_read(parent->fd, &parent->facts, err);

	if (r == 0 && parent_depth(parent->fd) == PARENTS_MAX)
		r = error_set(err, ELOOP, "the images have too many parents");
	if (r == 0)
		r = check_tracked(parent, container, err);
	return r < 0 ? error_wrap(err, "parent path %s", path) : 0;
}

/* --- Second names --- */

static bool is_part(const char *name)
{
	return manifest_is_image(name) || str_equal(name, MANIFEST_NAME) ||
	       str_equal(name, SIGNATURE_NAME);
}

/* And who may read them, as with images that are read in a user namespace. */
static int copy_mode(int from, int to, struct error *err)
{
	struct stat st;

	return fstat(from, &st) < 0 || fchmod(to, st.st_mode & 0777) < 0
	               ? error_errno(err, "images")
	               : 0;
}

static int link_files(int from, int to, struct error *err)
{
	scoped_names names = {0};

	if (names_read(from, &names, err) < 0)
		return error_wrap(err, "images");
	for (size_t i = 0; i < names.count; i++)
		if (is_part(names.items[i]) &&
		    linkat(from, names.items[i], to, names.items[i], 0) < 0)
			return error_errno(err, "images: second name for %s", names.items[i]);
	return 0;
}

/* Goes on to the images that *at goes on from. 0: there are none. */
static int go_up(int *at, struct error *err)
{
	int parent = openat(*at, PARENT_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return errno == ENOENT ? 0 : error_errno(err, "images: " PARENT_NAME);
	fd_close(at);
	*at = parent;
	return 1;
}

/* Makes the place for the parent's files and goes there. */
static int go_below(int *at, struct error *err)
{
	if (mkdirat(*at, PARENT_NAME, 0700) < 0)
		return error_errno(err, "images: make " PARENT_NAME);

	int below = openat(*at, PARENT_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (below < 0)
		return error_errno(err, "images: " PARENT_NAME);
	fd_close(at);
	*at = below;
	return 0;
}

int parent_link(int from, int to, struct error *err)
{
	scoped_fd source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (source < 0 || target < 0)
		return error_errno(err, "images");
	for (size_t depth = 0; depth < PARENTS_MAX; depth++) {
		int r = copy_mode(source, target, err);

		if (r == 0)
			r = link_files(source, target, err);
		if (r == 0)
			r = go_up(&source, err);
		if (r <= 0)
			return r;
		r = go_below(&target, err);
		if (r < 0)
			return r;
	}
	return error_set(err, ELOOP, "the images have too many parents");
}

int parent_adopt(int from, int to, struct error *err)
{
	scoped_fd target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = target < 0 ? error_errno(err, "images") : go_below(&target, err);

	return r < 0 ? r : parent_link(from, target, err);
}

size_t parent_depth(int directory)
{
	scoped_fd at = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error ignored;
	size_t depth = 0;

	while (at >= 0 && depth < PARENTS_MAX && go_up(&at, &ignored) > 0)
		depth++;
	return depth;
}
