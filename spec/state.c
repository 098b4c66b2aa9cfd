#include "spec/state.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "spec/decode.h"
#include "spec/writer.h"

/* --- The record --- */

/* A later version may add members; one that changes the meaning of these counts this up. */
enum { RECORD_FORMAT = 1 };

/* Of a text that is larger no program of ours is the author. */
enum { RECORD_SIZE_LIMIT = SPEC_SIZE_LIMIT };

struct record_text {
	struct record record;
	uint32_t format;
	uint32_t pid;
};

#define TEXT(member) offsetof(struct record_text, member)
_Static_assert(TEXT(record) == 0, "the offsets of the table hold for struct record too");

static const struct json_field record_fields[] = {
	{"format", FIELD_U32, .offset = TEXT(format), .required = true, .min = RECORD_FORMAT,
         .max = RECORD_FORMAT},
	{"id", FIELD_STRING, .offset = TEXT(record.id), .required = true},
	{"ociVersion", FIELD_STRING, .offset = TEXT(record.oci_version)},
	{"pid", FIELD_U32, .offset = TEXT(pid), .required = true, .min = 1, .max = INT32_MAX},
	{"startTime", FIELD_U64, .offset = TEXT(record.start_time), .required = true, .min = 1},
	{"bootId", FIELD_STRING, .offset = TEXT(record.boot_id)},
	{"bundle", FIELD_STRING, .offset = TEXT(record.bundle)},
	{"rootfs", FIELD_STRING, .offset = TEXT(record.rootfs)},
	{"created", FIELD_STRING, .offset = TEXT(record.created)},
	{"owner", FIELD_STRING_OR_NULL, .offset = TEXT(record.owner)},
	{"cgroupDriver", FIELD_STRING, .offset = TEXT(record.cgroup_driver)},
	{"cgroupMount", FIELD_STRING_OR_NULL, .offset = TEXT(record.cgroup_mount)},
	{"cgroupPath", FIELD_STRING_OR_NULL, .offset = TEXT(record.cgroup_path)},
	{"cgroupScope", FIELD_STRING_OR_NULL, .offset = TEXT(record.cgroup_scope)},
	{"cgroupLegacy", FIELD_STRING_OR_NULL, .offset = TEXT(record.cgroup_legacy)},
	{"detached", FIELD_BOOL, .offset = TEXT(record.detached)},
	{"terminal", FIELD_BOOL, .offset = TEXT(record.terminal)},
	{"userNamespace", FIELD_BOOL, .offset = TEXT(record.user_namespace)},
	{"intelRdt", FIELD_BOOL, .offset = TEXT(record.intel_rdt)},
	{"callersKeyring", FIELD_BOOL, .offset = TEXT(record.callers_keyring)},
	{"ownRules", FIELD_BOOL, .offset = TEXT(record.own_rules)},
	{"noProcess", FIELD_BOOL, .offset = TEXT(record.no_process)},
	{"poststart", FIELD_BOOL, .offset = TEXT(record.poststart)},
	{"poststop", FIELD_BOOL, .offset = TEXT(record.poststop)},
	{"annotations", FIELD_MAP, .offset = TEXT(record.annotations),
         .count_offset = TEXT(record.annotation_count)},
};
static const struct json_table record_table = JSON_TABLE(record_fields, struct record_text);

/* The table above serves here too: it knows the name and the place of every member. */
char *record_encode(const struct record *record)
{
	struct json_writer w = {.lossless = true};
	const char *text;

	json_writer_object(&w, NULL);
	json_writer_unsigned(&w, "format", RECORD_FORMAT);
	json_writer_unsigned(&w, "pid", (uint64_t)record->pid);
	json_writer_unsigned(&w, "startTime", record->start_time);
	for (size_t i = 0; i < ARRAY_SIZE(record_fields); i++) {
		const struct json_field *field = &record_fields[i];
		const char *member = (const char *)record + field->offset;

		if (field->kind == FIELD_BOOL)
			json_writer_bool(&w, field->name, *(const bool *)member);
		if (field->kind != FIELD_STRING && field->kind != FIELD_STRING_OR_NULL)
			continue;
		text = *(char *const *)member;
		json_writer_optional(&w, field->name, text);
	}
	json_writer_map(&w, "annotations", record->annotations, record->annotation_count);
	json_writer_end(&w);
	return json_writer_take(&w);
}

static void restore(char *text)
{
	if (text)
		json_restore_bytes(text);
}

