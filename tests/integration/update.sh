#!/usr/bin/env bash
# update: limits of a live container, all of them or none.
. "$(dirname "$0")/../support/lib.sh"

LIMIT_2M='[{"pageSize": "2MB", "limit": 1073741824}]'

# start_container NAME [FILTER…]: a running container; sets ID and GROUP, its folder on the host.
start_container() {
	new_bundle "$1" '.process.args = ["sleep", "1000"]' "${@:2}"
	ID=$(new_id)
	lvm run --detach -b "$BUNDLE" "$ID" || return
	find_group
}

find_group() {
	local path mount
	path=$(sed -n 's/^0:://p' "/proc/$(lvm state "$ID" | jq .pid)/cgroup")
	mount=$(jq -r .cgroup.mount "$ROOT/$ID/record.json" 2>/dev/null)
	for mount in "$mount" /sys/fs/cgroup/unified /sys/fs/cgroup; do
		GROUP=$mount$path
		[ ! -e "$GROUP/cgroup.procs" ] || return 0
	done
	echo "no group $path"
	return 1
}

need_controller() {
	grep -qw "$1" "$GROUP/cgroup.controllers" ||
		skip "the $1 controller is not in cgroup v2 here: $(cat "$GROUP/cgroup.controllers")"
}

value_is() { expect_equal "$2" "$(cat "$GROUP/$1")"; }

start_container base ".linux.resources.hugepageLimits = $LIMIT_2M" 2>"$T/error" || {
	grep -q hugetlb "$T/error" || cat "$T/error"
	skip "needs the hugetlb controller in cgroup v2: $(cat "$T/error")"
}

resources_from_standard_input_change_the_group() {
	echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}' |
		lvm update --resources=- "$ID"
	value_is hugetlb.2MB.max 4194304
	value_is hugetlb.2MB.rsvd.max 4194304
}

resources_from_a_file_change_the_group() {
	echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 6291456}]}' >"$T/resources"
	lvm update -r "$T/resources" "$ID"
	value_is hugetlb.2MB.max 6291456
	echo '{"unified": {"hugetlb.2MB.max": "8388608"}}' >"$T/resources"
	lvm update -r "$T/resources" "$ID"
	value_is hugetlb.2MB.max 8388608
	value_is hugetlb.2MB.rsvd.max 6291456
}

a_refused_value_leaves_the_others() {
	lvm update -r <(echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}]}') "$ID"
	expect_error 'write "nonsense" to cgroup.max.depth' lvm update -r - "$ID" \
		<<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 10485760}],
		"unified": {"cgroup.max.depth": "nonsense"}}'
	value_is hugetlb.2MB.max 2097152
	value_is hugetlb.2MB.rsvd.max 2097152
	expect_error 'no pages of that size' lvm update -r - "$ID" \
		<<<'{"unified": {"cgroup.max.descendants": "7"},
		"hugepageLimits": [{"pageSize": "2MB", "limit": 10485760},
		{"pageSize": "3MB", "limit": 1}]}'
	value_is hugetlb.2MB.max 2097152
	value_is cgroup.max.descendants max
}

an_empty_object_changes_nothing() {
	find "$GROUP" -maxdepth 1 -name '*.max' -exec cat {} + >"$T/before"
	lvm update --resources - "$ID" <<<'{}'
	find "$GROUP" -maxdepth 1 -name '*.max' -exec cat {} + | cmp - "$T/before"
}

what_update_does_not_know_is_an_error() {
	expect_error 'no option says what to change' lvm update "$ID"
	expect_error "option --memory: '5Q' is not a size like 50M" lvm update --memory 5Q "$ID"
	expect_error "option --pids-limit: 'x' is not a number" lvm update --pids-limit x "$ID"
	expect_error 'linux.intelRdt: the container was created without it' lvm update --l3-cache-schema L3:0=f "$ID"
	expect_error 'linux.intelRdt: the container was created without it' lvm update --mem-bw-schema MB:0=50 "$ID"
	expect_error 'standard input' lvm update -r - "$ID" <<<'{"memory": {"limit": "much"}}'
	expect_error 'linux.resources.memory.limit' lvm update -r - "$ID" <<<'{"memory": {"limit": "much"}}'
	expect_error 'open' lvm update -r "$T/nothing" "$ID"
	expect_error 'container does not exist' lvm update --pids-limit 5 nobody
}

# On a hybrid host the first of these are set in cgroup v1 (legacy-live).
what_cgroup_v2_does_not_have_is_an_error() {
	need_controller cpu
	need_controller memory
	expect_error 'cgroup v2 has no limit for real-time' lvm update --cpu-rt-runtime 5 "$ID"
	expect_error 'cgroup v2 counts kernel memory' lvm update --kernel-memory 5M "$ID"
}

