#!/usr/bin/env bash
# The life of a container: what each verb does in each state, that an illegal one changes nothing,
# that ids are unique and well-formed, and that many commands at once do no harm.
# shellcheck disable=SC2016 # shells in the container expand these
. "$(dirname "$0")/../support/lib.sh"

# One bundle for all: its program waits, or does what a sub-test's own configuration says.
new_bundle main '.process.args = ["sleep", "1000"]' || exit 1

# config FILTER…: a configuration beside config.json, in CONFIG.
config() {
	local filter=. part
	for part in "$@"; do filter="$filter | $part"; done
	CONFIG=$T/config-$BASHPID-$RANDOM.json
	jq "$filter" "$BUNDLE/config.json" >"$CONFIG"
}

create() { lvm create -b "$BUNDLE" "$@"; }

# Sets ID: a container in the state asked for.
container_in_state() {
	ID=$(new_id)
	case $1 in
	created) create "$ID" ;;
	running) create "$ID" && lvm start "$ID" ;;
	paused) create "$ID" && lvm start "$ID" && lvm pause "$ID" ;;
	stopped)
		config '.process.args = ["true"]'
		create -f "$CONFIG" "$ID" && lvm start "$ID"
		wait_for 5 container_is "$ID" stopped
		;;
	esac
	container_is "$ID" "$1"
}

# What a command without effect must not change.
snapshot() {
	lvm state "$1"
	find "$ROOT/$1" -printf '%P %y %s\n' | sort
}

refused() { # STATE TEXT VERB [ARGUMENT…], with ID put after the verb
	local state=$1 text=$2 verb=$3 before
	shift 3
	before=$(snapshot "$ID")
	expect_error "lvm-run: $verb $ID: " lvm "$verb" "$ID" "$@"
	expect_error "$text" lvm "$verb" "$ID" "$@"
	container_is "$ID" "$state"
	expect_equal "$before" "$(snapshot "$ID")"
}

group_of() { jq -r '.cgroupMount + .cgroupPath' "$ROOT/$1/record.json"; }

its_life_goes_through_all_states() {
	local id pid
	id=$(new_id)
	create --pid-file "$T/pid" "$id"
	container_is "$id" created
	pid=$(cat "$T/pid")
	expect_equal "$pid" "$(lvm state "$id" | jq .pid)"
	lvm start "$id"
	container_is "$id" running
	expect_equal "$pid" "$(lvm state "$id" | jq .pid)"
	# An execve closes what is to be closed before the new words can be read.
	wait_for 5 grep -qz '^sleep$' "/proc/$pid/cmdline"
	lvm kill "$id" KILL
	wait_for 5 container_is "$id" stopped
	expect_equal 0 "$(lvm state "$id" | jq .pid)"
	lvm delete "$id"
	[ ! -e "$ROOT/$id" ]
	has_ended "$pid"
	expect_error 'container does not exist' lvm state "$id"
}

created_refuses() {
	container_in_state created
	refused created 'cannot resume: container is created' resume
}

running_refuses() {
	container_in_state running
	refused running 'cannot start: container is running' start
	refused running 'cannot resume: container is running' resume
	refused running 'cannot delete without --force: container is running' delete
}

paused_refuses() {
	container_in_state paused
	refused paused 'cannot start: container is paused' start
	refused paused 'cannot pause: container is paused' pause
	refused paused 'cannot exec: container is paused' exec true
	refused paused 'cannot delete without --force: container is paused' delete
	lvm resume "$ID"
	container_is "$ID" running
}

stopped_refuses() {
	local verb
	container_in_state stopped
	for verb in start pause resume kill ps; do
		refused stopped 'container not running' "$verb"
	done
	refused stopped 'container not running' exec true
	refused stopped 'container not running' kill 9
}

