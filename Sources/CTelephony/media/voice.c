/*
 * What a leg's peer says as PCM of 16 kHz by the tick: decoded as packets come, put into a ring by its timestamps, and
 * taken out 20 ms at a time, some way behind, so that packets may come unevenly, late or not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

#define RING 8192 /* samples: half a second; a power of two */
#define MIN_DEPTH (MEDIA_WIDE_FRAME)
#define MAX_DEPTH (10 * MEDIA_WIDE_FRAME)
#define JITTERS 3 /* so many times the mean deviation are held ahead */
#define WINDOW_TICKS MEDIA_FRAMES_PER_SECOND

struct voice {
    uint32_t listeners;
    coder *decoders[MEDIA_CODECS];
    /* Sample positions, counted on; RING divides 2^32. */
    uint32_t read, written;
    bool playing; /* else it fills up first */
    /* Where the source's timestamps stand against the positions. */
    bool based;
    uint32_t ssrc, clock_rate, base_ts, base_position;
    uint32_t least_ahead; /* in this window: more than needed is delay */
    uint32_t window;
    uint32_t tick; /* of `frame` */
    bool sounding;
    int16_t frame[MEDIA_WIDE_FRAME];
    int16_t ring[RING];
};

void voice_use(media_leg *leg)
{
    if (leg->voice == NULL) {
        leg->voice = calloc(1, sizeof(voice));
        if (leg->voice == NULL)
            return;
    }
    leg->voice->listeners++;
    offload_touch(leg);
}

void voice_close(media_leg *leg)
{
    voice *v = leg->voice;
    if (v == NULL)
        return;
    for (int codec = 0; codec < MEDIA_CODECS; codec++)
        coder_close(v->decoders[codec]);
    free(v);
    leg->voice = NULL;
    offload_touch(leg);
}

void voice_drop(media_leg *leg)
{
    if (leg->voice != NULL && --leg->voice->listeners == 0)
        voice_close(leg);
}

/* ---------------------------------------------------------------- in */

/* What is missing before `end`: the last frame dying away, then silence. */
static void conceal(voice *v, uint32_t end)
{
    uint32_t start = v->written;
    for (uint32_t p = start; p != end; p++) {
        uint32_t gone = p - start;
        int before = v->ring[(p - MEDIA_WIDE_FRAME) % RING];
        v->ring[p % RING] =
            (int16_t)(gone < MEDIA_WIDE_FRAME ? before * (int)(MEDIA_WIDE_FRAME - gone) / MEDIA_WIDE_FRAME : 0);
    }
}

/* Where a packet's first sample belongs. A source that is new, or has jumped, goes on where the last one ended. */
static uint32_t position_of(voice *v, const rtp_packet *packet, uint32_t clock_rate)
{
    bool dry = !v->playing && v->written == v->read;
    if (v->based && !dry && v->ssrc == packet->ssrc && v->clock_rate == clock_rate) {
        int64_t distance = (int64_t)(int32_t)(packet->ts - v->base_ts) * MEDIA_WIDE_RATE / clock_rate;
        uint32_t position = v->base_position + (uint32_t)distance;
        int32_t ahead = (int32_t)(position - v->read);
        if (ahead > -RING && ahead < RING - MEDIA_MAX_SAMPLES)
            return position;
    }
    v->based = true;
    v->ssrc = packet->ssrc;
    v->clock_rate = clock_rate;
    v->base_ts = packet->ts;
    v->base_position = v->written;
    return v->written;
}

void voice_packet(media_leg *leg, const media_format *format, const rtp_packet *packet)
{
    voice *v = leg->voice;
    coder **decoder = &v->decoders[format->codec];
    if (*decoder == NULL)
        *decoder = coder_open_decoder(format->codec, MEDIA_WIDE_RATE);
    if (*decoder == NULL)
        return;
    int16_t pcm[MEDIA_MAX_SAMPLES];
    size_t samples = coder_decode(*decoder, packet->payload, packet->payload_size, pcm, MEDIA_MAX_SAMPLES);
    if (samples == 0)
        return;
    uint32_t position = position_of(v, packet, format->clock_rate);
    if ((int32_t)(position - v->written) > 0)
        conceal(v, position);
    for (size_t i = 0; i < samples; i++, position++)
        if ((int32_t)(position - v->read) >= 0)
            v->ring[position % RING] = pcm[i];
    if ((int32_t)(position - v->written) > 0)
        v->written = position;
    if (v->written - v->read > RING / 2) /* nobody has taken any for a while */
        v->read = v->written - MAX_DEPTH;
}

/* ---------------------------------------------------------------- out */

static uint32_t depth_of(const media_leg *leg)
{
    const reception *r = &leg->reception;
    uint32_t depth = MIN_DEPTH;
    if (r->clock_rate != 0)
        depth += (uint32_t)((uint64_t)(r->jitter >> 4) * JITTERS * MEDIA_WIDE_RATE / r->clock_rate);
    return depth < MAX_DEPTH ? depth : MAX_DEPTH;
}

/* A frame; two that run into one another where the peer's clock is ahead of ours and has filled the ring. */
static void take(voice *v, bool hurry)
{
    for (uint32_t i = 0; i < MEDIA_WIDE_FRAME; i++) {
        int now = v->ring[(v->read + i) % RING];
        if (hurry) {
            int later = v->ring[(v->read + MEDIA_WIDE_FRAME + i) % RING];
            now += (later - now) * (int)i / MEDIA_WIDE_FRAME;
        }
        v->frame[i] = (int16_t)now;
    }
    v->read += hurry ? 2 * MEDIA_WIDE_FRAME : MEDIA_WIDE_FRAME;
}

/* The ring has run dry: what there was dies away. */
static void fade(voice *v)
{
    conceal(v, v->read + MEDIA_WIDE_FRAME);
    take(v, false);
    v->written = v->read;
    v->playing = false;
}

static bool in_hurry(voice *v, uint32_t ahead, uint32_t depth)
{
    if (ahead < v->least_ahead)
        v->least_ahead = ahead;
    if (++v->window < WINDOW_TICKS)
        return false;
    bool hurry = v->least_ahead > depth + MEDIA_WIDE_FRAME && ahead >= 2 * MEDIA_WIDE_FRAME;
    v->window = 0;
    v->least_ahead = UINT32_MAX;
    return hurry;
}

const int16_t *voice_frame(media_leg *leg, uint32_t tick)
{
    voice *v = leg->voice;
    if (v == NULL)
        return NULL;
    if (v->tick == tick)
        return v->sounding ? v->frame : NULL;
    v->tick = tick;
    uint32_t ahead = v->written - v->read, depth = depth_of(leg);
    v->sounding = true;
    if (!v->playing && ahead >= depth + MEDIA_WIDE_FRAME) {
        v->playing = true;
        v->window = 0;
        v->least_ahead = UINT32_MAX;
    }
    if (v->playing && ahead >= MEDIA_WIDE_FRAME)
        take(v, in_hurry(v, ahead, depth));
    else if (v->playing)
        fade(v);
    else
        v->sounding = false;
    return v->sounding ? v->frame : NULL;
}
