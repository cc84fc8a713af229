/*
 * From 8 to 16 kHz and back by half-band filters: what is mixed or transcoded is at 16 kHz, the rate of G.722 and of
 * wideband opus, and G.711 is half of it.
 */
#include <math.h>
#include <string.h>

#include "../private/media_internal.h"

#define TAPS HALFBAND_TAPS /* on each side; every other one, and the rest but the middle are 0 */

static float taps[TAPS];

void resample_start(void)
{
    double sum = 0, values[TAPS];
    for (int i = 0; i < TAPS; i++) {
        int k = 2 * i + 1;
        double window = 0.54 + 0.46 * cos(M_PI * k / (2 * TAPS)); /* Hamming */
        values[i] = (i % 2 ? -1 : 1) / (M_PI * k) * window;
        sum += 2 * values[i];
    }
    for (int i = 0; i < TAPS; i++)
        taps[i] = (float)(values[i] * 0.5 / sum);
}

static int16_t rounded(float value)
{
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : lrintf(value));
}

void resample_up(halfband *h, const int16_t *in, size_t samples, int16_t *out)
{
    enum { PAST = 2 * TAPS - 1 };
    int16_t x[PAST + MEDIA_MAX_SAMPLES];
    if (samples > MEDIA_MAX_SAMPLES)
        samples = MEDIA_MAX_SAMPLES;
    memcpy(x, h->past, PAST * sizeof(*x));
    memcpy(x + PAST, in, samples * sizeof(*x));
    for (size_t i = 0; i < samples; i++) {
        float between = 0;
        for (int k = 0; k < TAPS; k++)
            between += taps[k] * (float)(x[i + TAPS - 1 - (size_t)k] + x[i + TAPS + (size_t)k]);
        out[2 * i] = x[i + TAPS - 1];
        out[2 * i + 1] = rounded(2 * between);
    }
    memcpy(h->past, x + samples, PAST * sizeof(*x));
}

void resample_down(halfband *h, const int16_t *in, size_t samples, int16_t *out)
{
    enum { PAST = 4 * TAPS - 2, MIDDLE = 2 * TAPS - 1 };
    int16_t x[PAST + MEDIA_MAX_SAMPLES];
    if (samples > MEDIA_MAX_SAMPLES)
        samples = MEDIA_MAX_SAMPLES;
    memcpy(x, h->past, PAST * sizeof(*x));
    memcpy(x + PAST, in, samples * sizeof(*x));
    for (size_t i = 0; i < samples / 2; i++) {
        const int16_t *middle = x + 2 * i + MIDDLE;
        float sum = 0.5f * (float)*middle;
        for (int k = 0; k < TAPS; k++)
            sum += taps[k] * (float)(middle[-(2 * k + 1)] + middle[2 * k + 1]);
        out[i] = rounded(sum);
    }
    memcpy(h->past, x + samples, PAST * sizeof(*x));
}
