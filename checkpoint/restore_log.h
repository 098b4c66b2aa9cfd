/* Where the log of a restore goes: a part of restore.c. Host side. */
#ifndef LVM_RUN_CHECKPOINT_RESTORE_LOG_H
#define LVM_RUN_CHECKPOINT_RESTORE_LOG_H

#include <stdbool.h>

#include "base/error.h"
#include "runtime/store.h"

struct restore_log {
	const char *image_path;
	const char *work_path; /* it stays there; null: only when the restore has failed */
	int image_fd;
	int work_fd;
	const struct store *store;
	const char *id;
	const char *state; /* the path of the state directory */
};

/* `result` < 0: *err says where the log is, at its end. */
void restore_log_settle(const struct restore_log *log, int result, struct error *err);

#endif
