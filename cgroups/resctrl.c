#include "cgroups/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "cgroups/layout.h"
#include "cgroups/text.h"

enum { SCHEMATA_SIZE = 16384, TASKS_LIMIT = 16 * 1024 * 1024 };

static const char property[] = "linux.intelRdt";

/* --- Where --- */

int resctrl_mount(char *ret, size_t size, struct error *err)
{
	const char *given = getenv("LVM_RUN_RESCTRL");

	if (!given)
		return layout_find_mount("resctrl", NULL, ret, size, err);
	if (*given != '/' || strlen(given) >= size)
		return error_set(err, EINVAL, "LVM_RUN_RESCTRL: not an absolute path");
	(void)snprintf(ret, size, "%s", given);
	return 1;
}

int resctrl_find(const struct spec_intel_rdt *rdt, const char *id, struct arena *arena,
                 struct resctrl *ret, struct error *err)
{
	const char *class = rdt->clos_id ? rdt->clos_id : id;
	struct resctrl found = {0};
	char root[PATH_MAX];
	int r = resctrl_mount(root, sizeof(root), err);

	if (r < 0)
		return error_wrap(err, "%s", property);
	if (r == 0)
		return error_set(
			err, ENOTSUP,
			"%s: no resctrl file system is mounted (mount -t resctrl resctrl "
			"/sys/fs/resctrl, where the processor can control caches or memory "
			"bandwidth)",
			property);
	found.root = arena_strdup(arena, root);
	found.group =
		str_equal(class, "/") ? found.root : arena_format(arena, "%s/%s", root, class);
	if (rdt->enable_monitoring && found.group)
		found.monitor = arena_format(arena, "%s/mon_groups/%s", found.group, id);
	if (!found.root || !found.group || (rdt->enable_monitoring && !found.monitor))
		return error_code(err, ENOMEM, "%s", property);
	*ret = found;
	return 0;
}

static bool has_schema(const struct spec_intel_rdt *rdt)
{
	return rdt->l3_cache_schema || rdt->memory_bandwidth_schema || rdt->schemata.count > 0;
}

int resctrl_plan(const struct spec_intel_rdt *rdt, const char *id, struct arena *arena,
                 struct resctrl *ret, struct error *err)
{
	int r = resctrl_find(rdt, id, arena, ret, err);
	bool exists;

	if (r < 0)
		return r;
	exists = faccessat(AT_FDCWD, ret->group, F_OK, 0) == 0;
	if (!exists && rdt->clos_id && !has_schema(rdt))
		return error_set(
			err, ENOENT,
			"%s.closID: there is no class of service %s, and nothing says what "
			"it would be given (l3CacheSchema, memBwSchema, schemata)",
			property, rdt->clos_id);
	ret->create = !exists;
	return 0;
}

/* --- Files --- */

/* A file that the kernel has made; O_CREAT is for the trees of tests, in which nobody makes any. */
static int open_file(const char *directory, const char *name, int flags)
{
	scoped_fd dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int create = getenv("LVM_RUN_RESCTRL") ? O_CREAT : 0;

	return dirfd < 0 ? -1 : openat(dirfd, name, flags | create | O_CLOEXEC, 0644);
}

/* What the kernel has against the last write (info/last_cmd_status), in brackets; "" for nothing. */
static const char *reason(const char *root, char *text, size_t size)
{
	char path[PATH_MAX], status[256];
	struct error ignored;

	text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/info/last_cmd_status", root) < (int)sizeof(path) &&
	    file_read_kernel(AT_FDCWD, path, status, sizeof(status), &ignored) > 0 &&
	    !str_equal(status, "ok"))
		(void)snprintf(text, size, " (%.200s)", status);
	return text;
}

static int write_file(const struct resctrl *resctrl, const char *directory, const char *name,
                      const char *text, struct error *err)
{
	scoped_fd fd = open_file(directory, name, O_WRONLY | O_APPEND);
	char why[256];

	if (fd < 0)
		return error_errno(err, "%s: open %s/%s", property, directory, name);
	if (write(fd, text, strlen(text)) >= 0)
		return 0;

	int code = errno;

	return error_set(err, code, "%s: write \"%.*s\" to %s/%s: %s%s", property,
	                 (int)strcspn(text, "\n"), text, directory, name, error_describe(code),
	                 reason(resctrl->root, why, sizeof(why)));
}

static int read_schemata(const struct resctrl *resctrl, char *ret, size_t size, struct error *err)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/schemata", resctrl->group);
	if (file_read_kernel(AT_FDCWD, path, ret, size, err) < 0)
		return error_wrap(err, "%s", property);
	return 0;
}

/* --- Schemata --- */

