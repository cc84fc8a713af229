#!/usr/bin/env bash
# an agent and a target called by host names, one of which leads to IPv6 and the other to IPv4
source "$(dirname "$0")/lib/job.bash"
need swift unshare
need_built warmline testphone

if [ "$(id -u)" -ne 0 ]; then fail 'a hosts file of its own needs root'; fi
{ cat /etc/hosts && printf '::1 six.test\n127.0.0.1 four.test\n'; } >"$job_dir/hosts"
status=0
# shellcheck disable=SC2016 # for the shell in there
WARMLINE_NAMES=1 unshare --mount bash -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$job_dir/hosts" \
    swift test --skip-build --disable-xctest --filter 'IPv6Tests/names' >"$job_dir/tests.out" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then fail 'the caller does not reach them' "$(grep -m 5 'recorded an issue' "$job_dir/tests.out" | cut -c 1-250)"; fi
grep 'Test "host names.*passed' "$job_dir/tests.out" >/dev/null || fail 'the test was not run'
ok 'an IPv4 caller talked with both, by way of media in each one'"'"'s kind'
