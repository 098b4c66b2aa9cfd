#!/usr/bin/env bash
# checkpoint and restore with a real CRIU: `make criu` brings one where the installed one is too old.
. "$(dirname "$0")/../support/lib.sh"

. "$(dirname "$0")/../support/criu.sh"

# A number a line, about fifty a second; busybox's sleep does not survive a restore, this does.
new_bundle counter '.process.args = ["/bin/testkit", "count"]'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
COUNTER=$BUNDLE
new_bundle idle '.process.args = ["/bin/testkit", "pause"]'
cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
IDLE=$BUNDLE

start_idle() { lvm run -d -b "$IDLE" "$1" </dev/null >/dev/null 2>&1; }
image_files() { { find "$1" -mindepth 1 ! -name dump.log 2>/dev/null || :; } | wc -l; }

# flip FILE OFFSET: another byte than there was.
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# --- Tests ----------------------------------------------------------------------------------------

a_counting_program_goes_on_where_it_was() {
	local id before after
	id=$(new_id)
	lvm run -d -b "$COUNTER" "$id" </dev/null >"$T/first" 2>&1
	wait_for 5 has_lines "$T/first" 5
	lvm checkpoint --image-path "$T/count.img" "$id"
	expect_error 'container does not exist' lvm state "$id"
	before=$(last "$T/first")
	sleep 0.2
	expect_equal "$before" "$(last "$T/first")"
	lvm restore -d -b "$COUNTER" --image-path "$T/count.img" "$id" </dev/null >"$T/second" 2>&1
	wait_for 5 has_lines "$T/second" 3
	after=$(head -n 1 "$T/second")
	expect_equal "$((before + 1))" "$after"
	lvm delete --force "$id"
	nothing_left
}

leave_running_leaves_it_running() {
	local id lines
	id=$(new_id)
	lvm run -d -b "$COUNTER" "$id" </dev/null >"$T/running" 2>&1
	wait_for 5 has_lines "$T/running" 3
	lvm checkpoint --leave-running --image-path "$T/leave.img" "$id"
	container_is "$id" running
	lines=$(wc -l <"$T/running")
	wait_for 5 has_lines "$T/running" $((lines + 3))
	[ -s "$T/leave.img/lvm-run.json" ]
	# Once more into the same place: the new one replaces it.
	lvm checkpoint --leave-running --image-path "$T/leave.img" "$id"
	lvm delete --force "$id"
}

# An engine that calls it passes its own output on; script(1) is a terminal.
how_long_it_stood_still_is_told() {
	local id told
	id=$(new_id)
	start_idle "$id"
	expect_equal '' "$(lvm checkpoint -R --image-path "$T/told.img" "$id" 2>&1)"
	told=$(lvm checkpoint -R --format json --image-path "$T/told.img" "$id")
	expect_equal "$id $T/told.img true" \
		"$(jq -r '"\(.id) \(.imagePath) \(.frozenMicroseconds > 0 and .frozenMicroseconds < 60000000)"' <<<"$told")"
	told=$(script -qec "'$RUNTIME' --root '$ROOT' checkpoint -R --image-path '$T/told.img' '$id'" /dev/null </dev/null)
	[[ $told =~ ^$id:\ saved\;\ processes\ stood\ still\ for\ [0-9]+\.[0-9]\ ms ]]
	lvm pause "$id"
	expect_equal "$id: saved" "$(lvm checkpoint -R --format table --image-path "$T/told.img" "$id")"
	lvm resume "$id"
	expect_equal 0 "$(lvm checkpoint --format json --image-path "$T/told.img" "$id" | jq .frozenMicroseconds)"
	expect_error 'is none of' lvm checkpoint --format xml --image-path "$T/told.img" "$id"
}

a_paused_container_stays_paused() {
	local id
	id=$(new_id)
	start_idle "$id"
	lvm pause "$id"
	lvm checkpoint --leave-running --image-path "$T/paused.img" "$id"
	container_is "$id" paused
	lvm resume "$id"
	container_is "$id" running
	lvm delete --force "$id"
}

