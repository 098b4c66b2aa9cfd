#include "sandbox/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/environment.h"
#include "sandbox/profile.h"
#include "spec/encode.h"
#include "spec/writer.h"

/* --reproducible: who and where a build is, on whatever host. */
enum { REPRODUCIBLE_ID = 1000 };

static const char default_hostname[] = "sandbox";

/* Readable kernel state that tells of the host, or lets it be changed. */
static const char *const masked[] = {
	"/proc/acpi",        "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
	"/proc/keys",        "/proc/key-users",     "/proc/kallsyms",    "/proc/kmsg",
	"/proc/kpagecount",  "/proc/kpageflags",    "/proc/kpagecgroup", "/proc/latency_stats",
	"/proc/modules",     "/proc/pagetypeinfo",  "/proc/sched_debug", "/proc/scsi",
	"/proc/slabinfo",    "/proc/sysrq-trigger", "/proc/timer_list",  "/proc/timer_stats",
	"/proc/vmallocinfo", "/proc/partitions",    "/proc/diskstats",   "/proc/cmdline",
};
static const char *const readonly[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
};

static const enum spec_namespace_type namespaces[] = {
	NAMESPACE_USER, NAMESPACE_PID,    NAMESPACE_MOUNT, NAMESPACE_IPC,
	NAMESPACE_UTS,  NAMESPACE_CGROUP, NAMESPACE_TIME,  NAMESPACE_NETWORK,
};

/* The caller's own ids are kept, so that files keep their owners. */
static uint32_t inner_id(const struct config_request *request, uint32_t own)
{
	return request->options->reproducible ? REPRODUCIBLE_ID : own;
}

/* Root keeps all ids, unless it is to look the same everywhere. */
static bool maps_all(const struct config_request *request)
{
	return !request->scratch->rootless && !request->options->reproducible;
}

/* --- process --- */

static void add_environment(struct json_writer *w, const struct config_request *request)
{
	struct environment environment = {0};

	json_writer_array(w, "env");
	environment_begin(&environment, request->options);
	for (const char *entry = environment_next(&environment); entry;
	     entry = environment_next(&environment))
		json_writer_string(w, NULL, entry);
	json_writer_end(w);
}

static void add_user(struct json_writer *w, const struct config_request *request)
{
	json_writer_object(w, "user");
	json_writer_unsigned(w, "uid", inner_id(request, request->scratch->uid));
	json_writer_unsigned(w, "gid", inner_id(request, request->scratch->gid));
	json_writer_unsigned(w, "umask", 022);
	json_writer_end(w);
}

static void add_limit(struct json_writer *w, const char *name, uint64_t value)
{
	json_writer_object(w, NULL);
	json_writer_string(w, "type", name);
	json_writer_unsigned(w, "hard", value);
	json_writer_unsigned(w, "soft", value);
	json_writer_end(w);
}

/*
 * None at all; but the kernel lets nobody map root into a namespace inside who could not set capabilities
 * of files, which does nothing here, where no_new_privs ignores them.
 */
static void add_capabilities(struct json_writer *w, const struct config_request *request)
{
	static const char *const sets[] = {"bounding", "effective", "permitted"};
	static const char *const nested[] = {"CAP_SETFCAP"};
	bool root = inner_id(request, request->scratch->uid) == 0;

	json_writer_object(w, "capabilities");
	for (size_t i = 0; root && request->options->allow_userns && i < ARRAY_SIZE(sets); i++)
		json_writer_strings(w, sets[i], nested, ARRAY_SIZE(nested));
	json_writer_end(w);
}

static void add_process(struct json_writer *w, const struct config_request *request)
{
	const struct sandbox_options *options = request->options;
	size_t count = 0;

	while (options->command[count])
		count++;
	json_writer_object(w, "process");
	json_writer_bool(w, "terminal", options->terminal);
	add_user(w, request);
	json_writer_strings(w, "args", (const char *const *)options->command, count);
	add_environment(w, request);
	json_writer_string(w, "cwd", request->view->directory);
	add_capabilities(w, request);
	json_writer_array(w, "rlimits");
	add_limit(w, "RLIMIT_CORE", 0);
	json_writer_end(w);
	json_writer_bool(w, "noNewPrivileges", true);
	/* When the host runs out of memory, the build goes first. */
	json_writer_unsigned(w, "oomScoreAdj", 500);
	json_writer_end(w);
}

/* --- mounts --- */

static void add_mounts(struct json_writer *w, const struct view *view)
{
	json_writer_array(w, "mounts");
	for (size_t i = 0; i < view->mount_count; i++) {
		const struct view_mount *mount = &view->mounts[i];

		json_writer_object(w, NULL);
		json_writer_string(w, "destination", mount->target);
		json_writer_string(w, "type", mount->type);
		json_writer_optional(w, "source", mount->source);
		json_writer_strings(w, "options", mount->options, mount->option_count);
		json_writer_end(w);
	}
	json_writer_end(w);
}

