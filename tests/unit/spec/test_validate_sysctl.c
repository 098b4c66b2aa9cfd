#include "tests/unit/spec/support.h"

#include "base/macro.h"

/* Validates `key` as a kernel parameter; `types` are the namespaces that the configuration lists. */
static int validate(const char *key, const char *types, const char *members, struct error *err)
{
	char text[500];

	snprintf(text, sizeof(text),
	         CONFIG("%s'linux': {'namespaces': [%s], 'sysctl': {'%s': '1'}}"), members, types,
	         key);
	scoped_spec spec = parse(text);

	return spec_validate(spec, err);
}

static void refuse(const char *key, const char *types, const char *members, const char *expected)
{
	struct error err = {0};

	assert_int_equal(validate(key, types, members, &err), -EINVAL);
	assert_string_equal(err.text, expected);
}

static const struct {
	const char *key;
	const char *type;
} namespaced[] = {
	{"net.ipv4.ip_forward", "network"},
	{"net/ipv4/conf/eth0.1/forwarding", "network"},
	{"fs.mqueue.msg_max", "ipc"},
	{"fs/mqueue/msg_max", "ipc"},
	{"kernel.msgmax", "ipc"},
	{"kernel.msgmnb", "ipc"},
	{"kernel.msgmni", "ipc"},
	{"kernel.msg_next_id", "ipc"},
	{"kernel.sem", "ipc"},
	{"kernel.sem_next_id", "ipc"},
	{"kernel.shmall", "ipc"},
	{"kernel.shmmax", "ipc"},
	{"kernel.shmmni", "ipc"},
	{"kernel.shm_next_id", "ipc"},
	{"kernel.shm_rmid_forced", "ipc"},
	{"kernel/shmmax", "ipc"},
	{"kernel.hostname", "uts"},
	{"kernel.domainname", "uts"},
	{"user.max_user_namespaces", "user"},
};

static void parameters_go_with_their_namespace(void **state unused_parameter)
{
	struct error err = {0};
	char type[150], expected[300];

	for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
		snprintf(type, sizeof(type), "{'type': '%s', 'path': '/x'}", namespaced[i].type);
		if (validate(namespaced[i].key, type, "", &err) < 0)
			fail_msg("%s", err.text);
		snprintf(expected, sizeof(expected),
		         "linux.sysctl[\"%s\"]: needs a %s namespace in linux.namespaces, or it "
		         "would "
		         "change the host",
		         namespaced[i].key, namespaced[i].type);
		refuse(namespaced[i].key, "{'type': 'mount'}", "", expected);
	}
}

#define ALL                                                                                        \
	"{'type': 'ipc'}, {'type': 'network'}, {'type': 'uts'}, {'type': 'pid'}, {'type': "        \
	"'mount'}"

static void parameters_of_the_host_are_refused(void **state unused_parameter)
{
	static const char *const keys[] = {
		"kernel.core_pattern", "vm.swappiness", "kernel.semx", "kernel.se", "fs.mqueue",
		"fs.file-max",         "net",           "netx.a",      "kernel.msg"};
	char expected[200];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		snprintf(expected, sizeof(expected),
		         "linux.sysctl[\"%s\"]: is refused: it belongs to no namespace and would "
		         "change the host",
		         keys[i]);
		refuse(keys[i], ALL, "", expected);
	}
}

static void names_that_lead_elsewhere_are_refused(void **state unused_parameter)
{
	static const char *const keys[] = {"",
	                                   "net..ipv4",
	                                   "net/../kernel/core_pattern",
	                                   "net.ipv4/../../kernel/core_pattern",
	                                   "net/./x",
	                                   "net/",
	                                   "net.",
	                                   "/net/x",
	                                   "net//x"};
	char expected[200];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		snprintf(expected, sizeof(expected),
		         "linux.sysctl[\"%s\"]: is no name of a kernel parameter", keys[i]);
		refuse(keys[i], ALL, "", expected);
	}
}

static void names_conflict_with_their_properties(void **state unused_parameter)
{
	refuse("kernel.hostname", ALL, "'hostname': 'a', ",
	       "linux.sysctl[\"kernel.hostname\"]: conflicts with the property hostname");
	refuse("kernel/domainname", ALL, "'domainname': 'a', ",
	       "linux.sysctl[\"kernel/domainname\"]: conflicts with the property domainname");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_go_with_their_namespace),
		cmocka_unit_test(parameters_of_the_host_are_refused),
		cmocka_unit_test(names_that_lead_elsewhere_are_refused),
		cmocka_unit_test(names_conflict_with_their_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
