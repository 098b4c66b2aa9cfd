#!/usr/bin/env bash
# sandbox: warm starts from a template, with a real CRIU: the same state each time, as confined as a cold start, nothing left.
# not for the test machine: nothing of it is missing on another machine
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"
# shellcheck source=tests/support/criu.sh
. "$(dirname "$0")/../support/criu.sh"
command -v python3 >/dev/null || skip 'no python3'

HOSTILE=$TOP/build/hostile
[ "$HOSTILE" -nt "$TOP/tests/support/hostile.c" ] || make -s -C "$TOP" build/hostile >/dev/null || exit 1
[ -x "$TOP/build/lvm-run-init" ] || make -s -C "$TOP" build/lvm-run-init >/dev/null || exit 1
export LVM_RUN_INIT=$TOP/build/lvm-run-init
WORK=$T/work
mkdir "$WORK"
cp "$HOSTILE" "$WORK/hostile"
cd "$WORK" || exit 1

store() { timeout 120 "$RUNTIME" --root "$ROOT" --store "$T/store" "$@"; }
sandbox() { store sandbox --report "$T/report" "$@"; }
warm() { sandbox --template warm "$@"; }
ask() { warm -- python3 client.py "$@"; }
is() { local filter; for filter; do jq -e "$filter" "$T/report" >/dev/null || { echo "not $filter:"; cat "$T/report"; return 1; }; done; }

