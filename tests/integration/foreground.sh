#!/usr/bin/env bash
# run and exec as callers see them: exit statuses, signals, streams, descriptors, pid files, working
# directories, executables that are none, and files of the image that are no files.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.args = ["sleep", "1000"]' || exit 1

config() { # FILTER…: a configuration beside config.json, in CONFIG
	local filter=. part
	for part in "$@"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "$filter" "$BUNDLE/config.json" >"$CONFIG"
}

run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$@"; }

run_sh() { # SCRIPT [RUN-OPTION…]
	local script=$1
	shift
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq --arg s "$script" '.process.args = ["sh", "-c", $s]' "$BUNDLE/config.json" >"$CONFIG"
	run "$@" "$(new_id)"
}

# Sets ID: a running container for exec.
start_one() {
	ID=$(new_id)
	lvm create -b "$BUNDLE" "$ID"
	lvm start "$ID"
}

statuses_of_run() {
	expect_exit 0 run_sh 'exit 0'
	expect_exit 3 run_sh 'exit 3'
	expect_exit 255 run_sh 'exit 255'
	config '.process.args = ["true"]'
	expect_exit 0 run "$(new_id)"
	nothing_left
}

statuses_of_signals() {
	local signal
	new_bundle signal '.process.args = ["sleep", "1000"]'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/"
	# Init ignores what it does not handle: the signal comes from outside its namespace.
	config '.process.args = ["testkit", "pause"] | .linux.namespaces -= [{"type": "pid"}]'
	for signal in 9 15 10; do
		ID=$(new_id)
		run "$ID" & local job=$!
		wait_for 5 program_is "$ID" testkit
		lvm kill "$ID" "$signal"
		expect_exit $((128 + signal)) wait "$job"
	done
	start_one
	expect_exit 137 lvm exec "$ID" sh -c 'kill -9 $$'
	expect_exit 143 lvm exec "$ID" sh -c 'kill -TERM $$'
}

statuses_of_exec() {
	start_one
	expect_exit 0 lvm exec "$ID" true
	expect_exit 1 lvm exec "$ID" false
	expect_exit 42 lvm exec "$ID" sh -c 'exit 42'
}

signals_reach_the_program() {
	local signal job
	new_bundle forward '.root.readonly = false'
	for signal in TERM INT HUP USR1 USR2 QUIT CONT; do
		rm -f "$BUNDLE/rootfs/tmp/up"
		# A job of a shell without job control ignores INT and QUIT; its program must not.
		(
			jq --arg s "trap 'exit 50' $signal; touch /tmp/up; while :; do sleep 0.05; done" \
				'.process.args = ["sh", "-c", $s]' "$BUNDLE/config.json" >"$T/forward.json"
			exec env --default-signal "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$T/forward.json" "$(new_id)"
		) &
		job=$!
		wait_for 5 test -e "$BUNDLE/rootfs/tmp/up"
		kill -s "$signal" "$job"
		expect_exit 50 wait "$job"
	done
	nothing_left
}

signals_reach_the_program_of_exec() {
	local job
	new_bundle forwardexec '.root.readonly = false' '.process.args = ["sleep", "1000"]'
	start_one
	lvm exec "$ID" true
	"$RUNTIME" --root "$ROOT" exec "$ID" sh -c "trap 'exit 51' TERM; touch /tmp/up; while :; do sleep 0.05; done" &
	job=$!
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/up"
	kill "$job"
	expect_exit 51 wait "$job"
	container_is "$ID" running
}

streams_are_pipes() {
	local big=$T/big
	head -c 3000000 /dev/urandom >"$big"
	config '.process.args = ["cat"]'
	run "$(new_id)" <"$big" >"$T/copy"
	cmp "$T/copy" "$big"
	dd if="$big" bs=64k status=none | run "$(new_id)" | cmp - "$big"
	start_one
	dd if="$big" bs=64k status=none | lvm exec "$ID" cat | cmp - "$big"
	expect_equal 'out' "$(run_sh 'echo out; echo err >&2' 2>"$T/err")"
	expect_equal 'err' "$(cat "$T/err")"
}

