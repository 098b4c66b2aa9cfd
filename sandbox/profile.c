#include "sandbox/profile.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/macro.h"

/* What builds may always do. */
static const char *const allowed[] = {"accept",
                                      "accept4",
                                      "access",
                                      "alarm",
                                      "arch_prctl",
                                      "arm_fadvise64_64",
                                      "bind",
                                      "brk",
                                      "cachestat",
                                      "capget",
                                      "capset",
                                      "chdir",
                                      "clock_getres",
                                      "clock_gettime",
                                      "clock_nanosleep",
                                      "close",
                                      "close_range",
                                      "connect",
                                      "copy_file_range",
                                      "dup",
                                      "dup2",
                                      "dup3",
                                      "epoll_create",
                                      "epoll_create1",
                                      "epoll_ctl",
                                      "epoll_pwait",
                                      "epoll_pwait2",
                                      "epoll_wait",
                                      "eventfd",
                                      "eventfd2",
                                      "execve",
                                      "execveat",
                                      "exit",
                                      "exit_group",
                                      "faccessat",
                                      "faccessat2",
                                      "fadvise64",
                                      "fallocate",
                                      "fchdir",
                                      "fcntl",
                                      "fdatasync",
                                      "fgetxattr",
                                      "file_getattr",
                                      "file_setattr",
                                      "flistxattr",
                                      "flock",
                                      "fork",
                                      "fremovexattr",
                                      "fsetxattr",
                                      "fstat",
                                      "fstatfs",
                                      "fsync",
                                      "ftruncate",
                                      "futex",
                                      "futex_requeue",
                                      "futex_wait",
                                      "futex_waitv",
                                      "futex_wake",
                                      "futimesat",
                                      "get_mempolicy",
                                      "get_robust_list",
                                      "getcpu",
                                      "getcwd",
                                      "getdents",
                                      "getdents64",
                                      "getegid",
                                      "geteuid",
                                      "getgid",
                                      "getgroups",
                                      "getitimer",
                                      "getpeername",
                                      "getpgid",
                                      "getpgrp",
                                      "getpid",
                                      "getppid",
                                      "getpriority",
                                      "getrandom",
                                      "getresgid",
                                      "getresuid",
                                      "getrlimit",
                                      "getrusage",
                                      "getsid",
                                      "getsockname",
                                      "getsockopt",
                                      "gettid",
                                      "gettimeofday",
                                      "getuid",
                                      "getxattr",
                                      "getxattrat",
                                      "inotify_add_watch",
                                      "inotify_init",
                                      "inotify_init1",
                                      "inotify_rm_watch",
                                      "io_cancel",
                                      "io_destroy",
                                      "io_getevents",
                                      "io_pgetevents",
                                      "io_setup",
                                      "io_submit",
                                      "ioprio_get",
                                      "ioprio_set",
                                      "kill",
                                      "landlock_add_rule",
                                      "landlock_create_ruleset",
                                      "landlock_restrict_self",
                                      "lgetxattr",
                                      "link",
                                      "linkat",
                                      "listen",
                                      "listxattr",
                                      "listxattrat",
                                      "llistxattr",
                                      "lremovexattr",
                                      "lseek",
                                      "lsetxattr",
                                      "lsm_get_self_attr",
                                      "lsm_list_modules",
                                      "lstat",
                                      "madvise",
                                      "map_shadow_stack",
                                      "mbind",
                                      "membarrier",
                                      "memfd_create",
                                      "mincore",
                                      "mlock",
                                      "mlock2",
                                      "mlockall",
                                      "mmap",
                                      "mprotect",
                                      "mq_getsetattr",
                                      "mq_notify",
                                      "mq_open",
                                      "mq_timedreceive",
                                      "mq_timedsend",
                                      "mq_unlink",
                                      "mremap",
                                      "mseal",
                                      "msgctl",
                                      "msgget",
                                      "msgrcv",
                                      "msgsnd",
                                      "msync",
                                      "munlock",
                                      "munlockall",
                                      "munmap",
                                      "name_to_handle_at",
                                      "nanosleep",
                                      "newfstatat",
                                      "pause",
                                      "pidfd_open",
                                      "pidfd_send_signal",
                                      "pipe",
                                      "pipe2",
                                      "pkey_alloc",
                                      "pkey_free",
                                      "pkey_mprotect",
                                      "poll",
                                      "ppoll",
                                      "prctl",
                                      "pread64",
                                      "preadv",
                                      "preadv2",
                                      "prlimit64",
                                      "pselect6",
                                      "pwrite64",
                                      "pwritev",
                                      "pwritev2",
                                      "read",
                                      "readahead",
                                      "readlink",
                                      "readlinkat",
                                      "readv",
                                      "recvfrom",
                                      "recvmmsg",
                                      "recvmsg",
                                      "remap_file_pages",
                                      "removexattr",
                                      "removexattrat",
                                      "rename",
                                      "renameat",
                                      "renameat2",
                                      "restart_syscall",
                                      "rmdir",
                                      "rseq",
                                      "rt_sigaction",
                                      "rt_sigpending",
                                      "rt_sigprocmask",
                                      "rt_sigqueueinfo",
                                      "rt_sigreturn",
                                      "rt_sigsuspend",
                                      "rt_sigtimedwait",
                                      "rt_tgsigqueueinfo",
                                      "sched_get_priority_max",
                                      "sched_get_priority_min",
                                      "sched_getaffinity",
                                      "sched_getattr",
                                      "sched_getparam",
                                      "sched_getscheduler",
                                      "sched_rr_get_interval",
                                      "sched_setaffinity",
                                      "sched_setattr",
                                      "sched_setparam",
                                      "sched_setscheduler",
                                      "sched_yield",
                                      "seccomp",
                                      "select",
                                      "semctl",
                                      "semget",
                                      "semop",
                                      "semtimedop",
                                      "sendfile",
                                      "sendmmsg",
                                      "sendmsg",
                                      "sendto",
                                      "set_mempolicy",
                                      "set_mempolicy_home_node",
                                      "set_robust_list",
                                      "set_tid_address",
                                      "setfsgid",
                                      "setfsuid",
                                      "setgid",
                                      "setgroups",
                                      "setitimer",
                                      "setpgid",
                                      "setpriority",
                                      "setregid",
                                      "setresgid",
                                      "setresuid",
                                      "setreuid",
                                      "setrlimit",
                                      "setsid",
                                      "setsockopt",
                                      "setuid",
                                      "setxattr",
                                      "setxattrat",
                                      "shmat",
                                      "shmctl",
                                      "shmdt",
                                      "shmget",
                                      "shutdown",
                                      "sigaltstack",
                                      "signalfd",
                                      "signalfd4",
                                      "splice",
                                      "stat",
                                      "statfs",
                                      "statx",
                                      "symlink",
                                      "symlinkat",
                                      "sync",
                                      "sync_file_range",
                                      "sync_file_range2",
                                      "syncfs",
                                      "sysinfo",
                                      "tee",
                                      "tgkill",
                                      "time",
                                      "timer_create",
                                      "timer_delete",
                                      "timer_getoverrun",
                                      "timer_gettime",
                                      "timer_settime",
                                      "timerfd_create",
                                      "timerfd_gettime",
                                      "timerfd_settime",
                                      "times",
                                      "tkill",
                                      "truncate",
                                      "umask",
                                      "uname",
                                      "unlink",
                                      "unlinkat",
                                      "utime",
                                      "utimensat",
                                      "utimes",
                                      "vfork",
                                      "vmsplice",
                                      "wait4",
                                      "waitid",
                                      "write",
                                      "writev"};

