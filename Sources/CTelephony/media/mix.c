/*
 * Several voices on one leg: their sum, encoded for it at each tick. Who is in the sum is the route's affair, so that
 * nobody hears themselves.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

#define CEILING 32000.0f
#define RECOVERY 0.02f /* of what is missing to full strength, a frame: half of it within 0.7 s */

struct mix {
    tel_leg_id voices[TEL_MAX_VOICES];
    coder *encoder;
    media_codec codec; /* the encoder's */
    float gain;        /* under 1 after a sum that was too loud */
};

static media_leg *voice_leg(tel_leg_id id)
{
    media_leg *leg = id != 0 ? media_leg_at(tel_slot(id)) : NULL;
    return leg != NULL && leg->id == id && !leg->closed ? leg : NULL;
}

static void drop_voices(const tel_leg_id *voices)
{
    for (int i = 0; i < TEL_MAX_VOICES; i++) {
        media_leg *leg = voice_leg(voices[i]);
        if (leg != NULL)
            voice_drop(leg);
    }
}

void mix_set(media_leg *leg, const tel_leg_id *voices)
{
    if (leg->mix == NULL) {
        leg->mix = calloc(1, sizeof(mix));
        if (leg->mix == NULL)
            return;
        leg->mix->gain = 1;
    }
    tel_leg_id before[TEL_MAX_VOICES];
    memcpy(before, leg->mix->voices, sizeof(before));
    for (int i = 0; i < TEL_MAX_VOICES; i++) {
        media_leg *voice = media_leg_of(voices[i]);
        leg->mix->voices[i] = voice != NULL ? voices[i] : 0;
        if (voice != NULL)
            voice_use(voice);
    }
    drop_voices(before); /* after the new ones, so that those who stay keep their rings */
    play_wake(leg);
}

bool mix_is(const media_leg *leg, const tel_leg_id *voices)
{
    return leg->mix != NULL && memcmp(leg->mix->voices, voices, sizeof(leg->mix->voices)) == 0;
}

void mix_close(media_leg *leg)
{
    if (leg->mix == NULL)
        return;
    drop_voices(leg->mix->voices);
    coder_close(leg->mix->encoder);
    free(leg->mix);
    leg->mix = NULL;
}

/* Where the sum is too loud all of it becomes softer at once, and comes back slowly: a clipped sum crackles. */
static void limit(mix *m, const int32_t *sum, int16_t *out)
{
    int32_t peak = 0;
    for (int i = 0; i < MEDIA_WIDE_FRAME; i++)
        peak = abs(sum[i]) > peak ? abs(sum[i]) : peak;
    float gain = m->gain + (1 - m->gain) * RECOVERY;
    if ((float)peak * gain > CEILING)
        gain = CEILING / (float)peak;
    float loudest = gain < m->gain ? gain : m->gain; /* down within no time, up along the frame */
    for (int i = 0; i < MEDIA_WIDE_FRAME; i++) {
        float now = loudest + (gain - loudest) * (float)i / MEDIA_WIDE_FRAME;
        out[i] = (int16_t)lrintf((float)sum[i] * now);
    }
    m->gain = gain;
}

static bool ready_encoder(mix *m, media_codec codec)
{
    if (m->encoder != NULL && m->codec == codec)
        return true;
    coder_close(m->encoder);
    m->encoder = coder_open_encoder(codec, MEDIA_WIDE_RATE);
    m->codec = codec;
    return m->encoder != NULL;
}

void mix_tick(media_leg *leg, uint32_t tick, bool silent, int64_t now)
{
    mix *m = leg->mix;
    int32_t sum[MEDIA_WIDE_FRAME] = {0};
    for (int i = 0; i < TEL_MAX_VOICES; i++) {
        media_leg *from = voice_leg(m->voices[i]);
        const int16_t *frame = from != NULL ? voice_frame(from, tick) : NULL;
        for (int k = 0; frame != NULL && k < MEDIA_WIDE_FRAME; k++)
            sum[k] += frame[k];
    }
    if (silent || !leg_can_send(leg) || !ready_encoder(m, leg->formats[0].codec))
        return;
    int16_t pcm[MEDIA_WIDE_FRAME];
    uint8_t payload[MEDIA_MAX_PAYLOAD];
    limit(m, sum, pcm);
    size_t size = coder_encode(m->encoder, pcm, payload, sizeof(payload));
    if (size > 0)
        play_payload(leg, m, payload, size, now);
}
