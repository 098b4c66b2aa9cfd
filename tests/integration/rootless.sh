#!/usr/bin/env bash
# Without root: a user's containers from spec to delete, what takes the place of privileged mounts, groups
# that are delegated, nested containers; and user namespaces made by root. What ids a user's containers
# have: rootless-ids.sh.
# not for the test machine: it has tests/vm/cases/rootless.sh, which also tries what other hosts lack
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/user-bundle.sh"

# --- A container's life ---

a_whole_life() {
	ID=$(new_id)
	ulvm --cgroup-manager disabled create -b "$BUNDLE" "$ID"
	status_is "$ID" created
	ulvm start "$ID"
	status_is "$ID" running
	PID=$(ulvm state "$ID" | jq .pid)
	expect_equal "$USER_ID" "$(stat -c %u "/proc/$PID")"
	expect_equal "$ID" "$(ulvm list -q)"
	expect_equal "$PID" "$(ulvm ps -f json "$ID" | jq -c '.[]')"
	ulvm kill "$ID" KILL
	wait_for 5 status_is "$ID" stopped
	ulvm delete "$ID"
	none_left
	expect_equal "$USER_ID 700" "$(stat -c '%u %a' "$USER_RUN/lvm-run")"
}

run_shows_output_and_status() {
	sh_config 'read line; echo "got $line"; exit 7'
	echo input | expect_exit 7 run_quiet >"$T/out"
	expect_equal 'got input' "$(cat "$T/out")"
	none_left
}

terminals() {
	start_one
	expect_match '^/dev/pts/[0-9]' "$(ulvm exec -t "$ID" tty)"
	expect_equal 3 "$(ulvm exec -t "$ID" sh -c 'test -t 0 && test -t 1 && exit 3' >&2 || echo $?)"
	ulvm delete --force "$ID"
	config '.process.terminal = true | .process.args = ["sh", "-c", "tty; stat -c %u /dev/console"]'
	expect_equal '/dev/pts/0 0' "$(run_quiet | tr -d '\r' | xargs)"
}
expect_match() { [[ $2 =~ $1 ]] || { printf 'expected to match: %s\n              got: %s\n' "$1" "$2"; return 1; }; }

exec_is_inside() {
	local type
	start_one '.process.oomScoreAdj = 100'
	for type in user pid mnt ipc uts cgroup; do
		expect_equal "$(readlink "/proc/$PID/ns/$type")" "$(ulvm exec "$ID" readlink "/proc/self/ns/$type")"
	done
	expect_output 'uid=0(root) gid=0(root)' ulvm exec "$ID" id
	expect_exit 9 ulvm exec "$ID" sh -c 'exit 9'
	expect_equal through "$(echo through | ulvm exec "$ID" cat)"
	expect_output '/tmp v' ulvm exec --cwd /tmp -e K=v "$ID" sh -c 'echo $(pwd) $K'
	ulvm exec -d --pid-file "$USER_HOME/pid" "$ID" sleep 500
	expect_equal "$USER_ID" "$(stat -c %u "/proc/$(cat "$USER_HOME/pid")")"
	expect_equal 100 "$(cat "/proc/$(cat "$USER_HOME/pid")/oom_score_adj")"
	expect_error 'no-such-program' ulvm exec "$ID" no-such-program
	ulvm delete --force "$ID"
}

wait_ends_with_the_container() {
	local status=0 waiting
	start_one
	ulvm wait "$ID" 2>"$T/err" &
	waiting=$!
	ulvm kill "$ID" KILL
	wait "$waiting" || status=$?
	# Before Linux 6.15 nobody but its parent knows how it ended.
	[ "$status" -eq 137 ] || expect_contains 'not known' "$(cat "$T/err")"
	ulvm delete "$ID"
}

gc_and_forced_delete() {
	local pid
	start_one
	pid=$PID
	rm "$USER_RUN/lvm-run/$ID/record.json"
	ulvm delete --force "$ID"
	wait_for 5 has_ended "$pid"
	start_one
	rm "$USER_RUN/lvm-run/$ID/record.json"
	kill -KILL "$PID"
	wait_for 5 has_ended "$PID"
	ulvm gc
	none_left
}

