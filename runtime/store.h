/*
 * The state root: one directory a container, made with mkdir (which decides who has the id), locked
 * with flock on the directory itself.
 *
 *	journal      what to clean up (journal.h), first to come and last to go
 *	config.json  the configuration as it was at create, and as update and mounts have changed it
 *	record.json  the container (spec/state.h); there once it is created, replaced by rename only
 *	process      init once more, where there is no cgroup to find it by (journal.h)
 *	notify/      the socket of notify.h, mounted in the container; only where somebody wants to hear
 *	start.sock   init listens here; there as long as the container waits for start
 *	tracked      what the kernel tracks changes of memory since (checkpoint/parent.h); only after such a dump
 *	disk         where its managed root and its snapshots are (disk.h); only if it has some
 *	.seccomp/    (in the root) compiled filters
 *
 * Readers of the record need no lock. Host side.
 */
#ifndef LVM_RUN_RUNTIME_STORE_H
#define LVM_RUN_RUNTIME_STORE_H

#include "runtime/journal.h"
#include "runtime/runtime.h"

#define RECORD_NAME "record.json"
#define CONFIG_NAME "config.json"
#define START_SOCKET_NAME "start.sock"
#define TRACKED_NAME "tracked"

/* What it holds comes from the configuration, most of it annotations. */
enum { RECORD_SIZE_LIMIT = SPEC_SIZE_LIMIT };

int store_fd(const struct store *store);

/* The directory itself, for store_open: the descriptor, which is the caller's, or −errno. */
int store_open_root(const char *path, struct error *err) must_check;
/* Tells this state root from the others of this machine. */
uint64_t store_number(const struct store *store);

/* This boot's id, asked of the kernel once; null when it cannot be had. */
const char *store_boot_id(struct store *store);
/* Whether a written boot id (null: none was written) is this boot's; in doubt it is. */
bool store_is_this_boot(struct store *store, const char *boot_id);

/* The directory of compiled filters, made when missing; −1 when that cannot be had. The caller's. */
int store_open_cache(const struct store *store) must_check;

/* One container's directory, open and locked. */
struct store_entry {
	struct store *store; /* borrowed */
	int fd;
	int journal_fd; /* −1 unless it was reserved by this command */
	bool locked;
	char id[256];
};

/*
 * Takes the id: makes the directory and locks it. −EEXIST with "container with id exists" when it
 * is taken; a directory of an earlier boot does not count. The caller then writes the journal.
 */
int store_reserve(struct store *store, const char *id, struct store_entry *ret,
                  struct error *err) must_check;

/* Opens and locks an existing one; −ENOENT with "container does not exist". */
int store_lock(struct store *store, const char *id, struct store_entry *ret,
               struct error *err) must_check;
/* The same without waiting: −EWOULDBLOCK without *err while another command works on it. */
int store_try_lock(struct store *store, const char *id, struct store_entry *ret,
                   struct error *err) must_check;
/* Only opens it. */
int store_open_entry(struct store *store, const char *id, struct store_entry *ret,
                     struct error *err) must_check;

/*
 * Whether the directory is a container's: it has a journal, or nothing but what we make (a killed
 * command may have left less than a journal). A state root can be named that is none.
 */
bool store_is_container(const struct store_entry *entry);

/*
 * Removes all that is in the directory, the journal last, and the directory. What is already gone is
 * no error.
 */
int store_remove(struct store_entry *entry, struct error *err) must_check;

/* Lets others act on the container while this command goes on. */
void store_entry_unlock(struct store_entry *entry);
/* −ENOENT when it was removed meanwhile. */
int store_entry_relock(struct store_entry *entry, struct error *err) must_check;

/*
 * Unlocks and closes. Init inherits the descriptor and thereby the lock: it is given back
 * explicitly, so that nothing waits for init.
 */
void store_entry_done(struct store_entry *entry);
#define scoped_store_entry scoped(store_entry_done) struct store_entry

/* Moves descriptors and lock out of the variable, which knows only store and id afterwards. */
struct store_entry store_entry_take(struct store_entry *entry) must_check;

/* Reads the record into `arena`; −ENOENT without *err when there is none. */
int store_read_record(int entry_fd, struct arena *arena, struct record *ret,
                      struct error *err) must_check;
int store_write_record(int entry_fd, const struct record *record, struct error *err) must_check;

/*
 * Replaces the configuration that is kept, around something else that must succeed too: the new text is
 * written first, under another name; commit renames it, drop forgets it. Killed in between nothing has
 * changed.
 */
int store_prepare_config(int entry_fd, const char *text, size_t size, struct error *err) must_check;
int store_commit_config(int entry_fd, struct error *err) must_check;
void store_drop_config(int entry_fd);

#endif
