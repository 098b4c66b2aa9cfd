#!/usr/bin/env bash
# sandbox: what a command sees, what it leaves, how it ends.
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

WORK=$T/work
mkdir "$WORK"
cd "$WORK" || exit 1

sandbox() { lvm sandbox "$@"; }

exit_status_is_the_commands() {
	expect_exit 0 sandbox -- true
	expect_exit 3 sandbox -- sh -c 'exit 3'
	expect_exit 137 sandbox -- sh -c 'kill -9 $$'
	expect_exit 127 sandbox -- no-such-command-anywhere
	expect_exit 126 sandbox -- /etc
	expect_exit 125 sandbox --chdir /proc/1 -- true
	expect_exit 125 sandbox --memory nonsense -- true
}

nobody_is_let_in() {
	local id
	sandbox -- sleep 60 &
	wait_for 10 sh -c "'$RUNTIME' --root '$ROOT' list -q | grep -q ."
	id=$(lvm list -q)
	wait_for 10 sh -c "'$RUNTIME' --root '$ROOT' state '$id' | grep -q '\"running\"'"
	expect_exit 255 lvm exec "$id" true 2>"$T/error"
	cat "$T/error"
	grep -F 'a sandbox lets nobody in' "$T/error"
	lvm kill "$id" KILL
	wait
}

writes_are_discarded() {
	echo before >"$WORK/file"
	mkdir -p "$WORK/dir"
	sandbox -- sh -c 'echo after >file; echo new >dir/new; rm -f /etc/passwd; echo x >/usr/sandbox-was-here'
	expect_equal before "$(cat "$WORK/file")"
	[ ! -e "$WORK/dir/new" ]
	[ -e /etc/passwd ]
	[ ! -e /usr/sandbox-was-here ]
}

writable_paths_stay() {
	mkdir -p "$WORK/out"
	sandbox --bind "$WORK/out" /result -w "$WORK/out" -- sh -c "echo a >/result/a; echo b >$WORK/out/b"
	expect_equal a "$(cat "$WORK/out/a")"
	expect_equal b "$(cat "$WORK/out/b")"
}

read_only_paths_hold() {
	mkdir -p "$WORK/ro"
	expect_exit 0 sandbox --ro-bind "$WORK/ro" /input -- sh -c '! touch /input/x 2>/dev/null'
	expect_exit 0 sandbox --read-only -- sh -c '! touch /usr/x 2>/dev/null'
}

tmp_is_private() {
	: >"$T/tmp-marker"
	expect_output '' sandbox --chdir / -- sh -c 'ls /tmp'
	expect_output '' sandbox --tmpfs "$WORK" --chdir / -- ls "$WORK"
}

no_rights() {
	local status
	status=$(sandbox -- cat /proc/self/status)
	expect_equal 0000000000000000 "$(sed -n 's/^CapEff:\t//p' <<<"$status")"
	expect_equal 0000000000000000 "$(sed -n 's/^CapBnd:\t//p' <<<"$status")"
	expect_equal 1 "$(sed -n 's/^NoNewPrivs:\t//p' <<<"$status")"
	expect_equal 2 "$(sed -n 's/^Seccomp:\t//p' <<<"$status")"
}

# Each kind is another namespace than ours.
namespaces_are_new() {
	local kind
	for kind in user pid mnt net ipc uts cgroup time; do
		[ "$(readlink "/proc/self/ns/$kind")" != "$(sandbox -- readlink "/proc/self/ns/$kind")" ]
	done
}

only_loopback() {
	expect_output lo: sandbox -- sh -c "awk 'NR > 2 {print \$1}' /proc/net/dev"
}

pid_one_is_ours_and_unseen() {
	expect_exit 1 sandbox -- test -e /proc/1
	expect_output 2 sandbox -- sh -c 'echo $$'
}

# systemd mounts one there everywhere; it covers nothing that a new /proc would show again.
a_mount_of_the_kernels_kind_leaves_proc_alone() {
	local point=/proc/sys/fs/binfmt_misc
	[ -d "$point" ] || skip 'this kernel has no binfmt_misc'
	expect_exit 1 unshare -m --propagation private sh -c 'mountpoint -q "$1" || mount -t tmpfs tmpfs "$1" || exit 9
		exec "$2" --root "$3" sandbox -- test -e /proc/1' sh "$point" "$RUNTIME" "$ROOT"
}

