/* Writing our session descriptions: one audio stream; the negotiator puts refused m= lines in their places. */
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

#define FIRST_DYNAMIC_PT 96
#define EVENT_PT 101

static pj_str_t text(pj_pool_t *pool, const char *value)
{
    pj_str_t copy;
    pj_strdup2_with_null(pool, &copy, value);
    return copy;
}

static void attribute(pj_pool_t *pool, pjmedia_sdp_media *media, const char *name, const char *value)
{
    pj_str_t copy;
    pj_strdup2(pool, &copy, value ? value : "");
    pjmedia_sdp_media_add_attr(media, pjmedia_sdp_attr_create(pool, name, value ? &copy : NULL));
}

static void add_format(pj_pool_t *pool, pjmedia_sdp_media *media, unsigned pt, const char *rtpmap)
{
    char value[48];
    snprintf(value, sizeof(value), "%u", pt);
    media->desc.fmt[media->desc.fmt_count++] = text(pool, value);
    snprintf(value, sizeof(value), "%u %s", pt, rtpmap);
    attribute(pool, media, "rtpmap", value);
}

static void add_codec(pj_pool_t *pool, pjmedia_sdp_media *media, media_codec codec, unsigned pt)
{
    char rtpmap[32];
    snprintf(rtpmap, sizeof(rtpmap), codec == MEDIA_OPUS ? "%s/%u/2" : "%s/%u", sdp_codec_name(codec),
             sdp_clock_rate(codec));
    add_format(pool, media, pt, rtpmap);
}

/** Events 0 to 15, the DTMF digits (RFC 4733 §3.2). */
static void add_events(pj_pool_t *pool, pjmedia_sdp_media *media, unsigned pt, uint32_t clock_rate)
{
    char value[32];
    snprintf(value, sizeof(value), "telephone-event/%u", clock_rate);
    add_format(pool, media, pt, value);
    snprintf(value, sizeof(value), "%u 0-15", pt);
    attribute(pool, media, "fmtp", value);
}

/** Of an offer: SRTP that has to be says so by its profile, SRTP that may be does not (RFC 8643). */
static const char *offered_profile(const struct leg *leg)
{
    if (leg->agreed)
        return leg->secure_profile ? "RTP/SAVP" : "RTP/AVP";
    return sip.srtp == TEL_SRTP_REQUIRED ? "RTP/SAVP" : "RTP/AVP";
}

static const char *our_address(const struct leg *leg)
{
    if (leg->rtp_address[0])
        return leg->rtp_address;
    bool has_external = sip.media_external_address[0] &&
                        (strchr(sip.media_external_address, ':') != NULL) == (leg->family == pj_AF_INET6());
    return leg->external && has_external ? sip.media_external_address : config_media_address(leg->family);
}

static pjmedia_sdp_session *describe(struct leg *leg, pj_pool_t *pool, const char *address, const pj_str_t *transport)
{
    pjmedia_sdp_session *sdp = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_session);
    bool v6 = strchr(address, ':') != NULL;
    const char *origin = our_address(leg);
    if (!leg->sdp_id)
        leg->sdp_id = (uint32_t)pj_rand() | 1;
    sdp->origin.user = text(pool, "-");
    sdp->origin.id = sdp->origin.version = leg->sdp_id;
    sdp->origin.net_type = text(pool, "IN");
    sdp->origin.addr_type = text(pool, strchr(origin, ':') ? "IP6" : "IP4");
    sdp->origin.addr = text(pool, origin);
    sdp->name = text(pool, "-");
    sdp->conn = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_conn);
    sdp->conn->net_type = text(pool, "IN");
    sdp->conn->addr_type = text(pool, v6 ? "IP6" : "IP4");
    sdp->conn->addr = text(pool, address);

    pjmedia_sdp_media *media = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_media);
    sdp->media[sdp->media_count++] = media;
    media->desc.media = text(pool, "audio");
    media->desc.port = leg->rtp_port;
    media->desc.port_count = 1;
    if (transport)
        pj_strdup(pool, &media->desc.transport, transport);
    else
        media->desc.transport = text(pool, offered_profile(leg));
    return sdp;
}

static void finish(pj_pool_t *pool, pjmedia_sdp_media *media, unsigned ptime, unsigned maxptime, const char *direction)
{
    char value[16];
    if (ptime) {
        snprintf(value, sizeof(value), "%u", ptime);
        attribute(pool, media, "ptime", value);
    }
    if (maxptime) {
        snprintf(value, sizeof(value), "%u", maxptime);
        attribute(pool, media, "maxptime", value);
    }
    attribute(pool, media, direction, NULL);
}

