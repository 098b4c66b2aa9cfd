#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spec/sections.h"
#include "spec/writer.h"

/* What `spec` writes: a shell in a terminal, with what an ordinary program needs and no more. */

struct default_mount {
	const char *destination, *type, *source;
	bool not_rootless; /* mounting it needs rights over the host's, which only root has */
	const char *options[8];
};

static const struct default_mount mounts[] = {
	{"/proc", "proc", "proc", false, {NULL}},
	{"/dev", "tmpfs", "tmpfs", false, {"nosuid", "strictatime", "mode=755", "size=65536k"}},
	{"/dev/pts",
         "devpts",
         "devpts",
         false,
         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
	{"/dev/shm",
         "tmpfs",
         "shm",
         false,
         {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
	{"/dev/mqueue", "mqueue", "mqueue", false, {"nosuid", "noexec", "nodev"}},
	{"/sys", "sysfs", "sysfs", true, {"nosuid", "noexec", "nodev", "ro"}},
	{"/sys/fs/cgroup",
         "cgroup",
         "cgroup",
         true,
         {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};
/*
 * Without a network namespace of its own a user namespace may only bind the host's: read-only with all
 * that is mounted below, or the cgroups of the user could be changed from inside (CVE-2023-25809).
 */
static const struct default_mount rootless_sys = {
	"/sys", "none", "/sys", false, {"rbind", "nosuid", "noexec", "nodev", "rro"},
};

static const char *const env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
};
static const char *const args[] = {"sh"};
static const char *const capabilities[] = {
	"CAP_AUDIT_WRITE",
	"CAP_KILL",
	"CAP_NET_BIND_SERVICE",
};
static const char *const masked_paths[] = {
	"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
	"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
	"/sys/firmware",       "/proc/scsi",
};
static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const enum spec_namespace_type namespaces[] = {
	NAMESPACE_PID, NAMESPACE_NETWORK, NAMESPACE_IPC,
	NAMESPACE_UTS, NAMESPACE_MOUNT,   NAMESPACE_CGROUP,
};
/* The network stays the host's: without privileges nobody could connect another one. */
static const enum spec_namespace_type rootless_namespaces[] = {
	NAMESPACE_PID,   NAMESPACE_IPC,    NAMESPACE_UTS,
	NAMESPACE_MOUNT, NAMESPACE_CGROUP, NAMESPACE_USER,
};

static void add_capabilities(struct json_writer *w)
{
	static const char *const sets[] = {"bounding", "effective", "permitted"};

	json_writer_object(w, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		json_writer_strings(w, sets[i], capabilities, ARRAY_SIZE(capabilities));
	json_writer_end(w);
}

static void add_rlimits(struct json_writer *w)
{
	json_writer_array(w, "rlimits");
	json_writer_object(w, NULL);
	json_writer_string(w, "type", "RLIMIT_NOFILE");
	json_writer_unsigned(w, "hard", 1024);
	json_writer_unsigned(w, "soft", 1024);
	json_writer_end(w);
	json_writer_end(w);
}

static void add_process(struct json_writer *w)
{
	json_writer_object(w, "process");
	json_writer_bool(w, "terminal", true);
	json_writer_object(w, "user");
	json_writer_unsigned(w, "uid", 0);
	json_writer_unsigned(w, "gid", 0);
	json_writer_end(w);
	json_writer_strings(w, "args", args, ARRAY_SIZE(args));
	json_writer_strings(w, "env", env, ARRAY_SIZE(env));
	json_writer_string(w, "cwd", "/");
	add_capabilities(w);
	add_rlimits(w);
	json_writer_bool(w, "noNewPrivileges", true);
	json_writer_end(w);
}

/* Groups such as 5 (tty) have no counterpart in a user namespace of one id. */
static bool option_fits(const char *option, bool rootless)
{
	return !rootless || (!str_starts(option, "gid=") && !str_starts(option, "uid="));
}

static void add_mount(struct json_writer *w, const struct default_mount *mount, bool rootless)
{
	json_writer_object(w, NULL);
	json_writer_string(w, "destination", mount->destination);
	json_writer_string(w, "type", mount->type);
	json_writer_string(w, "source", mount->source);
	if (mount->options[0]) {
		json_writer_array(w, "options");
		for (size_t i = 0; mount->options[i]; i++) {
			if (option_fits(mount->options[i], rootless))
				json_writer_string(w, NULL, mount->options[i]);
		}
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void add_mounts(struct json_writer *w, bool rootless)
{
	json_writer_array(w, "mounts");
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		if (!rootless || !mounts[i].not_rootless)
			add_mount(w, &mounts[i], rootless);
	}
	if (rootless)
		add_mount(w, &rootless_sys, rootless);
	json_writer_end(w);
}

static void add_mapping(struct json_writer *w, const char *key, uint32_t host_id)
{
	json_writer_array(w, key);
	json_writer_object(w, NULL);
	json_writer_unsigned(w, "containerID", 0);
	json_writer_unsigned(w, "hostID", host_id);
	json_writer_unsigned(w, "size", 1);
	json_writer_end(w);
	json_writer_end(w);
}

/* No device but those that the runtime adds to every container. */
static void add_resources(struct json_writer *w)
{
	json_writer_object(w, "resources");
	json_writer_array(w, "devices");
	json_writer_object(w, NULL);
	json_writer_bool(w, "allow", false);
	json_writer_string(w, "access", "rwm");
	json_writer_end(w);
	json_writer_end(w);
	json_writer_end(w);
}

static void add_namespaces(struct json_writer *w, const enum spec_namespace_type *types,
                           size_t count)
{
	json_writer_array(w, "namespaces");
	for (size_t i = 0; i < count; i++) {
		json_writer_object(w, NULL);
		json_writer_string(w, "type", spec_namespace_names[types[i]]);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void add_linux(struct json_writer *w, bool rootless)
{
	json_writer_object(w, "linux");
	if (rootless) {
		add_mapping(w, "uidMappings", geteuid());
		add_mapping(w, "gidMappings", getegid());
		add_namespaces(w, rootless_namespaces, ARRAY_SIZE(rootless_namespaces));
	} else {
		add_resources(w);
		add_namespaces(w, namespaces, ARRAY_SIZE(namespaces));
	}
	json_writer_strings(w, "maskedPaths", masked_paths, ARRAY_SIZE(masked_paths));
	json_writer_strings(w, "readonlyPaths", readonly_paths, ARRAY_SIZE(readonly_paths));
	json_writer_end(w);
}

char *spec_default_json(bool rootless)
{
	struct json_writer w = {.indented = true};

	json_writer_object(&w, NULL);
	json_writer_string(&w, "ociVersion", SPEC_VERSION);
	add_process(&w);
	json_writer_object(&w, "root");
	json_writer_string(&w, "path", "rootfs");
	json_writer_bool(&w, "readonly", true);
	json_writer_end(&w);
	json_writer_string(&w, "hostname", "lvm-run");
	add_mounts(&w, rootless);
	add_linux(&w, rootless);
	json_writer_end(&w);
	return json_writer_take(&w);
}
