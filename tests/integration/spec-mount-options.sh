#!/usr/bin/env bash
# Every mount option of the specification, and those of crun that Podman writes: what /proc/self/mountinfo and the
# files themselves say in the container. Sources with mounts below them lie in a mount namespace of this test's own.
# shellcheck disable=SC2016 # shells in the container expand these
if [ -z "${MOUNT_OPTIONS_INSIDE-}" ]; then
	MOUNT_OPTIONS_INSIDE=1 exec unshare -m --propagation private "$0" "$@"
fi
. "$(dirname "$0")/../support/lib.sh"
unset MOUNT_OPTIONS_INSIDE

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1
SRC=$T/src
mkdir -p "$SRC" && mount -t tmpfs src "$SRC" && mkdir "$SRC/sub" && mount -t tmpfs sub "$SRC/sub" || exit 1
echo one >"$SRC/file" && echo two >"$SRC/sub/file" && mknod "$SRC/null" c 1 3 && cp "$ROOTFS/bin/busybox" "$SRC/busybox" || exit 1
ln -s file "$SRC/link"
chmod 755 "$SRC" "$SRC/sub"
trap 'umount -l "$SRC"; lib_cleanup' EXIT

config() { # SCRIPT MOUNTS [FILTER…]: in CONFIG
	local filter=. part
	for part in "${@:3}"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "$1" --argjson m "$2" ".mounts += \$m | .process.args = [\"sh\", \"-c\", \$s] | $filter" \
		"$BUNDLE/config.json" >"$CONFIG"
}
run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

# The options of the mount and of its file system at a place, and the propagation, as mountinfo has them.
look='look() { awk -v p="$1" "\$5 == p { o = \$6; s = \$NF; t = \"\"; for (i = 7; \$i != \"-\"; i++) t = t \" \" \$i } END { sub(/:[0-9]+/, \"\", t); print o t \"|\" s }" /proc/self/mountinfo; }; '

words() { jq -cn '$ARGS.positional' --args -- "$@"; }

tmpfs() { # EXPECTED OPTION…: of the mount
	config "$look look /m" "[{\"destination\": \"/m\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": $(words "${@:2}")}]"
	expect_equal "$1 (${*:2})" "$(run | cut -d'|' -f1) (${*:2})"
}
super() { # EXPECTED OPTION…: a word among the options of the file system
	config "$look look /m" "[{\"destination\": \"/m\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": $(words "${@:2}")}]"
	expect_contains ",$1," ",$(run | cut -d'|' -f2),"
}
bind() { # EXPECTED OPTION…: of a bind mount and, after a blank, of the mount below it
	config "$look look /m; look /m/sub" "[{\"destination\": \"/m\", \"type\": \"none\", \"source\": \"$SRC\", \"options\": $(words "${@:2}")}]"
	expect_equal "$1 (${*:2})" "$(run | cut -d'|' -f1 | xargs) (${*:2})"
}

options_of_a_mount() {
	tmpfs rw,relatime
	tmpfs rw,relatime defaults
	tmpfs ro,relatime ro
	tmpfs rw,relatime ro rw
	tmpfs rw,nosuid,relatime nosuid
	tmpfs rw,relatime nosuid suid
	tmpfs rw,nodev,relatime nodev
	tmpfs rw,relatime nodev dev
	tmpfs rw,noexec,relatime noexec
	tmpfs rw,relatime noexec exec
	tmpfs rw,noatime noatime
	tmpfs rw,relatime noatime atime
	tmpfs rw,nodiratime,relatime nodiratime
	tmpfs rw,relatime nodiratime diratime
	tmpfs rw,relatime relatime
	tmpfs rw,relatime strictatime norelatime
	tmpfs rw strictatime
	tmpfs rw,relatime strictatime nostrictatime
	tmpfs rw,relatime,nosymfollow nosymfollow
	tmpfs rw,relatime nosymfollow symfollow
	tmpfs ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow ro nosuid nodev noexec noatime nodiratime nosymfollow
}