# Under a name that no process of another test has. Warm is who knows this number, which none has a second time.
DAEMON=daemon-${T##*.}.py
cat >"$DAEMON" <<'PY'
import os, socket, sys, time
time.sleep(2)
number, count = os.urandom(8).hex(), 0
server = socket.socket(socket.AF_UNIX)
server.bind("/run/warm")
server.listen(8)
with open("/var/tmp/saved", "w") as file:
    file.write(number)
if os.fork():
    sys.exit(0)
os.setsid()
unlinked = open("/var/tmp/unlinked", "w+")
os.unlink("/var/tmp/unlinked")
unlinked.write("still there")
unlinked.flush()
listener = socket.create_server(("127.0.0.1", 7000))
one = socket.create_connection(("127.0.0.1", 7000))
other = listener.accept()[0]

def answer(what, path, fds):
    if what == "count":
        return "%s %d" % (number, count)
    if what == "unlinked":
        unlinked.seek(0)
        return unlinked.read()
    if what == "tcp":
        one.sendall(b"through")
        return other.recv(100).decode()
    if what == "read":
        return open(path).read()
    if what == "write":
        open(path, "a").write("daemon\n")
        return "written"
    if what == "steal":
        os.write(os.open("/proc/self/fd/%d" % fds[0], os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK), b"stolen\n")
        return "stolen"

os.close(os.open("/run/up", os.O_CREAT))
while True:
    client = server.accept()[0]
    text, fds, _, _ = socket.recv_fds(client, 1000, 1)
    what, _, path = text.decode().partition(" ")
    count += 1
    try:
        reply = answer(what, path, fds)
    except OSError as error:
        reply = os.strerror(error.errno)
    client.sendall(reply.encode())
    client.close()
PY
cat >client.py <<'PY'
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect("/run/warm")
text = " ".join(sys.argv[1:])
socket.send_fds(server, [text.encode()], [0] if text == "steal" else [])
while True:
    data = server.recv(65536)
    if not data:
        break
    sys.stdout.write(data.decode())
PY

# What all but the first sub-tests start from.
sandbox --save-template warm -- sh -c "python3 $DAEMON; until test -e /run/up; do sleep 0.05; done; cat /var/tmp/saved" >"$T/number" || { cat "$T/report"; echo 'no template was saved'; exit 1; }
NUMBER=$(cat "$T/number")

# No process, mount, group or record of a run that has ended is left.
gone() {
	local id
	id=$(jq -r .id "$T/report")
	wait_for 10 no_process
	nothing_left
	expect_equal '' "$(grep -F "$ROOT" /proc/self/mountinfo || :)"
	expect_equal '' "$(find /sys/fs/cgroup -name "*$id*" 2>/dev/null || :)"
}
no_process() { ! pgrep -f "$DAEMON" >/dev/null; }

the_daemon_answers_at_once() {
	[ "${#NUMBER}" -eq 16 ]
	expect_output "$NUMBER 1" ask count
	is '.cause == "ok"' '.template.name == "warm"' '.template.restoreMicroseconds > 0' '.command == ["python3", "client.py", "count"]'
	gone
	sandbox -- true
	is 'has("template") | not'
}

each_start_sees_the_same() {
	for _ in 1 2; do
		expect_output "$NUMBER 1$NUMBER 2" warm -- sh -c 'python3 client.py count; python3 client.py count; echo changed >/var/tmp/saved; echo new >file'
		expect_output "$NUMBER" warm -- sh -c 'cat /var/tmp/saved; ! test -e file'
	done
	expect_output 'still there' ask unlinked
	expect_output through ask tcp
	# Outputs and changes are those of a cold start.
	warm --out /var/tmp/new="$T/new" --diff -- sh -c 'echo kept >/var/tmp/new; echo x >file' >"$T/diff"
	expect_equal kept "$(cat "$T/new")"
	expect_contains "A $WORK/file" "$(cat "$T/diff")"
	[ ! -e file ]
}

two_at_once() {
	local first
	store sandbox --template warm -- sh -c 'python3 client.py count; echo; read -r x; python3 client.py count' <"$T/go" >"$T/one" &
	first=$!
	exec 9>"$T/go"
	wait_for 20 grep -q "$NUMBER 1" "$T/one"
	expect_output "$NUMBER 1" ask count
	echo >&9
	exec 9>&-
	wait "$first"
	expect_contains "$NUMBER 2" "$(cat "$T/one")"
	gone
}
mkfifo "$T/go"

ends_as_a_cold_start_does() {
	expect_exit 7 warm -- sh -c 'exit 7'
	is '.cause == "exit"'
	expect_exit 127 warm -- no-such-command
	expect_exit 124 warm -T 1 -t 0 -- sleep 1000
	is '.cause == "timeout"'
	gone
	expect_exit 124 warm --max-silent 1 -- sleep 1000
	is '.cause == "silent"'
	warm --max-log 1000 -- yes >"$T/out" 2>&1 || :
	is '.cause == "log"'
	gone
}

# The host enforces this limit at all; else the case has its place in the test machine.
needs_limit() {
	sandbox "$@" -- true 2>"$T/why" || skip "this host cannot enforce $1: $(sed -n 1p "$T/why" | cut -c1-80)"
}
limits_are_those_of_the_run() {
	needs_limit --pids 12 --memory 100M --swap 0
	expect_exit 1 warm --pids 12 -- ./hostile forks 40
	is '.cause == "pids"' '.pids.limit == 12'
	warm --memory 100M --swap 0 -- python3 -c 'bytearray(400 << 20)' || :
	is '.cause == "oom"'
	gone
}

a_kill_takes_all_of_it() {
	local run pid
	"$RUNTIME" --root "$ROOT" --store "$T/store" sandbox --template warm -- sh -c 'echo up; exec sleep 1000' >"$T/up" &
	run=$!
	wait_for 20 grep -q up "$T/up"
	pid=$(lvm list --format json | jq '.[0].pid')
	[ -d "/proc/$pid" ]
	kill -9 "$run"
	wait "$run" || :
	wait_for 20 sh -c "! test -e /proc/$pid || grep -q '^State:.[ZX]' /proc/$pid/status"
	wait_for 20 sh -c "'$RUNTIME' --root '$ROOT' gc; test -z \"\$('$RUNTIME' --root '$ROOT' list -q)\""
	nothing_left
}

rights() { grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups)'; }
the_command_is_as_confined() {
	local try='grep -E "^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups)" /proc/self/status; cat /etc/shadow | wc -c; cat /proc/1/status 2>/dev/null | wc -c
		mount -t tmpfs none /mnt 2>&1 | head -n 1; touch /dev/made /usr/made 2>&1; ls /sys; cat /proc/self/net/dev | wc -l; kill -9 1 2>&1; ulimit -c; umask; ls /proc/self/fd | wc -l; ./hostile calls'
	sandbox -- sh -c "$try" >"$T/cold" 2>"$T/cold.err"
	warm -- sh -c "$try" >"$T/warm" 2>"$T/warm.err"
	expect_equal "$(cat "$T/cold")" "$(cat "$T/warm")"
	expect_equal "$(cat "$T/cold.err")" "$(cat "$T/warm.err")"
	grep -q 'Seccomp:.2' "$T/warm"
	is '.protections.seccomp == "build"' '.protections.noCapabilities' '.protections.noNewPrivileges'
}

the_daemon_is_confined() {
	ask read /proc/self/status | rights >"$T/daemon"
	sandbox -- cat /proc/self/status | rights >"$T/cold"
	expect_equal "$(cat "$T/cold")" "$(cat "$T/daemon")"
	expect_output '' ask read /etc/shadow
	expect_output 'Read-only file system' ask write /proc/sys/kernel/hostname
	expect_output 'No such file or directory' ask read "$T/store/templates/warm/disk.json"
	echo mine >mine
	expect_output written ask write "$WORK/mine"
	expect_equal mine "$(cat mine)"
}

the_callers_files_stay_out() {
	printf 'first\nsecond\n' >"$T/input"
	expect_output "$(printf 'first\nsecond')" warm -- cat <"$T/input"
	expect_output 2 warm -- wc -l < <(cat "$T/input")
	# The daemon has no Landlock that would keep it from opening for writing what it gets open for reading.
	warm -- python3 client.py steal <"$T/input" || :
	expect_equal "$(printf 'first\nsecond')" "$(cat "$T/input")"
	warm -- sh -c 'echo said; readlink /proc/self/fd/1' >"$T/out"
	grep -q '^pipe:' "$T/out"
}

changed_images_are_refused() {
	local memory=$T/store/templates/warm/nodes/state/memory image
	cp -a "$memory" "$T/memory"
	for image in core-1.img pages-1.img; do
		printf x | dd of="$memory/$image" bs=1 seek=100 conv=notrunc status=none
		expect_exit 125 warm -- touch ran 2>"$T/error"
		expect_contains 'the image was changed' "$(cat "$T/error")"
		is '.cause == "setup"'
		cp -a "$T/memory/$image" "$memory/$image"
		gone
	done
	expect_output "$NUMBER 1" ask count
}

what_does_not_fit_is_named() {
	local option
	for option in '--hostname other' '--tmpfs /srv' '--hide /etc/hosts' "--bind $T $T"; do
		# shellcheck disable=SC2086
		expect_error "it was not saved with ${option}" warm $option -- true
	done
	expect_error 'it was not saved with --show-secrets' warm --show-secrets -- true
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$T/profile"
	expect_error '--seccomp: the template was saved with other system calls' warm --seccomp "$T/profile" -- true
	expect_error "discarded $WORK" warm --chdir / -- true
	for option in --read-only --share-net '--net-allow 192.0.2.1' --allow-userns --audit "--learn $T/l" --interactive --reproducible "--keep $T/keep"; do
		# shellcheck disable=SC2086
		expect_error "option ${option%% *}: not with --template" warm $option -- true
		# shellcheck disable=SC2086
		expect_error "option ${option%% *}: not with --save-template" sandbox --save-template other $option -- true
	done
	expect_error 'option --out: not with --save-template' sandbox --save-template other --out x -- true
	expect_error 'option --template: template nowhere does not exist' sandbox --template nowhere -- true
	install -d -o 65534 "$T/nobody"
	expect_error 'needs root' setpriv --reuid 65534 --clear-groups "$RUNTIME" --root "$T/nobody" sandbox --template warm -- true
}

options_of_both_fit() {
	mkdir -p shown
	sandbox -w "$WORK/shown" --hide /etc/hosts --hostname warmer --save-template options -- sh -c 'sleep 1000 & echo saved >shown/file'
	expect_equal saved "$(cat shown/file)"
	sandbox -w "$WORK/shown" --hide /etc/hosts --hostname warmer --template options -- sh -c 'cat /etc/hosts; cat /proc/sys/kernel/hostname; echo started >shown/file' >"$T/out"
	expect_equal warmer "$(cat "$T/out")"
	expect_equal started "$(cat shown/file)"
	store template delete options
}

# They are there before the command, and see it come.
hostile_daemons_hold_nobody_up() {
	cat >stopper.py <<-'PY'
		import os, signal
		if os.fork():
		    os._exit(0)
		os.setsid()
		while True:
		    for pid in range(2, 60):
		        try:
		            if pid != os.getpid():
		                os.kill(pid, signal.SIGSTOP)
		        except OSError:
		            pass
	PY
	sandbox --save-template stopper -- python3 stopper.py
	local status
	for _ in 1 2 3; do
		status=0
		timeout -s KILL 100 "$RUNTIME" --root "$ROOT" --store "$T/store" sandbox --report "$T/report" --template stopper -T 1 -t 0 -- true 2>"$T/error" || status=$?
		# In time, stopped on the way, stopped while it ran.
		case $status in
		0) is '.cause == "ok"' ;;
		124) is '.cause == "timeout"' ;;
		125) expect_contains 'its processes keep the command from starting' "$(cat "$T/error")" ;;
		*) echo "status $status" && return 1 ;;
		esac
		gone
	done
	store template delete stopper
}

