#!/bin/bash
# The metrics core beside DuckDB and jq. `metrics.sh` measures (release build, EVENTS events, 10 million unless told
# otherwise); `metrics.sh check` only holds the figures against the SQL on a small log (debug build).
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=${1:-bench}
scratch=.build/bench
venv=.build/venv
mkdir -p "$scratch"
if ! "$venv/bin/python" -c 'import duckdb' 2>/dev/null; then
    echo "DuckDB is missing: make deps" >&2
    exit 1
fi
if [ "$mode" = check ]; then
    build=debug events=40000
else
    build=release events=${EVENTS:-10000000}
fi
log=$scratch/log-$events
if [ ! -d "$log" ]; then
    .build/$build/loggen "$events" "$log.part" 1
    mv "$log.part" "$log"
fi
if [ "$mode" = check ]; then
    exec "$venv/bin/python" Tests/bench/metrics.py .build/$build/warmline "$log" Sources/Support/sql/duckdb.sql check
fi
exec "$venv/bin/python" Tests/bench/metrics.py .build/$build/warmline "$log" Sources/Support/sql/duckdb.sql
