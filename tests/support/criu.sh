# shellcheck shell=bash
# What a test with a real CRIU begins with, after lib.sh: LVM_RUN_CRIU names one that works here, else the file
# is skipped. `make criu` brings one where the installed one is too old.

[ "$(id -u)" -eq 0 ] || skip 'needs root'
LVM_RUN_CRIU=${LVM_RUN_CRIU:-$("$TOP/tests/support/criu" --cached 2>/dev/null)} ||
	skip 'no CRIU of at least 4.1.1 (make criu brings one)'
export LVM_RUN_CRIU
"$LVM_RUN_CRIU" check >"$T/check" 2>&1 || skip "criu check: $(tail -n 1 "$T/check")"

# What a program has written so far, a line a step.
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
last() { tail -n 1 "$1" 2>/dev/null; }
# Of testkit busy: each line says that all it holds works.
all_is_ok() { expect_no_line -v '^ok ' "$1"; }
pid_of() { lvm state "$1" | jq .pid; }
