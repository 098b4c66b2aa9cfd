/*
 * What the store knows of a container's root, as one JSON file that is replaced by rename: the layers below the
 * one that is written to, the tree of snapshots, and what a command was about to do. Pure but for memory.
 */
#ifndef LVM_RUN_RUNTIME_DISK_RECORD_H
#define LVM_RUN_RUNTIME_DISK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

/* A snapshot. */
struct disk_node {
	char *name;
	char *parent;              /* null: it has none */
	char *created;             /* RFC 3339 */
	char *comment;             /* null: none */
	char *method;              /* how the disk was taken: "rotated", "copied" */
	char *bundle;              /* of the container then */
	struct string_list layers; /* the topmost first, above the record's lowers */
	bool memory;               /* its processes were saved too */
	uint64_t frozen_us;        /* how long they stood still */
};

/* What goes on, for whoever finds it after a kill. `verb` null: nothing. */
struct disk_operation {
	char *verb;  /* "snapshot" or "revert" */
	char *phase; /* checkpoint/snapshot.h */
	char *node;
	char *image; /* the name of the images from which the old state could be had again; may be null */
	/* The state before, for going back. */
	char *upper;
	char *current;
	struct string_list layers;
};

struct disk_record {
	char *id;
	char *state_root; /* absolute: of the container that it belongs to */
	char *bundle;
	bool keep;     /* it stays when the container is deleted */
	bool foreign;  /* the root is an engine's, or a plain directory: we keep snapshots alone */
	bool metacopy; /* so were the layers of `lowers` written */
	bool user;     /* mounted in a user namespace, without root */
	struct string_list lowers; /* directories of others, the topmost first; absolute */
	struct string_list layers; /* ours above them, sealed, the topmost first */
	char *upper;               /* the one that is written to; null: foreign, or a template */
	char *current;             /* the node that the present state comes from; null: none */
	struct disk_node *nodes;   /* parents before children */
	size_t node_count;
	struct disk_operation operation;
};

enum { DISK_RECORD_LIMIT = 16 * 1024 * 1024 };

/* Compact JSON (free); null: out of memory. */
char *disk_record_encode(const struct disk_record *record) must_check;

/*
 * Decodes into `arena`. Names of layers and nodes are checked to be names: what is read here becomes paths.
 * EILSEQ when a node's parent is none or the current one is unknown.
 */
int disk_record_decode(struct arena *arena, const char *text, size_t size, struct disk_record *ret,
                       struct error *err) must_check;

/* Null when there is none of that name. */
struct disk_node *disk_record_find(const struct disk_record *record, const char *name);

/* Whether `text` can be the name of a layer, a node or a template: as an id of a container. */
bool disk_name_valid(const char *text);

#endif
