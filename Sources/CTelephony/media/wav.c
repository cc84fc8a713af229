/* Sound out of WAV files: any rate, mono or stereo (mixed to mono), 16-bit PCM, A-law or µ-law. */
#include <pjlib.h>
#include <pjmedia.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

#define READ_MS 40     /* a whole number of samples at every usual rate, 11,025 Hz included */
#define READ_BUFFER 65536 /* holds READ_MS of any rate */
#define MAX_SECONDS 600 /* what is longer is cut: a minute of music takes 1.5 MB for three 64 kbit/s codecs */

/* A file's sound, kept for as long as a codec may still have to be encoded. */
typedef struct wav {
    struct wav *next;
    int16_t *pcm; /* at the file's rate */
    size_t samples;
    uint32_t rate;
} wav;

static pj_caching_pool pools;
static bool started;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static wav *wavs;

static void fail(const char *path, pj_status_t status, char *error, size_t error_size)
{
    char reason[PJ_ERR_MSG_SIZE];
    pj_strerror(status, reason, sizeof(reason));
    snprintf(error, error_size, "sound file \"%s\": %s", path, reason);
}

/* Reads the file whole, mixing its channels. */
static pj_status_t read_all(pjmedia_port *player, wav *m)
{
    unsigned channels = PJMEDIA_PIA_CCNT(&player->info);
    unsigned frame_samples = PJMEDIA_PIA_SPF(&player->info);
    m->rate = PJMEDIA_PIA_SRATE(&player->info);
    if (channels < 1 || channels > 2)
        return PJMEDIA_EWAVEUNSUPP;
    pj_ssize_t bytes = pjmedia_wav_player_get_len(player);
    size_t limit = bytes > 0 ? (size_t)bytes / channels : 0; /* A-law has a byte a sample: at most so many */
    if (limit > (size_t)m->rate * MAX_SECONDS)
        limit = (size_t)m->rate * MAX_SECONDS;
    size_t per_read = frame_samples / channels;
    m->pcm = calloc(limit + per_read, sizeof(*m->pcm));
    int16_t *buffer = calloc(frame_samples, sizeof(*buffer));
    if (m->pcm == NULL || buffer == NULL) {
        free(buffer);
        return PJ_ENOMEM;
    }
    while (m->samples < limit) {
        pjmedia_frame frame = {.buf = buffer, .size = frame_samples * sizeof(*buffer)};
        if (pjmedia_port_get_frame(player, &frame) != PJ_SUCCESS || frame.type != PJMEDIA_FRAME_TYPE_AUDIO)
            break;
        for (size_t i = 0; i < per_read; i++) {
            int sum = 0;
            for (unsigned channel = 0; channel < channels; channel++)
                sum += buffer[i * channels + channel];
            m->pcm[m->samples++] = (int16_t)(sum / (int)channels);
        }
    }
    free(buffer);
    return m->samples < m->rate / MEDIA_FRAMES_PER_SECOND ? PJMEDIA_EWAVETOOSHORT : PJ_SUCCESS;
}

static void fill(const void *what, uint32_t rate, int16_t *out, size_t samples)
{
    const wav *m = what;
    if (rate == m->rate) {
        memcpy(out, m->pcm, (samples < m->samples ? samples : m->samples) * sizeof(*out));
        return;
    }
    size_t in_frame = m->rate * READ_MS / 1000, out_frame = rate * READ_MS / 1000;
    pj_pool_t *pool = pj_pool_create(&pools.factory, "resample", 16384, 16384, NULL);
    pjmedia_resample *resample = NULL;
    if (pool != NULL)
        pjmedia_resample_create(pool, PJ_TRUE, PJ_FALSE, 1, m->rate, rate, (unsigned)in_frame, &resample);
    if (resample == NULL) {
        if (pool != NULL)
            pj_pool_release(pool);
        return;
    }
    int16_t *buffer = calloc(out_frame + 8, sizeof(*buffer));
    for (size_t in = 0, done = 0; buffer != NULL && in + in_frame <= m->samples && done < samples; in += in_frame) {
        pjmedia_resample_run(resample, m->pcm + in, buffer);
        size_t n = samples - done < out_frame ? samples - done : out_frame;
        memcpy(out + done, buffer, n * sizeof(*out));
        done += n;
    }
    free(buffer);
    pjmedia_resample_destroy(resample);
    pj_pool_release(pool);
}

static pj_status_t read_file(const char *path, wav *file)
{
    pj_pool_t *pool = pj_pool_create(&pools.factory, "wav", 4096, 4096, NULL);
    if (pool == NULL)
        return PJ_ENOMEM;
    pjmedia_port *player = NULL;
    pj_status_t status = pjmedia_wav_player_port_create(
        pool, path, READ_MS, PJMEDIA_FILE_NO_LOOP | PJMEDIA_FILE_NO_LOCK, READ_BUFFER, &player);
    if (status == PJ_SUCCESS)
        status = read_all(player, file);
    if (player != NULL)
        pjmedia_port_destroy(player);
    pj_pool_release(pool);
    return status;
}

clip *wav_create(const char *path, bool loops, char *error, size_t error_size)
{
    clip *result = NULL;
    wav *file = calloc(1, sizeof(*file));
    pj_status_t status = file != NULL ? read_file(path, file) : PJ_ENOMEM;
    if (status == PJ_SUCCESS) {
        pthread_mutex_lock(&lock);
        file->next = wavs;
        wavs = file;
        pthread_mutex_unlock(&lock);
        uint32_t frames = (uint32_t)((uint64_t)file->samples * MEDIA_FRAMES_PER_SECOND / file->rate);
        result = clip_create(frames, loops, fill, file);
        status = result != NULL ? PJ_SUCCESS : PJ_ENOMEM;
    } else if (file != NULL) {
        free(file->pcm);
        free(file);
    }
    if (status != PJ_SUCCESS)
        fail(path, status, error, error_size);
    return result;
}

void wav_start(void)
{
    pj_caching_pool_init(&pools, NULL, 0);
    started = true;
}

void wav_stop(void)
{
    while (wavs != NULL) {
        wav *file = wavs;
        wavs = file->next;
        free(file->pcm);
        free(file);
    }
    if (started)
        pj_caching_pool_destroy(&pools);
    started = false;
}
