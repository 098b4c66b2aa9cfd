/* The files that statistics come from, read from memory: any text is taken. Pure. Only for cgroups/. */
#ifndef LVM_RUN_CGROUPS_STATS_TEXT_H
#define LVM_RUN_CGROUPS_STATS_TEXT_H

#include "cgroups/stats.h"

/* A file with one number, or "max" (STATS_NO_LIMIT), and at most a newline. */
struct optional_u64 stats_text_number(const char *text);

/* The value of `key` in a file of lines "KEY NUMBER". */
struct optional_u64 stats_text_key(const char *text, const char *key);

/* A whole such file, *ret in the arena; lines of another form are left out. */
int stats_text_entries(const char *text, struct arena *arena, struct stats_entry **ret,
                       size_t *ret_count) must_check;

/* io.stat. */
int stats_text_devices(const char *text, struct arena *arena, struct stats_device **ret,
                       size_t *ret_count) must_check;

/*
 * A file of cgroup v1 with lines "8:0 Read 4096": adds bytes or operations to the devices of *ret, which is
 * made when it is null.
 */
int stats_text_legacy_devices(const char *text, bool bytes, struct arena *arena,
                              struct stats_device **ret, size_t *ret_count) must_check;

/* cpu.pressure and its kin. */
void stats_text_pressure(const char *text, struct stats_pressure *ret);

/* "2MB" of "hugetlb.2MB.current" into `ret`, with the suffix "current"; false for another name. */
bool stats_text_page_size(const char *file, const char *suffix, char *ret, size_t size);

#endif
