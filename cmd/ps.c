#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/ps.h"
#include "cmd/subprocess.h"
#include "cmd/verbs.h"

const struct option ps_options[] = {
	{"format", "f", OPTION_TEXT, offsetof(struct ps_arguments, format), "table|json",
         "the output of ps, or an array of process ids (table)"},
	{0},
};

enum { PS_TIMEOUT_MS = 30000 };

static bool is_among(int64_t wanted, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == wanted)
			return true;
	}
	return false;
}

/* The next blank-separated field of *line, −1 length at its end. */
static bool next_field(const char **line, const char *end, const char **ret, size_t *ret_length)
{
	while (*line < end && (**line == ' ' || **line == '\t'))
		(*line)++;
	*ret = *line;
	while (*line < end && **line != ' ' && **line != '\t')
		(*line)++;
	*ret_length = (size_t)(*line - *ret);
	return *ret_length > 0;
}

/* The number of the column that is headed PID, or −1. */
static int pid_column(const char *line, const char *end)
{
	const char *field;
	size_t length;

	for (int column = 0; next_field(&line, end, &field, &length); column++) {
		if (length == 3 && memcmp(field, "PID", 3) == 0)
			return column;
	}
	return -1;
}

/* The number in a column of a line, or −1. */
static int64_t pid_of_line(const char *line, const char *end, int column)
{
	const char *field = line;
	size_t length = 0;
	char text[16];
	int64_t pid;

	for (int i = 0; i <= column; i++) {
		if (!next_field(&line, end, &field, &length))
			return -1;
	}
	if (length >= sizeof(text))
		return -1;
	memcpy(text, field, length);
	text[length] = '\0';
	return parse_i64(text, &pid) < 0 ? -1 : pid;
}

int ps_filter(const char *table, const pid_t *pids, size_t count, struct strbuf *ret)
{
	const char *end = strchrnul(table, '\n');
	int column = pid_column(table, end);

	if (column < 0)
		return -EINVAL;
	strbuf_add(ret, table, (size_t)(end - table));
	strbuf_adds(ret, "\n");
	while (*end) {
		const char *line = end + 1;

		end = strchrnul(line, '\n');
		if (is_among(pid_of_line(line, end, column), pids, count)) {
			strbuf_add(ret, line, (size_t)(end - line));
			strbuf_adds(ret, "\n");
		}
	}
	return 0;
}

static int print_json(const pid_t *pids, size_t count, struct error *err)
{
	scoped_strbuf text = {0};

	strbuf_adds(&text, "[");
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%s%d", i ? "," : "", (int)pids[i]);
	strbuf_adds(&text, "]\n");
	return output_buffer(&text, err);
}

/* words[0] is the container's id; its place is taken by the program's name. */
static int print_table(char **words, const pid_t *pids, size_t count, struct error *err)
{
	char ps[] = "ps", all_full[] = "-ef";
	char *by_default[] = {ps, all_full, NULL};
	scoped_strbuf output = {0};
	scoped_strbuf text = {0};
	int status = 0;

	words[0] = ps;

	int r = subprocess_capture(words[1] ? words : by_default, PS_TIMEOUT_MS, &output, &status,
	                           err);

	if (r < 0)
		return r;
	if (status != 0)
		return error_set(err, EINVAL, "ps failed with status %d: %.*s", status,
		                 (int)strcspn(output.data ? output.data : "", "\n"),
		                 output.data ? output.data : "");
	if (ps_filter(output.data ? output.data : "", pids, count, &text) < 0)
		return error_set(err, EINVAL, "ps wrote no column PID: add it to its options");
	return output_buffer(&text, err);
}

static void free_pids(pid_t **pids)
{
	free(*pids);
}

int ps_main(const struct call *call, struct error *err)
{
	const char *format = call->arguments->ps.format;
	scoped_store store = NULL;
	scoped(free_pids) pid_t *pids = NULL;
	size_t count = 0;
	int r = call_open_store(call, &store, err);

	if (r >= 0)
		r = container_pids(store, call->words[0], &pids, &count, err);
	if (r < 0)
		return r;
	if (format && str_equal(format, "json"))
		return print_json(pids, count, err);

	char *id = call->words[0];

	r = print_table(call->words, pids, count, err);
	call->words[0] = id;
	return r;
}
