/*
 * What a leg sends: one continuous stream at each clock rate, whatever the sources behind it.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

#include "../private/media_internal.h"

out_stream *stream_of(media_leg *leg, uint32_t clock_rate)
{
    out_stream *stream = &leg->streams[clock_rate == 8000 ? 0 : 1];
    if (!stream->started) {
        struct {
            uint32_t ssrc, ts;
            uint16_t seq;
        } start;
        memset(&start, 0, sizeof(start));
        (void)!getrandom(&start, sizeof(start), 0);
        stream->started = true;
        stream->ssrc = start.ssrc;
        stream->ts = start.ts;
        stream->seq = start.seq & 0x7fff; /* RFC 3711 §3.3.1 advises the lower half */
        stream->step = clock_rate / MEDIA_FRAMES_PER_SECOND;
        stream->sent_us = 0;
    }
    return stream;
}

uint32_t stream_resume(const out_stream *stream, uint32_t clock_rate, int64_t now)
{
    if (stream->sent_us == 0)
        return stream->ts;
    uint64_t elapsed = (uint64_t)(now - stream->sent_us) * clock_rate / 1000000;
    /* The last packet's sound is not to be overlapped by the next one's. */
    return stream->ts + (uint32_t)(elapsed > stream->step ? elapsed : stream->step);
}

void stream_header(uint8_t *packet, uint8_t payload_type, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc)
{
    uint16_t seq_n = htons(seq);
    uint32_t ts_n = htonl(ts), ssrc_n = htonl(ssrc);
    packet[1] = (uint8_t)(payload_type | (marker ? 0x80 : 0));
    memcpy(packet + 2, &seq_n, 2);
    memcpy(packet + 4, &ts_n, 4);
    memcpy(packet + 8, &ssrc_n, 4);
}

static void count_drop(media_leg *leg)
{
    count(&leg->packets_dropped, 1);
    count(&media_total.dropped, 1);
}

void stream_send(media_leg *leg, out_stream *stream, const uint8_t *packet, size_t size)
{
    _Alignas(8) uint8_t sealed[MEDIA_MAX_PACKET + MEDIA_SRTP_TRAILER];
    size_t payload_size = size - RTP_HEADER;
    if (leg->encrypted) {
        /* A copy: the packet may have other listeners. */
        memcpy(sealed, packet, size);
        if (!secure_seal(leg, sealed, &size)) {
            count_drop(leg);
            return;
        }
        packet = sealed;
    }
    if (sendto(leg->rtp_fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL, &leg->remote_rtp.any, leg->remote_size) < 0) {
        count_drop(leg);
        return;
    }
    stream->packets++;
    stream->octets += (uint32_t)payload_size;
    count(&leg->packets_sent, 1);
    count(&leg->bytes_sent, size);
    count(&media_total.sent, 1);
}
