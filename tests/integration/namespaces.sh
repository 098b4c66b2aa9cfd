#!/usr/bin/env bash
# Every namespace: new, absent, joined by path; user maps, time offsets, names, sysctls, loopback.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
types='pid network ipc uts mount cgroup user time'

config() { # FILTER…: in CONFIG
	local filter=. part
	for part in "$@"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "$filter" "$BUNDLE/config.json" >"$CONFIG"
}

sh_config() { # SCRIPT FILTER…
	config "${@:2}"
	jq --arg s "$1" '.process.args = ["sh", "-c", $s]' "$CONFIG" >"$CONFIG.new"
	mv "$CONFIG.new" "$CONFIG"
}

run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

start_one() { # [FILTER…]: sets ID and PID
	config "$@"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	PID=$(lvm state "$ID" | jq .pid)
}

ns_file() { case $1 in network) echo net ;; mount) echo mnt ;; *) echo "$1" ;; esac; }
ns_of() { readlink "/proc/$1/ns/$(ns_file "$2")"; }

maps='.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 65536}]'
user="$maps | .linux.namespaces += [{\"type\": \"user\"}]"
# The tree belongs to the ids that it is used with.
new_bundle mapped '.process.args = ["sleep", "1000"]' "$user" || exit 1
chown -R 100000:200000 "$BUNDLE/rootfs" && chmod 755 "$BUNDLE"
MAPPED=$BUNDLE
BUNDLE=$T/main

each_new_one_is_new() {
	local type
	start_one '.linux.namespaces += [{"type": "time"}]'
	for type in pid network ipc uts mount cgroup time; do
		[ "$(ns_of "$PID" "$type")" != "$(ns_of self "$type")" ] || { echo "$type is shared"; return 1; }
	done
	expect_equal "$(ns_of self user)" "$(ns_of "$PID" user)"
}

each_absent_one_is_shared() {
	local type
	for type in pid network ipc uts cgroup; do
		case $type in
		# sysfs belongs to a network namespace, the rest is as it was.
		uts) start_one 'del(.hostname)' "del(.linux.namespaces[] | select(.type == \"$type\"))" ;;
		*) start_one "del(.linux.namespaces[] | select(.type == \"$type\"))" ;;
		esac
		expect_equal "$type $(ns_of self "$type")" "$type $(ns_of "$PID" "$type")"
		lvm exec "$ID" true
		lvm delete --force "$ID"
	done
}

without_a_pid_namespace_all_ends() {
	local pids
	sh_config 'sleep 1000 & sleep 1001 & exec sleep 1002' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	wait_for 5 sh -c "[ \$('$RUNTIME' --root '$ROOT' ps -f json $ID | jq length) -eq 3 ]"
	pids=$(lvm ps -f json "$ID" | jq '.[]')
	lvm delete --force "$ID"
	# One leaves its group some steps before it is a zombie.
	for pid in $pids; do wait_for 5 has_ended "$pid"; done
}

without_a_mount_namespace_it_is_refused_or_works() {
	# Mounts in the host's own namespace would outlive the container.
	sh_config true 'del(.linux.namespaces[] | select(.type == "mount"))'
	local before
	before=$(sort /proc/self/mountinfo)
	run 2>"$T/err" || expect_contains mount "$(cat "$T/err")"
	expect_equal "$before" "$(sort /proc/self/mountinfo)"
}

each_is_joined_by_path() {
	local type other
	start_one
	other=$PID
	for type in pid network ipc uts cgroup; do
		start_one 'del(.hostname)' \
			"(.linux.namespaces[] | select(.type == \"$type\")).path = \"/proc/$other/ns/$(ns_file "$type")\""
		expect_equal "$type $(ns_of "$other" "$type")" "$type $(ns_of "$PID" "$type")"
		expect_equal "$(ns_of "$other" "$type")" "$(lvm exec "$ID" readlink "/proc/self/ns/$(ns_file "$type")")"
		lvm delete --force "$ID"
	done
}

all_at_once_are_joined() {
	local other type
	start_one
	other=$PID
	start_one 'del(.hostname)' ".linux.namespaces |= map(if .type == \"mount\" then . else
		.path = \"/proc/$other/ns/\" + ({\"network\": \"net\"}[.type] // .type) end)"
	for type in pid network ipc uts cgroup; do
		expect_equal "$type $(ns_of "$other" "$type")" "$type $(ns_of "$PID" "$type")"
	done
	# Two in one pid namespace see each other.
	[ "$(lvm exec "$ID" ps | grep -c 'sleep 1000')" -ge 1 ]
}

