#!/usr/bin/env bash
# baresip, linphone, pjsua and SIPp as caller, agent and target, their own transfer keys, what each of them hears
source "$(dirname "$0")/lib/job.bash"
need swift baresip linphonec sipp
need_built warmline testphone

pjsip=$PWD/.build/interop/pjproject-assertions
docker/deps.sh --assertions "$pjsip" || fail 'no pjsua'
printf '        %s\n' "$(baresip -h 2>&1 | sed -n 's/^\(baresip v[^ ]*\).*/\1/p')" "linphonec $(linphonec -v 2>&1 | sed -n "s/^version: *//p")" \
    "pjsua $(LD_LIBRARY_PATH=$pjsip/lib "$pjsip/bin/pjsua" --version 2>&1 | sed -n 's/.*PJ_VERSION *: *//p' | head -n 1)" \
    "$(sipp -v 2>&1 | sed -n 's/^ *\(SIPp v[^ ,]*\).*/\1/p')"
rm -rf "$job_dir/logs"
mkdir -p "$job_dir/logs"
status=0
WARMLINE_PJSUA=$pjsip/bin/pjsua WARMLINE_KEEP=$job_dir/logs swift test --skip-build --disable-xctest \
    --filter 'SoftphoneTests|BaresipTests|SIPpTests' >"$job_dir/tests.out" 2>&1 || status=$?
sed -n 's/^[^A-Za-z]*\(Test "[^"]*".*\(passed\|failed\) after.*\)/        \1/p' "$job_dir/tests.out"
if [ "$status" -ne 0 ]; then fail 'a phone differs' "$(grep -m 5 'recorded an issue' "$job_dir/tests.out" | cut -c 1-250)"; fi
for log in "$job_dir"/logs/*/events; do "$bin/warmline" verify "$log" >/dev/null || fail "the log $log breaks a rule"; done
ok "$(sed -n 's/.*Test run with \([0-9]* tests*\).*passed.*/\1/p' "$job_dir/tests.out" | tail -n 1), each with every phone that can do it"
ok "$(find "$job_dir/logs" -name events | wc -l) logs keep their rules"
