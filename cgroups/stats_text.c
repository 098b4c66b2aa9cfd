#include "cgroups/stats_text.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { NUMBER_SIZE = 24 };

/* The number that the first `size` bytes are. */
static struct optional_u64 number_of(const char *text, size_t size)
{
	struct optional_u64 number = {0};
	char digits[NUMBER_SIZE];

	if (size >= sizeof(digits))
		return number;
	memcpy(digits, text, size);
	digits[size] = '\0';
	number.set = parse_u64(digits, &number.value) == 0;
	return number;
}

static const char *next_line(const char *text)
{
	text = strchrnul(text, '\n');
	return text + (*text == '\n');
}

struct optional_u64 stats_text_number(const char *text)
{
	size_t size = strcspn(text, "\n");

	if (size == strlen("max") && str_starts(text, "max"))
		return (struct optional_u64){.set = true, .value = STATS_NO_LIMIT};
	return number_of(text, size);
}

struct optional_u64 stats_text_key(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (; *text; text = next_line(text)) {
		if (strncmp(text, key, length) == 0 && text[length] == ' ')
			return number_of(text + length + 1, strcspn(text + length + 1, "\n"));
	}
	return (struct optional_u64){0};
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text = next_line(text))
		count++;
	return count;
}

int stats_text_entries(const char *text, struct arena *arena, struct stats_entry **ret,
                       size_t *ret_count)
{
	struct stats_entry *entries = arena_alloc(arena, count_lines(text) + 1, sizeof(*entries));
	size_t count = 0;

	for (; entries && *text; text = next_line(text)) {
		size_t key = strcspn(text, " \n");
		struct optional_u64 number = {0};

		if (key > 0 && text[key] == ' ')
			number = number_of(text + key + 1, strcspn(text + key + 1, "\n"));
		if (!number.set)
			continue;
		entries[count].key = arena_strndup(arena, text, key);
		entries[count].value = number.value;
		if (!entries[count++].key)
			return -ENOMEM;
	}
	*ret = entries;
	*ret_count = count;
	return entries ? 0 : -ENOMEM;
}

/* --- io.stat --- */

/* "8:0", ended by a blank. */
static bool read_device(const char *text, struct stats_device *ret)
{
	size_t major = strcspn(text, ": \n");
	size_t minor = text[major] == ':' ? strcspn(text + major + 1, " \n") : 0;
	struct optional_u64 first = number_of(text, major);
	struct optional_u64 second = number_of(text + major + (minor > 0), minor);

	if (!first.set || !second.set || first.value > UINT32_MAX || second.value > UINT32_MAX)
		return false;
	ret->major = (uint32_t)first.value;
	ret->minor = (uint32_t)second.value;
	return true;
}

/* The number behind `key` ("rbytes=") among the words of the line. */
static struct optional_u64 word_number(const char *line, const char *key)
{
	size_t length = strlen(key);

	while (*line && *line != '\n') {
		size_t size = strcspn(line, " \n");

		if (size > length && strncmp(line, key, length) == 0)
			return number_of(line + length, size - length);
		line += size;
		line += *line == ' ';
	}
	return (struct optional_u64){0};
}

int stats_text_devices(const char *text, struct arena *arena, struct stats_device **ret,
                       size_t *ret_count)
{
	struct stats_device *devices = arena_alloc(arena, count_lines(text) + 1, sizeof(*devices));
	size_t count = 0;

	for (; devices && *text; text = next_line(text)) {
		struct stats_device *device = &devices[count];

		if (!read_device(text, device))
			continue;
		device->read_bytes = word_number(text, "rbytes=");
		device->write_bytes = word_number(text, "wbytes=");
		device->reads = word_number(text, "rios=");
		device->writes = word_number(text, "wios=");
		count++;
	}
	*ret = devices;
	*ret_count = count;
	return devices ? 0 : -ENOMEM;
}

/* The device among the first `count`, or the one after them. */
static struct stats_device *find_device(struct stats_device *devices, size_t *count,
                                        const struct stats_device *device)
{
	for (size_t i = 0; i < *count; i++) {
		if (devices[i].major == device->major && devices[i].minor == device->minor)
			return &devices[i];
	}
	devices[*count] = *device;
	return &devices[(*count)++];
}

int stats_text_legacy_devices(const char *text, bool bytes, struct arena *arena,
                              struct stats_device **ret, size_t *ret_count)
{
	struct stats_device *devices =
		arena_alloc(arena, *ret_count + count_lines(text) + 1, sizeof(*devices));
	size_t count = *ret_count;

	if (!devices)
		return -ENOMEM;
	if (count > 0)
		memcpy(devices, *ret, count * sizeof(*devices));
	for (; *text; text = next_line(text)) {
		const char *word = text + strcspn(text, " \n");
		struct stats_device device = {0};
		bool reads = str_starts(word, " Read ");

		if ((!reads && !str_starts(word, " Write ")) || !read_device(text, &device))
			continue;
		word += reads ? strlen(" Read ") : strlen(" Write ");

		struct stats_device *to = find_device(devices, &count, &device);
		struct optional_u64 number = number_of(word, strcspn(word, "\n"));

		if (reads)
			*(bytes ? &to->read_bytes : &to->reads) = number;
		else
			*(bytes ? &to->write_bytes : &to->writes) = number;
	}
	*ret = devices;
	*ret_count = count;
	return 0;
}

/* --- Pressure --- */

/* "12.34" as 1234. */
static bool read_hundredths(const char *line, const char *key, uint32_t *ret)
{
	const char *end = strchrnul(line, '\n');
	const char *at = strstr(line, key);
	struct optional_u64 whole;
	struct optional_u64 part;

	if (!at || at > end)
		return false;
	at += strlen(key);

	size_t size = strcspn(at, ". \n");

	if (at[size] != '.' || strcspn(at + size + 1, " \n") != 2)
		return false;
	whole = number_of(at, size);
	part = number_of(at + size + 1, 2);
	if (!whole.set || !part.set || whole.value > 1000)
		return false;
	*ret = (uint32_t)(whole.value * 100 + part.value);
	return true;
}

static struct stats_stall read_stall(const char *line)
{
	struct stats_stall stall = {0};
	struct optional_u64 total = word_number(line, "total=");

	if (!total.set || !read_hundredths(line, " avg10=", &stall.avg10) ||
	    !read_hundredths(line, " avg60=", &stall.avg60) ||
	    !read_hundredths(line, " avg300=", &stall.avg300))
		return (struct stats_stall){0};
	stall.total_us = total.value;
	stall.set = true;
	return stall;
}

void stats_text_pressure(const char *text, struct stats_pressure *ret)
{
	*ret = (struct stats_pressure){0};
	for (; *text; text = next_line(text)) {
		if (str_starts(text, "some "))
			ret->some = read_stall(text);
		else if (str_starts(text, "full "))
			ret->full = read_stall(text);
	}
}

/* --- Huge pages --- */

bool stats_text_page_size(const char *file, const char *suffix, char *ret, size_t size)
{
	static const char prefix[] = "hugetlb.";
	size_t length;

	if (!str_starts(file, prefix))
		return false;
	file += strlen(prefix);
	length = strcspn(file, ".");
	if (length == 0 || length >= size || file[length] != '.' ||
	    !str_equal(file + length + 1, suffix))
		return false;
	memcpy(ret, file, length);
	ret[length] = '\0';
	return true;
}
