#include "helper/user_name.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* What could stand in /etc/subuid, and in one line of an answer. */
static bool is_plain(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == ':' || *c == 0x7f)
			return false;
	return *name != '\0';
}

int user_name(const struct request *request)
{
	const char *text = request_get(request, "uid");
	uint32_t uid = 0;

	if (!text || parse_id(text, &uid) < 0) {
		answer_error(EINVAL, "user-name: the request has no uid");
		return EXIT_FAILURE;
	}

	const struct passwd *entry = getpwuid(uid);

	if (!entry || !is_plain(entry->pw_name)) {
		answer_error(ENOENT, "no user has the number %u", (unsigned int)uid);
		return EXIT_FAILURE;
	}
	answer_ok();
	(void)printf("name=%s\n", entry->pw_name);
	return EXIT_SUCCESS;
}
