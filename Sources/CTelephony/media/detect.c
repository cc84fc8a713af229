/*
 * Which frequency dominates a sound: windows of 40 ms every 20 ms, a spectrum, and a parabola through the highest
 * three points of its logarithm. Two windows must agree.
 */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

#define RATE 8000
#define WINDOW 320
#define HOP 160
#define POINTS 512
#define LOG2_POINTS 9
#define LOWEST_BIN 8 /* 125 Hz */
#define LOBE 4       /* half the width of the window's main lobe, in bins */
#define DOMINANT 0.6 /* share of the energy */
#define SAME_HZ 8    /* two windows agree, and need not be told anew; a gliding tone moves by so much */
#define SAME_DB 3    /* at the edge of a tone, where a window holds but a part of it, its frequency is not exact */
#define NO_TONE (-1)

struct detector {
    int16_t samples[WINDOW];
    size_t filled;
    int32_t last, reported;
    double last_level;
    bool any;
    double window[WINDOW];
    double complex turns[POINTS / 2];
    double complex spectrum[POINTS];
};

detector *detector_create(void)
{
    detector *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return NULL;
    for (int i = 0; i < WINDOW; i++)
        d->window[i] = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / WINDOW);
    for (int i = 0; i < POINTS / 2; i++)
        d->turns[i] = cexp(-2 * M_PI * I * i / POINTS);
    return d;
}

void detector_free(detector *d)
{
    free(d);
}

void detector_reset(detector *d)
{
    d->filled = 0;
    d->last = d->reported = 0;
}

/* Radix 2, decimation in time. */
static void transform(detector *d)
{
    double complex *x = d->spectrum;
    for (unsigned i = 0; i < POINTS; i++) {
        unsigned reversed = 0;
        for (unsigned bit = 0; bit < LOG2_POINTS; bit++)
            reversed |= (i >> bit & 1) << (LOG2_POINTS - 1 - bit);
        x[reversed] = i < WINDOW ? d->samples[i] * d->window[i] : 0;
    }
    for (unsigned half = 1; half < POINTS; half *= 2) {
        for (unsigned start = 0; start < POINTS; start += 2 * half) {
            for (unsigned k = 0; k < half; k++) {
                double complex odd = x[start + k + half] * d->turns[k * (POINTS / 2 / half)];
                x[start + k + half] = x[start + k] - odd;
                x[start + k] += odd;
            }
        }
    }
}

static double level_of(const int16_t *samples)
{
    double energy = 0;
    for (int i = 0; i < WINDOW; i++)
        energy += (double)samples[i] * samples[i];
    double rms = sqrt(energy / WINDOW);
    return rms < 1 ? -100 : 20 * log10(rms / (tone_amplitude(0) / M_SQRT2));
}

static int32_t frequency_of(detector *d)
{
    transform(d);
    double power[POINTS / 2], total = 0;
    int peak = LOWEST_BIN;
    for (int i = 0; i < POINTS / 2; i++) {
        power[i] = creal(d->spectrum[i]) * creal(d->spectrum[i]) + cimag(d->spectrum[i]) * cimag(d->spectrum[i]);
        total += power[i];
        if (i >= LOWEST_BIN && i < POINTS / 2 - 1 && power[i] > power[peak])
            peak = i;
    }
    double lobe = 0;
    for (int i = peak - LOBE; i <= peak + LOBE && i < POINTS / 2; i++)
        lobe += power[i];
    if (lobe < DOMINANT * total)
        return NO_TONE;
    double before = log(power[peak - 1] + 1), at = log(power[peak] + 1), after = log(power[peak + 1] + 1);
    double curve = before - 2 * at + after;
    double offset = curve != 0 ? 0.5 * (before - after) / curve : 0;
    return (int32_t)lrint((peak + offset) * RATE / POINTS);
}

static bool same(int32_t a, int32_t b)
{
    if (a <= 0 || b <= 0)
        return a == b;
    return abs(a - b) <= SAME_HZ;
}

bool detector_feed(detector *d, const int16_t *pcm, size_t samples, int32_t *hz, int32_t *level_db)
{
    bool changed = false;
    while (samples > 0) {
        size_t n = samples < WINDOW - d->filled ? samples : WINDOW - d->filled;
        memcpy(d->samples + d->filled, pcm, n * sizeof(*pcm));
        d->filled += n;
        pcm += n;
        samples -= n;
        if (d->filled < WINDOW)
            break;
        double level = level_of(d->samples);
        int32_t heard = level < SILENCE_DBM0 ? 0 : frequency_of(d);
        bool agreed = d->any && same(heard, d->last) && (heard <= 0 || fabs(level - d->last_level) <= SAME_DB);
        d->last = heard;
        d->last_level = level;
        d->any = true;
        if (agreed && !same(heard, d->reported)) {
            d->reported = *hz = heard;
            *level_db = (int32_t)lrint(level);
            changed = true;
        }
        memmove(d->samples, d->samples + HOP, (WINDOW - HOP) * sizeof(*pcm));
        d->filled = WINDOW - HOP;
    }
    return changed;
}
