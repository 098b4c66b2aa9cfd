#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "spec/validate.h"

/* The name of a directory in the resctrl file system, where three names are the kernel's own. */
static bool is_class_name(const char *name)
{
	static const char *const reserved[] = {".", "..", "info", "mon_groups", "mon_data"};

	if (str_equal(name, "/"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (str_equal(name, reserved[i]))
			return false;
	}
	return strlen(name) <= 255 && !strpbrk(name, "/\n");
}

int spec_check_intel_rdt(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_intel_rdt *rdt = &spec->linux.intel_rdt;
	const char *bandwidth = rdt->memory_bandwidth_schema;
	char path[50];

	if (rdt->clos_id && !is_class_name(rdt->clos_id))
		return spec_invalid(out, "linux.intelRdt.closID",
		                    "\"%.100s\" is no name of a class of service", rdt->clos_id);
	if (bandwidth && (!str_starts(bandwidth, "MB:") || strchr(bandwidth, '\n')))
		return spec_invalid(out, "linux.intelRdt.memBwSchema",
		                    "\"%.100s\" is not one line that begins with MB:", bandwidth);
	for (size_t i = 0; i < rdt->schemata.count; i++) {
		const char *line = rdt->schemata.items[i];

		snprintf(path, sizeof(path), "linux.intelRdt.schemata[%zu]", i);
		if (!strchr(line, ':') || strchr(line, '\n'))
			return spec_invalid(out, path, "\"%.100s\" is not one line like L3:0=ff",
			                    line);
	}
	return 0;
}