/* The next "DOMAIN=VALUE" of a list separated by semicolons. */
static bool next_domain(const char **text, char *ret, size_t size)
{
	size_t length;

	*text += strspn(*text, "; \t");
	length = strcspn(*text, ";\n");
	if (length == 0)
		return false;
	(void)snprintf(ret, size, "%.*s", (int)length, *text);
	*text += length;
	return true;
}

/* Masks are hexadecimal, with or without zeros in front; bandwidth is decimal. Else letter by letter. */
static bool same_value(const char *a, const char *b, int base)
{
	char *end_a = NULL, *end_b = NULL;
	unsigned long long x = strtoull(a, &end_a, base), y = strtoull(b, &end_b, base);

	if (end_a == a || end_b == b || end_a[strspn(end_a, " ")] || end_b[strspn(end_b, " ")])
		return str_equal(a, b);
	return x == y;
}

static bool domain_holds(const char *list, const char *wanted, int base)
{
	size_t key = strcspn(wanted, "=");
	char domain[64];

	while (next_domain(&list, domain, sizeof(domain))) {
		if (strncmp(domain, wanted, key) == 0 && domain[key] == '=' && wanted[key] == '=')
			return same_value(domain + key + 1, wanted + key + 1, base);
	}
	return false;
}

/* The domains of the line of `schemata` for the same resource; null when there is none. */
static const char *find_resource(const char *schemata, const char *name, size_t size)
{
	while (*schemata) {
		schemata += strspn(schemata, " \t");
		if (strncmp(schemata, name, size) == 0 && schemata[size] == ':')
			return schemata + size + 1;
		schemata = strchrnul(schemata, '\n');
		schemata += *schemata == '\n';
	}
	return NULL;
}

static bool line_holds(const char *schemata, const char *line)
{
	size_t size;
	const char *list;
	char domain[64];

	line += strspn(line, " \t");
	size = strcspn(line, ":\n");
	if (size == 0 && *line != ':')
		return true; /* an empty line */
	list = line[size] == ':' ? find_resource(schemata, line, size) : NULL;
	if (!list)
		return false;
	for (const char *rest = line + size + 1; next_domain(&rest, domain, sizeof(domain));)
		if (!domain_holds(list, domain, strncmp(line, "MB", 2) == 0 ? 10 : 16))
			return false;
	return true;
}

bool resctrl_schemata_hold(const char *schemata, const char *wanted)
{
	while (*wanted) {
		if (!line_holds(schemata, wanted))
			return false;
		wanted = strchrnul(wanted, '\n');
		wanted += *wanted == '\n';
	}
	return true;
}

/* config-linux.md: with a memBwSchema the MB: lines of l3CacheSchema are left out. */
static void add_lines(struct strbuf *text, const char *lines, bool without_bandwidth)
{
	while (*lines) {
		size_t size = strcspn(lines, "\n");
		size_t blanks = strspn(lines, " \t");

		if (size > 0 && !(without_bandwidth && strncmp(lines + blanks, "MB:", 3) == 0)) {
			strbuf_add(text, lines, size);
			strbuf_adds(text, "\n");
		}
		lines += size + (lines[size] == '\n');
	}
}

/* The two old properties as one text; `schemata` come after it, in a write of their own. */
static int format_schemas(const struct spec_intel_rdt *rdt, struct strbuf *ret, struct error *err)
{
	if (rdt->l3_cache_schema)
		add_lines(ret, rdt->l3_cache_schema, rdt->memory_bandwidth_schema != NULL);
	if (rdt->memory_bandwidth_schema)
		add_lines(ret, rdt->memory_bandwidth_schema, false);
	return ret->failed ? error_code(err, ENOMEM, "%s", property) : 0;
}

static int format_schemata(const struct spec_intel_rdt *rdt, struct strbuf *ret, struct error *err)
{
	for (size_t i = 0; i < rdt->schemata.count; i++)
		add_lines(ret, rdt->schemata.items[i], false);
	return ret->failed ? error_code(err, ENOMEM, "%s", property) : 0;
}

static int write_schemata(const struct resctrl *resctrl, const struct spec_intel_rdt *rdt,
                          struct error *err)
{
	scoped_strbuf schemas = {0}, schemata = {0};
	int r = format_schemas(rdt, &schemas, err);

	if (r == 0)
		r = format_schemata(rdt, &schemata, err);
	if (r == 0 && schemas.length > 0)
		r = write_file(resctrl, resctrl->group, "schemata", schemas.data, err);
	if (r == 0 && schemata.length > 0)
		r = write_file(resctrl, resctrl->group, "schemata", schemata.data, err);
	return r;
}

