#!/usr/bin/env bash
# The same calls as run.sh through an Asterisk on the same machine, for comparison: CPU of Asterisk per attended
# transfer by its feature code, and per plain call. Phones are SIPp's. Everything on loopback.
#
#   Tests/bench/asterisk.sh [--quick] [transfer|plain …]
#   make bench ASTERISK_ROOT=DIR   after warmline's own figures, minutes apart
#
# ASTERISK_ROOT is the root of a Debian that has asterisk in it, / where this machine has one itself
# (debootstrap --variant=minbase --include=asterisk sid DIR). The phones send INFO for digits with RTP too, and music on
# hold is raw A-law: what Asterisk is not asked to do it is not charged with.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=10
parts=()
for word in "$@"; do
    case $word in
    --quick) seconds=4 ;;
    transfer | plain) parts+=("$word") ;;
    *)
        echo "usage: $0 [--quick] [transfer|plain …]" >&2
        exit 2
        ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=(transfer plain)

root=${ASTERISK_ROOT:-}
root=${root%/}
in_root=()
[ -z "$root" ] || in_root=(chroot "$root")
run() { "${in_root[@]}" "$@"; }
[ -e "$root/etc/hosts" ] || printf '127.0.0.1 localhost\n' >"$root/etc/hosts" # debootstrap leaves it out
run asterisk -V >/dev/null 2>&1 || { echo "no asterisk in ${root:-this system}: see the head of $0" >&2; exit 1; }
command -v sipp >/dev/null || { echo "no sipp: make deps" >&2; exit 1; }

work=$PWD/.build/bench-asterisk
rm -rf "$work"
mkdir -p "$work/sipp"
inside=/tmp/warmline-bench # in Asterisk's root
outside=$root$inside
server=
stop() {
    [ -n "$server" ] && kill -TERM "$server" 2>/dev/null && wait "$server" 2>/dev/null
    server=
    [ -z "$outside" ] || rm -rf "$outside"
}
trap stop EXIT

sip=127.0.0.1:5990
caller=6201 agent=6202 target=6203 # SIPp's ports

# ---------------------------------------------------------------- Asterisk

configure() {
    rm -rf "$outside"
    mkdir -p "$outside"/{etc,run,log,spool,lib,moh,agi}
    cat >"$outside/etc/asterisk.conf" <<END
[directories]
astetcdir => $inside/etc
astmoddir => $(run sh -c 'ls -d /usr/lib/*/asterisk/modules /usr/lib/asterisk/modules 2>/dev/null | head -1')
astvarlibdir => $inside/lib
astdbdir => $inside/lib
astkeydir => $inside/lib
astdatadir => /usr/share/asterisk
astagidir => $inside/agi
astspooldir => $inside/spool
astrundir => $inside/run
astlogdir => $inside/log
[options]
verbose = 0
END
    printf '[modules]\nautoload=yes\n' >"$outside/etc/modules.conf"
    printf '[logfiles]\nmessages => warning,error\n' >"$outside/etc/logger.conf"
    printf '[general]\nrtpstart=40000\nrtpend=49999\n' >"$outside/etc/rtp.conf"
    printf '[featuremap]\natxfer => *2\n' >"$outside/etc/features.conf"
    printf '[default]\nmode=files\ndirectory=%s/moh\n' "$inside" >"$outside/etc/musiconhold.conf"
    cat >"$outside/etc/extensions.conf" <<END
[phones]
exten => 7000,1,Dial(PJSIP/agent,30,t)
exten => 7001,1,Dial(PJSIP/agent,30)
exten => 300,1,Dial(PJSIP/target,30)
END
    {
        echo '[global]'
        echo 'type=global'
        echo 'endpoint_identifier_order=username'
        printf '[udp]\ntype=transport\nprotocol=udp\nbind=%s\n' "$sip"
        local name port
        for name in caller agent target; do
            port=${!name}
            printf '[%s]\ntype=aor\ncontact=sip:%s@127.0.0.1:%s\n' "$name" "$name" "$port"
            printf '[%s]\ntype=endpoint\naors=%s\ncontext=phones\ndisallow=all\nallow=alaw\n' "$name" "$name"
            printf 'direct_media=no\ndtmf_mode=info\n'
        done
    } >"$outside/etc/pjsip.conf"
    # Half a minute of a tone as hold music: raw A-law, so that nothing is transcoded.
    python3 - "$outside/moh/tone.alaw" <<'END'
import math, sys
def alaw(s):
    mask = 0xD5 if s >= 0 else 0x55
    s = min(abs(s), 32635) >> 4
    exponent = max(0, s.bit_length() - 5)
    mantissa = (s >> (exponent if exponent else 1)) & 15 if exponent else (s >> 1) & 15
    return ((exponent << 4) | mantissa) ^ mask
open(sys.argv[1], "wb").write(bytes(alaw(int(4000 * math.sin(i * 2 * math.pi * 440 / 8000))) for i in range(240000)))
END
}