what_is_restored_is_a_whole_container() {
	local id copy pid
	id=$(new_id) copy=$(new_id)
	start_idle "$id"
	lvm checkpoint -R --image-path "$T/idle.img" "$id"
	lvm restore -d -b "$IDLE" --image-path "$T/idle.img" --pid-file "$T/pid" "$copy" \
		</dev/null >/dev/null 2>&1
	container_is "$id" running
	container_is "$copy" running
	pid=$(pid_of "$copy")
	expect_equal "$pid" "$(cat "$T/pid")"
	expect_equal 1 "$(lvm exec "$copy" busybox cat /proc/1/comm | grep -c testkit)"
	expect_contains "/lvm-run-$copy" "$(cat "/proc/$pid/cgroup")"
	expect_equal 0::/ "$(lvm exec "$copy" busybox grep ^0:: /proc/self/cgroup)"
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink "/proc/$(pid_of "$id")/ns/net")" ]
	expect_contains UP "$(lvm exec "$copy" busybox ip link show lo)"
	lvm pause "$copy"
	container_is "$copy" paused
	lvm resume "$copy"
	lvm kill "$copy" KILL
	wait_for 5 container_is "$copy" stopped
	lvm delete "$copy"
	lvm delete --force "$id"
	nothing_left
}

# The least of roots: one program, no /tmp.
a_root_of_one_program_is_enough() {
	local id
	mkdir -p "$T/least/rootfs/bin"
	cp "$TESTKIT" "$T/least/rootfs/bin/testkit"
	jq '.root.readonly = true' "$IDLE/config.json" >"$T/least/config.json"
	id=$(new_id)
	lvm run -d -b "$T/least" "$id" </dev/null >/dev/null 2>&1
	lvm checkpoint --image-path "$T/least.img" "$id"
	[ ! -e "$T/least/rootfs/tmp" ]
	lvm restore -d -b "$T/least" --image-path "$T/least.img" "$id" </dev/null >/dev/null 2>&1
	container_is "$id" running
	lvm delete --force "$id"
}

mount_options() { awk '{print $5, $6}' "/proc/$1/mountinfo" | sort; }

mounts_keep_their_options() {
	local id copy
	id=$(new_id) copy=$(new_id)
	mkdir -p "$T/data"
	echo hello >"$T/data/file"
	new_bundle bound '.process.args = ["/bin/testkit", "pause"]'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	# shellcheck disable=SC2016 # a variable of jq
	edit_config --arg dir "$T/data" '.mounts += [
		{destination: "/data", source: $dir, options: ["rbind", "ro", "nosuid"]},
		{destination: "/etc/one", source: ($dir + "/file"), options: ["bind", "nodev"]}]'
	lvm run -d -b "$BUNDLE" "$id" </dev/null >/dev/null 2>&1
	mount_options "$(pid_of "$id")" >"$T/options"
	lvm checkpoint -R --image-path "$T/bound.img" "$id"
	lvm restore -d -b "$BUNDLE" --image-path "$T/bound.img" "$copy" </dev/null >/dev/null 2>&1
	expect_equal "$(cat "$T/options")" "$(mount_options "$(pid_of "$copy")")"
	expect_equal hello "$(lvm exec "$copy" busybox cat /data/file)"
	expect_equal hello "$(lvm exec "$copy" busybox cat /etc/one)"
	expect_contains Read-only "$(lvm exec "$copy" busybox touch /etc/new 2>&1 || :)"
	edit_config 'del(.mounts[-1])'
	expect_error 'config.json has no mount at /etc/one' \
		lvm restore -d -b "$BUNDLE" --image-path "$T/bound.img" "$(new_id)"
	lvm delete --force "$id"
	lvm delete --force "$copy"
	nothing_left
}