/* What they may not do and should be told so: ENOSYS would be a lie that some programs act on. */
static const char *const refused[] = {"_sysctl",
                                      "acct",
                                      "add_key",
                                      "adjtimex",
                                      "bpf",
                                      "chroot",
                                      "clock_adjtime",
                                      "clock_settime",
                                      "create_module",
                                      "delete_module",
                                      "fanotify_init",
                                      "fanotify_mark",
                                      "finit_module",
                                      "fsconfig",
                                      "fsmount",
                                      "fsopen",
                                      "fspick",
                                      "get_kernel_syms",
                                      "init_module",
                                      "ioperm",
                                      "iopl",
                                      "kcmp",
                                      "kexec_file_load",
                                      "kexec_load",
                                      "keyctl",
                                      "listmount",
                                      "lookup_dcookie",
                                      "lsm_set_self_attr",
                                      "migrate_pages",
                                      "mount",
                                      "mount_setattr",
                                      "move_mount",
                                      "move_pages",
                                      "nfsservctl",
                                      "open_by_handle_at",
                                      "open_tree",
                                      "open_tree_attr",
                                      "perf_event_open",
                                      "pidfd_getfd",
                                      "pivot_root",
                                      "process_madvise",
                                      "process_mrelease",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "ptrace",
                                      "query_module",
                                      "quotactl",
                                      "quotactl_fd",
                                      "reboot",
                                      "request_key",
                                      "setdomainname",
                                      "sethostname",
                                      "setns",
                                      "settimeofday",
                                      "statmount",
                                      "swapoff",
                                      "swapon",
                                      "sysfs",
                                      "syslog",
                                      "umount2",
                                      "unshare",
                                      "uretprobe",
                                      "uselib",
                                      "userfaultfd",
                                      "ustat",
                                      "vhangup",
                                      "vserver"};