orphans_are_reaped() {
	expect_exit 0 sandbox -T 60 -- sh -c '(sleep 0.1 &) ; sleep 0.3; while ps -o stat= -e | grep -q Z; do sleep 0.1; done'
}

what_is_left_running_ends() {
	sandbox -w "$WORK" -- sh -c "(while :; do echo x >>$WORK/alive; sleep 0.02; done) & until [ -s $WORK/alive ]; do sleep 0.02; done"
	local size
	size=$(stat -c %s "$WORK/alive")
	sleep 0.1
	expect_equal "$size" "$(stat -c %s "$WORK/alive")"
}

# Also when it is killed at once: nothing of the sandbox goes on, nothing is mounted.
ends_with_its_parent() {
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" -- sh -c "while :; do echo x >>$WORK/orphan; sleep 0.02; done" &
	wait_for 5 test -s "$WORK/orphan"
	kill -9 $!
	wait $! || true
	# It is killed with its parent, which does not say when it is dead.
	stands_still() { local size && size=$(stat -c %s "$WORK/orphan") && sleep 0.2 && expect_equal "$size" "$(stat -c %s "$WORK/orphan")"; }
	wait_for 5 stands_still
}

# gc takes those whose lvm-run was killed, and no other.
killed_ones_are_collected() {
	local id killed
	lvm gc # of the tests before this
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" -- sh -c "echo x >$WORK/first; exec sleep 100" &
	killed=$!
	wait_for 20 test -s "$WORK/first"
	id=$(lvm list -q)
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" -- sh -c "echo x >$WORK/second; exec sleep 100" &
	wait_for 20 test -s "$WORK/second"
	expect_output '' lvm gc
	# Its program has ended, but lvm-run has it in hand: it stands still, so that this lasts.
	kill -STOP $!
	lvm kill "$(lvm list -q | grep -vx "$id")" KILL
	wait_for 20 sh -c "'$RUNTIME' --root '$ROOT' list | grep -q stopped"
	expect_output '' lvm gc
	kill -CONT $!
	wait $! || true
	kill -9 "$killed"
	wait "$killed" || true
	wait_for 20 container_is "$id" stopped
	expect_contains "$id" "$(lvm gc)"
	expect_output '' lvm list -q
}

secrets_are_hidden() {
	export HOME=$T/home
	mkdir -p "$HOME/.ssh" "$HOME/.aws" "$HOME/.config/gcloud" "$HOME/project"
	echo key >"$HOME/.ssh/id_ed25519"
	echo key >"$HOME/.aws/credentials"
	echo key >"$HOME/.netrc"
	cd "$HOME/project"
	# The home is below /tmp here, which is private: it is shown on purpose.
	expect_output '' sandbox --overlay "$HOME" "$HOME" --hide "$HOME/.ssh" --hide "$HOME/.aws" --hide "$HOME/.netrc" -- \
		sh -c 'cat ~/.ssh/* ~/.aws/* ~/.netrc 2>/dev/null; :'
	expect_exit 0 sandbox -- sh -c '! cat /etc/shadow 2>/dev/null | grep -q .'
	lvm sandbox --print-config -- true >"$T/config.json"
	jq -e --arg p "$HOME/.ssh" '.linux.maskedPaths | index($p) != null' "$T/config.json" >/dev/null
	lvm sandbox --show-secrets --print-config -- true >"$T/config.json"
	jq -e --arg p "$HOME/.ssh" '.linux.maskedPaths | index($p) == null' "$T/config.json" >/dev/null
}

# Root of a single id cannot enter what others keep to themselves: the directory there is covered as a whole. What covers is ours.
unreachable_secrets_are_hidden() {
	expect_output $'1000\n1000' unshare -m --propagation private sh -c 'mount -t tmpfs tmpfs /home || exit
		mkdir -p -m 700 /home/open/.ssh /home/shut/.local && mkdir -p /home/shut/.local/share/containers || exit
		chown -R 12345:12345 /home/open /home/shut && chmod 755 /home/open /home/shut || exit
		exec "$1" --root "$2" sandbox --reproducible --chdir / -- stat -c %u /home/open/.ssh /home/shut/.local' sh "$RUNTIME" "$ROOT"
}

