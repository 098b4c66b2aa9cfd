/*
 * Which ids a user may map besides the own one: /etc/subuid and /etc/subgid (subuid(5)), and the name
 * by which the user stands there. The files themselves are read: a static program cannot ask NSS. Who
 * has no line in /etc/passwd is looked up by the helper. Where /etc/nsswitch.conf names a source of ranges
 * and the files have none, getsubids(1) is asked. Host side.
 */
#ifndef LVM_RUN_NAMESPACES_SUBID_H
#define LVM_RUN_NAMESPACES_SUBID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

#define SUBUID_PATH "/etc/subuid"
#define SUBGID_PATH "/etc/subgid"

enum { SUBID_RANGES_MAX = 64 }; /* what a user has more is left out */

struct subid_range {
	uint32_t start;
	uint32_t count;
};
struct subid_list {
	struct subid_range items[SUBID_RANGES_MAX];
	size_t count;
};

/* The name of a user in the text of a passwd(5) file, cut in place; null: not there. */
char *subid_find_name(char *text, uid_t uid) must_check;

/*
 * The ranges of a user in the text of such a file, cut in place. Lines that are broken, empty or
 * overflow are passed over, as newuidmap does. `name` may be null: lines may carry the number.
 */
void subid_parse(char *text, uid_t uid, const char *name, struct subid_list *ret);

/* The same in what getsubids(1) prints: "0: NAME START COUNT". Cut in place; other lines are passed over. */
void subid_parse_answer(char *text, struct subid_list *ret);

/*
 * The name of a user (free): from /etc/passwd, else from the helper's service user-name ("uid=NUMBER",
 * answered by "name=TEXT"). Null: there is none, or nobody to ask.
 */
char *subid_user_name(uid_t uid) must_check;

/* Whether the text of nsswitch.conf(5) names a source of ranges. */
bool subid_has_source(const char *text) must_check;

/* The ranges in the file `path`, or those of the source; none where neither can be read. */
void subid_read(const char *path, uid_t uid, const char *name, struct subid_list *ret);

#endif
