#!/bin/bash
# Controllers and limits that a container has handed on to groups below its own are there again after a restore. The rest
# of groups is in integration/checkpoint-groups, which runs where cgroup v2 has no controllers.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../../support/criu.sh
. "$TOP/tests/support/criu.sh"

shared_bundle
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
# What systemd does in a container: no process above groups with controllers.
config '(.mounts[] | select(.type == "cgroup" or .type == "cgroup2") | .options) |= map(select(. != "ro"))' \
	'.process.args = ["sh", "-c", "cd /sys/fs/cgroup && mkdir one && echo $$ >one/cgroup.procs && exec testkit pause"]'

controllers_are_handed_on() {
	local id own
	id=$(new_id)
	started "$id"
	wait_for 60 in_group "$id" one
	own=$(dirname "$(cgroup_of "$id")")
	echo '+pids +memory' >"$own/cgroup.subtree_control"
	echo 50 >"$own/one/pids.max"
	echo 67108864 >"$own/one/memory.max"
	lvm checkpoint --image-path "$T/images" "$id"
	[ ! -e "$own" ]
	lvm restore -d -b "$BUNDLE" --image-path "$T/images" "$id" </dev/null >"$T/restore" 2>&1 || { cat "$T/restore"; return 1; }
	in_group "$id" one
	expect_equal 'memory pids' "$(tr ' ' '\n' <"$own/cgroup.subtree_control" | sort | xargs)"
	expect_file "$own/one/pids.max" 50
	expect_file "$own/one/memory.max" 67108864
	lvm delete --force "$id"
	[ ! -e "$own" ]
	nothing_left
}
in_group() { expect_equal "$2" "$(basename "$(cgroup_of "$1")")"; }

check 'controllers and limits of groups below its own' controllers_are_handed_on
finish
