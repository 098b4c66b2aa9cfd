#!/usr/bin/env bash
# snapshot and revert with a real CRIU: managed roots, live, roots of others, and what a sealed layer promises.
# not for the test machine: nothing of it is missing on another machine
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/snapshots.sh"

jumps() { awk 'NR > 1 && $1 != last + 1 {n++} {last = $1} END {print n + 0}' "$1"; }
sums() { (cd "$STORE/layers/$1/data" && find . -type f -exec sha256sum {} + | sort -k 2; find . ! -type f | sort); }
layer_of() { lvm snapshot show --format json "$1" "$2" | jq -r '.layers[0]'; }

a_running_one_goes_on_where_it_was_and_back() {
	local id seen
	id=$(new_id)
	start_counter "$id"
	expect_contains 's1: memory and disk, nothing copied (' "$(lvm snapshot create "$id")"
	container_is "$id" running
	lvm exec "$id" sh -c 'echo new >/new; rm /bin/true; echo changed >/etc/changed'
	wait_for 5 has_lines "$T/$id.out" $(($(wc -l <"$T/$id.out") + 5))
	expect_equal 0 "$(jumps "$T/$id.out")"
	expect_equal 'added /etc/changed,added /new,deleted /bin/true,modified /data' \
		"$(lvm snapshot diff "$id" | sed 's/  */ /' | sort | paste -sd,)"
	seen=$(last "$T/$id.out")
	lvm revert "$id" s1
	wait_for 5 has_jumped "$T/$id.out" "$seen"
	expect_error 'No such file' lvm exec "$id" cat /new
	lvm exec "$id" ls /bin/true
	# Memory and disk are of one instant: the file goes on as the counter does.
	# shellcheck disable=SC2016 # for the shell in the container
	wait_for 5 lvm exec "$id" sh -c '[ $(wc -l </data) -gt 20 ]'
	expect_equal 0 "$(lvm exec "$id" cat /data >"$T/data" && jumps "$T/data")"
	lvm delete --force "$id"
	nothing_left
	nothing_stored
}

has_jumped() { awk -v n="$2" '$1 < last {found = 1} {last = $1} END {exit !found}' "$1"; }

what_is_sealed_never_changes() {
	local id first second
	id=$(new_id)
	start_counter "$id"
	lvm snapshot create "$id" one
	first=$(layer_of "$id" one)
	sums "$first" >"$T/one"
	lvm exec -d "$id" sh -c 'exec 5>>/data; while :; do echo more >&5; echo x >>/data; echo y >/bin/new; done' </dev/null >/dev/null 2>&1
	sleep 0.2
	lvm snapshot create --disk-only "$id" two
	second=$(layer_of "$id" two)
	sums "$second" >"$T/two"
	sleep 0.2
	expect_equal "$(cat "$T/one")" "$(sums "$first")"
	expect_equal "$(cat "$T/two")" "$(sums "$second")"
	lvm delete --force "$id"
}

exec_is_refused_by_name() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm exec -d "$id" /bin/testkit pause </dev/null >/dev/null 2>&1
	expect_error 'end them first' lvm snapshot create "$id"
	container_is "$id" running
	expect_equal '[]' "$(lvm snapshot list --format json "$id" | jq -c .)"
	lvm snapshot create --disk-only "$id" disk
	container_is "$id" running
	lvm delete --force "$id"
	nothing_stored
}

a_layer_under_a_living_mount_is_not_sealed() {
	local id pid stranger
	id=$(new_id)
	start_counter "$id"
	pid=$(pid_of "$id")
	nsenter -t "$pid" -m sleep 60 >/dev/null 2>&1 &
	stranger=$!
	is_inside() { [ "$(readlink "/proc/$stranger/ns/mnt")" = "$(readlink "/proc/$pid/ns/mnt")" ]; }
	wait_for 5 is_inside
	lvm kill "$id" KILL
	wait_for 5 container_is "$id" stopped
	expect_error 'still part of a mount' lvm snapshot create "$id"
	expect_equal 0 "$(lvm snapshot list --format json "$id" | jq length)"
	kill "$stranger"
	wait "$stranger" 2>/dev/null || :
	expect_contains 'disk alone, nothing copied' "$(lvm snapshot create "$id")"
	lvm delete "$id"
}

