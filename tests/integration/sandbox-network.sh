#!/usr/bin/env bash
# sandbox --net-allow: what can be reached, what cannot, and that nothing of it is left. The file runs in a
# network namespace of its own, which is "this host"; another one behind eth0 is "the internet".
# shellcheck disable=SC2016,SC2086 # what is in single quotes is for the shell inside; addresses are single words
if [ -z "${SANDBOX_NETWORK_INSIDE-}" ] && unshare -n -m true 2>/dev/null; then
	SANDBOX_NETWORK_INSIDE=1 exec unshare -n -m --propagation private "$0" "$@"
fi
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

[ -n "${SANDBOX_NETWORK_INSIDE-}" ] || skip 'no network namespace can be made here'
command -v ip >/dev/null || skip 'ip(8) is not there'
python3 -c 'import socket, threading' 2>/dev/null || skip 'python3 with sockets is not there'
ip link add name probe0 type veth peer name probe1 2>/dev/null || skip 'this kernel has no veth interfaces'
ip link delete probe0

PUBLIC=93.184.216.34 PUBLIC6=2606:4700::1 OTHER=8.8.4.4
FORWARDING=/proc/sys/net/ipv4/conf/eth0/forwarding
WORK=$T/work
mkdir "$WORK"
cd "$WORK" || exit 1

cat >"$T/hosts" <<HOSTS
127.0.0.1 localhost
$PUBLIC public.test
$PUBLIC6 public.test
10.9.9.9 private.test
169.254.169.254 metadata.test
::ffff:10.9.9.9 disguised.test
$PUBLIC rebound.test
192.168.1.1 rebound.test
fd00::9 local6.test
$PUBLIC6 only6.test
HOSTS
echo 'nameserver 127.0.0.1' >"$T/resolv.conf"
mount --bind "$T/hosts" /etc/hosts && mount --bind "$T/resolv.conf" "$(realpath /etc/resolv.conf)" || exit 1

# Answers TCP on some ports and UDP on 53 with the port's number.
cat >"$T/internet.py" <<'PYTHON'
import socket, threading, sys
def tcp(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(20)
    while True:
        c = s.accept()[0]
        c.sendall(b"tcp %d\n" % port)
        c.close()
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[2], port))
    while True:
        s.sendto(b"udp %d\n" % port, s.recvfrom(100)[1])
for port in (80, 443, 8080):
    threading.Thread(target=tcp, args=(port,), daemon=True).start()
threading.Thread(target=udp, args=(53,), daemon=True).start()
open(sys.argv[1], "w").close()
threading.Event().wait(300)
PYTHON

ip link set lo up
unshare -n sleep 300 >/dev/null 2>&1 &
INTERNET=$!
in_internet() { nsenter -t "$INTERNET" -n "$@"; }
for _ in $(seq 50); do
	[ "$(readlink /proc/self/ns/net)" = "$(readlink "/proc/$INTERNET/ns/net")" ] || break
	sleep 0.02
done
{
	ip link add eth0 type veth peer name eth0 netns "$INTERNET"
	ip addr add 44.0.0.2/24 dev eth0
	ip addr add 2a00:44::2/64 dev eth0 nodad
	in_internet ip link set lo up
	in_internet ip link set eth0 up
	in_internet ip addr add 44.0.0.1/24 dev eth0
	in_internet ip addr add 2a00:44::1/64 dev eth0 nodad
	for address in "$PUBLIC" "$OTHER" 10.9.9.9 169.254.169.254; do
		in_internet ip addr add "$address/32" dev lo
	done
	in_internet ip addr add "$PUBLIC6/128" dev lo
	ip link set eth0 up
	ip route add default via 44.0.0.1
	ip -6 route add default via 2a00:44::1
} || skip 'no network can be made of veth pairs here'
in_internet python3 "$T/internet.py" "$T/ready" "$PUBLIC" >/dev/null 2>&1 &
SERVER=$!
wait_for 10 test -e "$T/ready"

