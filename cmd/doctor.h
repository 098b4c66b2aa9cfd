/*
 * What the host offers, as a list of checks. Each part of the report appends its own; doctor.c puts
 * them together and prints them.
 */
#ifndef LVM_RUN_CMD_DOCTOR_H
#define LVM_RUN_CMD_DOCTOR_H

#include <stddef.h>

#include "base/macro.h"
#include "base/str.h"

enum check_status {
	CHECK_OK,
	CHECK_NOTE,    /* worth knowing */
	CHECK_MISSING, /* something will not work */
	CHECK_FATAL    /* no container will run */
};

struct check {
	const char *area;
	const char *name;
	enum check_status status;
	char value[512];
	const char *advice; /* what it means and what to do; null when there is nothing to do */
};

enum { REPORT_SIZE = 64 };

struct report {
	struct check checks[REPORT_SIZE];
	size_t count;
};

/* Appends one; `advice` is kept (static text) unless the status is CHECK_OK. */
void report_add(struct report *report, const char *area, const char *name, enum check_status status,
                const char *advice, const char *format, ...) printf_like(6, 7);

/* Whether containers can run: no check is fatal. */
int report_usable(const struct report *report);

/* As text for people, or as one JSON object. */
void report_print(const struct report *report, struct strbuf *text);
void report_print_json(const struct report *report, struct strbuf *text);

/* The parts. */
void doctor_kernel(struct report *report);  /* features, by trying them */
void doctor_cgroups(struct report *report); /* layout, controllers, what needs a group */
void doctor_host(struct report *report, const char *state_root); /* LSMs, users, bpffs, state */
void doctor_criu(struct report *report);

#endif
