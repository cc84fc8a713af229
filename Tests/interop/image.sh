#!/usr/bin/env bash
# docker/Dockerfile built by buildah; the program out of the image takes a call that is transferred, as a service would run it
source "$(dirname "$0")/lib/job.bash"
need buildah debootstrap swift unshare setpriv jq
need_built testphone
if [ "$(id -u)" -ne 0 ]; then fail 'building an image without a container engine needs root'; fi

# The storage is kept from run to run: the base images are made once.
readonly store=${WARMLINE_CONTAINERS:-$PWD/.build/interop-containers}
b() { buildah --root "$store/root" --runroot "$store/run" --storage-driver vfs "$@"; }
mkdir -p "$store"
# Each step of a build is a whole copy of its files there: those of earlier runs, ended early or not, would fill the disk.
b rm --all >/dev/null
b rmi --prune >/dev/null
mounted=
cleanup() {
    if [ -n "$mounted" ]; then b rm "$mounted" >/dev/null 2>&1 || true; fi
}

# No registry is asked: images with the official names are made from Debian's packages and this machine's toolchain.
readonly debian=docker.io/library/debian:bookworm-slim swift_image=docker.io/library/swift:6.3-bookworm
if ! b inspect --type image "$debian" >/dev/null 2>&1; then
    mirror=$(debian_mirror)
    container=$(b from scratch)
    root=$(b mount "$container")
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$job_dir/debootstrap.out" 2>&1 ||
        fail 'debootstrap of bookworm failed' "see $job_dir/debootstrap.out"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
    b commit --rm "$container" "$debian" >"$job_dir/commit.out" 2>&1 || fail 'the Debian image could not be made'
    ok "made $debian by debootstrap"
fi
if ! b inspect --type image "$swift_image" >/dev/null 2>&1; then
    toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
    container=$(b from --pull-never "$debian")
    root=$(b mount "$container")
    # The packages that the official image has.
    b run --isolation chroot "$container" -- sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends binutils git gnupg2 libc6-dev libcurl4-openssl-dev libedit2 libgcc-12-dev libncurses-dev \
        libpython3.11 libsqlite3-0 libstdc++-12-dev libxml2-dev libz3-dev pkg-config tzdata unzip zlib1g-dev' \
        >"$job_dir/swift-image.out" 2>&1 || fail 'the Swift image lacks its packages' "see $job_dir/swift-image.out"
    # Debuggers, editors' servers and manuals are not needed to compile.
    tar -C "$toolchain" --exclude='*lldb*' --exclude='*ourcekit*' --exclude='*SourceKit*' --exclude='./share/doc' \
        --exclude='./share/man' --exclude='./bin/docc*' --exclude='./bin/clangd' -cf - . | tar -C "$root/usr" -xf -
    b commit --rm "$container" "$swift_image" >"$job_dir/commit.out" 2>&1 || fail 'the Swift image could not be made'
    ok "made $swift_image of this machine's $(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p')"
fi

# The mirror is this machine's, and so is how apt is to take it: one that is frozen has lists that have expired.
apt-config dump | grep '^Acquire::Check-' >"$job_dir/apt.conf" || true
for target in phones warmline; do
    b bud --isolation chroot --pull-never --layers --format docker -f docker/Dockerfile --target "$target" \
        --volume "$job_dir/apt.conf:/etc/apt/apt.conf.d/99machine:ro" \
        -t "warmline/$target" . >"$job_dir/bud-$target.out" 2>&1 ||
        fail "docker/Dockerfile does not build ($target)" "$(tail -n 5 "$job_dir/bud-$target.out")"
done
b inspect --type image warmline/warmline >"$job_dir/image.json"
config() { jq -er ".Docker.config.$1" "$job_dir/image.json"; }
[ "$(config User)" = 10001:10001 ] || fail 'the image runs as root'
[ "$(config 'Healthcheck.Test[2]')" = status ] || fail 'the image has no health check'
ok "built by buildah; user $(config User), health check by \`$(config 'Healthcheck.Test[1:3] | join(" ")')\`"

