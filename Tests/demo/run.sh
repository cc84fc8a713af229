#!/usr/bin/env bash
# The main story, watched: a caller is held, a first target rejects, a second one answers and gets the caller.
#
# Real SIP and RTP between warmline and four phones on this machine. Each phone's voice is a tone of its own, and each
# phone measures which tone reaches it: what is printed as heard was heard. Exits non-zero where an expectation failed.
# The log stays in .build/demo/events.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit

readonly bin=${WARMLINE_BIN:-.build/debug}
readonly work=.build/demo
# Nobody else's ports are on this loopback address.
readonly address=127.0.70.1

declare -A tone=([caller]=1120 [anna]=1300 [boris]=1600 [clara]=2000)
declare -A user=([caller]=3100 [anna]=1001 [boris]=1002 [clara]=1003)
declare -A port=([caller]=5090 [anna]=5081 [boris]=5082 [clara]=5083)
declare -A keys heard children
queue=()  # lines that have been read and not told yet
start=    # CLOCK_BOOTTIME in microseconds of the first event of the story
ringing=  # who rings at present
left=     # when somebody has hung up, in the same microseconds
joining=  # set while the agent's hang-up joins caller and target

if [ -t 1 ]; then
    declare -A colour=([caller]=$'\e[36m' [anna]=$'\e[32m' [boris]=$'\e[35m' [clara]=$'\e[33m')
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    declare -A colour=([caller]="" [anna]="" [boris]="" [clara]="")
    bold='' dim='' red='' green='' plain=''
fi

# ------------------------------------------------------------------------------------------------ processes

cleanup() {
    trap - EXIT
    for pid in "${children[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -f "$work"/*.fifo
}
trap cleanup EXIT
trap 'exit 130' INT TERM

configuration() {
    cat <<END
{
  node: "demo",
  sip: { listen: ["udp:$address:5070"], trustedPeers: ["$address/32"] },
  media: { address: "$address", ports: [20000, 20099], codecs: ["PCMA", "PCMU"] },
  agents: {
    anna:  { uri: "sip:1001@$address:5081", name: "Anna", wrapUp: 0 },
    boris: { uri: "sip:1002@$address:5082", name: "Boris", wrapUp: 0 },
    clara: { uri: "sip:1003@$address:5083", name: "Clara", wrapUp: 0 },
  },
  lines: { "7000": { to: "agent:anna" } },
  transfer: {
    targets: { "1002": "agent:boris", "1003": "agent:clara" },
    allow: ["sip:1[0-9]{3}@127\\\\.0\\\\.70\\\\.1(:[0-9]+)?"],
  },
  events: { directory: "$PWD/$work/events" },
  control: { socket: "$PWD/$work/warmline.sock" },
}
END
}

# phone NAME OPTION…: its commands come from a pipe of its own, its lines go, with its name, to the common one.
phone() {
    local name=$1
    shift
    mkfifo "$work/$name.fifo"
    "$bin/testphone" --listen "udp:$address:${port[$name]}" --user "${user[$name]}" --name "${name^}" \
        --tone "${tone[$name]}" --codecs PCMA,PCMU "$@" <"$work/$name.fifo" \
        > >(sed -u "s/^/$name /" >"$work/story.fifo") 2>"$work/$name.err" &
    children[$name]=$!
    exec {keys[$name]}>"$work/$name.fifo"
}

tell() { printf '%s\n' "$2" >&"${keys[$1]}"; }

# ------------------------------------------------------------------------------------------------ the story

# value KEY: of the JSON line in $line.
value() {
    local text='"'$1'":("([^"]*)"|[-0-9a-z]+)'
    if [[ $line =~ $text ]]; then
        if [ -n "${BASH_REMATCH[2]}" ]; then printf '%s' "${BASH_REMATCH[2]}"; else printf '%s' "${BASH_REMATCH[1]//\"/}"; fi
    fi
}

# say WHO WHAT: at the time of $mono.
say() {
    : "${start:=$mono}"
    local ms=$(((mono - start) / 1000))
    printf '  %s%3d.%03d%s  %s%-6s%s  %s\n' "$dim" $((ms / 1000)) $((ms % 1000)) "$plain" "${colour[$1]}" "$1" "$plain" "$2"
}

# scene TEXT: what comes next.
scene() { printf '\n  %s%s%s\n' "$bold" "$1" "$plain"; }

# whose HZ: the phone with this voice.
whose() {
    local name off
    for name in "${!tone[@]}"; do
        off=$((tone[$name] - $1))
        if [ "${off#-}" -le 15 ]; then printf '%s' "$name"; return; fi
    done
}

