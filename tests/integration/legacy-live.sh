#!/usr/bin/env bash
# A live container with limits in cgroup v1: update, events, stats, pause.
# not for the test machine: all its controllers are in cgroup v2
# shellcheck disable=SC2016 # jq and shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

v1() { awk -v c="$1" '$3 == "cgroup" && (","$4",") ~ ","c"," {print $2; found = 1; exit} END {exit !found}' /proc/mounts; }

for controller in memory cpu cpuset pids; do
	v1 "$controller" >/dev/null || skip "the $controller controller is not bound to cgroup v1 here"
done
[ "$(id -u)" -eq 0 ] || skip 'only root sets limits there'

start_container() { # NAME [FILTER…]
	new_bundle "$1" '.process.args = ["sleep", "1000"]' "${@:2}"
	ID=$(new_id)
	lvm run --detach -b "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null || { cat "$T/out"; return 1; }
}
value_is() { expect_equal "$3" "$(cat "$(v1 "$1")/lvm-run-$ID/$2")"; }

start_container main '.linux.resources = {memory: {limit: 67108864, swap: 67108864}, pids: {limit: 50},
	cpu: {shares: 1024, quota: 50000, period: 100000}}' || exit 1

flags_change_the_values() {
	lvm update --memory 32M --memory-swap 64M --pids-limit 60 --cpu-share 512 --cpu-quota 30000 \
		--cpu-period 60000 --cpuset-cpus 0 --memory-reservation 16M "$ID"
	value_is memory memory.limit_in_bytes 33554432
	value_is memory memory.memsw.limit_in_bytes 67108864
	value_is memory memory.soft_limit_in_bytes 16777216
	value_is pids pids.max 60
	value_is cpu cpu.shares 512
	value_is cpu cpu.cfs_quota_us 30000
	value_is cpu cpu.cfs_period_us 60000
	value_is cpuset cpuset.cpus 0
	# Up and down again: whichever of the two has to come first.
	lvm update --memory 256M --memory-swap 512M "$ID"
	value_is memory memory.memsw.limit_in_bytes 536870912
	lvm update --memory 64M --memory-swap 64M "$ID"
	value_is memory memory.limit_in_bytes 67108864
	lvm update --memory -1 "$ID"
	[ "$(cat "$(v1 memory)/lvm-run-$ID/memory.memsw.limit_in_bytes")" -gt 1000000000000 ]
	lvm update --memory 64M --memory-swap 64M --cpu-quota -1 --pids-limit -1 "$ID"
	value_is cpu cpu.cfs_quota_us -1
	value_is pids pids.max max
}

a_refused_value_leaves_all_as_they_were() {
	lvm update --memory 64M --memory-swap 64M --pids-limit 50 --cpu-quota 50000 --cpu-period 100000 "$ID"
	expect_error 'linux.resources.cpu.cpus: write "0,4000" to cpuset.cpus (cgroup v1)' \
		lvm update --memory 32M --memory-swap 32M --cpu-quota 20000 --pids-limit 5 --cpuset-cpus 0,4000 "$ID"
	value_is memory memory.limit_in_bytes 67108864
	value_is memory memory.memsw.limit_in_bytes 67108864
	value_is cpu cpu.cfs_quota_us 50000
	value_is pids pids.max 50
	# One that the other version refuses.
	expect_error 'write "nonsense" to cgroup.max.depth' lvm update -r - "$ID" \
		<<<'{"pids": {"limit": 5}, "memory": {"disableOOMKiller": true}, "unified": {"cgroup.max.depth": "nonsense"}}'
	value_is pids pids.max 50
	grep -q 'oom_kill_disable 0' "$(v1 memory)/lvm-run-$ID/memory.oom_control"
	# What is in use cannot be taken away.
	expect_error 'linux.resources.memory.limit: ' lvm update --memory 4096 --pids-limit 7 "$ID"
	value_is pids pids.max 50
	value_is memory memory.limit_in_bytes 67108864
}

less_than_what_is_used_is_refused_on_request() {
	expect_error 'checkBeforeUpdate asks to refuse that' lvm update -r - "$ID" \
		<<<'{"memory": {"limit": 8192, "checkBeforeUpdate": true}}'
	value_is memory memory.limit_in_bytes 67108864
}

a_changed_limit_holds() {
	lvm update --pids-limit 5 "$ID"
	expect_error 'fork' lvm exec "$ID" sh -c 'sleep 3 & sleep 3 & sleep 3 & sleep 3 & sleep 3 & sleep 3 & wait'
	lvm update --pids-limit 50 "$ID"
	lvm exec "$ID" sh -c 'sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & wait'
}

# --- A container that was created without: the first limit there makes the groups -------------------

all_controllers='memory cpu cpuacct cpuset pids blkio'
no_group_of() {
	local controller
	for controller in $all_controllers; do
		[ ! -e "$(v1 "$controller")/lvm-run-$1" ] || { echo "left: $controller"; return 1; }
	done
}
processes_of() { lvm ps --format json "$ID" | jq -c 'sort | .[]'; }
are_in_the_groups() {
	local controller
	for controller in $all_controllers; do
		expect_equal "$(processes_of)" "$(sort -n "$(v1 "$controller")/lvm-run-$ID/cgroup.procs")"
	done
}
places_of() { local pid; for pid in $(processes_of); do cat "/proc/$pid/cgroup"; done; }

