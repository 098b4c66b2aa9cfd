#!/usr/bin/env bash
# sandbox: what is kept for a later run (--keep), and what bounds what is written (--disk).
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

# Not below /tmp, which sandboxes have of their own.
OUT=$(mktemp -d /var/tmp/lvm-run-test.XXXXXX) || exit 1
trap 'rm -rf "$OUT"; lib_cleanup' EXIT
WORK=$OUT/work
mkdir "$WORK"
cd "$WORK" || exit 1

sandbox() { lvm sandbox "$@"; }

# A directory of the host that has nothing in it, if there is one.
empty_directory() {
	local name
	for name in /srv /media /mnt /opt; do
		[ ! -d "$name" ] || [ -n "$(ls -A "$name")" ] || { echo "$name"; return; }
	done
}

a_later_run_goes_on() {
	local empty
	empty=$(empty_directory)
	echo host >file
	sandbox --keep "$OUT/keep" -- sh -c "echo one >file; echo new >new; rm /etc/hostname; echo v >/var/tmp/v; echo t >/tmp/t
		[ -z '$empty' ] || echo empty >'$empty/kept'"
	expect_equal host "$(cat file)"
	[ ! -e new ] && [ -e /etc/hostname ] && [ ! -e /var/tmp/v ]
	expect_output 'one new v' sandbox --keep "$OUT/keep" -- sh -c 'echo $(cat file new /var/tmp/v)'
	[ -z "$empty" ] || expect_output empty sandbox --keep "$OUT/keep" -- cat "$empty/kept"
	# Deleted stays deleted; what is new for each run is new; and without --keep nothing of it is seen.
	expect_exit 0 sandbox --keep "$OUT/keep" -- sh -c '! test -e /etc/hostname && ! test -e /tmp/t'
	expect_output host sandbox -- cat file
	expect_contains "M $WORK/file" "$(sandbox --keep "$OUT/keep" --diff -- true)"
	sandbox --keep "$OUT/keep" --out new="$OUT/got" -- true
	expect_equal new "$(cat "$OUT/got")"
}

# It cannot be read or written from inside, though it lies in what is shown.
the_directory_is_hidden() {
	mkdir -p -m 700 inside
	sandbox --keep inside -- sh -c 'echo secret >file'
	expect_output '' sandbox --keep inside -- ls -A inside
	expect_exit 0 sandbox --keep inside -- sh -c '! touch inside/x 2>/dev/null'
	expect_output secret sandbox --keep inside -- cat file
}

one_at_a_time() {
	local holder
	mkfifo "$OUT/go"
	sandbox --keep "$OUT/locked" -w "$OUT" -- sh -c "echo >'$OUT/ready'; read x <'$OUT/go'; echo first >file" &
	holder=$!
	wait_for 20 test -e "$OUT/ready"
	expect_exit 125 sandbox --keep "$OUT/locked" -- true 2>"$T/error"
	expect_contains 'another sandbox is using it' "$(cat "$T/error")"
	echo >"$OUT/go"
	wait "$holder"
	expect_output first sandbox --keep "$OUT/locked" -- cat file
}

# The lock is gone no earlier than the last process that writes there.
after_a_kill() {
	local holder
	rm -f "$OUT/ready"
	"$RUNTIME" --root "$ROOT" sandbox --keep "$OUT/killed" -w "$OUT" -- sh -c "echo before >file; echo >'$OUT/ready'; exec sleep 1000" &
	holder=$!
	wait_for 20 test -e "$OUT/ready"
	kill -9 "$holder"
	wait "$holder" || true
	wait_for 20 lvm sandbox --keep "$OUT/killed" -- true
	expect_output before sandbox --keep "$OUT/killed" -- cat file
	lvm list -q | while read -r id; do lvm delete -f "$id"; done
}

others_layers_are_refused() {
	mkdir -p "$OUT/open" "$OUT/a" "$OUT/b"
	chmod 777 "$OUT/open"
	expect_exit 125 sandbox --keep "$OUT/open" -- true 2>"$T/error"
	expect_contains 'others own it or may write to it' "$(cat "$T/error")"
	expect_exit 125 sandbox --keep "$OUT/x" --read-only -- true 2>/dev/null
	expect_exit 125 sandbox --keep "$OUT/no/such" -- true 2>"$T/error"
	expect_contains 'make it: No such file' "$(cat "$T/error")"
	# A layer belongs to what it is over.
	sandbox --keep "$OUT/over" --overlay "$OUT/a" /opt -- sh -c 'echo a >/opt/file'
	expect_output '' sandbox --keep "$OUT/over" --overlay "$OUT/b" /opt -- ls -A /opt
	expect_output file sandbox --keep "$OUT/over" --overlay "$OUT/a" /opt -- ls -A /opt
	# A bound cannot come later.
	expect_exit 125 sandbox --keep "$OUT/over" --disk 16M -- true 2>"$T/error"
	expect_contains 'it was begun without --disk' "$(cat "$T/error")"
	expect_exit 0 sandbox --keep "$OUT/over" --disk 16M --best-effort --report "$T/r" -- true
	expect_equal none "$(jq -r .disk.enforcedBy "$T/r")"
	expect_contains '--disk does not bound' "$(jq -r '.notes[]' "$T/r")"
}

has_loop_devices() { [ -e /dev/loop-control ] && losetup -f >/dev/null 2>&1 && [ -b "$(losetup -f)" ]; }

