/*
 * RTCP: a report every five seconds, what peers report as a sign of life, and peers that give none any more.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../private/media_internal.h"

#define SENDER_REPORT 200
#define RECEIVER_REPORT 201
#define SOURCE_DESCRIPTION 202
#define CNAME 1
#define REPORT_TICKS (5 * MEDIA_FRAMES_PER_SECOND) /* RFC 3550 §6.2: five seconds between two reports */
#define TIMEOUT_TICKS (MEDIA_FRAMES_PER_SECOND / 2)
#define NTP_EPOCH 2208988800u /* seconds from 1900 to 1970 */
#define MAX_REPORT 128
#define MAX_ROUND_TRIP (60u * 65536)

/* ---------------------------------------------------------------- received */

uint32_t rtcp_word(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

bool rtcp_is(const uint8_t *packet, size_t size)
{
    return size >= 8 && packet[0] >> 6 == 2 && (packet[1] == SENDER_REPORT || packet[1] == RECEIVER_REPORT);
}

/* The middle of the present NTP time: units of 1/65536 s. */
static uint32_t middle_now(void)
{
    int64_t wall_us, mono_us;
    tel_now(&wall_us, &mono_us);
    return (uint32_t)((wall_us / 1000000 + NTP_EPOCH) << 16 | (wall_us % 1000000) * 65536 / 1000000);
}

/* RFC 3550 §6.4.1: what the peer says of one of our streams. */
static void take_block(media_leg *leg, const uint8_t *block)
{
    uint32_t ssrc = rtcp_word(block);
    const out_stream *stream = NULL;
    uint32_t rate = 8000;
    for (int i = 0; i < 2 && stream == NULL; i++) {
        if (leg->streams[i].started && leg->streams[i].ssrc == ssrc)
            stream = &leg->streams[i];
        rate = i == 0 ? 8000 : 48000;
    }
    if (stream == NULL)
        return;
    int32_t lost = (int32_t)(rtcp_word(block + 4) << 8) >> 8; /* 24 bits with a sign */
    far_reports *r = &leg->far_reports;
    r->near_lost = lost > 0 ? (uint64_t)lost : 0;
    atomic_store_explicit(&leg->peer_lost, r->near_lost + r->before + r->lost, memory_order_relaxed);
    atomic_store_explicit(&leg->peer_jitter_us, (uint64_t)rtcp_word(block + 12) * 1000000 / rate, memory_order_relaxed);
    uint32_t last = rtcp_word(block + 16), delay = rtcp_word(block + 20);
    uint32_t round_trip = middle_now() - last - delay;
    /* Its clock and ours differ by a little in the time between: what is below 0 is next to nothing. */
    if (last != 0 && (round_trip < MAX_ROUND_TRIP || round_trip > UINT32_MAX - MAX_ROUND_TRIP)) {
        uint64_t us = round_trip < MAX_ROUND_TRIP ? (uint64_t)round_trip * 1000000 / 65536 : 0;
        atomic_store_explicit(&leg->round_trip_us, us > 0 ? us : 1, memory_order_relaxed);
    }
}

const uint8_t *rtcp_block(const uint8_t *packet, size_t size, unsigned n)
{
    size_t at = (packet[1] == SENDER_REPORT ? 28 : 8) + n * 24;
    return n < (packet[0] & 31u) && at + 24 <= size ? packet + at : NULL;
}

uint32_t rtcp_sent_at(const uint8_t *packet, size_t size)
{
    return packet[1] == SENDER_REPORT && size >= 28 ? rtcp_word(packet + 10) : 0;
}

void rtcp_receive(media_leg *leg, const uint8_t *packet, size_t size, const media_address *from, int64_t now)
{
    leg->heard_us = now;
    leg->timed_out = false;
    if (leg->latch.locked && !leg->rtcp_mux)
        leg->remote_rtcp = *from; /* behind NAT it has a port of its own */
    const uint8_t *block;
    for (unsigned i = 0; (block = rtcp_block(packet, size, i)) != NULL; i++)
        take_block(leg, block);
    if (rtcp_sent_at(packet, size) != 0 && rtcp_word(packet + 4) == leg->reception.ssrc) {
        leg->reception.last_sr = rtcp_sent_at(packet, size);
        leg->reception.last_sr_us = now;
    }
    if (leg->far_active && leg->far_mode == FAR_JOINED)
        offload_report(leg, packet, size, now);
}

/* ---------------------------------------------------------------- sent */

static uint8_t *put(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, 4);
    return at + 4;
}

