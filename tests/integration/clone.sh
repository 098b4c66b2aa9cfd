#!/usr/bin/env bash
# clone and template with a real CRIU: identity, several at a time, all or nothing, states without a container.
# not for the test machine: nothing of it is missing on another machine
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/snapshots.sh"

mkdir "$T/logs"
# Their output must not keep the pipe of a command substitution open.
clone() { lvm clone --output "$T/logs" "$@" </dev/null >"$T/clone.out" 2>&1 || { cat "$T/clone.out"; return 1; }; }
inside() { lvm exec "$1" cat "$2"; }
goes_on() { # ID: from the source's number, without a gap, in memory and on disk
	wait_for 5 has_lines "$T/logs/$1.log" 3
	inside "$1" /data >"$T/data.$1"
	awk 'NR > 1 && $1 != last + 1 {exit 1} {last = $1}' "$T/logs/$1.log"
	awk 'NR > 1 && $1 != last + 1 {exit 1} {last = $1}' "$T/data.$1"
}
put_etc() { lvm exec "$1" sh -c 'echo 11111111111111111111111111111111 >/etc/machine-id; echo host >/etc/hostname'; }

three_of_a_running_one() {
	local id copy
	id=$(new_id)
	start_counter "$id"
	put_etc "$id"
	lvm exec "$id" sh -c 'echo shared >/shared'
	clone --count 3 "$id" "$id-c"
	grep -q 'clone 3/3: ' "$T/clone.out"
	expect_equal 1 "$(grep -c '^the source stood still for [0-9.]* ms$' "$T/clone.out")"
	container_is "$id" running
	for copy in 1 2 3; do
		container_is "$id-c-$copy" running
		goes_on "$id-c-$copy"
		expect_equal shared "$(inside "$id-c-$copy" /shared)"
		lvm exec "$id-c-$copy" sh -c "echo $copy >/mine"
	done
	[ ! -e "$T/$id.never" ]
	expect_error 'No such file' inside "$id" /mine
	expect_equal 1 "$(inside "$id-c-1" /mine)"
	expect_equal 3 "$(inside "$id-c-3" /mine)"
	for copy in 1 2 3; do lvm delete --force "$id-c-$copy"; done
	goes_on_itself "$id"
	lvm delete --force "$id"
	nothing_left
	nothing_stored
}
goes_on_itself() { local n; n=$(wc -l <"$T/$1.out"); wait_for 5 has_lines "$T/$1.out" $((n + 3)); }

each_has_an_identity_of_its_own() {
	local id a b
	id=$(new_id)
	a=$id-a b=$id-b
	start_counter "$id"
	put_etc "$id"
	clone "$id" "$a"
	clone "$id" "$b"
	expect_equal "${a:0:64}" "$(lvm exec "$a" hostname)"
	expect_equal "${a:0:64}" "$(inside "$a" /etc/hostname)"
	expect_equal host "$(inside "$id" /etc/hostname)"
	expect_equal 11111111111111111111111111111111 "$(inside "$id" /etc/machine-id)"
	[[ $(inside "$a" /etc/machine-id) =~ ^[0-9a-f]{32}$ ]]
	[ "$(inside "$a" /etc/machine-id)" != "$(inside "$b" /etc/machine-id)" ]
	[ "$(inside "$a" /etc/lvm-run-generation)" != "$(inside "$b" /etc/lvm-run-generation)" ]
	expect_contains "lvm-run-$a" "$(cat "/proc/$(pid_of "$a")/cgroup")"
	for kind in net mnt uts ipc pid; do
		[ "$(readlink "/proc/$(pid_of "$a")/ns/$kind")" != "$(readlink "/proc/$(pid_of "$id")/ns/$kind")" ]
	done
	lvm delete --force --regex "$id.*"
	nothing_left
	nothing_stored
}

of_a_snapshot() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm exec "$id" sh -c 'echo then >/when'
	lvm snapshot create "$id" one
	lvm exec "$id" sh -c 'echo now >/when'
	clone --from one --count 2 "$id" "$id-s"
	expect_equal 'then' "$(inside "$id-s-1" /when)"
	goes_on "$id-s-2"
	expect_error 'snapshot none does not exist' lvm clone --from none "$id" "$id-n"
	# What clones need outlives the source and its snapshots.
	lvm delete --force "$id"
	expect_equal 'then' "$(inside "$id-s-1" /when)"
	lvm delete --force "$id-s-1"
	lvm exec "$id-s-2" ls /bin/testkit
	lvm delete --force "$id-s-2"
	nothing_left
	nothing_stored
}

