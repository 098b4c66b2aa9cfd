#!/usr/bin/env bash
# An image may come from anywhere: what its processes may do is no more than what config.json allows, and who has the
# key vouches for it.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/criu.sh"

new_bundle idle '.process.args = ["/bin/testkit", "pause"]' '.process.noNewPrivileges = true'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
IDLE=$BUNDLE
cp "$IDLE/config.json" "$T/config.json"

# A CRIU that does something with the images after they were checked.
cat >"$T/criu" <<SH
#!/bin/sh
[ ! -e "$T/before" ] || . "$T/before"
exec "$LVM_RUN_CRIU" "\$@"
SH
chmod 755 "$T/criu"
export LVM_RUN_CRIU=$T/criu

V2=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
save() { # IMAGES OPTION…: of a container of the bundle
	local id images=$1
	shift
	id=$(new_id)
	lvm run -d -b "$IDLE" "$id" </dev/null >/dev/null 2>&1
	lvm checkpoint "$@" --image-path "$images" "$id"
}
# refused TEXT IMAGES OPTION…: within five seconds, but for a machine that stands still: the next time then.
refused() {
	local text=$1 images=$2 id turn
	shift 2
	for turn in 1 2 3; do
		id=$(new_id)
		SECONDS=0
		expect_error "$text" timeout 60 "$RUNTIME" --root "$ROOT" restore -d -b "$IDLE" --image-path "$images" "$@" "$id"
		[ "$SECONDS" -gt 5 ] || break
	done
	[ "$SECONDS" -le 5 ] || { echo "$SECONDS seconds, the time $turn"; return 1; }
	# A process would keep its group.
	[ ! -e "$V2/lvm-run-$id" ]
	nothing_left
}

capabilities_are_no_more_than_allowed() {
	save "$T/caps.img"
	edit_config '.process.capabilities |= map_values(map(select(. != "CAP_KILL")))'
	refused 'core-1.img has capabilities that config.json does not allow: 0x20' "$T/caps.img"
}

stricter_bundles_are_kept() {
	cp "$T/config.json" "$IDLE/config.json"
	edit_config '.process.noNewPrivileges = false | .process.capabilities |= map_values([])'
	save "$T/loose.img"
	edit_config '.process.noNewPrivileges = true'
	refused 'core-1.img may gain privileges' "$T/loose.img"
	edit_config '.process.noNewPrivileges = false | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		architectures: ["SCMP_ARCH_X86_64"], syscalls: [{names: ["mount"], action: "SCMP_ACT_ERRNO"}]}'
	refused 'core-1.img has no seccomp filter' "$T/loose.img"
	cp "$T/config.json" "$IDLE/config.json"
	edit_config '.process.capabilities |= map_values([])'
	save "$T/root.img"
	edit_config '.process.user = {uid: 1000, gid: 1000}'
	refused 'core-1.img has another user or group' "$T/root.img"
}

what_was_exchanged_under_criu_never_runs() {
	local id pid
	cp "$T/config.json" "$IDLE/config.json"
	save "$T/swap.img"
	cp "$T/swap.img/core-1.img" "$T/core"
	LC_ALL=C sed 's/\x90\x01\x01/\x90\x01\x00/' "$T/core" >"$T/core.evil"
	if cmp -s "$T/core" "$T/core.evil"; then return 1; fi
	echo "cp '$T/core.evil' '$T/swap.img/core-1.img'" >"$T/before"
	refused 'the restored process' "$T/swap.img"
	rm "$T/before"
	cp "$T/core" "$T/swap.img/core-1.img"
	id=$(new_id)
	lvm restore -d -b "$IDLE" --image-path "$T/swap.img" "$id" </dev/null >/dev/null 2>&1
	pid=$(lvm state "$id" | jq .pid)
	expect_contains 'NoNewPrivs:	1' "$(cat "/proc/$pid/status")"
	lvm delete --force "$id"
}

a_key_vouches() {
	local id
	cp "$T/config.json" "$IDLE/config.json"
	head -c 32 /dev/urandom >"$T/key"
	head -c 32 /dev/urandom >"$T/other"
	echo short >"$T/short"
	save "$T/signed.img" --key "$T/key"
	save "$T/plain.img"
	id=$(new_id)
	lvm restore -d -b "$IDLE" --key "$T/key" --image-path "$T/signed.img" "$id" </dev/null >/dev/null 2>&1
	container_is "$id" running
	lvm delete --force "$id"
	refused 'signed with another key' "$T/signed.img" --key "$T/other"
	refused 'the image is not signed' "$T/plain.img" --key "$T/key"
	refused '16 bytes at least' "$T/plain.img" --key "$T/short"
	# One that changed a file and made the manifest anew has no key.
	jq '.id = "other"' "$T/signed.img/lvm-run.json" >"$T/manifest"
	cp "$T/manifest" "$T/signed.img/lvm-run.json"
	refused 'the image was changed' "$T/signed.img" --key "$T/key"
}

