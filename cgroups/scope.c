#include "cgroups/scope.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpulist.h"
#include "base/helper.h"
#include "cgroups/gvariant.h"

/* --- Properties --- */

static void add_property(struct strbuf *to, const char *name, const char *type, const char *value)
{
	char head[80];

	(void)snprintf(head, sizeof(head), "%s %s", name, type);
	helper_add(to, "property", head);
	helper_add(to, "value", value);
}

static void add_number(struct strbuf *to, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	add_property(to, name, "t", text);
}

/* --- Limits, so that systemd writes the same as we do and keeps it when it reloads --- */

typedef void limit_writer(struct strbuf *to, const char *name, const char *value);

/* "max" is the greatest number to systemd. What is neither is left to the file alone. */
static bool read_amount(const char *text, uint64_t *ret)
{
	if (str_equal(text, "max")) {
		*ret = UINT64_MAX;
		return true;
	}
	return parse_u64(text, ret) == 0;
}

static void write_amount(struct strbuf *to, const char *name, const char *value)
{
	uint64_t amount = 0;

	if (read_amount(value, &amount))
		add_number(to, name, amount);
}

/* Before, systemd does not touch the file. */
static void write_zswap(struct strbuf *to, const char *name, const char *value)
{
	uint64_t amount = 0;

	if (!read_amount(value, &amount))
		return;
	helper_add(to, "since", "253");
	add_number(to, name, amount);
}

static void write_idle(struct strbuf *to, const char *name, const char *value)
{
	if (str_equal(value, "1"))
		add_number(to, name, 0); /* since systemd 252: the weight of an idle unit */
}

/* "QUOTA PERIOD" to time per second; systemd has it in steps of 10 ms, rounded up. */
static void write_quota(struct strbuf *to, const char *name, const char *value)
{
	enum { STEP_US = 10000, SECOND_US = 1000000 };
	size_t size = strcspn(value, " ");
	scoped_str quota = strndup(value, size);
	uint64_t amount = 0;
	uint64_t period = 0;

	if (!quota || !value[size] || !read_amount(quota, &amount) ||
	    parse_u64(value + size + 1, &period) < 0 || period == 0)
		return;
	if (amount != UINT64_MAX) {
		if (amount > UINT64_MAX / SECOND_US - STEP_US)
			return;
		amount = amount * SECOND_US / period;
		amount = (amount + STEP_US - 1) / STEP_US * STEP_US;
	}
	add_number(to, name, amount);
	add_number(to, "CPUQuotaPeriodUSec", period);
}

static void write_list(struct strbuf *to, const char *name, const char *value)
{
	struct cpulist list;
	char head[80];
	char number[8];

	if (cpulist_parse(value, &list) < 0)
		return;
	(void)snprintf(head, sizeof(head), "%s ay", name);
	helper_add(to, "property", head);
	for (size_t i = 0; i < list.used; i++) {
		(void)snprintf(number, sizeof(number), "%u", list.bytes[i]);
		helper_add(to, "value", number);
	}
}

/* "MAJOR:MINOR REST": the device as a path; null for another text. Lines come one a limit. */
static char *read_device(const char *line, const char **ret_rest)
{
	size_t size = strspn(line, "0123456789:");

	if (line[size] != ' ' || !memchr(line, ':', size))
		return NULL;
	*ret_rest = line + size + 1;
	return str_format("/dev/block/%.*s", (int)size, line);
}

static void write_device(struct strbuf *to, const char *name, const char *device,
                         const char *amount)
{
	uint64_t number = 0;

	if (!read_amount(amount, &number))
		return;

	scoped_str value = str_format("%s %" PRIu64, device, number);

	if (value)
		add_property(to, name, "a(st)", value);
}

/* io.weight: of the group, or of one device. */
static void write_weight(struct strbuf *to, const char *name, const char *value)
{
	const char *rest = NULL;
	scoped_str device = read_device(value, &rest);

	if (device)
		write_device(to, "IODeviceWeight", device, rest);
	else
		write_amount(to, name, value);
}

/* io.max: "8:0 rbps=1000" */
static void write_throttle(struct strbuf *to, const char *name, const char *value)
{
	static const struct {
		const char *key;
		const char *property;
	} keys[] = {
		{"rbps=", "IOReadBandwidthMax"},
		{"wbps=", "IOWriteBandwidthMax"},
		{"riops=", "IOReadIOPSMax"},
		{"wiops=", "IOWriteIOPSMax"},
	};
	const char *rest = NULL;
	scoped_str device = read_device(value, &rest);

	(void)name;
	for (size_t i = 0; device && i < ARRAY_SIZE(keys); i++) {
		if (str_starts(rest, keys[i].key))
			write_device(to, keys[i].property, device, rest + strlen(keys[i].key));
	}
}

static const struct {
	const char *file;
	const char *property;
	limit_writer *write;
} mapped[] = {
	{"memory.max", "MemoryMax", write_amount},
	{"memory.low", "MemoryLow", write_amount},
	{"memory.high", "MemoryHigh", write_amount},
	{"memory.min", "MemoryMin", write_amount},
	{"memory.swap.max", "MemorySwapMax", write_amount},
	{"memory.zswap.max", "MemoryZSwapMax", write_zswap},
	{"cpu.weight", "CPUWeight", write_amount},
	{"cpu.idle", "CPUWeight", write_idle},
	{"cpu.max", "CPUQuotaPerSecUSec", write_quota},
	{"cpuset.cpus", "AllowedCPUs", write_list},
	{"cpuset.mems", "AllowedMemoryNodes", write_list},
	{"pids.max", "TasksMax", write_amount},
	{"io.weight", "IOWeight", write_weight},
	{"io.max", NULL, write_throttle},
};

