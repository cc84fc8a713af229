/*
 * SRTP and SRTCP (RFC 3711, RFC 7714) by libsrtp, in the way of each packet: what a leg sends is sealed last, what it
 * receives is opened first. Contexts are made when keys are agreed on; no packet allocates but the first of an SSRC.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <srtp2/srtp.h>

#include "../private/media_internal.h"

_Static_assert(MEDIA_SRTP_TRAILER >= SRTP_MAX_TRAILER_LEN, "room for what sealing adds");

/* A peer may change its SSRC as often as it likes: of so many the replay windows are kept. */
#define SOURCES_KEPT 32

struct secure_context {
    media_crypto crypto;
    srtp_t out, in;
    uint32_t sources[SOURCES_KEPT]; /* SSRCs received */
    uint32_t current, next;         /* places among them: of the last packet, of the next new one */
};

static bool available[MEDIA_SUITES];

static void set_policy(srtp_policy_t *policy, const media_crypto *crypto)
{
    memset(policy, 0, sizeof(*policy));
    switch (crypto->suite) {
    case MEDIA_AEAD_AES_256_GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
        break;
    case MEDIA_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
        break;
    case MEDIA_AES_CM_128_HMAC_SHA1_32:
        /* RFC 4568 §6.2.2: RTCP keeps the long tag. */
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
        srtp_crypto_policy_set_rtcp_default(&policy->rtcp);
        break;
    case MEDIA_AES_CM_128_HMAC_SHA1_80:
    case MEDIA_SUITES:
        srtp_crypto_policy_set_rtp_default(&policy->rtp);
        srtp_crypto_policy_set_rtcp_default(&policy->rtcp);
        break;
    }
    policy->window_size = 128;
}

static srtp_t open_session(const media_crypto *crypto, const uint8_t *key, srtp_ssrc_type_t direction)
{
    srtp_policy_t policy;
    srtp_t session = NULL;
    set_policy(&policy, crypto);
    policy.ssrc.type = direction;
    policy.key = (uint8_t *)key;
    return srtp_create(&session, &policy) == srtp_err_status_ok ? session : NULL;
}

bool secure_start(char *error, size_t error_size)
{
    static bool started;
    if (!started && srtp_init() != srtp_err_status_ok) {
        snprintf(error, error_size, "libsrtp cannot be started");
        return false;
    }
    started = true;
    for (int suite = 0; suite < MEDIA_SUITES; suite++) {
        media_crypto probe = {.suite = (media_suite)suite};
        srtp_t session = open_session(&probe, probe.out_key, ssrc_any_outbound);
        available[suite] = session != NULL;
        if (session != NULL)
            srtp_dealloc(session);
    }
    return true;
}

bool media_has_suite(media_suite suite)
{
    return available[suite];
}

static void close_session(srtp_t *session)
{
    if (*session != NULL)
        srtp_dealloc(*session);
    *session = NULL;
}

void secure_close(media_leg *leg)
{
    if (leg->secure == NULL)
        return;
    close_session(&leg->secure->out);
    close_session(&leg->secure->in);
    explicit_bzero(leg->secure, sizeof(*leg->secure));
    free(leg->secure);
    leg->secure = NULL;
}

void secure_set(media_leg *leg, const media_crypto *crypto)
{
    leg->encrypted = crypto->on; /* from here on nothing leaves in clear, whatever fails */
    if (!crypto->on) {
        secure_close(leg);
        return;
    }
    if (leg->secure == NULL) {
        leg->secure = calloc(1, sizeof(*leg->secure));
        if (leg->secure == NULL)
            return;
    }
    secure_context *context = leg->secure;
    /* A key that stays goes on where it was: its packet counter must not begin again (RFC 3711 §9.1). */
    bool same = context->crypto.on && context->crypto.suite == crypto->suite;
    bool same_out = same && memcmp(context->crypto.out_key, crypto->out_key, MEDIA_KEY) == 0;
    bool same_in = same && memcmp(context->crypto.in_key, crypto->in_key, MEDIA_KEY) == 0;
    context->crypto = *crypto;
    if (!same_out) {
        close_session(&context->out);
        context->out = open_session(crypto, crypto->out_key, ssrc_any_outbound);
    }
    if (!same_in) {
        close_session(&context->in);
        memset(context->sources, 0, sizeof(context->sources));
        context->in = open_session(crypto, crypto->in_key, ssrc_any_inbound);
    }
}

/* ---------------------------------------------------------------- packets */

bool secure_seal(media_leg *leg, uint8_t *packet, size_t *size)
{
    int length = (int)*size;
    if (leg->secure == NULL || leg->secure->out == NULL || srtp_protect(leg->secure->out, packet, &length) != srtp_err_status_ok)
        return false;
    *size = (size_t)length;
    return true;
}

bool secure_seal_control(media_leg *leg, uint8_t *packet, size_t *size)
{
    int length = (int)*size;
    if (leg->secure == NULL || leg->secure->out == NULL || srtp_protect_rtcp(leg->secure->out, packet, &length) != srtp_err_status_ok)
        return false;
    *size = (size_t)length;
    return true;
}

static void note_source(secure_context *context, const uint8_t *ssrc_in_packet)
{
    uint32_t ssrc;
    memcpy(&ssrc, ssrc_in_packet, 4);
    for (uint32_t i = 0; context->sources[context->current] != ssrc && i < SOURCES_KEPT; i++) {
        if (context->sources[i] == ssrc)
            context->current = i;
    }
    if (context->sources[context->current] == ssrc)
        return;
    if (context->sources[context->next] != 0)
        srtp_remove_stream(context->in, context->sources[context->next]);
    context->sources[context->next] = ssrc;
    context->current = context->next;
    context->next = (context->next + 1) % SOURCES_KEPT;
}

bool secure_open(media_leg *leg, uint8_t *packet, size_t *size)
{
    int length = (int)*size;
    if (leg->secure == NULL || leg->secure->in == NULL || *size < RTP_HEADER ||
        srtp_unprotect(leg->secure->in, packet, &length) != srtp_err_status_ok)
        return false;
    *size = (size_t)length;
    note_source(leg->secure, packet + 8);
    return true;
}

bool secure_open_control(media_leg *leg, uint8_t *packet, size_t *size)
{
    int length = (int)*size;
    if (leg->secure == NULL || leg->secure->in == NULL || srtp_unprotect_rtcp(leg->secure->in, packet, &length) != srtp_err_status_ok)
        return false;
    *size = (size_t)length;
    note_source(leg->secure, packet + 4);
    return true;
}
