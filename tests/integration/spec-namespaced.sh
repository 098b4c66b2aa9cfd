#!/usr/bin/env bash
# What belongs to the container's namespaces: parameters of the kernel, names, clocks; and what a process gets beside
# them: execution domain, mask, groups. The edges of each rule; namespaces.sh and process.sh have the rest.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"

config() { # SCRIPT FILTER…: in CONFIG
	local filter=. part
	for part in "${@:2}"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "$1" "$filter | .process.args = [\"sh\", \"-c\", \$s]" "$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }
refuse() { # ERROR FILTER…
	config true "${@:2}"
	expect_error "$1" run
}
user='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
time='.linux.namespaces += [{"type": "time"}]'

parameters_of_a_user_namespace() {
	local before
	before=$(cat /proc/sys/user/max_net_namespaces)
	chown -R 100000:100000 "$BUNDLE/rootfs"
	config 'cat /proc/sys/user/max_net_namespaces' "$user" '.linux.sysctl = {"user.max_net_namespaces": "7"}'
	expect_output 7 run
	chown -R 0:0 "$BUNDLE/rootfs"
	expect_equal "$before" "$(cat /proc/sys/user/max_net_namespaces)"
	refuse 'linux.sysctl["user.max_net_namespaces"]: needs a user namespace' '.linux.sysctl = {"user.max_net_namespaces": "7"}'
}

names_by_parameter() {
	config 'hostname; cat /proc/sys/kernel/domainname' '.linux.sysctl = {"kernel.hostname": "by-sysctl", "kernel.domainname": "example.net"} | del(.hostname)'
	expect_equal 'by-sysctl example.net' "$(run | xargs)"
	refuse 'linux.sysctl["kernel.hostname"]: conflicts with the property hostname' '.linux.sysctl = {"kernel.hostname": "x"}'
	refuse 'linux.sysctl["kernel.domainname"]: conflicts with the property domainname' '.linux.sysctl = {"kernel.domainname": "x"} | .domainname = "y"'
	refuse 'domainname: needs a uts namespace' 'del(.linux.namespaces[] | select(.type == "uts")) | del(.hostname) | .domainname = "y"'
	refuse 'hostname: is longer than 64 bytes' '.hostname = ("x" * 65)'
	refuse 'sysctl net.ipv4.ip_forward: write "x"' '.linux.sysctl = {"net.ipv4.ip_forward": "x"}'
}

clocks_behind_the_host() {
	local up
	[ -e /proc/self/ns/time ] || skip 'this kernel has no time namespaces'
	up=$("$TESTKIT" clock 7)
	config 'testkit clock 7' "$time" ".linux.timeOffsets.boottime = {secs: -$((up - 100)), nanosecs: 500000000}"
	up=$(run)
	[ "$up" -ge 99 ] && [ "$up" -le 130 ]
	refuse 'linux.timeOffsets.boottime.nanosecs: expected an integer from 0 to 999999999' "$time" '.linux.timeOffsets.boottime = {secs: 1, nanosecs: 1000000000}'
	refuse 'linux.timeOffsets.realtime: is no clock with an offset' "$time" '.linux.timeOffsets.realtime = {secs: 1}'
	refuse 'linux.timeOffsets: needs a time namespace' '.linux.timeOffsets.monotonic = {secs: 1}'
	refuse 'cannot be set in a time namespace that is joined' '.linux.namespaces += [{"type": "time", "path": "/proc/self/ns/time"}] | .linux.timeOffsets.monotonic = {secs: 1}'
	# Further back than the machine runs: the kernel's own limit.
	refuse time "$time" ".linux.timeOffsets.boottime = {secs: -$(($("$TESTKIT" clock 7) + 1000))}"
}

execution_domains() {
	config 'testkit sys personality 0xffffffff; uname -m' '.linux.personality = {"domain": "LINUX32"}'
	expect_contains 'ok 8' "$(run)"
	ID=$(new_id)
	config 'sleep 1000' '.linux.personality = {"domain": "LINUX32"}'
	lvm run -d -b "$BUNDLE" -f "$CONFIG" "$ID"
	expect_output 'ok 8' lvm exec "$ID" testkit sys personality 0xffffffff
	refuse 'linux.personality.domain: expected one of LINUX LINUX32' '.linux.personality = {"domain": "SOLARIS"}'
	refuse 'linux.personality.domain: is missing' '.linux.personality = {}'
	refuse 'linux.personality.flags' '.linux.personality = {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}'
	config true '.linux.personality = {"domain": "LINUX", "flags": []}'
	run
}

masks_and_groups() {
	config 'umask' '.process.user.umask = 7'
	expect_output 0007 run
	refuse 'process.user.umask: is above 511' '.process.user.umask = 512'
	refuse 'process.user.umask' '.process.user.umask = -1'
	config 'id -G' '.process.user.additionalGids = [10, 10, 65534]'
	expect_contains 65534 "$(run)"
	refuse 'process.user.additionalGids[0]' '.process.user.additionalGids = [4294967295]'
	refuse 'process.user.additionalGids has more than 65536' '.process.user.additionalGids = [range(65537)]' ||
		refuse 'process.user.additionalGids: has more than 65536' '.process.user.additionalGids = [range(65537)]'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	config 'id -G' "$user" '.process.user.additionalGids = [10, 20]'
	expect_output '0 10 20' run
	refuse '' "$user" '.process.user.additionalGids = [70000]'
	chown -R 0:0 "$BUNDLE/rootfs"
}

the_size_of_a_terminal_that_is_not_there() {
	config true '.process.consoleSize = {"height": 70000, "width": 70000}'
	run
	refuse 'process.consoleSize.height' '.process.terminal = true | .process.consoleSize = {"height": 70000, "width": 7}'
}

devices_that_do_not_match() {
	echo file >"$BUNDLE/rootfs/dev-file"
	refuse dev-file '.linux.devices = [{"path": "/dev-file", "type": "c", "major": 1, "minor": 3}]'
	rm "$BUNDLE/rootfs/dev-file"
	mknod "$BUNDLE/rootfs/dev-null" c 1 3
	config 'stat -c %t:%T /dev-null' '.linux.devices = [{"path": "/dev-null", "type": "c", "major": 1, "minor": 3}]'
	expect_output 1:3 run
	refuse dev-null '.linux.devices = [{"path": "/dev-null", "type": "c", "major": 1, "minor": 5}]'
	refuse dev-null '.linux.devices = [{"path": "/dev-null", "type": "b", "major": 1, "minor": 3}]'
	rm "$BUNDLE/rootfs/dev-null"
	config 'stat -c %F:%a:%u:%g /dev/fifo' '.linux.devices = [{"path": "/dev/fifo", "type": "p", "fileMode": 416, "uid": 3, "gid": 4}]'
	expect_output fifo:640:3:4 run
	config 'stat -c %t:%T /dev/u' '.linux.devices = [{"path": "/dev/u", "type": "u", "major": 1, "minor": 7}]'
	expect_output 1:7 run
}

a_failed_poststart_hook_is_an_error() {
	config 'sleep 1000' '.hooks.poststart = [{"path": "/bin/false"}]'
	expect_error 'poststart' run
	nothing_left
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	expect_error 'poststart' lvm start "$ID"
	nothing_left
}

check 'parameters of a user namespace are set there alone' parameters_of_a_user_namespace
check 'names: by parameter, in conflict, without a namespace, too long' names_by_parameter
check 'clocks run behind those of the host; wrong offsets are errors' clocks_behind_the_host
check 'execution domains, for exec too' execution_domains
check 'masks and groups' masks_and_groups
check 'the size of a terminal that is not there does not matter' the_size_of_a_terminal_that_is_not_there
check 'a file in the place of a device must be that device' devices_that_do_not_match
check 'a poststart hook that fails is an error and destroys the container' a_failed_poststart_hook_is_an_error
finish
