#!/usr/bin/env bash
# What warmline costs: CPU per transfer and per call, the knee, CPU and memory per held caller, time to the first
# packet after a completion. Prints figures; passes no judgement. Needs the release build; everything on loopback.
#
#   Tests/bench/run.sh [--quick] [transfer|plain|knee|held …]
set -euo pipefail
cd "$(dirname "$0")/../.."

usage() {
    echo "usage: $0 [--quick] [transfer|plain|knee|held …]" >&2
    exit 2
}

quick=false
parts=()
for word in "$@"; do
    case $word in
    --quick) quick=true ;;
    transfer | plain | knee | held) parts+=("$word") ;;
    *) usage ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=(transfer plain knee held)

bin=${BENCH_BIN:-.build/release}
for program in warmline testphone; do
    [ -x "$bin/$program" ] || { echo "$bin/$program is missing: swift build -c release" >&2; exit 1; }
done
work=.build/bench
rm -rf "$work"
mkdir -p "$work"

# RTP and RTCP sockets of a thousand bridged callers, and room.
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"

sip=127.0.0.1:5970
phones=6000
agents=20 # so many numbers, each with an agent of its own; all of them one program
if $quick; then
    seconds=4 window=3 sizes=100,500 factor=1.4
else
    seconds=10 window=5 sizes=100,500,1000 factor=1.2
fi

configuration() {
    local n
    echo '{ node: "bench",'
    echo "  sip: { listen: [\"udp:$sip\"], trustedPeers: [\"127.0.0.1/32\"] },"
    echo '  media: { address: "127.0.0.1", ports: [20000, 29999], codecs: ["PCMA"], rtpTimeout: 0 },'
    echo '  agents: {'
    for ((n = 0; n < agents; n++)); do
        echo "    a$n: { uri: \"sip:a$n@127.0.0.1:$((phones + 1))\", maxCalls: 1000, wrapUp: 0 },"
    done
    echo '    nobody: { maxCalls: 1 }, },'
    echo '  groups: { empty: { members: ["nobody"], maxWait: 3600 } },'
    echo '  lines: {'
    for ((n = 0; n < agents; n++)); do echo "    \"$((7000 + n))\": { to: \"agent:a$n\" },"; done
    echo '    "8000": { to: "group:empty", answer: "queue" }, },'
    echo "  transfer: { targets: { \"300\": \"sip:300@127.0.0.1:$((phones + 2))\" }, allow: [\"sip:300@127\\\\.0\\\\.0\\\\.1(:[0-9]+)?\"] },"
    echo "  events: { directory: \"events\" }, control: { socket: \"warmline.sock\" } }"
}

server=
stop() {
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2>/dev/null || true
    for _ in $(seq 50); do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap stop EXIT

# A fresh warmline for each measurement: what one leaves behind is not the next one's.
start() {
    stop
    rm -rf "$work/serve"
    mkdir -p "$work/serve"
    configuration >"$work/serve/warmline.json5"
    local program
    program=$(realpath "$bin/warmline")
    (cd "$work/serve" && exec "$program" serve --config warmline.json5) >"$work/serve/out" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        grep -q ready "$work/serve/out" && return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "warmline did not start:" >&2
    cat "$work/serve/out" >&2
    exit 1
}

# Runs one load and prints it under a heading. The log must hold against its rules, or the figures are none.
measure() {
    local title=$1
    shift
    start
    echo
    echo "== $title"
    "$bin/testphone" load "$@" --server "$sip" --address "127.0.0.1:$phones" --pid "$server" >"$work/figures" 2>&1 ||
        true
    sed 's/^/   /' "$work/figures"
    stop
    if ! "$bin/warmline" verify "$work/serve/events" >"$work/serve/verify" 2>&1; then
        echo "   the log breaks its rules:"
        head -5 "$work/serve/verify" | sed 's/^/   /'
        echo "log_breaks_rules 1" >>"$work/figures"
    fi
    summarise "$title"
}

# The figures that the targets are about, one a line, for the table at the end.
summary=()
summarise() {
    local title=$1 name value failed
    failed=$(awk '$1 == "failed" {print $2}' "$work/figures")
    while read -r name value _; do
        case $name in
        cpu_ms_per_call | knee_calls_per_second | complete_to_voice_p50_ms | complete_to_voice_p99_ms | \
            held_*_per_call | held_*_per_second | log_breaks_rules)
            # At the knee calls fail by intention, and what a call costs there says little.
            [[ $title == knee* && $name != knee* ]] && continue
            [[ $title == knee* ]] && failed=-
            summary+=("$(printf '%-52s %-42s %9s %8s' "$title" "$name" "$value" "${failed:-none}")")
            ;;
        esac
    done <"$work/figures"
}

echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(date -u +%Y-%m-%dT%H:%MZ)"
read -r load _ </proc/loadavg
echo "load average before: $load; what else runs on these cores makes every figure worse"
echo "CPU is warmline's alone, user and system, of all threads; load_cpu_percent is the load's own, on the same cores."

start
echo
echo "== at rest"
"$bin/testphone" load watch --pid "$server" --duration 2 | sed 's/^/   /'

for part in "${parts[@]}"; do
    case $part in
    transfer)
        measure "attended transfers, no RTP, 40 a second" \
            transfer --no-rtp --lines $agents --rate 40 --duration $seconds
        measure "attended transfers, RTP on all legs, 20 a second" \
            transfer --lines $agents --rate 20 --duration $seconds
        ;;
    plain)
        measure "plain calls of 1 s, no RTP, 40 a second" \
            plain --no-rtp --lines $agents --rate 40 --duration $seconds
        measure "plain calls of 1 s, RTP, 40 a second" plain --lines $agents --rate 40 --duration $seconds
        ;;
    knee)
        measure "knee: attended transfers, no RTP" transfer --no-rtp --lines $agents --rate 60 --ramp $factor
        measure "knee: attended transfers, RTP on all legs" transfer --lines $agents --rate 25 --ramp $factor
        measure "knee: plain calls, no RTP" plain --no-rtp --lines $agents --rate 150 --ramp $factor
        measure "knee: plain calls, RTP" plain --lines $agents --rate 80 --ramp $factor
        ;;
    held)
        measure "held callers, each with an agent's leg who holds" \
            held --lines $agents --rate 100 --calls $sizes --duration $window
        measure "held callers without an agent's leg" \
            held --no-agent --line 8000 --rate 100 --calls $sizes --duration $window
        ;;
    esac
done

echo
printf '%-52s %-42s %9s %8s\n' measurement figure value failed
[ ${#summary[@]} -eq 0 ] || printf '%s\n' "${summary[@]}"
