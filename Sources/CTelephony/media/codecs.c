/* Encoding of clips and decoding of what test phones hear, over pjmedia's codecs. */
#include <pjlib.h>
#include <pjmedia.h>
#include <pjmedia/alaw_ulaw.h>
#include <pjmedia-codec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

/* Enough for opus to use its transform coder, whose frames lean little on those before: clips begin anywhere. */
#define OPUS_BITS_PER_SECOND 80000
#define G722_BLOCK 80 /* bytes: pjmedia's decoder takes 10 ms at a time */
#define G722_SCALE 4 /* G.722 is of 14 bits */
#define G711_RATE 8000
#define G711_FRAME (G711_RATE / MEDIA_FRAMES_PER_SECOND)
#define MAX_DECODED (48 * 120) /* 120 ms, the longest opus packet, at 48 kHz */

struct coder {
    media_codec codec;
    pjmedia_codec *handle; /* NULL for G.711, which is a table */
    uint32_t rate;         /* of the PCM */
    halfband filter;       /* G.711 at another rate than its own */
};

static const struct {
    const char *name, *id;
    uint32_t pcm_rate;
} known[MEDIA_CODECS] = {
    [MEDIA_PCMA] = {"PCMA", NULL, 8000},
    [MEDIA_PCMU] = {"PCMU", NULL, 8000},
    [MEDIA_G722] = {"G722", "G722", 16000},
    [MEDIA_OPUS] = {"opus", "opus", 16000}, /* wideband is plenty for music on hold, and shares G.722's PCM */
};

static pj_caching_pool pools;
static pj_pool_t *pool;
static pj_ioqueue_t *queue;
static pjmedia_endpt *endpoint;
static bool configured[MEDIA_CODECS];

static pj_status_t open_endpoint(void)
{
    pj_caching_pool_init(&pools, NULL, 0);
    pool = pj_pool_create(&pools.factory, "codecs", 1024, 1024, NULL);
    if (pool == NULL)
        return PJ_ENOMEM;
    /* pjmedia's own ioqueue would be of the largest size; nothing of ours uses it. */
    pj_status_t status = pj_ioqueue_create(pool, 1, &queue);
    if (status == PJ_SUCCESS)
        status = pjmedia_endpt_create2(&pools.factory, queue, 0, &endpoint);
    if (status == PJ_SUCCESS)
        status = pjmedia_codec_g722_init(endpoint);
    if (status == PJ_SUCCESS)
        status = pjmedia_codec_g722_set_pcm_shift(0); /* it stops scaling for good after one click: we scale */
    if (status == PJ_SUCCESS)
        status = pjmedia_codec_opus_init(endpoint);
    return status;
}

tel_result codecs_start(const tel_config *config, char *error, size_t error_size)
{
    memset(configured, 0, sizeof(configured));
    resample_start();
    for (size_t i = 0; i < config->codec_count; i++) {
        int codec = 0;
        while (codec < MEDIA_CODECS && strcasecmp(config->codecs[i], known[codec].name) != 0)
            codec++;
        if (codec == MEDIA_CODECS) {
            snprintf(error, error_size, "unknown codec \"%s\"", config->codecs[i]);
            return TEL_ERR_INVALID;
        }
        configured[codec] = true;
    }
    pj_status_t status = open_endpoint();
    if (status != PJ_SUCCESS) {
        char reason[PJ_ERR_MSG_SIZE];
        pj_strerror(status, reason, sizeof(reason));
        snprintf(error, error_size, "pjmedia's codecs cannot be used: %s", reason);
        codecs_stop();
        return TEL_ERR_SYSTEM;
    }
    return TEL_OK;
}

void codecs_stop(void)
{
    if (endpoint != NULL) {
        pjmedia_codec_opus_deinit();
        pjmedia_codec_g722_deinit();
        pjmedia_endpt_destroy2(endpoint);
    }
    if (queue != NULL)
        pj_ioqueue_destroy(queue);
    if (pool != NULL) {
        pj_pool_release(pool);
        pj_caching_pool_destroy(&pools);
    }
    endpoint = NULL;
    queue = NULL;
    pool = NULL;
}

