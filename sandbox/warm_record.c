/*
 * Which sandbox a template was saved in, as text: a line for each fact that a start cannot change, beginning
 * with the option that decides it. What the command alone is given (environment, directory, limits, outputs) is not
 * in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/str.h"
#include "sandbox/run.h"
#include "sandbox/warm.h"
#include "spec/encode.h"

static const char *const step_names[] = {
	[SANDBOX_RO_BIND] = "--ro-bind",   [SANDBOX_BIND] = "--bind",
	[SANDBOX_DEV_BIND] = "--dev-bind", [SANDBOX_TMPFS] = "--tmpfs",
	[SANDBOX_OVERLAY] = "--overlay",   [SANDBOX_HIDE] = "--hide",
};

/* Two names without a line break, with what parts them. */
static void add_line(struct strbuf *text, const char *what, const char *first, const char *second)
{
	strbuf_adds(text, what);
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? first : second;

		if (!name)
			continue;
		strbuf_adds(text, " ");
		strbuf_add_escaped(text, name);
	}
	strbuf_adds(text, "\n");
}

static int add_profile(struct strbuf *text, const struct spec_seccomp *profile)
{
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct json_writer writer = {0};
	struct sha256 hash;

	json_writer_object(&writer, NULL);
	spec_write_seccomp(&writer, "seccomp", profile);
	json_writer_end(&writer);

	scoped_str json = json_writer_take(&writer);

	if (!json)
		return -ENOMEM;
	sha256_begin(&hash);
	sha256_add(&hash, json, strlen(json));
	sha256_end(&hash, digest);
	add_line(text, "--seccomp", sha256_hex(digest, hex), NULL);
	return 0;
}

/* Places in the scratch are named by the order in which they are made. */
static void add_mount(struct strbuf *text, const struct run *run, const struct view_mount *mount)
{
	const char *from = mount->lower ? mount->lower : mount->source;
	const char *kind = !mount->writable   ? "(view) read-only"
	                   : mount->discarded ? "(view) discarded"
	                                      : "(view) writable";

	if (str_equal(mount->target, WARM_INIT_TARGET))
		return;
	if (from && view_is_below(from, run->scratch.path))
		from = NULL;
	add_line(text, kind, mount->target, from);
}

char *warm_record_write(const struct run *run)
{
	const struct sandbox_options *o = run->options;
	struct strbuf text = {0};

	add_line(&text, "--hostname", o->hostname ? o->hostname : "(its own)", NULL);
	if (add_profile(&text, &run->profile) < 0) {
		strbuf_done(&text);
		return NULL;
	}
	for (size_t i = 0; i < o->step_count; i++)
		add_line(&text, step_names[o->steps[i].kind],
		         o->steps[i].kind == SANDBOX_TMPFS || o->steps[i].kind == SANDBOX_HIDE
		                 ? NULL
		                 : o->steps[i].source,
		         o->steps[i].target);
	add_line(&text, "--show-secrets", o->show_secrets ? "yes" : "no", NULL);
	for (size_t i = 0; i < run->view.mount_count; i++)
		add_mount(&text, run, &run->view.mounts[i]);
	for (size_t i = 0; i < run->view.hidden_count; i++)
		add_line(&text, "(view) hidden", run->view.hidden[i], NULL);
	return strbuf_take(&text);
}

/* --- Comparing --- */

static size_t line_length(const char *text)
{
	return strcspn(text, "\n");
}

/* Whether `text` has the line, of `size` bytes, anywhere. */
static bool has_line(const char *text, const char *line, size_t size)
{
	while (*text) {
		size_t length = line_length(text);

		if (length == size && memcmp(text, line, size) == 0)
			return true;
		text += length + (text[length] == '\n');
	}
	return false;
}

static int differ(const char *line, size_t size, bool saved, struct error *err)
{
	const char *view = "(view) ";
	const bool of_view = strncmp(line, view, strlen(view)) == 0;

	if (str_starts(line, "--seccomp "))
		return error_set(err, EINVAL,
		                 "--seccomp: the template was saved with other system calls");
	if (of_view)
		return error_set(err, EINVAL,
		                 "what it shows of this host is not what it was when it was saved "
		                 "(--chdir, mounts of the host): %.*s: %s",
		                 (int)(size - strlen(view)), line + strlen(view),
		                 saved ? "not any more" : "not then");
	return error_set(err, EINVAL,
	                 saved ? "it was saved with %.*s" : "it was not saved with %.*s", (int)size,
	                 line);
}

int warm_record_compare(const char *saved, const char *now, struct error *err)
{
	const char *a = saved, *b = now;

	while (*a || *b) {
		const size_t size_a = line_length(a), size_b = line_length(b);

		if (size_a == size_b && memcmp(a, b, size_a) == 0) {
			a += size_a + (a[size_a] == '\n');
			b += size_b + (b[size_b] == '\n');
			continue;
		}
		/* The one that the other has not got; of two that have changed places, the saved one. */
		if (size_b && !has_line(a, b, size_b))
			return differ(b, size_b, false, err);
		return differ(size_a ? a : b, size_a ? size_a : size_b, size_a != 0, err);
	}
	return 0;
}
