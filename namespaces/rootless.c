#include "namespaces/rootless.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "namespaces/subid.h"

int rootless_map(struct arena *arena, uint32_t own, uint32_t alone, const struct subid_list *ranges,
                 struct spec_id_mappings *ret)
{
	struct spec_id_mapping *items = arena_alloc(arena, ranges->count + 1, sizeof(*items));
	uint32_t next = 1;

	if (!items)
		return -ENOMEM;
	items[0] = (struct spec_id_mapping){
		.container_id = ranges->count > 0 ? 0 : alone,
		.host_id = own,
		.size = 1,
	};
	*ret = (struct spec_id_mappings){.items = items, .count = 1};
	for (size_t i = 0; i < ranges->count; i++) {
		const struct subid_range *range = &ranges->items[i];

		/* Ids end at 2³²−2. */
		if (range->count > UINT32_MAX - next)
			break;
		items[ret->count++] = (struct spec_id_mapping){
			.container_id = next,
			.host_id = range->start,
			.size = range->count,
		};
		next += range->count;
	}
	return 0;
}

static void say_single_id(uid_t uid, const char *name, const char *path)
{
	log_write(LOG_LEVEL_WARNING,
	          "%s has no range of ids for user %u%s%s%s: the container has a single user id "
	          "and a "
	          "single group id (see subuid(5); usermod --add-subuids and --add-subgids add a "
	          "range)",
	          path, (unsigned int)uid, name ? " (" : "", name ? name : "", name ? ")" : "");
}

int rootless_complete(struct spec *spec, struct error *err)
{
	struct spec_linux *linux_spec = &spec->linux;
	const struct spec_user *user = &spec->process.user;
	struct subid_list uids, gids;
	const uid_t own = geteuid();

	if (own == 0 || linux_spec->namespaces[NAMESPACE_USER].set)
		return 0;

	scoped_str name = subid_user_name(own);

	subid_read(SUBUID_PATH, own, name, &uids);
	subid_read(SUBGID_PATH, own, name, &gids);
	if (uids.count == 0 || gids.count == 0) {
		say_single_id(own, name, uids.count == 0 ? SUBUID_PATH : SUBGID_PATH);
		uids.count = gids.count = 0;
	}
	if (rootless_map(&spec->arena, own, user->uid, &uids, &linux_spec->uid_mappings) < 0 ||
	    rootless_map(&spec->arena, getegid(), user->gid, &gids, &linux_spec->gid_mappings) < 0)
		return error_code(err, ENOMEM, "maps of the user namespace");
	linux_spec->namespaces[NAMESPACE_USER].set = true;
	return 0;
}
