#include "checkpoint/credentials.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/protobuf.h"
#include "namespaces/user.h"

enum { ID_COUNT = 8, CAP_SETGID_NUMBER = 6, CAP_SETUID_NUMBER = 7 };

/* --- Images: numbers of CRIU's magic.h, core.proto and creds.proto --- */

enum { MAGIC_COMMON = 0x54564319, MAGIC_CORE = 0x55053847 };
enum core_field { CORE_TASK = 3, CORE_THREAD = 5, THREAD_CREDS = 10, THREAD_SECCOMP_MODE = 11 };
enum { TASK_STATE = 1, TASK_DEAD = 2 };
enum creds_field { CREDS_UID = 1, CREDS_FSGID = 8, CREDS_NO_NEW_PRIVS = 18, CREDS_CAP_AMB = 19 };
enum { CREDS_CAP_INH = 9, CREDS_CAP_BND = 12 };

static int parse_creds(const struct protobuf_field *message, struct credentials *ret)
{
	/* Users and groups take turns there; here the users come first, as in /proc. */
	static const unsigned char places[ID_COUNT] = {0, 4, 1, 5, 2, 6, 3, 7};
	struct protobuf_reader reader = {message->data, message->size};
	struct protobuf_field field;
	unsigned int halves[CREDS_CAP_AMB + 1] = {0};
	int r;

	while ((r = protobuf_next(&reader, &field)) > 0) {
		bool capability =
			(field.number >= CREDS_CAP_INH && field.number <= CREDS_CAP_BND) ||
			field.number == CREDS_CAP_AMB;

		if (field.number >= CREDS_UID && field.number <= CREDS_FSGID)
			ret->ids[places[field.number - CREDS_UID]] = (uint32_t)field.value;
		else if (field.number == CREDS_NO_NEW_PRIVS)
			ret->no_new_privileges = field.value != 0;
		/* Two words of each set, which CRIU writes one by one. */
		else if (capability && (field.data || halves[field.number] == 2))
			return -EBADMSG;
		else if (capability)
			ret->capabilities |= (field.value & UINT32_MAX)
			                     << 32 * halves[field.number]++;
	}
	return r;
}

static int parse_thread(const struct protobuf_field *message, struct credentials *ret)
{
	struct protobuf_reader reader = {message->data, message->size};
	struct protobuf_field field;
	bool found = false;
	int r;

	while ((r = protobuf_next(&reader, &field)) > 0) {
		if (field.number == THREAD_SECCOMP_MODE)
			ret->filtered = field.value != 0;
		if (field.number != THREAD_CREDS)
			continue;
		/* A second one would add to the first. */
		if (!field.data || found || parse_creds(&field, ret) < 0)
			return -EBADMSG;
		found = true;
	}
	return r < 0 ? r : found ? 0 : -EBADMSG;
}

static bool is_dead(const struct protobuf_field *task)
{
	struct protobuf_reader reader = {task->data, task->size};
	struct protobuf_field field;
	uint64_t state = 0;

	while (task->data && protobuf_next(&reader, &field) > 0)
		if (field.number == TASK_STATE && !field.data)
			state = field.value;
	return state == TASK_DEAD;
}

static uint32_t take_u32(const unsigned char *data)
{
	uint32_t number;

	memcpy(&number, data, sizeof(number));
	return number;
}

int credentials_parse_image(const void *data, size_t size, struct credentials *ret)
{
	enum { HEAD = 12 };
	const unsigned char *bytes = data;
	struct credentials result = {0};
	struct protobuf_field field;
	bool found = false, dead = false;
	int r;

	if (size < HEAD || take_u32(bytes) != MAGIC_COMMON || take_u32(bytes + 4) != MAGIC_CORE ||
	    take_u32(bytes + 8) != size - HEAD)
		return -EBADMSG;

	struct protobuf_reader reader = {bytes + HEAD, size - HEAD};

	while ((r = protobuf_next(&reader, &field)) > 0) {
		if (field.number == CORE_TASK)
			dead = is_dead(&field);
		if (field.number != CORE_THREAD)
			continue;
		if (!field.data || found || parse_thread(&field, &result) < 0)
			return -EBADMSG;
		found = true;
	}
	/* One that has ended and was not waited for has no rights any more. */
	if (r < 0 || found == dead)
		return -EBADMSG;
	*ret = result;
	return dead ? 0 : 1;
}

