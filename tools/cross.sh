#!/usr/bin/env bash
# cross.sh DEBIAN_ARCH TRIPLET QEMU OUT - build for another machine with Debian's cross compiler and run the C tests and
# the command under qemu. The libraries we link come from Debian's packages of that architecture, unpacked below OUT:
# neither dpkg nor apt of this system learns of it.
set -eu

arch=$1 triplet=$2 qemu=$3 out=$4
for tool in "$triplet-gcc" "$qemu"; do
  if ! command -v "$tool" >/dev/null; then
    echo "cross: no $tool; install gcc-$triplet and qemu-user" >&2
    exit 1
  fi
done

packages=(libpng-dev libpng16-16 zlib1g-dev zlib1g liblua5.4-dev liblua5.4-0 libmsgpack-dev libmsgpackc2)
sysroot=$PWD/$out/sysroot
if [ ! -d "$sysroot" ]; then
  mkdir -p "$out/debs" "$out/lists/partial"
  apt=(apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::Lists="$PWD/$out/lists"
       -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User="$(id -un)")
  (cd "$out/debs" && "${apt[@]}" update && "${apt[@]}" download "${packages[@]}") >"$out/apt.log" 2>&1 \
    || { tail "$out/apt.log" >&2; exit 1; }
  for deb in "$out"/debs/*.deb; do dpkg -x "$deb" "$sysroot"; done
fi

lib=$sysroot/usr/lib/$triplet
build=(BUILD="$out/build" CC="$triplet-gcc" AR="$triplet-ar" MPI_MODULE= LUA_CFLAGS="-I$sysroot/usr/include/lua5.4"
       LUA_LIBS="-llua5.4" LUA_ARCHIVE="$lib/liblua5.4.a" PNG_ARCHIVES="$lib/libpng.a $lib/libz.a"
       CPPFLAGS="-isystem $sysroot/usr/include -isystem $sysroot/usr/include/$triplet"
       LDFLAGS="-L$lib -Wl,-rpath-link,$lib:$sysroot/lib/$triplet")
make -s "${build[@]}" all test-programs

export QEMU_LD_PREFIX=/usr/$triplet QEMU_SET_ENV="LD_LIBRARY_PATH=$lib:$sysroot/lib/$triplet"
# test_threads forks out of a program with many threads, at which qemu 7.2 itself fails an assertion.
mapfile -t tests < <(find "$out/build/spec/c" -name 'test_*' ! -name '*.d' ! -name test_threads | sort)
RUNNER=$qemu SPECS=no tools/run-tests.sh "${tests[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/run.lua" <<'END'
local tb = require("helios").logging.TensorboardWriter()
tb:setup(arg[1])
for step = 1, 100 do tb:add_scalar("loss", 1 / step, step) end
tb:add_image("picture", {{0, 0.5}, {0.5, 1}}, {dataformats = "HW"})
assert(tb:close())
END
"$qemu" "$out/build/helios" "$work/run.lua" "$work/run"
"$qemu" "$out/build/helios" verify "$work/run"
file "$out/build/helios"