# The way a container engine would run it: read-only root, its user, no capabilities, two writable directories.
mounted=$(b from --pull-never warmline/warmline)
root=$(b mount "$mounted")
ok "size: $(du -sm "$root" | cut -f1) MB, of which warmline and PJSIP $(du -cm "$root/usr/bin/warmline" "$root/usr/lib/warmline" | tail -1 | cut -f1) MB, the rest Debian and the libraries"
readonly address=127.0.72.1
mkdir -p "$job_dir/var" "$job_dir/run" "$job_dir/etc"
chown 10001:10001 "$job_dir/var" "$job_dir/run"
cat >"$job_dir/etc/warmline.json5" <<JSON
{
  node: "box", sip: { listen: ["udp:$address:5070"], trustedPeers: ["$address/32"] },
  media: { address: "$address", ports: [20000, 20099] },
  agents: {
    anna: { uri: "sip:1001@$address:5081" }, boris: { uri: "sip:1002@$address:5082" },
  },
  lines: { "7000": { to: "agent:anna" } },
  transfer: { targets: { "1002": "agent:boris" }, allow: ["sip:1[0-9]{3}@127\\\\.0\\\\.72\\\\.1(:[0-9]+)?"] },
  events: { directory: "/var/lib/warmline/events" }, control: { socket: "/run/warmline/warmline.sock" },
}
JSON
# in_image COMMAND…: becomes the command in the image's root.
in_image() {
    exec unshare --mount --propagation private bash -euc '
        root=$1 job_dir=$2; shift 2
        mount --bind "$root" "$root"
        mount -o remount,bind,ro "$root"
        mount -t proc proc "$root/proc"
        mount --bind "$job_dir/var" "$root/var/lib/warmline"
        mount --bind "$job_dir/run" "$root/run/warmline"
        mount --bind "$job_dir/etc" "$root/etc/warmline"
        exec chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --bounding-set -all --no-new-privs "$@"' \
        in_image "$root" "$job_dir" "$@"
}
mapfile -t entry < <(jq -r '(.Docker.config.Entrypoint + .Docker.config.Cmd)[]' "$job_dir/image.json")
mapfile -t health < <(jq -r '.Docker.config.Healthcheck.Test[1:][]' "$job_dir/image.json")
healthy() { (in_image "${health[@]}") >"$job_dir/health.out" 2>&1; }
if healthy; then fail 'the health check passes where nothing runs'; fi
start warmline in_image "${entry[@]}"
service=$started_pid
within 10 'warmline does not start in its image' grep -qx ready "$job_dir/warmline.out"
healthy || fail 'the health check fails' "$(cat "$job_dir/health.out")"
if (in_image touch /tmp/here) 2>/dev/null; then fail 'the root is writable'; fi
ok "runs as $(stat -c %u "/proc/$service") from a read-only root without capabilities; the health check passes"

start boris "$bin/testphone" --listen "udp:$address:5082" --user 1002 --tone 1600 --answer-after 300
start anna "$bin/testphone" --listen "udp:$address:5081" --user 1001 --tone 1300 --answer-after 300 \
    --digits '*21002#' --digits-after 1200 --on 'in/answered+4500 hangup'
timeout 30 "$bin/testphone" --listen "udp:$address:5090" --user 3100 --tone 1120 --call "sip:7000@$address:5070" \
    --hangup-after 8000 --once >"$job_dir/caller.out" 2>&1 || fail 'the call through the image failed' "$(tail -n 3 "$job_dir/caller.out")"
grep -q '"hz":13[0-9][0-9]' "$job_dir/caller.out" || fail 'the caller did not hear the agent'
grep -q '"label":"music"' "$job_dir/caller.out" || fail 'the caller did not hear music'
grep -q '"hz":1[56][0-9][0-9]' "$job_dir/caller.out" || fail 'the caller did not hear the target'
(in_image warmline events --type transfer.completed --json /var/lib/warmline/events) >"$job_dir/transfers"
grep -q '"kind":"attended"' "$job_dir/transfers" || fail 'no attended transfer in the log'
(in_image warmline verify /var/lib/warmline/events) >"$job_dir/verify.out" || fail 'the log breaks its rules' "$(cat "$job_dir/verify.out")"
ok 'a call through it: agent heard, held with music, transferred, target heard; the log keeps its rules'
kill -TERM "$service"
within 10 'SIGTERM does not end it' test ! -e "/proc/$service"
grep -q '"type":"service.stopping"' "$job_dir"/var/events/*.jsonl || fail 'no service.stopping in the log'
ok 'SIGTERM ends it, and its log says so'
