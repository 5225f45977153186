#!/usr/bin/env bash
# oracle.sh - print the path of a Python that has requirements.txt installed, making its environment if need be.
#
# The environment lies outside the tree, under the user's cache, and is named after what it holds: a changed
# requirements file makes a new one. ORACLE=dir takes the environment in dir instead, as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -n "${ORACLE:-}" ]; then
  [ -x "$ORACLE/bin/python" ] || { echo "oracle: no bin/python in ORACLE=$ORACLE" >&2; exit 1; }
  echo "$ORACLE/bin/python"
  exit
fi

hash=$(sha256sum "$here/requirements.txt" | cut -c 1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/helios/oracle-$hash
mkdir -p "$(dirname "$venv")"
# One maker at a time; another one waits and finds it made. The mark comes last: a half-made one is made anew.
exec 9>"$venv.lock"
flock 9
if [ ! -e "$venv/made" ]; then
  echo "oracle: installing torch and TensorBoard into $venv" >&2
  "${PYTHON:-python3}" -m venv --clear "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  touch "$venv/made"
fi
echo "$venv/bin/python"