bool codecs_configured(media_codec codec)
{
    return configured[codec];
}

bool codec_is_table(media_codec codec)
{
    return known[codec].id == NULL;
}

uint32_t codec_pcm_rate(media_codec codec)
{
    return known[codec].pcm_rate;
}

static pjmedia_codec *open_codec(media_codec codec, uint32_t rate)
{
    pjmedia_codec_mgr *manager = pjmedia_endpt_get_codec_mgr(endpoint);
    const pj_str_t id = pj_str((char *)known[codec].id);
    const pjmedia_codec_info *info;
    unsigned found = 1;
    pjmedia_codec_param param;
    pjmedia_codec *handle;
    if (pjmedia_codec_mgr_find_codecs_by_id(manager, &id, &found, &info, NULL) != PJ_SUCCESS || found == 0 ||
        pjmedia_codec_mgr_get_default_param(manager, info, &param) != PJ_SUCCESS ||
        pjmedia_codec_mgr_alloc_codec(manager, info, &handle) != PJ_SUCCESS)
        return NULL;
    param.setting.vad = 0;
    param.setting.plc = 0;
    if (codec == MEDIA_OPUS) {
        param.info.clock_rate = rate;
        param.info.channel_cnt = 1;
        param.info.frm_ptime = MEDIA_FRAME_MS;
        param.info.frm_ptime_denum = 1;
        param.info.avg_bps = OPUS_BITS_PER_SECOND;
    }
    if (pjmedia_codec_init(handle, pool) != PJ_SUCCESS || pjmedia_codec_open(handle, &param) != PJ_SUCCESS ||
        (codec == MEDIA_OPUS && pjmedia_codec_modify(handle, &param) != PJ_SUCCESS)) {
        pjmedia_codec_mgr_dealloc_codec(manager, handle);
        return NULL;
    }
    return handle;
}

static coder *open_coder(media_codec codec, uint32_t rate, uint32_t codec_rate)
{
    coder *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->codec = codec;
    c->rate = rate;
    if (codec_is_table(codec))
        return c;
    c->handle = open_codec(codec, codec_rate);
    if (c->handle != NULL)
        return c;
    free(c);
    return NULL;
}

coder *coder_open_encoder(media_codec codec, uint32_t rate)
{
    return open_coder(codec, rate, known[codec].pcm_rate);
}

coder *coder_open_decoder(media_codec codec, uint32_t rate)
{
    return open_coder(codec, rate, codec == MEDIA_OPUS ? rate : known[codec].pcm_rate);
}

void coder_close(coder *c)
{
    if (c == NULL)
        return;
    if (c->handle != NULL) {
        pjmedia_codec_close(c->handle);
        pjmedia_codec_mgr_dealloc_codec(pjmedia_endpt_get_codec_mgr(endpoint), c->handle);
    }
    free(c);
}

static size_t encode_table(coder *c, const int16_t *pcm, uint8_t *out, size_t out_size)
{
    int16_t narrow[G711_FRAME];
    if (out_size < G711_FRAME)
        return 0;
    if (c->rate != G711_RATE) {
        resample_down(&c->filter, pcm, MEDIA_WIDE_FRAME, narrow);
        pcm = narrow;
    }
    for (size_t i = 0; i < G711_FRAME; i++)
        out[i] = c->codec == MEDIA_PCMA ? (uint8_t)pjmedia_linear2alaw(pcm[i]) : (uint8_t)pjmedia_linear2ulaw(pcm[i]);
    return G711_FRAME;
}

