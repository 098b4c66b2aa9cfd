#!/usr/bin/env bash
# What is hard to save: each kind goes on after a restore, or the refusal names its cause and what to do about it.
# not for the test machine: nothing of it is missing on another machine
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

# held NAME FILTER WORD…: a bundle whose program holds what the words say.
held() {
	local name=$1 filter=$2
	shift 2
	new_bundle "$name" '.root.readonly = false' "$filter"
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	# shellcheck disable=SC2016 # a variable of jq
	edit_config --args '.process.args = ["/bin/testkit", "hold"] + $ARGS.positional' "$@"
}
# edit_config puts its filter last, which --args would take for a word.
edit_config() {
	if [ "${1-}" = --args ]; then
		shift
		local filter=$1
		shift
		jq "$filter" "$BUNDLE/config.json" --args "$@" >"$BUNDLE/.config.new"
	else
		jq "$@" "$BUNDLE/config.json" >"$BUNDLE/.config.new"
	fi && mv "$BUNDLE/.config.new" "$BUNDLE/config.json"
}

MAPPED='.linux.namespaces += [{type: "user"}]
	| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'

run() { # ID OPTION…
	local id=$1
	shift
	lvm --store "$T/store" run -d -b "$BUNDLE" "$@" "$id" </dev/null >"$T/$id.1" 2>&1 || { cat "$T/$id.1"; return 1; }
	wait_for 60 has_lines "$T/$id.1" 3 || { cat "$T/$id.1"; return 1; }
}
# refused ID TEXT OPTION…: and it runs on.
refused() {
	local id=$1 text=$2 lines
	shift 2
	expect_error "$text" lvm checkpoint --image-path "$T/refused.img" "$@" "$id"
	lines=$(wc -l <"$T/$id.1")
	wait_for 60 has_lines "$T/$id.1" $((lines + 2))
	all_is_ok "$T/$id.1"
}
save() { # ID OPTION…
	local id=$1
	shift
	lvm checkpoint --image-path "$T/$id.img" "$@" "$id"
	all_is_ok "$T/$id.1"
}
load() { # ID OPTION…
	local id=$1
	shift
	lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$@" "$id" </dev/null >"$T/$id.2" 2>&1 || { cat "$T/$id.2"; return 1; }
}
goes_on() {
	wait_for 60 has_lines "$T/$1.2" 5 || { cat "$T/$1.2"; return 1; }
	all_is_ok "$T/$1.2"
	lvm delete --force "$1"
	nothing_left
}

# --- Tests ----------------------------------------------------------------------------------------

deleted_files() {
	local id
	id=$(new_id)
	held deleted . deleted=3000000
	run "$id"
	refused "$id" 'give --ghost-limit'
	save "$id" --ghost-limit 4M
	load "$id"
	goes_on "$id"
}

files_with_another_name() {
	local id
	id=$(new_id)
	held linked . linked
	run "$id"
	refused "$id" 'give --link-remap'
	save "$id" --link-remap
	load "$id" --link-remap
	goes_on "$id"
	# The name that CRIU gave it meanwhile is gone.
	expect_equal held-b "$(find "$BUNDLE/rootfs/tmp" -type f -printf '%f\n')"
}

locks() {
	local id
	id=$(new_id)
	held lock . lock
	run "$id"
	refused "$id" 'give --file-locks'
	save "$id" --file-locks
	load "$id" --file-locks
	goes_on "$id"
}

connections_in_the_making() {
	local id
	id=$(new_id)
	held flight . listen
	run "$id"
	refused "$id" 'give --tcp-skip-in-flight' --tcp-established
	save "$id" --tcp-established --tcp-skip-in-flight
	load "$id" --tcp-established
	goes_on "$id"
}

# Both ends are in the container, and one of them comes back before the other.
connections_inside() { # WORD FILTER [OPTION…]
	local id word=$1
	id=$(new_id)
	held "$id" "$2" "$word"
	case $2 in *100000*) chown -R 100000:100000 "$BUNDLE/rootfs" ;; esac
	shift 2
	run "$id"
	save "$id" --tcp-established "$@"
	load "$id" --tcp-established "$@"
	goes_on "$id"
}

# A network namespace of somebody else: NETWORK is its path, and the filter JOINED leads there.
new_network() {
	unshare -n "$ROOTFS/bin/busybox" sh -c 'busybox ip link set lo up && echo up && exec busybox sleep 1000' >"$T/network" &
	wait_for 20 grep -q up "$T/network"
	NETWORK=/proc/$!/ns/net
	JOINED=".linux.namespaces |= map(if .type == \"network\" then .path = \"$NETWORK\" else . end)"
	: >"$T/network"
}
# Nobody listens there: "refused" is the answer, or none comes.
answer_in_network() { # SECONDS
	local status=0
	nsenter --net="$NETWORK" timeout "$1" "$TESTKIT" hold tcp=9 >"$T/answer" || status=$?
	case $status:$(cat "$T/answer") in
	3:*refused) echo refused ;;
	124:) echo none ;;
	*) cat "$T/answer" ;;
	esac
}

