/*
 * The relay: what a leg's peer sends goes, header rewritten in place, to the legs that are routed to it. The output is
 * one stream with our SSRC; losses and reordering of the input stay visible in it, packets we take out do not.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../private/media_internal.h"

void relay_drop(media_leg *leg)
{
    count(&leg->packets_dropped, 1);
    count(&media_total.dropped, 1);
}

static bool parse(uint8_t *data, size_t size, rtp_packet *packet)
{
    if (size < RTP_HEADER || data[0] >> 6 != 2)
        return false;
    size_t header = RTP_HEADER + 4u * (data[0] & 0x0f);
    if (data[0] & 0x10) {
        if (size < header + 4)
            return false;
        header += 4 + 4u * ((uint32_t)data[header + 2] << 8 | data[header + 3]);
    }
    size_t padding = data[0] & 0x20 ? data[size - 1] : 0;
    if (size < header + padding)
        return false;
    packet->data = data;
    packet->size = size;
    packet->payload = data + header;
    packet->payload_size = size - header - padding;
    packet->payload_type = data[1] & 0x7f;
    packet->marker = data[1] & 0x80;
    uint16_t seq;
    memcpy(&seq, data + 2, 2);
    memcpy(&packet->ts, data + 4, 4);
    memcpy(&packet->ssrc, data + 8, 4);
    packet->seq = ntohs(seq);
    packet->ts = ntohl(packet->ts);
    packet->ssrc = ntohl(packet->ssrc);
    return true;
}

/* ---------------------------------------------------------------- statistics of what comes in */

static void restart_reception(reception *r, const rtp_packet *packet, uint32_t clock_rate)
{
    uint64_t lost = r->started ? r->lost_before : 0;
    if (r->started) {
        uint64_t expected = r->extended_highest - r->extended_base + 1;
        lost += expected > r->received ? expected - r->received : 0;
    }
    *r = (reception){
        .started = true,
        .seq_highest = packet->seq,
        .ssrc = packet->ssrc,
        .extended_base = 0x10000u + packet->seq,
        .extended_highest = 0x10000u + packet->seq,
        .clock_rate = clock_rate,
        .lost_before = lost,
    };
}

static void note_reception(media_leg *leg, const rtp_packet *packet, uint32_t clock_rate, bool is_event, int64_t now)
{
    reception *r = &leg->reception;
    int16_t ahead = (int16_t)(packet->seq - r->seq_highest);
    bool jumps = ahead > RTP_MAX_DROPOUT || ahead < -RTP_MAX_MISORDER;
    bool fresh = !r->started || r->paused || r->ssrc != packet->ssrc || jumps;
    if (fresh)
        restart_reception(r, packet, clock_rate);
    else if (ahead > 0) {
        r->seq_highest = packet->seq;
        r->extended_highest += (uint32_t)ahead;
    }
    r->received++;
    uint32_t arrival = (uint32_t)((uint64_t)now * clock_rate / 1000000);
    uint32_t transit = arrival - packet->ts;
    if (!fresh && !is_event && clock_rate == r->clock_rate) { /* an event's packets all bear the time of its start */
        int32_t difference = (int32_t)(transit - r->transit);
        uint32_t distance = (uint32_t)(difference < 0 ? -difference : difference);
        if (distance < clock_rate) /* a new talkspurt with another offset says nothing of jitter */
            r->jitter += distance - ((r->jitter + 8) >> 4);
    }
    if (!is_event)
        r->transit = transit;
    r->clock_rate = clock_rate;

    uint64_t expected = r->extended_highest - r->extended_base + 1;
    uint64_t lost = r->lost_before + (expected > r->received ? expected - r->received : 0);
    atomic_store_explicit(&leg->packets_lost, lost, memory_order_relaxed);
    atomic_store_explicit(&leg->jitter_us, (uint64_t)(r->jitter >> 4) * 1000000 / clock_rate, memory_order_relaxed);
}

/* ---------------------------------------------------------------- output */

static const media_format *accepted_format(const media_leg *leg, media_codec codec)
{
    for (uint16_t i = 0; i < leg->format_count; i++)
        if (leg->formats[i].codec == codec)
            return &leg->formats[i];
    return NULL;
}

/* Whether the packet goes on from the one before it on this output. */
static bool continues(const feed *f, const media_leg *from, const rtp_packet *packet, const out_stream *stream)
{
    int16_t ahead = (int16_t)(packet->seq - f->seq_highest);
    return f->kind == FEED_RELAY && f->leg == from->id && f->ssrc == packet->ssrc && f->stream == stream &&
           ahead <= RTP_MAX_DROPOUT && ahead >= -RTP_MAX_MISORDER;
}

/* A packet of the input is not sent on: the numbers after it close up. */
static void skip(media_leg *to, const media_leg *from, const rtp_packet *packet)
{
    feed *f = &to->feed;
    int16_t ahead = (int16_t)(packet->seq - f->seq_highest);
    if (f->leg != from->id || f->ssrc != packet->ssrc || ahead <= 0)
        return;
    if (f->kind == FEED_TRANSCODED)
        f->seq_highest = packet->seq;
    if (f->kind != FEED_RELAY)
        return;
    f->seq_offset--;
    f->seq_highest = packet->seq;
    f->seq_floor = packet->seq;
}

