/*
 * The sections of the configuration, one decode table each, and the word lists that decoding and the
 * features document share. Inside spec/ only.
 */
#ifndef LVM_RUN_SPEC_SECTIONS_H
#define LVM_RUN_SPEC_SECTIONS_H

#include "spec/decode.h"

/* A member that only the runtime's own copy of a configuration has. */
#define SPEC_ADDED_MOUNTS "x-lvm-run-added-mounts"

/* The largest user or group id: 2³²−1 means "no change" to the kernel. */
#define SPEC_ID_MAX (UINT32_MAX - 1)

extern const struct json_table spec_process_table;       /* process.c: struct spec_process */
extern const struct json_table spec_mount_table;         /* mounts.c: struct spec_mount */
extern const struct json_table spec_id_mapping_table;    /* mounts.c: struct spec_id_mapping */
extern const struct json_table spec_linux_table;         /* linux.c: struct spec_linux */
extern const struct json_table spec_resources_table;     /* resources.c: struct spec_resources */
extern const struct json_table spec_seccomp_table;       /* seccomp.c: struct spec_seccomp */
extern const struct json_table spec_memory_policy_table; /* memory_policy.c */
extern const struct json_table spec_net_device_table;
extern const struct json_table spec_intel_rdt_table; /* intel_rdt.c */

/* What memory_policy.c knows by name. */
extern const struct json_word spec_memory_modes[];
extern const struct json_word spec_memory_flags[];

/* What seccomp.c knows by name. */
extern const struct json_word spec_seccomp_actions[];
extern const struct json_word spec_seccomp_operators[];
extern const struct json_word spec_seccomp_flags[];
extern const struct json_word spec_seccomp_architectures[];

/* A custom function: an array of "CAP_…" as a mask (capability.c). */
int spec_decode_capabilities(const struct json_cursor *at, void *mask);

/* A custom function: the six lists of hooks, struct spec_hook_list[HOOK_KIND_COUNT] (hooks.c). */
int spec_decode_hooks(const struct json_cursor *at, void *lists);

/* "RLIMIT_NOFILE" for its number, or null (process.c). */
const char *spec_rlimit_name(int resource);

#endif
