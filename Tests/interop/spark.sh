#!/usr/bin/env bash
# Sources/Support/sql/spark.sql in PySpark, and duckdb.sql, over three nodes' logs agree with `warmline metrics`
source "$(dirname "$0")/lib/job.bash"
need java python3
need_module pyspark duckdb
need_built warmline loggen

mkdir -p "$job_dir/events"
# Two of them know the same agents, and one of these was started again.
"$bin/loggen" 40000 "$job_dir/events/amsterdam" 9 amsterdam 20 team
"$bin/loggen" 40000 "$job_dir/events/riga" 4 riga 20 team 2
"$bin/loggen" 40000 "$job_dir/events/tallinn" 7 tallinn
# A segment that was copied twice, and a line that was cut off by a crash.
mkdir "$job_dir/events/again"
cp "$job_dir"/events/riga/*.jsonl "$job_dir/events/again/"
printf '{"v":1,"seq":40001,"time":"2026-03-02T1' >>"$(ls "$job_dir"/events/tallinn/*.jsonl)"

SPARK_LOCAL_IP=127.0.0.1 "$venv/bin/python" Tests/interop/spark.py "$bin/warmline" "$job_dir/events" 2>"$job_dir/spark.err" || {
    grep -vE "WARN|log4j" "$job_dir/spark.err" | tail -n 20
    exit 1
}
