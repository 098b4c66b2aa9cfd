/*
 * Without a work path a failure's log goes beside the images, or where these cannot be written to the state root.
 * It is removed otherwise.
 */
#include "checkpoint/restore_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "checkpoint/image.h"

static char *keep(const struct restore_log *log)
{
	enum { LOG_LIMIT = 64 * 1024 * 1024 };
	const char *slash = strrchr(log->state, '/');
	char name[NAME_MAX + 1];
	scoped_str text = NULL;
	struct error ignored;
	size_t size = 0;

	if (file_read(log->work_fd, RESTORE_LOG_NAME, LOG_LIMIT, &text, &size, &ignored) < 0)
		return NULL;
	if (file_write_atomic(log->image_fd, RESTORE_LOG_NAME, 0600, text, size, &ignored) == 0)
		return str_format("%s/" RESTORE_LOG_NAME, log->image_path);
	(void)snprintf(name, sizeof(name), ".restore-%.200s.log", log->id);
	if (renameat(log->work_fd, RESTORE_LOG_NAME, store_fd(log->store), name) < 0)
		return NULL;
	return str_format("%.*s/%s", slash ? (int)(slash - log->state) : 0, log->state, name);
}

void restore_log_settle(const struct restore_log *log, int result, struct error *err)
{
	size_t length = result < 0 ? strlen(err->text) : 0;
	scoped_str place = NULL;

	if (!log->work_path && result == 0) {
		(void)unlinkat(log->work_fd, RESTORE_LOG_NAME, 0);
		(void)unlinkat(log->work_fd, "stats-restore", 0);
	}
	if (result == 0 || faccessat(log->work_fd, RESTORE_LOG_NAME, F_OK, 0) < 0)
		return;
	place = log->work_path ? str_format("%s/" RESTORE_LOG_NAME, log->work_path) : keep(log);
	if (place)
		(void)snprintf(err->text + length, sizeof(err->text) - length, "; log: %s", place);
}
