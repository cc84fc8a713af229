/*
 * The built-in music: a slow pentatonic air in just intonation, plain enough to be recognised by its notes. No note is
 * near a frequency that telephony or the tests give a meaning to.
 */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "../private/media_internal.h"

#define LEVEL_DBM0 (-17.0) /* at a note's beginning; about -20 over the whole */
#define BEAT_MS 480
#define ATTACK_S 0.025
#define RELEASE_S 0.030
#define DECAY_PER_S 1.1
#define SECOND_PARTIAL 0.10
#define THIRD_PARTIAL 0.03

/* Sixth below, fourth below, tonic, second, third, fifth, sixth, octave. */
static const uint32_t notes[] = {322, 386, 515, 579, 644, 772, 858, 1030, 0};

/* Index into `notes`, and beats. */
static const uint8_t air[][2] = {
    {2, 1}, {4, 1}, {5, 2}, {6, 1}, {5, 1}, {4, 2}, {3, 1}, {4, 1}, {5, 1}, {3, 1}, {2, 2}, {1, 2},
    {2, 1}, {3, 1}, {4, 2}, {5, 1}, {6, 1}, {7, 2}, {6, 1}, {5, 1}, {4, 1}, {3, 1}, {2, 2}, {0, 2},
    {1, 1}, {2, 1}, {3, 2}, {4, 1}, {3, 1}, {2, 2}, {1, 1}, {2, 1}, {4, 1}, {3, 1}, {2, 4},
};
#define AIR_NOTES (sizeof(air) / sizeof(*air))

const uint32_t *tel_melody(void)
{
    return notes;
}

/* A decaying partial: a complex number turned and shrunk a little at each sample, which is cheaper than sin and exp. */
static double complex step_of(double hz, uint32_t rate)
{
    return cexp((-DECAY_PER_S + 2 * M_PI * hz * I) / rate);
}

static void fill_note(uint32_t hz, uint32_t rate, int16_t *out, size_t samples)
{
    static const double strengths[] = {1, SECOND_PARTIAL, THIRD_PARTIAL};
    double complex partials[3], steps[3];
    for (int p = 0; p < 3; p++) {
        partials[p] = strengths[p] * tone_amplitude(LEVEL_DBM0);
        steps[p] = step_of(hz * (p + 1.0), rate);
    }
    double attack = ATTACK_S * rate, release = RELEASE_S * rate;
    for (size_t i = 0; i < samples; i++) {
        double wave = cimag(partials[0]) + cimag(partials[1]) + cimag(partials[2]);
        if ((double)i < attack)
            wave *= (double)i / attack;
        if ((double)(samples - i) < release)
            wave *= (double)(samples - i) / release;
        out[i] = (int16_t)wave;
        for (int p = 0; p < 3; p++)
            partials[p] *= steps[p];
    }
}

static void fill_air(const void *what, uint32_t rate, int16_t *out, size_t samples)
{
    (void)what;
    size_t done = 0;
    for (size_t i = 0; i < AIR_NOTES; i++) {
        size_t length = (size_t)air[i][1] * BEAT_MS * rate / 1000;
        if (length > samples - done)
            length = samples - done;
        fill_note(notes[air[i][0]], rate, out + done, length);
        done += length;
    }
}

clip *melody_create(void)
{
    uint32_t beats = 0;
    for (size_t i = 0; i < AIR_NOTES; i++)
        beats += air[i][1];
    return clip_create(beats * BEAT_MS / MEDIA_FRAME_MS, true, fill_air, NULL);
}
