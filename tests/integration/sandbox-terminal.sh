#!/usr/bin/env bash
# sandbox on a terminal: one of its own (-i), job control from outside and from inside, and the caller's as it was.
# shellcheck disable=SC2016 # shells inside expand these
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

# The plays have no paths.
cat >"$T/sandbox" <<-END
	#!/bin/sh
	exec "$RUNTIME" --root "$ROOT" sandbox "\$@"
END
chmod +x "$T/sandbox"
PATH=$T:$PATH

# play COMMAND… <PLAY: the command on a terminal; what it says is in $T/said.
play() {
	local status=0
	PS1='ready> ' TERM=dumb timeout 90 "$TESTKIT" pty 24 80 "$@" >"$T/said" 2>"$T/pty.err" || status=$?
	cat "$T/pty.err"
	tr -d '\r' <"$T/said" | sed 's/^/said: /'
	return "$status"
}
play_in_shell() { play bash --norc --noediting -i; }

own_terminal() {
	expect_exit 6 play sandbox -i -- sh -c 'stty size; test -t 0 && test -t 1 && echo a"ll"; read line; echo "got <$line>"; exit 6' <<-'END'
		wait 24 80
		wait all
		raw
		send typed
		wait got <typed>
		end
	END
}

size_follows() {
	expect_exit 0 play sandbox -i -- sh -c 'trap "stty size; exit 0" WINCH; echo be"gun"; while :; do sleep 0.05; done' <<-'END'
		wait begun
		resize 40 100
		wait 40 100
		end
	END
}

keys_are_signals_inside() {
	expect_exit 130 play sandbox -i -- sh -c 'echo be"gun"; exec sleep 1000' <<-'END'
		wait begun
		raw
		send \x03
		end
	END
}

# The command's stop is ours; what the shell sees is a job as any other.
stop_and_continue() {
	expect_exit 0 play_in_shell <<-'END'
		wait ready>
		cooked
		send sandbox -i -- sh -c 'echo in"side"; read x; stty size; echo "got <$x>"; exit 7'
		wait inside
		raw
		send \x1a
		wait Stopped
		wait ready>
		cooked
		send echo still-"here"
		wait still-here
		resize 33 99
		send fg
		wait sandbox -i
		raw
		send hello
		wait 33 99
		wait got <hello>
		wait ready>
		cooked
		send echo rc-$?
		wait rc-7
		send exit
		end
	END
}

# In the background it runs on, and does not take what is typed for the shell.
background() {
	expect_exit 0 play_in_shell <<-'END'
		wait ready>
		send sandbox -i -- sh -c 'echo in"side"; read x; echo "got <$x>"; read y; echo "then <$y>"'
		wait inside
		raw
		send \x1a
		wait Stopped
		send bg
		wait ready>
		send echo for-the-"shell"
		wait for-the-shell
		cooked
		send fg
		wait sandbox -i
		send one
		wait got <
		send two
		wait then <
		wait ready>
		cooked
		send exit
		end
	END
}

# Without a terminal of its own: Ctrl-Z and Ctrl-C are for the whole job all the same.
shared_terminal() {
	expect_exit 0 play_in_shell <<-'END'
		wait ready>
		send sandbox -- sh -c 'trap "echo con\"\"tinued" CONT; echo in"side"; while :; do sleep 0.05; done'
		wait inside
		send \x1a
		wait Stopped
		wait ready>
		send fg
		wait continued
		send \x03
		wait ready>
		send echo rc-$?
		wait rc-130
		send exit
		end
	END
}

# A command that stops itself where nobody could continue it does not stop the clocks.
stop_without_a_terminal() {
	expect_exit 124 lvm sandbox -T 1 -t 0 -- sh -c 'kill -STOP $$' </dev/null
}

mode_is_taken_back() {
	expect_exit 124 play sandbox -i -T 4 -t 0 -- sh -c 'sleep 1000' <<-'END'
		raw
		end
	END
	expect_exit 143 play sandbox -i -- sh -c 'echo be"gun"; exec sleep 1000' <<-'END'
		wait begun
		raw
		signal 15
		end
	END
	expect_exit 0 play_in_shell <<-'END'
		wait ready>
		send sandbox -i -T 1 -t 0 -- sleep 1000; echo rc-$?
		wait rc-124
		cooked
		send sandbox -i -- no-such-command-anywhere; echo rc-$?
		wait rc-127
		cooked
		send sandbox -i -- sh -c 'kill -9 $$'; echo rc-$?
		wait rc-137
		cooked
		send exit
		end
	END
}

check 'the command has a terminal of its own' own_terminal
check 'its size follows ours' size_follows
check 'keys are signals inside' keys_are_signals_inside
check 'Ctrl-Z stops command and sandbox, and fg continues both' stop_and_continue
check 'in the background it does not take what is typed' background
check 'on a shared terminal Ctrl-Z and Ctrl-C are for the job' shared_terminal
check 'a stop without a terminal stops no clock' stop_without_a_terminal
check 'the terminal is as it was in the end' mode_is_taken_back
check 'nothing is left' nothing_left
finish
