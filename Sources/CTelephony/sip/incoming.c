/* A new INVITE: refused here, or given a leg and reported. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../private/leg.h"

/** The status by which this INVITE is refused whatever the application would say; 0: none. */
static int check(pjsip_rx_data *rdata, struct sdp_audio *audio, bool *has_offer)
{
    pjsip_max_fwd_hdr *hops = rdata->msg_info.max_fwd;
    if (hops && hops->ivalue <= 0)
        return PJSIP_SC_TOO_MANY_HOPS;
    audio->line = -1;
    *has_offer = rdata->msg_info.msg->body != NULL;
    if (!*has_offer)
        return 0;
    pjsip_rdata_sdp_info *info = pjsip_rdata_get_sdp_info(rdata);
    if (info->sdp_err != PJ_SUCCESS || !info->sdp || pjmedia_sdp_validate2(info->sdp, PJ_FALSE) != PJ_SUCCESS)
        return PJSIP_SC_NOT_ACCEPTABLE_HERE;
    sdp_read(info->sdp, -1, 0, audio);
    return audio->line < 0 ? PJSIP_SC_NOT_ACCEPTABLE_HERE : 0;
}

/** Contact, Require and Supported are PJSIP's to check; it has the response ready where it refuses. */
static bool verify(pjsip_rx_data *rdata, unsigned *options)
{
    pjsip_tx_data *tdata = NULL;
    *options = PJSIP_INV_SUPPORT_100REL | PJSIP_INV_SUPPORT_TIMER | PJSIP_INV_SUPPORT_UPDATE;
    pj_status_t status = pjsip_inv_verify_request(rdata, options, NULL, NULL, sip.endpoint, &tdata);
    if (status == PJ_SUCCESS)
        return true;
    int code = PJSIP_SC_BAD_REQUEST;
    if (tdata) {
        pjsip_response_addr address;
        code = tdata->msg->line.status.code;
        if (pjsip_get_response_addr(tdata->pool, rdata, &address) != PJ_SUCCESS ||
            pjsip_endpt_send_response(sip.endpoint, &address, tdata, NULL, NULL) != PJ_SUCCESS)
            pjsip_tx_data_dec_ref(tdata);
    } else {
        server_respond(rdata, code, NULL);
    }
    server_refused(rdata, code);
    return false;
}

static void header_uri(pjsip_rx_data *rdata, const char *header_name, char *buffer, size_t size)
{
    pj_str_t name = pj_str((char *)header_name);
    pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL);
    buffer[0] = 0;
    if (header)
        text_uri(buffer, size, text_first_address(rdata->tp_info.pool, &header->hvalue));
}

/** Those that the configuration names, one a line. What has no room is left out whole. */
static void read_headers(const pjsip_msg *message, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < sip.pass_header_count; i++) {
        pj_str_t name = pj_str(sip.pass_headers[i]);
        const pjsip_hdr *header = pjsip_msg_find_hdr_by_name(message, &name, NULL);
        while (header) {
            char text[1024];
            int length = header->type == PJSIP_H_OTHER ? pjsip_hdr_print_on((void *)header, text, sizeof(text) - 1) : 0;
            if (length > 0 && used + (size_t)length + 1 < size) {
                for (int k = 0; k < length; k++)
                    buffer[used++] = iscntrl((unsigned char)text[k]) ? ' ' : text[k];
                buffer[used++] = '\n';
                buffer[used] = 0;
            }
            if ((const void *)header->next == (const void *)&message->hdr)
                break;
            header = pjsip_msg_find_hdr_by_name(message, &name, header->next);
        }
    }
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static void report(const struct leg *leg, pjsip_rx_data *rdata, bool has_offer, const struct replaces *replaces,
                   const char *digest_user)
{
    char request[LEG_URI], from[LEG_URI], display[LEG_DISPLAY], to[LEG_URI], called[LEG_URI], source[80];
    char asserted[LEG_URI], asserted_display[LEG_DISPLAY], headers[2048];
    text_uri(request, sizeof(request), rdata->msg_info.msg->line.req.uri);
    text_uri(from, sizeof(from), rdata->msg_info.from->uri);
    text_display(display, sizeof(display), rdata->msg_info.from->uri);
    text_uri(to, sizeof(to), rdata->msg_info.to->uri);
    identity_read(rdata, asserted, sizeof(asserted), asserted_display, sizeof(asserted_display));
    read_headers(rdata->msg_info.msg, headers, sizeof(headers));
    header_uri(rdata, "P-Called-Party-ID", called, sizeof(called));
    pj_sockaddr_print(&rdata->pkt_info.src_addr, source, sizeof(source), 3);

    tel_event event;
    event_init(&event, TEL_EVENT_INCOMING, leg->id, leg->token);
    event.trusted = server_trusts(rdata);
    event.privacy_id = identity_asks_for_privacy(rdata->msg_info.msg);
    event.has_offer = has_offer;
    event.replaces = replaces->leg;
    event.early_only = replaces->early_only;
    event.max_forwards = rdata->msg_info.max_fwd ? rdata->msg_info.max_fwd->ivalue : -1;
    event.call_id = leg->call_id;
    event.request_uri = or_null(request);
    event.from_uri = or_null(from);
    event.from_display = or_null(display);
    event.to_uri = or_null(to);
    event.asserted_uri = or_null(asserted);
    event.asserted_display = or_null(asserted_display);
    event.headers = or_null(headers);
    event.called_party_uri = or_null(called);
    event.source = source;
    event.digest_user = or_null(digest_user);
    tel_emit(&event);
}

