#include "tests/unit/security/support.h"

#include <dirent.h>
#include <sys/stat.h>

/* wrap: seccomp_compile */
int __real_seccomp_compile(const struct spec_seccomp *section, struct seccomp_program *ret,
                           struct error *err);
int __wrap_seccomp_compile(const struct spec_seccomp *section, struct seccomp_program *ret,
                           struct error *err);

static unsigned int compilations;

int __wrap_seccomp_compile(const struct spec_seccomp *section, struct seccomp_program *ret,
                           struct error *err)
{
	compilations++;
	return __real_seccomp_compile(section, ret, err);
}

static const char section_text[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\",\"write\"],"
	"\"action\":\"SCMP_ACT_ALLOW\"}]}";

struct fixture {
	char path[64];
	int fd;
	struct spec *spec;
	struct seccomp_program fresh;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {0};

	snprintf(f->path, sizeof(f->path), "/tmp/seccomp-cache-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->spec = parse_section(section_text);
	assert_int_equal(__real_seccomp_compile(&f->spec->linux.seccomp, &f->fresh, &err), 0);
	compilations = 0;
	*state = f;
	return 0;
}

/* The only file in the cache; the count of files. */
static size_t look(const struct fixture *f, char name[static 300])
{
	DIR *directory = opendir(f->path);
	const struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			snprintf(name, 300, "%s", entry->d_name);
			count++;
		}
	closedir(directory);
	return count;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char name[300];

	while (look(f, name) > 0)
		if (unlinkat(f->fd, name, 0) < 0)
			unlinkat(f->fd, name, AT_REMOVEDIR);
	rmdir(f->path);
	close(f->fd);
	spec_free(&f->spec);
	seccomp_program_done(&f->fresh);
	free(f);
	return 0;
}

/* Loads, checks that the program is the right one, and tells whether it had to be compiled. */
static bool was_compiled(const struct fixture *f)
{
	const unsigned int before = compilations;
	scoped_seccomp_program program = {0};
	struct error err = {0};

	if (seccomp_load_program(&f->spec->linux.seccomp, f->fd, &program, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(program.count, f->fresh.count);
	assert_memory_equal(program.instructions, f->fresh.instructions,
	                    program.count * sizeof(struct sock_filter));
	return compilations > before;
}

static void second_load_does_not_compile(void **state)
{
	assert_true(was_compiled(*state));
	assert_false(was_compiled(*state));
}

static void entry_is_private_and_leaves_nothing_beside_it(void **state)
{
	const struct fixture *f = *state;
	struct stat st;
	char name[300];

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(strlen(name), 64);
	assert_int_equal(fstatat(f->fd, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void another_section_is_another_entry(void **state)
{
	const struct fixture *f = *state;
	scoped_spec other = parse_section("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	                                  "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}");
	scoped_seccomp_program program = {0};
	struct error err = {0};
	char name[300];

	assert_true(was_compiled(f));
	assert_int_equal(seccomp_load_program(&other->linux.seccomp, f->fd, &program, &err), 0);
	assert_int_equal(compilations, 2);
	assert_int_equal(look(f, name), 2);
}

static void without_a_directory_nothing_is_cached(void **state)
{
	const struct fixture *f = *state;
	scoped_seccomp_program program = {0};
	struct error err = {0};
	char name[300];

	assert_int_equal(seccomp_load_program(&f->spec->linux.seccomp, -1, &program, &err), 0);
	assert_int_equal(compilations, 1);
	assert_int_equal(look(f, name), 0);
}

static void every_flipped_bit_is_noticed_and_repaired(void **state)
{
	const struct fixture *f = *state;
	char name[300];
	struct stat st;

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(fstatat(f->fd, name, &st, 0), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		scoped_fd fd = openat(f->fd, name, O_RDWR | O_CLOEXEC);
		unsigned char byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= (unsigned char)(1u << (at % 8));
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_true(was_compiled(f));
	}
	assert_false(was_compiled(f));
}

static void every_truncation_is_noticed(void **state)
{
	const struct fixture *f = *state;
	char name[300];
	struct stat st;

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(fstatat(f->fd, name, &st, 0), 0);
	for (off_t size = 0; size < st.st_size; size += 3) {
		scoped_fd fd = openat(f->fd, name, O_RDWR | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, size), 0);
		assert_true(was_compiled(f));
	}
}

static void longer_file_is_noticed(void **state)
{
	static const off_t sizes[] = {8, 800, 40000, 1 << 30};
	const struct fixture *f = *state;
	char name[300];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_true(was_compiled(f));
		assert_int_equal(look(f, name), 1);
		assert_int_equal(fstatat(f->fd, name, &st, 0), 0);

		scoped_fd fd = openat(f->fd, name, O_RDWR | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, st.st_size + sizes[i]), 0);
		assert_true(was_compiled(f));
		assert_int_equal(unlinkat(f->fd, name, 0), 0);
	}
}

static void entry_that_others_can_write_is_not_believed(void **state)
{
	static const mode_t modes[] = {0620, 0602, 0666};
	const struct fixture *f = *state;
	char name[300];

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(fchmodat(f->fd, name, modes[i], 0), 0);
		assert_true(was_compiled(f));
	}
}

static void entry_of_another_owner_is_not_believed(void **state)
{
	const struct fixture *f = *state;
	char name[300];

	if (geteuid() != 0) {
		print_message("SKIP needs root to give a file away\n");
		skip();
	}
	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(fchownat(f->fd, name, 65534, 65534, 0), 0);
	assert_true(was_compiled(f));
	assert_false(was_compiled(f));
}

static void entry_for_another_section_is_not_believed(void **state)
{
	const struct fixture *f = *state;
	scoped_spec other = parse_section("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	scoped_seccomp_program program = {0};
	struct error err = {0};
	char right[300], wrong[300];

	assert_true(was_compiled(f));
	assert_int_equal(look(f, right), 1);
	assert_int_equal(unlinkat(f->fd, right, 0), 0);
	assert_int_equal(seccomp_load_program(&other->linux.seccomp, f->fd, &program, &err), 0);
	assert_int_equal(look(f, wrong), 1);
	assert_int_equal(renameat(f->fd, wrong, f->fd, right), 0);
	assert_true(was_compiled(f));
}

static void links_are_not_followed(void **state)
{
	const struct fixture *f = *state;
	char name[300];

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(renameat(f->fd, name, f->fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", f->fd, name), 0);
	assert_true(was_compiled(f)); /* and replaced the link */
	assert_false(was_compiled(f));
	assert_int_equal(unlinkat(f->fd, name, 0), 0);
	assert_int_equal(linkat(f->fd, "elsewhere", f->fd, name, 0), 0);
	assert_true(was_compiled(f));
}

static void special_files_in_its_place_do_no_harm(void **state)
{
	const struct fixture *f = *state;
	char name[300];

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(unlinkat(f->fd, name, 0), 0);
	assert_int_equal(mkfifoat(f->fd, name, 0600), 0);
	assert_true(was_compiled(f));
	assert_false(was_compiled(f));
	assert_int_equal(unlinkat(f->fd, name, 0), 0);
	assert_int_equal(mkdirat(f->fd, name, 0700), 0);
	assert_true(was_compiled(f)); /* a directory cannot be replaced: no cache, no failure */
	assert_true(was_compiled(f));
}

static void number_of_entries_is_bounded(void **state)
{
	const struct fixture *f = *state;
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char name[300], other[300];

	assert_true(was_compiled(f));
	assert_int_equal(look(f, name), 1);
	assert_int_equal(utimensat(f->fd, name, old, 0), 0);
	for (unsigned int i = 0; i < 100; i++) {
		char text[200];

		snprintf(text, sizeof(text),
		         "{\"defaultAction\":\"SCMP_ACT_ERRNO\","
		         "\"defaultErrnoRet\":%u}",
		         i + 1);

		scoped_spec spec = parse_section(text);
		scoped_seccomp_program program = {0};
		struct error err = {0};

		assert_int_equal(seccomp_load_program(&spec->linux.seccomp, f->fd, &program, &err),
		                 0);
	}
	assert_int_equal(look(f, other), 64);
	assert_int_equal(faccessat(f->fd, name, F_OK, 0), -1); /* the oldest went first */
}

static void what_a_killed_writer_left_is_removed(void **state)
{
	const struct fixture *f = *state;
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	scoped_fd stale = openat(f->fd, ".abc.99999.tmp", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	scoped_fd recent = openat(f->fd, ".abd.99999.tmp", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	scoped_fd foreign = openat(f->fd, "README", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(futimens(stale, old), 0);
	assert_int_equal(futimens(foreign, old), 0);
	assert_true(recent >= 0);
	assert_true(was_compiled(f));
	assert_int_equal(faccessat(f->fd, ".abc.99999.tmp", F_OK, 0), -1);
	assert_int_equal(faccessat(f->fd, ".abd.99999.tmp", F_OK, 0), 0);
	assert_int_equal(faccessat(f->fd, "README", F_OK, 0), 0);
}

static void cache_that_cannot_be_written_is_no_failure(void **state)
{
	struct fixture *f = *state;
	const int real = f->fd;

	f->fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(was_compiled(f));
	close(f->fd);
	f->fd = real;
}

/*
 * What Podman writes: the profile of its engine for three architectures, from the repository's root or
 * from LVM_RUN_TEST_DATA. The two ways to its filter give one program.
 */
static void filter_of_a_real_engine_is_the_same_from_the_cache(void **state)
{
	struct fixture *f = *state;
	const char *folder = getenv("LVM_RUN_TEST_DATA");
	scoped_str path = str_format("%s/podman-config.json", folder ? folder : "tests/data");
	struct error err = {0};

	spec_free(&f->spec);
	seccomp_program_done(&f->fresh);
	if (spec_load(AT_FDCWD, path, &f->spec, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(f->spec->linux.seccomp.set);
	if (__real_seccomp_compile(&f->spec->linux.seccomp, &f->fresh, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(was_compiled(f));
	assert_false(was_compiled(f));
}

int main(void)
{
#define cache_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cache_test(second_load_does_not_compile),
		cache_test(entry_is_private_and_leaves_nothing_beside_it),
		cache_test(another_section_is_another_entry),
		cache_test(without_a_directory_nothing_is_cached),
		cache_test(every_flipped_bit_is_noticed_and_repaired),
		cache_test(every_truncation_is_noticed),
		cache_test(longer_file_is_noticed),
		cache_test(entry_that_others_can_write_is_not_believed),
		cache_test(entry_of_another_owner_is_not_believed),
		cache_test(entry_for_another_section_is_not_believed),
		cache_test(links_are_not_followed),
		cache_test(special_files_in_its_place_do_no_harm),
		cache_test(number_of_entries_is_bounded),
		cache_test(what_a_killed_writer_left_is_removed),
		cache_test(cache_that_cannot_be_written_is_no_failure),
		cache_test(filter_of_a_real_engine_is_the_same_from_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