a_reader_that_goes_ends_the_writer() {
	expect_equal y "$(run_sh 'yes; exit 0' 2>/dev/null | head -n 1)"
	nothing_left
}

closed_streams_harm_nothing() {
	expect_exit 0 run_sh 'true' <&- >&- 2>&-
	expect_exit 9 run_sh 'exit 9' <&-
	expect_exit 0 run_sh 'true' >&-
	start_one
	expect_exit 7 lvm exec "$ID" sh -c 'exit 7' <&- >&- 2>&-
	lvm delete -f "$ID" <&- >&- 2>&-
	nothing_left
}

detach_returns_at_once() {
	ID=$(new_id)
	lvm run -b "$BUNDLE" --detach --pid-file "$T/detached.pid" "$ID"
	container_is "$ID" running
	expect_equal "$(lvm state "$ID" | jq .pid)" "$(cat "$T/detached.pid")"
	# Whoever reaps orphans has it now, nobody of ours.
	[ "$(awk '/^PPid/ {print $2}' "/proc/$(cat "$T/detached.pid")/status")" -ne 0 ]
}

keep_leaves_it_stopped() {
	ID=$(new_id)
	config '.process.args = ["sh", "-c", "exit 4"]'
	expect_exit 4 run --keep "$ID"
	container_is "$ID" stopped
	lvm delete "$ID"
	nothing_left
}

has_words() { [ "$(tr '\0' ' ' <"/proc/$2/cmdline")" = "$1" ]; }

pid_files_have_no_newline() {
	ID=$(new_id)
	(cd "$T" && lvm create -b "$BUNDLE" --pid-file relative.pid "$ID")
	expect_equal "$(lvm state "$ID" | jq .pid)" "$(cat "$T/relative.pid")"
	expect_equal 0 "$(wc -l <"$T/relative.pid")"
	lvm start "$ID"
	echo 'something old and longer than a pid' >"$T/exec.pid"
	lvm exec --detach --pid-file "$T/exec.pid" "$ID" sleep 500
	expect_equal 0 "$(wc -l <"$T/exec.pid")"
	# The kernel lets go of who waits for the start before the words are there.
	wait_for 20 has_words 'sleep 500 ' "$(cat "$T/exec.pid")"
	expect_equal '' "$(find "$T" -maxdepth 1 -name '.*pid*')"
}

# What engines look for in the texts: 127 for one, 126 for the other.
not_found='executable file not found in|no such file or directory|open executable'
denied='permission denied|operation not permitted'

fails_like() { # STATUS 126|127 COMMAND…: its text means that status to an engine
	local status=$1 meaning=$2 got
	shift 2
	got=$(expect_exit "$status" "$@" 2>&1 >/dev/null) || { echo "$got"; return 1; }
	expect_equal 1 "$(wc -l <<<"$got")"
	# Engines look for "denied" first.
	if grep -qiE "$denied" <<<"$got"; then got="126: $got"; elif grep -qiE "$not_found" <<<"$got"; then got="127: $got"; fi
	expect_contains "$meaning: " "$got"
	echo "$got" >"$T/text"
}

