/* PJSIP's callbacks about INVITE sessions; each comes with the dialog locked. */
#include <string.h>

#include "../private/leg.h"

void leg_answered(struct leg *leg)
{
    leg->answered = true;
    leg_unschedule(&leg->no_response);
    leg_remember_dialog(leg);
    if (leg->params.expect_rtp != leg->may_expect_rtp) {
        leg->params.expect_rtp = leg->may_expect_rtp;
        media_set(leg->id, &leg->params);
    }
    tel_event event;
    event_init(&event, TEL_EVENT_ANSWERED, leg->id, leg->token);
    event.status = PJSIP_SC_OK;
    event.codec = sdp_codec_name(leg->params.formats[0].codec);
    event.call_id = leg->call_id;
    event.peer_sends = leg->peer_sends;
    event.peer_receives = leg->peer_receives;
    tel_emit(&event);
    probe_start(leg);
    message_send_note(leg);
    if (leg->outgoing)
        operations_narrow(leg);
    else
        operations_kick(leg);
}

static void end_without_codec(struct leg *leg)
{
    pjsip_inv_session *inv = leg->inv;
    leg_end(leg, &(struct leg_ending){.end = TEL_END_NO_CODEC});
    session_close(inv, PJSIP_SC_NOT_ACCEPTABLE_HERE, 0, "no common codec", 0);
}

/**
 * Gives back what PJSIP keeps of an INVITE of ours that has been acknowledged, some 25 KB a leg: the request, for a
 * redirect or a 422 that cannot come any more, and the ACK, which PJSIP makes anew if the 200 comes once more. An ACK
 * with the answer in it (RFC 3261 §13.2.1) cannot be made again and stays.
 */
static void drop_kept_messages(pjsip_inv_session *inv)
{
    if (inv->invite_req) {
        pjsip_tx_data_dec_ref(inv->invite_req);
        inv->invite_req = NULL;
    }
    if (inv->last_ack && !inv->last_ack->msg->body) {
        pjsip_tx_data_dec_ref(inv->last_ack);
        inv->last_ack = NULL;
    }
}

static void on_state_changed(pjsip_inv_session *inv, pjsip_event *event)
{
    struct leg *leg = leg_of(inv->dlg);
    switch (inv->state) {
    case PJSIP_INV_STATE_CONNECTING:
        /* Our 2xx is out; without an offer in the INVITE the media is agreed on by the ACK only. */
        if (leg && !leg->outgoing && leg->agreed && !leg->answered)
            leg_answered(leg);
        break;
    case PJSIP_INV_STATE_CONFIRMED:
        if (!leg && inv->role == PJSIP_ROLE_UAC)
            session_close(inv, 0, 0, NULL, 0); /* its 200 has crossed our CANCEL */
        else if (leg && (leg->refused_media || !leg->agreed))
            end_without_codec(leg);
        else if (leg && !leg->answered)
            leg_answered(leg);
        break;
    case PJSIP_INV_STATE_DISCONNECTED:
        if (leg)
            leg_end_by_session(leg, event);
        break;
    default:
        break;
    }
}

static void report_progress(struct leg *leg, int status)
{
    leg->rang = true;
    leg_unschedule(&leg->no_response);
    bool early = leg->agreed;
    if (status == leg->progress_status && early == leg->progress_early)
        return; /* repeated, as RFC 3261 §13.3.1.1 has it every minute */
    leg->progress_status = status;
    leg->progress_early = early;
    dialogs_note(leg->id, leg->dialog);
    tel_event event;
    event_init(&event, TEL_EVENT_PROGRESS, leg->id, leg->token);
    event.status = status;
    event.early_media = early;
    if (early)
        event.codec = sdp_codec_name(leg->params.formats[0].codec);
    tel_emit(&event);
}

static void note_request(struct leg *leg, tel_end end, pjsip_event *event)
{
    reason_read(event->body.tsx_state.src.rdata->msg_info.msg, &leg->noted);
    leg->noted_end = end;
}

static void on_server_transaction(struct leg *leg, pjsip_transaction *tsx, pjsip_event *event)
{
    int status;
    if (tsx->state != PJSIP_TSX_STATE_TRYING || event->body.tsx_state.type != PJSIP_EVENT_RX_MSG)
        return;
    if (tsx->method.id == PJSIP_BYE_METHOD) {
        note_request(leg, TEL_END_BYE, event);
    } else if (tsx->method.id == PJSIP_CANCEL_METHOD && !leg->outgoing && !leg->answered) {
        if (sip.faults.answer_on_cancel)
            tel_answer(leg->id, 0);
        else
            note_request(leg, TEL_END_CANCELLED, event);
    } else if (pj_stricmp2(&tsx->method.name, "UPDATE") == 0 && faults_refuse_offer(&status)) {
        pjsip_dlg_respond(leg->dialog, event->body.tsx_state.src.rdata, status, NULL, NULL, NULL);
    } else if (leg->answered && (tsx->method.id == PJSIP_INVITE_METHOD || pj_stricmp2(&tsx->method.name, "UPDATE") == 0)) {
        identity_received(leg, event->body.tsx_state.src.rdata);
    }
}

