#!/usr/bin/env bash
# Terminals: handed to a console socket, carried through by run and exec, and what the container
# sees of them.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

new_bundle main '.process.terminal = true' || exit 1

script() { # SCRIPT [FILTER…]: a configuration that runs it on a terminal, in CONFIG
	local filter=. part
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	for part in "${@:2}"; do filter="$filter | $part"; done
	jq --arg s "$1" ".process.args = [\"sh\", \"-c\", \$s] | $filter" "$BUNDLE/config.json" >"$CONFIG"
}

# play ROWS COLUMNS COMMAND… <PLAY: the command on a terminal; what it says is in $T/said.
play() {
	local status=0
	timeout 30 "$TESTKIT" pty "$@" >"$T/said" 2>"$T/pty.err" || status=$?
	cat "$T/pty.err"
	tr -d '\r' <"$T/said" | sed 's/^/said: /'
	return "$status"
}

run_on_terminal() { ID=$(new_id) && play 24 80 "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID"; }

start_one() {
	ID=$(new_id)
	CONFIG=$T/idle.json
	jq '.process.terminal = false | .process.args = ["sleep", "1000"]' "$BUNDLE/config.json" >"$CONFIG"
	lvm create -b "$BUNDLE" -f "$CONFIG" "$ID"
	lvm start "$ID"
}

# console NAME COMMAND…: what a console socket gets while the command runs, in $T/NAME.
console() {
	local name=$1 receiver status=0
	shift
	timeout 20 "$TESTKIT" console "$T/$name.sock" >"$T/$name" </dev/null &
	receiver=$!
	wait_for 5 test -S "$T/$name.sock"
	"$@" --console-socket "$T/$name.sock" || status=$?
	[ "$status" -ne 0 ] || wait "$receiver"
	return "$status"
}

create_and_start() { # ID, then the option of the console socket
	lvm create -b "$BUNDLE" -f "$CONFIG" "$2" "$3" "$1"
	lvm start "$1"
}

the_console_socket_gets_one_terminal() {
	script 'tty; stty size; echo hello'
	ID=$(new_id)
	console one create_and_start "$ID"
	head -n 1 "$T/one" | grep -E '^bytes [1-9][0-9]* fds 1 tty 1$'
	expect_contains hello "$(cat "$T/one")"
	expect_contains /dev/ "$(sed -n 2p "$T/one")"
}

the_console_has_the_size_of_the_configuration() {
	script 'stty size' '.process.consoleSize = {"height": 33, "width": 44}'
	console size create_and_start "$(new_id)"
	expect_contains '33 44' "$(cat "$T/size")"
}

run_detached_uses_the_console_socket() {
	script 'echo detached'
	detached() { lvm run --detach -b "$BUNDLE" -f "$CONFIG" "$@" "$(new_id)"; }
	console detached detached
	expect_contains detached "$(sed -n 2p "$T/detached")"
}

exec_uses_the_console_socket() {
	start_one
	execute() { lvm exec --detach --tty "$@" "$ID" sh -c 'tty && echo executed'; }
	console exec execute
	expect_contains executed "$(cat "$T/exec")"
	head -n 1 "$T/exec" | grep -E '^bytes [1-9][0-9]* fds 1 tty 1$'
}

a_console_socket_in_the_wrong_place_is_refused() {
	script true
	expect_error 'needs --console-socket' lvm create -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	expect_error 'needs --console-socket' lvm run --detach -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	expect_error '--console-socket: only for a detached' \
		lvm run --console-socket "$T/none" -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	expect_error "socket $T/none: connect" lvm create --console-socket "$T/none" -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	script true '.process.terminal = false'
	expect_error '--console-socket: the configuration asks for no terminal' \
		lvm create --console-socket "$T/none" -b "$BUNDLE" -f "$CONFIG" "$(new_id)"
	start_one
	expect_error 'needs --console-socket' lvm exec -d -t "$ID" true
	lvm delete -f "$ID"
	nothing_left
}

