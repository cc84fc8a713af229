"""Holds `warmline metrics` against the documented SQL in DuckDB on one log, and measures both beside jq.

Usage: metrics.py WARMLINE LOG SQL [check]; with `check` only the figures are compared, over the logs of the nodes that LOG
holds in directories. DuckDB is imported from the Python that runs this."""

import json
import os
import shutil
import subprocess
import sys
import time

# Without taking repeated and torn lines out, which the SQL does first, DuckDB is at its best.
DUCKDB = """
import duckdb, json, sys
sql = open(sys.argv[1]).read()
if sys.argv[3] == "best":
    sql = sql.replace("SELECT DISTINCT ON (node, seq) * FROM lines", "SELECT * FROM lines")
    sql = sql.replace(" ignore_errors = true,", "")
connection = duckdb.connect()
connection.execute("SET threads = 2")
connection.execute("SET enable_progress_bar = false")
connection.execute("SET VARIABLE log = '" + sys.argv[2] + "/*.jsonl'")
sql = "\\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
for statement in sql.split(";"):
    if statement.strip():
        rows = connection.execute(statement)
print(json.dumps(dict(rows.fetchall())))
"""


def run(command, path):
    """Runs a command into a file; its seconds, CPU seconds and peak memory in MB."""
    with open(path, "w") as out:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{command[0]} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(figures, theirs, name="DuckDB"):
    """How many figures of the SQL are not ours."""
    wrong = 0
    for key, value in theirs.items():
        found = figures["total"][key]
        if (value is None) != (found is None) or value is not None and abs(value - found) > 0.0006:
            print(f"{key}: warmline {found}, {name} {value}")
            wrong += 1
    print(f"{figures['input']['events']:,} events: {len(theirs)} figures compared with the SQL's, {wrong} differ")
    return wrong


def main():
    warmline, log, sql = sys.argv[1:4]
    check = sys.argv[4:] == ["check"]
    logs = sorted(os.path.join(log, name) for name in os.listdir(log)) if check else [log]
    scratch = log.rstrip("/") + ".out"
    os.makedirs(scratch, exist_ok=True)
    ours, theirs = os.path.join(scratch, "warmline.json"), os.path.join(scratch, "duckdb.json")
    rows = [("warmline metrics", *run([warmline, "metrics", "--format", "json", *logs], ours))]
    with open(ours) as file:
        figures = json.load(file)
    for name, mode in (("DuckDB", "best"), ("DuckDB, repeats taken out", "whole")):
        if mode == "whole" or not check:
            rows.append((name, *run([sys.executable, "-c", DUCKDB, sql, log + "/*" if check else log, mode], theirs)))
    with open(theirs) as file:
        theirs = json.load(file)
    if check:
        sys.exit(1 if compare(figures, theirs) else 0)
    files = sorted(os.path.join(log, name) for name in os.listdir(log) if name.endswith(".jsonl"))
    size = sum(os.path.getsize(name) for name in files) / 1e6
    rows = [row + (figures["input"]["events"], size) for row in rows]
    if shutil.which("jq"):
        # One segment: for all of them jq takes many minutes, though it only counts types here.
        with open(files[0], "rb") as file:
            lines = sum(1 for _ in file)
        figure = run(["jq", "-n", "reduce inputs as $e ({}; .[$e.type] += 1)", files[0]], os.path.join(scratch, "jq.txt"))
        rows.append(("jq (counts types only)", *figure, lines, os.path.getsize(files[0]) / 1e6))
    print(f"{'':28}{'events/s':>12}{'MB/s':>8}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}")
    for name, seconds, cpu, memory, count, megabytes in rows:
        print(f"{name:28}{count / seconds:12,.0f}{megabytes / seconds:8.0f}{seconds:9.2f}{cpu:8.2f}{memory:9.0f}")
    sys.exit(1 if compare(figures, theirs) else 0)


if __name__ == "__main__":
    main()
