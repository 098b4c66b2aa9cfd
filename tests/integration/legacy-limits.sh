#!/usr/bin/env bash
# Limits of controllers that are bound to cgroup v1 hold there, and the groups they need come and go with
# the container.
# not for the test machine: all its controllers are in cgroup v2
# shellcheck disable=SC2016 # jq and shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

# Where cgroup v1 has the controller; fails when it has not.
v1() { awk -v c="$1" '$3 == "cgroup" && (","$4",") ~ ","c"," {print $2; found = 1; exit} END {exit !found}' /proc/mounts; }

for controller in memory cpu cpuacct cpuset pids blkio; do
	v1 "$controller" >/dev/null || skip "the $controller controller is not bound to cgroup v1 here"
done
[ "$(id -u)" -eq 0 ] || skip 'only root sets limits there'
cp "$TESTKIT" "$T/testkit"
new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"

# limited FILTER…: that bundle with a configuration of the sub-test's own, in CONFIG.
limited() {
	local filter
	CONFIG=$T/config-$BASHPID.json
	cp "$BUNDLE/config.json" "$CONFIG"
	for filter in "$@"; do
		jq "$filter" "$CONFIG" >"$CONFIG.new"
		mv "$CONFIG.new" "$CONFIG"
	done
	ID=$(new_id)
}
run_it() { lvm run -b "$BUNDLE" -f "$CONFIG" "$ID"; }
create_it() { lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"; }

# The container's group in the hierarchy of a controller.
group() { echo "$(v1 "$1")/lvm-run-$ID"; }
# Of the container's groups and those on the way to them none is there.
no_group_left() {
	local controller path
	for controller in memory cpu cpuacct cpuset pids blkio; do
		for path in "lvm-run-$ID" "lvm-run-way-$ID" "lvm-run-pod-$ID"; do
			[ ! -e "$(v1 "$controller")/$path" ] || { echo "left: $controller: $path"; return 1; }
		done
	done
}

values_are_written_and_all_is_removed() {
	limited '.linux.resources.memory = {limit: 67108864, swap: 134217728, reservation: 33554432, swappiness: 10}' \
		'.linux.resources.cpu = {shares: 512, quota: 50000, period: 100000, cpus: "0", mems: "0"}' \
		'.linux.resources.pids.limit = 50'
	create_it
	expect_equal 67108864 "$(cat "$(group memory)/memory.limit_in_bytes")"
	expect_equal 134217728 "$(cat "$(group memory)/memory.memsw.limit_in_bytes")"
	expect_equal 33554432 "$(cat "$(group memory)/memory.soft_limit_in_bytes")"
	expect_equal 10 "$(cat "$(group memory)/memory.swappiness")"
	expect_equal 512 "$(cat "$(group cpu)/cpu.shares")"
	expect_equal 50000 "$(cat "$(group cpu)/cpu.cfs_quota_us")"
	expect_equal 100000 "$(cat "$(group cpu)/cpu.cfs_period_us")"
	expect_equal 0 "$(cat "$(group cpuset)/cpuset.cpus")"
	expect_equal 0 "$(cat "$(group cpuset)/cpuset.mems")"
	expect_equal 50 "$(cat "$(group pids)/pids.max")"
	lvm start "$ID"
	container_is "$ID" running
	lvm delete --force "$ID"
	nothing_left
	no_group_left
}

every_process_is_in_the_groups() {
	local pid controller
	limited '.linux.resources.pids.limit = 50'
	create_it
	pid=$(lvm state "$ID" | jq .pid)
	for controller in memory cpu cpuacct cpuset pids blkio; do
		expect_equal "$pid" "$(cat "$(group "$controller")/cgroup.procs")"
	done
	lvm start "$ID"
	lvm exec -d "$ID" sleep 900
	lvm exec -d "$ID" sh -c 'sleep 901 & exec sleep 902'
	wait_for 5 eval '[ "$(lvm ps --format json "$ID" | jq length)" -eq 4 ]'
	for controller in memory cpu cpuacct cpuset pids blkio; do
		expect_equal "$(lvm ps --format json "$ID" | jq -c 'sort | .[]' | xargs)" \
			"$(sort -n "$(group "$controller")/cgroup.procs" | xargs)"
	done
	lvm delete --force "$ID"
	no_group_left
}

the_groups_look_like_the_root_inside() {
	limited '.linux.resources.pids.limit = 50' '.process.args = ["cat", "/proc/self/cgroup"]' \
		'.linux.namespaces += [{"type": "cgroup"}] | .linux.namespaces |= unique'
	run_it >"$T/inside"
	expect_no_line -v ':/$' "$T/inside"
	no_group_left
}

a_second_process_between_enters_them_too() {
	limited '.linux.resources.pids.limit = 50' '.linux.namespaces += [{"type": "time"}]' \
		'.linux.timeOffsets = {"monotonic": {"secs": 1000}}' '.process.args = ["cat", "/proc/self/cgroup"]' \
		'.linux.namespaces |= map(select(.type != "cgroup"))'
	[ -e /proc/self/ns/time ] || skip 'no time namespaces'
	run_it >"$T/inside"
	grep -q ":pids:/lvm-run-$ID\$" "$T/inside"
	grep -q ":memory:/lvm-run-$ID\$" "$T/inside"
	no_group_left
}

a_memory_limit_kills() {
	limited '.linux.resources.memory = {limit: 33554432, swap: 33554432}' \
		'.process.args = ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=150000000 count=1; exit $?"]'
	expect_exit 137 run_it
	limited '.linux.resources.memory = {limit: 419430400}' \
		'.process.args = ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=150000000 count=1; exit $?"]'
	expect_exit 0 run_it
	no_group_left
}

a_quota_throttles() {
	local used begun elapsed
	limited '.linux.resources.cpu = {quota: 20000, period: 100000}' \
		'.process.args = ["sh", "-c", "while :; do :; done"]'
	create_it
	begun=$(date +%s%N)
	lvm start "$ID"
	wait_for 30 grep '^nr_throttled [5-9]' "$(group cpu)/cpu.stat"
	used=$(cat "$(group cpuacct)/cpuacct.usage")
	elapsed=$(($(date +%s%N) - begun))
	# A fifth of the time, and what create has used; a free one takes all of it.
	echo "used $used ns in $elapsed ns"
	[ "$used" -gt 50000000 ]
	[ "$used" -lt $((elapsed / 5 + 250000000)) ]
	lvm delete --force "$ID"
	no_group_left
}

a_rate_slows_writes_down() {
	local device begun
	# The disk that the bundle lies on, as a whole: v1 has no limits for parts of it.
	device=$(stat -c %d "$BUNDLE")
	device=$((device >> 8)):$((device & 255))
	[ -e "/sys/dev/block/$device/queue" ] || skip "the bundle does not lie on a whole disk: $device"
	limited ".linux.resources.blockIO = {throttleWriteBpsDevice: [{major: ${device%:*}, minor: ${device#*:}, rate: 1048576}],
		throttleReadIOPSDevice: [{major: ${device%:*}, minor: ${device#*:}, rate: 500}]}" \
		'.root.readonly = false' '.process.args = ["dd", "if=/dev/zero", "of=/written", "bs=524288", "count=5", "oflag=direct"]'
	create_it
	expect_equal "$device 1048576" "$(cat "$(group blkio)/blkio.throttle.write_bps_device")"
	expect_equal "$device 500" "$(cat "$(group blkio)/blkio.throttle.read_iops_device")"
	begun=$(date +%s%N)
	lvm start "$ID"
	wait_for 60 container_is "$ID" stopped
	# 2.5 MiB at 1 MiB a second.
	[ $(($(date +%s%N) - begun)) -gt 1500000000 ]
	expect_equal 2621440 "$(stat -c %s "$BUNDLE/rootfs/written")"
	lvm delete "$ID"
	rm -f "$BUNDLE/rootfs/written"
	no_group_left
}

a_limit_of_processes_stops_a_fork_bomb() {
	limited '.linux.resources.pids.limit = 8' \
		'.process.args = ["sh", "-c", "i=0; while [ $i -lt 40 ]; do sleep 500 & i=$((i + 1)); done; echo all"]'
	run_it >"$T/out" 2>"$T/err" || :
	expect_equal '' "$(cat "$T/out")"
	grep -qi "fork" "$T/err"
	no_group_left
}

a_set_of_cpus_holds() {
	limited '.linux.resources.cpu.cpus = "0"' '.process.args = ["grep", "Cpus_allowed_list", "/proc/self/status"]'
	expect_output 'Cpus_allowed_list: 0' eval 'run_it | xargs'
	no_group_left
}

a_refused_value_leaves_nothing() {
	limited '.linux.resources.cpu.cpus = "0,4000"' '.linux.resources.pids.limit = 5'
	expect_error 'linux.resources.cpu.cpus: write "0,4000" to cpuset.cpus (cgroup v1)' create_it
	no_group_left
	nothing_left
	limited '.linux.resources.memory.kernel = 4096'
	# Linux 5.16 and later count, but do not limit, kernel memory.
	if ! create_it 2>"$T/err"; then
		grep -q 'linux.resources.memory.kernel: ' "$T/err"
		nothing_left
	else
		lvm delete --force "$ID"
	fi
	no_group_left
}

a_missing_helper_is_said_and_leaves_nothing() {
	limited '.linux.resources.pids.limit = 5'
	expect_error 'lvm-run-helper is not to be found' env LVM_RUN_HELPER=/nowhere/lvm-run-helper \
		"$RUNTIME" --root "$ROOT" create -b "$BUNDLE" -f "$CONFIG" "$ID"
	nothing_left
	no_group_left
	# Without such a limit nobody asks for it.
	limited '.process.args = ["true"]' 'del(.linux.resources.pids, .linux.resources.memory, .linux.resources.cpu)'
	LVM_RUN_HELPER=/nowhere/lvm-run-helper run_it
}

a_group_in_use_is_refused() {
	limited '.linux.resources.pids.limit = 5'
	mkdir "$(group pids)"
	sleep 100 &
	echo $! >"$(group pids)/cgroup.procs"
	expect_error 'is in use: 1 process lives in it' create_it
	nothing_left
	# What was there before stays, and with it what lives there; the others are gone.
	[ -d "$(group pids)" ]
	[ ! -e "$(group memory)" ]
	kill -0 $!
	kill $!
	wait
	wait_for 5 rmdir "$(group pids)"
	no_group_left
}

groups_on_the_way_come_and_go() {
	local path
	limited '.linux.resources.pids.limit = 5'
	path=/lvm-run-way-$ID/a/b
	jq --arg p "$path" '.linux.cgroupsPath = $p' "$CONFIG" >"$CONFIG.new" && mv "$CONFIG.new" "$CONFIG"
	create_it
	expect_equal 5 "$(cat "$(v1 pids)$path/pids.max")"
	# A cpuset on the way is not empty, or nobody could live below it.
	[ -n "$(cat "$(v1 cpuset)${path%/b}/cpuset.cpus")" ]
	lvm delete --force "$ID"
	no_group_left
}

gc_and_force_remove_what_a_kill_leaves() {
	local way above
	for way in 'delete --force' gc; do
		limited '.linux.resources.pids.limit = 5'
		above=$(v1 memory)/lvm-run-way-$ID
		jq --arg p "/lvm-run-way-$ID/a" '.linux.cgroupsPath = $p' "$CONFIG" >"$CONFIG.new" && mv "$CONFIG.new" "$CONFIG"
		# A helper that never comes to an end, nor to marking what it made on the way: whoever asks it is killed.
		printf '#!/bin/sh\n%s\nmkdir -p %s\nexec sleep 100\n' \
			'read -r service; read -r path; read -r join; echo 0 >"${join#join=}"' "$above/a" >"$T/helper"
		chmod +x "$T/helper"
		LVM_RUN_HELPER=$T/helper "$RUNTIME" --root "$ROOT" create -b "$BUNDLE" -f "$CONFIG" "$ID" 2>/dev/null &
		wait_for 5 test -d "$above/a"
		kill -9 $!
		wait $! || :
		if [ "$way" = gc ]; then lvm gc >/dev/null; else lvm delete --force "$ID"; fi
		nothing_left
		no_group_left
	done
}

# Of what the request asks for it makes the group above the container's in one hierarchy.
create_undoes_what_a_helper_that_died_had_made() {
	local above
	limited '.linux.resources.pids.limit = 5'
	above=$(v1 blkio)/lvm-run-way-$ID
	jq --arg p "/lvm-run-way-$ID/a" '.linux.cgroupsPath = $p' "$CONFIG" >"$CONFIG.new" && mv "$CONFIG.new" "$CONFIG"
	printf '#!/bin/sh\n%s\n%s\nmkdir %s\nkill -9 $$\n' 'read -r service' \
		"[ \"\$service\" = legacy-create ] || { { echo \"\$service\"; cat; } | $LVM_RUN_HELPER; exit; }" "$above" >"$T/dying"
	chmod +x "$T/dying"
	expect_error 'ended without an answer' env LVM_RUN_HELPER="$T/dying" \
		"$RUNTIME" --root "$ROOT" create -b "$BUNDLE" -f "$CONFIG" "$ID"
	nothing_left
	no_group_left
}

# A kill between the end of the v2 group and that of the others.
a_v2_group_that_is_gone_takes_the_others_along() {
	local way
	for way in 'delete' 'delete --force'; do
		limited '.linux.resources.pids.limit = 5' '.process.args = ["true"]'
		create_it
		lvm start "$ID"
		wait_for 5 container_is "$ID" stopped
		wait_for 5 rmdir "$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)/lvm-run-$ID"
		[ -d "$(group pids)" ]
		# shellcheck disable=SC2086 # words
		lvm $way "$ID"
		nothing_left
		no_group_left
	done
}

without_the_v2_hierarchy_it_is_said_what_to_mount() {
	limited '.linux.resources.pids.limit = 5' \
		'.process.args = ["sh", "-c", "grep pids: /proc/self/cgroup"] | .linux.namespaces |= map(select(.type != "cgroup"))'
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m sh -c '
		set -e
		for mount in $(awk "\$3 == \"cgroup2\" {print \$2}" /proc/mounts); do umount "$mount"; done
		if "$1" --root "$2" run -b "$3" -f "$4" "$5" 2>"$6/err"; then exit 1; fi
		grep -q "mount -t cgroup2" "$6/err"
		# That is all it takes, wherever it is.
		mkdir "$6/v2" && mount -t cgroup2 none "$6/v2"
		"$1" --root "$2" run -b "$3" -f "$4" "$5"' sh "$RUNTIME" "$ROOT" "$BUNDLE" "$CONFIG" "$ID" "$T" >"$T/out"
	grep -q ":pids:/lvm-run-$ID\$" "$T/out"
	nothing_left
	no_group_left
}

others_than_root_are_told() {
	limited '.linux.resources.pids.limit = 5' '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 1234, "size": 1}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": 1234, "size": 1}]'
	mkdir "$T/user" && chown 1234:1234 "$T/user" && chmod 644 "$CONFIG"
	expect_error 'only root sets limits there' setpriv --reuid 1234 --regid 1234 --clear-groups \
		"$RUNTIME" --root "$T/user" create -b "$BUNDLE" -f "$CONFIG" "$ID"
	expect_equal '' "$(ls "$T/user")"
	no_group_left
}

features_say_so() { expect_output true eval 'lvm features | jq .linux.cgroup.v1'; }

doctor_says_where_limits_are_set() {
	lvm doctor >"$T/doctor" || :
	grep -q 'limits in version 1 .*memory .*through libcgroup' "$T/doctor"
	LVM_RUN_HELPER=/nowhere/lvm-run-helper lvm doctor >"$T/doctor" || :
	grep -q 'missing *limits in version 1 .*lvm-run-helper is not to be found' "$T/doctor"
}

unified_keys_are_refused_where_version_1_has_the_controller() {
	limited '.linux.resources.unified = {"memory.max": "1000000"}'
	expect_error 'linux.resources.unified.memory.max: the memory controller is bound to cgroup v1' create_it
	nothing_left
}

an_engine_s_group_above_limits_too() {
	local above
	limited '.linux.resources.memory = {limit: 104857600, swap: 104857600}' \
		'.process.args = ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=90000000 count=1; exit $?"]'
	above=$(v1 memory)/lvm-run-pod-$ID
	mkdir "$above"
	echo 33554432 >"$above/memory.limit_in_bytes"
	jq --arg p "/lvm-run-pod-$ID/one" '.linux.cgroupsPath = $p' "$CONFIG" >"$CONFIG.new" && mv "$CONFIG.new" "$CONFIG"
	expect_exit 137 run_it
	# It is the engine's, and stays.
	rmdir "$above"
	no_group_left
}

check 'values are written, and all is removed' values_are_written_and_all_is_removed
check 'every process is in the groups' every_process_is_in_the_groups
check 'the groups look like the root inside' the_groups_look_like_the_root_inside
check 'a second process between enters them too' a_second_process_between_enters_them_too
check 'a memory limit kills' a_memory_limit_kills
check 'a quota throttles' a_quota_throttles
check 'a rate slows writes down' a_rate_slows_writes_down
check 'a limit of processes stops a fork bomb' a_limit_of_processes_stops_a_fork_bomb
check 'a set of CPUs holds' a_set_of_cpus_holds
check 'a refused value leaves nothing' a_refused_value_leaves_nothing
check 'a missing helper is said and leaves nothing' a_missing_helper_is_said_and_leaves_nothing
check 'a group in use is refused' a_group_in_use_is_refused
check 'groups on the way come and go' groups_on_the_way_come_and_go
check 'gc and delete --force remove what a kill leaves' gc_and_force_remove_what_a_kill_leaves
check 'create undoes what a helper that died had made' create_undoes_what_a_helper_that_died_had_made
check 'keys of unified are refused where cgroup v1 has the controller' unified_keys_are_refused_where_version_1_has_the_controller
check "an engine's group above limits too, and stays" an_engine_s_group_above_limits_too
check 'a v2 group that is gone takes the others along' a_v2_group_that_is_gone_takes_the_others_along
check 'without the v2 hierarchy it is said what to mount' without_the_v2_hierarchy_it_is_said_what_to_mount
check 'others than root are told' others_than_root_are_told
check 'features says that cgroup v1 is known' features_say_so
check 'doctor says where limits are set' doctor_says_where_limits_are_set
finish
