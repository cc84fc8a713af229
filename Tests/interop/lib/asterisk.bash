# A real Asterisk for the jobs: Debian's, in a chroot of its own, made once.

# asterisk_root: sets $asterisk_root, making the chroot where there is none.
asterisk_root() {
    asterisk_root=${asterisk_root:-${WARMLINE_ASTERISK_ROOT:-$PWD/.build/interop/asterisk-root}}
    if [ -x "$asterisk_root/usr/sbin/asterisk" ]; then return; fi
    need debootstrap
    local mirror
    mirror=$(debian_mirror)
    if [ -z "$mirror" ]; then fail 'no Debian mirror among the apt sources'; fi
    rm -rf "$asterisk_root.part"
    debootstrap --variant=minbase --include=asterisk sid "$asterisk_root.part" "$mirror" >"$job_dir/debootstrap.out" 2>&1 ||
        fail 'debootstrap of sid with Asterisk failed' "see $job_dir/debootstrap.out"
    mv "$asterisk_root.part" "$asterisk_root"
}

# asterisk_start DIR: starts it with the configuration files of DIR, and with what a job needs to look on.
asterisk_start() {
    local etc=$asterisk_root/etc/asterisk-job
    asterisk_console=(chroot "$asterisk_root" /usr/sbin/asterisk -C /etc/asterisk-job/asterisk.conf -rx)
    rm -rf "$etc" "$asterisk_root"/var/log/asterisk/cel-custom "$asterisk_root/var/lib/asterisk/astdb.sqlite3"
    mkdir -p "$asterisk_root/var/log/asterisk/cel-custom" "$asterisk_root/var/run/asterisk"
    cp -r "$asterisk_root/etc/asterisk" "$etc"
    cp "$1"/*.conf "$etc/"
    sed 's|^astetcdir.*|astetcdir => /etc/asterisk-job|; s|^\[directories\](!)|[directories]|' \
        "$asterisk_root/etc/asterisk/asterisk.conf" >"$etc/asterisk.conf"
    cat >"$etc/modules.conf" <<END
[modules]
autoload=yes
noload => chan_iax2.so
noload => chan_unistim.so
noload => pbx_dundi.so
noload => res_pjsip_config_wizard.so
END
    printf '[general]\n[logfiles]\nconsole => error,warning,notice\nfull => error,warning,notice,verbose(4)\n' >"$etc/logger.conf"
    printf '[general]\nenable=yes\nevents=CHAN_START,ANSWER,HANGUP,CHAN_END\n' >"$etc/cel.conf"
    # One line an event; the dialplan has put the SIP Call-ID into the user field.
    # shellcheck disable=SC2016 # Asterisk's variables
    printf '[mappings]\nwarmline.csv => %s\n' \
        '${CSV_QUOTE(${eventtype})},${CSV_QUOTE(${CHANNEL})},${CSV_QUOTE(${CHANNEL(userfield)})}' >"$etc/cel_custom.conf"
    start asterisk chroot "$asterisk_root" /usr/sbin/asterisk -f -n -q -C /etc/asterisk-job/asterisk.conf
    within 60 'Asterisk does not start' asterisk_booted
}

asterisk_booted() { asterisk_cli 'core waitfullybooted' | grep -q 'fully booted'; }

asterisk_cli() { "${asterisk_console[@]}" "$1"; }

# The SIP Call-IDs of every channel that Asterisk's channel event log knows.
asterisk_call_ids() { awk -F'","' '{ gsub(/"/, "", $3); print $3 }' "$asterisk_root/var/log/asterisk/cel-custom/warmline.csv"; }
