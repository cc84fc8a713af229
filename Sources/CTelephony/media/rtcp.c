/* RTCP as a sign of life, and peers that give none any more. */
#include "../private/media_internal.h"

#define PARTS (MEDIA_FRAMES_PER_SECOND / 2)

void rtcp_receive(media_leg *leg, int64_t now)
{
    leg->heard_us = now;
    leg->timed_out = false;
}

void rtp_timeouts(uint32_t part, int64_t now, int64_t timeout_us)
{
    for (uint32_t slot = part % PARTS; slot < media_leg_limit(); slot += PARTS) {
        media_leg *leg = media_leg_at(slot);
        if (!leg->open || !leg->expect_rtp || leg->timed_out || now - leg->heard_us < timeout_us)
            continue;
        leg->timed_out = true;
        tel_emit(&(tel_event){.kind = TEL_EVENT_RTP_TIMEOUT, .leg = leg->id});
    }
}
