#include "cgroups/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/group.h"

static const char usual_pin_dir[] = "/sys/fs/bpf/lvm-run";

/* --- Rules --- */

enum { ACCESS_ALL = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };

struct device_rule {
	int type;      /* BPF_DEVCG_DEV_…; 0: both */
	int64_t major; /* −1: all */
	int64_t minor;
	int access;
	bool allow;
};

/*
 * config-linux.md "Default Devices", and making any node: what opening one is for is asked then.
 * null zero full random urandom, tty console ptmx, the terminals of devpts.
 */
#define ALWAYS(number, second)                                                                     \
	{                                                                                          \
		.type = BPF_DEVCG_DEV_CHAR, .major = (number), .minor = (second),                  \
		.access = ACCESS_ALL, .allow = true                                                \
	}
static const struct device_rule defaults[] = {
	{.major = -1, .minor = -1, .access = BPF_DEVCG_ACC_MKNOD, .allow = true},
	ALWAYS(1, 3),
	ALWAYS(1, 5),
	ALWAYS(1, 7),
	ALWAYS(1, 8),
	ALWAYS(1, 9),
	ALWAYS(5, 0),
	ALWAYS(5, 1),
	ALWAYS(5, 2),
	ALWAYS(136, -1),
};

static int parse_access(const char *text)
{
	int access = 0;

	if (!text || !*text)
		return ACCESS_ALL;
	for (; *text; text++) {
		if (*text == 'r')
			access |= BPF_DEVCG_ACC_READ;
		else if (*text == 'w')
			access |= BPF_DEVCG_ACC_WRITE;
		else if (*text == 'm')
			access |= BPF_DEVCG_ACC_MKNOD;
		else
			return -EINVAL;
	}
	return access;
}

static bool number_is_good(struct optional_i64 number)
{
	return !number.set || (number.value >= -1 && number.value <= UINT32_MAX);
}

static int parse_rule(const struct spec_device_rule *spec, size_t index, struct device_rule *ret,
                      struct error *err)
{
	struct device_rule rule = {
		.major = spec->major.set ? spec->major.value : -1,
		.minor = spec->minor.set ? spec->minor.value : -1,
		.access = parse_access(spec->access),
		.allow = spec->allow,
	};

	if (spec->type == 'c' || spec->type == 'u')
		rule.type = BPF_DEVCG_DEV_CHAR;
	else if (spec->type == 'b')
		rule.type = BPF_DEVCG_DEV_BLOCK;
	else if (spec->type != 'a')
		return error_set(err, EINVAL,
		                 "linux.resources.devices[%zu].type: not one of a, b, c", index);
	if (rule.access < 0)
		return error_set(err, EINVAL,
		                 "linux.resources.devices[%zu].access: \"%s\" is not of rwm", index,
		                 spec->access);
	if (!number_is_good(spec->major) || !number_is_good(spec->minor))
		return error_set(err, EINVAL, "linux.resources.devices[%zu]: no such device number",
		                 index);
	*ret = rule;
	return 0;
}

/* --- The program --- */

/*
 * Registers: r1 the context, r2 the type of the device, r3 the accesses still to be decided, r4 and r5
 * the numbers. The rules stand last first, so that the first one that speaks of an access decides it.
 * Loading takes time by the instruction, a third of it for the rules that every container has: what
 * neighbouring rules share is tested once, and there is one end for each verdict.
 */
enum { MAX_INSNS_PER_RULE = 5, FRAME_INSNS = 10, MAX_INSNS = 32000 /* jumps have 16 bits */ };

/* Where a jump to an end leads is not known before all rules are written. */
enum { TO_DENY = -1, TO_ALLOW = -2 };

struct writer {
	struct bpf_insn *insns;
	size_t count;
};

static void emit(struct writer *w, int code, int dst, int src, int off, int64_t imm)
{
	w->insns[w->count++] = (struct bpf_insn){
		.code = (uint8_t)code,
		.dst_reg = (uint8_t)(dst & 0xf),
		.src_reg = (uint8_t)(src & 0xf),
		.off = (int16_t)off,
		.imm = (int32_t)imm,
	};
}

