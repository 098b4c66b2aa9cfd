#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct date {
	unsigned int year;
	unsigned int month;
	unsigned int day;
};

static bool is_leap(unsigned int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned int days_of_month(unsigned int year, unsigned int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

static struct date date_of(unsigned long days)
{
	struct date date = {.year = 1970, .month = 1, .day = 1};

	for (; days >= (is_leap(date.year) ? 366U : 365U); date.year++)
		days -= is_leap(date.year) ? 366U : 365U;
	for (; days >= days_of_month(date.year, date.month); date.month++)
		days -= days_of_month(date.year, date.month);
	date.day += (unsigned int)days;
	return date;
}

char *clock_format(const struct timespec *when, char ret[static CLOCK_TEXT_SIZE])
{
	enum { DAY = 24 * 60 * 60 };
	unsigned long seconds = when->tv_sec > 0 ? (unsigned long)when->tv_sec : 0;
	struct date date = date_of(seconds / DAY);
	unsigned int rest = (unsigned int)(seconds % DAY);

	char text[96]; /* the compiler does not know how small the numbers are */

	(void)snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u.%09luZ", date.year,
	               date.month, date.day, rest / 3600, rest / 60 % 60, rest % 60,
	               (unsigned long)when->tv_nsec);
	(void)memcpy(ret, text, CLOCK_TEXT_SIZE - 1);
	ret[CLOCK_TEXT_SIZE - 1] = '\0';
	return ret;
}

char *clock_format_now(char ret[static CLOCK_TEXT_SIZE])
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return clock_format(&now, ret);
}

int64_t clock_monotonic_ns(void)
{
	enum { SECOND = 1000 * 1000 * 1000 };
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}