programs_that_cannot_run() {
	new_bundle programs
	mkdir "$BUNDLE/rootfs/bin/folder"
	echo '#!/bin/sh' >"$BUNDLE/rootfs/bin/plain"
	chmod 644 "$BUNDLE/rootfs/bin/plain"
	mkfifo -m 755 "$BUNDLE/rootfs/bin/fifo"
	printf '#!/no/such/shell\n' >"$BUNDLE/rootfs/bin/interpreter"
	chmod 755 "$BUNDLE/rootfs/bin/interpreter"
	while IFS='|' read -r word meaning text; do
		CONFIG=$T/programs.json
		jq --arg w "$word" '.process.args = [$w, "x"]' "$BUNDLE/config.json" >"$CONFIG"
		fails_like 1 "$meaning" lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
		expect_contains "$text" "$(cat "$T/text")"
	done <<-'END'
		nothing|127|executable file not found in $PATH: "nothing": No such file or directory
		|127|executable file not found in $PATH: "": No such file or directory
		/bin/nothing|127|open executable "/bin/nothing": No such file or directory
		/bin/true/x|127|open executable "/bin/true/x": Not a directory
		/bin/folder|126|the path "/bin/folder" is not a regular file: Operation not permitted
		/bin/fifo|126|the path "/bin/fifo" is not a regular file: Operation not permitted
		/bin/plain|126|open executable "/bin/plain": Permission denied
		plain|126|open executable "plain": Permission denied
		/bin/interpreter|127|open executable "/bin/interpreter": No such file or directory
	END
	nothing_left
	jq '.process.args = ["sleep", "1000"]' "$BUNDLE/config.json" >"$T/c" && mv "$T/c" "$BUNDLE/config.json"
	start_one
	fails_like 255 127 lvm exec "$ID" nothing
	fails_like 255 127 lvm exec "$ID" /bin/nothing
	fails_like 255 126 lvm exec "$ID" /bin/folder
	expect_contains 'the path "/bin/folder" is not a regular file' "$(cat "$T/text")"
	fails_like 255 126 lvm exec "$ID" /bin/plain
	expect_exit 255 lvm exec --detach --pid-file "$T/never" "$ID" nothing 2>/dev/null
	[ ! -e "$T/never" ]
	container_is "$ID" running
}

the_path_of_the_configuration_finds_programs() {
	new_bundle path '.process.env = ["PATH=/special:/bin"]'
	mkdir "$BUNDLE/rootfs/special"
	printf '#!/bin/sh\necho special\n' >"$BUNDLE/rootfs/special/tool"
	chmod 755 "$BUNDLE/rootfs/special/tool"
	config '.process.args = ["tool"]'
	expect_output special run "$(new_id)"
	config '.process.args = ["tool"] | .process.env = ["PATH=/bin"]'
	expect_error 'executable file not found in $PATH' run "$(new_id)"
	config '.process.args = ["true"] | .process.env = []'
	run "$(new_id)"
}

working_directories() {
	new_bundle cwd '.root.readonly = false'
	config '.process.args = ["pwd"] | .process.cwd = "/home"'
	expect_output /home run "$(new_id)"
	config '.process.args = ["pwd"] | .process.cwd = "/made/by/create"'
	expect_output /made/by/create run "$(new_id)"
	[ -d "$BUNDLE/rootfs/made/by/create" ]
	config '.process.cwd = "/etc/passwd"'
	expect_error 'working directory "/etc/passwd": Not a directory' run "$(new_id)"
	config '.process.cwd = "relative"'
	expect_error process.cwd run "$(new_id)"
	config '.process.args = ["pwd"] | .process.cwd = "/made/new" | .root.readonly = true'
	expect_output /made/new run "$(new_id)"
	ln -s /home "$BUNDLE/rootfs/link"
	config '.process.cwd = "/link" | .process.args = ["/bin/pwd", "-P"]'
	expect_output /home run "$(new_id)"
	nothing_left
}

cwd_of_exec() {
	start_one
	expect_output /home lvm exec --cwd /home "$ID" pwd
	expect_output / lvm exec "$ID" pwd
	expect_error 'working directory "/etc/passwd"' lvm exec --cwd /etc/passwd "$ID" pwd
	expect_error 'process.cwd' lvm exec --cwd relative "$ID" pwd
}

# A caller that leaks descriptors of the host, of directories and files, from 3 to 64.
leaky() {
	local fd
	(
		for fd in $(seq 3 64); do
			case $((fd % 3)) in 0) eval "exec $fd</" ;; 1) eval "exec $fd</etc" ;; 2) eval "exec $fd</bin/sh" ;; esac
		done
		exec "$@"
	)
}