static void relay_to(media_leg *to, media_leg *from, const media_format *in, const rtp_packet *packet, int64_t now)
{
    if (to->tone != NULL || to->digits.count != 0)
        return;
    if (!leg_can_send(to)) {
        to->feed.kind = FEED_NONE;
        return;
    }
    const media_format *format = accepted_format(to, in->codec);
    feed *f = &to->feed;
    if (format == NULL) {
        transcode(to, from, in, packet, now);
        return;
    }
    out_stream *stream = stream_of(to, format->clock_rate);
    bool marker = packet->marker;
    if (!continues(f, from, packet, stream)) {
        *f = (feed){
            .kind = FEED_RELAY,
            .leg = from->id,
            .ssrc = packet->ssrc,
            .stream = stream,
            .seq_offset = (uint16_t)(stream->seq - packet->seq),
            .seq_highest = packet->seq,
            .seq_floor = packet->seq,
            .ts_offset = stream_resume(stream, format->clock_rate, now) - packet->ts,
        };
        marker = true;
    } else if ((int16_t)(packet->seq - f->seq_floor) < 0) {
        relay_drop(from); /* late, and its number has been given away */
        return;
    }
    uint32_t ts = packet->ts + f->ts_offset;
    uint16_t seq = (uint16_t)(packet->seq + f->seq_offset);
    if ((int16_t)(packet->seq - f->seq_highest) >= 0) {
        uint32_t step = ts - stream->ts;
        if (!marker && step != 0 && step <= format->clock_rate / 8)
            stream->step = step;
        f->seq_highest = packet->seq;
        stream->seq = (uint16_t)(seq + 1);
        stream->ts = ts;
        stream->sent_us = now;
    }
    stream_header(packet->data, format->tx_pt, marker, seq, ts, stream->ssrc);
    stream_send(to, stream, packet->data, packet->size);
}

static void skip_for_all(media_leg *leg, const rtp_packet *packet)
{
    for (uint32_t next = leg->first_listener; next != 0;) {
        media_leg *to = media_leg_at(next - 1);
        skip(to, leg, packet);
        next = to->next_listener;
    }
}

/* ---------------------------------------------------------------- input */

static const media_format *find_format(const media_format *formats, uint16_t count, uint8_t payload_type,
                                       bool *is_event)
{
    for (uint16_t i = 0; i < count; i++) {
        *is_event = formats[i].event_rx_pt == payload_type && formats[i].event_rx_pt != 0;
        if (*is_event || formats[i].rx_pt == payload_type)
            return &formats[i];
    }
    return NULL;
}

static const media_format *received_format(media_leg *leg, uint8_t payload_type, bool *is_event)
{
    const media_format *format = find_format(leg->formats, leg->format_count, payload_type, is_event);
    if (format != NULL && !*is_event)
        leg->former_count = 0;
    if (format == NULL)
        format = find_format(leg->former, leg->former_count, payload_type, is_event);
    if (format == NULL)
        format = find_format(&leg->offered, leg->offered.clock_rate != 0, payload_type, is_event);
    return format;
}

void relay_receive(media_leg *leg, uint8_t *data, size_t size, const media_address *from, int64_t now)
{
    rtp_packet packet;
    bool is_event = false;
    /* What is encrypted must be authentic before it can settle anything. */
    if ((leg->encrypted && !secure_open(leg, data, &size)) || !parse(data, size, &packet)) {
        relay_drop(leg);
        return;
    }
    const media_format *format = received_format(leg, packet.payload_type, &is_event);
    /* A format that was not agreed on settles nothing, but a known sender is alive. */
    if (format != NULL ? !latch_admits(leg, from, &packet, now) : !latch_knows(leg, from)) {
        relay_drop(leg);
        return;
    }
    leg->heard_us = now;
    leg->timed_out = false;
    if (format == NULL) {
        relay_drop(leg);
        skip_for_all(leg, &packet);
        return;
    }
    count(&leg->packets_received, 1);
    count(&leg->bytes_received, size);
    count(&media_total.received, 1);
    note_reception(leg, &packet, format->clock_rate, is_event, now);
    if (is_event) {
        digits_receive(leg, packet.payload, packet.payload_size, packet.ts, packet.ssrc);
        skip_for_all(leg, &packet);
        return;
    }
    if (leg->ear != NULL)
        ear_packet(leg, format->codec, packet.payload, packet.payload_size, packet.marker, packet.payload_type,
                   packet.ssrc, now);
    if (leg->voice != NULL)
        voice_packet(leg, format, &packet);
    for (uint32_t next = leg->first_listener; next != 0;) {
        media_leg *to = media_leg_at(next - 1);
        next = to->next_listener;
        relay_to(to, leg, format, &packet, now);
    }
}