a_long_socket_path_works() {
	local deep=$T
	deep=$T/$(head -c 100 /dev/zero | tr '\0' d)
	mkdir "$deep"
	script 'echo far'
	(cd "$deep" && exec timeout 20 "$TESTKIT" console s) >"$T/far" </dev/null &
	wait_for 5 test -S "$deep/s"
	ID=$(new_id)
	lvm create -b "$BUNDLE" -f "$CONFIG" --console-socket "$deep/s" "$ID"
	lvm start "$ID"
	wait_for 5 grep -q far "$T/far"
}

the_terminal_is_carried_both_ways() {
	script 'read line; echo "got <$line>"; exit 6'
	expect_exit 6 run_on_terminal <<-'END'
		raw
		send typed
		wait got <typed>
		end
	END
	nothing_left
}

raw_mode_is_taken_back() {
	script 'echo up; read line; exit 0'
	run_on_terminal <<-'END'
		wait up
		raw
		send x
		end
		cooked
	END
}

raw_mode_is_taken_back_after_sigkill_inside() {
	script 'echo up; read line; echo "got $line"; exec sleep 1000'
	ID=$(new_id)
	rm -f "$T/said"
	# Not before the play has seen the raw mode.
	(
		wait_for 20 grep -q 'got raw' "$T/said"
		lvm kill "$ID" KILL
	) &
	expect_exit 137 play 24 80 "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID" <<-'END'
		wait up
		raw
		send raw
		end
		cooked
	END
}

raw_mode_is_taken_back_after_sigterm_outside() {
	script 'trap "exit 12" TERM; echo up; while :; do sleep 0.05; done'
	expect_exit 12 run_on_terminal <<-'END'
		wait up
		raw
		signal 15
		end
		cooked
	END
}

raw_mode_is_not_left_by_a_failure() {
	script true '.process.args = ["no-such-program"]'
	expect_exit 1 run_on_terminal <<-'END'
		wait executable file not found
		end
		cooked
	END
	nothing_left
}

sizes_follow_the_window() {
	script 'stty size; trap "stty size" WINCH; trap "exit 7" INT; echo ready; while :; do sleep 0.05; done'
	expect_exit 7 run_on_terminal <<-'END'
		wait 24 80
		wait ready
		resize 50 132
		wait 50 132
		resize 10 20
		wait 10 20
		send \x03
		end
	END
	nothing_left
}

control_c_reaches_the_program() {
	script 'trap "echo interrupted; exit 3" INT; echo up; while :; do sleep 0.05; done'
	expect_exit 3 run_on_terminal <<-'END'
		wait up
		raw
		send \x03
		wait interrupted
		end
	END
}

lines_end_in_line_feeds_alone() {
	script 'echo one; echo two'
	console onlcr create_and_start "$(new_id)"
	expect_equal $'one\ntwo' "$(sed -n '2,3p' "$T/onlcr")"
	expect_no_line $'\r' "$T/onlcr"
	script 'stty -a'
	console stty create_and_start "$(new_id)"
	grep -q -- '-onlcr' "$T/stty"
	start_one
	execute() { lvm exec --detach --tty "$@" "$ID" sh -c 'echo one; echo two'; }
	console execonlcr execute
	expect_no_line $'\r' "$T/execonlcr"
}

the_container_sees_its_terminal() {
	script '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo "all three"; tty
		echo written >/dev/console; echo more >/dev/tty; stat -c "mode %a %t:%T" -L /dev/console
		[ -c "$(tty)" ] && echo device; ls /dev/pts; id -u; stat -L -c "owner %u" "$(tty)"'
	console seen create_and_start "$(new_id)"
	cat "$T/seen"
	for text in 'all three' written more device 'owner 0'; do grep -q "$text" "$T/seen"; done
	grep -qE '^/dev/(console|pts/[0-9]+)$' "$T/seen"
}

the_terminal_belongs_to_the_user() {
	script 'stat -L -c "owner %u" /dev/console; echo hi >/dev/tty && echo ok' '.process.user.uid = 1000'
	console owner create_and_start "$(new_id)"
	cat "$T/owner"
	grep -q 'owner 1000' "$T/owner" && grep -q hi "$T/owner"
}