an_id_is_given_once() {
	local state before
	for state in created running paused stopped; do
		container_in_state "$state"
		before=$(snapshot "$ID")
		expect_error "lvm-run: create $ID: container with id exists" create "$ID"
		expect_error "container with id exists" lvm run -b "$BUNDLE" "$ID"
		expect_equal "$before" "$(snapshot "$ID")"
	done
	lvm delete "$ID"
	create "$ID"
}

bad_ids_make_nothing() {
	local id long
	long=$(head -c 4096 /dev/zero | tr '\0' a)
	mkdir "$T/outer"
	for id in ../x ../outer/x . .. a/b '' 'ä' 'a b' $'a\nb' "$long" /tmp/x .hidden 'a*' 'a;b'; do
		expect_exit 1 lvm --root "$T/outer/root" create -b "$BUNDLE" -- "$id" 2>"$T/err"
		expect_exit 1 lvm --root "$T/outer/root" run -b "$BUNDLE" -- "$id" 2>"$T/err"
		[ "$(wc -l <"$T/err")" -le 2 ]
	done
	expect_equal '' "$(find "$T/outer" -mindepth 2)"
	for id in ../x . .. a/b '' 'ä'; do
		expect_exit 1 lvm state -- "$id" 2>/dev/null
		expect_exit 1 lvm delete -- "$id" 2>/dev/null
	done
	expect_exit 1 lvm create -b "$BUNDLE" -leading 2>"$T/err"
	expect_contains 'unknown option' "$(cat "$T/err")"
}

odd_but_legal_ids_work() {
	local id
	for id in a 0 A_b+c-d.e +x _; do
		lvm --root "$T/odd" create -b "$BUNDLE" "$id"
		expect_equal "$id" "$(lvm --root "$T/odd" state "$id" | jq -r .id)"
		lvm --root "$T/odd" delete "$id"
	done
}

create_needs_its_words() {
	local before
	before=$(ls "$ROOT")
	expect_error 'ID is missing' create
	expect_error 'bundle /nonexistent' lvm create -b /nonexistent "$(new_id)"
	mkdir "$T/empty"
	expect_error 'config.json' lvm create -b "$T/empty" "$(new_id)"
	cp "$BUNDLE/config.json" "$T/empty/"
	expect_error rootfs lvm create -b "$T/empty" "$(new_id)"
	printf '{"ociVersion":\n "1.0.0",,}' >"$T/empty/config.json"
	expect_error 'line 2' lvm create -b "$T/empty" "$(new_id)"
	expect_equal "$before" "$(ls "$ROOT")"
}

the_configuration_is_read_once() {
	local id
	id=$(new_id)
	new_bundle edited '.process.args = ["sh", "-c", "echo old > /tmp/out; sleep 1000"]' \
		'.root.readonly = false' '.hooks.poststop = [{"path": "/bin/sh",
		"args": ["sh", "-c", "echo old >\(env.T)/poststop"]}]'
	lvm create -b "$BUNDLE" "$id"
	edit_config '.process.args = ["sh", "-c", "echo new > /tmp/out"] | .process.env = [] |
		.hooks.poststop[0].args[2] = "echo new >\(env.T)/poststop"'
	lvm start "$id"
	wait_for 5 test -s "$BUNDLE/rootfs/tmp/out"
	expect_equal old "$(cat "$BUNDLE/rootfs/tmp/out")"
	expect_contains PATH= "$(lvm exec "$id" env)"
	rm "$BUNDLE/config.json"
	lvm delete --force "$id"
	expect_equal old "$(cat "$T/poststop")"
}

the_program_waits_for_start() {
	local id
	id=$(new_id)
	new_bundle waiting '.process.args = ["touch", "/tmp/ran"]' '.root.readonly = false'
	lvm create -b "$BUNDLE" "$id"
	sleep 0.2
	[ ! -e "$BUNDLE/rootfs/tmp/ran" ]
	container_is "$id" created
	lvm start "$id"
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/ran"
}