/* What nested sandboxes need on top, in namespaces of their own. */
static const char *const nested[] = {"chroot",  "clone",         "clone3",        "fsconfig",
                                     "fsmount", "fsopen",        "fspick",        "keyctl",
                                     "mount",   "mount_setattr", "move_mount",    "open_tree",
                                     "openat2", "pivot_root",    "setdomainname", "sethostname",
                                     "setns",   "umount2",       "unshare"};

static const enum spec_seccomp_action allow = SECCOMP_ACTION_ALLOW;
static const enum spec_seccomp_action refuse = SECCOMP_ACTION_ERRNO; /* with EPERM */

struct condition {
	unsigned int argument;
	uint64_t mask;
	uint64_t value;
};

/* The rules so far, and the text that stands for them in the cache of filters. */
struct builder {
	struct arena *arena;
	struct spec_seccomp *section;
	struct strbuf identity;
	bool failed;
};

enum { RULE_LIMIT = 160 };

static bool is_in(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(list[i], name))
			return true;
	return false;
}

/* --- Rules --- */

static struct spec_seccomp_rule *add_empty(struct builder *b, enum spec_seccomp_action action,
                                           size_t names, size_t arguments)
{
	struct spec_seccomp_rule *rule = &b->section->rules[b->section->rule_count];

	*rule = (struct spec_seccomp_rule){
		.action = action,
		.errno_ret = {action == refuse, EPERM},
		.names.items = arena_alloc(b->arena, names + 1, sizeof(char *)),
		.args = arguments ? arena_alloc(b->arena, arguments, sizeof(*rule->args)) : NULL,
		.arg_count = arguments,
	};
	if (!rule->names.items || (arguments && !rule->args) ||
	    b->section->rule_count == RULE_LIMIT - 1) {
		b->failed = true;
		return NULL;
	}
	b->section->rule_count++;
	strbuf_adds(&b->identity, action == refuse ? ";-" : ";+");
	return rule;
}

/* The names are only read. */
static void add_name(struct builder *b, struct spec_seccomp_rule *rule, const char *name)
{
	rule->names.items[rule->names.count++] = (char *)(uintptr_t)name;
	strbuf_adds(&b->identity, name);
	strbuf_add(&b->identity, ",", 1);
}

static void add_rule(struct builder *b, const char *name, enum spec_seccomp_action action,
                     const struct condition *conditions, size_t count)
{
	struct spec_seccomp_rule *rule = add_empty(b, action, 1, count);

	if (!rule)
		return;
	add_name(b, rule, name);
	for (size_t i = 0; i < count; i++) {
		const struct condition *c = &conditions[i];

		rule->args[i] = (struct spec_seccomp_arg){
			.index = c->argument,
			.value = c->mask,
			.value_two = c->value,
			/* At least 0: always. A mask of 0 would make the rule one without conditions. */
			.op = c->mask ? SECCOMP_OP_MASKED_EQ : SECCOMP_OP_GE,
		};
		strbuf_addf(&b->identity, "%u:%llx=%llx,", c->argument, (unsigned long long)c->mask,
		            (unsigned long long)c->value);
	}
}

