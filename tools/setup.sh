#!/usr/bin/env bash
# setup.sh - install what the README's commands, .ci/run and the developer targets of the Makefile need.
#
# Knows Debian 12's package names. Does nothing, quickly, when nothing is missing; asks apt for the missing packages
# only, through sudo when not root; where it cannot install, it prints the list and fails.
set -euo pipefail

packages=(
  build-essential pkg-config                # building; make deb asks for build-essential by its name
  clang libclang-rt-14-dev                  # the second compiler of `make lint`, and fuzzing
  lua5.4 liblua5.4-dev                      # scripting
  libpng-dev zlib1g-dev libdlpack-dev       # images, tensors from hosts
  libmsgpack-dev                            # checkpoints
  gnuplot-nox                               # figures
  libopenmpi-dev openmpi-bin                # collectives
  lua-filesystem lua-argparse               # folders, command line
  libjs-dygraphs                            # charts of `helios report`, put into the program
  valgrind                                  # `make sanitize`, beside the compilers' own sanitizers
  lua-busted lua-check luajit               # specs, lint, the headers in LuaJIT's FFI
  mandoc discount lua-ldoc                  # documentation
  luarocks debhelper fakeroot lintian       # packages
  python3 python3-venv ca-certificates      # independent judges: torch and TensorBoard in a venv
  chromium chromium-driver                  # dashboards, looked at as a user does
  libspdlog-dev                             # a peer of `make bench`
)

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# All at once first: one process instead of twenty when nothing is missing, which is nearly always.
all_installed() {
  local states
  states=$(dpkg-query -W -f '${db:Status-Abbrev}\n' "${packages[@]}" 2>/dev/null) || return 1
  ! grep -qv '^ii ' <<<"$states"
}

cannot() {
  printf 'setup: %s. Install these packages (Debian 12 names), then run it again:\n' "$1" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

missing=()
if ! command -v dpkg-query >/dev/null; then
  missing=("${packages[@]}")
  cannot "this is no Debian system"
fi
if all_installed; then
  exit 0
fi
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || cannot "installing needs root, and there is no sudo"
  as_root=(sudo)
  # Without a terminal nobody could type a password: fail at once instead of waiting for one.
  [ -t 0 ] || as_root=(sudo -n)
  "${as_root[@]}" true || cannot "sudo was refused"
fi

printf 'setup: installing %s\n' "${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
# A third-party source that is down must not stop us: whether Debian's is there, install will tell.
"${as_root[@]}" "${apt[@]}" update </dev/null || echo 'setup: apt-get update failed; trying to install all the same' >&2
"${as_root[@]}" "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null \
  || cannot "apt-get install failed"
