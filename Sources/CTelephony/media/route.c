/* Who is sent what: each leg has one source; a leg's listeners are a list through the slots. */
#include "../private/media_internal.h"

static void unlink_from_source(media_leg *leg)
{
    if (!leg->linked)
        return;
    offload_touch(leg);
    offload_touch(media_leg_at(tel_slot(leg->from)));
    media_leg *next = leg->next_listener ? media_leg_at(leg->next_listener - 1) : NULL;
    if (next != NULL)
        next->previous_listener = leg->previous_listener;
    if (leg->previous_listener)
        media_leg_at(leg->previous_listener - 1)->next_listener = leg->next_listener;
    else
        media_leg_at(tel_slot(leg->from))->first_listener = leg->next_listener;
    leg->next_listener = leg->previous_listener = 0;
    leg->linked = false;
}

static void link_to_source(media_leg *leg, media_leg *source)
{
    uint32_t self = tel_slot(leg->id) + 1;
    leg->next_listener = source->first_listener;
    leg->previous_listener = 0;
    if (source->first_listener)
        media_leg_at(source->first_listener - 1)->previous_listener = self;
    source->first_listener = self;
    leg->linked = true;
    offload_touch(source);
}

void route_set(const tel_route_change *change)
{
    tel_source source = change->source;
    tel_leg_id from = change->from;
    media_leg *heard = source == TEL_SOURCE_LEG ? media_leg_of(from) : NULL;
    media_leg *leg = media_leg_of(change->leg);
    if (leg == NULL)
        return;
    if (heard != NULL && heard->id != from)
        heard = NULL; /* an earlier leg of the slot that `leg` has just taken over */
    const clip *sound = source == TEL_SOURCE_MUSIC ? sound_music(change->sound) : NULL;
    bool same = leg->source == source && leg->music == sound &&
                (source != TEL_SOURCE_LEG || (leg->from == from && leg->linked)) &&
                (source != TEL_SOURCE_MIX || mix_is(leg, change->voices));
    if (!same) {
        unlink_from_source(leg);
        leg->source = source;
        leg->music = sound;
        leg->sound = change->sound;
        leg->from = source == TEL_SOURCE_LEG ? from : 0;
        leg->clip_frame = 0;
        if (leg->feed.kind == FEED_RELAY || leg->feed.kind == FEED_TRANSCODED)
            leg->feed.kind = FEED_NONE; /* should it come back, what was not sent meanwhile is no loss */
        if (source == TEL_SOURCE_MIX)
            mix_set(leg, change->voices);
        else
            mix_close(leg);
        if (heard != NULL)
            link_to_source(leg, heard);
        else if (source != TEL_SOURCE_LEG && source != TEL_SOURCE_SILENCE)
            play_wake(leg);
        if (heard == NULL)
            transcode_close(leg);
    }
    offload_touch(leg);
    bool music = source == TEL_SOURCE_MUSIC;
    if (music != leg->music_told) {
        leg->music_told = music;
        leg_fed_with_music(leg->id, music);
    }
}

void route_forget(media_leg *leg)
{
    unlink_from_source(leg);
    mix_close(leg);
    voice_close(leg);
    transcode_close(leg);
    leg->source = TEL_SOURCE_SILENCE;
    while (leg->first_listener)
        unlink_from_source(media_leg_at(leg->first_listener - 1));
}
