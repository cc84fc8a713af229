#!/usr/bin/env bash
# the HTML report in headless Chromium: console, accessible names, contrast, phone width, print
source "$(dirname "$0")/lib/job.bash"
need chromium python3
need_built warmline loggen

# A day of a busy centre, three days of a small one, a few calls, and a log without a call.
"$bin/loggen" 60000 "$job_dir/busy" 7 amsterdam 4
"$bin/loggen" 60000 "$job_dir/long" 5 riga 1
"$bin/loggen" 900 "$job_dir/quiet" 3
mkdir "$job_dir/empty"
for log in busy long quiet empty; do
    "$bin/warmline" metrics --format html --target 80 --output "$job_dir/$log.html" "$job_dir/$log"
done
python3 Tests/interop/report.py "$job_dir" busy long quiet empty

# The wallboard: the page is there whole at every moment, and follows the log.
mkdir "$job_dir/live"
segment=$(ls "$job_dir/quiet")
head -n 300 "$job_dir/quiet/$segment" >"$job_dir/live/$segment"
start follow "$bin/warmline" metrics --follow --every 0.3s --format html --output "$job_dir/wallboard.html" "$job_dir/live"
python3 Tests/interop/wallboard.py "$job_dir" "$job_dir/quiet/$segment" "$job_dir/live/$segment"