the_first_limit_makes_the_groups() {
	new_bundle first '.process.args = ["sh", "-c", "sleep 1000 & sleep 1000"]'
	ID=$(new_id)
	lvm run --detach -b "$BUNDLE" "$ID" >/dev/null 2>&1 </dev/null
	wait_for 20 eval '[ "$(processes_of | wc -l)" -ge 2 ]'
	no_group_of "$ID"
	lvm update --pids-limit 6 --memory 64M "$ID"
	value_is pids pids.max 6
	value_is memory memory.limit_in_bytes 67108864
	are_in_the_groups
	expect_error 'fork' lvm exec "$ID" sh -c 'sleep 3 & sleep 3 & sleep 3 & sleep 3 & sleep 3 & sleep 3 & wait'
	# What comes later is born there, and the next update finds the groups.
	lvm exec -d "$ID" sleep 900
	are_in_the_groups
	lvm update --pids-limit 50 "$ID"
	value_is pids pids.max 50
	lvm events --stats "$ID" | jq -e '.data.pids.limit == 50'
	lvm delete --force "$ID"
	no_group_of "$ID"
	nothing_left
}

a_refused_first_limit_leaves_nothing() {
	local before
	start_container refused
	before=$(places_of)
	expect_error 'linux.resources.cpu.cpus: write "0,4000" to cpuset.cpus (cgroup v1)' \
		lvm update --pids-limit 5 --cpuset-cpus 0,4000 "$ID"
	no_group_of "$ID"
	# Refused in the other version, when the processes were moved already.
	expect_error 'write "nonsense" to cgroup.max.depth' lvm update -r - "$ID" \
		<<<'{"pids": {"limit": 5}, "unified": {"cgroup.max.depth": "nonsense"}}'
	no_group_of "$ID"
	expect_equal "$before" "$(places_of)"
	lvm pause "$ID"
	expect_error 'resume it first' lvm update --pids-limit 5 "$ID"
	lvm resume "$ID"
	lvm update -r - "$ID" <<<'{}'
	no_group_of "$ID"
}

the_groups_go_with_a_foreground_run() {
	local run
	new_bundle foreground '.process.args = ["sleep", "1000"]'
	ID=$(new_id)
	"$RUNTIME" --root "$ROOT" run -b "$BUNDLE" "$ID" >/dev/null 2>&1 &
	run=$!
	wait_for 5 container_is "$ID" running
	lvm update --pids-limit 5 "$ID"
	value_is pids pids.max 5
	lvm kill "$ID" KILL
	expect_exit 137 wait "$run"
	no_group_of "$ID"
	nothing_left
}

# The helper ends the update that asked it, once the groups are there.
what_a_killed_update_leaves_is_known() {
	local way
	printf '#!/bin/sh\n"%s" "$@"\ns=$?\nkill -9 $PPID\nexit $s\n' "$LVM_RUN_HELPER" >"$T/killer"
	chmod +x "$T/killer"
	for way in update delete; do
		start_container "killed-$way"
		expect_exit 137 env LVM_RUN_HELPER="$T/killer" "$RUNTIME" --root "$ROOT" update --pids-limit 5 "$ID"
		wait_for 5 test -e "$(v1 pids)/lvm-run-$ID"
		if [ "$way" = update ]; then
			lvm update --pids-limit 7 "$ID"
			value_is pids pids.max 7
			are_in_the_groups
		fi
		lvm delete --force "$ID"
		no_group_of "$ID"
	done
}

statistics_are_those_of_the_groups() {
	lvm events --stats "$ID" >"$T/stats"
	jq -e '.data.memory | .usage.limit == 67108864 and .usage.usage > 0 and .usage.max >= .usage.usage and
		.swap.limit == 67108864 and .swap.usage >= .usage.usage and .cache >= 0 and .raw.total_rss >= 0' "$T/stats"
	jq -e '.data.pids.limit == 50 and .data.pids.current >= 1 and .data.cpu.throttling.periods >= 0' "$T/stats"
	lvm stats --no-stream "$ID" | grep -q 'iB / 64.0MiB'
}

the_oom_killer_is_an_event() {
	start_container oom '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	lvm events --interval 200ms "$ID" >"$T/events" &
	wait_for 5 grep -q stats "$T/events"
	expect_exit 137 lvm exec "$ID" dd if=/dev/zero of=/dev/null bs=90000000 count=1
	wait_for 5 grep -q '"oom"' "$T/events"
	expect_equal "$ID" "$(jq -r 'select(.type == "oom").id' "$T/events" | sort -u)"
	container_is "$ID" running
	lvm delete --force "$ID"
	wait
	# The end of the container is none.
	expect_equal 1 "$(grep -c '"oom"' "$T/events")"
}

a_paused_container_is_changed_and_goes_on() {
	lvm pause "$ID"
	container_is "$ID" paused
	lvm update --pids-limit 40 "$ID"
	value_is pids pids.max 40
	lvm resume "$ID"
	container_is "$ID" running
	expect_equal 1 "$(lvm ps --format json "$ID" | jq length)"
}

check 'flags change the values, whichever has to come first' flags_change_the_values
check 'a refused value leaves all others as they were' a_refused_value_leaves_all_as_they_were
check 'with checkBeforeUpdate less than what is used is refused' less_than_what_is_used_is_refused_on_request
check 'a changed limit holds' a_changed_limit_holds
check 'the first limit of a container makes its groups, and all of its processes enter them' the_first_limit_makes_the_groups
check 'a refused first limit leaves nothing, and all processes where they were' a_refused_first_limit_leaves_nothing
check 'groups that an update made go with a foreground run' the_groups_go_with_a_foreground_run
check 'what a killed update left is taken up by the next, and removed by delete' what_a_killed_update_leaves_is_known
check 'statistics are those of the groups' statistics_are_those_of_the_groups
check 'the OOM killer is an event' the_oom_killer_is_an_event
check 'a paused container is changed and goes on' a_paused_container_is_changed_and_goes_on
finish