four_at_once_are_restored_from_one_image() {
	local id copies=() jobs=() copy job
	id=$(new_id)
	lvm run -d -b "$COUNTER" "$id" </dev/null >"$T/source" 2>&1
	lvm checkpoint --image-path "$T/four.img" "$id"
	for copy in 1 2 3 4; do
		copies+=("$(new_id)")
		lvm restore -d -b "$COUNTER" --image-path "$T/four.img" "${copies[-1]}" \
			</dev/null >"$T/out.$copy" 2>&1 &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do wait "$job" || { cat "$T"/out.?; return 1; }; done
	for copy in 1 2 3 4; do
		wait_for 5 has_lines "$T/out.$copy" 3
		expect_equal "$(head -n 1 "$T/out.1")" "$(head -n 1 "$T/out.$copy")"
		container_is "${copies[copy - 1]}" running
		lvm delete --force "${copies[copy - 1]}"
	done
	nothing_left
}

a_failed_checkpoint_leaves_it_running() {
	local id lines
	id=$(new_id)
	echo secret >"$T/leak"
	lvm run -d -b "$COUNTER" --preserve-fds 1 "$id" 3<"$T/leak" </dev/null >"$T/unharmed" 2>&1
	expect_error 'leaked descriptor' lvm checkpoint --image-path "$T/failed.img" "$id"
	expect_equal 0 "$(image_files "$T/failed.img")"
	[ -s "$T/failed.img/dump.log" ]
	container_is "$id" running
	lines=$(wc -l <"$T/unharmed")
	wait_for 5 has_lines "$T/unharmed" $((lines + 3))
	lvm delete --force "$id"
	nothing_left
}

processes_of_exec_are_named() {
	local id other
	id=$(new_id)
	start_idle "$id"
	lvm exec -d --pid-file "$T/exec.pid" "$id" /bin/testkit pause </dev/null >/dev/null 2>&1
	other=$(cat "$T/exec.pid")
	expect_error "(--stop-exec does it): $other" lvm checkpoint --image-path "$T/exec.img" "$id"
	expect_equal 0 "$(image_files "$T/exec.img")"
	container_is "$id" running
	kill -KILL "$other"
	wait_for 5 lvm checkpoint --image-path "$T/exec.img" "$id"
	nothing_left
}

images_that_were_changed_are_refused() {
	local id name=$T/sealed.img
	id=$(new_id)
	start_idle "$id"
	lvm checkpoint --image-path "$name" "$id"
	refused() { expect_error "$1" lvm restore -d -b "$IDLE" --image-path "$2" "$(new_id)"; }
	copy_image() { rm -rf "$T/bad.img" && cp -a "$name" "$T/bad.img"; }

	copy_image
	flip "$T/bad.img/core-1.img" 100
	refused 'core-1.img is not what was saved' "$T/bad.img"
	copy_image
	truncate -s -1 "$T/bad.img/pages-1.img"
	refused 'pages-1.img is not what was saved' "$T/bad.img"
	# Of the same size: found out beside CRIU's work, before the program runs.
	copy_image
	flip "$T/bad.img/pages-1.img" 4097
	refused "log: $T/bad.img/restore.log" "$T/bad.img"
	[ -s "$T/bad.img/restore.log" ]
	expect_equal '' "$(find "$ROOT" -name '.restore-*')"
	copy_image
	rm "$T/bad.img/pstree.img"
	refused 'pstree.img is missing' "$T/bad.img"
	copy_image
	cp "$name/core-1.img" "$T/bad.img/core-2.img"
	refused 'core-2.img does not belong to it' "$T/bad.img"
	copy_image
	rm "$T/bad.img/lvm-run.json"
	refused 'not made by lvm-run checkpoint' "$T/bad.img"
	refused 'No such file' "$T/none.img"
	nothing_left
}

a_directory_of_others_is_left_alone() {
	local id
	id=$(new_id)
	start_idle "$id"
	mkdir "$T/mine"
	echo mine >"$T/mine/file"
	expect_error 'holds no checkpoint of lvm-run' lvm checkpoint --image-path "$T/mine" "$id"
	expect_equal mine "$(cat "$T/mine/file")"
	container_is "$id" running
	lvm delete --force "$id"
}

