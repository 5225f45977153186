#!/usr/bin/env bash
# run.sh [reading] - every figure of bench/README.md, or those of reading alone, in one run: bare work, C, Lua, then the
# peers in Python (the environment of conformance/, made if need be). Each is the best of several runs.
set -euo pipefail

export BUILD=${BUILD:-build}
LUA=${LUA:-lua5.4}
python=$(conformance/oracle.sh)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
results=$BUILD/bench/results.tsv
spawn=$BUILD/bench/spawn

open_writer='
  local logging = require "helios.core.logging"
  local tb = logging.TensorboardWriter()
  tb:setup(arg[1])
  tb:add_scalar("loss", 0.5, 1)
  tb:close()'
open_python='
import sys
module = __import__(sys.argv[1], fromlist=["SummaryWriter"])
writer = module.SummaryWriter(sys.argv[2])
writer.add_scalar("loss", 0.5, 1)
writer.close()'
printf '%s\n' "$open_writer" >"$folder/open.lua"
printf '%s\n' "$open_python" >"$folder/open.py"

reading() {
  "$BUILD/bench/read" "$folder"
  for what in scalars images; do
    "$spawn" "ls_$what" helios 5 "$BUILD/helios" ls "$folder/$what"
  done
  "$spawn" export_scalars helios 5 "$BUILD/helios" export "$folder/scalars" -o /dev/null
  "$spawn" export_images helios 2 "$BUILD/helios" export --format png "$folder/images" -o "$folder/media"
}

{
  if [ "${1:-}" = reading ]; then
    "$python" bench/photo.py "$folder/photo.rgb"
    reading
    "$python" bench/peers.py "$folder" reading
  else
    "$BUILD/bench/core" "$folder"
    if [ -x "$BUILD/bench/spdlog" ]; then "$BUILD/bench/spdlog" "$folder"; fi
    reading
    "$LUA" bench/binding.lua "$folder"
    "$spawn" start bare 20 "$LUA" -e ''
    "$spawn" start lua 20 "$LUA" "$folder/open.lua" "$folder/start"
    "$python" bench/peers.py "$folder"
    for peer in torch.utils.tensorboard tensorboardX; do
      "$spawn" start "${peer%%.*}" 3 "$python" "$folder/open.py" "$peer" "$folder/start-$peer"
    done
    "$python" bench/killed.py "$folder"
  fi
} >"$results"

"$LUA" bench/report.lua "$results" bench/README.md "$("$python" -c '
from importlib.metadata import version
print(", ".join(name + " " + version(name) for name in ("torch", "tensorboardX", "numpy")))')"
