#include "base/cpulist.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* Reads a number at *text and steps over it. */
static int take_number(const char **text, unsigned int *ret)
{
	unsigned int value = 0;
	const char *p = *text;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (unsigned int)(*p - '0');
		if (value > CPULIST_BITS)
			return -ERANGE;
	}
	*text = p;
	*ret = value;
	return 0;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

struct range {
	unsigned int first, last;
	unsigned int used, group; /* of each `group` numbers the first `used` */
};

/* "A", "A-B" or "A-B:USED/GROUP" */
static int take_range(const char **text, struct range *ret)
{
	struct range range = {.used = 1, .group = 1};
	int r = take_number(text, &range.first);

	if (r < 0)
		return r;
	range.last = range.first;
	if (take_char(text, '-')) {
		r = take_number(text, &range.last);
		if (r == 0 && take_char(text, ':')) {
			r = take_number(text, &range.used);
			if (r == 0)
				r = take_char(text, '/') ? take_number(text, &range.group)
				                         : -EINVAL;
		}
		if (r < 0)
			return r;
	}
	if (range.last < range.first || range.group == 0 || range.used == 0 ||
	    range.used > range.group)
		return -EINVAL;
	if (range.last >= CPULIST_BITS)
		return -ERANGE;
	*ret = range;
	return 0;
}

static void set_range(struct cpulist *list, const struct range *range)
{
	for (unsigned int n = range->first; n <= range->last; n++) {
		if ((n - range->first) % range->group >= range->used)
			continue;
		list->bytes[n / 8] = (uint8_t)(list->bytes[n / 8] | 1U << n % 8);
		if (list->used < n / 8 + 1)
			list->used = n / 8 + 1;
	}
}

int cpulist_parse(const char *text, struct cpulist *ret)
{
	struct cpulist list = {.used = 0};
	bool more = false;

	for (;;) {
		struct range range;

		text += strspn(text, " \t\n");
		if (!*text && !more)
			break;

		int r = take_range(&text, &range);

		if (r < 0)
			return r;
		set_range(&list, &range);
		text += strspn(text, " \t\n");
		more = take_char(&text, ',');
		if (!more && *text)
			return -EINVAL;
	}
	*ret = list;
	return 0;
}
