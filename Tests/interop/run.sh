#!/usr/bin/env bash
# Runs the interop jobs: warmline beside the real programs that people have around it.
#
#   run.sh              every job
#   run.sh JOB…         those named
#   run.sh --list       what there is
#
# A job is Tests/interop/JOB.sh; its second line says what it shows. It works below $job_dir (.build/interop/JOB), leaves
# no process behind, and ends with 0 (passed), 77 (something it needs is not installed, which it names) or anything else.
# What it prints is shown and kept in .build/interop/JOB.log.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

readonly limit=${INTEROP_LIMIT:-1800} # seconds a job may take
readonly out=.build/interop
child=

stop() {
    trap - INT TERM HUP
    if [ -n "$child" ]; then
        kill -TERM "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    fi
    exit 130
}
trap stop INT TERM HUP

mapfile -t all < <(cd Tests/interop && printf '%s\n' *.sh | grep -vx run.sh | sed 's/\.sh$//')

about() { sed -n '2s/^# *//p' "Tests/interop/$1.sh"; }

case ${1:-} in
    --list)
        for job in "${all[@]}"; do printf '%-12s %s\n' "$job" "$(about "$job")"; done
        exit 0
        ;;
    -*)
        sed -n '2,/^$/s/^#\( \|$\)//p' "$0" >&2
        exit 2
        ;;
esac
jobs=("$@")
if [ $# -eq 0 ]; then jobs=("${all[@]}"); fi
for job in "${jobs[@]}"; do
    if [ ! -f "Tests/interop/$job.sh" ] || [ "$job" = run ]; then
        printf 'interop: no job %s; there are: %s\n' "$job" "${all[*]}" >&2
        exit 2
    fi
done

summary=() failed=0
for job in "${jobs[@]}"; do
    printf '\n== %s: %s\n' "$job" "$(about "$job")"
    rm -rf "${out:?}/$job"
    mkdir -p "$out/$job"
    started=$SECONDS
    exec {pipe}> >(exec tee "$out/$job.log")
    tee=$!
    # A group of its own, so that a job that hangs is ended with all that it started.
    job_dir=$PWD/$out/$job timeout -k 10 "$limit" bash "Tests/interop/$job.sh" >&"$pipe" 2>&1 </dev/null &
    child=$!
    wait "$child"
    status=$?
    child=
    exec {pipe}>&-
    # The log is whole when tee has ended; a process left behind that holds its pipe is not waited for.
    timeout 5 tail --pid="$tee" -f /dev/null
    took="$((SECONDS - started)) s"
    verdict=FAIL
    case $status in
        0) verdict=PASS why= ;;
        77) why=$(grep -m 1 '^missing:' "$out/$job.log") ;;
        124 | 137) why="not done after $limit s" ;;
        *) why=$(grep -m 1 '^FAIL' "$out/$job.log" | cut -c 1-150) ;;
    esac
    if [ "$verdict" = FAIL ]; then
        failed=$((failed + 1))
        why=${why:-status $status; see $out/$job.log}
    fi
    printf '%s %s (%s)\n' "$verdict" "$job" "$took"
    summary+=("$(printf '%s  %-12s %7s  %s' "$verdict" "$job" "$took" "${why:-$(about "$job")}")")
done

printf '\n== interop: %s of %s passed\n' $((${#jobs[@]} - failed)) ${#jobs[@]}
printf '%s\n' "${summary[@]}"
[ "$failed" -eq 0 ]
