# shellcheck shell=bash
# What a test of the runtime without root begins with, before anything else:
#
#   #!/usr/bin/env bash
#   . "$(dirname "$0")/../support/user.sh"
#
# It includes lib.sh. The whole test then runs in a mount namespace of its own, in which the user
# tester exists: /etc/passwd, group, subuid and subgid are private files there, no user is added to the
# machine, and setuid programs (newuidmap, newgidmap) work as ever.
#
#   as_user COMMAND…       runs COMMAND (a program, no function) as tester, with tester's environment
#                          alone: HOME, PATH, USER, XDG_RUNTIME_DIR, LVM_RUN_HELPER
#   ulvm ARGUMENT…         the program under test as tester, with the default state root
#   user_bundle NAME [JQ-FILTER…]
#                          a bundle like new_bundle's, from `spec --rootless`, which belongs to tester
#   ranges LINE            what subuid and subgid say ('' for nothing), until the next call; one range
#                          at first
#
# Variables: USER_ID, USER_GID, RANGE (first subordinate id), RANGE_SIZE, USER_RUNTIME (a copy of the
# program that tester can reach), USER_HOME, USER_RUN ($XDG_RUNTIME_DIR of tester).
# Skips the whole file where users can make no user namespace, or without newuidmap. Containers of tester
# have their state in $USER_RUN/lvm-run; they end with the test.

# shellcheck disable=SC2034 # variables for the tests
if [ "${LVM_RUN_PRIVATE_VIEW-}" != "$$" ]; then
	[ "$(id -u)" -eq 0 ] || { echo 'SKIP needs root, to become another user'; exit 77; }
	exec unshare --mount --propagation private bash -c 'export LVM_RUN_PRIVATE_VIEW=$$; exec bash "$@"' - "$0" "$@"
fi

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

USER_ID=1017 USER_GID=1018 RANGE=700000 RANGE_SIZE=65536
USER_HOME=$T/home USER_RUN=$T/run USER_RUNTIME=$T/bin/lvm-run
mkdir "$T/bin" "$T/etc" "$USER_HOME" "$USER_RUN"
chown "$USER_ID:$USER_GID" "$USER_HOME" "$USER_RUN"
chmod 700 "$USER_RUN"
# The checkout may lie where tester has no way to.
cp "$RUNTIME" "$TESTKIT" "$T/bin/"
[ ! -x "${RUNTIME%/*}/lvm-run-helper" ] || cp "${RUNTIME%/*}/lvm-run-helper" "$T/bin/"

# The file PATH of the machine with more LINES, in this view alone.
private_file() { # PATH LINES
	local copy=$T/etc/${1##*/}
	[ -e "$1" ] || skip "this machine has no $1 (package uidmap or passwd)"
	{ cat "$1" && printf '%s' "$2"; } >"$copy"
	mount --bind "$copy" "$1"
}
private_file /etc/passwd "tester:x:$USER_ID:$USER_GID:tester:$USER_HOME:/bin/sh"$'\n'
private_file /etc/group "tester:x:$USER_GID:"$'\n'
private_file /etc/subuid ''
private_file /etc/subgid ''

# The bound files themselves are written: new ones in their places would not be seen.
ranges() {
	local line=$1
	[ -z "$line" ] || line=$line$'\n'
	printf '%s' "$line" >/etc/subuid
	printf '%s' "$line" >/etc/subgid
}
ranges "tester:$RANGE:$RANGE_SIZE"

as_user() {
	(cd "$USER_HOME" && exec setpriv --reuid="$USER_ID" --regid="$USER_GID" --clear-groups \
		env -i HOME="$USER_HOME" USER=tester PATH="${USER_PATH-$PATH}" XDG_RUNTIME_DIR="$USER_RUN" \
		LVM_RUN_HELPER="$T/bin/lvm-run-helper" "$@")
}

ulvm() { as_user "$USER_RUNTIME" "$@"; }

user_bundle() {
	BUNDLE=$USER_HOME/$1
	shift
	mkdir "$BUNDLE" && cp -a --reflink=auto "$ROOTFS" "$BUNDLE/rootfs" || return
	chown -R "$USER_ID:$USER_GID" "$BUNDLE" || return
	as_user "$USER_RUNTIME" spec --rootless -b "$BUNDLE" || return
	edit_config '.process.terminal = false' || return
	local filter
	for filter in "$@"; do edit_config "$filter" || return; done
	chmod 644 "$BUNDLE/config.json"
}

user_cleanup() {
	local entry
	for entry in "$USER_RUN"/lvm-run/*; do
		[ ! -d "$entry" ] || ulvm delete --force "${entry##*/}" >/dev/null 2>&1
	done
}
trap 'user_cleanup; lib_cleanup' EXIT

as_user unshare --user true 2>"$T/unshare" || skip "users can make no user namespace here: $(cat "$T/unshare")"
[ -u "$(command -v newuidmap)" ] || skip 'newuidmap is not installed setuid (package uidmap)'