options_without_an_effect_of_their_own() {
	local word
	for word in silent loud iversion noiversion mand nomand async; do tmpfs rw,relatime "$word"; done
}

options_of_the_file_system() {
	super sync sync
	super dirsync dirsync
	super lazytime lazytime
	super rw lazytime nolazytime
	super size=64k size=64k mode=700
	super mode=700 size=64k mode=700
	config true '[{"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["nonsense=1"]}]'
	expect_error nonsense run
}

bind_and_its_words() {
	bind rw,relatime bind
	bind 'rw,relatime rw,relatime' rbind
	bind 'ro,relatime rw,relatime' rbind ro
	bind 'rw,nosuid,nodev,noexec,relatime rw,relatime' rbind nosuid nodev noexec
	bind 'rw,noatime rw,relatime' rbind noatime
	bind 'rw,relatime,nosymfollow rw,relatime' rbind nosymfollow
	# What the source has is kept unless another word is said.
	mount -o remount,bind,nosuid,ro "$SRC/sub"
	bind 'rw,relatime ro,nosuid,relatime' rbind
	mount -o remount,bind,suid,rw "$SRC/sub"
}

recursive_words() {
	bind 'ro,relatime ro,relatime' rbind rro
	bind 'rw,relatime rw,relatime' rbind rro rrw
	bind 'rw,nosuid,relatime rw,nosuid,relatime' rbind rnosuid
	bind 'rw,relatime rw,relatime' rbind rnosuid rsuid
	bind 'rw,nodev,relatime rw,nodev,relatime' rbind rnodev
	bind 'rw,relatime rw,relatime' rbind rnodev rdev
	bind 'rw,noexec,relatime rw,noexec,relatime' rbind rnoexec
	bind 'rw,relatime rw,relatime' rbind rnoexec rexec
	bind 'rw,noatime rw,noatime' rbind rnoatime
	bind 'rw,relatime rw,relatime' rbind rnoatime ratime
	bind 'rw,nodiratime,relatime rw,nodiratime,relatime' rbind rnodiratime
	bind 'rw,relatime rw,relatime' rbind rnodiratime rdiratime
	bind 'rw rw' rbind rstrictatime
	bind 'rw,relatime rw,relatime' rbind rstrictatime rnostrictatime
	bind 'rw,relatime rw,relatime' rbind rrelatime
	bind 'rw,relatime rw,relatime' rbind rstrictatime rnorelatime
	bind 'rw,relatime,nosymfollow rw,relatime,nosymfollow' rbind rnosymfollow
	bind 'rw,relatime rw,relatime' rbind rnosymfollow rsymfollow
	bind 'ro,nosuid,nodev,noexec,noatime ro,nosuid,nodev,noexec,noatime' rbind rro rnosuid rnodev rnoexec rnoatime
	# Taken away from what the source has.
	mount -o remount,bind,nosuid,ro "$SRC/sub"
	bind 'rw,relatime rw,relatime' rbind rrw rsuid
	mount -o remount,bind,suid,rw "$SRC/sub"
}

they_hold() {
	config 'echo x >/m/sub/new' "[{\"destination\": \"/m\", \"source\": \"$SRC\", \"type\": \"bind\", \"options\": [\"rbind\", \"rro\"]}]"
	expect_error 'Read-only file system' run
	config '/m/busybox true' "[{\"destination\": \"/m\", \"source\": \"$SRC\", \"type\": \"bind\", \"options\": [\"bind\", \"noexec\"]}]"
	expect_error 'Permission denied' run
	config 'cat /m/null' "[{\"destination\": \"/m\", \"source\": \"$SRC\", \"type\": \"bind\", \"options\": [\"bind\", \"nodev\"]}]"
	expect_error 'Permission denied' run
	config 'cat /m/link' "[{\"destination\": \"/m\", \"source\": \"$SRC\", \"type\": \"bind\", \"options\": [\"bind\", \"nosymfollow\"]}]"
	expect_error 'Too many levels of symbolic links' run
	config 'cat /m/link' "[{\"destination\": \"/m\", \"source\": \"$SRC\", \"type\": \"bind\", \"options\": [\"bind\"]}]"
	expect_output one run
}