files_of_another_image_are_refused() {
	local name
	cp "$T/config.json" "$IDLE/config.json"
	save "$T/a.img"
	save "$T/b.img"
	for name in core-1 mm-1 pagemap-1 pages-1 files; do
		cmp -s "$T/a.img/$name.img" "$T/b.img/$name.img" && continue
		cp -a "$T/a.img" "$T/mixed.img"
		cp "$T/b.img/$name.img" "$T/mixed.img/"
		refused "$name.img is not what was saved" "$T/mixed.img"
		rm -r "$T/mixed.img"
	done
	# With a manifest that fits, bytes that are no image of a process are still none.
	cp -a "$T/a.img" "$T/forged.img"
	head -c 100 /dev/urandom >"$T/forged.img/core-1.img"
	jq --arg sum "$(sha256sum <"$T/forged.img/core-1.img" | cut -d' ' -f1)" \
		'.files |= map(if .name == "core-1.img" then .size = 100 | .sha256 = $sum else . end)' \
		"$T/a.img/lvm-run.json" >"$T/forged.img/lvm-run.json"
	refused 'core-1.img is no image of a process' "$T/forged.img"
}

# Each file of an image, in each way of being broken.
images_that_are_broken_are_refused() {
	local name file
	cp "$T/config.json" "$IDLE/config.json"
	save "$T/whole.img"
	for file in "$T"/whole.img/*.img; do
		name=${file##*/}
		cp -a "$T/whole.img" "$T/broken.img"
		truncate -s $(($(stat -c %s "$file") / 2)) "$T/broken.img/$name"
		refused "$name is not what was saved" "$T/broken.img"
		rm "$T/broken.img/$name"
		refused "$name is missing" "$T/broken.img"
		case $name in pages-*) ;; *)
			cp "$file" "$T/broken.img/"
			printf '\377' | dd of="$T/broken.img/$name" bs=1 seek=$(($(stat -c %s "$file") - 1)) conv=notrunc status=none
			cmp -s "$file" "$T/broken.img/$name" || refused "$name is not what was saved" "$T/broken.img"
			;;
		esac
		rm -r "$T/broken.img"
	done
	cp -a "$T/whole.img" "$T/broken.img"
	for name in 0 1 100 1000; do
		head -c "$name" "$T/whole.img/lvm-run.json" >"$T/broken.img/lvm-run.json"
		refused lvm-run.json "$T/broken.img"
	done
}

# A manifest that fits proves nothing: what then reaches CRIU is an error all the same, and soon.
forged_images_end_in_an_error() {
	local name file
	cp "$T/config.json" "$IDLE/config.json"
	save "$T/genuine.img"
	for file in "$T"/genuine.img/{pstree,mm-1,ids-1,fs-1,files,fdinfo-*,mountpoints-*,pagemap-1,inventory,core-1}.img; do
		name=${file##*/}
		cp -a "$T/genuine.img" "$T/forged.img"
		head -c 200 /dev/urandom >"$T/forged.img/$name"
		jq --arg name "$name" --arg sum "$(sha256sum <"$T/forged.img/$name" | cut -d' ' -f1)" \
			'.files |= map(if .name == $name then .size = 200 | .sha256 = $sum else . end)' \
			"$T/genuine.img/lvm-run.json" >"$T/forged.img/lvm-run.json"
		refused 'restore' "$T/forged.img"
		rm -r "$T/forged.img"
	done
}

# What CRIU alone has written.
images_of_others_are_refused() {
	cp "$T/config.json" "$IDLE/config.json"
	save "$T/foreign.img"
	rm "$T/foreign.img/lvm-run.json"
	refused 'not made by lvm-run checkpoint' "$T/foreign.img"
	mkdir "$T/empty.img"
	refused 'not made by lvm-run checkpoint' "$T/empty.img"
	echo file >"$T/file.img"
	refused 'Not a directory' "$T/file.img"
}

check 'capabilities are no more than config.json allows' capabilities_are_no_more_than_allowed
check 'a stricter bundle refuses what was saved under a looser one' stricter_bundles_are_kept
check 'what was exchanged under CRIU is killed before it runs' what_was_exchanged_under_criu_never_runs
check 'who has the key vouches for an image' a_key_vouches
check 'each file of an image, cut, missing or changed, is refused' images_that_are_broken_are_refused
check 'images of random bytes with a manifest that fits end in an error' forged_images_end_in_an_error
check 'images that are not of lvm-run are refused' images_of_others_are_refused
check 'files of another image, and forged ones, are refused within five seconds' files_of_another_image_are_refused
finish
