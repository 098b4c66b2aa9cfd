#!/usr/bin/env bash
# Limits of controllers that are bound to cgroup v1, after a restore.
# not for the test machine: all its controllers are in cgroup v2
. "$(dirname "$0")/../support/lib.sh"

. "$(dirname "$0")/../support/criu.sh"

new_bundle idle '.process.args = ["/bin/testkit", "pause"]'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
IDLE=$BUNDLE
pid_of() { lvm state "$1" | jq .pid; }

limits_in_version_1_come_back() {
	local id pids config=$T/limited.json
	pids=$(awk '$3 == "cgroup" && (","$4",") ~ ",pids," {print $2; exit}' /proc/mounts)
	[ -n "$pids" ] || skip 'the pids controller is not bound to cgroup v1 here'
	id=$(new_id)
	jq '.linux.resources = {pids: {limit: 100}, memory: {limit: 268435456}}' "$IDLE/config.json" >"$config"
	lvm run -d -b "$IDLE" -f "$config" "$id" </dev/null >/dev/null 2>&1
	lvm checkpoint --image-path "$T/limited.img" "$id"
	[ ! -e "$pids/lvm-run-$id" ]
	cp "$IDLE/config.json" "$T/plain.json"
	cp "$config" "$IDLE/config.json"
	lvm restore -d -b "$IDLE" --image-path "$T/limited.img" "$id" </dev/null >/dev/null 2>&1
	cp "$T/plain.json" "$IDLE/config.json"
	expect_equal 100 "$(cat "$pids/lvm-run-$id/pids.max")"
	expect_equal "$(pid_of "$id")" "$(cat "$pids/lvm-run-$id/cgroup.procs")"
	grep -q ":memory:/lvm-run-$id\$" "/proc/$(pid_of "$id")/cgroup"
	lvm delete --force "$id"
	[ ! -e "$pids/lvm-run-$id" ]
}

check 'limits in cgroup v1 come back with it' limits_in_version_1_come_back
finish
