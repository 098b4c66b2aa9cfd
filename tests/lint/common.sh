# shellcheck shell=bash
# What the checks of this folder share. Each check is a script of its own that prints
# "file:line: what is wrong" for each finding and then ends with status 1. LINT_TOP is the tree to
# look at and LINT_BUILD its build folder: selftest points them at small bad trees.

set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LINT_TOP=${LINT_TOP:-$(cd "$HERE/../.." && pwd)}
LINT_BUILD=$(realpath -m "${LINT_BUILD:-$LINT_TOP/build}")
cd "$LINT_TOP" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

# The levels, docs/architecture.md: a folder uses only folders of a lower rank and itself. The
# helper is a program of its own on top of base alone (and its init.c one on top of nothing).
declare -A RANK=([base]=0 [spec]=1 [namespaces]=2 [cgroups]=2 [rootfs]=2 [net]=2 [security]=2
	[runtime]=3 [checkpoint]=4 [sandbox]=5 [cmd]=6 [helper]=1)
# shellcheck disable=SC2034 # for the checks
FOLDERS=(base spec namespaces cgroups rootfs net security runtime checkpoint sandbox cmd helper)

may_use() { # FOLDER OTHER
	[ "$1" = "$2" ] && return 0
	[ "$2" != helper ] && [ -n "${RANK[$2]-}" ] && [ "${RANK[$2]}" -lt "${RANK[$1]}" ]
}

findings=0
found() {
	printf '%s\n' "$*"
	findings=$((findings + 1))
}

# The last line of a check: fails on findings, and when there was nothing to look at.
conclude() { # LOOKED-AT
	[ "$1" -gt 0 ] || found 'nothing to look at'
	[ "$findings" -eq 0 ]
	exit
}

c_files() { find "$@" -name '*.[ch]' -not -path '*/.git/*' -not -path "./build*" -type f 2>/dev/null | sort; }

# The objects of a folder, compiled by the Makefile; one that is missing is a finding.
objects_of() { # FOLDER
	local source object
	for source in "$1"/*.c; do
		[ -f "$source" ] || continue
		object=$LINT_BUILD/obj/${source%.c}.o
		if [ -f "$object" ]; then echo "$object"; else echo "$source: not compiled" >>"$work/missing"; fi
	done
}
report_missing() {
	[ ! -s "$work/missing" ] || while read -r line; do found "$line"; done < <(sort -u "$work/missing")
}

# Names that an archive or object defines.
defined_in() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u; }

# Names that the C library and the compiler's own library define; kept beside the build.
libc_symbols() {
	local list=$LINT_BUILD/lint/libc.symbols libc
	libc=$(gcc -print-file-name=libc.a)
	if [ ! -s "$list" ] || [ "$libc" -nt "$list" ] || [ "$HERE/common.sh" -nt "$list" ]; then
		mkdir -p "${list%/*}"
		{
			defined_in "$libc" "$(gcc -print-file-name=libm.a)" \
				"$(gcc -print-libgcc-file-name)" "$(gcc -print-file-name=libgcc_eh.a)"
			printf '%s\n' _GLOBAL_OFFSET_TABLE_ _DYNAMIC __ehdr_start _start
		} | sort -u >"$list.new" && mv "$list.new" "$list"
	fi
	cat "$list"
}