leaked_descriptors_lead_nowhere() {
	local n out
	new_bundle leak '.root.readonly = false' '.process.args = ["sleep", "1000"]'
	for n in $(seq 3 64); do
		jq --arg c "/proc/self/fd/$n" '.process.cwd = $c | .process.args = ["ls"]' "$BUNDLE/config.json" >"$T/leak.json"
		if out=$(leaky "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$T/leak.json" "leak-$n" 2>"$T/err"); then
			echo "cwd $n: $out"
			return 1
		fi
		expect_contains 'working directory' "$(cat "$T/err")"
	done
	for n in $(seq 3 64); do
		jq --arg a "/proc/self/fd/$n/bin/sh" '.process.args = [$a, "-c", "echo escaped"]' "$BUNDLE/config.json" >"$T/leak.json"
		if out=$(leaky "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$T/leak.json" "leak-$n" 2>/dev/null); then
			echo "args[0] $n: $out"
			return 1
		fi
	done
	nothing_left
}

leaked_descriptors_of_exec_lead_nowhere() {
	local n out
	start_one
	for n in $(seq 3 64); do
		if out=$(leaky "$RUNTIME" --root "$ROOT" exec --cwd "/proc/self/fd/$n" "$ID" ls 2>/dev/null); then
			echo "cwd $n: $out"
			return 1
		fi
		if out=$(leaky "$RUNTIME" --root "$ROOT" exec "$ID" "/proc/self/fd/$n/bin/sh" -c true 2>/dev/null) ||
			out=$(leaky "$RUNTIME" --root "$ROOT" exec "$ID" "/proc/self/fd/$n" -c true 2>/dev/null); then
			echo "args[0] $n: $out"
			return 1
		fi
	done
	# A link in the image that leads there, too.
	new_bundle leaklink '.process.args = ["sleep", "1000"]'
	ln -s /proc/self/fd/9 "$BUNDLE/rootfs/nine"
	start_one
	expect_error 'working directory' leaky "$RUNTIME" --root "$ROOT" exec --cwd /nine "$ID" ls
}

leaked_descriptors_are_not_seen() {
	local seen
	# The one that ls itself opens is the third.
	CONFIG=$T/fds.json
	jq '.process.args = ["ls", "/proc/self/fd"]' "$BUNDLE/config.json" >"$CONFIG"
	expect_equal '0 1 2 3' "$(leaky "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$(new_id)" | xargs)"
	ID=$(new_id)
	leaky "$RUNTIME" --root "$ROOT" create -b "$BUNDLE" "$ID" >/dev/null
	# Already the init that waits holds nothing of the caller's.
	seen=$(find "/proc/$(lvm state "$ID" | jq .pid)/fd" -lname '/bin/*' -o -lname /etc -o -lname /usr/bin/dash -o -lname /)
	expect_equal '' "$seen"
	leaky "$RUNTIME" --root "$ROOT" start "$ID"
	expect_equal '0 1 2 3' "$(leaky "$RUNTIME" --root "$ROOT" exec "$ID" ls /proc/self/fd | xargs)"
	expect_equal '0 1 2' "$(lvm exec "$ID" ls /proc/1/fd | xargs)"
}

# The runtime without what this test itself has inherited.
bare() {
	local fd
	(
		for fd in $(seq 3 64); do eval "exec $fd<&-"; done
		exec "$RUNTIME" --root "$ROOT" "$@"
	)
}

