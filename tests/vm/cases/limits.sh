#!/bin/bash
# Limits on cgroup v2: every value is read back from the container's cgroup, and what it is for is seen to happen.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

disk=$(cat /sys/class/block/nvme0n1/dev)
major=${disk%:*} minor=${disk#*:}
MiB=$((1024 * 1024))
base=/lvm-vm-limits

shared_bundle
echo 8 >/proc/sys/vm/nr_hugepages

# shellcheck disable=SC2016 # jq's variables
# One container with all limits serves the checks that only look and those whose effect ends with the exec.
resources='.linux.resources = {
	memory: { limit: (48 * $mib), swap: (48 * $mib), reservation: (16 * $mib) },
	cpu: { shares: 512, quota: 20000, period: 100000, burst: 1000, cpus: "1", mems: "0" },
	pids: { limit: 24 },
	blockIO: { weight: 500,
		throttleReadBpsDevice: [{ major: $major, minor: $minor, rate: (64 * $mib) }],
		throttleWriteBpsDevice: [{ major: $major, minor: $minor, rate: $mib }],
		throttleReadIOPSDevice: [{ major: $major, minor: $minor, rate: 5000 }],
		throttleWriteIOPSDevice: [{ major: $major, minor: $minor, rate: 4000 }] },
	hugepageLimits: [{ pageSize: "2MB", limit: (2 * $mib) }],
	devices: [{ allow: false, access: "rwm" },
		{ allow: true, type: "c", major: 10, minor: 237, access: "rw" }],
	unified: { "memory.high": "49283072", "pids.max": "20" } }'
# Its first process is a shell, which reaps what others leave behind.
config '.process.args = ["sh", "-c", "sleep 1000 & wait"]' ".linux.cgroupsPath = \"$base/one\"" '.root.readonly = false' \
	'.mounts += [{ destination: "/huge", type: "bind", source: "/dev/hugepages", options: ["bind", "rw"] }]' \
	'.linux.devices = [{ path: "/dev/loop-control", type: "c", major: 10, minor: 237 },
		{ path: "/dev/kmsg", type: "c", major: 1, minor: 11 }]'
edit_config --argjson mib "$MiB" --argjson major "$major" --argjson minor "$minor" "$resources"
one=$(new_id)
must started "$one"
cg=$(cgroup_of "$one")
in_one() { lvm exec "$one" "$@"; }

cgroup_path_is_the_one_asked_for() { expect_equal "/sys/fs/cgroup$base/one" "$cg"; }

memory_values() {
	expect_file "$cg/memory.max" $((48 * MiB))
	expect_file "$cg/memory.low" $((16 * MiB))
	[ ! -e "$cg/memory.swap.max" ] || expect_file "$cg/memory.swap.max" 0
	expect_file "$cg/memory.high" 49283072
}

memory_effect() {
	local before
	before=$(counter "$cg/memory.events" oom_kill)
	# memory.high would only slow the growth down.
	echo max >"$cg/memory.high"
	expect_exit 137 in_one dd if=/dev/zero of=/dev/null bs=96M count=1
	expect_between $((before + 1)) $((before + 9)) "$(counter "$cg/memory.events" oom_kill)"
	container_is "$one" running
}

cpu_values() {
	expect_file "$cg/cpu.max" '20000 100000'
	expect_file "$cg/cpu.max.burst" 1000
	expect_file "$cg/cpuset.cpus" 1
	expect_file "$cg/cpuset.mems" 0
}

cpu_weight_follows_the_formula_of_the_kernel_people() {
	not_for_crun 'its 1.21 has the older formula'
	expect_file "$cg/cpu.weight" 59
}

cpu_effect() {
	local throttled used
	throttled=$(counter "$cg/cpu.stat" nr_throttled)
	used=$(counter "$cg/cpu.stat" usage_usec)
	in_one timeout 3 sh -c 'while :; do :; done' || true
	expect_between $((throttled + 5)) $((throttled + 10000)) "$(counter "$cg/cpu.stat" nr_throttled)"
	# A fifth of a processor; without the limit it would be 3 s.
	expect_between 100000 2000000 $(($(counter "$cg/cpu.stat" usage_usec) - used))
}

cpuset_effect() { expect_contains 'Cpus_allowed_list:	1' "$(in_one cat /proc/self/status)"; }

pids_value_comes_from_unified() { expect_file "$cg/pids.max" 20; }

pids_effect() {
	local before out
	before=$(counter "$cg/pids.events" max)
	# shellcheck disable=SC2016 # the container's shell
	if out=$(in_one sh -c 'i=0; while [ $i -lt 40 ]; do sleep 6 >/dev/null 2>&1 & i=$((i + 1)); done; wait' 2>&1); then
		echo "all were started: $out"
		return 1
	fi
	expect_match "can't fork|Resource temporarily unavailable" "$out"
	expect_between $((before + 1)) $((before + 100000)) "$(counter "$cg/pids.events" max)"
	wait_for 30 only_the_first_two_are_left
}

only_the_first_two_are_left() { [ "$(cat "$cg/pids.current")" -eq 2 ]; }

io_values() {
	expect_equal "$disk rbps=$((64 * MiB)) wbps=$MiB riops=5000 wiops=4000" "$(cat "$cg/io.max")"
	expect_contains 'default 4950' "$(cat "$cg/io.weight")"
}

io_effect() {
	timed in_one dd if=/dev/zero of=/throttled bs=256k count=12 oflag=direct
	# 3 MiB at 1 MiB/s.
	expect_between 2000 60000 "$took"
	expect_match "wbytes=[0-9]{7}" "$(cat "$cg/io.stat")"
}

