#!/usr/bin/env bash
# Makes a Debian package by dpkg-deb: .build/warmline_VERSION_ARCHITECTURE.deb. Its dependencies are the packages that own
# the libraries which the installed program is linked to on this machine.

set -euo pipefail
export LC_ALL=C

cd "$(dirname "$0")/.."
readonly stage=.build/deb
rm -rf "$stage"
docker/install.sh "$PWD/$stage" /usr

version=$("$stage/usr/bin/warmline" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)
depends=$(
    ldd "$stage/usr/bin/warmline" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | grep -v "/usr/lib/warmline/\|/$stage/" |
        while read -r library; do
            # Where /lib is a link to /usr/lib the packages may know the file by either name.
            dpkg -S "$(readlink -f "$library")" 2>/dev/null || dpkg -S "$library" 2>/dev/null ||
                dpkg -S "${library#/usr}" || echo "$library: owned by no package" >&2
        done | cut -d: -f1 | sort -u | while read -r package; do
        printf '%s (>= %s), ' "$package" "$(dpkg-query -W -f '${Version}' "$package" | sed 's/[-+~].*//')"
    done
)

install -D -m 640 dialplans/asterisk/warmline.json5 "$stage/etc/warmline/warmline.json5"
mkdir -p "$stage/DEBIAN"
cat >"$stage/DEBIAN/control" <<END
Package: warmline
Version: $version
Architecture: $architecture
Section: comm
Priority: optional
Maintainer: The warmline authors <warmline@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$stage" | cut -f1)
Depends: ${depends}adduser
Suggests: asterisk | kamailio, sngrep
Description: attended-transfer call controller
 Stands beside a PBX as a SIP back-to-back user agent, holds a caller while an
 agent consults a target, joins them or falls back, and logs every second of
 waiting.
END
echo /etc/warmline/warmline.json5 >"$stage/DEBIAN/conffiles"
cat >"$stage/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    if ! getent passwd warmline >/dev/null; then
        adduser --system --group --no-create-home --home /var/lib/warmline --quiet warmline
    fi
    # The configuration may hold passwords.
    chown root:warmline /etc/warmline/warmline.json5
    chmod 640 /etc/warmline/warmline.json5
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
fi
END
cat >"$stage/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now warmline.service || true; fi
END
cat >"$stage/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
# The log of events is the users' own: it stays, also when the package is purged.
END
chmod 755 "$stage/DEBIAN/postinst" "$stage/DEBIAN/prerm" "$stage/DEBIAN/postrm"
dpkg-deb --root-owner-group --build "$stage" ".build/warmline_${version}_$architecture.deb" >/dev/null
echo ".build/warmline_${version}_$architecture.deb"
