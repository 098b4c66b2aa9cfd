/*
 * lvm-run-helper: one request on standard input, one answer on standard output (base/helper.h). Started by
 * lvm-run only when it needs what a static program cannot hold.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "helper/legacy_service.h"
#include "helper/request.h"
#include "helper/resolve.h"
#include "helper/systemd_bus.h"
#include "helper/user_name.h"

enum { REQUEST_LIMIT = 1024 * 1024 };

static const struct {
	const char *name;
	int (*serve)(const struct request *request);
} services[] = {
	{"systemd-start", systemd_start}, {"systemd-set", systemd_set},
	{"systemd-stop", systemd_stop},   {"legacy-check", legacy_check},
	{"legacy-create", legacy_create}, {"legacy-set", legacy_set},
	{"legacy-remove", legacy_remove}, {"user-name", user_name},
	{"resolve", resolve_name},
};

/* All of standard input; null when it is too long or cannot be read. */
static char *read_request(void)
{
	char *text = malloc(REQUEST_LIMIT + 1);
	size_t size = 0;

	if (!text)
		return NULL;
	while (size < REQUEST_LIMIT) {
		ssize_t got = read(STDIN_FILENO, text + size, REQUEST_LIMIT - size);

		if (got == 0) {
			text[size] = '\0';
			return text;
		}
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			size += (size_t)got;
	}
	free(text);
	return NULL;
}

static int serve(const struct request *request)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (strcmp(request->service, services[i].name) == 0)
			return services[i].serve(request);
	}
	answer_error(EOPNOTSUPP, "the helper has no service \"%.40s\"; is it of another version?",
	             request->service);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc > 1 || isatty(STDIN_FILENO)) {
		(void)fprintf(stderr, "%s is started by lvm-run alone\n", argv[0]);
		return EXIT_FAILURE;
	}

	char *text = read_request();
	struct request request;
	int status = EXIT_FAILURE;

	if (!text || request_parse(text, &request) < 0) {
		answer_error(EINVAL, "the helper cannot read the request");
	} else {
		status = serve(&request);
		free(request.lines);
	}
	free(text);
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
