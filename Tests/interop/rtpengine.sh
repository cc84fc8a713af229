#!/usr/bin/env bash
# RTP left to Debian's rtpengine in user space: the end-to-end tests, audio measured; a node killed with calls up
source "$(dirname "$0")/lib/job.bash"
need rtpengine swift
need_built warmline testphone

# A media.address of both kinds is for the built-in relay alone; `warmline check` refuses it beside nodes.
status=0
WARMLINE_RTPENGINE=1 swift test --skip-build --disable-xctest \
    --filter "${WARMLINE_ROWS:-EndToEndTests}" --skip bothFamilies \
    >"$job_dir/rows.out" 2>&1 || status=$?
sed -n 's/^[^A-Za-z]*\(Test \(case \)\?"[^"]*".*\(passed\|failed\).*\)/    \1/p' "$job_dir/rows.out"
if [ "$status" -ne 0 ]; then fail 'end-to-end tests differ with rtpengine' "see $job_dir/rows.out"; fi
ok "with $(rtpengine --version 2>&1 | sed -n 's/^Version: *//p'): $(sed -n 's/.*Test run with \([0-9]* tests*\).*passed.*/\1/p' "$job_dir/rows.out" | tail -1)"