a_created_one_is_deleted() {
	local group pid
	container_in_state created
	group=$(group_of "$ID")
	pid=$(lvm state "$ID" | jq .pid)
	[ -d "$group" ]
	lvm delete "$ID"
	[ ! -e "$ROOT/$ID" ] && [ ! -d "$group" ]
	has_ended "$pid"
}

a_created_one_is_killed() {
	container_in_state created
	lvm kill "$ID" KILL
	wait_for 5 container_is "$ID" stopped
	expect_error 'container not running' lvm start "$ID"
	lvm delete "$ID"
}

one_that_ends_by_itself_stays_until_delete() {
	local group
	container_in_state stopped
	group=$(group_of "$ID")
	expect_equal stopped "$(lvm list -f json | jq -r --arg id "$ID" '.[] | select(.id == $id).status')"
	lvm delete "$ID"
	[ ! -e "$ROOT/$ID" ] && [ ! -d "$group" ]
	expect_error 'container does not exist' lvm delete "$ID"
}

force_deletes_in_every_state() {
	local state group
	for state in created running paused stopped; do
		container_in_state "$state"
		group=$(group_of "$ID")
		lvm delete --force "$ID"
		[ ! -e "$ROOT/$ID" ] && [ ! -d "$group" ]
		lvm delete --force "$ID"
	done
}

a_process_object_is_needed_to_start() {
	local id
	id=$(new_id)
	config 'del(.process)'
	create -f "$CONFIG" "$id"
	container_is "$id" created
	expect_error 'process: the configuration has none' lvm start "$id"
	container_is "$id" created
}

two_starts_have_one_winner() {
	local round won
	for round in 1 2 3 4 5; do
		container_in_state created
		lvm start "$ID" 2>"$T/err.a" & local a=$!
		lvm start "$ID" 2>"$T/err.b" & local b=$!
		won=0
		if wait "$a"; then won=$((won + 1)); fi
		if wait "$b"; then won=$((won + 1)); fi
		expect_equal "round $round: 1" "round $round: $won"
		expect_contains 'cannot start: container is running' "$(cat "$T/err.a" "$T/err.b")"
		container_is "$ID" running
	done
}

one_of_twenty_creates_wins() {
	local id n jobs=() won=0
	id=$(new_id)
	for n in $(seq 20); do
		create "$id" 2>"$T/race.$n" &
		jobs+=($!)
	done
	for n in "${jobs[@]}"; do if wait "$n"; then won=$((won + 1)); fi; done
	expect_equal 1 "$won"
	expect_equal 19 "$(cat "$T"/race.* | grep -c 'container with id exists')"
	container_is "$id" created
	lvm start "$id"
	container_is "$id" running
}

thirty_at_once_all_work() {
	local n jobs=() failed=0 prefix
	prefix=$(new_id)
	config '.process.args = ["sh", "-c", "exit 7"]'
	for n in $(seq 30); do
		expect_exit 7 lvm run -b "$BUNDLE" -f "$CONFIG" "$prefix-$n" &
		jobs+=($!)
	done
	for n in "${jobs[@]}"; do wait "$n" || failed=$((failed + 1)); done
	expect_equal 0 "$failed"
	expect_equal '' "$(find "$ROOT" -name "$prefix*")"
	[ -z "$(find /sys/fs/cgroup/ -name "*$prefix*" 2>/dev/null || :)" ]
}

readers_bear_with_writers() {
	local n prefix listers=()
	prefix=$(new_id)
	for n in 1 2; do
		while [ ! -e "$T/enough" ]; do
			lvm list -f json | jq -e 'type == "array"' || exit 1
			lvm list >/dev/null || exit 1
		done &
		listers+=($!)
	done
	for n in $(seq 15); do
		create "$prefix-$n"
		lvm start "$prefix-$n"
		lvm delete --force "$prefix-$n"
	done
	touch "$T/enough"
	for n in "${listers[@]}"; do wait "$n"; done
}

