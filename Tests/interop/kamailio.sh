#!/usr/bin/env bash
# Kamailio as registrar and edge spreads calls over three warmline nodes; one is killed with calls up; merged figures
source "$(dirname "$0")/lib/job.bash"
need kamailio ip unshare
need_built warmline testphone

if [ "${1:-}" != inside ]; then enter_namespace; fi
ip link set lo up
mount -t proc proc /proc

dialplan=$PWD/dialplans/kamailio
rm -rf "$job_dir"/{run,logs}
mkdir -p "$job_dir/run" "$job_dir/logs"
cd "$job_dir/run"

# The three nodes: the example as it stands, but for what the nodes differ in, and an agent who can take many calls.
nodes=()
for n in 1 2 3; do
    sed -e "s|ctl-1|ctl-$n|g; s|:5071|:507$n|; s|\[20000, 20999\]|[2${n}000, 2${n}999]|" \
        -e "s|/var/lib/warmline/ctl-$n|$job_dir/logs/ctl-$n|; s|/run/warmline|$job_dir/run|" \
        -e 's|name: "Anna",  wrapUp: 10|name: "Anna", wrapUp: 0, maxCalls: 100|' "$dialplan/warmline.json5" >"ctl-$n.json5"
    "$bin/warmline" check --config "ctl-$n.json5" >/dev/null || fail "the example of node $n is refused"
    mkdir -p "$job_dir/logs/ctl-$n"
    start "ctl-$n" "$bin/warmline" serve --config "ctl-$n.json5"
    nodes+=("$started_pid")
done
for n in 1 2 3; do within 20 "node $n is not ready" grep -q ready "$job_dir/ctl-$n.out"; done

# Kamailio reads its lists from where it runs; the file says just their names.
cp "$dialplan"/{kamailio.cfg,dispatcher.list} .
sed -i "s|\"list_file\", \"|&$PWD/|" kamailio.cfg
start kamailio kamailio -DD -E -f "$PWD/kamailio.cfg" -w "$PWD" -Y "$PWD"

phone() { # phone USER PORT OPTIONS…: its commands go to phone-USER.in
    local user=$1 port=$2
    shift 2
    mkfifo "phone-$user.in"
    start "phone-$user" bash -c 'exec "$@" <"'"phone-$user.in"'"' - "$bin/testphone" --listen "udp:127.0.0.9:$port" --user "$user" \
        --register sip:127.0.0.1:5060 --password "change-me-$user" --deaf "$@"
    exec {input}>"phone-$user.in"
    within 10 "phone $user does not register" grep -q '"event":"registered"' "$job_dir/phone-$user.out"
}
phone 1001 5081 --rtp-ports 30000-30999 --tone 1300 --answer-after 0
phone 3100 5090 --rtp-ports 31000-31999 --tone 1120
to_caller=$input
ok 'phones register with digest'

calls() { # calls NODE: how many of its calls were answered
    cat "$job_dir/logs/ctl-$1/events/"*.jsonl 2>/dev/null | grep -c '"type":"call.answered"' || true
}
answered() { echo $(($(calls 1) + $(calls 2) + $(calls 3))); }
has_answered() { [ "$(answered)" -ge "$1" ]; }

for _ in {1..30}; do echo 'call sip:7000@127.0.0.1:5060' >&"$to_caller"; done
within 30 'not all 30 calls are answered' has_answered 30
for n in 1 2 3; do
    if [ "$(calls "$n")" -eq 0 ]; then fail "node $n got no call" "$(for m in 1 2 3; do calls "$m"; done | xargs)"; fi
done
ok "30 calls spread over the nodes: $(calls 1), $(calls 2), $(calls 3)"

# A node goes with its calls up; whoever calls now gets another at once.
kill -KILL "${nodes[1]}"
before=$(answered)
for _ in {1..15}; do echo 'call sip:7000@127.0.0.1:5060' >&"$to_caller"; done
within 4 "calls that come after the node's death are not answered" has_answered $((before + 15))
ok 'node 2 killed: 15 new calls answered by the others within 4 s'

# Within seconds it is out of rotation, and nobody even tries it: then no call waits for the timeout of an attempt.
sleep 6
began=$(date +%s%N)
before=$(answered)
for _ in {1..12}; do echo 'call sip:7000@127.0.0.1:5060' >&"$to_caller"; done
within 4 'calls are not answered after the node is out of rotation' has_answered $((before + 12))
took=$((($(date +%s%N) - began) / 1000000))
if [ "$took" -ge 500 ]; then fail "12 calls took $took ms: somebody was sent to the dead node first"; fi
ok "node 2 out of rotation: 12 calls answered in $took ms"

# It comes back, closes what it had lost, and gets calls again.
start ctl-2b "$bin/warmline" serve --config ctl-2.json5
within 20 'node 2 does not come back' grep -q ready "$job_dir/ctl-2b.out"
sleep 5
before=$(calls 2)
for _ in {1..20}; do echo 'call sip:7000@127.0.0.1:5060' >&"$to_caller"; done
back() { [ "$(calls 2)" -gt "$before" ]; }
within 10 'node 2 gets no calls after its return' back
ok 'node 2 back in rotation'

echo quit >&"$to_caller"
ended() {
    for n in 1 2 3; do
        "$bin/warmline" status --socket "$PWD/ctl-$n.sock" --json | grep -q '"open_calls": 0' || return 1
    done
}
within 20 'calls do not end' ended

for n in 1 2 3; do "$bin/warmline" verify "$job_dir/logs/ctl-$n/events" >/dev/null || fail "the log of node $n breaks a rule"; done
figure() { "$bin/warmline" metrics --format json "${@:2}" | sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" | head -1; }
logs=("$job_dir"/logs/ctl-{1,2,3}/events)
if [ "$(figure received "${logs[@]}")" -ne 77 ]; then fail "received: $(figure received "${logs[@]}"), not 77"; fi
sum=0
for log in "${logs[@]}"; do sum=$((sum + $(figure received "$log"))); done
if [ "$sum" -ne 77 ]; then fail "the nodes' own figures sum up to $sum, not 77"; fi
ok "the three logs merged: 77 calls received, as they were placed"
