#include "bed.h"

#define BIND(destination, options, more)                                                           \
	"{\"destination\":\"" destination "\",\"type\":\"bind\",\"source\":\"volume\","            \
	"\"options\":[" options "]" more "}"
#define MAPS(lists) ",\"uidMappings\":" lists ",\"gidMappings\":" lists
#define MAP(container, host, size)                                                                 \
	"[{\"containerID\":" #container ",\"hostID\":" #host ",\"size\":" #size "}]"

static void look_owner(struct bed *bed, const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	if (stat(path, &st))
		bed_complain(bed, "%s: %s", path, strerror(errno));
	else if (st.st_uid != uid || st.st_gid != gid)
		bed_complain(bed, "%s: owner %u:%u", path, st.st_uid, st.st_gid);
}

static void look_explicit(struct bed *bed)
{
	look_owner(bed, "/data/file", 5000, 5000);
	look_owner(bed, "/tmp/file", 0, 0);
	look_owner(bed, "/etc/file", 7000, 8000);
}

static void mount_has_maps_of_its_own(void **state)
{
	static const char *const mounts[] = {
		BIND("/data", "\"bind\",\"idmap\"", MAPS(MAP(0, 5000, 100))),
		BIND("/tmp", "\"bind\"", ""),
		BIND("/etc", "\"rbind\",\"idmap=uids=0-7000-10#10-9000-5;gids=0-8000-10\"", ""),
		NULL};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_explicit;
	bed_run_list(bed, mounts, "");
	bed_assert_ok(bed);
}

static void look_own(struct bed *bed)
{
	look_owner(bed, "/data/file", 0, 0);        /* the host's root is the container's */
	look_owner(bed, "/tmp/file", 65534, 65534); /* without a map: nobody */
	look_owner(bed, "/etc/file", 33, 0);
	if (open("/data/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
		bed_complain(bed, "create in the mapped mount: %s", strerror(errno));
}

static void mount_is_seen_through_the_containers_user_namespace(void **state)
{
	static const char *const mounts[] = {
		BED_DEV, BIND("/data", "\"bind\",\"idmap\"", ""), BIND("/tmp", "\"bind\"", ""),
		BIND("/etc", "\"bind\",\"idmap=uids=@0-33-1;gids=@0-0-1\"", ""), NULL};
	struct bed *bed = *state;
	char path[256];
	struct stat st;

	BED_NEEDS_ROOT();
	assert_int_equal(chown(bed_path(bed, "rootfs", path), 100000, 100000), 0);
	bed->user_namespace = true;
	bed->look = look_own;
	bed_run_list(
		bed, mounts,
		"\"uidMappings\":" MAP(0, 100000, 65536) ",\"gidMappings\":" MAP(0, 100000, 65536));
	bed_assert_ok(bed);
	assert_int_equal(stat(bed_path(bed, "volume/new", path), &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static void impossible_maps_are_named(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_run(bed, BIND("/data", "\"bind\",\"idmap\"", ""), "");
	bed_assert_failed(bed, "prepare", "mount /data: idmap needs uidMappings");
	bed_run(bed, BIND("/data", "\"bind\",\"idmap=uids=0-x-1\"", ""), "");
	bed_assert_failed(bed, "prepare", "mount /data: idmap=uids=0-x-1: not of the form");
	bed_run(bed, BIND("/data", "\"bind\",\"idmap=uids=0-1\"", ""), "");
	bed_assert_failed(bed, "prepare", "not of the form");
	bed_run(bed, BIND("/data", "\"bind\",\"idmap=uids=0-1-1-1\"", ""), "");
	bed_assert_failed(bed, "prepare", "not of the form");
	bed_run(bed,
	        "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/proc\",\"options\":"
	        "[\"bind\",\"idmap\"]" MAPS(MAP(0, 5000, 100)) "}",
	        "");
	bed_assert_failed(bed, "prepare", "idmap: the source's file system cannot be id-mapped");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(mount_has_maps_of_its_own),
		TEST(mount_is_seen_through_the_containers_user_namespace),
		TEST(impossible_maps_are_named),
	};

	return cmocka_run_group_tests_name("rootfs/idmap", tests, NULL, NULL);
}
