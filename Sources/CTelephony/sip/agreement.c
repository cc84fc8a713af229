/* Offer and answer (RFC 3264): what to answer to a peer's offer, and what follows from an answer for the media. */
#include <string.h>

#include "../private/leg.h"

void agreement_offered(struct leg *leg, const pjmedia_sdp_session *offer, pj_pool_t *pool)
{
    struct sdp_audio audio;
    sdp_read(offer, -1, leg->family, &audio);
    if (audio.line < 0)
        return; /* PJSIP refuses with 488, and what was agreed on before stays */
    int wanted = leg->agreed ? (int)leg->params.formats[0].codec : leg->wanted_codec;
    pjmedia_sdp_session *answer = describe_answer(leg, pool, &audio, wanted);
    if (answer)
        pjsip_inv_set_sdp_answer(leg->inv, answer);
}

static int audio_line(const pjmedia_sdp_session *local)
{
    for (unsigned i = 0; i < local->media_count; i++) {
        if (pj_stricmp2(&local->media[i]->desc.media, "audio") == 0 && local->media[i]->desc.port != 0)
            return (int)i;
    }
    return -1;
}

static void add_formats(media_params *params, const struct sdp_audio *local, const struct sdp_audio *remote)
{
    for (int i = 0; i < local->format_count; i++) {
        for (int k = 0; k < remote->format_count; k++) {
            media_codec codec = local->formats[i].codec;
            if (remote->formats[k].codec != codec || params->format_count == MEDIA_MAX_FORMATS)
                continue;
            int rate_index = sdp_clock_rate(codec) == 48000;
            bool events = local->event_pt[rate_index] && remote->event_pt[rate_index];
            params->formats[params->format_count++] = (media_format){
                .codec = codec,
                .tx_pt = remote->formats[k].pt,
                .rx_pt = local->formats[i].pt,
                .clock_rate = sdp_clock_rate(codec),
                .event_tx_pt = events ? remote->event_pt[rate_index] : 0,
                .event_rx_pt = events ? local->event_pt[rate_index] : 0,
            };
        }
    }
}

/**
 * Keys for both directions, of the one a=crypto that the answer names; none where there is none. False: the peer sends
 * with a key, and what we have said names none for that suite.
 */
static bool set_crypto(struct leg *leg, media_params *params, const pjmedia_sdp_media *ours,
                       const struct sdp_audio *remote)
{
    const struct sdp_crypto *theirs = &remote->crypto;
    if (!theirs->present)
        return true;
    if (!crypto_names(ours, theirs->tag, theirs->suite) || !crypto_own_key(leg, theirs->suite, params->crypto.out_key))
        return false;
    params->crypto.on = true;
    params->crypto.suite = theirs->suite;
    memcpy(params->crypto.in_key, theirs->key, sizeof(theirs->key));
    return true;
}

static void remember_numbers(struct leg *leg, const struct sdp_audio *local)
{
    for (int i = 0; i < local->format_count; i++)
        leg->local_pt[local->formats[i].codec] = local->formats[i].pt;
    for (int i = 0; i < 2; i++) {
        if (local->event_pt[i])
            leg->local_event_pt[i] = local->event_pt[i];
    }
}

/** Later answers to offers of ours say nothing of what else the peer could do: those offers named one codec only. */
static void remember_caps(struct leg *leg, const struct sdp_audio *remote, bool peer_offered)
{
    struct leg_caps caps;
    sdp_common(remote, &caps);
    if (leg->agreed && !peer_offered) {
        unsigned ptime = caps.ptime, maxptime = caps.maxptime;
        caps = leg->caps;
        caps.ptime = ptime;
        caps.maxptime = maxptime;
    }
    leg->caps_are_all = leg->caps_are_all || peer_offered;
    caps.current = (int)leg->params.formats[0].codec;
    leg_set_caps(leg, &caps);
}

static void report_change(struct leg *leg, bool sends, bool receives, media_codec before)
{
    bool changed = sends != leg->peer_sends || receives != leg->peer_receives ||
                   before != leg->params.formats[0].codec;
    leg->peer_sends = sends;
    leg->peer_receives = receives;
    /* What follows from a re-INVITE of ours is said by REOFFERED. */
    if (!changed || !leg->answered || leg->operating)
        return;
    tel_event event;
    event_init(&event, TEL_EVENT_MEDIA_CHANGED, leg->id, leg->token);
    event.peer_sends = sends;
    event.peer_receives = receives;
    event.codec = sdp_codec_name(leg->params.formats[0].codec);
    tel_emit(&event);
}

void agreement_reached(struct leg *leg, pj_status_t status)
{
    const pjmedia_sdp_session *ours, *theirs;
    pjmedia_sdp_neg *negotiator = leg->inv->neg;
    struct sdp_audio local, remote;
    leg->refused_media = true;
    if (status != PJ_SUCCESS || pjmedia_sdp_neg_get_active_local(negotiator, &ours) != PJ_SUCCESS ||
        pjmedia_sdp_neg_get_active_remote(negotiator, &theirs) != PJ_SUCCESS)
        return;
    int line = audio_line(ours);
    if (line < 0)
        return;
    sdp_read(ours, line, leg->family, &local);
    sdp_read(theirs, line, leg->family, &remote);
    if (local.line < 0 || remote.line < 0)
        return;

    bool we_send, we_receive;
    sdp_direction(ours, line, &we_send, &we_receive);
    bool peer_sends = remote.sends && !remote.null_address;
    bool peer_receives = remote.receives && !remote.null_address;
    media_params params;
    memset(&params, 0, sizeof(params));
    add_formats(&params, &local, &remote);
    if (params.format_count == 0 || !set_crypto(leg, &params, ours->media[line], &remote))
        return;
    leg->secure_profile = remote.secure_profile;
    memcpy(&params.remote_rtp, &remote.rtp, sizeof(remote.rtp));
    memcpy(&params.remote_rtcp, &remote.rtcp, sizeof(remote.rtcp));
    memcpy(&params.signalling, &leg->peer, sizeof(leg->peer));
    params.exchange = leg->params.exchange + 1;
    params.rtcp_mux = local.rtcp_mux && remote.rtcp_mux;
    params.ptime_ms = remote.ptime;
    params.may_send = peer_receives && we_send;
    params.may_receive = leg->may_expect_rtp = peer_sends && we_receive;
    /* Many a phone sends nothing before its call is answered, early media or not. */
    params.expect_rtp = leg->may_expect_rtp && leg->inv->state >= PJSIP_INV_STATE_CONNECTING;

    leg->refused_media = false;
    media_codec before = leg->agreed ? leg->params.formats[0].codec : params.formats[0].codec;
    bool peer_offered = !pjmedia_sdp_neg_was_answer_remote(negotiator);
    leg->params = params;
    remember_numbers(leg, &local);
    remember_caps(leg, &remote, peer_offered);
    leg->agreed = true;
    media_set(leg->id, &params);
    if (!we_receive && !peer_offered)
        peer_sends = leg->peer_sends; /* its answer to our a=sendonly cannot say that it would send */
    report_change(leg, peer_sends, peer_receives, before);
}
