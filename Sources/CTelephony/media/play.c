/*
 * What is played to legs: clips, finite tones and queued digits, each leg's next 20 ms at every tick. Clips have been
 * encoded before; a frame is a header and a copy.
 */
#include <stdlib.h>
#include <string.h>

#include "../private/media_internal.h"

/* After so many packets the sockets are looked at, so that relayed packets do not wait for a thousand of ours. */
#define BATCH 64
/* Longer than this without a packet, and a clip's timestamps make up for it. */
#define LATE_US (5 * MEDIA_FRAME_US)
#define DIAL_TONE_HZ 425
#define PATIENCE_TICKS (5 * MEDIA_FRAMES_PER_SECOND) /* for announcements whose codec is being encoded */
#define LAST_TONE TEL_TONE_APOLOGY

static clip *music, *ringback, *dial_tone, *test_tone;
static clip *tones[LAST_TONE + 1];
static uint32_t tick_count; /* since the start */
static _Atomic uint32_t test_tone_hz;
static uint32_t test_tone_made_for;

static uint32_t *list; /* slots */
static uint32_t list_count;

static void follow_test_tone(void)
{
    uint32_t hz = test_tone_hz;
    if (hz == test_tone_made_for)
        return;
    test_tone_made_for = hz;
    test_tone = hz ? tone_create_continuous(hz) : NULL;
}

static bool create_clips(const tel_config *config, char *error, size_t error_size)
{
    music = config->music_file ? wav_create(config->music_file, true, error, error_size) : melody_create();
    if (music == NULL)
        return false;
    ringback = tone_create_ringback();
    dial_tone = tone_create_continuous(DIAL_TONE_HZ);
    bool complete = ringback != NULL && dial_tone != NULL;
    for (int tone = TEL_TONE_ERROR; tone <= LAST_TONE; tone++) {
        tones[tone] = tone_create((tel_tone)tone);
        complete = complete && tones[tone] != NULL;
    }
    follow_test_tone();
    return complete;
}

tel_result play_start(const tel_config *config, uint32_t legs, char *error, size_t error_size)
{
    error[0] = 0;
    clips_start();
    wav_start();
    sounds_start(config);
    list = malloc(legs * sizeof(*list));
    if (list == NULL || !create_clips(config, error, error_size)) {
        if (error[0] == 0)
            strncat(error, "no memory for music and tones", error_size - 1);
        play_stop();
        return TEL_ERR_SYSTEM;
    }
    return TEL_OK;
}

void play_stop(void)
{
    sounds_stop();
    clips_stop();
    wav_stop();
    memset(tones, 0, sizeof(tones));
    music = ringback = dial_tone = test_tone = NULL;
    free(list);
    list = NULL;
    list_count = 0;
    tick_count = test_tone_made_for = 0;
}

void tel_set_tone(uint32_t hz)
{
    test_tone_hz = hz;
}

/* ---------------------------------------------------------------- the list of legs that need the tick */

void play_wake(media_leg *leg)
{
    if (leg->tick_index != 0)
        return;
    list[list_count++] = tel_slot(leg->id);
    leg->tick_index = list_count;
}

void play_sleep(media_leg *leg)
{
    if (leg->tick_index == 0)
        return;
    uint32_t last = list[--list_count];
    list[leg->tick_index - 1] = last;
    media_leg_at(last)->tick_index = leg->tick_index;
    leg->tick_index = 0;
}

/* ---------------------------------------------------------------- clips */

void play_payload(media_leg *leg, const void *what, const uint8_t *payload, size_t size, int64_t now)
{
    const media_format *format = &leg->formats[0];
    out_stream *stream = stream_of(leg, format->clock_rate);
    feed *f = &leg->feed;
    uint32_t step = format->clock_rate / MEDIA_FRAMES_PER_SECOND;
    bool goes_on = f->kind == FEED_PLAYED && f->played == what && f->stream == stream && now - stream->sent_us < LATE_US;
    uint32_t ts = goes_on ? stream->ts + step : stream_resume(stream, format->clock_rate, now);
    if (!goes_on)
        *f = (feed){.kind = FEED_PLAYED, .played = what, .stream = stream};

    uint8_t packet[MEDIA_MAX_PACKET];
    packet[0] = 0x80;
    stream_header(packet, format->tx_pt, !goes_on, stream->seq++, ts, stream->ssrc);
    memcpy(packet + RTP_HEADER, payload, size);
    stream->ts = ts;
    stream->step = step;
    stream->sent_us = now;
    stream_send(leg, stream, packet, RTP_HEADER + size);
}

