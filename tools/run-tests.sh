#!/usr/bin/env bash
# run-tests.sh [C test program]... - run them, then the specs (unless SPECS=no; SPEC names one), and close with one line:
#   N passed, N failed
# RUNNER is put before each C test, such as qemu.
# A program that dies, hangs or ends without its count is one failure, so that nothing is lost in the sum.
set -u

passed=0
failed=0
limit=${TEST_TIMEOUT:-600}           # seconds a C test may take
specs_limit=${SPECS_TIMEOUT:-$limit}  # and all the specs
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# add NAME STATUS PASSED FAILED: the counts a program printed, and its exit status, must agree.
add() {
  if [ -z "${3:-}" ] || { [ "$2" -ne 0 ] && [ "$4" -eq 0 ]; }; then
    printf '%s: exit status %s\n' "$1" "$2"
    failed=$((failed + 1))
  fi
  passed=$((passed + ${3:-0}))
  failed=$((failed + ${4:-0}))
}

run_c_test() {
  timeout -k 10 "$limit" ${RUNNER:-} "$1" 2>&1 | tee "$output"
  local status=${PIPESTATUS[0]} counts
  counts=$(sed -n 's/.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$output" | tail -n 1)
  # shellcheck disable=SC2086 # two words on purpose
  add "$1" "$status" $counts
}

run_specs() {
  timeout -k 10 "$specs_limit" ${LUA:-lua5.4} "$(command -v busted)" -o plainTerminal ${BUSTED_FLAGS:-} "${SPEC:-spec}" 2>&1 \
    | tee "$output"
  local status=${PIPESTATUS[0]} counts
  counts=$(sed -n 's/^\([0-9]*\) success[a-z]* \/ \([0-9]*\) failure[s]* \/ \([0-9]*\) error.*/\1 \2 \3/p' "$output" \
    | tail -n 1)
  set -- $counts
  if [ $# -eq 3 ]; then set -- "$1" $(($2 + $3)); fi
  add specs "$status" "$@"
}

for test in "$@"; do run_c_test "$test"; done
[ "${SPECS:-yes}" = no ] || run_specs

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