signals_have_names_and_numbers() {
	local id signal
	id=$(new_id)
	new_bundle signals '.process.args = ["sh", "-c", "
		for s in HUP USR1 USR2 TERM INT; do trap \"echo $s >> /tmp/got\" $s; done
		touch /tmp/ready; while :; do sleep 0.05; done"]' '.root.readonly = false'
	lvm create -b "$BUNDLE" "$id"
	lvm start "$id"
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/ready"
	for signal in HUP SIGHUP hup sighup 1 USR1 10 sigusr2 INT 2; do
		lvm kill "$id" "$signal"
		wait_for 5 test -s "$BUNDLE/rootfs/tmp/got"
		cat "$BUNDLE/rootfs/tmp/got" >>"$T/all" && rm "$BUNDLE/rootfs/tmp/got"
	done
	lvm kill "$id"
	wait_for 5 test -s "$BUNDLE/rootfs/tmp/got"
	expect_equal TERM "$(cat "$BUNDLE/rootfs/tmp/got")"
	expect_equal 'HUP HUP HUP HUP HUP USR1 USR1 USR2 INT INT' "$(xargs <"$T/all")"
	expect_error 'unknown signal' lvm kill "$id" 999
	expect_error 'unknown signal' lvm kill "$id" -- -1
	expect_error 'unknown signal' lvm kill "$id" 9x
	container_is "$id" running
	lvm kill "$id" 9
	wait_for 5 container_is "$id" stopped
}

kill_all_reaches_every_process() {
	local id
	id=$(new_id)
	new_bundle tree '.root.readonly = false | .process.args = ["sh", "-c", "
		for n in 1 2 3; do (trap \"echo $n >> /tmp/got; exit\" USR1; touch /tmp/up.$n
			while :; do sleep 0.05; done) & done
		trap \"echo init >> /tmp/got\" USR1; touch /tmp/up.0; while :; do sleep 0.05; done"]'
	lvm create -b "$BUNDLE" "$id"
	lvm start "$id"
	wait_for 5 test -e "$BUNDLE/rootfs/tmp/up.0" -a -e "$BUNDLE/rootfs/tmp/up.1" \
		-a -e "$BUNDLE/rootfs/tmp/up.2" -a -e "$BUNDLE/rootfs/tmp/up.3"
	[ "$(lvm ps -f json "$id" | jq length)" -ge 4 ]
	lvm kill --all "$id" USR1 || true # a sleep that ends meanwhile is no failure of the rest
	wait_for 5 sh -c "[ \$(wc -l <'$BUNDLE/rootfs/tmp/got') -ge 4 ]"
	expect_equal '1 2 3 init' "$(sort "$BUNDLE/rootfs/tmp/got" | xargs)"
	lvm kill -a "$id" KILL
	wait_for 5 container_is "$id" stopped
	lvm delete "$id"
}

kill_by_expression() {
	local prefix
	prefix=$(new_id)
	create "$prefix-a1" && create "$prefix-a2" && create "$prefix-b"
	lvm kill --regex "$prefix-a." KILL
	wait_for 5 container_is "$prefix-a1" stopped
	wait_for 5 container_is "$prefix-a2" stopped
	container_is "$prefix-b" created
	lvm delete --regex "$prefix-a."
	expect_equal "$prefix-b" "$(lvm list -q | grep "^$prefix")"
}

