#include "runtime/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

enum { LINK_SIZE = 128 };

static const char magic_key[] = "lvm-run-journal";
static const char magic_value[] = "1";
static const char made_key[] = "cgroup-made";
static const char legacy_key[] = "cgroup-legacy";

/* The string facts: one list for writing and reading. */
static const struct {
	const char *key;
	size_t offset;
} facts[] = {
	{"id", offsetof(struct journal, id)},
	{"boot", offsetof(struct journal, boot_id)},
	{"cgroup-driver", offsetof(struct journal, cgroup_driver)},
	{"cgroup-mount", offsetof(struct journal, cgroup_mount)},
	{"cgroup-path", offsetof(struct journal, cgroup_path)},
	{"cgroup-scope", offsetof(struct journal, cgroup_scope)},
	{"resctrl-group", offsetof(struct journal, resctrl_group)},
	{"resctrl-monitor", offsetof(struct journal, resctrl_monitor)},
	{made_key, offsetof(struct journal, cgroup_made)},
	{legacy_key, offsetof(struct journal, cgroup_legacy)},
};

static char **fact(struct journal *journal, size_t index)
{
	return (char **)(void *)((char *)journal + facts[index].offset);
}

/* FNV-1a, 32 bits: against torn and garbled lines, not against malice (the directory is root's). */
static uint32_t checksum(const char *text, size_t size)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619U;
	return hash;
}

static void add_line(struct strbuf *text, const char *key, const char *value)
{
	size_t start = text->length;

	strbuf_addf(text, "%s %s", key, value);
	if (!text->failed)
		strbuf_addf(text, " %08" PRIx32 "\n",
		            checksum(text->data + start, text->length - start));
}

static int write_lines(int fd, const struct strbuf *text, struct error *err)
{
	if (text->failed)
		return error_code(err, ENOMEM, "write journal");

	int r = fd_write_all(fd, text->data, text->length);

	return r < 0 ? error_code(err, -r, "write journal") : 0;
}

int journal_begin(int dirfd, const struct journal *intent, int *ret_fd, struct error *err)
{
	scoped_strbuf text = {0};
	struct journal copy = *intent;
	scoped_fd fd = openat(dirfd, JOURNAL_NAME,
	                      O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "create journal");
	add_line(&text, magic_key, magic_value);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (*fact(&copy, i))
			add_line(&text, facts[i].key, *fact(&copy, i));

	int r = write_lines(fd, &text, err);

	if (r < 0)
		return r;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int add_fact(int fd, const char *key, const char *value, struct error *err)
{
	scoped_strbuf text = {0};

	add_line(&text, key, value);
	return write_lines(fd, &text, err);
}

int journal_add_process(int fd, pid_t pid, uint64_t start_time, struct error *err)
{
	char value[48];

	(void)snprintf(value, sizeof(value), "%d %" PRIu64, pid, start_time);
	return add_fact(fd, "process", value, err);
}

int journal_add_made(int fd, const char *made, struct error *err)
{
	return add_fact(fd, made_key, made, err);
}

int journal_add_legacy(int fd, const char *legacy, struct error *err)
{
	return add_fact(fd, legacy_key, legacy, err);
}

static void parse_process(const char *value, struct journal *journal)
{
	char number[16] = "";
	const char *blank = strchr(value, ' ');
	uint64_t start = 0;
	int pid = 0;

	if (!blank || (size_t)(blank - value) >= sizeof(number))
		return;
	memcpy(number, value, (size_t)(blank - value));
	if (parse_int(number, 1, INT_MAX, &pid) < 0 || parse_u64(blank + 1, &start) < 0)
		return;
	journal->pid = pid;
	journal->start_time = start;
}

static int take_fact(struct arena *arena, struct journal *journal, const char *key,
                     const char *value)
{
	if (str_equal(key, "process"))
		parse_process(value, journal);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (!str_equal(key, facts[i].key))
			continue;
		/* Each is a way to the same group: the shorter one has the other in it. */
		if (str_equal(key, made_key) && journal->cgroup_made &&
		    strlen(journal->cgroup_made) <= strlen(value))
			continue;
		*fact(journal, i) = arena_strdup(arena, value);
		return *fact(journal, i) ? 0 : -ENOMEM;
	}
	return 0;
}

