#!/usr/bin/env bash
# The hostile set once more, attempt by attempt, against bubblewrap started as its manual suggests and against the sandbox: what it
# gets through with. The table of docs/sandbox.md is this one.
# not for the test machine: bubblewrap is not installed there
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/hostile.sh
. "$(dirname "$0")/../support/hostile.sh"

bubblewrap=(timeout 60 bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp
	--bind "$WORK" "$WORK" --chdir "$WORK")
limits=(--pids 64 --memory 64M --swap 0 --disk 16M --max-log 1M)
lvmrun=(timeout 60 "$RUNTIME" --root "$ROOT" sandbox --out result --out fill --out daemon.log)

command -v bwrap >/dev/null || skip 'bubblewrap is not installed'
"${bubblewrap[@]}" true 2>/dev/null || skip 'bubblewrap does not work here'
[ "$(id -u)" = 0 ] || skip 'what files and rights it has differs for users'

# --- The attempts: each gets the box to break out of as its words, and succeeds when it came through ---

call() { # NAME: a system call does what it was asked
	local name=$1
	shift
	"$@" ./hostile calls "$WORK/file" >"$T/answers" 2>/dev/null
	grep -qx "$name ok" "$T/answers"
}
foreign() { [ "$("$@" ./hostile foreign i386 2>/dev/null)" = 'i386 ok' ]; }
terminal() {
	script -qec "$(printf '%q ' "$@") ./hostile calls" /dev/null </dev/null | tr -d '\r' | grep -q 'tiocsti ok$'
}
descriptor() { "$@" sh -c 'cat <&7' 7</etc/hostname 2>/dev/null | grep -q .; }
stdin() {
	echo precious >"$T/input"
	"$@" sh -c 'echo evil >/proc/self/fd/0' <"$T/input" >/dev/null 2>&1
	[ "$(cat "$T/input")" != precious ]
}
directory() { "$@" sh -c 'ls /proc/self/fd/0/' <"$T" 2>/dev/null | grep -q .; }
secrets() { "$@" cat /etc/shadow 2>/dev/null | grep -q .; }
run_directory() { "$@" ls /run 2>/dev/null | grep -q .; }
# The value that it has, so that nothing happens.
settings() { "$@" sh -c 'read -r v </proc/sys/kernel/core_pattern && echo "$v" >/proc/sys/kernel/core_pattern' 2>/dev/null; }
addresses() { "$@" sh -c 'cat /proc/kallsyms' 2>/dev/null | grep -q .; }
first_process() { "$@" sh -c 'cat /proc/1/environ /proc/1/maps' 2>/dev/null | grep -q .; }
forks() { "$@" ./hostile forks 200 >/dev/null 2>&1; }
memory() { "$@" ./hostile memory anon 200 >/dev/null 2>&1; }
disk() {
	rm -f fill
	"$@" sh -c 'head -c 32M /dev/zero >fill' >/dev/null 2>&1
	[ "$(stat -c %s fill 2>/dev/null || echo 0)" -eq $((32 << 20)) ]
}
flood() { [ "$("$@" sh -c 'head -c 4M /dev/zero' 2>/dev/null | wc -c)" -eq $((4 << 20)) ]; }
outputs() {
	rm -rf result
	"$@" ./hostile outputs result >/dev/null 2>&1
	[ -p result/fifo ] || [ -S result/socket ] || [ -L result/link-absolute ]
}
abstract_socket() {
	[ "$("$@" ./hostile connect "beside-$$" 2>/dev/null)" = 'connect ok' ]
}
left_behind() {
	local size
	rm -f daemon.log
	"$@" sh -c './hostile daemon daemon.log; sleep 0.2' >/dev/null 2>&1
	size=$(stat -c %s daemon.log 2>/dev/null || echo 0)
	sleep 0.2
	[ "$(stat -c %s daemon.log 2>/dev/null || echo 0)" -ne "$size" ]
}
interfaces() { [ "$("$@" sh -c 'tail -n +3 /proc/net/dev' 2>/dev/null | grep -vc ' lo:')" -gt 0 ]; }

# What it is, how it is attempted, what becomes of it under bubblewrap (as root, its manual's options).
attempts() {
	cat <<'END'
setuid bits on files|call chmod-setuid|through
a user namespace with all rights in it|call unshare-user|through
a mount|call mount|through
tracing other processes|call ptrace|through
keys of the kernel|call keyctl|through
raw packets of an interface|call socket-packet|through
system calls of i386|foreign|through
input pushed into the caller's terminal|terminal|any
a descriptor that the caller had open|descriptor|through
standard input, open for reading, written to|stdin|through
the host through a directory as standard input|directory|through
passwords and keys of the host|secrets|through
sockets and files in /run|run_directory|through
the kernel's settings written (as root)|settings|through
addresses of the kernel|addresses|any
memory and environment of pid 1|first_process|through
200 processes, where 64 are allowed|forks|through
200 MiB of memory, where 64 are allowed|memory|through
32 MiB of disk, where 16 are allowed|disk|through
4 MiB of output, where 1 is allowed|flood|through
FIFOs, sockets and links out among the outputs|outputs|through
abstract sockets of the host|abstract_socket|held
a daemon that goes on after the end|left_behind|held
interfaces of the host|interfaces|held
END
}

try() { # WORDS... BOX...: prints what became of it
	set +o pipefail # what is cut off by grep -q came through all the same
	if "$@"; then echo through; else echo held; fi
}

beside() { # WHAT HOW EXPECTED
	local what=$1 how expected=$3 theirs ours boxed=("${lvmrun[@]}")
	read -ra how <<<"$2"
	case ${how[0]} in forks | memory | disk | flood) boxed+=("${limits[@]}") ;; esac
	theirs=$(try "${how[@]}" "${bubblewrap[@]}")
	ours=$(try "${how[@]}" "${boxed[@]}" --)
	printf '%s | %s | %s\n' "$what" "$theirs" "$ours"
	[ "$ours" = held ]
	[ "$expected" = any ] || expect_equal "$expected" "$theirs"
}

needs_limits() { "${lvmrun[@]}" "${limits[@]}" -- true 2>"$T/why" || skip "this host cannot enforce limits: $(sed -n 1p "$T/why" | cut -c1-80)"; }

attempt() {
	case $2 in forks | memory) needs_limits ;; esac
	beside "$@" >"$T/row" || { cat "$T/row"; return 1; }
	sed 's/^/# /' "$T/row" >&3
}

./hostile listen "beside-$$" >"$T/listener" &
wait_for 20 grep -q listening "$T/listener" || exit 1
exec 3>&1
echo '# attempt | bubblewrap | lvm-run'
while IFS='|' read -r what how expected; do
	check "$what: lvm-run holds" attempt "$what" "$how" "$expected"
done < <(attempts)
check 'nothing is left' nothing_left
finish
