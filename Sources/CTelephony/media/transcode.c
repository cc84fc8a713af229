/*
 * The relay between legs without a common codec: each packet is decoded and goes on, encoded anew in frames of 20 ms, as
 * soon as it has come. Nothing is held back: losses and jitter stay what they were.
 */
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

#define MAX_SKIPPED_MS 10000 /* a longer silence, or a jump, is a new beginning */

struct transcoder {
    media_codec in, out;
    coder *decoder, *encoder;
    int16_t pcm[MEDIA_WIDE_FRAME + MEDIA_MAX_SAMPLES];
    size_t filled;
    uint32_t next_in; /* the timestamp that follows on the last packet's */
    uint32_t ts;      /* of the next frame */
};

void transcode_close(media_leg *leg)
{
    if (leg->transcoder == NULL)
        return;
    coder_close(leg->transcoder->decoder);
    coder_close(leg->transcoder->encoder);
    free(leg->transcoder);
    leg->transcoder = NULL;
}

static transcoder *between(media_leg *to, media_codec in, media_codec out)
{
    transcoder *t = to->transcoder;
    if (t != NULL && t->in == in && t->out == out)
        return t->decoder != NULL && t->encoder != NULL ? t : NULL;
    transcode_close(to);
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    to->transcoder = t;
    t->in = in;
    t->out = out;
    t->decoder = coder_open_decoder(in, MEDIA_WIDE_RATE);
    t->encoder = coder_open_encoder(out, MEDIA_WIDE_RATE);
    return t->decoder != NULL && t->encoder != NULL ? t : NULL;
}

static void begin(transcoder *t, media_leg *to, const media_leg *from, const rtp_packet *packet, out_stream *stream,
                  const media_format *format, int64_t now)
{
    to->feed = (feed){
        .kind = FEED_TRANSCODED,
        .leg = from->id,
        .ssrc = packet->ssrc,
        .stream = stream,
        .seq_highest = packet->seq,
    };
    t->filled = 0;
    t->next_in = packet->ts;
    t->ts = stream_resume(stream, format->clock_rate, now);
}

/* The time that has passed without a packet shows in the output; lost packets in its numbers, too. True: only silence. */
static bool skip_gap(transcoder *t, out_stream *stream, const rtp_packet *packet, uint32_t missing, uint32_t rate_in,
                     uint32_t rate_out)
{
    uint32_t gap = packet->ts - t->next_in;
    if (gap == 0)
        return false;
    t->filled = 0;
    uint32_t gap_out = (uint32_t)((uint64_t)gap * rate_out / rate_in);
    t->ts += gap_out;
    uint32_t frames = gap_out / (rate_out / MEDIA_FRAMES_PER_SECOND);
    stream->seq = (uint16_t)(stream->seq + (missing < frames ? missing : frames));
    return missing == 0;
}

static void send_frames(transcoder *t, media_leg *to, out_stream *stream, const media_format *format, bool marker,
                        int64_t now)
{
    size_t done = 0;
    for (; t->filled - done >= MEDIA_WIDE_FRAME; done += MEDIA_WIDE_FRAME) {
        uint8_t packet[RTP_HEADER + MEDIA_MAX_PAYLOAD];
        size_t size = coder_encode(t->encoder, t->pcm + done, packet + RTP_HEADER, MEDIA_MAX_PAYLOAD);
        packet[0] = 0x80;
        stream_header(packet, format->tx_pt, marker, stream->seq++, t->ts, stream->ssrc);
        stream->ts = t->ts;
        stream->step = format->clock_rate / MEDIA_FRAMES_PER_SECOND;
        stream->sent_us = now;
        t->ts += stream->step;
        marker = false;
        if (size > 0)
            stream_send(to, stream, packet, RTP_HEADER + size);
    }
    t->filled -= done;
    memmove(t->pcm, t->pcm + done, t->filled * sizeof(*t->pcm));
}

void transcode(media_leg *to, media_leg *from, const media_format *in, const rtp_packet *packet, int64_t now)
{
    const media_format *format = &to->formats[0];
    transcoder *t = between(to, in->codec, format->codec);
    if (t == NULL) {
        relay_drop(from);
        return;
    }
    out_stream *stream = stream_of(to, format->clock_rate);
    feed *f = &to->feed;
    int16_t ahead = (int16_t)(packet->seq - f->seq_highest);
    bool goes_on = f->kind == FEED_TRANSCODED && f->leg == from->id && f->ssrc == packet->ssrc && f->stream == stream &&
                   ahead > -RTP_MAX_MISORDER && ahead < RTP_MAX_DROPOUT;
    if (goes_on && ahead <= 0) {
        relay_drop(from); /* late: what comes after it has been sent */
        return;
    }
    if (goes_on && packet->ts - t->next_in > (uint64_t)in->clock_rate * MAX_SKIPPED_MS / 1000)
        goes_on = false;
    bool marker = !goes_on;
    if (goes_on)
        marker = skip_gap(t, stream, packet, (uint32_t)(ahead - 1), in->clock_rate, format->clock_rate);
    else
        begin(t, to, from, packet, stream, format, now);
    f->seq_highest = packet->seq;
    size_t samples =
        coder_decode(t->decoder, packet->payload, packet->payload_size, t->pcm + t->filled, MEDIA_MAX_SAMPLES);
    t->filled += samples;
    t->next_in = packet->ts + (uint32_t)(samples * in->clock_rate / MEDIA_WIDE_RATE);
    count(&to->packets_transcoded, 1);
    send_frames(t, to, stream, format, marker, now);
}
