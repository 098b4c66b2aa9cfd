# shellcheck shell=bash disable=SC2034 # tests read what is set
# What the tests with the hostile program begin with, after lib.sh: it lies in WORK, the directory they are in.
WORK=$T/work
mkdir "$WORK"
cd "$WORK" || exit 1
[ "$TOP/build/hostile" -nt "$TOP/tests/support/hostile.c" ] || make -s -C "$TOP" build/hostile >/dev/null || exit 1
cp "$TOP/build/hostile" hostile