hooks_run_around_a_restore() {
	local id
	id=$(new_id)
	new_bundle hooked '.process.args = ["/bin/testkit", "pause"]'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	# shellcheck disable=SC2016 # the hook's shell
	edit_config --arg log "$T/hooks" 'def hook(n): [{path: "/bin/sh", args: ["sh", "-c",
			"jq -r \".status + \\\" \\\" + (.pid > 0 | tostring)\" | sed \"s/^/" + n + " /\" >>" + $log]}];
		.hooks = {prestart: hook("prestart"), createRuntime: hook("createRuntime"),
			poststart: hook("poststart"), poststop: hook("poststop")}'
	lvm run -d -b "$BUNDLE" "$id" </dev/null >/dev/null 2>&1
	lvm checkpoint --image-path "$T/hooked.img" "$id"
	: >"$T/hooks"
	lvm restore -d -b "$BUNDLE" --image-path "$T/hooked.img" "$id" </dev/null >/dev/null 2>&1
	expect_equal 'prestart creating true
createRuntime creating true
poststart running true' "$(cat "$T/hooks")"
	edit_config '.hooks.createRuntime[0].args = ["sh", "-c", "exit 3"]'
	expect_error 'createRuntime' lvm restore -d -b "$BUNDLE" --image-path "$T/hooked.img" "$(new_id)"
	lvm delete --force "$id"
	nothing_left
}

# criu_is_done PID: of a restore that has made its container.
criu_is_done() { ! pgrep -x criu -P "$1"; }

# The record is there before CRIU has let go: whoever ends the container then must not make restore wait for ever.
what_is_killed_while_it_comes_back_has_ended() {
	local id job turn status
	id=$(new_id)
	start_idle "$id"
	lvm checkpoint --image-path "$T/killed.img" "$id"
	for turn in 1 2 3; do
		echo "the time $turn"
		id=$(new_id) status=0
		"$RUNTIME" --root "$ROOT" restore -b "$IDLE" --image-path "$T/killed.img" "$id" >"$T/killed" 2>&1 &
		job=$!
		until [ -s "$ROOT/$id/record.json" ]; do kill -0 "$job"; done
		lvm kill "$id" KILL
		wait_for 60 has_ended "$job" || { kill -KILL "$job"; return 1; }
		# 1: CRIU has seen it, and says so.
		wait "$job" || status=$?
		[ "$status" -eq 137 ] || [ "$status" -eq 1 ]
		nothing_left
	done
}

# It is killed while restore, which has made it, hesitates to block signals: the one that tells of the end goes by.
an_early_end_is_seen() {
	command -v strace >/dev/null || skip 'no strace'
	local id status=0
	id=$(new_id)
	start_idle "$id"
	lvm checkpoint --image-path "$T/early.img" "$id"
	ASAN_OPTIONS=detect_leaks=0 strace -o "$T/early.trace" -e inject=wait4:delay_exit=1000000 \
		"$RUNTIME" --root "$ROOT" restore -b "$IDLE" --image-path "$T/early.img" "$id" >"$T/early" 2>&1 &
	local job=$!
	wait_for 30 container_is "$id" running
	wait_for 30 criu_is_done "$(pgrep -P "$job")"
	lvm kill "$id" KILL
	wait_for 60 has_ended "$job" || { kill -KILL "$(pgrep -P "$job")" && return 1; }
	wait "$job" || status=$?
	expect_equal 137 "$status"
	nothing_left
}
in_the_foreground_it_waits_for_the_program() {
	local id status=0
	id=$(new_id)
	start_idle "$id"
	lvm checkpoint --image-path "$T/fore.img" "$id"
	"$RUNTIME" --root "$ROOT" restore -b "$IDLE" --image-path "$T/fore.img" "$id" >"$T/fore" 2>&1 &
	local job=$!
	wait_for 5 container_is "$id" running
	wait_for 5 criu_is_done "$job"
	lvm kill "$id" KILL
	wait "$job" || status=$?
	expect_equal 137 "$status"
	nothing_left
}

pipes_are_taken_over() {
	local id
	id=$(new_id)
	lvm run -d -b "$COUNTER" "$id" </dev/null 2>&1 | cat >"$T/before" &
	wait_for 5 has_lines "$T/before" 3
	lvm checkpoint --image-path "$T/pipe.img" "$id"
	lvm restore -d -b "$COUNTER" --image-path "$T/pipe.img" "$id" </dev/null 2>&1 | cat >"$T/piped" &
	wait_for 5 has_lines "$T/piped" 3
	expect_equal "$(($(last "$T/before") + 1))" "$(head -n 1 "$T/piped")"
	lvm delete --force "$id"
	nothing_left
}

