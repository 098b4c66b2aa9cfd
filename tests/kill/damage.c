/* Records and journals that are gone, cut off or wrong, while the container lives. */
#include "kill.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16384 };

struct damage {
	const char *file; /* record.json or journal */
	char text[FILE_MAX];
	size_t size;
	bool both; /* the record is missing as well */
};

static const char with_group[] = "run -d -b /tmp/bundles/plain @";
static const char *victim = with_group;

static void path_of(const char *file, char *ret, size_t size)
{
	(void)snprintf(ret, size, STATE "/%s/%s", harness.id, file);
}

static bool load(struct damage *damage)
{
	char path[256];
	int fd = -1;
	ssize_t count = 0;

	path_of(damage->file, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	count = fd < 0 ? -1 : read(fd, damage->text, sizeof(damage->text) - 1);
	if (fd >= 0)
		(void)close(fd);
	if (count <= 0) {
		case_fail("set-up: %s cannot be read", path);
		return false;
	}
	damage->size = (size_t)count;
	damage->text[count] = '\0';
	return true;
}

static void store(const struct damage *damage)
{
	char path[256];

	path_of(damage->file, path, sizeof(path));
	(void)unlink(path);

	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, damage->text, damage->size) != (ssize_t)damage->size)
		case_fail("set-up: %s cannot be written", path);
	if (fd >= 0)
		(void)close(fd);
	if (damage->both) {
		path_of("record.json", path, sizeof(path));
		(void)unlink(path);
	}
}

static void expect_no_crash(const char *words)
{
	struct outcome outcome;

	command_run(words, &outcome);

	int code = exit_code(outcome.status);

	if (code != 0 && code != 1)
		case_fail("%s: exit status %d: %s", words, code, outcome.output);
	if (code == 1 && strncmp(outcome.output, "lvm-run: ", 9) != 0)
		case_fail("%s failed without a reason: %s", words, outcome.output);
}

static bool begin(const char *file, const char *what, unsigned long number)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s %s %lu", file, what, number);
	case_begin(name, "--part damage --seed %lu", (unsigned long)harness.seed);
	return command_expect(0, victim);
}

static void finish(void)
{
	expect_no_crash("state @");
	expect_no_crash("list");
	expect_no_crash("list --format json");
	remains_check_deleted();
	(void)case_end();
}

/* --- Instead of the file --- */

static void replace(const char *file, const char *what, const char *text, size_t size)
{
	struct damage damage = {.file = file, .size = size};

	memcpy(damage.text, text, size);
	if (begin(file, what, 0))
		store(&damage);
	finish();
}

static void replace_by_node(const char *file, const char *what, mode_t type)
{
	char path[256];

	path_of(file, path, sizeof(path));
	if (begin(file, what, 0) && unlink(path) == 0) {
		if (type == S_IFIFO && mkfifo(path, 0600) < 0)
			case_fail("set-up: mkfifo");
		if (type == S_IFLNK && symlink("/dev/zero", path) < 0)
			case_fail("set-up: symlink");
	}
	finish();
}

static void replace_all(const char *file)
{
	static const char *const texts[] = {"",     "{", "[]",       "{}",
	                                    "null", "0", "\"text\"", "{\"id\":"};
	char noise[4096];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		replace(file, texts[i], texts[i], strlen(texts[i]));
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)draw(256);
	replace(file, "noise", noise, sizeof(noise));
	memset(noise, '[', sizeof(noise));
	replace(file, "deep nesting", noise, sizeof(noise));
	memset(noise, 0, sizeof(noise));
	replace(file, "zeros", noise, sizeof(noise));
	replace_by_node(file, "missing", 0);
	replace_by_node(file, "a pipe", S_IFIFO);
	replace_by_node(file, "a link to /dev/zero", S_IFLNK);
}

/* --- Wrong types --- */

