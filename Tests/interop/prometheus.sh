#!/usr/bin/env bash
# promtool, node_exporter and Prometheus read the metrics; PromQL agrees with `warmline metrics`
source "$(dirname "$0")/lib/job.bash"
need promtool prometheus prometheus-node-exporter python3
need_built warmline loggen

log=$job_dir/log
"$bin/loggen" 40000 "$log" 7
"$bin/warmline" metrics --format prometheus "$log" >"$job_dir/warmline.prom"
promtool check metrics <"$job_dir/warmline.prom" || fail "promtool finds fault with the exposition"
ok "promtool check metrics"
