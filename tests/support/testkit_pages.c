/*
 * pages MIB FILE [GENERATION]: memory whose every page is known at every generation, which FILE names: a few pages change
 * from one to the next, one of others is given back and stays zero, one of a shared memory is written by a process that ends at
 * once. Says "good GENERATION", or what is not as it should be, again and again. In generation FORK a second process
 * begins to do the same; in generation EXEC the first begins anew with the same process id.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testkit.h"

enum { PAGE = 4096, WORDS = PAGE / 8, CHANGES = 8, SOME = 16, FORK = 2, EXEC = 5 };

struct pages {
	uint64_t *own;
	size_t count;
	uint64_t *shared; /* SOME pages, and as many … */
	uint64_t *
		zeroed; /* … that are given back one after the other: the kernel takes all of them for changed then */
	bool first; /* of the processes */
};

static uint64_t value(size_t page, unsigned int generation)
{
	uint64_t number = (page + 1) * 0x9e3779b97f4a7c15U + generation + 1;

	return (number ^ number >> 29) | 1;
}

static bool changes(const struct pages *p, size_t page, unsigned int generation)
{
	for (size_t i = 0; i < CHANGES; i++)
		if (page == (generation * 37 + i * 611) % p->count)
			return true;
	return false;
}

static uint64_t expected(const struct pages *p, size_t page, unsigned int generation)
{
	while (generation > 0 && !changes(p, page, generation))
		generation--;
	return value(page, generation);
}

/* The last one that a page had its turn in; 0: none. */
static unsigned int last_turn(unsigned int page, unsigned int generation)
{
	while (generation > 0 && generation % SOME != page)
		generation--;
	return generation;
}

static void put(uint64_t *memory, size_t page, uint64_t content)
{
	memory[page * WORDS] = memory[page * WORDS + WORDS - 1] = content;
}

static void write_shared(const struct pages *p, unsigned int generation)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		put(p->shared, generation % SOME, value(0, generation));
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		(void)die("fork");
}

static void give_back(const struct pages *p, unsigned int page)
{
	if (mmap(p->zeroed + (size_t)page * WORDS, PAGE, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		(void)die("mmap");
}

static void become(const struct pages *p, unsigned int generation)
{
	for (size_t i = 0; i < CHANGES; i++) {
		size_t page = (generation * 37 + i * 611) % p->count;

		put(p->own, page, value(page, generation));
	}
	give_back(p, generation % SOME);
	if (p->first)
		write_shared(p, generation);
}

static size_t count_bad(const struct pages *p, unsigned int generation)
{
	size_t bad = 0;

	for (size_t page = 0; page < p->count; page++) {
		uint64_t content = expected(p, page, generation);

		bad += p->own[page * WORDS] != content ||
		       p->own[page * WORDS + WORDS - 1] != content;
	}
	for (unsigned int page = 0; page < SOME; page++) {
		unsigned int turn = last_turn(page, generation);

		bad += p->zeroed[page * WORDS] != (turn ? 0 : value(page, 0));
		bad += p->first && p->shared[page * WORDS] != (turn ? value(0, turn) : 0);
	}
	return bad;
}

static unsigned int read_generation(const char *path, unsigned int known)
{
	unsigned int generation = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return known;
	if (fscanf(file, "%u", &generation) != 1 || generation < known)
		generation = known;
	(void)fclose(file);
	return generation;
}

/*
 * With a gap on either side, so that the kernel does not join it with others, and in small pages: of large ones it
 * knows only that something in them has changed.
 */
static uint64_t *get(size_t pages, int kind)
{
	char *memory = mmap(NULL, (pages + 2) * PAGE, PROT_NONE, kind | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + PAGE, pages * PAGE, PROT_READ | PROT_WRITE))
		(void)die("mmap");
	(void)madvise(memory, (pages + 2) * PAGE, MADV_NOHUGEPAGE);
	return (uint64_t *)(void *)(memory + PAGE);
}

int pages_main(char **words)
{
	const struct timespec pause_time = {0, 50000000};
	struct pages p = {.count = (size_t)number(words[0]) * 256, .first = true};
	unsigned int generation = words[2] ? (unsigned int)number(words[2]) : 0;

	p.own = get(p.count, MAP_PRIVATE);
	p.shared = get(SOME, MAP_SHARED);
	p.zeroed = get(SOME, MAP_PRIVATE);
	for (size_t page = 0; page < p.count; page++)
		put(p.own, page, value(page, 0));
	for (size_t page = 0; page < SOME; page++)
		put(p.zeroed, page, value(page, 0));
	for (unsigned int i = 1; i <= generation; i++)
		become(&p, i);
	for (;;) {
		size_t bad = count_bad(&p, generation);

		if (bad)
			say("%zu pages are bad in %u\n", bad, generation);
		else
			say("good %u\n", generation);
		nanosleep(&pause_time, NULL);
		if (read_generation(words[1], generation) == generation)
			continue;
		generation++;
		if (p.first && generation == EXEC) {
			char text[16];

			(void)snprintf(text, sizeof(text), "%d", EXEC);
			(void)execl("/proc/self/exe", "testkit", "pages", words[0], words[1], text,
			            NULL);
			return die("exec");
		}
		become(&p, generation);
		if (p.first && generation == FORK)
			p.first = fork() != 0;
	}
}
