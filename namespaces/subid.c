#include "namespaces/subid.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/str.h"
#include "namespaces/tool.h"

enum { FILE_LIMIT = 4 * 1024 * 1024 };

char *subid_find_name(char *text, uid_t uid)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char *name = strsep(&line, ":");
		char *password = strsep(&line, ":");
		char *number = strsep(&line, ":");
		uint32_t value;

		if (password && number && parse_id(number, &value) == 0 && value == uid)
			return name;
	}
	return NULL;
}

static bool is_user(const char *who, uid_t uid, const char *name)
{
	uint32_t number;

	return (name && str_equal(who, name)) || (parse_id(who, &number) == 0 && number == uid);
}

/* "START:COUNT" */
static bool parse_range(char *text, struct subid_range *ret)
{
	char *start = strsep(&text, ":");
	uint64_t count;

	if (!text || parse_id(start, &ret->start) < 0 || parse_u64(text, &count) < 0)
		return false;
	if (count == 0 || count > UINT32_MAX - ret->start)
		return false;
	ret->count = (uint32_t)count;
	return true;
}

void subid_parse(char *text, uid_t uid, const char *name, struct subid_list *ret)
{
	char *line;

	ret->count = 0;
	while (ret->count < SUBID_RANGES_MAX && (line = strsep(&text, "\n"))) {
		char *who = strsep(&line, ":");

		if (line && is_user(who, uid, name) && parse_range(line, &ret->items[ret->count]))
			ret->count++;
	}
}

static char *ask_for_name(uid_t uid)
{
	static const char key[] = "name=";
	scoped_str request = str_format("user-name\nuid=%u\n", (unsigned int)uid);
	scoped_str answer = NULL;
	struct error why;

	if (!request || helper_ask(request, HELPER_TIMEOUT_MS, &answer, &why) < 0) {
		log_write(LOG_LEVEL_DEBUG, "the name of user %u: %s", (unsigned int)uid,
		          request ? why.text : "out of memory");
		return NULL;
	}
	if (!answer || !str_starts(answer, key))
		return NULL;
	answer[strcspn(answer, "\n")] = '\0';
	return strdup(answer + strlen(key));
}

char *subid_user_name(uid_t uid)
{
	scoped_str text = NULL;
	struct error ignored;

	if (file_read(AT_FDCWD, "/etc/passwd", FILE_LIMIT, &text, NULL, &ignored) < 0)
		return ask_for_name(uid);

	const char *name = subid_find_name(text, uid);

	return name ? strdup(name) : ask_for_name(uid);
}

/* --- Ranges that are not in the files --- */

bool subid_has_source(const char *text)
{
	static const char key[] = "subid:";

	for (; *text; text += *text == '\n') {
		text += strspn(text, " \t");
		if (str_starts(text, key))
			return true;
		text = strchrnul(text, '\n');
	}
	return false;
}

void subid_parse_answer(char *text, struct subid_list *ret)
{
	char *line;

	ret->count = 0;
	while (ret->count < SUBID_RANGES_MAX && (line = strsep(&text, "\n"))) {
		struct subid_range *range = &ret->items[ret->count];
		uint64_t index;
		uint64_t count;
		char *number = strsep(&line, ":");

		if (!line || parse_u64(number, &index) < 0 || *line != ' ')
			continue;
		line++;
		(void)strsep(&line, " "); /* the name */

		char *start = strsep(&line, " ");

		if (!line || parse_id(start, &range->start) < 0 || parse_u64(line, &count) < 0 ||
		    count == 0 || count > UINT32_MAX - range->start)
			continue;
		range->count = (uint32_t)count;
		ret->count++;
	}
}

static void ask_for_ranges(bool groups, const char *name, struct subid_list *ret)
{
	char *argv[] = {(char *)(uintptr_t) "getsubids", (char *)(uintptr_t) "-g",
	                (char *)(uintptr_t)name, NULL};
	char said[4096];
	struct error why;
	int status;

	if (!groups) {
		argv[1] = argv[2];
		argv[2] = NULL;
	}
	if (tool_run(argv, said, sizeof(said), &status, &why) < 0)
		log_write(LOG_LEVEL_DEBUG, "ranges of ids: %s", why.text);
	else
		subid_parse_answer(said, ret);
}

void subid_read(const char *path, uid_t uid, const char *name, struct subid_list *ret)
{
	scoped_str text = NULL;
	struct error ignored;

	ret->count = 0;
	if (file_read(AT_FDCWD, path, FILE_LIMIT, &text, NULL, &ignored) == 0)
		subid_parse(text, uid, name, ret);
	if (ret->count > 0 || !name)
		return;
	str_free(&text);
	if (file_read(AT_FDCWD, "/etc/nsswitch.conf", FILE_LIMIT, &text, NULL, &ignored) == 0 &&
	    subid_has_source(text))
		ask_for_ranges(str_equal(path, SUBGID_PATH), name, ret);
}
