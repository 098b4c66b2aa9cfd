/*
 * Clones: new containers that go on where another was, with the same memory and disk, and with an identity of their
 * own: id, host name, machine id, control group, namespaces, writable layer. A template is a sealed state without
 * a container, from which clones start. Needs root.
 *
 * A program learns that it was cloned, or put back, from GENERATION_FILE in its root: a random id in one line, new
 * with every clone and revert, written before it runs on. What it drew from /dev/urandom before is the same
 * in all clones: who depends on it reseeds when the id has changed. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_CLONE_H
#define LVM_RUN_CHECKPOINT_CLONE_H

#include "checkpoint/checkpoint.h"
#include "runtime/disk.h"

#define GENERATION_FILE "/etc/lvm-run-generation"

/* The method of a template's node that sandbox --save-template has made: no clone starts from it. */
#define TEMPLATE_OF_SANDBOX "sandbox"

/* What became of one of them. */
struct clone_report {
	const char *id;
	unsigned int done; /* so many of them have been reported, with this one */
	unsigned int count;
	uint64_t us;
	uint64_t frozen_us; /* how long the source stood still, for all of them; 0: it did not */
	int r;              /* 0, or −errno: there is nothing of it, `err` says why */
	const struct error *err;
};
typedef void clone_reporter(const struct clone_report *report, void *context);

struct clone_options {
	const char *store_path; /* null: the default */
	const char *from;       /* a snapshot of the source; null: its present state */
	const char *network;    /* the network namespace to join; null: one of its own */
	const char *output;     /* a directory for the output of each; null: this command's */
	enum cgroup_driver driver;
	unsigned int count; /* 0: one, with the name as it is; else NAME-1 … NAME-count */
	unsigned int jobs;  /* at a time; 0: as many as there are processors */
	bool template;      /* the source is a template */
	clone_reporter *reporter;
	void *context; /* of the reporter */
	struct checkpoint_options checkpoint;
};

/* Each is there as a whole or not at all; *ret_failed of them are not. An error: none was begun. */
int clone_make(struct store *store, const char *source, const char *name,
               const struct clone_options *options, unsigned int *ret_failed,
               struct error *err) must_check;

/* Of a container, or of a snapshot of it (options->from). */
int template_create(struct store *store, const char *source, const char *name,
                    const struct clone_options *options, struct error *err) must_check;
int template_delete(const char *store_path, const char *name, struct error *err) must_check;
/* Opens it to be read; −ENOENT with *err. Its state is the record's only node. */
int template_open(const char *store_path, const char *name, struct disk *ret,
                  struct error *err) must_check;
/* Sorted; container_ids_free. */
int template_names(const char *store_path, char ***ret, size_t *ret_count,
                   struct error *err) must_check;

#endif
