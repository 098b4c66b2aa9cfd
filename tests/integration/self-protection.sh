#!/usr/bin/env bash
# The runtime's own program is out of a container's reach, whatever runs inside (CVE-2019-5736).
# shellcheck disable=SC2016 # shells in the container expand these
# not for the test machine: nothing of it is missing on another machine
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' '.root.readonly = false' || exit 1
cp "$TESTKIT" "$BUNDLE/rootfs/bin/"
# A copy of its own, so that a success of the attack hurts nobody.
mkdir "$T/bin" && cp "$RUNTIME" "$T/bin/lvm-run" && RUNTIME=$T/bin/lvm-run
hash=$(sha256sum <"$RUNTIME")
inode=$(stat -c '%i %s %Y' "$RUNTIME")

unchanged() {
	expect_equal "$hash" "$(sha256sum <"$RUNTIME")"
	expect_equal "$inode" "$(stat -c '%i %s %Y' "$RUNTIME")"
}

start_one() { # [FILTER]: sets ID
	jq "${1:-.}" "$BUNDLE/config.json" >"$T/one.json"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$T/one.json" "$ID"
	lvm start "$ID"
}

capabilities='.process.capabilities[] += ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]'

a_scanner_opens_nothing_for_writing() {
	local n=0 end
	start_one "$capabilities | .process.args = [\"sh\", \"-c\", \"testkit snoop 100 write >/dev/shm/found; sleep 1000\"]"
	wait_for 20 lvm exec "$ID" grep -q ready /dev/shm/found
	end=$((SECONDS + 6))
	while [ "$n" -lt 100 ] || { [ "$SECONDS" -lt "$end" ] && [ "$n" -lt 300 ]; }; do
		lvm exec "$ID" true
		lvm exec "$ID" /proc/self/exe --version >/dev/null 2>&1 || true
		n=$((n + 2))
	done
	echo "$n execs"
	lvm exec "$ID" touch /dev/shm/enough
	wait_for 20 lvm exec "$ID" grep -q ^looked /dev/shm/found
	lvm exec "$ID" cat /dev/shm/found | sort -u | tail -n 50 >"$T/found"
	cat "$T/found"
	expect_no_line -E '^writable' "$T/found"
	unchanged
}

# The loader of a program that is the runtime itself: what it opens is what executes.
an_entry_point_that_is_the_runtime() {
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/entry"
	chmod 755 "$BUNDLE/rootfs/bin/entry"
	jq '.process.args = ["/bin/entry"]' "$BUNDLE/config.json" >"$T/entry.json"
	lvm run -b "$BUNDLE" -f "$T/entry.json" "$(new_id)" >"$T/out" 2>&1 || true
	jq '.process.args = ["/proc/self/exe", "--version"]' "$BUNDLE/config.json" >"$T/entry.json"
	lvm run -b "$BUNDLE" -f "$T/entry.json" "$(new_id)" >"$T/out" 2>&1 || true
	start_one
	lvm exec "$ID" /bin/entry >"$T/out" 2>&1 || true
	lvm exec "$ID" /proc/self/exe --version >"$T/out" 2>&1 || true
	unchanged
}

a_held_descriptor_writes_nothing_later() {
	# Holds the exe of each process that comes, and tries to write once that has gone.
	start_one "$capabilities"' | .process.args = ["sh", "-c", "
		while :; do for p in /proc/[0-9]*; do
			[ $p = /proc/1 ] || (exec 9<$p/exe; touch /dev/shm/held; sleep 0.05; echo broken >/proc/self/fd/9) 2>/dev/null &
		done; wait; done"]'
	for _ in $(seq 40); do
		lvm exec "$ID" /proc/self/exe >/dev/null 2>&1 || true
		lvm exec "$ID" true
	done
	container_is "$ID" running
	lvm exec "$ID" test -e /dev/shm/held
	lvm delete --force "$ID"
	unchanged
}

init_that_waits_shows_nothing_writable() {
	local pid fd
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID"
	pid=$(lvm state "$ID" | jq .pid)
	# Seen from outside: neither the program of the waiting init nor a descriptor of it is the file on disk.
	[ "$(stat -L -c '%d:%i' "/proc/$pid/exe")" != "$(stat -c '%d:%i' "$RUNTIME")" ] ||
		expect_error '' nsenter -t "$pid" -m -p sh -c ': >/proc/1/exe'
	for fd in "/proc/$pid/fd"/*; do
		[ "$(stat -L -c '%d:%i' "$fd")" != "$(stat -c '%d:%i' "$RUNTIME")" ]
	done
	unchanged
}

the_program_need_not_be_writable_or_readable_twice() {
	chmod 555 "$RUNTIME"
	start_one
	lvm exec "$ID" true
	chmod 755 "$RUNTIME"
	unchanged
}

the_program_can_be_replaced_meanwhile() {
	start_one
	cp "$RUNTIME" "$RUNTIME.new"
	mv "$RUNTIME.new" "$RUNTIME"
	lvm exec "$ID" true
	lvm delete --force "$ID"
}

# A process of ours in the container's sight is one that nobody may look into, from its first moment on.
nobody_looks_into_what_joins() {
	command -v strace >/dev/null || skip 'no strace'
	start_one
	mkdir -p "$BUNDLE/rootfs/mnt/p"
	echo '[{"destination": "/mnt/p", "type": "proc"}]' >"$T/procfs.json"
	local what
	for what in "exec $ID true" "mounts add $ID $T/procfs.json"; do
		# shellcheck disable=SC2086 # words
		ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e signal=none -e trace=prctl,clone3 -o "$T/trace" "$RUNTIME" --root "$ROOT" $what
		grep -E 'clone3|PR_SET_DUMPABLE' "$T/trace" | head -n 2 >"$T/first"
		cat "$T/first"
		expect_contains 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE' "$(sed -n 1p "$T/first")"
		expect_contains 'clone3(' "$(sed -n 2p "$T/first")"
	done
	lvm delete --force "$ID"
}

check 'a scanner inside opens nothing of ours for writing' a_scanner_opens_nothing_for_writing
check 'an entry point that is the runtime itself changes nothing' an_entry_point_that_is_the_runtime
check 'a held descriptor writes nothing later' a_held_descriptor_writes_nothing_later
check 'the init that waits shows nothing writable' init_that_waits_shows_nothing_writable
check 'the program may be read-only' the_program_need_not_be_writable_or_readable_twice
check 'the program may be replaced while containers run' the_program_can_be_replaced_meanwhile
check 'nobody may look into a process that joins' nobody_looks_into_what_joins
finish
