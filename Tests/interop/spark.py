"""The documented SQL in Spark and in DuckDB against `warmline metrics`, over the logs of many nodes.

Usage: spark.py WARMLINE EVENTS, with the directories of the nodes' logs in EVENTS."""

import json
import os
import subprocess
import sys

import duckdb
from pyspark.sql import SparkSession

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from metrics import compare  # noqa: E402

WARMLINE, EVENTS = sys.argv[1:3]
SQL = "Sources/Support/sql"


def statements(name):
    with open(os.path.join(SQL, name)) as file:
        text = "\n".join(line for line in file.read().splitlines() if not line.lstrip().startswith("--"))
    return [statement for statement in text.split(";") if statement.strip()]


def by_duckdb(pattern):
    connection = duckdb.connect()
    connection.execute(f"SET VARIABLE log = '{pattern}'")
    for statement in statements("duckdb.sql"):
        rows = connection.execute(statement)
    return dict(rows.fetchall())


def by_spark(pattern):
    builder = SparkSession.builder.master("local[2]").appName("warmline").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.config("spark.sql.shuffle.partitions", "4").config("spark.ui.showConsoleProgress", "false")
    spark = builder.config("spark.sql.warehouse.dir", os.path.join(EVENTS, "..", "warehouse")).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.conf.set("log", pattern)
    for statement in statements("spark.sql"):
        rows = spark.sql(statement)
    found = {row["key"]: row["value"] for row in rows.collect()}
    version = spark.version
    spark.stop()
    return found, version


def main():
    logs = sorted(os.path.join(EVENTS, name) for name in os.listdir(EVENTS))
    ours = subprocess.run([WARMLINE, "metrics", "--format", "json", *logs], capture_output=True, text=True)
    figures = json.loads(ours.stdout)
    read = figures["input"]
    print(f"  ok    warmline metrics: {read['events']:,} events of {len(read['nodes'])} nodes")
    pattern = os.path.join(EVENTS, "*", "*.jsonl")
    spark, version = by_spark(pattern)
    wrong = compare(figures, spark, f"Spark {version}")
    duck = by_duckdb(pattern)
    wrong += compare(figures, duck, f"DuckDB {duckdb.__version__}")
    if set(spark) != set(duck):
        sys.exit(f"FAIL: not the same keys: {sorted(set(spark) ^ set(duck))}")
    if wrong or len(spark) < 30 or not spark["hold_time.total_ms"]:
        sys.exit(f"FAIL: {wrong} figures of {len(spark)} differ")
    print(f"  ok    {len(spark)} figures by Spark {version} and by DuckDB {duckdb.__version__}: equal to the millisecond")


main()
