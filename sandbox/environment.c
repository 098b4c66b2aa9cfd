#include "sandbox/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static const char *const harmless[] = {
	"PATH",
	"HOME",
	"USER",
	"LOGNAME",
	"SHELL",
	"TERM",
	"COLORTERM",
	"COLUMNS",
	"LINES",
	"LANG",
	"LANGUAGE",
	"TZ",
	"EDITOR",
	"PAGER",
	"MAKEFLAGS",
	"CC",
	"CXX",
	"CPP",
	"LD",
	"AR",
	"CFLAGS",
	"CPPFLAGS",
	"CXXFLAGS",
	"LDFLAGS",
	"DEB_BUILD_OPTIONS",
	"DEB_BUILD_PROFILES",
	"SOURCE_DATE_EPOCH",
	"NO_COLOR",
};

/* --reproducible: the same on every host; what the options set comes after these. */
static const char *const reproducible[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/tmp",
	"USER=build",
	"LOGNAME=build",
	"SHELL=/bin/sh",
	"LANG=C.UTF-8",
	"LC_ALL=C.UTF-8",
	"TZ=UTC",
	("SOURCE_DATE_EPOCH=" STRINGIFY(SANDBOX_EPOCH)),
};

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=");
}

static bool same_name(const char *a, const char *b)
{
	size_t length = name_length(a);

	return length == name_length(b) && strncmp(a, b, length) == 0;
}

bool environment_is_harmless(const char *entry)
{
	if (str_starts(entry, "LC_"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (same_name(entry, harmless[i]))
			return true;
	return false;
}

/* Whether an option speaks of the same variable: then its word holds. */
static bool is_overridden(const struct environment *environment, const char *entry)
{
	char *const *env = environment->options->env;

	for (size_t i = 0; env && env[i]; i++)
		if (same_name(env[i], entry))
			return true;
	return false;
}

/* The whole entry of the caller's variable of that name; null: he has none. */
static const char *find_own(const char *name)
{
	for (char **entry = environ; *entry; entry++)
		if (same_name(*entry, name))
			return *entry;
	return NULL;
}

/* SOURCE_DATE_EPOCH alone may say when the source is from. */
static const char *next_fixed(struct environment *environment)
{
	const char *entry = reproducible[environment->position++];
	const char *own =
		str_starts(entry, "SOURCE_DATE_EPOCH=") ? find_own("SOURCE_DATE_EPOCH") : NULL;

	return own ? own : entry;
}

/* The next of the caller's own or fixed ones, whether it is handed on or not; null at the end. */
static const char *next_candidate(struct environment *environment)
{
	if (environment->fixed)
		return environment->position < ARRAY_SIZE(reproducible) ? next_fixed(environment)
		                                                        : NULL;
	return environ[environment->position] ? environ[environment->position++] : NULL;
}

static const char *next_inherited(struct environment *environment)
{
	bool all = environment->fixed || environment->options->keep_env;

	for (const char *entry = next_candidate(environment); entry;
	     entry = next_candidate(environment)) {
		if (strchr(entry, '=') && (all || environment_is_harmless(entry)) &&
		    !is_overridden(environment, entry))
			return entry;
	}
	return NULL;
}

void environment_begin(struct environment *ret, const struct sandbox_options *options)
{
	*ret = (struct environment){.options = options, .fixed = options->reproducible};
}

const char *environment_next(struct environment *environment)
{
	char *const *env = environment->options->env;

	if (!environment->inherited) {
		const char *entry = next_inherited(environment);

		if (entry)
			return entry;
		environment->inherited = true;
		environment->position = 0;
	}
	while (env && env[environment->position]) {
		const char *entry = env[environment->position++];

		if (!strchr(entry, '='))
			entry = find_own(entry);
		if (entry)
			return entry;
	}
	return NULL;
}
