/* Re-INVITEs of ours: one at a time, behind any other INVITE transaction of the dialog, again after a 491. */
#include <string.h>

#include "../private/leg.h"

static void report(struct leg *leg, const struct leg_operation *operation, int status)
{
    tel_event event;
    event_init(&event, TEL_EVENT_REOFFERED, leg->id, operation->token);
    event.status = status;
    event.codec = sdp_codec_name(leg->params.formats[0].codec);
    event.peer_sends = leg->peer_sends;
    event.peer_receives = leg->peer_receives;
    tel_emit(&event);
}

static void finish_first(struct leg *leg, int status)
{
    struct leg_operation operation = leg->operations[0];
    leg->operation_count--;
    memmove(leg->operations, leg->operations + 1, (size_t)leg->operation_count * sizeof(operation));
    leg->operating = false;
    leg->operation_tsx = NULL;
    if (operation.is_hold && status / 100 == 2)
        leg->held = operation.hold;
    if (operation.hand_over)
        handover_report(leg, status, status >= 300);
    else if (!operation.narrow && !operation.identify && !operation.anew)
        report(leg, &operation, status);
}

static bool is_done_already(const struct leg *leg, const struct leg_operation *operation)
{
    if (operation->identify || operation->hand_over || operation->anew)
        return false;
    if (operation->is_hold)
        return leg->held == operation->hold;
    if (operation->narrow && leg->params.format_count > 1)
        return false;
    return leg->params.formats[0].codec == operation->codec;
}

/** A codec that the peer, asked for all it has, did not name. */
static bool is_impossible(const struct leg *leg, const struct leg_operation *operation)
{
    bool known = operation->is_hold || operation->anew || !leg->caps_are_all;
    for (int i = 0; i < leg->caps.codec_count && !known; i++)
        known = leg->caps.codecs[i] == operation->codec;
    return !known;
}

static bool may_offer(const struct leg *leg)
{
    const pjsip_inv_session *inv = leg->inv;
    return leg->answered && inv->state == PJSIP_INV_STATE_CONFIRMED && !inv->invite_tsx &&
           pjmedia_sdp_neg_get_state(inv->neg) == PJMEDIA_SDP_NEG_STATE_DONE;
}

/** Without an offer: nothing but who is there is new (RFC 3311 §5.1). */
static bool send_update(struct leg *leg)
{
    pjsip_tx_data *tdata = NULL;
    pj_status_t status = pjsip_inv_update(leg->inv, NULL, NULL, &tdata);
    if (status == PJ_SUCCESS) {
        identity_add_pending(tdata, leg);
        leg->operating = true;
        status = pjsip_inv_send_msg(leg->inv, tdata);
    }
    if (status != PJ_SUCCESS)
        note_pj_error("UPDATE", status);
    return status == PJ_SUCCESS;
}

/** From its offer on the peer may send the codec, before the answer has come (RFC 3264 §5.1). */
static void expect_offered(const struct leg *leg, media_codec codec)
{
    media_params params = leg->params;
    uint32_t clock_rate = sdp_clock_rate(codec);
    if (codec == params.formats[0].codec)
        return;
    params.offered = (media_format){
        .codec = codec,
        .rx_pt = leg->local_pt[codec],
        .clock_rate = clock_rate,
        .event_rx_pt = leg->local_event_pt[clock_rate == 48000],
    };
    media_set(leg->id, &params);
}

/** The current codec alone for a hold, so that no answer can change it; the wanted one alone for a match. */
static bool send_first(struct leg *leg)
{
    const struct leg_operation *operation = &leg->operations[0];
    struct leg_caps caps = leg->caps;
    pjsip_tx_data *tdata = NULL;
    if (operation->hand_over)
        return handover_send(leg);
    if (operation->identify && !operation->by_reinvite)
        return send_update(leg);
    bool keeps_codec = operation->is_hold || operation->identify || operation->anew;
    caps.codecs[0] = keeps_codec ? leg->params.formats[0].codec : operation->codec;
    caps.codec_count = 1;
    pj_pool_t *pool = pjsip_endpt_create_pool(sip.endpoint, "offer", 4000, 2000);
    if (!pool)
        return false;
    const pjmedia_sdp_session *offer =
        describe_offer(leg, pool, &caps, operation->is_hold ? operation->hold : leg->held);
    pj_status_t status = pjsip_inv_reinvite(leg->inv, NULL, offer, &tdata);
    pjsip_endpt_release_pool(sip.endpoint, pool);
    if (status == PJ_SUCCESS) {
        if (operation->identify)
            identity_add_pending(tdata, leg);
        leg->operating = true;
        leg->refused_media = false; /* of an earlier exchange */
        expect_offered(leg, caps.codecs[0]);
        status = pjsip_inv_send_msg(leg->inv, tdata);
    }
    if (status != PJ_SUCCESS)
        note_pj_error("re-INVITE", status);
    return status == PJ_SUCCESS;
}

/** Our media has another address than the peer knows. */
static void add_move(struct leg *leg)
{
    if (!leg->moved || !leg->answered || leg->operation_count == LEG_MAX_OPERATIONS)
        return;
    leg->operations[leg->operation_count++] = (struct leg_operation){.anew = true};
    leg->moved = false;
}

void operations_kick(struct leg *leg)
{
    pjsip_dialog *dialog = leg->dialog;
    add_move(leg);
    while (leg && leg->operation_count > 0 && !leg->operating && !leg->waiting && may_offer(leg)) {
        if (is_done_already(leg, &leg->operations[0])) {
            finish_first(leg, PJSIP_SC_OK);
        } else if (is_impossible(leg, &leg->operations[0])) {
            finish_first(leg, PJSIP_SC_NOT_ACCEPTABLE_HERE);
        } else if (!send_first(leg)) {
            leg = leg_of(dialog); /* a transport error may have ended it */
            if (leg)
                finish_first(leg, PJSIP_SC_SERVICE_UNAVAILABLE);
        } else {
            leg = leg_of(dialog);
        }
    }
}