size_t coder_encode(coder *c, const int16_t *pcm, uint8_t *out, size_t out_size)
{
    if (c->handle == NULL)
        return encode_table(c, pcm, out, out_size);
    size_t samples = known[c->codec].pcm_rate / MEDIA_FRAMES_PER_SECOND;
    int16_t scratch[MAX_DECODED];
    int scale = c->codec == MEDIA_G722 ? G722_SCALE : 1;
    for (size_t i = 0; i < samples; i++)
        scratch[i] = (int16_t)(pcm[i] / scale);
    pjmedia_frame input = {.type = PJMEDIA_FRAME_TYPE_AUDIO, .buf = scratch, .size = samples * sizeof(*pcm)};
    pjmedia_frame output = {.buf = out, .size = out_size};
    if (pjmedia_codec_encode(c->handle, &input, (unsigned)out_size, &output) != PJ_SUCCESS)
        return 0;
    return output.size;
}

static int16_t scaled(int g722)
{
    int value = g722 * G722_SCALE;
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static size_t scale_g722(const int16_t *in, size_t samples, int16_t *out, size_t out_samples)
{
    size_t n = samples < out_samples ? samples : out_samples;
    for (size_t i = 0; i < n; i++)
        out[i] = scaled(in[i]);
    return n;
}

/* Every second sample, of a signal from which the upper half has been smoothed away. */
static size_t halve_g722(const int16_t *in, size_t samples, int16_t *out, size_t out_samples)
{
    size_t n = samples / 2 < out_samples ? samples / 2 : out_samples;
    for (size_t i = 0; i < n; i++) {
        int before = in[i == 0 ? 0 : 2 * i - 1];
        out[i] = scaled((before + 2 * in[2 * i] + in[2 * i + 1]) / 4);
    }
    return n;
}

static size_t decode_table(coder *c, const uint8_t *payload, size_t size, int16_t *out, size_t out_samples)
{
    int16_t narrow[MEDIA_MAX_SAMPLES / 2];
    bool wide = c->rate != G711_RATE;
    size_t room = wide ? out_samples / 2 : out_samples;
    if (room > MEDIA_MAX_SAMPLES / 2)
        room = MEDIA_MAX_SAMPLES / 2;
    size_t n = size < room ? size : room;
    int16_t *pcm = wide ? narrow : out;
    for (size_t i = 0; i < n; i++)
        pcm[i] = (int16_t)(c->codec == MEDIA_PCMA ? pjmedia_alaw2linear(payload[i]) : pjmedia_ulaw2linear(payload[i]));
    if (!wide)
        return n;
    resample_up(&c->filter, narrow, n, out);
    return 2 * n;
}

size_t coder_decode(coder *c, const uint8_t *payload, size_t size, int16_t *out, size_t out_samples)
{
    if (c->handle == NULL)
        return decode_table(c, payload, size, out, out_samples);
    int16_t pcm[MAX_DECODED];
    size_t block = c->codec == MEDIA_G722 ? G722_BLOCK : size;
    size_t written = 0;
    for (size_t done = 0; block != 0 && done + block <= size; done += block) {
        pjmedia_frame input = {.type = PJMEDIA_FRAME_TYPE_AUDIO, .buf = (void *)(payload + done), .size = block};
        pjmedia_frame output = {.buf = pcm, .size = sizeof(pcm)};
        if (pjmedia_codec_decode(c->handle, &input, sizeof(pcm), &output) != PJ_SUCCESS ||
            output.type != PJMEDIA_FRAME_TYPE_AUDIO)
            continue;
        size_t samples = output.size / sizeof(*pcm), room = out_samples - written;
        if (c->codec == MEDIA_G722 && c->rate != known[MEDIA_G722].pcm_rate) {
            written += halve_g722(pcm, samples, out + written, room);
        } else if (c->codec == MEDIA_G722) {
            written += scale_g722(pcm, samples, out + written, room);
        } else {
            size_t n = samples < room ? samples : room;
            memcpy(out + written, pcm, n * sizeof(*pcm));
            written += n;
        }
    }
    return written;
}
