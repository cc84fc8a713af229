/* Answering a call: provisional responses, 2xx, redirection. */
#include <string.h>

#include "../private/leg.h"

static int current_codec_of(tel_leg_id id)
{
    struct leg_caps caps;
    return id != 0 && leg_caps_of(id, &caps) ? caps.current : -1;
}

/** Our offer for an INVITE that had none: what the other leg has, its current codec first. */
static pjmedia_sdp_session *offer_instead(struct leg *leg, pj_pool_t *pool, tel_leg_id codec_of)
{
    struct leg_caps caps;
    if (codec_of == 0 || !leg_caps_of(codec_of, &caps) || caps.codec_count == 0) {
        memset(&caps, 0, sizeof(caps));
        memcpy(caps.codecs, sip.codecs, sizeof(caps.codecs));
        caps.codec_count = sip.codec_count;
        caps.current = -1;
    }
    for (int i = 1; i < caps.codec_count; i++) {
        if ((int)caps.codecs[i] == caps.current) {
            caps.codecs[i] = caps.codecs[0];
            caps.codecs[0] = (media_codec)caps.current;
        }
    }
    return describe_offer(leg, pool, &caps, leg->held);
}

/** What goes with the response; NULL where the offer has been answered already. */
static pjmedia_sdp_session *description(struct leg *leg, pj_pool_t *pool, tel_leg_id codec_of)
{
    const pjmedia_sdp_session *offer;
    struct sdp_audio audio;
    pjmedia_sdp_neg *negotiator = leg->inv->neg;
    if (!negotiator)
        return offer_instead(leg, pool, codec_of);
    if (pjmedia_sdp_neg_get_state(negotiator) != PJMEDIA_SDP_NEG_STATE_REMOTE_OFFER ||
        pjmedia_sdp_neg_get_neg_remote(negotiator, &offer) != PJ_SUCCESS)
        return NULL;
    sdp_read(offer, -1, leg->family, &audio);
    return audio.line < 0 ? NULL : describe_answer(leg, pool, &audio, current_codec_of(codec_of));
}

static tel_result respond(struct leg *leg, int status, const pjmedia_sdp_session *sdp)
{
    pjsip_tx_data *tdata;
    pj_status_t result = pjsip_inv_answer(leg->inv, status, NULL, sdp, &tdata);
    if (result == PJ_SUCCESS)
        result = pjsip_inv_send_msg(leg->inv, tdata);
    if (result != PJ_SUCCESS)
        note_pj_error("response", result);
    return result == PJ_SUCCESS ? TEL_OK : TEL_ERR_SYSTEM;
}

static bool may_respond(const struct leg *leg)
{
    return !leg->outgoing && leg->inv->invite_tsx && leg->inv->state < PJSIP_INV_STATE_CONNECTING;
}

static tel_result with_description(struct leg *leg, int status, tel_leg_id codec_of)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "answer", 4000, 2000);
    if (!pool)
        return TEL_ERR_FULL;
    tel_result result = respond(leg, status, description(leg, pool, codec_of));
    pjsip_endpt_release_pool(sip.endpoint, pool);
    return result;
}

tel_result tel_ring(tel_leg_id id, int status, tel_leg_id early)
{
    if (status < 180 || status > 183)
        return TEL_ERR_INVALID;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = TEL_ERR_STATE;
    if (may_respond(leg)) {
        /* An offer in an unreliable provisional response is none (RFC 6337 §2.1): only an answer is sent early. */
        bool with_answer = early != 0 && leg->inv->neg && status == PJSIP_SC_PROGRESS;
        result = with_answer ? with_description(leg, status, early) : respond(leg, status, NULL);
    }
    leg_release(dialog);
    return result;
}

tel_result tel_answer(tel_leg_id id, tel_leg_id codec_of)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = may_respond(leg) ? with_description(leg, PJSIP_SC_OK, codec_of) : TEL_ERR_STATE;
    leg_release(dialog);
    return result;
}

static pjsip_contact_hdr *parse_contact(pj_pool_t *pool, const char *uri)
{
    pj_str_t name = {"Contact", 7}, value;
    char text[LEG_URI + 2];
    if (pj_ansi_snprintf(text, sizeof(text), "<%s>", uri) >= (int)sizeof(text))
        return NULL;
    pj_strdup2_with_null(pool, &value, text);
    return pjsip_parse_hdr(pool, &name, value.ptr, (pj_size_t)value.slen, NULL);
}

static tel_result redirect(struct leg *leg, int status, const char *uri)
{
    pjsip_inv_session *inv = leg->inv;
    pjsip_tx_data *tdata;
    pj_status_t result = pjsip_inv_answer(inv, status, NULL, NULL, &tdata);
    if (result != PJ_SUCCESS) {
        note_pj_error("response", result);
        return TEL_ERR_SYSTEM;
    }
    pjsip_contact_hdr *contact = parse_contact(tdata->pool, uri);
    if (!contact) {
        pjsip_tx_data_dec_ref(tdata);
        note_error("%s: not a SIP URI", uri);
        return TEL_ERR_INVALID;
    }
    while (pjsip_msg_find_remove_hdr(tdata->msg, PJSIP_H_CONTACT, NULL))
        continue;
    pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)contact);
    leg_end(leg, &(struct leg_ending){.end = TEL_END_LOCAL, .status = status});
    pjsip_inv_send_msg(inv, tdata);
    return TEL_OK;
}

tel_result tel_redirect(tel_leg_id id, int status, const char *contact_uri)
{
    if (status < 300 || status > 399)
        return TEL_ERR_INVALID;
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = may_respond(leg) ? redirect(leg, status, contact_uri) : TEL_ERR_STATE;
    leg_release(dialog);
    return result;
}
