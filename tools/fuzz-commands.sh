#!/usr/bin/env bash
# fuzz-commands.sh - the kept corpora of the readers through every command: none may crash, hang (20 s) or take more
# than a gigabyte of address space; a clear message and status 1 are fine. Events of the corpus are framed as records first.
set -euo pipefail

helios=$(realpath "${BUILD:-build}/helios")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0
ulimit -v 1048576 -c 0

cat >"$folder/frame.lua" <<'LUA'
-- frame.lua OUT IN - the bytes of IN as the one record of an event file.
local fs = require("helios.native").fs
local function masked(s)
  local crc = fs.crc32c(s) & 0xffffffff
  return ("<I4"):pack(((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff)
end
local data = assert(io.open(arg[2], "rb")):read("a")
local length = ("<I8"):pack(#data)
assert(assert(io.open(arg[1], "wb")):write(length, masked(length), data, masked(data))):close()
LUA

# A hostile file under each command; those that write get a fresh copy.
try() {
  local words=("$@") status=0
  rm -rf "$folder/run"
  mkdir "$folder/run"
  cp "$folder/hostile" "$folder/run/events.out.tfevents.1"
  timeout 20 "$helios" "${words[@]}" "$folder/run" >/dev/null 2>"$folder/err" </dev/null || status=$?
  count=$((count + 1))
  if [ "$status" -gt 1 ] || grep -q 'traceback\|not enough memory' "$folder/err"; then
    echo "fuzz: helios ${words[*]} on $input ends with $status:" >&2
    cat "$folder/err" >&2
    exit 1
  fi
}

try_all() {
  try ls
  try ls --json
  try cat
  try export
  try export --wide
  try export --format jsonl
  try export --format png -o "$folder/media"
  try export --format wav -o "$folder/media"
  try export --format txt -o "$folder/media"
  try tail --once
  try tail --once --time --log --smooth 0.9
  try report -o "$folder/page.html"
  try verify
  try merge
  try purge --from-step 1
  try repair
  try recover
}

every=${FUZZ_EVERY:-1} # only each n-th file, where time is short
number=0
for input in spec/fuzz/corpus/record_reader/* spec/fuzz/corpus/event/*; do
  number=$((number + 1))
  [ $((number % every)) -eq 0 ] || continue
  case $input in
    */event/*) "$helios" "$folder/frame.lua" "$folder/hostile" "$input" ;;
    *) cp "$input" "$folder/hostile" ;;
  esac
  try_all
done
echo "fuzz: $count commands on hostile files, no finding"
