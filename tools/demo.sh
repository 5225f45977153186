#!/usr/bin/env bash
# demo.sh - `make demo`: train the digits classifier. With DEMO_RESUME=1 the run is killed half-way with SIGKILL, as a
# crash would, and started again: it goes on from its last checkpoint, in the same log and run.
set -eu
lua=${LUA:-lua5.4}

if [ -z "${DEMO_RESUME:-}" ]; then exec $lua examples/digits.lua; fi

mkdir -p chkpt
chkpt=$(mktemp -d chkpt/resumed-XXXXXX)
$lua examples/digits.lua "$chkpt" &
pid=$!
# A checkpoint has its name once it is whole: what is still being written ends in .tmp.
while kill -0 $pid 2>/dev/null && ! ls "$chkpt"/digits/*_epoch_1[0-9]_*.chkpt >/dev/null 2>&1; do sleep 0.1; done
kill -KILL $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
printf '\n\n--- killed with SIGKILL after: %s\n--- starting again\n\n' "$(cd "$chkpt/digits" && ls -t -- *.chkpt | head -n 1)"
exec $lua examples/digits.lua "$chkpt"