# What each of HOST/PORT/PROTOCOL answers, as seen from inside; "no" where nothing does.
cat >"$WORK/ask" <<'ASK'
for what in "$@"; do
	IFS=/ read -r host port protocol <<<"$what"
	answer=$(timeout 3 bash -c 'exec 3<>"/dev/$0/$1/$2" && { [ "$0" = tcp ] || echo x >&3; } && dd bs=200 count=1 status=none <&3' \
		"${protocol:-tcp}" "$host" "$port" 2>/dev/null) || answer=no
	echo "${answer:-no}"
done | xargs
ASK
sandbox() { lvm sandbox "$@"; }
asked() { # OPTION… -- WHAT…
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	sandbox "${options[@]}" -- bash ask "$@"
}
links() { ip -o link show | grep -c lvmnet || :; }
settled() { [ "$(links)" = 0 ] && [ "$(cat "$FORWARDING")" = 0 ] && ! ls /run/lvm-run/forwarding-"$(stat -Lc %i /proc/self/ns/net)"-* 2>/dev/null; }
no_tables() { ! command -v nft >/dev/null || expect_equal '' "$(nft list tables)"; }

the_outside_answers() { # that later "no" means something
	expect_equal 'tcp 80 tcp 8080 udp 53 tcp 80 tcp 80' \
		"$(bash ask $PUBLIC/80 $OTHER/8080 $PUBLIC/53/udp 169.254.169.254/80 $PUBLIC6/80)"
}
nothing_by_default() { expect_equal 'no no' "$(asked -- $PUBLIC/80 $PUBLIC/53/udp)"; }
host_network() { expect_equal 'tcp 80' "$(asked --share-net -- $PUBLIC/80)"; }

only_the_named() {
	expect_equal 'tcp 80 no no no no no no' "$(asked --net-allow $PUBLIC:80 -- \
		$PUBLIC/80 $PUBLIC/443 $OTHER/80 10.9.9.9/80 169.254.169.254/80 44.0.0.1/80 $PUBLIC/53/udp)"
	expect_equal 'tcp 80 tcp 443 no' "$(asked --net-allow $PUBLIC:80-443/tcp -- $PUBLIC/80 $PUBLIC/443 $PUBLIC/8080)"
	expect_equal 'udp 53 no' "$(asked --net-allow $PUBLIC:53/udp -- $PUBLIC/53/udp $PUBLIC/53)"
	expect_equal 'tcp 80 tcp 8080 no' "$(asked --net-allow $PUBLIC --net-allow $OTHER:8080 -- $PUBLIC/80 $OTHER/8080 $OTHER/80)"
}
# What listens in the sandbox is its own, also where this host listens; nothing comes in from outside.
host_is_not_reached() { expect_equal 'no no' "$(asked --net-allow $PUBLIC -- 44.0.0.2/80 127.0.0.1/80)"; }

names_are_pinned() {
	expect_equal 'tcp 80 no' "$(asked --net-allow public.test:80 -- public.test/80 private.test/80)"
	expect_contains "$PUBLIC public.test" "$(sandbox --net-allow public.test:80 -- cat /etc/hosts)"
	expect_exit 0 sandbox --net-allow public.test -- sh -c '! echo x 2>/dev/null >>/etc/hosts'
}
private_names_are_refused() {
	local name
	for name in private.test metadata.test disguised.test rebound.test local6.test localhost; do
		expect_error 'no public address' sandbox --net-allow "$name:80" -- true
	done
}
private_only_if_named() {
	expect_equal 'tcp 80 no' "$(asked --net-allow 10.0.0.0/8:80 -- 10.9.9.9/80 169.254.169.254/80)"
	expect_equal 'tcp 80 no' "$(asked --net-allow 169.254.169.254:80 -- 169.254.169.254/80 10.9.9.9/80)"
	expect_equal 'tcp 80 no no' "$(asked --net-allow 0.0.0.0/0:80 -- $PUBLIC/80 10.9.9.9/80 169.254.169.254/80)"
}
failures_are_named() {
	expect_error 'no.such.host.invalid' sandbox --net-allow no.such.host.invalid:443 -- true
	expect_error "its own" sandbox --net-allow 127.0.0.1:80 -- true
	expect_error "not a port" sandbox --net-allow $PUBLIC:70000 -- true
	expect_error 'neither the name' sandbox --net-allow '10.1' -- true
	expect_error 'either all' sandbox --share-net --net-allow $PUBLIC -- true
	LVM_RUN_HELPER=/nowhere/helper expect_error 'lvm-run-helper is not to be found' sandbox --net-allow public.test -- true
	settled
}
rules_cannot_be_changed() {
	command -v setpriv >/dev/null || skip 'setpriv is not there'
	expect_exit 0 sandbox --net-allow $PUBLIC:80 -- sh -c '! ip link set eth0 down && ! ip addr add 44.0.0.9/24 dev eth0' 2>/dev/null
	# Not even root of a user namespace, who may have anything in those that he makes.
	expect_exit 0 sandbox --allow-userns --net-allow $PUBLIC:80 -- unshare -r sh -c '! ip link set eth0 down' 2>/dev/null
}
RAW='
import socket
for family, kind, protocol in ((socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_INET6, socket.SOCK_RAW, 58),
    (socket.AF_PACKET, socket.SOCK_RAW, 0), (socket.AF_INET, socket.SOCK_DGRAM, 1)):
    try:
        socket.socket(family, kind, protocol)
        print("made", family, kind)
    except PermissionError:
        pass