environment_is_harmless() {
	expect_exit 0 env AWS_SECRET_ACCESS_KEY=x SSH_AUTH_SOCK=/x LANG=C.UTF-8 "$RUNTIME" --root "$ROOT" sandbox -- \
		sh -c '[ -z "${AWS_SECRET_ACCESS_KEY-}${SSH_AUTH_SOCK-}" ] && [ "$LANG" = C.UTF-8 ]'
	expect_output 'one two' env ONE=one "$RUNTIME" --root "$ROOT" sandbox --env ONE --env TWO=two -- \
		sh -c 'echo $ONE $TWO'
	expect_output x env SECRET=x "$RUNTIME" --root "$ROOT" sandbox --keep-env -- sh -c 'echo $SECRET'
}

time_is_up() {
	expect_exit 124 sandbox -T 0.2s -t 0 -- sleep 20
	expect_exit 124 sandbox --timeout 200ms --grace 200ms --report "$T/r" -- sh -c 'trap "" TERM; while :; do sleep 0.05; done'
	expect_equal timeout "$(jq -r .cause "$T/r")"
	expect_exit 124 sandbox --max-silent 200ms -t 0 --report "$T/r" -- sh -c 'while :; do sleep 0.05; done'
	expect_equal silent "$(jq -r .cause "$T/r")"
	expect_exit 0 sandbox --max-silent 10s -- sh -c 'for i in 1 2 3 4 5; do echo $i; sleep 0.05; done'
}

output_is_limited() {
	expect_exit 137 sandbox --max-log 100k --report "$T/r" -- sh -c 'while :; do echo flood; done' >"$T/log"
	expect_equal log "$(jq -r .cause "$T/r")"
	[ "$(stat -c %s "$T/log")" -lt 300000 ]
	expect_output hello sandbox --max-log 1k -- echo hello
}

disk_is_limited() {
	expect_exit 1 sandbox --disk 4M --report "$T/r" -- sh -c 'head -c 8M /dev/zero >/usr/fill' 2>/dev/null
	expect_equal disk "$(jq -r .cause "$T/r")"
	expect_exit 1 sandbox --disk 4M --report "$T/r" -- sh -c 'head -c 8M /dev/zero >/tmp/fill' 2>/dev/null
	expect_equal disk "$(jq -r .cause "$T/r")"
	expect_exit 0 sandbox --disk 16M -- sh -c 'head -c 8M /dev/zero >/tmp/fill'
}

# The report names how it ended.
report_names_the_cause() {
	sandbox --report "$T/r" -- true
	expect_equal 'ok 0 0' "$(jq -r '"\(.cause) \(.status) \(.exit)"' "$T/r")"
	expect_exit 4 sandbox --report "$T/r" -- sh -c 'exit 4'
	expect_equal 'exit 4 4' "$(jq -r '"\(.cause) \(.status) \(.exit)"' "$T/r")"
	expect_exit 143 sandbox --report "$T/r" -- sh -c 'kill $$'
	expect_equal 'signal 143 15' "$(jq -r '"\(.cause) \(.status) \(.signal)"' "$T/r")"
	expect_exit 127 sandbox --report "$T/r" -- no-such-command-anywhere
	expect_equal 'setup 127' "$(jq -r '"\(.cause) \(.status)"' "$T/r")"
	sandbox --report 5 -- true 5>"$T/fd"
	expect_equal ok "$(jq -r .cause "$T/fd")"
	sandbox --json-status-fd 5 -- true 5>"$T/fd"
	expect_equal 0 "$(jq -r '."exit-code" // empty' "$T/fd")"
	[ "$(jq -r '."child-pid" // empty' "$T/fd")" -gt 1 ]
}

signals_reach_the_command() {
	"$RUNTIME" --root "$ROOT" sandbox -w "$WORK" -- sh -c "trap 'echo got >$WORK/signal; exit 9' TERM; echo ready >$WORK/ready; while :; do sleep 0.02; done" &
	wait_for 5 test -s "$WORK/ready"
	kill -TERM $!
	local status=0
	wait $! || status=$?
	expect_equal 9 "$status"
	expect_equal got "$(cat "$WORK/signal")"
}

