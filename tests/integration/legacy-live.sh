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
	expect_error 'fork' lvm exec "$ID" sh -c 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait'
	lvm update --pids-limit 50 "$ID"
	lvm exec "$ID" sh -c 'sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & sleep 0.1 & wait'
}

without_a_group_there_an_update_is_refused() {
	start_container plain
	expect_error 'no limit asked for one when it was created' lvm update --pids-limit 5 "$ID"
	lvm update -r - "$ID" <<<'{}'
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
check 'without a group there an update is refused' without_a_group_there_an_update_is_refused
check 'statistics are those of the groups' statistics_are_those_of_the_groups
check 'the OOM killer is an event' the_oom_killer_is_an_event
check 'a paused container is changed and goes on' a_paused_container_is_changed_and_goes_on
finish