a_terminal_is_controlling() {
	script 'ps -o pid,tty,comm | tail -n +2; cat /proc/self/stat | cut -d" " -f 5,6,7,8'
	console control create_and_start "$(new_id)"
	cat "$T/control"
	# Group, session, terminal and foreground group: init leads its session, on a terminal.
	tail -n 1 "$T/control" | awk '{exit !($3 != 0)}'
}

exec_carries_a_terminal() {
	start_one
	expect_exit 5 play 30 90 "$RUNTIME" --root "$ROOT" exec -t "$ID" sh -c 'stty size; read x; echo "<$x>"; exit 5' <<-'END'
		wait 30 90
		raw
		send word
		wait <word>
		end
		cooked
	END
	container_is "$ID" running
}

much_output_arrives_whole() {
	script 'seq 1 20000; echo the end'
	console much create_and_start "$(new_id)"
	expect_equal 20002 "$(wc -l <"$T/much")"
	expect_equal 'the end' "$(tail -n 1 "$T/much")"
	script 'seq 1 20000; echo the end'
	run_on_terminal >/dev/null <<-'END'
		wait the end
		end
	END
	expect_equal 20001 "$(grep -c . "$T/said")"
}

a_terminal_with_streams_that_are_none() {
	script 'echo "size $(stty size)"; read x; echo "<$x>"'
	expect_contains '<piped>' "$(echo piped | lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)")"
}

# Nobody reads: the terminal hangs up, as it does for programs everywhere.
a_reader_that_has_gone_ends_the_program() {
	script 'yes; exit 0'
	ID=$(new_id)
	lvm run -b "$BUNDLE" -f "$CONFIG" "$ID" </dev/null 2>"$T/err" > >(head -n 1) &
	local job=$!
	wait_for 10 sh -c "! kill -0 $job" || {
		lvm delete --force "$ID"
		return 1
	}
	nothing_left
}

a_closed_output_is_nowhere() {
	script 'seq 1 50000; exit 4'
	expect_exit 4 timeout 20 "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$(new_id)" </dev/null >&-
}

a_gone_terminal_ends_the_run() {
	script 'sleep 1000'
	ID=$(new_id)
	# The terminal hangs up when its other end goes: the program gets SIGHUP, as everywhere.
	echo 'sleep 300' | timeout 120 "$TESTKIT" pty 24 80 "$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID" &
	wait_for 5 container_is "$ID" running
	kill "$!"
	lvm delete --force "$ID"
}

the_pidfd_socket_gets_the_process() {
	script 'sleep 1000' '.process.terminal = false'
	ID=$(new_id)
	timeout 20 "$TESTKIT" pidfd "$T/pidfd.sock" >"$T/pidfd" &
	wait_for 5 test -S "$T/pidfd.sock"
	lvm create -b "$BUNDLE" -f "$CONFIG" --pidfd-socket "$T/pidfd.sock" "$ID"
	wait "$!"
	expect_equal "$(lvm state "$ID" | jq .pid)" "$(cat "$T/pidfd")"
	# That of exec is the new one's.
	timeout 20 "$TESTKIT" pidfd "$T/exec-pidfd.sock" >"$T/pidfd" &
	wait_for 5 test -S "$T/exec-pidfd.sock"
	lvm exec -d --pid-file "$T/exec.pid" --pidfd-socket "$T/exec-pidfd.sock" "$ID" sleep 1000 >/dev/null 2>&1 </dev/null
	wait "$!"
	expect_equal "$(cat "$T/exec.pid")" "$(cat "$T/pidfd")"
}

