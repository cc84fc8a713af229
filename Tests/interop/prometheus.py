"""What PromQL says of the scraped metrics is what `warmline metrics` says of the log.

Usage: prometheus.py URL WARMLINE LOG SEGMENT WHOLE: SEGMENT of LOG grows to WHOLE while Prometheus at URL watches."""

import json
import math
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL, WARMLINE, LOG, SEGMENT, WHOLE = sys.argv[1:6]
BOUNDS = [0, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600]
SERVICE_LEVEL = (
    "100 * sum by ({by}) (warmline_calls_answered_within_total) / (sum by ({by}) (warmline_calls_answered_total)"
    ' + sum by ({by}) (warmline_calls_ended_total{{outcome="abandoned"}})'
    " - sum by ({by}) (warmline_calls_short_abandoned_total)"
    " + sum by ({by}) (warmline_calls_left_for_other_group_total))"
)
HOLD_TIME = (
    "1000 * (sum by (group) (warmline_wait_seconds_sum) + sum by (group) (warmline_hold_seconds_sum))"
    " / sum by (group) (warmline_waiting_connected_total)"
)


def fail(*lines):
    print("FAIL:", *lines)
    sys.exit(1)


def query(expression):
    """The value of each series, by its group."""
    form = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{URL}/api/v1/query?{form}", timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    return {series["metric"].get("group", ""): float(series["value"][1]) for series in result}


def wait_for(what, seconds, condition):
    deadline = time.monotonic() + seconds
    while not (value := attempt(condition)):
        if time.monotonic() > deadline:
            fail(f"not within {seconds} s: {what}")
        time.sleep(0.2)
    return value


def attempt(condition):
    try:
        return condition()
    except urllib.error.URLError:
        return None


def figures(path):
    """The figures of `warmline metrics`, by group."""
    text = subprocess.run([WARMLINE, "metrics", "--format", "json", "--by", "group", path], check=True, capture_output=True)
    report = json.loads(text.stdout)
    return {row["key"]["group"] or "": row for row in report["by"]}


def same(what, found, expected, by, tolerance):
    if set(found) != set(by):
        fail(f"{what}: Prometheus has the groups {sorted(found)}, warmline {sorted(by)}")
    for group, value in found.items():
        # A ratio of nothing to nothing is null in a report and not a number in PromQL.
        if math.isnan(value) and expected(by[group]) is None:
            continue
        if abs(value - expected(by[group])) > tolerance:
            fail(f"{what} of {group}: PromQL {value}, warmline {expected(by[group])}")


def quantiles(kind, by):
    """histogram_quantile interpolates within a bucket: it is right when it names the bucket that the figure lies in."""
    worst = 0.0
    for quantile, key in ((0.5, "median_ms"), (0.9, "p90_ms"), (0.95, "p95_ms"), (0.99, "p99_ms")):
        found = query(f"histogram_quantile({quantile}, warmline_{kind}_seconds_bucket)")
        for group, row in by.items():
            if row[f"{kind}.{key}"] is None:
                continue
            ours = row[f"{kind}.{key}"] / 1000
            low, high = next((a, b) for a, b in zip(BOUNDS, BOUNDS[1:]) if ours <= b)
            # Our own figure may be 0.8 % off: next to a bound the bucket beside it is right as well.
            if not low * 0.992 <= found[group] <= high * 1.008:
                fail(f"{kind} {quantile} of {group}: PromQL {found[group]} s, warmline {ours} s, bucket {low}-{high} s")
            worst = max(worst, abs(found[group] - ours) / (high - low))
    return worst


def dashboard():
    """Every query of Grafana's dashboard, as Grafana would ask it, finds something."""
    with open("docker/grafana/dashboards/warmline.json") as file:
        panels = json.load(file)["panels"]
    queries = [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]
    for title, expression in queries:
        for name, value in (("$__rate_interval", "1m"), ("$__range", "5m"), ("$group", ".*")):
            expression = expression.replace(name, value)
        found = query(expression)
        # What never was has no series: that is what `> 0` is for.
        if not found and not expression.endswith("> 0"):
            fail(f"the dashboard's \"{title}\" finds nothing: {expression}")
    return len(queries)


def main():
    wait_for("a first scrape", 30, lambda: query("warmline_calls_received_total"))
    first = query("sum(warmline_calls_received_total)")[""]
    with open(WHOLE, "rb") as whole, open(SEGMENT, "ab") as segment:
        whole.seek(segment.tell())
        segment.write(whole.read())
    by = figures(LOG)
    received = sum(row["received"] for row in by.values())
    wait_for("the grown log's figures", 60, lambda: query("sum(warmline_calls_received_total)")[""] == received)
    # All families of one write are scraped at once.
    same("calls received", query("sum by (group) (warmline_calls_received_total)"), lambda row: row["received"], by, 0)
    print(f"  ok    received {first:.0f} calls, {received:.0f} after the log grew; groups: {', '.join(sorted(by))}")

    # The figures are printed with three decimals.
    same("service level", query(SERVICE_LEVEL.format(by="group")), lambda row: row["service_level.percent"], by, 0.00051)
    same("hold time", query(HOLD_TIME), lambda row: row["hold_time.per_connection_ms"], by, 0.00051)
    print(f"  ok    service level and hold time per connection of {len(by)} groups, to the last digit printed")
    for name, key in (("wait", "wait.total_ms"), ("hold", "hold.total_ms"), ("talk", "talk_time.total_ms")):
        series = "warmline_talk_seconds_total" if name == "talk" else f"warmline_{name}_seconds_sum"
        same(f"sum of {name}", query(f"sum by (group) ({series}) * 1000"), lambda row, key=key: row[key], by, 0.5)
    print("  ok    sums of waits, holds and talk, to the millisecond")
    for kind in ("wait", "hold"):
        worst = quantiles(kind, by)
        print(f"  ok    histogram_quantile of {kind}: 4 quantiles in the right bucket, at most {worst:.2f} of it away")
    same("threshold's bucket", query('warmline_wait_seconds_bucket{le="20"} > bool -1'), lambda row: 1, by, 0)
    print("  ok    the service level's threshold is a bucket")
    print(f"  ok    {dashboard()} queries of the Grafana dashboard find something")
    wait_for("the recorded service level", 30, lambda: query("warmline:service_level:ratio_30m"))
    print("  ok    the recording rules of docker/prometheus record")
    wait_for("ten scrapes", 60, lambda: query("count_over_time(up[5m])")[""] >= 10)
    errors = query("max_over_time(node_textfile_scrape_error[5m])")[""]
    targets = query("min_over_time(up[5m])")[""]
    if errors != 0 or targets != 1:
        fail(f"while the textfile was rewritten: node_textfile_scrape_error {errors}, up {targets}")
    scrapes = query("count_over_time(up[5m])")[""]
    print(f"  ok    no scrape error in {scrapes:.0f} scrapes of a textfile rewritten twice a second")


main()
