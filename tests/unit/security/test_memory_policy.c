#include "tests/support/child.h"

#include <sys/syscall.h>

#include "security/memory_policy.h"

/* The mode and its flags as the kernel has them, and the first word of the mask; false without NUMA. */
static bool look(int *mode, unsigned long *mask)
{
	unsigned long words[16] = {0};

	if (syscall(SYS_get_mempolicy, mode, words, sizeof(words) * 8, NULL, 0) < 0)
		return false;
	*mask = words[0];
	return true;
}

static void need_numa(void)
{
	int mode;
	unsigned long mask;

	if (!look(&mode, &mask)) {
		print_message("SKIP this kernel has no memory policies\n");
		skip();
	}
}

static const char *enter(const struct spec_memory_policy *policy, struct error *err)
{
	struct memory_policy_plan plan;

	if (memory_policy_prepare(policy, &plan, err) < 0)
		return err->text;
	return memory_policy_enter(&plan, err) < 0 ? err->text : NULL;
}

static const char *take_each(void *data unused_parameter)
{
	static char node[] = "0";
	const struct spec_memory_policy policies[] = {
		{.set = true, .mode = MEMORY_MODE_BIND, .nodes = node},
		{.set = true, .mode = MEMORY_MODE_INTERLEAVE, .nodes = node},
		{.set = true, .mode = MEMORY_MODE_PREFERRED, .nodes = node},
		{.set = true, .mode = MEMORY_MODE_PREFERRED_MANY, .nodes = node},
		{.set = true,
	         .mode = MEMORY_MODE_BIND,
	         .nodes = node,
	         .flags = MEMORY_FLAG_STATIC_NODES | MEMORY_FLAG_NUMA_BALANCING},
		{.set = true, .mode = MEMORY_MODE_LOCAL},
		{.set = true, .mode = MEMORY_MODE_DEFAULT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct error err = {0};
		const char *failed = enter(&policies[i], &err);
		unsigned long mask = 0;
		int mode = -1;

		if (failed)
			return complain("row %zu: %s", i, failed);
		if (!look(&mode, &mask) || mode != (int)(policies[i].mode | policies[i].flags))
			return complain("row %zu: the mode is %#x", i, (unsigned int)mode);
		if (mask != (policies[i].nodes ? 1UL : 0UL))
			return complain("row %zu: the nodes are %#lx", i, mask);
	}
	return NULL;
}

static void each_policy_is_the_kernels_own_afterwards(void **state unused_parameter)
{
	need_numa();
	run_in_child(take_each, NULL);
}

static const char *take_missing_node(void *data unused_parameter)
{
	static char nodes[] = "900";
	const struct spec_memory_policy policy = {
		.set = true, .mode = MEMORY_MODE_BIND, .nodes = nodes};
	struct error err = {0};
	const char *text = enter(&policy, &err);

	return text && err.code == EINVAL && strstr(text, "one of the nodes \"900\"")
	               ? NULL
	               : complain("%s", text ? text : "it was taken");
}

static void a_node_without_memory_is_explained(void **state unused_parameter)
{
	need_numa();
	run_in_child(take_missing_node, NULL);
}

static void the_mask_has_whole_words_and_one_bit_more(void **state unused_parameter)
{
	static char nodes[] = "0,9,64-65";
	const struct spec_memory_policy policy = {
		.set = true, .mode = MEMORY_MODE_BIND, .nodes = nodes};
	struct memory_policy_plan plan;
	struct error err = {0};

	assert_int_equal(memory_policy_prepare(&policy, &plan, &err), 0);
	assert_int_equal(plan.mask[0], 1 << 9 | 1);
	assert_int_equal(plan.mask[1], 3);
	assert_int_equal(plan.bits, 9 * 8 + 1);
}

static void without_a_policy_nothing_is_done(void **state unused_parameter)
{
	const struct spec_memory_policy absent = {0};
	struct memory_policy_plan plan = {.bits = 7};
	struct error err = {0};

	assert_int_equal(memory_policy_prepare(&absent, &plan, &err), 0);
	assert_null(plan.policy);
	assert_int_equal(memory_policy_prepare(NULL, &plan, &err), 0);
	assert_int_equal(memory_policy_enter(&plan, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_policy_is_the_kernels_own_afterwards),
		cmocka_unit_test(a_node_without_memory_is_explained),
		cmocka_unit_test(the_mask_has_whole_words_and_one_bit_more),
		cmocka_unit_test(without_a_policy_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
