# --- Installing and packaging ---------------------------------------------------------------------------------------

.PHONY: install install-dev install-lua install-command uninstall
INSTALLED_LIB = $(DESTDIR)$(LIBDIR)
INSTALLED_INCLUDE = $(DESTDIR)$(PREFIX)/include/helios
LUADIR ?= $(PREFIX)/share/lua/5.4
LUACDIR ?= $(LIBDIR)/lua/5.4
MANDIR = $(DESTDIR)$(PREFIX)/share/man
COMPLETIONDIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
LUA_MODULES = $(shell cd lua/helios && find . -type f ! -path './_meta/*')

install: install-dev install-lua install-command  ## headers, libraries, modules, the command, man pages; PREFIX DESTDIR

install-dev: core lua $(BUILD)/man/helios.3
	install -d $(INSTALLED_INCLUDE) $(INSTALLED_LIB)/pkgconfig $(MANDIR)/man3
	install -m 644 $(HEADERS) $(INSTALLED_INCLUDE)
	install -m 644 $(BUILD)/libhelios.a $(BUILD)/libhelios-lua.a $(INSTALLED_LIB)
	install -m 755 $(BUILD)/$(SO) $(INSTALLED_LIB)
	@ln -sf $(SO) $(INSTALLED_LIB)/libhelios.so.$(SOVERSION)
	@ln -sf libhelios.so.$(SOVERSION) $(INSTALLED_LIB)/libhelios.so
	install -m 644 $(BUILD)/helios.pc $(BUILD)/helios-lua.pc $(INSTALLED_LIB)/pkgconfig
	install -m 644 $(BUILD)/man/helios.3 $(MANDIR)/man3

install-lua: lua
	install -d $(DESTDIR)$(LUACDIR)/helios
	install -m 755 $(BUILD)/lua/helios/native.so $(MPI_MODULE) $(DESTDIR)$(LUACDIR)/helios
	set -e; for m in $(LUA_MODULES); do install -D -m 644 lua/helios/$$m $(DESTDIR)$(LUADIR)/helios/$$m; done

install-command: cli
	install -d $(DESTDIR)$(PREFIX)/bin $(MANDIR)/man1 $(COMPLETIONDIR)
	install -m 755 $(BUILD)/helios $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/helios.1 $(MANDIR)/man1
	install -m 644 tools/completion.bash $(COMPLETIONDIR)/helios

uninstall:  ## what install put there
	rm -rf $(INSTALLED_INCLUDE) $(DESTDIR)$(LUADIR)/helios $(DESTDIR)$(LUACDIR)/helios
	rm -f $(DESTDIR)$(PREFIX)/bin/helios $(MANDIR)/man1/helios.1 $(MANDIR)/man3/helios.3 $(COMPLETIONDIR)/helios
	rm -f $(addprefix $(INSTALLED_LIB)/,libhelios.a libhelios-lua.a libhelios.so libhelios.so.$(SOVERSION) $(SO))
	rm -f $(addprefix $(INSTALLED_LIB)/pkgconfig/,helios.pc helios-lua.pc)

# In the order in which they are best read.
MAN_HEADERS = $(patsubst %,include/helios/%.h,helios status tensor logger writer reader recover lua)
$(BUILD)/man/helios.3: man/helios.3.in tools/man3.lua $(HEADERS)
	@mkdir -p $(@D)
	$(LUA) tools/man3.lua $< $@ $(MAN_HEADERS)

# --- The core as two files --------------------------------------------------------------------------------------------

.PHONY: amalgam
amalgam:  ## build/amalgam/helios.c and helios.h: the C core for a host that would rather copy than install
	@mkdir -p $(BUILD)/amalgam
	$(LUA) tools/amalgam.lua $(BUILD)/amalgam include/helios/helios.h -- $(CORE_SRC)

# --- The command in one piece -------------------------------------------------------------------------------------------

# Such a program still runs, but other people's C modules cannot be loaded into it: dlopen wants the shared libc back, of
# which the linker warns.
.PHONY: static
static: $(BUILD)/helios-static  ## build/helios-static: the command without any shared library, libc included
$(BUILD)/helios-static: $(CLI_OBJ) $(BUILD)/libhelios-lua.a $(BUILD)/libhelios.a
	$(call say,CC)$(CC) -static $(HL_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LUA_ARCHIVE) $(CORE_LIBS) -ldl

# --- Packages -----------------------------------------------------------------------------------------------------------

.PHONY: deb rock check-packages dist
deb:  ## Debian packages in build/deb
	tools/deb.sh $(BUILD)/deb

ROCKSPEC = helios-$(VERSION)-1.rockspec
rock:  ## build and install the LuaRock into build/rock
	luarocks --lua-version=5.4 make --tree $(BUILD)/rock $(ROCKSPEC)

# Apart from `make test`, as building everything twice more takes its time.
check-packages:  ## build the Debian packages and the rock, install them into throw-away roots, use them
	@PACKAGES=yes LUA_PATH="./?.lua;;" BUILD=$(BUILD) SPEC=spec/packages_spec.lua LUA=$(LUA) tools/run-tests.sh

dist:  ## build/helios-<version>.tar.gz of what is committed
	git archive --prefix=helios-$(VERSION)/ -o $(BUILD)/helios-$(VERSION).tar.gz HEAD

# --- Footprint ----------------------------------------------------------------------------------------------------------

.PHONY: footprint
footprint: all static $(BUILD)/bench/spawn  ## sizes, memory and start-up times in bench/README.md (ORACLE=)
	@BUILD=$(BUILD) PYTHON=$(PYTHON) bench/footprint.sh bench/README.md

# --- Another machine ----------------------------------------------------------------------------------------------------

.PHONY: check-cross test-programs
test-programs: $(TESTS)
check-cross:  ## build for arm64 with Debian's cross compiler; C tests and the command under qemu
	@tools/cross.sh arm64 aarch64-linux-gnu qemu-aarch64 build-arm64

# --- Documentation --------------------------------------------------------------------------------------------------------

# The manual by discount's markdown, the Lua modules by LDoc, the man pages (and so the headers) by mandoc.
.PHONY: docs
DOCS = $(BUILD)/docs
DOCUMENTED = $(wildcard lua/helios/*.lua lua/helios/plugins/*.lua) \
             $(patsubst %,lua/helios/core/%.lua,logging root_logger tensorboard_writer distributed)
docs: $(BUILD)/man/helios.3  ## the manual and both references as HTML in build/docs
	@rm -rf $(DOCS) && mkdir -p $(DOCS)/lua $(BUILD)/gen/ldoc
	@rm -f $(BUILD)/gen/ldoc/*
	@set -e; for page in docs/*.md; do LUA=$(LUA) tools/page.sh $$page > $(DOCS)/$$(basename $$page .md).html; done
	@mv $(DOCS)/README.html $(DOCS)/index.html
	@cp docs/style.css $(DOCS)
	@$(LUA) tools/ldoc.lua $(BUILD)/gen/ldoc $(DOCUMENTED)
	@HOME="$${HOME:-/}" ldoc -q -c config.ld -d $(DOCS)/lua $(BUILD)/gen/ldoc  # it fails where nobody has a home
	@tools/page.sh man/helios.1 > $(DOCS)/helios.1.html
	@tools/page.sh $(BUILD)/man/helios.3 > $(DOCS)/helios.3.html
	@echo "docs: $(DOCS)/index.html"