of_a_stopped_one_from_the_beginning() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm exec "$id" sh -c 'echo kept >/kept'
	lvm kill "$id" KILL
	wait_for 5 container_is "$id" stopped
	clone "$id" "$id-n"
	expect_equal kept "$(inside "$id-n" /kept)"
	expect_equal 1 "$(head -n 1 "$T/logs/$id-n.log")"
	container_is "$id" stopped
	lvm delete "$id"
	lvm delete --force "$id-n"
	nothing_stored
}

of_the_root_of_an_engine() {
	local id merged=$T/engine
	id=$(new_id)
	mkdir -p "$merged/root" "$T/engine-upper" "$T/engine-work"
	mount -t overlay -o "lowerdir=$TREE,upperdir=$T/engine-upper,workdir=$T/engine-work" none "$merged/root"
	jq --arg r "$merged/root" '.root.path = $r | .linux.cgroupsPath = "/engine/" + $r[-4:]' \
		"$BASE/config.json" >"$merged/config.json"
	lvm run -d -b "$merged" "$id" </dev/null >"$T/$id.out" 2>&1
	wait_for 5 has_lines "$T/$id.out" 5
	lvm exec "$id" sh -c 'echo e >/engine'
	clone "$id" "$id-e"
	expect_equal e "$(inside "$id-e" /engine)"
	goes_on "$id-e"
	[ ! -e "$T/engine-upper/etc/lvm-run-generation" ]
	lvm delete --force "$id-e"
	lvm delete --force "$id"
	umount "$merged/root"
	nothing_left
	nothing_stored
}

a_failing_clone_leaves_nothing_and_the_others_live() {
	local id
	id=$(new_id)
	start_counter "$id"
	start_counter "$id-x-2"
	expect_error 'x-2: failed: ' lvm clone --output "$T/logs" --count 3 "$id" "$id-x"
	container_is "$id-x-1" running
	container_is "$id-x-3" running
	goes_on_itself "$id-x-2"
	goes_on_itself "$id"
	expect_error '1 of 1 clones could not be made' lvm clone --output "$T/nowhere" "$id" "$id-y"
	expect_error 'invalid container id' lvm clone "$id" '../x'
	expect_error 'does not exist' lvm clone nobody "$id-z"
	lvm delete --force --regex "$id.*"
	nothing_left
	nothing_stored
}

templates_need_no_container() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm exec "$id" sh -c 'echo warm >/warm'
	lvm template create "$id" warm
	expect_error 'template warm exists' lvm template create "$id" warm
	lvm delete --force "$id"
	expect_equal '["warm",true]' "$(lvm template list --format json | jq -c '.[0] | [.name, .memory]')"
	clone --template --count 2 warm "$id-t"
	expect_equal warm "$(inside "$id-t-1" /warm)"
	goes_on "$id-t-2"
	lvm template delete warm
	expect_error 'does not exist' lvm template delete warm
	expect_error 'does not exist' lvm clone --template warm "$id-u"
	expect_equal warm "$(inside "$id-t-1" /warm)"
	lvm delete --force --regex "$id.*"
	nothing_left
	nothing_stored
}

# Once it was checked for a clone it counts for those after it, in that command alone.
changed_memory_makes_no_clone() {
	local id pages byte copy
	id=$(new_id)
	start_counter "$id"
	lvm template create "$id" spoilt
	lvm delete --force "$id"
	clone --template --count 3 --jobs 1 spoilt "$id-a"
	pages=$(find "$STORE" -name pages-1.img)
	byte=$(od -An -tu1 -j 9000 -N 1 "$pages")
	printf '%b' "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$pages" bs=1 seek=9000 conv=notrunc status=none
	expect_error '3 of 3 clones could not be made' lvm clone --template --count 3 --jobs 1 spoilt "$id-b"
	expect_contains 'pages-1.img is not what was saved' "$(lvm clone --template spoilt "$id-c" 2>&1 || :)"
	expect_equal 3 "$(lvm list -q | grep -c "^$id")"
	for copy in 1 2 3; do lvm delete --force "$id-a-$copy"; done
	lvm template delete spoilt
	nothing_left
	nothing_stored
}

