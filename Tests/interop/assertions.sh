#!/usr/bin/env bash
# the tests of telephony and the outcome table on a libpjproject whose assertions are on: wrong use of it ends the process
source "$(dirname "$0")/lib/job.bash"
need swift
need_built warmline testphone

libraries=$PWD/.build/interop/pjproject-assertions
docker/deps.sh --assertions "$libraries" || fail 'no libpjproject with assertions'
export LD_LIBRARY_PATH=$libraries/lib
# What grep leaves unread would end the program that writes it: hence not -q.
ldd "$bin/warmline" | grep "$libraries" >/dev/null || fail 'the programs do not run on it' "$(ldd "$bin/warmline" | grep libpj)"
nm -D "$libraries/lib/libpjsip.so" | grep __assert_fail >/dev/null || fail 'that libpjproject has no assertions'
status=0
swift test --skip-build --disable-xctest --filter "${WARMLINE_TESTS:-TelephonyTests|EndToEndTests}" \
    >"$job_dir/tests.out" 2>&1 || status=$?
if grep -q 'Assertion.*failed' "$job_dir/tests.out"; then
    fail 'PJSIP was used wrongly' "$(grep -m 5 'Assertion.*failed' "$job_dir/tests.out")"
fi
if [ "$status" -ne 0 ]; then fail 'tests fail' "$(grep -E 'failed|✘' "$job_dir/tests.out" | head -n 5)"; fi
ok "$(sed -n 's/.*Test run with \([0-9]* tests*\).*passed.*/\1/p' "$job_dir/tests.out" | tail -1) on PJSIP with assertions: none was hit"