check 'the console socket gets one terminal and some bytes' the_console_socket_gets_one_terminal
check 'the console has the size of the configuration' the_console_has_the_size_of_the_configuration
check 'run --detach uses the console socket' run_detached_uses_the_console_socket
check 'exec --detach --tty uses the console socket' exec_uses_the_console_socket
check 'a console socket where none belongs is refused, and a missing one' a_console_socket_in_the_wrong_place_is_refused
check 'a console socket with a long path works' a_long_socket_path_works
check 'run carries a terminal both ways' the_terminal_is_carried_both_ways
check 'raw mode is taken back at the end' raw_mode_is_taken_back
check 'raw mode is taken back when the program is killed' raw_mode_is_taken_back_after_sigkill_inside
check 'raw mode is taken back when run gets SIGTERM' raw_mode_is_taken_back_after_sigterm_outside
check 'a run that fails leaves the terminal as it was' raw_mode_is_not_left_by_a_failure
# A shell with job control starts run in the background; fg brings it to the foreground.
a_run_in_the_background_comes_to_the_foreground() {
	script 'echo up; read line; echo "got $line"; exit 9'
	ID=$(new_id)
	expect_exit 9 play 24 80 env ID="$ID" CONFIG="$CONFIG" bash -c '
		set -m
		"$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID" &
		read -r go
		echo "shell got $go"
		fg >/dev/null' <<-'END'
		wait up
		cooked
		send go
		wait shell got go
		raw
		send x
		wait got x
		end
		cooked
	END
}

a_stopped_run_goes_on() {
	local inside run watcher
	script 'echo up; read line; echo "got $line"; exit 9'
	ID=$(new_id)
	rm -f "$T/said"
	(
		wait_for 20 grep -q up "$T/said"
		inside=$(lvm state "$ID" | jq .pid)
		run=$(ps -o ppid= -p "$inside" | tr -d ' ')
		kill -TSTP "$run"
		wait_for 20 eval '[ "$(ps -o state= -p '"$run"')" = T ]'
		[ "$(ps -o state= -p "$inside")" != T ]
		: >"$T/watched"
	) &
	watcher=$!
	expect_exit 9 play 24 80 env ID="$ID" CONFIG="$CONFIG" WATCHED="$T/watched" bash -c '
		set -m
		"$RUNTIME" --root "$ROOT" run -b "$BUNDLE" -f "$CONFIG" "$ID"
		echo "shell after $?"
		read -r go
		for ((i = 0; i < 3000; i++)); do [ ! -e "$WATCHED" ] || break; sleep 0.02; done
		fg >/dev/null' <<-'END'
		wait up
		wait shell after 147
		cooked
		send go
		raw
		send x
		wait got x
		end
		cooked
	END
	wait "$watcher"
}
check 'a run in the background comes to the foreground, with its input' a_run_in_the_background_comes_to_the_foreground
check 'a stopped run goes on, and its program is not stopped' a_stopped_run_goes_on
check 'the size follows that of the window' sizes_follow_the_window
check 'control-C reaches the program' control_c_reaches_the_program
check 'lines end in a line feed alone' lines_end_in_line_feeds_alone
check 'the container sees its terminal and console' the_container_sees_its_terminal
check 'the terminal belongs to the user of the program' the_terminal_belongs_to_the_user
check 'the terminal is the controlling one' a_terminal_is_controlling
check 'exec -t carries a terminal' exec_carries_a_terminal
check 'much output arrives whole' much_output_arrives_whole
check 'a terminal works where the caller has none' a_terminal_with_streams_that_are_none
# The terminal of the caller is not read (flow control, a slow link) until the program has had its signal.
a_full_output_does_not_block_signals() {
	mkdir "$T/got"
	script 'trap "echo got >/tmp/got/it; kill -KILL \$!; exit 3" TERM; echo begun; head -c 1000000 /dev/zero & wait' \
		'.mounts += [{"destination": "/tmp/got", "type": "bind", "source": "'"$T"'/got", "options": ["bind"]}]'
	steps() {
		printf 'wait begun\nsleep 500\nsignal 15\n'
		wait_for 5 test -s "$T/got/it" || : >"$T/got/nothing"
		printf 'end\n'
	}
	expect_exit 3 run_on_terminal < <(steps)
	[ ! -e "$T/got/nothing" ]
}

check 'output that nobody reads keeps no signal from the program' a_full_output_does_not_block_signals
check 'a program whose reader has gone is hung up on' a_reader_that_has_gone_ends_the_program
check 'output that the caller has closed goes nowhere' a_closed_output_is_nowhere
check 'a caller whose terminal has gone leaves the container to delete' a_gone_terminal_ends_the_run
check 'the pidfd socket gets the process' the_pidfd_socket_gets_the_process
finish
