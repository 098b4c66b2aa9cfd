# lvm-run: build, tests, installation. `make help` lists the targets.
#
# Nobody edits this file to add a source: every .c file in a level's folder belongs to the program,
# every tests/unit/<folder>/test_<file>.c is a test program, every tests/fuzz/fuzz_<name>.c a fuzzer.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# --- What a caller may set ------------------------------------------------------------------------

PREFIX ?= /usr/local
DESTDIR ?=
CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
CLANG ?= clang
OPT ?= -O2
# 0: static at a fixed address; 1: static-pie (relocates itself at start: more page faults)
PIE ?= 0
# What the program is linked with: musl, whose start costs a tenth of glibc's; glibc; or auto: musl
# where it can be had (tests/support/libc says when not). All else is linked with glibc.
LIBC ?= $(if $(filter gcc,$(CC)),auto,glibc)
# 1: `make install` installs a CRIU of our building too (tests/support/criu), which lvm-run then prefers
CRIU ?= 0
# where everything built goes; two makes at a time need two of them
BUILD ?= build
V ?= 0
FUZZ_SECONDS ?= 600
KILLS ?= 500
CMD ?= uname -a

# --- Layout ---------------------------------------------------------------------------------------

# Lowest first: a level may use only what stands before it (docs/architecture.md; `make lint`).
ALL_LEVELS := base spec namespaces cgroups rootfs net security runtime checkpoint sandbox cmd
# `make unit LEVELS="base spec"` runs the tests of these levels alone.
LEVELS := $(ALL_LEVELS)
PROGRAM := $(BUILD)/lvm-run
HELPER := $(BUILD)/lvm-run-helper
INIT := $(BUILD)/lvm-run-init
LIBEXECDIR := $(PREFIX)/libexec/lvm-run

