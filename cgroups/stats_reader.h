/* Reading the files of a group for statistics. Only for cgroups/. Host side. */
#ifndef LVM_RUN_CGROUPS_STATS_READER_H
#define LVM_RUN_CGROUPS_STATS_READER_H

#include <stdbool.h>

#include "cgroups/stats.h"

/* io.stat of a host with many devices is the longest. */
enum { STATS_TEXT_LIMIT = 256 * 1024 };

struct stats_reader {
	int dirfd;
	struct arena *arena;
	char *text; /* of the file read last, STATS_TEXT_LIMIT bytes */
};

/* False when there is no such file, or it cannot be read. */
bool stats_reader_text(struct stats_reader *reader, const char *file);

/* How the files of huge pages are called in a version of control groups. */
struct stats_page_names {
	const char *reserved; /* "rsvd.current" */
	const char *usage;    /* "current" */
	const char *limit;
	const char *failures;
	const char *failure_key; /* null: the file is one number */
};
/* Fills the list of page sizes, if it is empty; −ENOMEM. */
int stats_reader_pages(struct stats_reader *reader, const struct stats_page_names *names,
                       struct cgroup_stats *stats) must_check;

/*
 * legacy_stats.c: fills what is unset from the container's groups in cgroup v1; `text` as in the reader;
 * −ENOMEM.
 */
int legacy_stats_read(const struct cgroup *group, struct arena *arena, char *text,
                      struct cgroup_stats *stats) must_check;

#endif
