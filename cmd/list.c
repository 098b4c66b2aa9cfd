#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/verbs.h"

const struct option list_options[] = {
	{"quiet", "q", OPTION_FLAG, offsetof(struct list_arguments, quiet), NULL,
         "print the ids alone"},
	{"format", "f", OPTION_TEXT, offsetof(struct list_arguments, format), "table|json",
         "what to print (table)"},
	{0},
};

static const char *const headings[] = {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"};
enum { COLUMNS = ARRAY_SIZE(headings), MIN_WIDTH = 12 };

struct entry {
	struct container_info *info; /* null: its record cannot be read */
	struct record damaged;       /* stands for the record then */
	char unknown[1];             /* the empty text in it */
	char pid[16];
};

struct listing {
	char **ids;
	struct entry *entries;
	struct state_view *views;
	size_t count;
};

static void listing_done(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		container_info_free(&listing->entries[i].info);
	free(listing->views);
	free(listing->entries);
	container_ids_free(&listing->ids);
}

/* What is said of a container whose record cannot be read. */
static struct state_view damaged_view(struct entry *entry, char *id)
{
	entry->damaged = (struct record){
		.id = id,
		.oci_version = entry->unknown,
		.bundle = entry->unknown,
		.rootfs = entry->unknown,
		.created = entry->unknown,
		.owner = entry->unknown,
	};
	return (struct state_view){.status = "damaged", .record = &entry->damaged};
}

/* A container may go while we look: then it gets no entry. */
static int add_entry(struct store *store, struct listing *listing, char *id)
{
	struct entry *entry = &listing->entries[listing->count];
	struct state_view *view = &listing->views[listing->count];
	struct error ignored;
	int r = container_info(store, id, &entry->info, &ignored);

	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOENT ? 0 : r;
	*view = r < 0 ? damaged_view(entry, id) : entry->info->view;
	(void)snprintf(entry->pid, sizeof(entry->pid), "%d", (int)view->pid);
	listing->count++;
	return 0;
}

static int listing_read(struct store *store, struct listing *listing, struct error *err)
{
	size_t count = 0;
	int r = container_ids(store, &listing->ids, &count, err);

	if (r < 0)
		return r;
	listing->entries = calloc(count + 1, sizeof(*listing->entries));
	listing->views = calloc(count + 1, sizeof(*listing->views));
	if (!listing->entries || !listing->views)
		return error_code(err, ENOMEM, "list");
	for (size_t i = 0; i < count; i++) {
		if (add_entry(store, listing, listing->ids[i]) < 0)
			return error_code(err, ENOMEM, "list");
	}
	return 0;
}

static int print_json(const struct listing *listing, struct error *err)
{
	scoped_str text = state_encode_list(listing->views, listing->count);

	if (!text)
		return error_code(err, ENOMEM, "list");
	return output_text(text, err);
}

static void free_cells(const char ***cells)
{
	free(*cells);
}

static int print_table(const struct listing *listing, struct error *err)
{
	size_t rows = listing->count + 1;
	scoped(free_cells) const char **cells = calloc(rows * COLUMNS, sizeof(*cells));
	scoped_strbuf text = {0};

	if (!cells)
		return error_code(err, ENOMEM, "list");
	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = headings[i];
	for (size_t i = 0; i < listing->count; i++) {
		const struct record *record = listing->views[i].record;
		const char **row = cells + (i + 1) * COLUMNS;

		row[0] = record->id;
		row[1] = listing->entries[i].pid;
		row[2] = listing->views[i].status;
		row[3] = record->bundle;
		row[4] = record->created;
		row[5] = record->owner ? record->owner : "";
	}
	output_columns(&text, cells, rows, COLUMNS, MIN_WIDTH);
	return output_buffer(&text, err);
}

static void free_ids(char ***ids)
{
	container_ids_free(ids);
}

static int print_ids(struct store *store, struct error *err)
{
	scoped(free_ids) char **ids = NULL;
	scoped_strbuf text = {0};
	size_t count = 0;
	int r = container_ids(store, &ids, &count, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%s\n", ids[i]);
	return output_buffer(&text, err);
}

int list_main(const struct call *call, struct error *err)
{
	const struct list_arguments *arguments = &call->arguments->list;
	scoped_store store = NULL;
	scoped(listing_done) struct listing listing = {0};
	int r = call_open_store(call, &store, err);

	if (r < 0)
		return r;
	if (arguments->quiet)
		return print_ids(store, err);
	r = listing_read(store, &listing, err);
	if (r < 0)
		return r;
	if (arguments->format && str_equal(arguments->format, "json"))
		return print_json(&listing, err);
	return print_table(&listing, err);
}
