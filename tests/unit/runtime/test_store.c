/* wrap: flock */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/store.h"

static char root[] = "/tmp/lvm-run-test-store.XXXXXX";
static struct store *store;
static unsigned int removals; /* how often gc comes between making a directory and locking it */

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int __wrap_flock(int fd, int operation)
{
	if (removals > 0) {
		removals--;
		(void)unlinkat(store_fd(store), "web1", AT_REMOVEDIR);
	}
	return __real_flock(fd, operation);
}

static int make_root(void **state)
{
	struct error err = {0};

	(void)state;
	(void)memcpy(strrchr(root, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	removals = 0;
	return mkdtemp(root) ? store_open(root, &store, &err) : -1;
}

static int remove_root(void **state)
{
	(void)state;
	store_close(&store);
	return rmdir(root);
}

/* --- Helpers --- */

static void put(const char *id, const char *name, const char *text, size_t size)
{
	struct error err = {0};

	(void)mkdirat(store_fd(store), id, 0700);

	scoped_fd fd = openat(store_fd(store), id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(file_write_atomic(fd, name, 0600, text, size, &err), 0);
}

static bool exists(const char *id)
{
	return faccessat(store_fd(store), id, F_OK, 0) == 0;
}

static void delete_by_force(const char *id)
{
	struct error err = {0};
	int r = container_delete(store, id, true, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	assert_false(exists(id));
}

/* A process that waits for its end, in place of a container. */
static pid_t make_victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

/* What has ended it, 0 when it was alive; it is gone afterwards. */
static int end_victim(pid_t pid)
{
	int status = 0;
	pid_t ended = waitpid(pid, &status, WNOHANG);

	if (ended == pid)
		return WTERMSIG(status);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return 0;
}

static void put_journal(const char *id, const char *boot, pid_t pid, uint64_t start)
{
	struct error err = {0};
	struct journal intent = {
		.id = (char *)(uintptr_t)id,
		.boot_id = (char *)(uintptr_t)boot,
		.cgroup_driver = (char[]){"disabled"},
	};
	scoped_fd journal = -1;

	(void)mkdirat(store_fd(store), id, 0700);

	scoped_fd fd = openat(store_fd(store), id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(journal_begin(fd, &intent, &journal, &err), 0);
	if (pid > 0)
		assert_int_equal(journal_add_process(journal, pid, start, &err), 0);
}

static char other_boot[] = "00000000-1111-2222-3333-444444444444";

static struct record make_record(char *boot_id)
{
	static char id[] = "web1", version[] = "1.3.0", bundle[] = "/b", rootfs[] = "/b/rootfs",
		    created[] = "2026-01-02T03:04:05.000000006Z", driver[] = "disabled";

	return (struct record){
		.id = id,
		.oci_version = version,
		.pid = 4711,
		.start_time = 1,
		.boot_id = boot_id,
		.bundle = bundle,
		.rootfs = rootfs,
		.created = created,
		.cgroup_driver = driver,
	};
}

/* --- Ids --- */

static void ids_that_are_no_plain_names_are_refused(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".x", "a/b", "/", "a b", "a\n", "ü", "a*"};
	static const char *const good[] = {"a", "A-b_c.d+1", "0"};
	char longest[258];
	struct store_entry entry;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(store_id_valid(bad[i]));
		assert_int_equal(store_reserve(store, bad[i], &entry, &err), -EINVAL);
		assert_int_equal(container_delete(store, bad[i], true, &err), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(store_id_valid(good[i]));
	memset(longest, 'x', sizeof(longest));
	longest[256] = '\0';
	assert_false(store_id_valid(longest));
	longest[255] = '\0';
	assert_true(store_id_valid(longest));
}

static void an_id_is_taken_once(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct store_entry second;
	struct error err = {0};

	(void)state;
	assert_int_equal(store_reserve(store, "web1", &entry, &err), 0);
	assert_int_equal(store_reserve(store, "web1", &second, &err), -EEXIST);
	assert_non_null(strstr(err.text, "container with id exists"));
	store_entry_unlock(&entry);
	assert_int_equal(store_reserve(store, "web1", &second, &err), -EEXIST);
	assert_int_equal(store_remove(&entry, &err), 0);
}

static void a_directory_that_gc_removes_before_it_is_locked_is_made_again(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error err = {0};

	(void)state;
	removals = 3;
	assert_int_equal(store_reserve(store, "web1", &entry, &err), 0);
	assert_int_equal(removals, 0);
	assert_true(exists("web1"));
	assert_int_equal(store_remove(&entry, &err), 0);
}

static void an_id_of_an_earlier_boot_is_free(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error err = {0};

	(void)state;
	put_journal("web1", other_boot, 0, 0);
	assert_int_equal(store_reserve(store, "web1", &entry, &err), 0);
	assert_int_equal(store_remove(&entry, &err), 0);
}

static void directories_that_could_be_ids_are_listed_in_order(void **state)
{
	char **ids = NULL;
	size_t count = 0;
	struct error err = {0};

	(void)state;
	put("b", CONFIG_NAME, "", 0);
	put("a", CONFIG_NAME, "", 0);
	assert_true(store_open_cache(store) >= 0);

	scoped_fd file = openat(store_fd(store), "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(container_ids(store, &ids, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(ids[0], "a");
	assert_string_equal(ids[1], "b");
	container_ids_free(&ids);
	delete_by_force("a");
	delete_by_force("b");
	assert_int_equal(unlinkat(store_fd(store), "file", 0), 0);
	assert_int_equal(unlinkat(store_fd(store), ".seccomp", AT_REMOVEDIR), 0);
}

static void a_root_that_others_may_write_to_is_refused(void **state)
{
	struct store *second = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(chmod(root, 0777), 0);
	assert_int_equal(store_open(root, &second, &err), -EPERM);
	assert_null(second);
	assert_int_equal(chmod(root, 0700), 0);
}

/* --- Locks --- */

static void a_locked_container_is_left_to_who_has_it(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct store_entry second = {.fd = -1, .journal_fd = -1};
	struct error err = {0};

	(void)state;
	assert_int_equal(store_reserve(store, "web1", &entry, &err), 0);
	assert_int_equal(store_try_lock(store, "web1", &second, &err), -EWOULDBLOCK);
	store_entry_unlock(&entry);
	assert_int_equal(store_try_lock(store, "web1", &second, &err), 0);
	assert_int_equal(store_remove(&second, &err), 0);
	store_entry_done(&second);
	assert_int_equal(store_entry_relock(&entry, &err), -ENOENT);
	assert_int_equal(store_lock(store, "web1", &second, &err), -ENOENT);
}

static void removing_takes_what_killed_commands_left_and_is_repeatable(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error err = {0};

	(void)state;
	put_journal("web1", other_boot, 0, 0);
	put("web1", RECORD_NAME, "{", 1);
	put("web1", CONFIG_NAME, "{}", 2);
	put("web1", START_SOCKET_NAME, "", 0);
	put("web1", ".record.json.17.tmp", "half", 4);
	put("web1", "unknown", "x", 1);
	assert_int_equal(store_lock(store, "web1", &entry, &err), 0);
	assert_int_equal(store_remove(&entry, &err), 0);
	assert_false(exists("web1"));
	assert_int_equal(store_remove(&entry, &err), 0);
}

/* --- Records --- */

static void a_record_is_read_back_and_a_missing_one_is_no_error_text(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	scoped_arena arena = {0};
	struct record record = make_record(other_boot);
	struct record back;
	struct error err = {0};

	(void)state;
	assert_int_equal(store_reserve(store, "web1", &entry, &err), 0);
	assert_int_equal(store_read_record(entry.fd, &arena, &back, &err), -ENOENT);
	assert_string_equal(err.text, "");
	assert_int_equal(store_write_record(entry.fd, &record, &err), 0);
	if (store_read_record(entry.fd, &arena, &back, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(back.bundle, "/b");
	assert_int_equal(back.pid, 4711);
	assert_int_equal(store_remove(&entry, &err), 0);
}

static void read_damaged(const char *text, size_t size, bool must_fail)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	scoped_arena arena = {0};
	struct record back;
	struct error err = {0};

	put("web1", RECORD_NAME, text, size);
	assert_int_equal(store_lock(store, "web1", &entry, &err), 0);

	int r = store_read_record(entry.fd, &arena, &back, &err);

	assert_true(r < 0 || !must_fail);
	assert_true(r < 0 || back.pid > 0);
	assert_int_equal(r < 0, err.text[0] != '\0');
}

static void a_record_cut_at_any_byte_is_an_error(void **state)
{
	struct record record = make_record(other_boot);
	scoped_str text = record_encode(&record);

	(void)state;
	assert_non_null(text);
	for (size_t size = 0; text[size] && size + 1 < strlen(text); size++)
		read_damaged(text, size, true);
	delete_by_force("web1");
}

static void a_record_with_any_bit_flipped_is_an_error_or_a_record(void **state)
{
	struct record record = make_record(other_boot);
	scoped_str text = record_encode(&record);

	(void)state;
	assert_non_null(text);
	for (size_t at = 0; text[at]; at++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			char good = text[at];

			text[at] = (char)((unsigned char)good ^ (1U << bit));
			read_damaged(text, strlen(text), false);
			text[at] = good;
		}
	delete_by_force("web1");
}

static void what_is_no_file_is_an_error_at_once(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	scoped_arena arena = {0};
	struct journal journal;
	struct record back;
	struct error err = {0};

	(void)state;
	assert_int_equal(store_reserve(store, "web1", &entry, &err), 0);
	assert_int_equal(mkfifoat(entry.fd, RECORD_NAME, 0600), 0);
	assert_int_equal(symlinkat("/dev/zero", entry.fd, JOURNAL_NAME), 0);
	assert_true(store_read_record(entry.fd, &arena, &back, &err) < 0);
	assert_true(journal_read(entry.fd, &arena, &journal, &err) < 0);
	store_entry_done(&entry);
	delete_by_force("web1");
}

/* --- Deleting what is damaged --- */

static void delete_by_force_needs_nothing_in_the_directory(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "null", "{\"id\":7}", "\xff\xfe"};

	(void)state;
	delete_by_force("never-there");
	put("web1", CONFIG_NAME, "", 0);
	delete_by_force("web1");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put("web1", RECORD_NAME, texts[i], strlen(texts[i]));
		put("web1", JOURNAL_NAME, texts[i], strlen(texts[i]));
		put("web1", CONFIG_NAME, texts[i], strlen(texts[i]));
		delete_by_force("web1");
	}
}

static void only_the_process_that_the_journal_means_is_killed(void **state)
{
	char boot[BOOT_ID_SIZE];
	struct error err = {0};
	pid_t pid = make_victim();
	uint64_t start = process_start_time(pid, NULL);

	(void)state;
	assert_int_equal(process_boot_id(boot, &err), 0);
	put_journal("web1", other_boot, pid, start);
	delete_by_force("web1");
	put_journal("web1", boot, pid, start + 1);
	delete_by_force("web1");
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	put_journal("web1", boot, pid, start);
	delete_by_force("web1");
	assert_int_equal(end_victim(pid), SIGKILL);
}

/* The record names another process with a start time that fits: the journal knows better. */
static void the_journal_is_believed_before_the_record(void **state)
{
	char boot[BOOT_ID_SIZE];
	struct error err = {0};
	struct record record = make_record(boot);
	pid_t ours = make_victim();
	pid_t other = make_victim();

	(void)state;
	assert_int_equal(process_boot_id(boot, &err), 0);
	put_journal("web1", boot, ours, process_start_time(ours, NULL));
	record.pid = other;
	record.start_time = process_start_time(other, NULL);

	scoped_str text = record_encode(&record);

	put("web1", RECORD_NAME, text, strlen(text));
	delete_by_force("web1");
	assert_int_equal(end_victim(ours), SIGKILL);
	assert_int_equal(end_victim(other), 0);
}

/* --- gc --- */

static unsigned int reports;

static void count_report(unused_parameter const char *id, unused_parameter const char *what,
                         unused_parameter void *context)
{
	reports++;
}

static void collect(unsigned int expected)
{
	struct error err = {0};

	reports = 0;
	assert_int_equal(container_gc(store, count_report, NULL, &err), 0);
	assert_int_equal(reports, expected);
}

static void gc_takes_what_was_cut_off_and_leaves_what_is_locked(void **state)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error err = {0};

	(void)state;
	assert_int_equal(store_reserve(store, "making", &entry, &err), 0);
	put("half", CONFIG_NAME, "{", 1);
	put("torn", RECORD_NAME, "{", 1);
	put_journal("old", other_boot, 0, 0);
	collect(3);
	assert_true(exists("making"));
	assert_int_equal(store_remove(&entry, &err), 0);
}

static void gc_leaves_a_container_whose_journal_is_damaged(void **state)
{
	char boot[BOOT_ID_SIZE];
	struct error err = {0};
	struct record record = make_record(boot);
	pid_t pid = make_victim();

	(void)state;
	assert_int_equal(process_boot_id(boot, &err), 0);
	record.pid = pid;
	record.start_time = process_start_time(pid, NULL);

	scoped_str text = record_encode(&record);

	put("web1", RECORD_NAME, text, strlen(text));
	collect(0);
	put("web1", JOURNAL_NAME, "lvm-run-journal", 15);
	collect(0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	delete_by_force("web1");
	assert_int_equal(end_victim(pid), SIGKILL);
}

#define in_root(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_root(ids_that_are_no_plain_names_are_refused),
		in_root(an_id_is_taken_once),
		in_root(a_directory_that_gc_removes_before_it_is_locked_is_made_again),
		in_root(an_id_of_an_earlier_boot_is_free),
		in_root(directories_that_could_be_ids_are_listed_in_order),
		in_root(a_root_that_others_may_write_to_is_refused),
		in_root(a_locked_container_is_left_to_who_has_it),
		in_root(removing_takes_what_killed_commands_left_and_is_repeatable),
		in_root(a_record_is_read_back_and_a_missing_one_is_no_error_text),
		in_root(a_record_cut_at_any_byte_is_an_error),
		in_root(a_record_with_any_bit_flipped_is_an_error_or_a_record),
		in_root(what_is_no_file_is_an_error_at_once),
		in_root(delete_by_force_needs_nothing_in_the_directory),
		in_root(only_the_process_that_the_journal_means_is_killed),
		in_root(the_journal_is_believed_before_the_record),
		in_root(gc_takes_what_was_cut_off_and_leaves_what_is_locked),
		in_root(gc_leaves_a_container_whose_journal_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
