#!/usr/bin/env bash
# What of tests/integration/sandbox-hostile bubblewrap, started as its manual suggests, lets through.
# not for the test machine: bubblewrap is not installed there
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

HOSTILE=$TOP/build/hostile
[ "$HOSTILE" -nt "$TOP/tests/support/hostile.c" ] || make -s -C "$TOP" build/hostile >/dev/null || exit 1
WORK=$T/work
mkdir "$WORK"
cp "$HOSTILE" "$WORK/hostile"
cd "$WORK" || exit 1

answer() { sed -n "s/^$1 //p" "$T/answers"; }

bwrap_lets_through() {
	command -v bwrap >/dev/null || skip 'bubblewrap is not installed'
	bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind "$WORK" "$WORK" \
		--chdir "$WORK" true 2>/dev/null || skip 'bubblewrap does not work here'
	local bwrap=(timeout 60 bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp
		--bind "$WORK" "$WORK" --chdir "$WORK")
	"${bwrap[@]}" ./hostile calls "$WORK/file" >"$T/answers"
	local name through=()
	for name in chmod-setuid fchmod-setgid open-setuid unshare-user clone-user ptrace io-uring keyctl socket-alg; do
		[ "$(answer "$name")" != ok ] || through+=("$name")
	done
	echo "# bubblewrap lets through: ${through[*]}" >&3
	# These it is known to allow wherever it runs; if it stops, this comparison is to be written anew.
	for name in chmod-setuid unshare-user ptrace keyctl; do expect_equal ok "$(answer "$name")"; done
	# A listing of devices and FIFOs is the caller's problem there: they lie in his directory.
	"${bwrap[@]}" ./hostile outputs result
	[ -p "$WORK/result/fifo" ] && [ -S "$WORK/result/socket" ] && [ -L "$WORK/result/link-absolute" ]
}

exec 3>&1
check 'what bubblewrap lets through' bwrap_lets_through
finish