# The scratch is mounted there, where the sandbox shows the host's files.
any_state_root() {
	local root status=0
	root=$(mktemp -d /var/tmp/lvm-run-test.XXXXXX)
	"$RUNTIME" --root "$root" sandbox -- true || status=$?
	rm -rf "$root"
	expect_equal 0 "$status"
}

config_is_a_bundle() {
	lvm sandbox --print-config -- echo hello >"$T/config.json"
	jq -e '.ociVersion and .process.args == ["echo", "hello"] and (.linux.seccomp.syscalls | length > 3)' "$T/config.json"
}

outputs_are_collected() {
	mkdir -p "$T/gathered"
	sandbox --out result -o file="$T/gathered" --report "$T/r" -- sh -c 'mkdir -p result/sub; echo one >result/sub/a; echo two >file'
	expect_equal one "$(cat "$WORK/result/sub/a")"
	expect_equal two "$(cat "$T/gathered/file")"
	expect_equal "$(printf 'two\n' | sha256sum | cut -d' ' -f1)" "$(jq -r '.outputs[] | select(.path == "file") | .sha256' "$T/r")"
	# What is there already is replaced, file by file.
	sandbox --out result -- sh -c 'echo three >result/sub/a; echo four >result/b'
	expect_equal 'three four' "$(cat "$WORK/result/sub/a" "$WORK/result/b" | tr '\n' ' ' | sed 's/ $//')"
}

# Whoever can write on the host cannot say where outputs go; what covers a path decides what is taken from there.
outputs_go_where_they_were_to_go() {
	mkdir -p "$WORK/shared/place" "$T/elsewhere" "$WORK/covered/below"
	expect_exit 0 sandbox -w "$WORK/shared" --out file="$WORK/shared/place/file" -- \
		sh -c "echo x >file; mv '$WORK/shared/place' '$WORK/shared/old'; ln -s '$T/elsewhere' '$WORK/shared/place'"
	expect_equal '' "$(ls -A "$T/elsewhere")"
	expect_equal x "$(cat "$WORK/shared/old/file")"
	echo host >"$WORK/covered/below/file"
	sandbox --overlay "$WORK/covered/below" "$WORK/covered/below" --tmpfs "$WORK/covered" --out "$WORK/covered/below/file=$T/taken" -- \
		sh -c "mkdir '$WORK/covered/below'; echo seen >'$WORK/covered/below/file'"
	expect_equal seen "$(cat "$T/taken")"
	expect_exit 125 sandbox --out file="$WORK/no/such/place" -- sh -c 'echo ran' >"$T/log" 2>"$T/error"
	expect_contains "output to $WORK/no/such/place: No such file" "$(cat "$T/error")"
	expect_equal '' "$(cat "$T/log")"
}

# A name is one line and moves no cursor; what did not come is said.
names_are_no_lines() {
	mkdir -p "$WORK/names"
	expect_equal "A $WORK/names/a\\012D /etc\\033[2J" "$(sandbox --diff -- sh -c 'cd names; touch "$(printf "a\nD ")"; mkdir "$(printf "a\nD ")x"; rm -r a*x; mv "$(printf "a\nD ")" x; rm x; mkdir -p "$(printf "a\nD ")"; touch "$(printf "a\nD ")/etc$(printf "\033[2J")"' | tail -n 1)"
	expect_exit 0 sandbox --out missing -- true 2>"$T/error"
	expect_contains "output $WORK/missing is not there" "$(cat "$T/error")"
}

# As many names of one file as there may be: found without looking at all of them.
many_links_are_collected() {
	expect_exit 0 timeout 300 "$RUNTIME" --root "$ROOT" sandbox --out links="$T/links" -- \
		sh -c 'mkdir -p links/a links/b; cd links/a; i=0; while [ $i -lt 2000 ]; do echo $i >$i; i=$((i + 1)); done; ln * ../b'
	expect_equal 4000 "$(find "$T/links" -type f | wc -l)"
	expect_equal "$(stat -c %i "$T/links/a/1999")" "$(stat -c %i "$T/links/b/1999")"
	expect_equal 1999 "$(cat "$T/links/b/1999")"
}

