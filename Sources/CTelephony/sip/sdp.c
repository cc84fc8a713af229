/* Reading a peer's session description: what it says of the one audio stream that we carry. */
#include <string.h>

#include "../private/leg.h"

static const struct {
    const char *name;
    unsigned clock_rate; /**< as in rtpmap; G722 says 8000 and means 16000 (RFC 3551 §4.5.2) */
    unsigned channels;
    int static_pt;
} codecs[MEDIA_CODECS] = {
    [MEDIA_PCMA] = {"PCMA", 8000, 1, 8},
    [MEDIA_PCMU] = {"PCMU", 8000, 1, 0},
    [MEDIA_G722] = {"G722", 8000, 1, 9},
    [MEDIA_OPUS] = {"opus", 48000, 2, -1},
};

const char *sdp_codec_name(media_codec codec)
{
    return codecs[codec].name;
}

uint32_t sdp_clock_rate(media_codec codec)
{
    return codecs[codec].clock_rate;
}

media_codec sdp_codec_named(const char *name)
{
    int codec = 0;
    while (codec < MEDIA_CODECS && strcasecmp(name, codecs[codec].name) != 0)
        codec++;
    return (media_codec)codec;
}

static int codec_of_rtpmap(const pjmedia_sdp_rtpmap *map)
{
    unsigned channels = map->param.slen ? (unsigned)pj_strtoul(&map->param) : 1;
    for (int i = 0; i < MEDIA_CODECS; i++) {
        if (pj_stricmp2(&map->enc_name, codecs[i].name) == 0 && map->clock_rate == codecs[i].clock_rate &&
            channels == codecs[i].channels)
            return i;
    }
    return -1;
}

static int codec_of_static(unsigned pt)
{
    for (int i = 0; i < MEDIA_CODECS; i++) {
        if (codecs[i].static_pt == (int)pt)
            return i;
    }
    return -1;
}

static void read_format(const pjmedia_sdp_media *media, const pj_str_t *format, struct sdp_audio *audio)
{
    for (pj_ssize_t i = 0; i < format->slen; i++) {
        if (!pj_isdigit(format->ptr[i]))
            return;
    }
    unsigned long pt = pj_strtoul(format);
    if (format->slen == 0 || pt > 127)
        return;
    int codec = -1;
    pjmedia_sdp_rtpmap map;
    const pjmedia_sdp_attr *attribute = pjmedia_sdp_media_find_attr2(media, "rtpmap", format);
    if (attribute && pjmedia_sdp_attr_get_rtpmap(attribute, &map) == PJ_SUCCESS) {
        if (pj_stricmp2(&map.enc_name, "telephone-event") == 0) {
            if (map.clock_rate == 8000 && !audio->event_pt[0])
                audio->event_pt[0] = (uint8_t)pt;
            else if (map.clock_rate == 48000 && !audio->event_pt[1])
                audio->event_pt[1] = (uint8_t)pt;
            return;
        }
        codec = codec_of_rtpmap(&map);
    } else if (!attribute) {
        codec = codec_of_static((unsigned)pt);
    }
    if (codec < 0 || audio->format_count == MEDIA_MAX_FORMATS)
        return;
    for (int i = 0; i < audio->format_count; i++) {
        if (audio->formats[i].codec == (media_codec)codec)
            return;
    }
    audio->formats[audio->format_count].codec = (media_codec)codec;
    audio->formats[audio->format_count++].pt = (uint8_t)pt;
}

/** The direction of an m= line; the session's holds where the line has none (RFC 4566 §6). */
void sdp_direction(const pjmedia_sdp_session *sdp, int line, bool *sends, bool *receives)
{
    static const struct {
        const char *name;
        bool sends, receives;
    } directions[] = {{"sendrecv", true, true}, {"sendonly", true, false}, {"recvonly", false, true},
                      {"inactive", false, false}};
    *sends = *receives = true;
    for (size_t i = 0; i < PJ_ARRAY_SIZE(directions); i++) {
        if (pjmedia_sdp_attr_find2(sdp->attr_count, sdp->attr, directions[i].name, NULL)) {
            *sends = directions[i].sends;
            *receives = directions[i].receives;
        }
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(directions); i++) {
        if (pjmedia_sdp_media_find_attr2(sdp->media[line], directions[i].name, NULL)) {
            *sends = directions[i].sends;
            *receives = directions[i].receives;
            return;
        }
    }
}

static unsigned read_milliseconds(const pjmedia_sdp_media *media, const char *name)
{
    const pjmedia_sdp_attr *attribute = pjmedia_sdp_media_find_attr2(media, name, NULL);
    unsigned long value = attribute ? pj_strtoul(&attribute->value) : 0;
    return value <= 200 ? (unsigned)value : 0;
}

/** An address, not a host name: looking one up would have the worker thread wait for DNS. */
static bool read_address(int family, const pj_str_t *text, pj_sockaddr *address)
{
    char numeric[PJ_INET6_ADDRSTRLEN];
    pj_str_t copy = {numeric, text->slen};
    if (!text_copy(numeric, sizeof(numeric), text) || pj_sockaddr_init(family, address, NULL, 0) != PJ_SUCCESS)
        return false;
    return pj_inet_pton(family, &copy, pj_sockaddr_get_addr(address)) == PJ_SUCCESS;
}