static void emit_head(struct writer *w)
{
	emit(w, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(w, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(w, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	emit(w, BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	emit(w, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(w, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* One end, to which all jumps of its kind lead; one that nothing leads to would be refused. */
static void emit_end(struct writer *w, bool allow, bool always)
{
	int16_t label = allow ? TO_ALLOW : TO_DENY;
	bool used = always;

	for (size_t i = 0; i < w->count; i++) {
		int class = BPF_CLASS(w->insns[i].code);

		if ((class != BPF_JMP && class != BPF_JMP32) || w->insns[i].off != label)
			continue;
		w->insns[i].off = (int16_t)(w->count - i - 1);
		used = true;
	}
	if (!used)
		return;
	emit(w, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	emit(w, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* What a rule with one verdict for a part of the accesses says of those in r3. */
static void emit_partial(struct writer *w, const struct device_rule *rule)
{
	if (rule->minor >= 0)
		emit(w, BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_5, 0, rule->allow ? 2 : 1,
		     rule->minor);
	if (rule->allow) {
		emit(w, BPF_ALU | BPF_AND | BPF_K, BPF_REG_3, 0, 0, ACCESS_ALL & ~rule->access);
		emit(w, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_3, 0, TO_ALLOW, 0);
	} else {
		emit(w, BPF_JMP32 | BPF_JSET | BPF_K, BPF_REG_3, 0, TO_DENY, rule->access);
	}
}

/* Rules that differ in their minor numbers alone. */
static bool rules_are_alike(const struct device_rule *a, const struct device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->allow == b->allow &&
	       a->access == ACCESS_ALL && b->access == ACCESS_ALL && a->minor >= 0 && b->minor >= 0;
}

/* `count` alike rules, of which `last` is the last one. */
static void emit_rules(struct writer *w, const struct device_rule *last, size_t count)
{
	struct writer tests = {.insns = w->insns + w->count};
	size_t first = w->count;
	int verdict = last->allow ? TO_ALLOW : TO_DENY;

	if (last->type)
		emit(&tests, BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_2, 0, 0, last->type);
	if (last->major >= 0)
		emit(&tests, BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, last->major);
	w->count += tests.count;
	if (last->access != ACCESS_ALL)
		emit_partial(w, last);
	else if (last->minor < 0)
		emit(w, BPF_JMP | BPF_JA, 0, 0, verdict, 0);
	else
		for (size_t i = 0; i < count; i++)
			emit(w, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_5, 0, verdict,
			     (last - i)->minor);
	for (size_t i = first; i < first + tests.count; i++)
		w->insns[i].off = (int16_t)(w->count - i - 1);
}

/* A rule for all accesses to all devices: nothing after it is ever reached. */
static bool rule_is_total(const struct device_rule *rule)
{
	return !rule->type && rule->major < 0 && rule->minor < 0 && rule->access == ACCESS_ALL;
}

/* How many rules from the end matter; *ret_trivial: they and the total one all allow. */
static size_t reachable(const struct device_rule *rules, size_t count, bool *ret_trivial)
{
	bool trivial = true;

	for (size_t i = 0; i < count; i++) {
		const struct device_rule *rule = &rules[count - 1 - i];

		trivial = trivial && rule->allow;
		if (rule_is_total(rule)) {
			*ret_trivial = trivial;
			return i + 1;
		}
	}
	*ret_trivial = false;
	return count;
}

static void name_program(struct device_program *program)
{
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct sha256 hash;

	sha256_begin(&hash);
	sha256_add(&hash, program->insns, program->count * sizeof(*program->insns));
	sha256_end(&hash, digest);
	(void)snprintf(program->name, sizeof(program->name), "devices-%s", sha256_hex(digest, hex));
}

static int compile(const struct device_rule *rules, size_t count, struct arena *arena,
                   struct device_program *ret, struct error *err)
{
	struct device_program program = {0};
	bool trivial = false;
	size_t used = reachable(rules, count, &trivial);
	struct writer w = {0};
	bool rest = false;

	if (trivial) {
		*ret = program;
		return 0;
	}
	if (used > (MAX_INSNS - FRAME_INSNS) / MAX_INSNS_PER_RULE)
		return error_set(err, E2BIG,
		                 "linux.resources.devices: more rules than can be held");
	w.insns = arena_alloc(arena, used * MAX_INSNS_PER_RULE + FRAME_INSNS, sizeof(*w.insns));
	if (!w.insns)
		return error_code(err, ENOMEM, "linux.resources.devices");
	emit_head(&w);
	/* The total rule, if there is one, is what is left when no other has decided. */
	if (rule_is_total(&rules[count - used])) {
		rest = rules[count - used].allow;
		used--;
	}
	for (size_t i = 0; i < used;) {
		const struct device_rule *last = &rules[count - 1 - i];
		size_t alike = 1;

		while (i + alike < used && rules_are_alike(last, last - alike))
			alike++;
		emit_rules(&w, last, alike);
		i += alike;
	}
	emit_end(&w, rest, true);
	emit_end(&w, !rest, false);
	program.insns = w.insns;
	program.count = w.count;
	name_program(&program);
	*ret = program;
	return 0;
}

int devices_plan(const struct spec_resources *resources, struct arena *arena,
                 struct device_program *ret, struct error *err)
{
	size_t given = resources ? resources->device_count : 0;
	size_t count = given + ARRAY_SIZE(defaults);
	struct device_rule *rules = arena_alloc(arena, count, sizeof(*rules));

	if (!rules)
		return error_code(err, ENOMEM, "linux.resources.devices");
	for (size_t i = 0; i < given; i++) {
		if (parse_rule(&resources->devices[i], i, &rules[i], err) < 0)
			return -err->code;
	}
	memcpy(rules + given, defaults, sizeof(defaults));
	return compile(rules, count, arena, ret, err);
}

/* --- Loading, pinning, attaching --- */

static uint64_t pointer_number(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static int load(const struct device_program *program, char *log, size_t log_size)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)program->count,
		.insns = pointer_number(program->insns),
		.license = pointer_number("none"),
		.log_buf = pointer_number(log),
		.log_size = (uint32_t)log_size,
		.log_level = log ? 1 : 0,
		.prog_name = "lvm_run_devices",
	};
	enum { TURNS = 16 };
	int fd = -1;

	/* The verifier gives up with EAGAIN when a signal arrives, even one that is ignored. */
	for (int i = 0; i < TURNS; i++) {
		fd = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static int attach(int program, int dirfd)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)dirfd,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	return sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static int get_pinned(const char *path)
{
	union bpf_attr attr = {.pathname = pointer_number(path)};
	int fd = sys_bpf(BPF_OBJ_GET, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/*
 * Whether only root can have put something there. A bpffs is open to everybody unless mounted with
 * another mode; a foreign program under our name would open devices to every container.
 */
static bool pin_dir_is_safe(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Makes the folder if what it lies in is a bpffs. */
static bool make_pin_dir(const char *dir)
{
	scoped_str parent = strdup(dir);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	struct statfs fs;

	if (!slash)
		return false;
	*slash = '\0';
	if (statfs(parent, &fs) < 0 || fs.f_type != BPF_FS_MAGIC)
		return false;
	return (mkdir(dir, 0700) == 0 || errno == EEXIST) && pin_dir_is_safe(dir);
}

/* For the next container; that it could not be done is no error. */
static void pin(int program, const char *path)
{
	union bpf_attr attr = {.pathname = pointer_number(path), .bpf_fd = (uint32_t)program};

	if (sys_bpf(BPF_OBJ_PIN, &attr, sizeof(attr)) < 0 && errno != EEXIST)
		log_write(LOG_LEVEL_DEBUG, "pin the device program at %s: %s", path,
		          error_describe(errno));
}

static int explain_load(const struct device_program *program, int code, struct error *err)
{
	char log[4096] = "";

	if (code == EPERM)
		return error_set(err, code,
		                 "load the device program: this process has no right to use BPF "
		                 "(CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN)");
	if (code == ENOSYS)
		return error_set(err, code, "load the device program: this kernel has no BPF");
	if (code != EACCES && code != EINVAL)
		return error_code(err, code, "load the device program");

	scoped_fd fd = load(program, log, sizeof(log));

	if (fd == -EINVAL && !*log)
		return error_set(err, ENOTSUP,
		                 "load the device program: this kernel has no BPF for cgroups "
		                 "(CONFIG_CGROUP_BPF)");
	return error_set(err, code,
	                 "load the device program: the kernel's verifier refused it: %.700s", log);
}

/* 0 with the loaded program in *ret, 1 when it is left out. */
static int load_and_attach(const struct device_program *program, int dirfd, int *ret,
                           struct error *err)
{
	scoped_fd fd = load(program, NULL, 0);

	if (fd == -EPERM && process_is_rootless())
		return 1;
	if (fd < 0)
		return explain_load(program, -fd, err);

	int r = attach(fd, dirfd);

	if (r == -EPERM && process_is_rootless())
		return 1;
	if (r < 0)
		return error_code(err, -r, "attach the device program to the cgroup");
	*ret = fd_take(&fd);
	return 0;
}

int devices_attach(const struct device_program *program, int dirfd, const char *pin_dir,
                   struct error *err)
{
	const char *dir = pin_dir ? pin_dir : usual_pin_dir;
	scoped_fd loaded = -1;

	if (!program->insns)
		return 0;
	if (!*dir)
		return load_and_attach(program, dirfd, &loaded, err);

	scoped_str path = str_format("%s/%s", dir, program->name);
	bool safe = pin_dir_is_safe(dir);

	if (!path)
		return error_code(err, ENOMEM, "device program");
	if (safe) {
		scoped_fd fd = get_pinned(path);

		if (fd >= 0 && attach(fd, dirfd) == 0)
			return 0;
	}

	int r = load_and_attach(program, dirfd, &loaded, err);

	if (r == 0 && (safe || make_pin_dir(dir)))
		pin(loaded, path);
	return r;
}