templates_are_whole_or_none() {
	expect_exit 3 sandbox --save-template half -- sh -c 'sleep 1000 & exit 3' 2>"$T/error"
	expect_contains 'template half was not saved' "$(cat "$T/error")"
	is '.cause == "exit"' '.status == 3'
	expect_exit 124 sandbox --save-template half -T 1 -t 0 -- sleep 1000
	[ ! -e "$T/store/templates/half" ]
	expect_error 'template warm exists' sandbox --save-template warm -- true
	expect_output warm sh -c "'$RUNTIME' --store '$T/store' template list --format json | jq -r '.[].name'"
	store template list --format json | jq -e '.[0].command | startswith("sh -c ")'
	store template list | grep -q '^warm  *sandbox  *2.*  sh -c '
	expect_error "is a sandbox's" store clone --template warm new
	gone
	store template delete warm
	expect_error 'does not exist' warm -- true
}

check 'a daemon that took two seconds to warm up answers from the template' the_daemon_answers_at_once
check 'each start sees the same state, and leaves what it should' each_start_sees_the_same
check 'two run at once and do not meet' two_at_once
check 'it ends, and is judged, as a cold start' ends_as_a_cold_start_does
check 'limits are those of the run' limits_are_those_of_the_run
check 'a kill takes all of it along' a_kill_takes_all_of_it
check 'the command is as confined as in a cold start' the_command_is_as_confined
check 'the daemon is as confined as in a cold start, but for Landlock' the_daemon_is_confined
check "the caller's files are not handed in" the_callers_files_stay_out
check 'changed images are refused' changed_images_are_refused
check 'what does not fit the template is named' what_does_not_fit_is_named
check 'with the same options it fits' options_of_both_fit
check 'hostile daemons hold nobody up' hostile_daemons_hold_nobody_up
check 'a template is whole or not there' templates_are_whole_or_none
finish