/* Checks one line "KEY VALUE CHECKSUM" and cuts it into its parts; false when it is damaged. */
static bool split_line(char *line, size_t size, char **ret_key, char **ret_value)
{
	char expected[10];

	if (size < 12 || line[size - 9] != ' ')
		return false;
	(void)snprintf(expected, sizeof(expected), " %08" PRIx32, checksum(line, size - 9));
	if (strcmp(line + size - 9, expected) != 0)
		return false;
	line[size - 9] = '\0';
	*ret_key = line;
	*ret_value = strchr(line, ' ');
	if (!*ret_value)
		return false;
	*(*ret_value)++ = '\0';
	return true;
}

int journal_parse(struct arena *arena, const char *text, size_t size, struct journal *ret)
{
	char *line = arena_strndup(arena, text, size);
	bool first = true;

	*ret = (struct journal){0};
	if (!line)
		return -ENOMEM;
	for (char *end = NULL; (end = strchr(line, '\n')); line = end + 1) {
		char *key = NULL;
		char *value = NULL;

		*end = '\0';
		if (!split_line(line, (size_t)(end - line), &key, &value))
			break;
		if (first && (!str_equal(key, magic_key) || !str_equal(value, magic_value)))
			break;
		first = false;

		int r = take_fact(arena, ret, key, value);

		if (r < 0)
			return r;
	}
	return 0;
}

int journal_link_process(int dirfd, const char *boot_id, pid_t pid, uint64_t start_time,
                         struct error *err)
{
	char target[LINK_SIZE];

	(void)snprintf(target, sizeof(target), "%s %d %" PRIu64, boot_id, pid, start_time);
	return symlinkat(target, dirfd, PROCESS_LINK_NAME) < 0
	               ? error_errno(err, "name the process of init")
	               : 0;
}

/* What the link says goes for all that the journal does not: only a container without a cgroup has one. */
static int read_link(int dirfd, struct arena *arena, struct journal *journal)
{
	char target[LINK_SIZE] = "";
	ssize_t size = readlinkat(dirfd, PROCESS_LINK_NAME, target, sizeof(target) - 1);
	char *blank = size > 0 ? strchr(target, ' ') : NULL;

	if (!blank)
		return -ENOENT;
	*blank = '\0';
	parse_process(blank + 1, journal);
	journal->boot_id = arena_strdup(arena, target);
	journal->cgroup_driver = arena_strdup(arena, cgroup_driver_name(CGROUP_DRIVER_DISABLED));
	return journal->boot_id && journal->cgroup_driver ? 0 : -ENOMEM;
}

static int read_file(int dirfd, struct arena *arena, struct journal *ret, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int r = file_read(dirfd, JOURNAL_NAME, JOURNAL_SIZE_LIMIT, &text, &size, err);

	if (r < 0)
		return r;
	r = journal_parse(arena, text, size, ret);
	return r < 0 ? error_code(err, -r, "read journal") : 0;
}

int journal_read(int dirfd, struct arena *arena, struct journal *ret, struct error *err)
{
	struct journal journal = {0};
	struct error failure;
	int r = read_file(dirfd, arena, &journal, &failure);

	if (journal.pid == 0 && read_link(dirfd, arena, &journal) == 0)
		r = 0;
	if (r == 0)
		*ret = journal;
	else if (r != -ENOENT)
		*err = failure;
	return r;
}

bool journal_cgroup(const struct journal *journal, struct cgroup_location *ret)
{
	enum cgroup_driver driver;

	if (!journal->cgroup_driver || !journal->cgroup_mount || !journal->cgroup_path)
		return false;
	if (cgroup_driver_parse(journal->cgroup_driver, &driver) < 0)
		return false;
	*ret = (struct cgroup_location){
		.driver = driver,
		.mount = journal->cgroup_mount,
		.path = journal->cgroup_path,
		.scope = journal->cgroup_scope,
		.made = journal->cgroup_made,
		.legacy = journal->cgroup_legacy,
	};
	return true;
}