a_mount_namespace_is_joined() {
	start_one
	config "(.linux.namespaces[] | select(.type == \"mount\")).path = \"/proc/$PID/ns/mnt\"" \
		'.mounts = []' 'del(.linux.maskedPaths, .linux.readonlyPaths)' '.process.args = ["ls", "/dev/shm"]'
	lvm exec "$ID" touch /dev/shm/here
	expect_error 'root.readonly: needs a new mount namespace' run
	jq '.root.readonly = false' "$CONFIG" >"$CONFIG.new"
	mv "$CONFIG.new" "$CONFIG"
	expect_output here run
}

a_time_namespace_is_joined() {
	local other
	start_one '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets.boottime = {"secs": 500000}'
	other=$PID
	start_one ".linux.namespaces += [{\"type\": \"time\", \"path\": \"/proc/$other/ns/time\"}]"
	expect_equal "$(ns_of "$other" time)" "$(ns_of "$PID" time)"
	[ "$(lvm exec "$ID" cut -d. -f1 /proc/uptime)" -ge 500000 ]
}

a_user_namespace_is_joined() {
	local other
	BUNDLE=$MAPPED
	start_one
	other=$PID
	start_one "(.linux.namespaces[] | select(.type == \"user\")).path = \"/proc/$other/ns/user\"" \
		'del(.linux.uidMappings, .linux.gidMappings)'
	expect_equal "$(ns_of "$other" user)" "$(ns_of "$PID" user)"
	expect_equal 0 "$(lvm exec "$ID" id -u)"
	expect_equal 100000 "$(awk '/^Uid/ {print $2}' "/proc/$PID/status")"
}

wrong_paths_are_errors() {
	start_one
	local other=$PID
	sh_config true "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$other/ns/uts\""
	expect_error network run
	sh_config true '(.linux.namespaces[] | select(.type == "network")).path = "/etc/passwd"'
	expect_error /etc/passwd run
	sh_config true '(.linux.namespaces[] | select(.type == "network")).path = "/nonexistent"'
	expect_error /nonexistent run
	sh_config true '(.linux.namespaces[] | select(.type == "network")).path = "relative/ns"'
	expect_error path run
	sh_config true '.linux.namespaces += [{"type": "uts"}]'
	expect_error namespaces run
	sh_config true '.linux.namespaces += [{"type": "nonsense"}]'
	expect_error nonsense run
	lvm delete -f "$ID"
	nothing_left
}

names_are_those_of_the_configuration() {
	sh_config 'hostname; cat /proc/sys/kernel/domainname' '.hostname = "inside" | .domainname = "example.org"'
	expect_output $'inside\nexample.org' run
	[ "$(hostname)" != inside ]
	sh_config true '.hostname = "x"' 'del(.linux.namespaces[] | select(.type == "uts"))'
	expect_error uts run
}

ids_are_mapped() {
	BUNDLE=$MAPPED
	start_one
	expect_equal '0 100000 65536' "$(xargs <"/proc/$PID/uid_map")"
	expect_equal '0 200000 65536' "$(xargs <"/proc/$PID/gid_map")"
	expect_equal '100000 100000 100000 100000' "$(awk '/^Uid/ {print $2, $3, $4, $5}' "/proc/$PID/status")"
	expect_equal '200000 200000 200000 200000' "$(awk '/^Gid/ {print $2, $3, $4, $5}' "/proc/$PID/status")"
	expect_equal 'uid=0(root) gid=0(root)' "$(lvm exec "$ID" id | cut -d' ' -f1-2)"
	expect_equal '1000 1000' "$(lvm exec -u 1000:1000 "$ID" sh -c 'id -u; id -g' | xargs)"
	lvm exec -d -u 1000:1000 --pid-file "$T/mapped.pid" "$ID" sleep 500
	expect_equal 101000 "$(awk '/^Uid/ {print $2}' "/proc/$(cat "$T/mapped.pid")/status")"
	expect_error '' lvm exec -u 70000 "$ID" true
}

files_of_mapped_users_belong_to_them() {
	BUNDLE=$MAPPED
	sh_config 'touch /tmp/mine; stat -c "%u:%g" /tmp/mine /bin/busybox /dev/null /dev/pts; cat /proc/self/mounts >/dev/null' \
		'.root.readonly = false'
	expect_output $'0:0\n0:0\n65534:65534\n0:0' run
	expect_equal 100000:200000 "$(stat -c %u:%g "$MAPPED/rootfs/tmp/mine")"
}

