/* Ringback, dial tone, the finite tones of telephony.h and test phones' sines. */
#include <math.h>

#include "../private/media_internal.h"

#define LEVEL_DBM0 (-16.0)
#define SOFT_DBM0 (-26.0)
#define RAMP_S 0.005 /* no click at a tone's edges */
#define MAX_PARTS 6
/*
 * Each begins with a frame of silence: a G.722 decoder's step size follows what it heard last, and a tone from an
 * encoder that started afresh would begin with a loud crack.
 */
#define SETTLE_MS MEDIA_FRAME_MS

/* One part of a cadence: a sine, gliding from one frequency to another, or silence. */
typedef struct part {
    uint16_t ms;
    uint16_t hz, hz_end; /* 0: silence */
} part;

typedef struct cadence {
    double dbm0;
    part parts[MAX_PARTS];
} cadence;

static const cadence cadences[] = {
    [TEL_TONE_ERROR] = {LEVEL_DBM0, {{400, 350, 350}}},
    [TEL_TONE_REJECTED] = {LEVEL_DBM0, {{200, 620, 620}, {100, 0, 0}, {200, 620, 620}, {100, 0, 0}, {200, 620, 620}}},
    [TEL_TONE_NO_ANSWER] = {LEVEL_DBM0, {{400, 480, 480}, {200, 0, 0}, {400, 480, 480}}},
    [TEL_TONE_UNREACHABLE] = {LEVEL_DBM0, {{330, 950, 950}, {330, 1400, 1400}, {330, 1800, 1800}}},
    [TEL_TONE_CALLER_GONE] = {LEVEL_DBM0, {{250, 1400, 1400}, {250, 700, 700}}},
    [TEL_TONE_COMFORT] = {SOFT_DBM0, {{150, 440, 440}}},
    [TEL_TONE_APOLOGY] = {LEVEL_DBM0, {{500, 480, 300}, {150, 0, 0}, {500, 480, 300}, {150, 0, 0}, {500, 480, 300}}},
};

static const cadence ringback = {LEVEL_DBM0, {{1000, 425, 425}, {4000 - SETTLE_MS, 0, 0}}};

double tone_amplitude(double dbm0)
{
    return 32124.0 * pow(10, (dbm0 - 3.14) / 20);
}

static void fill_part(const part *p, double amplitude, uint32_t rate, int16_t *out, size_t samples)
{
    size_t ramp = (size_t)(RAMP_S * rate);
    double phase = 0;
    for (size_t i = 0; i < samples; i++) {
        size_t edge = i < samples - 1 - i ? i : samples - 1 - i;
        double level = edge < ramp ? (double)edge / (double)ramp : 1;
        out[i] = (int16_t)lrint(amplitude * level * sin(phase));
        double hz = p->hz + (double)(p->hz_end - p->hz) * (double)i / (double)samples;
        phase += 2 * M_PI * hz / rate;
    }
}

static uint32_t cadence_ms(const cadence *c)
{
    uint32_t ms = SETTLE_MS;
    for (size_t i = 0; i < MAX_PARTS; i++)
        ms += c->parts[i].ms;
    return ms;
}

static void fill_cadence(const void *what, uint32_t rate, int16_t *out, size_t samples)
{
    const cadence *c = what;
    size_t done = SETTLE_MS * rate / 1000;
    for (size_t i = 0; i < MAX_PARTS; i++) {
        size_t length = (size_t)c->parts[i].ms * rate / 1000;
        if (length > samples - done)
            length = samples - done;
        if (c->parts[i].hz != 0)
            fill_part(&c->parts[i], tone_amplitude(c->dbm0), rate, out + done, length);
        done += length;
    }
}

static clip *create(const cadence *c, bool loops)
{
    return clip_create((cadence_ms(c) + MEDIA_FRAME_MS - 1) / MEDIA_FRAME_MS, loops, fill_cadence, c);
}

clip *tone_create(tel_tone tone)
{
    return create(&cadences[tone], false);
}

clip *tone_create_ringback(void)
{
    return create(&ringback, true);
}

static void fill_sine(const void *what, uint32_t rate, int16_t *out, size_t samples)
{
    uint32_t hz = (uint32_t)(uintptr_t)what;
    double amplitude = tone_amplitude(LEVEL_DBM0);
    for (size_t i = 0; i < samples; i++)
        out[i] = (int16_t)lrint(amplitude * sin(2 * M_PI * hz * (double)i / rate));
}

clip *tone_create_continuous(uint32_t hz)
{
    /* A second: whole periods of any whole Hz. */
    return clip_create(MEDIA_FRAMES_PER_SECOND, true, fill_sine, (const void *)(uintptr_t)hz);
}
