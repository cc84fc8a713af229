/*
 * What of a leg's media is left to its rtpengine node: two legs that hear each other and nothing else, with the same
 * payload numbers, exchange RTP from node to node; music out of a file is played by the node. All else stays here.
 */
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

static tel_leg_id *touched;
static uint32_t touched_count, touched_max;

bool offload_start(uint32_t legs)
{
    touched = malloc(legs * sizeof(*touched));
    touched_count = 0;
    touched_max = touched != NULL ? legs : 0;
    return touched != NULL;
}

void offload_stop(void)
{
    free(touched);
    touched = NULL;
    touched_count = touched_max = 0;
}

void offload_touch(media_leg *leg)
{
    if (!leg->far || leg->far_touched || touched_count == touched_max)
        return;
    leg->far_touched = true;
    touched[touched_count++] = leg->id;
}

/* ---------------------------------------------------------------- may it be left to the node? */

static bool same_numbers(const media_format *a, const media_format *b)
{
    return a->codec == b->codec && a->rx_pt == b->tx_pt && a->tx_pt == b->rx_pt && a->event_rx_pt == b->event_tx_pt &&
           a->event_tx_pt == b->event_rx_pt;
}

/* Nothing is changed on the way from node to node: each format of one leg has to be the other's too. */
static bool same_formats(const media_leg *a, const media_leg *b)
{
    if (a->format_count != b->format_count)
        return false;
    for (uint16_t i = 0; i < a->format_count; i++)
        if (!same_numbers(&a->formats[i], &b->formats[i]))
            return false;
    return true;
}

/* Sound is only passed on to it. */
static bool is_plain(const media_leg *leg)
{
    return leg->far && leg->open && !leg->far_refused && leg->may_send && leg->remote_size != 0 &&
           leg->format_count != 0 && !leg->encrypted && !leg->muted && leg->tone == NULL && leg->digits.count == 0;
}

/* What it says is heard by one leg alone, and by nobody here. */
static bool is_heard_by(const media_leg *leg, const media_leg *by)
{
    return leg->first_listener == tel_slot(by->id) + 1 && by->next_listener == 0 && leg->voice == NULL &&
           leg->ear == NULL && (leg->formats[0].event_rx_pt == 0 || far_hears_digits(leg->id));
}

/* The leg that it may be joined with; NULL: none. The same from both sides. */
static media_leg *partner(media_leg *leg)
{
    if (!is_plain(leg) || leg->source != TEL_SOURCE_LEG || !leg->linked)
        return NULL;
    media_leg *other = media_leg_at(tel_slot(leg->from));
    bool joined = other != leg && is_plain(other) && other->source == TEL_SOURCE_LEG && other->linked &&
                  other->from == leg->id && is_heard_by(leg, other) && is_heard_by(other, leg) &&
                  same_formats(leg, other);
    return joined ? other : NULL;
}

static const char *music_file(const media_leg *leg)
{
    bool may = is_plain(leg) && leg->source == TEL_SOURCE_MUSIC && leg->formats[0].tx_pt == leg->formats[0].rx_pt;
    return may ? sound_path(leg->sound) : NULL;
}

/* ---------------------------------------------------------------- deciding */

static void want(media_leg *leg, far_mode mode, tel_leg_id other, const char *file)
{
    if (leg->far_mode == mode && leg->far_other == other && leg->far_file == file)
        return;
    if (leg->far_other != 0 && leg->far_other != other)
        offload_touch(media_leg_at(tel_slot(leg->far_other)));
    if (leg->far_mode == FAR_JOINED) { /* its packets are to come here again */
        leg->heard_us = media_clock();
        leg->reception.paused = true;
    }
    leg->far_reports.again = true;
    leg->far_mode = mode;
    leg->far_other = other;
    leg->far_file = file;
    leg->far_active = false;
    leg->feed.kind = FEED_NONE; /* the peer has heard, or will hear, another stream */
    far_want(leg->id, mode, other, file, ++leg->far_serial);
}

static void review(media_leg *leg)
{
    media_leg *other = partner(leg);
    const char *file = music_file(leg);
    if (other != NULL) {
        want(leg, FAR_JOINED, other->id, NULL);
        want(other, FAR_JOINED, leg->id, NULL);
    } else {
        want(leg, file != NULL ? FAR_MUSIC : FAR_NEAR, 0, file);
    }
}

