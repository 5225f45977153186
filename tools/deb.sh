#!/usr/bin/env bash
# deb.sh OUT - Debian packages of this tree, in OUT. They are built in a copy, with the changelog Debian wants made
# from the version in the header, so that the tree stays as it is.
set -eu

out=$1
version=$(sed -n 's/^#define HELIOS_VERSION "\(.*\)"/\1/p' include/helios/status.h)
if ! command -v dh >/dev/null; then
  echo "deb: install debhelper and dpkg-dev (make setup)" >&2
  exit 1
fi

rm -rf "$out"
mkdir -p "$out/helios"
cp -a Makefile ./*.mk ./*.pc.in LICENSE CHANGELOG.md include src lua tools man debian "$out/helios"
mkdir -p "$out/helios/examples"
cp -a examples/embed "$out/helios/examples"
{
  printf 'helios (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n' "$version"
  printf ' -- Helios developers <maintainers@helios.invalid>  %s\n' "$(date -R -r CHANGELOG.md)"
} >"$out/helios/debian/changelog"
cd "$out/helios"
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u BUILD -u LUA_PATH -u LUA_CPATH dpkg-buildpackage -b -us -uc >../build.log 2>&1 \
  || { tail -n 40 ../build.log >&2; exit 1; }
cd ..
rm -rf helios
ls ./*.deb
