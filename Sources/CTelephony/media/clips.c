/*
 * Sound encoded once for each codec in use, in frames of 20 ms. G.711 is a table and is done at once; the others take
 * tenths of a second for a melody, so each is done by a thread of its own when the first leg agrees on it.
 */
#include <pjlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

/* An encoder with memory is run over a loop's end first, so that the seam is not heard. */
#define LEAD_IN_FRAMES 10
#define MAX_FRAME_BYTES 512

typedef struct coded {
    uint8_t *data;
    uint32_t offsets[]; /* of each frame, and the end */
} coded;

struct clip {
    struct clip *next;
    uint32_t frames;
    bool loops;
    pcm_source source;
    const void *what;
    _Atomic(coded *) coded[MEDIA_CODECS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static clip *clips; /* the newest first: what is short comes before music */
static bool needed[MEDIA_CODECS];
static bool encoding[MEDIA_CODECS]; /* by `encoders` */
static pthread_t encoders[MEDIA_CODECS];

static void coded_free(coded *c)
{
    if (c != NULL)
        free(c->data);
    free(c);
}

static uint32_t encode_frames(const clip *c, coder *encoder, const int16_t *pcm, size_t samples, coded *result)
{
    uint32_t lead_in = c->loops ? (c->frames < LEAD_IN_FRAMES ? c->frames : LEAD_IN_FRAMES) : 0;
    for (uint32_t frame = c->frames - lead_in; frame < c->frames; frame++)
        coder_encode(encoder, pcm + frame * samples, result->data, MAX_FRAME_BYTES);
    uint32_t used = 0;
    for (uint32_t frame = 0; frame < c->frames; frame++) {
        result->offsets[frame] = used;
        used += (uint32_t)coder_encode(encoder, pcm + frame * samples, result->data + used, MAX_FRAME_BYTES);
    }
    result->offsets[c->frames] = used;
    return used;
}

static coded *encode(const clip *c, media_codec codec)
{
    size_t samples = codec_pcm_rate(codec) / MEDIA_FRAMES_PER_SECOND;
    coder *encoder = coder_open_encoder(codec, codec_pcm_rate(codec));
    int16_t *pcm = calloc(c->frames * samples, sizeof(*pcm));
    coded *result = calloc(1, sizeof(*result) + (c->frames + 1) * sizeof(*result->offsets));
    if (result != NULL)
        result->data = malloc((size_t)c->frames * MAX_FRAME_BYTES);
    uint32_t used = 0;
    if (encoder != NULL && pcm != NULL && result != NULL && result->data != NULL) {
        c->source(c->what, codec_pcm_rate(codec), pcm, c->frames * samples);
        used = encode_frames(c, encoder, pcm, samples, result);
    }
    coder_close(encoder);
    free(pcm);
    if (used == 0) {
        coded_free(result);
        return NULL;
    }
    uint8_t *fitting = realloc(result->data, used);
    if (fitting != NULL)
        result->data = fitting;
    return result;
}

/* Encodes and publishes, unless another thread has been faster. */
static bool provide(clip *c, media_codec codec)
{
    if (atomic_load(&c->coded[codec]) != NULL)
        return true;
    coded *result = encode(c, codec), *none = NULL;
    if (result == NULL)
        return false;
    if (!atomic_compare_exchange_strong(&c->coded[codec], &none, result))
        coded_free(result);
    return true;
}

clip *clip_create(uint32_t frames, bool loops, pcm_source source, const void *what)
{
    clip *c = frames != 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL)
        return NULL;
    c->frames = frames;
    c->loops = loops;
    c->source = source;
    c->what = what;
    bool wanted[MEDIA_CODECS];
    pthread_mutex_lock(&lock);
    c->next = clips;
    clips = c;
    memcpy(wanted, needed, sizeof(wanted));
    pthread_mutex_unlock(&lock);
    bool complete = true;
    for (int codec = 0; codec < MEDIA_CODECS; codec++)
        complete = (!wanted[codec] || provide(c, (media_codec)codec)) && complete;
    return complete ? c : NULL;
}

static void *encode_all(void *argument)
{
    media_codec codec = (media_codec)(intptr_t)argument;
    pj_thread_desc descriptor;
    pj_thread_t *self;
    memset(descriptor, 0, sizeof(descriptor));
    pj_thread_register("clips", descriptor, &self);
    pthread_mutex_lock(&lock);
    clip *c = clips;
    pthread_mutex_unlock(&lock);
    for (; c != NULL; c = c->next) /* none is freed before clips_stop, which waits for this thread */
        provide(c, codec);
    return NULL;
}

void clips_need(media_codec codec)
{
    pthread_mutex_lock(&lock);
    if (!needed[codec] && clips != NULL) {
        needed[codec] = true;
        encoding[codec] = pthread_create(&encoders[codec], NULL, encode_all, (void *)(intptr_t)codec) == 0;
    }
    pthread_mutex_unlock(&lock);
}

void clips_start(void)
{
    for (int codec = 0; codec < MEDIA_CODECS; codec++)
        needed[codec] = codecs_configured((media_codec)codec) && codec_is_table((media_codec)codec);
}

void clips_stop(void)
{
    for (int codec = 0; codec < MEDIA_CODECS; codec++) {
        if (encoding[codec])
            pthread_join(encoders[codec], NULL);
        encoding[codec] = false;
    }
    while (clips != NULL) {
        clip *c = clips;
        clips = c->next;
        for (int codec = 0; codec < MEDIA_CODECS; codec++)
            coded_free(c->coded[codec]);
        free(c);
    }
}

uint32_t clip_frames(const clip *c)
{
    return c->frames;
}

const uint8_t *clip_frame(const clip *c, media_codec codec, uint32_t frame, size_t *size)
{
    const coded *source = atomic_load_explicit(&c->coded[codec], memory_order_acquire);
    if (source == NULL)
        return NULL;
    *size = source->offsets[frame + 1] - source->offsets[frame];
    return source->data + source->offsets[frame];
}
