#!/usr/bin/env bash
# run.sh - every figure of bench/README.md in one run: bare work, C, Lua, then the peers in Python ($PYTHON, a Python that
# has torch, tensorboardX and numpy; without them their columns stay empty). Uses the fastest of several runs.
set -euo pipefail

BUILD=${BUILD:-build} LUA=${LUA:-lua5.4} PYTHON=${PYTHON:-python3}
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

{
  "$BUILD/bench/core" "$folder"
  "$LUA" bench/binding.lua "$folder"
  "$spawn" start bare 20 "$LUA" -e ''
  "$spawn" start lua 20 "$LUA" "$folder/open.lua" "$folder/start"
  if "$PYTHON" -c 'import numpy' 2>/dev/null; then
    "$PYTHON" bench/peers.py "$folder"
    for peer in torch.utils.tensorboard tensorboardX; do
      who=${peer%%.*}
      "$PYTHON" -c "import $peer" 2>/dev/null || continue
      "$spawn" start "$who" 3 "$PYTHON" "$folder/open.py" "$peer" "$folder/start-$who"
    done
  else
    echo "bench: $PYTHON has no numpy; the peers' columns stay empty (make bench PYTHON=...)" >&2
  fi
} >"$results"

"$LUA" bench/report.lua "$results" bench/README.md "$("$PYTHON" -c '
import importlib.metadata as m
for name in ("torch", "tensorboardX", "numpy"):
    try: print(name, m.version(name), end=", ")
    except m.PackageNotFoundError: pass
' 2>/dev/null || true)"