/* --- Processes --- */

static const char *find_line(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found ? found + strlen(key) : NULL;
}

static bool parse_ids(const char *text, const char *key, uint32_t ids[static ID_COUNT / 2])
{
	const char *line = find_line(text, key);

	for (int i = 0; line && i < ID_COUNT / 2; i++) {
		char *end = NULL;

		ids[i] = (uint32_t)strtoul(line, &end, 10);
		line = end == line ? NULL : end;
	}
	return line != NULL;
}

int credentials_parse_status(const char *text, struct credentials *ret)
{
	static const char *const sets[] = {"\nCapInh:\t", "\nCapPrm:\t", "\nCapEff:\t",
	                                   "\nCapBnd:\t", "\nCapAmb:\t"};
	const char *no_new_privs = find_line(text, "\nNoNewPrivs:\t");
	const char *seccomp = find_line(text, "\nSeccomp:\t");
	struct credentials result = {0};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		const char *line = find_line(text, sets[i]);

		if (!line)
			return -EBADMSG;
		result.capabilities |= strtoull(line, NULL, 16);
	}
	if (!no_new_privs || !parse_ids(text, "\nUid:\t", result.ids) ||
	    !parse_ids(text, "\nGid:\t", result.ids + ID_COUNT / 2))
		return -EBADMSG;
	result.no_new_privileges = no_new_privs[0] == '1';
	/* A kernel without it has no such line. */
	result.filtered = seccomp && seccomp[0] != '0';
	*ret = result;
	return 0;
}

/* --- Against the configuration --- */

/* The user and group of the configuration, as images have them, or as /proc out here does. */
struct ids {
	int64_t uid, gid;
};

static struct ids ids_inside(const struct spec *spec)
{
	return (struct ids){spec->process.user.uid, spec->process.user.gid};
}

static struct ids ids_outside(const struct spec *spec)
{
	const struct spec_linux *maps = &spec->linux;
	struct ids ids = ids_inside(spec);

	if (maps->namespaces[NAMESPACE_USER].set) {
		ids.uid = user_map_id(&maps->uid_mappings, (uint32_t)ids.uid);
		ids.gid = user_map_id(&maps->gid_mappings, (uint32_t)ids.gid);
	}
	return ids;
}

/* Where capabilities, or programs that change the user, are allowed, any of them may be. */
static bool has_foreign_ids(const struct credentials *found, const struct spec *spec,
                            uint64_t allowed, const struct ids *user)
{
	bool bad = false;

	if (!spec->process.no_new_privileges)
		return false;
	for (size_t i = 0; i < ID_COUNT / 2; i++) {
		if (!(allowed >> CAP_SETUID_NUMBER & 1))
			bad |= found->ids[i] != user->uid;
		if (!(allowed >> CAP_SETGID_NUMBER & 1))
			bad |= found->ids[ID_COUNT / 2 + i] != user->gid;
	}
	return bad;
}

static int compare(const struct credentials *found, const struct spec *spec, const struct ids *user,
                   const char *who, struct error *err)
{
	const struct spec_capabilities *c = &spec->process.capabilities;
	uint64_t allowed = c->bounding | c->effective | c->inheritable | c->permitted | c->ambient;

	if (!spec->has_process)
		return 0;
	if (found->capabilities & ~allowed)
		return error_set(err, EPERM,
		                 "%s has capabilities that config.json does not allow: %#llx", who,
		                 (unsigned long long)(found->capabilities & ~allowed));
	if (spec->process.no_new_privileges && !found->no_new_privileges)
		return error_set(err, EPERM,
		                 "%s may gain privileges, config.json has noNewPrivileges", who);
	if (spec->linux.seccomp.set && !found->filtered)
		return error_set(err, EPERM, "%s has no seccomp filter, config.json has one", who);
	if (has_foreign_ids(found, spec, allowed, user))
		return error_set(err, EPERM, "%s has another user or group than config.json", who);
	return 0;
}

static bool is_core(const char *name)
{
	return str_starts(name, "core-") && str_ends(name, ".img");
}

