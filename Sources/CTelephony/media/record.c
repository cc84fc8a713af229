/* A WAV file of what a leg receives: 8 kHz, mono, 16 bits; silence where nothing came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

#define RATE 8000
#define HEADER 44
#define GAP_SAMPLES (RATE / 10) /* so much too little, and silence is put in */

struct recording {
    FILE *file;
    int64_t started_us;
    uint64_t samples;
};

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void write_header(recording *r)
{
    uint8_t header[HEADER];
    uint32_t bytes = (uint32_t)(r->samples * 2);
    memcpy(header, "RIFF    WAVEfmt ", 16);
    put(header + 4, bytes + HEADER - 8, 4);
    put(header + 16, 16, 4);
    put(header + 20, 1, 2); /* PCM */
    put(header + 22, 1, 2);
    put(header + 24, RATE, 4);
    put(header + 28, RATE * 2, 4);
    put(header + 32, 2, 2);
    put(header + 34, 16, 2);
    memcpy(header + 36, "data", 4);
    put(header + 40, bytes, 4);
    fwrite(header, 1, sizeof(header), r->file);
}

recording *recording_create(FILE *file, int64_t now)
{
    recording *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        fclose(file);
        return NULL;
    }
    r->file = file;
    r->started_us = now;
    write_header(r);
    return r;
}

void recording_write(recording *r, const int16_t *pcm, size_t samples, int64_t now)
{
    static const int16_t silence[RATE / MEDIA_FRAMES_PER_SECOND];
    const size_t frame = sizeof(silence) / sizeof(*silence);
    uint64_t due = (uint64_t)(now - r->started_us) * RATE / 1000000;
    if (due > r->samples + samples + GAP_SAMPLES)
        for (; r->samples + samples + frame <= due; r->samples += frame)
            fwrite(silence, sizeof(*silence), frame, r->file);
    fwrite(pcm, sizeof(*pcm), samples, r->file);
    r->samples += samples;
}

void recording_close(recording *r)
{
    if (r == NULL)
        return;
    rewind(r->file);
    write_header(r);
    fclose(r->file);
    free(r);
}
