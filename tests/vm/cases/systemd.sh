#!/bin/bash
# The systemd driver: a container's cgroup is a scope that systemd knows, with the limits as its properties.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

shared_bundle
MiB=$((1024 * 1024))

property() { systemctl show -p "$2" --value "$1"; }
unit_is_gone() { [ "$(property "$1" LoadState)" = not-found ] && [ "$(property "$1" ActiveState)" = inactive ]; }

one=$(new_id)
scope=lvmvm-$one.scope
# systemd escapes nothing here: the id has only letters, digits and dashes, and the slice's dash is its parent's.
config "$idle" ".linux.cgroupsPath = \"lvmvm-inner.slice:lvmvm:$one\"" \
	".linux.resources = {
		memory: { limit: (64 * $MiB), swap: (64 * $MiB), reservation: (32 * $MiB) },
		cpu: { shares: 1024, quota: 25000, period: 50000, cpus: \"0\" },
		pids: { limit: 33 } }" \
	'.annotations = { "org.systemd.property.TimeoutStopUSec": "uint64 7000000",
		"org.systemd.property.CollectMode": "\u0027inactive-or-failed\u0027" }'
must started "$one" --systemd-cgroup
cg=$(cgroup_of "$one")

scope_is_there() {
	expect_equal active "$(property "$scope" ActiveState)"
	expect_equal lvmvm-inner.slice "$(property "$scope" Slice)"
	expect_equal /lvmvm.slice/lvmvm-inner.slice/"$scope" "$(property "$scope" ControlGroup)"
	expect_equal yes "$(property "$scope" Delegate)"
}

process_is_in_it() {
	case $cg/ in
	"/sys/fs/cgroup/lvmvm.slice/lvmvm-inner.slice/$scope/"*) ;;
	*) echo "the container is in $cg"; return 1 ;;
	esac
	systemctl status "$scope" --no-pager >"$T/status" || true
	expect_contains "$(pid_of "$one")" "$(cat "$T/status")"
}

limits_are_properties() {
	expect_equal $((64 * MiB)) "$(property "$scope" MemoryMax)"
	expect_equal $((32 * MiB)) "$(property "$scope" MemoryLow)"
	expect_equal 33 "$(property "$scope" TasksMax)"
	expect_equal 500ms "$(property "$scope" CPUQuotaPerSecUSec)"
	expect_equal 50ms "$(property "$scope" CPUQuotaPeriodUSec)"
	expect_equal 0 "$(property "$scope" AllowedCPUs)"
	expect_equal 7s "$(property "$scope" TimeoutStopUSec)"
	expect_equal inactive-or-failed "$(property "$scope" CollectMode)"
}

