#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "spec/annotations.h"
#include "spec/sections.h"
#include "spec/validate.h"

static const struct json_field root_fields[] = {
	{"path", FIELD_STRING, .offset = offsetof(struct spec_root, path), .required = true},
	{"readonly", FIELD_BOOL, .offset = offsetof(struct spec_root, readonly)},
};
static const struct json_table root_table = JSON_TABLE(root_fields, struct spec_root);

static const struct json_field spec_fields[] = {
	{"ociVersion", FIELD_STRING, .offset = offsetof(struct spec, oci_version),
         .required = true},
	{"root", FIELD_OBJECT, .offset = offsetof(struct spec, root), .required = true,
         .table = &root_table},
	{"process", FIELD_OBJECT, .offset = offsetof(struct spec, process),
         .table = &spec_process_table, .present_offset = offsetof(struct spec, has_process)},
	{"hostname", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec, hostname)},
	{"domainname", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec, domainname)},
	{"mounts", FIELD_LIST, .offset = offsetof(struct spec, mounts), .table = &spec_mount_table,
         .count_offset = offsetof(struct spec, mount_count)},
	{"hooks", FIELD_CUSTOM, .offset = offsetof(struct spec, hooks),
         .custom = spec_decode_hooks},
	{"annotations", FIELD_MAP, .offset = offsetof(struct spec, annotations),
         .count_offset = offsetof(struct spec, annotation_count)},
	{"linux", FIELD_OBJECT, .offset = offsetof(struct spec, linux), .table = &spec_linux_table},
	{SPEC_ADDED_MOUNTS, FIELD_U32, .offset = offsetof(struct spec, added_mounts)},
};
static const struct json_table spec_table = JSON_TABLE(spec_fields, struct spec);

void spec_free(struct spec **spec)
{
	if (!*spec)
		return;
	arena_done(&(*spec)->arena);
	free((*spec)->source);
	free(*spec);
	*spec = NULL;
}

/* What annotations say in the place of properties that the specification does not have. */
static void apply_annotations(struct spec *spec)
{
	struct spec_seccomp *seccomp = &spec->linux.seccomp;
	const char *receiver = spec_annotation(spec, ANNOTATION_SECCOMP_RECEIVER);

	spec->process.user.keep_groups =
		annotation_is_on(spec_annotation(spec, ANNOTATION_KEEP_GROUPS));
	seccomp->fail_unknown = annotation_is_on(spec_annotation(spec, ANNOTATION_SECCOMP_UNKNOWN));
	if (receiver && seccomp->set && !seccomp->listener_path)
		seccomp->listener_path = (char *)(uintptr_t)receiver;
}

static int decode_config(struct json_cursor *root, struct spec *spec)
{
	int r = json_decode(root, &spec_table, spec);

	if (r == 0 && spec->annotation_count > 0)
		apply_annotations(spec);
	return r;
}

/* A part alone: everything else is as in an empty configuration. */
static int decode_defaults(const struct json_cursor *root, struct spec *spec)
{
	const struct json_cursor absent = {.decoder = root->decoder};

	return json_decode(&absent, &spec_table, spec);
}

static int decode_process(struct json_cursor *root, struct spec *spec)
{
	int r = decode_defaults(root, spec);

	root->key = "process";
	spec->has_process = true;
	return r < 0 ? r : json_decode(root, &spec_process_table, &spec->process);
}

static int decode_resources(struct json_cursor *root, struct spec *spec)
{
	int r = decode_defaults(root, spec);

	root->key = "linux.resources";
	return r < 0 ? r : json_decode(root, &spec_resources_table, &spec->linux.resources);
}

static int decode_mounts(struct json_cursor *root, struct spec *spec)
{
	struct json_cursor item;
	size_t count = 0;
	int r = decode_defaults(root, spec);

	root->key = "mounts";
	if (r == 0)
		r = json_count(root, &count);
	if (r < 0)
		return r;
	spec->mounts = arena_alloc(&spec->arena, count + 1, sizeof(*spec->mounts));
	if (!spec->mounts)
		return json_fail_memory(root);
	spec->mount_count = count;
	for (size_t i = 0; r == 0 && json_enter_item(root, i, &item); i++)
		r = json_decode(&item, &spec_mount_table, &spec->mounts[i]);
	return r;
}

static int decode_seccomp(struct json_cursor *root, struct spec *spec)
{
	struct spec_seccomp *seccomp = &spec->linux.seccomp;
	int r = decode_defaults(root, spec);

	if (r < 0)
		return r;
	seccomp->set = true;
	seccomp->canonical = spec->source;
	seccomp->canonical_size = spec->source_size;
	return json_decode(root, &spec_seccomp_table, seccomp);
}

/*
 * The text itself, where the scanner found it; else (a key written with escapes) the text that its
 * content gives.
 */
static int keep_seccomp_text(const struct json_cursor *root, struct spec *spec)
{
	struct spec_seccomp *seccomp = &spec->linux.seccomp;
	const struct json_document *document = root->decoder->document;
	char *text;

	if (!seccomp->set || seccomp->canonical)
		return 0;
	if (document->seccomp_size > 0) {
		seccomp->canonical = spec->source + document->seccomp_offset;
		seccomp->canonical_size = document->seccomp_size;
		return 0;
	}
	text = json_canonical(json_member(json_member(root->node, "linux"), "seccomp"));
	seccomp->canonical = arena_strdup(&spec->arena, text);
	free(text);
	if (!seccomp->canonical)
		return json_fail_memory(root);
	seccomp->canonical_size = strlen(seccomp->canonical);
	return 0;
}