static void on_glare_over(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    PJ_UNUSED_ARG(heap);
    struct leg *leg = leg_acquire(leg_of_timer(entry));
    if (!leg)
        return;
    pjsip_dialog *dialog = leg->dialog;
    leg->waiting = false;
    operations_kick(leg);
    leg_release(dialog);
}

/** RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s, in units of 10 ms. */
static void wait_after_glare(struct leg *leg)
{
    uint32_t units = leg->outgoing ? 210 + (uint32_t)pj_rand() % 191 : (uint32_t)pj_rand() % 201;
    leg->operating = false;
    leg->operation_tsx = NULL;
    leg->waiting = true;
    leg_schedule(leg, &leg->glare, on_glare_over, units * 10);
}

/** PJSIP takes an offer back that was refused, but not by a 401, 407 or 422 that it has no second try for. */
static void take_back_offer(const pjsip_inv_session *inv, const pjsip_transaction *tsx)
{
    if (tsx->state == PJSIP_TSX_STATE_COMPLETED && inv->state == PJSIP_INV_STATE_CONFIRMED && !inv->invite_tsx &&
        pjmedia_sdp_neg_get_state(inv->neg) == PJMEDIA_SDP_NEG_STATE_LOCAL_OFFER)
        pjmedia_sdp_neg_cancel_offer(inv->neg);
}

void operations_on_response(struct leg *leg, pjsip_transaction *tsx)
{
    take_back_offer(leg->inv, tsx);
    if (tsx->state == PJSIP_TSX_STATE_CALLING && leg->operating)
        leg->operation_tsx = tsx;
    if (!leg->operating || tsx != leg->operation_tsx || tsx->state < PJSIP_TSX_STATE_COMPLETED)
        return;
    int status = tsx->status_code;
    bool sent_again = leg->inv->invite_tsx && leg->inv->invite_tsx != tsx;
    if (sent_again)
        return; /* with credentials, or a longer session interval */
    if (status == PJSIP_SC_REQUEST_PENDING) {
        wait_after_glare(leg);
        return;
    }
    if (leg->refused_media) {
        pjsip_inv_session *inv = leg->inv;
        leg_end(leg, &(struct leg_ending){.end = TEL_END_NO_CODEC});
        session_close(inv, PJSIP_SC_NOT_ACCEPTABLE_HERE, 0, "no common codec", 0);
        return;
    }
    finish_first(leg, status);
}

/** Whether the operation under way is a request of that kind. */
static bool is_by(const struct leg *leg, const pjsip_method *method)
{
    const struct leg_operation *operation = &leg->operations[0];
    if (!leg->operating)
        return false;
    return operation->hand_over ? pj_stricmp2(&method->name, "REFER") == 0
                                : operation->identify && !operation->by_reinvite &&
                                      pj_stricmp2(&method->name, "UPDATE") == 0;
}

void operations_on_request(struct leg *leg, pjsip_transaction *tsx)
{
    if (!is_by(leg, &tsx->method))
        return;
    if (tsx->state < PJSIP_TSX_STATE_COMPLETED) {
        leg->operation_tsx = tsx; /* the first, or the one that PJSIP has sent again with credentials */
        return;
    }
    if (tsx != leg->operation_tsx)
        return;
    struct leg_operation *operation = &leg->operations[0];
    bool unknown = tsx->status_code == PJSIP_SC_METHOD_NOT_ALLOWED || tsx->status_code == PJSIP_SC_NOT_IMPLEMENTED;
    if (operation->hand_over && tsx->status_code == PJSIP_SC_REQUEST_PENDING) {
        wait_after_glare(leg);
        return;
    }
    if (operation->identify && unknown) {
        operation->by_reinvite = true;
        leg->operating = false;
        leg->operation_tsx = NULL;
    } else {
        finish_first(leg, tsx->status_code);
    }
    operations_kick(leg);
}

void operations_narrow(struct leg *leg)
{
    /* A refusal leaves it as it is: each format that the other leg accepts is relayed. */
    if (leg->params.format_count > 1 && leg->operation_count < LEG_MAX_OPERATIONS) {
        media_codec first = leg->params.formats[0].codec;
        leg->operations[leg->operation_count++] = (struct leg_operation){.narrow = true, .codec = first};
    }
    operations_kick(leg);
}

static tel_result enqueue(tel_leg_id id, const struct leg_operation *operation)
{
    struct leg *leg = leg_acquire(id);
    if (!leg)
        return TEL_ERR_NO_LEG;
    pjsip_dialog *dialog = leg->dialog;
    tel_result result = TEL_OK;
    if (!leg->answered) {
        result = TEL_ERR_STATE;
    } else if (leg->operation_count == LEG_MAX_OPERATIONS) {
        result = TEL_ERR_FULL;
    } else {
        leg->operations[leg->operation_count++] = *operation;
        operations_kick(leg);
    }
    leg_release(dialog);
    return result;
}

tel_result tel_hold(tel_leg_id leg, bool hold, uint64_t token)
{
    return enqueue(leg, &(struct leg_operation){.is_hold = true, .hold = hold, .token = token});
}

tel_result tel_match_codec(tel_leg_id leg, tel_leg_id ref, uint64_t token)
{
    struct leg_caps caps;
    if (!leg_caps_of(ref, &caps))
        return TEL_ERR_NO_LEG;
    if (caps.current < 0)
        return TEL_ERR_STATE;
    return enqueue(leg, &(struct leg_operation){.codec = (media_codec)caps.current, .token = token});
}