'
no_raw_sockets() {
	expect_output '' sandbox --net-allow $PUBLIC -- python3 -c "$RAW"
	expect_output '' sandbox --allow-userns --net-allow $PUBLIC -- unshare -r python3 -c "$RAW"
}
ipv6() {
	expect_error 'IPv6' sandbox --net-allow "[$PUBLIC6]:80" -- true
	expect_error 'IPv6' sandbox --net-allow only6.test -- true
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	expect_equal 'tcp 80 no no' "$(asked --net-allow "[$PUBLIC6]:80" -- $PUBLIC6/80 $PUBLIC6/443 $PUBLIC/80)"
	expect_equal 'tcp 443' "$(asked --net-allow only6.test:443 -- only6.test/443)"
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
}
it_is_told() {
	sandbox --net-allow public.test:80/tcp --report "$T/r" -- true
	expect_equal "allowed veth public.test $PUBLIC 80 tcp" \
		"$(jq -r '.network | "\(.mode) \(.uplink) " + (.allowed[0] | "\(.name) \(.address) \(.firstPort) \(.protocol)")' "$T/r")"
	expect_equal none "$(sandbox --report "$T/r" -- true && jq -r .network.mode "$T/r")"
	expect_equal host "$(sandbox --share-net --report "$T/r" -- true && jq -r .network.mode "$T/r")"
	sandbox --print-config --net-allow public.test:80/tcp -- true >"$T/config"
	expect_contains netns "$(jq -r '.linux.namespaces[] | select(.type == "network").path' "$T/config")"
	expect_equal /etc/hosts "$(jq -r '.mounts[-1].destination' "$T/config")"
	settled
}
nothing_is_left() {
	sandbox --net-allow $PUBLIC:80 -- true
	settled
	no_tables
}
killed() {
	"$RUNTIME" --root "$ROOT" sandbox --net-allow $PUBLIC:80 -- sleep 60 &
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" --net-allow $PUBLIC:80 -- sh -c "echo >$WORK/started; sleep 60" &
	local second=$! first
	first=$(jobs -p | head -n 1)
	wait_for 10 test -e "$WORK/started"
	wait_for 10 eval '[ "$(links)" = 2 ]'
	expect_equal 1 "$(cat "$FORWARDING")"
	kill -9 "$first"
	wait "$first" || :
	wait_for 5 eval '[ "$(links)" = 1 ]'
	sleep 0.2
	# The other one still needs it.
	expect_equal 1 "$(cat "$FORWARDING")"
	kill -9 "$second"
	wait "$second" || :
	wait_for 5 settled
	no_tables
}
a_forwarding_host_stays_one() {
	echo 1 >"$FORWARDING"
	expect_equal 'tcp 80' "$(asked --net-allow $PUBLIC:80 -- $PUBLIC/80)"
	expect_equal 1 "$(cat "$FORWARDING")"
	echo 0 >"$FORWARDING"
}
# This host forwards for the sandbox alone, not for whoever sits behind eth0.
others_are_not_forwarded() {
	ip link add dmz type veth peer name eth9 netns "$INTERNET"
	echo 1 >/proc/sys/net/ipv6/conf/dmz/disable_ipv6 # whose neighbours would be counted too
	ip addr add 45.0.0.1/24 dev dmz && ip link set dmz up
	in_internet ip link set eth9 up
	ip neigh add 45.0.0.7 lladdr 02:00:00:00:00:07 dev dmz
	in_internet ip route add 45.0.0.0/24 via 44.0.0.2
	sent() { ip -s link show dmz | awk '/TX:/ { getline; print $2 }'; }
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" --net-allow $PUBLIC:80 -- sh -c "echo >$WORK/on; sleep 60" &
	wait_for 10 test -e "$WORK/on"
	sleep 0.3
	local before sandbox=$!
	intrude() { in_internet bash -c 'for i in 1 2 3 4 5; do echo x >/dev/udp/45.0.0.7/9; done' && sleep 0.3; }
	before=$(sent)
	intrude
	expect_equal "$before" "$(sent)"
	kill -9 "$sandbox"
	wait "$sandbox" || :
	wait_for 5 settled
	# It was the rules: a host that is meant to forward does.
	echo 1 >"$FORWARDING"
	intrude
	echo 0 >"$FORWARDING"
	expect_equal $((before + 5)) "$(sent)"
	ip link delete dmz
}
for_users() {
	command -v setpriv >/dev/null || skip 'setpriv is not there'
	command -v pasta >/dev/null || skip 'pasta is not there'
	# AppArmor's profile for pasta knows run-time directories below /run/user and /tmp alone.
	local home=$T/user
	run=$(mktemp -d /tmp/lvm-run-test.XXXXXX)
	trap 'rm -rf --one-file-system "$run"' EXIT
	mkdir "$home" "$T/bin"
	cp "$RUNTIME" "${RUNTIME%/*}/lvm-run-helper" "$T/bin"
	cp "$WORK/ask" "$home"
	chown 65534:65534 "$home" "$run"
	user() { setpriv --reuid 65534 --regid 65534 --clear-groups env -C "$home" HOME="$home" XDG_RUNTIME_DIR="$run" LVM_RUN_HELPER="$T/bin/lvm-run-helper" "$@"; }
	user unshare -Urn true 2>/dev/null || skip 'users may not make user namespaces here'
	# Where udev has not been: a device as it gives users. All in the mount namespace of this file.
	user test -w /dev/net/tun || { mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200; } ||
		skip 'users may not open /dev/net/tun here'
	expect_equal 'tcp 80 no no no no' "$(user "$T/bin/lvm-run" sandbox --net-allow public.test:80/tcp -- \
		bash ask public.test/80 $PUBLIC/443 $PUBLIC/53/udp 10.9.9.9/80 169.254.169.254/80)"
	user "$T/bin/lvm-run" sandbox --report r --net-allow $PUBLIC -- true
	expect_equal 'allowed pasta' "$(jq -r '.network | "\(.mode) \(.uplink)"' "$home/r")"
	user env PATH=/nowhere "$T/bin/lvm-run" sandbox --net-allow $PUBLIC -- /bin/true 2>"$T/err" && return 1
	expect_contains 'pasta is not there' "$(cat "$T/err")"
}

check 'the outside answers when nobody filters' the_outside_answers
check 'nothing is reached by default' nothing_by_default
check '--share-net is the network of this host' host_network
check 'only what is named is reached, and there only the ports' only_the_named
check 'this host is not reached' host_is_not_reached
check 'names are resolved outside and pinned' names_are_pinned
check 'names of private and link-local addresses are refused' private_names_are_refused
check 'private addresses are reached when they are named' private_only_if_named
check 'what cannot be had is an error that names it' failures_are_named
check 'the command cannot change the rules' rules_cannot_be_changed
check 'there are no raw sockets' no_raw_sockets
check 'IPv6 is held to the same rules' ipv6
check 'report and configuration tell of it' it_is_told
check 'nothing is left' nothing_is_left
check 'nothing is left after kill -9, and others go on' killed
check 'a host that forwards goes on doing so' a_forwarding_host_stays_one
check 'nobody else is forwarded' others_are_not_forwarded
check 'users have it by pasta' for_users
kill "$INTERNET" "$SERVER"
finish