static void add_limit(struct strbuf *to, const struct limit *limit)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapped); i++) {
		if (str_equal(limit->file, mapped[i].file))
			mapped[i].write(to, mapped[i].property, limit->value);
		else if (limit->fallback_file && str_equal(limit->fallback_file, mapped[i].file))
			mapped[i].write(to, mapped[i].property, limit->fallback_value);
	}
}

/* --- Annotations org.systemd.property.<Name> --- */

static bool name_is_good(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t size = strlen(name);

	return size >= 3 && size < 64 && strspn(name, letters) == size;
}

/* "…Sec" is not a property of D-Bus, but its "…USec" is, in microseconds. */
static bool is_seconds(const char *name)
{
	return str_ends(name, "Sec") && !str_ends(name, "USec");
}

static int add_seconds(struct strbuf *to, const char *name, const struct gvariant *value)
{
	char usec[72];
	uint64_t seconds = 0;

	if (value->array || parse_u64(value->items[0], &seconds) < 0 ||
	    seconds > UINT64_MAX / 1000000)
		return -EINVAL;
	(void)snprintf(usec, sizeof(usec), "%.*sUSec", (int)(strlen(name) - strlen("Sec")), name);
	add_number(to, usec, seconds * 1000000);
	return 0;
}

static int add_annotation(struct strbuf *to, const char *name, const char *text)
{
	scoped_arena arena = {0};
	struct gvariant value;
	char head[80];
	int r = name_is_good(name) ? gvariant_parse(text, &arena, &value) : -EINVAL;

	if (r < 0)
		return r;
	if (is_seconds(name))
		return add_seconds(to, name, &value);
	(void)snprintf(head, sizeof(head), "%s %s%c", name, value.array ? "a" : "", value.type);
	helper_add(to, "property", head);
	for (size_t i = 0; i < value.count; i++)
		helper_add(to, "value", value.items[i]);
	return 0;
}

static int add_annotations(const struct scope_request *request, struct strbuf *to,
                           struct error *err)
{
	static const char prefix[] = "org.systemd.property.";

	for (size_t i = 0; i < request->annotation_count; i++) {
		const struct spec_annotation *entry = &request->annotations[i];

		if (!str_starts(entry->key, prefix))
			continue;
		if (add_annotation(to, entry->key + strlen(prefix), entry->value) < 0)
			return error_set(
				err, EINVAL,
				"annotations.%s: \"%s\" is not a property and its value as "
				"text, like 'text', true or uint64 5",
				entry->key, entry->value);
	}
	return 0;
}

/* --- Requests --- */

static void add_head(struct strbuf *to, const char *service, bool user_bus, const char *unit)
{
	char timeout[16];

	(void)snprintf(timeout, sizeof(timeout), "%d", HELPER_TIMEOUT_MS);
	strbuf_addf(to, "%s\n", service);
	helper_add(to, "bus", user_bus ? "user" : "system");
	helper_add(to, "timeout", timeout);
	helper_add(to, "unit", unit);
}

int scope_write_start(const struct scope_request *request, struct strbuf *ret, struct error *err)
{
	const struct unit_path *unit = request->unit;
	bool slice = str_ends(unit->unit, ".slice");
	scoped_str description = str_format("lvm-run container %s", request->id);

	if (!description)
		return error_code(err, ENOMEM, "systemd scope");
	add_head(ret, "systemd-start", request->user_bus, unit->unit);
	add_property(ret, "Description", "s", description);
	if (slice) {
		/* A slice's place follows from its name; it can be neither moved nor delegated. */
		add_property(ret, "Wants", "as", unit->slice);
	} else {
		add_property(ret, "Slice", "s", unit->slice);
		add_property(ret, "Delegate", "b", "true");
		/* Forgotten by systemd as soon as its processes are gone, even if it failed. */
		add_property(ret, "CollectMode", "s", "inactive-or-failed");
	}
	add_property(ret, "DefaultDependencies", "b", "false");
	add_property(ret, "CPUAccounting", "b", "true");
	add_property(ret, "MemoryAccounting", "b", "true");
	add_property(ret, "IOAccounting", "b", "true");
	add_property(ret, "TasksAccounting", "b", "true");
	for (size_t i = 0; i < request->limits->count; i++)
		add_limit(ret, &request->limits->items[i]);
	if (add_annotations(request, ret, err) < 0)
		return -err->code;
	return ret->failed ? error_code(err, ENOMEM, "systemd scope") : 0;
}

void scope_add_pid(struct strbuf *request, pid_t pid)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	add_property(request, "PIDs", "au", number);
}

int scope_write_set(bool user_bus, const char *unit, const struct limit_list *limits,
                    struct strbuf *ret, struct error *err)
{
	scoped_strbuf properties = {0};

	for (size_t i = 0; i < limits->count; i++)
		add_limit(&properties, &limits->items[i]);
	if (properties.length > 0) {
		add_head(ret, "systemd-set", user_bus, unit);
		strbuf_add(ret, properties.data, properties.length);
	}
	return ret->failed || properties.failed ? error_code(err, ENOMEM, "systemd unit") : 0;
}

void scope_write_stop(bool user_bus, const char *unit, struct strbuf *ret)
{
	add_head(ret, "systemd-stop", user_bus, unit);
}