static int check_image(int directory, const char *name, const struct spec *spec, struct error *err)
{
	enum { LIMIT = 16 * 1024 * 1024 };
	scoped_str data = NULL;
	struct credentials found;
	size_t size = 0;
	int r = file_read(directory, name, LIMIT, &data, &size, err);

	if (r < 0)
		return r;
	r = credentials_parse_image(data, size, &found);
	if (r < 0)
		return error_set(err, EILSEQ, "%s is no image of a process", name);
	if (r == 0)
		return 0;

	const struct ids user = ids_inside(spec);

	return compare(&found, spec, &user, name, err);
}

int credentials_check_images(int directory, const struct spec *spec, struct error *err)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	size_t count = 0;
	int r = 0;

	if (!list) {
		r = error_errno(err, "image directory");
		fd_close(&copy);
		return r;
	}
	for (struct dirent *e = readdir(list); e && r == 0; e = readdir(list)) {
		if (!is_core(e->d_name))
			continue;
		r = check_image(directory, e->d_name, spec, err);
		count++;
	}
	(void)closedir(list);
	if (r == 0 && count == 0)
		return error_set(err, EILSEQ, "the images have no process");
	return r;
}

static bool has_mapping(const struct spec_id_mappings *maps, const unsigned long wanted[static 3])
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->items[i].container_id == wanted[0] &&
		    maps->items[i].host_id == wanted[1] && maps->items[i].size == wanted[2])
			return true;
	return false;
}

/* The kernel shows longer maps in an order of its own. */
static bool is_map(const char *text, const struct spec_id_mappings *maps)
{
	unsigned long numbers[3];
	size_t count = 0;

	for (; text[strspn(text, " \n")]; count++) {
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
			char *end = NULL;

			numbers[i] = strtoul(text, &end, 10);
			if (end == text)
				return false;
			text = end;
		}
		if (!has_mapping(maps, numbers))
			return false;
	}
	return count == maps->count;
}

int credentials_check_maps(pid_t pid, const struct spec *spec, struct error *err)
{
	const struct {
		const char *name;
		const struct spec_id_mappings *maps;
	} files[] = {
		{"uid_map", &spec->linux.uid_mappings},
		{"gid_map", &spec->linux.gid_mappings},
	};
	char path[64], text[8 * USER_MAP_SIZE];

	if (!spec->linux.namespaces[NAMESPACE_USER].set)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i].name);
		if (file_read_kernel(AT_FDCWD, path, text, sizeof(text), err) < 0)
			return -err->code;
		if (!is_map(text, files[i].maps))
			return error_set(err, EPERM, "the images have another %s than config.json",
			                 files[i].name);
	}
	return 0;
}

static int check_thread(int task_fd, const char *thread, const struct spec *spec, struct error *err)
{
	char path[64], text[8192];
	struct credentials found;

	(void)snprintf(path, sizeof(path), "%.20s/status", thread);
	if (file_read_kernel(task_fd, path, text, sizeof(text), err) < 0)
		return -err->code;
	/* It runs no more, whatever it may. */
	if (strstr(text, "\nState:\tZ") || strstr(text, "\nState:\tX"))
		return 0;
	if (credentials_parse_status(text, &found) < 0)
		return error_set(err, EPROTO, "/proc/…/task/%s: credentials are missing", path);
	(void)snprintf(path, sizeof(path), "the restored process %.20s", thread);

	const struct ids user = ids_outside(spec);

	return compare(&found, spec, &user, path, err);
}

static int check_process(pid_t pid, const struct spec *spec, struct error *err)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);

	DIR *list = opendir(path);
	int r = 0;

	if (!list)
		return error_errno(err, "%s", path);
	for (struct dirent *e = readdir(list); e && r == 0; e = readdir(list))
		if (e->d_name[0] != '.')
			r = check_thread(dirfd(list), e->d_name, spec, err);
	(void)closedir(list);
	return r;
}

/* CRIU itself is in the group too, but in the host's pid namespace. */
static bool is_inside(pid_t pid, const struct stat *host)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat(path, &st) < 0 || st.st_ino != host->st_ino;
}

int credentials_check_processes(const struct cgroup *group, const struct spec *spec,
                                struct error *err)
{
	pid_t *pids = NULL;
	size_t count = 0;
	struct stat host;

	if (stat("/proc/self/ns/pid", &host) < 0)
		return error_errno(err, "pid namespace");

	int r = cgroup_pids(group, &pids, &count, err);

	for (size_t i = 0; i < count && r == 0; i++)
		if (is_inside(pids[i], &host))
			r = check_process(pids[i], spec, err);
	free(pids);
	return r;
}
