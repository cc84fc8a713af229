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
ok "Asterisk $(asterisk_cli 'core show version' | sed -n 's/^Asterisk \([^ ]*\).*/\1/p') takes dialplans/asterisk as it is"
warmline_is() { asterisk_cli 'pjsip show contacts' | grep -q "sip:127.0.0.1:5070 .*$1"; }
within 20 'Asterisk does not notice that warmline is not there' warmline_is Unavail
ok 'while warmline does not run, its OPTIONS are not answered, and Asterisk knows'

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