connections_in_a_joined_network() {
	local id
	id=$(new_id)
	new_network
	held joined "$JOINED" full
	run "$id"
	save "$id" --tcp-established
	new_network
	edit_config "$JOINED"
	load "$id" --tcp-established
	expect_equal refused "$(answer_in_network 20)"
	goes_on "$id"
}

# CRIU locks a network that outlives the processes until the same images are restored, which a revert does not.
connections_across_a_revert() { # [joined]
	local id lines filter=.
	id=$(new_id)
	[ $# -eq 0 ] || { new_network; filter=$JOINED; }
	held "$id" "$filter" full
	run "$id" --overlay "$BUNDLE/rootfs"
	for verb in 'snapshot create' revert; do
		# shellcheck disable=SC2086 # two words
		lvm --store "$T/store" $verb --tcp-established "$id" one >/dev/null
		lines=$(wc -l <"$T/$id.1")
		wait_for 60 has_lines "$T/$id.1" $((lines + 5))
		all_is_ok "$T/$id.1"
	done
	[ $# -eq 0 ] || expect_equal refused "$(answer_in_network 20)"
	lvm --store "$T/store" delete --force "$id"
	nothing_left
}

# A hook sees that nothing is reset, and ends the restore.
nothing_is_held_after_a_kill() {
	local id
	id=$(new_id)
	new_network
	held killed "$JOINED" full
	run "$id"
	save "$id" --tcp-established
	new_network
	edit_config "$JOINED"
	# shellcheck disable=SC2016 # a variable of the hook's shell
	{
		declare -f answer_in_network
		declare -p NETWORK TESTKIT T
		echo 'answer_in_network 1 >"$T/held"; kill -9 $PPID'
	} >"$T/hook"
	edit_config ".hooks = {createRuntime: [{path: \"/bin/bash\", args: [\"bash\", \"$T/hook\"]}]}"
	expect_exit 137 lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" --tcp-established "$id" </dev/null >/dev/null
	expect_equal none "$(cat "$T/held")"
	expect_equal refused "$(answer_in_network 20)"
	lvm delete --force "$id"
	nothing_left
}

periodic_timers() {
	local id
	id=$(new_id)
	held timer . timer
	run "$id"
	save "$id"
	load "$id"
	goes_on "$id"
}

watches_on_an_overlay() {
	local id
	id=$(new_id)
	held watch . inotify
	run "$id" --overlay "$BUNDLE/rootfs"
	# Sealed and given a new writable layer below them.
	lvm --store "$T/store" snapshot create "$id" one >/dev/null
	wait_for 60 has_lines "$T/$id.1" $(($(wc -l <"$T/$id.1") + 5))
	all_is_ok "$T/$id.1"
	lvm --store "$T/store" revert "$id" one >/dev/null
	wait_for 60 has_lines "$T/$id.1" $(($(wc -l <"$T/$id.1") + 5))
	all_is_ok "$T/$id.1"
	lvm delete --force "$id"
	nothing_left
}

unix_sockets_of_others() {
	local id lines out=".mounts += [{destination: \"$T/out\", source: \"$T/out\", options: [\"bind\"]}]"
	local host='.linux.namespaces |= map(select(.type != "network"))'
	mkdir -p "$T/out"
	"$TESTKIT" sink "unix=$T/out/datagrams" >"$T/sink" &
	"$TESTKIT" sink "stream=$T/out/streams" >"$T/sink.2" &
	wait_for 20 grep -q ready "$T/sink"
	wait_for 20 grep -q ready "$T/sink.2"
	# It is connected to by its name out there. CRIU does not look beyond the network namespace.
	id=$(new_id)
	held apart "$out" "unix=$T/out/datagrams"
	run "$id"
	refused "$id" 'only a container in the host' --ext-unix-sk
	lvm delete --force "$id"
	id=$(new_id)
	held datagram "$out | $host" "unix=$T/out/datagrams"
	run "$id"
	refused "$id" 'give --ext-unix-sk'
	save "$id" --ext-unix-sk
	load "$id" --ext-unix-sk
	lines=$(wc -l <"$T/sink")
	wait_for 60 has_lines "$T/sink" $((lines + 5))
	goes_on "$id"
	id=$(new_id)
	held stream "$out | $host" "stream=$T/out/streams"
	run "$id"
	refused "$id" 'only datagram ones can be saved' --ext-unix-sk
	lvm delete --force "$id"
}

# A container in the host's network, connected to somebody out there.
connections_to_others() { # PORT LOCK
	local id lines port=$1 lock=$2
	id=$(new_id)
	"$TESTKIT" sink "tcp=$port" >"$T/sink.$port" &
	wait_for 20 grep -q ready "$T/sink.$port"
	held "tcp$port" '.linux.namespaces |= map(select(.type != "network"))' "tcp=$port"
	run "$id"
	refused "$id" 'give --tcp-established to keep them'
	save "$id" --tcp-established --network-lock "$lock"
	lines=$(wc -l <"$T/sink.$port")
	load "$id" --tcp-established --network-lock "$lock"
	wait_for 60 has_lines "$T/sink.$port" $((lines + 5))
	# The same connection: its end was never seen.
	expect_no_line -e closed -e broken "$T/sink.$port"
	lvm checkpoint -R --tcp-close --image-path "$T/$id.close" "$id"
	lvm delete --force "$id"
	lvm restore -d -b "$BUNDLE" --tcp-close --image-path "$T/$id.close" "$id" </dev/null >"$T/$id.3" 2>&1
	wait_for 60 has_lines "$T/$id.3" 5
	expect_equal closed "$(grep -v '^ok ' "$T/$id.3")"
	lvm delete --force "$id"
	nothing_left
}
locked_by_nftables() { connections_to_others 4713 nftables; }
not_locked() { connections_to_others 4714 skip; }

locked_by_iptables() {
	local id
	id=$(new_id)
	if command -v iptables-restore >/dev/null; then
		connections_to_others 4715 iptables
	else
		held iptables . listen
		run "$id"
		refused "$id" 'give --network-lock nftables' --tcp-established --tcp-skip-in-flight --network-lock iptables
		lvm delete --force "$id"
	fi
}

what_cannot_be_saved_at_all() {
	local id
	id=$(new_id)
	held nested '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])' nested
	run "$id"
	refused "$id" 'namespaces of its own within the container'
	lvm delete --force "$id"
	id=$(new_id)
	held ring . ring
	run "$id" || skip 'no io_uring here'
	refused "$id" 'an io_uring'
	lvm delete --force "$id"
}

# A process that nobody has waited for: it cannot leave its own namespaces, and says so.
processes_that_have_ended() {
	local id
	id=$(new_id)
	new_bundle dead '.process.args = ["sh", "-c", "(exit 3) & exec /bin/testkit count"]'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	run "$id"
	wait_for 20 grep -q '^State:.Z' "/proc/$(lvm exec "$id" busybox true && pgrep -P "$(lvm state "$id" | jq .pid)" | head -n 1)/status"
	lvm checkpoint --image-path "$T/$id.img" "$id"
	load "$id"
	wait_for 20 has_lines "$T/$id.2" 3
	grep -q '^State:.Z' "/proc/$(pgrep -P "$(lvm state "$id" | jq .pid)" | head -n 1)/status"
	lvm delete --force "$id"
	nothing_left
}

files_that_were_changed() {
	local id
	id=$(new_id)
	held changed . inotify
	run "$id"
	save "$id"
	echo 'more than there was' >>"$BUNDLE/rootfs/tmp/held-watched"
	expect_error 'a file that the container uses was changed since the checkpoint' \
		lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	nothing_left
}

check 'open files without a name, up to --ghost-limit' deleted_files
check 'open files whose name is gone, but which have another: --link-remap' files_with_another_name
check 'locks on files: --file-locks' locks
check 'connections that nobody has accepted: --tcp-skip-in-flight' connections_in_the_making
check 'connections within it of which much was not sent yet' connections_inside full .
check 'connections within it that one end has closed its way of' connections_inside half .
check 'connections within a user namespace, not locked' connections_inside full "$MAPPED" --network-lock skip
check 'connections within a network namespace that others have made, where nothing of it stays' connections_in_a_joined_network
check 'connections within it across a snapshot in place and a revert' connections_across_a_revert
check 'connections within a network namespace that others have made, across a revert' connections_across_a_revert joined
check 'a restore that is killed holds nothing back any more' nothing_is_held_after_a_kill
check 'a periodic timer goes on, also when it had run out' periodic_timers
check 'inotify on an overlay, across its rotation and a revert' watches_on_an_overlay
check 'sockets to unix sockets outside: --ext-unix-sk' unix_sockets_of_others
check 'TCP to outside: kept, locked by nftables; --tcp-close' locked_by_nftables
check 'TCP to outside: kept, not locked; --tcp-close' not_locked
check 'TCP to outside: locked by iptables, or the advice to take another lock' locked_by_iptables
check 'what cannot be saved at all is refused by name' what_cannot_be_saved_at_all
check 'processes that have ended and were not waited for' processes_that_have_ended
check 'files that were changed since are refused by name' files_that_were_changed
finish
