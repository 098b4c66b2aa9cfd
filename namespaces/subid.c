#include "namespaces/subid.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/str.h"

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

void subid_read(const char *path, uid_t uid, const char *name, struct subid_list *ret)
{
	scoped_str text = NULL;
	struct error ignored;

	ret->count = 0;
	if (file_read(AT_FDCWD, path, FILE_LIMIT, &text, NULL, &ignored) == 0)
		subid_parse(text, uid, name, ret);
}