changes_are_listed() {
	mkdir -p "$WORK/tree/old"
	echo x >"$WORK/tree/modified"
	echo x >"$WORK/tree/deleted"
	echo x >"$WORK/tree/old/inside"
	local script='cd tree; echo y >modified; rm deleted; echo new >added; rm -r old; mkdir dir; echo z >dir/file'
	expect_output "A $WORK/tree/added
D $WORK/tree/deleted
A $WORK/tree/dir
A $WORK/tree/dir/file
M $WORK/tree/modified
D $WORK/tree/old" sandbox --diff -- sh -c "$script"
	sandbox --diff=json -- sh -c "$script" >"$T/diff"
	expect_equal "$WORK/tree/added" "$(jq -r '.added[0]' "$T/diff")"
	expect_equal "$WORK/tree/modified" "$(jq -r '.modified[0]' "$T/diff")"
	expect_equal 2 "$(jq -r '.deleted | length' "$T/diff")"
	expect_output '' sandbox --diff -- true
}

changes_are_committed() {
	mkdir -p "$WORK/kept/old/deep" "$WORK/kept/type" "$WORK/elsewhere"
	echo x >"$WORK/kept/modified"
	echo x >"$WORK/kept/deleted"
	echo x >"$WORK/kept/old/deep/file"
	echo precious >"$T/precious"
	echo x >"$WORK/kept/was-a-file"
	ln -s "$T/precious" "$WORK/kept/link"
	# What they lead to is not below the path that is committed.
	ln -s ../elsewhere "$WORK/kept/to-file"
	ln -s ../elsewhere "$WORK/kept/to-directory"
	local script='cd kept; echo y >modified; rm deleted; rm -r old; rmdir type; echo file >type; mkdir -p new/sub
		echo z >new/sub/file; ln -s ../modified new/inside; ln -s /etc/passwd new/outside; mkfifo fifo
		rm link; echo replaced >link; echo other >../elsewhere/file
		ln -sf modified was-a-file
		rm to-file to-directory; echo escaped >to-file; mkdir to-directory; echo escaped >to-directory/file'
	expect_exit 3 sandbox --commit kept -- sh -c "$script; exit 3"
	expect_equal x "$(cat kept/modified)"
	sandbox --commit kept --report "$T/r" -- sh -c "$script"
	expect_equal 'y z file replaced' "$(cat kept/modified kept/new/sub/file kept/type kept/link | tr '\n' ' ' | sed 's/ $//')"
	[ ! -e kept/deleted ] && [ ! -e kept/old ] && [ ! -e kept/fifo ] && [ ! -L kept/new/outside ]
	expect_equal '../modified modified' "$(readlink kept/new/inside kept/was-a-file | xargs)"
	expect_equal '' "$(ls elsewhere)"
	[ ! -L kept/to-file ] && [ ! -L kept/to-directory ]
	expect_equal 'escaped escaped' "$(cat kept/to-file kept/to-directory/file | tr '\n' ' ' | sed 's/ $//')"
	[ ! -L kept/link ]
	expect_equal precious "$(cat "$T/precious")"
	expect_equal 2 "$(jq '.refusedOutputs | length' "$T/r")"
}

# A sandbox in a sandbox, and none where that was not allowed.
nested() {
	cp "$RUNTIME" "$WORK/lvm-run"
	# Nobody may look for leaks in there.
	expect_output inner sandbox --allow-userns -- sh -c 'ASAN_OPTIONS=detect_leaks=0 ./lvm-run --root /tmp/state sandbox -- echo inner'
	expect_exit 125 sandbox -- sh -c 'ASAN_OPTIONS=detect_leaks=0 ./lvm-run --root /tmp/state sandbox -- echo inner'
}

