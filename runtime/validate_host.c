/* What the configuration asks of the kernel that runs here. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cgroups/resctrl.h"
#include "namespaces/namespaces.h"
#include "namespaces/sysctl.h"
#include "runtime/validate.h"
#include "security/lsm.h"
#include "security/seccomp.h"

/* --- Control groups --- */

/* The sections of linux.resources by themselves, so that each can be found wanting. */
static void take_section(const struct spec_resources *all, size_t index, struct spec_resources *ret)
{
	const struct spec_resources none = {0};

	*ret = none;
	switch (index) {
	case 0:
		ret->memory = all->memory;
		break;
	case 1:
		ret->cpu = all->cpu;
		ret->cpu.cpus = ret->cpu.mems = NULL;
		break;
	case 2:
		ret->cpu.cpus = all->cpu.cpus;
		ret->cpu.mems = all->cpu.mems;
		break;
	case 3:
		ret->pids_limit = all->pids_limit;
		break;
	case 4:
		ret->block_io = all->block_io;
		break;
	case 5:
		ret->hugepage_limits = all->hugepage_limits;
		ret->hugepage_limit_count = all->hugepage_limit_count;
		break;
	case 6:
		ret->rdma = all->rdma;
		ret->rdma_count = all->rdma_count;
		break;
	case 7:
		ret->network_class_id = all->network_class_id;
		ret->network_priorities = all->network_priorities;
		ret->network_priority_count = all->network_priority_count;
		break;
	case 8:
		ret->unified = all->unified;
		ret->unified_count = all->unified_count;
		break;
	default:
		ret->devices = all->devices;
		ret->device_count = all->device_count;
	}
}

static void validate_cgroup(const struct validation *v)
{
	enum { SECTIONS = 10 };
	struct spec_resources section;
	struct cgroup_request request = {
		.driver = v->options->driver,
		.id = v->options->id ? v->options->id : "validate",
		.cgroups_path = v->spec->linux.cgroups_path,
		.resources = &section,
		.annotations = v->spec->annotations,
		.annotation_count = v->spec->annotation_count,
	};

	memset(&section, 0, sizeof(section));
	for (size_t i = 0; i <= SECTIONS; i++) {
		scoped_cgroup group = NULL;
		struct error err = {0};

		/* First with no limit: what is wrong then is the path or the driver. */
		if (i > 0)
			take_section(&v->spec->linux.resources, i - 1, &section);
		if (cgroup_plan(&request, &group, &err) >= 0)
			continue;
		validation_add_error(v, "linux.cgroupsPath", &err);
		if (i == 0)
			return;
	}
}

/* --- Confinement --- */

static void validate_seccomp(const struct validation *v)
{
	const struct spec_seccomp *seccomp = &v->spec->linux.seccomp;
	scoped_seccomp_program program = {0};
	struct error err = {0};

	if (!seccomp->set)
		return;
	if (seccomp_compile(seccomp, &program, &err) < 0)
		validation_add_error(v, "linux.seccomp", &err);
	if (seccomp->listener_path && access(seccomp->listener_path, W_OK))
		finding_add(v->findings, FINDING_WARNING, "linux.seccomp.listenerPath",
		            "\"%.200s\": %s", seccomp->listener_path, error_describe(errno));
}

static void validate_label(const struct validation *v, char *profile, char *label, const char *path)
{
	const struct spec_process process = {.apparmor_profile = profile, .selinux_label = label};
	scoped_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct lsm_plan plan;
	struct error err = {0};

	if (lsm_prepare(&process, proc, &plan, &err) < 0)
		validation_add_error(v, path, &err);
}

static void validate_rlimits(const struct validation *v)
{
	const struct spec_process *process = &v->spec->process;
	char path[60];
	struct rlimit own;

	if (geteuid() == 0)
		return; /* may raise them */
	for (size_t i = 0; i < process->rlimit_count; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];

		(void)snprintf(path, sizeof(path), "process.rlimits[%zu].hard", i);
		if (!prlimit(0, (unsigned int)limit->resource, NULL, &own) &&
		    limit->hard > own.rlim_max)
			finding_add(v->findings, FINDING_WARNING, path,
			            "is above the own hard limit, which only root may raise");
	}
}

/* --- Namespaces --- */

static void validate_namespaces(const struct validation *v)
{
	char path[60];

	for (int type = 0; type < NAMESPACE_TYPE_COUNT; type++) {
		const struct spec_namespace *one = &v->spec->linux.namespaces[type];
		struct spec_linux alone = {0};
		scoped_namespace_plan plan = {0};
		struct error err = {0};

		if (!one->set)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s",
		               namespace_proc_name((enum spec_namespace_type)type));
		if (access(path, F_OK))
			finding_add(v->findings, FINDING_WARNING, "linux.namespaces",
			            "this kernel has no %s namespaces", spec_namespace_names[type]);
		alone.namespaces[type] = *one;
		if (one->path && *one->path == '/' && namespaces_prepare(&alone, &plan, &err) < 0)
			validation_add_error(v, "linux.namespaces", &err);
	}
}

/* A parameter of a new namespace is there when the own namespace has it. */
static void validate_sysctl(const struct validation *v)
{
	const struct spec_linux *linux_spec = &v->spec->linux;
	scoped_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < linux_spec->sysctl_count; i++) {
		const char *key = linux_spec->sysctl[i].key;
		char file[SYSCTL_PATH_SIZE], path[160];
		struct error ignored;

		(void)snprintf(path, sizeof(path), "linux.sysctl[\"%.120s\"]", key);
		if (proc >= 0 && sysctl_path(key, file, &ignored) == 0 &&
		    faccessat(proc, file, F_OK, 0) && errno == ENOENT)
			finding_add(v->findings, FINDING_WARNING, path,
			            "this kernel has no such parameter");
	}
}

/* --- Interfaces --- */

static void validate_net_devices(const struct validation *v)
{
	const struct spec_linux *linux_spec = &v->spec->linux;
	char path[60];

	for (size_t i = 0; i < linux_spec->net_device_count; i++) {
		const char *name = linux_spec->net_devices[i].host;

		(void)snprintf(path, sizeof(path), "linux.netDevices[\"%.20s\"]", name);
		if (if_nametoindex(name) == 0)
			finding_add(v->findings, FINDING_WARNING, path,
			            "there is no such network interface");
	}
}

static void validate_class(const struct validation *v)
{
	struct error err;
	char root[PATH_MAX];

	if (v->spec->linux.intel_rdt.set && resctrl_mount(root, sizeof(root), &err) == 0)
		finding_add(v->findings, FINDING_WARNING, "linux.intelRdt",
		            "no resctrl file system is mounted");
}

void validate_host(const struct validation *v)
{
	const struct spec_process *process = &v->spec->process;

	validate_cgroup(v);
	validate_seccomp(v);
	if (process->apparmor_profile)
		validate_label(v, process->apparmor_profile, NULL, "process.apparmorProfile");
	if (process->selinux_label)
		validate_label(v, NULL, process->selinux_label, "process.selinuxLabel");
	validate_rlimits(v);
	validate_namespaces(v);
	validate_sysctl(v);
	validate_net_devices(v);
	validate_class(v);
}
