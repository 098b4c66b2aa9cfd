/*
 * The OCI runtime configuration (runtime-spec 1.3.0, config.md and config-linux.md) as plain data.
 *
 *	scoped_spec spec = NULL;
 *	spec_load(bundle_fd, "config.json", &spec, &err);
 *	spec_validate(spec, &err);
 *
 * Everything hangs in one arena owned by struct spec and is const once loaded. Strings are
 * NUL-terminated and never null unless "may be null" is said; arrays are {pointer, count}; what a
 * property means is said in the specification, here stand only units and what "absent" looks like.
 */
#ifndef LVM_RUN_SPEC_SPEC_H
#define LVM_RUN_SPEC_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

/* The version of the specification that this program follows, and the oldest it takes. */
#define SPEC_VERSION "1.3.0"
#define SPEC_VERSION_MIN "1.0.0"

/* A list of strings. `items` has a null after the last one, so it can serve as argv or envp. */
struct string_list {
	char **items;
	size_t count;
};

/* Numbers that may be absent. */
struct optional_i64 {
	bool set;
	int64_t value;
};
struct optional_u64 {
	bool set;
	uint64_t value;
};
struct optional_bool {
	bool set;
	bool value;
};

struct spec_annotation {
	char *key;
	char *value;
};

struct spec_root {
	char *path; /* as written: absolute, or relative to the bundle */
	bool readonly;
};

struct spec_id_mapping {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
};
struct spec_id_mappings {
	struct spec_id_mapping *items;
	size_t count;
};

struct spec_mount {
	char *destination;
	char *source; /* may be null */
	char *type;   /* may be null */
	struct string_list options;
	struct spec_id_mappings uid_mappings;
	struct spec_id_mappings gid_mappings;
};

struct spec_rlimit {
	int resource; /* RLIMIT_… */
	uint64_t soft;
	uint64_t hard;
};

/* Bit n stands for capability number n. */
struct spec_capabilities {
	bool set; /* process.capabilities is present */
	uint64_t bounding;
	uint64_t effective;
	uint64_t inheritable;
	uint64_t permitted;
	uint64_t ambient;
};

struct spec_user {
	uint32_t uid;
	uint32_t gid;
	struct optional_u64 umask;
	bool keep_groups; /* the caller's supplementary groups stay (ANNOTATION_KEEP_GROUPS) */
	gid_t *additional_gids;
	size_t additional_gid_count;
};

struct spec_scheduler {
	bool set;
	uint32_t policy; /* SCHED_… */
	int32_t nice;
	int32_t priority;
	uint32_t flags; /* SCHED_FLAG_… */
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period; /* nanoseconds */
};

struct spec_io_priority {
	bool set;
	int class; /* 1 real-time, 2 best-effort, 3 idle (ioprio_set(2)) */
	int priority;
};

struct spec_process {
	bool terminal;
	uint32_t console_height; /* 0: not given */
	uint32_t console_width;
	struct spec_user user;
	struct string_list args;
	struct string_list env;
	char *cwd;
	struct spec_capabilities capabilities;
	struct spec_rlimit *rlimits;
	size_t rlimit_count;
	bool no_new_privileges;
	char *apparmor_profile; /* may be null */
	char *selinux_label;    /* may be null */
	struct optional_i64 oom_score_adj;
	struct spec_scheduler scheduler;
	struct spec_io_priority io_priority;
	char *exec_cpu_affinity_initial; /* may be null; a CPU list */
	char *exec_cpu_affinity_final;   /* may be null */
};

struct spec_hook {
	char *path;
	struct string_list args;
	struct string_list env;
	bool has_env;      /* false: the hook gets no environment of its own choosing */
	int64_t timeout_s; /* seconds; 0: none */
};
struct spec_hook_list {
	struct spec_hook *items;
	size_t count;
};

enum spec_hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KIND_COUNT
};
/* The property's name: "prestart", "createRuntime", … */
extern const char *const spec_hook_names[HOOK_KIND_COUNT];

