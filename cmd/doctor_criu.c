/* CRIU: where it is, which one, whether it works here. */
#include <stdlib.h>
#include <string.h>

#include "checkpoint/criu.h"
#include "cmd/doctor.h"
#include "cmd/subprocess.h"

static const char area[] = "Checkpoint";

/* The last line that is not empty, cut out of the text. */
static char *last_line(char *text)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == '\n')
		text[--length] = '\0';

	char *newline = strrchr(text, '\n');

	return newline ? newline + 1 : text;
}

static int run_criu(char *path, char *word, int timeout_ms, struct strbuf *output,
                    struct error *err)
{
	char *argv[] = {path, word, NULL};
	int status = 0;
	int r = subprocess_capture(argv, timeout_ms, output, &status, err);

	return r < 0 ? r : status;
}

static void check_criu_version(struct report *report, char *path)
{
	char word[] = "--version";
	scoped_strbuf output = {0};
	struct error err = {0};
	int status = run_criu(path, word, 5000, &output, &err);
	const char *text = output.data ? output.data : "";

	text += str_starts(text, "Version: ") ? strlen("Version: ") : 0;
	report_add(report, area, "criu", status == 0 ? CHECK_OK : CHECK_MISSING,
	           "The program is there but does not start.", "%s, version %.*s", path,
	           (int)strcspn(text, "\n"), status < 0 ? err.text : text);
}

static void check_criu_works(struct report *report, char *path)
{
	char word[] = "check";
	scoped_strbuf output = {0};
	struct error err = {0};
	int status = run_criu(path, word, 20000, &output, &err);
	const char *said = output.data ? last_line(output.data) : "";

	report_add(report, area, "criu check", status == 0 ? CHECK_OK : CHECK_MISSING,
	           "CRIU says that checkpoints will not work here. Run it by hand as root: criu "
	           "check.",
	           "%s", status < 0 ? err.text : said);
}

static void check_network_lock(struct report *report)
{
	struct error err;
	bool can = false;
	int r = criu_can_lock_network(&can, &err);

	report_add(report, area, "network lock", can ? CHECK_OK : CHECK_NOTE,
	           "Established TCP connections are saved only with --network-lock iptables, or "
	           "skip.",
	           "%s",
	           r < 0 ? err.text
	           : can ? "by nftables"
	                 : "not by nftables");
}

void doctor_criu(struct report *report)
{
	char path[PATH_MAX];
	struct error err;

	if (criu_find(path, &err) < 0) {
		report_add(report, area, "criu", CHECK_MISSING,
		           "Containers cannot be checkpointed and restored. Install the package "
		           "criu (4.1.1 or later), or build it (make criu) and name it in "
		           "LVM_RUN_CRIU.",
		           "%s", err.text);
		return;
	}
	check_criu_version(report, path);
	check_criu_works(report, path);
	check_network_lock(report);
}