static void on_tsx_state_changed(pjsip_inv_session *inv, pjsip_transaction *tsx, pjsip_event *event)
{
    struct leg *leg = leg_of(inv->dlg);
    if (!leg || event->type != PJSIP_EVENT_TSX_STATE)
        return;
    /* Where a host name leads is known by who answers. */
    if (leg->outgoing && !leg->trust_domain && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG)
        leg->trust_domain = server_trusts(event->body.tsx_state.src.rdata);
    if (tsx->role == PJSIP_ROLE_UAC && tsx->method.id == PJSIP_INVITE_METHOD &&
        inv->state == PJSIP_INV_STATE_CONFIRMED && tsx->state >= PJSIP_TSX_STATE_TERMINATED)
        drop_kept_messages(inv);
    if (tsx->role == PJSIP_ROLE_UAS && tsx->method.id == PJSIP_INVITE_METHOD &&
        inv->state == PJSIP_INV_STATE_CONFIRMED && tsx->state == PJSIP_TSX_STATE_TERMINATED &&
        tsx->status_code == PJSIP_SC_TSX_TIMEOUT) {
        /* No ACK for our 2xx to a re-INVITE (RFC 3261 §14.2). */
        leg_end(leg, &(struct leg_ending){.end = TEL_END_VANISHED});
        session_close(inv, PJSIP_SC_REQUEST_TIMEOUT, 0, NULL, 0);
    } else if (tsx->role == PJSIP_ROLE_UAS) {
        on_server_transaction(leg, tsx, event);
    } else if (tsx->method.id == PJSIP_BYE_METHOD && tsx->state < PJSIP_TSX_STATE_PROCEEDING) {
        /* PJSIP's own BYE: 408 or 481 in the dialog, no ACK, the session timer's end, or a 2xx without an answer. */
        int cause = inv->cause >= PJSIP_SC_BAD_REQUEST ? (int)inv->cause : 0;
        bool gone = cause == PJSIP_SC_REQUEST_TIMEOUT || cause == PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
        tel_end end = leg->answered || gone ? TEL_END_VANISHED : TEL_END_NO_CODEC;
        leg_end(leg, &(struct leg_ending){.end = end, .status = cause});
    } else if (tsx->method.id == PJSIP_INVITE_METHOD && !leg->answered && leg->outgoing &&
               tsx->state == PJSIP_TSX_STATE_PROCEEDING && tsx->status_code > 100) {
        report_progress(leg, tsx->status_code);
    }
}

static void on_rx_offer(pjsip_inv_session *inv, struct pjsip_inv_on_rx_offer_cb_param *offer)
{
    struct leg *leg = leg_of(inv->dlg);
    const pjsip_msg *message = offer->rdata->msg_info.msg;
    if (!leg || (message->type == PJSIP_REQUEST_MSG && faults_refuse_offer(NULL)))
        return;
    agreement_offered(leg, offer->offer, offer->rdata->tp_info.pool);
}

/** Called for each re-INVITE; any result but success has PJSIP answer it with what on_rx_offer has set. */
static pj_status_t on_rx_reinvite(pjsip_inv_session *inv, const pjmedia_sdp_session *offer, pjsip_rx_data *rdata)
{
    struct leg *leg = leg_of(inv->dlg);
    pjsip_tx_data *tdata;
    int status;
    PJ_UNUSED_ARG(offer);
    if (!leg || !faults_refuse_offer(&status))
        return PJ_EINVALIDOP;
    if (pjsip_inv_initial_answer(inv, rdata, status, NULL, NULL, &tdata) == PJ_SUCCESS)
        pjsip_inv_send_msg(inv, tdata);
    return PJ_SUCCESS;
}

/** An offer for a re-INVITE without one: what is in use, in the direction of our hold. */
static void on_create_offer(pjsip_inv_session *inv, pjmedia_sdp_session **offer)
{
    struct leg *leg = leg_of(inv->dlg);
    if (!leg)
        return;
    struct leg_caps caps = leg->caps;
    caps.codecs[0] = leg->params.formats[0].codec;
    caps.codec_count = 1;
    *offer = describe_offer(leg, inv->pool_prov, &caps, leg->held);
}

static void on_media_update(pjsip_inv_session *inv, pj_status_t status)
{
    struct leg *leg = leg_of(inv->dlg);
    if (leg)
        agreement_reached(leg, status);
}

const pjsip_inv_callback session_callbacks = {
    .on_state_changed = on_state_changed,
    .on_tsx_state_changed = on_tsx_state_changed,
    .on_rx_offer2 = on_rx_offer,
    .on_rx_reinvite = on_rx_reinvite,
    .on_create_offer = on_create_offer,
    .on_media_update = on_media_update,
};