state_has_the_fields_of_the_specification() {
	local version
	config '.annotations = {"a.b": "c", "empty": ""}'
	version=$(jq -r .ociVersion "$CONFIG")
	ID=$(new_id)
	create -f "$CONFIG" "$ID"
	lvm state "$ID" >"$T/state.json"
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" --arg version "$version" '
		.ociVersion == $version and .id == $id and .status == "created" and
		(.pid | type == "number" and . > 1) and .bundle == $bundle and
		.rootfs == $bundle + "/rootfs" and .annotations == {"a.b": "c", "empty": ""} and
		(.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$"))' "$T/state.json"
	expect_equal "$(jq -S . "$T/state.json")" \
		"$(lvm list --format json | jq -S --arg id "$ID" '.[] | select(.id == $id)')"
	expect_equal "$ID" "$(lvm list -q | grep "^$ID\$")"
	expect_equal "$ID $(jq .pid "$T/state.json") created $BUNDLE $(jq -r .created "$T/state.json") root" \
		"$(lvm list | grep "^$ID" | xargs)"
}

a_relative_bundle_is_shown_absolute() {
	ID=$(new_id)
	(cd "$BUNDLE" && lvm create "$ID")
	expect_equal "$BUNDLE" "$(lvm state "$ID" | jq -r .bundle)"
	(cd "$T" && lvm run -b main/../main/. -f main/config.json -d "$ID-2")
	expect_equal "$BUNDLE" "$(lvm state "$ID-2" | jq -r .bundle)"
}

ps_lists_its_processes() {
	container_in_state running
	lvm exec -d "$ID" sleep 2000
	expect_equal 2 "$(lvm ps --format json "$ID" | jq length)"
	expect_equal true "$(lvm ps -f json "$ID" | jq --argjson pid "$(lvm state "$ID" | jq .pid)" 'index($pid) != null')"
	lvm ps "$ID" >"$T/ps"
	expect_contains PID "$(head -n 1 "$T/ps")"
	expect_equal 3 "$(wc -l <"$T/ps")"
	wait_for 5 eval 'lvm ps "$ID" -eo pid,args | grep "sleep 2000$"'
	expect_equal 'sleep 2000' "$(lvm ps "$ID" -eo pid,args | sed -n 's/^ *[0-9]* \(sleep 2.*\)/\1/p')"
}

a_record_of_another_boot_is_stopped() {
	local other=$T/otherboot id
	id=$(new_id)
	create "$id"
	lvm start "$id"
	# The machine went down and came up: the record stays, its numbers mean other processes now.
	mkdir "$other" && chmod 700 "$other"
	cp -a "$ROOT/$id" "$other/"
	local boot
	boot=$(cat /proc/sys/kernel/random/boot_id)
	grep -q "$boot" "$other/$id/record.json"
	sed -i "s/$boot/00000000-1111-2222-3333-444444444444/" "$other/$id/record.json"
	expect_equal stopped "$(lvm --root "$other" state "$id" | jq -r .status)"
	expect_error 'container not running' lvm --root "$other" kill "$id" 9
	container_is "$id" running
	rm -r "$other"
}

a_process_id_used_again_is_not_killed() {
	local other=$T/reused id pid
	id=$(new_id)
	create "$id"
	sleep 0.1 # start times are counted in ticks of 10 ms
	sleep 1000 &
	pid=$!
	mkdir "$other" && chmod 700 "$other"
	cp -a "$ROOT/$id" "$other/"
	lvm delete "$id"
	jq --argjson pid "$pid" '.pid = $pid' "$other/$id/record.json" >"$T/reused.json"
	cat "$T/reused.json" >"$other/$id/record.json"
	expect_equal stopped "$(lvm --root "$other" state "$id" | jq -r .status)"
	expect_error 'container not running' lvm --root "$other" kill "$id" KILL
	lvm --root "$other" delete --force "$id"
	kill -0 "$pid"
	kill "$pid"
}

roots_do_not_see_each_other() {
	local id
	id=$(new_id)
	create "$id"
	config ".linux.cgroupsPath = \"/other-$id\""
	lvm --root "$T/second" create -b "$BUNDLE" --config "$CONFIG" "$id"
	lvm --root "$T/second" start "$id"
	container_is "$id" created
	expect_equal running "$(lvm --root "$T/second" state "$id" | jq -r .status)"
	lvm --root "$T/second" delete -f "$id"
	container_is "$id" created
}

the_root_belongs_to_its_owner_alone() {
	local id
	id=$(new_id)
	lvm --root "$T/new/deep/root" create -b "$BUNDLE" "$id"
	expect_equal 700 "$(stat -c %a "$T/new/deep/root")"
	expect_equal '' "$(find "$T/new/deep/root/$id" -type f -perm /077)"
	expect_error '' setpriv --reuid 1000 --regid 1000 --clear-groups "$RUNTIME" --root "$T/new/deep/root" state "$id"
	lvm --root "$T/new/deep/root" delete "$id"
	expect_equal '' "$(ls "$T/new/deep/root")"
}

a_failing_create_leaves_nothing() {
	local id groups
	id=$(new_id)
	groups=$({ find /sys/fs/cgroup/ -maxdepth 3 -name "*$id*" 2>/dev/null || :; } | wc -l)
	config '.process.args = ["no-such-program"]'
	expect_error 'executable file not found in $PATH' create --pid-file "$T/nopid" -f "$CONFIG" "$id"
	config '.mounts += [{"destination": "/x", "type": "bind", "source": "/nonexistent", "options": ["bind"]}]'
	expect_error '/nonexistent' create --pid-file "$T/nopid" -f "$CONFIG" "$id"
	expect_error 'pid file' create --pid-file /nonexistent/pid "$id"
	[ ! -e "$ROOT/$id" ] && [ ! -e "$T/nopid" ]
	expect_equal "$groups" "$({ find /sys/fs/cgroup/ -maxdepth 3 -name "*$id*" 2>/dev/null || :; } | wc -l)"
	create "$id"
}

check 'a container is created, running, stopped and gone' its_life_goes_through_all_states
check 'a created container refuses what is illegal, without effect' created_refuses
check 'a running container refuses what is illegal, without effect' running_refuses
check 'a paused container refuses what is illegal, without effect' paused_refuses
check 'a stopped container refuses what is illegal, without effect' stopped_refuses
check 'an id is given once, whatever the state of its container' an_id_is_given_once
check 'ids that are no file names or lead elsewhere make nothing' bad_ids_make_nothing
check 'odd but legal ids work' odd_but_legal_ids_work
check 'create says which of its words is missing or wrong' create_needs_its_words
check 'what is edited after create has no effect' the_configuration_is_read_once
check 'the program does not run before start' the_program_waits_for_start
check 'a created container can be deleted' a_created_one_is_deleted
check 'a created container can be killed' a_created_one_is_killed
check 'a container that ends by itself stays until it is deleted' one_that_ends_by_itself_stays_until_delete
check 'delete --force works in every state, and twice' force_deletes_in_every_state
check 'a container without a process can be created and not started' a_process_object_is_needed_to_start
check 'of two starts at once one wins' two_starts_have_one_winner
check 'of twenty creates of one id at once one wins' one_of_twenty_creates_wins
check 'thirty containers at once all work' thirty_at_once_all_work
check 'list works while containers come and go' readers_bear_with_writers
check 'signals are known by name and by number' signals_have_names_and_numbers
check 'kill --all reaches every process' kill_all_reaches_every_process
check 'kill and delete take an expression' kill_by_expression
check 'state and list have the fields of the specification' state_has_the_fields_of_the_specification
check 'a relative bundle is shown absolute' a_relative_bundle_is_shown_absolute
check 'ps lists the processes of the container' ps_lists_its_processes
check 'a record of another boot is that of a stopped container' a_record_of_another_boot_is_stopped
check 'a process id that was used again is left alone' a_process_id_used_again_is_not_killed
check 'two state roots do not see each other' roots_do_not_see_each_other
check 'the state root is for its owner alone' the_root_belongs_to_its_owner_alone
check 'a create that fails leaves nothing' a_failing_create_leaves_nothing
finish