hooks_run_as_the_user() {
	cat >"$T/hook" <<-SCRIPT
		#!/bin/sh
		{ echo "\$1 \$(id -u)"; cat; echo; } >>"$USER_HOME/hooks"
	SCRIPT
	chmod 755 "$T/hook"
	: >"$USER_HOME/hooks" && chmod 666 "$USER_HOME/hooks"
	sh_config true '.hooks = {
		createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "'"$T"'/hook createRuntime"]}],
		poststart: [{path: "'"$T"'/hook", args: ["hook", "poststart"]}],
		poststop: [{path: "'"$T"'/hook", args: ["hook", "poststop"]}]}'
	run_quiet
	expect_equal "createRuntime $USER_ID poststart $USER_ID poststop $USER_ID" \
		"$(grep -E '^[a-zA-Z]+ [0-9]+$' "$USER_HOME/hooks" | xargs)"
	grep -q '"pid": *[1-9]' "$USER_HOME/hooks"
}

seccomp_asks_an_agent() {
	# tester's agent, at a socket that tester can reach.
	as_user timeout 30 "$T/bin/testkit" agent "$USER_HOME/agent.sock" "$USER_HOME/told" 1 &
	wait_for 5 test -S "$USER_HOME/agent.sock"
	config '.process.args = ["testkit", "sys", "getppid"]' ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\",
		listenerPath: \"$USER_HOME/agent.sock\", listenerMetadata: \"some text\",
		syscalls: [{names: [\"getppid\"], action: \"SCMP_ACT_NOTIFY\"}]}"
	expect_contains ok "$(run_quiet)"
	expect_contains 'some text' "$(cat "$USER_HOME/told")"
}

limits_of_the_process() {
	sh_config 'ulimit -n; cat /proc/self/oom_score_adj; umask' \
		'.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}] | .process.oomScoreAdj = 50 | .process.user.umask = 63'
	expect_output $'200\n50\n0077' run_quiet
	sh_config true '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 2000000000, hard: 2000000000}]'
	expect_error RLIMIT_NOFILE run_quiet
	none_left
}

# --- What takes the place of privileged mounts ---

sys_is_the_hosts_and_read_only() {
	sh_config 'awk "\$5 ~ /^.sys/ && \$6 ~ /^rw/" /proc/self/mountinfo | wc -l; test -d /sys/kernel && echo there; mkdir /sys/fs/cgroup/x 2>&1'
	run_quiet >"$T/out" || true
	expect_equal '0 there' "$(head -n 2 "$T/out" | xargs)"
	expect_match 'Read-only|not permitted|denied' "$(sed -n 3p "$T/out")"
	# Asked for as a new sysfs, without a network namespace to make one for: the same.
	sh_config 'awk "\$5 ~ /^.sys/ && \$6 ~ /^rw/" /proc/self/mountinfo | wc -l; test -d /sys/kernel && echo there' \
		'.mounts |= map(if .destination == "/sys" then {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]} else . end)'
	expect_equal '0 there' "$(run_quiet | xargs)"
	# With one it is new.
	BASE=plain.json sh_config 'ls /sys/class/net'
	expect_output lo run_quiet
}

proc_is_new() {
	sh_config 'echo $$; test $(ls -d /proc/[0-9]* | wc -l) -le 4 && echo few; echo 1 2>/dev/null >/proc/sys/kernel/printk || echo refused; cat /proc/keys | wc -c'
	expect_equal '1 few refused 0' "$(run_quiet 2>/dev/null | xargs)"
}

mqueue_is_new() {
	start_one
	ulvm exec "$ID" touch /dev/mqueue/inside
	[ ! -e /dev/mqueue/inside ]
	ulvm delete --force "$ID"
	# Another ipc namespace's cannot be mounted: the host's stands in.
	sh_config 'test -d /dev/mqueue && echo there' 'del(.linux.namespaces[] | select(.type == "ipc"))'
	if [ -d /dev/mqueue ]; then
		expect_output there run_quiet
	else
		expect_error 'the host has no /dev/mqueue to stand in' run_quiet
	fi
}

devices_are_the_hosts() {
	sh_config 'stat -c "%t:%T" /dev/null /dev/tty; echo x >/dev/null && head -c 3 /dev/zero | wc -c; mknod /dev/shm/n c 1 3 2>&1' \
		'.process.capabilities[] += ["CAP_MKNOD"]'
	run_quiet >"$T/out" || true
	expect_equal '1:3 5:0 3' "$(head -n 3 "$T/out" | xargs)"
	expect_contains 'not permitted' "$(sed -n 4p "$T/out")"
	sh_config 'stat -c "%t:%T" /dev/mine' '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 3}]'
	expect_error /dev/mine run_quiet
	[ ! -e /dev/fuse ] || {
		sh_config 'stat -c "%t:%T" /dev/fuse' '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}]'
		expect_output a:e5 run_quiet
	}
}

a_network_of_its_own() {
	BASE=plain.json sh_config 'ip -o link show | wc -l; cat /sys/class/net/lo/flags; ping -c 1 -W 2 127.0.0.1 >/dev/null && echo answered' \
		'.process.capabilities[] += ["CAP_NET_RAW"]'
	expect_equal '1 0x9 answered' "$(run_quiet | xargs)"
	BASE=plain.json sh_config 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start' '.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "80"}'
	expect_output 80 run_quiet
}

a_volume_and_a_tmpfs() {
	mkdir "$USER_HOME/volume" && echo from-outside >"$USER_HOME/volume/file"
	chown -R "$USER_ID:$USER_GID" "$USER_HOME/volume"
	sh_config 'cat /data/file; echo from-inside >/data/new; stat -c %u /data/new; touch /scratch/x && echo written; touch /ro/y 2>/dev/null || echo read-only' \
		".mounts += [{destination: \"/data\", type: \"bind\", source: \"$USER_HOME/volume\", options: [\"bind\"]},
			{destination: \"/ro\", type: \"bind\", source: \"$USER_HOME/volume\", options: [\"bind\", \"ro\", \"nosuid\"]},
			{destination: \"/scratch\", type: \"tmpfs\", source: \"tmpfs\", options: [\"size=1m\"]}]" '.root.readonly = false'
	expect_equal 'from-outside 0 written read-only' "$(run_quiet | xargs)"
	expect_equal "$USER_ID" "$(stat -c %u "$USER_HOME/volume/new")"
}

an_overlay_of_the_user() {
	local dir
	for dir in lower upper work; do mkdir "$USER_HOME/$dir"; done
	echo below >"$USER_HOME/lower/file"
	chown -R "$USER_ID:$USER_GID" "$USER_HOME"/{lower,upper,work}
	sh_config 'cat /layered/file; rm /layered/file; echo above >/layered/made; ls /layered' \
		".mounts += [{destination: \"/layered\", type: \"overlay\", source: \"overlay\", options: [\"userxattr\",
			\"lowerdir=$USER_HOME/lower\", \"upperdir=$USER_HOME/upper\", \"workdir=$USER_HOME/work\"]}]" '.root.readonly = false'
	expect_equal 'below made' "$(run_quiet | xargs)"
	expect_equal above "$(cat "$USER_HOME/upper/made")"
	[ -c "$USER_HOME/upper/file" ]
}

mounts_of_a_living_one() {
	mkdir "$USER_HOME/later" && echo added >"$USER_HOME/later/file" && chown -R "$USER_ID:$USER_GID" "$USER_HOME/later"
	echo "[{\"destination\": \"/tmp/later\", \"type\": \"bind\", \"source\": \"$USER_HOME/later\", \"options\": [\"bind\", \"ro\"]},
		{\"destination\": \"/tmp/fresh\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"}]" >"$T/mounts.json"
	start_one '.root.readonly = false'
	ulvm mounts add "$ID" "$T/mounts.json"
	expect_output added ulvm exec "$ID" cat /tmp/later/file
	expect_error Read-only ulvm exec "$ID" touch /tmp/later/new
	ulvm exec "$ID" touch /tmp/fresh/new
	[ ! -e "$BUNDLE/rootfs/tmp/fresh/new" ]
	ulvm mounts remove "$ID" "$T/mounts.json"
	expect_error '' ulvm exec "$ID" cat /tmp/later/file
	ulvm delete --force "$ID"
}

# --- Control groups ---

without_a_group_it_says_so() {
	sh_config 'echo hello'
	expect_output hello run 2>"$T/err"
	expect_contains 'has no cgroup' "$(cat "$T/err")"
	expect_contains 'Delegate=yes' "$(cat "$T/err")"
	# Who asks for none is not told.
	expect_output hello run_quiet 2>"$T/err"
	expect_equal '' "$(cat "$T/err")"
	start_one
	for verb in pause 'update --pids-limit 5' stats events; do
		# shellcheck disable=SC2086 # a verb and its options
		expect_error 'the container has no cgroup' ulvm $verb "$ID"
	done
	ulvm delete --force "$ID"
}

limits_are_not_dropped() {
	sh_config true '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 0}]'
	expect_error 'hugepageLimits[0]' run
	sh_config true '.linux.resources.pids.limit = 10'
	expect_error 'linux.resources.pids.limit' run
	expect_error 'linux.resources.pids.limit' run_quiet
	sh_config true '.linux.cgroupsPath = "/somewhere"'
	expect_error 'linux.cgroupsPath: make the cgroup' run
	sh_config true '.linux.cgroupsPath = "user.slice:lvm-run:x"'
	expect_error 'systemd' run
	none_left
}

# A group that root has given to tester, and COMMAND of tester's in it.
in_delegated_group() { # COMMAND…
	local v2=/sys/fs/cgroup
	[ -e "$v2/cgroup.controllers" ] || v2=/sys/fs/cgroup/unified
	[ -e "$v2/cgroup.controllers" ] || skip 'no cgroup v2 hierarchy'
	GROUP=$v2/lvm-run-test-$$-$RANDOM
	mkdir "$GROUP" "$GROUP/own" || skip 'this host lets nobody make groups'
	chown "$USER_ID" "$GROUP" "$GROUP"/cgroup.{procs,threads,subtree_control} "$GROUP/own" "$GROUP"/own/cgroup.{procs,threads,subtree_control}
	# shellcheck disable=SC2016 # expanded there
	(echo "$BASHPID" >"$GROUP/own/cgroup.procs" && "$@")
	local status=$?
	wait_for 5 rmdir "$GROUP/own"
	wait_for 5 rmdir "$GROUP"
	return $status
}

life_in_a_delegated_group() {
	local id place
	id=$(new_id)
	ulvm create -b "$BUNDLE" "$id" >"$T/log" 2>&1 </dev/null
	ulvm start "$id"
	place=$GROUP/own/lvm-run-$id
	expect_equal "0::${place#*cgroup*/lvm-run-test}" "0::${place#*cgroup*/lvm-run-test}"
	expect_equal "$(ulvm state "$id" | jq .pid)" "$(cat "$place/cgroup.procs")"
	expect_output '0::/' ulvm exec "$id" sh -c 'grep ^0: /proc/self/cgroup'
	ulvm pause "$id"
	status_is "$id" paused
	expect_contains 'frozen 1' "$(cat "$place/cgroup.events")"
	ulvm resume "$id"
	status_is "$id" running
	expect_contains "$id" "$(ulvm stats --no-stream "$id" 2>&1 || ulvm stats "$id")"
	ulvm exec -d "$id" sleep 500
	ulvm delete --force "$id"
	[ ! -e "$place" ]
	expect_equal '' "$(cat "$T/log")"
}

groups_below_a_delegated_one() { in_delegated_group life_in_a_delegated_group; }

a_path_in_a_delegated_group() {
	named_path() {
		sh_config 'cat /proc/self/cgroup | grep ^0:' ".linux.cgroupsPath = \"/${GROUP##*/}/named\"" 'del(.linux.namespaces[] | select(.type == "cgroup"))'
		expect_equal "0::/${GROUP##*/}/named" "$(run)"
		[ ! -e "$GROUP/named" ]
	}
	in_delegated_group named_path
}

# --- Other verbs ---

verbs_about_the_host() {
	ulvm features | jq -e .ociVersionMax >/dev/null
	ulvm doctor >"$T/doctor" || true
	expect_contains "$RANGE:$RANGE_SIZE" "$(cat "$T/doctor")"
	expect_contains "$USER_RUN/lvm-run" "$(cat "$T/doctor")"
	as_user mkdir "$USER_HOME/fresh"
	ulvm spec --rootless -b "$USER_HOME/fresh"
	expect_equal "$USER_ID $USER_GID" "$(jq -r '.linux | .uidMappings[0].hostID, .gidMappings[0].hostID' "$USER_HOME/fresh/config.json" | xargs)"
	expect_exit 0 ulvm validate "$BUNDLE"
	sh_config true '.process.cwd = "relative"'
	as_user mkdir "$USER_HOME/bad" && cp "$CONFIG" "$USER_HOME/bad/config.json"
	expect_exit 1 ulvm validate "$USER_HOME/bad" >"$T/findings" 2>&1
	expect_contains cwd "$(cat "$T/findings")"
	config .
	ID=$(new_id)
	ulvm --cgroup-manager disabled run -d -b "$BUNDLE" -f "$CONFIG" "$ID" </dev/null >"$T/log" 2>&1
	expect_error root ulvm checkpoint --image-path "$USER_HOME/image" "$ID"
	status_is "$ID" running
	ulvm delete --force "$ID"
}

state_roots() {
	mkdir "$T/foreign"
	expect_error "$T/foreign: it belongs to user 0, not to user $USER_ID" ulvm --root "$T/foreign" list
	expect_error "$T/foreign/below: mkdir: Permission denied" ulvm --root "$T/foreign/below" list
	expect_error 'XDG_RUNTIME_DIR is not set' as_user env -u XDG_RUNTIME_DIR "$USER_RUNTIME" list
	expect_error 'others can write' ulvm --root /tmp/../"$(as_user mktemp -d "$USER_HOME/root.XXXX" | tee "$T/name" | xargs -I{} sh -c 'chmod 777 {}; echo {}')" list
	as_user mkdir -m 700 "$USER_HOME/mine"
	expect_output '' ulvm --root "$USER_HOME/mine" list -q
	# Root's own containers are not a user's to see, nor to touch.
	chmod 700 "$ROOT"
	expect_error "$ROOT: it belongs to user 0" ulvm --root "$ROOT" delete --force anything
}

# --- Namespaces of others, and nested containers ---

a_namespace_of_the_user_is_joined() {
	local other
	start_one
	other=$PID
	config "(.linux.namespaces[] | select(.type == \"user\")).path = \"/proc/$other/ns/user\"" \
		"(.linux.namespaces[] | select(.type == \"ipc\")).path = \"/proc/$other/ns/ipc\"" 'del(.linux.uidMappings, .linux.gidMappings)'
	local id
	id=$(new_id)
	ulvm --cgroup-manager disabled run -d -b "$BUNDLE" -f "$CONFIG" "$id" </dev/null >"$T/log" 2>&1
	PID=$(ulvm state "$id" | jq .pid)
	expect_equal "$(readlink "/proc/$other/ns/user")" "$(readlink "/proc/$PID/ns/user")"
	expect_equal "$(readlink "/proc/$other/ns/ipc")" "$(ulvm exec "$id" readlink /proc/self/ns/ipc)"
	expect_output 0 ulvm exec "$id" id -u
	ulvm delete --force "$id"
	# One in the pid namespace of the first.
	config "(.linux.namespaces[] | select(.type == \"user\")).path = \"/proc/$other/ns/user\"" \
		"(.linux.namespaces[] | select(.type == \"pid\")).path = \"/proc/$other/ns/pid\"" 'del(.linux.uidMappings, .linux.gidMappings)' \
		'.process.args = ["sh", "-c", "ps -o args | grep -c \"[s]leep 1000\""]'
	expect_output 1 run_quiet
	ulvm delete --force "$ID"
	# That of root is not the user's.
	config '(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/1/ns/ipc"'
	expect_error ipc run_quiet
}

# The container has no libraries.
need_a_static_program() { ! ldd "$RUNTIME" >/dev/null 2>&1 || skip 'the program under test is linked dynamically'; }

nested() { # RUN…: a container in a container, which has its own copy of everything
	local inner='{ ulimit -n; } >/dev/null; mkdir -p /tmp/in/rootfs/bin /tmp/state && cp /bin/busybox /tmp/in/rootfs/bin/ &&
		ln -s busybox /tmp/in/rootfs/bin/sh && cd /tmp/in && lvm-run spec --rootless && sed -i "s/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"sh\", \"-c\", \"echo nested; busybox id -u; busybox readlink \/proc\/self\/ns\/user\"/" config.json &&
		lvm-run --root /tmp/state --cgroup-manager disabled run inner; echo status $?; ls /tmp/state'
	sh_config "$inner" '.root.readonly = false' '.process.capabilities = ([.process.capabilities | keys[] | {(.): ["CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_ADMIN", "CAP_SYS_CHROOT", "CAP_SETPCAP", "CAP_SETFCAP"]}] | add)' \
		'.process.noNewPrivileges = false' 'del(.linux.maskedPaths, .linux.readonlyPaths)' \
		'.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["mode=1777"]}]'
	"$@" >"$T/nested" 2>&1 || true
	cat "$T/nested"
	expect_equal 'nested 0' "$(head -n 2 "$T/nested" | xargs)"
	expect_equal 'status 0' "$(sed -n '4,$p' "$T/nested" | xargs)"
	[ "$(sed -n 3p "$T/nested")" != "$(readlink /proc/self/ns/user)" ]
}

a_container_in_a_container() {
	need_a_static_program
	cp "$USER_RUNTIME" "$BUNDLE/rootfs/bin/lvm-run"
	nested run_quiet
}

# Engines without root are the root of a user namespace that they have made, and name no state root.
as_root_of_a_namespace() {
	local id under="unshare --user --map-root-user"
	id=$(new_id)
	sh_config 'id -u; cat /proc/self/uid_map' '.linux.uidMappings[0].hostID = 0 | .linux.gidMappings[0].hostID = 0'
	# shellcheck disable=SC2086 # a command and its options
	expect_equal '0 0 0 1' "$(as_user $under "$USER_RUNTIME" --cgroup-manager disabled run -b "$BUNDLE" -f "$CONFIG" "$id" | xargs)"
	config '.linux.uidMappings[0].hostID = 0 | .linux.gidMappings[0].hostID = 0'
	# shellcheck disable=SC2086
	as_user $under sh -c '
		"$@" --cgroup-manager disabled run -d -b "'"$BUNDLE"'" -f "'"$CONFIG"'" "'"$id"'" </dev/null >/dev/null 2>&1 &&
		test -f "$XDG_RUNTIME_DIR/lvm-run/'"$id"'/record.json" && "$@" exec "'"$id"'" id -u && "$@" delete --force "'"$id"'"' sh "$USER_RUNTIME" >"$T/out"
	expect_equal 0 "$(cat "$T/out")"
	none_left
}

# --- User namespaces made by root ---

maps='.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = [{"containerID": 0, "hostID": 200000, "size": 65536}] | .linux.namespaces += [{"type": "user"}]'
root_run() { lvm run -b "$BUNDLE" -f "$CONFIG" "$(new_id)"; }

id_mapped_root() {
	new_bundle mapped "$maps" '.root.readonly = false'
	# The tree is root's.
	sh_config 'stat -c %u:%g /bin/busybox; id -u; touch /tmp/made' '.annotations["lvm-run.rootfs.idmap"] = "true"'
	root_run >"$T/out" 2>"$T/err" || {
		! grep -q 'cannot be id-mapped' "$T/err" || skip "the file system of $T cannot be id-mapped"
		cat "$T/err"
		return 1
	}
	expect_equal '0:0 0' "$(xargs <"$T/out")"
	expect_equal 0:0 "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/made")"
	sh_config true '.annotations["lvm-run.rootfs.idmap"] = "perhaps"'
	expect_error 'neither true nor false' root_run
	sh_config true '.annotations["lvm-run.rootfs.idmap"] = "true"' 'del(.linux.uidMappings, .linux.gidMappings, (.linux.namespaces[] | select(.type == "user")))'
	expect_error 'needs a user namespace' root_run
	nothing_left
}

id_mapped_root_needs_root() {
	config '.annotations["lvm-run.rootfs.idmap"] = "true"'
	expect_error 'takes root' run_quiet
}

root_without_zero() {
	new_bundle nozero '.linux.namespaces += [{"type": "user"}] | .root.readonly = true'
	chown -R 100000:200000 "$BUNDLE/rootfs"
	sh_config 'id -u; touch /dev/shm/x; stat -c %u /dev/shm/x' \
		'.linux.uidMappings = [{"containerID": 1000, "hostID": 100000, "size": 10}] | .linux.gidMappings = [{"containerID": 1000, "hostID": 200000, "size": 10}]' \
		'.process.user = {uid: 1003, gid: 1004}'
	expect_equal '1003 1003' "$(root_run | xargs)"
}

nested_under_root() {
	need_a_static_program
	new_bundle nest "$maps"
	chown -R 100000:200000 "$BUNDLE/rootfs"
	cp "$USER_RUNTIME" "$BUNDLE/rootfs/bin/lvm-run"
	nested root_run
}

check 'a container lives from create to delete' a_whole_life
check 'run passes input, output and status' run_shows_output_and_status
check 'run and exec have terminals' terminals
check 'exec enters all namespaces, with options' exec_is_inside
check 'wait ends with the container' wait_ends_with_the_container
check 'delete --force and gc clear up after a lost record' gc_and_forced_delete
check 'hooks run as the user' hooks_run_as_the_user
check 'a seccomp agent of the user is asked' seccomp_asks_an_agent
check 'limits of the process hold; raised ones are refused' limits_of_the_process
check 'sysfs is the one of the host, read-only with all below' sys_is_the_hosts_and_read_only
check 'procfs is new' proc_is_new
check 'message queues are new, or those of the host' mqueue_is_new
check 'devices are those of the host' devices_are_the_hosts
check 'a network namespace has its loopback' a_network_of_its_own
check 'volumes and tmpfs' a_volume_and_a_tmpfs
check 'an overlay with userxattr' an_overlay_of_the_user
check 'mounts are added to a living container, and removed' mounts_of_a_living_one
check 'a container without a cgroup is told of, and what needs one says so' without_a_group_it_says_so
check 'limits and named groups that cannot be had are errors' limits_are_not_dropped
check 'a delegated group is used: pause, stats, exec, delete' groups_below_a_delegated_one
check 'a path in a delegated group is used' a_path_in_a_delegated_group
check 'features, doctor, spec and validate; checkpoint says that it needs root' verbs_about_the_host
check 'state roots of others and missing ones are clear errors' state_roots
check 'namespaces of the user are joined, those of root are not' a_namespace_of_the_user_is_joined
check 'a container runs in a container' a_container_in_a_container
check 'root of a user namespace has the state of its user' as_root_of_a_namespace
check 'root: an id-mapped root file system' id_mapped_root
check 'an id-mapped root file system is an error for a user' id_mapped_root_needs_root
check 'root: maps without 0' root_without_zero
check 'root: a container runs in a container with a user namespace' nested_under_root
finish
