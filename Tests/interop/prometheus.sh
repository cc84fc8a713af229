#!/usr/bin/env bash
# promtool, node_exporter and Prometheus read the metrics; PromQL over its HTTP API agrees with `warmline metrics`
source "$(dirname "$0")/lib/job.bash"
need promtool prometheus prometheus-node-exporter python3 curl
need_built warmline testphone loggen

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
follow=$started_pid
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

# The controller's own file, of a real run: a call that is held and transferred.
mkdir -p "$job_dir/own"
cat >"$job_dir/warmline.json5" <<JSON
{
  node: "own", sip: { listen: ["udp:$address:5070"], trustedPeers: ["$address/32"] },
  media: { address: "$address", ports: [20000, 20099] },
  agents: { anna: { uri: "sip:1001@$address:5081" }, boris: { uri: "sip:1002@$address:5082" } },
  groups: { support: { members: ["anna"], serviceLevel: 20 } },
  lines: { "7000": { to: "group:support" } },
  transfer: { targets: { "1002": "agent:boris" }, allow: ["sip:1[0-9]{3}@127\\\\.0\\\\.71\\\\.1(:[0-9]+)?"] },
  events: { directory: "$job_dir/own/events" }, control: { socket: "$job_dir/own/warmline.sock" },
  metrics: { textfile: "$textfiles/warmline.prom", interval: 1 },
}
JSON
kill "$follow"
wait "$follow" 2>/dev/null || true
rm -f "$textfiles/warmline.prom"
start warmline "$bin/warmline" serve --config "$job_dir/warmline.json5"
service=$started_pid
within 10 'warmline does not start' grep -qx ready "$job_dir/warmline.out"
start boris "$bin/testphone" --listen "udp:$address:5082" --user 1002 --answer-after 300
start anna "$bin/testphone" --listen "udp:$address:5081" --user 1001 --answer-after 300 \
    --digits '*21002#' --digits-after 500 --on 'in/answered+2500 hangup'
timeout 30 "$bin/testphone" --listen "udp:$address:5090" --user 3100 --call "sip:7000@$address:5070" --hangup-after 5000 \
    --once >"$job_dir/caller.out" 2>&1 || fail 'the call failed' "$(tail -n 3 "$job_dir/caller.out")"
transferred() {
    local answer
    answer=$(curl -fsS "http://$address:9090/api/v1/query" --data-urlencode \
        'query=warmline_transfers_completed_total{kind="attended",group=""}') && grep -q '"1"\]' <<<"$answer"
}
within 15 "Prometheus does not see the controller's transfer" transferred
kill -TERM "$service"
within 10 'SIGTERM does not end warmline' test ! -e "/proc/$service"
promtool check metrics <"$textfiles/warmline.prom" || fail "promtool finds fault with the controller's file"
"$bin/warmline" metrics --format prometheus "$job_dir/own/events" >"$job_dir/own.prom"
cmp "$job_dir/own.prom" "$textfiles/warmline.prom" || fail "the controller's file is not what warmline metrics says of its log"
ok "the controller's own textfile: a transfer seen by Prometheus; at the end what warmline metrics says of its log"
