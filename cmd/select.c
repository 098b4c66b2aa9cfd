#include "cmd/select.h"

#include <errno.h>
#include <regex.h>

static void free_ids(char ***ids)
{
	container_ids_free(ids);
}

static int compile(const char *pattern, regex_t *ret, struct error *err)
{
	char reason[128];
	int r = regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB);

	if (r == 0)
		return 0;
	(void)regerror(r, ret, reason, sizeof(reason));
	return error_set(err, EINVAL, "option --regex: %s", reason);
}

static int each_match(struct store *store, const regex_t *pattern, select_function *function,
                      void *context, struct error *err)
{
	scoped(free_ids) char **ids = NULL;
	size_t count = 0;
	struct error first = {0};
	int r = container_ids(store, &ids, &count, err);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		struct error one = {0};

		if (regexec(pattern, ids[i], 0, NULL, 0) != 0)
			continue;
		if (function(store, ids[i], context, &one) < 0 && first.code == 0) {
			first = one;
			(void)error_wrap(&first, "%s", ids[i]);
		}
	}
	if (r < 0 || first.code == 0)
		return r;
	*err = first;
	return -first.code;
}

int select_each(const struct call *call, bool regex, select_function *function, void *context,
                struct error *err)
{
	scoped_store store = NULL;
	regex_t pattern;
	int r = call_open_store(call, &store, err);

	if (r < 0)
		return r;
	if (!regex)
		return function(store, call->words[0], context, err);
	r = compile(call->words[0], &pattern, err);
	if (r < 0)
		return r;
	r = each_match(store, &pattern, function, context, err);
	regfree(&pattern);
	return r;
}
