#!/usr/bin/env bash
# The main story, watched: a caller is held, a first target rejects, a second one answers and gets the caller.
#
# Real SIP and RTP between warmline and four phones on this machine. Each phone's voice is a tone of its own, and each
# phone measures which tone reaches it: what is printed as heard was heard. Exits non-zero where an expectation failed.
# The log stays in .build/demo/events.

set -uo pipefail
cd "$(dirname "$0")/../.."

readonly bin=${WARMLINE_BIN:-.build/debug}
readonly work=.build/demo
# Nobody else's ports are on this loopback address.
readonly address=127.0.70.1

declare -A tone=([caller]=1120 [anna]=1300 [boris]=1600 [clara]=2000)
declare -A user=([caller]=3100 [anna]=1001 [boris]=1002 [clara]=1003)
declare -A port=([caller]=5090 [anna]=5081 [boris]=5082 [clara]=5083)
declare -A keys heard children
start=   # CLOCK_BOOTTIME in microseconds of the first event of the story
failed=

if [ -t 1 ]; then
    declare -A colour=([caller]=$'\e[36m' [anna]=$'\e[32m' [boris]=$'\e[35m' [clara]=$'\e[33m')
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    declare -A colour=([caller]= [anna]= [boris]= [clara]=)
    bold= dim= red= green= plain=
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

voice() {
    local name
    for name in "${!tone[@]}"; do
        local off=$((tone[$name] - $1))
        if [ "${off#-}" -le 15 ]; then printf '%s' "$name"; return; fi
    done
}

# What one line of a phone means, in words; `now` is the key that expectations wait for.
tell_line() {
    local event hz label what
    now=
    mono=$(value mono_us)
    event=$(value event)
    case $event in
        ready) now="$who ready" ;;
        calling) say "$who" "dials 7000"; now="$who calling" ;;
        incoming) say "$who" "rings: $(value from)"; now="$who rings" ;;
        answered)
            if [ "$who" != caller ]; then say "$who" "answers"; fi
            now="$who answered" ;;
        sending) say "$who" "presses ${bold}$(value digits)${plain}"; now="$who pressed" ;;
        ended)
            case $(value how) in
                local) if [ "$who" = boris ]; then say boris "rejects: 486 busy"; else say "$who" "hangs up"; fi ;;
                bye) say "$who" "is released" ;;
                cancelled) say "$who" "stops ringing" ;;
                *) say "$who" "has lost the call: $(value how) $(value status)" ;;
            esac
            heard[$who]=
            now="$who ended" ;;
        heard)
            hz=$(value hz)
            label=$(value label)
            case $label in
                music) what="music on hold" ;;
                silence) what= ;;
                tone)
                    what=$(voice "$hz")
                    case $what/$hz in
                        ?*/*) ;;
                        /4[0-4]?) what="ringback" ;;
                        /6[12]?) what="the tone for: rejected" ;;
                        *) what="a tone of $hz Hz" ;;
                    esac ;;
                *) what=${heard[$who]:-} ;;
            esac
            if [ -n "$what" ] && [ "$what" != "${heard[$who]:-}" ]; then
                if [ -n "$(voice "$hz")" ]; then
                    say "$who" "hears $what ${dim}($hz Hz)${plain}"
                else
                    say "$who" "hears $what"
                fi
            fi
            heard[$who]=$what
            now="$who hears $what" ;;
    esac
}

# expect WHAT…: waits until each of them has happened since the last expectation, telling what happens meanwhile.
expect() {
    local deadline=$((SECONDS + 8)) missing=("$@") rest item
    while [ ${#missing[@]} -gt 0 ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            fail "expected, and did not come: ${missing[*]/%/,}"
        fi
        IFS=' ' read -r -t 1 who line <&"$story" || continue
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
        if IFS=' ' read -r -t 0.1 who line <&"$story"; then tell_line; fi
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
    grep -qs ready "$work/warmline.out" "$work/warmline.err" && break
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

tell caller "call sip:7000@$address:5070"
expect "anna answered" "caller hears anna" "anna hears caller"
listen 1200

tell anna "digits *21002#"
expect "caller hears music on hold" "boris rings" "boris ended" "caller hears anna" "anna hears caller"
listen 1000

tell anna "digits *21003#"
expect "caller hears music on hold" "clara rings" "clara answered" "anna hears clara" "clara hears anna"
listen 1200

tell anna "hangup"
expect "anna ended" "caller hears clara" "clara hears caller"
listen 1200

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
printf '\n%sHold time%s: warmline metrics %s/events\n\n' "$bold" "$plain" "$work"
"$bin/warmline" metrics "$work/events" || fail "no metrics"
"$bin/warmline" verify "$work/events" >"$work/verify.out" || fail "the log breaks its rules: $(cat "$work/verify.out")"

outcomes=$("$bin/warmline" events "$work/events" --type 'hold.ended' --json | grep -o '"outcome":"[a-z]*"' | tr -d '"\n')
[ "$outcomes" = "outcome:resumedoutcome:transferred" ] || fail "hold segments ended as: $outcomes"
printf '\n%s✓%s Every expectation held; the log keeps its rules. It is in %s/events.\n' "$green" "$plain" "$work"
