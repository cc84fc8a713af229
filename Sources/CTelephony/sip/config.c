/* The configuration as the shim keeps it: copied, because the application's strings live during tel_start only. */
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

#define SMALLEST_MIN_SE 90 /* RFC 4028 §5 */

static bool copy_text(char *buffer, size_t size, const char *text, const char *what, char *error, size_t error_size)
{
    if (text && strlen(text) >= size) {
        snprintf(error, error_size, "%s is too long: %s", what, text);
        return false;
    }
    snprintf(buffer, size, "%s", text ? text : "");
    return true;
}

static bool copy_nets(struct net_list *list, const char *const *nets, size_t count, char *error, size_t error_size)
{
    for (size_t i = 0; i < count; i++) {
        if (list->count == SIP_MAX_NETS || !net_parse(nets[i], &list->nets[list->count])) {
            snprintf(error, error_size, "not a network in CIDR notation, or one too many: %s", nets[i]);
            return false;
        }
        list->count++;
    }
    return true;
}

static bool copy_codecs(const tel_config *config, char *error, size_t error_size)
{
    for (size_t i = 0; i < config->codec_count; i++) {
        media_codec codec = sdp_codec_named(config->codecs[i]);
        bool again = false;
        for (int k = 0; k < sip.codec_count; k++)
            again = again || sip.codecs[k] == codec;
        if (codec == MEDIA_CODECS || again) {
            snprintf(error, error_size, "unknown or repeated codec: %s", config->codecs[i]);
            return false;
        }
        sip.codecs[sip.codec_count++] = codec;
    }
    if (sip.codec_count == 0)
        snprintf(error, error_size, "no codec");
    return sip.codec_count > 0;
}

static bool copy_pass_headers(const tel_config *config, char *error, size_t error_size)
{
    for (size_t i = 0; i < config->pass_header_count; i++) {
        if (sip.pass_header_count == SIP_MAX_PASS_HEADERS) {
            snprintf(error, error_size, "more than %d headers to pass on", SIP_MAX_PASS_HEADERS);
            return false;
        }
        if (!copy_text(sip.pass_headers[sip.pass_header_count++], sizeof(sip.pass_headers[0]),
                       config->pass_headers[i], "header name", error, error_size))
            return false;
    }
    return true;
}

const char *config_media_address(int family)
{
    const char *address = sip.media_addresses[family == pj_AF_INET6()];
    return address[0] ? address : NULL;
}

static bool copy_media_address(const char *address, char *error, size_t error_size)
{
    char *place = sip.media_addresses[address && strchr(address, ':')];
    return !address || copy_text(place, sizeof(sip.media_addresses[0]), address, "media address", error, error_size);
}

bool config_copy(const tel_config *config, char *error, size_t error_size)
{
    sip.session_expires_s = config->session_expires_s;
    sip.min_se_s = config->min_se_s ? config->min_se_s : SMALLEST_MIN_SE;
    sip.keep_alive_s = config->keep_alive_s;
    sip.faults = config->faults;
    sip.srtp = config->srtp;
    sip.accept_messages = config->accept_messages;
    sip.media_family = strchr(config->media_address, ':') ? pj_AF_INET6() : pj_AF_INET();
    if (sip.min_se_s < SMALLEST_MIN_SE ||
        (sip.session_expires_s && sip.session_expires_s < sip.min_se_s)) {
        snprintf(error, error_size, "session timers: Min-SE %u is at least %d and at most the interval, %u",
                 sip.min_se_s, SMALLEST_MIN_SE, sip.session_expires_s);
        return false;
    }
    return copy_text(sip.external_address, sizeof(sip.external_address), config->external_address,
                     "external address", error, error_size) &&
           copy_media_address(config->media_address, error, error_size) &&
           copy_media_address(config->media_other_address, error, error_size) &&
           copy_text(sip.media_external_address, sizeof(sip.media_external_address),
                     config->media_external_address, "external media address", error, error_size) &&
           copy_text(sip.outbound_proxy, sizeof(sip.outbound_proxy), config->outbound_proxy, "outbound proxy",
                     error, error_size) &&
           copy_text(sip.realm, sizeof(sip.realm), config->realm, "realm", error, error_size) &&
           copy_text(sip.fault_method, sizeof(sip.fault_method), config->faults.method, "method", error,
                     error_size) &&
           copy_nets(&sip.local_nets, config->local_nets, config->local_net_count, error, error_size) &&
           copy_nets(&sip.trusted, config->trusted_peers, config->trusted_peer_count, error, error_size) &&
           copy_codecs(config, error, error_size) && copy_pass_headers(config, error, error_size);
}
