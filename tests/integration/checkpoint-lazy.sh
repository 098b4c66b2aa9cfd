#!/usr/bin/env bash
# restore --lazy-pages: the program runs before its memory is there.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

MIB=100
new_bundle memory ".process.args = [\"/bin/testkit\", \"memory\", \"$MIB\"]"
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"

# A CRIU that notes the process id of its daemon, and does meanwhile what DAEMON says.
cat >"$T/criu" <<SH
#!/bin/sh
[ "\$1" != lazy-pages ] || { echo \$\$ >"$T/daemon"; [ ! -e "$T/before" ] || . "$T/before"; }
exec "$LVM_RUN_CRIU" "\$@"
SH
chmod 755 "$T/criu"
export LVM_RUN_CRIU=$T/criu

checkpoint_memory() { # ID IMAGES
	lvm run -d -b "$BUNDLE" "$1" </dev/null >"$T/out.$1" 2>&1
	wait_for 120 grep -q good "$T/out.$1"
	lvm checkpoint --image-path "$2" "$1"
}

restore_lazily() { # ID IMAGES OPTION…
	local id=$1 images=$2
	shift 2
	lvm restore -d --lazy-pages -b "$BUNDLE" --image-path "$images" "$@" "$id" </dev/null >"$T/out.$id" 2>&1
}

said() { [ "$(grep -c . "$1")" -ge "$2" ]; }
daemon_is_gone() { ! kill -0 "$(cat "$T/daemon")" 2>/dev/null; }
is_stopped() { container_is "$1" stopped; }

memory_is_what_it_was() {
	local id
	id=$(new_id)
	checkpoint_memory "$id" "$T/one.img"
	restore_lazily "$id" "$T/one.img"
	container_is "$id" running
	wait_for 120 said "$T/out.$id" 3
	expect_equal good "$(sort -u "$T/out.$id")"
	wait_for 120 daemon_is_gone
	wait_for 5 [ ! -e "$ROOT/$id/lazy-pages.log" ]
	expect_equal '' "$(find "$ROOT/$id" -name '*.socket' -o -name '*.log')"
	container_is "$id" running
	lvm delete --force "$id"
	nothing_left
}

a_work_path_keeps_the_log_of_a_failure() {
	local id
	id=$(new_id)
	checkpoint_memory "$id" "$T/fail.img"
	echo 'exit 3' >"$T/before"
	if restore_lazily "$id" "$T/fail.img"; then return 1; fi
	rm "$T/before"
	expect_contains 'the daemon of lazy pages did not start' "$(cat "$T/out.$id")"
	expect_error 'container does not exist' lvm state "$id"
	nothing_left
}

without_its_daemon_the_container_ends() {
	local id turn
	id=$(new_id)
	checkpoint_memory "$id" "$T/kill.img"
	# It stands still, so that memory is surely missing when it is killed; it may have been faster than we are.
	for turn in 1 2 3 4 5; do
		echo "the time $turn"
		restore_lazily "$id" "$T/kill.img"
		! kill -STOP "$(cat "$T/daemon")" || break
		lvm delete --force "$id"
	done
	kill -KILL "$(cat "$T/daemon")"
	wait_for 10 is_stopped "$id"
	if grep -q bad "$T/out.$id"; then return 1; fi
	expect_contains 'daemon of lazy pages has failed' "$(cat "$ROOT/$id/lazy-pages.log")"
	lvm delete "$id"
	nothing_left
}

changed_memory_ends_the_container() {
	local id
	id=$(new_id)
	checkpoint_memory "$id" "$T/flip.img"
	printf '\1\2\3' | dd of="$T/flip.img/pages-1.img" bs=1 seek=$((MIB * 900000)) conv=notrunc status=none
	# The memory may have been read before the restore is done.
	if restore_lazily "$id" "$T/flip.img"; then
		wait_for 120 is_stopped "$id"
		expect_contains 'pages-1.img is not what was saved' "$(cat "$ROOT/$id/lazy-pages.log")"
		lvm delete "$id"
	else
		expect_contains 'pages-1.img is not what was saved' "$(cat "$T/out.$id")"
	fi
	nothing_left
	# Then it is told as the cause.
	echo 'exec sleep 100' >"$T/before"
	if restore_lazily "$id" "$T/flip.img"; then return 1; fi
	rm "$T/before"
	expect_contains 'pages-1.img is not what was saved' "$(cat "$T/out.$id")"
	nothing_left
}

check 'memory is what it was, and daemon and log go by themselves' memory_is_what_it_was
check 'a daemon that does not start is an error, and nothing is left' a_work_path_keeps_the_log_of_a_failure
check 'a container whose daemon dies is ended: it never reads zeros' without_its_daemon_the_container_ends
check 'memory that was changed ends the container' changed_memory_ends_the_container
finish