preserved_descriptors_are_passed() {
	echo three >"$T/three"
	echo five >"$T/five"
	config '.process.args = ["sh", "-c", "cat <&3; cat <&5; ls /proc/self/fd | xargs"]'
	# ls takes the hole at 4 for its own.
	expect_equal $'three\nfive\n0 1 2 3 4 5' \
		"$(exec 3<"$T/three" 4<&- 5<"$T/five" 6</etc; run --preserve-fds 3 "$(new_id)")"
	start_one
	expect_equal three "$(exec 3<"$T/three" 4</etc; lvm exec --preserve-fds=1 "$ID" sh -c 'cat <&3; cat <&4' 2>/dev/null || true)"
	expect_equal '0 1 2 3' "$(bare exec --preserve-fds 20 "$ID" ls /proc/self/fd | xargs)"
}

holes_are_not_filled_by_ours() {
	# A hole must not become a descriptor of the runtime's own.
	config '.process.args = ["sh", "-c", "for f in 3 4 5 6 7 8 9 10 11 12; do [ ! -e /proc/$$/fd/$f ] || readlink /proc/$$/fd/$f; done"]'
	expect_output '' bare run -b "$BUNDLE" -f "$CONFIG" --preserve-fds 10 "$(new_id)"
	ID=$(new_id)
	bare create -b "$BUNDLE" -f "$CONFIG" --preserve-fds 10 "$ID" >"$T/holes" 2>&1
	lvm start "$ID"
	wait_for 5 container_is "$ID" stopped
	expect_equal '' "$(cat "$T/holes")"
}

listening_descriptors_are_handed_on() {
	echo three >"$T/three"
	echo four >"$T/four"
	config '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $$; cat <&3; cat <&4"]'
	expect_equal $'1 1 1\nthree\nfour' \
		"$(exec 3<"$T/three" 4<"$T/four"; LISTEN_FDS=1 run --preserve-fds 1 "$(new_id)")"
	expect_equal ' 1' "$(config '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $$"]'; LISTEN_FDS=0 run "$(new_id)" | sed 's/^/ /')"
}

home_comes_from_passwd() {
	config '.process.args = ["sh", "-c", "echo $HOME"]'
	expect_output /root run "$(new_id)"
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.user.uid = 1000'
	expect_output /home run "$(new_id)"
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.user.uid = 4711'
	expect_output / run "$(new_id)"
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.env += ["HOME=/mine"]'
	expect_output /mine run "$(new_id)"
	start_one
	expect_output /home lvm exec -u 1000 "$ID" sh -c 'echo $HOME'
}

# within_two_seconds COMMAND…: whatever its result, it comes in time; or else the next time, where the machine stood still.
within_two_seconds() {
	local begin status took turn
	for turn in 1 2 3; do
		begin=${EPOCHREALTIME/./} status=0
		timeout -k 1 10 "$@" >"$T/odd.out" 2>"$T/odd.err" || status=$?
		took=$(((${EPOCHREALTIME/./} - begin) / 1000))
		echo "the time $turn: status $status after $took ms: $*"
		[ "$took" -ge "${WITHIN_MS:-2000}" ] || break
	done
	[ "$status" -ne 124 ] && [ "$status" -ne 137 ] && [ "$took" -lt "${WITHIN_MS:-2000}" ]
}

odd_files_do_not_stop_it() {
	local file odd
	new_bundle odd '.process.args = ["true"]' \
		'.mounts += [{"destination": "/etc/hosts", "type": "bind", "source": "/etc/hostname", "options": ["bind", "ro"]}]'
	for file in etc/passwd etc/group etc/hosts bin/true; do
		for odd in fifo sparse zero loop folder socket device; do
			cp -a "$BUNDLE/rootfs/$file" "$T/kept"
			rm "$BUNDLE/rootfs/$file"
			case $odd in
			fifo) mkfifo "$BUNDLE/rootfs/$file" ;;
			sparse) truncate -s 1T "$BUNDLE/rootfs/$file" && chmod 755 "$BUNDLE/rootfs/$file" ;;
			zero) ln -s /dev/zero "$BUNDLE/rootfs/$file" ;;
			loop) ln -s "/$file" "$BUNDLE/rootfs/$file" ;;
			folder) mkdir "$BUNDLE/rootfs/$file" ;;
			socket) mkdir -p "$T/sock" && ln -sf /proc/kmsg "$BUNDLE/rootfs/$file" ;;
			device) mknod "$BUNDLE/rootfs/$file" c 5 1 ;;
			esac
			echo "$file as $odd"
			within_two_seconds "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" "$(new_id)"
			rm -r "${BUNDLE:?}/rootfs/$file"
			cp -a "$T/kept" "$BUNDLE/rootfs/$file"
		done
	done
	nothing_left
}

