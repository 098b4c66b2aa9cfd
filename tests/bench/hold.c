/*
 * hold: the program of a container that is checkpointed.
 *
 *	hold [MIB [tick]]
 *
 * Fills so many MiB of memory with bytes that differ from page to page, calls itself "ready" and waits
 * for ever; with "tick" it looks at the clock a thousand times a second and keeps the longest time between (hold.h). Its standard streams become the container's own /dev/null: what a benchmark was started
 * with lies outside the container, which some runtimes cannot save.
 */
#include "hold.h"

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1024 * 1024 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void tick(volatile struct hold_page *page)
{
	const struct timespec pause_time = {0, 1000000};
	uint64_t before = now_ns();

	for (;; page->ticks++) {
		uint64_t now;

		nanosleep(&pause_time, NULL);
		now = now_ns();
		if (now - before > page->longest_ns)
			page->longest_ns = now - before;
		before = now;
	}
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) * MIB : 0;
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		err(1, "open /dev/null");
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (size) {
		uint64_t *words = mmap(NULL, size, PROT_READ | PROT_WRITE,
		                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (words == MAP_FAILED)
			return 1;
		for (size_t i = 0; i < size / sizeof(*words); i++)
			words[i] = i * 0x9e3779b97f4a7c15U;
	}
	prctl(PR_SET_NAME, "ready");
	if (argc > 2) {
		void *page =
			mmap((void *)HOLD_ADDRESS, sizeof(struct hold_page), PROT_READ | PROT_WRITE,
		             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (page == MAP_FAILED)
			return 1;
		tick(page);
	}
	for (;;)
		pause();
}
