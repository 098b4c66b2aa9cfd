#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "security/seccomp.h"
#include "security/seccomp_bpf.h"

/*
 * One file a filter, its name the hash of all that the filter depends on. A file is believed only when
 * it is a regular file of our own that nobody else can write, says that it is for this hash, and has the
 * program that it had when it was written.
 */

/* To be raised with every change of what seccomp_compile makes of a section. */
#define CACHE_FORMAT "lvm-run seccomp filter 2"

enum {
	CACHE_ENTRIES = 64,          /* of some 10 KiB each */
	CACHE_TEMPORARY_SECONDS = 60 /* older ones were left by a killed process */
};

struct cache_header {
	unsigned char key[SHA256_SIZE];
	uint64_t checksum;
	uint64_t count;
};

struct cache_key {
	unsigned char digest[SHA256_SIZE];
	char name[SHA256_HEX_SIZE];
};

static const char *machine_name(void)
{
#if defined(__x86_64__) && defined(__ILP32__)
	return "x32";
#elif defined(__x86_64__)
	return "x86_64";
#elif defined(__aarch64__)
	return "aarch64";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	return "ppc64le";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__loongarch64)
	return "loongarch64";
#else
	return NULL; /* no cache: no name to tell it from others */
#endif
}

static void add_text(struct sha256 *hash, const char *text)
{
	sha256_add(hash, text, strlen(text) + 1);
}

static void compute_key(const struct spec_seccomp *section, struct cache_key *ret)
{
	struct sha256 hash;

	sha256_begin(&hash);
	add_text(&hash, CACHE_FORMAT);
	add_text(&hash, seccomp_library_version());
	add_text(&hash, machine_name());
	sha256_add(&hash, section->canonical, section->canonical_size);
	if (section->fail_unknown)
		add_text(&hash, "fail-unknown");
	sha256_end(&hash, ret->digest);
	sha256_hex(ret->digest, ret->name);
}

/* Against damage, not against forgery: who can write the file could write the sum as well. */
static uint64_t checksum(const struct seccomp_program *program)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ program->count;

	for (size_t i = 0; i < program->count; i++) {
		uint64_t word;

		_Static_assert(sizeof(word) == sizeof(program->instructions[0]), "one word each");
		memcpy(&word, &program->instructions[i], sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x100000001b3);
		sum ^= sum >> 29;
	}
	return sum;
}

/* The number of instructions of a file that may be believed, 0 otherwise. */
static size_t believable_count(int fd)
{
	struct stat st;
	size_t size;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != getauxval(AT_EUID) || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    st.st_size <= (off_t)sizeof(struct cache_header))
		return 0;
	size = (size_t)st.st_size - sizeof(struct cache_header);
	if (size % sizeof(struct sock_filter) != 0 ||
	    size / sizeof(struct sock_filter) > SECCOMP_PROGRAM_LIMIT)
		return 0;
	return size / sizeof(struct sock_filter);
}

static bool read_entry(int cache_fd, const struct cache_key *key, struct seccomp_program *ret)
{
	scoped_fd fd = openat(cache_fd, key->name,
	                      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	scoped_seccomp_program program = {0};
	struct cache_header header;
	size_t size;

	if (fd < 0)
		return false;
	program.count = believable_count(fd);
	size = program.count * sizeof(*program.instructions);
	program.instructions = size > 0 ? malloc(size) : NULL;
	if (!program.instructions)
		return false;

	struct iovec parts[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = program.instructions, .iov_len = size},
	};

	if (readv(fd, parts, 2) != (ssize_t)(sizeof(header) + size) ||
	    memcmp(header.key, key->digest, sizeof(header.key)) != 0 ||
	    header.count != program.count || header.checksum != checksum(&program) ||
	    !seccomp_bpf_is_sound(&program))
		return false;
	*ret = program;
	program = (struct seccomp_program){0};
	return true;
}

/* --- writing --- */

static bool is_entry_name(const char *name)
{
	return strlen(name) == SHA256_HEX_SIZE - 1 &&
	       strspn(name, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

static void remove_stale(int cache_fd, const struct dirent *entry, const struct stat *st)
{
	if (str_starts(entry->d_name, ".") && str_ends(entry->d_name, ".tmp") &&
	    st->st_mtime + CACHE_TEMPORARY_SECONDS < time(NULL))
		(void)unlinkat(cache_fd, entry->d_name, 0);
}

struct oldest {
	size_t count; /* of entries in all */
	struct timespec time;
	char name[SHA256_HEX_SIZE];
};

static void look_at(int cache_fd, const struct dirent *entry, struct oldest *oldest)
{
	struct stat st;

	if (fstatat(cache_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!is_entry_name(entry->d_name)) {
		remove_stale(cache_fd, entry, &st);
		return;
	}
	if (oldest->count++ == 0 || st.st_mtim.tv_sec < oldest->time.tv_sec ||
	    (st.st_mtim.tv_sec == oldest->time.tv_sec &&
	     st.st_mtim.tv_nsec < oldest->time.tv_nsec)) {
		oldest->time = st.st_mtim;
		memcpy(oldest->name, entry->d_name, sizeof(oldest->name));
	}
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Makes room for one more entry; the number of entries, 0 when the directory cannot be read. */
static size_t evict_oldest(int cache_fd)
{
	scoped_fd fd = openat(cache_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped(close_directory) DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct oldest oldest = {0};
	const struct dirent *entry;

	if (!directory)
		return 0;
	fd = -1; /* closedir closes it */
	while ((entry = readdir(directory)))
		look_at(cache_fd, entry, &oldest);
	if (oldest.count >= CACHE_ENTRIES)
		(void)unlinkat(cache_fd, oldest.name, 0);
	return oldest.count;
}

static int write_entry(int cache_fd, const struct cache_key *key,
                       const struct seccomp_program *program, struct error *err)
{
	const size_t size = program->count * sizeof(*program->instructions);
	struct cache_header header = {.checksum = checksum(program), .count = program->count};
	scoped_strbuf text = {0};

	memcpy(header.key, key->digest, sizeof(header.key));
	strbuf_add(&text, (const char *)&header, sizeof(header));
	strbuf_add(&text, (const char *)program->instructions, size);
	if (text.failed)
		return error_code(err, ENOMEM, "cache entry");
	while (evict_oldest(cache_fd) > CACHE_ENTRIES)
		;
	return file_write_whole(cache_fd, key->name, 0600, text.data, text.length, err);
}

int seccomp_load_program(const struct spec_seccomp *section, int cache_fd,
                         struct seccomp_program *ret, struct error *err)
{
	const bool cached = cache_fd >= 0 && section->canonical_size > 0 && machine_name();
	struct error failure = {0};
	struct cache_key key;
	int r;

	if (cached) {
		compute_key(section, &key);
		if (read_entry(cache_fd, &key, ret))
			return 0;
	}
	r = seccomp_compile(section, ret, err);
	if (r == 0 && cached && write_entry(cache_fd, &key, ret, &failure) < 0)
		log_write(LOG_LEVEL_DEBUG, "the compiled seccomp filter is not cached: %s",
		          failure.text);
	return r;
}