what_could_not_be_restored_is_not_saved() {
	local id
	id=$(new_id)
	new_bundle joined '.process.args = ["/bin/testkit", "pause"]' '.linux.namespaces += [{type: "user"}]' \
		'.linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/net" else . end)' \
		'.mounts |= map(select(.type != "sysfs"))' '.mounts |= map(select(.destination | startswith("/sys") | not))' \
		'.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
			| .linux.gidMappings = .linux.uidMappings'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/joined.1" 2>&1 || { cat "$T/joined.1"; return 1; }
	expect_error 'it could not join it again' lvm checkpoint --image-path "$T/joined.img" "$id"
	container_is "$id" running
	lvm delete --force "$id"
}

# Where the kernel tracks changed memory this is done, and tested, in the test machine.
pre_dump_needs_the_kernel() {
	local id
	id=$(new_id)
	start_idle "$id"
	if "$LVM_RUN_CRIU" check --feature mem_dirty_track >/dev/null 2>&1; then
		lvm checkpoint --pre-dump --image-path "$T/pre.img" "$id"
		container_is "$id" running
		expect_error 'it is a pre-dump' lvm restore -b "$IDLE" --image-path "$T/pre.img" "$(new_id)"
		lvm checkpoint --parent-path ../pre.img --image-path "$T/post.img" "$id"
		lvm restore -d -b "$IDLE" --image-path "$T/post.img" "$id" </dev/null >/dev/null 2>&1
		container_is "$id" running
		flip "$T/pre.img/inventory.img" 9
		expect_error 'inventory.img is not what was saved' \
			lvm restore -d -b "$IDLE" --image-path "$T/post.img" "$(new_id)"
	else
		expect_error 'does not track changed memory' lvm checkpoint --pre-dump --image-path "$T/pre.img" "$id"
		expect_error 'does not track changed memory' \
			lvm checkpoint --parent-path ../idle.img --image-path "$T/pre.img" "$id"
		expect_equal 0 "$(image_files "$T/pre.img")"
		container_is "$id" running
	fi
	lvm delete --force "$id"
	nothing_left
}

stop_exec_ends_them() {
	local id other
	id=$(new_id)
	start_idle "$id"
	lvm exec -d --pid-file "$T/exec2.pid" "$id" /bin/testkit pause </dev/null >/dev/null 2>&1
	other=$(cat "$T/exec2.pid")
	lvm checkpoint --stop-exec -R --image-path "$T/exec2.img" "$id"
	wait_for 5 has_ended "$other"
	container_is "$id" running
	lvm delete --force "$id"
	nothing_left
}

a_terminal_comes_back() {
	local id
	id=$(new_id)
	new_bundle terminal '.process.args = ["/bin/testkit", "count"] | .process.terminal = true'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	"$TESTKIT" console "$T/console" >"$T/terminal.1" 2>&1 &
	wait_for 5 test -S "$T/console"
	lvm run -d -b "$BUNDLE" --console-socket "$T/console" "$id" </dev/null >/dev/null 2>&1
	wait_for 5 has_lines "$T/terminal.1" 5
	lvm checkpoint --image-path "$T/terminal.img" "$id"
	rm "$T/console"
	"$TESTKIT" console "$T/console" >"$T/terminal.2" 2>&1 &
	wait_for 5 test -S "$T/console"
	expect_error 'needs --console-socket' lvm restore -d -b "$BUNDLE" --image-path "$T/terminal.img" "$id"
	lvm restore -d -b "$BUNDLE" --image-path "$T/terminal.img" --console-socket "$T/console" "$id" \
		</dev/null >/dev/null 2>&1
	wait_for 5 has_lines "$T/terminal.2" 5
	[ "$(head -n 1 "$T/terminal.2" | tr -dc 0-9)" -gt "$(sed -n 4p "$T/terminal.1" | tr -dc 0-9)" ]
	expect_contains /dev/pts/ "$(lvm exec "$id" busybox ls -l /proc/1/fd/1)"
	lvm delete --force "$id"
	nothing_left
}