odd_files_do_not_stop_exec() {
	new_bundle oddexec '.process.args = ["sleep", "1000"]'
	start_one
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	within_two_seconds "$RUNTIME" --root "$ROOT" exec "$ID" true
	expect_output / lvm exec "$ID" sh -c 'echo $HOME'
	rm "$BUNDLE/rootfs/etc/passwd"
	head -c 20000000 /dev/zero | tr '\0' x >"$BUNDLE/rootfs/etc/passwd"
	within_two_seconds "$RUNTIME" --root "$ROOT" exec "$ID" true
}

the_caller_reaps_it() {
	# The process is a child of whoever called create and reaps its orphans.
	ID=$(new_id)
	config '.process.args = ["sh", "-c", "exit 33"]'
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	local parent
	parent=$(awk '/^PPid/ {print $2}' "/proc/$(lvm state "$ID" | jq .pid)/status")
	[ "$(tr '\0' '\n' <"/proc/$parent/cmdline" | head -n 1)" != "$RUNTIME" ]
	lvm start "$ID"
}

the_runtime_dies_alone() {
	local job
	ID=$(new_id)
	config '.process.args = ["sleep", "1000"]'
	"$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID" &
	job=$!
	wait_for 5 program_is "$ID" sleep
	kill -9 "$job"
	wait "$job" || true
	container_is "$ID" running
	lvm delete --force "$ID"
	nothing_left
}

check 'run exits with the status of the program' statuses_of_run
check 'a program that a signal ended gives 128 and its number' statuses_of_signals
check 'exec exits with the status of the program' statuses_of_exec
check 'run passes signals on' signals_reach_the_program
check 'exec passes signals on' signals_reach_the_program_of_exec
check 'streams are those of the caller, byte for byte' streams_are_pipes
check 'a program whose reader has gone ends' a_reader_that_goes_ends_the_writer
check 'closed standard streams harm nothing' closed_streams_harm_nothing
check 'run --detach returns once the program runs' detach_returns_at_once
check 'run --keep leaves the stopped container' keep_leaves_it_stopped
check 'pid files hold the bare number' pid_files_have_no_newline
check 'a program that cannot run fails with the texts that engines know' programs_that_cannot_run
check 'programs are found by the PATH of the configuration' the_path_of_the_configuration_finds_programs
check 'a missing working directory is made, a wrong one refused' working_directories
check 'exec takes a working directory' cwd_of_exec
check 'leaked descriptors lead run nowhere' leaked_descriptors_lead_nowhere
check 'leaked descriptors lead exec nowhere' leaked_descriptors_of_exec_lead_nowhere
check 'leaked descriptors are not seen inside' leaked_descriptors_are_not_seen
check 'descriptors that are asked for are passed on' preserved_descriptors_are_passed
check 'holes among passed descriptors stay holes' holes_are_not_filled_by_ours
check 'LISTEN_FDS is handed on with LISTEN_PID 1' listening_descriptors_are_handed_on
check 'HOME comes from the passwd file of the image' home_comes_from_passwd
check 'odd things in the place of files never make run wait' odd_files_do_not_stop_it
check 'odd things in the place of files never make exec wait' odd_files_do_not_stop_exec
check 'the process belongs to the caller of create' the_caller_reaps_it
check 'a killed foreground run leaves the container to delete' the_runtime_dies_alone
finish
