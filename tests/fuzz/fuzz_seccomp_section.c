/*
 * The bytes stand where linux.seccomp belongs. When they are taken, the identity of the section is
 * those bytes and nothing else: a cached filter can never serve another profile. Alone (sandbox --seccomp) they are
 * a section too, and what is written of one (sandbox --learn) reads back as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "spec/encode.h"
#include "spec/json.h"
#include "spec/spec.h"
#include "spec/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **text, size_t *size)
{
	while (*size > 0 && is_space(**text)) {
		(*text)++;
		(*size)--;
	}
	while (*size > 0 && is_space((*text)[*size - 1]))
		(*size)--;
}

static void check(const struct spec *spec, const char *text, size_t size)
{
	const struct spec_seccomp *seccomp = &spec->linux.seccomp;
	struct error err = {0};

	trim(&text, &size);
	if (!seccomp->set || seccomp->canonical_size != size ||
	    memcmp(seccomp->canonical, text, size) != 0)
		abort();
	if (spec_validate(spec, &err) != -err.code)
		abort();
}

static char *write_again(const char *text, size_t size)
{
	scoped_spec spec = NULL;
	struct json_writer w = {0};
	struct error err = {0};

	if (spec_parse_seccomp("profile", text, size, &spec, &err) < 0)
		return NULL;
	spec_write_seccomp(&w, NULL, &spec->linux.seccomp);
	return json_writer_take(&w);
}

static void check_alone(const char *text, size_t size)
{
	scoped_str once = write_again(text, size);
	scoped_str twice = once ? write_again(once, strlen(once)) : NULL;

	if (once && (!twice || strcmp(once, twice) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_json alone = {0};
	scoped_strbuf text = {0};
	scoped_spec spec = NULL;
	struct error err = {0};

	/* Else the bytes could end the section and begin another member. */
	if (json_parse("alone", (const char *)data, size, &alone, &err) < 0)
		return 0;
	check_alone((const char *)data, size);
	err = (struct error){0};
	strbuf_adds(&text,
	            "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"/\"},\"linux\":{\"seccomp\":");
	strbuf_add(&text, (const char *)data, size);
	strbuf_adds(&text, "}}");
	if (spec_parse("config.json", text.data, text.length, &spec, &err) == 0)
		check(spec, (const char *)data, size);
	return 0;
}
