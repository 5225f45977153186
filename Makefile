# Helios for Lua and C. `make help` lists what there is.
#
# CC CFLAGS CPPFLAGS LDFLAGS PREFIX LIBDIR DESTDIR BUILD LUA belong to the user. Objects lie under $(BUILD), sources are found
# by layer. WERROR= keeps warnings from stopping a build with a compiler nobody here has tried.
CC ?= cc
CXX ?= c++
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BUILD ?= build
LUA ?= lua5.4
PKG_CONFIG ?= pkg-config
PYTHON ?= python3
MPICC ?= mpicc

# The one version number stands in the header.
VERSION := $(shell sed -n 's/^\#define HELIOS_VERSION "\(.*\)"/\1/p' include/helios/status.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
       -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla
WERROR ?= -Werror
# No contraction: a fused multiply-add rounds once where numpy rounds twice, and sums are promised to the bit.
HL_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -ffp-contract=off -pthread -Iinclude -Isrc \
            $(WARN) $(WERROR) $(SANITIZE)
HL_LDFLAGS = -pthread $(SANITIZE)
# The shared library names all it needs; under a sanitizer the program brings the rest.
NO_UNDEFINED = $(if $(SANITIZE),,-Wl,-z,defs)
CORE_LIBS = -lpng -lz -lm
LUA_CFLAGS = $(shell $(PKG_CONFIG) --cflags lua5.4)
LUA_LIBS = $(shell $(PKG_CONFIG) --libs lua5.4)

CORE_SRC = $(wildcard src/*.c src/encode/*.c src/reader/*.c)
LUA_SRC = $(wildcard src/lua/*.c)
TEST_SRC = $(wildcard spec/c/test_*.c)
BENCH_SRC = $(wildcard bench/*.c)
HEADERS = $(wildcard include/helios/*.h)
CORE_OBJ = $(CORE_SRC:%.c=$(BUILD)/%.o)
LUA_OBJ = $(LUA_SRC:%.c=$(BUILD)/%.o)
TESTS = $(TEST_SRC:%.c=$(BUILD)/%)
BENCHES = $(BENCH_SRC:%.c=$(BUILD)/%)
EMBED = $(patsubst %.c,$(BUILD)/%,$(wildcard examples/embed/*.c))
SO = libhelios.so.$(VERSION)

# One short line for each file; V=1 shows the commands.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $@;)

# Where scripts run from this folder find the modules.
LUA_ENV = LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$(BUILD)/lua/?.so;;"

.PHONY: all core lua setup test test-c spec demo env clean help
all: core lua cli $(EMBED)  ## build the libraries, the Lua module and the examples
core: $(BUILD)/libhelios.a $(BUILD)/libhelios.so $(BUILD)/helios.pc
MPI_MODULE = $(if $(shell command -v $(MPICC)),$(BUILD)/lua/helios/mpi.so)
lua: $(BUILD)/lua/helios/native.so $(BUILD)/libhelios-lua.a $(BUILD)/helios-lua.pc $(MPI_MODULE)

$(BUILD)/src/lua/%.o: src/lua/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(LUA_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Removed first, or an object whose source is gone lives on in the library.
$(BUILD)/libhelios.a: $(CORE_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/$(SO): $(CORE_OBJ)
	$(call say,LINK)$(CC) -shared -Wl,-soname,libhelios.so.$(SOVERSION) $(NO_UNDEFINED) $(HL_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BUILD)/libhelios.so: $(BUILD)/$(SO)
	@ln -sf $(SO) $(BUILD)/libhelios.so.$(SOVERSION)
	@ln -sf libhelios.so.$(SOVERSION) $@

# For hosts that bring their own lua_State. It needs libhelios.a, not the shared one: the binding uses what only the
# layers share.
$(BUILD)/libhelios-lua.a: $(LUA_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

# The module holds its own copy of the core and exports nothing but its opener: a host that links another version of
# the library must not get its functions mixed up with these.
$(BUILD)/lua/helios/native.so: $(LUA_OBJ) $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -shared -Wl,--exclude-libs,libhelios.a $(HL_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

# Collectives, where MPI is. Never unloaded: it must outlive the lua_State to end all ranks with the process.
$(BUILD)/lua/helios/mpi.so: src/mpi/l_mpi.c
	@mkdir -p $(@D)
	$(call say,LINK)OMPI_CC="$(CC)" MPICH_CC="$(CC)" $(MPICC) -shared $(HL_CFLAGS) $(LUA_CFLAGS) $(CPPFLAGS) $(CFLAGS) -Wl,-z,nodelete $(HL_LDFLAGS) $(LDFLAGS) -o $@ $<

$(BUILD)/spec/c/%: spec/c/%.c $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) -Ispec/c $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libhelios.a $(CORE_LIBS)

# The library's memory runs out when this test wants it to. (LDFLAGS is the user's: given on the command line, make would
# not add to it.)
$(BUILD)/spec/c/test_every_call: TEST_LDFLAGS = -Wl,--wrap=realloc

$(BUILD)/spec/c/test_lua $(BUILD)/spec/c/test_host $(BUILD)/spec/c/test_every_call: $(BUILD)/spec/c/%: spec/c/%.c $(BUILD)/libhelios-lua.a $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(LUA_CFLAGS) -Ispec/c $(CPPFLAGS) $(CFLAGS) -MMD -MP $(TEST_LDFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libhelios-lua.a \
	  $(BUILD)/libhelios.a $(CORE_LIBS) $(LUA_LIBS)

$(EMBED): $(BUILD)/%: %.c $(BUILD)/libhelios-lua.a $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(LUA_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libhelios-lua.a \
	  $(BUILD)/libhelios.a $(CORE_LIBS) $(LUA_LIBS)

# A peer in C++, where its package is.
SPDLOG := $(shell $(PKG_CONFIG) --exists spdlog 2>/dev/null && echo yes)
$(BUILD)/bench/spdlog: bench/spdlog.cpp
	@mkdir -p $(@D)
	$(call say,CXX)$(CXX) -std=c++17 $(CFLAGS) $(shell $(PKG_CONFIG) --cflags spdlog) -o $@ $< $(shell $(PKG_CONFIG) --libs spdlog)

$(BUILD)/bench/%: bench/%.c $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libhelios.a $(CORE_LIBS)

# Made anew each time: they name PREFIX, which no file's date tells.
.PHONY: $(BUILD)/helios.pc $(BUILD)/helios-lua.pc
$(BUILD)/helios.pc $(BUILD)/helios-lua.pc: $(BUILD)/%.pc: %.pc.in
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

include cli.mk

setup:  ## install what is missing (Debian 12, apt)
	@tools/setup.sh

test: all $(TESTS)  ## all C tests and specs; the last line counts them
	@$(LUA_ENV) BUILD=$(BUILD) LUA=$(LUA) tools/run-tests.sh $(TESTS)

test-c: $(TESTS)  ## the C tests alone
	@SPECS=no tools/run-tests.sh $(TESTS)

spec: all  ## the Lua specs alone
	@$(LUA_ENV) BUILD=$(BUILD) LUA=$(LUA) tools/run-tests.sh

demo: lua  ## train the digits classifier and say where its log and run are (DEMO_RESUME=1: with a crash half-way)
	@$(LUA_ENV) LUA=$(LUA) tools/demo.sh

env:  ## shell lines that let lua5.4 find the modules: eval "$(make -s env)"
	@printf 'export LUA_PATH="%s" LUA_CPATH="%s"\n' '$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;' \
	  '$(abspath $(BUILD))/lua/?.so;;'

# --- Checks -----------------------------------------------------------------------------------------------------

.PHONY: lint lint-lua check-layers check-gcc check-clang check-core check-headers
lint: lint-lua check-layers check-gcc check-clang check-core check-headers  ## luacheck, both compilers with more warnings, layers

lint-lua:
	luacheck -q .

check-layers:  ## a file of src/ includes only what stands above it
	@$(LUA) tools/check-layers.lua

MORE_WARN = -Wredundant-decls -Wnested-externs -Wold-style-definition \
            -Winit-self -Wimplicit-fallthrough
GCC_WARN = $(MORE_WARN) -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wstringop-overflow=4
CLANG_WARN = $(MORE_WARN) -Wshorten-64-to-32 -Wunreachable-code -Wcomma -Wassign-enum \
             -Wloop-analysis -Wthread-safety

check-gcc:
	@$(MAKE) -s BUILD=build-gcc CC=gcc CPPFLAGS='$(GCC_WARN)' everything

check-clang:
	@$(MAKE) -s BUILD=build-clang CC=clang CPPFLAGS='$(CLANG_WARN)' everything

.PHONY: everything
everything: all $(TESTS) $(BENCHES)

check-core: core lua  ## the core needs no Lua; libraries export only their own names
	@! nm -u $(BUILD)/libhelios.a | grep -w 'lua_[a-z]*\|luaL_[a-z]*'
	@! nm -g --defined-only $(BUILD)/libhelios.a | awk 'NF == 3 && $$3 !~ /^(helios|hl)_/' | grep .
	@! nm -D --defined-only $(BUILD)/libhelios.so | awk '$$3 !~ /^helios_/' | grep .
	@! nm -D --defined-only $(BUILD)/lua/helios/native.so | awk '$$3 !~ /^(luaopen_helios_|helios_lua_)/' | grep .

check-headers:
	@set -e; for h in $(HEADERS); do \
	  $(CC) -std=c11 $(WARN) -Werror $(LUA_CFLAGS) -Iinclude -fsyntax-only -x c $$h; \
	  $(CXX) -std=c++17 -Wall -Wextra -Wpedantic -Werror $(LUA_CFLAGS) -Iinclude -fsyntax-only -x c++ $$h; done

# A report that does not fail the program is not read: hence -fno-sanitize-recover and halt_on_error. The specs run in
# an ordinary Lua with the sanitizer's library loaded first, under a collector that never rests.
.PHONY: sanitize sanitize-address sanitize-threads sanitize-valgrind
sanitize: sanitize-address sanitize-threads sanitize-valgrind  ## C tests and specs under ASan, UBSan and TSan; valgrind
ASAN = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN = -fsanitize=thread -fno-omit-frame-pointer
PRELOAD = $(shell gcc -print-file-name=libasan.so):$(shell gcc -print-file-name=libubsan.so)

# The examples are left out: they train for a minute as it is, and their calls are in the other specs, too.
sanitize-address:
	@$(MAKE) -s BUILD=build-asan CC=gcc CFLAGS='-O1 -g' SANITIZE='$(ASAN)' lua cli build-asan-tests
	@$(subst $(BUILD)/,build-asan/,$(LUA_ENV)) BUILD=build-asan \
	  ASAN_OPTIONS=detect_stack_use_after_return=1:$(ASAN_OPTIONS) UBSAN_OPTIONS=print_stacktrace=1 \
	  LSAN_OPTIONS=suppressions=$(CURDIR)/tools/lsan.supp:print_suppressions=0 \
	  LUA='env LD_PRELOAD=$(PRELOAD) LUA_INIT=@$(CURDIR)/tools/merciless.lua $(LUA)' \
	  BUSTED_FLAGS=--exclude-pattern=examples_spec SPECS_TIMEOUT=3000 \
	  tools/run-tests.sh $(TESTS:$(BUILD)/%=build-asan/%)

sanitize-threads:
	@$(MAKE) -s BUILD=build-tsan CC=gcc CFLAGS='-O1 -g' SANITIZE='$(TSAN)' build-tsan-tests
	@BUILD=build-tsan TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:$(TSAN_OPTIONS) SPECS=no \
	  tools/run-tests.sh $(TESTS:$(BUILD)/%=build-tsan/%)

# What no sanitizer sees: bytes that were never set. For the tests whose processes valgrind can follow: not those that kill
# themselves, count descriptors, or compare the last bit of what printf and strtod do with the x87 it has not.
VALGRIND = valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
VALGRIND_TESTS = $(patsubst %,$(BUILD)/spec/c/test_%,abi array crc32c histogram host image logger lua memory pr_curve \
                                                     reader summaries wire)
sanitize-valgrind: $(VALGRIND_TESTS)
	@RUNNER='$(VALGRIND)' SPECS=no tools/run-tests.sh $^

.PHONY: build-asan-tests build-tsan-tests
build-asan-tests: $(TESTS) $(EMBED)
build-tsan-tests: $(TESTS)

include fuzz.mk

# --- Figures ------------------------------------------------------------------------------------------------------

.PHONY: bench
bench: lua cli $(BENCHES) $(if $(SPDLOG),$(BUILD)/bench/spdlog)  ## rates beside torch, tensorboardX and Python's logging (ORACLE=)
	@$(LUA_ENV) BUILD=$(BUILD) LUA=$(LUA) PYTHON=$(PYTHON) bench/run.sh

# --- Independent judges ---------------------------------------------------------------------------------------------

.PHONY: conformance
conformance: lua cli  ## the same calls through torch and through us; TensorBoard reads our runs (SEED= N= ORACLE=)
	@$(LUA_ENV) LUA=$(LUA) PYTHON=$(PYTHON) BUILD=$(BUILD) conformance/run.sh

.PHONY: browser
browser: lua cli  ## TensorBoard's dashboards and our report in headless Chromium; screenshots in build/browser
	@$(LUA_ENV) LUA=$(LUA) PYTHON=$(PYTHON) BUILD=$(BUILD) conformance/run.sh browser
	@$(LUA_ENV) PYTHON=$(PYTHON) BUILD=$(BUILD) conformance/run.sh report

include package.mk

clean:  ## remove what was built
	rm -rf build build-*

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(CORE_OBJ:.o=.d) $(LUA_OBJ:.o=.d) $(TESTS:=.d) $(BENCHES:=.d) $(EMBED:=.d)
