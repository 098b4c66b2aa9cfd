#!/bin/bash
# Memory that is saved only where it has changed: pre-dumps, checkpoints and snapshots that go on from each other. Needs a
# kernel that tracks changed memory.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../../support/criu.sh
. "$TOP/tests/support/criu.sh"

STORE=$T/store
lvm() { "$RUNTIME" --root "$ROOT" --store "$STORE" "$@"; }

# 4 MiB of known pages, which change by a few from each generation to the next.
new_bundle memory '.root.readonly = false' '.process.args = ["/bin/testkit", "pages", "4", "/generation"]'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
cp "$BUNDLE/config.json" "$T/base.json"

said() { grep -qx "good $2" "$T/$1.out"; }
# settles ID GENERATION LINES: so many were written, and all of its processes have come there.
settles() { [ "$(wc -l <"$T/$1.out")" -ge "$3" ] && [ "$(tail -n 6 "$T/$1.out" | sort -u)" = "good $2" ]; }
run() { # ID [OPTION…]
	echo 0 >"$BUNDLE/rootfs/generation"
	lvm run -d -b "$BUNDLE" "${@:2}" "$1" </dev/null >>"$T/$1.out" 2>&1 || { cat "$T/$1.out"; return 1; }
	wait_for 60 said "$1" 0
}
# becomes ID GENERATION: it goes on to it.
becomes() {
	echo "$2" >"$BUNDLE/rootfs/generation"
	wait_for 60 said "$1" "$2"
}
becomes_inside() {
	lvm exec "$1" sh -c "echo $2 >/generation"
	wait_for 60 said "$1" "$2"
}
# is_in ID GENERATION: all of its memory is as it was then.
is_in() {
	wait_for 60 settles "$1" "$2" $(($(wc -l <"$T/$1.out") + 6)) || { tail -n 8 "$T/$1.out"; return 1; }
	expect_equal '' "$(grep -a bad "$T/$1.out" || :)"
}
load() { # ID IMAGES GENERATION OPTION…: as another container, which goes again
	local id=$1-again
	echo "$3" >"$BUNDLE/rootfs/generation"
	: >"$T/$id.out"
	lvm restore -d -b "$BUNDLE" --image-path "$2" "${@:4}" "$id" </dev/null >>"$T/$id.out" 2>&1 || { cat "$T/$id.out"; return 1; }
	is_in "$id" "$3"
	lvm delete --force "$id"
}
memory_of() { find "$@" -name 'pages-*.img' -exec stat -c %s {} + | awk '{ s += $1 } END { print s + 0 }'; }
# Most of it is the parent's, and yet something.
is_small() { expect_between 1 1500000 "$1"; }
# One bit of the largest file of memory.
damage() {
	local file
	file=$(find "$1" -maxdepth 1 -name 'pages-*.img' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
	printf '\377' | dd of="$file" bs=1 seek=1000000 conv=notrunc status=none
}

a_chain_of_pre_dumps() {
	local id before
	id=$(new_id)
	run "$id"
	lvm checkpoint --pre-dump --image-path "$T/c/a" "$id"
	container_is "$id" running
	[ "$(memory_of "$T/c/a")" -ge 4000000 ]
	becomes "$id" 1
	lvm checkpoint --pre-dump --parent-path ../a --image-path "$T/c/b" "$id"
	becomes "$id" 3
	# There is a second process now.
	lvm checkpoint -R --parent-path ../b --image-path "$T/c/c" "$id"
	is_small "$(memory_of "$T/c/b")"
	expect_between 4000000 6000000 "$(memory_of "$T/c/c")"
	becomes "$id" 4
	# What is saved again goes from the parents.
	before=$(du -ck "$T"/c/[abc]/pages-*.img | tail -n 1 | cut -f1)
	lvm checkpoint --parent-path ../c --auto-dedup --image-path "$T/c/d" "$id"
	is_small "$(memory_of "$T/c/d")"
	[ "$(du -ck "$T"/c/[abc]/pages-*.img | tail -n 1 | cut -f1)" -lt "$before" ]
	load "$id" "$T/c/d" 4
	load "$id" "$T/c/d" 4 --lazy-pages
	nothing_left
}

parents_that_will_not_do() {
	local id
	id=$(new_id)
	run "$id"
	lvm checkpoint --pre-dump --image-path "$T/p/a" "$id"
	lvm checkpoint --pre-dump --parent-path ../a --image-path "$T/p/b" "$id"
	dump() { lvm checkpoint --image-path "$T/p/c" --parent-path "$@" "$id"; }
	expect_error 'parent path ../none: No such file' dump ../none
	expect_error 'parent path ../a: memory has been saved again since then' dump ../a
	cp -a "$T/p/b" "$T/p/kept"
	rm "$T/p/b/inventory.img"
	expect_error 'parent path ../b: the image was changed: inventory.img is missing' dump ../b
	rm -r "$T/p/b" && cp -a "$T/p/kept" "$T/p/b"
	mv "$T/p/a" "$T/p/moved"
	expect_error 'parent path ../b: the images that these go on from (parent): No such file' dump ../b
	mv "$T/p/moved" "$T/p/a"
	# One bit of the memory, two parents away.
	damage "$T/p/a"
	expect_error 'parent path ../b: the image was changed: parent/pages-' dump ../b --auto-dedup
	expect_error 'parent path ../b: the image was changed: parent/pages-' dump ../b
	container_is "$id" running
	[ ! -e "$T/p/c" ] || expect_equal dump.log "$(ls -A "$T/p/c")"
	lvm checkpoint --pre-dump --image-path "$T/p/a" "$id"
	lvm checkpoint --parent-path ../a --image-path "$T/p/c" "$id"
	load "$id" "$T/p/c" 0
	damage "$T/p/a"
	expect_error 'the image was changed: parent/pages-' \
		lvm restore -d -b "$BUNDLE" --image-path "$T/p/c" "$id"
	nothing_left
}

# The same process id with another memory.
a_program_that_was_replaced() {
	local id
	id=$(new_id)
	run "$id"
	lvm checkpoint --pre-dump --image-path "$T/x/a" "$id"
	becomes "$id" 6
	expect_error 'a program was replaced (execve) since the parent was saved' \
		lvm checkpoint --parent-path ../a --image-path "$T/x/b" "$id"
	container_is "$id" running
	# CRIU has begun: nothing is known any more.
	expect_error 'what has changed in memory since then is not known' \
		lvm checkpoint --parent-path ../a --image-path "$T/x/b" "$id"
	lvm checkpoint --image-path "$T/x/b" "$id"
	load "$id" "$T/x/b" 6
	nothing_left
}

# --- Snapshots ------------------------------------------------------------------------------------

show() { lvm snapshot show --format json "$1" "$2" | jq -r "$3"; }

live_snapshots_go_on_from_each_other() {
	local id
	id=$(new_id)
	run "$id" --overlay "$BUNDLE/rootfs"
	expect_contains 's1: memory and disk' "$(lvm snapshot create --live "$id")"
	becomes_inside "$id" 1
	expect_contains 's2: disk, and of the memory what has changed' "$(lvm snapshot create --live "$id")"
	becomes_inside "$id" 3
	lvm pause "$id"
	lvm snapshot create --live "$id" s3
	lvm resume "$id"
	becomes_inside "$id" 4
	lvm snapshot create --live "$id" s4
	lvm snapshot list --format json "$id" | jq -c '.[] | [.name, .incremental, .memoryBytes, .memoryBytesTotal]'
	expect_equal 'false true true true' "$(lvm snapshot list --format json "$id" | jq -r '.[].incremental' | xargs)"
	[ "$(show "$id" s1 .memoryBytes)" -ge 4000000 ]
	is_small "$(show "$id" s2 .memoryBytes)"
	[ "$(show "$id" s2 .memoryBytesTotal)" -ge 4000000 ]
	expect_contains 'what has changed;' "$(lvm snapshot show "$id" s2)"
	is_in "$id" 4
	# Each is whole by itself: those that it goes on from may go.
	lvm snapshot delete "$id" s2
	lvm snapshot delete "$id" s1
	expect_equal 's3 s4' "$(lvm snapshot list --format json "$id" | jq -r '.[].name' | xargs)"
	lvm revert "$id" s3
	is_in "$id" 3
	# What was restored is not tracked.
	lvm snapshot create --live "$id" s5
	expect_equal false "$(show "$id" s5 .incremental)"
	: >"$T/$id-clone.out"
	lvm clone --from s4 "$id" "$id-clone" </dev/null >>"$T/$id-clone.out" 2>&1
	is_in "$id-clone" 4
	lvm delete --force "$id-clone"
	lvm template create --from s4 "$id" t4
	lvm delete --force "$id"
	: >"$T/$id-new.out"
	lvm clone --template t4 "$id-new" </dev/null >>"$T/$id-new.out" 2>&1
	is_in "$id-new" 4
	lvm delete --force "$id-new"
	lvm template delete t4
	expect_equal '' "$(find "$STORE" -mindepth 2 | head -n 3)"
	nothing_left
}

what_cannot_be_gone_on_from_is_not() {
	local id
	id=$(new_id)
	run "$id" --overlay "$BUNDLE/rootfs"
	lvm snapshot create --live "$id" s1
	# Somebody else has the kernel begin anew.
	lvm checkpoint --pre-dump --image-path "$T/other" "$id"
	becomes_inside "$id" 1
	lvm snapshot create --live "$id" s2
	expect_equal false "$(show "$id" s2 .incremental)"
	# Its images were damaged: the next has nothing to do with them.
	printf x >>"$STORE/roots/$id/nodes/s2/memory/inventory.img"
	becomes_inside "$id" 2
	lvm snapshot create --live "$id" s3
	expect_equal false "$(show "$id" s3 .incremental)"
	lvm snapshot delete "$id" s2
	becomes_inside "$id" 3
	lvm snapshot create --live "$id" s4
	expect_equal true "$(show "$id" s4 .incremental)"
	# A program was replaced.
	becomes_inside "$id" 6
	lvm snapshot create --live "$id" s5
	expect_equal false "$(show "$id" s5 .incremental)"
	# Changed memory of one is changed memory of all that go on from it.
	damage "$STORE/roots/$id/nodes/s3/memory"
	expect_error 'the image was changed: parent/pages-' lvm revert "$id" s4
	is_in "$id" 6
	lvm revert "$id" s1
	is_in "$id" 0
	lvm delete --force "$id"
	nothing_left
}

in_user_namespace() {
	jq '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings' "$T/base.json" >"$BUNDLE/config.json"
	chown -R 100000:100000 "$BUNDLE/rootfs"
}
in_a_user_namespace() {
	local id
	id=$(new_id)
	in_user_namespace
	run "$id" --overlay "$BUNDLE/rootfs"
	expect_error 'are out of reach' lvm checkpoint --pre-dump --image-path "$T/u/b" "$id"
	lvm snapshot create --live "$id" s1
	becomes_inside "$id" 1
	lvm snapshot create --live "$id" s2
	expect_equal true "$(show "$id" s2 .incremental)"
	becomes_inside "$id" 4
	lvm revert "$id" s2
	is_in "$id" 1
	lvm delete --force "$id"
	nothing_left
}

# Where everybody may call userfaultfd(2).
lazily_in_a_user_namespace() {
	local id
	id=$(new_id)
	in_user_namespace
	run "$id"
	lvm checkpoint --image-path "$T/l" "$id"
	sysctl -qw vm.unprivileged_userfaultfd=1
	load "$id" "$T/l" 0 --lazy-pages
	sysctl -qw vm.unprivileged_userfaultfd=0
	nothing_left
}

check 'two pre-dumps and two checkpoints that go on from each other, with a new process and --auto-dedup' a_chain_of_pre_dumps
check 'a program that was replaced meanwhile' a_program_that_was_replaced
check 'a parent that is missing, changed or not the last one is refused' parents_that_will_not_do
check 'live snapshots save what has changed; revert, clone, template and deletion of those between' live_snapshots_go_on_from_each_other
check 'snapshots that memory is not tracked since, and damaged ones' what_cannot_be_gone_on_from_is_not
check 'the same in a user namespace' in_a_user_namespace
check 'lazy pages in a user namespace' lazily_in_a_user_namespace
finish