several_ranges_are_mapped() {
	BUNDLE=$MAPPED
	start_one '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 10},
		{"containerID": 10, "hostID": 300000, "size": 5}, {"containerID": 1000, "hostID": 0, "size": 1}]'
	expect_equal '0 100000 10 10 300000 5 1000 0 1' "$(xargs <"/proc/$PID/uid_map")"
	lvm exec -d -u 12 --pid-file "$T/range.pid" "$ID" sleep 500
	expect_equal 300002 "$(awk '/^Uid/ {print $2}' "/proc/$(cat "$T/range.pid")/status")"
}

root_of_a_user_namespace_has_no_power_outside() {
	BUNDLE=$MAPPED
	sh_config 'mknod /tmp/d c 1 3 2>/dev/null && echo made; echo 1 > /proc/sys/kernel/printk 2>/dev/null && echo wrote
		cat /proc/self/uid_map | xargs' '.root.readonly = false' \
		'.process.capabilities[] = ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE"]'
	expect_output '0 100000 65536' run
}

bad_maps_are_errors() {
	BUNDLE=$MAPPED
	sh_config true '.linux.uidMappings[0].size = 0'
	expect_error uidMappings run
	sh_config true '.linux.uidMappings += .linux.uidMappings'
	expect_error map run
	sh_config true 'del(.linux.uidMappings)'
	expect_error uidMappings run || expect_error map run
	sh_config true 'del(.linux.namespaces[] | select(.type == "user"))'
	expect_error user run
	nothing_left
}

offsets_of_time_are_seen() {
	local here there
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/"
	sh_config 'cut -d. -f1 /proc/uptime; testkit clock 7; testkit clock 1' '.linux.namespaces += [{"type": "time"}]' \
		'.linux.timeOffsets = {"boottime": {"secs": 1000000, "nanosecs": 5}, "monotonic": {"secs": 2000000}}'
	run >"$T/times"
	here=$("$TESTKIT" clock 7)
	for line in 1 2; do
		there=$(sed -n "${line}p" "$T/times")
		[ $((there - here)) -ge 999990 ] && [ $((there - here)) -le 1000010 ]
	done
	there=$(sed -n 3p "$T/times")
	here=$("$TESTKIT" clock 1)
	[ $((there - here)) -ge 1999990 ] && [ $((there - here)) -le 2000010 ]
	start_one '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets.boottime = {"secs": 1000000}'
	[ "$(lvm exec "$ID" testkit clock 7)" -ge 1000000 ]
	sh_config true '.linux.timeOffsets.boottime = {"secs": 1}'
	expect_error time run
}

a_pid_namespace_has_its_own_processes() {
	sh_config 'echo $$; ps -o pid | tail -n +2 | wc -l'
	expect_equal 1 "$(run | sed -n 1p)"
	start_one
	wait_for 5 grep -qz '^sleep$' "/proc/$PID/cmdline"
	expect_equal '1 sleep 1000' "$(lvm exec "$ID" ps -o pid,args | sed -n 's/^ *\(1 .*\)/\1/p')"
}

its_orphans_end_with_init() {
	sh_config '(setsid sleep 1000 &) ; sleep 1001'
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
	wait_for 5 sh -c "[ \$('$RUNTIME' --root '$ROOT' ps -f json $ID | jq length) -eq 2 ]"
	local pids
	pids=$(lvm ps -f json "$ID" | jq '.[]')
	lvm kill "$ID" 9
	wait_for 5 container_is "$ID" stopped
	for pid in $pids; do wait_for 5 has_ended "$pid"; done
}

sysctls_are_set() {
	sh_config 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max' \
		'.linux.sysctl = {"net.ipv4.ip_forward": "1", "net.ipv4.ip_unprivileged_port_start": "80",
			"kernel.msgmax": "4096", "fs.mqueue.msg_max": "7"}'
	expect_output $'1\n80\n4096\n7' run
	sh_config 'cat /proc/sys/net/ipv4/conf/lo/forwarding' '.linux.sysctl = {"net/ipv4/conf/lo/forwarding": "1"}'
	expect_output 1 run
}