enum spec_namespace_type {
	NAMESPACE_USER,
	NAMESPACE_PID,
	NAMESPACE_NETWORK,
	NAMESPACE_MOUNT,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_CGROUP,
	NAMESPACE_TIME,
	NAMESPACE_TYPE_COUNT
};
struct spec_namespace {
	bool set;   /* listed; otherwise the runtime's own namespace is kept */
	char *path; /* null: a new namespace; else the one to join */
};

struct spec_time_offset {
	bool set;
	int64_t seconds;
	uint32_t nanoseconds;
};

struct spec_device {
	char type; /* 'c', 'b', 'u' (as 'c') or 'p' */
	char *path;
	uint32_t major;
	uint32_t minor;
	struct optional_u64 file_mode;
	uint32_t uid;
	uint32_t gid;
};

struct spec_device_rule {
	bool allow;
	char type;                 /* 'a', 'c' or 'b' */
	struct optional_i64 major; /* absent or −1: all */
	struct optional_i64 minor;
	char *access; /* of "rwm"; may be null: all */
};

struct spec_memory {
	struct optional_i64 limit;
	struct optional_i64 reservation;
	struct optional_i64 swap; /* memory and swap together */
	struct optional_i64 kernel;
	struct optional_i64 kernel_tcp;
	struct optional_u64 swappiness;
	struct optional_bool disable_oom_killer;
	struct optional_bool use_hierarchy;
	struct optional_bool check_before_update;
};

struct spec_cpu {
	struct optional_u64 shares;
	struct optional_i64 quota;
	struct optional_u64 burst;
	struct optional_u64 period;
	struct optional_i64 realtime_runtime;
	struct optional_u64 realtime_period;
	char *cpus; /* may be null */
	char *mems; /* may be null */
	struct optional_i64 idle;
};

struct spec_block_device_value { /* weightDevice and throttle entries */
	uint32_t major;
	uint32_t minor;
	struct optional_u64 weight;
	struct optional_u64 leaf_weight;
	uint64_t rate;
};
struct spec_block_device_list {
	struct spec_block_device_value *items;
	size_t count;
};
struct spec_block_io {
	struct optional_u64 weight;
	struct optional_u64 leaf_weight;
	struct spec_block_device_list weight_device;
	struct spec_block_device_list throttle_read_bps;
	struct spec_block_device_list throttle_write_bps;
	struct spec_block_device_list throttle_read_iops;
	struct spec_block_device_list throttle_write_iops;
};

struct spec_hugepage_limit {
	char *page_size; /* "2MB", "1GB", … */
	uint64_t limit;
};

struct spec_rdma {
	char *device;
	struct optional_u64 hca_handles;
	struct optional_u64 hca_objects;
};

struct spec_network_priority {
	char *name;
	uint32_t priority;
};

struct spec_resources {
	struct spec_device_rule *devices;
	size_t device_count;
	struct spec_memory memory;
	struct spec_cpu cpu;
	struct optional_i64 pids_limit;
	struct spec_block_io block_io;
	struct spec_hugepage_limit *hugepage_limits;
	size_t hugepage_limit_count;
	struct spec_rdma *rdma;
	size_t rdma_count;
	struct optional_u64 network_class_id;
	struct spec_network_priority *network_priorities;
	size_t network_priority_count;
	struct spec_annotation *unified; /* key: file name, value: content */
	size_t unified_count;
};