/* --- linux --- */

static void add_mapping(struct json_writer *w, const char *key, uint32_t inner, uint32_t outer,
                        uint32_t size)
{
	json_writer_array(w, key);
	json_writer_object(w, NULL);
	json_writer_unsigned(w, "containerID", inner);
	json_writer_unsigned(w, "hostID", outer);
	json_writer_unsigned(w, "size", size);
	json_writer_end(w);
	json_writer_end(w);
}

/*
 * Root keeps all ids as they are: what protects the host is that nobody inside has a capability. A user is
 * root of the namespace out here, and himself in there.
 */
static void add_mappings(struct json_writer *w, const struct config_request *request)
{
	const struct scratch *scratch = request->scratch;

	if (maps_all(request)) {
		add_mapping(w, "uidMappings", 0, 0, UINT32_MAX);
		add_mapping(w, "gidMappings", 0, 0, UINT32_MAX);
		return;
	}
	add_mapping(w, "uidMappings", inner_id(request, scratch->uid), 0, 1);
	add_mapping(w, "gidMappings", inner_id(request, scratch->gid), 0, 1);
}

static void add_namespaces(struct json_writer *w, const struct config_request *request)
{
	const struct sandbox_options *options = request->options;

	json_writer_array(w, "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		if (namespaces[i] == NAMESPACE_NETWORK && options->share_net)
			continue;
		json_writer_object(w, NULL);
		json_writer_string(w, "type", spec_namespace_names[namespaces[i]]);
		if (namespaces[i] == NAMESPACE_NETWORK && request->network->path[0])
			json_writer_string(w, "path", request->network->path);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void add_paths(struct json_writer *w, const struct view *view)
{
	json_writer_array(w, "maskedPaths");
	for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
		json_writer_string(w, NULL, masked[i]);
	for (size_t i = 0; i < view->hidden_count; i++)
		json_writer_string(w, NULL, view->hidden[i]);
	json_writer_end(w);
	json_writer_strings(w, "readonlyPaths", readonly, ARRAY_SIZE(readonly));
}

bool config_has_limits(const struct sandbox_options *options)
{
	return options->memory || options->swap >= 0 || options->cpu_millis || options->pids;
}

static void add_memory(struct json_writer *w, const struct sandbox_options *options)
{
	json_writer_object(w, "memory");
	if (options->memory)
		json_writer_unsigned(w, "limit", (uint64_t)options->memory);
	/* The specification counts memory and swap together. */
	if (options->swap >= 0)
		json_writer_unsigned(w, "swap", (uint64_t)(options->memory + options->swap));
	json_writer_end(w);
}

static void add_resources(struct json_writer *w, const struct sandbox_options *options)
{
	enum { PERIOD_US = 100000 };

	json_writer_object(w, "resources");
	if (options->memory)
		add_memory(w, options);
	if (options->cpu_millis) {
		json_writer_object(w, "cpu");
		json_writer_unsigned(w, "quota", options->cpu_millis * (PERIOD_US / 1000));
		json_writer_unsigned(w, "period", PERIOD_US);
		json_writer_end(w);
	}
	if (options->pids) {
		json_writer_object(w, "pids");
		json_writer_unsigned(w, "limit", (uint64_t)options->pids);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void add_linux(struct json_writer *w, const struct config_request *request)
{
	const struct sandbox_options *options = request->options;

	json_writer_object(w, "linux");
	add_mappings(w, request);
	add_namespaces(w, request);
	if (config_has_limits(options) && !request->without_limits)
		add_resources(w, options);
	if (request->profile)
		spec_write_seccomp(w, "seccomp", request->profile);
	add_paths(w, request->view);
	json_writer_end(w);
}

int config_profile(const struct config_request *request, struct arena *arena,
                   struct spec_seccomp *ret, struct error *err)
{
	const struct profile_options options = {
		.allow_userns = request->options->allow_userns,
		.single_id = !maps_all(request),
		.uid = inner_id(request, request->scratch->uid),
		.gid = inner_id(request, request->scratch->gid),
	};

	return profile_build(arena, &options, ret, err);
}

char *config_write(const struct config_request *request)
{
	const struct sandbox_options *options = request->options;
	struct json_writer w = {.indented = request->indented, .lossless = true};

	json_writer_object(&w, NULL);
	json_writer_string(&w, "ociVersion", SPEC_VERSION);
	add_process(&w, request);
	json_writer_object(&w, "root");
	json_writer_string(&w, "path", "rootfs");
	json_writer_bool(&w, "readonly", true);
	json_writer_end(&w);
	json_writer_string(&w, "hostname",
	                   options->hostname ? options->hostname : default_hostname);
	add_mounts(&w, request->view);
	add_linux(&w, request);
	json_writer_end(&w);
	return json_writer_take(&w);
}