of_a_stopped_one_the_disk() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm exec "$id" sh -c 'echo one >/state'
	lvm kill "$id" KILL
	wait_for 5 container_is "$id" stopped
	lvm snapshot create --comment 'before it all' "$id" one
	expect_equal 'before it all' "$(lvm snapshot show --format json "$id" one | jq -r .comment)"
	expect_contains 'it is stopped' "$(lvm revert "$id" one)"
	container_is "$id" stopped
	lvm revert --start "$id" one </dev/null >"$T/again" 2>&1
	expect_contains 'the container runs' "$(cat "$T/again")"
	container_is "$id" running
	expect_equal one "$(lvm exec "$id" cat /state)"
	lvm exec "$id" sh -c 'echo two >/state'
	# It runs: so it does afterwards, from its beginning.
	expect_contains 'the container runs' "$(lvm revert "$id" one)"
	expect_equal one "$(lvm exec "$id" cat /state)"
	lvm delete --force "$id"
	nothing_stored
}

nodes_in_the_middle_merge() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm exec "$id" sh -c 'mkdir /d; echo a >/d/a; echo a >/d/b; echo a >/f; rm /bin/true'
	lvm snapshot create "$id" one
	lvm exec "$id" sh -c 'rm -r /d; mkdir /d; echo b >/d/b; rm /f; echo b >/g'
	lvm snapshot create "$id" two
	lvm exec "$id" sh -c 'echo c >/d/c; echo c >/f; rm /g; ln -s d /e'
	lvm snapshot create "$id" three
	lvm kill "$id" KILL
	wait_for 5 container_is "$id" stopped
	lvm snapshot delete "$id" two
	expect_equal '["one","three"]' "$(lvm snapshot list --format json "$id" | jq -c '[.[].name]')"
	expect_equal one "$(lvm snapshot show --format json "$id" three | jq -r .parent)"
	expect_equal 2 "$(lvm snapshot show --format json "$id" three | jq '.layers | length')"
	lvm revert "$id" three
	expect_equal 'b b c c c yes no no' "$(lvm exec "$id" sh -c 'cat /d/b; cat /e/b; cat /d/c /e/c /f; [ -L /e ] && echo yes; [ -e /d/a ] && echo yes || echo no; [ -e /g ] && echo yes || echo no' | tr '\n' ' ' | sed 's/ $//')"
	lvm revert "$id" one
	expect_equal 'a a' "$(lvm exec "$id" cat /d/a /f | tr '\n' ' ' | sed 's/ $//')"
	# Of a running one the layer is in use.
	lvm snapshot create "$id" four
	expect_contains 'stays' "$(lvm snapshot delete "$id" four)"
	lvm exec "$id" ls /d/a
	lvm snapshot delete "$id" one
	lvm snapshot delete "$id" three
	expect_equal '[]' "$(lvm snapshot list --format json "$id" | jq -c .)"
	lvm exec "$id" ls /d/a
	lvm delete --force "$id"
	nothing_left
	nothing_stored
}

a_paused_one_stays_paused() {
	local id
	id=$(new_id)
	start_counter "$id"
	lvm pause "$id"
	lvm snapshot create --live "$id"
	container_is "$id" paused
	lvm snapshot create "$id"
	container_is "$id" paused
	lvm resume "$id"
	container_is "$id" running
	lvm delete --force "$id"
}

the_root_of_an_engine_is_copied() {
	local id merged=$T/engine
	id=$(new_id)
	mkdir -p "$merged/root" "$T/engine-upper" "$T/engine-work"
	mount -t overlay -o "lowerdir=$TREE,upperdir=$T/engine-upper,workdir=$T/engine-work" none "$merged/root"
	jq --arg r "$merged/root" '.root.path = $r' "$BASE/config.json" >"$merged/config.json"
	lvm run -d -b "$merged" "$id" </dev/null >"$T/$id.out" 2>&1
	wait_for 5 has_lines "$T/$id.out" 5
	lvm exec "$id" sh -c 'echo e >/engine; rm /bin/false'
	expect_contains 'copied' "$(lvm snapshot create "$id" one)"
	container_is "$id" running
	lvm exec "$id" sh -c 'echo e2 >/engine'
	expect_contains 'modified  /engine' "$(lvm snapshot diff "$id")"
	expect_equal e "$(cat "$STORE/layers/$(layer_of "$id" one)/data/engine")"
	expect_error 'not managed by lvm-run' lvm revert "$id" one
	container_is "$id" running
	lvm delete --force "$id"
	umount "$merged/root"
	nothing_left
	nothing_stored
}

