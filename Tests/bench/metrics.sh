#!/bin/bash
# The metrics core beside DuckDB and jq. `metrics.sh` measures (release build, EVENTS events, 10 million unless told
# otherwise); `metrics.sh check` only holds the figures against the SQL on small logs of three nodes (debug build).
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
    log=$scratch/logs
    rm -rf "$log"
    mkdir "$log"
    # Two nodes that know the same agents, one of them started again in between, and one with its own.
    .build/debug/loggen 20000 "$log/amsterdam" 1 amsterdam 8 team
    .build/debug/loggen 16000 "$log/riga" 2 riga 8 team 3
    .build/debug/loggen 8000 "$log/tallinn" 3 tallinn 8
    exec "$venv/bin/python" Tests/bench/metrics.py .build/debug/warmline "$log" Sources/Support/sql/duckdb.sql check
fi
events=${EVENTS:-10000000}
log=$scratch/log-$events
if [ ! -d "$log" ]; then
    .build/release/loggen "$events" "$log.part" 1
    mv "$log.part" "$log"
fi
exec "$venv/bin/python" Tests/bench/metrics.py .build/release/warmline "$log" Sources/Support/sql/duckdb.sql