start() {
    stop
    configure
    ulimit -n 65536 2>/dev/null || true
    # Asterisk looks its host's name up for every call: as localhost that succeeds, and at once.
    unshare --uts sh -c 'hostname localhost; exec "$@"' sh \
        "${in_root[@]}" asterisk -f -C "$inside/etc/asterisk.conf" >"$work/asterisk.out" 2>&1 &
    server=$!
    local _
    for _ in $(seq 150); do
        run asterisk -C "$inside/etc/asterisk.conf" -rx 'core waitfullybooted' 2>/dev/null | grep -q 'fully booted' &&
            return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.2
    done
    echo "asterisk did not start:" >&2
    tail -20 "$work/asterisk.out" "$outside/log/messages" >&2 || true
    exit 1
}

# ---------------------------------------------------------------- phones

# SDP and, with RTP, the stream that a phone sends from its answer on. SIPp goes on sending a stream after its call has
# ended, so each is as long as its phone stays.
sdp='v=0
      o=phone 1 1 IN IP4 [media_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8
      a=rtpmap:8 PCMA/8000
      a=ptime:20'

# $1: request or response line, $2: From, $3: To, $4: CSeq, $5: further headers
message() {
    printf '    <![CDATA[\n      %s\n' "$1"
    case $1 in
    SIP*) printf '      [last_Via:]\n' ;;
    *) printf '      Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n' ;;
    esac
    printf '      From: %s\n      To: %s\n      Call-ID: [call_id]\n      CSeq: %s\n' "$2" "$3" "$4"
    printf '      Contact: <sip:phone@[local_ip]:[local_port]>\n      Max-Forwards: 70\n'
    case ${5:-} in
    sdp)
        printf '      Content-Type: application/sdp\n      Content-Length: [len]\n\n      %s\n' \
            "$sdp"
        ;;
    digit*)
        printf '      Content-Type: application/dtmf-relay\n      Content-Length: [len]\n\n'
        printf '      Signal=%s\n      Duration=100\n' "${5#digit}"
        ;;
    *) printf '      Content-Length: 0\n' ;;
    esac
    printf '    ]]>\n'
}

speak() { # $1: milliseconds
    $rtp || return 0
    head -c $(($1 * 8)) /dev/zero | tr '\0' '\325' >"$work/silence-$1.alaw"
    printf '  <nop><action><exec rtp_stream="%s,1,8,PCMA/8000"/></action></nop>\n' "$work/silence-$1.alaw"
}

caller_scenario() { # $1: how long it stays, in milliseconds; $2: the number it dials
    local own='<sip:caller@127.0.0.1>;tag=c[call_number]'
    echo '<?xml version="1.0"?><scenario name="caller"><send retrans="500">'
    message "INVITE sip:$2@[remote_ip]:[remote_port] SIP/2.0" "$own" "<sip:$2@127.0.0.1>" '1 INVITE' sdp
    echo '</send><recv response="100" optional="true"/><recv response="180" optional="true"/>'
    echo '<recv response="183" optional="true"/><recv response="200" rtd="true"/><send>'
    message "ACK sip:$2@[remote_ip]:[remote_port] SIP/2.0" "$own" "<sip:$2@127.0.0.1>[peer_tag_param]" '1 ACK'
    echo '</send>'
    speak "$1"
    echo "<pause milliseconds=\"$1\"/><send retrans=\"500\">"
    message "BYE sip:$2@[remote_ip]:[remote_port] SIP/2.0" "$own" "<sip:$2@127.0.0.1>[peer_tag_param]" '2 BYE'
    echo '</send><recv response="200"/></scenario>'
}