/* RFC 3550 §6.4.1, one report block. */
static uint8_t *put_block(uint8_t *at, reception *r, int64_t now)
{
    uint64_t expected = r->extended_highest - r->extended_base + 1;
    uint64_t expected_since = expected - r->reported_expected, received_since = r->received - r->reported_received;
    uint32_t fraction =
        expected_since > received_since ? (uint32_t)((expected_since - received_since) * 256 / expected_since) : 0;
    int64_t lost = (int64_t)expected - (int64_t)r->received;
    int64_t bounded = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
    r->reported_expected = expected;
    r->reported_received = r->received;
    at = put(at, r->ssrc);
    at = put(at, (fraction > 255 ? 255 : fraction) << 24 | ((uint32_t)bounded & 0xffffff));
    at = put(at, r->extended_highest);
    at = put(at, r->jitter >> 4);
    at = put(at, r->last_sr);
    return put(at, r->last_sr ? (uint32_t)((uint64_t)(now - r->last_sr_us) * 65536 / 1000000) : 0);
}

static uint8_t *put_sender(uint8_t *at, const out_stream *stream, uint32_t clock_rate, int64_t now)
{
    int64_t wall_us, mono_us;
    tel_now(&wall_us, &mono_us);
    at = put(at, (uint32_t)(wall_us / 1000000) + NTP_EPOCH);
    at = put(at, (uint32_t)(((uint64_t)(wall_us % 1000000) << 32) / 1000000));
    at = put(at, stream->ts + (uint32_t)((uint64_t)(now - stream->sent_us) * clock_rate / 1000000));
    at = put(at, stream->packets);
    return put(at, stream->octets);
}

/* RFC 3550 §6.5.1: a CNAME goes with every report; ours says nothing but the leg's SSRC (RFC 7022 §4.2). */
static uint8_t *put_description(uint8_t *at, uint32_t ssrc)
{
    static const char digits[] = "0123456789abcdef";
    at = put(at, 0x81000000u | SOURCE_DESCRIPTION << 16 | 4);
    at = put(at, ssrc);
    *at++ = CNAME;
    *at++ = 8;
    for (int shift = 28; shift >= 0; shift -= 4)
        *at++ = (uint8_t)digits[ssrc >> shift & 15];
    *at++ = 0; /* end of the items, padded to a whole word */
    *at++ = 0;
    return at;
}

static void send_report(media_leg *leg, int64_t now)
{
    const media_address *to = leg->rtcp_mux ? &leg->remote_rtp : &leg->remote_rtcp;
    if (!leg_can_send(leg) || to->any.sa_family == 0)
        return;
    uint32_t clock_rate = leg->formats[0].clock_rate;
    out_stream *stream = stream_of(leg, clock_rate);
    bool sent = stream->sent_us != 0 && now - stream->sent_us < 2 * REPORT_TICKS * MEDIA_FRAME_US;
    bool block = leg->reception.started;
    if (!sent && !block)
        return;
    _Alignas(8) uint8_t report[MAX_REPORT + MEDIA_SRTP_TRAILER];
    uint32_t words = 1 + (sent ? 5 : 0) + (block ? 6 : 0);
    uint8_t *at = put(report, 0x80000000u | (uint32_t)block << 24 |
                                  (uint32_t)(sent ? SENDER_REPORT : RECEIVER_REPORT) << 16 | words);
    at = put(at, stream->ssrc);
    if (sent)
        at = put_sender(at, stream, clock_rate, now);
    if (block)
        at = put_block(at, &leg->reception, now);
    at = put_description(at, stream->ssrc);
    size_t size = (size_t)(at - report);
    if (!leg->encrypted || secure_seal_control(leg, report, &size))
        sendto(leg->rtcp_mux ? leg->rtp_fd : leg->rtcp_fd, report, size, MSG_DONTWAIT | MSG_NOSIGNAL, &to->any,
               leg->remote_size);
}

/* ---------------------------------------------------------------- by the tick */

static void look_for_silence(media_leg *leg, int64_t now, int64_t timeout_us)
{
    if (!leg->expect_rtp || leg->timed_out || now - leg->heard_us < timeout_us)
        return;
    leg->timed_out = true;
    tel_emit(&(tel_event){.kind = TEL_EVENT_RTP_TIMEOUT, .leg = leg->id});
}

void rtcp_tick(int64_t now, int64_t timeout_us)
{
    static uint32_t tick;
    tick++;
    for (uint32_t slot = tick % REPORT_TICKS; slot < media_leg_limit(); slot += REPORT_TICKS)
        if (media_leg_at(slot)->open)
            send_report(media_leg_at(slot), now);
    for (uint32_t slot = tick % TIMEOUT_TICKS; timeout_us > 0 && slot < media_leg_limit(); slot += TIMEOUT_TICKS)
        if (media_leg_at(slot)->open)
            look_for_silence(media_leg_at(slot), now, timeout_us);
}
