/* What a test phone hears of a leg: frequencies, breaks in the stream, a recording. */
#include <stdlib.h>

#include "../private/media_internal.h"

#define SILENT_AFTER_US 100000
#define EAR_RATE 8000
#define MAX_SAMPLES (8 * 120) /* a packet of 120 ms */

typedef struct ear {
    struct ear *next;
    media_leg *leg;
    detector *detector; /* NULL: not listening */
    recording *recording;
    coder *decoders[MEDIA_CODECS];
    bool stream_seen;
    uint8_t payload_type;
    uint32_t ssrc;
    bool sounding;
    int64_t packet_us;
} ear;

static ear *ears;

static ear *ear_of(media_leg *leg)
{
    if (leg->ear == NULL) {
        leg->ear = calloc(1, sizeof(ear));
        if (leg->ear != NULL) {
            leg->ear->leg = leg;
            leg->ear->next = ears;
            ears = leg->ear;
        }
    }
    return leg->ear;
}

void ear_close(media_leg *leg)
{
    ear *e = leg->ear;
    if (e == NULL)
        return;
    ear **link = &ears;
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    detector_free(e->detector);
    recording_close(e->recording);
    for (int codec = 0; codec < MEDIA_CODECS; codec++)
        coder_close(e->decoders[codec]);
    free(e);
    leg->ear = NULL;
}

static void close_if_idle(media_leg *leg)
{
    if (leg->ear->detector == NULL && leg->ear->recording == NULL)
        ear_close(leg);
}

void ear_listen(media_leg *leg, bool on)
{
    ear *e = on ? ear_of(leg) : leg->ear;
    if (e == NULL || on == (e->detector != NULL))
        return;
    if (on) {
        e->detector = detector_create();
        e->stream_seen = e->sounding = false;
    } else {
        detector_free(e->detector);
        e->detector = NULL;
        close_if_idle(leg);
    }
}

void ear_record(media_leg *leg, FILE *file, int64_t now)
{
    ear *e = file != NULL ? ear_of(leg) : leg->ear;
    if (e == NULL)
        return;
    recording_close(e->recording);
    e->recording = file != NULL ? recording_create(file, now) : NULL;
    close_if_idle(leg);
}

static void note_stream(ear *e, bool marker, uint8_t payload_type, uint32_t ssrc)
{
    if (e->stream_seen && !marker && e->payload_type == payload_type && e->ssrc == ssrc)
        return;
    e->stream_seen = true;
    e->payload_type = payload_type;
    e->ssrc = ssrc;
    tel_emit(&(tel_event){
        .kind = TEL_EVENT_STREAM, .leg = e->leg->id, .ssrc = ssrc, .payload_type = payload_type});
}

static void report(ear *e, int32_t hz, int32_t level_db)
{
    e->sounding = hz != 0;
    tel_emit(&(tel_event){.kind = TEL_EVENT_HEARD, .leg = e->leg->id, .hz = hz, .level_db = level_db});
}

void ear_packet(media_leg *leg, media_codec codec, const uint8_t *payload, size_t size, bool marker, uint8_t pt,
                uint32_t ssrc, int64_t now)
{
    ear *e = leg->ear;
    e->packet_us = now;
    if (e->detector != NULL)
        note_stream(e, marker, pt, ssrc);
    if (e->decoders[codec] == NULL)
        e->decoders[codec] = coder_open_decoder(codec, EAR_RATE);
    if (e->decoders[codec] == NULL)
        return;
    int16_t pcm[MAX_SAMPLES];
    size_t samples = coder_decode(e->decoders[codec], payload, size, pcm, MAX_SAMPLES);
    if (e->recording != NULL)
        recording_write(e->recording, pcm, samples, now);
    int32_t hz, level_db;
    if (e->detector != NULL && detector_feed(e->detector, pcm, samples, &hz, &level_db))
        report(e, hz, level_db);
}

void ear_tick(int64_t now)
{
    for (ear *e = ears; e != NULL; e = e->next) {
        if (e->detector == NULL || !e->sounding || now - e->packet_us < SILENT_AFTER_US)
            continue;
        detector_reset(e->detector);
        report(e, 0, SILENCE_DBM0);
    }
}
