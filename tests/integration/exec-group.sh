#!/usr/bin/env bash
# exec into a container that manages control groups of its own, as systemd inside does.
. "$(dirname "$0")/../support/lib.sh"

new_bundle one \
	'(.mounts[] | select(.type == "cgroup") | .options) |= map(select(. != "ro"))' \
	'.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 1073741824}]' \
	'.process.args = ["sh", "-c", "mkdir /sys/fs/cgroup/init &&
		echo 1 >/sys/fs/cgroup/init/cgroup.procs &&
		echo +hugetlb >/sys/fs/cgroup/cgroup.subtree_control && exec sleep 1000"]'
ID=$(new_id)
if ! lvm run --detach -b "$BUNDLE" "$ID" 2>"$T/error"; then
	grep -q 'hugetlb' "$T/error" || cat "$T/error"
	echo "SKIP needs the hugetlb controller in cgroup v2: $(cat "$T/error")"
	exit 77
fi
HOST_PATH=$(sed -n 's/^0:://p' "/proc/$(lvm state "$ID" | jq .pid)/cgroup")

exec_follows_init() {
	wait_for 5 grep -q /init "/proc/$(lvm state "$ID" | jq .pid)/cgroup"
	expect_output 0::/init lvm exec "$ID" sed -n '/^0::/p' /proc/self/cgroup
}

a_named_group_is_taken_at_its_word() {
	lvm exec "$ID" mkdir /sys/fs/cgroup/jobs
	expect_output 0::/jobs lvm exec --cgroup /jobs "$ID" sed -n '/^0::/p' /proc/self/cgroup
	expect_error 'cgroup "none" of the container' lvm exec --cgroup /none "$ID" true
	expect_error 'cgroup "../x" of the container' lvm exec --cgroup ../x "$ID" true
}

groups_below_go_with_the_container() {
	lvm delete --force "$ID"
	[ -z "$(find /sys/fs/cgroup -path "*${HOST_PATH%/init}" -type d 2>/dev/null || :)" ]
}

check 'exec is born where init has moved to' exec_follows_init
check 'exec --cgroup takes a group below the container, and no other' \
	a_named_group_is_taken_at_its_word
check 'the groups that the container made are removed with it' groups_below_go_with_the_container
finish
