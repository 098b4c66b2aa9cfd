/* The ids in the state root. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "runtime/store.h"

void container_ids_free(char ***ids)
{
	for (char **id = *ids; id && *id; id++)
		free(*id);
	free(*ids);
	*ids = NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_id(char ***ids, size_t *count, const char *id)
{
	char **grown = reallocarray(*ids, *count + 2, sizeof(**ids));

	if (!grown)
		return -ENOMEM;
	*ids = grown;
	grown[*count] = strdup(id);
	grown[*count + 1] = NULL;
	if (!grown[*count])
		return -ENOMEM;
	(*count)++;
	return 0;
}

int container_ids(struct store *store, char ***ret, size_t *ret_count, struct error *err)
{
	char **ids = calloc(1, sizeof(*ids));
	size_t count = 0;
	int copy = openat(store_fd(store), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	int r = ids ? 0 : -ENOMEM;

	if (!directory) {
		r = error_errno(err, "list state root");
		fd_close(&copy);
		free(ids);
		return r;
	}
	for (struct dirent *e = readdir(directory); e && r == 0; e = readdir(directory))
		if (store_id_valid(e->d_name) && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN))
			r = add_id(&ids, &count, e->d_name);
	(void)closedir(directory);
	if (r < 0) {
		container_ids_free(&ids);
		return error_code(err, -r, "list state root");
	}
	qsort(ids, count, sizeof(*ids), compare_ids);
	*ret = ids;
	*ret_count = count;
	return 0;
}