/* Actions and operators carry libseccomp's names; the mapping to its numbers is in security/. */
enum spec_seccomp_action {
	SECCOMP_ACTION_KILL_THREAD, /* also SCMP_ACT_KILL */
	SECCOMP_ACTION_KILL_PROCESS,
	SECCOMP_ACTION_TRAP,
	SECCOMP_ACTION_ERRNO,
	SECCOMP_ACTION_TRACE,
	SECCOMP_ACTION_ALLOW,
	SECCOMP_ACTION_LOG,
	SECCOMP_ACTION_NOTIFY
};
enum spec_seccomp_operator {
	SECCOMP_OP_NE,
	SECCOMP_OP_LT,
	SECCOMP_OP_LE,
	SECCOMP_OP_EQ,
	SECCOMP_OP_GE,
	SECCOMP_OP_GT,
	SECCOMP_OP_MASKED_EQ
};
/* Bits of spec_seccomp.flags. */
enum {
	SECCOMP_SPEC_FLAG_TSYNC = 1,
	SECCOMP_SPEC_FLAG_LOG = 2,
	SECCOMP_SPEC_FLAG_SPEC_ALLOW = 4,
	SECCOMP_SPEC_FLAG_WAIT_KILLABLE_RECV = 8
};
struct spec_seccomp_arg {
	uint32_t index;
	uint64_t value;
	uint64_t value_two;
	enum spec_seccomp_operator op;
};
struct spec_seccomp_rule {
	struct string_list names;
	enum spec_seccomp_action action;
	struct optional_u64 errno_ret;
	struct spec_seccomp_arg *args;
	size_t arg_count;
};
struct spec_seccomp {
	bool set;
	enum spec_seccomp_action default_action;
	struct optional_u64 default_errno_ret;
	struct string_list architectures; /* "SCMP_ARCH_…" */
	bool fail_unknown; /* names that libseccomp does not know are errors (an annotation) */
	bool flags_set;    /* flags is present, even if empty */
	uint32_t flags;
	char *listener_path;     /* may be null */
	char *listener_metadata; /* may be null */
	/*
	 * Not of the configuration: the agent at listener_path answers what the section refuses, or allows, or
	 * both (sandbox/audit.h).
	 */
	bool ask_refused, ask_allowed;
	struct spec_seccomp_rule *rules;
	size_t rule_count;
	/*
	 * The identity of the section, for the filter cache: its text as written, so that the same text
	 * gives the same identity and another order or spacing may give another. It points into `source`
	 * and no NUL ends it.
	 */
	char *canonical;
	size_t canonical_size;
};

struct spec_personality {
	bool set;
	uint32_t domain; /* PER_LINUX or PER_LINUX32 */
};

/* Modes and flags by the numbers of set_mempolicy(2), which older headers do not all name. */
enum spec_memory_mode {
	MEMORY_MODE_DEFAULT = 0,
	MEMORY_MODE_PREFERRED = 1,
	MEMORY_MODE_BIND = 2,
	MEMORY_MODE_INTERLEAVE = 3,
	MEMORY_MODE_LOCAL = 4,
	MEMORY_MODE_PREFERRED_MANY = 5,
	MEMORY_MODE_WEIGHTED_INTERLEAVE = 6
};
enum {
	MEMORY_FLAG_NUMA_BALANCING = 1 << 13,
	MEMORY_FLAG_RELATIVE_NODES = 1 << 14,
	MEMORY_FLAG_STATIC_NODES = 1 << 15
};
struct spec_memory_policy {
	bool set;
	uint32_t mode;  /* enum spec_memory_mode */
	uint32_t flags; /* MEMORY_FLAG_… */
	char *nodes;    /* a list as base/cpulist.h takes it; may be null */
};

struct spec_net_device {
	char *host; /* its name on the host, the key of the object */
	char *name; /* its name in the container, may end in "%d"; null: as on the host */
};

struct spec_intel_rdt {
	bool set;
	char *clos_id;                 /* may be null; "/" is the default class of service */
	char *l3_cache_schema;         /* may be null */
	char *memory_bandwidth_schema; /* may be null */
	struct string_list schemata;
	bool enable_monitoring;
};

struct spec_linux {
	struct spec_namespace namespaces[NAMESPACE_TYPE_COUNT];
	struct spec_id_mappings uid_mappings;
	struct spec_id_mappings gid_mappings;
	struct spec_time_offset monotonic_offset;
	struct spec_time_offset boottime_offset;
	struct spec_device *devices;
	size_t device_count;
	char *cgroups_path; /* may be null */
	struct spec_resources resources;
	struct spec_annotation *sysctl;
	size_t sysctl_count;
	struct spec_seccomp seccomp;
	struct string_list masked_paths;
	struct string_list readonly_paths;
	char *rootfs_propagation; /* may be null: "private" etc. */
	char *mount_label;        /* may be null */
	struct spec_personality personality;
	struct spec_memory_policy memory_policy;
	struct spec_net_device *net_devices;
	size_t net_device_count;
	struct spec_intel_rdt intel_rdt;
};

