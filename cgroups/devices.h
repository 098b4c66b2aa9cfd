/*
 * linux.resources.devices as a BPF_PROG_TYPE_CGROUP_DEVICE program, written by hand (cgroup v2 has no
 * devices controller; bpf(2), the kernel's cgroup-v2 document "Device controller").
 *
 * The rules hold in their order, each right by itself: reading, writing and making a node are allowed
 * when the last rule that speaks of it says so; what no rule speaks of is denied. The devices that every
 * container has (config-linux.md "Default Devices") are allowed after all rules. Host side.
 */
#ifndef LVM_RUN_CGROUPS_DEVICES_H
#define LVM_RUN_CGROUPS_DEVICES_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

enum { DEVICE_NAME_SIZE = 80 };

struct device_program {
	struct bpf_insn *insns; /* null: every device is allowed, no program needed */
	size_t count;
	char name[DEVICE_NAME_SIZE]; /* "devices-<SHA-256>": of the pinned program */
};

/* Compiles the rules into the arena. An error names the rule that makes no sense. */
int devices_plan(const struct spec_resources *resources, struct arena *arena,
                 struct device_program *ret, struct error *err) must_check;

/*
 * Attaches the program to the group `dirfd`: a pinned one of its name in `pin_dir` when there is one,
 * else it is loaded, and pinned if the folder is a bpffs that only root may write to. `pin_dir`: null
 * is /sys/fs/bpf/lvm-run, "" none. 0, or 1 when this process has no right to use BPF in its user
 * namespace, where the device nodes themselves are out of reach (the program is left out).
 */
int devices_attach(const struct device_program *program, int dirfd, const char *pin_dir,
                   struct error *err) must_check;

#endif
