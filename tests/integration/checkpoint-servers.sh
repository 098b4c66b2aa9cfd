#!/usr/bin/env bash
# Real servers under load: what they have acknowledged is there after a restore, in clones and after a revert.
# not for the test machine: it has none of the servers
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/snapshots.sh"
[ -x /usr/bin/python3 ] || skip 'no python3'

# The machine's own programs, with nothing of its configuration and nothing of its data.
new_bundle servers '.root.readonly = false' '.process.env += ["PYTHONDONTWRITEBYTECODE=1"]' \
	'.mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["bind", "ro"]}]' \
	'.process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE", "CAP_FOWNER"])'
PLAIN=$BUNDLE TREE=$BUNDLE/rootfs
rm -rf "$TREE"
mkdir -p "$TREE"/{usr,etc,dev,proc,sys,tmp,data/db,postgres}
for name in bin sbin lib lib64; do [ ! -e "/usr/$name" ] || ln -s "usr/$name" "$TREE/$name"; done
chmod 1777 "$TREE/tmp"
cp "$TOP/tests/support/servers.py" "$TREE/"

# PostgreSQL will not be root, and CRIU cannot save another user's process where root lacks CAP_SYS_RESOURCE: the
# one is told that it is user 1000, which its folder belongs to.
gcc -shared -fPIC -o "$TREE/not-root.so" -x c - <<'C' || skip 'no C compiler'
unsigned int getuid(void);
unsigned int geteuid(void);
unsigned int getuid(void) { return 1000; }
unsigned int geteuid(void) { return 1000; }
C
echo 'postgres:x:1000:1000::/data:/bin/sh' >"$TREE/etc/passwd"
chown 1000:1000 "$TREE/data/db"
chmod 700 "$TREE/data/db"
mkdir "$T/logs"

# Both ends of each connection are in the container: nothing comes from outside that a lock would hold back.
CONNECTED=(--tcp-established)

needs() { # SERVER
	local folder
	case $1 in
	redis) [ -x /usr/bin/redis-check-rdb ] || skip 'no redis-tools' ;;
	postgres)
		folder=$("$TOP/tests/support/postgres" --cached 2>/dev/null) || skip 'PostgreSQL was not fetched'
		jq --arg from "$folder" '.mounts += [{destination: "/postgres", type: "bind", source: $from, options: ["bind", "ro"]}]' \
			"$PLAIN/config.json" >"$T/config.new"
		mv "$T/config.new" "$PLAIN/config.json"
		;;
	esac
	jq --arg name "$1" '.process.args = ["/usr/bin/python3", "-S", "-E", "/servers.py", "serve", $name]' \
		"$PLAIN/config.json" >"$T/config.new"
	mv "$T/config.new" "$PLAIN/config.json"
}

# What a command said whose output is a file.
failed() { cat "$1"; return 1; }

goes_on() { # LOG: it acknowledges more
	wait_for 30 has_lines "$1" $(($(wc -l <"$1") + 20))
}
# stored_is_whole ID SERVER LOG: 1, 2, 3 … as far as was acknowledged, at least.
stored_is_whole() {
	local acknowledged
	acknowledged=$(last "$3")
	lvm exec "$1" /usr/bin/python3 -S -E /servers.py stored "$2" >"$T/stored"
	awk -v least="$acknowledged" '$1 != NR {exit 1} END {exit !(NR >= least)}' "$T/stored" || {
		echo "acknowledged: $acknowledged; stored:"
		tail -n 3 "$T/stored"
		return 1
	}
}
# has_jumped_to LOG LINE LEAST MOST: behind that line it goes on after a number from LEAST to MOST.
has_jumped_to() {
	awk -v line="$2" -v least="$3" -v most="$4" \
		'NR > line && $1 <= last {exit !($1 > least && $1 <= most + 2)} {last = $1}' "$1"
}
without_gap() { awk 'NR > 1 && $1 != last + 1 {exit 1} {last = $1}' "$@"; }

a_restore_loses_nothing() { # SERVER
	local id log=$T/$1.plain
	id=$(new_id)
	needs "$1"
	lvm run -d -b "$PLAIN" "$id" </dev/null >"$log.1" 2>&1 || failed "$log.1"
	goes_on "$log.1"
	expect_error 'give --tcp-established to keep' lvm checkpoint --image-path "$T/$1.refused" "$id"
	goes_on "$log.1"
	lvm checkpoint "${CONNECTED[@]}" --image-path "$T/$1.img" "$id"
	lvm restore -d -b "$PLAIN" "${CONNECTED[@]}" --image-path "$T/$1.img" "$id" </dev/null >"$log.2" 2>&1 || failed "$log.2"
	goes_on "$log.2"
	without_gap "$log.1" "$log.2"
	stored_is_whole "$id" "$1" "$log.2"
	lvm delete --force "$id"
	rm -rf "$T/$1.img"
	nothing_left
}

clones_and_a_revert_lose_nothing() { # SERVER
	local id before most line copy log
	id=$(new_id) log=$T/$1.out
	needs "$1"
	lvm run -d -b "$PLAIN" --overlay "$TREE" "$id" </dev/null >"$log" 2>&1 || failed "$log"
	goes_on "$log"
	before=$(last "$log")
	lvm snapshot create "${CONNECTED[@]}" "$id" one
	most=$(last "$log")
	goes_on "$log"
	stored_is_whole "$id" "$1" "$log"
	lvm clone "${CONNECTED[@]}" --count 2 --output "$T/logs" "$id" "$id-c" </dev/null
	for copy in 1 2; do
		goes_on "$T/logs/$id-c-$copy.log"
		without_gap "$T/logs/$id-c-$copy.log"
		stored_is_whole "$id-c-$copy" "$1" "$T/logs/$id-c-$copy.log"
		lvm delete --force "$id-c-$copy"
	done
	goes_on "$log"
	without_gap "$log"
	line=$(wc -l <"$log")
	lvm revert "${CONNECTED[@]}" "$id" one
	goes_on "$log"
	has_jumped_to "$log" "$line" "$before" "$most"
	stored_is_whole "$id" "$1" "$log"
	# The disk alone is as after a power failure: the server brings itself to what it had acknowledged.
	before=$(last "$log")
	lvm snapshot create --disk-only "$id" disk
	goes_on "$log"
	line=$(wc -l <"$log")
	lvm revert "${CONNECTED[@]}" "$id" disk
	goes_on "$log"
	has_jumped_to "$log" "$line" "$before" "$(last <(head -n "$line" "$log"))"
	stored_is_whole "$id" "$1" "$log"
	lvm delete --force "$id"
	nothing_left
	nothing_stored
}

# The second begins with what the first has left on the disk, as after a crash.
for server in web redis postgres; do
	check "$server: a checkpoint and its restore lose nothing that was acknowledged" a_restore_loses_nothing "$server"
	check "$server: neither do clones, a revert, and the disk alone" clones_and_a_revert_lose_nothing "$server"
done
finish