static bool number_is_taken(const struct leg *leg, unsigned pt)
{
    for (int i = 0; i < MEDIA_CODECS; i++) {
        if (leg->local_pt[i] == pt)
            return true;
    }
    return leg->local_event_pt[0] == pt || leg->local_event_pt[1] == pt;
}

static unsigned free_number(const struct leg *leg, unsigned first)
{
    unsigned pt = first;
    while (pt < 128 && number_is_taken(leg, pt))
        pt++;
    for (unsigned i = FIRST_DYNAMIC_PT; pt == 128 && i < first; i++) {
        if (!number_is_taken(leg, i))
            pt = i;
    }
    return pt;
}

static unsigned codec_number(struct leg *leg, media_codec codec)
{
    static const uint8_t numbers[MEDIA_CODECS] = {[MEDIA_PCMA] = 8, [MEDIA_PCMU] = 0, [MEDIA_G722] = 9};
    if (leg->local_pt[codec] == 0xff) {
        unsigned pt = codec == MEDIA_OPUS ? free_number(leg, FIRST_DYNAMIC_PT) : numbers[codec];
        leg->local_pt[codec] = (uint8_t)pt;
    }
    return leg->local_pt[codec];
}

static unsigned event_number(struct leg *leg, int rate_index)
{
    if (!leg->local_event_pt[rate_index])
        leg->local_event_pt[rate_index] = (uint8_t)free_number(leg, EVENT_PT + (unsigned)rate_index);
    return leg->local_event_pt[rate_index];
}

pjmedia_sdp_session *describe_offer(struct leg *leg, pj_pool_t *pool, const struct leg_caps *caps, bool hold)
{
    bool old_hold = hold && sip.faults.plain_hold;
    const char *address = our_address(leg);
    pjmedia_sdp_session *sdp =
        describe(leg, pool, old_hold ? (strchr(address, ':') ? "::" : "0.0.0.0") : address, NULL);
    pjmedia_sdp_media *media = sdp->media[0];
    bool rates[2] = {false, false};
    for (int i = 0; i < caps->codec_count; i++) {
        add_codec(pool, media, caps->codecs[i], codec_number(leg, caps->codecs[i]));
        rates[sdp_clock_rate(caps->codecs[i]) == 48000] = true;
    }
    for (int i = 0; i < 2; i++) {
        if (rates[i])
            add_events(pool, media, event_number(leg, i), i ? 48000 : 8000);
    }
    if (sip.srtp != TEL_SRTP_OFF)
        crypto_offer(leg, pool, media);
    const char *direction = "sendrecv";
    if (hold && !old_hold)
        direction = sip.faults.inactive_hold ? "inactive" : "sendonly";
    finish(pool, media, caps->ptime, caps->maxptime, direction);
    return sdp;
}

void describe_place(const struct leg *leg, pj_pool_t *pool, pjmedia_sdp_session *sdp)
{
    const char *address = our_address(leg);
    sdp->origin.addr = sdp->conn->addr = text(pool, address);
    sdp->origin.addr_type = sdp->conn->addr_type = text(pool, strchr(address, ':') ? "IP6" : "IP4");
    sdp->media[0]->desc.port = leg->rtp_port;
}

/** `wanted` is a media_codec, or -1 for the peer's first; the peer's first too where it has not got that codec. */
pjmedia_sdp_session *describe_answer(struct leg *leg, pj_pool_t *pool, const struct sdp_audio *offer, int wanted)
{
    struct leg_caps caps;
    sdp_common(offer, &caps);
    if (caps.codec_count == 0)
        return NULL;
    media_codec codec = caps.codecs[0];
    for (int i = 0; i < caps.codec_count; i++) {
        if ((int)caps.codecs[i] == wanted)
            codec = caps.codecs[i];
    }
    pjmedia_sdp_session *sdp = describe(leg, pool, our_address(leg), &offer->transport);
    pjmedia_sdp_media *media = sdp->media[0];
    for (int i = 0; i < offer->format_count; i++) {
        if (offer->formats[i].codec == codec)
            add_codec(pool, media, codec, offer->formats[i].pt);
    }
    int rate_index = sdp_clock_rate(codec) == 48000;
    if (offer->event_pt[rate_index])
        add_events(pool, media, offer->event_pt[rate_index], rate_index ? 48000 : 8000);

    if (offer->crypto.present)
        crypto_write(leg, pool, media, offer->crypto.tag, offer->crypto.suite);

    if (offer->rtcp_mux && !leg->rtp_address[0]) /* an rtpengine node has a port of its own for RTCP */
        attribute(pool, media, "rtcp-mux", NULL);
    bool sends = offer->receives;
    bool receives = offer->sends && !leg->held;
    finish(pool, media, offer->ptime, offer->maxptime,
           sends ? (receives ? "sendrecv" : "sendonly") : (receives ? "recvonly" : "inactive"));
    return sdp;
}
