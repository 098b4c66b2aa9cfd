#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "spec/validate.h"

/* What the kernel takes as the name of an interface (IFNAMSIZ with the NUL). */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ || str_equal(name, ".") || str_equal(name, ".."))
		return false;
	for (; *name; name++) {
		if (strchr("/: \t\n\v\f\r", *name))
			return false;
	}
	return true;
}

/* "eth%d": the only percent sign, and the end of the name. */
static bool is_template(const char *name)
{
	const char *percent = strchr(name, '%');

	return percent && str_equal(percent, "%d");
}

static int check_device(const struct spec_net_device *device, const struct spec_sink *out)
{
	char path[60];

	snprintf(path, sizeof(path), "linux.netDevices[\"%.20s\"]", device->host);
	if (!is_name(device->host) || strchr(device->host, '%'))
		return spec_invalid(out, path, "is no name of a network interface");
	if (str_equal(device->host, "lo"))
		return spec_invalid(out, path, "the loopback interface cannot be moved");
	if (!device->name)
		return 0;
	snprintf(path, sizeof(path), "linux.netDevices[\"%.20s\"].name", device->host);
	if (!is_name(device->name) || (strchr(device->name, '%') && !is_template(device->name)))
		return spec_invalid(
			out, path,
			"\"%.40s\" is no name of a network interface (at most %d bytes, "
			"no blank, slash or colon; %%d only at the end)",
			device->name, IFNAMSIZ - 1);
	return 0;
}

static const char *name_inside(const struct spec_net_device *device)
{
	return device->name ? device->name : device->host;
}

/* Two devices cannot have one name; a template gives each its own. */
static int check_unique(const struct spec_linux *l, size_t index, const struct spec_sink *out)
{
	const char *name = name_inside(&l->net_devices[index]);

	for (size_t i = 0; i < index && !is_template(name); i++) {
		if (str_equal(name_inside(&l->net_devices[i]), name))
			return spec_invalid(out, "linux.netDevices",
			                    "\"%s\" and \"%s\" would both be called \"%s\" in the "
			                    "container",
			                    l->net_devices[i].host, l->net_devices[index].host,
			                    name);
	}
	return 0;
}

int spec_check_net_devices(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_linux *l = &spec->linux;
	int r = 0;

	if (l->net_device_count > 0 && !l->namespaces[NAMESPACE_NETWORK].set)
		return spec_invalid(out, "linux.netDevices",
		                    "needs a network namespace in linux.namespaces");
	for (size_t i = 0; r == 0 && i < l->net_device_count; i++) {
		r = check_device(&l->net_devices[i], out);
		if (r == 0)
			r = check_unique(l, i, out);
	}
	return r;
}