# nearest FILE: in the container's cgroup or above it, up to the scope.
nearest() {
	local dir=$cg
	while [ "$(cat "$dir/$1")" = "$2" ] && [ "${dir##*/}" != "$scope" ]; do dir=${dir%/*}; done
	cat "$dir/$1"
}

limits_are_in_the_cgroup() {
	expect_equal $((64 * MiB)) "$(nearest memory.max max)"
	expect_equal $((32 * MiB)) "$(nearest memory.low 0)"
	expect_equal 33 "$(nearest pids.max max)"
	expect_equal '25000 50000' "$(nearest cpu.max 'max 100000')"
	expect_equal 0 "$(nearest cpuset.cpus '')"
}

# systemd writes its own idea of a unit into the cgroup when it reloads.
limits_survive_a_reload() {
	systemctl daemon-reload
	limits_are_in_the_cgroup
	limits_are_properties
}

update_changes_the_unit() {
	lvm update --memory $((48 * MiB)) --memory-swap $((48 * MiB)) --pids-limit 44 --cpu-quota 30000 --cpu-share 2048 \
		--cpuset-cpus 0 "$one"
	expect_equal $((48 * MiB)) "$(property "$scope" MemoryMax)"
	expect_equal 44 "$(property "$scope" TasksMax)"
	expect_equal 600ms "$(property "$scope" CPUQuotaPerSecUSec)"
	expect_equal $((48 * MiB)) "$(nearest memory.max max)"
	systemctl daemon-reload
	systemctl set-property --runtime "$scope" MemoryHigh=40M
	expect_equal $((48 * MiB)) "$(nearest memory.max max)"
	expect_equal 44 "$(nearest pids.max max)"
	expect_equal '30000 50000' "$(nearest cpu.max 'max 100000')"
	expect_equal $((40 * MiB)) "$(nearest memory.high max)"
	jq -e '.linux.resources | .memory.limit == 50331648 and .pids.limit == 44' "$ROOT/$one/config.json"
}

# What the kernel refuses does not reach systemd, and what systemd refuses does not stay in the group.
a_refused_update_leaves_unit_and_group() {
	expect_exit 1 lvm update --pids-limit 55 -r - "$one" <<<'{"unified": {"cgroup.max.depth": "nonsense"}}'
	expect_equal 44 "$(property "$scope" TasksMax)"
	expect_equal 44 "$(nearest pids.max max)"
}

device_limits_are_properties() {
	local id unit disk
	id=$(new_id) unit=lvmvm-$id.scope
	disk=$(cat /sys/class/block/nvme0n1/dev)
	config "$idle" ".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" ".linux.resources.blockIO = {
		throttleReadBpsDevice: [ { major: ${disk%:*}, minor: ${disk#*:}, rate: 1048576 } ],
		throttleWriteIOPSDevice: [ { major: ${disk%:*}, minor: ${disk#*:}, rate: 99 } ] }"
	started "$id" --systemd-cgroup
	expect_equal "/dev/block/$disk 1048576" "$(property "$unit" IOReadBandwidthMax)"
	expect_equal "/dev/block/$disk 99" "$(property "$unit" IOWriteIOPSMax)"
	lvm update -r - "$id" <<<"{\"blockIO\": {\"throttleReadBpsDevice\": [ { \"major\": ${disk%:*}, \"minor\": ${disk#*:}, \"rate\": 2097152 } ] } }"
	expect_equal "/dev/block/$disk 2097152" "$(property "$unit" IOReadBandwidthMax)"
	systemctl daemon-reload
	expect_equal "$disk rbps=2097152 wbps=max riops=max wiops=99" "$(cat "$(cgroup_of "$id")/io.max")"
	lvm delete --force "$id"
}

# Device rules are a program of ours on the group: systemd has no property of them, and takes nothing away.
device_rules_outlive_a_reload() {
	local id unit round
	not_for_crun 'has a property of them'
	id=$(new_id) unit=lvmvm-$id.scope
	config "$idle" ".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" '.linux.devices = [
		{ path: "/dev/loop-control", type: "c", major: 10, minor: 237 }, { path: "/dev/kmsg", type: "c", major: 1, minor: 11 }]
		| .linux.resources = { devices: [{ allow: false, access: "rwm" }, { allow: true, type: "c", major: 10, minor: 237, access: "rw" }],
			pids: { limit: 44 } }'
	started "$id" --systemd-cgroup
	for round in created reloaded updated; do
		echo "$round"
		case $round in
		reloaded) systemctl daemon-reload && systemctl set-property --runtime "$unit" TasksMax=55 ;;
		updated) lvm update --pids-limit 66 "$id" ;;
		esac
		lvm exec "$id" sh -c ': </dev/null && : <>/dev/loop-control'
		expect_error 'Operation not permitted' lvm exec "$id" sh -c ': </dev/kmsg'
	done
	lvm delete --force "$id"
}

compressed_swap_is_a_property_too() {
	local id unit
	not_for_crun 'has another default'
	id=$(new_id) unit=lvmvm-$id.scope
	config "$idle" ".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" '.linux.resources = { unified: { "memory.zswap.max": "4194304" } }'
	started "$id" --systemd-cgroup
	expect_equal 4194304 "$(property "$unit" MemoryZSwapMax)"
	systemctl daemon-reload
	systemctl set-property --runtime "$unit" TasksMax=55
	expect_equal 4194304 "$(cat "$(cgroup_of "$id")/memory.zswap.max")"
	lvm delete --force "$id"
}

# The unit is made with the property (systemd takes it all the same), then the file is missed.
compressed_swap_the_kernel_lacks_is_refused() {
	local id
	not_for_crun 'has another default'
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" '.linux.resources = { unified: { "memory.zswap.max": "4194304" } }'
	expect_error 'linux.resources.unified.memory.zswap.max: this kernel does not offer memory.zswap.max' \
		lvm --systemd-cgroup create --bundle "$BUNDLE" "$id"
	wait_for 10 unit_is_gone "lvmvm-$id.scope"
	[ ! -e "/sys/fs/cgroup/system.slice/lvmvm-$id.scope" ]
	expect_error 'does not exist' lvm state "$id"
}

exec_enters_the_scope() {
	lvm exec "$one" cat /proc/self/cgroup >"$T/exec-cgroup"
	lvm exec --detach --pid-file "$T/exec-pid" "$one" sleep 100 >"$T/exec-log" 2>&1
	expect_contains "$scope" "$(cat "/proc/$(cat "$T/exec-pid")/cgroup")"
	kill -KILL "$(cat "$T/exec-pid")"
}

scope_goes_with_delete() {
	lvm delete --force "$one"
	wait_for 10 unit_is_gone "$scope"
	[ ! -e "$cg" ]
}

stop_of_the_unit_stops_the_container() {
	local id
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" '.annotations = { "org.systemd.property.TimeoutStopUSec": "uint64 1000000" }'
	started "$id" --systemd-cgroup
	expect_equal system.slice "$(property "lvmvm-$id.scope" Slice)"
	systemctl stop "lvmvm-$id.scope"
	container_is "$id" stopped
	lvm delete "$id"
}

without_a_path_there_is_a_scope_all_the_same() {
	local id cgroup unit
	id=$(new_id)
	config "$idle" 'del(.linux.cgroupsPath)'
	started "$id" --systemd-cgroup
	cgroup=$(sed -n 's/^0:://p' "/proc/$(pid_of "$id")/cgroup")
	expect_match "/system.slice/[a-z-]+-$id.scope" "$cgroup"
	unit=${cgroup#/system.slice/}
	unit=${unit%%/*}
	expect_equal active "$(property "$unit" ActiveState)"
	lvm delete --force "$id"
	wait_for 10 unit_is_gone "$unit"
}

end_of_a_run_leaves_no_unit() {
	local id
	id=$(new_id)
	config '.process.args = ["sh", "-c", "exit 9"]' ".linux.cgroupsPath = \"system.slice:lvmvm:$id\""
	expect_exit 9 lvm --systemd-cgroup run --bundle "$BUNDLE" "$id"
	wait_for 10 unit_is_gone "lvmvm-$id.scope"
}

# systemd marks the scope of an out-of-memory kill as failed and keeps it.
oom_leaves_no_failed_unit() {
	local id
	id=$(new_id)
	config '.process.args = ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]' \
		".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" ".linux.resources.memory = { limit: (16 * $MiB), swap: (16 * $MiB) }"
	expect_exit 137 lvm --systemd-cgroup run --bundle "$BUNDLE" "$id"
	wait_for 10 unit_is_gone "lvmvm-$id.scope"
	expect_equal '' "$(systemctl list-units --all --plain --no-legend "lvmvm-$id.scope")"
}

failed_create_leaves_no_unit() {
	local id
	id=$(new_id)
	config '.process.args = ["/no/such/program"]' ".linux.cgroupsPath = \"system.slice:lvmvm:$id\"" '.mounts += [{
		destination: "/x", type: "bind", source: "/no/such/source", options: ["bind"] }]'
	expect_exit 1 lvm --systemd-cgroup create --bundle "$BUNDLE" "$id"
	wait_for 10 unit_is_gone "lvmvm-$id.scope"
}

an_empty_slice_is_the_default_one() {
	local id
	not_for_crun 'takes it as a name'
	id=$(new_id)
	config "$idle" ".linux.cgroupsPath = \":lvmvm:$id\""
	started "$id" --systemd-cgroup
	expect_equal system.slice "$(property "lvmvm-$id.scope" Slice)"
	lvm delete --force "$id"
}

bad_path_is_refused() {
	config "$idle" '.linux.cgroupsPath = "/not/for/systemd"'
	expect_exit 1 lvm --systemd-cgroup create --bundle "$BUNDLE" "$(new_id)"
}

check 'the scope is there, delegated, in its slice' scope_is_there
check 'the process is in the scope' process_is_in_it
check 'limits and annotations are properties of the unit' limits_are_properties
check 'limits are in the cgroup' limits_are_in_the_cgroup
check 'limits outlive a reload of systemd' limits_survive_a_reload
check 'update changes the properties of the unit, and a reload reverts nothing' update_changes_the_unit
check 'a refused update leaves unit and group as they were' a_refused_update_leaves_unit_and_group
check 'limits of devices are properties too' device_limits_are_properties
check 'device rules outlive a reload of systemd' device_rules_outlive_a_reload
# Debian's kernel for clouds is built without compressed swap.
if [ -e /sys/fs/cgroup/system.slice/memory.zswap.max ]; then
	check 'the limit of compressed swap is a property too' compressed_swap_is_a_property_too
else
	check 'a limit that the kernel lacks is refused and leaves no unit' compressed_swap_the_kernel_lacks_is_refused
fi
check 'exec enters the scope' exec_enters_the_scope
check 'delete ends the unit and the cgroup' scope_goes_with_delete
check 'systemctl stop stops the container' stop_of_the_unit_stops_the_container
check 'without cgroupsPath the scope has the name of the container' without_a_path_there_is_a_scope_all_the_same
check 'a run that ended leaves no unit' end_of_a_run_leaves_no_unit
check 'a container killed for its memory leaves no failed unit' oom_leaves_no_failed_unit
check 'a create that failed leaves no unit' failed_create_leaves_no_unit
check 'an empty slice is system.slice' an_empty_slice_is_the_default_one
check 'a path of the other driver is refused' bad_path_is_refused
finish
