#!/usr/bin/env bash
# linux.netDevices: interfaces that move into the container, with all that belongs to them; and back when
# create fails. The "host" is a network namespace of this test's own.
# shellcheck disable=SC2016 # shells in the container expand these
if [ -z "${NET_DEVICES_INSIDE-}" ]; then
	NET_DEVICES_INSIDE=1 exec unshare -n "$0" "$@"
fi
. "$(dirname "$0")/../support/lib.sh"
unset NET_DEVICES_INSIDE

ip link add probe0 type veth peer name probe1 2>/dev/null || skip 'this kernel has no veth interfaces'
ip link del probe0
ip link set lo up
# Nobody else can have an address here: none is to be looked for.
for scope in all default; do echo 0 >"/proc/sys/net/ipv6/conf/$scope/accept_dad"; done 2>/dev/null
new_bundle main '.process.args = ["sleep", "1000"]' || exit 1

config() { # SCRIPT DEVICES [FILTER…]: in CONFIG
	local filter=. part
	for part in "${@:3}"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "$1" --argjson d "$2" ".linux.netDevices = \$d | .process.args = [\"sh\", \"-c\", \$s] | $filter" \
		"$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

# A pair per sub-test: one end to be moved, the other stays.
pair() { # NAME
	ip link add "$1" type veth peer name "$1p"
	ip link set "$1p" up
}
state_of() { # NAME: everything of it that create must not change when it fails
	ip -o link show "$1" | sed 's/^[0-9]*: //'
	ip -o addr show dev "$1" | sed 's/^[0-9]*: //' | sort
	ip route show dev "$1" | sort
	ip -6 route show dev "$1" | grep -v '^fe80\|^multicast\|^anycast' | sort
}
absent() { # NAME
	if ip link show "$1" 2>/dev/null; then return 1; fi
}
settled() { # IPv6 looks whether somebody else has the address
	[ -z "$(ip -o addr show dev "$1" tentative)" ]
}

all_comes_along() {
	local id
	pair every
	ip link set every mtu 1400 address 02:00:00:00:00:77 alias 'the uplink'
	ip addr add 10.77.0.2/24 broadcast 10.77.0.255 dev every
	ip addr add 10.77.1.2 peer 10.77.1.9/32 dev every
	ip addr add fd77::2/64 dev every nodad
	ip addr add 10.78.0.1/24 scope link dev every
	ip addr add 10.79.0.1/24 dev every valid_lft 1000 preferred_lft 1000
	id=$(new_id)
	config 'sleep 1000' '{"every": {"name": "lan0"}}'
	lvm run -d -b "$BUNDLE" -f "$CONFIG" "$id"
	absent every
	in_it() { nsenter -t "$(lvm state "$id" | jq .pid)" -n "$@"; }
	in_it ip addr show dev lan0
	expect_contains 'mtu 1400' "$(in_it ip -o link show lan0)"
	expect_contains '02:00:00:00:00:77' "$(in_it ip -o link show lan0)"
	expect_contains 'UP' "$(in_it ip -o link show lan0)"
	expect_contains 'the uplink' "$(in_it ip link show lan0)"
	expect_equal '10.77.0.2/24 10.77.1.2' "$(in_it ip -o -4 addr show dev lan0 | awk '{print $4}' | sort | xargs)"
	expect_contains 'peer 10.77.1.9/32' "$(in_it ip -o -4 addr show dev lan0)"
	expect_contains 'brd 10.77.0.255' "$(in_it ip -o -4 addr show dev lan0)"
	expect_contains 'fd77::2/64' "$(in_it ip -o -6 addr show dev lan0)"
	lvm exec "$id" ip link show lan0
	lvm delete --force "$id"
	absent every
	absent lan0
}

it_really_carries_packets() {
	pair wire
	ip addr add 10.80.0.1/24 dev wirep
	ip addr add 10.80.0.2/24 dev wire
	config 'ping -c 1 -W 5 10.80.0.1' '{"wire": {}}' '.process.capabilities.effective += ["CAP_NET_RAW"]' \
		'.process.capabilities.permitted += ["CAP_NET_RAW"]' '.process.capabilities.bounding += ["CAP_NET_RAW"]'
	run
}

names() { # DEVICES: of the interfaces in the container, but lo
	config 'ls /sys/class/net' "$1"
	run | grep -v '^lo$' | xargs
}

names_templates_and_swaps() {
	pair one && pair two && pair three
	expect_output one names '{"one": {}}'
	pair four && pair five && pair six
	expect_output 'eth0 eth1 lan' names '{"four": {"name": "eth%d"}, "two": {"name": "lan"}, "three": {"name": "eth0"}}'
	expect_output 'five six' names '{"five": {"name": "six"}, "six": {"name": "five"}}'
}

as_it_was() { # ERROR COMMAND…: fails, and back0 is as it was before, up with addresses and routes
	local before want=$1
	shift
	pair back0
	ip link set back0 mtu 1300
	ip addr add 10.90.0.2/24 dev back0
	ip addr add fd90::2/64 dev back0 nodad
	ip link set back0 up
	wait_for 5 settled back0
	ip route add 10.91.0.0/16 via 10.90.0.1 dev back0 metric 7
	ip route add 10.92.0.0/16 dev back0
	ip -6 route add fd91::/64 via fd90::1 dev back0
	before=$(state_of back0)
	expect_error "$want" "$@"
	wait_for 5 settled back0
	expect_equal "$before" "$(state_of back0)"
	nothing_left
	ip link del back0
}

a_failed_create_gives_it_back() {
	config true '{"back0": {"name": "x"}}' '.hooks.createRuntime = [{"path": "/bin/false"}]'
	as_it_was 'hook' run
	config true '{"back0": {}}' '.process.args = ["/no/such/program"]'
	as_it_was 'no/such/program' run
	config true '{"back0": {}}' '.process.args = ["/no/such/program"]'
	as_it_was 'no/such/program' lvm create -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	# Refused by the kernel after the first one has left.
	pair other
	config true '{"back0": {}, "other": {"name": "y"}}' '.linux.sysctl = {"net.ipv4.no_such_thing": "1"}'
	as_it_was 'no_such_thing' run
	ip link show other
	ip link del other
}

a_bridge_port_goes_back_to_its_bridge() {
	ip link add br9 type bridge 2>/dev/null || skip 'this kernel has no bridges'
	pair port
	ip link set port master br9 up
	config true '{"port": {}}' '.process.args = ["/no/such/program"]'
	expect_error 'no/such/program' run
	expect_contains 'master br9' "$(ip -o link show port)"
	expect_contains 'UP' "$(ip -o link show port)"
}

errors_before_anything_moves() {
	pair stay && pair gone
	config true '{"stay": {}, "missing9": {}}'
	expect_error 'linux.netDevices["missing9"]: network interface missing9: No such device' run
	config true '{"stay": {"name": "lo"}}'
	expect_error 'linux.netDevices["stay"]: in the container: there is a network interface lo already' run
	config true '{"stay": {"name": "x"}, "gone": {"name": "x"}}'
	expect_error 'both be called "x"' run
	config true '{"stay": {"name": "a b"}}'
	expect_error 'no name of a network interface' run
	config true '{"stay": {}}' 'del(.linux.namespaces[] | select(.type == "network"))'
	expect_error 'linux.netDevices: needs a network namespace' run
	config true '{"stay": {}}' '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/net"' 'del(.mounts[] | select(.type == "sysfs"))'
	expect_error "the container's network namespace is the runtime's own" run
	ip link show stay
	ip link show gone
	nothing_left
}

into_a_namespace_that_is_joined() {
	local other
	pair joined
	ip addr add 10.95.0.2/24 dev joined
	unshare -n sleep 1000 &
	other=$!
	is_apart() { [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$other/ns/net")" ]; }
	wait_for 20 is_apart
	nsenter -t "$other" -n ip link add taken type veth peer name takenp
	config 'ls /sys/class/net' '{"joined": {"name": "taken"}}' "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$other/ns/net\""
	expect_error 'there is a network interface taken already' run
	ip link show joined
	config true '{"joined": {"name": "ok"}}' "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$other/ns/net\"" 'del(.mounts[] | select(.type == "sysfs"))'
	run
	# The namespace lives on, and so the interface stays there.
	expect_contains 10.95.0.2/24 "$(nsenter -t "$other" -n ip -o addr show dev ok)"
	kill "$other"
}

with_a_user_namespace() {
	pair mapped
	ip addr add 10.96.0.2/24 dev mapped
	chown -R 100000:100000 "$BUNDLE/rootfs"
	config 'ip -o addr show dev mapped' '{"mapped": {}}' '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	expect_contains 10.96.0.2/24 "$(run)"
	chown -R 0:0 "$BUNDLE/rootfs"
}

hooks_find_it_moved() {
	pair hooked
	config true null
	jq --arg h "nsenter -t \$(jq .pid) -n ip link show inside >$T/hook 2>&1" '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", $h], "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]' \
		"$BUNDLE/config.json" | jq '.linux.netDevices = {"hooked": {"name": "inside"}} | .process.args = ["true"]' >"$CONFIG"
	run
	expect_contains inside "$(cat "$T/hook")"
}

a_dummy_moves_too() {
	ip link add dum0 type dummy 2>/dev/null || skip 'this kernel has no dummy interfaces'
	ip addr add 10.97.0.2/24 dev dum0
	config 'ip -o addr show dev eth0' '{"dum0": {"name": "eth%d"}}'
	expect_contains 10.97.0.2/24 "$(run)"
}

no_part_of_a_checkpoint() {
	local id
	# shellcheck source=tests/support/criu.sh
	. "$TOP/tests/support/criu.sh"
	pair saved
	id=$(new_id)
	config 'sleep 1000' '{"saved": {}}'
	lvm run -d -b "$BUNDLE" -f "$CONFIG" "$id"
	expect_error 'linux.netDevices: interfaces are not part of a checkpoint' lvm checkpoint --image-path "$T/image" "$id"
	container_is "$id" running
	[ ! -e "$T/image" ]
}

check 'addresses, MTU, hardware address and alias come along, and it is up' all_comes_along
check 'it carries packets' it_really_carries_packets
check 'names: kept, given, from a template, swapped' names_templates_and_swaps
check 'when create fails it is back as it was' a_failed_create_gives_it_back
check 'a port goes back to its bridge' a_bridge_port_goes_back_to_its_bridge
check 'what can be refused is refused before anything moves' errors_before_anything_moves
check 'a namespace that is joined gets it, and keeps it' into_a_namespace_that_is_joined
check 'a container with a user namespace gets it' with_a_user_namespace
check 'hooks find it moved' hooks_find_it_moved
check 'a dummy interface moves too' a_dummy_moves_too
check 'a checkpoint of such a container is refused' no_part_of_a_checkpoint
check 'features claim it' expect_output true jq .linux.netDevices.enabled <(lvm features)
finish
