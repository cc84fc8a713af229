#!/usr/bin/env bash
# a real Asterisk between phones and warmline: the outcome table, REFER, its own transfers, its CEL against our log
source "$(dirname "$0")/lib/job.bash"
source "$(dirname "$0")/lib/asterisk.bash"
need ip unshare chroot swift
need_built warmline testphone

# Everything happens in a network namespace of its own: the dialplan's files stand as they are, 127.0.0.1:5060 included.
if [ "${1:-}" != inside ]; then
    asterisk_root
    enter_namespace asterisk_root="$asterisk_root"
fi
ip link set lo up
mount -t proc proc /proc

asterisk_start dialplans/asterisk
for file in dialplans/asterisk/*.conf; do
    cmp -s "$file" "$asterisk_root/etc/asterisk-job/${file##*/}" || fail "Asterisk does not run with $file as it stands"
done
ok "Asterisk $(asterisk_cli 'core show version' | sed -n 's/^Asterisk \([^ ]*\).*/\1/p') takes dialplans/asterisk as it is"

# Without warmline callers are with Asterisk's own queue at once: just after Asterisk's start, when it has not asked warmline
# yet, and when it knows.
start fallback-1001 "$bin/testphone" --listen udp:127.0.0.1:5081 --user 1001 --register sip:127.0.0.1 \
    --password change-me-1001 --tone 1300 --answer-after 300
agent=$started_pid
within 10 'phone 1001 does not register' grep -q '"registered","status":200' "$job_dir/fallback-1001.out"
rung() { [ "$(grep -c '"event":"incoming"' "$job_dir/fallback-1001.out")" -ge "$1" ]; }
fallback_call() { # fallback_call N WHEN: the Nth call for 1001
    start "fallback-$1" "$bin/testphone" --listen udp:127.0.0.1:5090 --user 3100 --register sip:127.0.0.1 \
        --password change-me-3100 --tone 1120 --call sip:7000@127.0.0.1 --hangup-after 3000 --once
    within 5 "$2 the caller of 7000 is not answered" grep -q '"event":"answered"' "$job_dir/fallback-$1.out"
    within 10 "$2 phone 1001 does not ring" rung "$1"
    within 10 "$2 the caller does not hear 1001" grep -q '"hz":1[23][0-9][0-9]' "$job_dir/fallback-$1.out"
    within 10 "$2 the call does not end" test ! -e "/proc/$started_pid"
}
fallback_call 1 'just after its start'
warmline_is() { asterisk_cli 'pjsip show contacts' | grep -q "sip:127.0.0.1:5070 .*$1"; }
within 20 'Asterisk does not notice that warmline is not there' warmline_is Unavail
fallback_call 2 'without warmline'
kill "$agent"
within 10 'phone 1001 does not end' test ! -e "/proc/$agent"
ok 'without warmline a caller of 7000 is answered by Asterisk and talks with 1001, from its start on and once it knows'

# What the README has people do, word by word: its phones, and warmline.json5 but for where it writes.
rm -rf "$job_dir/steps"
mkdir -p "$job_dir/steps"
sed "s|/var/lib/warmline/|$job_dir/steps/|; s|/run/warmline/|$job_dir/steps/|" dialplans/asterisk/warmline.json5 \
    >"$job_dir/steps/warmline.json5"
start steps-warmline "$bin/warmline" serve --config "$job_dir/steps/warmline.json5"
service=$started_pid
within 20 'Asterisk does not notice that warmline is there' warmline_is Avail
phones=()
# shellcheck disable=SC2016 # backticks of Markdown
mapfile -t commands < <(sed -n '/^```sh$/,/^```$/{/^```/!p}' dialplans/asterisk/README.md | sed -e ':a' -e '/\\$/N; s/\\\n *//; ta')
for command in "${commands[@]}"; do
    start "steps-phone-${#phones[@]}" env PATH="$bin:$PATH" bash -c "exec $command"
    phones+=("$started_pid")
    within 10 "the README's phone does not register: $command" grep -q '"registered","status":200' "$job_dir/steps-phone-$((${#phones[@]} - 1)).out"
done
steps_events() { "$bin/warmline" events --json "$job_dir/steps/events"; }
transferred() { steps_events | grep '"type":"transfer.completed"' | grep '"kind":"attended"' | grep -q '"target_agent":"boris"'; }
within 20 'the steps of the README do not end with a transfer' transferred
within 10 'the caller does not hear 1002 at last' grep -q '"hz":1[56][0-9][0-9]' "$job_dir/steps-phone-$((${#phones[@]} - 1)).out"
within 10 'the call of the README does not end' eval 'steps_events | grep -q call.ended'
"$bin/warmline" verify "$job_dir/steps/events" >"$job_dir/steps/verify.out" || fail 'the log breaks a rule' "$(cat "$job_dir/steps/verify.out")"
kill "${phones[@]}" "$service"
within 10 'warmline does not end' test ! -e "/proc/$service"
ok "the steps of dialplans/asterisk/README.md, by its own ${#commands[@]} phones, end with a transfer"

rm -rf "$job_dir/logs"
mkdir -p "$job_dir/logs"
status=0
WARMLINE_PBX=asterisk WARMLINE_PBX_CONSOLE="${asterisk_console[*]}" WARMLINE_KEEP=$job_dir/logs swift test --skip-build --disable-xctest \
    --filter "${WARMLINE_ROWS:-ConsultRows|LeavingRows|HoldRows|ConferenceRows|RoutingRows|ServiceRows|PBXTests}" \
    >"$job_dir/rows.out" 2>&1 || status=$?
sed -n 's/^[^A-Za-z]*\(Test \(case \)\?"[^"]*".*\(passed\|failed\).*\)/    \1/p' "$job_dir/rows.out"
if [ "$status" -ne 0 ]; then fail 'rows of the outcome table differ through Asterisk' "see $job_dir/rows.out"; fi
ok "the outcome table through Asterisk: $(sed -n 's/.*Test run with \([0-9]* tests*\).*passed.*/\1/p' "$job_dir/rows.out" | tail -1)"

# Every dialog that our log names is one that Asterisk's channel event log names too.
sed -n 's/.*"sip_call_id":"\([^"]*\)".*/\1/p' "$job_dir"/logs/*/events/*.jsonl | sort -u >"$job_dir/ours"
asterisk_call_ids | sort -u >"$job_dir/theirs"
comm -23 "$job_dir/ours" "$job_dir/theirs" >"$job_dir/unmatched"
if [ ! -s "$job_dir/ours" ]; then fail 'no sip_call_id in the logs'; fi
if [ -s "$job_dir/unmatched" ]; then
    fail "$(wc -l <"$job_dir/unmatched") of $(wc -l <"$job_dir/ours") Call-IDs of our log are not in Asterisk's CEL" \
        "see $job_dir/unmatched"
fi
ok "all $(wc -l <"$job_dir/ours") sip_call_id of our logs are in Asterisk's CEL"
