#!/usr/bin/env bash
# promtool, node_exporter and Prometheus read the metrics; PromQL over its HTTP API agrees with `warmline metrics`
source "$(dirname "$0")/lib/job.bash"
need promtool prometheus prometheus-node-exporter python3
need_built warmline loggen

readonly address=127.0.71.1
textfiles=$job_dir/textfile
log=$job_dir/log
mkdir -p "$textfiles" "$log"

# Half of a log, the rest of which is written while Prometheus watches; one file that grows, as the newest segment does.
"$bin/loggen" 60000 "$job_dir/whole" 7
segment=$(ls "$job_dir/whole")
head -n 30000 "$job_dir/whole/$segment" >"$log/$segment"

"$bin/warmline" metrics --format prometheus --by group "$job_dir/whole" >"$job_dir/by-group.prom"
for keys in group agent line,group; do
    "$bin/warmline" metrics --format prometheus --by "$keys" "$job_dir/whole" >"$job_dir/check.prom"
    promtool check metrics <"$job_dir/check.prom" || fail "promtool finds fault with the exposition by $keys"
done
"$bin/warmline" metrics --format prometheus "$job_dir/whole" | promtool check metrics ||
    fail "promtool finds fault with the exposition"
mkdir "$job_dir/empty"
"$bin/warmline" metrics --format prometheus "$job_dir/empty" | promtool check metrics ||
    fail "promtool finds fault with the exposition of an empty log"
ok "promtool check metrics: in all, by group, by agent, by line and group, of an empty log"

start follow "$bin/warmline" metrics --follow --every 0.5s --format prometheus --by group \
    --output "$textfiles/warmline.prom" "$log"
within 20 "metrics --follow wrote no textfile" test -s "$textfiles/warmline.prom"

start node_exporter prometheus-node-exporter --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$textfiles" --web.listen-address="$address:9100"
cat >"$job_dir/prometheus.yml" <<YML
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ["$PWD/docker/prometheus/rules.yml"]
scrape_configs:
  - job_name: warmline
    static_configs: [{ targets: ["$address:9100"] }]
YML
promtool check config "$job_dir/prometheus.yml" >/dev/null || fail "promtool finds fault with the job's configuration"
start prometheus prometheus --config.file="$job_dir/prometheus.yml" --storage.tsdb.path="$job_dir/tsdb" \
    --web.listen-address="$address:9090"

python3 Tests/interop/prometheus.py "http://$address:9090" "$bin/warmline" "$log" "$log/$segment" \
    "$job_dir/whole/$segment"