called_scenario() { # $1: digits to send, after which it hangs up; none: it waits for the BYE; $2: how long it speaks
    local own='[$2];tag=s[call_number]' n=0 i
    echo '<?xml version="1.0"?><scenario name="called"><recv request="INVITE"><action>'
    echo '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>'
    echo '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="2"/></action></recv><send retrans="500">'
    message 'SIP/2.0 200 OK' '[$1]' "$own" '[cseq] INVITE' sdp
    echo '</send><recv request="ACK"/>'
    speak "$2"
    if [ -n "$1" ]; then
        echo '<pause milliseconds="300"/>'
        for ((i = 0; i < ${#1}; i++)); do
            echo '<send retrans="500">'
            message "INFO sip:asterisk@[remote_ip]:[remote_port] SIP/2.0" "$own" '[$1]' "$((++n)) INFO" "digit${1:i:1}"
            echo '</send><recv response="200"/><pause milliseconds="100"/>'
        done
        echo '<pause milliseconds="500"/><send retrans="500">'
        message "BYE sip:asterisk@[remote_ip]:[remote_port] SIP/2.0" "$own" '[$1]' "$((++n)) BYE"
        echo '</send><recv response="200"/></scenario>'
    else
        echo '<recv request="BYE"/><send>'
        message 'SIP/2.0 200 OK' '[$1]' "$own" '[cseq] BYE'
        echo '</send></scenario>'
    fi
}

# In a subshell, which it becomes, so that its process is SIPp's. $1: scenario, $2: port, the rest: SIPp's.
phone() {
    local file=$1 port=$2
    shift 2
    exec sipp "$sip" -sf "$work/sipp/$file.xml" -i 127.0.0.1 -p "$port" -mp $((port * 10 - 50000)) \
        -nostdin -trace_err -error_file "$work/sipp/$file.errors" "$@" \
        >"$work/sipp/$file.out" 2>&1
}

cpu_ms() { awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / tick }' "/proc/$1/stat"; }

# CPU used so far, once Asterisk has nothing left to do: it says that it is fully booted while it still works on its start.
at_rest() {
    local before after=0 _
    for _ in $(seq 60); do
        before=$after
        after=$(cpu_ms "$server")
        if [ "$((${after%.*} - ${before%.*}))" -le 20 ]; then break; fi
        sleep 1
    done
    echo "$after"
}

# One measurement: `$2` calls a second for so many seconds.
measure() {
    local title=$1 rate=$2 stay=$3 number=$4 digits=$5 count before after ended pid pids=()
    start
    count=$((rate * seconds))
    caller_scenario "$stay" "$number" >"$work/sipp/caller.xml"
    # The agent's time until its BYE, the target's from there to the caller's.
    called_scenario "$digits" $((stay > 1000 ? 1000 : stay)) >"$work/sipp/agent.xml"
    called_scenario '' $((stay - 900)) >"$work/sipp/target.xml"
    phone agent $agent -m "$count" & pids+=($!)
    if [ -n "$digits" ]; then phone target $target -m "$count" & pids+=($!); fi
    before=$(at_rest)
    (phone caller $caller -m "$count" -r "$rate" -timeout $((seconds + 30))) || true
    after=$(at_rest)
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait "${pids[@]}" 2>/dev/null || true
    ended=$(grep -h 'Successful call' "$work/sipp/caller.out" | tail -1 | awk '{print $NF}')
    awk -v title="$title" -v before="$before" -v after="$after" -v n="$count" -v ok="${ended:-0}" 'BEGIN {
        printf "%-52s %-42s %9.3f %8d\n", title, "cpu_ms_per_call", (ok ? (after - before) / ok : 0), n - ok }'
    stop
}

run asterisk -V
printf '%-52s %-42s %9s %8s\n' measurement figure value failed
for part in "${parts[@]}"; do
    for rtp in false true; do
        legs='no RTP'
        if $rtp; then legs='RTP'; fi
        case $part in
        transfer)
            if $rtp; then rate=5; else rate=10; fi
            measure "attended transfers, $legs, $rate a second" $rate 3500 7000 '*2300'
            ;;
        plain) measure "plain calls of 1 s, $legs, 20 a second" 20 1000 7001 '' ;;
        esac
    done
done