/* The `number`-th value of the record, textually, becomes another; false when it has fewer. */
static bool change_value(struct damage *damage, unsigned int number, const char *value)
{
	char *at = damage->text;
	char *end = NULL;
	char rest[FILE_MAX];

	for (unsigned int i = 0; at && i <= number; i++) {
		at = strstr(at, "\":");
		if (at)
			at += 2;
	}
	if (!at)
		return false;
	at += strspn(at, " ");
	end = at + 1;
	if (*at == '"')
		end = strchr(at + 1, '"') + 1;
	else if (*at != '{' && *at != '[')
		end = at + strcspn(at, ",}\n");
	(void)snprintf(rest, sizeof(rest), "%s", end);
	(void)snprintf(at, sizeof(damage->text) - (size_t)(at - damage->text), "%s%s", value, rest);
	damage->size = strlen(damage->text);
	return true;
}

static void change_values(void)
{
	static const char *const values[] = {"7",  "-1",   "\"\"", "\"/\"", "[]",
	                                     "{}", "null", "true", "1e99",  "\"../..\""};
	struct damage damage = {.file = "record.json"};
	bool more = true;

	for (unsigned int number = 0; more; number++) {
		/* All of them in the long run, one drawn for each value in the short one. */
		for (size_t i = 0; i < ARRAY_SIZE(values) && more; i++) {
			if (!harness.all)
				i = (size_t)draw(ARRAY_SIZE(values));
			if (begin("record.json", values[i], number) && load(&damage)) {
				more = change_value(&damage, number, values[i]);
				store(&damage);
			}
			finish();
			if (!harness.all)
				break;
		}
	}
}

/* --- Cut off, flipped --- */

static void cut_at(const char *file, size_t size, bool both)
{
	struct damage damage = {.file = file, .both = both};

	if (begin(file, both ? "without a record, cut at" : "cut at", size) && load(&damage)) {
		damage.size = size < damage.size ? size : damage.size - 1;
		store(&damage);
	}
	finish();
}

static size_t size_of(const char *file)
{
	struct damage damage = {.file = file};

	if (begin(file, "size", 0))
		(void)load(&damage);
	finish();
	return damage.size;
}

static void cut(const char *file, unsigned long samples, bool both)
{
	size_t size = size_of(file);

	if (harness.all)
		for (size_t i = harness.worker; i < size; i += harness.workers)
			cut_at(file, i, both);
	else
		for (unsigned long i = 0; i < samples; i++)
			cut_at(file, (size_t)draw(size), both);
}

static void flip(const char *file, unsigned long count)
{
	struct damage damage = {.file = file};

	for (unsigned long i = 0; i < count; i++) {
		if (begin(file, "flipped", i) && load(&damage)) {
			damage.text[draw(damage.size)] ^= (char)(1U << draw(8));
			store(&damage);
		}
		finish();
	}
}

/* Without a cgroup init has to be found by what else says which process it is. */
static void damage_without_group(const char *command, unsigned long samples)
{
	size_t size = 0;

	victim = command;
	size = size_of("journal");
	cut_at("journal", 0, true);
	cut_at("journal", 0, false);
	cut_at("journal", size - 1, true);
	for (unsigned long i = 0; i < samples; i++)
		cut_at("journal", (size_t)draw(size), true);
	cut("record.json", samples, false);
	replace_by_node("journal", "missing", 0);
	replace_by_node("journal", "a pipe", S_IFIFO);
	flip("journal", samples);
	victim = with_group;
}

void damage_run(void)
{
	unsigned long share = harness.all ? 1000 / harness.workers : 25;

	if (harness.worker == 0)
		replace_all("record.json");
	if (harness.worker == harness.workers - 1)
		replace_all("journal");
	if (harness.worker == 0)
		change_values();
	cut("record.json", share, false);
	cut("journal", share / 2, false);
	cut("journal", share / 2, true);
	flip("record.json", share);
	flip("journal", share / 2);
	damage_without_group("--cgroup-manager disabled run -d -b /tmp/bundles/plain @", share / 5);
	damage_without_group("--cgroup-manager disabled create -b /tmp/bundles/plain @", share / 5);
}