static void restore_all(struct record *record)
{
	for (size_t i = 0; i < ARRAY_SIZE(record_fields); i++) {
		const struct json_field *field = &record_fields[i];

		if (field->kind == FIELD_STRING || field->kind == FIELD_STRING_OR_NULL)
			restore(*(char **)((char *)record + field->offset));
	}
	for (size_t i = 0; i < record->annotation_count; i++) {
		restore(record->annotations[i].key);
		restore(record->annotations[i].value);
	}
}

/* What nobody could use, and what only a damaged or foreign record has. */
static int check_record(const struct json_cursor *at, const struct record *record)
{
	struct json_cursor member;

	if (record->id[0] == '\0') {
		json_enter(at, "id", &member);
		return json_fail(&member, "is empty");
	}
	if (record->cgroup_path && record->cgroup_path[0] != '/') {
		json_enter(at, "cgroupPath", &member);
		return json_fail(&member, "does not begin with '/'");
	}
	return 0;
}

int record_decode(struct arena *arena, const char *text, size_t size, struct record *ret,
                  struct error *err)
{
	scoped_json document = {0};
	struct json_decoder decoder = {
		.arena = arena, .name = "record", .document = &document, .err = err};
	struct json_cursor root = {.decoder = &decoder};
	struct record_text decoded = {0};
	int r;

	if (size > RECORD_SIZE_LIMIT)
		return error_set(err, EFBIG, "record: larger than %d bytes", RECORD_SIZE_LIMIT);
	r = json_parse("record", text, size, &document, err);
	if (r < 0)
		return r;
	root.node = document.root;
	r = json_decode(&root, &record_table, &decoded);
	if (r < 0)
		return r;
	decoded.record.pid = (pid_t)decoded.pid;
	r = check_record(&root, &decoded.record);
	if (r < 0)
		return r;
	restore_all(&decoded.record);
	*ret = decoded.record;
	return 0;
}

/* --- The state --- */

/* Members of the specification. */
static void add_state(struct json_writer *w, const char *key, const struct state_view *view)
{
	const struct record *record = view->record;

	json_writer_object(w, key);
	json_writer_string(w, "ociVersion", record->oci_version);
	json_writer_string(w, "id", record->id);
	json_writer_string(w, "status", view->status);
	if (view->pid > 0)
		json_writer_unsigned(w, "pid", (uint64_t)view->pid);
	json_writer_string(w, "bundle", record->bundle);
	if (record->annotation_count > 0)
		json_writer_map(w, "annotations", record->annotations, record->annotation_count);
	json_writer_end(w);
}

/* The same and what engines expect besides. */
static void add_long_state(struct json_writer *w, const struct state_view *view)
{
	const struct record *record = view->record;

	json_writer_object(w, NULL);
	json_writer_string(w, "ociVersion", record->oci_version);
	json_writer_string(w, "id", record->id);
	json_writer_unsigned(w, "pid", view->pid > 0 ? (uint64_t)view->pid : 0);
	json_writer_string(w, "status", view->status);
	json_writer_string(w, "bundle", record->bundle);
	json_writer_string(w, "rootfs", record->rootfs);
	json_writer_string(w, "created", record->created);
	if (record->annotation_count > 0)
		json_writer_map(w, "annotations", record->annotations, record->annotation_count);
	json_writer_string(w, "owner", record->owner ? record->owner : "");
	json_writer_end(w);
}

char *state_encode_hook(const struct state_view *view)
{
	struct json_writer w = {0};

	add_state(&w, NULL, view);
	return json_writer_take(&w);
}

char *state_encode(const struct state_view *view)
{
	struct json_writer w = {.indented = true};

	add_long_state(&w, view);
	return json_writer_take(&w);
}

char *state_encode_list(const struct state_view *views, size_t count)
{
	struct json_writer w = {.indented = true};

	json_writer_array(&w, NULL);
	for (size_t i = 0; i < count; i++)
		add_long_state(&w, &views[i]);
	json_writer_end(&w);
	return json_writer_take(&w);
}

char *state_encode_seccomp(const struct state_view *view, const char *metadata)
{
	static const char *const fds[] = {"seccompFd"};
	struct json_writer w = {0};

	json_writer_object(&w, NULL);
	json_writer_string(&w, "ociVersion", view->record->oci_version);
	json_writer_strings(&w, "fds", fds, ARRAY_SIZE(fds));
	json_writer_unsigned(&w, "pid", view->pid > 0 ? (uint64_t)view->pid : 0);
	json_writer_optional(&w, "metadata", metadata);
	add_state(&w, "state", view);
	json_writer_end(&w);
	return json_writer_take(&w);
}
