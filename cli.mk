# --- The command ----------------------------------------------------------------------------------------------------
# build/helios holds Lua, the core, the binding and every Lua module. argparse and the chart library come from their
# Debian packages and go into the program, never into the source tree.
.PHONY: cli
MODULE_FILES := $(shell find lua/helios -name '*.lua' ! -path 'lua/helios/_meta/*' | LC_ALL=C sort)
ASSET_FILES := $(wildcard lua/helios/cli/report/*.js lua/helios/cli/report/*.css lua/helios/cli/report/*.html)
# Asked of the shell each time they are used: `make setup test` installs them while it runs, and make remembers what
# $(wildcard) once found.
ARGPARSE ?= $(firstword $(shell ls /usr/share/lua/5.4/argparse.lua /usr/local/share/lua/5.4/argparse.lua 2>/dev/null))
DYGRAPHS ?= $(shell ls -d /usr/share/javascript/dygraphs 2>/dev/null)
DYGRAPH_FILES = $(if $(DYGRAPHS),$(DYGRAPHS)/dygraph.min.js $(DYGRAPHS)/dygraph.min.css)

# lua/helios/core/logging.lua is module helios.core.logging, an init.lua its folder.
module_name = $(patsubst %.init,%,$(subst /,.,$(patsubst lua/%.lua,%,$(1))))
ARGPARSE_FACE = lua/helios/cli/argparse.lua
EMBEDDED = $(foreach f,$(if $(ARGPARSE),$(filter-out $(ARGPARSE_FACE),$(MODULE_FILES)),$(MODULE_FILES)),$(call module_name,$(f))=$(f)) \
           $(foreach f,$(ARGPARSE),helios.cli.argparse=$(f)) \
           $(foreach f,$(ASSET_FILES) $(DYGRAPH_FILES),asset:$(notdir $(f))=$(f))

# A module that went away changes the list, but no file's date.
.PHONY: FORCE
FORCE:
$(BUILD)/gen/embedded.list: FORCE
	@mkdir -p $(@D)
	@echo '$(EMBEDDED)' | cmp -s - $@ || echo '$(EMBEDDED)' > $@

$(BUILD)/gen/embedded.c: $(BUILD)/gen/embedded.list $(MODULE_FILES) $(ARGPARSE) $(ASSET_FILES) $(DYGRAPH_FILES) tools/embed.lua
	$(call say,GEN)$(LUA) tools/embed.lua $@ $(EMBEDDED)

$(BUILD)/gen/embedded.o: $(BUILD)/gen/embedded.c src/cli/embedded.h
	$(call say,CC)$(CC) $(HL_CFLAGS) -Isrc/cli -O0 -c -o $@ $<

$(BUILD)/src/cli/%.o: src/cli/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(HL_CFLAGS) $(LUA_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

PRELOAD_OBJ = $(BUILD)/src/cli/preload.o $(BUILD)/gen/embedded.o
$(BUILD)/libhelios-lua.a: $(PRELOAD_OBJ)

# All of liblua is linked in and exported, so that scripts can load C modules of others. Where the archives are, only
# libc and libm stay shared; a distribution's package sets the two *_ARCHIVE* empty.
LUA_ARCHIVE ?= $(filter /%,$(shell $(CC) -print-file-name=liblua5.4.a))
LUA_LINK = $(if $(LUA_ARCHIVE),-Wl$(comma)--whole-archive $(LUA_ARCHIVE) -Wl$(comma)--no-whole-archive -Wl$(comma)-E -ldl,$(LUA_LIBS))
comma = ,
PNG_ARCHIVES ?= $(filter /%,$(foreach lib,png z,$(shell $(CC) -print-file-name=lib$(lib).a)))
CLI_LIBS = $(if $(word 2,$(PNG_ARCHIVES)),$(PNG_ARCHIVES) -lm,$(CORE_LIBS))

CLI_OBJ = $(BUILD)/src/cli/main.o $(BUILD)/src/cli/runner.o

cli: $(BUILD)/helios  ## the command build/helios
$(BUILD)/helios: $(CLI_OBJ) $(BUILD)/libhelios-lua.a $(BUILD)/libhelios.a
	$(call say,CC)$(CC) $(HL_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LUA_LINK) $(CLI_LIBS)

-include $(CLI_OBJ:.o=.d) $(BUILD)/src/cli/preload.d