# CRIU reads the images in there.
a_template_of_a_user_namespace() {
	local id
	id=$(new_id)
	new_bundle mapped '.root.readonly = false' '.process.args = ["/bin/testkit", "count"]' \
		'.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
			| .linux.gidMappings = .linux.uidMappings'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	chown -R 100000:100000 "$BUNDLE/rootfs"
	lvm run -d -b "$BUNDLE" --overlay "$BUNDLE/rootfs" "$id" </dev/null >"$T/$id.out" 2>&1
	wait_for 30 has_lines "$T/$id.out" 5
	lvm template create "$id" mapped
	clone --template mapped "$id-t"
	wait_for 30 has_lines "$T/logs/$id-t.log" 5
	lvm delete --force "$id"
	lvm delete --force "$id-t"
	lvm template delete mapped
	nothing_left
	nothing_stored
}

a_clone_has_snapshots_too() {
	local id
	id=$(new_id)
	start_counter "$id"
	clone "$id" "$id-k"
	lvm snapshot create "$id-k" one
	lvm exec "$id-k" sh -c 'echo x >/x'
	lvm revert "$id-k" one
	expect_error 'No such file' inside "$id-k" /x
	# The generation is another one after each.
	[ "$(inside "$id-k" /etc/lvm-run-generation)" != "$(lvm revert "$id-k" one >/dev/null; inside "$id-k" /etc/lvm-run-generation)" ]
	lvm delete --force --regex "$id.*"
	nothing_left
	nothing_stored
}

a_prepared_network_is_joined() {
	local id
	id=$(new_id)
	start_counter "$id"
	unshare -n sleep 60 &
	local holder=$!
	wait_for 5 different_net "$holder"
	clone --network "/proc/$holder/ns/net" "$id" "$id-net"
	expect_equal "$(readlink "/proc/$holder/ns/net")" "$(readlink "/proc/$(pid_of "$id-net")/ns/net")"
	kill "$holder"
	lvm delete --force --regex "$id.*"
	nothing_left
}
different_net() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

more() { wait_for 30 has_lines "$1" $(($(wc -l <"$1") + 10)); }

# testkit busy: a child, threads, TCP and unix connections, shared memory, timers, inotify, a deleted file, a pipe.
one_of_everything_goes_on_in_all() {
	local id copy log
	id=$(new_id) log=$T/busy.out
	jq '.process.args = ["/bin/testkit", "busy"]' "$BASE/config.json" >"$T/busy.json"
	lvm run -d -b "$BASE" -f "$T/busy.json" --overlay "$TREE" "$id" </dev/null >"$log" 2>&1
	wait_for 30 has_lines "$log" 10
	lvm snapshot create --tcp-established "$id" one
	more "$log"
	lvm snapshot create --tcp-established --live "$id" two
	more "$log"
	clone --tcp-established --count 2 "$id" "$id-b"
	clone --tcp-established --from one "$id" "$id-o"
	for copy in b-1 b-2 o; do
		wait_for 30 has_lines "$T/logs/$id-$copy.log" 10
		all_is_ok "$T/logs/$id-$copy.log"
		lvm delete --force "$id-$copy"
	done
	lvm revert --tcp-established "$id" two
	more "$log"
	lvm revert --tcp-established "$id" one
	more "$log"
	all_is_ok "$log"
	# Back twice, and without a gap else.
	expect_equal 2 "$(awk '$2 != last + 1 {n++} {last = $2} END {print n}' "$log")"
	lvm delete --force "$id"
	nothing_left
	nothing_stored
}

check 'three clones of a running one go on where it was, and it runs on' three_of_a_running_one
check 'each has an identity of its own' each_has_an_identity_of_its_own
check 'clones of a snapshot, which outlive it' of_a_snapshot
check 'clones of a stopped one begin anew, on its disk' of_a_stopped_one_from_the_beginning
check 'clones of a root that an engine made' of_the_root_of_an_engine
check 'one that fails leaves nothing, and the others live' a_failing_clone_leaves_nothing_and_the_others_live
check 'templates need no container' templates_need_no_container
check 'changed memory makes no clone' changed_memory_makes_no_clone
check 'a template of a container with a user namespace of its own' a_template_of_a_user_namespace
check 'a clone has snapshots of its own' a_clone_has_snapshots_too
check 'one of everything goes on in snapshots, clones and after reverts' one_of_everything_goes_on_in_all
check 'a prepared network namespace is joined' a_prepared_network_is_joined
finish
