#include "sandbox/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/auditor.h"

/* A socket below the scratch; its path may be longer than an address. */
static int make_server(const struct scratch *scratch, struct error *err)
{
	scoped_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[FD_PATH_SIZE];

	if (fd < 0)
		return error_errno(err, "audit: socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	               fd_path(scratch->fd, directory), AUDITOR_SOCKET_NAME);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0)
		return error_errno(err, "audit: socket");
	return fd_take(&fd);
}

/* Before the profile is changed: this is what it says itself. */
static int start_auditor(struct audit *audit, const struct scratch *scratch,
                         const struct spec_seccomp *profile, struct error *err)
{
	scoped_seccomp_program program = {0};
	scoped_fd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd server = make_server(scratch, err);
	struct auditor auditor = {
		.table = audit->table,
		.program = &program,
		.native = seccomp_native_architecture(),
		.scratch = scratch->fd,
		.proc = proc,
	};
	const pid_t parent = getpid();

	if (server < 0)
		return server;
	if (proc < 0)
		return error_errno(err, "audit: /proc");

	int r = seccomp_load_program(profile, -1, &program, err);

	if (r < 0)
		return r;
	audit->auditor = fork();
	if (audit->auditor < 0)
		return error_errno(err, "audit: fork");
	if (audit->auditor == 0)
		auditor_main(&auditor, server, parent);
	return 0;
}

int audit_start(struct audit *ret, const struct audit_request *request,
                struct spec_seccomp *profile, struct error *err)
{
	if (!request->denials && !request->calls)
		return 0;
	if (profile->listener_path)
		return error_set(err, EINVAL,
		                 "--audit and --learn: the profile has a listener of its own");
	ret->table = mmap(NULL, sizeof(*ret->table), PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ret->table == MAP_FAILED) {
		ret->table = NULL;
		return error_errno(err, "audit: table");
	}
	ret->denials = request->denials;

	int r = start_auditor(ret, request->scratch, profile, err);

	if (r < 0)
		return r;
	profile->ask_refused = request->denials;
	profile->ask_allowed = request->calls;
	profile->listener_path =
		arena_format(request->arena, "%s/%s", request->scratch->path, AUDITOR_SOCKET_NAME);
	return profile->listener_path ? 0 : error_code(err, ENOMEM, "audit");
}

void audit_end(struct audit *audit)
{
	int status = 0;

	if (audit->auditor <= 0)
		return;
	/* Nobody is left who calls. Who has ended before this found that out by himself, or was ended. */
	if (waitpid(audit->auditor, &status, WNOHANG) == audit->auditor) {
		audit->broken = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	} else {
		(void)kill(audit->auditor, SIGKILL);
		while (waitpid(audit->auditor, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	audit->auditor = 0;
}

void audit_done(struct audit *audit)
{
	audit_end(audit);
	if (audit->table)
		(void)munmap(audit->table, sizeof(*audit->table));
	*audit = (struct audit){0};
}

/* --- The report --- */

static void write_answer(struct json_writer *w, uint32_t answer)
{
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		json_writer_unsigned(w, "errno", answer & SECCOMP_RET_DATA);
	else
		json_writer_bool(w, "killed", auditor_is_deadly(answer));
}

static void write_entry(struct json_writer *w, const struct audit_entry *entry)
{
	char *name = seccomp_call_name(entry->architecture, entry->number);

	json_writer_object(w, NULL);
	json_writer_unsigned(w, "number", entry->number);
	json_writer_optional(w, "name", name);
	if (entry->architecture != seccomp_native_architecture())
		json_writer_unsigned(w, "architecture", entry->architecture);
	write_answer(w, entry->answer);
	json_writer_unsigned(w, "count", entry->count);
	json_writer_array(w, "programs");
	for (size_t i = 0; i < AUDIT_PROGRAMS && entry->programs[i][0]; i++)
		json_writer_string(w, NULL, entry->programs[i]);
	json_writer_end(w);
	json_writer_end(w);
	free(name);
}

void audit_write(struct json_writer *writer, const char *key, const struct audit *audit)
{
	if (!audit->denials)
		return;
	json_writer_object(writer, key);
	json_writer_unsigned(writer, "total", audit->table->denied);
	json_writer_unsigned(writer, "killed", audit->table->killed);
	json_writer_bool(writer, "complete", !audit->broken);
	json_writer_array(writer, "calls");
	for (size_t i = 0; i < audit->table->count; i++)
		write_entry(writer, &audit->table->entries[i]);
	json_writer_end(writer);
	json_writer_end(writer);
}
