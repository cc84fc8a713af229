#!/usr/bin/env bash
# the Debian package: built, installed on a bare Debian, its unit looked at by systemd, a call through the installed program
source "$(dirname "$0")/lib/job.bash"
need dpkg-deb debootstrap chroot unshare ip swift
need_built testphone
if [ "$(id -u)" -ne 0 ]; then fail 'a chroot and a network namespace need root'; fi

root=${WARMLINE_PACKAGE_ROOT:-$PWD/.build/interop/package-root}
if [ "${1:-}" != inside ]; then
    package=$(docker/deb.sh | tail -1)
    dpkg-deb --info "$package" | sed -n 's/^ \(Version\|Architecture\|Depends\|Installed-Size\): /        \1: /p'
    ok "$(basename "$package"), $(($(stat -c %s "$package") / 1024 / 1024)) MB"
    . /etc/os-release
    if [ ! -x "$root/usr/bin/systemd-analyze" ]; then
        rm -rf "$root" "$root.part"
        mirror=$(debian_mirror)
        debootstrap --variant=minbase --include=systemd,man-db,groff-base "$VERSION_CODENAME" "$root.part" "$mirror" \
            >"$job_dir/debootstrap.out" 2>&1 || fail 'debootstrap failed' "see $job_dir/debootstrap.out"
        cp /etc/apt/sources.list "$root.part/etc/apt/" 2>/dev/null || true
        cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root.part/etc/apt/" 2>/dev/null || true
        cp -rL /etc/ssl/certs "$root.part/etc/ssl/" 2>/dev/null || true
        cp /etc/resolv.conf "$root.part/etc/" 2>/dev/null || true
        mv "$root.part" "$root"
    fi
    cp "$package" "$root/tmp/warmline.deb"
    chroot "$root" sh -ec 'export DEBIAN_FRONTEND=noninteractive
        apt-get remove -y --purge warmline >/dev/null 2>&1 || true
        apt-get update -qq; apt-get install -y --no-install-recommends /tmp/warmline.deb' >"$job_dir/install.out" 2>&1 ||
        fail 'the package does not install on a bare Debian' "$(tail -n 5 "$job_dir/install.out")"
    ok 'installs on a bare Debian, with its dependencies by apt'
    enter_namespace
fi
ip link set lo up
mount -t proc proc "$root/proc"
mount -t proc proc /proc
inside() { chroot "$root" "$@"; }

inside warmline --version >/dev/null || fail 'the installed program does not run'
inside ldd /usr/bin/warmline | grep -q 'not found' && fail 'a library is missing' "$(inside ldd /usr/bin/warmline)"
inside systemd-analyze verify /lib/systemd/system/warmline.service >"$job_dir/verify.out" 2>&1 ||
    fail 'systemd finds fault with the unit' "$(cat "$job_dir/verify.out")"
if grep -q warmline "$job_dir/verify.out"; then fail 'systemd warns of the unit' "$(cat "$job_dir/verify.out")"; fi
exposure=$(inside systemd-analyze security --offline=true /lib/systemd/system/warmline.service | tail -1)
ok "systemd takes the unit; $(sed 's/^[^A-Za-z]*//; s/[^a-zA-Z0-9.: ]*$//' <<<"$exposure")"
inside sh -c 'man warmline warmline.json5' >/dev/null 2>"$job_dir/man.out" || fail 'the manual pages are not there'
inside bash -n /usr/share/bash-completion/completions/warmline || fail 'bash refuses the completion'
inside warmline check --quiet --config /etc/warmline/warmline.json5 || fail 'the configuration it installs is refused'
[ "$(stat -c '%a' "$root/etc/warmline/warmline.json5")" = 640 ] || fail 'the configuration can be read by everybody'
ok 'manual pages, completion, a configuration that is accepted'

# As the unit would run it: its user, its directories.
inside install -d -o warmline -g warmline -m 700 /var/lib/warmline /run/warmline
start warmline chroot --userspec=warmline:warmline "$root" \
    sh -c 'cd /var/lib/warmline && exec warmline serve --config /etc/warmline/warmline.json5 --log-level info'
within 20 'the installed program does not start' grep -q '^ready' "$job_dir/warmline.out"
start anna "$bin/testphone" --listen udp:127.0.0.1:5060 --user 1001 --answer-after 0
start caller "$bin/testphone" --listen udp:127.0.0.1:5090 --user 3100 --call sip:7000@127.0.0.1:5070 --hangup-after 1500
within 10 'no call through the installed program' grep -q 'call.ended' "$job_dir/warmline.out"
inside warmline verify /var/lib/warmline/events >/dev/null || fail 'the log breaks a rule'
[ "$(stat -c '%a' "$root/var/lib/warmline/events")" = 700 ] || fail 'the log can be read by everybody'
ok 'a call through it, as its own user'
