# The fuzzers: tests/fuzz/fuzz_<name>.c with its corpus in tests/fuzz/corpus/<name>/. Included by the Makefile.

FUZZERS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/fuzz/fuzz_%)

.PHONY: fuzzers fuzz fuzz-short
fuzzers: $(FUZZERS)

$(FUZZERS): $(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/obj/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/all.a
	$(call say,LD,$@)
	$(q)$(CLANG) -fsanitize=fuzzer $(SANITIZE) -o $@ $< $(BUILD)/fuzz/all.a $(SHARED_LIBS)

fuzz-short: fuzzers ## every fuzzer for 30 seconds, two at a time
	@tests/fuzz/run 30 $(FUZZERS)

fuzz: fuzzers ## the same, longer: FUZZ_SECONDS=600; new inputs join the corpus
	@FUZZ_KEEP=1 tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)
