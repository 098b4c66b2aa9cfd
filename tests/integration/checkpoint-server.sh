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

check 'memory goes to a page server, and comes from what it wrote' memory_goes_to_a_server
check 'restore --auto-dedup gives up memory once it is read' memory_goes_once_it_is_read
finish