propagation() {
	local word want
	for word in private rprivate; do bind 'rw,relatime rw,relatime' rbind "$word"; done
	for word in shared slave unbindable; do
		want=$word
		[ "$word" != slave ] || want=
		bind "rw,relatime${want:+ $want}" bind "$word"
	done
	bind 'rw,relatime shared rw,relatime shared' rbind rshared
	bind 'rw,relatime unbindable rw,relatime unbindable' rbind runbindable
	bind 'rw,relatime shared rw,relatime' rbind shared
	# A slave has a master only where the source is shared.
	mount --make-rshared "$SRC"
	bind 'rw,relatime master rw,relatime master' rbind rslave
	bind 'rw,relatime rw,relatime' rbind rprivate
	mount --make-rprivate "$SRC"
}

a_mount_is_changed_by_remount() {
	config "$look look /m" "[{\"destination\": \"/m\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"},
		{\"destination\": \"/m\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": [\"remount\", \"ro\", \"nosuid\"]}]"
	expect_equal ro,nosuid,relatime "$(run | cut -d'|' -f1)"
}

a_copy_of_what_is_below() {
	mkdir "$BUNDLE/rootfs/stuff" && echo kept >"$BUNDLE/rootfs/stuff/file" && ln -s file "$BUNDLE/rootfs/stuff/link"
	config 'cat /stuff/file; readlink /stuff/link; echo more >>/stuff/file' '[{"destination": "/stuff", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}]'
	expect_equal 'kept file' "$(run | xargs)"
	expect_equal kept "$(cat "$BUNDLE/rootfs/stuff/file")"
	config 'ls /stuff' '[{"destination": "/stuff", "type": "tmpfs", "source": "tmpfs"}]'
	expect_output '' run
	rm -r "$BUNDLE/rootfs/stuff"
}

links_of_podman() {
	config 'readlink /copied; cat /copied 2>&1' "[{\"destination\": \"/copied\", \"type\": \"bind\", \"source\": \"$SRC/link\", \"options\": [\"bind\", \"copy-symlink\"]}]"
	expect_contains file "$(run || :)"
	rm -f "$BUNDLE/rootfs/copied"
	# A file is bound as ever.
	config 'cat /copied' "[{\"destination\": \"/copied\", \"type\": \"bind\", \"source\": \"$SRC/file\", \"options\": [\"bind\", \"copy-symlink\"]}]"
	expect_output one run
	rm -f "$BUNDLE/rootfs/copied"
	# The link itself, not what it names.
	ln -s nowhere "$BUNDLE/rootfs/place"
	config 'readlink /place' "[{\"destination\": \"/place\", \"type\": \"bind\", \"source\": \"$SRC/link\", \"options\": [\"bind\", \"src-nofollow\", \"dest-nofollow\"]}]"
	expect_output file run
	expect_equal nowhere "$(readlink "$BUNDLE/rootfs/place")"
	rm -f "$BUNDLE/rootfs/place"
}

maps='"uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}], "gidMappings": [{"containerID": 0, "hostID": 2000, "size": 10}]'
user='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
owners() { # OPTIONS-JSON MEMBERS [FILTER…]: owners of the file and of that below
	config 'stat -c %u:%g /m/file /m/sub/file' "[{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"$SRC\", \"options\": $1$2}]" "${@:3}"
	run 2>"$T/err" | xargs || { cat "$T/err" >&2; return 1; }
}

ids_are_mapped() {
	expect_output '0:0 0:0' owners '["rbind"]' ''
	expect_output '1000:2000 0:0' owners '["rbind", "idmap"]' ", $maps"
	expect_output '1000:2000 1000:2000' owners '["rbind", "ridmap"]' ", $maps"
	expect_output '1000:2000 0:0' owners '["rbind", "idmap=uids=0-1000-10;gids=0-2000-10"]' ''
	expect_output '1000:2000 1000:2000' owners '["rbind", "ridmap=uids=0-1000-10;gids=0-2000-10"]' ''
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 755 "$BUNDLE"
	# Without maps of its own: those of the container.
	expect_output '65534:65534 65534:65534' owners '["rbind"]' '' "$user"
	expect_output '0:0 65534:65534' owners '["rbind", "idmap"]' '' "$user"
	expect_output '0:0 0:0' owners '["rbind", "ridmap"]' '' "$user"
	# Relative to them.
	expect_output '7:8 65534:65534' owners '["rbind", "idmap=uids=@0-7-10;gids=@0-8-10"]' '' "$user"
	chown -R 0:0 "$BUNDLE/rootfs"
}

maps_that_do_not_fit() {
	config true "[{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"$SRC\", \"options\": [\"bind\", \"idmap\"]}]"
	expect_error idmap run
	config true "[{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"$SRC\", \"options\": [\"bind\", \"idmap\"], \"uidMappings\": [{\"containerID\": 0, \"hostID\": 1, \"size\": 1}]}]"
	expect_error 'mounts[7].gidMappings: is missing' run
	config true "[{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"$SRC\", \"options\": [\"bind\", \"idmap=uids=x\"]}]"
	expect_error idmap run
	nothing_left
}

relative_destinations() {
	config "$look look /m" '[{"destination": "m", "type": "tmpfs", "source": "tmpfs"}]'
	expect_equal rw,relatime "$(run | cut -d'|' -f1)"
}

features_name_all() {
	lvm features | jq -r '.mountOptions[]' | sort >"$T/known"
	for word in async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion \
		nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave runbindable rw shared \
		silent slave strictatime suid sync unbindable nosymfollow symfollow ratime rdev rdiratime rexec rnoatime rnodiratime rnoexec \
		rnorelatime rnostrictatime rnosuid rnosymfollow rrelatime rro rrw rstrictatime rsuid rsymfollow idmap ridmap mand nomand \
		tmpcopyup rnodev; do
		grep -qxF "$word" "$T/known" || { echo "not in features: $word"; return 1; }
	done
}

an_overlay_is_a_mount_like_others() {
	mkdir -p "$T/lower" "$T/disk"
	mount -t tmpfs disk "$T/disk"
	mkdir "$T/disk/upper" "$T/disk/work"
	echo below >"$T/lower/file"
	config 'cat /m/file; echo above >/m/file; cat /m/file' "[{\"destination\": \"/m\", \"type\": \"overlay\", \"source\": \"overlay\",
		\"options\": [\"lowerdir=$T/lower\", \"upperdir=$T/disk/upper\", \"workdir=$T/disk/work\"]}]"
	expect_equal 'below above' "$(run | xargs)"
	expect_equal 'below above' "$(cat "$T/lower/file" "$T/disk/upper/file" | xargs)"
	umount "$T/disk"
}

check 'options of a mount' options_of_a_mount
check 'an overlay is a mount like others' an_overlay_is_a_mount_like_others
check 'options that today change nothing are taken' options_without_an_effect_of_their_own
check 'options of the file system; unknown words go to it' options_of_the_file_system
check 'bind mounts: options hold for the mount, not for those below' bind_and_its_words
check 'recursive options hold for those below too' recursive_words
check 'what they forbid does not work' they_hold
check 'propagation' propagation
check 'remount changes a mount that is there' a_mount_is_changed_by_remount
check 'tmpcopyup copies what is below' a_copy_of_what_is_below
check 'copy-symlink, src-nofollow, dest-nofollow' links_of_podman
check 'ids are mapped, for one mount or all below, with maps of its own or without' ids_are_mapped
check 'maps that are missing or wrong are errors' maps_that_do_not_fit
check 'a relative destination is below the root' relative_destinations
check 'features name every option' features_name_all
finish
