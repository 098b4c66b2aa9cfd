/* The manual page, in roff (man(7)). */
#include <ctype.h>

#include "cmd/help.h"
#include "cmd/output.h"
#include "cmd/version.h"

/* Text that roff must not take for its own language. */
static void add_escaped(struct strbuf *page, const char *text)
{
	for (const char *at = text; *at; at++) {
		if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n'))
			strbuf_adds(page, "\\&");
		if (*at == '\\')
			strbuf_adds(page, "\\e");
		else if (*at == '-')
			strbuf_adds(page, "\\-");
		else
			strbuf_add(page, at, 1);
	}
}

static void add_line(struct strbuf *page, const char *text)
{
	add_escaped(page, text);
	strbuf_adds(page, "\n");
}

/* A summary as a sentence of its own. */
static void add_sentence(struct strbuf *page, const char *summary)
{
	const char first[] = {(char)toupper((unsigned char)summary[0]), '\0'};

	add_escaped(page, first);
	add_escaped(page, summary + 1);
	strbuf_adds(page, ".\n");
}

static void add_option(struct strbuf *page, const struct option *option)
{
	strbuf_adds(page, ".TP\n");
	for (const char *letter = option->letters; *letter; letter++)
		strbuf_addf(page, "\\fB\\-%c\\fR, ", *letter);
	strbuf_adds(page, "\\fB\\-\\-");
	add_escaped(page, option->name);
	strbuf_adds(page, "\\fR");
	if (option->argument) {
		strbuf_adds(page, option_value_optional(option) ? "[=\\fI" : " \\fI");
		add_escaped(page, option->argument);
		strbuf_adds(page, option_value_optional(option) ? "\\fR]" : "\\fR");
	}
	strbuf_adds(page, "\n");
	add_line(page, option->help);
}

static void add_options(struct strbuf *page, const struct option *table)
{
	for (; table && table->name; table++)
		add_option(page, table);
}

static void add_verb(struct strbuf *page, const struct verb *verb)
{
	strbuf_addf(page, ".SS \"%s\"\n.B lvm\\-run %s\n", verb->name, verb->name);
	if (verb->options)
		strbuf_adds(page, "[\\fIOPTION\\fR...]\n");
	if (verb->words[0])
		add_line(page, verb->words);
	strbuf_adds(page, ".PP\n");
	add_sentence(page, verb->summary);
	add_line(page, verb->details);
	if (verb->alias)
		strbuf_addf(page, "Also known as \\fB%s\\fR.\n", verb->alias);
	add_options(page, verb->options);
	if (verb->example) {
		strbuf_adds(page, ".PP\nExample:\n.PP\n.nf\n.RS\n");
		add_line(page, verb->example);
		strbuf_adds(page, ".RE\n.fi\n");
	}
}

static const char introduction[] =
	".SH NAME\n"
	"lvm\\-run \\- run OCI containers\n"
	".SH SYNOPSIS\n"
	".B lvm\\-run\n"
	"[\\fIGLOBAL OPTION\\fR...] \\fIVERB\\fR [\\fIOPTION\\fR...] [\\fIWORD\\fR...]\n"
	".SH DESCRIPTION\n"
	"lvm\\-run makes and controls containers as the OCI runtime specification describes them.\n"
	"It is called by a person, or by an engine such as Podman, containerd or Docker.\n"
	".PP\n"
	"A container begins as a bundle: a directory with a file\n"
	".I config.json\n"
	"and mostly with the root file system that it names.\n"
	".B lvm\\-run spec\n"
	"writes a configuration to begin with,\n"
	".B lvm\\-run doctor\n"
	"tells what the host offers.\n"
	".PP\n"
	"Options may be written as \\fB\\-\\-name value\\fR, \\fB\\-\\-name=value\\fR,\n"
	"\\fB\\-l value\\fR or \\fB\\-lvalue\\fR, before or after the other words of a verb;\n"
	"for \\fBexec\\fR and \\fBps\\fR they end at the id.\n";

static const char conclusion[] =
	".SH EXIT STATUS\n"
	"0 on success, 1 on failure, with one line on standard error that says what was tried on "
	"what.\n"
	".B run\n"
	"and\n"
	".B exec\n"
	"in the foreground exit with the status of the program, or 128 and the number of the "
	"signal\n"
	"that ended it.\n"
	".B exec\n"
	"exits with 255 when the program could not be run (with 1 when called as crun).\n"
	".SH CONTROL GROUPS\n"
	"Every container has a group in the version 2 hierarchy, wherever that is mounted: there "
	"it is\n"
	"frozen, counted and killed, and a mount of type\n"
	".B cgroup\n"
	"in a container shows that group. On a host without one it takes\n"
	".BR \"mount \\-t cgroup2 none /sys/fs/cgroup/unified\" .\n"
	"On a hybrid host, where controllers are bound to version 1, limits of those controllers "
	"are set\n"
	"there, in groups of the same path: by root, with the cgroupfs driver, the helper program "
	"and\n"
	"libcgroup. They are made for a container whose configuration asks for such a limit, and\n"
	".B update\n"
	"changes limits only there; containers that ask for none do without them. Keys of\n"
	".I linux.resources.unified\n"
	"are files of version 2, and are refused for a controller that is bound to version 1.\n"
	".B lvm\\-run doctor\n"
	"tells which limits are set where.\n"
	".SH ENVIRONMENT\n"
	".TP\n"
	".B XDG_RUNTIME_DIR\n"
	"where a user who is not root has the state root; /run/user/UID when it is not set.\n"
	".TP\n"
	".B LISTEN_FDS\n"
	"this many descriptors, from 3 on, are passed to the container.\n"
	".TP\n"
	".B LVM_RUN_HELPER\n"
	"the helper program, which the systemd driver and limits in cgroup version 1 need, when it "
	"is not\n"
	"where it was installed.\n"
	".TP\n"
	".B LVM_RUN_RESCTRL\n"
	"a folder in the place of the mounted resctrl file system (linux.intelRdt), for tests.\n"
	".SH FILES\n"
	".TP\n"
	".I /run/lvm\\-run\n"
	"the state root: one directory a container.\n"
	".TP\n"
	".I config.json\n"
	"the configuration in a bundle.\n"
	".SH SEE ALSO\n"
	".BR podman (1),\n"
	".BR criu (8),\n"
	".BR namespaces (7),\n"
	".BR cgroups (7),\n"
	".BR capabilities (7),\n"
	".BR seccomp (2)\n";

void manual_page(struct strbuf *page)
{
	strbuf_addf(page, ".TH LVM\\-RUN 1 \"\" \"lvm\\-run %s\" \"User Commands\"\n",
	            version_number);
	strbuf_adds(page, introduction);
	strbuf_adds(page, ".SH GLOBAL OPTIONS\nThey stand before the verb.\n");
	add_options(page, global_options);
	strbuf_adds(page, ".SH VERBS\n");
	for (int group = 0; group < VERB_GROUP_COUNT; group++) {
		for (const struct verb *verb = verbs; verb->name; verb++) {
			if ((int)verb->group == group)
				add_verb(page, verb);
		}
	}
	strbuf_adds(page, conclusion);
}

int manual_main(const struct call *call unused_parameter, struct error *err)
{
	scoped_strbuf page = {0};

	manual_page(&page);
	return output_buffer(&page, err);
}
