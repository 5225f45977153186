#!/usr/bin/env bash
# run.sh - `make conformance`: find or make the judges' environment, then replay and compare.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$("$here/oracle.sh")
export PYTHONDONTWRITEBYTECODE=1
exec "$python" -W ignore::RuntimeWarning "$here/conformance.py"
