/* Device rules in the kernel's hands. Needs root. */
#include "groups.h"

/* --- Devices --- */

static char node[64];

static void open_node_and_tell(void)
{
	int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	_exit(fd >= 0 ? 0 : errno);
}

static int open_within(const struct cgroup_request *request)
{
	scoped_cgroup group = create(request);
	pid_t pid = start(cgroup_dirfd(group), open_node_and_tell);
	int status = status_of(pid);

	destroy(group);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void only_listed_devices_can_be_opened(void **state)
{
	struct spec_device_rule rules[] = {
		{.allow = false, .type = 'a'},
		{.allow = true,
	         .type = 'c',
	         .major = {.set = true, .value = 1},
	         .minor = {.set = true, .value = 11},
	         .access = (char *)(size_t) "r"},
	};
	struct spec_resources resources = {.devices = rules, .device_count = 1};
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	(void)snprintf(node, sizeof(node), "/var/tmp/lvm-run-node-%ld", (long)getpid());
	if (mknod(node, S_IFCHR | 0600, makedev(1, 11)) < 0 || access(node, R_OK) < 0) {
		(void)printf("SKIP no device node can be made here\n");
		skip();
	}

	int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		(void)unlink(node);
		(void)printf("SKIP the kernel log cannot be opened here at all\n");
		skip();
	}
	close(fd);
	request.resources = &resources;

	int denied = open_within(&request);

	resources.device_count = 2;

	int allowed = open_within(&request);

	(void)unlink(node);
	assert_int_equal(denied, EPERM);
	assert_int_equal(allowed, 0);
}

static void the_kernel_accepts_the_program_of_any_rules(void **state)
{
	static const char *const accesses[] = {NULL, "r", "w", "m", "rw", "rm", "wm", "rwm"};
	struct spec_device_rule rules[30];
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	srandom(20240608);
	for (int round = 0; round < 60; round++) {
		struct spec_resources resources = {
			.devices = rules,
			.device_count = (size_t)random() % ARRAY_SIZE(rules),
		};

		for (size_t i = 0; i < resources.device_count; i++) {
			rules[i] = (struct spec_device_rule){
				.allow = random() % 2,
				.type = "acb"[random() % 3],
				.major = {.set = random() % 4, .value = random() % 300},
				.minor = {.set = random() % 4, .value = random() % 300},
				.access = (char *)(uintptr_t)
					accesses[random() % (long)ARRAY_SIZE(accesses)],
			};
		}
		request.resources = &resources;

		scoped_cgroup group = create(&request);

		destroy(group);
	}
}

static int pin_and_attach_again(void)
{
	struct spec_device_rule rules[] = {{.allow = false, .type = 'a'}};
	struct spec_resources resources = {.devices = rules, .device_count = 1};
	struct cgroup_request request = request_for("unit-pin");
	scoped_str id = new_id();
	struct stat st;

	if (mount("bpf", "/mnt", "bpf", 0, "mode=0700") < 0)
		return 78;
	request.id = id;
	request.resources = &resources;
	request.pin_dir = "/mnt/lvm-run";
	for (int i = 0; i < 2; i++) {
		scoped_cgroup group = NULL;
		scoped_arena arena = {0};
		struct device_program program;
		struct error err = {0};

		if (cgroup_plan(&request, &group, &err) < 0 || cgroup_create(group, &err) < 0 ||
		    cgroup_destroy(group, &err) < 0 ||
		    devices_plan(&resources, &arena, &program, &err) < 0)
			return 1;

		scoped_str path = str_format("/mnt/lvm-run/%s", program.name);

		if (stat(path, &st) < 0)
			return 2;
		/* The second time it must be that of the first. */
		if (i == 0 && chmod("/mnt/lvm-run", 0700) < 0)
			return 3;
	}
	if (stat("/mnt/lvm-run", &st) < 0 || (st.st_mode & 0777) != 0700)
		return 4;
	return 0;
}

static void device_programs_are_pinned_where_bpffs_is_mounted(void **state)
{
	(void)state;
	need_root();

	int r = in_private_view(pin_and_attach_again);

	if (r == 77 || r == 78) {
		(void)printf("SKIP %s is not allowed here\n",
		             r == 77 ? "unshare" : "mounting bpffs");
		skip();
	}
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_listed_devices_can_be_opened),
		cmocka_unit_test(the_kernel_accepts_the_program_of_any_rules),
		cmocka_unit_test(device_programs_are_pinned_where_bpffs_is_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