void offload_review(void)
{
    for (uint32_t i = 0; i < touched_count; i++) { /* the list grows by those who are left alone */
        media_leg *leg = media_leg_at(tel_slot(touched[i]));
        if (leg->id != touched[i])
            continue;
        leg->far_touched = false;
        if (leg->far)
            review(leg);
    }
    touched_count = 0;
}

/* ---------------------------------------------------------------- from the nodes */

void offload_done(media_leg *leg, uint32_t serial, bool done)
{
    if (serial != leg->far_serial || leg->far_mode == FAR_NEAR)
        return;
    leg->far_active = done;
    if (done)
        return;
    leg->far_refused = true; /* from now on by way of us */
    offload_touch(leg);
    if (leg->far_other != 0)
        offload_touch(media_leg_at(tel_slot(leg->far_other)));
}

void offload_figures(media_leg *leg, const far_figures *figures, int64_t now)
{
    if (figures->packets_received > counted(&leg->far_received)) {
        leg->heard_us = now;
        leg->timed_out = false;
    }
    atomic_store_explicit(&leg->far_received, figures->packets_received, memory_order_relaxed);
    atomic_store_explicit(&leg->far_bytes_received, figures->bytes_received, memory_order_relaxed);
    atomic_store_explicit(&leg->far_sent, figures->packets_sent, memory_order_relaxed);
    atomic_store_explicit(&leg->far_bytes_sent, figures->bytes_sent, memory_order_relaxed);
}

/* ---------------------------------------------------------------- RTCP of joined legs */

/* RFC 3550 §6.4.1: how the other's stream arrives at this leg's peer. */
static void take_block(media_leg *leg, media_leg *other, const uint8_t *block, int64_t now)
{
    far_reports *r = &leg->far_reports;
    uint32_t ssrc = rtcp_word(block), last_sr = rtcp_word(block + 16), delay = rtcp_word(block + 20);
    if (ssrc != other->far_reports.own_ssrc && (!other->reception.started || ssrc != other->reception.ssrc))
        return;
    int32_t lost = (int32_t)(rtcp_word(block + 4) << 8) >> 8; /* 24 bits with a sign */
    uint32_t losses = lost > 0 ? (uint32_t)lost : 0;
    if (ssrc != r->ssrc || r->again) {
        r->before += r->lost;
        r->lost = 0;
        r->from = ssrc == r->ssrc ? losses : 0;
        r->ssrc = ssrc;
        r->again = false;
    }
    uint64_t since = losses > r->from ? losses - r->from : 0;
    if (since > r->lost) {
        count(&other->far_lost, since - r->lost);
        r->lost = since;
    }
    uint32_t rate = other->formats[0].clock_rate;
    uint64_t jitter_us = (uint64_t)rtcp_word(block + 12) * 1000000 / rate;
    atomic_store_explicit(&leg->peer_lost, r->near_lost + r->before + r->lost, memory_order_relaxed);
    atomic_store_explicit(&leg->peer_jitter_us, jitter_us, memory_order_relaxed);
    atomic_store_explicit(&other->jitter_us, jitter_us, memory_order_relaxed);
    int64_t round_trip = now - r->last_sr_us - (int64_t)delay * 1000000 / 65536;
    if (last_sr != 0 && last_sr == r->last_sr)
        atomic_store_explicit(&leg->round_trip_us, (uint64_t)(round_trip > 0 ? round_trip : 1), memory_order_relaxed);
}

void offload_report(media_leg *leg, const uint8_t *packet, size_t size, int64_t now)
{
    media_leg *other = media_leg_at(tel_slot(leg->far_other));
    const uint8_t *block;
    if (other->id != leg->far_other || !other->open || other->remote_rtcp.any.sa_family == 0)
        return;
    leg->far_reports.own_ssrc = rtcp_word(packet + 4);
    for (unsigned i = 0; (block = rtcp_block(packet, size, i)) != NULL; i++)
        take_block(leg, other, block, now);
    if (rtcp_sent_at(packet, size) != 0) {
        other->far_reports.last_sr = rtcp_sent_at(packet, size);
        other->far_reports.last_sr_us = now;
    }
    sendto(other->rtcp_fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL, &other->remote_rtcp.any, other->remote_size);
}