may_enlarge_pipes() { (($((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status) >> 24 & 1)))); }

lazy_pages_come_from_the_source() {
	local id job
	may_enlarge_pipes || skip 'needs CAP_SYS_RESOURCE: CRIU wants larger pipes (runs in the test machine)'
	id=$(new_id)
	new_bundle lazy '.process.args = ["/bin/testkit", "memory", "20"]'
	cp "$TESTKIT" "$BUNDLE/rootfs/bin/testkit"
	lvm run -d -b "$BUNDLE" "$id" </dev/null >"$T/lazy.1" 2>&1
	wait_for 10 grep -q good "$T/lazy.1"
	mkfifo "$T/status"
	exec 9<>"$T/status"
	lvm checkpoint --lazy-pages --page-server 127.0.0.1:17171 --status-fd 9 --image-path "$T/lazy.img" "$id" &
	job=$!
	expect_equal 1 "$(timeout 20 head -c 1 <&9 | wc -c)"
	[ "$(du -k "$T/lazy.img" | cut -f1)" -lt 8000 ]
	lvm restore -d -b "$BUNDLE" --image-path "$T/lazy.img" --lazy-pages --page-server 127.0.0.1:17171 "$id-2" \
		</dev/null >"$T/lazy.2" 2>&1
	wait_for 10 has_lines "$T/lazy.2" 3
	expect_equal good "$(sort -u "$T/lazy.2")"
	wait "$job"
	expect_error 'container does not exist' lvm state "$id"
	lvm delete --force "$id-2"
	nothing_left
}

# In memory of the kernel only, as long as nobody asks for more.
a_checkpoint_is_on_the_disk_when_asked() {
	local id
	command -v strace >/dev/null || skip 'no strace'
	traced() { # LOG WORD…
		local log=$1
		shift
		ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=syncfs,fsync,kill,rename,renameat -e signal=none -o "$log" \
			"$RUNTIME" --root "$ROOT" --store "$T/store" "$@"
	}
	id=$(new_id)
	start_idle "$id"
	traced "$T/trace" checkpoint -R --image-path "$T/sync.img" "$id"
	expect_no_line -E 'f?sync(fs)?\(' "$T/trace"
	traced "$T/trace" checkpoint --sync --image-path "$T/sync.img" "$id"
	# The files, then the name, then the name on the disk.
	expect_equal 'syncfs fsync' "$(grep -oE '(syncfs|fsync)\(.* = 0' "$T/trace" | cut -d'(' -f1 | xargs)"
	start_idle "$id"
	traced "$T/trace" snapshot create "$id" one >/dev/null
	expect_no_line -E 'syncfs' "$T/trace"
	traced "$T/trace" snapshot create --sync "$id" two >/dev/null
	expect_contains 'syncfs' "$(cat "$T/trace")"
	lvm --store "$T/store" delete --force "$id"
	nothing_left
}

what_cannot_be_done_is_said() {
	local id
	id=$(new_id)
	start_idle "$id"
	expect_error "option --page-server: '1.2.3.4' is not ADDRESS:PORT" lvm checkpoint --page-server 1.2.3.4 "$id"
	expect_error "'[::1]:99999' is not ADDRESS:PORT" lvm checkpoint --page-server '[::1]:99999' "$id"
	expect_error 'option --page-server: only with --lazy-pages' lvm restore --page-server 1.2.3.4:5 "$id"
	expect_error 'must say where' lvm checkpoint --lazy-pages "$id"
	expect_error 'option --status-fd: 77' lvm checkpoint --status-fd 77 "$id"
	expect_error "option --status-fd: 'x' is no descriptor" lvm checkpoint --status-fd x "$id"
	expect_error '/abs is absolute' lvm checkpoint --parent-path /abs "$id"
	expect_error 'no size' lvm checkpoint --ghost-limit 1X "$id"
	container_is "$id" running
	expect_error 'container with id exists' lvm restore -d -b "$IDLE" --image-path "$T/idle.img" "$id"
	LVM_RUN_CRIU=/nowhere expect_error 'LVM_RUN_CRIU: /nowhere' lvm checkpoint --image-path "$T/x.img" "$id"
	LVM_RUN_CRIU=/bin/true expect_error '/bin/true does not work here' \
		lvm checkpoint --image-path "$T/x.img" "$id"
	container_is "$id" running
	expect_equal 0 "$(image_files "$T/x.img")"
	lvm delete --force "$id"
	expect_error 'container does not exist' lvm checkpoint "$id"
}

