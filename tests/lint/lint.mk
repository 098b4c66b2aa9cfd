# `make lint` and `make format`. Included by the Makefile.

.PHONY: lint format tidy-stamps
lint: ## levels, symbols, doors, format, tidy, mutable state, banned functions, shell
	@$(MAKE) --no-print-directory -k objects || true
	@LINT_BUILD=$(BUILD) tests/lint/run $(LINT)

format: ## let clang-format write every source
	clang-format -i $(ALL_SRC) $(wildcard $(ALL_LEVELS:%=%/*.h) helper/*.h tests/*/*.[ch] tests/*/*/*.[ch])

TIDY_SRC := $(SRC) $(HELPER_SRC) $(INIT_SRC)
tidy-stamps: $(TIDY_SRC:%.c=$(BUILD)/lint/tidy/%.ok)

# The object stands for the headers that the source includes.
$(BUILD)/lint/tidy/%.ok: %.c $(BUILD)/obj/%.o .clang-tidy tests/lint/analyzer.h
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(LANGUAGE) $(if $(filter base/error.c,$<),,-include tests/lint/analyzer.h) \
		-Wno-unused-value $(PKG_CFLAGS) $(call extra_flags,$<)
	@touch $@
