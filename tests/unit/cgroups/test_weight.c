#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macro.h"
#include "cgroups/weight.h"

/* Values of the formula computed with a library's log2 and pow; near-whole ones are among them. */
static void shares_become_weights_by_the_curve(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = {
		{0, 0},          {1, 1},          {2, 1},
		{3, 2},          {4, 2},          {10, 4},
		{100, 17},       {512, 59},       {1023, 100},
		{1024, 100},     {1025, 101},     {2048, 174},
		{4096, 303},     {10240, 639},    {65536, 3023},
		{131072, 5478},  {196547, 7781},  {226073, 8789},
		{262143, 10000}, {262144, 10000}, {UINT64_MAX, 10000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (weight_of_shares(cases[i].shares) != cases[i].weight)
			fail_msg("%llu: %llu", (unsigned long long)cases[i].shares,
			         (unsigned long long)weight_of_shares(cases[i].shares));
	}
}

static void weights_grow_with_shares_and_stay_in_range(void **state)
{
	uint64_t last = 1;

	(void)state;
	for (uint64_t shares = 1; shares <= 262200; shares += 7) {
		uint64_t weight = weight_of_shares(shares);

		assert_true(weight >= last && weight <= 10000);
		last = weight;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_become_weights_by_the_curve),
		cmocka_unit_test(weights_grow_with_shares_and_stay_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