SRC := $(wildcard $(addsuffix /*.c,$(ALL_LEVELS)))
# A program of its own, without a line of the helper.
INIT_SRC := helper/init.c
HELPER_SRC := $(filter-out $(INIT_SRC),$(wildcard helper/*.c))
UNIT_SRC := $(wildcard $(LEVELS:%=tests/unit/%/test_*.c))
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
OBJ := $(SRC:%.c=$(BUILD)/obj/%.o)
HELPER_OBJ := $(HELPER_SRC:%.c=$(BUILD)/obj/%.o)
USED_LEVELS := $(foreach l,$(ALL_LEVELS),$(if $(wildcard $l/*.c),$l))
ARCHIVES := $(USED_LEVELS:%=$(BUILD)/%.a)

# --- The C library of the program -----------------------------------------------------------------

# A file of this make's own, brought up to date before anything else; not for what builds nothing.
ifneq ($(filter-out clean help format uninstall criu demo check,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/libc.mk
endif
$(BUILD)/libc.mk: force
	@tests/support/libc $(LIBC) $@

# --- Flags ----------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wformat=2 -Werror
LANGUAGE := -std=c17 -D_GNU_SOURCE -I. -include base/banned.h
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fno-strict-aliasing
ifeq ($(PIE),1)
PIE_CFLAGS := -fPIE
STATIC_LDFLAGS := -static-pie
DYNAMIC_LDFLAGS := -pie
else
PIE_CFLAGS := -fno-pie
STATIC_LDFLAGS := -static -no-pie
DYNAMIC_LDFLAGS := -no-pie
endif
# Enter at runtime/sealed_start.h, which saves create, run and exec one start of the C library.
ENTRY = $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),-Wl$(comma)-e$(comma)sealed_start)
LDHARDEN := -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack

LIBS := libseccomp libcap jansson libmnl
pkg_cflags = $(shell pkg-config --cflags $1 2>/dev/null)
PKG_CFLAGS := $(call pkg_cflags,$(LIBS))
STATIC_LIBS := $(shell pkg-config --static --libs $(LIBS) 2>/dev/null)
SHARED_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
HELPER_LIBS := $(shell pkg-config --libs libsystemd 2>/dev/null)
CMOCKA_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null)

CFLAGS_COMMON := $(LANGUAGE) $(WARN) -g $(PKG_CFLAGS) $(CFLAGS)
CFLAGS_MAIN := $(CFLAGS_COMMON) $(OPT) $(HARDEN) $(PIE_CFLAGS) -ffunction-sections -fdata-sections

# The program's own objects and libraries: glibc's are those of the unit tests.
ifeq ($(LIBC_USED),musl)
PROGRAM_CC := musl-gcc
PROGRAM_OBJ := $(SRC:%.c=$(BUILD)/musl/obj/%.o)
PROGRAM_LIBS := -L$(MUSL)/lib -lseccomp -ljansson -lmnl
# The CMSG_ macros of musl's headers mix signs.
PROGRAM_CFLAGS := $(filter-out $(PKG_CFLAGS),$(CFLAGS_MAIN)) -Wno-sign-conversion -isystem $(MUSL)/include
PROGRAM_LDFLAGS := $(STATIC_LDFLAGS)
ifeq ($(PIE),1)
# musl-gcc's own rules know no static-pie.
MUSL_LIB := /usr/lib/x86_64-linux-musl
PROGRAM_LDFLAGS := -static -nostartfiles $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(MUSL_LIB)/crtn.o \
	-Wl,-pie,--no-dynamic-linker,-z,text
endif
else
PROGRAM_CC := $(CC)
PROGRAM_OBJ := $(OBJ)
PROGRAM_LIBS := $(if $(LIBMNL),-L$(LIBMNL)) $(STATIC_LIBS)
PROGRAM_LDFLAGS := $(STATIC_LDFLAGS)
PROGRAM_CFLAGS := $(CFLAGS_MAIN)
endif

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_ASAN := $(CFLAGS_COMMON) -O1 $(SANITIZE)
CFLAGS_FUZZ := $(CFLAGS_COMMON) -O1 $(SANITIZE) -fsanitize=fuzzer-no-link

# Version and paths reach only the files that use them, so that a commit rebuilds one object.
VERSION := $(shell cat VERSION)
COMMIT := $(shell git -c safe.directory='*' describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
VERSION_USERS := $(if $(SRC)$(HELPER_SRC),$(shell grep -lsE 'LVM_RUN_(VERSION|COMMIT)' $(SRC) $(HELPER_SRC)))
LIBEXEC_USERS := $(if $(SRC)$(HELPER_SRC),$(shell grep -ls LVM_RUN_LIBEXECDIR $(SRC) $(HELPER_SRC)))
extra_flags = $(if $(filter $1,$(VERSION_USERS)),-DLVM_RUN_VERSION='"$(VERSION)"' \
	-DLVM_RUN_COMMIT='"$(COMMIT)"') \
	$(if $(filter $1,$(LIBEXEC_USERS)),-DLVM_RUN_LIBEXECDIR='"$(LIBEXECDIR)"')

say = @$(if $(filter 0,$(V)),printf '  %-5s %s\n' '$1' '$2',:)
q := $(if $(filter 0,$(V)),@)

# --- The three programs ---------------------------------------------------------------------------

.PHONY: all objects help clean
all: $(PROGRAM) $(if $(HELPER_SRC),$(HELPER)) $(if $(INIT_SRC),$(INIT)) ## build the runtime and its helpers

objects: $(OBJ) $(HELPER_OBJ) $(INIT_SRC:%.c=$(BUILD)/obj/%.o) $(ARCHIVES) ## compile everything, link nothing

$(PROGRAM): $(PROGRAM_OBJ) $(BUILD)/stamp/program $(BUILD)/stamp/sources
	$(call say,LD,$@)
	$(q)$(PROGRAM_CC) $(OPT) $(PROGRAM_LDFLAGS) $(LDHARDEN) $(ENTRY) -o $@ $(PROGRAM_OBJ) $(PROGRAM_LIBS)

$(HELPER): $(HELPER_OBJ) $(BUILD)/base.a $(BUILD)/stamp/flags $(BUILD)/stamp/sources
	$(call say,LD,$@)
	$(q)$(CC) $(OPT) $(DYNAMIC_LDFLAGS) $(LDHARDEN) -o $@ $(HELPER_OBJ) $(BUILD)/base.a $(HELPER_LIBS)

# Pid 1 of what becomes a template: static and small, as it is saved and restored with it.
$(INIT): $(INIT_SRC) $(BUILD)/stamp/program
	$(call say,LD,$@)
	$(q)$(PROGRAM_CC) $(filter-out $(PKG_CFLAGS),$(CFLAGS_MAIN)) -Wno-sign-conversion -static -no-pie $(LDHARDEN) -o $@ $(INIT_SRC)

$(BUILD)/obj/%.o: %.c $(BUILD)/stamp/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(q)$(CC) $(CFLAGS_MAIN) $(call extra_flags,$<) -MMD -MP -c -o $@ $<

$(BUILD)/musl/obj/%.o: %.c $(BUILD)/stamp/program
	$(call say,MUSL,$<)
	@mkdir -p $(@D)
	$(q)$(PROGRAM_CC) $(PROGRAM_CFLAGS) $(call extra_flags,$<) -MMD -MP -c -o $@ $<

$(BUILD)/asan/obj/%.o: %.c $(BUILD)/stamp/flags
	$(call say,ASAN,$<)
	@mkdir -p $(@D)
	$(q)$(CC) $(CFLAGS_ASAN) $(call extra_flags,$<) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/obj/%.o: %.c $(BUILD)/stamp/flags
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(q)$(CLANG) $(CFLAGS_FUZZ) $(call extra_flags,$<) -MMD -MP -c -o $@ $<

# $1: archive, $2: its objects
define archive_rule
$1: $2 $(BUILD)/stamp/sources
	$$(call say,AR,$$@)
	@mkdir -p $$(@D) && rm -f $$@
	$$(q)ar rcs $$@ $2
endef
level_obj = $(patsubst %.c,$1/obj/%.o,$(wildcard $2/*.c))
$(foreach l,$(USED_LEVELS),$(eval $(call archive_rule,$(BUILD)/$l.a,$(call level_obj,$(BUILD),$l))))
$(foreach f,asan fuzz,$(eval $(call archive_rule,$(BUILD)/$f/all.a,$(SRC:%.c=$(BUILD)/$f/obj/%.o))))

# Stamps change only when their text does: a changed flag or a removed source rebuilds what it must.
# $1: stamp, $2: text
define stamp_rule
$(BUILD)/stamp/$1: force
	@mkdir -p $$(@D); printf '%s\n' '$2' | cmp -s - $$@ || printf '%s\n' '$2' >$$@
endef
squote = $(subst ','\'',$1)
$(eval $(call stamp_rule,flags,$(call squote,$(CC) $(CLANG) $(CFLAGS_MAIN) $(CFLAGS_ASAN) $(STATIC_LDFLAGS) $(LDHARDEN))))
$(eval $(call stamp_rule,program,$(call squote,$(PROGRAM_CC) $(PROGRAM_CFLAGS) $(PROGRAM_LDFLAGS) $(LDHARDEN) $(PROGRAM_LIBS))))
$(eval $(call stamp_rule,sources,$(SRC) $(HELPER_SRC)))
$(eval $(call stamp_rule,version,$(VERSION) $(COMMIT)))
$(eval $(call stamp_rule,libexec,$(LIBEXECDIR)))
$(foreach b,$(BUILD) $(BUILD)/musl $(BUILD)/asan $(BUILD)/fuzz,\
	$(eval $(VERSION_USERS:%.c=$b/obj/%.o) $b/.none: $(BUILD)/stamp/version)\
	$(eval $(LIBEXEC_USERS:%.c=$b/obj/%.o) $b/.none: $(BUILD)/stamp/libexec))
.PHONY: force
force:

# --- Tests ----------------------------------------------------------------------------------------

UNIT := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
UNIT_ASAN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/asan/tests/%)
# A test names the functions it replaces in a line of its own: /* wrap: name name */
wraps = $(addprefix -Wl$(comma)--wrap=,$(shell sed -n 's|^/\* wrap: \(.*\) \*/$$|\1|p' $1))
comma := ,

.PHONY: unit unit-programs asan asan-programs integration integration-asan
unit-programs: $(UNIT)
unit: unit-programs ## build and run the unit tests
	@tests/support/unit unit $(BUILD)/tests $(UNIT)

$(UNIT): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(q)$(CC) $(OPT) $(DYNAMIC_LDFLAGS) $(call wraps,tests/unit/$*.c) -o $@ $< \
		-Wl,--start-group $(ARCHIVES) -Wl,--end-group $(SHARED_LIBS) $(CMOCKA_LIBS)

asan-programs: $(UNIT_ASAN) $(BUILD)/asan/lvm-run $(if $(HELPER_SRC),$(BUILD)/asan/lvm-run-helper)
asan: asan-programs ## unit tests and programs with ASan and UBSan; runs the unit tests
	@tests/support/unit asan $(BUILD)/asan/tests $(UNIT_ASAN)

ASAN_OBJ := $(SRC:%.c=$(BUILD)/asan/obj/%.o) $(BUILD)/asan/obj/tests/support/sanitize.o
$(BUILD)/asan/lvm-run: $(ASAN_OBJ) $(BUILD)/stamp/sources
	$(call say,LD,$@)
	$(q)$(CC) $(SANITIZE) -o $@ $(ASAN_OBJ) $(SHARED_LIBS)

$(BUILD)/asan/lvm-run-helper: $(HELPER_SRC:%.c=$(BUILD)/asan/obj/%.o) $(BUILD)/asan/all.a
	$(call say,LD,$@)
	$(q)$(CC) $(SANITIZE) -o $@ $^ $(SHARED_LIBS) $(HELPER_LIBS)

$(UNIT_ASAN): $(BUILD)/asan/tests/%: $(BUILD)/asan/obj/tests/unit/%.o $(BUILD)/asan/all.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(q)$(CC) $(SANITIZE) $(call wraps,tests/unit/$*.c) -o $@ $< $(BUILD)/asan/all.a \
		$(SHARED_LIBS) $(CMOCKA_LIBS)

# What the tests run beside the program, static: it also runs inside containers and in the machine.
$(BUILD)/testkit: $(wildcard tests/support/testkit*.[ch])
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(q)$(CC) -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -static -o $@ $(filter %.c,$^)

# What a hostile build tries, for the tests of the sandbox.
$(BUILD)/hostile: tests/support/hostile.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(q)$(CC) -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -static -o $@ $^

integration: all $(BUILD)/testkit $(BUILD)/hostile ## run the integration tests on this host
	@RUNTIME=$(or $(RUNTIME),$(PROGRAM)) tests/support/integrate $(TESTS)

integration-asan: asan-programs $(if $(INIT_SRC),$(INIT)) $(BUILD)/testkit $(BUILD)/hostile ## the same with the sanitized program
	@RUNTIME=$(BUILD)/asan/lvm-run tests/support/integrate $(TESTS)

-include tests/fuzz/fuzz.mk

# --- The test beds, the harnesses and the whole ---------------------------------------------------

.PHONY: demo check vm check-vm bench counts differential kill-build kill-harness soak criu
demo: ## set up, build, and show a container's whole life
	@tests/support/setup demo
	@$(MAKE) --no-print-directory -j2 all
	@LVM_RUN_CRIU="$$(tests/support/criu || :)" tests/demo/run

check: ## everything: set-up, build, tests, lint, sanitizers, harnesses, fuzzers, VM
	@MAKE='$(MAKE)' tests/support/check $(STAGES)

vm: all $(BUILD)/testkit ## a command in the virtual machine: make vm CMD='uname -a'
	@tests/vm/run -- $(CMD)

check-vm: all $(BUILD)/testkit $(BUILD)/hostile kill-build ## the tests that run in the virtual machine
	@tests/vm/check

bench: all ## measure against other runtimes
	@tests/bench/bench $(BENCH_ARGS)
	@tests/bench/sandbox

differential: all ## the same bundles under lvm-run, crun and runc: what their containers see
	@tests/differential/run

counts: all ## system calls and page faults against the committed thresholds
	@tests/bench/counts

kill-build: ## the kill harness without running it
	@tests/kill/run --build
kill-harness: all ## kill the runtime at random moments, KILLS=500 times
	@tests/kill/run $(KILLS)
	@tests/kill/run $$(($(KILLS) / 5)) --pure --part kills
	@tests/kill/snapshots $$(($(KILLS) / 50)) || [ $$? -eq 77 ]

soak: all ## the long runs: 2000 kills, ten minutes a fuzzer
	@tests/support/setup soak
	@tests/kill/run 2000
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

criu: ## print the path of a CRIU that is new enough, built from source where needed
	@tests/support/criu

# --- Installation ---------------------------------------------------------------------------------

BINDIR := $(DESTDIR)$(PREFIX)/bin
LIBEXEC := $(DESTDIR)$(LIBEXECDIR)
MANDIR := $(DESTDIR)$(PREFIX)/share/man/man1
COMPLETIONDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
DOCDIR := $(DESTDIR)$(PREFIX)/share/doc/lvm-run

.PHONY: install uninstall
install: all ## into PREFIX=/usr/local, below DESTDIR
	@$(PROGRAM) man >$(BUILD)/lvm-run.1
	@$(PROGRAM) completion bash >$(BUILD)/lvm-run.bash
	install -D -m 755 $(PROGRAM) $(BINDIR)/lvm-run
	$(if $(HELPER_SRC),install -D -m 755 $(HELPER) $(LIBEXEC)/lvm-run-helper)
	$(if $(INIT_SRC),install -D -m 755 $(INIT) $(LIBEXEC)/lvm-run-init)
	$(if $(filter 1,$(CRIU)),install -D -m 755 "$$(tests/support/criu --build)" $(LIBEXEC)/criu)
	install -D -m 644 $(BUILD)/lvm-run.1 $(MANDIR)/lvm-run.1
	install -D -m 644 $(BUILD)/lvm-run.bash $(COMPLETIONDIR)/lvm-run
	install -D -m 644 LICENSE $(DOCDIR)/LICENSE
	@printf '%s\n' '# Copy to /etc/containers/containers.conf.d/: Podman then starts containers with lvm-run' \
		'# (or, once: podman --runtime $(PREFIX)/bin/lvm-run run ...).' '[engine]' 'runtime = "lvm-run"' \
		'runtime_supports_json = ["crun", "runc", "lvm-run"]' \
		'runtime_supports_nocgroup = ["crun", "lvm-run"]' '' '[engine.runtimes]' 'lvm-run = ["$(PREFIX)/bin/lvm-run"]' >$(BUILD)/containers.conf
	install -D -m 644 $(BUILD)/containers.conf $(DOCDIR)/50-lvm-run.conf

uninstall: ## remove what install put there
	rm -f $(BINDIR)/lvm-run $(MANDIR)/lvm-run.1 $(COMPLETIONDIR)/lvm-run
	rm -rf $(LIBEXEC) $(DOCDIR)

-include tests/lint/lint.mk

# --- Cleaning and help ----------------------------------------------------------------------------

clean: ## remove everything built
	rm -rf $(BUILD)

help: ## print the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

ALL_SRC := $(SRC) $(HELPER_SRC) $(INIT_SRC) $(UNIT_SRC) $(FUZZ_SRC)
-include $(wildcard $(foreach b,$(BUILD) $(BUILD)/musl $(BUILD)/asan $(BUILD)/fuzz,$(ALL_SRC:%.c=$b/obj/%.d)))