what_cannot_be_restored_leaves_the_old_state() {
	local id image
	id=$(new_id)
	start_counter "$id"
	lvm snapshot create "$id" one
	lvm exec "$id" sh -c 'echo keep >/keep'
	image=$STORE/roots/$id/nodes/one/memory
	printf x >>"$image/pstree.img"
	expect_error 'not what was saved' lvm revert "$id" one
	container_is "$id" running
	expect_equal keep "$(lvm exec "$id" cat /keep)"
	# Broken in a way that only CRIU sees: the old processes come back.
	truncate -s -1 "$image/pstree.img"
	jq 'del(.mounts[] | select(.destination == "/dev/shm"))' "$STORE/roots/$id/nodes/one/config.json" >"$T/c"
	jq '.linux.namespaces |= map(select(.type != "network"))' "$T/c" >"$STORE/roots/$id/nodes/one/config.json"
	expect_error 'the old state is back' lvm revert "$id" one
	container_is "$id" running
	expect_equal keep "$(lvm exec "$id" cat /keep)"
	expect_equal 0 "$(jumps "$T/$id.out")"
	expect_equal null "$(jq .operation "$STORE/roots/$id/disk.json")"
	lvm delete --force "$id"
	nothing_left
	nothing_stored
}

# Time says little where others use the machine too: the same system calls are made, and few.
sealing_costs_the_same_for_more() {
	local id size calls=()
	command -v strace >/dev/null || skip 'no strace'
	for size in 0 100; do
		id=$(new_id)
		# shellcheck disable=SC2016 # for the shell in the container
		jq --arg size "$size" '.process.args = ["sh", "-c", "i=0; while [ $i -lt $((20 * $1)) ]; do echo >/f$i; i=$((i+1)); done; dd if=/dev/zero of=/big bs=1M count=$1 2>/dev/null", "sh", $size]' \
			"$BASE/config.json" >"$T/much.json"
		lvm run --keep -b "$BASE" -f "$T/much.json" --overlay "$TREE" "$id" </dev/null
		# Leaks are not looked for under a tracer.
		ASAN_OPTIONS=detect_leaks=0 strace -qq -e signal=none -o "$T/trace" "$RUNTIME" --root "$ROOT" --store "$STORE" \
			snapshot create --format json "$id" | jq -r '"sealed in \(.diskMicroseconds) us"'
		calls+=("$(wc -l <"$T/trace")")
		lvm delete "$id"
	done
	echo "system calls: ${calls[*]}"
	[ "${calls[1]}" -le $((calls[0] + 5)) ]
	# The sanitizers make many of their own.
	[[ $RUNTIME == */asan/* ]] || [ "${calls[1]}" -le 150 ]
	nothing_stored
}

names_and_words() {
	local id
	id=$(new_id)
	start_counter "$id"
	expect_error 'invalid name' lvm snapshot create "$id" '../x'
	expect_error 'invalid name' lvm snapshot create "$id" +undo
	lvm snapshot create --disk-only "$id" one
	expect_error 'snapshot one exists' lvm snapshot create "$id" one
	expect_error 'does not exist' lvm revert "$id" none
	expect_error 'does not exist' lvm snapshot delete "$id" none
	expect_error 'does not exist' lvm snapshot list nobody
	expect_error 'too few words' lvm snapshot show "$id"
	expect_error 'none of create' lvm snapshot paint "$id"
	expect_equal "one * (disk)" "$(lvm snapshot list --tree "$id")"
	lvm delete --force "$id"
}

check 'a running one goes on where it was, and goes back: memory and disk of one instant' a_running_one_goes_on_where_it_was_and_back
check 'what is sealed never changes, whatever is open and written to' what_is_sealed_never_changes
check 'processes that exec has started are named; the disk alone can be had' exec_is_refused_by_name
check 'a layer under a living mount is not sealed' a_layer_under_a_living_mount_is_not_sealed
check 'of a stopped one the disk; revert starts it anew if it ran, or is told to' of_a_stopped_one_the_disk
check 'deleting in the middle merges: whiteouts, opaque directories' nodes_in_the_middle_merge
check 'a paused one stays paused' a_paused_one_stays_paused
check 'the root of an engine is copied, its mount found in mountinfo' the_root_of_an_engine_is_copied
check 'what cannot be restored leaves the old state, processes and all' what_cannot_be_restored_leaves_the_old_state
check 'the disk part costs the same with 2000 files and 100 MB as with none' sealing_costs_the_same_for_more
check 'names and words that are wrong' names_and_words
finish