/* What comes last counts: a resource of the old properties may be named again by `schemata`. */
static int compare_schemata(const struct resctrl *resctrl, const struct spec_intel_rdt *rdt,
                            struct error *err)
{
	scoped_strbuf wanted = {0};
	char there[SCHEMATA_SIZE] = "";
	int r = rdt->schemata.count > 0 ? format_schemata(rdt, &wanted, err)
	                                : format_schemas(rdt, &wanted, err);

	if (r == 0)
		r = read_schemata(resctrl, there, sizeof(there), err);
	if (r < 0)
		return r;
	if (resctrl_schemata_hold(there, wanted.data ? wanted.data : ""))
		return 0;
	for (char *c = there; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	return error_set(err, EEXIST,
	                 "%s: the class of service %s exists with other schemata: %.300s", property,
	                 resctrl->group, there);
}

/* --- Making and removing --- */

static int make_directory(const char *path, bool *ret_made, struct error *err)
{
	if (mkdir(path, 0755) < 0)
		return error_errno(err, "%s: make %s%s", property, path,
		                   errno == ENOSPC ? " (the processor has no more classes)" : "");
	*ret_made = true;
	return 0;
}

int resctrl_create(struct resctrl *resctrl, const struct spec_intel_rdt *rdt, struct error *err)
{
	int r = 0;

	if (resctrl->create)
		r = make_directory(resctrl->group, &resctrl->created, err);
	if (r == 0 && has_schema(rdt))
		r = resctrl->create ? write_schemata(resctrl, rdt, err)
		                    : compare_schemata(resctrl, rdt, err);
	if (r == 0 && resctrl->monitor)
		r = make_directory(resctrl->monitor, &resctrl->monitored, err);
	if (r < 0)
		resctrl_undo(resctrl);
	return r;
}

int resctrl_add(const struct resctrl *resctrl, pid_t pid, struct error *err)
{
	char text[16];
	int r;

	(void)snprintf(text, sizeof(text), "%d\n", pid);
	r = write_file(resctrl, resctrl->group, "tasks", text, err);
	if (r == 0 && resctrl->monitor)
		r = write_file(resctrl, resctrl->monitor, "tasks", text, err);
	return r;
}

static int remove_directory(const char *path, struct error *err)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, "%s: remove %s", property, path);
}

/* The kernel would put them into the default class. A zombie is nobody. */
static bool is_in_use(const char *group)
{
	char path[PATH_MAX];
	scoped_str text = NULL;
	struct error ignored;
	char *cursor;
	char *line;

	(void)snprintf(path, sizeof(path), "%s/tasks", group);
	if (file_read(AT_FDCWD, path, TASKS_LIMIT, &text, NULL, &ignored) < 0)
		return false;
	cursor = text;
	while ((line = text_next_line(&cursor))) {
		char state = '\0';
		int pid = 0;

		if (parse_int(line, 1, INT_MAX, &pid) == 0 && process_start_time(pid, &state) &&
		    state != 'Z' && state != 'X')
			return true;
	}
	return false;
}

int resctrl_remove(const char *group, const char *monitor, struct error *err)
{
	int r = monitor ? remove_directory(monitor, err) : 0;

	if (r < 0 || !group)
		return r;
	if (is_in_use(group)) {
		log_write(LOG_LEVEL_WARNING, "%s: %s stays: others live in it", property, group);
		return 0;
	}
	return remove_directory(group, err);
}

void resctrl_undo(const struct resctrl *resctrl)
{
	struct error why;

	if (resctrl_remove(resctrl->created ? resctrl->group : NULL,
	                   resctrl->monitored ? resctrl->monitor : NULL, &why) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", why.text);
}

/* --- Changing --- */

int resctrl_update(const struct resctrl *resctrl, const struct spec_intel_rdt *rdt,
                   struct arena *arena, const char **ret_before, struct error *err)
{
	scoped_strbuf text = {0};
	char before[SCHEMATA_SIZE];
	int r = format_schemas(rdt, &text, err);

	if (str_equal(resctrl->group, resctrl->root))
		return error_set(err, EPERM,
		                 "%s: the container is in the default class of the host, which is "
		                 "not changed here",
		                 property);
	if (r == 0)
		r = read_schemata(resctrl, before, sizeof(before), err);
	if (r == 0)
		r = write_file(resctrl, resctrl->group, "schemata", text.data ? text.data : "\n",
		               err);
	if (r < 0)
		return r;
	*ret_before = arena_format(arena, "%s\n", before);
	return *ret_before ? 0 : error_code(err, ENOMEM, "%s", property);
}

int resctrl_write_back(const struct resctrl *resctrl, const char *before, struct error *err)
{
	return write_file(resctrl, resctrl->group, "schemata", before, err);
}