/* For all that the rules before it have left. A rule without conditions would overrule those. */
static void add_rest(struct builder *b, const char *name, enum spec_seccomp_action action)
{
	static const struct condition always = {0, 0, 0};

	add_rule(b, name, action, &always, 1);
}

static void add_list(struct builder *b, const char *const *list, size_t count,
                     enum spec_seccomp_action action, bool without_nested)
{
	struct spec_seccomp_rule *rule = add_empty(b, action, count, 0);

	for (size_t i = 0; rule && i < count; i++)
		if (!without_nested || !is_in(list[i], nested, ARRAY_SIZE(nested)))
			add_name(b, rule, list[i]);
}

/* --- Calls that are allowed with some arguments --- */

/* New namespaces are refused, each by its flag, so that the error is EPERM. */
static void add_clone(struct builder *b)
{
	static const uint64_t flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	                                 CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		add_rule(b, "clone", refuse, &(struct condition){0, flags[i], flags[i]}, 1);
	add_rest(b, "clone", allow);
}

/* The kernel looks at 32 bits of the request. */
static void add_ioctl(struct builder *b)
{
	static const uint64_t requests[] = {0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */};

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		add_rule(b, "ioctl", refuse, &(struct condition){1, UINT32_MAX, requests[i]}, 1);
	add_rest(b, "ioctl", allow);
}

static void add_sockets(struct builder *b)
{
	enum { AUDIT = 9 };
	static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6};
	const struct condition audit[] = {{0, UINT32_MAX, AF_NETLINK}, {2, UINT32_MAX, AUDIT}};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		add_rule(b, "socket", allow, &(struct condition){0, UINT32_MAX, families[i]}, 1);
	add_rule(b, "socket", refuse, audit, ARRAY_SIZE(audit));
	add_rule(b, "socket", allow, &(struct condition){0, UINT32_MAX, AF_NETLINK}, 1);
	add_rest(b, "socket", refuse);
	add_rule(b, "socketpair", allow, &(struct condition){0, UINT32_MAX, AF_UNIX}, 1);
	add_rest(b, "socketpair", refuse);
}

