/* A process object (exec --process) and, of the same bytes, a resources object (update --resources). */
#include <stdlib.h>

#include "spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_process(const char *text, size_t size)
{
	struct error err = {0};
	scoped_spec spec = NULL;
	int r = spec_parse_process("process.json", text, size, &spec, &err);

	if (r != -err.code || (r < 0) != !spec)
		abort();
	if (r < 0)
		return;
	if (!spec->has_process || !spec->process.cwd ||
	    spec->process.args.items[spec->process.args.count])
		abort();
	r = spec_validate_process(&spec->process, &err);
	if (r != -err.code)
		abort();
}

static void parse_resources(const char *text, size_t size)
{
	struct error err = {0};
	scoped_spec spec = NULL;
	int r = spec_parse_resources("resources.json", text, size, &spec, &err);

	if (r != -err.code || (r < 0) != !spec)
		abort();
	if (r == 0 && spec_validate_resources(spec, &err) != -err.code)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_process((const char *)data, size);
	parse_resources((const char *)data, size);
	return 0;
}