sysctls_of_the_host_are_refused() {
	local key before
	for key in kernel.printk vm.swappiness kernel.core_pattern fs.file-max net.core.somaxconn.. ../../etc/passwd kernel.hostname; do
		sh_config true ".linux.sysctl = {\"$key\": \"1\"}"
		before=$(cat /proc/sys/kernel/printk /proc/sys/vm/swappiness /proc/sys/kernel/core_pattern)
		expect_error sysctl run
		expect_equal "$before" "$(cat /proc/sys/kernel/printk /proc/sys/vm/swappiness /proc/sys/kernel/core_pattern)"
	done
	# Only with a namespace of one's own.
	sh_config true '.linux.sysctl = {"net.ipv4.ip_forward": "1"}' 'del(.linux.namespaces[] | select(.type == "network"))'
	expect_error sysctl run
	sh_config true '.linux.sysctl = {"kernel.msgmax": "4096"}' 'del(.linux.namespaces[] | select(.type == "ipc"))'
	expect_error sysctl run
	sh_config true '.linux.sysctl = {"net.ipv4.nothing": "1"}'
	expect_error net.ipv4.nothing run
	nothing_left
}

loopback_is_up() {
	sh_config 'ip -o link show | wc -l; ip -o addr show lo | grep -o "inet 127.0.0.1/8"; cat /sys/class/net/lo/flags; ping -c 1 -W 2 127.0.0.1 >/dev/null && echo answered' \
		'.process.capabilities[] += ["CAP_NET_RAW"]'
	run >"$T/lo"
	cat "$T/lo"
	expect_equal 'inet 127.0.0.1/8 0x9' "$(sed -n '2,3p' "$T/lo" | xargs)"
	grep -q answered "$T/lo"
}

the_cgroup_namespace_hides_the_rest() {
	sh_config 'cat /proc/self/cgroup'
	expect_equal '0::/' "$(run | grep ^0::)"
	sh_config 'cat /proc/self/cgroup' 'del(.linux.namespaces[] | select(.type == "cgroup"))'
	[ "$(run | grep ^0::)" != '0::/' ]
	# Then the mount shows the whole hierarchy, in which that path leads somewhere.
	sh_config 'test -d "/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)"' 'del(.linux.namespaces[] | select(.type == "cgroup"))'
	run
}

ipc_objects_stay_inside() {
	start_one
	lvm exec "$ID" sh -c 'test -d /dev/mqueue && touch /dev/mqueue/inside'
	[ ! -e /dev/mqueue/inside ]
	local other=$PID
	start_one "(.linux.namespaces[] | select(.type == \"ipc\")).path = \"/proc/$other/ns/ipc\""
	lvm exec "$ID" test -e /dev/mqueue/inside
}

exec_enters_all() {
	local type
	start_one '.linux.namespaces += [{"type": "time"}]'
	for type in $types; do
		expect_equal "$(ns_of "$PID" "$type")" "$(lvm exec "$ID" readlink "/proc/self/ns/$(ns_file "$type")")"
	done
}

check 'each new namespace is a new one' each_new_one_is_new
check 'each absent namespace is that of the caller' each_absent_one_is_shared
check 'without a pid namespace all processes end with delete' without_a_pid_namespace_all_ends
check 'without a mount namespace the mounts of the host stay as they are' without_a_mount_namespace_it_is_refused_or_works
check 'pid, network, ipc, uts and cgroup namespaces are joined by path' each_is_joined_by_path
check 'all of these are joined at once' all_at_once_are_joined
check 'a mount namespace is joined by path' a_mount_namespace_is_joined
check 'a time namespace is joined by path' a_time_namespace_is_joined
check 'a user namespace is joined by path' a_user_namespace_is_joined
check 'a path of the wrong kind, none, twice or unknown is an error' wrong_paths_are_errors
check 'host name and domain name are those of the configuration' names_are_those_of_the_configuration
check 'ids are mapped, inside and outside' ids_are_mapped
check 'files of mapped users belong to them' files_of_mapped_users_belong_to_them
check 'several ranges are mapped' several_ranges_are_mapped
check 'root of a user namespace has no power outside' root_of_a_user_namespace_has_no_power_outside
check 'bad maps are errors' bad_maps_are_errors
check 'offsets of time are seen in clocks and uptime' offsets_of_time_are_seen
check 'a pid namespace has its own processes' a_pid_namespace_has_its_own_processes
check 'the rest of a pid namespace ends with init' its_orphans_end_with_init
check 'sysctls are set' sysctls_are_set
check 'sysctls of the host are refused and unchanged' sysctls_of_the_host_are_refused
check 'the loopback interface is up' loopback_is_up
check 'the cgroup namespace hides what is above' the_cgroup_namespace_hides_the_rest
check 'an ipc namespace keeps its objects, and shares them when joined' ipc_objects_stay_inside
check 'exec enters every namespace' exec_enters_all
finish