static void add_personality(struct builder *b)
{
	static const uint64_t values[] = {PER_LINUX,         PER_LINUX32,
	                                  UNAME26,           PER_LINUX32 | UNAME26,
	                                  ADDR_NO_RANDOMIZE, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		add_rule(b, "personality", allow, &(struct condition){0, UINT32_MAX, values[i]}, 1);
	add_rest(b, "personality", refuse);
}

/* Files whose mode is given: never with the bits that lend an owner's or a group's rights. */
static const struct {
	const char *name;
	unsigned int mode; /* the argument */
	int flags; /* the argument that must say O_CREAT for the mode to count; −1: none */
} mode_calls[] = {
	{"chmod", 1, -1},   {"fchmod", 1, -1}, {"fchmodat", 2, -1}, {"fchmodat2", 2, -1},
	{"creat", 1, -1},   {"mkdir", 1, -1},  {"mkdirat", 2, -1},  {"mknod", 1, -1},
	{"mknodat", 2, -1}, {"open", 2, 1},    {"openat", 3, 2},
};

static void add_modes(struct builder *b)
{
	enum { CREATE = 0100, TEMPORARY = 020000000 };
	static const uint64_t bits[] = {S_ISUID, S_ISGID}, creating[] = {CREATE, TEMPORARY};

	for (size_t i = 0; i < ARRAY_SIZE(mode_calls); i++) {
		unsigned int mode = mode_calls[i].mode;

		for (size_t k = 0; k < ARRAY_SIZE(bits) && mode_calls[i].flags < 0; k++)
			add_rule(b, mode_calls[i].name, refuse,
			         &(struct condition){mode, bits[k], bits[k]}, 1);
		for (size_t k = 0; k < 4 && mode_calls[i].flags >= 0; k++) {
			const uint64_t bit = bits[k / 2], flag = creating[k % 2];
			const struct condition both[] = {
				{(unsigned int)mode_calls[i].flags, flag, flag},
				{mode, bit, bit},
			};

			add_rule(b, mode_calls[i].name, refuse, both, ARRAY_SIZE(both));
		}
		add_rest(b, mode_calls[i].name, allow);
	}
}

/*
 * Ids that the user namespace does not map are invalid to the kernel (EINVAL); fakeroot and others take only EPERM
 * for "not yours". Where one id is mapped the filter says so before the kernel does.
 */
static void add_owners(struct builder *b, const struct profile_options *options)
{
	static const struct {
		const char *name;
		unsigned int uid; /* the argument; the gid is the next one */
	} calls[] = {{"chown", 1}, {"fchown", 1}, {"lchown", 1}, {"fchownat", 2}};
	const uint64_t uids[] = {options->uid, UINT32_MAX}, gids[] = {options->gid, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (size_t k = 0; options->single_id && k < 4; k++) {
			const struct condition own[] = {
				{calls[i].uid, UINT32_MAX, uids[k / 2]},
				{calls[i].uid + 1, UINT32_MAX, gids[k % 2]},
			};

			add_rule(b, calls[i].name, allow, own, ARRAY_SIZE(own));
		}
		add_rest(b, calls[i].name, options->single_id ? refuse : allow);
	}
}

/* --- The section --- */

static void add_rules(struct builder *b, const struct profile_options *options)
{
	add_list(b, allowed, ARRAY_SIZE(allowed), allow, false);
	add_list(b, refused, ARRAY_SIZE(refused), refuse, options->allow_userns);
	if (options->allow_userns)
		add_list(b, nested, ARRAY_SIZE(nested), allow, false);
	else
		add_clone(b);
	add_ioctl(b);
	add_sockets(b);
	add_personality(b);
	add_modes(b);
	add_owners(b, options);
}

int profile_build(struct arena *arena, const struct profile_options *options,
                  struct spec_seccomp *ret, struct error *err)
{
	struct builder b = {.arena = arena, .section = ret};

	*ret = (struct spec_seccomp){
		.set = true,
		.default_action = refuse,
		.default_errno_ret = {true, ENOSYS},
		.rules = arena_alloc(arena, RULE_LIMIT, sizeof(*ret->rules)),
	};
	if (!ret->rules)
		return error_code(err, ENOMEM, "seccomp profile");
	add_rules(&b, options);

	scoped_str identity = strbuf_take(&b.identity);

	ret->canonical = arena_strdup(arena, identity);
	if (b.failed || !ret->canonical)
		return error_code(err, ENOMEM, "seccomp profile");
	ret->canonical_size = strlen(ret->canonical);
	return 0;
}

/* --- As text --- */

static void write_arguments(struct json_writer *w, const struct spec_seccomp_rule *rule)
{
	json_writer_array(w, "args");
	for (size_t i = 0; i < rule->arg_count; i++) {
		json_writer_object(w, NULL);
		json_writer_unsigned(w, "index", rule->args[i].index);
		json_writer_unsigned(w, "value", rule->args[i].value);
		json_writer_unsigned(w, "valueTwo", rule->args[i].value_two);
		json_writer_string(w, "op",
		                   rule->args[i].op == SECCOMP_OP_GE ? "SCMP_CMP_GE"
		                                                     : "SCMP_CMP_MASKED_EQ");
		json_writer_end(w);
	}
	json_writer_end(w);
}

void profile_write(struct json_writer *writer, const struct spec_seccomp *profile)
{
	json_writer_object(writer, "seccomp");
	json_writer_string(writer, "defaultAction", "SCMP_ACT_ERRNO");
	json_writer_unsigned(writer, "defaultErrnoRet", profile->default_errno_ret.value);
	json_writer_array(writer, "syscalls");
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct spec_seccomp_rule *rule = &profile->rules[i];

		json_writer_object(writer, NULL);
		json_writer_strings(writer, "names", (const char *const *)rule->names.items,
		                    rule->names.count);
		json_writer_string(writer, "action",
		                   rule->action == refuse ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
		if (rule->errno_ret.set)
			json_writer_unsigned(writer, "errnoRet", rule->errno_ret.value);
		if (rule->arg_count)
			write_arguments(writer, rule);
		json_writer_end(writer);
	}
	json_writer_end(writer);
	json_writer_end(writer);
}