struct spec {
	struct arena arena;
	char *oci_version;
	struct spec_root root;
	bool has_process; /* absent is legal for create; start then fails */
	struct spec_process process;
	char *hostname;   /* may be null */
	char *domainname; /* may be null */
	struct spec_mount *mounts;
	size_t mount_count;
	struct spec_hook_list hooks[HOOK_KIND_COUNT];
	struct spec_annotation *annotations;
	size_t annotation_count;
	struct spec_linux linux;
	/* In the copy that the runtime keeps: so many of the mounts, the last ones, were added since create. */
	uint32_t added_mounts;
	/* The text it was read from (the runtime keeps a copy beside its record). */
	char *source;
	size_t source_size;
};

void spec_free(struct spec **spec);
#define scoped_spec scoped(spec_free) struct spec *

enum { SPEC_SIZE_LIMIT = 16 * 1024 * 1024 }; /* bytes of a config.json that we read */

/*
 * Reads and decodes `path` below `dirfd`. Errors name the file and the line of broken JSON or the
 * JSON path of a wrong value: "config.json: process.rlimits[2].soft: expected a non-negative
 * integer, got "x"". Unknown properties are ignored. *ret is the caller's (spec_free).
 */
int spec_load(int dirfd, const char *path, struct spec **ret, struct error *err) must_check;

/* The same from memory; `name` stands for the file in errors. Takes a copy of the text. */
int spec_parse(const char *name, const char *text, size_t size, struct spec **ret,
               struct error *err) must_check;

/*
 * A process object alone (config.md "Process"), as `exec --process` and containerd's task API hand
 * it over. It lies in the arena of a fresh struct spec whose other members are empty.
 */
int spec_parse_process(const char *name, const char *text, size_t size, struct spec **ret,
                       struct error *err) must_check;

/* A resources object alone (config-linux.md "Control groups"), as `update --resources` takes it. */
int spec_parse_resources(const char *name, const char *text, size_t size, struct spec **ret,
                         struct error *err) must_check;

/* An array of mounts alone, as `mounts add` takes it: decoded and checked. */
int spec_parse_mounts(const char *name, const char *text, size_t size, struct spec **ret,
                      struct error *err) must_check;

/* A seccomp section alone (config-linux.md "Seccomp"): decoded and checked. */
int spec_parse_seccomp(const char *name, const char *text, size_t size, struct spec **ret,
                       struct error *err) must_check;

/*
 * What decoding cannot see: combinations that the specification or this runtime refuses (relative
 * cwd, empty args, hostname without a UTS namespace, mappings without a user namespace, sysctl that is
 * not namespaced, …). 0 or the first finding.
 */
int spec_validate(const struct spec *spec, struct error *err) must_check;

/* The same for a process handed to exec. */
int spec_validate_process(const struct spec_process *process, struct error *err) must_check;

/* The same for what spec_parse_resources gave. */
int spec_validate_resources(const struct spec *spec, struct error *err) must_check;

/* The default configuration as JSON text with a newline at its end (free); null: out of memory. */
char *spec_default_json(bool rootless) must_check;

/* The value of an annotation, or null. */
const char *spec_annotation(const struct spec *spec, const char *key);

/* The number of the capability "CAP_…" (any case is refused but upper), or −1. */
int spec_capability_number(const char *name);
/* The name of a capability number, or null. */
const char *spec_capability_name(int number);

/* The names in configurations ("user", "pid", "network", "mount", "ipc", "uts", "cgroup", "time"). */
extern const char *const spec_namespace_names[NAMESPACE_TYPE_COUNT];

#endif
