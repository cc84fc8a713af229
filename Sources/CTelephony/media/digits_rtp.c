/* Digits as RFC 4733 events, received and sent. */
#include <arpa/inet.h>
#include <string.h>

#include "../private/media_internal.h"

#define PACKETS_PER_DIGIT 5 /* 100 ms */
#define END_PACKETS 3       /* RFC 4733 §2.5.1.4 */
#define GAP_TICKS 1         /* after the last end packet: 60 ms from the digit's end to the next one's beginning */
#define DIGIT_TICKS (PACKETS_PER_DIGIT + END_PACKETS - 1 + GAP_TICKS)
#define VOLUME 10 /* -10 dBm0 */

static const char digit_of_event[] = "0123456789*#ABCD"; /* RFC 4733 §3.2 */

/* ---------------------------------------------------------------- received */

/* RFC 4733 §2.5.1.3: an event too long for its duration field goes on in a new segment, without a pause. */
static bool next_segment(const digit_in *last, uint8_t event, uint32_t ts)
{
    return !last->ended && last->event == event && ts - last->ts <= 0xffff && last->duration >= 0xff00;
}

void digits_receive(media_leg *leg, const uint8_t *payload, size_t size, uint32_t ts, uint32_t ssrc)
{
    if (size < 4)
        return;
    uint8_t event = payload[0];
    bool ended = payload[1] & 0x80;
    uint16_t duration = (uint16_t)(payload[2] << 8 | payload[3]);
    digit_in *last = &leg->digit_in;
    atomic_store_explicit(&leg->has_digits, true, memory_order_relaxed);

    if (last->seen && last->ssrc == ssrc) {
        if (ts == last->ts && event == last->event) {
            last->ended = last->ended || ended;
            last->duration = duration > last->duration ? duration : last->duration;
            return;
        }
        if ((int32_t)(ts - last->ts) < 0 && (int32_t)(last->ts - ts) < 10 * 8000)
            return; /* of an earlier event, and late */
    }
    bool more = last->seen && last->ssrc == ssrc && next_segment(last, event, ts);
    *last = (digit_in){true, ended, event, duration, ts, ssrc};
    if (!more && event < sizeof(digit_of_event) - 1)
        tel_emit(&(tel_event){.kind = TEL_EVENT_DIGIT, .leg = leg->id, .digit = digit_of_event[event]});
}

void digits_logged(media_leg *leg, uint8_t event)
{
    atomic_store_explicit(&leg->has_digits, true, memory_order_relaxed);
    if (event < sizeof(digit_of_event) - 1)
        tel_emit(&(tel_event){.kind = TEL_EVENT_DIGIT, .leg = leg->id, .digit = digit_of_event[event]});
}

/* ---------------------------------------------------------------- sent */

static void drop_digit(media_leg *leg)
{
    count(&leg->digits_dropped, 1);
    count(&media_total.digits_dropped, 1);
}

void digits_queue(media_leg *leg, const char *digits)
{
    for (; *digits; digits++) {
        const char *place = strchr(digit_of_event, *digits);
        if (place == NULL || leg->digits.count == MEDIA_MAX_DIGITS) {
            drop_digit(leg);
            continue;
        }
        digit_out *out = &leg->digits;
        out->events[(out->first + out->count) % MEDIA_MAX_DIGITS] = (uint8_t)(place - digit_of_event);
        out->count++;
    }
    if (leg->digits.count != 0)
        play_wake(leg);
    offload_touch(leg);
}

static void send_event(media_leg *leg, const media_format *format, int64_t now)
{
    digit_out *out = &leg->digits;
    out_stream *stream = stream_of(leg, format->clock_rate);
    if (out->phase == 0)
        out->ts = stream_resume(stream, format->clock_rate, now);
    leg->feed = (feed){.kind = FEED_DIGITS, .stream = stream};

    uint32_t step = format->clock_rate / MEDIA_FRAMES_PER_SECOND;
    uint32_t packets = out->phase < PACKETS_PER_DIGIT ? out->phase + 1u : PACKETS_PER_DIGIT;
    bool end = out->phase + 1 >= PACKETS_PER_DIGIT;
    uint16_t duration = htons((uint16_t)(step * packets));
    uint8_t packet[RTP_HEADER + 4] = {0x80};
    stream_header(packet, format->event_tx_pt, out->phase == 0, stream->seq++, out->ts, stream->ssrc);
    packet[RTP_HEADER] = out->events[out->first];
    packet[RTP_HEADER + 1] = (uint8_t)(VOLUME | (end ? 0x80 : 0));
    memcpy(packet + RTP_HEADER + 2, &duration, 2);
    /* Where the audio's clock stands now, for what comes after the event. */
    stream->ts = out->ts + step * out->phase;
    stream->step = step;
    stream->sent_us = now;
    stream_send(leg, stream, packet, sizeof(packet));
}

bool digits_tick(media_leg *leg, int64_t now)
{
    digit_out *out = &leg->digits;
    const media_format *format = &leg->formats[0];
    if (!leg_can_send(leg) || format->event_tx_pt == 0) {
        for (; out->count != 0; out->count--)
            drop_digit(leg);
        out->phase = 0;
        offload_touch(leg);
        return false;
    }
    if (out->phase < PACKETS_PER_DIGIT + END_PACKETS - 1)
        send_event(leg, format, now);
    if (++out->phase < DIGIT_TICKS)
        return true;
    out->phase = 0;
    out->first = (uint8_t)((out->first + 1) % MEDIA_MAX_DIGITS);
    out->count--;
    offload_touch(leg);
    return true;
}
