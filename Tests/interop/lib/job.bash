# What the interop jobs have in common; a job begins with `source "$(dirname "$0")/lib/job.bash"`.
#
# It leaves the job at the top of the source tree with strict mode, $bin (where warmline, testphone and loggen are),
# $job_dir (a directory of the job's own) and $venv (the Python environment), and ends what `start` began however the
# job ends.

set -euo pipefail
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

: "${job_dir:=$PWD/.build/interop/$(basename "$0" .sh)}"
bin=${WARMLINE_BIN:-$PWD/.build/debug}
venv=$PWD/.build/venv
mkdir -p "$job_dir"

started=() # process ids of what `start` began

job_cleanup() {
    local status=$? pid
    trap - EXIT INT TERM HUP
    for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do
        for _ in {1..50}; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if declare -F cleanup >/dev/null; then cleanup; fi
    exit "$status"
}
trap job_cleanup EXIT
trap 'exit 143' INT TERM HUP

# ok TEXT: one thing that was shown.
ok() { printf '  ok    %s\n' "$*"; }

# fail TEXT…: what was expected and did not come; the job ends.
fail() {
    printf 'FAIL: %s\n' "$1"
    if [ $# -gt 1 ]; then printf '      %s\n' "${@:2}"; fi
    exit 1
}

# need COMMAND…: ends the job where one of them is not installed.
need() {
    local name missing=()
    for name in "$@"; do command -v "$name" >/dev/null || missing+=("$name"); done
    if [ ${#missing[@]} -gt 0 ]; then
        printf 'missing: %s (docker/deps.sh --interop installs what the jobs need)\n' "${missing[*]}"
        exit 77
    fi
}

# need_module MODULE…: the same for modules of the Python environment.
need_module() {
    local name
    for name in "$@"; do
        if ! "$venv/bin/python" -c "import $name" 2>/dev/null; then
            printf 'missing: the Python module %s (docker/deps.sh --interop installs what the jobs need)\n' "$name"
            exit 77
        fi
    done
}

# need_built PRODUCT…: the same for what the build makes.
need_built() {
    local name
    for name in "$@"; do
        if [ ! -x "$bin/$name" ]; then
            printf 'missing: %s (swift build)\n' "$bin/$name"
            exit 77
        fi
    done
}

# debian_mirror: the mirror this machine takes Debian from.
debian_mirror() {
    # shellcheck disable=SC2016 # the $(…) are apt's, not the shell's
    apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F'|' '$1 == "Debian" && $2 == "main" && $3 !~ /^cdrom:/ { print $3; exit }'
}

# enter_namespace [NAME=VALUE…]: runs the job again, with `inside` as its argument and these variables, in network, mount
# and process namespaces of its own.
enter_namespace() {
    if [ "$(id -u)" -ne 0 ]; then fail 'a network namespace needs root'; fi
    exec unshare --net --mount --pid --fork --kill-child env job_dir="$job_dir" "$@" \
        bash "Tests/interop/$(basename "$0")" inside
}

# start NAME COMMAND…: a process that ends with the job; its output goes to NAME.out. Its id is in $started_pid.
start() {
    local name=$1
    shift
    "$@" >"$job_dir/$name.out" 2>&1 </dev/null &
    started_pid=$!
    started+=("$started_pid")
}

# within SECONDS WHAT COMMAND…: repeats the command until it succeeds; fails, saying WHAT was missing, after that time.
within() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then fail "$what"; fi
        sleep 0.1
    done
}