# An image, where there is no quota: full is full, later runs have the same bound, and what is freed is the host's again.
an_image_bounds_what_is_kept() {
	has_loop_devices || skip 'there are no loop devices'
	expect_exit 1 sandbox --keep "$OUT/image" --disk 24M --report "$T/r" -- \
		sh -c 'echo kept >file; head -c 40M /dev/zero >big' 2>/dev/null
	expect_equal 'disk image' "$(jq -r '"\(.cause) \(.disk.enforcedBy)"' "$T/r")"
	expect_equal "$OUT/image" "$(jq -r .disk.kept "$T/r")"
	expect_exit 1 sandbox --keep "$OUT/image" --report "$T/r" -- sh -c 'head -c 40M /dev/zero >/tmp/big' 2>/dev/null
	expect_equal disk "$(jq -r .cause "$T/r")"
	expect_output kept sandbox --keep "$OUT/image" --disk 24M -- sh -c 'cat file; rm big'
	expect_exit 125 sandbox --keep "$OUT/image" --disk 32M -- true 2>"$T/error"
	expect_contains 'its image has 25165824 bytes' "$(cat "$T/error")"
	[ "$(du -m "$OUT/image/disk.img" | cut -f1)" -lt 20 ]
	expect_equal '' "$(losetup -a | grep -F "$OUT" || true)"
}

# More than half of the memory does not lie in it.
a_large_disk_is_no_memory() {
	has_loop_devices || skip 'there are no loop devices'
	local kib
	kib=$(awk '/^MemTotal/ {print $2}' /proc/meminfo)
	sandbox --disk "$((kib * 2))k" --report "$T/r" -- sh -c 'echo x >large; echo y >/tmp/y'
	expect_equal 'ok image' "$(jq -r '"\(.cause) \(.disk.enforcedBy)"' "$T/r")"
	[ "$(jq .disk.limitBytes "$T/r")" -gt "$((kib * 1024))" ]
	[ ! -e large ]
	sandbox --disk 64M --report "$T/r" -- true
	expect_equal tmpfs "$(jq -r .disk.enforcedBy "$T/r")"
}

# On a file system with project quotas: the directory itself has the bound, and another may be set.
a_quota_bounds_what_is_kept() {
	local disk=$OUT/quota
	has_loop_devices || skip 'there are no loop devices'
	mkdir "$disk"
	truncate -s 128M "$OUT/quota.img"
	mkfs.ext4 -q -O quota,project -E quotatype=prjquota "$OUT/quota.img" || skip 'mkfs.ext4 knows no project quotas'
	mount -o loop,prjquota "$OUT/quota.img" "$disk" 2>/dev/null || skip 'this kernel has no project quotas (CONFIG_QFMT_V2)'
	quota_cases "$disk/keep" || { umount "$disk"; return 1; }
	umount "$disk"
}
quota_cases() {
	expect_exit 1 sandbox --keep "$1" --disk 16M --report "$T/r" -- sh -c 'echo kept >file; head -c 30M /dev/zero >big' 2>/dev/null &&
		expect_equal 'disk quota' "$(jq -r '"\(.cause) \(.disk.enforcedBy)"' "$T/r")" &&
		[ "$(jq .disk.limitBytes "$T/r")" -le 16777216 ] &&
		expect_exit 0 sandbox --keep "$1" --disk 64M -- sh -c 'cat file && head -c 30M /dev/zero >big' &&
		expect_exit 1 sandbox --keep "$1" --report "$T/r" -- sh -c 'head -c 60M /dev/zero >/tmp/more' 2>/dev/null &&
		expect_equal 'disk quota' "$(jq -r '"\(.cause) \(.disk.enforcedBy)"' "$T/r")" &&
		[ ! -e "$1/layers/once" ]
}

for_users() {
	local home=$OUT/user
	command -v setpriv >/dev/null || skip 'setpriv is not there'
	chmod 755 "$OUT"
	mkdir "$home" "$T/run"
	cp "$RUNTIME" "$OUT/lvm-run"
	chown 65534:65534 "$home" "$T/run"
	user() { setpriv --reuid 65534 --regid 65534 --clear-groups env -C "$home" HOME="$home" XDG_RUNTIME_DIR="$T/run" "$@"; }
	user unshare -Urm true 2>/dev/null || skip 'users may not make user namespaces here'
	echo host >"$home/file"
	chown 65534:65534 "$home/file"
	user "$OUT/lvm-run" sandbox --keep keep -- sh -c 'echo mine >file; echo new >new; rm -f gone'
	expect_equal host "$(cat "$home/file")"
	expect_output 'mine new' user "$OUT/lvm-run" sandbox --keep keep -- sh -c 'echo $(cat file new)'
	expect_exit 125 user "$OUT/lvm-run" sandbox --keep bounded --disk 16M -- true 2>"$T/error"
	expect_contains '--disk cannot be enforced here' "$(cat "$T/error")"
	user rm -rf keep
	[ ! -e "$home/keep" ]
}

check 'a later run goes on with what was kept' a_later_run_goes_on
check 'what is kept is hidden from the command' the_directory_is_hidden
check 'one sandbox at a time uses it' one_at_a_time
check 'what was written before a kill is kept' after_a_kill
check 'layers of others, or over others, are refused' others_layers_are_refused
check 'an image bounds what is kept' an_image_bounds_what_is_kept
check 'a disk larger than memory does not lie in it' a_large_disk_is_no_memory
check 'a project quota bounds what is kept' a_quota_bounds_what_is_kept
check 'users keep layers too' for_users
check 'nothing is left' nothing_left
finish