/** 100, or the 422 by which PJSIP answers a session interval that is too small (RFC 4028 §9). */
static bool answer_trying(pjsip_inv_session *inv, pjsip_rx_data *rdata, int *refusal)
{
    pjsip_tx_data *tdata = NULL;
    pj_status_t status = pjsip_inv_initial_answer(inv, rdata, PJSIP_SC_TRYING, NULL, NULL, &tdata);
    *refusal = tdata ? tdata->msg->line.status.code : PJSIP_SC_INTERNAL_SERVER_ERROR;
    if (tdata && pjsip_inv_send_msg(inv, tdata) != PJ_SUCCESS)
        return false;
    if (!tdata)
        pjsip_inv_terminate(inv, PJSIP_SC_INTERNAL_SERVER_ERROR, PJ_FALSE);
    return status == PJ_SUCCESS;
}

void incoming_invite(pjsip_rx_data *rdata)
{
    struct sdp_audio audio;
    struct replaces replaces;
    bool has_offer;
    unsigned options;
    char user[64];
    if (!server_admits(rdata, user, sizeof(user)))
        return;
    if (pjsip_tsx_detect_merged_requests(rdata)) { /* it has come by another way too (RFC 3261 §8.2.2.2) */
        pjsip_endpt_respond_stateless(sip.endpoint, rdata, PJSIP_SC_LOOP_DETECTED, NULL, NULL, NULL);
        server_refused(rdata, PJSIP_SC_LOOP_DETECTED);
        return;
    }
    int status = check(rdata, &audio, &has_offer);
    if (status == 0)
        status = replaces_check(rdata, &replaces);
    if (status != 0) {
        server_respond(rdata, status, NULL);
        server_refused(rdata, status);
        return;
    }
    if (!verify(rdata, &options))
        return;
    /* Without an offer the peer is taken to have its media where its signalling comes from. */
    struct leg *leg = leg_open(0, (has_offer ? &audio.rtp : &rdata->pkt_info.src_addr)->addr.sa_family);
    if (!leg) {
        server_respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL);
        server_refused(rdata, PJSIP_SC_SERVICE_UNAVAILABLE);
        return;
    }
    pjsip_dialog *dialog = contact_create_dialog(rdata);
    pjsip_inv_session *inv = NULL;
    if (!dialog) {
        leg_discard(leg);
        server_respond(rdata, PJSIP_SC_BAD_REQUEST, NULL);
        server_refused(rdata, PJSIP_SC_BAD_REQUEST);
        return;
    }
    if (pjsip_inv_create_uas(dialog, rdata, NULL, options, &inv) != PJ_SUCCESS) {
        leg_discard(leg);
        pjsip_dlg_respond(dialog, rdata, PJSIP_SC_INTERNAL_SERVER_ERROR, NULL, NULL, NULL);
        pjsip_dlg_dec_lock(dialog);
        server_refused(rdata, PJSIP_SC_INTERNAL_SERVER_ERROR);
        return;
    }
    pjsip_timer_setting timer;
    pjsip_timer_setting_default(&timer);
    timer.min_se = sip.min_se_s;
    if (sip.session_expires_s)
        timer.sess_expires = sip.session_expires_s;
    pjsip_timer_init_session(inv, &timer);

    leg->trust_domain = server_trusts(rdata);
    leg->trusted = leg->trust_domain || user[0];
    leg->external = contact_is_external(&rdata->pkt_info.src_addr);
    pj_sockaddr_cp(&leg->peer, &rdata->pkt_info.src_addr);
    if (has_offer) {
        struct leg_caps caps;
        sdp_common(&audio, &caps);
        leg_set_caps(leg, &caps);
    }
    if (!answer_trying(inv, rdata, &status)) {
        leg_discard(leg);
        server_refused(rdata, status);
    } else {
        leg_attach(leg, inv);
        report(leg, rdata, has_offer, &replaces, user);
    }
    pjsip_dlg_dec_lock(dialog);
}
