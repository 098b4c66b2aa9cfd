#!/usr/bin/env bash
# checkpoint --page-server: the memory goes to a server of pages instead of to files; --auto-dedup: it goes once it is read.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

new_bundle memory '.process.args = ["/bin/testkit", "memory", "20"]'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"

said() { [ "$(grep -c . "$1")" -ge "$2" ]; }
run() { # ID
	lvm run -d -b "$BUNDLE" "$1" </dev/null >"$T/out.$1" 2>&1
	wait_for 120 grep -q good "$T/out.$1"
}
load() { # ID IMAGES OPTION…
	local id=$1 images=$2
	shift 2
	lvm restore -d -b "$BUNDLE" --image-path "$images" "$@" "$id" </dev/null >"$T/again.$id" 2>&1 || { cat "$T/again.$id"; return 1; }
	wait_for 120 said "$T/again.$id" 3
	expect_equal good "$(sort -u "$T/again.$id")"
}
KIB() { du -k "$1" | cut -f1; }

memory_goes_to_a_server() {
	local id port=17173
	id=$(new_id)
	run "$id"
	expect_error "log: $T/none.img/dump.log" \
		lvm checkpoint --page-server "127.0.0.1:$port" --image-path "$T/none.img" "$id"
	container_is "$id" running
	mkdir "$T/pages"
	mkfifo "$T/ready"
	exec 9<>"$T/ready"
	"$LVM_RUN_CRIU" page-server --images-dir "$T/pages" --address 127.0.0.1 --port "$port" --status-fd 9 \
		--log-file "$T/server.log" &
	expect_equal 1 "$(timeout 60 head -c 1 <&9 | wc -c)"
	lvm checkpoint --page-server "127.0.0.1:$port" --image-path "$T/$id.img" "$id"
	wait $!
	[ ! -e "$T/$id.img/pages-1.img" ]
	[ "$(KIB "$T/$id.img")" -lt 8000 ]
	[ "$(KIB "$T/pages")" -ge 20000 ]
	# Its server brings them to the rest.
	cp "$T"/pages/page*.img "$T/$id.img/"
	load "$id" "$T/$id.img"
	lvm delete --force "$id"
	nothing_left
}

memory_goes_once_it_is_read() {
	local id before after
	id=$(new_id)
	run "$id"
	lvm checkpoint --image-path "$T/$id.img" "$id"
	before=$(KIB "$T/$id.img/pages-1.img")
	load "$id" "$T/$id.img" --auto-dedup
	after=$(KIB "$T/$id.img/pages-1.img")
	[ "$before" -ge 20000 ]
	[ "$after" -le $((before / 10)) ]
	lvm delete --force "$id"
	expect_error "$T/$id.img/restore.log" \
		lvm restore -d -b "$BUNDLE" --image-path "$T/$id.img" "$id"
	nothing_left
}

# Only where the kernel tracks changed memory, as in the test machine.
memory_that_has_not_changed_is_the_parents() {
	local id before
	"$LVM_RUN_CRIU" check --feature mem_dirty_track >/dev/null 2>&1 ||
		skip 'this kernel does not track changed memory (runs in the test machine)'
	id=$(new_id)
	run "$id"
	lvm checkpoint --pre-dump --image-path "$T/pre.img" "$id"
	container_is "$id" running
	lvm checkpoint --pre-dump --parent-path ../pre.img --image-path "$T/second.img" "$id"
	[ "$(KIB "$T/second.img")" -lt 10000 ]
	before=$(KIB "$T/pre.img/pages-1.img")
	lvm checkpoint -R --parent-path ../second.img --image-path "$T/rest.img" "$id"
	[ "$(KIB "$T/rest.img")" -lt 10000 ]
	[ "$before" -ge 20000 ]
	load "$id-2" "$T/rest.img"
	lvm delete --force "$id-2"
	# What is saved once more is given up in the parents'.
	before=$(du -ck "$T"/{pre,second,rest}.img/pages-1.img | tail -n 1 | cut -f1)
	lvm checkpoint --parent-path ../rest.img --auto-dedup --image-path "$T/last.img" "$id"
	[ "$(du -ck "$T"/{pre,second,rest}.img/pages-1.img | tail -n 1 | cut -f1)" -lt "$before" ]
	load "$id" "$T/last.img"
	lvm delete --force "$id"
	nothing_left
}

check 'memory goes to a page server, and comes from what it wrote' memory_goes_to_a_server
check 'restore --auto-dedup gives up memory once it is read' memory_goes_once_it_is_read
check 'memory that has not changed stays in the parent of a checkpoint' memory_that_has_not_changed_is_the_parents
finish
