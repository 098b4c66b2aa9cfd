#!/usr/bin/env bash
# sandbox: real builds succeed inside, without network, and give the same bytes again.
# not for the test machine: it has no compilers
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
# shellcheck source=tests/support/lib.sh
. "$(dirname "$0")/../support/lib.sh"

# Of the make that started us: --no-builtin-rules is not for theirs.
unset MAKEFLAGS MFLAGS MAKELEVEL

sandbox() { timeout 300 "$RUNTIME" --root "$ROOT" sandbox --report "$T/report" "$@"; }
needs() { local tool; for tool in "$@"; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done; }

# A C project of several files, built by make in parallel, with a test of its own.
c_source() {
	mkdir -p "$1/src" && cd "$1" || return
	cat >Makefile <<'MAKE'
CFLAGS = -O2 -Wall
OBJ = src/main.o src/sum.o
all: program
program: $(OBJ)
	$(CC) -o $@ $(OBJ)
check: all
	./program 1 2 3 | grep -qx 6
clean:
	rm -f program $(OBJ)
MAKE
	printf '%s\n' '#include <stdio.h>' 'int sum(int, char **);' \
		'int main(int c, char **v) { printf("%d\n", sum(c - 1, v + 1)); return 0; }' >src/main.c
	printf '%s\n' '#include <stdlib.h>' \
		'int sum(int n, char **v) { int s = 0; while (n--) s += atoi(v[n]); return s; }' >src/sum.c
}

c_project_by_make() {
	needs make cc
	c_source "$T/c-project"
	sandbox --out program="$T/program-1" -- make -j2 all check
	[ ! -e program ] && [ ! -e src/main.o ]
	expect_output 6 "$T/program-1" 1 2 3
	sandbox --out program="$T/program-2" -- make -j2 all check
	cmp "$T/program-1" "$T/program-2"
}

# The same bytes from another directory's build, by other people, at another time.
c_project_reproduces() {
	needs make cc
	c_source "$T/c-one"
	printf '%s\n' 'const char *when = __DATE__ " " __TIME__;' >>src/sum.c
	sandbox --reproducible --overlay "$T/c-one" /build --chdir /build --out /build/program="$T/r-1" -- make
	c_source "$T/c-two"
	printf '%s\n' 'const char *when = __DATE__ " " __TIME__;' >>src/sum.c
	sleep 1
	HOME=/nowhere TZ=Asia/Tokyo sandbox --reproducible --overlay "$T/c-two" /build --chdir /build \
		--out /build/program="$T/r-2" -- make
	cmp "$T/r-1" "$T/r-2"
	expect_equal 315532800 "$(stat -c %Y "$T/r-1")"
}

debian_source_package() {
	needs dpkg-buildpackage fakeroot make cc
	local deb
	c_source "$T/hello-1.0"
	mkdir -p debian/source
	echo '3.0 (native)' >debian/source/format
	printf '%s\n' 'hello (1.0) unstable; urgency=low' '' '  * First.' '' \
		' -- A Person <person@example.org>  Thu, 01 Jan 2026 00:00:00 +0000' >debian/changelog
	printf '%s\n' 'Source: hello' 'Maintainer: A Person <person@example.org>' 'Section: misc' 'Priority: optional' \
		'Standards-Version: 4.6.2' 'Rules-Requires-Root: binary-targets' '' 'Package: hello' 'Architecture: any' 'Description: adds numbers' ' It does.' >debian/control
	printf '%s\n' '#!/usr/bin/make -f' 'build build-arch build-indep:' '	$(MAKE) all check' 'clean:' '	$(MAKE) clean' \
		'	rm -rf debian/hello debian/files' 'binary binary-arch binary-indep: build' '	mkdir -p debian/hello/usr/bin debian/hello/DEBIAN' \
		'	install -m 755 program debian/hello/usr/bin/hello-sum' '	chown root:root debian/hello/usr/bin/hello-sum' \
		'	dpkg-gencontrol -phello -Pdebian/hello' '	dpkg-deb --build debian/hello ..' \
		'.PHONY: build build-arch build-indep clean binary binary-arch binary-indep' >debian/rules
	chmod +x debian/rules
	deb=hello_1.0_$(dpkg --print-architecture).deb
	local n
	for n in 1 2; do
		sandbox --overlay "$T" /build --chdir /build/hello-1.0 --reproducible --env SOURCE_DATE_EPOCH=1767225600 \
			--out "/build/$deb=$T/hello-$n.deb" -- dpkg-buildpackage -us -uc -b -d -rfakeroot
	done
	[ ! -e "$T/$deb" ] && [ ! -e debian/hello ]
	dpkg-deb -c "$T/hello-1.deb" | grep -q 'root/root.*usr/bin/hello-sum'
	cmp "$T/hello-1.deb" "$T/hello-2.deb"
}

npm_from_a_local_tree() {
	needs node npm
	mkdir -p "$T/npm/lib" "$T/npm/app" && cd "$T/npm/app"
	printf '%s\n' '{"name": "local-lib", "version": "1.0.0", "main": "index.js"}' >../lib/package.json
	echo 'module.exports = (a, b) => a + b;' >../lib/index.js
	printf '%s\n' '{"name": "app", "version": "1.0.0", "dependencies": {"local-lib": "file:../lib"},' \
		'"scripts": {"test": "node -e \"process.exit(require(\\\"local-lib\\\")(1, 2) === 3 ? 0 : 1)\""}}' >package.json
	sandbox --overlay "$T/npm" "$T/npm" --tmpfs /tmp/npm-home --env HOME=/tmp/npm-home \
		--out node_modules/.package-lock.json="$T/npm-lock.json" -- \
		sh -c 'npm install --offline --no-audit --no-fund && npm test'
	[ ! -e node_modules ]
	jq -e '.packages["../lib"].version == "1.0.0"' "$T/npm-lock.json" >/dev/null
}

# What was learned from the build is enough for it, and not for something else.
c_project_is_learned() {
	needs make gcc
	c_source "$T/learned-project"
	sandbox --learn "$T/learned" -- make -j2 check
	sandbox --seccomp "$T/learned" --out program -- make -j2 check
	expect_equal 6 "$(./program 1 2 3)"
	expect_exit 1 sandbox --seccomp "$T/learned" -- ln Makefile new
	sandbox -- ln Makefile new
	# Less than half of what builds may do at all.
	sandbox --print-config -- true >"$T/config"
	local all least
	all=$(jq '[.linux.seccomp.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | unique | length' "$T/config")
	least=$(jq '[.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | unique | length' "$T/learned")
	echo "$least of $all calls"
	[ "$least" -lt $((all / 2)) ]
}

check 'a C project is built by make, and the tree stays as it was' c_project_by_make
check 'a profile learned from a build is enough for it, and for little else' c_project_is_learned
check 'a reproducible build gives the same bytes from elsewhere' c_project_reproduces
check 'a Debian source package is built by dpkg-buildpackage, twice the same' debian_source_package
check 'npm installs from a local tree' npm_from_a_local_tree
check 'nothing is left' nothing_left
finish
