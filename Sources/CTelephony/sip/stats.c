#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

bool tel_get_leg_stats(tel_leg_id id, tel_leg_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return false;
    pjsip_dialog *dialog = leg->dialog;
    stats->answered = leg->answered;
    stats->digits_dropped = leg->digits_dropped;
    if (leg->agreed) {
        snprintf(stats->codec, sizeof(stats->codec), "%s", sdp_codec_name(leg->params.formats[0].codec));
        pj_sockaddr_print(&leg->params.remote_rtp, stats->remote_rtp, sizeof(stats->remote_rtp), 3);
    }
    leg_release(dialog);
    media_get_leg_stats(id, stats);
    return true;
}

void tel_get_stats(tel_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    stats->malformed = atomic_load(&sip.malformed);
    stats->refused_unreported = atomic_load(&sip.refused_unreported);
    stats->no_rtp_port = atomic_load(&sip.no_rtp_port);
    stats->messages_received = atomic_load(&sip.received);
    stats->messages_sent = atomic_load(&sip.sent);
    stats->digits_dropped = atomic_load(&sip.digits_dropped);
    stats->turns = atomic_load(&sip.turns);
    stats->trace_dropped = atomic_load(&sip.trace_dropped);
    stats->auth_challenged = atomic_load(&sip.auth_challenged);
    stats->auth_accepted = atomic_load(&sip.auth_accepted);
    stats->auth_failed = atomic_load(&sip.auth_failed);
    stats->auth_replayed = atomic_load(&sip.auth_replayed);
    tls_stats(stats);
    legs_count(&stats->legs_open, &stats->legs_peak, &stats->legs_max);
    media_get_stats(stats);
}
