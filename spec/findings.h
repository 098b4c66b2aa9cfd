/*
 * Findings about a configuration: all of them, for a person who asks (spec_check), where create stops
 * at the first. Whoever finds something calls finding_add; the checks of spec/ report through a struct
 * spec_sink, which either keeps a finding and lets the caller go on, or makes it the error.
 *
 *	scoped_findings findings = {0};
 *	spec_check(bundle_fd, "config.json", &findings, &spec, &err);
 *	for (size_t i = 0; i < findings.count; i++) …
 */
#ifndef LVM_RUN_SPEC_FINDINGS_H
#define LVM_RUN_SPEC_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

enum finding_level {
	FINDING_ERROR,   /* create would refuse it */
	FINDING_WARNING, /* create would fail, or do less, on this host */
	FINDING_NOTE     /* allowed, and probably not what was meant */
};

struct finding {
	enum finding_level level;
	const char *path; /* JSON path: "process.rlimits[2].soft"; "" for the whole text */
	const char *text;
};

struct findings {
	struct arena arena;
	struct finding *items;
	size_t count;
	size_t capacity;
	bool failed; /* memory ran out: something is missing */
};
void findings_done(struct findings *findings);
#define scoped_findings scoped(findings_done) struct findings

/*
 * Appends copies of the texts; bytes that a terminal would take for commands become '?'. Nothing is added at
 * or below a place that has an error already: what follows from it says nothing new.
 */
void finding_add(struct findings *findings, enum finding_level level, const char *path,
                 const char *format, ...) printf_like(4, 5);

/* How many are of that level. */
size_t findings_count(const struct findings *findings, enum finding_level level);

/* Where checks report to. */
struct spec_sink {
	struct error *err;
	struct findings *all; /* null: the first finding is the error, and ends the checks */
};

/*
 * One finding of a check: "path: text". −EINVAL with the error filled, or 0 once it is kept: a caller
 * goes on as long as it gets 0.
 */
int spec_invalid(const struct spec_sink *out, const char *path, const char *format, ...)
	printf_like(3, 4);
/* The same with another code than EINVAL. */
int spec_refuse(const struct spec_sink *out, int code, const char *path, const char *format, ...)
	printf_like(4, 5);

/*
 * Reads and checks `path` below `dirfd` to its end: every value that decoding or spec_validate would refuse is
 * an error among the findings, properties that nothing reads are notes. *ret is for further looks
 * (spec_free); nothing may be run from it. Fails only where there is nothing to look at: no file, no
 * JSON, no memory.
 */
int spec_check(int dirfd, const char *path, struct findings *findings, struct spec **ret,
               struct error *err) must_check;

/* The same from memory, as spec_parse. */
int spec_check_text(const char *name, const char *text, size_t size, struct findings *findings,
                    struct spec **ret, struct error *err) must_check;

#endif