static bool read_addresses(const pjmedia_sdp_session *sdp, const pjmedia_sdp_media *media, int wanted,
                           struct sdp_audio *audio)
{
    const pjmedia_sdp_conn *connection = media->conn ? media->conn : sdp->conn;
    if (!connection)
        return false;
    int family = pj_stricmp2(&connection->addr_type, "IP6") == 0 ? pj_AF_INET6() : pj_AF_INET();
    if (wanted ? family != wanted : !config_media_address(family)) /* a leg's sockets have one family */
        return false;
    if (!read_address(family, &connection->addr, &audio->rtp))
        return false;
    pj_sockaddr_set_port(&audio->rtp, media->desc.port);
    audio->null_address = !pj_sockaddr_has_addr(&audio->rtp);

    audio->rtcp = audio->rtp;
    pj_sockaddr_set_port(&audio->rtcp, (pj_uint16_t)(media->desc.port + 1));
    pjmedia_sdp_rtcp_attr rtcp;
    const pjmedia_sdp_attr *attribute = pjmedia_sdp_media_find_attr2(media, "rtcp", NULL);
    if (attribute && pjmedia_sdp_attr_get_rtcp(attribute, &rtcp) == PJ_SUCCESS && rtcp.port > 0 && rtcp.port < 65536) {
        pj_sockaddr named;
        if (rtcp.addr.slen && read_address(family, &rtcp.addr, &named))
            audio->rtcp = named;
        pj_sockaddr_set_port(&audio->rtcp, (pj_uint16_t)rtcp.port);
    }
    return true;
}

/** Whether the peer's keys are to be used, and what of SRTP there must be is there. */
static bool read_security(const pjmedia_sdp_media *media, struct sdp_audio *audio)
{
    const pj_str_t *profile = &media->desc.transport;
    audio->secure_profile = pj_stricmp2(profile, "RTP/SAVP") == 0 || pj_stricmp2(profile, "RTP/SAVPF") == 0;
    bool plain_profile = pj_stricmp2(profile, "RTP/AVP") == 0 || pj_stricmp2(profile, "RTP/AVPF") == 0;
    if (sip.srtp != TEL_SRTP_OFF)
        crypto_read(media, &audio->crypto);
    if (audio->crypto.present)
        return audio->secure_profile || plain_profile;
    return plain_profile && sip.srtp != TEL_SRTP_REQUIRED;
}

/** Whether the line is audio over RTP or, where we have SRTP, over that. */
static bool read_line(const pjmedia_sdp_session *sdp, int line, int family, struct sdp_audio *audio)
{
    const pjmedia_sdp_media *media = sdp->media[line];
    memset(audio, 0, sizeof(*audio));
    audio->line = line;
    if (pj_stricmp2(&media->desc.media, "audio") != 0 || media->desc.port == 0)
        return false;
    if (!read_security(media, audio))
        return false;
    if (!read_addresses(sdp, media, family, audio))
        return false;
    audio->transport = media->desc.transport;
    for (unsigned i = 0; i < media->desc.fmt_count; i++)
        read_format(media, &media->desc.fmt[i], audio);
    sdp_direction(sdp, line, &audio->sends, &audio->receives);
    audio->rtcp_mux = pjmedia_sdp_media_find_attr2(media, "rtcp-mux", NULL) != NULL;
    audio->ptime = read_milliseconds(media, "ptime");
    audio->maxptime = read_milliseconds(media, "maxptime");
    return true;
}

void sdp_read(const pjmedia_sdp_session *sdp, int line, int family, struct sdp_audio *audio)
{
    if (line >= 0) {
        if (line >= (int)sdp->media_count || !read_line(sdp, line, family, audio))
            audio->line = -1;
        return;
    }
    /* Where the same is offered plain and encrypted, the encrypted line first. */
    for (unsigned i = 0; i < 2 * sdp->media_count; i++) {
        struct leg_caps caps;
        if (!read_line(sdp, (int)(i % sdp->media_count), family, audio) ||
            (i < sdp->media_count && sip.srtp != TEL_SRTP_OFF && !audio->crypto.present))
            continue;
        sdp_common(audio, &caps);
        if (caps.codec_count > 0)
            return;
    }
    memset(audio, 0, sizeof(*audio));
    audio->line = -1;
}

void sdp_common(const struct sdp_audio *audio, struct leg_caps *caps)
{
    memset(caps, 0, sizeof(*caps));
    caps->current = -1;
    caps->ptime = audio->ptime;
    caps->maxptime = audio->maxptime;
    for (int i = 0; i < audio->format_count; i++) {
        for (int k = 0; k < sip.codec_count; k++) {
            if (audio->formats[i].codec == sip.codecs[k])
                caps->codecs[caps->codec_count++] = sip.codecs[k];
        }
    }
}