typedef int decode_function(struct json_cursor *root, struct spec *spec);

static int decode(const char *name, decode_function *function, struct spec *spec,
                  struct findings *all, struct error *err)
{
	scoped_json document = {0};
	struct json_decoder decoder = {
		.arena = &spec->arena, .name = name, .document = &document, .err = err, .all = all};
	struct json_cursor root = {.decoder = &decoder};
	int r;

	r = json_parse(name, spec->source, spec->source_size, &document, err);
	if (r < 0)
		return r;
	root.node = document.root;
	r = function(&root, spec);
	return r < 0 ? r : keep_seccomp_text(&root, spec);
}

/* Takes over `text`, which malloc gave, in any case. */
static int build_take(const char *name, decode_function *function, char *text, size_t size,
                      struct findings *all, struct spec **ret, struct error *err)
{
	scoped_spec spec = calloc(1, sizeof(*spec));
	int r;

	if (!spec) {
		free(text);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	spec->source = text;
	spec->source_size = size;
	r = decode(name, function, spec, all, err);
	if (r < 0)
		return r;
	*ret = spec;
	spec = NULL;
	return 0;
}

static int copy_text(const char *name, const char *text, size_t size, char **ret, struct error *err)
{
	char *copy = NULL;

	if (size > SPEC_SIZE_LIMIT)
		return error_set(err, EFBIG, "%s: larger than %d bytes", name, SPEC_SIZE_LIMIT);
	copy = malloc(size + 1);
	if (!copy)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	if (size > 0)
		memcpy(copy, text, size);
	copy[size] = '\0';
	*ret = copy;
	return 0;
}

static int build(const char *name, decode_function *function, const char *text, size_t size,
                 struct spec **ret, struct error *err)
{
	char *copy = NULL;
	int r = copy_text(name, text, size, &copy, err);

	return r < 0 ? r : build_take(name, function, copy, size, NULL, ret, err);
}

int spec_parse(const char *name, const char *text, size_t size, struct spec **ret,
               struct error *err)
{
	return build(name, decode_config, text, size, ret, err);
}

int spec_parse_process(const char *name, const char *text, size_t size, struct spec **ret,
                       struct error *err)
{
	return build(name, decode_process, text, size, ret, err);
}

int spec_parse_resources(const char *name, const char *text, size_t size, struct spec **ret,
                         struct error *err)
{
	return build(name, decode_resources, text, size, ret, err);
}

/* What a part's check finds is said about the file. */
static int finish_checked(const char *name, int r, struct spec **spec, struct spec **ret,
                          struct error *err)
{
	if (r < 0) {
		(void)error_wrap(err, "%s", name);
		spec_free(spec);
		return r;
	}
	*ret = *spec;
	return 0;
}

int spec_parse_mounts(const char *name, const char *text, size_t size, struct spec **ret,
                      struct error *err)
{
	struct spec *spec = NULL;
	int r = build(name, decode_mounts, text, size, &spec, err);

	if (r < 0)
		return r;
	r = spec_check_mounts(spec, &(struct spec_sink){.err = err});
	return finish_checked(name, r, &spec, ret, err);
}

int spec_parse_seccomp(const char *name, const char *text, size_t size, struct spec **ret,
                       struct error *err)
{
	struct spec *spec = NULL;
	int r = build(name, decode_seccomp, text, size, &spec, err);

	if (r < 0)
		return r;
	r = spec_check_seccomp(&spec->linux.seccomp, &(struct spec_sink){.err = err});
	return finish_checked(name, r, &spec, ret, err);
}

int spec_load(int dirfd, const char *path, struct spec **ret, struct error *err)
{
	char *text;
	size_t size;
	int r;

	r = file_read(dirfd, path, SPEC_SIZE_LIMIT, &text, &size, err);
	if (r < 0)
		return r;
	return build_take(path, decode_config, text, size, NULL, ret, err);
}

/*
 * A wrong namespace list, or none that could be read, would make every property that needs one of them
 * look wrong too.
 */
static bool knows_namespaces(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const char *path = findings->items[i].path;

		if (findings->items[i].level == FINDING_ERROR &&
		    (str_equal(path, "linux") || str_equal(path, "linux.namespaces") ||
		     str_starts(path, "linux.namespaces[")))
			return false;
	}
	return true;
}

static int check_take(const char *name, char *text, size_t size, struct findings *findings,
                      struct spec **ret, struct error *err)
{
	const struct spec_sink out = {.err = err, .all = findings};
	int r = build_take(name, decode_config, text, size, findings, ret, err);

	if (r == 0 && knows_namespaces(findings))
		r = spec_check_all(*ret, &out);
	return r;
}

int spec_check(int dirfd, const char *path, struct findings *findings, struct spec **ret,
               struct error *err)
{
	char *text;
	size_t size;
	int r;

	r = file_read(dirfd, path, SPEC_SIZE_LIMIT, &text, &size, err);
	if (r < 0)
		return r;
	return check_take(path, text, size, findings, ret, err);
}

int spec_check_text(const char *name, const char *text, size_t size, struct findings *findings,
                    struct spec **ret, struct error *err)
{
	char *copy = NULL;
	int r = copy_text(name, text, size, &copy, err);

	return r < 0 ? r : check_take(name, copy, size, findings, ret, err);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->annotation_count; i++) {
		if (strcmp(spec->annotations[i].key, key) == 0)
			return spec->annotations[i].value;
	}
	return NULL;
}