/* False: the clip is not encoded for this leg (yet). */
static bool send_frame(media_leg *leg, const clip *c, uint32_t frame, int64_t now)
{
    if (!leg_can_send(leg)) {
        leg->feed.kind = FEED_NONE;
        return true;
    }
    size_t size;
    const uint8_t *payload = clip_frame(c, leg->formats[0].codec, frame, &size);
    if (payload == NULL)
        return false;
    play_payload(leg, c, payload, size, now);
    return true;
}

static const clip *source_clip(const media_leg *leg)
{
    switch (leg->source) {
    case TEL_SOURCE_MUSIC: return leg->music != NULL ? leg->music : music;
    case TEL_SOURCE_RINGBACK: return ringback;
    case TEL_SOURCE_DIAL_TONE: return dial_tone;
    case TEL_SOURCE_TONE: return test_tone;
    case TEL_SOURCE_SILENCE:
    case TEL_SOURCE_LEG:
    case TEL_SOURCE_MIX: return NULL;
    }
    return NULL;
}

static void tick_tone(media_leg *leg, bool digits, int64_t now)
{
    playlist *l = leg->playlist;
    bool played = digits || send_frame(leg, leg->tone, leg->tone_frame, now);
    if (!played && l != NULL && l->patience > 0) {
        l->patience--;
        return;
    }
    if (++leg->tone_frame < clip_frames(leg->tone))
        return;
    if (l != NULL && l->next < l->count) {
        leg->tone = l->clips[l->next++];
        leg->tone_frame = 0;
    } else {
        play_tone_end(leg);
    }
}

static void tick_leg(media_leg *leg, int64_t now)
{
    bool digits = leg->digits.count != 0 && digits_tick(leg, now);
    if (leg->mix != NULL)
        mix_tick(leg, tick_count, digits || leg->tone != NULL, now);
    if (leg->tone != NULL) {
        tick_tone(leg, digits, now);
        return;
    }
    const clip *c = source_clip(leg);
    if (c != NULL && !digits) {
        /* Music goes on for all alike, as from a radio: one frame for a thousand legs stays in the cache. */
        uint32_t frame = leg->source == TEL_SOURCE_MUSIC ? tick_count : leg->clip_frame;
        send_frame(leg, c, frame % clip_frames(c), now);
    }
    if (c != NULL)
        leg->clip_frame++;
    else if (!digits && leg->mix == NULL && leg->source != TEL_SOURCE_TONE)
        play_sleep(leg);
}

void play_tick(int64_t now, void (*between)(void))
{
    follow_test_tone();
    tick_count++;
    uint32_t batch = 0;
    for (uint32_t i = list_count; i > 0; i--) { /* backwards: a leg may leave the list at its turn */
        tick_leg(media_leg_at(list[i - 1]), now);
        if (++batch == BATCH) {
            between();
            batch = 0;
        }
    }
    offload_review();
}

/* ---------------------------------------------------------------- finite tones */

void play_tone(media_leg *leg, tel_tone tone, uint64_t token)
{
    play_tone_end(leg);
    leg->tone = tones[tone];
    leg->tone_frame = 0;
    leg->tone_token = token;
    play_wake(leg);
    offload_touch(leg);
}

void play_list(media_leg *leg, playlist *l, uint64_t token)
{
    play_tone_end(leg);
    l->patience = PATIENCE_TICKS;
    l->next = 1;
    leg->playlist = l;
    leg->tone = l->clips[0];
    leg->tone_frame = 0;
    leg->tone_token = token;
    play_wake(leg);
    offload_touch(leg);
}

void play_tone_end(media_leg *leg)
{
    if (leg->tone == NULL)
        return;
    leg->tone = NULL;
    free(leg->playlist);
    leg->playlist = NULL;
    offload_touch(leg);
    if (leg->tone_token != 0)
        tel_emit(&(tel_event){.kind = TEL_EVENT_TONE_ENDED, .leg = leg->id, .token = leg->tone_token});
    leg->tone_token = 0;
}