# A CRIU that was built without libnftables says so, before anything stands still.
a_network_that_cannot_be_locked_is_said() {
	local id
	id=$(new_id)
	cat >"$T/criu-without" <<-SH
		#!/bin/sh
		[ "\$3" != network_lock_nftables ] || exit 1
		exec "$LVM_RUN_CRIU" "\$@"
	SH
	chmod 755 "$T/criu-without"
	start_idle "$id"
	LVM_RUN_CRIU=$T/criu-without expect_error 'give --network-lock iptables, or skip' \
		lvm checkpoint --tcp-established --image-path "$T/lock.img" "$id"
	LVM_RUN_CRIU=$T/criu-without expect_error 'give --network-lock iptables, or skip' \
		lvm checkpoint --network-lock nftables --image-path "$T/lock.img" "$id"
	container_is "$id" running
	expect_equal 0 "$(image_files "$T/lock.img")"
	LVM_RUN_CRIU=$T/criu-without lvm checkpoint -R --tcp-established --network-lock skip --image-path "$T/lock.img" "$id"
	lvm checkpoint --tcp-established --image-path "$T/lock.img" "$id"
	expect_equal note "$(LVM_RUN_CRIU=$T/criu-without lvm doctor --json | jq -r '.checks[] | select(.name == "network lock").status')"
	expect_equal ok "$(lvm doctor --json | jq -r '.checks[] | select(.name == "network lock").status')"
}

check 'a counting program goes on where it was; its output goes to a file' a_counting_program_goes_on_where_it_was
check 'a read-only root of one program is enough' a_root_of_one_program_is_enough
check 'with --leave-running it runs on, and a second checkpoint replaces the first' leave_running_leaves_it_running
check 'how long it stood still is told to who asks' how_long_it_stood_still_is_told
check 'a paused container stays paused' a_paused_container_stays_paused
check 'what is restored under another id is a whole container' what_is_restored_is_a_whole_container
check 'mounts keep their options, and sources come from the new bundle' mounts_keep_their_options
check 'four at once are restored from one image' four_at_once_are_restored_from_one_image
check 'a failed checkpoint leaves it running and no images' a_failed_checkpoint_leaves_it_running
check 'processes that exec has started are named' processes_of_exec_are_named
check 'images that were changed are refused' images_that_were_changed_are_refused
check 'a directory that holds something else is left alone' a_directory_of_others_is_left_alone
check 'hooks run around a restore, and a failing one undoes it' hooks_run_around_a_restore
check 'in the foreground restore waits for the program' in_the_foreground_it_waits_for_the_program
check 'what is killed while restore brings it back has ended' what_is_killed_while_it_comes_back_has_ended
check 'a program that ends before restore waits for it is not waited for' an_early_end_is_seen
check 'standard streams on pipes are taken over' pipes_are_taken_over
check 'a container that could not be restored is not saved either' what_could_not_be_restored_is_not_saved
check 'a pre-dump and what goes on from it, or the reason why not' pre_dump_needs_the_kernel
check '--stop-exec ends what exec has started' stop_exec_ends_them
check 'a terminal comes back, and its other end goes to the console socket' a_terminal_comes_back
check 'lazy pages are fetched from the source over the network' lazy_pages_come_from_the_source
check 'with --sync it is on the disk before the command says done' a_checkpoint_is_on_the_disk_when_asked
check 'a network that cannot be locked is said' a_network_that_cannot_be_locked_is_said
check 'what cannot be done is said by name' what_cannot_be_done_is_said
finish
