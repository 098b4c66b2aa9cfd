/* What a sandbox may reach: any text; what is accepted is a plain name or a range without host bits. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/allow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char name_characters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct allow allow;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (allow_parse(text, &allow, &err) < 0) {
		if (!err.code || !err.text[0])
			abort();
	} else {
		if (allow.first > allow.last || (allow.last && !allow.first))
			abort();
		/* It becomes a line of /etc/hosts. */
		if (allow.name[strspn(allow.name, name_characters)])
			abort();
		if (!allow.name[0] && allow.address.family != AF_INET &&
		    allow.address.family != AF_INET6)
			abort();
		if (!allow.name[0])
			(void)allow_find_network(&allow.address);
	}
	free(text);
	return 0;
}
