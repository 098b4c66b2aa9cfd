#!/usr/bin/env bash
# events: statistics and strikes of the OOM killer, one JSON object a line.
. "$(dirname "$0")/../support/lib.sh"

start_container() {
	new_bundle "$1" "${@:2}"
	ID=$(new_id)
	lvm run --detach -b "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null || { cat "$T/out"; return 1; }
}

group_of() {
	local path mount
	path=$(sed -n 's/^0:://p' "/proc/$(lvm state "$1" | jq .pid)/cgroup")
	for mount in /sys/fs/cgroup/unified /sys/fs/cgroup; do
		[ ! -e "$mount$path/cgroup.procs" ] || echo "$mount$path"
	done | head -n 1
}

# shellcheck disable=SC2016 # for the shell in the container
start_container base '.process.args = ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 1000"]'
GROUP=$(group_of "$ID")

statistics_are_one_object() {
	lvm events --stats "$ID" >"$T/stats"
	expect_equal 1 "$(wc -l <"$T/stats")"
	expect_equal stats "$(jq -r .type "$T/stats")"
	expect_equal "$ID" "$(jq -r .id "$T/stats")"
	expect_equal blkio,cpu,cpuset,hugetlb,intel_rdt,memory,network_interfaces,pids \
		"$(jq -r '.data | keys | join(",")' "$T/stats")"
	expect_equal failcnt,limit "$(jq -r '.data.memory.kernel | keys | join(",")' "$T/stats")"
	expect_equal 9 "$(jq -r '.data.cpuset | length' "$T/stats")"
}

has_worked() {
	# shellcheck disable=SC2016 # for the shell in the container
	[ "$(sed -n 's/^user_usec //p' "$GROUP/cpu.stat")" -gt 0 ] ||
		lvm exec "$ID" sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 1'
}

# The numbers are those of the files: nothing has changed between two looks at an idle container.
numbers_are_those_of_the_group() {
	local before after
	wait_for 5 grep -q sleep "/proc/$(lvm state "$ID" | jq .pid)/comm"
	# Whose time it was the kernel knows by its ticks alone: a short program may have had none.
	wait_for 5 has_worked
	before=$(sed -n 's/^user_usec //p' "$GROUP/cpu.stat")
	lvm events --stats "$ID" >"$T/stats"
	after=$(sed -n 's/^user_usec //p' "$GROUP/cpu.stat")
	jq -e --argjson low "$before" --argjson high "$after" \
		'.data.cpu.usage.user >= $low * 1000 and .data.cpu.usage.user <= $high * 1000 and
		.data.cpu.usage.total > 0' "$T/stats"
}

pressure_is_in_the_statistics() {
	[ -e "$GROUP/cpu.pressure" ] || skip 'this kernel has no pressure in groups'
	lvm events --stats "$ID" >"$T/stats"
	jq -e '.data.cpu.psi | .some, .full | .total >= 0 and (.avg10 | type) == "number" and
		(.avg60 | type) == "number" and (.avg300 | type) == "number"' "$T/stats"
}

# systemd hands this controller on to nobody: a group has it when its limit is asked for.
huge_pages_are_in_the_statistics() {
	start_container pages '.process.args = ["sleep", "1000"]' \
		'.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 4194304}]' >"$T/error" || {
		grep -q hugetlb "$T/error" || { cat "$T/error"; return 1; }
		skip "needs the hugetlb controller in cgroup v2: $(cat "$T/error")"
	}
	lvm events --stats "$ID" >"$T/stats"
	jq -e '.data.hugetlb["2MB"] | .usage == 0 and .failcnt == 0' "$T/stats"
	expect_equal 4194304 "$(cat "$(group_of "$ID")/hugetlb.2MB.max")"
	lvm delete --force "$ID"
}

memory_and_processes_are_in_the_statistics() {
	[ -e "$GROUP/memory.current" ] || skip "the memory controller is not in cgroup v2 here"
	lvm events --stats "$ID" >"$T/stats"
	jq -e '.data.memory | .usage.usage > 0 and .raw.anon > 0 and .usage.limit > 0 and
		.swap.usage >= .usage.usage' "$T/stats"
	jq -e '.data.pids.current == 1' "$T/stats"
}

has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

every_interval_has_its_line_until_the_end() {
	local watcher begin=${EPOCHREALTIME/./} took
	start_container ends '.process.args = ["sleep", "1000"]'
	lvm events --interval 100ms "$ID" >"$T/lines" &
	watcher=$!
	wait_for 20 has_lines "$T/lines" 3
	lvm kill "$ID" KILL
	expect_exit 0 wait "$watcher"
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	expect_equal stats "$(jq -r .type "$T/lines" | sort -u)"
	[ "$(wc -l <"$T/lines")" -le $((took / 100 + 1)) ]
	expect_error 'container not running' lvm events --stats "$ID"
	lvm delete "$ID"
}

# A child is killed, its parent goes on.
the_oom_killer_is_told() {
	[ -e "$GROUP/memory.current" ] || skip 'the memory controller is not in cgroup v2 here'
	start_container oom '.linux.resources.memory = {"limit": 20971520, "swap": 20971520}' \
		'.process.args = ["sh", "-c", "sleep 0.5; tail /dev/zero; sleep 1"]'
	lvm events --interval 1h "$ID" >"$T/lines"
	expect_equal '{"type":"oom","id":"'"$ID"'"}' "$(head -n 1 "$T/lines")"
	lvm delete --force "$ID"
}

mistakes_are_named() {
	expect_error 'option --interval: it must be more than 0' lvm events --interval 0 "$ID"
	expect_error "option --interval: '-1s' is not a time" lvm events --interval=-1s "$ID"
	expect_error "option --interval: '5' is not a time" lvm events --interval 5 "$ID"
	expect_error 'container does not exist' lvm events nobody
}

check 'events --stats prints one object with all members' statistics_are_one_object
check 'its numbers are those of the group' numbers_are_those_of_the_group
check 'pressure is in it' pressure_is_in_the_statistics
check 'huge pages are in it' huge_pages_are_in_the_statistics
check 'memory and processes are in it' memory_and_processes_are_in_the_statistics
check 'every interval has its line, until the container ends' every_interval_has_its_line_until_the_end
check 'a strike of the OOM killer is told' the_oom_killer_is_told
check 'mistakes are named' mistakes_are_named
finish