hugetlb_value() { expect_file "$cg/hugetlb.2MB.max" $((2 * MiB)); }

hugetlb_reservations_are_limited_too() {
	not_for_crun 'writes no rsvd.max'
	expect_file "$cg/hugetlb.2MB.rsvd.max" $((2 * MiB))
}

hugetlb_effect() {
	in_one fallocate -l 2097152 /huge/fits
	expect_exit 1 in_one fallocate -l 2097152 /huge/too-much
	rm -f /dev/hugepages/fits /dev/hugepages/too-much
	expect_between 1 1000 "$(counter "$cg/hugetlb.2MB.events" max)"
}

devices_effect() {
	in_one sh -c ': </dev/null && : <>/dev/loop-control'
	expect_error 'Operation not permitted' in_one sh -c ': </dev/kmsg'
}

everything_goes_with_delete() {
	lvm delete --force "$one"
	[ ! -e "$cg" ]
}

limit_in_foreground() {
	local id
	id=$(new_id)
	config '.process.args = ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]' \
		".linux.cgroupsPath = \"$base/$id\"" \
		".linux.resources.memory = { limit: (16 * $MiB), swap: (16 * $MiB) }"
	expect_exit 137 lvm run --bundle "$BUNDLE" "$id"
	[ ! -e "/sys/fs/cgroup$base/$id" ]
}

unlimited_values() {
	local id cg
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"$base/$id\"" \
		'.linux.resources = { memory: { limit: -1, swap: -1 }, pids: { limit: -1 }, cpu: { quota: -1, period: 50000 } }'
	started "$id"
	cg=$(cgroup_of "$id")
	expect_file "$cg/memory.max" max
	expect_file "$cg/pids.max" max
	expect_file "$cg/cpu.max" 'max 50000'
	lvm delete --force "$id"
}

bad_unified_key_is_refused() {
	local id
	not_for_crun 'leaves the cgroup'
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"$base/$id\"" '.linux.resources.unified = { "nosuch.max": "1" }'
	expect_error nosuch lvm create --bundle "$BUNDLE" "$id"
	expect_exit 1 lvm state "$id"
	[ ! -e "/sys/fs/cgroup$base/$id" ]
}

# refused_at_once ID TEXT-REGEX
refused_at_once() {
	local out status=0
	out=$(timeout -s KILL 60 "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$1" </dev/null 2>&1) || status=$?
	expect_equal 1 "$status"
	expect_match "$2" "$out"
}

frozen_cgroup_is_refused() {
	local id
	not_for_crun 'waits for ever before 1.30'
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"$base/frozen\""
	mkdir -p "/sys/fs/cgroup$base/frozen"
	echo 1 >"/sys/fs/cgroup$base/frozen/cgroup.freeze"
	refused_at_once "$id" frozen
	rmdir "/sys/fs/cgroup$base/frozen"
}

occupied_cgroup_is_refused() {
	local id other
	not_for_crun 'shares cgroups'
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"$base/occupied\""
	mkdir -p "/sys/fs/cgroup$base/occupied"
	sleep 1000 &
	other=$!
	echo "$other" >"/sys/fs/cgroup$base/occupied/cgroup.procs"
	refused_at_once "$id" 'empty|process'
	kill -0 "$other"
	kill "$other"
	wait "$other" || true
	wait_for 5 rmdir "/sys/fs/cgroup$base/occupied"
}

no_pid_survives_pause_and_kill() {
	local id cg
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"$base/$id\""
	started "$id"
	cg=$(cgroup_of "$id")
	lvm pause "$id"
	expect_contains 'frozen 1' "$(cat "$cg/cgroup.events")"
	container_is "$id" paused
	lvm delete --force "$id"
	[ ! -e "$cg" ]
}

check 'the cgroup is the one that cgroupsPath names' cgroup_path_is_the_one_asked_for
check 'memory: limit, reservation, swap and unified keys are in the cgroup' memory_values
check 'cpu and cpuset: quota, period, burst, processors and nodes are in the cgroup' cpu_values
check 'cpu.weight is computed from shares as the specification says' cpu_weight_follows_the_formula_of_the_kernel_people
check 'pids.max: a unified key wins over the typed one' pids_value_comes_from_unified
check 'io.max has all four rates, io.weight the converted weight' io_values
check 'hugetlb.2MB.max is in the cgroup' hugetlb_value
check 'hugetlb.2MB.rsvd.max is in the cgroup' hugetlb_reservations_are_limited_too
check 'cpuset binds the processes' cpuset_effect
check 'cpu.max throttles' cpu_effect
check 'pids.max refuses the fork' pids_effect
check 'io.max slows writes down' io_effect
check 'hugetlb.2MB.max refuses the second huge page' hugetlb_effect
check 'a device without a rule cannot be opened, one with a rule can' devices_effect
check 'memory.max kills the process and not the container' memory_effect
check 'delete removes the cgroup' everything_goes_with_delete
check 'a program over its memory limit ends a foreground run with 137' limit_in_foreground
check '-1 is no limit' unlimited_values
check 'an unknown unified key fails create, which leaves nothing' bad_unified_key_is_refused
check 'a frozen cgroup is refused at once' frozen_cgroup_is_refused
check 'a cgroup with processes in it is refused at once' occupied_cgroup_is_refused
check 'a paused container can be deleted by force' no_pid_survives_pause_and_kill
rmdir "/sys/fs/cgroup$base" 2>/dev/null
finish