# A user without any right: the same sandbox.
for_users() {
	command -v setpriv >/dev/null || skip 'setpriv is not there'
	local home=$T/user
	mkdir "$home" "$T/run"
	cp "$RUNTIME" "$T/lvm-run"
	chown 65534:65534 "$home" "$T/run"
	user() { setpriv --reuid 65534 --regid 65534 --clear-groups env -C "$home" HOME="$home" XDG_RUNTIME_DIR="$T/run" "$@"; }
	user unshare -Urm true 2>/dev/null || skip 'users may not make user namespaces here'
	expect_output '65534 65534' user "$T/lvm-run" sandbox -- sh -c 'echo "$(id -u) $(id -g)"'
	user "$T/lvm-run" sandbox --report r --out out -- sh -c 'echo x >out; touch /tmp/y; test -c /dev/pts/ptmx'
	expect_equal x "$(cat "$home/out")"
	expect_equal 65534 "$(stat -c %u "$home/out")"
	expect_equal ok "$(jq -r .cause "$home/r")"
	expect_equal true "$(jq -r .protections.rootless "$home/r")"
	expect_equal 0000000000000000 "$(user "$T/lvm-run" sandbox -- sed -n 's/^CapEff:\t//p' /proc/self/status)"
}

reproducible() {
	local here there
	here=$(sandbox --reproducible -- sh -c 'id -u; hostname; env | sort; umask; cat /proc/self/personality')
	there=$(cd / && HOME=/root USER=other LANG=C TZ=Asia/Tokyo sandbox --reproducible --chdir "$WORK" -- \
		sh -c 'id -u; hostname; env | sort; umask; cat /proc/self/personality')
	expect_equal "$here" "$there"
	expect_contains 'SOURCE_DATE_EPOCH=315532800' "$here"
	expect_contains 00040000 "$here"
}

# The list of what is hidden is documented whole.
hidden_list_is_documented() {
	local path
	sed -n '/secrets_of_ho/,/NULL/s/^\t"\(.*\)",$/\1/p' "$TOP/sandbox/secrets.c" >"$T/hidden"
	[ "$(wc -l <"$T/hidden")" -gt 60 ]
	while read -r path; do
		grep -qF "\`$path\`" "$TOP/docs/sandbox.md" || { echo "$path is not in docs/sandbox.md"; return 1; }
	done <"$T/hidden"
}

check 'the list of what is hidden is documented' hidden_list_is_documented
check 'the exit status is that of the command' exit_status_is_the_commands
check 'exec into a sandbox is refused' nobody_is_let_in
check 'what is written is discarded' writes_are_discarded
check 'writable paths are the host'"'"'s' writable_paths_stay
check 'read-only paths cannot be written' read_only_paths_hold
check '/tmp is private and empty' tmp_is_private
check 'the command has no capabilities, no new privileges, and a filter' no_rights
check 'every namespace is new' namespaces_are_new
check 'there is no network but loopback' only_loopback
check 'pid 1 is ours and cannot be seen' pid_one_is_ours_and_unseen
check 'a mount on binfmt_misc leaves /proc alone' a_mount_of_the_kernels_kind_leaves_proc_alone
check 'orphans are reaped' orphans_are_reaped
check 'what the command leaves running ends with it' what_is_left_running_ends
check 'the sandbox ends with its parent' ends_with_its_parent
check 'gc removes what a killed sandbox left' killed_ones_are_collected
check 'secrets are hidden' secrets_are_hidden
check 'what cannot be reached is hidden all the same' unreachable_secrets_are_hidden
check 'of the environment only what is harmless is handed on' environment_is_harmless
check 'time limits end the command' time_is_up
check 'the output is limited' output_is_limited
check 'the disk is limited' disk_is_limited
check 'the report names the cause' report_names_the_cause
check 'signals reach the command' signals_reach_the_command
check 'the state root may lie anywhere' any_state_root
check 'the configuration can be printed' config_is_a_bundle
check 'outputs are collected and hashed' outputs_are_collected
check 'outputs go where they were to go' outputs_go_where_they_were_to_go
check 'names in lists are escaped, and missing outputs said' names_are_no_lines
check 'files with many names are collected' many_links_are_collected
check 'changes are listed' changes_are_listed
check 'changes are committed on demand, and only then' changes_are_committed
check 'sandboxes nest where that is allowed' nested
check 'users have the same sandbox' for_users
check 'reproducible runs look the same from everywhere' reproducible
check 'nothing is left' nothing_left
finish
