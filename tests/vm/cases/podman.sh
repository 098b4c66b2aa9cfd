#!/bin/bash
# Podman and conmon drive the runtime, with both of Podman's cgroup managers.
# shellcheck disable=SC2317 # functions called by check
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

image=localhost/lvm-vm:latest
export CONTAINERS_CONF=$T/containers.conf
cat >"$CONTAINERS_CONF" <<EOF
[engine]
runtime = "${RUNTIME##*/}"
runtime_supports_json = ["crun", "runc", "lvm-run"]
runtime_supports_nocgroup = ["crun", "lvm-run"]
[engine.runtimes]
${RUNTIME##*/} = ["$RUNTIME"]
[containers]
log_driver = "k8s-file"
netns = "none"
EOF

ending() { podman rm --all --force --time 0; } >/dev/null 2>&1
trap 'ending; lib_cleanup' EXIT
tar -C "$ROOTFS" --owner=0 --group=0 -cf "$T/image.tar" .
must podman import "$T/image.tar" "$image"

inspect() { podman inspect -f "$2" "$1"; }
container_ended() { [ "$(inspect "$1" '{{.State.Status}}')" = exited ]; }
host_cgroup() { sed -n 's|^0::|/sys/fs/cgroup|p' "/proc/$(inspect "$1" '{{.State.Pid}}')/cgroup"; }

podman_names_the_runtime() {
	expect_equal "$RUNTIME" "$(podman info -f '{{.Host.OCIRuntime.Path}}')"
	expect_match '[0-9]\.[0-9]' "$(podman info -f '{{.Host.OCIRuntime.Version}}')"
}

by_its_path() { CONTAINERS_CONF=/dev/null expect_output hello podman --runtime "$RUNTIME" run --rm --network none "$image" echo hello; }

output_and_exit_codes() {
	local err
	expect_output hello podman run --rm "$image" echo hello
	expect_exit 7 podman run --rm "$image" sh -c 'exit 7'
	err=$(podman run --rm "$image" sh -c 'echo to-stderr >&2' 2>&1 >/dev/null)
	expect_equal to-stderr "$err"
}

standard_input() { expect_equal 'through the pipe' "$(echo 'through the pipe' | podman run --rm -i "$image" cat)"; }

absent_program_is_127() {
	expect_exit 127 podman run --rm "$image" no-such-program 2>"$T/err"
	expect_match 'no-such-program' "$(cat "$T/err")"
	expect_exit 127 podman run --rm "$image" /no/such/program
}

not_executable_is_126() {
	expect_exit 126 podman run --rm "$image" /etc 2>"$T/err"
	expect_match 'permission denied|not permitted|[Pp]ermission' "$(cat "$T/err")"
	expect_exit 126 podman run --rm "$image" /etc/passwd
}

unknown_runtime_flag_is_126() {
	expect_exit 126 podman --runtime-flag no-such-flag run --rm "$image" true 2>"$T/err"
	expect_contains no-such-flag "$(cat "$T/err")"
}

bad_option_is_125() { expect_exit 125 podman run --rm --no-such-option "$image" true; }

daemon_with_systemd() {
	podman run -d --name d1 "$image" sleep 1000
	expect_equal running "$(inspect d1 '{{.State.Status}}')"
	expect_equal systemd "$(inspect d1 '{{.HostConfig.CgroupManager}}')"
	expect_equal active "$(systemctl show -p ActiveState --value "libpod-$(inspect d1 '{{.Id}}').scope")"
	expect_match '/machine.slice/libpod-' "$(host_cgroup d1)"
}

exec_works() {
	expect_output inside podman exec d1 echo inside
	expect_exit 5 podman exec d1 sh -c 'exit 5'
	expect_equal typed "$(echo typed | podman exec -i d1 cat)"
	# shellcheck disable=SC2016 # the container's shell
	expect_output '1000 /tmp v' podman exec -u 1000 -w /tmp -e K=v d1 sh -c 'echo $(id -u) $(pwd) $K'
	podman exec -d d1 sh -c 'echo background >/tmp/made'
	wait_for 20 podman exec d1 grep -q background /tmp/made
}

exec_exit_codes() {
	expect_exit 127 podman exec d1 no-such-program
	expect_exit 126 podman exec d1 /etc 2>"$T/err"
	expect_match '(open executable|is not a regular file|ermission denied|not permitted)' "$(cat "$T/err")"
	expect_exit 125 podman exec no-such-container true
}

terminals() {
	expect_contains /dev/pts/0 "$(podman run --rm -t "$image" tty)"
	expect_match '^/dev/(pts/[0-9]|console)' "$(podman exec -t d1 tty)"
	expect_exit 7 podman run --rm -t "$image" sh -c 'test -t 0 && test -t 1 && exit 7'
}

pause_and_unpause() {
	local cg
	cg=$(host_cgroup d1)
	podman pause d1
	expect_equal paused "$(inspect d1 '{{.State.Status}}')"
	expect_contains 'frozen 1' "$(cat "$cg/cgroup.events")"
	podman unpause d1
	expect_equal running "$(inspect d1 '{{.State.Status}}')"
}

kill_and_remove() {
	local scope
	scope=libpod-$(inspect d1 '{{.Id}}').scope
	podman kill d1
	wait_for 20 container_ended d1
	expect_equal 137 "$(inspect d1 '{{.State.ExitCode}}')"
	podman rm d1
	expect_equal inactive "$(systemctl show -p ActiveState --value "$scope")"
	expect_equal '' "$("$RUNTIME" list -q)"
}

stop_start_restart() {
	# shellcheck disable=SC2016 # the container's shell
	podman run -d --name s1 "$image" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
	wait_for 20 eval 'podman logs s1 | grep -q up'
	podman stop s1
	expect_equal 3 "$(inspect s1 '{{.State.ExitCode}}')"
	podman start s1
	expect_equal running "$(inspect s1 '{{.State.Status}}')"
	podman rm --force --time 0 s1
	expect_equal '' "$(podman ps --all --quiet)"
}

stop_by_force() {
	podman run -d --name s2 "$image" sleep 1000
	podman stop --time 1 s2
	expect_equal 137 "$(inspect s2 '{{.State.ExitCode}}')"
	podman rm s2
}

create_then_start() {
	podman create --name c1 "$image" sh -c 'echo started; exit 4'
	expect_exit 4 podman start --attach c1 >"$T/attached"
	expect_equal started "$(cat "$T/attached")"
	podman rm c1
}

with_cgroupfs() {
	local cg
	podman --cgroup-manager cgroupfs run -d --name f1 --memory 64m --pids-limit 50 --cpus 0.5 "$image" sleep 1000
	cg=$(host_cgroup f1)
	expect_match '/libpod_parent/libpod-' "$cg"
	expect_file "$cg/memory.max" 67108864
	expect_file "$cg/pids.max" 50
	expect_file "$cg/cpu.max" '50000 100000'
	expect_output inside podman --cgroup-manager cgroupfs exec f1 echo inside
	podman --cgroup-manager cgroupfs rm --force --time 0 f1
	[ ! -e "$cg" ]
}

limits_with_systemd() {
	expect_equal '67108864 50 50000 100000' "$(podman run --rm --memory 64m --pids-limit 50 --cpus 0.5 "$image" \
		sh -c 'cd /sys/fs/cgroup && echo $(cat memory.max pids.max cpu.max)')"
	# conmon reads memory.events when the program has ended, and systemd may have removed the empty group by then.
	wait_for 60 is_told_of_the_oom_killer
}
is_told_of_the_oom_killer() {
	local told
	expect_exit 137 podman run --name m1 --memory 16m --memory-swap 16m "$image" dd if=/dev/zero of=/dev/null bs=64M count=1 || return
	told=$(inspect m1 '{{.State.OOMKilled}}')
	podman rm m1
	expect_equal true "$told"
}

without_cgroups() {
	local id own
	id=$(podman run -d --cgroups disabled --name n1 "$image" sleep 1000)
	own=$(cat "/proc/$(cat "$(inspect n1 '{{.ConmonPidFile}}')")/cgroup")
	expect_equal "$own" "$(cat "/proc/$(inspect n1 '{{.State.Pid}}')/cgroup")"
	expect_match not-found "$(systemctl show -p LoadState "libpod-$id.scope")"
	podman rm --force --time 0 n1
}

on_the_network_of_the_host() {
	expect_equal "$(readlink /proc/self/ns/net)" "$(podman run --rm --network host "$image" readlink /proc/self/ns/net)"
}

shared_namespaces() {
	podman run -d --name ns1 "$image" sleep 1000
	expect_contains 'sleep 1000' "$(podman run --rm --pid container:ns1 --ipc container:ns1 "$image" ps)"
	expect_contains systemd "$(podman run --rm --pid host "$image" ps)"
	podman rm --force --time 0 ns1
}

mapped_users() {
	expect_match '^ +0 +100000 +1000$' "$(podman run --rm --uidmap 0:100000:1000 --gidmap 0:100000:1000 "$image" cat /proc/self/uid_map)"
}

many_options() {
	local out
	mkdir "$T/volume"
	echo from-the-host >"$T/volume/file"
	out=$(podman run --rm --read-only --user 1000:1000 --cap-drop all --security-opt no-new-privileges --hostname named \
		--tmpfs /scratch:rw,size=1m --volume "$T/volume:/data:ro" --workdir /data --env KEY=value --sysctl net.ipv4.ip_forward=1 \
		--ulimit nofile=2000:3000 --oom-score-adj 300 --device /dev/loop-control --shm-size 1m --umask 0077 "$image" sh -c '
		id -u; hostname; cat file; echo $KEY; cat /proc/sys/net/ipv4/ip_forward; ulimit -n; cat /proc/self/oom_score_adj
		grep -c "^/dev/" /proc/mounts >/dev/null; test -c /dev/loop-control && echo device; umask
		grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status
		touch /etc/x 2>&1; touch /data/x 2>&1; touch /scratch/x && echo written')
	expect_contains "1000
named
from-the-host
value
1
2000
300
device
0077
CapEff:	0000000000000000
NoNewPrivs:	1
Seccomp:	2
" "$out"$'\n'
	expect_match 'touch: /etc/x: Read-only file system' "$out"
	expect_match 'touch: /data/x: Read-only file system' "$out"
	expect_match 'written$' "$out"
}

preserved_fds() {
	echo 'from fd 3' >"$T/three"
	expect_equal 'from fd 3' "$(podman run --rm --preserve-fds 1 "$image" sh -c 'cat <&3' 3<"$T/three")"
}

privileged() {
	expect_equal 000001ffffffffff "$(podman run --rm --privileged "$image" sed -n 's/CapEff:.//p' /proc/self/status)"
}

check 'podman info names the runtime and its version' podman_names_the_runtime
check 'podman --runtime PATH needs no configuration' by_its_path
check 'run shows the output and returns the exit code' output_and_exit_codes
check 'run -i passes standard input on' standard_input
check 'an absent program is 127' absent_program_is_127
check 'what cannot be executed is 126' not_executable_is_126
check 'an unknown flag of the runtime is 126 and named' unknown_runtime_flag_is_126
check 'an unknown option of Podman is 125' bad_option_is_125
check 'run -d with systemd as the cgroup manager has a scope' daemon_with_systemd
check 'exec: output, input, user, directory, environment, detached' exec_works
check 'exec: 125, 126, 127' exec_exit_codes
check 'run -t and exec -t have a terminal' terminals
check 'pause and unpause' pause_and_unpause
check 'kill and rm leave nothing' kill_and_remove
check 'stop, start and rm -f' stop_start_restart
check 'stop kills what does not end' stop_by_force
check 'create, then start --attach' create_then_start
check 'limits with systemd, and what happens beyond them' limits_with_systemd
check 'cgroupfs as the cgroup manager' with_cgroupfs
check '--cgroups=disabled stays in the cgroup of conmon' without_cgroups
check 'the network of the host' on_the_network_of_the_host
check 'namespaces of another container and of the host' shared_namespaces
check 'mapped users' mapped_users
check 'many options at once' many_options
check '--preserve-fds' preserved_fds
check '--privileged' privileged
finish
