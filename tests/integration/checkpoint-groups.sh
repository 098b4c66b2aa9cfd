#!/usr/bin/env bash
# checkpoint and restore --manage-cgroups-mode: the groups that a container has made below its own, and its limits.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

new_bundle groups '.process.args = ["/bin/sh", "/bin/make-groups"]' \
	'(.mounts[] | select(.type == "cgroup" or .type == "cgroup2") | .options) |= map(select(. != "ro"))'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
cat >"$BUNDLE/rootfs/bin/make-groups" <<'SH'
cd /sys/fs/cgroup
mkdir one one/two three
echo 5 >one/cgroup.max.depth
echo 8 >one/two/cgroup.max.descendants
testkit pause &
echo $! >three/cgroup.procs
echo $$ >one/two/cgroup.procs
exec testkit count
SH

V2=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
pid_of() { lvm state "$1" | jq .pid; }
group_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
own_group() { echo "$V2$(lvm state "$1" | jq -r --arg id "$1" '"/lvm-run-" + $id')"; }
run() { # ID
	lvm run -d -b "$BUNDLE" "$1" </dev/null >"$T/$1.1" 2>&1
	wait_for 20 has_lines "$T/$1.1" 1
	echo 7 >"$(own_group "$1")/cgroup.max.descendants"
}
save() { # ID MODE
	lvm checkpoint --manage-cgroups-mode "$2" --image-path "$T/$1.img" "$1"
	[ ! -e "$(own_group "$1")" ]
}
load() { # ID MODE
	lvm restore -d -b "$BUNDLE" --manage-cgroups-mode "$2" --image-path "$T/$1.img" "$1" </dev/null >"$T/$1.2" 2>&1 || {
		cat "$T/$1.2"
		return 1
	}
	wait_for 20 has_lines "$T/$1.2" 3
}
done_with() {
	lvm delete --force "$1"
	[ ! -e "$V2/lvm-run-$1" ]
	nothing_left
}
groups_are_there() { # ID
	local own
	own=$(own_group "$1")
	expect_equal "/lvm-run-$1/one/two" "$(group_of "$(pid_of "$1")")"
	expect_equal "$(pid_of "$1")" "$(cat "$own/one/two/cgroup.procs")"
	expect_equal 1 "$(wc -l <"$own/three/cgroup.procs")"
	expect_equal '' "$(cat "$own/cgroup.procs")"
	expect_equal 5 "$(cat "$own/one/cgroup.max.depth")"
	expect_equal 8 "$(cat "$own/one/two/cgroup.max.descendants")"
}

soft_makes_them_again() {
	local id
	id=$(new_id)
	run "$id"
	save "$id" soft
	load "$id" soft
	groups_are_there "$id"
	expect_equal max "$(cat "$(own_group "$id")/cgroup.max.descendants")"
	expect_equal 0::/one/two "$(lvm exec "$id" busybox grep ^0:: /proc/1/cgroup)"
	# They are part of the container: all of it stands still, and is saved once more.
	lvm pause "$id"
	container_is "$id" paused
	lvm resume "$id"
	lvm checkpoint --image-path "$T/$id.img" "$id"
	load "$id" soft
	groups_are_there "$id"
	done_with "$id"
}

ignore_leaves_them_out() {
	local id
	id=$(new_id)
	run "$id"
	save "$id" soft
	load "$id" ignore
	expect_equal "/lvm-run-$id" "$(group_of "$(pid_of "$id")")"
	[ ! -e "$(own_group "$id")/one" ]
	done_with "$id"
	id=$(new_id)
	run "$id"
	save "$id" ignore
	load "$id" soft
	[ ! -e "$(own_group "$id")/one" ]
	done_with "$id"
}

full_brings_the_limits_too() {
	local id
	id=$(new_id)
	run "$id"
	lvm checkpoint -R --image-path "$T/soft.img" "$id"
	save "$id" full
	expect_error 'made without --manage-cgroups-mode full' \
		lvm restore -d -b "$BUNDLE" --manage-cgroups-mode full --image-path "$T/soft.img" "$id"
	load "$id" full
	groups_are_there "$id"
	expect_equal 7 "$(cat "$(own_group "$id")/cgroup.max.descendants")"
	done_with "$id"
}

strict_wants_a_new_group() {
	local id
	id=$(new_id)
	run "$id"
	save "$id" strict
	mkdir "$V2/lvm-run-$id"
	expect_error 'is there already (--manage-cgroups-mode strict)' \
		lvm restore -d -b "$BUNDLE" --manage-cgroups-mode strict --image-path "$T/$id.img" "$id"
	[ -d "$V2/lvm-run-$id" ]
	rmdir "$V2/lvm-run-$id"
	load "$id" strict
	groups_are_there "$id"
	expect_equal 7 "$(cat "$(own_group "$id")/cgroup.max.descendants")"
	done_with "$id"
}

# A manifest may come from anywhere.
groups_of_others_are_out_of_reach() {
	local id path
	id=$(new_id)
	run "$id"
	save "$id" full
	cp "$T/$id.img/lvm-run.json" "$T/manifest"
	for path in .. one/../../other /etc one//two one/; do
		jq --arg path "$path" '.groups[1].path = $path' "$T/manifest" >"$T/$id.img/lvm-run.json"
		expect_error 'names no group of a container' \
			lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	done
	jq '.groups[1].values[0].file = "cgroup.kill"' "$T/manifest" >"$T/$id.img/lvm-run.json"
	expect_error "'cgroup.kill' is no limit of a group" lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	jq '.groups[1].pids = [99]' "$T/manifest" >"$T/$id.img/lvm-run.json"
	expect_error 'process 99 of group one was not restored' lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	nothing_left
}

check 'soft: groups below its own are made again, with their processes and limits' soft_makes_them_again
check 'ignore: all processes are in its own group' ignore_leaves_them_out
check 'full: its own limits too, instead of those of config.json' full_brings_the_limits_too
check 'strict: its own group must not have been there' strict_wants_a_new_group
check 'groups and files that are not the container'"'"'s are refused' groups_of_others_are_out_of_reach
finish