a_container_without_limits_gets_one() {
	start_container none
	lvm update -r - "$ID" <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}]}'
	value_is hugetlb.2MB.max 2097152
	lvm delete --force "$ID"
}

paused_and_created_containers_are_changed() {
	lvm pause "$ID"
	lvm update -r - "$ID" <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 12582912}]}'
	lvm resume "$ID"
	value_is hugetlb.2MB.max 12582912
	new_bundle created ".linux.resources.hugepageLimits = $LIMIT_2M"
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID"
	find_group
	lvm update -r - "$ID" <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 14680064}]}'
	value_is hugetlb.2MB.max 14680064
	lvm kill "$ID" KILL
	wait_for 5 container_is "$ID" stopped
	expect_error 'container not running' lvm update --pids-limit 5 "$ID"
	lvm delete "$ID"
}

memory_is_changed() {
	need_controller memory
	lvm update --memory 50M --memory-reservation 20M "$ID"
	value_is memory.max 52428800
	value_is memory.low 20971520
	if [ -e "$GROUP/memory.swap.max" ]; then
		lvm update --memory-swap 80M "$ID"
		value_is memory.swap.max 31457280
		value_is memory.max 52428800
	fi
	expect_error 'checkBeforeUpdate' lvm update -r - "$ID" \
		<<<'{"memory": {"limit": 4096, "checkBeforeUpdate": true}}'
	value_is memory.max 52428800
	expect_error 'write' lvm update --memory 60M -r - "$ID" \
		<<<'{"unified": {"cgroup.max.depth": "nonsense"}}'
	value_is memory.max 52428800
	lvm update --memory -1 "$ID"
	value_is memory.max max
}

cpu_is_changed() {
	need_controller cpu
	lvm update --cpu-quota 20000 --cpu-period 50000 "$ID"
	value_is cpu.max '20000 50000'
	lvm update --cpu-quota 30000 "$ID"
	value_is cpu.max '30000 50000'
	lvm update --cpu-period 60000 "$ID"
	value_is cpu.max '30000 60000'
	lvm update --cpu-burst 10000 "$ID"
	value_is cpu.max.burst 10000
	lvm update --cpu-share 1024 "$ID"
	value_is cpu.weight 100
	lvm update --cpu-idle 1 "$ID"
	value_is cpu.idle 1
	lvm update --cpu-idle 0 "$ID"
	lvm update --cpu-burst 0 --cpu-quota -1 "$ID"
	value_is cpu.max 'max 60000'
}

pids_are_changed() {
	need_controller pids
	lvm update --pids-limit 33 "$ID"
	value_is pids.max 33
	lvm update --pids-limit -1 "$ID"
	value_is pids.max max
}

cpusets_are_changed() {
	need_controller cpuset
	lvm update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	value_is cpuset.cpus 0
	value_is cpuset.mems 0
}

the_kept_configuration_follows() {
	local kept=$ROOT/$ID/config.json limits
	cp "$kept" "$T/kept"
	lvm update -r - "$ID" <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 12582912}], "unified": {"cgroup.max.depth": "33"}}'
	limits='.linux.resources | .hugepageLimits[0].limit == 12582912 and .unified["cgroup.max.depth"] == "33"'
	jq -e "$limits" "$kept"
	expect_equal "$(jq -cS 'del(.linux.resources)' "$T/kept")" "$(jq -cS 'del(.linux.resources)' "$kept")"
	# A refused one changes neither the group nor the configuration.
	cp "$kept" "$T/kept"
	expect_exit 1 lvm update -r - "$ID" <<<'{"unified": {"cgroup.max.depth": "nonsense"}}'
	cmp "$kept" "$T/kept"
	expect_equal '' "$(find "$ROOT/$ID" -name '*.tmp')"
	lvm exec "$ID" true
}

check 'the kept configuration has the new limits' the_kept_configuration_follows
check 'update takes resources from standard input' resources_from_standard_input_change_the_group
check 'update takes resources from a file' resources_from_a_file_change_the_group
check 'a refused value leaves all others as they were' a_refused_value_leaves_the_others
check 'an empty object changes nothing' an_empty_object_changes_nothing
check 'what cannot be changed is said with the reason' what_update_does_not_know_is_an_error
check 'what cgroup v2 does not have is said with the reason' what_cgroup_v2_does_not_have_is_an_error
check 'a container that was made without limits gets one' a_container_without_limits_gets_one
check 'paused and created containers are changed, stopped ones are not' \
	paused_and_created_containers_are_changed
check 'limits of memory, with units' memory_is_changed
check 'limits of CPU time; half a setting keeps the other half' cpu_is_changed
check 'the limit of processes' pids_are_changed
check 'CPUs and memory nodes' cpusets_are_changed
finish
