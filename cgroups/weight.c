#include "cgroups/weight.h"

/* Binary logarithm of a number from 1 up: whole part by halving, fraction bit by bit by squaring. */
static double log_2(double x)
{
	double result = 0;
	double bit = 0.5;

	while (x >= 2) {
		x /= 2;
		result += 1;
	}
	for (int i = 0; i < 52; i++) {
		x *= x;
		if (x >= 2) {
			x /= 2;
			result += bit;
		}
		bit /= 2;
	}
	return result;
}

/* e^x for x from 0 to 10: the series of x/16, squared four times. */
static double exp_e(double x)
{
	double term = 1;
	double sum = 1;

	x /= 16;
	for (int i = 1; i < 24; i++) {
		term *= x / i;
		sum += term;
	}
	for (int i = 0; i < 4; i++)
		sum *= sum;
	return sum;
}

uint64_t weight_of_shares(uint64_t shares)
{
	static const double ln_10 = 2.302585092994045684;
	static const double rounding = 1e-9; /* so that an exact whole is not lifted to the next */

	if (shares == 0)
		return 0;
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;

	double l = log_2((double)shares);
	double weight = exp_e((l * l + 125 * l - 126) / 612 * ln_10);
	uint64_t whole = (uint64_t)(weight - rounding);

	return whole + 1;
}
