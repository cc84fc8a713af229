/* Sound encoded once for each configured codec, in frames of 20 ms. */
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

/* An encoder with memory is run over a loop's end first, so that the seam is not heard. */
#define LEAD_IN_FRAMES 10
#define MAX_FRAME_BYTES 512

typedef struct coded {
    uint8_t *data;
    uint32_t *offsets; /* of each frame, and the end */
} coded;

struct clip {
    uint32_t frames;
    coded coded[MEDIA_CODECS];
};

static bool encode(clip *c, media_codec codec, const int16_t *pcm, bool loops)
{
    size_t samples = codec_pcm_rate(codec) / MEDIA_FRAMES_PER_SECOND;
    coded *result = &c->coded[codec];
    coder *encoder = coder_open_encoder(codec);
    uint8_t *data = malloc((size_t)c->frames * MAX_FRAME_BYTES);
    result->offsets = malloc((c->frames + 1) * sizeof(*result->offsets));
    if (encoder == NULL || data == NULL || result->offsets == NULL) {
        coder_close(encoder);
        free(data);
        return false;
    }
    uint32_t lead_in = loops ? (c->frames < LEAD_IN_FRAMES ? c->frames : LEAD_IN_FRAMES) : 0;
    for (uint32_t frame = c->frames - lead_in; frame < c->frames; frame++)
        coder_encode(encoder, pcm + frame * samples, data, MAX_FRAME_BYTES);
    uint32_t used = 0;
    for (uint32_t frame = 0; frame < c->frames; frame++) {
        result->offsets[frame] = used;
        used += (uint32_t)coder_encode(encoder, pcm + frame * samples, data + used, MAX_FRAME_BYTES);
    }
    result->offsets[c->frames] = used;
    coder_close(encoder);
    uint8_t *fitting = realloc(data, used ? used : 1);
    result->data = fitting != NULL ? fitting : data;
    return used != 0;
}

clip *clip_create(uint32_t frames, bool loops, pcm_source source, const void *what)
{
    static const uint32_t rates[] = {8000, 16000, 48000};
    clip *c = calloc(1, sizeof(*c));
    if (c == NULL || frames == 0) {
        free(c);
        return NULL;
    }
    c->frames = frames;
    for (size_t r = 0; r < sizeof(rates) / sizeof(*rates); r++) {
        int16_t *pcm = NULL;
        bool good = true;
        for (int codec = 0; codec < MEDIA_CODECS && good; codec++) {
            if (!codecs_configured((media_codec)codec) || codec_pcm_rate((media_codec)codec) != rates[r])
                continue;
            if (pcm == NULL) {
                size_t samples = (size_t)frames * (rates[r] / MEDIA_FRAMES_PER_SECOND);
                pcm = calloc(samples, sizeof(*pcm));
                if (pcm != NULL)
                    source(what, rates[r], pcm, samples);
            }
            good = pcm != NULL && encode(c, (media_codec)codec, pcm, loops);
        }
        free(pcm);
        if (!good) {
            clip_free(c);
            return NULL;
        }
    }
    return c;
}

void clip_free(clip *c)
{
    if (c == NULL)
        return;
    for (int codec = 0; codec < MEDIA_CODECS; codec++) {
        free(c->coded[codec].data);
        free(c->coded[codec].offsets);
    }
    free(c);
}

uint32_t clip_frames(const clip *c)
{
    return c->frames;
}

const uint8_t *clip_frame(const clip *c, media_codec codec, uint32_t frame, size_t *size)
{
    const coded *source = &c->coded[codec];
    if (source->data == NULL)
        return NULL;
    *size = source->offsets[frame + 1] - source->offsets[frame];
    return source->data + source->offsets[frame];
}
