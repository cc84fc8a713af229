/*
 * The built-in music: a slow pentatonic air in just intonation, plain enough to be recognised by its notes. No note is
 * near a frequency that telephony or the tests give a meaning to.
 */
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

static void fill_note(uint32_t hz, uint32_t rate, int16_t *out, size_t samples)
{
    double amplitude = tone_amplitude(LEVEL_DBM0);
    double length = (double)samples / rate;
    for (size_t i = 0; i < samples; i++) {
        double at = (double)i / rate, left = length - at;
        double level = exp(-DECAY_PER_S * at);
        if (at < ATTACK_S)
            level *= at / ATTACK_S;
        if (left < RELEASE_S)
            level *= left / RELEASE_S;
        double phase = 2 * M_PI * hz * at;
        double wave = sin(phase) + SECOND_PARTIAL * sin(2 * phase) + THIRD_PARTIAL * sin(3 * phase);
        out[i] = (int16_t)lrint(amplitude * level * wave);
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
