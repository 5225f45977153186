# Helios for Lua and C. `make help` lists what there is.
CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
BUILD ?= build
LUA ?= lua5.4
PKG_CONFIG ?= pkg-config

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
       -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla
WERROR ?= -Werror
HL_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -pthread -Iinclude -Isrc $(WARN) $(WERROR)
CORE_LIBS = -lpng -lz -lm -pthread
LUA_CFLAGS = $(shell $(PKG_CONFIG) --cflags lua-5.4)

CORE_SRC = $(wildcard src/*.c src/encode/*.c src/reader/*.c)
LUA_SRC = $(wildcard src/lua/*.c)
TEST_SRC = $(wildcard spec/c/test_*.c)
CORE_OBJ = $(CORE_SRC:%.c=$(BUILD)/%.o)
LUA_OBJ = $(LUA_SRC:%.c=$(BUILD)/%.o)
TESTS = $(TEST_SRC:%.c=$(BUILD)/%)

.PHONY: all help core lua test test-c spec clean
all: core lua  ## build the libraries and the Lua module

core: $(BUILD)/libhelios.a $(BUILD)/libhelios.so
lua: $(BUILD)/lua/helios/native.so

$(BUILD)/src/lua/%.o: src/lua/%.c
	@mkdir -p $(@D)
	$(CC) $(HL_CFLAGS) $(LUA_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libhelios.a: $(CORE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libhelios.so: $(CORE_OBJ)
	$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BUILD)/lua/helios/native.so: $(LUA_OBJ) $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)

$(BUILD)/spec/c/%: spec/c/%.c $(BUILD)/libhelios.a
	@mkdir -p $(@D)
	$(CC) $(HL_CFLAGS) -Ispec/c $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libhelios.a $(CORE_LIBS)

test: test-c spec  ## all C tests and specs

test-c: $(TESTS)  ## the C tests
	@set -e; for t in $(TESTS); do $$t; done

LUA_ENV = LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$(BUILD)/lua/?.so;;"
spec: lua  ## the Lua specs
	$(LUA_ENV) $(LUA) /usr/bin/busted spec

clean:  ## remove what was built
	rm -rf $(BUILD)

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(CORE_OBJ:.o=.d) $(LUA_OBJ:.o=.d) $(TESTS:=.d)
