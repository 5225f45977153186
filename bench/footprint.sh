#!/usr/bin/env bash
# footprint.sh README - what Helios takes: bytes on disk, memory, time to start; rewrites that part of the page between its
# two marks. Beside it, `from torch.utils.tensorboard import SummaryWriter` (the environment of conformance/).
set -euo pipefail

BUILD=${BUILD:-build}
python=$(conformance/oracle.sh)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
helios=$BUILD/helios

stripped() { # KiB of a file without symbols
  strip -o "$folder/stripped" "$1"
  awk -v n="$(stat -c %s "$folder/stripped")" 'BEGIN { printf "%.0f KiB", n / 1024 }'
}

started() { # NAME RUNS COMMAND...: "time | peak memory"
  "$BUILD/bench/spawn" start x "$1" "${@:2}" | awk -F '\t' '{
    t = $3 / 1e6; printf t < 100 ? "%.1f ms | %.1f MiB" : "%.0f ms | %.0f MiB", t, $4 / 1048576 }'
}

cat >"$folder/tags.lua" <<'END'
local function resident() return io.open("/proc/self/status"):read("a"):match("VmRSS:%s*(%d+)") + 0 end
local before, used = resident(), collectgarbage("count")
local tb = require("helios").logging.TensorboardWriter()
tb:setup(arg[1])
for step = 1, 10 do
  for tag = 1, 1000 do tb:add_scalar("layer/" .. tag, step, step) end
end
collectgarbage()
print(("%.1f MiB, of which Lua's own objects %.0f KiB"):format((resident() - before) / 1024,
  collectgarbage("count") - used))
tb:close()
END
cat >"$folder/tags.py" <<'END'
import sys
def resident(): return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
before = resident()
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter(sys.argv[1])
for step in range(1, 11):
    for tag in range(1, 1001):
        writer.add_scalar(f"layer/{tag}", step, step)
print("%.1f MiB" % ((resident() - before) / 1024))
writer.close()
END
printf '%s\n' 'local tb = require("helios").logging.TensorboardWriter() tb:setup(arg[1]) tb:add_scalar("a", 1, 1) tb:close()' \
  >"$folder/open.lua"
cat >"$folder/host.c" <<'END'
#include <helios/helios.h>
int main(int argc, char **argv) {
  helios_writer *w;
  if (argc < 2 || helios_writer_open(argv[1], 0, &w, 0, 0) != HELIOS_OK) return 1;
  helios_writer_add_scalar(w, "a", 1, 1);
  helios_writer_free(w);
  return 0;
}
END
cc -O2 -Iinclude "$folder/host.c" -o "$folder/host" "$BUILD/libhelios.a" -Wl,--gc-sections -lpng -lz -lm -pthread

{
  sed '/<!-- footprint -->/q' "$1"
  printf '\n| what | stripped |\n| --- | ---: |\n'
  printf '| `libhelios.so`, the C core | %s |\n' "$(stripped "$BUILD/libhelios.so")"
  printf '| `native.so`, core and binding for Lua | %s |\n' "$(stripped "$BUILD/lua/helios/native.so")"
  printf '| a C program with a writer, core linked in | %s |\n' "$(stripped "$folder/host")"
  printf '| the command `helios`: Lua, libpng, zlib, all modules | %s |\n' "$(stripped "$helios")"
  printf '| ... linked with `-static`, libc included | %s |\n' "$(stripped "$BUILD/helios-static")"
  printf '\n| start to end | time | peak memory |\n| --- | ---: | ---: |\n'
  printf '| a C program that writes one point | %s |\n' "$(started 20 "$folder/host" "$folder/run-c")"
  printf '| `lua5.4 -e ""` | %s |\n' "$(started 20 lua5.4 -e '')"
  printf '| `helios -e ""` | %s |\n' "$(started 20 "$helios" -e '')"
  printf '| `helios-static -e ""` | %s |\n' "$(started 20 "$BUILD/helios-static" -e '')"
  printf '| `helios` with a script that writes one point | %s |\n' "$(started 20 "$helios" "$folder/open.lua" "$folder/run")"
  printf '| `python -c "pass"` | %s |\n' "$(started 5 "$python" -c pass)"
  printf '| `python -c "from torch.utils.tensorboard import SummaryWriter"` | %s |\n' \
    "$(started 3 "$python" -c 'from torch.utils.tensorboard import SummaryWriter')"
  printf '\nA state with a writer and a thousand tags of ten points each takes %s; with torch (its import included) %s.\n' \
    "$("$helios" "$folder/tags.lua" "$folder/tags")" "$("$python" "$folder/tags.py" "$folder/tags-py" 2>/dev/null)"
  sed -n '/<!-- end of footprint -->/,$p' "$1"
} >"$folder/page"
cat "$folder/page" >"$1"
