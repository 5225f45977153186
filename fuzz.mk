# --- Fuzzing --------------------------------------------------------------------------------------------------------
# Each spec/fuzz/fuzz_<name>.c is a libFuzzer target; its kept corpus lies in spec/fuzz/corpus/<name>. What a run finds
# goes to build-fuzz/<name>; `make fuzz-keep` adds to the corpora what reaches new code.
.PHONY: fuzz fuzz-keep build-fuzz-targets
FUZZ_SECONDS ?= 20
FUZZ_SRC = $(wildcard spec/fuzz/fuzz_*.c)
FUZZ_NAMES = $(FUZZ_SRC:spec/fuzz/fuzz_%.c=%)
FUZZ_SANITIZE = address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_LIMITS = -max_len=65536 -rss_limit_mb=1024 -malloc_limit_mb=512 -timeout=20 -print_final_stats=1 -verbosity=0

fuzz: $(FUZZ_NAMES:%=fuzz-run-%)  ## every fuzz target for FUZZ_SECONDS=20 seconds each
	@echo "fuzz: $(words $(FUZZ_NAMES)) targets, no finding"

.PHONY: fuzz-commands
fuzz-commands: cli  ## the readers' corpora through every command, in bounded time and memory (FUZZ_EVERY=n)
	@BUILD=$(BUILD) tools/fuzz-commands.sh

fuzz-run-%: build-fuzz-targets
	@mkdir -p build-fuzz/$*
	@echo "fuzz: $* for $(FUZZ_SECONDS) s"
	@cd build-fuzz && UBSAN_OPTIONS=print_stacktrace=1 spec/fuzz/fuzz_$* $(FUZZ_LIMITS) \
	  -max_total_time=$(FUZZ_SECONDS) $* ../spec/fuzz/corpus/$* 2>$*.log || { cat $*.log; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */  runs: /p' build-fuzz/$*.log

build-fuzz-targets:
	@$(MAKE) -s BUILD=build-fuzz CC=clang CFLAGS='-O1 -g' SANITIZE='-fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE)' \
	  $(FUZZ_NAMES:%=build-fuzz/spec/fuzz/fuzz_%)

build-fuzz/spec/fuzz/fuzz_%: spec/fuzz/fuzz_%.c build-fuzz/libhelios.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer,$(FUZZ_SANITIZE) $(LDFLAGS) -o $@ $< \
	  build-fuzz/libhelios.a $(CORE_LIBS)

# The targets in the binding rather than in the core.
build-fuzz/spec/fuzz/fuzz_msgpack build-fuzz/spec/fuzz/fuzz_lua_tensor: build-fuzz/%: %.c build-fuzz/libhelios-lua.a build-fuzz/libhelios.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(LUA_CFLAGS) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer,$(FUZZ_SANITIZE) $(LDFLAGS) -o $@ $< \
	  build-fuzz/libhelios-lua.a build-fuzz/libhelios.a $(CORE_LIBS) $(LUA_LIBS)

fuzz-keep: build-fuzz-targets
	@for n in $(FUZZ_NAMES); do build-fuzz/spec/fuzz/fuzz_$$n -merge=1 -max_len=4096 spec/fuzz/corpus/$$n build-fuzz/$$n; done
