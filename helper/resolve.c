#include "helper/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int code_of(int failure)
{
	switch (failure) {
	case EAI_SYSTEM:
		return errno;
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_AGAIN:
		return EAGAIN;
	default:
		return ENOENT;
	}
}

int resolve_name(const struct request *request)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	const char *name = request_get(request, "name");
	struct addrinfo *found = NULL;
	char text[NI_MAXHOST];

	if (!name || !*name) {
		answer_error(EINVAL, "resolve: no name");
		return EXIT_FAILURE;
	}

	int r = getaddrinfo(name, NULL, &hints, &found);

	if (r != 0) {
		answer_error(code_of(r), "%s: %s", name,
		             r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return EXIT_FAILURE;
	}
	answer_ok();
	for (const struct addrinfo *at = found; at; at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0,
		                NI_NUMERICHOST) == 0)
			(void)printf("%s\n", text);
	freeaddrinfo(found);
	return EXIT_SUCCESS;
}
