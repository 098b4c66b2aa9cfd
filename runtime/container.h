/*
 * The handle of an existing container inside runtime/ and checkpoint/: its directory, record and
 * status, and which verb is legal in which state.
 */
#ifndef LVM_RUN_RUNTIME_CONTAINER_H
#define LVM_RUN_RUNTIME_CONTAINER_H

#include "base/process.h"
#include "runtime/store.h"

enum container_status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
	STATUS_COUNT
};
const char *container_status_name(enum container_status status);

enum container_verb {
	VERB_START,
	VERB_EXEC,
	VERB_EXEC_PAUSED, /* exec --ignore-paused */
	VERB_KILL,
	VERB_PAUSE,
	VERB_RESUME,
	VERB_DELETE,
	VERB_PS,
	VERB_CHECKPOINT,
	VERB_UPDATE,
	VERB_MOUNTS,
	VERB_STATS,
	VERB_WAIT,
	VERB_COUNT
};

struct container {
	struct store_entry entry;
	struct arena arena;
	struct record record;
	enum container_status status;
};

/* Zero-initialised is not empty: use CONTAINER_NONE. */
#define CONTAINER_NONE                                                                             \
	{                                                                                          \
		.entry = {.fd = -1, .journal_fd = -1 }                                             \
	}
void container_done(struct container *container);
#define scoped_container scoped(container_done) struct container

/*
 * Opens and locks the container and checks that `verb` is legal in its state; the error says which
 * state it is in, with the words that engines look for ("container does not exist", "container not
 * running").
 */
int container_open(struct store *store, const char *id, enum container_verb verb,
                   struct container *ret, struct error *err) must_check;

/* Whether `verb` is legal in the state that was read; the error says why not. */
int container_check(const struct container *container, enum container_verb verb,
                    struct error *err) must_check;

/*
 * Reads record and status of an opened entry. A container whose creation has not finished has the
 * status creating and no more than an id in its record.
 */
int container_read(struct container *container, struct error *err) must_check;

/* Where the record says that its cgroup is; false when it had none. Strings are the record's. */
bool container_cgroup_location(const struct container *container, struct cgroup_location *ret);

/* Its cgroup; −ENOENT without *err when it has none or it is gone. */
int container_cgroup(const struct container *container, struct cgroup **ret,
                     struct error *err) must_check;

/* Its init process; −ESRCH with "container not running" when it is gone. */
int container_process(const struct container *container, struct process *ret,
                      struct error *err) must_check;

/* Its OCI state for hooks in `status`, as text (free); null: out of memory. */
char *container_hook_state(const struct record *record, enum container_status status) must_check;

/* Runs the host's hooks of `kind` of a container with this record, which may be gone or not written yet. */
int container_run_hooks(struct store *store, const struct record *record, const struct spec *spec,
                        enum container_status status, enum spec_hook_kind kind,
                        struct error *err) must_check;

/* The configuration it was created with. */
int container_spec(const struct container *container, struct spec **ret,
                   struct error *err) must_check;

#endif