# number USER: the phone with this number.
number() {
    local name
    for name in "${!user[@]}"; do
        if [ "${user[$name]}" = "$1" ]; then printf '%s' "$name"; return; fi
    done
}

# What is heard at this frequency, in words; nothing for silence.
sound() {
    local hz=$1 name
    name=$(whose "$hz")
    if [ -n "$name" ]; then printf '%s' "$name"; return; fi
    case $2/$hz in
        music/*) printf 'music on hold' ;;
        tone/42?) if [ -n "$ringing" ]; then printf 'ringback'; else printf 'a dial tone'; fi ;;
        tone/6[12]?) printf 'the tone that says: rejected' ;;
        tone/44?) printf 'a soft beep: somebody is waiting' ;;
        tone/*) printf 'a tone of %s Hz' "$hz" ;;
    esac
}

# What one line of a phone means, in words; `now` is the key that expectations wait for.
tell_line() {
    local event hz what name
    now=
    mono=$(value mono_us)
    event=$(value event)
    case $event in
        ready) now="$who ready" ;;
        calling)
            say "$who" "dials 7000"
            now="$who calling" ;;
        incoming)
            name=$(value from)
            name=${name#sip:}
            name=$(number "${name%@*}")
            ringing=$who
            say "$who" "rings (${name:-somebody} is calling)"
            now="$who rings" ;;
        answered)
            if [ "$who" != caller ]; then say "$who" "answers"; fi
            ringing=
            now="$who answered" ;;
        sending)
            say "$who" "presses ${bold}$(value digits)${plain}"
            now="$who pressed" ;;
        ended)
            case $(value how) in
                local)
                    left=$mono
                    if [ "$ringing" = "$who" ]; then say "$who" "is busy: rejects with 486"; else say "$who" "hangs up"; fi ;;
                bye) say "$who" "is released" ;;
                cancelled) say "$who" "stops ringing" ;;
                *) say "$who" "has lost the call: $(value how) $(value status)" ;;
            esac
            ringing=
            heard[$who]=
            now="$who ended" ;;
        stream)
            if [ -n "$left" ] && [ "$who" = caller ] && [ "$joining" ]; then
                say caller "${dim}gets the first packet $(((mono - left) / 1000)).$(((mono - left) / 100 % 10)) ms after the hang-up${plain}"
                left=
            fi ;;
        heard)
            hz=$(value hz)
            what=$(sound "$hz" "$(value label)")
            # Pauses between tones, and while a key is down, are no news.
            if [ -z "$what" ]; then return; fi
            if [ "$what" != "${heard[$who]:-}" ]; then
                name=$(whose "$hz")
                if [ -n "$name" ]; then
                    say "$who" "hears ${colour[$name]}$name${plain} ${dim}($hz Hz)${plain}"
                else
                    say "$who" "hears $what"
                fi
            fi
            heard[$who]=$what
            now="$who hears $what" ;;
    esac
}

# read_line SECONDS: one line of the common pipe into $text; false where none comes in that time.
read_line() {
    local rest
    IFS= read -r -t "$1" text <&"$story" && return 0
    # The time was over in the middle of a line: the rest of it is there already.
    [ -n "$text" ] && IFS= read -r rest <&"$story" && text+=$rest
}

# next_line SECONDS: the next line of any phone into $who and $line. The phones' lines reach the common pipe in no
# particular order: those of one moment are put into the order of their instants.
next_line() {
    local text
    if [ ${#queue[@]} -eq 0 ]; then
        read_line "$1" || return 1
        queue=("$text")
        while read_line 0.03; do queue+=("$text"); done
        if [ ${#queue[@]} -gt 1 ]; then
            mapfile -t queue < <(printf '%s\n' "${queue[@]}" | sed 's/.*"mono_us":\([0-9]*\)/\1 &/' | sort -n | cut -d' ' -f2-)
        fi
    fi
    who=${queue[0]%% *}
    line=${queue[0]#* }
    queue=("${queue[@]:1}")
}

# expect WHAT…: waits until each of them has happened since the last expectation, telling what happens meanwhile.
expect() {
    local deadline=$((SECONDS + 8)) missing=("$@") rest item
    while [ ${#missing[@]} -gt 0 ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            fail "expected, and did not come: ${missing[*]/%/,}"
        fi
        next_line 1 || continue
        tell_line
        rest=()
        for item in "${missing[@]}"; do if [ "$item" != "$now" ]; then rest+=("$item"); fi; done
        missing=("${rest[@]}")
    done
}

# A moment of conversation: what happens in it is told too.
listen() {
    local end=$(($(date +%s%N) + $1 * 1000000))
    while [ "$(date +%s%N)" -lt "$end" ]; do
        if next_line 0.1; then tell_line; fi
    done
}

fail() {
    printf '\n%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
    tail -n 5 "$work"/*.err >&2
    exit 1
}

# ------------------------------------------------------------------------------------------------ go

for program in warmline testphone; do
    [ -x "$bin/$program" ] || { echo "demo: $bin/$program is not built: run \`make build\`" >&2; exit 1; }
done
rm -rf "$work"
mkdir -p "$work"
configuration >"$work/warmline.json5"
mkfifo "$work/story.fifo"
exec {story}<>"$work/story.fifo"

"$bin/warmline" serve --config "$work/warmline.json5" >"$work/warmline.out" 2>"$work/warmline.err" &
children[warmline]=$!
for ((i = 0; i < 100; i++)); do
    grep -qsx ready "$work/warmline.out" && break
    kill -0 "${children[warmline]}" 2>/dev/null || fail "warmline ended"
    read -r -t 0.1 <> <(:) || true
done

cat <<END

${bold}An attended transfer over real SIP and RTP${plain}
Four phones around one controller, all on $address. Each phone's voice is a tone of its own;
who hears whom below is measured from the sound that arrives.

  ${colour[caller]}caller${plain}  3100  ${tone[caller]} Hz   calls the line 7000
  ${colour[anna]}anna${plain}    1001  ${tone[anna]} Hz   the agent who takes the call
  ${colour[boris]}boris${plain}   1002  ${tone[boris]} Hz   is busy and rejects
  ${colour[clara]}clara${plain}   1003  ${tone[clara]} Hz   answers
END

phone caller
phone anna --on 'in/incoming+400 answer' --on 'in/incoming ring'
phone boris --on 'in/incoming ring' --on 'in/incoming+600 reject 486'
phone clara --on 'in/incoming+900 answer' --on 'in/incoming ring'
expect "caller ready" "anna ready" "boris ready" "clara ready"

scene "A call arrives"
tell caller "call sip:7000@$address:5070"
expect "anna answered" "caller hears anna" "anna hears caller"
listen 1200

scene "Anna presses *2 and asks Boris; the caller is held"
tell anna "digits *21002#"
expect "caller hears music on hold" "boris rings" "boris ended" "caller hears anna" "anna hears caller"
listen 1000

scene "Anna has the caller back, and asks Clara"
tell anna "digits *21003#"
expect "caller hears music on hold" "clara rings" "clara answered" "anna hears clara" "clara hears anna"
listen 1200

scene "Anna hangs up: Clara has the caller"
joining=yes
tell anna "hangup"
expect "anna ended" "caller hears clara" "clara hears caller"
listen 1200

scene "The caller hangs up"
joining=
tell caller "hangup"
expect "caller ended" "clara ended"

kill -TERM "${children[warmline]}"
for ((i = 0; i < 50; i++)); do
    kill -0 "${children[warmline]}" 2>/dev/null || break
    read -r -t 0.1 <> <(:) || true
done

call=$("$bin/warmline" events "$work/events" --type call.arrived --json | sed -n 's/.*"call":"\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$call" ] || fail "the log has no call"
printf '\n%sThe same from the event log%s: warmline timeline %s %s/events\n\n' "$bold" "$plain" "$call" "$work"
"$bin/warmline" timeline "$call" "$work/events" || fail "no timeline"
printf '\n%sHold time%s: warmline metrics %s/events, the part about waiting\n\n' "$bold" "$plain" "$work"
"$bin/warmline" metrics "$work/events" >"$work/metrics.out" || fail "no metrics"
sed -n '/^Hold time/,/^First response/p' "$work/metrics.out" | grep -vE 'percentile|median|^First response'
"$bin/warmline" verify "$work/events" >"$work/verify.out" || fail "the log breaks its rules: $(cat "$work/verify.out")"

outcomes=$("$bin/warmline" events "$work/events" --type 'hold.ended' --json | grep -o '"outcome":"[a-z]*"' | tr -d '"\n')
[ "$outcomes" = "outcome:resumedoutcome:transferred" ] || fail "hold segments ended as: $outcomes"
printf '\n%s✓%s Every expectation held; the log keeps its rules. It is in %s/events.\n' "$green" "$plain" "$work"
