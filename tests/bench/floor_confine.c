#include "floor.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT_CAPABILITIES (1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE)

#define DEVICES_PIN "/sys/fs/bpf/floor-devices"

void floor_confine(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = KEPT_CAPABILITIES, .permitted = KEPT_CAPABILITIES},
	};
	struct rlimit files = {1024, 1024};

	if (setsid() < 0)
		floor_die("setsid");
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "floor");
	/* The first capability that the kernel does not know ends the list. */
	for (unsigned int cap = 0; cap < 64; cap++)
		if ((cap > 31 || !(KEPT_CAPABILITIES & 1u << cap)) &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			break;
	if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, NULL))
		floor_die("set RLIMIT_NOFILE");
	if (syscall(SYS_setgroups, 0, NULL))
		floor_die("drop the groups");
	if (syscall(SYS_capset, &header, data))
		floor_die("capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		floor_die("no_new_privs");
}

/* What every container may use: mknod of anything, and null, zero, full, random, urandom, tty,
 * console, ptmx and the pseudo-terminals. All else is denied. */
static const struct bpf_insn devices[] = {
	{BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, 0, 0}, /* access << 16 | type */
	{BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, 4, 0}, /* major */
	{BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, 8, 0}, /* minor */
	{BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0},
	{BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16},
	{BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff},
	{BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_3, 0, 12, BPF_DEVCG_ACC_MKNOD},
	{BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 9, BPF_DEVCG_DEV_CHAR},
	{BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_4, 0, 10, 136},
	{BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_4, 0, 5, 5},
	{BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 6, 1},
	{BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_5, 0, 7, 3},
	{BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_5, 0, 6, 5},
	{BPF_JMP | BPF_JGE | BPF_K, BPF_REG_5, 0, 2, 7},
	{BPF_JMP | BPF_JA, 0, 0, 2, 0},
	{BPF_JMP | BPF_JLE | BPF_K, BPF_REG_5, 0, 3, 2},
	{BPF_JMP | BPF_JLE | BPF_K, BPF_REG_5, 0, 2, 9},
	{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0},
	{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1},
	{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
};

void floor_pin_devices(void)
{
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)devices,
		.insn_cnt = sizeof(devices) / sizeof(devices[0]),
		.license = (uintptr_t) "GPL",
	};
	union bpf_attr pin = {.pathname = (uintptr_t)DEVICES_PIN};
	int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));

	if (program < 0)
		floor_die("load the device program");
	pin.bpf_fd = (uint32_t)program;
	if (syscall(SYS_bpf, BPF_OBJ_PIN, &pin, sizeof(pin)))
		floor_die("pin the device program");
}

void floor_attach_devices(int cgroup)
{
	union bpf_attr get = {.pathname = (uintptr_t)DEVICES_PIN};
	union bpf_attr attach = {
		.target_fd = (uint32_t)cgroup,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	int program = (int)syscall(SYS_bpf, BPF_OBJ_GET, &get, sizeof(get));

	if (program < 0)
		return;
	attach.attach_bpf_fd = (uint32_t)program;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)))
		floor_die("attach the device program");
}
